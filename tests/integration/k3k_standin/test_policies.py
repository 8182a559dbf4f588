# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a policy does to its namespaces and their Clusters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.k3k_host import POLICIES, POLICY_LABEL, Kube, Tenant, eventually

pytestmark = pytest.mark.lab

AFFINITY = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 1,
                "preference": {
                    "matchExpressions": [{"key": "ai-tenancy.platform/pool", "operator": "In", "values": ["cpu"]}]
                },
            }
        ]
    }
}


def test_policy_with_affinity_restarts_the_servers(tenant: Callable[..., Tenant], policy: Callable[..., str]) -> None:
    """The policy's affinity arrives after the first Ready: the servers restart, an ephemeral tenant is new again."""
    acme = tenant("gold", **{POLICY_LABEL: policy("it-gold", allowedMode="virtual", defaultServerAffinity=AFFINITY)})
    eventually(
        "policy in force",
        lambda: acme.kube.get(f"/apis/networking.k8s.io/v1/namespaces/{acme.namespace}/networkpolicies/k3k-it-gold"),
    )
    with acme.history() as history:
        acme.create()
        first = acme.wait("Ready")
        authority = acme.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"]
        eventually("second generation", lambda: acme.stateful_set()["metadata"]["generation"] == 2)
        acme.wait_settled()
    assert history.phases() == ["Unknown", "Provisioning", "Failed", "Ready", "Provisioning", "Ready"]
    assert first.at < history.states[-1].at
    assert acme.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"] != authority
    assert acme.stateful_set()["spec"]["template"]["spec"]["affinity"] == AFFINITY
    assert acme.get()["spec"].get("serverAffinity") is None


def test_policy_without_affinity_restarts_nothing(
    tenant: Callable[..., Tenant], policy: Callable[..., str], kube: Kube
) -> None:
    """Quota, limits, pod security: objects per namespace as observed; unbinding and deleting take back what is said."""
    name = policy(
        "it-plain",
        allowedMode="virtual",
        quota={"hard": {"pods": "10"}},
        podSecurityAdmissionLevel="privileged",
        limit={"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}}]},
    )
    acme = tenant("plain", **{POLICY_LABEL: name, "pod-security.kubernetes.io/warn": "restricted"})
    acme.create()
    acme.wait_settled()
    assert acme.stateful_set()["metadata"]["generation"] == 1
    status = acme.get()["status"]
    assert (status["policyName"], status["policy"]["name"]) == (name, name)
    assert status["policy"]["sync"]["services"] == {"enabled": True}
    for path in policy_objects(acme, name):
        meta = kube.get(path)["metadata"]
        assert meta["labels"] == {"app.kubernetes.io/managed-by": "k3k-policy-controller", POLICY_LABEL: name}
        assert meta["ownerReferences"][0]["kind"] == "VirtualClusterPolicy"
    assert pod_security(acme) == {"enforce": "privileged", "enforce-version": "latest"}, "others are deleted"
    assert "status" not in kube.get(f"{POLICIES}/{name}")

    quota = policy_objects(acme, name)[0]
    kube.delete(quota)
    eventually("quota recreated", lambda: kube.get(quota), 10)
    kube.patch(f"/api/v1/namespaces/{acme.namespace}", {"metadata": {"labels": {POLICY_LABEL: None}}})
    eventually("unbound", lambda: not any(kube.get(path) for path in policy_objects(acme, name)), 20)
    eventually("status.policy gone", lambda: "policy" not in acme.get()["status"], 20)
    own = f"/apis/networking.k8s.io/v1/namespaces/{acme.namespace}/networkpolicies/k3k-plain"
    eventually("own network policy", lambda: kube.get(own), 20)
    assert pod_security(acme) == {"enforce": "privileged", "enforce-version": "latest"}, "stay when unbound"

    kube.patch(f"/api/v1/namespaces/{acme.namespace}", {"metadata": {"labels": {POLICY_LABEL: name}}})
    eventually("bound again", lambda: all(kube.get(path) for path in policy_objects(acme, name)), 20)
    kube.delete(f"{POLICIES}/{name}")
    eventually("policy gone", lambda: kube.get(f"{POLICIES}/{name}") is None, 20)
    eventually("its objects gone", lambda: not any(kube.get(path) for path in policy_objects(acme, name)), 20)
    assert pod_security(acme) == {}, "go with the policy"
    assert POLICY_LABEL not in kube.get(f"/api/v1/namespaces/{acme.namespace}")["metadata"]["labels"]


def policy_objects(acme: Tenant, policy: str) -> list[str]:
    core, network = f"/api/v1/namespaces/{acme.namespace}", f"/apis/networking.k8s.io/v1/namespaces/{acme.namespace}"
    return [
        f"{core}/resourcequotas/k3k-{policy}",
        f"{core}/limitranges/k3k-{policy}",
        f"{network}/networkpolicies/k3k-{policy}",
    ]


def pod_security(acme: Tenant) -> dict[str, str]:
    labels = acme.kube.get(f"/api/v1/namespaces/{acme.namespace}")["metadata"]["labels"]
    prefix = "pod-security.kubernetes.io/"
    return {key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)}


def test_parked_cluster_starts_when_its_policy_goes(
    tenant: Callable[..., Tenant], policy: Callable[..., str], kube: Kube
) -> None:
    """A missing policy is a failure, a forbidden mode parks the Cluster, and deleting the policy lets it start."""
    acme = tenant("parked", **{POLICY_LABEL: "it-shared"})
    acme.create()
    acme.wait("Failed", 'VirtualClusterPolicy.k3k.io "it-shared" not found')
    assert acme.get()["status"]["policyName"] == "it-shared"
    policy("it-shared", allowedMode="shared")
    seen = acme.wait("Pending")
    assert seen.message == 'cluster validation error: mode "virtual" is not allowed by the policy "it-shared"'
    eventually("status.policy", lambda: acme.get()["status"].get("policy"))
    assert not acme.pods("role=server")
    kube.delete(f"{POLICIES}/it-shared")
    acme.wait("Ready")
