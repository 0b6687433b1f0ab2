"""Outcomes are plain data."""

from __future__ import annotations

import copy
import datetime
import itertools
import json
import pickle
import re

import mpt_tokens
import pytest


serial = itertools.count(1)


@pytest.fixture
def failed(client: mpt_tokens.Client) -> mpt_tokens.Outcome:
    with pytest.raises(mpt_tokens.BadRequestError) as caught:
        client.delete_token(f"TKN-429.400-f{next(serial)}")
    return caught.value.report


def test_fields(failed: mpt_tokens.Outcome) -> None:
    assert failed.id == f"TKN-429.400-f{next(serial) - 1}"
    assert failed.http_status == 400
    assert failed.elapsed > 0
    assert failed.rounds == 1
    assert failed.settled_at.utcoffset() == datetime.timedelta()
    assert abs(datetime.datetime.now(datetime.timezone.utc) - failed.settled_at) < datetime.timedelta(minutes=10)
    assert [(it.number, it.sent, it.http_status, it.failure) for it in failed.attempts] == [
        (1, True, 429, None),
        (2, True, 400, None),
    ]
    assert failed.attempts[1].waited > 0
    problem = failed.problem
    assert problem is not None
    assert problem.status == 400
    assert problem.title
    assert problem.trace_id is not None
    assert problem.trace_id == problem.extensions["traceId"]
    assert problem.errors
    assert str(failed) == failed.message


def test_frozen(failed: mpt_tokens.Outcome) -> None:
    for thing in (failed, failed.attempts[0], failed.problem):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(thing, "status", 204)
        with pytest.raises(AttributeError, match="frozen"):
            delattr(thing, "elapsed")
        with pytest.raises(AttributeError):
            object.__setattr__(thing, "other", 1)


def test_comparable_hashable_picklable(
    failed: mpt_tokens.Outcome, client: mpt_tokens.Client
) -> None:
    other = client.delete_token("TKN-ok-c2")
    twins = [copy.deepcopy(failed), copy.copy(failed)]
    twins += [pickle.loads(pickle.dumps(failed, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in twins:
        assert twin == failed
        assert twin != other
        assert hash(twin) == hash(failed)
        assert repr(twin) == repr(failed)
    assert failed != "failed"
    assert {failed, *twins, other} == {failed, other}


def test_repr_says_all(failed: mpt_tokens.Outcome) -> None:
    names = {name: getattr(mpt_tokens, name) for name in ("Outcome", "Attempt", "ProblemDetails")}
    names["datetime"] = datetime
    assert eval(repr(failed), names) == failed


def test_matches(failed: mpt_tokens.Outcome) -> None:
    match failed:
        case mpt_tokens.Outcome(outcome="not_deleted", code=code):
            assert code == "bad_request"
        case _:
            pytest.fail("no match")


def test_to_dict_is_json(failed: mpt_tokens.Outcome) -> None:
    told = failed.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert list(told) == [
        "id",
        "outcome",
        "code",
        "http_status",
        "attempts",
        "rounds",
        "problem",
        "message",
        "retryable",
        "retry_after",
        "trace_id",
        "elapsed_ms",
        "at",
    ]
    assert told["problem"]["status"] == 400
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["at"])
    assert told["rounds"] == failed.rounds == 1
    assert told["elapsed_ms"] == pytest.approx(failed.elapsed * 1000, abs=0.001)


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("400list", 1),
        ("400gateway", 0),
        ("400types", 0),
        ("400null", 0),
        ("400unicode", 0),
        ("400deep", None),
        ("400html", None),
        ("400empty", None),
    ],
)
def test_odd_bodies(client: mpt_tokens.Client, scenario: str, expected: int | None) -> None:
    with pytest.raises(mpt_tokens.BadRequestError) as caught:
        client.delete_token(f"TKN-{scenario}-c3")
    problem = caught.value.problem
    if expected is None:
        assert problem is None
    else:
        assert problem is not None
        assert len(problem.errors) >= expected
        json.dumps(caught.value.report.to_dict())


def test_retry_after(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options, timeout=5) as client:
        with pytest.raises(mpt_tokens.RateLimitedError) as caught:
            client.delete_token("TKN-429~3600-c4")
    assert caught.value.retry_after == 3600
    assert caught.value.report.to_dict()["retry_after"] == 3600


def test_secrets_that_the_server_echoes_are_not_shown(
    sandbox: mpt_tokens.Sandbox, client: mpt_tokens.Client
) -> None:
    with pytest.raises(mpt_tokens.BadRequestError) as caught:
        client.delete_token("TKN-400echo-c5")
    told = f"{caught.value} {caught.value!r} {caught.value.report!r} {caught.value.report.to_dict()}"
    assert "<redacted>" in told
    assert sandbox.api_token not in told
    assert "sandbox-secret" not in told
