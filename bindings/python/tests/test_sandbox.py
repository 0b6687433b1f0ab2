"""The sandbox and its fixture: users test their own programs with them."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import mpt_tokens
import pytest


def test_it_remembers_the_truth() -> None:
    with mpt_tokens.Sandbox(tokens=["TKN-1671-0642"], numbered=2) as sandbox:
        assert sandbox.truth("TKN-1671-0642") == mpt_tokens.Truth("Active", 0, None)
        with mpt_tokens.Client(**sandbox.options) as client:
            client.delete_token("TKN-1671-0642")
            client.delete_token("TKN-1000-0002")
        assert sandbox.truth("TKN-1671-0642") == mpt_tokens.Truth("Deleted", 1, 1)
        assert sandbox.truth("TKN-other").status is None
        stats = sandbox.stats()
        assert (stats["requests"], stats["deleted"], stats["strays"]) == (2, 2, 0)
        assert not sandbox.wait_for_requests("TKN-other", timeout=0.01)
        assert sandbox.value_of("TKN-1671-0642").startswith("idt:TKN-1671-0642:")


def test_options() -> None:
    with mpt_tokens.Sandbox(rate=1, delay=0.01, record=5, faults=1) as sandbox:
        with mpt_tokens.Client(**sandbox.options, attempts=1) as client:
            client.delete_token("TKN-ok-1")
            with pytest.raises(mpt_tokens.RateLimitedError):
                client.delete_token("TKN-ok-2")
        assert sandbox.stats()["rate_limited"] == 1
        targets = [request.target for request in sandbox.recorded()]
    assert targets == [f"/public/v1/accounts/api-tokens/TKN-ok-{number}" for number in (1, 2)]


@pytest.mark.parametrize(("rate", "delay"), [(0, 0.0), (None, -1.0), (None, float("nan"))])
def test_options_out_of_range(rate: int | None, delay: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        mpt_tokens.Sandbox(rate=rate, delay=delay)


def test_a_port_that_is_taken() -> None:
    with mpt_tokens.Sandbox() as sandbox, pytest.raises(OSError):
        mpt_tokens.Sandbox(port=sandbox.port)


def test_anybody_can_look() -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with mpt_tokens.Sandbox() as sandbox:
        url = f"{sandbox.base_url}/public/v1/accounts/api-tokens/TKN-ok-1"
        with opener.open(url) as answer:
            assert b'"Active"' in answer.read()


def test_closing() -> None:
    sandbox = mpt_tokens.Sandbox()
    assert sandbox.base_url in repr(sandbox)
    sandbox.close()
    sandbox.close()
    assert sandbox.closed
    assert repr(sandbox) == "<mpt_tokens.Sandbox closed>"
    with pytest.raises(ValueError, match="closed"):
        sandbox.truth("TKN-ok-1")
    with pytest.warns(ResourceWarning, match="unclosed sandbox"):
        mpt_tokens.Sandbox()


def test_the_fixture(mpt_sandbox: mpt_tokens.Sandbox) -> None:
    assert os.environ["MPT_API_BASE_URL"] == mpt_sandbox.base_url
    assert mpt_tokens.delete_token("TKN-answerlost-1").outcome == "gone"
    assert mpt_sandbox.truth("TKN-answerlost-1").deleted_by == 1


def test_the_fixture_in_a_suite_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import mpt_tokens, os\n"
        "def test_theirs(mpt_sandbox):\n"
        "    with mpt_tokens.Client() as client:\n"
        "        assert client.delete_token('TKN-503-1').outcome == 'deleted'\n"
        "def test_after():\n"
        "    assert 'MPT_API_TOKEN' not in os.environ\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_the_example_in_the_docstring() -> None:
    found = doctest.DocTestFinder(recurse=False).find(mpt_tokens.Sandbox, globs={"mpt_tokens": mpt_tokens})
    (example,) = found
    assert doctest.DocTestRunner().run(example) == (0, 1)
