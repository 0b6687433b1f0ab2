"""Calls leave nothing behind: the memory of a process does not grow with their number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import mpt_tokens
import pytest

# 100,000 in the full checks.
CALLS = int(os.environ.get("MPT_TOKENS_CALLS", "4000"))
# In KiB. An outcome that somebody keeps costs 1.6 KiB: of 4,000 calls, to keep each fifth would be too much; of 100,000
# calls, 12 bytes of each.
GROWTH = 1200

PROLOGUE = """
    import asyncio, gc, json, resource, sys
    import mpt_tokens

    options, calls = json.loads(sys.argv[1]), int(sys.argv[2])

    def resident():
        gc.collect()
        if sys.platform == "linux":
            # Not the peak that `getrusage` knows: a child begins with its parent's.
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize() // 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    def told(grown):
        print(json.dumps(grown))
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
        work(client, 2000)
        before = resident()
        work(client, calls)
        told(resident() - before)
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
            for _ in range(2000 // 16):
                await some(client)
            before = resident()
            for _ in range(calls // 16):
                await some(client)
            told(resident() - before)

    asyncio.run(main())
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("body", [BLOCKING, ASYNCIO], ids=["blocking", "asyncio"])
def test_memory_stays(sandbox: mpt_tokens.Sandbox, body: str) -> None:
    # So that the first call of the measured ones finds it gone.
    mpt_tokens.delete_token("TKN-ok-leak", **sandbox.options, missing_ok=True)
    script = textwrap.dedent(PROLOGUE) + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, json.dumps(dict(sandbox.options)), str(CALLS)],
        capture_output=True,
        text=True,
        timeout=590,
    )
    assert (done.returncode, done.stderr) == (0, "")
    grown = json.loads(done.stdout)
    print(f"{CALLS} calls: {grown} KiB more")
    assert grown < GROWTH
