"""A stand-in for the Marketplace on loopback, so that programs can be tested with no account."""

from __future__ import annotations

from _warnings import warn

from ._native import Sandbox as _NativeSandbox
from ._outcome import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self

    from ._types import SandboxOptions


class Truth(Frozen):
    """What is true of one token of a sandbox, at the moment of asking.

    Attributes:
        status: ``Active``: it is there and authenticates; ``Deleted``; ``None``: the sandbox never had it.
        requests: How many requests to delete it came, whatever the answer was.
        deleted_by: Which of these requests deleted it, counted from 1; ``None`` when none did.
    """

    __match_args__ = __slots__ = ("status", "requests", "deleted_by")

    status: Literal["Active", "Deleted"] | None
    requests: int
    deleted_by: int | None

    def __init__(
        self, status: Literal["Active", "Deleted"] | None, requests: int, deleted_by: int | None
    ) -> None:
        put = object.__setattr__
        put(self, "status", status)
        put(self, "requests", requests)
        put(self, "deleted_by", deleted_by)


class RecordedRequest(Frozen):
    """One request as it came.

    Attributes:
        method: The method.
        target: The request target, exactly as it was sent.
        headers: Names in lower case, and values, in the order of sending.
    """

    __match_args__ = __slots__ = ("method", "target", "headers")

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def __init__(self, method: str, target: str, headers: tuple[tuple[str, str], ...]) -> None:
        put = object.__setattr__
        put(self, "method", method)
        put(self, "target", target)
        put(self, "headers", headers)


class Sandbox:
    """A Marketplace on loopback that keeps the contract, misbehaves on demand, and remembers the truth.

    Starts when made, and stops when closed; ``with`` closes it. A token whose id is ``TKN-<scenario>-<serial>`` is
    there without being made, and the scenario chooses what goes wrong: ``TKN-answerlost-0001``, ``TKN-503.429-0002``.
    ``mpt-tokens sandbox --help`` has the table.

    Example:
        >>> with mpt_tokens.Sandbox(tokens=["TKN-1671-0642"]) as sandbox:
        ...     with mpt_tokens.Client(**sandbox.options) as client:
        ...         outcome = client.delete_token("TKN-1671-0642").outcome
        ...     outcome, sandbox.truth("TKN-1671-0642").status
        ('deleted', 'Deleted')
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(
        self,
        *,
        tokens: Iterable[str] = (),
        numbered: int = 0,
        port: int = 0,
        delay: float = 0.0,
        rate: int | None = None,
        faults: int | None = None,
        record: int = 0,
    ) -> None:
        """Starts the sandbox on 127.0.0.1.

        Args:
            tokens: Ids of tokens that are there, beside the main one and those with a scenario in their id.
            numbered: How many tokens are there too with the ids ``TKN-1000-0001``, ``TKN-1000-0002`` and so on.
            port: The port to listen on; 0 takes a free one.
            delay: How long each answer is held back, in seconds. The token is deleted at once: only the answer
                waits.
            rate: How many requests a second are let through; those over it are answered 429 with ``Retry-After``.
                No limit by default.
            faults: A seed: every token without a scenario then goes through random faults before the contract
                holds for it.
            record: How many requests, the last ones, are remembered for ``recorded``.

        Raises:
            OSError: The port is taken or not permitted.
            ValueError: A number is out of its range.
        """
        self._native = _NativeSandbox(
            tokens=list(tokens),
            numbered=numbered,
            port=port,
            delay=delay,
            rate=rate,
            faults=faults,
            record=record,
        )

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``: what ``MPT_API_BASE_URL`` wants."""
        return self._native.base_url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._native.port

    @property
    def api_token(self) -> str:
        """The value of the main token, ``TKN-0000-0001``: what ``MPT_API_TOKEN`` wants."""
        return self._native.api_token

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which a client finds this sandbox."""
        return {"MPT_API_TOKEN": self.api_token, "MPT_API_BASE_URL": self.base_url}

    @property
    def options(self) -> SandboxOptions:
        """The options with which a client uses this sandbox: ``Client(**sandbox.options, timeout=5)``."""
        return {"api_token": self.api_token, "base_url": self.base_url}

    def value_of(self, token_id: str) -> str:
        """The value of any token. It authenticates while the token is there."""
        return self._native.value_of(token_id)

    def truth(self, token_id: str) -> Truth:
        """What is true of one token."""
        return Truth(*self._native.truth(token_id))

    def stats(self) -> dict[str, int]:
        """Totals since the start.

        Returns:
            ``connections``, ``open_connections``, ``requests`` (to delete a token), ``deleted``, ``unauthorized``,
            ``rate_limited``, and ``strays``: requests for another resource than one token.
        """
        return self._native.stats()

    def recorded(self) -> list[RecordedRequest]:
        """The last requests, oldest first: as many as ``record`` asked for."""
        return [
            RecordedRequest(method, target, tuple(headers))
            for method, target, headers in self._native.recorded()
        ]

    def wait_for_requests(self, token_id: str, count: int = 1, timeout: float = 10.0) -> bool:
        """Waits for requests to delete a token, so that a test can act while one is held, without guessing when.

        Args:
            token_id: The id of the token.
            count: How many requests must have come.
            timeout: How long to wait at most, in seconds.

        Returns:
            Whether they came.
        """
        return self._native.wait_for_requests(token_id, count, timeout)

    def close(self) -> None:
        """Stops the sandbox. Closing twice is fine."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether the sandbox was closed."""
        native = getattr(self, "_native", None)  # a sandbox that could not be started has none
        return native is None or native.closed

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
        state = "closed" if self.closed else f"base_url={self.base_url!r}"
        return f"<mpt_tokens.Sandbox {state}>"

    def __del__(self) -> None:
        if not self.closed:
            warn(f"unclosed sandbox {self!r}", ResourceWarning, 2, self)


Truth.__module__ = RecordedRequest.__module__ = Sandbox.__module__ = "mpt_tokens"
