"""The pytest fixture ``mpt_sandbox``: a sandbox for one test, which every client created without options uses.

It is available wherever the package is installed; no import is needed.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._sandbox import Sandbox


@pytest.fixture
def mpt_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A stand-in for the Marketplace; ``MPT_API_TOKEN`` and ``MPT_API_BASE_URL`` point to it during the test."""
    from ._sandbox import Sandbox

    with Sandbox() as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox
