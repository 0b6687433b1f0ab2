"""The clients: a program creates one and calls it from any thread."""

from __future__ import annotations

from _warnings import warn

from ._hints import defer
from ._keywords import checked
from ._native import ApiToken
from ._native import Client as _NativeClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._batch import Batch
    from ._outcome import AttemptEvent, Outcome, Proof
    from ._types import ClientOptions


class BaseClient:
    """The common part of ``Client`` and ``AsyncClient``: settings and connections."""

    __slots__ = ("__weakref__", "_derived", "_native")

    _native: _NativeClient
    # True if it uses the connections of another client.
    _derived: bool

    @checked
    def __init__(
        self,
        *,
        api_token: str | None = None,
        base_url: str | None = None,
        timeout: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
        connect_timeout: float | timedelta | None = None,
        attempts: int | None = None,
        backoff: tuple[float | timedelta, float | timedelta] | None = None,
        missing_ok: bool = False,
        allow_own_token: bool = False,
        allow_plain_http: bool = False,
        user_agent: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        ca_data: bytes | None = None,
        ca_only: bool = False,
        verify: str | os.PathLike[str] | bool | ssl.SSLContext | None = None,
        proxy: str | None = None,
        burn_only: bool = False,
        on_attempt: Callable[[AttemptEvent], object] | None = None,
    ) -> None:
        """Creates a client. Nothing is sent before the first call.

        An argument that is ``None`` has its default, so ``None`` does not mean "no limit". Times are numbers of
        seconds, or ``timedelta``. No call is without a limit: ``math.inf`` is refused.

        Args:
            api_token: The API token to authenticate with; by default that of ``MPT_API_TOKEN``. A leading ``Bearer`` is
                removed. A secret: never shown.
            base_url: The base URL of the API; by default that of ``MPT_API_BASE_URL``, or else the Marketplace's own.
            timeout: The time limit of a whole call in seconds, over all attempts and pauses; at most one day, 60 by
                default.
            attempt_timeout: The time limit of one attempt in seconds; 20 by default.
            connect_timeout: The time limit for opening a connection in seconds; 5 by default.
            attempts: The largest number of attempts in a call, 1 to 100; 4 by default.
            backoff: The bounds ``(base, cap)`` of the pause between attempts, in seconds. The pause is random: at most
                ``base`` after the first attempt, twice that after the second, and so on, but never more than ``cap``.
                ``(0.2, 10)`` by default.
            missing_ok: If true, a token that the API does not know is a success (``gone``) from the first attempt.
            allow_own_token: If true, the token in use may be deleted.
            allow_plain_http: If true, plain HTTP is allowed to hosts other than loopback, which sends the API token
                unencrypted.
            user_agent: The caller's part of the ``User-Agent``, such as ``my-job/1.0``.
            ca_file: A PEM file of certificate authorities to trust in addition to the platform's.
            ca_data: The same as bytes: PEM, or one certificate in DER.
            ca_only: If true, those of ``ca_file`` or ``ca_data`` are trusted instead of the platform's.
            verify: The same in the words of other libraries. ``True``: the platform's certificate authorities, which is
                the default. The path of a PEM file, or an ``ssl.SSLContext``: those in it, instead of the platform's
                (of a context, only the authorities that it has loaded are used). ``False`` is refused. The platform's
                trust store heeds ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; ``REQUESTS_CA_BUNDLE`` is not read.
            proxy: The URL of an HTTP proxy, or ``none``; by default ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
                ``NO_PROXY`` decide.
            burn_only: If true, the client has no API token, not even that of the environment, and can only burn. Every
                other call raises ``InvalidConfigError``.
            on_attempt: A function that is called after each attempt, before the pause that may follow it. It runs on
                the thread that makes the call; in a batch, on the thread that iterates, when it asks for an outcome,
                and before the outcome that it belongs to; with ``AsyncClient``, on one of the client's threads, with
                the context variables of the task. The call waits for it. What it raises goes to
                ``sys.unraisablehook`` and changes nothing, so that no outcome is lost, except for
                ``KeyboardInterrupt`` and ``SystemExit``, which end the call.

        Raises:
            InvalidConfigError: The token, the base URL, the proxy, the CA file or the user agent cannot be used.
            InvalidArgumentError: A number is out of range; also a ``TypeError`` if an argument has a wrong type or does
                not exist.
        """
        try:
            if verify is not None:
                if not (ca_file is None and ca_data is None and ca_only is False):
                    from ._errors import refusal

                    raise refusal(
                        "invalid_argument", "verify is given together with ca_file, ca_data or ca_only: expected one way"
                    )
                from ._tls import authorities

                ca_file, ca_data = authorities(verify)
                ca_only = ca_file is not None or ca_data is not None
            self._derived = False
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
                ca_data=ca_data,
                ca_only=ca_only,
                proxy=proxy,
                burn_only=burn_only,
                on_attempt=on_attempt,
            )
        finally:
            # A traceback that shows the variables of this frame must not show a secret, wherever it was put by mistake.
            del api_token, base_url, user_agent, ca_file, ca_data, verify, proxy
        self._set_up(None)

    def _set_up(self, parent: BaseClient | None) -> None:
        """Sets up what a subclass adds; ``parent`` is the client whose connections this one uses."""

    @checked
    def with_options(
        self,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
    ) -> Self:
        """Returns a client with other options that shares this client's connections, retry budget and ``cancel``.

        It need not be closed. Closing this client closes both.

        Args:
            timeout: As in the client's own options. What is ``None`` stays as it is.
            attempts: As in the client's own options.
            missing_ok: As in the client's own options.
            allow_own_token: As in the client's own options.

        Raises:
            InvalidArgumentError: A number is out of range, or the client is closed.
        """
        client = object.__new__(type(self))
        client._derived = True
        client._native = self._native.with_options(
            timeout=timeout, attempts=attempts, missing_ok=missing_ok, allow_own_token=allow_own_token
        )
        client._set_up(self)
        return client

    @property
    def closed(self) -> bool:
        """True if the client, or the one whose connections it shares, was closed."""
        native = getattr(self, "_native", None)  # a client that could not be made has none
        return native is None or native.closed

    @property
    def base_url(self) -> str | None:
        """The base URL of the requests; ``None`` once closed."""
        return self._native.base_url

    @property
    def own_token_id(self) -> str | None:
        """The id of the token in use; ``None`` if its value does not contain one."""
        return self._native.own_token_id

    def cancel(self) -> None:
        """Cancels every call under way within 200 ms, and every later call at once. May be called from any thread."""
        self._native.cancel()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"base_url={self.base_url!r}"
        return f"<mpt_tokens.{type(self).__name__} {state}>"

    def __del__(self) -> None:
        if not self.closed and not self._derived:
            warn(f"unclosed client {self!r}", ResourceWarning, 2, self)


