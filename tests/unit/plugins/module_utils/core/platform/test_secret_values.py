# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Values of a chart that are secrets: compared with their Secret, and never given back (X-5)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import release
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.secret_values import (
    DIFFERENT,
    compared,
    digest_of,
    nested,
)

from .helm import revision

CONTENT = {"clearml.apiKey": "KEY", "clearml.apiSecret": "word"}


def observed(**values: Any) -> release.Observed:
    found = revision(1, "deployed", "gateway", values=values)
    return release.observe([found], [(found["metadata"]["namespace"], "gateway")])[0]


def test_a_digest_changes_with_any_part_of_a_secret() -> None:
    first = digest_of({"key": "a", "secret": "b"})
    assert first == digest_of({"secret": "b", "key": "a"})
    assert len({first, digest_of({"key": "a", "secret": "c"}), digest_of({"key": "b", "secret": "a"})}) == 3


def test_paths_become_values() -> None:
    assert nested(CONTENT) == {"clearml": {"apiKey": "KEY", "apiSecret": "word"}}


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ({"clearml": {"apiKey": "KEY", "apiSecret": "word", "url": "x"}}, {"clearml": {"url": "x"}}),
        ({"clearml": {"apiKey": "KEY", "apiSecret": "word"}, "more": 1}, {"more": 1}),
        ({"clearml": {"apiKey": "KEY", "apiSecret": "old"}}, {"clearml": {"apiSecret": DIFFERENT}}),
        ({"clearml": {"apiKey": "KEY"}}, {"clearml": {"apiSecret": DIFFERENT}}),
        ({"clearml": "text"}, {"clearml": {"apiKey": DIFFERENT, "apiSecret": DIFFERENT}}),
    ],
)
def test_only_what_differs_is_left(held: dict[str, Any], left: dict[str, Any]) -> None:
    latest = compared(observed(**held), CONTENT).latest
    assert latest is not None
    assert latest.values == left


def test_what_is_returned_holds_neither_secret_nor_a_digest_of_it() -> None:
    right = {"clearml": {"apiKey": "KEY", "apiSecret": "word", "url": "x"}}
    shown = compared(observed(**right), CONTENT).as_dict()
    assert shown["release_values"] == {"clearml": {"url": "x"}}
    assert shown["values_digest"] == release.values_digest({"clearml": {"url": "x"}})


def test_nothing_is_compared_where_nothing_is() -> None:
    nothing = release.Observed("gateway", "clearml")
    assert compared(nothing, CONTENT) is nothing
