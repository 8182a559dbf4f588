# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""gpu_quota and gpu_quota_info against a real API server, quota controller and scheduler (TEN-4, TEN-7, X-1, X-4, X-6).

Agents are a Deployment with the name that k3k gives it, so that the real controllers, the admission policy and the quota
decide; the nodes and their devices are kwok's.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.helpers import run_module
from tests.integration.k3k_host import Kube, Refused, eventually
from tests.lab import Lab

pytestmark = pytest.mark.lab

GPU, MIG, AMD = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu"
KEY = f"requests.{GPU}"

Module = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def kube(lab: Lab) -> Kube:
    return Kube.from_file(lab.kubeconfig)


@pytest.fixture(scope="module")
def grant(lab: Lab) -> Module:
    def call(*quotas: dict[str, Any], check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        args = {"kubeconfig": str(lab.kubeconfig), "quotas": list(quotas), **options}
        return run_module("gpu_quota", args, check, diff)

    return call


@dataclass
class Home:
    """A tenant's namespace and what runs in it."""

    kube: Kube
    tenant: str

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/t-{self.tenant}"

    def quota(self, name: str = "accel-quota") -> Any:
        return self.kube.get(f"{self.path}/resourcequotas/{name}")

    def hard(self, name: str = "accel-quota") -> dict[str, str]:
        return dict(self.quota(name)["spec"]["hard"])

    def running(self) -> int:
        pods = self.kube.items(f"{self.path}/pods")
        return sum(pod["status"].get("phase") == "Running" for pod in pods)

    def run_agents(self, agents: int, gpus: int, where: dict[str, str] | None = None) -> None:
        """Make a Deployment like k3k's agents and wait for its pods, or change the number of pods of the one there is.

        where: a node selector; nothing is waited for then.
        """
        name = f"k3k-{self.tenant}-agent"
        limits = {"cpu": "1", "memory": "1Gi", GPU: str(gpus)}
        container = {
            "name": "k3k-agent",
            "image": "rancher/k3s:v1.34.4-k3s1",
            "securityContext": {"privileged": True},
            "resources": {"limits": limits},
        }
        deployments = f"/apis/apps/v1/namespaces/t-{self.tenant}/deployments"
        if self.kube.get(f"{deployments}/{name}"):
            self.kube.patch(f"{deployments}/{name}", {"spec": {"replicas": agents}})
            return
        template = {
            "metadata": {"labels": {"cluster": self.tenant}},
            "spec": {"containers": [container], "nodeSelector": where or {}},
        }
        self.kube.create(
            deployments,
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name},
                "spec": {
                    "replicas": agents,
                    "selector": {"matchLabels": {"cluster": self.tenant}},
                    "template": template,
                },
            },
        )
        if where is None:
            eventually("agents run", lambda: self.running() == agents)

    def try_pod(self, **devices: int) -> str:
        """Dry-run a pod that k3k's agent Deployment could have made; returns the server's words when it is refused."""
        limits = {"cpu": "1m", "memory": "1Mi", **{name: str(count) for name, count in devices.items()}}
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"k3k-{self.tenant}-agent-1", "uid": "0"}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "one-more", "ownerReferences": [{**owner, "controller": True}]},
            "spec": {"containers": [{"name": "a", "image": "rancher/k3s:v1", "resources": {"limits": limits}}]},
        }
        try:
            self.kube.request("POST", f"{self.path}/pods?dryRun=All", pod)
        except Refused as answer:
            return f"{answer.status} {answer}"
        return ""


@pytest.fixture
def home(kube: Kube, lab: Lab) -> Iterator[Callable[[], Home]]:
    """A fenced-in tenant that nobody had before."""
    made: list[Home] = []

    def make() -> Home:
        made.append(Home(kube, f"gq-{secrets.token_hex(3)}"))
        run_module("tenant_guard", {"kubeconfig": str(lab.kubeconfig), "tenants": [{"tenant": made[-1].tenant}]})
        return made[-1]

    yield make
    for item in made:
        for name in ("accel-quota", "base-quota"):  # at once, so that the next test finds the capacity free
            kube.delete(f"{item.path}/resourcequotas/{name}")
        kube.delete(item.path)


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> dict[str, int]:
    """What the nodes have in all, by accelerator."""
    info = run_module("gpu_quota_info", {"kubeconfig": str(lab.kubeconfig)})
    return {name: numbers["allocatable"] for name, numbers in info["capacity"].items()}


