"""The exceptions: one class for each code, all derived from ``Error``."""

from __future__ import annotations

import builtins

from ._hints import defer
from ._outcome import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._batch import BatchStopped, BatchSummary
    from ._outcome import Attempt, ProblemDetails
    from ._types import CodeName, OutcomeName


class Error(Exception):
    """A token was not deleted, or may have been: ``outcome`` says which.

    Every exception of this package derives from it, can be pickled, and carries all that is known.

    Attributes:
        report: All that is known, as the ``Outcome`` that a success returns.
    """

    report: Outcome

    def __init__(self, report: Outcome) -> None:
        super().__init__(report.message)
        self.report = report

    def __reduce__(self) -> tuple[type[Self], tuple[Outcome], dict[str, Any]]:
        return type(self), (self.report,), self.__dict__

    @property
    def outcome(self) -> OutcomeName:
        """What is true of the token: ``not_deleted``, or ``unknown`` if it may have been deleted anyway."""
        return self.report.outcome

    @property
    def code(self) -> CodeName:
        """What happened."""
        return self.report.code

    @property
    def id(self) -> str | None:
        """The token id; ``None`` if the failure is not about one token."""
        return self.report.id

    @property
    def http_status(self) -> int | None:
        """The HTTP status of the last response; ``None`` if there was no response."""
        return self.report.http_status

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts, in order. Empty if the call failed before the first attempt."""
        return self.report.attempts

    @property
    def retryable(self) -> bool:
        """True if trying again later can change the result; false if somebody must fix something first."""
        return self.report.retryable

    @property
    def retry_after(self) -> float | None:
        """How many seconds the server asked to wait, if it did and the call did not wait that long."""
        return self.report.retry_after

    @property
    def trace_id(self) -> str | None:
        """The trace id that was sent with every attempt, for support."""
        return self.report.trace_id


class InvalidArgumentError(Error, ValueError):
    """An argument cannot be used: a number is out of range, for example, or the client is closed."""


class InvalidArgumentTypeError(InvalidArgumentError, TypeError):
    """An argument has a type that is not expected, or a name that does not exist: also a ``TypeError``."""


class InvalidTokenIdError(Error, ValueError):
    """The token id is empty, ``.`` or ``..``, too long, has a character that could change what it names (a slash, a
    backslash, a percent sign, a semicolon, a control character), or is a token value. Nothing was sent."""


class InvalidTokenIdTextError(InvalidTokenIdError, UnicodeError):
    """The token id is not text: it has a lone surrogate. Also a ``UnicodeError``. Nothing was sent."""


class InvalidConfigError(Error, ValueError):
    """The base URL, the API token, the proxy or the CA file cannot be used. Nothing was sent."""


class OwnTokenError(Error):
    """The token id is that of the token in use, and ``allow_own_token`` is off. Nothing was sent."""


class ApiError(Error):
    """The API, or something in front of it, answered with something other than success."""

    @property
    def status(self) -> int | None:
        """The same as ``http_status``: what many libraries call it."""
        return self.report.http_status

    @property
    def problem(self) -> ProblemDetails | None:
        """The body of the last response, if it was a JSON object."""
        return self.report.problem


class BadRequestError(ApiError):
    """The API answered 400."""


class UnauthorizedError(ApiError):
    """The API answered 401: the API token is not accepted."""


class ForbiddenError(ApiError):
    """The API answered 403: the API token may not delete this token."""


class NotFoundError(ApiError):
    """The API answered 404: it does not know the token, and no earlier response was lost."""


class ConflictError(ApiError):
    """The API answered 409."""


class RateLimitedError(ApiError):
    """The API answered 429, and waiting would have passed the deadline or the attempts are used up."""


class ServerError(ApiError):
    """The API answered 5xx: the token may have been deleted."""


class UnexpectedResponseError(ApiError):
    """The response is not the API's: a login page, a redirect, a gateway's 404, or bytes that are not HTTP."""


class DeadValueError(ApiError):
    """The API answered 401 to a value that was to be burnt: it is dead already, or never was a token's value."""


class ConnectError(Error, ConnectionError):
    """No connection could be opened. Nothing was sent by this attempt."""


class ResolveError(ConnectError):
    """The host has no address."""


class TlsError(ConnectError):
    """The TLS handshake failed, or the certificate is not trusted."""


class ProxyError(ConnectError):
    """The proxy refused, or could not be reached."""


class ConnectionLostError(Error, ConnectionError):
    """The connection ended after the request may have left: the token may have been deleted."""


class TimeoutError(Error, builtins.TimeoutError):
    """A deadline passed; ``outcome`` says whether the token may have been deleted."""


class CancelledError(Error):
    """The caller asked to stop; ``outcome`` says whether the token may have been deleted."""


