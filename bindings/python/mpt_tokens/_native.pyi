"""The compiled part of the package. Private: ``mpt_tokens`` is the interface."""

import os
from asyncio import AbstractEventLoop
from asyncio import Future as Waiter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import Context
from datetime import timedelta
from typing import Any, Final, Literal, final, overload

from typing_extensions import Self

from ._outcome import AttemptEvent, Outcome, Proof
from ._types import CodeName, StopReasonName

__all__ = [
    "CODES",
    "ApiToken",
    "Batch",
    "Call",
    "Cancel",
    "Client",
    "Queue",
    "Returns",
    "Sandbox",
    "__version__",
    "run_program",
]

__version__: Final[str]

CODES: Final[list[tuple[str, int]]]
"""Every code of core: its name and its number."""

@final
class ApiToken:
    """The value of an API token that is to be deleted: a secret that is never shown.

    In the ids of ``delete_tokens``, it stands for the id inside the value.
    """

    def __new__(cls, value: str) -> Self:
        """Takes a value of the form ``idt:TKN-XXXX-XXXX:<secret>``.

        Args:
            value: The value. Surrounding white space and a leading ``Bearer`` are removed.

        Raises:
            InvalidConfigError: The value is empty, or is not one line of visible ASCII.
        """

    @property
    def token_id(self) -> str | None:
        """The id of this token; ``None`` if the value does not contain one."""

@final
class Cancel:
    """Cancels the batch that it was passed to, from any thread."""

    def __new__(cls) -> Self: ...
    def cancel(self) -> None: ...

@final
class Call:
    """One call on a thread of an ``AsyncClient``, from its beginning to what came of it."""

    def __new__(cls, queue: Queue, returns: Returns, waiter: Waiter[None]) -> Self:
        """Makes a call for the queue's threads, in the context of the caller. Its end ends the waiter."""

    def cancel(self) -> None:
        """Cancels the call. One that no thread has begun is made here: it only says that it was cancelled."""

    def wait_again(self, waiter: Waiter[None]) -> bool:
        """Ends another future in place of the first; false if the call has ended, or was never begun."""

    def result(self) -> Any:
        """Returns what came of it, once, or raises it. Waits for it if it has not ended; ``None`` if never begun."""

@final
class Queue:
    """What waits for a thread, and how many threads there are."""

    def __new__(cls) -> Self: ...
    def put(self, work: tuple[Context, Callable[[], object], Future[Any]]) -> int:
        """Puts work. Returns 0 if there are threads enough, 1 if the caller must start one, 2 if it must look later."""

    def not_started(self) -> bool:
        """A thread that was to be started could not be. Returns whether others are there."""

    @property
    def finished(self) -> int: ...
    def grow(self, finished: int) -> tuple[int, bool]:
        """Looks whether more threads help. Returns how many to start, and whether to look again."""

    def serve(self, idle: float) -> tuple[Context, Callable[[], object], Future[Any]] | None:
        """Makes calls, and returns work of Python's for the thread; ``None`` once it must end."""

    def done(self) -> None:
        """Work that ``serve`` returned is done."""

    def close(self) -> None:
        """Lets the threads end when all work is done."""

@final
class Returns:
    """The way back to one event loop: called there, it ends the waiters of the calls that have ended."""

    def __new__(cls, event_loop: AbstractEventLoop | None) -> Self: ...
    def __call__(self) -> None: ...
    def fileno(self) -> int | None: ...

