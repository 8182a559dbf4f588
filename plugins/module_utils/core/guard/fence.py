# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""All objects of one tenant's fence, and the plan that makes, repairs or removes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import RefusedError
from ..names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from ..objects import plan_object, shown
from ..plan import REMOVE, Plan, Step
from . import admission
from .network import ANNOTATION_WHY, policies
from .request import Fence, Surroundings

Object = Mapping[str, Any]

#: Label by which k3k binds a namespace to a VirtualClusterPolicy; ours has the namespace's name.
LABEL_POLICY = "policy.k3k.io/policy-name"
LIMIT_RANGE = "tenant-limits"
#: Kinds in the namespace of which there may be more than is wanted: those of ours that are not are removed.
PRUNED = ("NetworkPolicy", "LimitRange")


@dataclass(frozen=True)
class Around:
    """What was found of one tenant.

    namespace: the Namespace or None. objects: what lies in it, of the kinds that a fence has, ours or not.
    clusters: names of the k3k Clusters in it.
    """

    namespace: Optional[Object] = None
    objects: Sequence[Object] = ()
    clusters: Sequence[str] = ()


def desired(fence: Fence, around: Surroundings) -> list[dict[str, Any]]:
    """The tenant's objects, complete, in the order in which they are to be written."""
    labels = labels_of(fence)
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": fence.namespace,
            # Never a pod-security label: k3k's policy controller owns them and takes foreign ones away.
            "labels": {**labels, LABEL_POLICY: fence.namespace, admission.LABEL_ADMISSION: fence.mode},
            "annotations": {admission.ANNOTATION_IMAGES: ",".join(fence.images)},
        },
    }
    account = {
        **_head("v1", "ServiceAccount", "default", fence, labels),
        # k3k's pods run under it, and the tenant is root in them.
        "automountServiceAccountToken": False,
    }
    found = [namespace, account]
    if fence.default or fence.default_request:
        found.append(_limit_range(fence, labels))
    for name, (spec, opens) in policies(fence, around).items():
        policy = {**_head("networking.k8s.io/v1", "NetworkPolicy", name, fence, labels), "spec": spec}
        policy["metadata"]["annotations"] = {ANNOTATION_WHY: opens}
        found.append(policy)
    return found


def labels_of(fence: Fence) -> dict[str, str]:
    """The labels on everything that is written for the tenant."""
    return {**fence.labels, LABEL_TENANT: fence.tenant, LABEL_MANAGED_BY: MANAGED_BY}


def _head(api_version: str, kind: str, name: str, fence: Fence, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": fence.namespace, "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _limit_range(fence: Fence, labels: Mapping[str, str]) -> dict[str, Any]:
    limit: dict[str, Any] = {"type": "Container"}
    if fence.default:
        limit["default"] = dict(fence.default)
    if fence.default_request:
        limit["defaultRequest"] = dict(fence.default_request)
    return {**_head("v1", "LimitRange", LIMIT_RANGE, fence, labels), "spec": {"limits": [limit]}}


def plan_fence(fence: Fence, surroundings: Surroundings, found: Around, trust_declared: bool = False) -> Plan:
    """Plan one tenant. Raises RefusedError when the namespace is another's, is going away, or is in use.

    trust_declared: check mode, in which a virtual cluster that is declared absent counts as gone.
    """
    if not fence.present:
        return _plan_removal(fence, found, trust_declared)
    _refuse_foreign(fence, found.namespace)
    if found.namespace is not None and found.namespace["metadata"].get("deletionTimestamp"):
        raise RefusedError(
            f"Namespace {fence.namespace} is being deleted.",
            "Run again when it is gone; see its status for what holds it.",
        )
    live = {(item["kind"], item["metadata"]["name"]): item for item in found.objects}
    wanted = desired(fence, surroundings)
    plan = Plan(fence.tenant)
    for body in wanted:
        key = (body["kind"], body["metadata"]["name"])
        plan += plan_object(fence.tenant, body, found.namespace if key[0] == "Namespace" else live.get(key))
    kept = {(body["kind"], body["metadata"]["name"]) for body in wanted}
    surplus = [item for key, item in live.items() if key not in kept and key[0] in PRUNED and is_ours(item, fence)]
    return plan + Plan(fence.tenant, tuple(_removal(item, "no longer declared") for item in surplus))


def _plan_removal(fence: Fence, found: Around, trust_declared: bool) -> Plan:
    """The namespace goes as a whole: taking the policies away first would open the fence before its pods are gone."""
    if found.namespace is None or found.namespace["metadata"].get("deletionTimestamp"):
        return Plan(fence.tenant)
    _refuse_foreign(fence, found.namespace, removal=True)
    if found.clusters and not (trust_declared and fence.cluster_absent):
        raise RefusedError(
            f"Namespace {fence.namespace} still holds the virtual cluster {', '.join(sorted(found.clusters))}.",
            "Remove it with k3k_cluster first; its volumes would be lost with the namespace.",
        )
    ours = sorted(f"{item['kind']} {item['metadata']['name']}" for item in found.objects if is_ours(item, fence))
    reason = "removed with all that is in it" + (f": {', '.join(ours)}" if ours else "")
    return Plan(fence.tenant, (_removal(found.namespace, reason),))


def _refuse_foreign(fence: Fence, namespace: Optional[Object], removal: bool = False) -> None:
    if namespace is None:
        return
    owner = (namespace["metadata"].get("labels") or {}).get(LABEL_TENANT)
    if owner == fence.tenant or (owner is None and not removal):
        return
    whose = f"belongs to tenant {owner}" if owner else "was not made for this tenant (it has no tenant label)"
    raise RefusedError(
        f"Namespace {fence.namespace} {whose}; it is not touched for tenant {fence.tenant}.",
        "Give the tenant a namespace of its own" + (", or remove this one by hand." if removal else "."),
    )


def _removal(item: Object, reason: str) -> Step:
    metadata = item["metadata"]
    identity = (str(item["kind"]), str(metadata["name"]), str(metadata.get("namespace", "")))
    return Step(REMOVE, *identity, before=shown(item), reason=reason)


def is_ours(item: Object, fence: Fence) -> bool:
    """Tell whether an object carries the tenant's label and ours."""
    labels = item["metadata"].get("labels") or {}
    return labels.get(LABEL_TENANT) == fence.tenant and labels.get(LABEL_MANAGED_BY) == MANAGED_BY


def foreign_policies(fence: Fence, found: Around) -> list[str]:
    """Names of NetworkPolicies in the namespace that are not ours: policies add up, so each may open a hole."""
    return sorted(
        item["metadata"]["name"]
        for item in found.objects
        if item["kind"] == "NetworkPolicy" and not is_ours(item, fence)
    )