class SkippedError(Error):
    """The token was not tried, because the batch was stopped."""


class BatchStoppedError(Error):
    """A batch stopped before the end of its list. Raised by ``raise_if_stopped``.

    Attributes:
        stopped: Why.
        summary: The counts: ``skipped`` and ``not_pulled`` are the ids that were not tried.
    """

    stopped: BatchStopped
    summary: BatchSummary

    def __init__(self, report: Outcome, stopped: BatchStopped, summary: BatchSummary) -> None:
        super().__init__(report)
        self.stopped = stopped
        self.summary = summary

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.report, self.stopped, self.summary), self.__dict__


class InternalError(Error):
    """A bug in this package: please report it. The token may have been deleted."""


_BY_CODE: dict[str, type[Error]] = {
    "invalid_argument": InvalidArgumentError,
    "invalid_token_id": InvalidTokenIdError,
    "invalid_config": InvalidConfigError,
    "own_token": OwnTokenError,
    "bad_request": BadRequestError,
    "unauthorized": UnauthorizedError,
    "forbidden": ForbiddenError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "rate_limited": RateLimitedError,
    "server_error": ServerError,
    "unexpected_response": UnexpectedResponseError,
    "dead_value": DeadValueError,
    "resolve_failed": ResolveError,
    "connect_failed": ConnectError,
    "tls_failed": TlsError,
    "proxy_failed": ProxyError,
    "connection_lost": ConnectionLostError,
    "timeout": TimeoutError,
    "cancelled": CancelledError,
    "skipped": SkippedError,
    "internal": InternalError,
}


def error_of(report: Outcome) -> Error:
    """Returns the exception for a failure."""
    return _BY_CODE[report.code](report)


def refusal(code: CodeName, message: str) -> Error:
    """Returns the exception for a call that failed before the first attempt."""
    return error_of(nothing_tried(code, message))


def refusal_of_type(message: str) -> InvalidArgumentTypeError:
    """Returns the exception for an argument of a type that is not expected, or that does not exist."""
    return InvalidArgumentTypeError(nothing_tried("invalid_argument", message))


def refusal_of_text(report: Outcome) -> InvalidTokenIdTextError:
    """Returns the exception for an id that is not text."""
    return InvalidTokenIdTextError(report)


def nothing_tried(code: CodeName, message: str) -> Outcome[None]:
    """Returns the report of what was not attempted, and is not about one token."""
    from datetime import datetime, timezone

    return Outcome(
        id=None,
        outcome="not_deleted",
        code=code,
        http_status=None,
        attempts=(),
        rounds=0,
        problem=None,
        message=message,
        retryable=False,
        retry_after=None,
        trace_id=None,
        elapsed=0.0,
        settled_at=datetime.now(timezone.utc),
    )


def add_note(interrupt: BaseException, note: str) -> None:
    """Adds a note to an exception, in every Python."""
    add = getattr(interrupt, "add_note", None)
    if add is not None:
        add(note)
    else:  # Python 3.10 keeps notes, and does not show them
        interrupt.__dict__.setdefault("__notes__", []).append(note)


def note_outcome(interrupt: BaseException, report: Outcome) -> None:
    """Adds to an interrupt what is true of the token that was being deleted."""
    add_note(interrupt, report.message)
    interrupt.__dict__["_mpt_tokens_outcome"] = report


def note_batch(interrupt: BaseException) -> None:
    """Adds to the interrupt of a batch how to learn what is true of its tokens."""
    add_note(
        interrupt,
        "the calls under way were cancelled: continue iterating over the batch to learn what is true of each token",
    )


def outcome_of(exception: BaseException | None) -> Outcome | None:
    """Returns what is true of a token after a call ended with ``exception``.

    Works for exceptions of this package, and for those that interrupt its calls: ``KeyboardInterrupt``, and
    ``asyncio.CancelledError`` from an ``AsyncClient``. It also works for exceptions raised from one of these, or while
    one was being handled, such as the ``TimeoutError`` of ``asyncio.timeout``.

    Args:
        exception: Any exception.

    Returns:
        All that is known, or ``None`` if the exception did not come from a call about one token.
    """
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        if isinstance(exception, Error):
            return exception.report
        found: Outcome | None = exception.__dict__.get("_mpt_tokens_outcome")
        if found is not None:
            return found
        exception = exception.__cause__ or exception.__context__
    return None


def _name(kinds: tuple[type[Error], ...]) -> None:
    for kind in kinds:
        kind.__module__ = "mpt_tokens"


_name(
    (
        Error,
        ApiError,
        BatchStoppedError,
        InvalidArgumentTypeError,
        InvalidTokenIdTextError,
        *_BY_CODE.values(),
    )
)
defer(globals())
