# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""tenant_guard and tenant_guard_info against a real API server (TEN-5, TEN-9, X-1, X-4, X-6).

What the admission policy refuses is decided by the real API server, on server-side dry runs.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.helpers import run_module
from tests.integration.k3k_host import CLUSTERS, POLICIES, Kube, Refused, eventually
from tests.lab import Lab

pytestmark = pytest.mark.lab

POLICY = "ai-tenancy-k3k-pods-only"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"

Guard = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def kube(lab: Lab) -> Kube:
    return Kube.from_file(lab.kubeconfig)


@pytest.fixture(scope="module")
def guard(lab: Lab) -> Guard:
    def call(*tenants: dict[str, Any], check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        args = {"kubeconfig": str(lab.kubeconfig), "tenants": list(tenants), **options}
        return run_module("tenant_guard", args, check, diff)

    return call


@pytest.fixture
def new(kube: Kube) -> Iterator[Callable[[], str]]:
    """Ids of tenants that nobody had before; nothing of them is left, but nobody waits for their namespaces to go."""
    made: list[str] = []

    def make() -> str:
        made.append(f"tg-{secrets.token_hex(3)}")
        return made[-1]

    yield make
    for tenant in made:
        kube.delete(f"/api/v1/namespaces/t-{tenant}")


@pytest.fixture(scope="module")
def strict(kube: Kube, guard: Guard) -> Iterator[str]:
    """A tenant whose fence is up, for many tries."""
    tenant = f"tg-{secrets.token_hex(3)}"
    guard({"tenant": tenant})
    eventually("policy active", lambda: POLICY in refused(kube, tenant, agent(hostPID=True)))
    yield tenant
    kube.delete(f"/api/v1/namespaces/t-{tenant}")


def policies(kube: Kube, tenant: str) -> dict[str, dict[str, Any]]:
    found = kube.items(f"/apis/networking.k8s.io/v1/namespaces/t-{tenant}/networkpolicies")
    return {item["metadata"]["name"]: item for item in found}


def actions(result: dict[str, Any], index: int = 0) -> list[tuple[str, str, str]]:
    return [(step["action"], step["kind"], step["name"]) for step in result["results"][index]["actions"]]


def agent(**spec: Any) -> dict[str, Any]:
    """A pod as the agent Deployment of k3k makes them."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "k3k-tg-a-agent-5d9c7",
        "uid": "0",
        "controller": True,
    }
    container = {"name": "k3k-agent", "image": "rancher/k3s:v1.34.4-k3s1", "securityContext": {"privileged": True}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "k3k-tg-a-agent-5d9c7-x", "ownerReferences": [owner]},
        "spec": {"containers": [container], "volumes": [{"name": "run", "emptyDir": {}}], **spec},
    }


def refused(kube: Kube, tenant: str, pod: dict[str, Any]) -> str:
    """The server's words when the pod is refused, else an empty text."""
    try:
        kube.request("POST", f"/api/v1/namespaces/t-{tenant}/pods?dryRun=All", pod)
    except Refused as answer:
        return str(answer)
    return ""


def phases(kube: Kube, tenant: str) -> list[str]:
    return [str(pod["status"].get("phase")) for pod in kube.items(f"/api/v1/namespaces/t-{tenant}/pods")]


def with_container(pod: dict[str, Any], **fields: Any) -> dict[str, Any]:
    changed = copy.deepcopy(pod)
    changed["spec"]["containers"][0].update(fields)
    return changed


def test_makes_the_fence_and_then_nothing(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    a, b = new(), new()
    tenants = ({"tenant": a, "labels": {"team": "red"}}, {"tenant": b, "network": {"expose": "ingress"}})
    planned = guard(*tenants, check=True)
    assert planned["changed"]
    assert kube.get(f"/api/v1/namespaces/t-{a}") is None, "check mode wrote"
    done = guard(*tenants)
    assert [actions(done, index) for index in (0, 1)] == [actions(planned, index) for index in (0, 1)]
    again = guard(*tenants)
    assert not again["changed"]
    assert again["common"]["actions"] == []
    assert not guard(*tenants, check=True)["changed"]

    namespace = kube.get(f"/api/v1/namespaces/t-{a}")["metadata"]
    assert namespace["labels"]["policy.k3k.io/policy-name"] == f"t-{a}"
    assert namespace["labels"]["ai-tenancy.platform/tenant"] == a
    assert namespace["labels"]["team"] == "red"
    assert not [label for label in namespace["labels"] if label.startswith("pod-security")]
    account = kube.get(f"/api/v1/namespaces/t-{a}/serviceaccounts/default")
    assert account["automountServiceAccountToken"] is False
    assert set(policies(kube, a)) == {"default-deny", "allow-tenant", "allow-dns", "allow-controller"}
    assert policies(kube, a)["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "allow-ingress-controller" in policies(kube, b)


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({**agent(), "metadata": {"name": "foreign"}}, "only pods of k3k's own"),
        (agent(volumes=[{"name": "root", "hostPath": {"path": "/"}}]), "only volumes of secret"),
        (agent(hostNetwork=True), "hostNetwork, hostPID and hostIPC"),
        (agent(hostPID=True), "hostNetwork, hostPID and hostIPC"),
        (agent(hostIPC=True), "hostNetwork, hostPID and hostIPC"),
        (with_container(agent(), ports=[{"containerPort": 80, "hostPort": 80}]), "hostPort is not allowed"),
        (with_container(agent(), image="rancher/k3s-evil:1"), "allowed: rancher/k3s"),
        (with_container(agent(), image="rancher/k3s:5000/evil"), "allowed: rancher/k3s"),
        (agent(initContainers=[{"name": "i", "image": "rancher/k3s:v1"}]), "exactly one container"),
        (agent(nodeName="gpu-a-1"), "must go through the scheduler"),
        (
            agent(volumes=[{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
            "service account's token",
        ),
    ],
)
def test_admission_refuses(kube: Kube, strict: str, pod: dict[str, Any], words: str) -> None:
    message = refused(kube, strict, pod)
    assert POLICY in message
    assert words in message


def test_admission_lets_k3k_in(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    a, b = new(), new()
    digest = "rancher/k3s@sha256:" + "0" * 64
    guard({"tenant": a}, {"tenant": b, "admission": {"mode": "warn"}})
    eventually("policy active", lambda: POLICY in refused(kube, a, agent(hostPID=True)))
    for pod in (agent(), with_container(agent(), image=digest), with_container(agent(), image="rancher/k3s")):
        assert refused(kube, a, pod) == ""
    # a namespace in mode warn lets foreign pods in; an exact tag allows no other
    assert refused(kube, b, agent(hostPID=True)) == ""
    guard({"tenant": a, "admission": {"images": ["rancher/k3s:v1.34.4-k3s1"]}})
    eventually("new images known", lambda: POLICY in refused(kube, a, with_container(agent(), image="rancher/k3s:v1")))
    assert refused(kube, a, agent()) == ""


def test_a_virtual_cluster_starts_inside_the_fence(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    tenant = new()
    namespace, path = f"/api/v1/namespaces/t-{tenant}", f"{CLUSTERS.format(f't-{tenant}')}/{tenant}"
    guard({"tenant": tenant})
    head = {"apiVersion": "k3k.io/v1beta1", "kind": "VirtualClusterPolicy", "metadata": {"name": f"t-{tenant}"}}
    spec = {"allowedMode": "virtual", "disableNetworkPolicy": True, "podSecurityAdmissionLevel": "privileged"}
    kube.create(POLICIES, {**head, "spec": spec})
    head = {"apiVersion": "k3k.io/v1beta1", "kind": "Cluster", "metadata": {"name": tenant}}
    spec = {"mode": "virtual", "agents": 1, "persistence": {"type": "ephemeral"}}
    try:
        kube.create(path.rpartition("/")[0], {**head, "spec": spec})
        eventually("server and agent run", lambda: phases(kube, tenant) == ["Running", "Running"])
        # k3k's policy controller labels the namespace meanwhile: no fight over it
        level = "pod-security.kubernetes.io/enforce"
        eventually("labelled", lambda: level in kube.get(namespace)["metadata"]["labels"])
        assert not guard({"tenant": tenant})["changed"]
        error = guard({"tenant": tenant, "state": "absent"})
        assert error["failed"]
        assert f"still holds the virtual cluster {tenant}" in error["msg"]
        assert kube.get(namespace)["status"]["phase"] == "Active"
    finally:
        kube.delete(path)
        eventually("cluster gone", lambda: kube.get(path) is None)
        kube.delete(f"{POLICIES}/t-{tenant}")


def test_ways_out_come_and_go(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    tenant = new()
    way = {"cidr": "203.0.113.10/32", "ports": [443, "8000-8100"], "why": "registry"}
    networks = {"node_cidrs": ["192.0.2.0/24"]}
    guard(
        {"tenant": tenant, "network": {"allow_egress": [way], "internet": True, "expose": "node_port"}},
        networks=networks,
    )
    found = policies(kube, tenant)
    rule = found["allow-egress"]["spec"]["egress"][0]
    assert rule["to"] == [{"ipBlock": {"cidr": "203.0.113.10/32"}}]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}, {"port": 8000, "endPort": 8100, "protocol": "TCP"}]
    block = found["allow-internet"]["spec"]["egress"][0]["to"][0]["ipBlock"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24"} <= set(block["except"])
    assert found["allow-nodes"]["spec"]["ingress"][0]["from"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]

    planned = guard({"tenant": tenant}, check=True, diff=True)
    removed = {(action, name) for action, _kind, name in actions(planned)}
    assert removed == {("remove", "allow-egress"), ("remove", "allow-internet"), ("remove", "allow-nodes")}
    assert {step["reason"] for step in planned["results"][0]["actions"]} == {"no longer declared"}
    assert all(entry["after"] == {} for entry in planned["diff"])
    guard({"tenant": tenant})
    assert set(policies(kube, tenant)) == {"default-deny", "allow-tenant", "allow-dns", "allow-controller"}


def test_repairs_and_names_what_is_not_ours(guard: Guard, kube: Kube, lab: Lab, new: Callable[[], str]) -> None:
    tenant = new()
    guard({"tenant": tenant})
    path = f"/apis/networking.k8s.io/v1/namespaces/t-{tenant}/networkpolicies"
    kube.delete(f"{path}/default-deny")
    hole = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}
    kube.create(
        path,
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "hole"}, "spec": hole},
    )
    info = run_module("tenant_guard_info", {"kubeconfig": str(lab.kubeconfig), "tenants": [tenant, "tg-none"]})
    seen, missing = info["results"]
    assert not seen["fenced"]
    assert any("no NetworkPolicy denies both directions" in gap for gap in seen["gaps"])
    assert any("hole" in gap for gap in seen["gaps"])
    assert missing == {"item": "tg-none", "changed": False, "actions": [], "exists": False}

    repaired = guard({"tenant": tenant})
    assert actions(repaired) == [("create", "NetworkPolicy", "default-deny")]
    assert repaired["results"][0]["foreign_network_policies"] == ["hole"]
    assert "hole" in str(repaired["warnings"])
    assert "hole" in policies(kube, tenant), "what is not ours is reported, not removed"


def test_a_change_by_hand_is_a_conflict_until_forced(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    tenant = new()
    guard({"tenant": tenant})
    kube.patch(
        f"/apis/networking.k8s.io/v1/namespaces/t-{tenant}/networkpolicies/default-deny",
        {"spec": {"policyTypes": ["Ingress"]}},
    )
    error = guard({"tenant": tenant})
    assert error["failed"]
    assert error["results"][0]["error"]["code"] == "conflict"
    assert "force_conflicts" in error["msg"]
    assert guard({"tenant": tenant}, force_conflicts=True)["changed"]
    assert not guard({"tenant": tenant})["changed"]


def test_removal_waits_and_touches_only_its_own(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    a, b = new(), new()
    guard({"tenant": a})
    kube.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"t-{b}"}})
    result = guard({"tenant": a, "state": "absent"}, {"tenant": b, "state": "absent"})
    assert result["failed"]
    mine, foreign = result["results"]
    assert mine["changed"]
    assert "NetworkPolicy default-deny" in mine["actions"][0]["reason"]
    assert kube.get(f"/api/v1/namespaces/t-{a}") is None, "the module did not wait"
    assert foreign["error"]["code"] == "refused"
    assert kube.get(f"/api/v1/namespaces/t-{b}") is not None
    assert not guard({"tenant": a, "state": "absent"})["changed"]


def test_a_removal_that_hangs_says_why(guard: Guard, kube: Kube, new: Callable[[], str]) -> None:
    tenant = new()
    guard({"tenant": tenant})
    path = f"/api/v1/namespaces/t-{tenant}/configmaps"
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["test.example/hold"]}}
    kube.create(path, held)
    try:
        result = guard({"tenant": tenant, "state": "absent"}, wait_timeout=8, wait_sleep=1)
        assert result["failed"]
        assert "test.example/hold" in result["msg"]
    finally:
        kube.patch(f"{path}/held", {"metadata": {"finalizers": None}})


