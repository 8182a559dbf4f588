# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in load balancer: kube-vip holds one address on whichever server leads (kube-vip documentation, ARP mode).

It runs as a DaemonSet that RKE2's own manifest folder brings up, so it needs no package and no other host. The address
moves; connections are not spread. Both ports, the API's and the supervisor's, listen on every server, so both come along.
"""

from __future__ import annotations

from typing import Any

from . import yamltext
from .places import API_PORT

FILE_NAME = "ai-tenancy-kube-vip.yaml"
_NAME = "kube-vip"
_LABELS = {"app.kubernetes.io/name": _NAME, "app.kubernetes.io/managed-by": "ai-tenancy"}


def manifest(address: str, interface: str, image: str) -> str:
    """Return the documents. address: the virtual one. interface: name of the network card; empty to let it choose."""
    documents = (_account(), _role(), _binding(), _daemon_set(address, interface, image))
    return "---\n".join(yamltext.dump(document) for document in documents)


def _meta(namespace: str = "kube-system") -> dict[str, Any]:
    return {"name": _NAME, **({"namespace": namespace} if namespace else {}), "labels": _LABELS}


def _account() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta()}


def _role() -> dict[str, Any]:
    rules = [
        {"apiGroups": [""], "resources": ["services/status"], "verbs": ["update"]},
        {"apiGroups": [""], "resources": ["services", "endpoints"], "verbs": ["list", "get", "watch", "update"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "get", "watch", "update", "patch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["list", "get", "watch", "update", "create"],
        },
    ]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": _meta(""), "rules": rules}


def _binding() -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _meta(""),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _NAME},
        "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": "kube-system"}],
    }


def _daemon_set(address: str, interface: str, image: str) -> dict[str, Any]:
    environment = {
        "address": address,
        "port": str(API_PORT),
        "vip_arp": "true",
        "cp_enable": "true",
        "cp_namespace": "kube-system",
        "svc_enable": "false",
        "vip_leaderelection": "true",
        "vip_leaseduration": "5",
        "vip_renewdeadline": "3",
        "vip_retryperiod": "1",
        "vip_cidr": "128" if ":" in address else "32",
        **({"vip_interface": interface} if interface else {}),
    }
    container = {
        "name": _NAME,
        "image": image,
        "args": ["manager"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}},
    }
    pod = {
        "serviceAccountName": _NAME,
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "nodeSelector": {"node-role.kubernetes.io/control-plane": "true"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
    }
    spec = {
        "selector": {"matchLabels": {"app.kubernetes.io/name": _NAME}},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": _meta(), "spec": spec}
