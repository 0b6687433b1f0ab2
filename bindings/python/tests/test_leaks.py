"""Calls leave nothing behind: the memory of a process does not grow with their number."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import textwrap
from itertools import combinations

import mpt_tokens
import pytest

# 100,000 in the full checks.
CALLS = int(os.environ.get("MPT_TOKENS_CALLS", "4000"))
ROUNDS = 10
# Bytes that each call may leave. An outcome that somebody keeps costs 1,600; what a few calls tell is coarse.
MOST = 400 if CALLS < 50_000 else 40

PROLOGUE = """
    import asyncio, gc, json, resource, sys
    import mpt_tokens

    options, rounds, calls = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    def resident():
        gc.collect()
        if sys.platform == "linux":
            # Not the peak that `getrusage` knows: a child begins with its parent's.
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize() // 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
"""

BLOCKING = """
    def work(client, count):
        for number in range(count // 4):
            assert client.delete_token("TKN-ok-leak", missing_ok=True).is_success
            try:
                client.delete_token("TKN-ok-leak")
            except mpt_tokens.NotFoundError as error:
                assert error.problem is not None
            try:
                client.delete_token("")
            except mpt_tokens.InvalidTokenIdError:
                pass
            [outcome] = client.delete_tokens(["TKN-ok-leak"])
            assert outcome.code == "not_found"

    with mpt_tokens.Client(**options) as client:
        work(client, 6000)
        told = [resident()]
        for _ in range(rounds):
            work(client, calls)
            told.append(resident())
        print(json.dumps(told))
"""

ASYNCIO = """
    async def some(client):
        dead = [client.delete_token("TKN-ok-leak", missing_ok=True) for _ in range(8)]
        assert all(outcome.is_success for outcome in await asyncio.gather(*dead))
        refused = [client.delete_token("TKN-ok-leak") for _ in range(7)]
        for error in await asyncio.gather(*refused, return_exceptions=True):
            assert isinstance(error, mpt_tokens.NotFoundError)
        async with client.delete_tokens(["TKN-ok-leak"]) as batch:
            assert [outcome.code async for outcome in batch] == ["not_found"]

    async def main():
        async with mpt_tokens.AsyncClient(**options) as client:
            for _ in range(6000 // 16):
                await some(client)
            told = [resident()]
            for _ in range(rounds):
                for _ in range(calls // 16):
                    await some(client)
                told.append(resident())
            print(json.dumps(told))

    asyncio.run(main())
"""


def steady_growth(resident: list[int]) -> float:
    """What memory grows by a round: from the first to the last, or the median over all pairs, whichever is less.

    A leak grows in every round, so that it is both; what a runtime takes once, or gives back later, is not.
    """
    slopes = [
        (resident[later] - resident[earlier]) / (later - earlier)
        for earlier, later in combinations(range(len(resident)), 2)
    ]
    return min((resident[-1] - resident[0]) / (len(resident) - 1), statistics.median(slopes))


def test_a_leak_grows_and_noise_does_not() -> None:
    assert steady_growth([8000, 8500, 9000, 9500, 10000]) == 500
    assert steady_growth([8000, 9800, 9800, 9800, 9800]) == 0
    assert steady_growth([8000, 9800, 8100, 9900, 8000]) == 0


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Python does not tell the memory of a process there")
@pytest.mark.parametrize("body", [BLOCKING, ASYNCIO], ids=["blocking", "asyncio"])
def test_memory_stays(sandbox: mpt_tokens.Sandbox, body: str) -> None:
    # So that the first call of the measured ones finds it gone.
    mpt_tokens.delete_token("TKN-ok-leak", **sandbox.options, missing_ok=True)
    script = textwrap.dedent(PROLOGUE) + textwrap.dedent(body)
    counts = [str(ROUNDS), str(CALLS // ROUNDS)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, json.dumps(dict(sandbox.options)), *counts],
        capture_output=True,
        text=True,
        timeout=590,
    )
    assert (done.returncode, done.stderr) == (0, "")
    resident = json.loads(done.stdout)
    # The later half: asyncio and the allocator take what they need in the first thousands of calls.
    grown = steady_growth(resident[ROUNDS // 2 :]) * 1024 * ROUNDS / CALLS
    print(f"{CALLS} calls: {resident} KiB resident, {grown:.0f} bytes more for each call")
    assert grown < MOST
