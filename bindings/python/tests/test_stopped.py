"""A batch that stops says so, and says why."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator, Iterator

import mpt_tokens
import pytest

OTHER_TOKEN = "idt:TKN-9000-9001:abcdefghijklmnopqrst"
WHY = "the API answered 401 (the API token is not accepted): check MPT_API_TOKEN"


def numbered(first: int, last: int) -> list[str]:
    return [f"TKN-1000-{number:04}" for number in range(first, last + 1)]


def test_a_401_for_one_token_is_that_tokens_own() -> None:
    ids = [*numbered(1, 499), "TKN-401.always-1", *numbered(500, 1999)]
    with mpt_tokens.Sandbox(numbered=2000) as sandbox, mpt_tokens.Client(**sandbox.options) as client:
        batch = client.delete_tokens(ids)
        outcomes = list(batch)
    assert len(outcomes) == 2000
    assert [outcome.id for outcome in outcomes if outcome.code == "unauthorized"] == ["TKN-401.always-1"]
    assert (batch.summary.deleted, batch.summary.not_pulled) == (1999, 0)
    assert batch.stopped is None
    batch.raise_if_stopped()


def check(stopped: mpt_tokens.BatchStopped | None, summary: mpt_tokens.BatchSummary) -> None:
    assert stopped == mpt_tokens.BatchStopped("unauthorized", "unauthorized", WHY)
    assert str(stopped) == WHY
    assert summary.not_pulled is not None
    assert summary.total + summary.not_pulled == 1000
    assert summary.total < 100


def test_an_api_token_that_is_not_accepted_stops_a_batch(caplog: pytest.LogCaptureFixture) -> None:
    with (
        mpt_tokens.Sandbox(numbered=1000) as sandbox,
        mpt_tokens.Client(api_token=OTHER_TOKEN, base_url=sandbox.base_url) as client,
        caplog.at_level(logging.WARNING, "mpt_tokens"),
        client.delete_tokens(numbered(1, 1000)) as batch,
    ):
        for _ in batch:
            pass
        check(batch.stopped, batch.summary)
    # Closing a batch that has ended changes nothing.
    check(batch.stopped, batch.summary)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"the batch stops: {WHY}"]
    with pytest.raises(mpt_tokens.BatchStoppedError) as caught:
        batch.raise_if_stopped()
    error = caught.value
    assert (error.code, error.outcome, error.id) == ("unauthorized", "not_deleted", None)
    assert str(error) == (
        f"the batch stopped: {WHY}; {batch.summary.skipped} ids were skipped, and"
        f" {batch.summary.not_pulled} were not reached"
    )
    check(error.stopped, error.summary)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.stopped, again.summary) == (type(error), error.stopped, error.summary)


@pytest.mark.parametrize("kind", ["list", "asynchronous"])
def test_with_asyncio(kind: str) -> None:
    async def source() -> AsyncIterator[str]:
        for token_id in numbered(1, 1000):
            yield token_id

    async def main(sandbox: mpt_tokens.Sandbox) -> None:
        async with mpt_tokens.AsyncClient(api_token=OTHER_TOKEN, base_url=sandbox.base_url) as client:
            async with client.delete_tokens(numbered(1, 1000) if kind == "list" else source()) as batch:
                result = await batch.run()
            stopped, summary = batch.stopped, batch.summary
        assert (result.stopped, result.summary) == (stopped, summary)
        with pytest.raises(mpt_tokens.BatchStoppedError):
            batch.raise_if_stopped()
        if kind == "list":
            check(stopped, summary)
        else:
            assert stopped is not None
            assert summary.not_pulled is None

    with mpt_tokens.Sandbox(numbered=1000) as sandbox:
        asyncio.run(main(sandbox))


def test_a_result_says_that_its_batch_stopped(client: mpt_tokens.Client) -> None:
    batch = client.delete_tokens(f"TKN-ok-st{number}" for number in range(100))
    assert next(batch).is_success
    batch.stop()
    result = batch.run()
    assert result.stopped is not None
    assert (result.stopped.reason, result.stopped.code) == ("asked", "skipped")
    assert not result.is_success
    assert result.summary.not_pulled is None
    with pytest.raises(mpt_tokens.BatchStoppedError):
        result.raise_if_stopped()
    with pytest.raises(mpt_tokens.Error):
        result.raise_if_failed()


def test_leaving_early_is_a_stop(client: mpt_tokens.Client) -> None:
    ids = [f"TKN-ok-sl{number}" for number in range(100)]
    with client.delete_tokens(ids) as batch:
        before = batch.summary.not_pulled, batch.stopped
        next(batch)
    assert before == (100, None)
    assert batch.stopped is not None
    assert batch.stopped.reason == "asked"
    assert batch.summary.not_pulled == 100 - batch.summary.total


def test_a_pause_that_is_too_long(client: mpt_tokens.Client) -> None:
    batch = client.delete_tokens(["TKN-429~9000-st1", "TKN-ok-sp1", "TKN-ok-sp2"], concurrency=1, patience=60)
    for _ in batch:
        pass
    assert batch.stopped is not None
    assert (batch.stopped.reason, batch.stopped.code) == ("paused", "rate_limited")
    assert (batch.summary.skipped, batch.summary.not_pulled) == (1, 1)


class Sized:
    """An iterable whose length is not what comes of it, or cannot be said."""

    def __init__(self, length: int | Exception) -> None:
        self.length = length

    def __len__(self) -> int:
        if isinstance(self.length, Exception):
            raise self.length
        return self.length

    def __iter__(self) -> Iterator[str]:
        return iter([f"TKN-ok-sz{self.length}-{number}" for number in range(3)])


@pytest.mark.parametrize(
    ("length", "first", "last"),
    [(3, 3, 0), (1, 1, 0), (9, 9, 0), (TypeError("none"), None, 0), (OverflowError("many"), None, 0)],
)
def test_a_length_is_only_believed_for_what_is_left(
    client: mpt_tokens.Client, length: int | Exception, first: int | None, last: int
) -> None:
    batch = client.delete_tokens(Sized(length))
    assert batch.summary.not_pulled == first
    assert len(list(batch)) == 3
    assert batch.summary.not_pulled == last


def test_an_error_of_the_length_is_raised(client: mpt_tokens.Client) -> None:
    with pytest.raises(ZeroDivisionError):
        client.delete_tokens(Sized(ZeroDivisionError()))
