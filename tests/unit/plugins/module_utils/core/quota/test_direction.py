# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Raise first, lower later: the two halves make the whole, and a check of both tells each change once (TEN-7, X-4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.direction import reductions, target
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import BOTH, LOWER, RAISE

limits = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 5).map(str))
live_limits = st.none() | limits

Hard = dict[str, str]


def changed(before: Hard | None, after: Hard | None) -> set[str]:
    if after is None:
        return set()
    old = before or {}
    return {key for key in {*old, *after} if old.get(key) != after.get(key)}


@given(live_limits, limits)
def test_raise_then_lower_reaches_what_is_wanted(live: Hard | None, wanted: Hard) -> None:
    raised = target(RAISE, live, wanted)
    assert raised is not None
    assert target(LOWER, raised, wanted) == wanted == target(BOTH, live, wanted)


@given(live_limits, limits)
def test_repeating_a_half_changes_nothing(live: Hard | None, wanted: Hard) -> None:
    raised = target(RAISE, live, wanted)
    assert target(RAISE, raised, wanted) == raised
    lowered = target(LOWER, live, wanted)
    assert lowered is None or target(LOWER, lowered, wanted) == lowered


@given(live_limits, limits)
def test_in_check_mode_each_change_is_told_once(live: Hard | None, wanted: Hard) -> None:
    by_raise = changed(live, target(RAISE, live, wanted))
    by_lower = changed(live, target(LOWER, live, wanted))
    assert not by_raise & by_lower
    assert by_raise | by_lower == changed(live, wanted)


@given(limits, limits)
def test_raise_never_limits_more_and_lower_never_less(live: Hard, wanted: Hard) -> None:
    raised, lowered = target(RAISE, live, wanted), target(LOWER, live, wanted)
    assert raised is not None
    assert lowered is not None
    assert all(key in live and int(raised[key]) >= int(live[key]) for key in raised)
    assert all(key in lowered and int(lowered[key]) <= int(live[key]) for key in live)


def test_a_missing_quota_is_made_before_the_first_pod() -> None:
    assert target(RAISE, None, {"a": "1"}) == {"a": "1"}
    assert target(LOWER, None, {"a": "1"}) is None


def test_a_new_key_limits_what_was_unlimited() -> None:
    assert reductions({"a": "2"}, {"a": "2", "b": "0"}) == {"b": (None, "0")}
    assert reductions({"a": "1Gi"}, {"a": "1024Mi"}) == {}
    assert target(RAISE, {"a": "2"}, {"a": "2", "b": "0"}) == {"a": "2"}
