"""Every code, every exception, from the synchronous and the asynchronous client."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import builtins
import copy
import pickle

import mpt_tokens
import pytest
from mpt_tokens import _errors, _native
from mpt_tokens._outcome import Outcome

# The id, what the client is given beside, the code, the outcome, the exception.
ANSWERED: list[tuple[str, mpt_tokens.ClientOptions, str, str, type[mpt_tokens.Error]]] = [
    ("TKN-400-{}", {}, "bad_request", "not_deleted", mpt_tokens.BadRequestError),
    ("TKN-401-{}", {}, "unauthorized", "not_deleted", mpt_tokens.UnauthorizedError),
    ("TKN-403-{}", {}, "forbidden", "not_deleted", mpt_tokens.ForbiddenError),
    ("TKN-never-was-{}", {}, "not_found", "not_deleted", mpt_tokens.NotFoundError),
    ("TKN-409-{}", {}, "conflict", "not_deleted", mpt_tokens.ConflictError),
    ("TKN-429.always-{}", {}, "rate_limited", "not_deleted", mpt_tokens.RateLimitedError),
    ("TKN-500.always-{}", {}, "server_error", "unknown", mpt_tokens.ServerError),
    ("TKN-answer502.403.always-{}", {}, "forbidden", "unknown", mpt_tokens.ForbiddenError),
    ("TKN-307-{}", {}, "unexpected_response", "not_deleted", mpt_tokens.UnexpectedResponseError),
    ("TKN-302.always-{}", {}, "unexpected_response", "unknown", mpt_tokens.UnexpectedResponseError),
    ("TKN-answerlost.404kong-{}", {}, "unexpected_response", "unknown", mpt_tokens.UnexpectedResponseError),
    ("TKN-200.always-{}", {}, "unexpected_response", "unknown", mpt_tokens.UnexpectedResponseError),
    ("TKN-404html-{}", {}, "unexpected_response", "not_deleted", mpt_tokens.UnexpectedResponseError),
    ("TKN-garbage.always-{}", {}, "unexpected_response", "unknown", mpt_tokens.UnexpectedResponseError),
    ("TKN-answerreset.requestreset.always-{}", {}, "connection_lost", "unknown", mpt_tokens.ConnectionLostError),
    ("TKN-answersilent-{}", {"timeout": 0.1}, "timeout", "unknown", mpt_tokens.TimeoutError),
    ("", {}, "invalid_token_id", "not_deleted", mpt_tokens.InvalidTokenIdError),
    ("..", {}, "invalid_token_id", "not_deleted", mpt_tokens.InvalidTokenIdError),
    ("TKN-0000-0001", {}, "own_token", "not_deleted", mpt_tokens.OwnTokenError),
]


def options(sandbox: mpt_tokens.Sandbox, given: mpt_tokens.ClientOptions) -> mpt_tokens.ClientOptions:
    return {**sandbox.options, "backoff": (0.001, 0.01), **given}


def check(
    error: mpt_tokens.Error, code: str, outcome: str, kind: type[mpt_tokens.Error], token_id: str
) -> None:
    assert type(error) is kind
    assert (error.code, error.outcome) == (code, outcome)
    assert isinstance(error, mpt_tokens.Error)
    assert str(error) == error.report.message
    assert not error.report.is_success
    if kind is not mpt_tokens.InvalidTokenIdError:
        assert error.id == token_id
    if isinstance(error, mpt_tokens.ApiError):
        assert error.status == error.report.http_status
        assert error.problem == error.report.problem
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (twin.report, str(twin), twin.args) == (error.report, str(error), error.args)


@pytest.mark.parametrize(("pattern", "given", "code", "outcome", "kind"), ANSWERED)
def test_failures(
    sandbox: mpt_tokens.Sandbox,
    pattern: str,
    given: mpt_tokens.ClientOptions,
    code: str,
    outcome: str,
    kind: type[mpt_tokens.Error],
) -> None:
    token_id = pattern.format("s1")
    with mpt_tokens.Client(**options(sandbox, given)) as client:
        with pytest.raises(mpt_tokens.Error) as caught:
            client.delete_token(token_id)
    check(caught.value, code, outcome, kind, token_id)


@pytest.mark.parametrize(("pattern", "given", "code", "outcome", "kind"), ANSWERED)
def test_failures_async(
    sandbox: mpt_tokens.Sandbox,
    pattern: str,
    given: mpt_tokens.ClientOptions,
    code: str,
    outcome: str,
    kind: type[mpt_tokens.Error],
) -> None:
    token_id = pattern.format("a1")

    async def main() -> mpt_tokens.Error:
        async with mpt_tokens.AsyncClient(**options(sandbox, given)) as client:
            with pytest.raises(mpt_tokens.Error) as caught:
                await client.delete_token(token_id)
            return caught.value

    check(asyncio.run(main()), code, outcome, kind, token_id)


@pytest.mark.parametrize(
    ("url", "given", "code", "kind"),
    [
        ("https://{label}.test", {}, "resolve_failed", mpt_tokens.ResolveError),
        ("http://127.0.0.1:{closed}", {}, "connect_failed", mpt_tokens.ConnectError),
        ("https://127.0.0.1:{open}", {}, "tls_failed", mpt_tokens.TlsError),
        ("https://api.test", {"proxy": "http://127.0.0.1:{closed}"}, "proxy_failed", mpt_tokens.ProxyError),
    ],
)
def test_no_connection(
    sandbox: mpt_tokens.Sandbox,
    closed_port: int,
    url: str,
    given: dict[str, str],
    code: str,
    kind: type[mpt_tokens.Error],
) -> None:
    # A label of more than 63 characters is no name: it is refused before anyone is asked.
    names = {"label": "a" * 64, "closed": closed_port, "open": sandbox.port}
    proxy = given.get("proxy", "none").format(**names)
    with mpt_tokens.Client(
        api_token="not-a-real-token", base_url=url.format(**names), proxy=proxy, attempts=1
    ) as client:
        with pytest.raises(mpt_tokens.ConnectError) as caught:
            client.delete_token("TKN-1671-0642")
    error = caught.value
    assert isinstance(error, ConnectionError)
    check(error, code, "not_deleted", kind, "TKN-1671-0642")
    assert [(attempt.sent, attempt.failure) for attempt in error.attempts] == [(False, code)]


@pytest.mark.parametrize(
    ("scenario", "given", "outcome", "attempts"),
    [
        ("ok", {}, "deleted", 1),
        ("503.429", {}, "deleted", 3),
        ("answerlost", {}, "gone", 2),
        ("gone", {"missing_ok": True}, "gone", 1),
    ],
)
def test_successes(
    sandbox: mpt_tokens.Sandbox,
    scenario: str,
    given: mpt_tokens.ClientOptions,
    outcome: str,
    attempts: int,
) -> None:
    async def twin() -> Outcome:
        async with mpt_tokens.AsyncClient(**options(sandbox, given)) as client:
            return await client.delete_token(f"TKN-{scenario}-b2")

    with mpt_tokens.Client(**options(sandbox, given)) as client:
        done = client.delete_token(f"TKN-{scenario}-b1")
    for report in (done, asyncio.run(twin())):
        assert (report.outcome, report.code, len(report.attempts)) == (outcome, "ok", attempts)
        assert report.is_success
        assert report.trace_id is not None
        assert len(report.trace_id) == 32
    assert sandbox.truth(f"TKN-{scenario}-b1").status != "Active"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"api_token": ""}, mpt_tokens.InvalidConfigError),
        ({"api_token": "two\nlines"}, mpt_tokens.InvalidConfigError),
        ({"api_token": None}, mpt_tokens.InvalidConfigError),
        ({"base_url": "ftp://127.0.0.1"}, mpt_tokens.InvalidConfigError),
        ({"base_url": "http://example.com"}, mpt_tokens.InvalidConfigError),
        ({"proxy": "::"}, mpt_tokens.InvalidConfigError),
        ({"ca_file": "no-such-file.pem"}, mpt_tokens.InvalidConfigError),
        ({"ca_file": "no-such-file.pem", "ca_only": True}, mpt_tokens.InvalidConfigError),
        ({"user_agent": "two\nlines"}, mpt_tokens.InvalidConfigError),
        ({"ca_only": True}, mpt_tokens.InvalidArgumentError),
        ({"timeout": 0}, mpt_tokens.InvalidArgumentError),
        ({"timeout": -1.5}, mpt_tokens.InvalidArgumentError),
        ({"timeout": float("nan")}, mpt_tokens.InvalidArgumentError),
        ({"timeout": 1e9}, mpt_tokens.InvalidArgumentError),
        ({"connect_timeout": float("inf")}, mpt_tokens.InvalidArgumentError),
        ({"attempts": 0}, mpt_tokens.InvalidArgumentError),
        ({"attempts": -1}, mpt_tokens.InvalidArgumentError),
        ({"attempts": 2**40}, mpt_tokens.InvalidArgumentError),
        ({"backoff": (-1, 1)}, mpt_tokens.InvalidArgumentError),
    ],
)
@pytest.mark.parametrize("client", [mpt_tokens.Client, mpt_tokens.AsyncClient])
def test_options_that_cannot_be_used(
    sandbox: mpt_tokens.Sandbox,
    client: type[mpt_tokens.Client],
    given: mpt_tokens.ClientOptions,
    kind: type[mpt_tokens.Error],
) -> None:
    with pytest.raises(kind) as caught:
        client(**options(sandbox, given))
    assert isinstance(caught.value, ValueError)
    assert caught.value.outcome == "not_deleted"
    assert caught.value.id is None


def test_every_code_has_one_exception() -> None:
    codes = {name for name, _ in _native.CODES}
    assert set(_errors._BY_CODE) == codes - {"ok"}
    kinds = list(_errors._BY_CODE.values())
    assert len(set(kinds)) == len(kinds)
    for kind in kinds:
        assert issubclass(kind, mpt_tokens.Error)
        assert kind.__module__ == "mpt_tokens"
        assert getattr(mpt_tokens, kind.__name__) is kind
        assert kind.__doc__


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (mpt_tokens.TimeoutError, builtins.TimeoutError),
        (mpt_tokens.ConnectError, ConnectionError),
        (mpt_tokens.ConnectionLostError, ConnectionError),
        (mpt_tokens.InvalidTokenIdError, ValueError),
        (mpt_tokens.InvalidConfigError, ValueError),
        (mpt_tokens.InvalidArgumentError, ValueError),
    ],
)
def test_exceptions_are_also_the_builtin_ones(
    kind: type[mpt_tokens.Error], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize("code", sorted(set(_errors._BY_CODE)))
def test_every_exception_pickles_with_its_notes(code: mpt_tokens.CodeName) -> None:
    error = _errors.refusal(code, "why")
    error.__dict__["__notes__"] = ["while cleaning up"]
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert twin.report == error.report
        assert twin.__dict__["__notes__"] == ["while cleaning up"]
