"""The client for asyncio: every call runs on one of the client's own threads, and is cancelled with its task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sized
from concurrent.futures import CancelledError as NotPulled
from concurrent.futures import Future, wait
from functools import partial
from itertools import islice
from typing import TypeVar
from warnings import warn

from ._batch import NEVER_BEGUN, BatchResult, BatchStopped, BatchSummary, Failures, stopped_error, stopped_of
from ._client import BaseClient
from ._errors import Error, note_batch, note_outcome, refusal, refusal_of_type
from ._hints import defer
from ._keywords import checked
from ._native import ApiToken, Cancel
from ._outcome import Outcome, Proof
from ._threads import Threads, running_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Self

    from ._native import Batch as _NativeBatch
    from ._native import Call

_T = TypeVar("_T")

# How long a batch waits for an id before it looks for outcomes, in seconds.
_A_MOMENT = 0.01


async def _finish(waiter: asyncio.Future[_T]) -> None:
    """Waits for a cancelled call, at most 200 ms, whatever happens to the task meanwhile."""
    while not waiter.done():
        try:
            await asyncio.wait([waiter])
        except asyncio.CancelledError:
            continue
    if not waiter.cancelled():
        waiter.exception()  # seen: nobody else will look


async def _end(call: Call, interrupt: BaseException, loop: asyncio.AbstractEventLoop) -> None:
    """Cancels the call of a task that was interrupted. The exception keeps its outcome."""
    if isinstance(interrupt, Exception):
        return
    call.cancel()
    # A coroutine that is being discarded must not wait.
    if isinstance(interrupt, GeneratorExit):
        return
    # After anything else the event loop is at its end: the wait is without it.
    if isinstance(interrupt, asyncio.CancelledError):
        waiter: asyncio.Future[None] = loop.create_future()
        if call.wait_again(waiter):
            await _finish(waiter)
    try:
        truth: Outcome[str] | Proof | None = call.result()
    except Error as error:
        note_outcome(interrupt, error.report)
    except Exception as error:
        raise interrupt from error
    else:
        if isinstance(truth, Proof):
            note_outcome(interrupt, truth.outcome)
        elif truth is not None:
            note_outcome(interrupt, truth)


class AsyncClient(BaseClient):
    """Deletes API tokens, for asyncio.

    Works like ``Client`` and has the same options. Any number of tasks may use it at once, and event loops may use it
    one after another. It never blocks the event loop: calls run on up to 256 threads of its own, which end when
    idle. ``async with`` closes it.

    Example:
        >>> async with mpt_tokens.AsyncClient() as client:  # doctest: +SKIP
        ...     (await client.delete_token("TKN-1671-0642")).outcome
        'deleted'
    """

    __slots__ = ("_threads",)

    _threads: Threads

    def _set_up(self, parent: BaseClient | None) -> None:
        self._threads = parent._threads if isinstance(parent, AsyncClient) else Threads()

    @checked
    async def delete_token(
        self,
        token_id: str,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
        after_lost_answer: bool = False,
        trace_parent: str | None = None,
    ) -> Outcome[str]:
        """Deletes one token.

        Failed attempts are repeated where that is safe and can help. Cancelling the task cancels the call within 200
        ms: the ``asyncio.CancelledError`` has a note that says what is true of the token, and ``outcome_of`` returns
        the whole outcome, also from the ``TimeoutError`` of ``asyncio.timeout`` or ``asyncio.wait_for``.

        Args:
            token_id: The id of the token, such as ``TKN-1671-0642``.
            timeout: The time limit of this call in seconds; by default the client's.
            attempts: The largest number of attempts in this call; by default the client's.
            missing_ok: If true, a token that the API does not know is a success; by default the client's setting.
            allow_own_token: If true, the token in use may be deleted; by default the client's setting.
            after_lost_answer: If true, deletion of the token was requested before and the response is not known. A 404
                then means ``gone``, and after a failure the outcome is ``unknown`` instead of ``not_deleted``, unless
                the id itself is invalid.
            trace_parent: A W3C ``traceparent`` that makes the call part of the caller's trace.

        Returns:
            The outcome: ``deleted`` or ``gone``.

        Raises:
            Error: Every failure; its ``outcome`` is ``not_deleted`` or ``unknown``.
        """
        loop = running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        # Made before it is begun: an interrupt that arrives in between finds it.
        call = self._threads.call(waiter, loop)
        try:
            needed = self._native.delete_token(
                token_id,
                timeout=timeout,
                attempts=attempts,
                missing_ok=missing_ok,
                allow_own_token=allow_own_token,
                after_lost_answer=after_lost_answer,
                trace_parent=trace_parent,
                call=call,
            )
            if needed:
                self._threads.begun(call, needed, loop)
            await waiter
            told: Outcome[str] = call.result()
            return told
        except BaseException as interrupt:
            await _end(call, interrupt, loop)
            raise
        finally:
            # A traceback that shows the variables of this frame must not show a token value that was given by mistake.
            del token_id, trace_parent

    @checked
    async def prove_deleted(
        self,
        value: str | ApiToken,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        trace_parent: str | None = None,
    ) -> Proof:
        """Checks with a token's own value whether it is provably dead, as ``Client.prove_deleted`` does.

        Args:
            value: The value, in the form ``idt:TKN-XXXX-XXXX:<secret>``. A secret: never shown.
            timeout: The time limit of all requests together in seconds; by default the client's.
            attempts: The largest number of attempts for each request; by default the client's.
            trace_parent: A W3C ``traceparent`` that makes the call part of the caller's trace.

        Returns:
            The proof, whatever the response was: see ``proven`` and ``basis``.

        Raises:
            InvalidArgumentError: The value does not have that form.
            InvalidConfigError: The value is empty, or is not one line of visible ASCII.
        """
        try:
            token = value if isinstance(value, ApiToken) else ApiToken(value)
        finally:
            del value
        loop = running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        call = self._threads.call(waiter, loop)
        try:
            needed = self._native.prove_deleted(
                token,
                timeout=timeout,
                attempts=attempts,
                trace_parent=trace_parent,
                call=call,
            )
            if needed:
                self._threads.begun(call, needed, loop)
            await waiter
            told: Proof = call.result()
            return told
        except BaseException as interrupt:
            await _end(call, interrupt, loop)
            raise
        finally:
            del trace_parent

    @checked
    async def burn(
        self,
        value: str | ApiToken,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        after_lost_answer: bool = False,
        trace_parent: str | None = None,
    ) -> Outcome[str]:
        """Burns a leaked value with itself as the credential, as ``Client.burn`` does.

        Args:
            value: The value, in the form ``idt:TKN-XXXX-XXXX:<secret>``. A secret: never shown.
            timeout: The time limit of all requests together in seconds; by default the client's.
            attempts: The largest number of attempts for each request; by default the client's.
            after_lost_answer: If true, the value was burnt before and the response is not known.
            trace_parent: A W3C ``traceparent`` that makes the call part of the caller's trace.

        Returns:
            The outcome: ``deleted`` or ``gone``; see its ``proof``.

        Raises:
            Error: Every failure, as ``Client.burn`` raises it.
        """
        try:
            token = value if isinstance(value, ApiToken) else ApiToken(value)
        finally:
            del value
        loop = running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        call = self._threads.call(waiter, loop)
        try:
            needed = self._native.burn(
                token,
                timeout=timeout,
                attempts=attempts,
                after_lost_answer=after_lost_answer,
                trace_parent=trace_parent,
                call=call,
            )
            if needed:
                self._threads.begun(call, needed, loop)
            await waiter
            told: Outcome[str] = call.result()
            return told
        except BaseException as interrupt:
            await _end(call, interrupt, loop)
            raise
        finally:
            del trace_parent

    @checked
    def burn_tokens(
        self,
        values: Iterable[str | ApiToken] | AsyncIterable[str | ApiToken],
        *,
        concurrency: int | None = None,
        journal: str | os.PathLike[str] | None = None,
        patience: float | timedelta = 600,
    ) -> AsyncBatch:
        """Burns many leaked values, each with itself as the credential, as ``Client.burn_tokens`` does.

        Args:
            values: The values; any iterable or asynchronous iterable, of any length. Secrets: never shown.
            concurrency: The largest number of calls at once, 1 to 256; 8 by default.
            journal: A file that survives a crash and lets the next batch resume. It needs a client that is ``burn_only``.
            patience: How long the batch continues without a conclusive answer from the API, in seconds; 600 by default.

        Returns:
            The batch. Nothing is sent before you ask for the first outcome.

        Raises:
            InvalidArgumentError: A number is out of range, or the client is closed.
            InvalidConfigError: The journal cannot be used, or belongs to another base URL.
        """
        try:
            cancel = Cancel()
            feed = _Feed(values)
            native = self._native.burn_tokens(
                feed, concurrency=concurrency, journal=journal, patience=patience, cancel=cancel
            )
        finally:
            del values, journal
        if concurrency is not None:
            feed.some = concurrency
        return AsyncBatch(native, feed, self._threads)

    @checked
    def delete_tokens(
        self,
        token_ids: Iterable[str | ApiToken] | AsyncIterable[str | ApiToken],
        *,
        concurrency: int | None = None,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
        journal: str | os.PathLike[str] | None = None,
        prove: bool = False,
        patience: float | timedelta = 600,
    ) -> AsyncBatch:
        """Deletes many tokens, as ``Client.delete_tokens`` does. Returns an asynchronous iterator of outcomes.

        Args:
            token_ids: The ids, or token values that contain them (``ApiToken``); any iterable, synchronous or
                asynchronous, of any length. It is iterated on the event loop's thread.
            concurrency: The largest number of calls at once, 1 to 256; 8 by default.
            missing_ok: If true, a token that the API does not know is a success; by default the client's setting.
            allow_own_token: If true, the token in use may be deleted, after all others; default: the client's setting.
            journal: A file that survives a crash and lets the next batch resume, as in ``Client``.
            prove: If true, requests proof for each dead token whose value is given, as ``prove_deleted`` does.
            patience: How long the batch continues without a conclusive answer from the API, in seconds, as in
                ``Client``; 600 by default. 0: each token is tried in one call.

        Returns:
            The batch. Nothing is sent before you ask for the first outcome.

        Raises:
            InvalidArgumentError: A number is out of range, or the client is closed.
            InvalidConfigError: The journal cannot be used, or belongs to another base URL or API token.
        """
        try:
            cancel = Cancel()
            feed = _Feed(token_ids)
            native = self._native.delete_tokens(
                feed,
                concurrency=concurrency,
                missing_ok=missing_ok,
                allow_own_token=allow_own_token,
                journal=journal,
                prove=prove,
                patience=patience,
                cancel=cancel,
            )
        finally:
            del token_ids, journal
        if concurrency is not None:
            feed.some = concurrency
        return AsyncBatch(native, feed, self._threads)

    async def aclose(self) -> None:
        """Closes the connections once the calls under way are done. May be called more than once."""
        self._native.close()
        if not self._derived:
            self._threads.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Feed:
    """Ids for a batch that runs on another thread. They are taken from the iterable on the event loop's thread.

    ``None`` means that the next id is not available yet.
    """

    __slots__ = ("_ahead", "_failure", "_ids", "_length", "_pulling", "loop", "some")

    loop: asyncio.AbstractEventLoop

    def __init__(self, token_ids: Iterable[str | ApiToken] | AsyncIterable[str | ApiToken]) -> None:
        self._ids: Iterator[str | ApiToken] | AsyncIterator[str | ApiToken]
        try:
            if isinstance(token_ids, str):
                raise refusal_of_type("the token_ids are one str: expected an iterable of them, such as a list")
            self._length = len(token_ids) if isinstance(token_ids, Sized) else None
            if isinstance(token_ids, AsyncIterable):
                self._ids = token_ids.__aiter__()
            else:
                if not hasattr(token_ids, "__iter__") and not hasattr(token_ids, "__getitem__"):
                    raise refusal_of_type(
                        "the token_ids cannot be iterated over: expected an iterable of ids, such as a list"
                    )
                self._ids = iter(token_ids)
        finally:
            del token_ids
        self.some: int = 8  # the default concurrency
        self._failure: Exception | None = None
        self._ahead: list[str | ApiToken] = []
        self._pulling: Future[list[str | ApiToken]] | None = None

    def __len__(self) -> int:
        """The length of the iterable."""
        if self._length is None:
            raise TypeError("the iterable has no length")
        return self._length

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | ApiToken | None:
        if not self._ahead:
            pulling = self._pulling
            if pulling is None:
                pulling = self._pulling = asyncio.run_coroutine_threadsafe(self._pull(), self.loop)
            if not wait([pulling], _A_MOMENT).done:
                return None
            self._pulling = None
            try:
                self._ahead = pulling.result()
            except NotPulled:
                raise StopIteration from None
            if not self._ahead:
                raise StopIteration
        return self._ahead.pop()

    async def _pull(self) -> list[str | ApiToken]:
        """Returns the next ids, the last one first: those available without waiting, or one."""
        if isinstance(self._ids, AsyncIterator):
            try:
                return [await self._ids.__anext__()]
            except StopAsyncIteration:
                return []
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        some: list[str | ApiToken] = []
        try:
            # One by one: what came before a failure is tried.
            for token_id in islice(self._ids, self.some):
                some.append(token_id)
                del token_id
        except Exception as failure:
            if not some:
                raise
            # Without this frame, whose variables are the ids.
            self._failure = failure.with_traceback(failure.__traceback__ and failure.__traceback__.tb_next)
        some.reverse()
        return some

    def end(self) -> None:
        """Takes no more ids: stops waiting for the next one."""
        pulling = self._pulling
        if pulling is not None:
            pulling.cancel()


class AsyncBatch:
    """A running batch: an asynchronous iterator of outcomes, returned by ``AsyncClient.delete_tokens``.

    Works like ``Batch``, but when it is stopped, a few ids may have been taken and not tried: an id without an outcome
    was not tried. Cancelling the task while it waits for an outcome cancels the calls under way within 200 ms. Continue
    iterating to learn what is true of each token that was started.

    To leave it early, use ``async with``, which waits for the calls under way without blocking the event loop.
    """

    __slots__ = ("__weakref__", "_failures", "_feed", "_idle", "_native", "_next", "_threads", "_waiting")

    def __init__(self, native: _NativeBatch, feed: _Feed, threads: Threads) -> None:
        """Called by ``AsyncClient.delete_tokens``."""
        self._native = native
        self._feed = feed
        self._threads = threads
        self._next: Future[Outcome[str] | None] | None = None
        self._waiting = False
        self._failures = Failures()
        self._idle = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[str]:
        self._idle = False
        if self._waiting:
            raise refusal("invalid_argument", "the batch is in use already: ask it for one outcome at a time")
        if self._next is None:
            self._feed.loop = running_loop()
            future: Future[Outcome[str] | None] = Future()
            self._next = future
            try:
                self._threads.start(partial(next, self._native, None), future)
            except BaseException:
                if future.cancel():  # no thread has begun it
                    self._next = None
                raise
        self._waiting = True
        waiter = asyncio.wrap_future(self._next)
        try:
            outcome = await asyncio.shield(waiter)
        except asyncio.CancelledError as interrupt:
            self.cancel()
            # What comes of it stays in `_next`, for whoever iterates on.
            await _finish(waiter)
            note_batch(interrupt)
            raise
        except BaseException:
            self._next = None
            raise
        finally:
            self._waiting = False
        self._next = None
        if outcome is None:
            raise StopAsyncIteration
        self._failures.note(outcome)
        return outcome

    async def run(self) -> BatchResult:
        """Deletes all tokens, or those that are left. Returns the counts and the failures, as ``Batch.run`` does.

        Raises:
            Exception: What the iterable of ids raised, after all ids that came before were tried.
        """
        async for _ in self:
            pass
        return BatchResult(self.summary, self.failed, self.stopped)

    @property
    def failed(self) -> tuple[Outcome[str], ...]:
        """The failures that were returned so far, as in ``Batch``: at most the first 10,000."""
        return self._failures.kept()

    @property
    def summary(self) -> BatchSummary:
        """The counts so far."""
        return BatchSummary(**self._native.summary())

    @property
    def stopped(self) -> BatchStopped | None:
        """Why the batch stopped before the end of its list; ``None`` if it did not. As in ``Batch``."""
        return stopped_of(self._native)

    def raise_if_stopped(self) -> None:
        """Raises if the batch stopped before the end of its list: call it after the last outcome.

        Raises:
            BatchStoppedError: Why, with the counts.
        """
        stopped = self.stopped
        if stopped is not None:
            raise stopped_error(stopped, self.summary)

    def stop(self) -> None:
        """Takes no more ids. Calls under way finish; ids that were taken but not started are ``skipped``.

        Continue iterating to receive these outcomes.
        """
        self._idle = False
        self._native.stop()
        self._feed.end()

    def cancel(self) -> None:
        """Stops, and cancels the calls under way within 200 ms."""
        self._idle = False
        self._native.cancel()
        self._feed.end()

    async def aclose(self) -> None:
        """Stops, and waits for the calls under way. Their outcomes count in ``summary``. May be closed twice."""
        idle = self._idle
        self.stop()
        if idle:
            warn(NEVER_BEGUN, RuntimeWarning, 2)
        future: Future[None] = Future()
        self._threads.start(self._native.close, future)
        waiter = asyncio.wrap_future(future)
        try:
            await asyncio.shield(waiter)
        except asyncio.CancelledError:
            self.cancel()
            await _finish(waiter)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            # The error on its way says why it was not begun.
            self._idle = False
        await self.aclose()

    def __repr__(self) -> str:
        return f"<mpt_tokens.AsyncBatch {self.summary!r}>"

    def __del__(self) -> None:
        # Dropping a batch waits for its calls: the event loop's thread must not wait for long.
        native = getattr(self, "_native", None)
        if native is not None:
            native.cancel()
        if getattr(self, "_idle", False):
            warn(f"{NEVER_BEGUN} ({self!r})", RuntimeWarning, 2, self)


AsyncClient.__module__ = AsyncBatch.__module__ = "mpt_tokens"
defer(globals())
