"""Arguments that cannot be used: the message names the argument, what was found and what was expected."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import fractions
import math
import pickle
from typing import Any

import mpt_tokens
import pytest

BASE: dict[str, Any] = {"api_token": "a-token-in-use", "base_url": "http://127.0.0.1:1"}
LONG = "a-secret-in-the-wrong-place"

# An option, a value, whether it is the type that is wrong, and what the message says.
REFUSED: list[tuple[str, Any, bool, str]] = [
    ("timeout", 0, False, "the timeout is 0ns: expected more than zero"),
    ("timeout", -1, False, "the timeout is -1: expected seconds, not negative"),
    ("timeout", -0.5, False, "the timeout is -0.5: expected"),
    ("timeout", math.inf, False, "the timeout is inf: expected seconds, at most 86400 (None is the default)"),
    ("timeout", -math.inf, False, "the timeout is -inf: expected"),
    ("timeout", math.nan, False, "the timeout is nan: expected a number of seconds"),
    ("timeout", 1e308, False, "the timeout is 1e+308: expected seconds, at most 86400"),
    ("timeout", 10**30, False, f"the timeout is {10**30}: expected seconds, at most 86400"),
    ("timeout", 10**400, False, "expected seconds, at most 86400"),
    ("timeout", 10**5000, False, "expected seconds, at most 86400"),
    ("timeout", 86_401, False, "the timeout is 86401s: expected more than zero, and at most a day"),
    ("timeout", "5", True, "the timeout is '5': expected a number of seconds, or a timedelta"),
    ("timeout", LONG, True, "the timeout is of type str: expected a number"),
    ("timeout", b"5", True, "the timeout is of type bytes: expected a number"),
    ("timeout", True, True, "the timeout is True: expected a number"),
    ("timeout", [5], True, "the timeout is of type list: expected a number"),
    ("timeout", datetime.timedelta(days=-1), False, "the timeout is of type timedelta: expected"),
    ("attempt_timeout", "5", True, "the attempt_timeout is '5': expected"),
    ("attempt_timeout", 0, False, "the attempt_timeout is 0ns: expected"),
    ("connect_timeout", -1, False, "the connect_timeout is -1: expected"),
    ("connect_timeout", 0, False, "the connect_timeout is 0ns: expected"),
    ("attempts", -1, False, "the attempts are -1: expected 1 to 100"),
    ("attempts", 0, False, "the attempts are 0: expected 1 to 100"),
    ("attempts", 10**30, False, f"the attempts are {10**30}: expected 1 to 100"),
    ("attempts", 2.0, True, "the attempts are 2.0: expected a whole number, 1 to 100"),
    ("attempts", True, True, "the attempts are True: expected a whole number"),
    ("attempts", "3", True, "the attempts are '3': expected a whole number"),
    ("backoff", 5, True, "the backoff is 5: expected a pair (base, cap) of seconds"),
    ("backoff", (5,), True, "the backoff is of type tuple: expected a pair"),
    ("backoff", "12", True, "the backoff is '12': expected a pair"),
    ("backoff", (5, 1), False, "the base of the backoff, 5s, is longer than its cap, 1s"),
    ("backoff", (-1, 1), False, "the base of the backoff is -1: expected"),
    ("backoff", (1, "x"), True, "the cap of the backoff is 'x': expected"),
    ("backoff", (None, 1), True, "the base of the backoff is None: expected"),
    ("missing_ok", 1, True, "the missing_ok is 1: expected True or False"),
    ("missing_ok", "yes", True, "the missing_ok is 'yes': expected True or False"),
    ("allow_own_token", 1, True, "the allow_own_token is 1: expected"),
    ("allow_plain_http", 0, True, "the allow_plain_http is 0: expected"),
    ("ca_only", "no", True, "the ca_only is 'no': expected"),
    ("user_agent", 7, True, "the user_agent is of type int: expected a str"),
    ("user_agent", "a\ud800", False, "the user_agent has a lone surrogate"),
    ("api_token", LONG.encode(), True, "the api_token is of type bytes: expected a str"),
    ("api_token", LONG + "\ud800", False, "the api_token has a lone surrogate"),
    ("base_url", 7, True, "the base_url is of type int: expected a str"),
    ("proxy", b"none", True, "the proxy is of type bytes: expected a str"),
    ("ca_file", 7, True, "the ca_file is of type int: expected a path"),
    ("ca_data", "-----BEGIN", True, "the ca_data is of type str: expected bytes"),
    ("on_attempt", 7, True, "the on_attempt is not callable: expected a function"),
    ("verify", 7, True, "the verify is of type int: expected True, the path of a PEM file"),
]


def check(error: BaseException, is_type: bool, said: str) -> None:
    assert isinstance(error, (mpt_tokens.InvalidArgumentError, ValueError))
    assert isinstance(error, TypeError) == is_type
    assert isinstance(error, mpt_tokens.Error)
    assert said in str(error)
    assert LONG not in str(error)
    assert (error.outcome, error.code, error.id) == ("not_deleted", "invalid_argument", None)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.report) == (type(error), error.report)


@pytest.mark.parametrize("kind", [mpt_tokens.Client, mpt_tokens.AsyncClient])
@pytest.mark.parametrize(
    ("option", "value", "is_type", "said"),
    REFUSED,
    ids=[f"{option}-{number}" for number, (option, *_) in enumerate(REFUSED)],
)
def test_settings(kind: Any, option: str, value: Any, is_type: bool, said: str) -> None:
    with pytest.raises(mpt_tokens.InvalidArgumentError) as caught:
        kind(**{**BASE, option: value})
    check(caught.value, is_type, said)


# A method, its arguments, and the same.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], bool, str]] = [
    ("delete_token", (1,), {}, True, "the token_id is of type int: expected a str"),
    ("delete_token", (None,), {}, True, "the token_id is of type NoneType: expected a str"),
    ("delete_token", (LONG.encode(),), {}, True, "the token_id is of type bytes: expected a str"),
    ("delete_token", ("TKN-1",), {"timeout": "5"}, True, "the timeout is '5'"),
    ("delete_token", ("TKN-1",), {"attempts": -1}, False, "the attempts are -1: expected 1 to 100"),
    ("delete_token", ("TKN-1",), {"missing_ok": 1}, True, "the missing_ok is 1"),
    ("delete_token", ("TKN-1",), {"after_lost_answer": 1}, True, "the after_lost_answer is 1"),
    ("delete_token", ("TKN-1",), {"trace_parent": 7}, True, "the trace_parent is of type int"),
    ("delete_token", ("TKN-1",), {"trace_parent": LONG}, False, "the trace_parent is not a W3C traceparent"),
    ("prove_deleted", (7,), {}, True, "the value is of type int: expected a str"),
    ("prove_deleted", (None,), {}, True, "the value is None: expected a str"),
    ("prove_deleted", ("x",), {"attempts": 0}, False, "the attempts are 0"),
    ("delete_tokens", ("TKN-1",), {}, True, "the token_ids are one str: expected an iterable"),
    ("delete_tokens", (7,), {}, True, "the token_ids cannot be iterated over: expected an iterable"),
    ("delete_tokens", ([],), {"concurrency": 0}, False, "the concurrency is 0: expected 1 to 256"),
    ("delete_tokens", ([],), {"concurrency": 257}, False, "the concurrency is 257: expected 1 to 256"),
    ("delete_tokens", ([],), {"concurrency": 2.5}, True, "the concurrency is 2.5: expected a whole number"),
    ("delete_tokens", ([],), {"patience": -1}, False, "the patience is -1: expected seconds"),
    ("delete_tokens", ([],), {"patience": 10**7}, False, "the patience is 10000000 s: expected one week"),
    ("delete_tokens", ([],), {"prove": 1}, True, "the prove is 1: expected True or False"),
    ("delete_tokens", ([],), {"journal": 7}, True, "the journal is of type int: expected a path"),
    ("with_options", (), {"attempts": 0}, False, "the attempts are 0: expected 1 to 100"),
    ("with_options", (), {"timeout": "5"}, True, "the timeout is '5'"),
]


@pytest.mark.parametrize(("method", "arguments", "options", "is_type", "said"), CALLS)
def test_calls(
    method: str, arguments: tuple[Any, ...], options: dict[str, Any], is_type: bool, said: str
) -> None:
    with mpt_tokens.Client(**BASE) as client:
        with pytest.raises(mpt_tokens.InvalidArgumentError) as caught:
            getattr(client, method)(*arguments, **options)
    check(caught.value, is_type, said)

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**BASE) as client:
            with pytest.raises(mpt_tokens.InvalidArgumentError) as caught:
                told = getattr(client, method)(*arguments, **options)
                await told
            check(caught.value, is_type, said)

    asyncio.run(main())


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"max_retries": 3}, "the client has no argument 'max_retries': did you mean 'attempts'? (attempts counts the first"),
    ({"retries": 3}, "did you mean 'attempts'?"),
    ({"token": LONG}, "did you mean 'api_token'?"),
    ({"url": "x"}, "did you mean 'base_url'?"),
    ({"ssl_context": None}, "did you mean 'verify'?"),
    ({"time_out": 5}, "did you mean 'timeout'?"),
    ({"proxies": {}}, "did you mean 'proxy'? (one URL, or 'none')"),
    ({"zzzz": 5}, "the client has no argument 'zzzz': expected one of api_token, base_url, timeout"),
]


@pytest.mark.parametrize(("options", "said"), UNKNOWN)
@pytest.mark.parametrize("kind", [mpt_tokens.Client, mpt_tokens.AsyncClient])
def test_unknown_settings(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(mpt_tokens.InvalidArgumentError) as caught:
        kind(**BASE, **options)
    check(caught.value, True, said)
    with pytest.raises(mpt_tokens.InvalidArgumentError):
        mpt_tokens.delete_token("TKN-1", **BASE, **options)


def test_unknown_arguments_of_calls() -> None:
    with mpt_tokens.Client(**BASE) as client:
        call: Any = client.delete_token
        with pytest.raises(mpt_tokens.InvalidArgumentError, match="no argument 'retries': did you mean 'attempts'"):
            call("TKN-1", retries=3)
        with pytest.raises(mpt_tokens.InvalidArgumentError, match="too many positional arguments: expected 1"):
            call("TKN-1", 5)
        with pytest.raises(TypeError, match="token_id"):
            call()
        batch: Any = client.delete_tokens
        with pytest.raises(mpt_tokens.InvalidArgumentError, match="no argument 'workers': did you mean 'concurrency'"):
            batch([], workers=3)
    kind: Any = mpt_tokens.Client
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="too many positional arguments: expected none") as caught:
        kind(LONG)
    check(caught.value, True, "by name api_token")


@pytest.mark.parametrize(
    "value",
    [
        5,
        0.5,
        datetime.timedelta(seconds=5),
        decimal.Decimal("0.5"),
        fractions.Fraction(1, 2),
        None,
        86_400,
    ],
)
def test_times_that_are_fine(sandbox: mpt_tokens.Sandbox, value: Any) -> None:
    with mpt_tokens.Client(**sandbox.options, timeout=value, attempt_timeout=value) as client:
        assert client.delete_token("TKN-never-was-ar1", missing_ok=True, timeout=value).outcome == "gone"
        assert client.delete_tokens([], patience=value or 0).run().is_success


def test_what_else_is_fine(sandbox: mpt_tokens.Sandbox) -> None:
    backoff: Any = [0.001, 10]
    with mpt_tokens.Client(**sandbox.options, user_agent="", attempts=100, backoff=backoff) as client:
        assert client.delete_token("TKN-ok-ar2").outcome == "deleted"


@pytest.mark.parametrize(
    "ending", ["/", "/public", "/public/v1", "/public/v1/accounts/api-tokens", "/public/v1/accounts/api-tokens/"]
)
def test_the_path_that_people_paste(sandbox: mpt_tokens.Sandbox, ending: str) -> None:
    options: mpt_tokens.SandboxOptions = {**sandbox.options, "base_url": sandbox.base_url + ending}
    with mpt_tokens.Client(**options) as client:
        assert client.base_url == sandbox.base_url
        assert client.delete_token("TKN-never-was-ar3", missing_ok=True).outcome == "gone"


def test_a_base_url_with_an_id() -> None:
    with pytest.raises(mpt_tokens.InvalidConfigError, match="has the path of the API tokens in it: expected one such"):
        mpt_tokens.Client(api_token="x", base_url="https://h.example/public/v1/accounts/api-tokens/TKN-1")


def test_a_lone_surrogate_is_the_outcome_of_that_id(client: mpt_tokens.Client) -> None:
    ids = ["TKN-ok-ar4", "TKN-\udc80", "TKN-ok-ar5"]
    outcomes = sorted(client.delete_tokens(ids), key=lambda outcome: outcome.index or 0)
    assert [outcome.code for outcome in outcomes] == ["ok", "invalid_token_id", "ok"]
    assert outcomes[1].id == r"TKN-\udc80"
    assert "is not text" in outcomes[1].message
    with pytest.raises(mpt_tokens.InvalidTokenIdError, match="is not text") as caught:
        client.delete_token("TKN-\udc80")
    assert isinstance(caught.value, UnicodeError)
    assert caught.value.id == r"TKN-\udc80"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.report) == (type(caught.value), caught.value.report)
    value = "idt:TKN-9000-9001:not-a-real-secret-value\udc80"
    (outcome,) = client.delete_tokens([value])
    assert "not-a-real-secret-value" not in repr(outcome)
