"""Leaked values: the token inside is deleted, and its own value proves that it is dead."""

from __future__ import annotations

import asyncio
import pickle

import mpt_tokens
import pytest


def test_a_leaked_value_is_burnt(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    leaked = mpt_tokens.ApiToken(" Bearer " + sandbox.value_of("TKN-ok-h1"))
    assert leaked.token_id == "TKN-ok-h1"
    alive = client.prove_deleted(leaked)
    assert (alive.proven, alive.outcome.outcome, alive.basis) == (False, "deleted", None)
    for value in (leaked, sandbox.value_of("TKN-ok-h1")):
        proof = client.prove_deleted(value)
        assert proof.proven
        assert (proof.outcome.id, proof.outcome.outcome) == ("TKN-ok-h1", "gone")
        assert pickle.loads(pickle.dumps(proof)) == proof
        assert proof.basis == "control"
        assert (proof.to_dict()["proven"], proof.to_dict()["basis"]) == (True, "control")
        assert str(proof) == proof.outcome.message


def test_a_value_proves_itself_where_it_was_accepted_before(sandbox: mpt_tokens.Sandbox) -> None:
    leaked = sandbox.value_of("TKN-ok-h5")
    with mpt_tokens.Client(api_token=leaked, base_url=sandbox.base_url) as client:
        assert client.delete_token("TKN-ok-h5", allow_own_token=True).outcome == "deleted"
        assert client.prove_deleted(leaked).basis == "accepted_before"
    with mpt_tokens.Client(api_token=leaked, base_url=sandbox.base_url) as client:
        proof = client.prove_deleted(leaked)
        assert (proof.proven, proof.basis, proof.outcome.outcome) == (False, None, "not_deleted")


def test_a_list_of_leaked_values(sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client) -> None:
    values = [mpt_tokens.ApiToken(sandbox.value_of(f"TKN-answerlost-h{number}")) for number in range(20)]
    told = list(client.delete_tokens([*values, "TKN-ok-h2"], prove=True))
    assert len(told) == 21
    for outcome in told:
        assert outcome.is_success
        if outcome.id == "TKN-ok-h2":
            assert outcome.proof is None
            assert "proof" not in outcome.to_dict()
        else:
            assert outcome.proof is not None
            assert outcome.proof.proven
            assert outcome.to_dict()["proof"]["proven"] is True
            assert pickle.loads(pickle.dumps(outcome)) == outcome
    assert "sandbox-secret" not in repr(told)


def test_async(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as client:
            leaked = mpt_tokens.ApiToken(sandbox.value_of("TKN-ok-h3"))
            (told,) = [outcome async for outcome in client.delete_tokens([leaked], prove=True)]
            assert told.proof is not None
            assert told.proof.proven
            assert (await client.prove_deleted(leaked)).proven
            with pytest.raises(mpt_tokens.InvalidConfigError):
                await client.prove_deleted("")

    asyncio.run(main())


def test_values_that_name_no_token(client: mpt_tokens.Client) -> None:
    old = mpt_tokens.ApiToken("an-older-value-without-an-id")
    assert old.token_id is None
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="idt:TKN"):
        client.prove_deleted(old)
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="idt:TKN"):
        list(client.delete_tokens([old]))
    for wrong in ("", "two words", "ünï"):
        with pytest.raises(mpt_tokens.InvalidConfigError):
            mpt_tokens.ApiToken(wrong)


def test_values_are_secrets(sandbox: mpt_tokens.Sandbox) -> None:
    leaked = mpt_tokens.ApiToken(sandbox.value_of("TKN-ok-h4"))
    assert repr(leaked) == str(leaked) == "ApiToken(<redacted>)"
    with pytest.raises(TypeError):
        pickle.dumps(leaked)
