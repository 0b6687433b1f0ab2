"""A stand-in for the Marketplace on loopback, to test programs without an account."""

from __future__ import annotations

from _warnings import warn

from ._hints import defer
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
    """The state of one token of a sandbox when it was requested.

    Attributes:
        status: ``Active``: the token exists and authenticates. ``Deleted``: it was deleted. ``None``: it never existed.
        requests: How many requests to delete it arrived, whatever the response was.
        deleted_by: Which of these requests deleted it, counted from 1; ``None`` if none did.
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
    """One request as it arrived.

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
    """A stand-in for the Marketplace on loopback. It follows the API, misbehaves on demand, and records what happened.

    Starts when it is created, and stops when it is closed; ``with`` closes it. A token whose id is
    ``TKN-<scenario>-<serial>`` exists without being created. The scenario chooses what goes wrong:
    ``TKN-answerlost-0001``, ``TKN-503.429-0002``. ``mpt-tokens sandbox --help`` lists the scenarios.

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
            tokens: Ids of tokens that exist, in addition to the main one and those with a scenario in their id.
            numbered: How many tokens also exist with the ids ``TKN-1000-0001``, ``TKN-1000-0002`` and so on.
            port: The port to listen on; 0 picks a free one.
            delay: How long each response is delayed, in seconds. The token is deleted at once: only the response waits.
            rate: The largest number of requests per second; the others get a 429 with ``Retry-After``. No limit by
                default.
            faults: A seed: gives every token without a scenario random faults before it behaves normally.
            record: How many of the last requests to keep for ``recorded``.

        Raises:
            OSError: The port is taken or not permitted.
            ValueError: A number is out of range.
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
        """``http://127.0.0.1:<port>``: the value for ``MPT_API_BASE_URL``."""
        return self._native.base_url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._native.port

    @property
    def api_token(self) -> str:
        """The value of the main token, ``TKN-0000-0001``: the value for ``MPT_API_TOKEN``."""
        return self._native.api_token

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make a client use this sandbox."""
        return {"MPT_API_TOKEN": self.api_token, "MPT_API_BASE_URL": self.base_url}

    @property
    def options(self) -> SandboxOptions:
        """The options that make a client use this sandbox: ``Client(**sandbox.options, timeout=5)``."""
        return {"api_token": self.api_token, "base_url": self.base_url}

    def value_of(self, token_id: str) -> str:
        """Returns the value of any token. It authenticates while the token exists."""
        return self._native.value_of(token_id)

    def truth(self, token_id: str) -> Truth:
        """Returns the state of one token."""
        return Truth(*self._native.truth(token_id))

    def stats(self) -> dict[str, int]:
        """Returns totals since the start.

        Returns:
            ``connections``, ``open_connections``, ``requests`` (to delete a token), ``deleted``, ``unauthorized``,
            ``rate_limited``, and ``strays``: requests for anything other than one token.
        """
        return self._native.stats()

    def recorded(self) -> list[RecordedRequest]:
        """Returns the last requests, oldest first: at most ``record`` of them."""
        return [
            RecordedRequest(method, target, tuple(headers))
            for method, target, headers in self._native.recorded()
        ]

    def wait_for_requests(self, token_id: str, count: int = 1, timeout: float = 10.0) -> bool:
        """Waits for requests to delete a token, so that a test can act while one is delayed, without guessing when.

        Args:
            token_id: The id of the token.
            count: How many requests must have arrived.
            timeout: How long to wait at most, in seconds.

        Returns:
            True if they arrived.
        """
        return self._native.wait_for_requests(token_id, count, timeout)

    def close(self) -> None:
        """Stops the sandbox. Closing twice is fine."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """True if the sandbox was closed."""
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
defer(globals())
