# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Values of a chart that are secrets, for charts that know no existing Secret.

They come from a Secret, reach Helm by a file of mode 0600, and stand in Helm's record of the release. Whoever compares a
release with what is declared must neither show them nor hold them: they are compared here, and taken out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..nested import put
from .release import Observed

#: Stands where a value is not what its Secret says, so that the release differs from what is declared.
DIFFERENT = "(not what its Secret says)"


def digest_of(content: Mapping[str, str]) -> str:
    """A short digest of what is in a Secret: it changes when that does, and tells nothing of keys that were made at random."""
    return hashlib.sha256(json.dumps(dict(content), sort_keys=True).encode()).hexdigest()[:16]


def nested(content: Mapping[str, str]) -> dict[str, Any]:
    """Values by dotted path, as a chart takes them."""
    result: dict[str, Any] = {}
    for path, text in content.items():
        put(result, path, text)
    return result


def compared(observed: Observed, content: Mapping[str, str]) -> Observed:
    """A release without the values that are as they should be, and with a mark where one is not, or is missing.

    content: dotted path -> what its Secret says.
    """
    if observed.latest is None or not content:
        return observed
    values: Any = observed.latest.values
    for path, text in content.items():
        values = _compared(values, path.split("."), text)
    return replace(observed, latest=replace(observed.latest, values=values))


def _compared(values: Any, path: list[str], text: str) -> dict[str, Any]:
    result = dict(values) if isinstance(values, Mapping) else {}
    key, *below = path
    if below:
        inner = _compared(result.get(key), below, text)
        if inner:
            result[key] = inner
        else:
            result.pop(key, None)
    elif key in result and result[key] == text:
        del result[key]
    else:
        result[key] = DIFFERENT
    return result
