"""Annotations can be read at run time, on every public callable, also where their names are imported late."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import mpt_tokens
import pytest


def callables() -> Iterator[object]:
    for name in mpt_tokens.__all__:
        thing = getattr(mpt_tokens, name)
        if inspect.isfunction(thing):
            yield pytest.param(thing, id=name)
        elif inspect.isclass(thing) and not typing.is_typeddict(thing):
            yield pytest.param(thing, id=name)
            for method, member in vars(thing).items():
                member = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(member):
                    yield pytest.param(member, id=f"{name}.{method}")
        elif typing.is_typeddict(thing):
            yield pytest.param(thing, id=name)


@pytest.mark.parametrize("thing", list(callables()))
def test_type_hints(thing: typing.Any) -> None:
    for name, hint in typing.get_type_hints(thing).items():
        assert not isinstance(hint, str), name


@pytest.mark.parametrize("thing", list(callables()))
def test_signatures(thing: typing.Any) -> None:
    try:
        signature = inspect.signature(thing, eval_str=True)
    except ValueError:
        # A class without one of its own, such as a builtin exception's.
        assert inspect.isclass(thing)
        return
    for parameter in signature.parameters.values():
        assert not isinstance(parameter.annotation, str), parameter


def test_they_are_the_types_that_they_say() -> None:
    hints = typing.get_type_hints(mpt_tokens.Client.delete_token)
    assert hints["return"] == mpt_tokens.Outcome[str]
    assert hints["token_id"] is str
    assert typing.get_type_hints(mpt_tokens.Client.delete_tokens)["return"] is mpt_tokens.Batch
    hints = typing.get_type_hints(mpt_tokens.Outcome)
    assert hints["settled_at"] is datetime
    assert hints["outcome"] == mpt_tokens.OutcomeName
    assert typing.get_type_hints(mpt_tokens.AsyncBatch.run)["return"] is mpt_tokens.BatchResult


def test_nothing_is_imported_before_somebody_looks() -> None:
    script = (
        "import sys, mpt_tokens; mpt_tokens.Client.delete_token.__annotations__; mpt_tokens.Outcome;"
        " assert 'typing' not in sys.modules and 're' not in sys.modules;"
        " import typing; print(typing.get_type_hints(mpt_tokens.Client.close))"
    )
    # Without the packages of the environment, whose start-up files import what they like.
    folder = str(Path(mpt_tokens.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({folder!r}); {script}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "{'return': <class 'NoneType'>}\n"
