"""What core logs goes to Python's ``logging``, and no secret with it."""

from __future__ import annotations

import logging
import subprocess
import sys

import mpt_tokens
import pytest


def test_attempts_and_waits(client: mpt_tokens.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "mpt_tokens"):
        client.delete_token("TKN-503-r1")
    told = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert told[0] == ("mpt_tokens", "DEBUG", "DELETE TKN-503-r1: 503")
    assert told[1][:2] == ("mpt_tokens", "INFO")
    assert "the next one is in" in told[1][2]
    assert told[2] == ("mpt_tokens", "DEBUG", "DELETE TKN-503-r1: 204")
    assert len(told) == 3
    assert caplog.records[0].funcName == "delete_token"


def about(record: logging.LogRecord) -> tuple[object, ...]:
    return tuple(vars(record).get(name) for name in ("token_id", "attempt", "http_status"))


def test_records_say_what_they_are_about(client: mpt_tokens.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "mpt_tokens"):
        outcome = client.delete_token("TKN-503-r8")
        told = [about(record) for record in caplog.records]
        first, second = ("TKN-503-r8", 1, 503), ("TKN-503-r8", 2, 204)
        assert told == [first, first, second]
        assert {vars(record)["trace_id"] for record in caplog.records} == {outcome.trace_id}
        caplog.clear()
        with client.delete_tokens([f"TKN-ok-r9n{number}" for number in range(20)], concurrency=4) as batch:
            ids = {outcome.id for outcome in batch}
    assert {vars(record)["token_id"] for record in caplog.records} == ids
    # They are handed over by the thread that iterates, and name the thread that made the attempt.
    assert {record.threadName for record in caplog.records} == {"mpt-tokens-batch"}
    assert {record.module for record in caplog.records} == {"call"}


@pytest.mark.parametrize(
    ("level", "count"), [(logging.DEBUG, 3), (logging.INFO, 1), (logging.WARNING, 0), (logging.CRITICAL, 0)]
)
def test_levels_hold_at_once(
    client: mpt_tokens.Client, caplog: pytest.LogCaptureFixture, level: int, count: int
) -> None:
    with caplog.at_level(level, "mpt_tokens"):
        client.delete_token(f"TKN-503-r2l{level}")
    assert len(caplog.records) == count
    client.delete_token(f"TKN-503-r3l{level}")
    assert len(caplog.records) == count


def test_batches_log_from_their_threads(
    client: mpt_tokens.Client, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [f"TKN-ok-r4n{number}" for number in range(200)]
    with caplog.at_level(logging.DEBUG, "mpt_tokens"):
        with client.delete_tokens(ids, concurrency=16) as batch:
            assert sum(outcome.is_success for outcome in batch) == 200
    assert len(caplog.records) == 200


def test_no_secret_and_nobody_else_is_heard(
    sandbox: mpt_tokens.Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(1):
        logging.getLogger("mpt_tokens").setLevel(1)
        try:
            with mpt_tokens.Client(**sandbox.options) as client:
                with pytest.raises(mpt_tokens.BadRequestError):
                    client.delete_token("TKN-400echo-r5")
        finally:
            logging.getLogger("mpt_tokens").setLevel(logging.NOTSET)
    assert {record.name for record in caplog.records} == {"mpt_tokens"}
    assert "sandbox-secret" not in caplog.text


def test_a_handler_that_fails_does_not_fail_the_call(
    client: mpt_tokens.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise RuntimeError("the filter is broken")

    unraisable: list[BaseException | None] = []

    def note(told: sys.UnraisableHookArgs) -> None:
        unraisable.append(told.exc_value)

    monkeypatch.setattr(sys, "unraisablehook", note)
    logger = logging.getLogger("mpt_tokens")
    logger.addFilter(fail)
    logger.setLevel(logging.DEBUG)
    try:
        assert client.delete_token("TKN-ok-r6").outcome == "deleted"
    finally:
        logger.removeFilter(fail)
        logger.setLevel(logging.NOTSET)
    assert [str(error) for error in unraisable] == ["the filter is broken"]


def test_logging_is_not_imported_for_it(sandbox: mpt_tokens.Sandbox) -> None:
    script = (
        "import sys, mpt_tokens\n"
        f"assert mpt_tokens.delete_token('TKN-ok-r7', **{dict(sandbox.options)!r}).is_success\n"
        "assert 'logging' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
