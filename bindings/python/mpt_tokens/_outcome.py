"""The result of a call: plain, frozen data, created by the compiled module."""

from __future__ import annotations

from ._hints import defer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Generic, NoReturn

    from typing_extensions import Self, TypeVar

    from ._types import CodeName, OutcomeName, ProofBasisName

    _Id = TypeVar("_Id", bound=str | None, default=str | None, covariant=True)


_put = object.__setattr__


class Frozen:
    """A class whose slots are set once in ``__init__`` and define equality, hash, representation and pickling."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frozen) or type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), self._fields()

    def __copy__(self) -> Self:
        return self

    def __replace__(self, **changes: Any) -> Self:
        """Returns a copy with other values: what ``copy.replace`` calls, from Python 3.13."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        values.update(changes)
        return type(self)(**values)


def _open(kind: type[Frozen]) -> Any:
    """A class like a frozen one, for objects of it while they are made.

    To put a value into a slot of what is frozen takes many times as long.
    """
    members = {"__slots__": kind.__slots__, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(f"_Open{kind.__name__}", kind.__bases__, members)


if TYPE_CHECKING:

    class _WithId(Frozen, Generic[_Id]):
        """A class with an id that a type checker knows more about."""

else:
    _Id = object

    class _WithId(Frozen):
        __slots__ = ()
        # As `Generic` does it; importing that would take longer than all the rest of the package.
        __class_getitem__ = classmethod(type(list[int]))


class Attempt(Frozen):
    """One attempt of a call.

    Attributes:
        number: 1 for the first.
        sent: True if any part of the request may have been sent. This is observed where bytes are written, not guessed.
        http_status: The status of the response, if there was one.
        failure: The code of what happened, if there was no response.
        elapsed: How long the attempt took, in seconds.
        waited: How long the call waited before the attempt, in seconds.
        request_id: The id that the server or a gateway gave the request, from ``X-Request-Id`` and headers like it.
        headers: The headers of the response that a support desk asks for, by their names in lower case: ids of the
            request; of a response that is not a 204 also ``server``, ``via``,
            ``x-cache`` and those about rate limits. Without secrets, at most 256 characters each.
    """

    __match_args__ = __slots__ = (
        "number",
        "sent",
        "http_status",
        "failure",
        "elapsed",
        "waited",
        "request_id",
        "headers",
    )

    number: int
    sent: bool
    http_status: int | None
    failure: CodeName | None
    elapsed: float
    waited: float
    request_id: str | None
    headers: dict[str, str]

    def __init__(
        self,
        number: int,
        sent: bool,
        http_status: int | None,
        failure: CodeName | None,
        elapsed: float,
        waited: float,
        request_id: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        made: Any = self
        if type(self) is Attempt:  # and not of a class of the program's, whose layout may be another
            _put(self, "__class__", _OpenAttempt)
            made.number = number
            made.sent = sent
            made.http_status = http_status
            made.failure = failure
            made.elapsed = elapsed
            made.waited = waited
            made.request_id = request_id
            made.headers = {} if headers is None else headers
            made.__class__ = Attempt
            return
        values = (
            number,
            sent,
            http_status,
            failure,
            elapsed,
            waited,
            request_id,
            {} if headers is None else headers,
        )
        for name, value in zip(Attempt.__slots__, values):
            _put(self, name, value)

    def __hash__(self) -> int:
        return hash((self.number, self.sent, self.http_status, self.failure, self.elapsed, self.waited))

    @property
    def elapsed_ms(self) -> float:
        """``elapsed`` in milliseconds, as in ``to_dict``."""
        return _millis(self.elapsed)

    @property
    def waited_ms(self) -> float:
        """``waited`` in milliseconds, as in ``to_dict``."""
        return _millis(self.waited)

    def to_dict(self) -> dict[str, Any]:
        """Returns the attempt as plain data, with the same names as the JSON of every other language."""
        told: dict[str, Any] = {
            "number": self.number,
            "sent": self.sent,
            "http_status": self.http_status,
            "failure": self.failure,
            "elapsed_ms": self.elapsed_ms,
            "waited_ms": self.waited_ms,
        }
        if self.request_id is not None:
            told["request_id"] = self.request_id
        if self.headers:
            told["headers"] = dict(self.headers)
        return told


_OpenAttempt = _open(Attempt)


class AttemptEvent(Frozen):
    """An attempt ended: what ``on_attempt`` is called with, before the pause that may follow.

    Attributes:
        token_id: The token id.
        trace_id: The trace id of the call.
        attempt: The attempt, as ``Outcome.attempts`` will contain it.
        code: What the attempt means by itself. The outcome of the call may have another code: a 404 is ``ok`` after a
            lost response.
        next_in: How long the call pauses before its next attempt, in seconds; ``None`` if this was the last one.
    """

    __match_args__ = __slots__ = ("token_id", "trace_id", "attempt", "code", "next_in")

    token_id: str
    trace_id: str
    attempt: Attempt
    code: CodeName
    next_in: float | None

    def __init__(
        self, token_id: str, trace_id: str, attempt: Attempt, code: CodeName, next_in: float | None
    ) -> None:
        put = object.__setattr__
        put(self, "token_id", token_id)
        put(self, "trace_id", trace_id)
        put(self, "attempt", attempt)
        put(self, "code", code)
        put(self, "next_in", next_in)


class ProblemDetails(Frozen):
    """The body of an error response (RFC 9457), as the server sent it.

    Every member may be missing. If the server echoes the API token in use, ``<redacted>`` replaces it.

    Attributes:
        type: A URI that names the kind of problem.
        title: The kind of problem in words.
        status: The status according to the body. Advisory: ``http_status`` decides.
        detail: This occurrence in words.
        instance: A URI that names this occurrence.
        extensions: All other members, unchanged.
        trace_id: The server's ``traceId``, for its support.
        error_code: The API's own error code, such as ``MPTCOM03-0078``.
        errors: The messages in ``errors``.
    """

    __match_args__ = __slots__ = (
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "extensions",
        "trace_id",
        "error_code",
        "errors",
    )

    type: str | None
    title: str | None
    status: int | None
    detail: str | None
    instance: str | None
    extensions: dict[str, Any]
    trace_id: str | None
    error_code: str | None
    errors: tuple[str, ...]

    def __init__(
        self,
        type: str | None,
        title: str | None,
        status: int | None,
        detail: str | None,
        instance: str | None,
        extensions: dict[str, Any],
        trace_id: str | None,
        error_code: str | None,
        errors: tuple[str, ...],
    ) -> None:
        put = object.__setattr__
        put(self, "type", type)
        put(self, "title", title)
        put(self, "status", status)
        put(self, "detail", detail)
        put(self, "instance", instance)
        put(self, "extensions", extensions)
        put(self, "trace_id", trace_id)
        put(self, "error_code", error_code)
        put(self, "errors", errors)

    def __hash__(self) -> int:
        return hash((self.type, self.title, self.status, self.detail, self.instance, self.errors))

    def to_dict(self) -> dict[str, Any]:
        """Returns the body as plain data: what the server sent, except for members of the wrong type."""
        members = dict(self.extensions)
        for name in ("type", "title", "status", "detail", "instance"):
            value = getattr(self, name)
            if value is not None:
                members[name] = value
        return members


class Outcome(_WithId[_Id]):
    """All that is known after a call about one token.

    Frozen, comparable, hashable, and picklable. To a type checker, ``Outcome[str]`` is an outcome of one token: what
    calls and batches return. ``Outcome`` alone may also be the report of an error that is not about one token.

    Attributes:
        id: The token id; ``None`` if the failure is not about one token (such as a configuration that cannot be used).
        outcome: What is true of the token: ``deleted``, ``gone``, ``not_deleted`` or ``unknown``.
        code: What happened: ``ok``, ``not_found``, ``timeout`` and so on.
        http_status: The HTTP status of the last response; ``None`` if there was no response.
        attempts: The attempts, in order. Empty if the call failed before the first attempt.
        rounds: The number of calls made for the token. More than 1 if a batch put it off and tried it again; 0 if no call
            was made.
        problem: The body of the last response, if it was a JSON object.
        message: One sentence: what happened, what is true of the token and, after a failure, what to do.
        retryable: True if trying again later can change the result: the obstacle is temporary, or nothing is known
            about the token. False if the token is dead, or if somebody must fix something first.
        retry_after: How many seconds the server asked to wait, if it did and the call did not wait that long.
        trace_id: The trace id that was sent with every attempt, for support.
        elapsed: How long the whole call took, including pauses, in seconds.
        settled_at: When this became known: when the last response came, or when the call was given up. An aware
            ``datetime`` in UTC, by the machine's clock.
        proof: The proof, in a batch that requests one.
        index: The position of the id in the list, from 0, in a batch, whose outcomes come in order of completion.
    """

    __match_args__ = __slots__ = (
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
        "elapsed",
        "settled_at",
        "proof",
        "index",
    )

    id: _Id
    outcome: OutcomeName
    code: CodeName
    http_status: int | None
    attempts: tuple[Attempt, ...]
    rounds: int
    problem: ProblemDetails | None
    message: str
    retryable: bool
    retry_after: float | None
    trace_id: str | None
    elapsed: float
    settled_at: datetime
    proof: Proof | None
    index: int | None

    def __init__(
        self,
        id: _Id,
        outcome: OutcomeName,
        code: CodeName,
        http_status: int | None,
        attempts: tuple[Attempt, ...],
        rounds: int,
        problem: ProblemDetails | None,
        message: str,
        retryable: bool,
        retry_after: float | None,
        trace_id: str | None,
        elapsed: float,
        settled_at: datetime,
        proof: Proof | None = None,
        index: int | None = None,
    ) -> None:
        made: Any = self
        if type(self) is Outcome:  # as in `Attempt`
            _put(self, "__class__", _OpenOutcome)
            made.id = id
            made.outcome = outcome
            made.code = code
            made.http_status = http_status
            made.attempts = attempts
            made.rounds = rounds
            made.problem = problem
            made.message = message
            made.retryable = retryable
            made.retry_after = retry_after
            made.trace_id = trace_id
            made.elapsed = elapsed
            made.settled_at = settled_at
            made.proof = proof
            made.index = index
            made.__class__ = Outcome
            return
        values = (
            id,
            outcome,
            code,
            http_status,
            attempts,
            rounds,
            problem,
            message,
            retryable,
            retry_after,
            trace_id,
            elapsed,
            settled_at,
            proof,
            index,
        )
        for name, value in zip(Outcome.__slots__, values):
            _put(self, name, value)

    def __str__(self) -> str:
        return self.message

    @property
    def elapsed_ms(self) -> float:
        """``elapsed`` in milliseconds, as in ``to_dict``."""
        return _millis(self.elapsed)

    @property
    def at(self) -> str:
        """``settled_at`` as text (RFC 3339), as in ``to_dict``."""
        return self.settled_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def is_success(self) -> bool:
        """True if the token is dead: ``deleted`` or ``gone``."""
        return self.outcome in ("deleted", "gone")

    def raise_if_failed(self) -> Self:
        """Returns this outcome if the token is dead; raises the exception of the failure otherwise.

        Raises:
            Error: As ``delete_token`` raises for the same failure.
        """
        if self.is_success:
            return self
        from ._errors import error_of

        raise error_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns the outcome as plain data for ``json.dumps``: the JSON of ``docs/outcome.schema.json``."""
        told: dict[str, Any] = {
            "id": self.id,
            "outcome": self.outcome,
            "code": self.code,
            "http_status": self.http_status,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "rounds": self.rounds,
            "problem": None if self.problem is None else self.problem.to_dict(),
            "message": self.message,
            "retryable": self.retryable,
            "retry_after": None if self.retry_after is None else round(self.retry_after, 3),
            "trace_id": self.trace_id,
            "elapsed_ms": self.elapsed_ms,
            "at": self.at,
        }
        if self.proof is not None:
            told["proof"] = self.proof.to_dict()
        if self.index is not None:
            told["index"] = self.index
        return told


_OpenOutcome = _open(Outcome)


class Proof(Frozen):
    """The API's response to a token's own value: proof that the token is dead, or what else is known.

    Attributes:
        proven: True if the API answered the value with 401 and there is a ``basis`` for comparison: the value can no
            longer be used for authentication.
        outcome: The outcome of the request that used the value. If proven, ``outcome.outcome`` is ``gone``. ``deleted``
            means that the token was alive and that the request for proof itself deleted it: request proof again.
        basis: What the proof rests on. ``control``: the API answered the same request with 404 when the client's own
            API token was used. ``accepted_before``: this client had seen the API accept the value (204), and the API
            itself now answered 401. ``lost_answer``: the response to an earlier request with a value that was burnt was
            lost, and the API itself now answered 401. ``None`` if nothing is proven.
    """

    __match_args__ = __slots__ = ("proven", "outcome", "basis")

    proven: bool
    outcome: Outcome[str]
    basis: ProofBasisName | None

    def __init__(self, proven: bool, outcome: Outcome[str], basis: ProofBasisName | None = None) -> None:
        put = object.__setattr__
        put(self, "proven", proven)
        put(self, "outcome", outcome)
        put(self, "basis", basis)

    def __str__(self) -> str:
        return self.outcome.message

    def to_dict(self) -> dict[str, Any]:
        """Returns the proof as plain data for ``json.dumps``."""
        return {"proven": self.proven, "basis": self.basis, **self.outcome.to_dict()}


def _millis(seconds: float) -> float:
    return round(seconds * 1000, 3)


Attempt.__module__ = AttemptEvent.__module__ = ProblemDetails.__module__ = Outcome.__module__ = Proof.__module__ = "mpt_tokens"
defer(globals())
