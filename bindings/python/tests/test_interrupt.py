"""Ctrl-C: a real SIGINT to a real process, in every phase of a call."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import mpt_tokens
import pytest

# Far above the 200 ms that are promised, far below the minute that the call would last otherwise.
SOON = 5.0

ONE_CALL = """
    try:
        client.delete_token(sys.argv[2])
    except KeyboardInterrupt as interrupt:
        caught(interrupt)
"""

TELLING = """
    class Tell(logging.Handler):
        def emit(self, record):
            if record.levelno == logging.INFO:
                print(record.getMessage(), flush=True)

    logging.getLogger("mpt_tokens").addHandler(Tell())
    logging.getLogger("mpt_tokens").setLevel(logging.INFO)
"""

SCRIPT = """
import json, logging, os, signal, sys, threading, time, traceback
import mpt_tokens

# What runs in the background of a script inherits that the signal is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def caught(interrupt, **more):
    outcome = mpt_tokens.outcome_of(interrupt)
    told = {
        "notes": getattr(interrupt, "__notes__", []),
        "outcome": outcome and outcome.to_dict(),
        "shown": "".join(traceback.format_exception(interrupt)),
        **more,
    }
    print(json.dumps(told), flush=True)

def rest():
    # In short pieces: Python's own sleep does not end for a signal that came the moment before it began.
    while True:
        time.sleep(0.01)

def on_each_byte():
    while os.read(0, 1):
        signal.raise_signal(signal.SIGINT)

if sys.platform == "win32":
    # There, no process sends a signal to another: this one raises it itself when it is told to.
    threading.Thread(target=on_each_byte, daemon=True).start()

options = json.loads(sys.argv[1])
with mpt_tokens.Client(timeout=60, attempt_timeout=50, connect_timeout=50, **options) as client:
    print("ready", flush=True)
"""


class Child:
    """A Python program that makes a call, and tells how it was interrupted."""

    def __init__(
        self, body: str, options: dict[str, Any], *arguments: str, under: tuple[str, ...] = ()
    ) -> None:
        script = SCRIPT + textwrap.indent(textwrap.dedent(body), "    ")
        self.process = subprocess.Popen(
            [*under, sys.executable, "-c", script, json.dumps(options), *arguments],
            stdin=subprocess.PIPE if sys.platform == "win32" else None,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def interrupt(self) -> dict[str, Any]:
        """Sends the signal; returns what the program told, soon."""
        sent = time.monotonic()
        if self.process.stdin is None:
            self.process.send_signal(signal.SIGINT)
        else:
            self.process.stdin.write("!")
            self.process.stdin.flush()
        told = self.line()
        took = time.monotonic() - sent
        assert told, "the program ended without a word"
        assert took < SOON
        result: dict[str, Any] = json.loads(told)
        return result

    def end(self) -> int:
        """Waits for the end; a program that hangs fails the test by its time limit."""
        status = self.process.wait(30)
        return status

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.process.stdin is not None:
            self.process.stdin.close()


def check_one(told: dict[str, Any], outcome: str) -> None:
    assert told["outcome"], told["shown"]
    assert told["outcome"]["code"] == "cancelled"
    assert told["outcome"]["outcome"] == outcome
    assert told["notes"] == [told["outcome"]["message"]]
    if sys.version_info >= (3, 11):
        assert told["outcome"]["message"] in told["shown"]


def test_while_an_answer_is_awaited(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(ONE_CALL, dict(sandbox.options), "TKN-answersilent-i1") as child:
        assert sandbox.wait_for_requests("TKN-answersilent-i1")
        check_one(child.interrupt(), "unknown")
        assert child.end() == 0


@pytest.mark.parametrize(
    ("scenario", "outcome"), [("429~40", "not_deleted"), ("503.always", "unknown")]
)
def test_while_backing_off(sandbox: mpt_tokens.Sandbox, scenario: str, outcome: str) -> None:
    options = {**sandbox.options, "backoff": [40.0, 40.0]}
    token_id = f"TKN-{scenario}-i2"
    with Child(TELLING + ONE_CALL, options, token_id) as child:
        assert "the next one is in" in child.line()
        told = child.interrupt()
        assert told["outcome"]["outcome"] == outcome
        assert told["notes"] == [told["outcome"]["message"]]
        assert child.end() == 0


@contextmanager
def full_listener() -> Generator[int]:
    """A port on which connections are neither accepted nor refused: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc/net/tcp")
