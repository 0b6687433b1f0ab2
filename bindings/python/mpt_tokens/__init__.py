"""Delete API tokens of the SoftwareONE Marketplace, and know that they are dead."""

from ._client import Client, delete_token
from ._native import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._errors import (
        ApiError,
        BadRequestError,
        CancelledError,
        ConflictError,
        ConnectError,
        ConnectionLostError,
        Error,
        ForbiddenError,
        InternalError,
        InvalidArgumentError,
        InvalidConfigError,
        InvalidTokenIdError,
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
    from ._outcome import Attempt, Outcome, ProblemDetails

# What the first call does not need is imported when it is first asked for.
_LAZY = {
    **dict.fromkeys(("Attempt", "Outcome", "ProblemDetails"), "_outcome"),
    **dict.fromkeys(
        (
            "ApiError",
            "BadRequestError",
            "CancelledError",
            "ConflictError",
            "ConnectError",
            "ConnectionLostError",
            "Error",
            "ForbiddenError",
            "InternalError",
            "InvalidArgumentError",
            "InvalidConfigError",
            "InvalidTokenIdError",
            "NotFoundError",
            "OwnTokenError",
            "ProxyError",
            "RateLimitedError",
            "ResolveError",
            "ServerError",
            "SkippedError",
            "TimeoutError",
            "TlsError",
            "UnauthorizedError",
            "UnexpectedResponseError",
            "outcome_of",
        ),
        "_errors",
    ),
}

__all__ = ["Client", "delete_token", "__version__", *_LAZY]


def __getattr__(name: str) -> object:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
