# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What tests of k3k_cluster share: a tenant called as the module calls it, and one item of the module's input."""

from __future__ import annotations

from typing import Any

from tests.integration.k3k_host import CLUSTERS, POLICIES, Kube, Tenant, eventually

VERSION = "v1.34.4-k3s1"
GPUS = {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": 4}


class Home(Tenant):
    """A tenant of these tests: the namespace is called as the module calls it."""

    def __init__(self, kube: Kube, name: str) -> None:
        super().__init__(kube, name)
        self.namespace = f"t-{name}"
        self.path = f"{CLUSTERS.format(self.namespace)}/{name}"
        self.policy = f"{POLICIES}/{self.namespace}"

    def claims(self) -> dict[str, str]:
        """Name and uid of each volume claim of the servers."""
        found = self.kube.items(f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims")
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}

    def free(self) -> None:
        """Wait until nothing of an earlier run is left: the last steps of a namespace take 15 s."""
        path = f"/api/v1/namespaces/{self.namespace}"
        eventually(f"namespace {self.namespace} free", lambda: self.kube.get(path) is None)

    def clear(self) -> None:
        """Delete everything. The namespace is not waited for: names are used once in a run."""
        self.kube.delete(self.path)
        eventually(f"cluster {self.name} gone", lambda: self.get() is None)
        self.kube.delete(f"/api/v1/namespaces/{self.namespace}")
        self.kube.delete(self.policy)


def wish(tenant: Tenant, **options: Any) -> dict[str, Any]:
    """One item, by the options a user gives."""
    storage = {"storage_class_name": "longhorn", "storage_request_size": "5Gi"}
    return {
        "tenant": tenant.name, "version": VERSION, "create_namespace": True, "persistence": storage,
        "server_limit": {"cpu": "1", "memory": "2Gi"}, **options,
    }  # fmt: skip


def only(result: dict[str, Any]) -> dict[str, Any]:
    """The single item of a result."""
    assert len(result.get("results", [])) == 1, result
    item: dict[str, Any] = result["results"][0]
    return item


def good(result: dict[str, Any]) -> dict[str, Any]:
    """The single item of a result, which must be ready and without an error."""
    item = only(result)
    assert item["ready"] is True, result.get("msg")
    assert "error" not in item, result["msg"]
    return item


def actions(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["action"], step["kind"]) for step in item["actions"]]
