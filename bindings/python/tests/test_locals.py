"""No frame of the package holds a secret when an error leaves it: `rich`, Sentry and `traceback` show such frames."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import mpt_tokens
import pytest

SECRET = "not-a-real-secret-value"
# Put together here, so that no frame but that of `value` has it as a variable.
VALUE = "idt:TKN-9000-9001:"


def value() -> str:
    return VALUE + SECRET


def frames_of(error: BaseException | None) -> Iterator[FrameType]:
    """The frames of an error, and of those that it came from, but for those of the tests and of pytest."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename != __file__:
                yield step.tb_frame
            step = step.tb_next
        error = error.__cause__ or error.__context__


def is_clean(error: BaseException) -> None:
    frames = list(frames_of(error))
    assert frames, "the package has a frame of its own in every one of these errors"
    for frame in frames:
        for name, held in frame.f_locals.items():
            assert SECRET not in repr(held), f"{frame.f_code.co_name}: {name}"
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = "".join(str(frame.locals) for frame in whole.stack if frame.filename != __file__)
    assert SECRET not in shown
    assert SECRET not in "".join(whole.format_exception_only())
    assert SECRET not in repr((error.args, vars(error)))


BASE: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "attempts": 1, "api_token": "a-token-in-use"}


def options(**own: Any) -> dict[str, Any]:
    return {**BASE, "api_token": value(), **own}


# What a client is made of, each with a token value in its place.
SETTINGS: list[Callable[[], dict[str, Any]]] = [
    lambda: {"api_token": value() + "\n\n:"},
    lambda: {"base_url": value()},
    lambda: {"base_url": f"ftp://{value()}"},
    lambda: {"base_url": f"https://user:{value()}@host"},
    lambda: {"base_url": "ftp:", "api_token": value()},
    lambda: {"user_agent": value() + "\n+"},
    lambda: {"user_agent": "a\nb", "api_token": value()},
    lambda: {"ca_file": value()},
    lambda: {"ca_file": Path("/") / value()},
    lambda: {"ca_file": "/no/such/file", "api_token": value()},
    lambda: {"proxy": value()},
    lambda: {"proxy": f"ftp://user:{value()}@127.0.0.1"},
    lambda: {"attempts": 0, "api_token": value(), "proxy": f"http://u:{value()}@127.0.0.1"},
    lambda: {"timeout": -1.0, "api_token": value()},
    lambda: {"backoff": (-1.0, 1.0), "api_token": value()},
]


@pytest.mark.parametrize("number", range(len(SETTINGS)))
@pytest.mark.parametrize("kind", [mpt_tokens.Client, mpt_tokens.AsyncClient])
def test_settings(kind: Callable[..., object], number: int) -> None:
    with pytest.raises(mpt_tokens.Error) as caught:
        kind(**dict(BASE, **SETTINGS[number]()))
    is_clean(caught.value)


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_settings_of_the_short_way(number: int) -> None:
    with pytest.raises(mpt_tokens.Error) as caught:
        mpt_tokens.delete_token(value(), **dict(BASE, **SETTINGS[number]()))
    is_clean(caught.value)


def client() -> mpt_tokens.Client:
    return mpt_tokens.Client(**options())


# Calls, each with a value where it does not belong, or with a client that has one and an obstacle on its way.
CALLS: list[Callable[[mpt_tokens.Client], object]] = [
    lambda it: it.delete_token(value()),
    lambda it: it.delete_token(value() + "/"),
    lambda it: it.delete_token("TKN-1"),
    lambda it: it.delete_token("TKN-1", trace_parent=value()),
    lambda it: it.delete_token(value(), trace_parent=value()),
    lambda it: it.prove_deleted(value() + "\n\n:"),
    lambda it: it.prove_deleted(SECRET),
    lambda it: it.prove_deleted(value(), trace_parent=value()),
    lambda it: it.delete_tokens([value()], concurrency=0),
    lambda it: it.delete_tokens([value()], patience=-1),
    lambda it: it.delete_tokens(value()),
    lambda it: it.delete_tokens([value()], journal=Path("/no/such/folder") / value()),
    lambda it: list(it.delete_tokens([mpt_tokens.ApiToken(SECRET)], patience=0)),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_calls(number: int) -> None:
    with client() as it, pytest.raises(Exception) as caught:
        CALLS[number](it)
    is_clean(caught.value)


@pytest.mark.parametrize("number", range(len(CALLS) - 1))
def test_calls_with_asyncio(number: int) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**options()) as it:
            with pytest.raises(Exception) as caught:
                told: Any = CALLS[number](it)  # type: ignore[arg-type] # pyright: ignore
                await told
            is_clean(caught.value)

    asyncio.run(main())


def test_an_asyncio_task_that_is_cancelled(sandbox: mpt_tokens.Sandbox) -> None:
    async def main() -> None:
        async with mpt_tokens.AsyncClient(**sandbox.options) as it:
            task = asyncio.create_task(it.delete_token("TKN-answersilent-l1"))
            await asyncio.to_thread(sandbox.wait_for_requests, "TKN-answersilent-l1")
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            secret = sandbox.options["api_token"]
            for frame in frames_of(caught.value):
                assert secret not in repr(frame.f_locals)

    asyncio.run(main())


def test_a_batch_that_is_fed_badly() -> None:
    def ids() -> Iterator[str]:
        yield value()
        raise LookupError("the list ended early")

    with client() as it:
        batch = it.delete_tokens(ids(), patience=0)
        assert SECRET not in repr(next(batch))
        with pytest.raises(LookupError) as caught:
            next(batch)
        is_clean(caught.value)

    async def main() -> None:
        async with mpt_tokens.AsyncClient(**options()) as it:
            batch = it.delete_tokens(ids(), patience=0)
            assert SECRET not in repr(await batch.__anext__())
            with pytest.raises(LookupError) as caught:
                await batch.__anext__()
            is_clean(caught.value)

    asyncio.run(main())