def test_every_mistake_at_once_and_nothing_changed(guard: Guard, kube: Kube) -> None:
    error = guard(
        {
            "tenant": "tg-a",
            "network": {"expose": "load_balancer", "allow_egress": [{"cidr": "0.0.0.0/0", "ports": [443]}]},
        },
        {"tenant": "tg-a", "network": {"allow_egress": [{"cidr": "10.42.1.0/24", "ports": [0]}]}},
        {"tenant": "tg-b", "namespace": "kube-system", "labels": {"policy.k3k.io/policy-name": "x"}},
        {"tenant": "Bad", "limit_range": {"default": {"nvidia.com/gpu": 1}}},
    )
    assert error["failed"]
    assert not error["changed"]
    fields = {problem["field"] for problem in error["error"]["problems"]}
    assert {
        "networks.node_cidrs",
        "tenants[tg-a].network.allow_egress[0].cidr",
        "tenants[tg-a].network.allow_egress[0].ports",
        "tenants[tg-a].tenant",
        "tenants[tg-b].namespace",
        "tenants[tg-b].labels.policy.k3k.io/policy-name",
        "tenants[Bad].tenant",
        "tenants[Bad].limit_range.default.nvidia.com/gpu",
    } <= fields
    assert kube.get("/api/v1/namespaces/t-tg-a") is None