def only(result: dict[str, Any]) -> dict[str, Any]:
    assert not result.get("failed"), result.get("msg")
    (item,) = result["results"]
    return dict(item)


def fields(result: dict[str, Any]) -> list[str]:
    return [field for step in result["results"][0]["actions"] for field in step.get("fields", ())]


def test_grants_and_then_nothing(grant: Module, home: Callable[[], Home], lab: Lab) -> None:
    one = home()
    base = {"cpu": "208", "memory": "1800Gi", "pods": 6, "storage": "2Ti", "objects": {"services.nodeports": 0}}
    wanted = {"tenant": one.tenant, "resources": {GPU: 16}, "base": {**base, "storage_classes": {"longhorn": "1Ti"}}}
    planned = only(grant(wanted, check=True))
    assert planned["changed"]
    assert one.quota() is None, "check mode wrote"
    done = only(grant(wanted))
    assert done["actions"] == planned["actions"]
    assert done["hard"][GPU] == 16
    assert done["used"][GPU] == 0
    assert done["available"][GPU] == 16
    assert done["clearml"] == {"report_max": 16, "max_resources": 16}
    assert one.quota()["status"]["hard"] == one.quota()["spec"]["hard"], "the module did not wait"
    hard = one.hard()
    # deny-unlisted: what nodes have and was not granted
    assert hard[KEY] == "16"
    assert hard[f"requests.{MIG}"] == "0"
    assert hard[f"requests.{AMD}"] == "0"
    assert hard["count/resourceclaims.resource.k8s.io"] == "0"
    assert hard["gpu.nvidia.com.deviceclass.resource.k8s.io/devices"] == "0"
    limits = one.hard("base-quota")
    assert limits["requests.cpu"] == limits["limits.cpu"] == "208"
    assert limits["longhorn.storageclass.storage.k8s.io/requests.storage"] == "1Ti"
    assert limits["unserved.storageclass.storage.k8s.io/requests.storage"] == "0", "naming classes denies the others"

    assert not grant(wanted)["changed"]
    same = {
        "cpu": "208000m",
        "memory": "1843200Mi",
        "pods": 6,
        "storage": "2048Gi",
        "objects": {"services.nodeports": 0},
    }
    assert not grant({**wanted, "base": {**same, "storage_classes": {"longhorn": "1024Gi"}}})["changed"]
    assert not grant({"tenant": one.tenant, "resources": {GPU: 16}})["changed"], "a base that is not given stays"
    info = run_module("gpu_quota_info", {"kubeconfig": str(lab.kubeconfig), "tenants": [one.tenant]})
    assert only(info)["guaranteed"] == {GPU: 16}
    assert only(info)["drifted"] == []
    dropped = grant({"tenant": one.tenant, "resources": {GPU: 16}, "base": {}})
    assert only(dropped)["actions"][0]["action"] == "remove"
    assert one.quota("base-quota") is None


