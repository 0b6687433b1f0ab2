"""A batch that is run at once, what failed in it, and one that nobody begins."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable

import mpt_tokens
import pytest

IDS = ["TKN-ok-br{}", "TKN-never-was-br{}", "TKN-400-br{}", "TKN-503.503-br{}"]


def ids(serial: int) -> list[str]:
    return [token_id.format(serial) for token_id in IDS]


def check(result: mpt_tokens.BatchResult, serial: int) -> None:
    assert (result.summary.deleted, result.summary.not_deleted, result.summary.unknown) == (1, 2, 1)
    assert {(outcome.id, outcome.outcome) for outcome in result.failed} == {
        (ids(serial)[1], "not_deleted"),
        (ids(serial)[2], "not_deleted"),
        (ids(serial)[3], "unknown"),
    }
    assert not result.is_success
    with pytest.raises(mpt_tokens.ApiError) as caught:
        result.raise_if_failed()
    assert caught.value.report == result.failed[0]
    assert vars(caught.value)["__notes__"] == ["3 tokens of the batch failed"]


def test_run(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options, attempts=1) as client:
        batch = client.delete_tokens(ids(1), patience=0)
        result = batch.run()
        check(result, 1)
        assert batch.failed == result.failed
        assert batch.run() == result, "nothing is left to do"
        good = client.delete_tokens(["TKN-ok-br3"]).run()
        assert (good.is_success, good.failed) == (True, ())
        good.raise_if_failed()


def test_run_with_asyncio(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options, attempts=1) as client:
            batch = client.delete_tokens(ids(2), patience=0)
            result = await batch.run()
            check(result, 2)
            assert batch.failed == result.failed

    asyncio.run(main())


def test_what_failed_so_far(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options) as client:
        batch = client.delete_tokens(["TKN-never-was-br4", "TKN-never-was-br5"], concurrency=1)
        assert not batch.failed
        seen = [next(batch)]
        assert list(batch.failed) == seen
        seen.append(next(batch))
        assert list(batch.failed) == seen


def test_the_failures_that_are_kept_are_bounded(
    client: mpt_tokens.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpt_tokens._batch.MOST_FAILURES", 3)
    batch = client.delete_tokens(f"TKN-never-was-br6{number}" for number in range(6))
    with pytest.warns(RuntimeWarning, match="more than 3 tokens failed") as warned:
        result = batch.run()
    assert len(warned) == 1
    assert (len(result.failed), result.summary.not_deleted) == (3, 6)


def test_an_outcome_raises_what_a_call_raises(client: mpt_tokens.Client) -> None:
    token_ids = ["TKN-ok-br7", "TKN-400-br7", "TKN-never-was-br7"]
    by_id = {outcome.id: outcome for outcome in client.delete_tokens(token_ids)}
    dead = by_id["TKN-ok-br7"]
    assert dead.raise_if_failed() is dead
    with pytest.raises(mpt_tokens.BadRequestError):
        by_id["TKN-400-br7"].raise_if_failed()
    with pytest.raises(mpt_tokens.NotFoundError) as caught:
        by_id["TKN-never-was-br7"].raise_if_failed()
    assert caught.value.report is by_id["TKN-never-was-br7"]


def drop(client: mpt_tokens.Client) -> None:
    client.delete_tokens(["TKN-ok-br8"])


def close(client: mpt_tokens.Client) -> None:
    client.delete_tokens(["TKN-ok-br8"]).close()


def leave(client: mpt_tokens.Client) -> None:
    with client.delete_tokens(["TKN-ok-br8"]):
        pass


async def drop_async(client: mpt_tokens.AsyncClient) -> None:
    client.delete_tokens(["TKN-ok-br8"])


async def close_async(client: mpt_tokens.AsyncClient) -> None:
    await client.delete_tokens(["TKN-ok-br8"]).aclose()


@pytest.mark.parametrize("forget", [drop, close, leave])
def test_a_batch_that_nobody_begins(
    sandbox: mpt_tokens.Sandbox, forget: Callable[[mpt_tokens.Client], None]
) -> None:
    with mpt_tokens.Client(**sandbox.options) as client:
        with pytest.warns(RuntimeWarning, match="never begun, so no token was deleted") as warned:
            forget(client)
            gc.collect()
        assert len(warned) == 1
        assert warned[0].filename == __file__


@pytest.mark.parametrize("forget", [drop_async, close_async])
def test_an_asyncio_batch_that_nobody_begins(
    sandbox: mpt_tokens.Sandbox, forget: Callable[[mpt_tokens.AsyncClient], object]
) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            with pytest.warns(RuntimeWarning, match="never begun, so no token was deleted") as warned:
                waiting = forget(client)
                await waiting  # type: ignore[misc] # pyright: ignore
                gc.collect()
            assert len(warned) == 1

    asyncio.run(main())


def test_one_that_somebody_ended_says_nothing(client: mpt_tokens.Client) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.delete_tokens(["TKN-ok-br9"]).stop()
        client.delete_tokens(["TKN-ok-br9"]).cancel()
        assert list(client.delete_tokens([])) == []
        with pytest.raises(LookupError), client.delete_tokens(["TKN-ok-br9"]):
            raise LookupError
        with pytest.raises(mpt_tokens.InvalidArgumentError):
            client.delete_tokens(["TKN-ok-br9"], concurrency=0)
        gc.collect()
