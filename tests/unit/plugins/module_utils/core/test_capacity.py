# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules 1-5 of the capacity check (TEN-4)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.capacity import (
    Claim,
    NodeFacts,
    Settings,
    check_capacity,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.selectors import parse_selector

GPU = "nvidia.com/gpu"


def node(name: str, gpus: int = 8, **labels: str) -> NodeFacts:
    return NodeFacts(name, labels=labels, allocatable={GPU: gpus})


def claim(tenant: str, gpus: int, agents: int = 0, each: int = 8, **more: object) -> Claim:
    return Claim(tenant, {GPU: gpus}, {GPU: gpus}, agents, {GPU: each} if agents else {}, **more)  # type: ignore[arg-type]


def rules(report: object) -> list[int]:
    return [violation.rule for violation in report.errors]  # type: ignore[attr-defined]


NODES = [node("n1"), node("n2")]


def test_all_fits() -> None:
    report = check_capacity(NODES, [claim("a", 8, 1), claim("b", 8, 1)], Settings())
    assert not report.violations
    assert report.resources[GPU].to_dict() == {
        "allocatable": 16,
        "reserved": 0,
        "guaranteed_total": 16,
        "ceiling_total": 16,
        "foreign_used": 0,
        "ratio": 1.0,
        "unreserved_free": 0,
    }
    assert report.placements["a"].to_dict() == {"feasible": True, "needed": 1, "per_node_slots": {"n1": 1, "n2": 1}}


def test_rule_1_names_who_contributes() -> None:
    report = check_capacity(NODES, [claim("a", 4), claim("b", 12)], Settings(reserve={GPU: 2}, overcommit_ratio=2))
    assert rules(report) == [1]
    text = str(report.errors[0].problem())
    assert "16 guaranteed" in text
    assert "at most 14 (16 on the nodes - 2 reserved - 0 used by others)" in text
    assert report.errors[0].tenants == ("b", "a")
    assert report.resources[GPU].unreserved_free == -2


def test_rule_2_over_commit() -> None:
    wide = [Claim("a", {}, {GPU: 16}), Claim("b", {}, {GPU: 9})]
    assert rules(check_capacity(NODES, wide, Settings(overcommit_ratio=1.5))) == [2]
    assert rules(check_capacity(NODES, wide, Settings(overcommit_ratio=1.6))) == []


def test_rule_3_an_agent_lies_on_one_node() -> None:
    report = check_capacity([node("n1", 4), node("n2", 4)], [claim("a", 8, 1)], Settings())
    assert rules(report) == [3]
    assert report.placements["a"].feasible is False
    assert "1 agents with 8 nvidia.com/gpu each" in str(report.errors[0].problem())


def test_rule_3_tenants_share_a_pool() -> None:
    claims = [claim("a", 8, 2, 4), claim("b", 8, 1)]
    assert not check_capacity(NODES, claims, Settings()).errors
    # three agents of 4 and one of 8 need two and a half nodes
    assert rules(check_capacity(NODES, [claim("a", 4, 3, 4), claim("b", 4, 1)], Settings())) == [3]


def test_rule_4_own_nodes() -> None:
    one = claim("a", 8, 1, nodes=("n1",), exclusive=True)
    other = claim("b", 8, 1, nodes=("n1", "n2"))
    report = check_capacity(NODES, [one, other], Settings())
    assert rules(report) == [4]
    assert report.errors[0].tenants == ("a", "b")
    assert not check_capacity(NODES, [one, replace(other, nodes=("n2",))], Settings()).errors


def test_rule_4_a_tenant_without_a_pool_gets_what_nobody_has_alone() -> None:
    one = claim("a", 8, 1, node_selector={"tenant": "a"}, exclusive=True)
    nodes = [node("n1", tenant="a"), node("n2")]
    report = check_capacity(nodes, [one, claim("b", 8, 1)], Settings())
    assert not report.errors
    assert dict(report.placements["b"].slots) == {"n2": 1}


def test_rule_4_left_over_devices_are_a_warning() -> None:
    report = check_capacity(NODES, [claim("a", 4, 1, 4, nodes=("n1",), exclusive=True)], Settings())
    assert not report.errors
    assert "leak" in str(report.warnings[0].problem())


def test_rule_5_foreign_pods() -> None:
    report = check_capacity(NODES, [claim("a", 16, 2)], Settings(), {"n1": {GPU: 1}, "elsewhere": {GPU: 8}})
    assert rules(report) == [1, 2, 3]
    assert report.resources[GPU].foreign_used == 1
    assert dict(report.placements["a"].slots) == {"n1": 0, "n2": 1}


def test_only_usable_nodes_count() -> None:
    nodes = [
        node("n1", pool="gpu"),
        replace(node("n2"), ready=False),
        replace(node("n3"), schedulable=False),
        node("n4"),
    ]
    report = check_capacity(nodes, [], Settings(parse_selector("pool=gpu")))
    assert report.resources[GPU].allocatable == 8


def test_slices_and_cards_do_not_mix() -> None:
    mig = "nvidia.com/mig-1g.10gb"
    report = check_capacity(NODES, [Claim("a", {mig: 1}, {mig: 1})], Settings())
    assert [(violation.rule, violation.resource) for violation in report.errors] == [(1, mig), (2, mig)]


@given(
    st.lists(st.integers(0, 16), max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 8)), max_size=4),
)
def test_what_is_placed_fits(sizes: list[int], shapes: list[tuple[int, int]]) -> None:
    """When every placement is feasible, the devices of all agents are not more than those of the nodes."""
    nodes = [node(f"n{index}", size) for index, size in enumerate(sizes)]
    claims = [claim(f"t{index}", agents * each, agents, each) for index, (agents, each) in enumerate(shapes)]
    report = check_capacity(nodes, claims, Settings(overcommit_ratio=100))
    if all(placement.feasible for placement in report.placements.values()):
        assert sum(agents * each for agents, each in shapes) <= sum(sizes)
