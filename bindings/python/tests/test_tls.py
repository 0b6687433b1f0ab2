"""Whom TLS trusts: ``verify``, and what is given instead of it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import mpt_tokens
import pytest

# A certificate authority for tests: nothing is signed by it.
CA = """-----BEGIN CERTIFICATE-----
MIIBnzCCAUWgAwIBAgIUYp4Vo59RbpctUq38yuK38mpOh7QwCgYIKoZIzj0EAwIw
JDEiMCAGA1UEAwwZbXB0LXRva2VucyB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjcx
NjE4MjFaGA8yMTI2MTEwMzE2MTgyMVowJDEiMCAGA1UEAwwZbXB0LXRva2VucyB0
ZXN0IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABImPoDb9E6zJ
v1nKGDG1DQaFsXgWFEWIE3QLHnBDe/owYOm7RyN0wbnb08BIl+SQ2D0aAGttaSEU
LWmpU+qd242jUzBRMB0GA1UdDgQWBBSI4PuCuid/PLWzmxTWV7u9RR6oBDAfBgNV
HSMEGDAWgBSI4PuCuid/PLWzmxTWV7u9RR6oBDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIGyEJ/zYxgyL7PfqrBEKjCG+pOS7PjUW3uPG1pnDSa7K
AiEA0IDrs+hfUtJ77/mnaRNXcqfjXr4IFYiwx6eHl5sI5vg=
-----END CERTIFICATE-----
"""


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(CA, "ascii")
    return path


BASE: dict[str, Any] = {"api_token": "a-token-in-use", "base_url": "https://127.0.0.1:1"}


def test_whom_tls_trusts(ca_file: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(CA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(ca_file))
    given: list[dict[str, Any]] = [
        {"verify": None},
        {"verify": True},
        {"verify": ca_file},
        {"verify": str(ca_file)},
        {"verify": context},
        {"ca_data": CA.encode()},
        {"ca_data": der},
        {"ca_data": der, "ca_only": True},
        {"ca_file": ca_file, "ca_only": True},
    ]
    for options in given:
        mpt_tokens.Client(**BASE, **options).close()


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"verify": False}, "invalid_config", "verify is False: a client that trusts any server gives the API token"),
        ({"verify": "/no/such/file"}, "invalid_config", "the CA file `/no/such/file` cannot be read"),
        ({"ca_data": b"no certificate"}, "invalid_config", "the CA bundle"),
        ({"verify": True, "ca_only": True}, "invalid_argument", "verify is given together with"),
        ({"ca_file": "a", "ca_data": b"b"}, "invalid_argument", "ca_file and ca_data are both given"),
        ({"ca_only": True}, "invalid_argument", "ca_only is set without"),
    ],
)
def test_whom_tls_does_not_trust(options: dict[str, Any], kind: str, said: str) -> None:
    with pytest.raises(mpt_tokens.Error) as caught:
        mpt_tokens.Client(**BASE, **options)
    assert caught.value.code == kind
    assert said in str(caught.value)


def test_contexts_that_cannot_be_taken_over() -> None:
    with pytest.raises(mpt_tokens.InvalidConfigError, match="without certificate authorities"):
        mpt_tokens.Client(**BASE, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(mpt_tokens.InvalidConfigError, match="CERT_NONE"):
        mpt_tokens.Client(**BASE, verify=context)
