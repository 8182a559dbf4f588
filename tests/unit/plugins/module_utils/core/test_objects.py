# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What counts as a difference between a wanted and a live object (X-4)."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.objects import plan_object, shown
from tests.unit.live import applied

QUOTA: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "accel-quota", "namespace": "t-acme", "labels": {"a": "b"}},
    "spec": {"hard": {"requests.nvidia.com/gpu": "16", "requests.memory": "1Gi"}},
}


def fields_of(desired: dict[str, Any], live: dict[str, Any] | None) -> list[str]:
    return [difference.path for step in plan_object("acme", desired, live).steps for difference in step.differences]


def test_a_missing_object_is_created() -> None:
    plan = plan_object("acme", QUOTA, None)
    assert [step.action for step in plan.steps] == ["create"]
    assert plan.steps[0].title == "ResourceQuota t-acme/accel-quota"
    assert plan.changed


def test_an_equal_object_needs_nothing_whatever_the_server_added() -> None:
    live = applied(QUOTA)
    live["metadata"]["labels"]["added-by"] = "somebody"
    live["spec"]["scopes"] = ["BestEffort"]
    assert plan_object("acme", QUOTA, live).steps == ()


def test_quantities_are_compared_by_value_and_only_where_quantities_stand() -> None:
    live = applied(QUOTA)
    live["spec"]["hard"] = {"requests.nvidia.com/gpu": "16", "requests.memory": "1024Mi"}
    assert fields_of(QUOTA, live) == []
    named = {**QUOTA, "spec": {"version": "1Gi"}}
    live = applied(named)
    live["spec"]["version"] = "1024Mi"
    assert fields_of(named, live) == ["spec.version"]


def test_a_changed_field_is_named_and_the_diff_shows_only_our_fields() -> None:
    live = applied(QUOTA)
    live["spec"]["hard"]["requests.nvidia.com/gpu"] = "8"
    live["spec"]["hard"]["pods"] = "3"
    live["metadata"]["annotations"] = {"foreign": "yes"}
    plan = plan_object("acme", QUOTA, live)
    assert fields_of(QUOTA, live) == ["spec.hard.requests.nvidia.com/gpu"]
    assert plan.steps[0].before["spec"]["hard"] == {"requests.nvidia.com/gpu": "8", "requests.memory": "1Gi"}
    assert "foreign" not in str(plan.steps[0].before)


def test_a_field_that_we_set_and_no_longer_want_is_given_up() -> None:
    before = copy.deepcopy(QUOTA)
    before["spec"]["hard"]["requests.amd.com/gpu"] = "0"
    live = applied(before)
    assert fields_of(QUOTA, live) == ["spec.hard.requests.amd.com/gpu"]
    plan = plan_object("acme", QUOTA, live)
    assert plan.steps[0].before["spec"]["hard"]["requests.amd.com/gpu"] == "0"


def test_a_field_that_somebody_else_set_is_left_alone() -> None:
    live = applied(QUOTA)
    live["spec"]["hard"]["requests.amd.com/gpu"] = "0"
    assert fields_of(QUOTA, live) == []


def test_lists_count_whole_but_defaults_inside_their_items_do_not() -> None:
    policy = {**QUOTA, "spec": {"egress": [{"ports": [{"port": 53}]}]}}
    live = applied(policy)
    live["spec"]["egress"][0]["ports"][0]["protocol"] = "TCP"
    assert fields_of(policy, live) == []
    live["spec"]["egress"].append({"ports": []})
    assert fields_of(policy, live) == ["spec.egress"]


def test_the_data_of_a_secret_is_never_shown() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "c2VjcmV0"}}
    assert "c2VjcmV0" not in str(shown(secret))


_names = st.text("abcdefgh", min_size=1, max_size=3)
_leaves = st.one_of(st.integers(0, 9), st.booleans(), st.text("xyz", max_size=3))
_trees = st.recursive(_leaves, lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=3), max_leaves=8)
_specs = st.dictionaries(_names, _trees, max_size=4)


@given(_specs, _specs)
def test_after_an_apply_nothing_is_left_to_do(first: dict[str, Any], second: dict[str, Any]) -> None:
    """plan(apply(plan(x))) is empty, from nothing and from any older wish of ours."""
    old, new = ({**QUOTA, "spec": spec} for spec in (first, second))
    assert plan_object("x", old, applied(old)).steps == ()
    plan = plan_object("x", new, applied(old))
    if plan.changed:
        assert plan_object("x", new, applied(plan.steps[0].body)).steps == ()
    else:
        assert plan_object("x", new, applied(old)).steps == ()


def test_a_key_that_left_a_list_entry_is_seen_only_where_the_server_fills_in_nothing() -> None:
    before = {**QUOTA, "spec": {"mounts": [{"name": "a", "path": "b"}]}}
    after = {**QUOTA, "spec": {"mounts": [{"name": "a"}]}}
    live = applied(before)
    assert plan_object("acme", after, live).steps == ()
    (step,) = plan_object("acme", after, live, exact=frozenset({"mounts"})).steps
    assert [difference.path for difference in step.differences] == ["spec.mounts"]


def test_the_diff_does_not_show_finalizers_of_others() -> None:
    live = applied(QUOTA)
    live["metadata"]["finalizers"] = ["example.com/keep"]
    wanted = {**QUOTA, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "requests.memory": "1Gi"}}}
    (step,) = plan_object("acme", wanted, live).steps
    assert "finalizers" not in step.before["metadata"]
