"""Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.

    import mpt_tokens

    with mpt_tokens.Client() as client:  # MPT_API_TOKEN, MPT_API_BASE_URL
        try:
            print("dead:", client.delete_token("TKN-1671-0642").outcome)
        except mpt_tokens.Error as error:
            print(error.outcome, error)

Every result says what is true of the token (``deleted``, ``gone``, ``not_deleted`` or ``unknown``), whatever happened
on the network. Log records go to the logger ``mpt_tokens``.
"""

try:
    from ._native import ApiToken, __version__
except ImportError as _error:
    if "subinterpreter" in str(_error):
        raise ImportError(
            "mpt_tokens works in the main interpreter of a process, not in a subinterpreter: use a thread or a process",
            name=__name__,
        ) from _error
    if hasattr(__spec__.loader, "archive"):
        raise ImportError(
            "mpt_tokens has a compiled module, which cannot be loaded from a zip file: install it with pip",
            name=__name__,
        ) from _error
    raise
from ._client import Client, burn, delete_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._aio import AsyncBatch, AsyncClient
    from ._batch import Batch, BatchResult, BatchStopped, BatchSummary
    from ._errors import (
        ApiError,
        BadRequestError,
        BatchStoppedError,
        CancelledError,
        ConflictError,
        ConnectError,
        ConnectionLostError,
        DeadValueError,
        Error,
        ForbiddenError,
        InternalError,
        InvalidArgumentError,
        InvalidArgumentTypeError,
        InvalidConfigError,
        InvalidTokenIdError,
        InvalidTokenIdTextError,
        NotFoundError,
        OwnTokenError,
        ProxyError,
        RateLimitedError,
        ResolveError,
        ServerError,
        SkippedError,
        TimeoutError,
        TlsError,
        UnauthorizedError,
        UnexpectedResponseError,
        outcome_of,
    )
    from ._outcome import Attempt, AttemptEvent, Outcome, ProblemDetails, Proof
    from ._sandbox import RecordedRequest, Sandbox, Truth
    from ._types import ClientOptions, CodeName, OutcomeName, ProofBasisName, SandboxOptions, StopReasonName

__all__ = [
    "ApiError",
    "ApiToken",
    "AsyncBatch",
    "AsyncClient",
    "Attempt",
    "AttemptEvent",
    "BadRequestError",
    "Batch",
    "BatchResult",
    "BatchStopped",
    "BatchStoppedError",
    "BatchSummary",
    "CancelledError",
    "Client",
    "ClientOptions",
    "CodeName",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "DeadValueError",
    "Error",
    "ForbiddenError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidArgumentTypeError",
    "InvalidConfigError",
    "InvalidTokenIdError",
    "InvalidTokenIdTextError",
    "NotFoundError",
    "Outcome",
    "OutcomeName",
    "OwnTokenError",
    "ProblemDetails",
    "Proof",
    "ProofBasisName",
    "ProxyError",
    "RateLimitedError",
    "RecordedRequest",
    "ResolveError",
    "Sandbox",
    "SandboxOptions",
    "ServerError",
    "SkippedError",
    "StopReasonName",
    "TimeoutError",
    "TlsError",
    "Truth",
    "UnauthorizedError",
    "UnexpectedResponseError",
    "__version__",
    "burn",
    "delete_token",
    "outcome_of",
]


# The modules of the names that are imported on first use. All other names, mostly exceptions, are in `_errors`.
_MODULES = {
    "AsyncBatch": "_aio",
    "AsyncClient": "_aio",
    "Attempt": "_outcome",
    "AttemptEvent": "_outcome",
    "Batch": "_batch",
    "BatchResult": "_batch",
    "BatchStopped": "_batch",
    "BatchSummary": "_batch",
    "ClientOptions": "_types",
    "CodeName": "_types",
    "Outcome": "_outcome",
    "OutcomeName": "_types",
    "ProblemDetails": "_outcome",
    "Proof": "_outcome",
    "ProofBasisName": "_types",
    "RecordedRequest": "_sandbox",
    "Sandbox": "_sandbox",
    "SandboxOptions": "_types",
    "StopReasonName": "_types",
    "Truth": "_sandbox",
}

# A type checker must not see this: it would think that every name exists.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module("." + _MODULES.get(name, "_errors"), __name__)
        value: object = getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
