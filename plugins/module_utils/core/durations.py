# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Spans of time as people and Go programs write them: C(720h), C(30m), C(1h30m), C(30d)."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"[0-9]{1,7}[smhd]"
#: The grammar as a regular expression, for schemas.
DURATION_PATTERN = rf"({_PART})+"


def seconds_of(text: str) -> int:
    """Return the seconds of a duration. Raises ValueError when the text is none."""
    if len(text) > 40 or re.fullmatch(DURATION_PATTERN, text) is None:
        raise ValueError(f"{text!r} is not a duration such as 30m, 720h or 30d")
    return sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(_PART, text))


def duration_text(seconds: int) -> str:
    """Return seconds as the text that Go programs write, without zero parts: C(720h), C(1h30m)."""
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
