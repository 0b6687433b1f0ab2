"""The names that only type checkers and annotations need."""

import os
import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypeAlias, TypedDict

from ._outcome import AttemptEvent

#: What is true of the token.
OutcomeName: TypeAlias = Literal["deleted", "gone", "not_deleted", "unknown"]

#: What happened to a call.
CodeName: TypeAlias = Literal[
    "ok",
    "invalid_argument",
    "invalid_token_id",
    "invalid_config",
    "own_token",
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "conflict",
    "rate_limited",
    "server_error",
    "unexpected_response",
    "dead_value",
    "resolve_failed",
    "connect_failed",
    "tls_failed",
    "proxy_failed",
    "connection_lost",
    "timeout",
    "cancelled",
    "skipped",
    "internal",
]

#: Why a batch stopped.
StopReasonName: TypeAlias = Literal["asked", "cancelled", "unauthorized", "paused", "no_answer", "journal"]

#: What a proof rests on.
ProofBasisName: TypeAlias = Literal["control", "accepted_before", "lost_answer"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of ``Client`` and ``AsyncClient``; their meanings are documented there."""

    api_token: str | None
    base_url: str | None
    timeout: float | timedelta | None
    attempt_timeout: float | timedelta | None
    connect_timeout: float | timedelta | None
    attempts: int | None
    backoff: tuple[float | timedelta, float | timedelta] | None
    missing_ok: bool
    allow_own_token: bool
    allow_plain_http: bool
    user_agent: str | None
    ca_file: str | os.PathLike[str] | None
    ca_data: bytes | None
    ca_only: bool
    verify: str | os.PathLike[str] | bool | ssl.SSLContext | None
    proxy: str | None
    burn_only: bool
    on_attempt: Callable[[AttemptEvent], object] | None


class SandboxOptions(TypedDict):
    """The keyword arguments that make a client use a sandbox."""

    api_token: str
    base_url: str


ClientOptions.__module__ = SandboxOptions.__module__ = "mpt_tokens"
