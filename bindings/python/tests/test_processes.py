"""Threads and processes: many at once, forked, spawned, ending."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading

import mpt_tokens
import pytest

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def test_64_threads_on_one_client(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    ready = threading.Barrier(64)
    told: list[str] = []

    def work(thread: int) -> None:
        ready.wait(30)
        for number in range(20):
            told.append(client.delete_token(f"TKN-ok-s{thread}n{number}").outcome)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["deleted"] * (64 * 20)


def test_calls_run_side_by_side(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    """The GIL is released: one call can only end after another has begun."""
    ids = [f"TKN-slow~300-t{number}" for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(client.delete_token, token_id) for token_id in ids]
        for token_id in ids:
            assert sandbox.wait_for_requests(token_id)
        assert not any(call.done() for call in calls)
        assert {call.result().outcome for call in calls} == {"deleted"}


def run(body: str, sandbox: mpt_tokens.Sandbox, *flags: str) -> subprocess.CompletedProcess[str]:
    script = "import json, os, sys, threading\nimport mpt_tokens\noptions = json.loads(sys.argv[1])\n"
    script += textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, *flags, "-c", script, json.dumps(dict(sandbox.options))],
        capture_output=True,
        text=True,
        timeout=60,
    )


def check(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stderr) == (0, "")


@forks
def test_forked_children_open_connections_of_their_own(sandbox: mpt_tokens.Sandbox) -> None:
    body = """
        client = mpt_tokens.Client(**options)
        trace_ids = [client.delete_token("TKN-ok-u0").trace_id]
        children = []
        for number in range(1, 9):
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                outcomes = [client.delete_token(f"TKN-ok-u{number}n{n}") for n in range(20)]
                assert all(outcome.outcome == "deleted" for outcome in outcomes)
                os.write(writer, outcomes[0].trace_id.encode())
                client.close()
                os._exit(0)
            children.append((pid, reader, writer))
        for number in range(20):
            assert client.delete_token(f"TKN-ok-u9n{number}").outcome == "deleted"
        for pid, reader, writer in children:
            assert os.waitpid(pid, 0)[1] == 0
            trace_ids.append(os.read(reader, 32).decode())
        assert len(set(trace_ids)) == 9, trace_ids
        assert client.delete_token("TKN-ok-u10").outcome == "deleted"
        client.close()
    """
    check(run(body, sandbox))


@forks
def test_forked_while_other_threads_call(sandbox: mpt_tokens.Sandbox) -> None:
    body = """
        import warnings
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        client = mpt_tokens.Client(**options)
        stop = threading.Event()

        def work(thread):
            number = 0
            while not stop.is_set():
                client.delete_token(f"TKN-ok-v{thread}n{number}")
                number += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for number in range(30):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if client.delete_token(f"TKN-ok-w{number}").outcome == "deleted" else 1)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        client.close()
    """
    check(run(body, sandbox))


@forks
def test_forked_with_a_batch_and_an_async_client(sandbox: mpt_tokens.Sandbox) -> None:
    body = """
        import asyncio, warnings
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        client = mpt_tokens.AsyncClient(**options)
        assert asyncio.run(client.delete_token("TKN-ok-x1")).outcome == "deleted"
        pid = os.fork()
        if pid == 0:
            done = asyncio.run(client.delete_token("TKN-ok-x2")).outcome == "deleted"
            with mpt_tokens.Client(**options) as other:
                batch = other.delete_tokens(f"TKN-ok-x3n{n}" for n in range(50))
                done = done and sum(outcome.is_success for outcome in batch) == 50
            os._exit(0 if done else 1)
        assert os.waitpid(pid, 0)[1] == 0
        asyncio.run(client.aclose())
    """
    check(run(body, sandbox))


@forks
def test_forked_while_a_batch_has_threads(sandbox: mpt_tokens.Sandbox) -> None:
    """In the child the batch has ended: it has no outcome there, and nothing waits for threads that are not there."""
    body = """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        client = mpt_tokens.Client(**options)
        batch = client.delete_tokens(["TKN-ok-forked1", *(f"TKN-slow~300-forked{n}" for n in range(2, 6))])
        assert next(batch).outcome == "deleted"
        pid = os.fork()
        if pid == 0:
            assert list(batch) == []
            batch.close()
            del batch
            assert client.delete_token("TKN-ok-forked6").outcome == "deleted"
            sys.exit(0)
        assert [outcome.outcome for outcome in batch] == ["deleted"] * 4
        assert os.waitpid(pid, 0)[1] == 0
    """
    check(run(body, sandbox))


@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=forks)])
def test_multiprocessing(sandbox: mpt_tokens.Sandbox, method: str) -> None:
    """Outcomes and exceptions come back whole."""
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        done = pool.submit(mpt_tokens.delete_token, f"TKN-ok-y{method}", **sandbox.options)
        failed = pool.submit(mpt_tokens.delete_token, f"TKN-403-y{method}", **sandbox.options)
        assert done.result().outcome == "deleted"
        with pytest.raises(mpt_tokens.ForbiddenError) as caught:
            failed.result()
    error = caught.value
    assert (error.id, error.status, error.outcome) == (f"TKN-403-y{method}", 403, "not_deleted")
    assert error.problem is not None
    assert len(error.attempts) == 1


@forks
def test_multiprocessing_fork(sandbox: mpt_tokens.Sandbox) -> None:
    body = """
        import multiprocessing
        client = mpt_tokens.Client(**options)
        client.delete_token("TKN-ok-z0")

        def work(token_id):
            return client.delete_token(token_id)

        with multiprocessing.get_context("fork").Pool(4) as pool:
            told = pool.map(work, [f"TKN-ok-z{number}" for number in range(1, 41)])
        assert {outcome.outcome for outcome in told} == {"deleted"}
        client.close()
    """
    check(run(body, sandbox))


@pytest.mark.parametrize(
    "body",
    [
        # At the end of the interpreter a call is under way on a daemon thread.
        """
        import warnings
        warnings.simplefilter("ignore", ResourceWarning)
        sandbox = mpt_tokens.Sandbox()
        client = mpt_tokens.Client(**sandbox.options)
        thread = threading.Thread(
            target=client.delete_token, args=("TKN-slow~500-a1",), daemon=True
        )
        thread.start()
        assert sandbox.wait_for_requests("TKN-slow~500-a1")
        client.close()
        """,
        # A batch is left unfinished for the interpreter to clean up.
        """
        client = mpt_tokens.Client(**options)
        batch = client.delete_tokens(f"TKN-slow~100-b{number}" for number in range(100))
        next(batch)
        client.close()
        """,
        # A sandbox is left running.
        """
        import warnings
        warnings.simplefilter("ignore", ResourceWarning)
        sandbox = mpt_tokens.Sandbox()
        """,
        # A cycle holds a batch.
        """
        client = mpt_tokens.Client(**options)
        cycle = [client.delete_tokens(["TKN-ok-c1", "TKN-ok-c2"])]
        next(cycle[0])
        cycle.append(cycle)
        client.close()
        """,
    ],
    ids=["daemon thread", "unfinished batch", "sandbox", "cycle"],
)
def test_the_interpreter_ends_in_peace(sandbox: mpt_tokens.Sandbox, body: str) -> None:
    check(run(body, sandbox, "-X", "dev"))


def test_two_interpreters_of_one_process_are_refused_or_work(sandbox: mpt_tokens.Sandbox) -> None:
    """Whatever a subinterpreter is told, the main one goes on."""
    body = """
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        other = interpreters.create()
        try:
            interpreters.run_string(other, "import mpt_tokens")
        except Exception as error:
            assert "ImportError" in str(error) or "subinterpreter" in str(error), error
        interpreters.destroy(other)
        with mpt_tokens.Client(**options) as client:
            assert client.delete_token("TKN-ok-d0").outcome == "deleted"
    """
    check(run(body, sandbox))


def test_no_thread_is_left_behind(sandbox: mpt_tokens.Sandbox) -> None:
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("counts the threads in /proc/self/task")
    body = """
        def count():
            return len(os.listdir("/proc/self/task"))

        before = count()
        with mpt_tokens.Client(**options) as client:
            for number in range(10):
                client.delete_token(f"TKN-ok-e{number}a")
            assert count() == before
            with client.delete_tokens(f"TKN-ok-f{number}" for number in range(100)) as batch:
                list(batch)
            assert count() == before
    """
    check(run(body, sandbox))
