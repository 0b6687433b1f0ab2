"""What the tests share: a sandbox and clients of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import mpt_tokens
import pytest


@pytest.fixture(scope="session")
def sandbox() -> Iterator[mpt_tokens.Sandbox]:
    """One sandbox for all tests: each test takes ids that no other has."""
    with mpt_tokens.Sandbox(numbered=300_000) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: mpt_tokens.Sandbox) -> Iterator[mpt_tokens.Client]:
    with mpt_tokens.Client(**sandbox.options, backoff=(0.001, 0.01)) as client:
        yield client


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens: it is bound, so that nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell that runs the tests has set must not decide them."""
    for name in ("MPT_API_TOKEN", "MPT_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
