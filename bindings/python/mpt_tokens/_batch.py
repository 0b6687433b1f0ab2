"""The iterator of outcomes for many tokens."""

from __future__ import annotations

from _warnings import warn

from ._hints import defer
from ._outcome import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ._native import Batch as _NativeBatch
    from ._errors import BatchStoppedError
    from ._outcome import Outcome
    from ._types import CodeName, StopReasonName


class BatchSummary(Frozen):
    """The counts of a batch.

    Attributes:
        deleted: Outcomes ``deleted``.
        gone: Outcomes ``gone``.
        not_deleted: Outcomes ``not_deleted``.
        unknown: Outcomes ``unknown``.
        not_found: Outcomes with the code ``not_found``: somebody else may have deleted the token. They also count as
            ``not_deleted``.
        dead_values: Outcomes with the code ``dead_value``: values that were to be burnt, and were dead already or never
            were values. They also count as ``not_deleted``.
        skipped: Outcomes with the code ``skipped``. They also count as ``not_deleted``.
        duplicates: Repeated ids, which are neither tried nor reported again.
        already_done: Ids that the journal lists as dead, which are neither tried nor reported again.
        without_value: Tokens that are dead but not proven dead: proof was requested, but their values were not given.
        put_off: Tokens that were tried in more than one round, because nothing conclusive came at first: see
            ``Outcome.rounds``.
        total: All outcomes.
        not_pulled: Ids that were never taken from the iterable, because the batch stopped (so far, while it runs): they
            have no outcome. ``None`` if the iterable has no length, such as a generator.
    """

    __match_args__ = __slots__ = (
        "deleted",
        "gone",
        "not_deleted",
        "unknown",
        "not_found",
        "dead_values",
        "skipped",
        "duplicates",
        "already_done",
        "without_value",
        "put_off",
        "total",
        "not_pulled",
    )

    deleted: int
    gone: int
    not_deleted: int
    unknown: int
    not_found: int
    dead_values: int
    skipped: int
    duplicates: int
    already_done: int
    without_value: int
    put_off: int
    total: int
    not_pulled: int | None

    def __init__(
        self,
        deleted: int,
        gone: int,
        not_deleted: int,
        unknown: int,
        not_found: int,
        dead_values: int,
        skipped: int,
        duplicates: int,
        already_done: int,
        without_value: int,
        put_off: int,
        total: int,
        not_pulled: int | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "deleted", deleted)
        put(self, "gone", gone)
        put(self, "not_deleted", not_deleted)
        put(self, "unknown", unknown)
        put(self, "not_found", not_found)
        put(self, "dead_values", dead_values)
        put(self, "skipped", skipped)
        put(self, "duplicates", duplicates)
        put(self, "already_done", already_done)
        put(self, "without_value", without_value)
        put(self, "put_off", put_off)
        put(self, "total", total)
        put(self, "not_pulled", not_pulled)


class BatchStopped(Frozen):
    """Why a batch stopped before the end of its list: ``str`` gives the sentence.

    Attributes:
        reason: ``unauthorized``: the API answered 401 for two ids in a row, so it does not accept the API token.
            ``paused``: the server asked for a longer pause than the batch waits. ``no_answer``: no answer was conclusive
            for as long as ``patience``. ``journal``: the journal cannot be written. ``asked``: ``stop`` or ``close`` was
            called. ``cancelled``: it was cancelled.
        code: The code that comes nearest, such as ``unauthorized`` or ``rate_limited``.
        message: What happened, and what to do.
    """

    __match_args__ = __slots__ = ("reason", "code", "message")

    reason: StopReasonName
    code: CodeName
    message: str

    def __init__(self, reason: StopReasonName, code: CodeName, message: str) -> None:
        put = object.__setattr__
        put(self, "reason", reason)
        put(self, "code", code)
        put(self, "message", message)

    def __str__(self) -> str:
        return self.message


class BatchResult(Frozen):
    """What ``Batch.run`` returns: the counts, and the failures.

    Attributes:
        summary: The counts.
        failed: The outcomes that are not successes, in order of completion; at most the first 10,000.
        stopped: Why the batch stopped before the end of its list; ``None`` if it did not.
    """

    __match_args__ = __slots__ = ("summary", "failed", "stopped")

    summary: BatchSummary
    failed: tuple[Outcome[str], ...]
    stopped: BatchStopped | None

    def __init__(
        self, summary: BatchSummary, failed: tuple[Outcome[str], ...], stopped: BatchStopped | None = None
    ) -> None:
        put = object.__setattr__
        put(self, "summary", summary)
        put(self, "failed", failed)
        put(self, "stopped", stopped)

    @property
    def is_success(self) -> bool:
        """True if every token of the list is dead: nothing failed, and the batch did not stop."""
        return not self.failed and self.stopped is None

    def raise_if_stopped(self) -> None:
        """Raises if the batch stopped before the end of its list.

        Raises:
            BatchStoppedError: Why, with the counts.
        """
        if self.stopped is not None:
            raise stopped_error(self.stopped, self.summary)

    def raise_if_failed(self) -> None:
        """Raises the exception of the first failure, with a note of how many there are; nothing if there are none.

        Raises:
            Error: As ``delete_token`` raises for that token.
            BatchStoppedError: No token failed, but the batch stopped before the end of its list.
        """
        if self.failed:
            from ._errors import add_note

            try:
                self.failed[0].raise_if_failed()
            except Exception as error:
                add_note(error, f"{self.summary.not_deleted + self.summary.unknown} tokens of the batch failed")
                if self.stopped is not None:
                    add_note(error, str(stopped_error(self.stopped, self.summary)))
                raise
        self.raise_if_stopped()