def test_the_api_server_enforces_it(grant: Module, home: Callable[[], Home]) -> None:
    one = home()
    grant({"tenant": one.tenant, "resources": {GPU: 4}})
    eventually("quota enforced", lambda: one.try_pod(**{GPU: 5}))
    assert one.try_pod(**{GPU: 5}).startswith("403 ")
    assert "exceeded quota: accel-quota" in one.try_pod(**{GPU: 5})
    assert "exceeded quota: accel-quota" in one.try_pod(**{AMD: 1}), "an accelerator that was not granted"
    assert one.try_pod(**{GPU: 4}) == ""
    exactly = {"deviceClassName": "gpu.nvidia.com", "count": 1, "allocationMode": "ExactCount"}
    claim = {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": exactly}]}}, "metadata": {"name": "claim"}}
    path = f"/apis/resource.k8s.io/v1/namespaces/t-{one.tenant}/resourceclaims?dryRun=All"
    with pytest.raises(Refused, match="exceeded quota: accel-quota") as answer:
        one.kube.request("POST", path, {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", **claim})
    assert answer.value.status == 403
    one.run_agents(1, 4)
    assert "exceeded quota: accel-quota" in one.try_pod(**{GPU: 1})
    result = only(grant({"tenant": one.tenant, "resources": {GPU: 4}}))
    assert (result["used"][GPU], result["available"][GPU]) == (4, 0)


def test_lowering_below_use_is_refused_with_names(grant: Module, home: Callable[[], Home]) -> None:
    one, two = home(), home()
    grant({"tenant": one.tenant, "resources": {GPU: 8}}, {"tenant": two.tenant, "resources": {GPU: 1}})
    one.run_agents(2, 4)
    lower = {"tenant": one.tenant, "resources": {GPU: 4}}
    result = grant(lower, {"tenant": two.tenant, "resources": {GPU: 2}})
    assert result["failed"]
    assert result["results"][0]["error"]["code"] == "refused"
    assert "from 8 to 4 (8 in use)" in result["msg"]
    pods = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in one.kube.items(f"{one.path}/pods")}
    found = {item["pod"]: item["node"] for item in result["results"][0]["consumers"]}
    assert found == pods
    assert all(name in result["msg"] for name in pods)
    assert all(item["requests"] == {KEY: "4"} and item["since"] for item in result["results"][0]["consumers"])
    assert one.hard()[KEY] == "8"
    assert two.hard()[KEY] == "2", "a refused tenant stops no other"

    reported = grant({**lower, "on_reduce": "report"})
    assert not reported["changed"]
    assert only(reported)["pending_reduction"] == {KEY: {"from": "8", "to": "4", "used": "8"}}
    assert only(reported)["actions"][0]["action"] == "refuse"
    forced = only(grant({**lower, "on_reduce": "force"}))
    assert forced["over_quota"] == {GPU: 4}
    assert one.running() == 2, "pods that run are never touched"

    gone = {"tenant": one.tenant, "state": "absent"}
    error = grant(gone)
    assert error["failed"]
    assert error["results"][0]["consumers"]
    assert one.quota() is not None
    assert grant({**gone, "on_reduce": "force"})["changed"]
    assert one.quota() is None
    assert not grant(gone)["changed"]


def test_raise_first_lower_later(grant: Module, home: Callable[[], Home]) -> None:
    one = home()
    grant({"tenant": one.tenant, "resources": {GPU: 8}})
    one.run_agents(2, 4)
    shape = {"agents": 1, "worker_limit": {"cpu": "1", "memory": "1Gi", GPU: 4}}
    wanted = {"tenant": one.tenant, "resources": {GPU: 4, AMD: 2}, "cluster": shape}
    # a check of the two calls tells each limit once, and is not misled by agents that would be gone by then
    raised, lowered = grant(wanted, direction="raise", check=True), grant(wanted, direction="lower", check=True)
    assert [name for name in fields(raised) if "hard" in name] == [f"spec.hard.requests.{AMD}"]
    assert [name for name in fields(lowered) if "hard" in name] == [f"spec.hard.{KEY}"]
    assert not any("guaranteed" in name for name in fields(lowered))

    assert only(grant(wanted, direction="raise"))["pending_reduction"][KEY]["to"] == "4"
    assert (one.hard()[KEY], one.hard()[f"requests.{AMD}"]) == ("8", "2")
    assert not grant(wanted, direction="raise")["changed"]
    assert grant(wanted, direction="lower")["failed"], "the second agent is still there"
    one.run_agents(1, 4)
    assert only(grant(wanted, direction="lower"))["hard"][GPU] == 4
    for direction in ("raise", "lower", "both"):
        assert not grant(wanted, direction=direction)["changed"]


def test_lowering_waits_for_pods_that_leave(grant: Module, home: Callable[[], Home], kube: Kube) -> None:
    one = home()
    grant({"tenant": one.tenant, "resources": {GPU: 2}})
    # a node without kubelet: a pod on it that is deleted stays Terminating until it is removed by force
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"{one.tenant}-dead"}}
    kube.create("/api/v1/nodes", node)
    one.run_agents(1, 2, where={"nobody": "has-this-label"})
    pods = eventually("pod waits", lambda: kube.items(f"{one.path}/pods"))
    pod, target = pods[0]["metadata"]["name"], {"kind": "Node", "name": f"{one.tenant}-dead"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}
    kube.create(f"{one.path}/pods/{pod}/binding", binding)
    one.run_agents(0, 2)
    leaving = f"{one.path}/pods/{pod}"
    eventually("pod is leaving", lambda: kube.get(leaving)["metadata"].get("deletionTimestamp"))
    try:
        error = grant({"tenant": one.tenant, "resources": {GPU: 1}}, wait_timeout=2, wait_sleep=1)
        assert error["failed"]
        assert f"pod {pod} on {one.tenant}-dead, Terminating" in error["msg"]
        timer = threading.Timer(3, kube.delete, [f"{leaving}?gracePeriodSeconds=0"])
        timer.start()
        assert only(grant({"tenant": one.tenant, "resources": {GPU: 1}}, wait_timeout=60))["hard"][GPU] == 1
        timer.join()
    finally:
        kube.delete(f"{leaving}?gracePeriodSeconds=0")
        kube.delete(f"/api/v1/nodes/{one.tenant}-dead")


