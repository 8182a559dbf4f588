# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When a certificate ends, read from its PEM text without a library (RFC 5280, 4.1): hosts have none."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timezone
from typing import NamedTuple, Optional

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


class _Element(NamedTuple):
    tag: int
    content: bytes
    rest: bytes


def not_after(pem: str) -> Optional[datetime]:
    """Return when the first certificate in a PEM text ends (UTC); None when there is none or it cannot be read."""
    match = _PEM.search(pem)
    if match is None:
        return None
    try:
        certificate = _element(base64.b64decode(match[1]))
        rest = _element(certificate.content).content
        if rest[0] == _VERSION:
            rest = _element(rest).rest
        for _skipped in ("serial number", "signature", "issuer"):
            rest = _element(rest).rest
        return _time(_element(_element(_element(rest).content).rest))
    except (ValueError, IndexError):
        return None


def _element(data: bytes) -> _Element:
    """Read one DER element."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    end = start + length
    if end > len(data):
        raise ValueError("truncated")
    return _Element(tag, data[start:end], data[end:])


def _time(element: _Element) -> datetime:
    text = element.content.decode("ascii").rstrip("Z")
    if element.tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif element.tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
