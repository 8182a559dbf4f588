# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Find secrets in plain text. The tenants file lies in a repository, so it only holds references to secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..redact import MASK

#: The one form in which the tenants file names a secret.
REFERENCE_ALLOWED = (
    "a reference {secret_ref: {name: <Secret>, key: <key>, namespace: <optional>}}, no secret in plain text"
)

_KEY = re.compile(
    r"(^|[_.-])(passwords?|passwd|passphrase|secret|token|(api|access|secret|private)_?key|credentials?)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TEXT = re.compile(
    r"-----BEGIN [A-Z0-9 ]+-----"  # any PEM block
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."  # a JSON web token
    r"|\bK10[0-9a-f]{64}::"  # a k3s join token
    r"|\b(ghp_|glpat-|AKIA|xox[abp]-|AGE-SECRET-KEY-)[\w-]{10,}"  # GitHub, GitLab, AWS, Slack, age
    r"|\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@"  # a URL with a password
)

#: Longest whole number, in bits, that a message prints; Python refuses to write much longer ones.
_LONGEST_NUMBER = 256


def is_secret_key(key: Any) -> bool:
    """Tell whether a key's name says that its value is a secret (C(password), C(api_key), C(clientSecret))."""
    return isinstance(key, str) and _KEY.search(_CAMEL.sub("_", key)) is not None


def is_secret_text(value: Any) -> bool:
    """Tell whether a text is a secret by its form: PEM, a token of a known kind, a URL with a password."""
    return isinstance(value, str) and _TEXT.search(value) is not None


def shown(value: Any) -> Any:
    """Return what a message may show of a bad value: nothing of a secret, and of a collection only what it is."""
    if is_secret_text(value):
        return MASK
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return "a very large number"
    return value


def secrets_in(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths inside nested data where a secret stands in plain text.

    A text under a key named like a secret, a text that has the form of one, and the Kubernetes pair C(name)/C(value)
    of an environment variable whose name is that of a secret.
    """
    if isinstance(value, Mapping):
        pair = is_secret_key(value.get("name")) and bool(value.get("value"))
        for key, inner in value.items():
            below = f"{path}.{key}" if path else str(key)
            if (is_secret_key(key) or (pair and key == "value")) and isinstance(inner, str) and inner:
                yield below
            else:
                yield from secrets_in(inner, below)
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from secrets_in(inner, f"{path}[{position}]")
    elif is_secret_text(value):
        yield path