class Failures:
    """The failures of a batch so far, as many as are kept."""

    __slots__ = ("_kept", "_warned")

    def __init__(self) -> None:
        self._kept: list[Outcome[str]] = []
        self._warned = False

    def note(self, outcome: Outcome[str]) -> None:
        if outcome.is_success:
            return
        if len(self._kept) < MOST_FAILURES:
            self._kept.append(outcome)
        elif not self._warned:
            self._warned = True
            warn(
                f"more than {MOST_FAILURES} tokens failed: `failed` keeps the first ones only; iterate over the batch"
                " to see all",
                RuntimeWarning,
                3,
            )

    def kept(self) -> tuple[Outcome[str], ...]:
        return tuple(self._kept)


# As many failures as a batch keeps: some megabytes.
MOST_FAILURES = 10_000

NEVER_BEGUN = "the batch was never begun, so no token was deleted: iterate over it, or call `run`"


def stopped_error(stopped: BatchStopped, summary: BatchSummary) -> BatchStoppedError:
    """Returns the exception that ``raise_if_stopped`` raises."""
    from ._errors import BatchStoppedError, nothing_tried

    left = f"; {summary.skipped} ids were skipped"
    if summary.not_pulled is not None:
        left += f", and {summary.not_pulled} were not reached"
    return BatchStoppedError(
        nothing_tried(stopped.code, f"the batch stopped: {stopped.message}{left}"), stopped, summary
    )


def stopped_of(native: _NativeBatch) -> BatchStopped | None:
    """Returns why a batch stopped."""
    stopped = native.stopped()
    return None if stopped is None else BatchStopped(*stopped)


class Batch:
    """A running batch: an iterator of outcomes, returned by ``Client.delete_tokens``.

    Takes ids from the iterable as needed, on the thread that iterates, about twice as many ahead as calls run at once.
    Yields one outcome for each id, in order of completion. Failures are yielded too, not raised. An exception from the
    iterable of ids is raised after the last outcome.

    Ctrl-C cancels the calls under way and raises ``KeyboardInterrupt`` within 200 ms. Continue iterating to learn what
    is true of each token that was started.

    Leaving it early (``break``, ``with``) waits for the calls under way. In a forked child the batch has ended: its
    outcomes belong to the parent.

    A batch that is dropped or closed, and that nobody has asked for an outcome or stopped, gives a ``RuntimeWarning``:
    it has deleted nothing.
    """

    __slots__ = ("_failures", "_idle", "_native")

    def __init__(self, native: _NativeBatch) -> None:
        """Called by ``Client.delete_tokens``."""
        self._native = native
        self._failures = Failures()
        self._idle = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome[str]:
        self._idle = False
        outcome = next(self._native)
        self._failures.note(outcome)
        return outcome

    def run(self) -> BatchResult:
        """Deletes all tokens, or those that are left. Returns the counts and the failures, and raises none of these.

        Raises:
            Exception: What the iterable of ids raised, after all ids that came before were tried.
        """
        for _ in self:
            pass
        return BatchResult(self.summary, self.failed, self.stopped)

    @property
    def failed(self) -> tuple[Outcome[str], ...]:
        """The failures that were returned so far, in order of completion; at most the first 10,000.

        A ``RuntimeWarning`` says when there are more. ``summary`` counts all.
        """
        return self._failures.kept()

    @property
    def summary(self) -> BatchSummary:
        """The counts so far."""
        return BatchSummary(**self._native.summary())

    @property
    def stopped(self) -> BatchStopped | None:
        """Why the batch stopped before the end of its list; ``None`` if it did not.

        Look when there are no more outcomes: ids that were never taken from the iterable have none.
        """
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

        Continue iterating to receive these outcomes. May be called from any thread.
        """
        self._idle = False
        self._native.stop()

    def cancel(self) -> None:
        """Stops, and cancels the calls under way within 200 ms."""
        self._idle = False
        self._native.cancel()

    def close(self) -> None:
        """Stops, and waits for the calls under way. Their outcomes count in ``summary``. May be called more than once.

        Raises:
            InvalidArgumentError: Another thread is waiting for an outcome. The batch is stopped anyway.
        """
        self._close(3)

    def _close(self, level: int) -> None:
        idle, self._idle = self._idle, False
        self._native.close()
        if idle:
            warn(NEVER_BEGUN, RuntimeWarning, level)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            # The error on its way says why it was not begun.
            self._idle = False
        self._close(3)

    def __del__(self) -> None:
        if getattr(self, "_idle", False):
            warn(f"{NEVER_BEGUN} ({self!r})", RuntimeWarning, 2, self)

    def __repr__(self) -> str:
        return f"<mpt_tokens.Batch {self.summary!r}>"


BatchSummary.__module__ = BatchStopped.__module__ = BatchResult.__module__ = Batch.__module__ = "mpt_tokens"
defer(globals())
