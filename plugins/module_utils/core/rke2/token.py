# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tokens: what makes one usable, and the form that pins the cluster's CA (RKE2 documentation, token)."""

from __future__ import annotations

import re
from typing import Any

MIN_LENGTH = 16
ALLOWED = f"a secret of at least {MIN_LENGTH} characters without blanks or ':', not a sample"
#: C(K10<sha256 of the CA>::<user>:<password>).
_FULL = re.compile(r"K10(?P<hash>[0-9a-f]{64})::(?P<user>[^:]*):(?P<password>.+)")
_SAMPLES = (
    "defaultsecret",
    "changeme",
    "change-me",
    "secret12345",
    "mysecrettoken",
    "my-shared-secret",
    "example",
    "password",
)


def password(token: str) -> str:
    """Return the secret part of a token in either form."""
    match = _FULL.fullmatch(token.strip())
    return match["password"] if match else token.strip()


def ca_hash(token: str) -> str:
    """Return the hash of the CA that a token in the full form carries; empty for a short one."""
    match = _FULL.fullmatch(token.strip())
    return match["hash"] if match else ""


def pinned(token: str, cluster_ca: str, user: str = "server") -> str:
    """Return the token in the form that trusts only the cluster with this CA; the short form when it is not known."""
    return f"K10{cluster_ca}::{user}:{password(token)}" if cluster_ca else password(token)


def problem(token: Any) -> str:
    """Say what would be allowed when a value is no usable token; empty when it is one."""
    if not isinstance(token, str):
        return ALLOWED
    secret = password(token)
    bare = re.sub(r"[^a-z0-9-]", "", secret.lower())
    if len(secret) < MIN_LENGTH or len(set(secret)) < 6 or re.search(r"[\s:]", secret):
        return ALLOWED
    return ALLOWED if any(sample in bare for sample in _SAMPLES) else ""