class Client(BaseClient):
    """Deletes API tokens.

    Any number of threads may use it at once, and so may a forked child, which opens its own connections. Connections
    are pooled: create one client and keep it. ``with`` closes it.

    Example:
        >>> with mpt_tokens.Client() as client:  # doctest: +SKIP
        ...     client.delete_token("TKN-1671-0642").outcome
        'deleted'
    """

    __slots__ = ()

    @checked
    def delete_token(
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

        Blocks until the outcome is known, at most for the client's timeout; the GIL is released. Failed attempts are
        repeated where that is safe and can help. Ctrl-C ends the call within 200 ms: the ``KeyboardInterrupt`` has a
        note that says what is true of the token, and ``outcome_of`` returns the whole outcome.

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
        try:
            return self._native.delete_token(
                token_id,
                timeout=timeout,
                attempts=attempts,
                missing_ok=missing_ok,
                allow_own_token=allow_own_token,
                after_lost_answer=after_lost_answer,
                trace_parent=trace_parent,
                call=None,
            )
        finally:
            # As in `__init__`: a token value may be given by mistake.
            del token_id, trace_parent

    @checked
    def delete_tokens(
        self,
        token_ids: Iterable[str | ApiToken],
        *,
        concurrency: int | None = None,
        missing_ok: bool | None = None,
        allow_own_token: bool | None = None,
        journal: str | os.PathLike[str] | None = None,
        prove: bool = False,
        patience: float | timedelta = 600,
    ) -> Batch:
        """Deletes many tokens. Returns an iterator of outcomes, in order of completion.

        Takes ids as needed, so a generator of a million ids is fine: it needs at most 64 bytes of memory per distinct
        id. Each id is tried once. When the server asks for a pause, all calls keep it. If two ids in a row get a 401,
        the API token is not accepted, and the batch stops; it also stops when the server asks for a pause that is longer
        than ``patience`` (and than the timeout of a call). Ids that were taken are ``skipped`` then, and the rest has no
        outcomes: ``stopped`` says why, and ``raise_if_stopped`` raises. Failures are outcomes too, and are not raised.


        Args:
            token_ids: The ids, or token values that contain them (``ApiToken``); any iterable, of any length. An id
                that is not text (it has a lone surrogate) is the outcome of that id.
            concurrency: The largest number of calls at once, 1 to 256; 8 by default.
            missing_ok: If true, a token that the API does not know is a success; by default the client's setting.
            allow_own_token: If true, the token in use may be deleted, after all others; default: the client's setting.
            journal: A file that survives a crash and lets the next batch resume. Dead tokens are not tried again;
                tokens whose calls were under way are tried as after a lost response. A journal belongs to one base URL
                and one API token. A damaged line is logged as a warning. If it may have been about a token that the API
                does not know, that token is ``unknown``.
            prove: If true, requests proof for each dead token whose value is given, as ``prove_deleted`` does. The
                result is the outcome's ``proof``.
            patience: How long the batch continues without a conclusive answer from the API, in seconds; 600 by default,
                at most one week. A token whose call came to nothing (no connection, a lost response, a server error, a
                rate limit) is put off and tried again while the API answers others. If calls fail one after another, no
                more ids are taken, and one call at a time finds out whether the API is back. When all this time has
                passed, the rest is reported as it is, or as ``skipped``. 0: each token is tried in one call.

        Returns:
            The batch. Nothing is sent before you ask for the first outcome.

        Raises:
            InvalidArgumentError: A number is out of range, or the client is closed.
            InvalidConfigError: The journal cannot be used, or belongs to another base URL or API token.
        """
        from ._batch import Batch

        try:
            native = self._native.delete_tokens(
                token_ids,
                concurrency=concurrency,
                missing_ok=missing_ok,
                allow_own_token=allow_own_token,
                journal=journal,
                prove=prove,
                patience=patience,
                cancel=None,
            )
        finally:
            del token_ids, journal
        return Batch(native)

    @checked
    def prove_deleted(
        self,
        value: str | ApiToken,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        trace_parent: str | None = None,
    ) -> Proof:
        """Checks with a token's own value whether it is provably dead.

        Sends a DELETE for the id inside the value, with the value itself as the credential. A deleted token no longer
        authenticates, so the API must respond 401. The same request with the client's own API token must then get a 404
        from the API, which shows that the 401 was about the value. If the value is the client's own API token, this
        client must have seen the API accept it before.

        Use this only for tokens that are to be deleted: these requests delete a token that still exists. A value that
        was truncated or mistyped also gets a 401, so delete the token by its id first.

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
            return self._native.prove_deleted(
                token, timeout=timeout, attempts=attempts, trace_parent=trace_parent, call=None
            )
        finally:
            del value, trace_parent

    @checked
    def burn(
        self,
        value: str | ApiToken,
        *,
        timeout: float | timedelta | None = None,
        attempts: int | None = None,
        after_lost_answer: bool = False,
        trace_parent: str | None = None,
    ) -> Outcome[str]:
        """Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead.

        The client's own API token is not used; ``Client(burn_only=True)`` has none. That token may be burnt, too.

        Args:
            value: The value, in the form ``idt:TKN-XXXX-XXXX:<secret>``. A secret: never shown.
            timeout: The time limit of all requests together in seconds; by default the client's.
            attempts: The largest number of attempts for each request; by default the client's.
            after_lost_answer: If true, the value was burnt before and the response is not known. A 401 from the API then
                means ``gone``.
            trace_parent: A W3C ``traceparent`` that makes the call part of the caller's trace.

        Returns:
            The outcome: ``deleted`` or ``gone``. Its ``proof`` says whether it is proven that the value is dead: a token
            can be deleted without a proof, for example if the network fails in between.

        Raises:
            DeadValueError: The API's first word on the value was a 401: it is dead already, or never was a value.
            ForbiddenError, NotFoundError: If the API itself says so, the value is alive: it authenticates.
            InvalidArgumentError: The value does not have that form.
            InvalidConfigError: The value is empty, or is not one line of visible ASCII.
            Error: Every other failure; its ``outcome`` is ``not_deleted`` or ``unknown``.
        """
        try:
            token = value if isinstance(value, ApiToken) else ApiToken(value)
            return self._native.burn(
                token,
                timeout=timeout,
                attempts=attempts,
                after_lost_answer=after_lost_answer,
                trace_parent=trace_parent,
                call=None,
            )
        finally:
            del value, trace_parent

    @checked
    def burn_tokens(
        self,
        values: Iterable[str | ApiToken],
        *,
        concurrency: int | None = None,
        journal: str | os.PathLike[str] | None = None,
        patience: float | timedelta = 600,
    ) -> Batch:
        """Burns many leaked values, each with itself as the credential. Returns an iterator of outcomes.

        Like ``delete_tokens``, but a 401 is about one value and never stops the batch. The same value twice is one; two
        values of one id are two credentials, and both are burnt. A text that is not a value has an outcome with the code
        ``invalid_argument`` and no id. Each outcome has its ``proof``.

        Args:
            values: The values; any iterable, of any length. Secrets: never shown.
            concurrency: The largest number of calls at once, 1 to 256; 8 by default.
            journal: A file that survives a crash and lets the next batch resume, as in ``delete_tokens``. It holds ids,
                never values, and needs a client that is ``burn_only``.
            patience: How long the batch continues without a conclusive answer from the API, in seconds, as in
                ``delete_tokens``.

        Returns:
            The batch. Nothing is sent before you ask for the first outcome.

        Raises:
            InvalidArgumentError: A number is out of range, or the client is closed.
            InvalidConfigError: The journal cannot be used, or belongs to another base URL.
        """
        from ._batch import Batch

        try:
            native = self._native.burn_tokens(
                values, concurrency=concurrency, journal=journal, patience=patience, cancel=None
            )
        finally:
            del values, journal
        return Batch(native)

    def close(self) -> None:
        """Closes the connections once the calls under way on other threads are done. May be called more than once."""
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


def delete_token(token_id: str, **options: Unpack[ClientOptions]) -> Outcome[str]:
    """Deletes one token with a client of its own.

    For more than one token, keep a ``Client``: it reuses its connections and is faster.

    Args:
        token_id: The id of the token, such as ``TKN-1671-0642``.
        **options: The keyword arguments of ``Client``. Those not given come from the environment.

    Returns:
        The outcome: ``deleted`` or ``gone``.

    Raises:
        Error: Every failure; its ``outcome`` is ``not_deleted`` or ``unknown``.
    """
    try:
        with Client(**options) as client:
            return client.delete_token(token_id)
    finally:
        # As in the client's own frames: they may hold a secret.
        del token_id, options



def burn(value: str | ApiToken, **options: Unpack[ClientOptions]) -> Outcome[str]:
    """Burns one leaked value with a client of its own, which needs no API token.

    For more than one value, keep a ``Client(burn_only=True)``.

    Args:
        value: The value, in the form ``idt:TKN-XXXX-XXXX:<secret>``. A secret: never shown.
        **options: The keyword arguments of ``Client``. An ``api_token`` is not used.

    Returns:
        The outcome, as ``Client.burn`` returns it.

    Raises:
        Error: As ``Client.burn`` raises it.
    """
    try:
        options["burn_only"] = True
        with Client(**options) as client:
            return client.burn(value)
    finally:
        # As in the client's own frames: they may hold a secret.
        del value, options


Client.__module__ = "mpt_tokens"
burn.__module__ = "mpt_tokens"
delete_token.__module__ = "mpt_tokens"
defer(globals())
