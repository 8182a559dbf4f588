# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Mappings inside mappings: what stands at a dotted path, and one laid over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def at(data: Any, path: str, default: Any = None) -> Any:
    """Return the value at a dotted path, or the default."""
    for key in path.split("."):
        if not isinstance(data, Mapping) or key not in data:
            return default
        data = data[key]
    return data


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path; mappings that are not there yet are made."""
    *above, last = path.split(".")
    for key in above:
        data = data.setdefault(key, {})
    data[last] = value


def merge(*layers: Any) -> dict[str, Any]:
    """Merge mappings, later ones win: mappings key by key, lists and everything else as a whole.

    A null in a later layer takes away what an earlier one said. A layer that is no mapping counts as empty.
    """
    result: dict[str, Any] = {}
    for layer in layers:
        if not isinstance(layer, Mapping):
            continue
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(value, Mapping) and isinstance(below, Mapping)
            result[key] = merge(below, value) if both else value
    return result