def test_more_than_the_nodes_have_writes_nothing(
    grant: Module, home: Callable[[], Home], nodes: dict[str, int]
) -> None:
    one, two = home(), home()
    half = nodes[AMD] // 2
    assert not grant({"tenant": one.tenant, "resources": {AMD: half}}).get("failed")
    # the other tenant is not in this call, but its promise counts
    error = grant({"tenant": two.tenant, "resources": {AMD: nodes[AMD] - half + 1, GPU: 1}})
    assert error["failed"]
    assert error["error"]["code"] == "refused"
    for word in (AMD, f"{one.tenant} {half}", f"{two.tenant} {nodes[AMD] - half + 1}", f"{nodes[AMD]} on the nodes"):
        assert word in error["msg"]
    assert two.quota() is None, "nothing at all is written"
    check = grant({"tenant": two.tenant, "resources": {AMD: nodes[AMD]}}, check=True)
    assert check["failed"], "check mode tells the same"

    reserved = grant({"tenant": two.tenant, "resources": {AMD: 1}}, reserve={AMD: nodes[AMD] - half})
    assert reserved["failed"]
    assert "reserved" in reserved["msg"]
    over = {"tenant": two.tenant, "resources": {AMD: nodes[AMD]}, "guaranteed": {AMD: 1}}
    assert not grant(over, overcommit_ratio=2.0).get("failed")
    # what is broken already stops nothing that does not make it worse
    calm = grant({"tenant": one.tenant, "resources": {AMD: half, GPU: 1}})
    assert not calm.get("failed")
    assert AMD in str(calm["warnings"])
    assert not grant({"tenant": two.tenant, "resources": {AMD: nodes[AMD] + 1}}, capacity_check="warn").get("failed")


def test_agents_must_find_nodes(grant: Module, home: Callable[[], Home]) -> None:
    one, two = home(), home()
    pool = {"isolation": "dedicated", "nodes": ["gpu-a-1", "gpu-a-2"]}
    fits = {
        **pool,
        "tenant": one.tenant,
        "resources": {GPU: 16},
        "cluster": {"agents": 2, "worker_limit": {GPU: 8}},
    }
    error = grant({**fits, "resources": {GPU: 24}, "cluster": {"agents": 3, "worker_limit": {GPU: 8}}})
    assert error["failed"]
    assert "3 agents with 8 nvidia.com/gpu each" in error["msg"]
    done = only(grant(fits))
    assert done["placement"] == {"feasible": True, "needed": 2, "per_node_slots": {"gpu-a-1": 1, "gpu-a-2": 1}}
    assert (done["enforcement"], done["enforcement_reasons"]) == ("hard", [])
    # half a node each: the privileged agent sees the other half too
    half = {**fits, "resources": {GPU: 8}, "cluster": {"agents": 2, "worker_limit": {GPU: 4}}}
    assert only(grant(half, check=True))["enforcement"] == "accounting"
    # the same nodes for two tenants that were both promised to be alone
    both = grant(
        fits, {**fits, "tenant": two.tenant, "resources": {GPU: 8}, "cluster": {"agents": 1, "worker_limit": {GPU: 8}}}
    )
    assert both["failed"]
    assert "gpu-a-1, gpu-a-2" in both["msg"]


