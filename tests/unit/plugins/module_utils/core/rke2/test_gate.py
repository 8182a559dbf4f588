# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When a server may go down or leave: never below etcd's quorum (RKE2-3, RKE2-4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import Member
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.gate import (
    drain_useful,
    quorum,
    removal_refusal,
    restart_refusal,
    speaker,
)

from .nodes import member

THREE = [member(f"server-{number}", True) for number in (1, 2, 3)]
AGENT = member("agent-1")


def with_one(**changes: Any) -> list[Member]:
    return [THREE[0], THREE[1], member("server-3", True, **changes), AGENT]


def test_a_healthy_cluster_may_lose_one_server_for_a_while() -> None:
    assert restart_refusal([*THREE, AGENT], "server-1") == ""


@pytest.mark.parametrize(("change", "why"), [({"ready": False}, "not Ready"), ({"voter": False}, "no vote in etcd")])
def test_a_sick_cluster_may_not(change: dict[str, Any], why: str) -> None:
    assert f"server-3 ({why})" in restart_refusal(with_one(**change), "server-1")
    assert restart_refusal(with_one(**change), "server-3") == "", "the sick one itself may be restarted"


def test_servers_that_are_about_to_join_do_not_count() -> None:
    assert restart_refusal(with_one(ready=False), "server-2", joining=("server-3",)) == ""


def test_a_sick_agent_stops_no_server() -> None:
    assert restart_refusal([*THREE, member("agent-1", ready=False)], "server-1") == ""


states: st.SearchStrategy[tuple[bool, bool | None]] = st.tuples(st.booleans(), st.none() | st.booleans())


@given(st.lists(states, min_size=3, max_size=7).filter(lambda found: len(found) % 2))
def test_quorum_is_never_lost(found: list[tuple[bool, bool | None]]) -> None:
    members = [member(f"s{number}", True, ready=ready, voter=voter) for number, (ready, voter) in enumerate(found)]
    for target in members:
        if restart_refusal(members, target.name) == "":
            left = [one for one in members if one.healthy and one.name != target.name]
            assert len(left) >= quorum(len(members))


@pytest.mark.parametrize(
    ("members", "target", "why"),
    [
        ([member("server-1", True), AGENT], "server-1", "the last server"),
        (THREE, "server-1", "there are 2 servers"),
        (with_one(ready=False), "server-1", "server-3 (not Ready)"),
        ([*THREE, AGENT], "agent-1", ""),
        (THREE, "server-7", ""),
    ],
)
def test_removal(members: list[Member], target: str, why: str) -> None:
    found = removal_refusal(members, target)
    assert why in found
    assert bool(found) == bool(why)


def test_an_even_number_is_left_by_consent() -> None:
    assert removal_refusal(THREE, "server-1", allow_even=True) == ""


def test_draining_the_only_place_for_pods_is_no_use() -> None:
    assert not drain_useful([THREE[0]], "server-1")
    assert not drain_useful([THREE[0], member("agent-1", unschedulable=True)], "server-1")
    assert drain_useful(THREE, "server-1")


def test_another_server_is_asked_where_there_is_one() -> None:
    hosts = ["server-1", "server-2", "server-3"]
    assert speaker(hosts, {"server-1": True, "server-2": True}, "server-1") == "server-2"
    assert speaker(hosts, {"server-1": True}, "server-1") == "server-1"
    assert speaker(hosts, {"server-3": True}, "agent-1") == "server-3"
    assert speaker(hosts, {}, "agent-1") == ""
