"""Options of one call, clients that share connections, and a function that hears of attempts."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import sys
import threading
import warnings
import weakref
from typing import Any

import mpt_tokens
import pytest


def attempts_of(error: pytest.ExceptionInfo[mpt_tokens.Error]) -> int:
    return len(error.value.attempts)


def test_a_call_has_its_own_limits(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options, backoff=(0.001, 0.01), attempts=2) as client:
        with pytest.raises(mpt_tokens.ServerError) as caught:
            client.delete_token("TKN-500.always-op1", attempts=3)
        assert attempts_of(caught) == 3
        with pytest.raises(mpt_tokens.ServerError) as caught:
            client.delete_token("TKN-500.always-op2")
        assert attempts_of(caught) == 2
        with pytest.raises(mpt_tokens.TimeoutError):
            client.delete_token("TKN-answersilent-op3", timeout=0.05)


def test_a_client_with_other_options(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options, backoff=(0.001, 0.01)) as client:
        once = client.with_options(attempts=1)
        assert type(once) is mpt_tokens.Client
        with pytest.raises(mpt_tokens.ServerError) as caught:
            once.delete_token("TKN-500.always-op4")
        assert attempts_of(caught) == 1
        # Options add up, and what is not given stays.
        both = once.with_options(missing_ok=True)
        assert both.delete_token("TKN-never-was-op4").outcome == "gone"
        with pytest.raises(mpt_tokens.ServerError) as caught:
            both.delete_token("TKN-500.always-op5")
        assert attempts_of(caught) == 1
        result = both.delete_tokens(["TKN-never-was-op6"]).run()
        assert result.summary.gone == 1
        # It need not be closed; closing it leaves the other open.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with client.with_options(timeout=5) as short:
                assert short.delete_token("TKN-ok-op7").outcome == "deleted"
            assert short.closed
            del once, short
            gc.collect()
        assert not client.closed
        assert client.delete_token("TKN-ok-op8").outcome == "deleted"
    assert both.closed
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="the client is closed"):
        both.delete_token("TKN-ok-op9")


def test_an_asyncio_client_with_other_options(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options, backoff=(0.001, 0.01)) as client:
            async with client.with_options(attempts=1) as once:
                assert type(once) is mpt_tokens.AsyncClient
                with pytest.raises(mpt_tokens.ServerError) as caught:
                    await once.delete_token("TKN-500.always-op10")
                assert attempts_of(caught) == 1
            assert (await client.delete_token("TKN-ok-op11")).outcome == "deleted"
            with pytest.raises(mpt_tokens.ServerError) as caught:
                await client.delete_token("TKN-500.always-op12", attempts=2)
            assert attempts_of(caught) == 2

    asyncio.run(main())


def test_connections_are_shared() -> None:
    with mpt_tokens.Sandbox(numbered=10) as sandbox, mpt_tokens.Client(**sandbox.options) as client:
        assert client.delete_token("TKN-1000-0001").outcome == "deleted"
        assert client.with_options(timeout=5).delete_token("TKN-1000-0002").outcome == "deleted"
        assert sandbox.stats()["connections"] == 1


def test_a_function_hears_of_each_attempt(sandbox: mpt_tokens.Sandbox) -> None:
    heard: list[tuple[mpt_tokens.AttemptEvent, int]] = []

    def hear(event: mpt_tokens.AttemptEvent) -> None:
        heard.append((event, threading.get_ident()))

    with mpt_tokens.Client(**sandbox.options, backoff=(0.001, 0.01), on_attempt=hear) as client:
        outcome = client.delete_token("TKN-503-op13")
        assert tuple(event.attempt for event, _ in heard) == outcome.attempts
        (first, thread), (second, _) = heard
        assert (first.token_id, first.code, second.code) == ("TKN-503-op13", "server_error", "ok")
        assert first.next_in == pytest.approx(outcome.attempts[1].waited)
        assert second.next_in is None
        assert first.trace_id == outcome.trace_id
        assert thread == threading.get_ident()
        assert "AttemptEvent(token_id='TKN-503-op13'" in repr(first)
        heard.clear()
        for outcome in client.delete_tokens(f"TKN-ok-op14{number}" for number in range(50)):
            of_it = tuple(event.attempt for event, _ in heard if event.token_id == outcome.id)
            assert of_it == outcome.attempts
        assert {thread for _, thread in heard} == {threading.get_ident()}


def test_a_function_that_raises_costs_no_outcome(
    sandbox: mpt_tokens.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)

    def fail(_: mpt_tokens.AttemptEvent) -> None:
        raise LookupError("of the hook")

    with mpt_tokens.Client(**sandbox.options, on_attempt=fail) as client:
        assert client.delete_token("TKN-ok-op15").outcome == "deleted"
        assert client.delete_tokens(["TKN-ok-op16", "TKN-ok-op17"]).run().summary.deleted == 2
    assert [str(it.exc_value) for it in raised] == ["of the hook"] * 3


def test_a_function_that_interrupts_ends_the_call(sandbox: mpt_tokens.Sandbox) -> None:
    def interrupt(_: mpt_tokens.AttemptEvent) -> None:
        raise KeyboardInterrupt

    with mpt_tokens.Client(**sandbox.options, on_attempt=interrupt) as client:
        with pytest.raises(KeyboardInterrupt) as caught:
            client.delete_token("TKN-ok-op18")
        outcome = mpt_tokens.outcome_of(caught.value)
        assert outcome is not None and outcome.outcome == "deleted"


def test_a_function_with_asyncio_has_the_context_of_the_task(sandbox: mpt_tokens.Sandbox) -> None:
    request = contextvars.ContextVar("request", default="")
    heard: list[str] = []

    async def main() -> None:
        async with mpt_tokens.AsyncClient(
            **sandbox.options, on_attempt=lambda event: heard.append(request.get() + event.token_id)
        ) as client:
            request.set("mine: ")
            await client.delete_token("TKN-ok-op19")

    asyncio.run(main())
    assert heard == ["mine: TKN-ok-op19"]


def test_a_function_that_refers_to_its_client_is_collected(sandbox: mpt_tokens.Sandbox) -> None:
    class Audit:
        client: mpt_tokens.Client

        def hear(self, event: mpt_tokens.AttemptEvent) -> None: ...

    audit = Audit()
    audit.client = mpt_tokens.Client(**sandbox.options, on_attempt=audit.hear)
    audit.client.close()
    gone = weakref.ref(audit)
    del audit
    gc.collect()
    assert gone() is None


def test_copies_with_other_values(client: mpt_tokens.Client) -> None:
    outcome = client.delete_token("TKN-ok-op20")
    other = outcome.__replace__(message="as it was told to me")
    assert (other.message, other.id, other.attempts) == ("as it was told to me", outcome.id, outcome.attempts)
    assert other != outcome and outcome.__replace__() == outcome
    with pytest.raises(TypeError):
        outcome.__replace__(no_such_name=1)
    if sys.version_info >= (3, 13):
        assert copy.replace(outcome, message="as it was told to me") == other


def test_every_name_of_the_json_is_an_attribute(client: mpt_tokens.Client) -> None:
    outcome = client.delete_token("TKN-ok-op21")
    told = outcome.to_dict()
    for name in told.keys() - {"attempts", "problem"}:
        assert getattr(outcome, name) == told[name]
    for attempt, json in zip(outcome.attempts, told["attempts"], strict=True):
        for name, value in json.items():
            assert getattr(attempt, name) == value


def test_one_name_for_the_status(client: mpt_tokens.Client) -> None:
    with pytest.raises(mpt_tokens.NotFoundError) as caught:
        client.delete_token("TKN-never-was-op22")
    assert caught.value.http_status == caught.value.report.http_status == caught.value.status == 404
    with pytest.raises(mpt_tokens.InvalidTokenIdError) as refused:
        client.delete_token("..")
    assert refused.value.http_status is None


def test_outcomes_say_where_their_ids_stood(client: mpt_tokens.Client) -> None:
    ids = ["TKN-ok-op23", "..", "TKN-ok-op24", "TKN-ok-op23", "TKN-never-was-op25"]
    outcomes = sorted(client.delete_tokens(ids), key=lambda outcome: outcome.index or 0)
    assert [(outcome.index, outcome.id) for outcome in outcomes] == [
        (number, ids[number]) for number in (0, 1, 2, 4)
    ]
    assert outcomes[3].to_dict()["index"] == 4
    single = client.delete_token("TKN-ok-op26")
    assert single.index is None and "index" not in single.to_dict()
