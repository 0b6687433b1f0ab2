"""The interpreter ends while threads of the program are in calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter

import mpt_tokens
import pytest

# How often each program is run. 200 show what happens once in a hundred times.
EXITS = int(os.environ.get("MPT_TOKENS_EXITS", "3"))

PROLOGUE = """
    import json, logging, os, sys, threading
    import mpt_tokens

    options = json.loads(sys.argv[1])
    if sys.argv[2] == "logging":
        logging.basicConfig(level=logging.DEBUG, filename=os.devnull)
    elif sys.argv[2] == "unwritten":
        logging.basicConfig(level=logging.DEBUG, handlers=[logging.NullHandler()])
    begun = threading.Semaphore(0)

    def forever(work):
        def spin(thread):
            count = 0
            while True:
                count += 1
                try:
                    work(f"{thread}n{count}")
                except mpt_tokens.Error:
                    pass
                begun.release()

        for thread in range(4):
            threading.Thread(target=spin, args=(thread,), daemon=True).start()
        for _ in range(12):
            assert begun.acquire(timeout=30)
"""

PROGRAMS = {
    "single": """
        client = mpt_tokens.Client(**options)
        forever(lambda serial: client.delete_token("TKN-none"))
    """,
    "retries": """
        client = mpt_tokens.Client(**options, backoff=(0.001, 0.001))
        forever(lambda serial: client.delete_token(f"TKN-503.503-{serial}"))
    """,
    "batch": """
        client = mpt_tokens.Client(**options)
        forever(lambda serial: list(client.delete_tokens(f"TKN-ok-{serial}x{i}" for i in range(20))))
    """,
    "outage": """
        client = mpt_tokens.Client(**options, backoff=(0.001, 0.001))

        def begin(serial):
            for outcome in client.delete_tokens([f"TKN-503.always-{serial}x{i}" for i in range(20)], patience=0):
                begun.release()

        forever(begin)
    """,
    "ids": """
        client = mpt_tokens.Client(**options)

        def ids(serial):
            for number in range(20):
                yield f"TKN-ok-{serial}x{sum(divmod(number, 7))}"
                sorted(range(2000))

        forever(lambda serial: list(client.delete_tokens(ids(serial))))
    """,
    "asyncio": """
        import asyncio

        async def main():
            async with mpt_tokens.AsyncClient(**options) as client:
                while True:
                    await asyncio.gather(*[client.delete_token("TKN-none", missing_ok=True) for _ in range(8)])
                    begun.release()

        forever(lambda serial: asyncio.run(main()))
    """,
    "asyncio batch": """
        import asyncio

        async def main(serial):
            async with mpt_tokens.AsyncClient(**options) as client:
                async for outcome in client.delete_tokens([f"TKN-ok-{serial}x{i}" for i in range(100)]):
                    begun.release()

        forever(lambda serial: asyncio.run(main(serial)))
    """,
    "sandbox": """
        def begin(serial):
            with mpt_tokens.Sandbox(tokens=["TKN-1-1"]) as sandbox:
                mpt_tokens.delete_token("TKN-1-1", **sandbox.options)
                assert sandbox.wait_for_requests("TKN-1-1")

        forever(begin)
    """,
}


def run(
    body: str, sandbox: mpt_tokens.Sandbox, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", body, json.dumps(dict(sandbox.options)), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.timeout(60 + 20 * EXITS)
@pytest.mark.parametrize("logs", ["logging", "silent"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_threads_that_never_stop(sandbox: mpt_tokens.Sandbox, program: str, logs: str) -> None:
    body = textwrap.dedent(PROLOGUE) + textwrap.dedent(PROGRAMS[program])
    ends = Counter[tuple[int, str]]()
    for _ in range(EXITS):
        done = run(body, sandbox, logs)
        ends[done.returncode, done.stderr] += 1
    assert ends == {(0, ""): EXITS}


@pytest.mark.parametrize("first", ["import mpt_tokens, atexit", "import atexit"])
def test_hooks_may_make_calls(sandbox: mpt_tokens.Sandbox, first: str) -> None:
    """On the main thread, whether they run before the package's own hook or after it."""
    body = f"""
        import json, sys
        {first}

        @atexit.register
        def at_the_end():
            import mpt_tokens

            options = json.loads(sys.argv[1])
            with mpt_tokens.Client(**options, backoff=(0.001, 0.001)) as client:
                print(client.delete_token("TKN-503-exit{len(first)}").outcome)
                print([outcome.outcome for outcome in client.delete_tokens(["TKN-ok-exit{len(first)}"])])

        import mpt_tokens
    """
    done = run(textwrap.dedent(body), sandbox)
    assert (done.returncode, done.stdout, done.stderr) == (0, "deleted\n['deleted']\n", "")


def test_a_hook_may_wait_for_a_thread_that_makes_calls(sandbox: mpt_tokens.Sandbox) -> None:
    """Even if it was registered before the package was imported, and so runs after the package's own."""
    body = """
        import atexit, json, sys, threading

        def work():
            import mpt_tokens

            with mpt_tokens.Client(**json.loads(sys.argv[1])) as client:
                while not stop.is_set():
                    client.delete_token("TKN-none", missing_ok=True)
                    begun.set()
                ids = [f"TKN-ok-joined{number}" for number in range(20)]
                print(sum(outcome.is_success for outcome in client.delete_tokens(ids)))

        @atexit.register
        def at_the_end():
            stop.set()
            thread.join()

        stop, begun = threading.Event(), threading.Event()
        thread = threading.Thread(target=work, daemon=True)
        import mpt_tokens

        thread.start()
        assert begun.wait(30)
    """
    done = run(textwrap.dedent(body), sandbox)
    assert (done.returncode, done.stdout, done.stderr) == (0, "20\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_ends_at_once(sandbox: mpt_tokens.Sandbox) -> None:
    """It does not have the threads of its parent, which were in calls, and may have held locks."""
    body = textwrap.dedent(PROLOGUE) + textwrap.dedent(PROGRAMS["outage"])
    body += textwrap.dedent("""
        import os, warnings
        warnings.simplefilter("ignore")  # that the process has threads
        for _ in range(20):
            if os.fork() == 0:
                with mpt_tokens.Client(**options, backoff=(0.001, 0.001)) as client:
                    assert len(list(client.delete_tokens(["TKN-503-a", "TKN-503-b"]))) == 2
                sys.exit()
            assert os.wait()[1] == 0
    """)
    # Without a file: Python's own lock of one is not opened in the child.
    done = run(body, sandbox, "unwritten")
    assert (done.returncode, done.stderr) == (0, "")
