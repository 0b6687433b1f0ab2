"""The clients: what a program makes once, and calls from any thread."""

from __future__ import annotations

from _warnings import warn

from ._native import ApiToken
from ._native import Client as _NativeClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._batch import Batch
    from ._outcome import Outcome, Proof
    from ._types import ClientOptions


class BaseClient:
    """What ``Client`` and ``AsyncClient`` have in common: settings and connections."""

    __slots__ = ("__weakref__", "_native")

    def __init__(
        self,
        *,
        api_token: str | None = None,
        base_url: str | None = None,
        timeout: float | None = None,
        attempt_timeout: float | None = None,
        connect_timeout: float | None = None,
        attempts: int | None = None,
        backoff: tuple[float, float] | None = None,
        missing_ok: bool = False,
        allow_own_token: bool = False,
        allow_plain_http: bool = False,
        user_agent: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        ca_only: bool = False,
        proxy: str | None = None,
    ) -> None:
        """Sets the client up. Nothing is sent before the first call.

        Args:
            api_token: The API token to authenticate with; by default that of ``MPT_API_TOKEN``. A pasted
                ``Bearer`` before it is dropped. A secret: never shown.
            base_url: Where the API is; by default that of ``MPT_API_BASE_URL``, or the Marketplace's own.
            timeout: The total limit of a call in seconds, over all attempts and pauses; up to a day, 60 by default.
            attempt_timeout: The limit of one attempt in seconds; 20 by default.
            connect_timeout: The limit of opening a connection in seconds; 5 by default.
            attempts: How often a call is tried, 1 to 100; 4 by default.
            backoff: The bounds in seconds of the pause before another attempt: a random part of the first after
                one attempt, of twice that after two, and so on, never more than the second; ``(0.2, 10)`` by
                default.
            missing_ok: Whether a token that the API does not know is a success (``gone``) from the first attempt on.
            allow_own_token: Whether the token in use may be deleted.
            allow_plain_http: Whether plain ``http`` may be spoken with a host that is not loopback: the API token
                then travels unencrypted.
            user_agent: The caller's own part of the ``User-Agent``, such as ``my-job/1.0``.
            ca_file: A PEM file of certificate authorities to trust beside the platform's.
            ca_only: Whether those of ``ca_file`` are trusted instead of the platform's.
            proxy: The URL of an HTTP proxy, or ``none``; by default that of ``HTTPS_PROXY``, ``HTTP_PROXY``,
                ``ALL_PROXY`` and ``NO_PROXY``.

        Raises:
            InvalidConfigError: The token, the base URL, the proxy, the CA file or the user agent cannot be used.
            InvalidArgumentError: A number is out of its range.
        """
        try:
            self._native = _NativeClient(
                api_token=api_token,
                base_url=base_url,
                timeout=timeout,
                attempt_timeout=attempt_timeout,
                connect_timeout=connect_timeout,
                attempts=attempts,
                backoff=backoff,
                missing_ok=missing_ok,
                allow_own_token=allow_own_token,
                allow_plain_http=allow_plain_http,
                user_agent=user_agent,
                ca_file=ca_file,
                ca_only=ca_only,
                proxy=proxy,
            )
        finally:
            # A traceback that shows the variables of this frame must not show the secret.
            del api_token, proxy
        self._set_up()

    def _set_up(self) -> None:
        """What a kind of client has beside."""

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        native = getattr(self, "_native", None)  # a client that could not be made has none
        return native is None or native.closed

    @property
    def base_url(self) -> str | None:
        """Where the requests go; ``None`` once closed."""
        return self._native.base_url

    @property
    def own_token_id(self) -> str | None:
        """The id of the token in use, where its value names one."""
        return self._native.own_token_id

    def cancel(self) -> None:
        """Ends every call under way within 200 ms, and every later one at once. From any thread."""
        self._native.cancel()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"base_url={self.base_url!r}"
        return f"<mpt_tokens.{type(self).__name__} {state}>"

    def __del__(self) -> None:
        if not self.closed:
            warn(f"unclosed client {self!r}", ResourceWarning, 2, self)


