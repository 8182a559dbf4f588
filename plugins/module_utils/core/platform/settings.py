# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the settings of several layers share. Each records what is wrong, and repeats no secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..errors import Problems
from ..names import is_dns_subdomain

#: Stands for a value that nobody may see.
NOT_SHOWN = "(not shown)"
#: A password by bcrypt, as htpasswd writes it.
BCRYPT = r"\$2[aby]\$\d\d\$\S{53}"

_SIZE = re.compile(r"[1-9]\d*(Mi|Gi|Ti)")
#: Setting -> kind of the object that it names.
_NAMED = {"ingress_class": "IngressClass", "tls_secret": "Secret", "issuer": "ClusterIssuer"}


def hidden(secret: str) -> str:
    """What a message shows of a secret: that there is one, or nothing."""
    return NOT_SHOWN if secret else ""


def check_several(place: str, chosen: Sequence[str], allowed: Collection[str], problems: Problems) -> None:
    """One or more of those that there are, each once."""
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(allowed):
        problems.add(place, list(chosen), f"one or more of {', '.join(allowed)}, each once")


def check_sizes(place: str, sizes: Mapping[str, Any], claims: Iterable[str], example: str, problems: Problems) -> None:
    """Sizes of claims. example: of one, for messages."""
    known = tuple(claims)
    for name, size in sizes.items():
        if name not in known:
            problems.add(f"{place}.{name}", size, f"sizes of {', '.join(known)}")
        elif not _SIZE.fullmatch(str(size)):
            problems.add(f"{place}.{name}", size, f"a size in Mi, Gi or Ti, such as {example}")


def check_seed(place: str, seed: str, length: int, problems: Problems) -> None:
    """A text from which passwords are made. length: the least number of characters."""
    if len(seed) < length:
        problems.add(place, f"{len(seed)} characters", f"{length} random characters or more; never change them later")


def check_ingress(prefix: str, settings: Mapping[str, Any], problems: Problems) -> None:
    """The objects that an Ingress with a certificate names; the issuer only where C(tls) is C(issuer)."""
    for name, kind in _NAMED.items():
        if not is_dns_subdomain(settings[name]) and (name != "issuer" or settings["tls"] == "issuer"):
            problems.add(f"{prefix}{name}", settings[name], f"the name of the {kind}")


def check_authority(place: str, text: str, problems: Problems) -> None:
    """Certificates of CAs, or nothing."""
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        problems.add(place, NOT_SHOWN, "certificates in PEM form")
