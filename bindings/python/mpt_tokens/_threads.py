"""The threads of an ``AsyncClient``: they make its calls, and the event loop is woken when one has ended."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar
from weakref import WeakKeyDictionary

from ._native import Call, Queue, Returns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_T = TypeVar("_T")

# How long an idle thread stays, in seconds.
_IDLE = 10.0
# How long calls wait for a thread before more start, in seconds.
_A_MOMENT = 0.01


class _Pool:
    """Threads of one process, and what waits for them. The queue decides how many there are."""

    __slots__ = ("_looks", "queue")

    def __init__(self) -> None:
        self.queue = Queue()
        # The event loop whose timer looks whether more threads help.
        self._looks: asyncio.AbstractEventLoop | None = None

    def help(self, needed: int, loop: asyncio.AbstractEventLoop) -> None:
        """Does what the queue asked for when it was given something."""
        if needed == 1:
            try:
                Thread(target=_serve, args=(self.queue,), name="mpt-tokens", daemon=True).start()
            except RuntimeError:
                if not self.queue.not_started():
                    raise
        # The timer of another loop, which has ended, never comes.
        elif self._looks is not loop:
            self._looks = loop
            loop.call_later(_A_MOMENT, self._grow, self.queue.finished, loop)

    def _grow(self, finished: int, loop: asyncio.AbstractEventLoop) -> None:
        self._looks = None
        start, again = self.queue.grow(finished)
        for _ in range(start):
            self.help(1, loop)
        if again:
            self.help(2, loop)


def _serve(queue: Queue) -> None:
    while True:
        item = queue.serve(_IDLE)
        if item is None:
            return
        context, work, future = item
        context.run(_carry_out, work, future)
        del item, context, work, future
        queue.done()


def _carry_out(work: Callable[[], _T], future: Future[_T]) -> None:
    """The work, on a thread, unless it was cancelled before."""
    try:
        if future.set_running_or_notify_cancel():
            future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
    finally:
        del work, future  # the traceback of the exception has this frame


# How each event loop hears of calls that have ended, with the process that it is of. Nothing here keeps a loop.
_RETURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[int, Returns]] = WeakKeyDictionary()


def _returns_to(loop: asyncio.AbstractEventLoop) -> Returns:
    """The way back to a loop. It polls a pipe, for as long as it lives, or is called where it cannot."""
    pid = os.getpid()
    try:
        known = _RETURNS.get(loop)
        if known is not None and known[0] == pid:
            return known[1]
        # What ended after its loop did would keep that.
        for old in [old for old in _RETURNS if old.is_closed()]:
            del _RETURNS[old]
        returns = Returns(None)
        descriptor = returns.fileno()
        if descriptor is None:
            return Returns(loop)
        os.set_blocking(descriptor, False)  # a call for nothing must not hold the loop
        loop.add_reader(descriptor, returns)
        _RETURNS[loop] = (pid, returns)
        return returns
    except (AttributeError, NotImplementedError, OSError, TypeError):
        return Returns(loop)


class Threads:
    """Threads for blocking calls; a forked child starts its own."""

    __slots__ = ("_pid", "_pool", "_returns")

    def __init__(self) -> None:
        self._pid = 0
        self._pool: _Pool | None = None
        self._returns: tuple[asyncio.AbstractEventLoop, Returns] | None = None

    def _ready(self) -> _Pool:
        pool = self._pool
        if pool is None or self._pid != os.getpid():
            pool = self._pool = _Pool()
            self._returns = None
            self._pid = os.getpid()
        return pool

    def call(self, waiter: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> Call:
        """A call to begin: its end ends the waiter."""
        pool = self._ready()
        returns = self._returns
        if returns is None or returns[0] is not loop:
            returns = self._returns = (loop, _returns_to(loop))
        return Call(pool.queue, returns[1], waiter)

    def begun(self, call: Call, needed: int, loop: asyncio.AbstractEventLoop) -> None:
        """After a call was begun, with what the queue asked for."""
        pool = self._pool
        if needed and pool is not None:
            try:
                pool.help(needed, loop)
            except RuntimeError:
                call.cancel()  # nothing is sent
                raise

    def start(self, work: Callable[[], _T], future: Future[_T]) -> None:
        """Starts the work for the caller's future: an interrupt may arrive here after the work has begun."""
        pool = self._ready()
        item: tuple[Any, Callable[[], object], Future[Any]] = (copy_context(), work, future)
        needed = pool.queue.put(item)
        if needed:
            try:
                pool.help(needed, running_loop())
            except RuntimeError:
                future.cancel()  # no thread begins it
                raise

    def close(self) -> None:
        """Lets the threads end when all work is done."""
        if self._pool is not None and self._pid == os.getpid():
            self._pool.queue.close()
        self._pool = None


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the caller."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no asyncio event loop runs here, and AsyncClient is for asyncio only: "
            "with another library, call a Client on one of its threads"
        ) from None