@final
class Client:
    """Connections and settings. An option that is ``None`` means core's default, or the environment's."""

    def __new__(
        cls,
        *,
        api_token: str | None,
        base_url: str | None,
        timeout: float | timedelta | None,
        attempt_timeout: float | timedelta | None,
        connect_timeout: float | timedelta | None,
        attempts: int | None,
        backoff: tuple[float | timedelta, float | timedelta] | None,
        missing_ok: bool,
        allow_own_token: bool,
        allow_plain_http: bool,
        user_agent: str | None,
        ca_file: str | os.PathLike[str] | None,
        ca_data: bytes | None,
        ca_only: bool,
        proxy: str | None,
        burn_only: bool,
        on_attempt: Callable[[AttemptEvent], object] | None,
    ) -> Self: ...
    def with_options(
        self,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        missing_ok: bool | None,
        allow_own_token: bool | None,
    ) -> Client:
        """Returns a client with the same connections and other defaults."""

    @overload
    def delete_token(
        self,
        token_id: str,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        missing_ok: bool | None,
        allow_own_token: bool | None,
        after_lost_answer: bool,
        trace_parent: str | None,
        call: None,
    ) -> Outcome[str]:
        """Makes the call and returns its outcome; or begins it, if one is given, and returns what its queue needs."""

    @overload
    def delete_token(
        self,
        token_id: str,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        missing_ok: bool | None,
        allow_own_token: bool | None,
        after_lost_answer: bool,
        trace_parent: str | None,
        call: Call,
    ) -> int: ...

    @overload
    def prove_deleted(
        self,
        value: ApiToken,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        trace_parent: str | None,
        call: None,
    ) -> Proof:
        """Requests proof, or begins to, as in ``delete_token``."""

    @overload
    def prove_deleted(
        self,
        value: ApiToken,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        trace_parent: str | None,
        call: Call,
    ) -> int: ...

    @overload
    def burn(
        self,
        value: ApiToken,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        after_lost_answer: bool,
        trace_parent: str | None,
        call: None,
    ) -> Outcome[str]:
        """Burns a value, or begins to, as in ``delete_token``."""

    @overload
    def burn(
        self,
        value: ApiToken,
        *,
        timeout: float | timedelta | None,
        attempts: int | None,
        after_lost_answer: bool,
        trace_parent: str | None,
        call: Call,
    ) -> int: ...

    def burn_tokens(
        self,
        values: Iterable[str | ApiToken | None],
        *,
        concurrency: int | None,
        journal: str | os.PathLike[str] | None,
        patience: float | timedelta | None,
        cancel: Cancel | None,
    ) -> Batch:
        """Starts a batch that burns values, as ``delete_tokens`` starts one."""

    def delete_tokens(
        self,
        token_ids: Iterable[str | ApiToken | None],
        *,
        concurrency: int | None,
        missing_ok: bool | None,
        allow_own_token: bool | None,
        journal: str | os.PathLike[str] | None,
        prove: bool,
        patience: float | timedelta | None,
        cancel: Cancel | None,
    ) -> Batch:
        """Starts a batch. Nothing is sent before the first outcome is requested.

        With a cancel handle, ``None`` among the ids means that the next one is not available yet.
        """

    def cancel(self) -> None:
        """Cancels every call under way, and every later one."""

    def close(self) -> None:
        """Closes the connections once the calls under way on other threads are done. May be called more than once."""

    @property
    def closed(self) -> bool: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def own_token_id(self) -> str | None: ...

@final
class Batch:
    """A running batch; it has no state once it is closed."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Outcome[str]: ...
    def stop(self) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None:
        """Stops, waits for the calls under way, and releases everything. May be called more than once."""

    def stopped(self) -> tuple[StopReasonName, CodeName, str] | None:
        """Why it stopped: a word, a code and a sentence."""

    def summary(self) -> dict[str, Any]:
        """The counts, by the names of the fields of ``BatchSummary``."""

@final
class Sandbox:
    """A running sandbox."""

    def __new__(
        cls,
        *,
        tokens: list[str],
        numbered: int,
        port: int,
        delay: float,
        rate: int | None,
        faults: int | None,
        record: int,
    ) -> Self: ...
    @property
    def base_url(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def api_token(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def value_of(self, token_id: str) -> str: ...
    def truth(self, token_id: str) -> tuple[Literal["Active", "Deleted"] | None, int, int | None]:
        """Returns the status, how many requests named the token, and which of them deleted it."""

    def stats(self) -> dict[str, int]: ...
    def recorded(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Returns the last requests: method, target, headers."""

    def wait_for_requests(self, token_id: str, count: int, timeout: float) -> bool: ...
    def close(self) -> None: ...

def run_program(arguments: list[str]) -> int:
    """Runs the program ``mpt-tokens`` with the given arguments, its name first; returns the exit status."""
