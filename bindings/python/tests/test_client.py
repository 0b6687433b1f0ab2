"""The client as an object: settings, the environment, closing, secrets."""

from __future__ import annotations

import gc
import inspect
import traceback
import warnings

import mpt_tokens
import pytest

SECRET = "idt:TKN-1671-0642:not-a-real-secret-value"


def test_settings_come_from_the_environment(
    sandbox: mpt_tokens.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    with mpt_tokens.Client() as client:
        assert client.base_url == sandbox.base_url
        assert client.own_token_id == "TKN-0000-0001"
        assert client.delete_token("TKN-ok-d1").outcome == "deleted"
    assert mpt_tokens.delete_token("TKN-ok-d2").outcome == "deleted"
    with mpt_tokens.Client(api_token=SECRET) as client:
        assert client.own_token_id == "TKN-1671-0642"


def test_the_proxy_of_the_environment_is_not_for_loopback(
    sandbox: mpt_tokens.Sandbox, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    assert mpt_tokens.delete_token("TKN-ok-d3", **sandbox.options).outcome == "deleted"


def test_a_call_has_options_of_its_own(client: mpt_tokens.Client) -> None:
    assert client.delete_token("TKN-never-was-d4", missing_ok=True).outcome == "gone"
    with pytest.raises(mpt_tokens.BadRequestError) as caught:
        client.delete_token("TKN-400-d5", after_lost_answer=True)
    assert caught.value.outcome == "unknown"
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert client.delete_token("TKN-ok-d6", trace_parent=parent).trace_id == parent[3:35]
    with pytest.raises(mpt_tokens.InvalidArgumentError, match="traceparent"):
        client.delete_token("TKN-ok-d7", trace_parent="00-0af7")


def test_the_user_agent_names_the_caller_first() -> None:
    with mpt_tokens.Sandbox(record=1) as sandbox:
        mpt_tokens.delete_token("TKN-ok-1", **sandbox.options, user_agent="my-job/1.0")
        (request,) = sandbox.recorded()
    assert request.method == "DELETE"
    assert request.target == "/public/v1/accounts/api-tokens/TKN-ok-1"
    assert dict(request.headers)["user-agent"] == f"my-job/1.0 mpt-tokens/{mpt_tokens.__version__}"


@pytest.mark.parametrize("wrong", [None, 1, b"TKN-1671-0642", ["TKN-1671-0642"]])
def test_an_id_is_a_str(client: mpt_tokens.Client, wrong: str) -> None:
    with pytest.raises(TypeError):
        client.delete_token(wrong)


def test_unpaired_surrogates_are_no_text(client: mpt_tokens.Client) -> None:
    with pytest.raises(UnicodeError):
        client.delete_token("TKN-\udc80")


def test_own_token() -> None:
    with mpt_tokens.Sandbox() as sandbox, mpt_tokens.Client(**sandbox.options) as client:
        with pytest.raises(mpt_tokens.OwnTokenError):
            client.delete_token("TKN-0000-0001")
        assert client.delete_token("TKN-0000-0001", allow_own_token=True).outcome == "deleted"
        with pytest.raises(mpt_tokens.UnauthorizedError):
            client.delete_token("TKN-ok-0001")


def test_cancelling_ends_every_later_call(sandbox: mpt_tokens.Sandbox) -> None:
    with mpt_tokens.Client(**sandbox.options) as client:
        client.cancel()
        with pytest.raises(mpt_tokens.CancelledError) as caught:
            client.delete_token("TKN-ok-d8")
    assert caught.value.outcome == "not_deleted"
    assert sandbox.truth("TKN-ok-d8").requests == 0


def test_closing(sandbox: mpt_tokens.Sandbox) -> None:
    client = mpt_tokens.Client(**sandbox.options)
    assert "closed" not in repr(client)
    assert sandbox.base_url in repr(client)
    with client as same:
        assert same is client
    client.close()
    assert client.closed
    assert client.base_url is None
    assert repr(client) == "<mpt_tokens.Client closed>"
    for use in (lambda: client.delete_token("TKN-ok-d9"), lambda: client.delete_tokens([]), client.cancel):
        with pytest.raises(mpt_tokens.InvalidArgumentError, match="closed"):
            use()


def test_closing_lets_the_connections_go() -> None:
    with mpt_tokens.Sandbox() as sandbox:
        with mpt_tokens.Client(**sandbox.options) as client:
            client.delete_token("TKN-ok-1")
            assert sandbox.stats()["open_connections"] == 1
        with mpt_tokens.Client(**sandbox.options) as client:
            # The server sees the first connection end before it answers on another.
            client.delete_token("TKN-slow~50-1")
            assert sandbox.stats()["open_connections"] == 1


@pytest.mark.parametrize("kind", [mpt_tokens.Client, mpt_tokens.AsyncClient])
def test_a_client_that_is_not_closed_warns(
    sandbox: mpt_tokens.Sandbox, kind: type[mpt_tokens.Client]
) -> None:
    client = kind(**sandbox.options)
    with pytest.warns(ResourceWarning, match=rf"unclosed client <mpt_tokens.{kind.__name__} ") as caught:
        del client
        gc.collect()
    assert caught[0].filename == __file__ or "_client.py" in caught[0].filename


def test_a_client_that_was_never_made_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(mpt_tokens.InvalidConfigError):
            mpt_tokens.Client(api_token="")
        gc.collect()


def test_the_secret_is_never_shown(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(error: BaseException) -> str:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The frame of this test holds the secret itself, as a program's own frame would.
        return "".join(
            str(frame.locals)
            for frame in whole.stack
            if frame.locals and frame.filename != __file__
        ) + "".join(whole.format_exception_only())

    monkeypatch.setenv("MPT_API_TOKEN", SECRET)
    url = f"http://127.0.0.1:{closed_port}"
    proxy = "ftp://user:not-a-real-secret-value@127.0.0.1"
    shown: list[str] = []
    for call in (
        lambda: mpt_tokens.Client(base_url="ftp:", api_token=SECRET),
        lambda: mpt_tokens.AsyncClient(base_url="ftp:", api_token=SECRET),
        lambda: mpt_tokens.Client(api_token=SECRET + "\n\n:"),
        lambda: mpt_tokens.Client(proxy=proxy),
        lambda: mpt_tokens.delete_token("TKN-1", api_token=SECRET, base_url="ftp:"),
        lambda: mpt_tokens.delete_token("TKN-1", api_token=SECRET, base_url=url, attempts=1),
        lambda: mpt_tokens.delete_token(SECRET, base_url=url, attempts=1),
    ):
        with pytest.raises(mpt_tokens.Error) as caught:
            call()
        shown.append(told(caught.value) + repr(caught.value.report))
    with mpt_tokens.Client(api_token=SECRET, base_url=url) as client:
        shown.append(f"{client!r} {client} {vars(type(client))}")
    for text in shown[:-2]:
        assert "not-a-real-secret-value" not in text
    assert "not-a-real-secret-value" not in shown[-1]


def test_signatures_teach() -> None:
    parameters = inspect.signature(mpt_tokens.Client).parameters
    assert list(parameters) == list(mpt_tokens.ClientOptions.__annotations__)
    assert list(inspect.signature(mpt_tokens.AsyncClient).parameters) == list(parameters)
    for thing in (mpt_tokens, *(getattr(mpt_tokens, name) for name in mpt_tokens.__all__)):
        if inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing):
            assert thing.__doc__, thing
