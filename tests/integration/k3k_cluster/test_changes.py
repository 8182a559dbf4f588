# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Changes: other writers (trap 11), agents with accelerators, what cannot change, older k3k (TEN-7, X-7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.k3k_homes import GPUS, VERSION, Home, good, only, wish
from tests.integration.k3k_host import Kube, eventually

pytestmark = pytest.mark.lab


def test_exposure_is_switched_whoever_set_it(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    """k3kcli always sets nodePort; the API allows one kind only, and server-side apply leaves what is not ours."""
    tenant = home("expose")
    tenant.make_namespace()
    tenant.create(version=VERSION, expose={"nodePort": {"serverPort": 31877}}, persistence={
        "type": "dynamic", "storageClassName": "longhorn", "storageRequestSize": "5Gi"})  # fmt: skip
    switched = wish(tenant, expose={"type": "load_balancer"}, server_limit=None)
    said = only(k3k([switched], check=True))
    done = good(k3k([switched]))
    assert said["actions"] == done["actions"]
    assert "error" not in said
    assert tenant.get()["spec"]["expose"] == {"loadBalancer": {}}
    assert tenant.service()["spec"]["type"] == "LoadBalancer"
    for options, kind in (
        ({"type": "node_port", "server_port": 31878}, "NodePort"),
        ({"type": "ingress", "ingress_class_name": "nginx"}, "ClusterIP"),
        ({"type": "none"}, "ClusterIP"),
    ):
        given = wish(tenant, expose=options, tls_sans=["kc-expose.example.com"], server_limit=None)
        item = good(k3k([given]))
        assert item["node_port"] == options.get("server_port")
        assert tenant.service()["spec"]["type"] == kind
        assert k3k([given])["changed"] is False
    assert not tenant.get()["spec"].get("expose")


def test_conflict_names_the_other_manager(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    tenant = home("conflict")
    good(k3k([wish(tenant)]))
    body = {"apiVersion": "k3k.io/v1beta1", "kind": "Cluster", "metadata": {"name": tenant.name}, "spec": {"agents": 1}}
    kube.request("PATCH", f"{tenant.path}?fieldManager=gitops&force=true", body, "application/apply-patch+yaml")
    refused = only(k3k([wish(tenant, agents=2)]))
    assert refused["error"]["code"] == "conflict"
    assert "gitops" in refused["error"]["next_step"]
    assert only(k3k([wish(tenant, agents=2)], force_conflicts=True))["agents"]["ready"] == 2


def test_gpu_agents_go_before_they_come_back(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    """The quota has room for exactly these agents; a rolling update would never end (TEN-7)."""
    tenant = home("gpus")
    tenant.make_namespace()
    kube.create(f"/api/v1/namespaces/{tenant.namespace}/resourcequotas", {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "accel-quota"},
        "spec": {"hard": {"requests.nvidia.com/gpu": "8"}},
    })  # fmt: skip
    assert only(k3k([wish(tenant, agents=2, worker_limit=GPUS)]))["agents"]["ready"] == 2
    changed = wish(tenant, agents=2, worker_limit={**GPUS, "memory": "16Gi"})
    refused = only(k3k([changed]))
    assert refused["error"]["code"] == "refused"
    assert "ends every job" in refused["error"]["message"]
    seen: set[int] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.add(len(tenant.pods("type=agent")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = only(k3k([changed], allow_disruptive=True))
    stop.set()
    watcher.join()
    assert done["ready"] is True, done
    assert [step["reason"].split(",")[0] for step in done["actions"]] == ["agents 2 -> 0", "agents 0 -> 2"]
    assert 0 in seen
    assert max(seen) == 2
    # fewer agents: the module returns when their pods are gone, so that the quota can be lowered next
    good(k3k([{**changed, "agents": 1}]))
    assert len(tenant.pods("type=agent")) == 1


def test_what_cannot_change_is_never_tried(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    tenant = home("fixed")
    good(k3k([wish(tenant)]))
    before = tenant.get()["metadata"]["generation"]
    same = wish(tenant, persistence={"storage_class_name": "longhorn", "storage_request_size": "5120Mi"})
    assert k3k([same])["changed"] is False
    for options, field, old in (
        (
            {"persistence": {"storage_class_name": "other", "storage_request_size": "5Gi"}},
            "storageClassName",
            "longhorn",
        ),
        (
            {"persistence": {"storage_class_name": "longhorn", "storage_request_size": "6Gi"}},
            "storageRequestSize",
            "5Gi",
        ),
        ({"persistence": {"type": "ephemeral"}}, "persistence.type", "dynamic"),
        ({"cluster_cidr": "10.99.0.0/16"}, "clusterCIDR", "unset"),
        ({"version": "v1.36.0-k3s1"}, "version", "v1.34.4-k3s1"),
        ({"version": "v1.33.9-k3s1"}, "downgrade", "v1.34.4-k3s1"),
    ):
        item = only(k3k([wish(tenant, **options)]))
        assert item["error"]["code"] == "refused"
        assert field in item["error"]["message"]
        assert old in item["error"]["message"]
    assert tenant.get()["metadata"]["generation"] == before


def test_field_that_the_installed_k3k_does_not_know(
    home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube
) -> None:
    """An older CRD would drop the field without a word; strict validation names it."""
    tenant = home("old-crd")
    good(k3k([wish(tenant)]))
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.k3k.io"
    fields = f"{path}?fieldValidation=Strict"
    crd = kube.get(path)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    removed = schema.pop("podSecurityContext")
    kube.request("PUT", fields, crd)
    try:
        wanted = wish(tenant, pod_security_context={"fsGroup": 1000})

        def refused() -> dict[str, Any]:
            item = only(k3k([wanted], check=True))  # the API server takes a moment to serve the other schema
            return item if item.get("error") else {}

        error = eventually("the older schema", refused)["error"]
        assert "podSecurityContext" in error["next_step"]
        assert error["code"] == "refused"
    finally:
        crd = kube.get(path)
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        schema["podSecurityContext"] = removed
        kube.request("PUT", fields, crd)


def test_crash_between_the_two_halves_converges(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """A run that was killed with the agents at 0 leaves nothing that the next one does not finish (X-7)."""
    tenant = home("crash")
    good(k3k([wish(tenant, agents=2, worker_limit=GPUS)]))
    k3k([wish(tenant, agents=0, worker_limit=GPUS)])
    again = only(k3k([wish(tenant, agents=2, worker_limit={**GPUS, "cpu": "6"})]))
    assert again["agents"]["ready"] == 2
