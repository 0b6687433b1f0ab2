"""asyncio: cancellation keeps the truth, the event loop is never blocked, nothing is left behind."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import mpt_tokens
import pytest


def test_cancelling_a_task_cancels_the_call(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> BaseException:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            task = asyncio.create_task(client.delete_token("TKN-answersilent-j1"))
            await asyncio.to_thread(sandbox.wait_for_requests, "TKN-answersilent-j1")
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            return caught.value

    error = asyncio.run(main())
    outcome = mpt_tokens.outcome_of(error)
    assert outcome is not None
    assert (outcome.code, outcome.outcome) == ("cancelled", "unknown")
    assert outcome.message in [*getattr(error, "__notes__", []), *getattr(error.__context__, "__notes__", [])]


def test_what_came_before_an_iterable_raised_is_tried(sandbox: mpt_tokens.Sandbox) -> None:
    def ids() -> Iterator[str]:
        for number in range(5):
            yield f"TKN-ok-raises{number}"
        raise LookupError("the list ends here")

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            told: list[str] = []
            with pytest.raises(LookupError, match="ends here"):
                async for outcome in client.delete_tokens(ids()):
                    told.append(outcome.outcome)
            assert told == ["deleted"] * 5

    asyncio.run(main())


def test_a_timeout_keeps_the_truth(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            with pytest.raises(asyncio.TimeoutError) as caught:
                await asyncio.wait_for(client.delete_token("TKN-answersilent-j2"), 0.3)
            outcome = mpt_tokens.outcome_of(caught.value)
            assert outcome is not None
            assert (outcome.id, outcome.outcome) == ("TKN-answersilent-j2", "unknown")

    asyncio.run(main())


if sys.version_info >= (3, 11):

    def test_asyncio_timeout_keeps_the_truth(sandbox: mpt_tokens.Sandbox) -> None:
        async def main() -> None:
            async with mpt_tokens.AsyncClient(**sandbox.options) as client:
                with pytest.raises(TimeoutError) as caught:
                    async with asyncio.timeout(0.3):
                        await client.delete_token("TKN-answersilent-j3")
                outcome = mpt_tokens.outcome_of(caught.value)
                assert outcome is not None
                assert (outcome.id, outcome.outcome) == ("TKN-answersilent-j3", "unknown")

        asyncio.run(main())


def test_cancelled_twice(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            task = asyncio.create_task(client.delete_token("TKN-answersilent-j4"))
            await asyncio.to_thread(sandbox.wait_for_requests, "TKN-answersilent-j4")
            task.cancel()
            asyncio.get_running_loop().call_soon(task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_cancelled_before_a_thread_was_free(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            held = [
                asyncio.create_task(client.delete_token(f"TKN-answersilent-k{number}"))
                for number in range(256)
            ]
            for number in range(256):
                await asyncio.to_thread(sandbox.wait_for_requests, f"TKN-answersilent-k{number}")
            queued = asyncio.create_task(client.delete_token("TKN-ok-k1"))
            await asyncio.sleep(0)
            queued.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await queued
            outcome = mpt_tokens.outcome_of(caught.value)
            assert outcome is not None
            assert (outcome.code, outcome.outcome) == ("cancelled", "not_deleted")
            client.cancel()
            told = await asyncio.gather(*held, return_exceptions=True)
            assert {type(error) for error in told} == {mpt_tokens.CancelledError}
        assert sandbox.truth("TKN-ok-k1").requests == 0

    asyncio.run(main())


def test_many_at_once(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            calls = [client.delete_token(f"TKN-slow~100-l{number}") for number in range(600)]
            told = await asyncio.gather(*calls)
        assert {outcome.outcome for outcome in told} == {"deleted"}

    asyncio.run(main())


def test_the_event_loop_goes_on(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            ticking = asyncio.create_task(tick())
            await client.delete_token("TKN-slow~100-m1")
            ticking.cancel()
        assert ticks > 100

    asyncio.run(main())


def test_threads_end_with_the_client(sandbox: mpt_tokens.Sandbox) -> None:
    def ours() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("mpt-tokens")}

    before = ours()

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            await asyncio.gather(*(client.delete_token(f"TKN-ok-n{number}") for number in range(50)))
            assert ours() - before

    asyncio.run(main())
    end = time.monotonic() + 30
    while ours() - before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_client_in_one_event_loop_after_another(sandbox: mpt_tokens.Sandbox) -> None:
    client = mpt_tokens.AsyncClient(**sandbox.options)
    for number in range(3):
        assert asyncio.run(client.delete_token(f"TKN-ok-o{number}")).outcome == "deleted"
    asyncio.run(client.aclose())
    asyncio.run(client.aclose())
    assert client.closed
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="closed"):
        asyncio.run(client.delete_token("TKN-ok-o9"))


class _Deaf(asyncio.SelectorEventLoop):
    """Polls nothing but what it must, as the event loop of Windows does."""

    def add_reader(self, fd: object, callback: object, *args: object) -> None:
        raise NotImplementedError


def test_an_event_loop_that_cannot_poll(sandbox: mpt_tokens.Sandbox) -> None:
    loop = _Deaf()

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            calls = (client.delete_token(f"TKN-ok-q{number}") for number in range(20))
            assert {outcome.outcome for outcome in await asyncio.gather(*calls)} == {"deleted"}

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system does not list a process's descriptors")
def test_no_event_loop_is_kept_and_no_descriptor(sandbox: mpt_tokens.Sandbox) -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def main(number: int) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        # Clients of one loop share what it polls.
        for part in range(3):
            client = mpt_tokens.AsyncClient(**sandbox.options)
            await client.delete_token(f"TKN-ok-r{number}x{part}")
            await client.aclose()

    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    asyncio.run(main(0))
    before = descriptors()
    for number in range(1, 10):
        asyncio.run(main(number))
    assert descriptors() <= before
    assert [loop() for loop in loops[:-1]] == [None] * 9


def test_context_variables_reach_the_log_handlers(sandbox: mpt_tokens.Sandbox) -> None:
    request = contextvars.ContextVar("request", default="none")
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(request.get())

    logger = logging.getLogger("mpt_tokens")
    handler = Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            request.set("4711")
            await client.delete_token("TKN-ok-p1")

    try:
        asyncio.run(main())
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert set(seen) == {"4711"}
