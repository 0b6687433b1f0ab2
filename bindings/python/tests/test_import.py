"""Importing the package does nothing, and brings nothing that the first call does not need."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import mpt_tokens
import pytest


def told(script: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_what_comes_with_it() -> None:
    script = (
        "import sys; before = set(sys.modules); import mpt_tokens; after = set(sys.modules) - before;"
        "import json; print(json.dumps(sorted(after)))"
    )
    # Of the standard library, nothing but what makes the package's own annotations cost nothing, and what is built in.
    assert set(told(script)) <= {
        "__future__",
        "atexit",
        "mpt_tokens",
        "mpt_tokens._client",
        "mpt_tokens._hints",
        "mpt_tokens._keywords",
        "mpt_tokens._native",
    }


def test_what_a_call_brings() -> None:
    script = (
        "import sys; before = set(sys.modules); import mpt_tokens\n"
        "try: mpt_tokens.delete_token('', api_token='not-a-real-token')\n"
        "except mpt_tokens.Error: pass\n"
        "after = set(sys.modules) - before; import json; print(json.dumps(sorted(after)))"
    )
    heavy = {"asyncio", "concurrent.futures", "dataclasses", "inspect", "logging", "typing", "threading"}
    assert not set(told(script)) & heavy


def test_no_side_effects() -> None:
    script = (
        "import os, signal, sys, threading\n"
        "look = lambda: (dict(os.environ), [signal.getsignal(number) for number in sorted(signal.valid_signals())],"
        " sorted(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else [],"
        " threading.active_count(), sys.excepthook, sys.unraisablehook)\n"
        "before = look(); import mpt_tokens; import json; print(json.dumps(look() == before))"
    )
    assert told(script) is True


def test_every_public_name() -> None:
    assert sorted(mpt_tokens.__all__) == sorted(set(mpt_tokens.__all__))
    for name in mpt_tokens.__all__:
        value = getattr(mpt_tokens, name)
        module = getattr(value, "__module__", "mpt_tokens")
        if isinstance(value, type):
            assert (module, value.__name__) == ("mpt_tokens", name)
    assert set(mpt_tokens.__all__) <= set(dir(mpt_tokens))
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        mpt_tokens.no_such_name  # type: ignore[attr-defined] # pyright: ignore


def test_star() -> None:
    assert told("from mpt_tokens import *; import json; print(json.dumps(Client.__name__))") == "Client"


def test_version() -> None:
    assert mpt_tokens.__version__ == importlib.metadata.version("mpt-tokens")


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled"), reason="there is a GIL in this Python")
def test_a_free_threaded_python_stays_so() -> None:
    script = (
        "import sys, json; before = sys._is_gil_enabled(); import mpt_tokens;"
        "print(json.dumps(sys._is_gil_enabled() == before))"
    )
    assert told(script) is True


def test_from_a_zip_file(tmp_path: Path) -> None:
    """A compiled module cannot be loaded from there: the error says so."""
    folder = Path(str(mpt_tokens.__file__)).parent
    file = tmp_path / "mpt_tokens.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for source in folder.glob("*.py"):
            archive.write(source, f"mpt_tokens/{source.name}")
    script = f"import sys; sys.path.insert(0, {str(file)!r}); import mpt_tokens"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: mpt_tokens has a compiled module")


@pytest.mark.skipif(sys.version_info < (3, 13), reason="before 3.13 no subinterpreter is isolated, or none can be made")
def test_in_an_isolated_subinterpreter() -> None:
    script = "import _interpreters; print(_interpreters.exec(_interpreters.create(), 'import mpt_tokens').msg)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "not in a subinterpreter" in done.stdout
