# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate that the site gives can serve: readable, valid now, with its key, for its host, under its CA.

The product itself would say nothing: it starts, and every client fails. Only the controller loads this; it has the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from ..errors import Problems
from .settings import NOT_SHOWN, hidden

#: What stands in messages for what nobody may see.


@dataclass(frozen=True)
class KeyPair:
    """What a server shows to its clients.

    certificate: PEM, the server's own first, then those between it and its CA. key: PEM, without a password.
    authorities: PEM of the CAs that clients are told to trust, empty when they know them. host: name that clients use.
    """

    certificate: str
    key: str
    authorities: str = ""
    host: str = ""


def check(pair: KeyPair, prefix: str, now: datetime, problems: Problems) -> None:
    """Collect what is wrong with a pair.

    prefix: of the names of its fields in messages, C(rancher_tls_) for C(rancher_tls_certificate), C(..._key), C(..._ca).
    now: in UTC, with its zone.
    """
    chain = _certificates(pair.certificate, f"{prefix}certificate", now, problems)
    authorities = _certificates(pair.authorities, f"{prefix}ca", now, problems) if pair.authorities else []
    key = _key(pair.key, f"{prefix}key", problems)
    if chain and key is not None and _public(chain[0]) != _public(key):
        problems.add(f"{prefix}key", NOT_SHOWN, f"the key of the first certificate in {prefix}certificate")
    if chain and pair.host:
        _check_host(chain[0], pair.host, f"{prefix}certificate", problems)
    if chain:
        _check_issuers(chain, authorities or [], prefix, problems)


def check_authorities(text: str, field: str, now: datetime, problems: Problems) -> None:
    """Collect what is wrong with the CAs that clients are told to trust."""
    _certificates(text, field, now, problems)


def _certificates(text: str, field: str, now: datetime, problems: Problems) -> Optional[Sequence[Any]]:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        problems.add(field, f"{text[:30]}..." if text else "", "certificates in PEM form")
        return None
    for certificate in found:
        name = certificate.subject.rfc4514_string()
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now >= end:
            problems.add(field, f"{name}, ended {end:%Y-%m-%d}", "certificates that are still valid")
        elif now < begin:
            problems.add(field, f"{name}, begins {begin:%Y-%m-%d}", "certificates that are valid already")
    return found


def _key(text: str, field: str, problems: Problems) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        problems.add(field, hidden(text), "a private key in PEM form, without a password")
        return None


def _public(of: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return bytes(of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _check_host(certificate: Any, host: str, field: str, problems: Problems) -> None:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        found = []
    if host not in found and f"*.{host.partition('.')[2]}" not in found:
        problems.add(field, ", ".join(found) or "no name", f"a certificate for {host}")


def _check_issuers(chain: Sequence[Any], authorities: Sequence[Any], prefix: str, problems: Problems) -> None:
    for one, issuer in zip(chain, chain[1:]):
        if not _is_issued_by(one, issuer):
            name = issuer.subject.rfc4514_string()
            problems.add(f"{prefix}certificate", name, "after each certificate the one that issued it")
    top = chain[-1]
    if authorities and not any(top == one or _is_issued_by(top, one) for one in authorities):
        found = ", ".join(one.subject.rfc4514_string() for one in authorities)
        problems.add(f"{prefix}ca", found, f"the CA that issued {prefix}certificate: {top.issuer.rfc4514_string()}")


def _is_issued_by(certificate: Any, issuer: Any) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