def test_while_connecting() -> None:
    with full_listener() as port:
        before = waiting_for(port)
        options = {"api_token": "not-a-real-token", "base_url": f"http://127.0.0.1:{port}"}
        with Child(ONE_CALL, options, "TKN-1671-0642") as child:
            until(lambda: waiting_for(port) > before)
            check_one(child.interrupt(), "not_deleted")
            assert child.end() == 0


def waiting_for(port: int) -> int:
    """How many connections to the port are being opened (state SYN_SENT)."""
    remote = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2:4] == [remote, "02"] for line in lines)


def test_during_the_tls_handshake() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with Child(ONE_CALL, {"api_token": "not-a-real-token", "base_url": url}, "TKN-1") as child:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1)
                check_one(child.interrupt(), "not_deleted")
                assert child.end() == 0


def test_while_the_proxy_is_asked() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        options = {
            "api_token": "not-a-real-token",
            "base_url": "https://api.test",
            "proxy": f"http://127.0.0.1:{listener.getsockname()[1]}",
        }
        with Child(ONE_CALL, options, "TKN-1") as child:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(7) == b"CONNECT"
                check_one(child.interrupt(), "not_deleted")
                assert child.end() == 0


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="only root can give a program a name server that never answers (core tests this phase too)",
)
def test_while_resolving(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.7.7.7", 53))
        settings = tmp_path / "resolv.conf"
        settings.write_text("nameserver 127.7.7.7\noptions timeout:30 attempts:1\n")
        mount = f'mount --bind "{settings}" /etc/resolv.conf && exec "$@"'
        options = {"api_token": "not-a-real-token", "base_url": "https://api.test", "proxy": "none"}
        under = ("unshare", "--mount", "sh", "-c", mount, "sh")
        with Child(ONE_CALL, options, "TKN-1", under=under) as child:
            server.settimeout(30)
            assert server.recv(512)
            check_one(child.interrupt(), "not_deleted")
            assert child.end() == 0


BATCH = """
    batch = client.delete_tokens(
        (f"TKN-answersilent-{sys.argv[2]}{number}" for number in range(1000)), concurrency=4
    )
    try:
        for outcome in batch:
            pass
    except KeyboardInterrupt as interrupt:
        caught(interrupt, rest=[outcome.to_dict() for outcome in batch])
"""


def test_during_a_batch(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(BATCH, dict(sandbox.options), "i3n") as child:
        for number in range(4):
            assert sandbox.wait_for_requests(f"TKN-answersilent-i3n{number}")
        told = child.interrupt()
        assert child.end() == 0
    assert told["outcome"] is None
    assert "continue iterating" in told["notes"][0]
    kinds = {(outcome["code"], outcome["outcome"]) for outcome in told["rest"]}
    assert ("cancelled", "unknown") in kinds
    assert kinds <= {("cancelled", "unknown"), ("cancelled", "not_deleted"), ("skipped", "not_deleted")}
    for outcome in told["rest"]:
        if outcome["outcome"] == "not_deleted":
            assert sandbox.truth(outcome["id"]).status == "Active"
    assert len(told["rest"]) < 100


DROPPED = """
    try:
        for outcome in client.delete_tokens(["TKN-slow~1000-i4", "TKN-answersilent-i4"]):
            break
        print("the batch was dropped", flush=True)
        rest()
    except KeyboardInterrupt as interrupt:
        caught(interrupt)
"""


def test_while_a_batch_is_dropped(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(DROPPED, dict(sandbox.options)) as child:
        assert sandbox.wait_for_requests("TKN-answersilent-i4")
        # The drop waits for the call under way; the interrupt ends that, and is raised right after.
        told = child.interrupt()
        assert told["outcome"] is None
        assert child.end() == 0


IDS = """
    def ids():
        yield "TKN-ok-i5"
        print("in the ids", flush=True)
        rest()

    batch = client.delete_tokens(ids())
    told = []
    try:
        for outcome in batch:
            told.append(outcome.outcome)
    except KeyboardInterrupt as interrupt:
        caught(interrupt, all=told + [outcome.outcome for outcome in batch])
"""


def test_while_the_ids_are_made(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(IDS, dict(sandbox.options)) as child:
        assert child.line() == "in the ids"
        told = child.interrupt()
        [outcome] = told["all"]
        # Or it was cancelled before it was sent.
        assert outcome in ("deleted", "unknown") or sandbox.truth("TKN-ok-i5").status == "Active"
        assert child.end() == 0


LOGGING = """
    class Slow(logging.Handler):
        def emit(self, record):
            print("in the log handler", flush=True)
            rest()

    logging.getLogger("mpt_tokens").addHandler(Slow())
    logging.getLogger("mpt_tokens").setLevel(logging.DEBUG)
    try:
        client.delete_token("TKN-ok-i6")
    except KeyboardInterrupt as interrupt:
        caught(interrupt)
"""


def test_while_a_log_handler_runs(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(LOGGING, dict(sandbox.options)) as child:
        assert child.line() == "in the log handler"
        told = child.interrupt()
        assert told["outcome"]["id"] == "TKN-ok-i6"
        assert child.end() == 0
    truth = sandbox.truth("TKN-ok-i6").status
    expected = {"Active": {"not_deleted", "unknown"}, "Deleted": {"deleted", "unknown"}}
    assert told["outcome"]["outcome"] in expected[truth or ""]


OWN_HANDLER = """
    import signal

    class Stop(Exception):
        pass

    def stop(number, frame):
        raise Stop(number)

    signal.signal(signal.SIGINT, stop)
    print("set", flush=True)
    try:
        client.delete_token("TKN-answersilent-i7")
    except Stop as interrupt:
        caught(interrupt)
"""


def test_with_a_handler_of_the_programs_own(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(OWN_HANDLER, dict(sandbox.options)) as child:
        assert child.line() == "set"
        assert sandbox.wait_for_requests("TKN-answersilent-i7")
        check_one(child.interrupt(), "unknown")
        assert child.end() == 0


IGNORED = """
    import signal

    heard = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    print("set", flush=True)
    outcome = client.delete_token("TKN-slow~600-i8")
    print(json.dumps({"outcome": outcome.to_dict(), "heard": len(heard)}), flush=True)
"""


def test_a_handler_that_does_not_raise_does_not_interrupt(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(IGNORED, dict(sandbox.options)) as child:
        assert child.line() == "set"
        assert sandbox.wait_for_requests("TKN-slow~600-i8")
        told = child.interrupt()
        assert told["outcome"]["outcome"] == "deleted"
        assert told["heard"] == 1
        assert child.end() == 0


ON_A_THREAD = """
    def work():
        try:
            client.delete_token("TKN-answersilent-i9")
        except mpt_tokens.CancelledError as error:
            print(json.dumps({"outcome": error.report.to_dict()}), flush=True)

    thread = threading.Thread(target=work)
    try:
        thread.start()
        rest()
    except KeyboardInterrupt:
        client.cancel()
        thread.join()
"""


def test_on_the_main_thread_while_another_calls(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(ON_A_THREAD, dict(sandbox.options)) as child:
        assert sandbox.wait_for_requests("TKN-answersilent-i9")
        assert child.interrupt()["outcome"]["outcome"] == "unknown"
        assert child.end() == 0


ASYNC = """
    import asyncio

    async def main():
        async with mpt_tokens.AsyncClient(**options) as client:
            try:
                await client.delete_token("TKN-answersilent-" + sys.argv[2])
            except asyncio.CancelledError as interrupt:
                caught(interrupt)
                raise

    try:
        asyncio.run(main())
    except KeyboardInterrupt as interrupt:
        caught(interrupt)
"""


def test_asyncio(sandbox: mpt_tokens.Sandbox) -> None:
    with Child(ASYNC, dict(sandbox.options), "i10") as child:
        assert sandbox.wait_for_requests("TKN-answersilent-i10")
        check_one(child.interrupt(), "unknown")
        last = child.line()
        # Before 3.11, Ctrl-C interrupts whatever the event loop is at: where that is the call itself, no task is
        # cancelled, and the first line was the last.
        if sys.version_info >= (3, 11):
            assert json.loads(last)["outcome"]["outcome"] == "unknown"
        assert child.end() == 0