class Client(BaseClient):
    """Deletes API tokens.

    May be used from any number of threads at once, and in a forked child, which opens connections of its own.
    Connections are pooled: make one client and keep it. ``with`` closes it.

    Example:
        >>> with mpt_tokens.Client() as client:  # doctest: +SKIP
        ...     client.delete_token("TKN-1671-0642").outcome
        'deleted'
    """

    __slots__ = ()

    def delete_token(
        self,
        token_id: str,
        *,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
        after_lost_answer: bool = False,
        trace_parent: str | None = None,
    ) -> Outcome:
        """Deletes one token.

        Blocks until the matter is settled, at the longest for the client's timeout; the GIL is released. The call
        is tried again where that is safe and can help. Ctrl-C ends it within 200 ms: the ``KeyboardInterrupt``
        has a note that says what is true of the token, and ``outcome_of`` gives it whole.

        Args:
            token_id: The id of the token, such as ``TKN-1671-0642``.
            missing_ok: Whether a token that the API does not know is a success; by default as the client does.
            allow_own_token: Whether the token in use may be deleted; by default as the client does.
            after_lost_answer: Whether the token was asked to be deleted before and the answer is not known: a 404
                then means ``gone``, and no failure can mean ``not_deleted``.
            trace_parent: A W3C ``traceparent`` to make the call part of the caller's trace.

        Returns:
            The outcome: ``deleted`` or ``gone``.

        Raises:
            Error: Every failure; its ``outcome`` is ``not_deleted`` or ``unknown``.
        """
        return self._native.delete_token(
            token_id,
            missing_ok=missing_ok,
            allow_own_token=allow_own_token,
            after_lost_answer=after_lost_answer,
            trace_parent=trace_parent,
            cancel=None,
        )

    def delete_tokens(
        self,
        token_ids: Iterable[str | ApiToken],
        *,
        concurrency: int | None = None,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
        journal: str | os.PathLike[str] | None = None,
        prove: bool = False,
    ) -> Batch:
        """Deletes many tokens: an iterator of outcomes, in order of completion.

        Ids are pulled as needed, so that a generator of a million ids is fine: memory is at most 64 bytes a distinct
        id. Each id is tried once. All calls together keep one pause when the server asks for one. An answer of
        401 stops the batch, and so does a pause of more than ten minutes, or than the timeout of a call where that is
        longer: the rest is ``skipped``. Failures are outcomes too: none is raised.

        Args:
            token_ids: The ids, or token values that have them inside (``ApiToken``); any iterable, of any length.
            concurrency: How many calls may run at once, 1 to 256; 8 by default.
            missing_ok: Whether a token that the API does not know is a success; by default as the client does.
            allow_own_token: Whether the token in use may be deleted: it goes last then; by default as the client
                does.
            journal: A file that survives a crash, and from which the next batch resumes: what is dead is not asked
                again, and what was under way is asked as one whose answer was lost. It belongs to one base URL and one
                API token. A damaged line is logged as a warning, and a token that it may have been about is ``unknown``
                where the API does not know it.
            prove: Whether each token that is dead afterwards and whose value is at hand is asked for proof, as
                ``prove_deleted`` does: ``proof`` of its outcome has it.

        Returns:
            The batch. Nothing is sent before its first outcome is asked for.

        Raises:
            InvalidArgumentError: A number is out of its range, or the client is closed.
            InvalidConfigError: The journal cannot be used, or is of another base URL or API token.
        """
        from ._batch import Batch

        native = self._native.delete_tokens(
            token_ids,
            concurrency=concurrency,
            missing_ok=missing_ok,
            allow_own_token=allow_own_token,
            journal=journal,
            prove=prove,
            cancel=None,
        )
        return Batch(native)

    def prove_deleted(self, value: str | ApiToken, *, trace_parent: str | None = None) -> Proof:
        """Asks for proof that a token is dead, from the token's own value.

        Sends the DELETE for the id inside the value, with that value as the credential: a deleted token can no longer
        be used for authentication, so the answer must be 401. The same request with the client's own API token must
        then be answered 404 by the API: so it is the value that the 401 is about. Where the two are one, the value
        must have been accepted before by this client. Only for values whose token is to die: one that is still there
        is deleted by these very requests. A value that was cut off or mistyped never was one, and is answered 401,
        too: delete the token by its id first.

        Args:
            value: The value, of the form ``idt:TKN-XXXX-XXXX:<secret>``. A secret: never shown.
            trace_parent: A W3C ``traceparent`` to make the call part of the caller's trace.

        Returns:
            The proof, whatever the server answered: see ``proven`` and ``basis``.

        Raises:
            InvalidArgumentError: The value does not have that form.
            InvalidConfigError: The value is empty, or is not one line of visible ASCII.
        """
        try:
            token = value if isinstance(value, ApiToken) else ApiToken(value)
        finally:
            del value
        return self._native.prove_deleted(token, trace_parent=trace_parent, cancel=None)

    def close(self) -> None:
        """Lets the connections go, once the calls under way on other threads are done. Closing twice is fine."""
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


def delete_token(token_id: str, **options: Unpack[ClientOptions]) -> Outcome:
    """Deletes one token with a client of its own.

    For more than one, a ``Client`` that is kept is faster: it keeps its connections.

    Args:
        token_id: The id of the token, such as ``TKN-1671-0642``.
        **options: The keywords of ``Client``. What is not given comes from the environment.

    Returns:
        The outcome: ``deleted`` or ``gone``.

    Raises:
        Error: Every failure; its ``outcome`` is ``not_deleted`` or ``unknown``.
    """
    try:
        client = Client(**options)
    finally:
        # As in the client's own frame: it may hold the secret.
        del options
    with client:
        return client.delete_token(token_id)


Client.__module__ = "mpt_tokens"
delete_token.__module__ = "mpt_tokens"
