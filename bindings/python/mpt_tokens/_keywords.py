"""Keyword arguments that do not exist: refused with a word about what was probably meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

_RETRIES = ("attempts", "attempts counts the first one, too: 3 retries are attempts=4")
_VERIFY = ("verify", "True, a path, bytes of ca_data or an ssl.SSLContext")
_PROXY = ("proxy", "one URL, or 'none'")
# What other libraries call it: what it is called here, and what else to know.
_MEANT = {
    **dict.fromkeys(("max_retries", "retries", "retry", "num_retries", "total"), _RETRIES),
    **dict.fromkeys(("max_attempts", "tries"), ("attempts", "")),
    **dict.fromkeys(("token", "api_key", "key", "bearer", "bearer_token", "auth", "credential"), ("api_token", "")),
    **dict.fromkeys(("url", "host", "server", "endpoint", "endpoint_url", "api_url", "api_base"), ("base_url", "")),
    **dict.fromkeys(("ca", "cafile", "ca_bundle", "ca_cert", "ca_certs", "cacert", "ssl_ca_cert"), ("ca_file", "")),
    "cadata": ("ca_data", ""),
    **dict.fromkeys(("ssl", "ssl_context", "context", "verify_ssl", "insecure"), _VERIFY),
    **dict.fromkeys(("proxies", "mounts", "https_proxy", "http_proxy", "proxy_url"), _PROXY),
    **dict.fromkeys(("deadline", "total_timeout", "timeout_ms", "timeout_seconds"), ("timeout", "in seconds")),
    **dict.fromkeys(("read_timeout", "request_timeout"), ("attempt_timeout", "in seconds")),
    **dict.fromkeys(("backoff_factor", "retry_wait", "wait"), ("backoff", "the pair (base, cap) of seconds")),
    **dict.fromkeys(("workers", "max_workers", "parallel", "parallelism", "threads", "limit"), ("concurrency", "")),
    **dict.fromkeys(("ignore_missing", "not_found_ok", "ignore_not_found"), ("missing_ok", "")),
    **dict.fromkeys(("hooks", "event_hooks", "on_retry", "on_event", "callback"), ("on_attempt", "")),
    **dict.fromkeys(("traceparent", "trace"), ("trace_parent", "")),
    **dict.fromkeys(("useragent", "agent"), ("user_agent", "")),
}


def unknown(name: str, function: str, known: tuple[str, ...]) -> BaseException:
    """Returns the exception for an argument that a function does not have."""
    from difflib import get_close_matches

    from ._errors import refusal_of_type

    meant, more = _MEANT.get(name.lower(), ("", ""))
    if meant not in known:
        meant, more = next(iter(get_close_matches(name, known, 1)), ""), ""
    hint = f"did you mean {meant!r}?" if meant else f"expected one of {', '.join(known)}"
    # What is longer than any name is none, and is not shown.
    shown = repr(name) if len(name) <= 40 else "with a long name"
    return refusal_of_type(f"{function} has no argument {shown}: {hint}{more and f' ({more})'}")


def _surplus(function: str, count: int, known: tuple[str, ...]) -> BaseException:
    from ._errors import refusal_of_type

    expected = "none" if count == 0 else str(count)
    return refusal_of_type(
        f"{function} was called with too many positional arguments: expected {expected}, and by name {', '.join(known)}"
    )


def checked(function: _F) -> _F:
    """Makes a function say what was probably meant by a keyword argument that it does not have.

    The frame of the check holds nothing when an exception leaves it: the arguments may be secrets.
    """
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    names = (*positional[1:], *(function.__kwdefaults__ or ()))
    known = frozenset(names)
    most = code.co_argcount
    name = function.__qualname__.replace("BaseClient.__init__", "the client")

    def check(given: int, options: dict[str, Any]) -> None:
        for option in options:
            if option not in known:
                raise unknown(option, name, names)
        if given > most:
            raise _surplus(name, most - 1, names[most - 1 :])

    def call(*arguments: Any, **options: Any) -> Any:
        try:
            if options or len(arguments) > most:
                check(len(arguments), dict.fromkeys(options))
            return function(*arguments, **options)
        finally:
            del arguments, options

    async def call_and_wait(*arguments: Any, **options: Any) -> Any:
        try:
            if options or len(arguments) > most:
                check(len(arguments), dict.fromkeys(options))
            waiting = function(*arguments, **options)
        finally:
            del arguments, options
        return await waiting

    # A coroutine function stays one: the flag is that of `inspect.CO_COROUTINE`.
    wrapper: Any = call_and_wait if code.co_flags & 0x80 else call
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(wrapper, attribute, getattr(function, attribute))
    wrapper.__wrapped__ = function
    checked_function: _F = wrapper
    return checked_function
