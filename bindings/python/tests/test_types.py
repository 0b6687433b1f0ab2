"""What type checkers understand of the package: checked by mypy and pyright, and run."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import mpt_tokens
from typing_extensions import assert_never, assert_type


def explain(outcome: mpt_tokens.OutcomeName) -> str:
    """Every outcome is known to a type checker: a new one would fail here."""
    if outcome == "deleted" or outcome == "gone":
        return "dead"
    if outcome == "not_deleted":
        return "alive"
    if outcome == "unknown":
        return "ask again"
    assert_never(outcome)


def test_outcome(client: mpt_tokens.Client) -> None:
    outcome = client.delete_token("TKN-ok-types1")
    assert_type(outcome, "mpt_tokens.Outcome[str]")
    assert_type(outcome.id, str)
    assert_type(outcome.outcome, mpt_tokens.OutcomeName)
    assert_type(outcome.code, mpt_tokens.CodeName)
    assert_type(outcome.http_status, "int | None")
    assert_type(outcome.attempts, "tuple[mpt_tokens.Attempt, ...]")
    assert_type(outcome.rounds, int)
    assert_type(outcome.settled_at, datetime.datetime)
    assert_type(outcome.problem, "mpt_tokens.ProblemDetails | None")
    assert_type(outcome.retryable, "bool")
    assert_type(outcome.retry_after, "float | None")
    assert_type(outcome.proof, "mpt_tokens.Proof | None")
    assert_type(outcome.is_success, bool)
    assert explain(outcome.outcome) == "dead"


def test_errors(client: mpt_tokens.Client) -> None:
    try:
        client.delete_token("TKN-404-types2")
    except mpt_tokens.NotFoundError as error:
        assert_type(error.status, "int | None")
        assert_type(error.problem, "mpt_tokens.ProblemDetails | None")
        assert_type(error.report, mpt_tokens.Outcome)
        assert_type(error.report.id, "str | None")
        assert_type(error.outcome, mpt_tokens.OutcomeName)
        assert_type(mpt_tokens.outcome_of(error), "mpt_tokens.Outcome | None")


def test_batch(client: mpt_tokens.Client, tmp_path: Path) -> None:
    def ids() -> Iterator[str]:
        yield "TKN-ok-types3"

    with client.delete_tokens(ids(), concurrency=2, journal=tmp_path / "journal") as batch:
        assert_type(batch, mpt_tokens.Batch)
        for outcome in batch:
            assert_type(outcome, "mpt_tokens.Outcome[str]")
        assert_type(batch.summary, mpt_tokens.BatchSummary)
        assert_type(batch.summary.deleted, int)
        assert_type(batch.summary.put_off, int)
        assert_type(batch.failed, "tuple[mpt_tokens.Outcome[str], ...]")
        assert_type(batch.run(), mpt_tokens.BatchResult)
        # Whoever takes any outcome takes those of a batch, too.
        any_outcomes: list[mpt_tokens.Outcome] = list(batch.failed)
        assert any_outcomes == []


def test_sandbox(sandbox: mpt_tokens.Sandbox) -> None:
    assert_type(sandbox.options, mpt_tokens.SandboxOptions)
    own: mpt_tokens.ClientOptions = {"timeout": 5, "ca_file": None}
    options: mpt_tokens.ClientOptions = {**own, **sandbox.options}
    assert_type(mpt_tokens.delete_token("TKN-ok-types4", **options), "mpt_tokens.Outcome[str]")
    with mpt_tokens.Client(**sandbox.options, timeout=5) as client:
        assert_type(client, mpt_tokens.Client)
        assert_type(client.prove_deleted(sandbox.value_of("TKN-401-types4")), mpt_tokens.Proof)


def test_asyncio(sandbox: mpt_tokens.Sandbox) -> None:
    async def ids() -> AsyncIterator[str]:
        yield "TKN-ok-types5"

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            assert_type(client, mpt_tokens.AsyncClient)
            assert_type(await client.delete_token("TKN-ok-types6"), "mpt_tokens.Outcome[str]")
            async with client.delete_tokens(ids()) as batch:
                assert_type(batch, mpt_tokens.AsyncBatch)
                async for outcome in batch:
                    assert_type(outcome, "mpt_tokens.Outcome[str]")

    asyncio.run(main())
