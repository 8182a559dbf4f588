# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds this collection reads and writes, with their fixed paths: no discovery, so no extra requests."""

from __future__ import annotations

from dataclasses import dataclass

CORE, APPS, NETWORKING = "v1", "apps/v1", "networking.k8s.io/v1"
RBAC, ADMISSION, K3K = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1", "k3k.io/v1beta1"


@dataclass(frozen=True)
class Kind:
    """One kind. name: C(ResourceQuota). api_version: C(v1) or C(group/version). plural: as in the path."""

    name: str
    api_version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "") -> str:
        """The request path; without C(name) that of the collection, without C(namespace) over all namespaces."""
        root = "/api" if "/" not in self.api_version else "/apis"
        parts = [root, self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


_ALL = (
    Kind("Namespace", CORE, "namespaces", False),
    Kind("Node", CORE, "nodes", False),
    Kind("Pod", CORE, "pods"),
    Kind("Event", CORE, "events"),
    Kind("Secret", CORE, "secrets"),
    Kind("Service", CORE, "services"),
    Kind("ServiceAccount", CORE, "serviceaccounts"),
    Kind("ConfigMap", CORE, "configmaps"),
    Kind("ResourceQuota", CORE, "resourcequotas"),
    Kind("LimitRange", CORE, "limitranges"),
    Kind("PersistentVolumeClaim", CORE, "persistentvolumeclaims"),
    Kind("PersistentVolume", CORE, "persistentvolumes", False),
    Kind("StatefulSet", APPS, "statefulsets"),
    Kind("Deployment", APPS, "deployments"),
    Kind("ReplicaSet", APPS, "replicasets"),
    Kind("Lease", "coordination.k8s.io/v1", "leases"),
    Kind("NetworkPolicy", NETWORKING, "networkpolicies"),
    Kind("Ingress", NETWORKING, "ingresses"),
    Kind("IngressClass", NETWORKING, "ingressclasses", False),
    Kind("ClusterRole", RBAC, "clusterroles", False),
    Kind("ClusterRoleBinding", RBAC, "clusterrolebindings", False),
    Kind("Role", RBAC, "roles"),
    Kind("RoleBinding", RBAC, "rolebindings"),
    Kind("ValidatingAdmissionPolicy", ADMISSION, "validatingadmissionpolicies", False),
    Kind("ValidatingAdmissionPolicyBinding", ADMISSION, "validatingadmissionpolicybindings", False),
    Kind("CertificateSigningRequest", "certificates.k8s.io/v1", "certificatesigningrequests", False),
    Kind("DeviceClass", "resource.k8s.io/v1", "deviceclasses", False),
    Kind("StorageClass", "storage.k8s.io/v1", "storageclasses", False),
    Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    Kind("Cluster", K3K, "clusters"),
    Kind("VirtualClusterPolicy", K3K, "virtualclusterpolicies", False),
)
_BY_NAME = {kind.name: kind for kind in _ALL}


def kind_of(name: str) -> Kind:
    """The kind called C(name); KeyError for a kind this collection does not handle."""
    return _BY_NAME[name]
