"""Burning: a leaked value deletes its own token, and a 401 to it proves that it is dead."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib

import mpt_tokens
import pytest


def options(sandbox: mpt_tokens.Sandbox) -> mpt_tokens.ClientOptions:
    return {"base_url": sandbox.base_url, "burn_only": True, "backoff": (0.001, 0.01)}


def value_of(sandbox: mpt_tokens.Sandbox, token_id: str) -> str:
    return sandbox.api_token.replace("TKN-0000-0001", token_id)


def test_a_value_is_burnt_and_proven_dead(sandbox: mpt_tokens.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPT_API_TOKEN", raising=False)
    leaked = value_of(sandbox, "TKN-ok-burn1")
    burnt = mpt_tokens.burn(leaked, **options(sandbox))
    assert (burnt.outcome, burnt.id) == ("deleted", "TKN-ok-burn1")
    assert burnt.proof is not None and burnt.proof.proven and burnt.proof.basis == "accepted_before"
    assert leaked not in repr(burnt) and leaked.rpartition(":")[2] not in json.dumps(burnt.to_dict())

    with pytest.raises(mpt_tokens.DeadValueError) as dead:
        mpt_tokens.burn(mpt_tokens.ApiToken(leaked), **options(sandbox))
    assert (dead.value.code, dead.value.outcome, dead.value.status) == ("dead_value", "not_deleted", 401)

    with mpt_tokens.Client(**options(sandbox)) as client:
        lost = client.burn(value_of(sandbox, "TKN-answerlost-burn1"))
        assert lost.outcome == "gone" and lost.proof is not None and lost.proof.basis == "lost_answer"
        before = client.burn(leaked, after_lost_answer=True)
        assert before.outcome == "gone"
        with pytest.raises(mpt_tokens.ForbiddenError, match="is alive"):
            client.burn(value_of(sandbox, "TKN-403-burn1"))
        with pytest.raises(mpt_tokens.InvalidArgumentError):
            client.burn("sesame")
        with pytest.raises(mpt_tokens.InvalidConfigError, match="can only burn"):
            client.delete_token("TKN-ok-burn2")


def test_a_list_of_values_is_burnt(sandbox: mpt_tokens.Sandbox, tmp_path: pathlib.Path) -> None:
    ids = [f"TKN-ok-burnc{number}" for number in range(20)]
    values: list[str | mpt_tokens.ApiToken] = [value_of(sandbox, token_id) for token_id in ids]
    values[3] = mpt_tokens.ApiToken(value_of(sandbox, ids[3]))
    values += [value_of(sandbox, ids[0]), "sesame", value_of(sandbox, ids[1])[:-1]]
    journal = os.fspath(tmp_path / "journal")
    with mpt_tokens.Client(**options(sandbox)) as client:
        with client.burn_tokens(values, journal=journal, concurrency=4) as batch:
            told = list(batch)
        summary = batch.summary
        assert (summary.deleted, summary.dead_values, summary.duplicates, summary.total) == (20, 1, 1, 22)
        assert {outcome.id for outcome in told if outcome.is_success} == set(ids)
        assert all(outcome.proof and outcome.proof.proven for outcome in told if outcome.is_success)
        assert {sandbox.truth(token_id).status for token_id in ids} == {"Deleted"}
        assert "sandbox-secret" not in pathlib.Path(journal).read_text()
        with client.burn_tokens(values[:5], journal=journal) as again:
            assert list(again) == []
        with pytest.raises(TypeError, match="values are one str"):
            client.burn_tokens(value_of(sandbox, "TKN-ok-burnc1"))
        with pytest.raises(mpt_tokens.InvalidConfigError):
            client.delete_tokens(["TKN-ok-burn2"])


def test_the_same_with_asyncio(sandbox: mpt_tokens.Sandbox) -> None:
    async def burn() -> None:
        async with mpt_tokens.AsyncClient(**options(sandbox)) as client:
            burnt = await client.burn(value_of(sandbox, "TKN-ok-burnd1"))
            assert burnt.proof is not None and burnt.proof.proven
            with pytest.raises(mpt_tokens.DeadValueError):
                await client.burn(value_of(sandbox, "TKN-ok-burnd1"))
            values = [value_of(sandbox, f"TKN-ok-burnd{number}") for number in range(1, 6)]
            async with client.burn_tokens(values) as batch:
                codes = sorted([outcome.code async for outcome in batch])
            assert codes == ["dead_value", "ok", "ok", "ok", "ok"]

    asyncio.run(burn())
