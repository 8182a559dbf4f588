# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Mappings inside mappings."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.nested import at, merge, put


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": {"c": 1}, "none": None}),
        ("a.b.c", 1),
        ("a.none", None),
        ("a.none.below", "default"),
        ("a.b.c.below", "default"),
        ("a.x", "default"),
        ("x.b", "default"),
    ],
)
def test_at(path: str, found: Any) -> None:
    assert at({"a": {"b": {"c": 1}, "none": None}}, path, "default") == found


def test_put_makes_what_is_not_there_and_keeps_what_is() -> None:
    data: dict[str, Any] = {"a": {"b": 1}}
    put(data, "a.c.d", 2)
    put(data, "a.b", 3)
    put(data, "e", 4)
    assert data == {"a": {"b": 3, "c": {"d": 2}}, "e": 4}


def test_merge_lays_later_layers_over_earlier_ones() -> None:
    low = {"a": {"b": 1, "c": [1]}, "d": 1}
    assert merge(low, None, {"a": {"c": [2], "e": None}, "d": {"f": 1}}) == {
        "a": {"b": 1, "c": [2], "e": None},
        "d": {"f": 1},
    }
    assert low == {"a": {"b": 1, "c": [1]}, "d": 1}
