"""What docs/scaling.md shows for Python works, with a server that is down in between."""

from __future__ import annotations

import re
import socket
import textwrap
import threading
from pathlib import Path
from typing import Any

import mpt_tokens
import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "scaling.md"
BLOCKS = re.findall(r"^( *)```python\n(.*?)^ *```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def recipe(name: str) -> Any:
    """The function of that name, from whichever block has it."""
    found: dict[str, Any] = {}
    for _, block in BLOCKS:
        exec(compile(textwrap.dedent(block), str(DOCUMENT), "exec"), found)
    return found[name]


class Outage:
    """A server that takes connections and says nothing on them; after some of them, a sandbox in its place."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.sandbox: mpt_tokens.Sandbox | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for _ in range(3):
            self.listener.accept()[0].close()
        self.listener.close()
        self.sandbox = mpt_tokens.Sandbox(tokens=self.ids, port=self.port)

    def end(self) -> mpt_tokens.Sandbox:
        self.thread.join()
        assert self.sandbox is not None
        return self.sandbox


class Message:
    """One of a queue, that remembers what was done with it."""

    def __init__(self, body: str) -> None:
        self.body = body
        self.done: list[str] = []

    def ack(self) -> None:
        self.done.append("ack")

    def release(self, delay: float) -> None:
        assert delay > 0
        self.done.append("release")

    def set_aside(self, reason: str) -> None:
        assert reason
        self.done.append("set_aside")


@pytest.fixture
def value(monkeypatch: pytest.MonkeyPatch) -> str:
    with mpt_tokens.Sandbox() as sandbox:
        value: str = sandbox.options["api_token"]
    monkeypatch.setenv("MPT_API_TOKEN", value)
    return value


def test_a_task_is_tried_again_until_all_are_dead(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_part = recipe("delete_part")
    ids = [f"TKN-1000-{number:04}" for number in range(1, 21)]
    outage = Outage(ids)
    monkeypatch.setenv("MPT_API_BASE_URL", f"http://127.0.0.1:{outage.port}")
    left = None
    for _ in range(10):
        try:
            left = delete_part(ids, tmp_path / "journal")
            break
        except RuntimeError:
            outage.end()
    with outage.end() as sandbox:
        assert left == []
        assert all(sandbox.truth(id).status == "Deleted" for id in ids)
        # What is for a person is told, and not tried for ever.
        (forbidden,) = delete_part(["TKN-403-0001"], tmp_path / "journal")
        assert forbidden["code"] == "forbidden"


def test_a_message_is_settled_by_what_is_true(value: str) -> None:
    consume = recipe("consume")
    ids = [f"TKN-1000-{number:04}" for number in range(1, 6)]
    outage = Outage(ids)
    messages = [Message(id) for id in [*ids, "..", "TKN-403-0001"]]
    options: Any = {"base_url": f"http://127.0.0.1:{outage.port}", "api_token": value}
    with mpt_tokens.Client(**options, attempts=1) as client:
        waiting = list(messages)
        for _ in range(3):
            consume(client, waiting)
            waiting = [message for message in waiting if message.done[-1] == "release"]
            outage.end()
    with outage.end() as sandbox:
        assert waiting == []
        assert all(sandbox.truth(id).status == "Deleted" for id in ids)
    assert [message.done[-1] for message in messages] == ["ack"] * 5 + ["set_aside"] * 2
    assert any("release" in message.done for message in messages)


def test_a_worker_whose_own_token_is_refused_stops(sandbox: mpt_tokens.Sandbox) -> None:
    consume = recipe("consume")
    message = Message("TKN-1000-0001")
    options: Any = {**sandbox.options, "api_token": "idt:TKN-9999-9999:nobody-knows-this"}
    with mpt_tokens.Client(**options) as client, pytest.raises(mpt_tokens.UnauthorizedError):
        consume(client, [message])
    assert message.done == []
