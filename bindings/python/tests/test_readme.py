"""What README.md shows works: every block of Python is run, against a sandbox of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mpt_tokens
import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def run(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block(number: int, tmp_path: Path) -> None:
    block = BLOCKS[number]
    file = tmp_path / f"test_block{number}.py"
    file.write_text(block, "utf-8")
    if "def test_" in block:
        assert "1 passed" in run(tmp_path, "-m", "pytest", "-q", file.name)
        return
    with mpt_tokens.Sandbox(tokens=["TKN-1671-0642"]) as sandbox:
        assert run(tmp_path, "-W", "error", file.name, **sandbox.environment) != ""
        assert sandbox.truth("TKN-1671-0642") == mpt_tokens.Truth("Deleted", 1, 1)


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == 4


def test_every_link_leads_somewhere_on_the_package_index() -> None:
    targets = re.findall(r"\]\(([^)]*)\)", README.read_text("utf-8"))
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
