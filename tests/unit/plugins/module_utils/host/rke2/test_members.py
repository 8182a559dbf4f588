# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes by the API: gate, drain and back, labels, removal. What a person decided stays (RKE2-3, RKE2-4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    PlatformError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import (
    ANNOTATION_CORDONED,
    ANNOTATION_REMOVE,
    ANNOTATION_REMOVED,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.members import Members

from .machines import Answer, machine, waiting

VERSION = "v1.34.10+rke2r1"
DRAIN = {"timeout": 60, "grace_period": None, "force": False, "delete_emptydir_data": True, "disable_eviction": False}
SERVER = {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true"}


class Api:
    """A few Nodes behind kubectl."""

    def __init__(self, root: Path) -> None:
        self.machine, self.played = machine(root)
        self.played.answers["kubectl"] = self.answer
        self.nodes: dict[str, dict[str, Any]] = {}
        self.attachments: list[dict[str, Any]] = []
        self.drains: list[Answer] = []
        for name in ("server-1", "server-2", "server-3"):
            self.add(name, SERVER)
        self.add("agent-1", {})

    def add(self, name: str, labels: dict[str, str], ready: str = "True") -> None:
        conditions = [{"type": "Ready", "status": ready}, {"type": "EtcdIsVoter", "status": "True"}]
        self.nodes[name] = {
            "metadata": {"name": name, "labels": dict(labels), "annotations": {}},
            "spec": {},
            "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": VERSION}},
        }

    def answer(self, argv: list[str]) -> Answer:
        words = argv[3:]
        if words[:2] == ["get", "nodes"]:
            return 0, json.dumps({"items": list(self.nodes.values())}), ""
        if words[0] == "get":
            return 0, json.dumps({"items": self.attachments}), ""
        if words[0] == "drain":
            return self.drains.pop(0) if self.drains else (0, "", "")
        if words[0] == "delete":
            self.nodes.pop(words[2], None)
            return 0, "", ""
        assert words[0] == "patch", argv
        node, patch = self.nodes[words[2]], json.loads(words[-1])
        for part in ("labels", "annotations"):
            merge(node["metadata"][part], patch.get("metadata", {}).get(part, {}))
        merge(node["spec"], patch.get("spec", {}))
        if ANNOTATION_REMOVE in node["metadata"]["annotations"]:
            node["metadata"]["annotations"][ANNOTATION_REMOVED] = words[2]
        return 0, "", ""

    def members(self, check_mode: bool = False) -> Members:
        return Members(self.machine, check_mode, None if check_mode else waiting())

    @property
    def drained(self) -> list[list[str]]:
        return [call[3:] for call in self.played.calls if call[3:4] == ["drain"]]


