# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects as the API server would return them, for the tests of core/k3k and kube/k3k."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.facts import Facts
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import (
    ClusterRequest,
    parse_clusters,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.names import FIELD_MANAGER

Object = dict[str, Any]
VERSION = "v1.34.4-k3s1"


def request(**options: Any) -> ClusterRequest:
    """One parsed item; tenant acme and a version where nothing is said."""
    return parse_clusters([{"tenant": "acme", "version": VERSION, **options}])[0]


def fields_of(value: Any) -> Any:
    """The C(fieldsV1) tree of a value, lists as leaves."""
    return {f"f:{key}": fields_of(below) for key, below in value.items()} if isinstance(value, Mapping) else {}


def applied(body: Mapping[str, Any], live: Object | None = None) -> Object:
    """What a server-side apply of C(body) by us alone leaves: what we no longer send is gone, others' fields stay."""
    result = copy.deepcopy(dict(body))
    metadata = result["metadata"]
    owned = {
        "f:metadata": {"f:labels": fields_of(metadata.get("labels", {}))},
        "f:spec": fields_of(result.get("spec", {})),
    }
    metadata["managedFields"] = [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned}]
    metadata.update(uid="uid-1", generation=1, resourceVersion="7")
    if result["kind"] == "Cluster":
        # what the API server and the controller fill in
        result["spec"]["sync"] = {"services": {"enabled": True}}
        metadata["finalizers"] = ["cluster.k3k.io/finalizer"]
        result["status"] = copy.deepcopy((live or {}).get("status") or ready_status(metadata.get("namespace", "")))
    return result


def ready_status(policy: str) -> Object:
    """The status of a Cluster whose reconcile has passed."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Provisioned",
        "message": "Cluster successfully provisioned",
    }
    return {
        "phase": "Ready",
        "hostVersion": "v1.34.4",
        "clusterCIDR": "10.52.0.0/16",
        "serviceCIDR": "10.53.0.0/16",
        "policyName": policy,
        "policy": {"name": policy},
        "conditions": [condition],
    }


def namespace(name: str = "t-acme", **labels: str) -> Object:
    """A namespace that the policy controller has taken care of."""
    bound = {
        "policy.k3k.io/policy-name": name,
        "pod-security.kubernetes.io/enforce": "privileged",
        **labels,
    }
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": bound}}


def workload(kind: str, name: str, replicas: int, pod: Object, **status: Any) -> Object:
    """A StatefulSet or Deployment that is rolled out."""
    counts = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "observedGeneration": 3}
    return {
        "kind": kind,
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "t-acme", "generation": 3, "uid": f"uid-{name}"},
        "spec": {"replicas": replicas, "template": {"spec": pod}},
        "status": {**counts, **status},
    }


def pod(name: str, role: str, **more: Any) -> Object:
    """A running pod of a server or an agent."""
    labels = {"cluster": "acme", **({"role": "server"} if role == "server" else {"type": "agent"})}
    metadata = {"name": name, "namespace": "t-acme", "labels": labels, **more.pop("metadata", {})}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": {"phase": "Running", **more}}


def running(cluster: Object, **changes: Any) -> Facts:
    """The facts of a cluster that runs exactly as its spec says."""
    spec = cluster["spec"]
    image = f"rancher/k3s:{spec['version']}"
    script = f'EXTRA_ARGS="{" ".join(spec.get("serverArgs", []))}"\n/bin/k3s server $EXTRA_ARGS'
    common = {key: spec[key] for key in ("nodeSelector", "runtimeClassName", "hostUsers") if key in spec}
    server = {
        **common,
        "containers": [
            {
                "image": image,
                "command": ["/bin/sh", "-c", script],
                "env": [{"name": "POD_NAME"}, *spec.get("serverEnvs", [])],
                "resources": {"limits": spec.get("serverLimit", {})},
            }
        ],
    }
    arguments = ["agent", "--config", "/opt/rancher/k3s/config.yaml", *spec.get("agentArgs", [])]
    agent = {
        **common,
        "containers": [
            {
                "image": image,
                "args": arguments,
                "env": spec.get("agentEnvs", []),
                "resources": {"limits": spec.get("workerLimit", {})},
            }
        ],
    }
    if "priorityClass" in spec:
        server["priorityClassName"] = spec["priorityClass"]
    facts = {
        "cluster": cluster,
        "servers": workload("StatefulSet", "k3k-acme-server", spec["servers"], server),
        "agents": workload("Deployment", "k3k-acme-agent", spec["agents"], agent),
        "pods": (
            *(pod(f"k3k-acme-server-{number}", "server") for number in range(spec["servers"])),
            *(pod(f"k3k-acme-agent-{number}", "agent") for number in range(spec["agents"])),
        ),
        **changes,
    }
    return Facts("acme", "t-acme", **facts)
