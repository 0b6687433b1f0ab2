"""Annotations that can be evaluated, although the names in them are not imported before somebody asks.

The modules of this package import for type checkers alone what only annotations name: ``typing`` takes longer than all
the rest together. What reads annotations at run time (``typing.get_type_hints``, ``inspect.signature(...,
eval_str=True)``, and what builds on them) needs the names after all: they are imported when it looks.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_keys
    from collections.abc import Iterator

# The modules of the names that annotations of this package use. Those not listed are in `mpt_tokens`, or in none.
_PLACES = {
    "Any": "typing",
    "AsyncIterable": "collections.abc",
    "AsyncIterator": "collections.abc",
    "Callable": "collections.abc",
    "Iterable": "collections.abc",
    "Iterator": "collections.abc",
    "Literal": "typing",
    "NoReturn": "typing",
    "Self": "typing",
    "TracebackType": "types",
    "Unpack": "typing",
    "datetime": "datetime",
    "timedelta": "datetime",
}
# The same for names that are not public.
_PRIVATE = {
    "BaseClient": ("._client", "BaseClient"),
    "Failures": ("._batch", "Failures"),
    "_NativeBatch": ("._native", "Batch"),
    "_NativeClient": ("._native", "Client"),
    "Threads": ("._threads", "Threads"),
}


class _NothingAround:
    """What ``Unpack`` is in a Python that does not have it: nothing around the type in it."""

    def __class_getitem__(cls, item: object) -> object:
        return item


def _find(name: str) -> object:
    """Returns what a name in an annotation stands for; ``None`` if that is not for this module to say."""
    from importlib import import_module

    package = sys.modules["mpt_tokens"]
    if name in _PLACES:
        module = import_module(_PLACES[name])
        if not hasattr(module, name):  # Python 3.10 has neither `Self` nor `Unpack`
            return module.TypeVar("Self") if name == "Self" else _NothingAround
        return getattr(module, name)
    if name == "_Id":
        return import_module("typing").TypeVar("_Id", covariant=True)
    if name in ("os", "ssl"):
        return import_module(name)
    if name in _PRIVATE:
        place, private = _PRIVATE[name]
        return getattr(import_module(place, "mpt_tokens"), private)
    return getattr(package, name) if name in package.__all__ else None


class _Hints(dict[str, object]):
    """The annotations of one function or class: once somebody looks at them, the names in them can be found."""

    __slots__ = ("_namespace",)

    def __init__(self, annotations: dict[str, object], namespace: dict[str, object]) -> None:
        super().__init__(annotations)
        self._namespace = namespace

    def _bring(self) -> None:
        import re

        for annotation in super().values():
            if isinstance(annotation, str):
                for name in re.findall(r"(?<![.\w])[A-Za-z_]\w*", annotation):
                    if name not in self._namespace:
                        found = _find(name)
                        if found is not None:
                            self._namespace[name] = found

    def __iter__(self) -> Iterator[str]:
        self._bring()
        return super().__iter__()

    def keys(self) -> dict_keys[str, object]:
        self._bring()
        return super().keys()

    def items(self) -> dict_items[str, object]:
        self._bring()
        return super().items()


def _defer(thing: object, namespace: dict[str, object]) -> None:
    hints = thing.__annotations__
    if hints and not isinstance(hints, _Hints):
        thing.__annotations__ = _Hints(hints, namespace)


def _is_defined_in(thing: object, namespace: dict[str, object]) -> bool:
    return getattr(thing, "__globals__", None) is namespace


def defer(namespace: dict[str, object]) -> None:
    """Prepares the annotations of everything that a module defines. To be called at the end of the module."""
    package = vars(sys.modules["mpt_tokens"])
    for thing in list(namespace.values()):
        if _is_defined_in(thing, namespace):
            _defer(thing, namespace)
        elif isinstance(thing, type) and thing.__module__ in (namespace["__name__"], "mpt_tokens"):
            for member in list(vars(thing).values()):
                member = getattr(member, "fget", None) or getattr(member, "__func__", member)
                inner = getattr(member, "__wrapped__", member)
                if _is_defined_in(inner, namespace):
                    _defer(inner, namespace)
                    if inner is not member:
                        member.__annotations__ = inner.__annotations__
            # Those of a class are evaluated in the module that it says it is from.
            if vars(thing).get("__annotations__"):
                _defer(thing, package)