def merge(into: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, value in patch.items():
        if value is None:
            into.pop(name, None)
        else:
            into[name] = value


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


def test_the_gate(api: Api) -> None:
    api.members().require_healthy("server-1", [])
    api.nodes["server-3"]["status"]["conditions"][0]["status"] = "False"
    with pytest.raises(RefusedError, match=r"server-3 \(not Ready\)"):
        api.members().require_healthy("server-1", [])
    api.members().require_healthy("server-1", ["server-3"])
    api.members().require_healthy("server-3", [])


def test_drain_and_back(api: Api) -> None:
    assert len(api.members().drain("agent-1", DRAIN)) == 1
    assert api.nodes["agent-1"]["spec"] == {"unschedulable": True}
    assert api.drained[0][:2] == ["drain", "agent-1"]
    assert {"--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"} <= set(api.drained[0])
    assert len(api.members().welcome("agent-1", VERSION)) == 1
    assert api.nodes["agent-1"]["spec"] == {}
    assert ANNOTATION_CORDONED not in api.nodes["agent-1"]["metadata"]["annotations"]


def test_what_a_person_cordoned_stays_cordoned(api: Api) -> None:
    api.nodes["agent-1"]["spec"]["unschedulable"] = True
    api.members().drain("agent-1", DRAIN)
    assert api.members().welcome("agent-1", VERSION) == []
    assert api.nodes["agent-1"]["spec"] == {"unschedulable": True}


def test_a_run_that_died_in_between_is_resumed(api: Api) -> None:
    api.members().drain("agent-1", DRAIN)
    api.members().drain("agent-1", DRAIN)
    api.members().welcome("agent-1", VERSION)
    assert api.nodes["agent-1"]["spec"] == {}


def test_a_drain_that_fails_is_taken_back(api: Api) -> None:
    api.drains = [(1, "", "error: Cannot evict pod as it would violate the pod's disruption budget.")]
    with pytest.raises(PlatformError, match="disruption budget") as caught:
        api.members().drain("agent-1", DRAIN)
    assert "schedulable again" in caught.value.next_step
    assert api.nodes["agent-1"]["spec"] == {}


def test_eviction_is_given_up_by_consent_only(api: Api) -> None:
    api.drains = [(1, "", "disruption budget"), (0, "", "")]
    api.members().drain("agent-1", {**DRAIN, "disable_eviction": True})
    assert "--disable-eviction" not in api.drained[0]
    assert "--disable-eviction" in api.drained[1]


def test_the_only_node_is_not_drained(api: Api) -> None:
    api.nodes = {"server-1": api.nodes["server-1"]}
    assert api.members().drain("server-1", DRAIN) == []
    assert api.drained == []


def test_a_node_of_another_version_is_waited_for(api: Api) -> None:
    with pytest.raises(WaitTimeoutError, match=r"its kubelet is v1.34.10\+rke2r1, wanted v1.35"):
        api.members().welcome("agent-1", "v1.35.7+rke2r1")


def test_marks(api: Api) -> None:
    wanted = [{"name": "agent-1", "labels": {"pool": "a"}, "taints": ["pool=a:NoSchedule"]}]
    assert len(api.members(check_mode=True).mark(wanted)) == 1
    assert api.nodes["agent-1"]["metadata"]["labels"] == {}
    assert len(api.members().mark(wanted)) == 1
    assert api.nodes["agent-1"]["spec"]["taints"] == [{"key": "pool", "value": "a", "effect": "NoSchedule"}]
    assert api.members().mark(wanted) == []


def test_removal_of_an_agent_waits_for_its_volumes(api: Api) -> None:
    api.attachments = [
        {"metadata": {"name": "x"}, "spec": {"nodeName": "agent-1", "source": {"persistentVolumeName": "pv-1"}}},
        {"metadata": {"name": "y"}, "spec": {"nodeName": "agent-2", "source": {"persistentVolumeName": "pv-2"}}},
    ]
    with pytest.raises(WaitTimeoutError, match="volumes are still attached to agent-1: pv-1"):
        api.members().remove("agent-1", False, DRAIN, False)
    assert "agent-1" in api.nodes
    api.attachments = api.attachments[1:]
    assert [step.action for step in api.members().remove("agent-1", False, DRAIN, False)] == ["change", "remove"]
    assert "agent-1" not in api.nodes
    assert api.members().remove("agent-1", False, DRAIN, False) == []


def test_removal_of_a_server_removes_its_member_first(api: Api) -> None:
    with pytest.raises(RefusedError, match="there are 2 servers"):
        api.members().remove("server-3", False, DRAIN, False)
    api.members().remove("server-3", True, DRAIN, False)
    verbs = [call[3] for call in api.played.calls if call[3] in ("patch", "delete")]
    assert verbs == ["patch", "patch", "delete"], "cordon, the member, the Node"


def test_a_host_that_is_lost_is_not_waited_for(api: Api) -> None:
    api.nodes["server-3"]["status"]["conditions"][0]["status"] = "False"
    api.attachments = [{"metadata": {"name": "x"}, "spec": {"nodeName": "server-3", "source": {}}}]
    api.members().remove("server-3", False, DRAIN, lost=True)
    assert "server-3" not in api.nodes
    assert api.drained == []


def test_check_mode_removes_nothing(api: Api) -> None:
    steps = api.members(check_mode=True).remove("agent-1", False, DRAIN, False)
    assert [step.action for step in steps] == ["change", "remove"]
    assert "agent-1" in api.nodes
    assert api.drained == []
