"""The iterator of outcomes for many tokens."""

from __future__ import annotations

from ._outcome import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ._native import Batch as _NativeBatch
    from ._outcome import Outcome


class BatchSummary(Frozen):
    """The counts of a batch.

    Attributes:
        deleted: Outcomes ``deleted``.
        gone: Outcomes ``gone``.
        not_deleted: Outcomes ``not_deleted``.
        unknown: Outcomes ``unknown``.
        not_found: Outcomes with the code ``not_found``: somebody else may have deleted the token. They also count as
            ``not_deleted``.
        skipped: Outcomes with the code ``skipped``. They also count as ``not_deleted``.
        duplicates: Repeated ids, which are neither tried nor reported again.
        already_done: Ids that the journal lists as dead, which are neither tried nor reported again.
        without_value: Tokens that are dead but not proven dead: proof was requested, but their values were not given.
        put_off: Tokens that were tried in more than one round, because nothing conclusive came at first: see
            ``Outcome.rounds``.
        total: All outcomes.
    """

    __match_args__ = __slots__ = (
        "deleted",
        "gone",
        "not_deleted",
        "unknown",
        "not_found",
        "skipped",
        "duplicates",
        "already_done",
        "without_value",
        "put_off",
        "total",
    )

    deleted: int
    gone: int
    not_deleted: int
    unknown: int
    not_found: int
    skipped: int
    duplicates: int
    already_done: int
    without_value: int
    put_off: int
    total: int

    def __init__(
        self,
        deleted: int,
        gone: int,
        not_deleted: int,
        unknown: int,
        not_found: int,
        skipped: int,
        duplicates: int,
        already_done: int,
        without_value: int,
        put_off: int,
        total: int,
    ) -> None:
        put = object.__setattr__
        put(self, "deleted", deleted)
        put(self, "gone", gone)
        put(self, "not_deleted", not_deleted)
        put(self, "unknown", unknown)
        put(self, "not_found", not_found)
        put(self, "skipped", skipped)
        put(self, "duplicates", duplicates)
        put(self, "already_done", already_done)
        put(self, "without_value", without_value)
        put(self, "put_off", put_off)
        put(self, "total", total)


class Batch:
    """A running batch: an iterator of outcomes, returned by ``Client.delete_tokens``.

    Takes ids from the iterable as needed, on the thread that iterates, about twice as many ahead as calls run at once.
    Yields one outcome for each id, in order of completion. Failures are yielded too, not raised. An exception from the
    iterable of ids is raised after the last outcome.

    Ctrl-C cancels the calls under way and raises ``KeyboardInterrupt`` within 200 ms. Continue iterating to learn what
    is true of each token that was started.

    Leaving it early (``break``, ``with``) waits for the calls under way. In a forked child the batch has ended: its
    outcomes belong to the parent.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _NativeBatch) -> None:
        """Called by ``Client.delete_tokens``."""
        self._native = native

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        return next(self._native)

    @property
    def summary(self) -> BatchSummary:
        """The counts so far."""
        return BatchSummary(**self._native.summary())

    def stop(self) -> None:
        """Takes no more ids. Calls under way finish; ids that were taken but not started are ``skipped``.

        Continue iterating to receive these outcomes. May be called from any thread.
        """
        self._native.stop()

    def cancel(self) -> None:
        """Stops, and cancels the calls under way within 200 ms."""
        self._native.cancel()

    def close(self) -> None:
        """Stops, and waits for the calls under way. Their outcomes count in ``summary``. May be called more than once.

        Raises:
            InvalidArgumentError: Another thread is waiting for an outcome. The batch is stopped anyway.
        """
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mpt_tokens.Batch {self.summary!r}>"


BatchSummary.__module__ = Batch.__module__ = "mpt_tokens"
