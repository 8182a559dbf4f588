# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Traps 1 to 5 of the k3k controller: Ready that is not, late policies, lost tenants, hidden causes, back-off (X-7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.helpers import run_module
from tests.integration.k3k_homes import GPUS, Home, actions, good, only, wish
from tests.integration.k3k_host import POLICIES, Kube
from tests.lab import Lab

pytestmark = pytest.mark.lab


def test_ready_is_not_believed_during_a_rollout(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """The phase says Ready when the patch is written and long after; the module returns with the new server running."""
    tenant = home("rollout")
    good(k3k([wish(tenant)]))
    old = tenant.server()["metadata"]["uid"]
    with tenant.history() as history:
        item = only(k3k([wish(tenant, server_args=["--disable=traefik", "--disable=servicelb"])]))
    assert item["ready"] is True
    assert history.phases()[0] == "Ready"  # the lie
    assert "Provisioning" in history.phases()
    assert history.phases()[-1] == "Ready"
    server = tenant.server()
    assert server["metadata"]["uid"] != old
    assert "--disable=traefik --disable=servicelb" in server["spec"]["containers"][0]["command"][-1]
    assert tenant.stateful_set()["status"]["readyReplicas"] == 1
    # what was taken away shows in no template field that could be missed, and is waited for all the same
    item = only(k3k([wish(tenant)]))
    assert item["ready"] is True
    assert "--disable" not in tenant.server()["spec"]["containers"][0]["command"][-1]


def test_agents_are_part_of_ready(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """Phase Ready says nothing of agents: one that no node has room for fails the item, with the scheduler's words."""
    tenant = home("agents")
    good(k3k([wish(tenant)]))
    item = only(k3k([wish(tenant, agents=1, worker_limit={**GPUS, "nvidia.com/gpu": 64})]))
    assert tenant.get()["status"]["phase"] == "Ready"
    assert item["ready"] is False
    assert item["error"]["code"] == "stuck"
    assert "Insufficient nvidia.com/gpu" in item["error"]["message"]
    assert "node_selector" in item["error"]["next_step"]


def test_policy_with_affinity(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    """A policy that reaches the templates restarts the fresh server; the module returns only after that."""
    tenant = home("affinity")
    terms = [{"matchExpressions": [{"key": "ai-tenancy.platform/pool", "operator": "In", "values": ["cpu"]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    kube.create(POLICIES, {
        "apiVersion": "k3k.io/v1beta1", "kind": "VirtualClusterPolicy", "metadata": {"name": tenant.namespace},
        "spec": {"allowedMode": "virtual", "defaultServerAffinity": affinity},
    })  # fmt: skip
    item = only(k3k([wish(tenant)]))
    assert item["ready"] is True
    assert any("defaultServerAffinity" in text for text in item["warnings"])
    assert tenant.server()["spec"]["affinity"] == affinity
    uid = tenant.server()["metadata"]["uid"]
    kubeconfig = tenant.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"]
    tenant.touch()
    tenant.wait_settled()
    assert tenant.server()["metadata"]["uid"] == uid
    assert tenant.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"] == kubeconfig
    # and the namespace was bound, with the policy in force, before the Cluster was made
    labels = kube.get(f"/api/v1/namespaces/{tenant.namespace}")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_ephemeral_tenant_is_not_lost_without_consent(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    tenant = home("ephemeral")
    ephemeral = {"type": "ephemeral"}
    good(k3k([wish(tenant, persistence=ephemeral)]))
    uid = tenant.server()["metadata"]["uid"]
    changed = wish(tenant, persistence=ephemeral, server_args=["--disable=traefik"])
    refused = only(k3k([changed]))
    assert refused["error"]["code"] == "refused"
    assert "loses everything" in refused["error"]["message"]
    assert "allow_disruptive" in refused["error"]["next_step"]
    assert tenant.server()["metadata"]["uid"] == uid
    # what does not reach the server's pod needs no consent
    good(k3k([wish(tenant, persistence=ephemeral, agents=1)]))
    assert tenant.server()["metadata"]["uid"] == uid
    allowed = only(k3k([{**changed, "agents": 1}], allow_disruptive=True))
    assert allowed["ready"] is True
    assert tenant.server()["metadata"]["uid"] != uid


def test_causes_are_named(home: Callable[[str], Home], k3k: Callable[..., Any], lab: Lab, kube: Kube) -> None:
    """Volume, quota of the agents (a condition) and of the servers (an event only); one run, none stops the others."""
    volume, agents, servers, good = (home(suffix) for suffix in ("no-volume", "no-agents", "no-servers", "good"))
    for tenant, hard in ((agents, {"requests.nvidia.com/gpu": "4"}), (servers, {"pods": "0"})):
        tenant.make_namespace()
        kube.create(f"/api/v1/namespaces/{tenant.namespace}/resourcequotas", {
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "accel-quota"}, "spec": {"hard": hard},
        })  # fmt: skip
    result = k3k([
        wish(volume, persistence={"storage_class_name": "nowhere"}),
        wish(agents, agents=2, worker_limit=GPUS),
        wish(servers),
        wish(good),
    ])  # fmt: skip
    items = {item["item"]: item for item in result["results"]}
    assert items[good.name]["ready"] is True
    assert "nowhere" in items[volume.name]["error"]["message"]
    assert "storage_class_name" in items[volume.name]["error"]["next_step"]
    assert "exceeded quota: accel-quota" in items[agents.name]["error"]["message"]
    assert "gpu_quota" in items[agents.name]["error"]["next_step"]
    assert "exceeded quota: accel-quota" in items[servers.name]["error"]["message"]

    info = run_module("k3k_cluster_info", {"kubeconfig": str(lab.kubeconfig), "tenants": [agents.name, servers.name]})
    seen = {item["item"]: item for item in info["results"]}
    assert set(seen) == {agents.name, servers.name}
    assert [cause["code"] for cause in seen[agents.name]["causes"]] == ["quota"]
    assert "quota" in [cause["code"] for cause in seen[servers.name]["causes"]]
    assert seen[agents.name]["agents"] == {"wanted": 2, "updated": 1, "ready": 1, "terminating": 0}


def test_failed_is_shaken_awake_when_the_cause_is_gone(
    home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube
) -> None:
    tenant = home("token")
    item = only(k3k([wish(tenant, token_secret="own-token")]))
    assert item["error"]["code"] == "stuck"
    assert 'Secret "own-token" not found' in item["error"]["message"]
    assert "Secret" in item["error"]["next_step"]
    kube.create(f"/api/v1/namespaces/{tenant.namespace}/secrets", {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own-token"}, "stringData": {"token": "0" * 32},
    })  # fmt: skip
    item = only(k3k([wish(tenant, token_secret="own-token")]))
    assert [step["fields"] for step in item["actions"]] in (
        [["metadata.annotations.ai-tenancy.platform/retry"]],
        [["spec.persistence"]],
        [],  # the controller was faster: this laboratory's back-off is a tenth of the real one
    )
    assert item["ready"] is True


def test_one_tick_of_failed_is_survived(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """Servers 3 to 1 shows Failed in passing, and leaves volumes with members that etcd has removed."""
    tenant = home("three")
    first = k3k([wish(tenant, servers=3)])
    assert only(first)["servers"]["ready"] == 3, first.get("msg")
    with tenant.history() as history:
        down = only(k3k([wish(tenant, servers=1)], failed_grace=1))
    assert down["ready"] is True
    assert "Failed" in history.phases()
    stale = tenant.claims()
    assert len(stale) == 3
    up = only(k3k([wish(tenant, servers=3)]))
    assert up["ready"] is True
    assert actions(up).count(("remove", "PersistentVolumeClaim")) == 2
    fresh = tenant.claims()
    kept = [name for name in stale if fresh[name] == stale[name]]
    assert kept == [f"varlibrancherk3s-k3k-{tenant.name}-server-0"]
