# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters of the role rke2: the variables of Ansible in, a plan or one message out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.rke2 import FilterModule

from ..module_utils.core.rke2.nodes import CA_HASH, TOKEN, cluster_of, variables

filters = FilterModule().filters()
RAW = variables()


def hostvars(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the role has noted on each host."""
    found = {}
    for node in cluster_of(raw):
        assert node.facts is not None
        facts = {**node.facts.__dict__, "nodes": [member.as_dict() for member in node.facts.nodes]}
        found[node.name] = {"__rke2_found": {"facts": facts}, "__rke2_declared": raw, "__rke2_serving": True}
    return found


SERVERS, AGENTS = ["server-1", "server-2", "server-3"], ["agent-1", "agent-2"]


def test_a_plan_from_variables_and_facts() -> None:
    plan = filters["rke2_plan"](hostvars(RAW), SERVERS, AGENTS)
    assert (plan["seed"], plan["due"], plan["marks"]) == ("server-1", [], [])
    assert plan["summary"][0] == "server-1: as declared"


def test_hosts_outside_of_the_play_are_known_by_what_was_asked() -> None:
    found = hostvars(RAW)
    others = [{"item": name, "facts": found[name]["__rke2_found"]["facts"]} for name in SERVERS]
    found.update({name: {} for name in SERVERS})
    plan = filters["rke2_plan"](found, SERVERS, AGENTS, [*others, {"item": "server-9", "unreachable": True}])
    assert list(plan["nodes"]) == AGENTS
    assert plan["due"] == []


def test_all_mistakes_come_in_one_message_without_secrets() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        filters["rke2_plan"](hostvars(variables(token="short-secret", cni="weave")), SERVERS, AGENTS)
    text = str(caught.value)
    assert "rke2_token" in text
    assert "rke2_cni" in text
    assert "short-secret" not in text


def test_the_speaker_is_another_server() -> None:
    found = hostvars(RAW)
    assert filters["rke2_speaker"](SERVERS, found, "server-1") == "server-2"
    found["server-2"]["__rke2_serving"] = False
    assert filters["rke2_speaker"](SERVERS, found, "server-1") == "server-3"
    assert filters["rke2_speaker"](SERVERS, {name: {} for name in SERVERS}) == ""


def test_tokens_and_kubeconfigs() -> None:
    assert filters["rke2_pinned"](TOKEN, CA_HASH) == f"K10{CA_HASH}::server:{TOKEN}"
    with pytest.raises(AnsibleFilterError, match="not a kubeconfig"):
        filters["rke2_kubeconfig"]("x", "a", "b")
