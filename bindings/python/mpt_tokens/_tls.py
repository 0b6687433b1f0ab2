"""Whom TLS trusts, as other libraries say it: ``verify``."""

from __future__ import annotations

from ._errors import refusal, refusal_of_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import ssl

_OFF = (
    "verify is {}: a client that trusts any server gives the API token to any server, so this cannot be switched off;"
    " expected the path of a PEM file with the certificate authority or the server's own certificate"
)


def authorities(
    verify: str | os.PathLike[str] | bool | ssl.SSLContext,
) -> tuple[str | os.PathLike[str] | None, bytes | None]:
    """Returns what ``verify`` says as ``ca_file`` and ``ca_data``, one of which is ``None``.

    Both are ``None`` for ``True``: the platform's trust store. Anything else is trusted instead of it.
    """
    import os
    import sys

    if verify is True:
        return None, None
    if verify is False:
        raise refusal("invalid_config", _OFF.format("False"))
    if isinstance(verify, (str, os.PathLike)):
        return verify, None
    # Whoever has a context has imported the module.
    ssl = sys.modules.get("ssl")
    if ssl is not None and isinstance(verify, ssl.SSLContext):
        if verify.verify_mode == ssl.CERT_NONE:
            raise refusal("invalid_config", _OFF.format("an ssl.SSLContext with CERT_NONE"))
        found = verify.get_ca_certs(binary_form=True)
        if not found:
            raise refusal(
                "invalid_config",
                "verify is an ssl.SSLContext without certificate authorities (those of a folder are loaded when they"
                " are needed, and cannot be taken over): expected one that has loaded a file, or the path of a PEM file",
            )
        return None, "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode("ascii")
    raise refusal_of_type(
        f"the verify is of type {type(verify).__name__}: expected True, the path of a PEM file or an ssl.SSLContext"
    )
