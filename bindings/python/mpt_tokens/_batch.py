"""Many tokens: the iterator of outcomes."""

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
        not_found: Outcomes with the code ``not_found``: somebody may have deleted the token before. They are counted as
            ``not_deleted``, too.
        skipped: Outcomes with the code ``skipped``; they are counted as ``not_deleted``, too.
        duplicates: Ids that came again: not tried again, not reported again.
        already_done: Ids that the journal knows to be dead: not asked again, not reported again.
        without_value: Tokens that are dead and not proven, since their values were not at hand where proof was asked
            for.
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
        put(self, "total", total)


class Batch:
    """A batch under way: an iterator of outcomes, made by ``Client.delete_tokens``.

    Ids are pulled as needed, on the thread that iterates, about twice as many ahead as calls run at once. Outcomes
    come in order of completion, one for each id, failures included: none is raised. An exception of the iterable
    of ids is raised when every outcome is given.

    Ctrl-C cancels the calls under way and raises ``KeyboardInterrupt`` within 200 ms; go on iterating then to learn what
    is true of each token that was begun.

    Leaving it early (``break``, ``with``) waits for the calls under way. In a forked child it has ended: its outcomes are
    the parent's.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _NativeBatch) -> None:
        """Made by ``Client.delete_tokens``."""
        self._native = native

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        return next(self._native)

    @property
    def summary(self) -> BatchSummary:
        """The counts so far."""
        return BatchSummary(*self._native.summary())

    def stop(self) -> None:
        """Pulls no more ids. What is under way finishes; what was pulled and not started is ``skipped``.

        Go on iterating for these outcomes. From any thread.
        """
        self._native.stop()

    def cancel(self) -> None:
        """As ``stop``, and ends the calls under way within 200 ms."""
        self._native.cancel()

    def close(self) -> None:
        """Stops, and waits for what is under way. Its outcomes are counted in ``summary``. Closing twice is fine.

        Raises:
            InvalidArgumentError: Another thread waits for an outcome just now. It is stopped all the same.
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
