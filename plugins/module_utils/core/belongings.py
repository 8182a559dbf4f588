# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What belongs to a tenant on the host cluster, found by label and by name: the proof of an offboarding (TEN-9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .names import LABEL_TENANT

#: Everything that this collection labels, host-wide.
LABELLED_KINDS = (
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "VirtualClusterPolicy",
    "Cluster",
    "Service",
    "Ingress",
)
#: What else lives in a tenant's namespace: made by k3k or by hand, so without our labels.
NAMESPACED_KINDS = (
    "Cluster",
    "StatefulSet",
    "Deployment",
    "Pod",
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "Secret",
    "ConfigMap",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "Role",
    "RoleBinding",
)
#: Kubernetes puts these into every namespace; they go with it.
_EVERYWHERE = (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))
#: The two bindings to which k3k adds a subject per virtual cluster, and takes it out again at deletion.
K3K_BINDINGS = ("k3k-kubelet-node", "k3k-priorityclass")


@dataclass(frozen=True, order=True)
class Belonging:
    """One thing of a tenant. found_by: C(label), C(namespace) or C(reference). retained: why it stays, or empty."""

    kind: str
    namespace: str
    name: str
    found_by: str
    retained: str = ""

    def as_dict(self) -> dict[str, str]:
        """The belonging as it stands in results and in the record."""
        result = {"kind": self.kind, "name": self.name, "found_by": self.found_by}
        if self.namespace:
            result["namespace"] = self.namespace
        if self.retained:
            result["retained"] = self.retained
        return result


def belongings(tenant: str, namespace: str, objects: Iterable[Mapping[str, Any]]) -> list[Belonging]:
    """Pick what belongs to the tenant out of C(objects) (the API's JSON form, of any kinds). Sorted, each once."""
    found: dict[tuple[str, str, str], Belonging] = {}
    for item in objects:
        belonging = _judge(tenant, namespace, item)
        if belonging is not None:
            found.setdefault((belonging.kind, belonging.namespace, belonging.name), belonging)
    return sorted(found.values())


def _judge(tenant: str, namespace: str, item: Mapping[str, Any]) -> Optional[Belonging]:
    metadata, kind = item["metadata"], item["kind"]
    name, home = metadata["name"], metadata.get("namespace", "")
    if (metadata.get("labels") or {}).get(LABEL_TENANT) == tenant:
        return Belonging(kind, home, name, "label")
    if home == namespace and (kind, name) not in _EVERYWHERE:
        return Belonging(kind, home, name, "namespace")
    if kind == "Namespace" and name == namespace:
        return Belonging(kind, "", name, "namespace")
    if kind == "PersistentVolume" and (item["spec"].get("claimRef") or {}).get("namespace") == namespace:
        keeps = item["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
        return Belonging(kind, "", name, "reference", "its reclaim policy is Retain" if keeps else "")
    if kind == "ClusterRoleBinding" and _has_subject(item.get("subjects") or [], namespace):
        return Belonging(kind, "", f"{name} (subject in {namespace})", "reference")
    return None


def _has_subject(subjects: Sequence[Mapping[str, Any]], namespace: str) -> bool:
    return any(subject.get("namespace") == namespace for subject in subjects)
