"""``python -m mpt_tokens`` is the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import mpt_tokens
import pytest


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mpt_tokens", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_deletes(sandbox: mpt_tokens.Sandbox) -> None:
    done = run("delete", "--format", "ndjson", "TKN-answerlost-q1", **sandbox.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["outcome"] == "gone"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["delete", "TKN-403-q2"], 1),
        (["delete", "TKN-404-q2"], 4),
        (["delete", "--no-such-flag"], 2),
        (["delete", "--attempts", "1", "--patience", "0s", "TKN-500-q2"], 3),
        (["--version"], 0),
        (["--help"], 0),
    ],
)
def test_exit_status(sandbox: mpt_tokens.Sandbox, arguments: list[str], status: int) -> None:
    assert run(*arguments, **sandbox.environment).returncode == status


def test_version_and_name() -> None:
    assert run("--version").stdout == f"mpt-tokens {mpt_tokens.__version__}\n"
    assert "Usage: mpt-tokens delete" in run("delete", "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no process sends a signal to another there")
def test_an_interrupt_ends_it_without_a_traceback(sandbox: mpt_tokens.Sandbox) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "mpt_tokens", "delete", "--format", "ndjson", "TKN-answersilent-q3"],
        env={**os.environ, **sandbox.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert sandbox.wait_for_requests("TKN-answersilent-q3")
        child.send_signal(signal.SIGINT)
        told, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert json.loads(told)["outcome"] == "unknown"
    assert "Traceback" not in said


def test_a_closed_pipe_is_no_traceback(sandbox: mpt_tokens.Sandbox) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "mpt_tokens", "schema"],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "panicked" not in done.stderr


def test_what_the_library_logs_is_printed_where_that_is_wanted(sandbox: mpt_tokens.Sandbox) -> None:
    told = run("delete", "TKN-503-program", "-v", **sandbox.environment).stderr
    assert "DELETE TKN-503-program: 503\n" in told
    assert "DELETE" not in run("delete", "TKN-503-program2", **sandbox.environment).stderr