def test_foreign_pods_and_traps_are_told(
    grant: Module, home: Callable[[], Home], kube: Kube, nodes: dict[str, int]
) -> None:
    one = home()
    limits = {"limits": [{"type": "Container", "max": {GPU: "8"}}]}
    trap = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "trap"}, "spec": limits}
    kube.create(f"{one.path}/limitranges", trap)
    other = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "k3k-x"}, "spec": {"hard": {KEY: "2"}}}
    kube.create(f"{one.path}/resourcequotas", other)
    name = f"gq-{secrets.token_hex(3)}"
    container = {"name": "a", "image": "x", "resources": {"limits": {AMD: str(nodes[AMD])}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
    kube.create("/api/v1/namespaces/default/pods", pod)
    try:
        eventually(
            "foreign pod runs",
            lambda: kube.get(f"/api/v1/namespaces/default/pods/{name}")["status"].get("phase") == "Running",
        )
        result = grant({"tenant": one.tenant, "resources": {GPU: 4}})
        assert result["capacity"][AMD]["foreign_used"] == nodes[AMD]
        warnings = str(result["warnings"])
        assert f"LimitRange t-{one.tenant}/trap" in warnings
        assert f"ResourceQuota t-{one.tenant}/k3k-x" in warnings
        assert grant({"tenant": one.tenant, "resources": {GPU: 4, AMD: 1}})["failed"], "others hold all of them"
    finally:
        kube.delete(f"/api/v1/namespaces/default/pods/{name}")


def test_a_change_by_hand_is_seen(grant: Module, home: Callable[[], Home], lab: Lab) -> None:
    one = home()
    wanted = {"tenant": one.tenant, "resources": {GPU: 2}}
    grant(wanted)
    one.kube.patch(f"{one.path}/resourcequotas/accel-quota", {"spec": {"hard": {KEY: "20"}}})
    info = run_module("gpu_quota_info", {"kubeconfig": str(lab.kubeconfig), "tenants": [one.tenant]})
    assert only(info)["drifted"] == ["accel-quota"]
    error = grant(wanted)
    assert error["results"][0]["error"]["code"] == "conflict"
    assert grant(wanted, force_conflicts=True)["changed"]
    assert one.hard()[KEY] == "2"


def test_every_mistake_at_once_and_nothing_changed(grant: Module, home: Callable[[], Home]) -> None:
    one = home()
    error = grant(
        {"tenant": one.tenant, "resources": {GPU: "0.5", "limits.nvidia.com/gpu": 1, "gpu": 1, "cpu": 4}},
        {"tenant": one.tenant, "resources": {GPU: 4}, "guaranteed": {GPU: 5}},
        {"tenant": "gq-b", "resources": {GPU: 8}, "cluster": {"agents": 2, "worker_limit": {GPU: 8}}},
        {"tenant": "gq-c", "base": {"cpu": "-1", "pods": 2, "objects": {"pods": 1}}, "cluster": {"agents": 1}},
        overcommit_ratio=0,
        capacity_selector="a b c",
    )
    assert error["failed"]
    assert not error["changed"]
    found = {problem["field"] for problem in error["error"]["problems"]}
    assert {
        f"quotas[{one.tenant}].resources.{GPU}",
        f"quotas[{one.tenant}].resources.limits.nvidia.com/gpu",
        f"quotas[{one.tenant}].resources.gpu",
        f"quotas[{one.tenant}].guaranteed.{GPU}",
        f"quotas[{one.tenant}].tenant",
        f"quotas[gq-b].resources.{GPU}",
        "quotas[gq-c].base.cpu",
        "quotas[gq-c].base.pods",
        "quotas[gq-c].base.objects.pods",
        "overcommit_ratio",
        "capacity_selector",
    } <= found
    assert one.quota() is None
