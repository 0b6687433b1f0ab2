"""Many tokens."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import mpt_tokens
import pytest


def numbered(first: int, count: int) -> Iterator[str]:
    for number in range(first, first + count):
        yield f"TKN-{1000 + number // 10_000}-{number % 10_000:04}"


def test_outcomes_of_all_kinds(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    ids = ["TKN-ok-e1", "TKN-answerlost-e1", "TKN-404-e1", "TKN-500.always-e1", "", "TKN-ok-e1", "TKN-0000-0001"]
    batch = client.delete_tokens(ids, patience=0)
    told = {outcome.id: (outcome.outcome, outcome.code) for outcome in batch}
    assert told == {
        "TKN-ok-e1": ("deleted", "ok"),
        "TKN-answerlost-e1": ("gone", "ok"),
        "TKN-404-e1": ("not_deleted", "not_found"),
        "TKN-500.always-e1": ("unknown", "server_error"),
        "": ("not_deleted", "invalid_token_id"),
        "TKN-0000-0001": ("not_deleted", "own_token"),
    }
    assert batch.summary == mpt_tokens.BatchSummary(
        deleted=1,
        gone=1,
        not_deleted=3,
        unknown=1,
        not_found=1,
        dead_values=0,
        skipped=0,
        duplicates=1,
        already_done=0,
        without_value=0,
        put_off=0,
        not_pulled=0,
        total=6,
    )
    assert list(batch) == []
    assert "deleted=1" in repr(batch)


def test_what_comes_to_nothing_is_put_off(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options, attempts=1) as client:
        with client.delete_tokens(["TKN-503.503-u1", "TKN-ok-u1"], patience=60) as batch:
            told = {outcome.id: outcome for outcome in batch}
        assert (batch.summary.put_off, batch.summary.deleted, batch.summary.total) == (1, 2, 2)
        late = told["TKN-503.503-u1"]
        assert (late.outcome, late.rounds, len(late.attempts)) == ("deleted", 3, 3)
        assert told["TKN-ok-u1"].rounds == 1
        assert late.settled_at > told["TKN-ok-u1"].settled_at

        with client.delete_tokens(["TKN-503.503-u2"], patience=0) as batch:
            (outcome,) = batch
        assert (outcome.outcome, outcome.rounds, batch.summary.put_off) == ("unknown", 1, 0)


def test_what_comes_to_nothing_is_put_off_with_asyncio(sandbox: mpt_tokens.Sandbox) -> None:
    async def rounds(token_id: str, patience: float) -> tuple[str, int, int]:
        async with mpt_tokens.AsyncClient(**sandbox.options, attempts=1) as client:
            async with client.delete_tokens([token_id], patience=patience) as batch:
                (outcome,) = [outcome async for outcome in batch]
            return outcome.outcome, outcome.rounds, batch.summary.put_off

    assert asyncio.run(rounds("TKN-503.503-u3", 60)) == ("deleted", 3, 1)
    assert asyncio.run(rounds("TKN-503.503-u4", 0)) == ("unknown", 1, 0)


@pytest.mark.parametrize("patience", [-1, float("nan"), float("inf"), 604_801])
def test_patience_out_of_range(client: mpt_tokens.Client, patience: float) -> None:
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="patience"):
        client.delete_tokens([], patience=patience)


def test_lazy(client: mpt_tokens.Client) -> None:
    pulled: list[str] = []

    def ids() -> Iterator[str]:
        for token_id in numbered(1, 100_000):
            pulled.append(token_id)
            yield token_id

    batch = client.delete_tokens(ids(), concurrency=4)
    assert pulled == []
    assert next(batch).outcome == "deleted"
    assert len(pulled) < 100
    batch.stop()
    assert {outcome.code for outcome in batch} <= {"ok", "skipped"}
    assert batch.summary.total == len(pulled) < 200


@pytest.mark.parametrize("concurrency", [1, 2, 256])
def test_concurrency(client: mpt_tokens.Client, concurrency: int) -> None:
    first = 100_000 + 500 * concurrency
    batch = client.delete_tokens(numbered(first, 500), concurrency=concurrency)
    assert sum(outcome.outcome == "deleted" for outcome in batch) == 500


@pytest.mark.parametrize("concurrency", [0, -1, 257, 2**63 - 1])
def test_concurrency_out_of_range(client: mpt_tokens.Client, concurrency: int) -> None:
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="1 to 256"):
        client.delete_tokens([], concurrency=concurrency)


def test_what_is_not_ids(client: mpt_tokens.Client) -> None:
    with pytest.raises(TypeError, match="one str"):
        client.delete_tokens("TKN-ok-e2")
    with pytest.raises(TypeError):
        client.delete_tokens(3)  # type: ignore[arg-type]
    batch = client.delete_tokens(["TKN-ok-e3", 3])  # type: ignore[list-item]
    assert next(batch).outcome == "deleted"
    with pytest.raises(TypeError, match="a token id is a int"):
        next(batch)
    assert list(batch) == []


def test_what_the_iterable_raises_comes_last(client: mpt_tokens.Client) -> None:
    def ids() -> Iterator[str]:
        yield from numbered(20_000, 5)
        raise LookupError("the list ends here")

    batch = client.delete_tokens(ids())
    told: list[str] = []
    with pytest.raises(LookupError, match="ends here"):
        for outcome in batch:
            told.append(outcome.outcome)
    assert told == ["deleted"] * 5
    assert batch.summary.deleted == 5


def test_leaving_early_waits_for_what_is_under_way(
    sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client
) -> None:
    ids = [f"TKN-slow~100-e{number}" for number in range(100)]
    with client.delete_tokens(["TKN-ok-e4", *ids], concurrency=8) as batch:
        assert next(batch).id == "TKN-ok-e4"
    sent = sum(sandbox.truth(token_id).requests for token_id in ids)
    deleted = sum(sandbox.truth(token_id).status == "Deleted" for token_id in ids)
    assert batch.summary.deleted == 1 + deleted
    assert sent == deleted
    assert list(batch) == []
    batch.close()


def test_dropping_waits_too(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    ids = [f"TKN-slow~{50 * number}-dropped" for number in range(1, 9)]
    for outcome in client.delete_tokens(ids):
        assert outcome.is_success
        break
    # Each was deleted, or never asked for; and no answer is still to come.
    for token_id in ids:
        truth = sandbox.truth(token_id)
        assert (truth.status == "Deleted") == (truth.requests == 1)


def test_dropping_keeps_the_exception_that_is_on_its_way(client: mpt_tokens.Client) -> None:
    ids = [f"TKN-slow~{100 * number}-raised" for number in range(1, 9)]
    with pytest.raises(LookupError, match="of the loop's body"):
        for _ in client.delete_tokens(ids):
            raise LookupError("of the loop's body")


def test_a_batch_that_its_own_ids_refer_to_is_collected(client: mpt_tokens.Client) -> None:
    class Ids:
        batch: mpt_tokens.Batch

        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            return "TKN-ok-e6"

    ids = Ids()
    ids.batch = client.delete_tokens(ids)
    gone = weakref.ref(ids)
    with pytest.warns(RuntimeWarning, match="never begun"):
        del ids
        gc.collect()
    assert gone() is None


def test_ids_that_ask_for_outcomes(client: mpt_tokens.Client) -> None:
    def ids() -> Iterator[str]:
        yield "TKN-ok-e7"
        next(batch)

    batch = client.delete_tokens(ids())
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="one outcome at a time"):
        list(batch)
    assert batch.summary.deleted == 1


def test_cancelling_from_another_thread(
    sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client
) -> None:
    batch = client.delete_tokens(f"TKN-answersilent-e{number}" for number in range(1000))

    def cancel() -> None:
        sandbox.wait_for_requests("TKN-answersilent-e0")
        batch.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    told = list(batch)
    thread.join()
    assert {outcome.code for outcome in told} <= {"cancelled", "skipped"}
    for outcome in told:
        if outcome.outcome == "not_deleted":
            assert sandbox.truth(outcome.id or "").status == "Active"


def test_a_401_stops_the_batch() -> None:
    with mpt_tokens.Sandbox(numbered=5000) as sandbox, mpt_tokens.Client(**sandbox.options) as client:
        client.delete_token("TKN-0000-0001", allow_own_token=True)
        told = list(client.delete_tokens(numbered(1, 5000)))
    assert {outcome.code for outcome in told} <= {"unauthorized", "skipped"}
    assert len(told) < 100


def test_a_journal_resumes(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client, tmp_path: Path) -> None:
    journal = tmp_path / "run.journal"
    ids = list(numbered(30_000, 20))
    with client.delete_tokens(ids[:10], journal=journal) as batch:
        assert all(outcome.is_success for outcome in batch)
    with client.delete_tokens(ids, journal=str(journal)) as batch:
        assert len(list(batch)) == 10
        assert batch.summary.already_done == 10
    other = tmp_path / "no-journal"
    other.write_text("shopping: milk\n")
    with pytest.raises(mpt_tokens.InvalidConfigError, match="no-journal"):
        client.delete_tokens(ids, journal=other)
    assert other.read_text() == "shopping: milk\n"


def test_async_iterables_of_all_kinds(sandbox: mpt_tokens.Sandbox) -> None:
    here = threading.get_ident()

    async def trickle() -> AsyncIterator[str]:
        for token_id in numbered(40_000, 20):
            assert threading.get_ident() == here
            await asyncio.sleep(0)
            yield token_id

    def generate() -> Iterator[str]:
        for token_id in numbered(41_000, 20):
            assert threading.get_ident() == here
            yield token_id

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            for ids in (trickle(), generate(), list(numbered(42_000, 20)), set(numbered(43_000, 20))):
                batch = client.delete_tokens(ids)
                assert [outcome.outcome async for outcome in batch] == ["deleted"] * 20
                assert batch.summary.total == 20
                assert [outcome async for outcome in batch] == []
                await batch.aclose()
            with pytest.raises(TypeError, match="one str"):
                client.delete_tokens("TKN-ok-e8")
            with pytest.raises(mpt_tokens.InvalidArgumentError):
                client.delete_tokens([], concurrency=0)

    asyncio.run(main())


def test_async_lazy_and_left_early(sandbox: mpt_tokens.Sandbox) -> None:
    pulled: list[str] = []

    async def ids() -> AsyncIterator[str]:
        for token_id in numbered(50_000, 10_000):
            pulled.append(token_id)
            yield token_id

    async def main() -> mpt_tokens.BatchSummary:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            async with client.delete_tokens(ids(), concurrency=2) as batch:
                assert pulled == []
                async for outcome in batch:
                    assert outcome.outcome == "deleted"
                    break
            return batch.summary

    summary = asyncio.run(main())
    # One more may have been on its way to the batch.
    assert summary.total <= len(pulled) <= summary.total + 1 < 100
    assert summary.unknown == 0


def test_async_failures_of_the_iterable(sandbox: mpt_tokens.Sandbox) -> None:
    async def ids() -> AsyncIterator[str]:
        yield "TKN-ok-e9"
        raise LookupError("the list ends here")

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            async with client.delete_tokens(ids()) as batch:
                with pytest.raises(LookupError, match="ends here"):
                    async for outcome in batch:
                        assert outcome.outcome == "deleted"
                assert batch.summary.deleted == 1
                assert [outcome async for outcome in batch] == []

    asyncio.run(main())


def test_async_cancelled_and_iterated_on(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            ids = (f"TKN-answersilent-g{number}" for number in range(1000))
            batch = client.delete_tokens(ids, concurrency=4)

            async def first() -> mpt_tokens.Outcome:
                return await batch.__anext__()

            task = asyncio.create_task(first())
            await asyncio.to_thread(sandbox.wait_for_requests, "TKN-answersilent-g0")
            with pytest.raises(mpt_tokens.InvalidArgumentError, match="one outcome at a time"):
                await batch.__anext__()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            told = [outcome async for outcome in batch]
            assert {outcome.code for outcome in told} == {"cancelled", "skipped"}
            assert 1 <= sum(outcome.outcome == "unknown" for outcome in told) <= 4
            await batch.aclose()

    asyncio.run(main())


def test_async_waiting_for_an_id_can_be_cancelled(sandbox: mpt_tokens.Sandbox) -> None:
    async def ids() -> AsyncIterator[str]:
        yield "TKN-ok-e10"
        await asyncio.Event().wait()

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            async with client.delete_tokens(ids()) as batch:
                task = asyncio.create_task(batch.__anext__())
                await asyncio.to_thread(sandbox.wait_for_requests, "TKN-ok-e10")
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert [outcome.outcome async for outcome in batch] in (["deleted"], ["unknown"])

    asyncio.run(main())


def test_async_outcomes_do_not_wait_for_ids(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        told = asyncio.Event()

        async def ids() -> AsyncIterator[str]:
            yield "TKN-ok-e11"
            await told.wait()
            yield "TKN-ok-e12"

        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            async with client.delete_tokens(ids()) as batch:
                assert (await batch.__anext__()).id == "TKN-ok-e11"
                told.set()
                assert [outcome.id async for outcome in batch] == ["TKN-ok-e12"]

    asyncio.run(main())
