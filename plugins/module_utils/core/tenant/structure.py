# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The shape of raw data before it is read: no loops, not too deep, not too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

#: Deeper nesting and more values than these are no tenants file; 5000 tenants have about half a million values.
MAX_DEPTH = 40
MAX_VALUES = 5_000_000


def structure_problem(data: Any) -> Optional[str]:
    """Return what is wrong with the shape of data, or None.

    YAML aliases let a few lines refer to themselves, or stand for more values than fit into memory. Each container is
    visited once; its depth and its number of values as written out are then known.
    """
    try:
        _depth, count = _measure(data, {}, set(), 0)
    except RecursionError:
        return f"data that does not contain itself, at most {MAX_DEPTH} levels deep"
    return f"at most {MAX_VALUES} values" if count > MAX_VALUES else None


def _measure(value: Any, known: dict[int, tuple[int, int]], open_ids: set[int], level: int) -> tuple[int, int]:
    """Return depth and number of values below; raises RecursionError when it is too deep or contains itself."""
    if isinstance(value, Mapping):
        children = list(value.values())
    elif isinstance(value, (list, tuple)):
        children = list(value)
    else:
        return 0, 1
    identity = id(value)
    depth, count = known.get(identity, (0, 0))
    if not count:
        if identity in open_ids or level > MAX_DEPTH:
            raise RecursionError
        open_ids.add(identity)
        measured = [_measure(child, known, open_ids, level + 1) for child in children]
        open_ids.discard(identity)
        depth = 1 + max((below for below, _count in measured), default=0)
        count = 1 + sum(number for _depth, number in measured)
        known[identity] = (depth, count)
    if level + depth > MAX_DEPTH:
        raise RecursionError
    return depth, count


def plain(value: Any, known: Optional[dict[int, Any]] = None) -> Any:
    """Copy data into plain dicts and lists; what stood in several places still is one container.

    Ansible hands over containers that do some work at each access, and the reader looks at every place several times.
    value: of a shape that L(structure_problem) finds nothing wrong with.
    """
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    known = {} if known is None else known
    copy = known.get(id(value))
    if copy is None:
        if isinstance(value, Mapping):
            copy = {key: plain(inner, known) for key, inner in value.items()}
        else:
            copy = [plain(inner, known) for inner in value]
        known[id(value)] = copy
    return copy
