# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What belongs to a tenant is found by label, by namespace and by reference (TEN-9)."""

from __future__ import annotations

from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.belongings import belongings


def thing(kind: str, name: str, namespace: str = "", tenant: str = "", **fields: Any) -> dict[str, Any]:
    labels = {"ai-tenancy.platform/tenant": tenant} if tenant else {}
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, **fields}


def test_everything_of_the_tenant_and_nothing_of_others() -> None:
    found = belongings(
        "acme",
        "t-acme",
        [
            thing("VirtualClusterPolicy", "t-acme", tenant="acme"),
            thing("VirtualClusterPolicy", "t-b", tenant="b"),
            thing("Namespace", "t-acme"),
            thing("Pod", "x", "t-acme"),
            thing("Pod", "x", "t-b"),
            thing("ConfigMap", "kube-root-ca.crt", "t-acme"),
            thing("ClusterRoleBinding", "k3k-kubelet-node", subjects=[{"namespace": "t-acme"}]),
            thing("ClusterRoleBinding", "k3k-priorityclass", subjects=[{"namespace": "t-b"}]),
            thing("PersistentVolume", "pv1", spec={"claimRef": {"namespace": "t-acme"}}),
        ],
    )
    assert [(item.kind, item.name, item.found_by) for item in found] == [
        ("ClusterRoleBinding", "k3k-kubelet-node (subject in t-acme)", "reference"),
        ("Namespace", "t-acme", "namespace"),
        ("PersistentVolume", "pv1", "reference"),
        ("Pod", "x", "namespace"),
        ("VirtualClusterPolicy", "t-acme", "label"),
    ]


def test_a_retained_volume_says_why() -> None:
    volume = thing(
        "PersistentVolume", "pv1", spec={"claimRef": {"namespace": "t-a"}, "persistentVolumeReclaimPolicy": "Retain"}
    )
    assert belongings("a", "t-a", [volume])[0].as_dict()["retained"] == "its reclaim policy is Retain"
