# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read a fence back: what stands around a tenant now, and which gaps anyone would see without knowing the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from . import admission
from .fence import LABEL_POLICY
from .network import ANNOTATION_WHY

Object = Mapping[str, Any]


def review(namespace: Object, objects: Sequence[Object], shared: Sequence[Object]) -> dict[str, Any]:
    """What C(tenant_guard_info) returns about one tenant's namespace.

    objects: the ServiceAccounts, LimitRanges and NetworkPolicies in it. shared: the live admission policy and bindings.
    The keys are namespace, phase, policy, admission, network_policies, limit_ranges, gaps and fenced.
    """
    metadata = namespace["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    policies = [_policy(item) for item in objects if item["kind"] == "NetworkPolicy"]
    images = [image for image in annotations.get(admission.ANNOTATION_IMAGES, "").split(",") if image]
    gaps = [*_gaps(labels, images, objects), *_policy_gaps(policies), *_admission_gaps(shared)]
    return {
        "namespace": metadata["name"],
        "phase": namespace.get("status", {}).get("phase", ""),
        "policy": labels.get(LABEL_POLICY, ""),
        "admission": {"mode": labels.get(admission.LABEL_ADMISSION, "enforce"), "images": images},
        "network_policies": policies,
        "limit_ranges": sorted(item["metadata"]["name"] for item in objects if item["kind"] == "LimitRange"),
        "gaps": gaps,
        "fenced": not gaps,
    }


def _policy(item: Object) -> dict[str, Any]:
    metadata = item["metadata"]
    return {
        "name": metadata["name"],
        "ours": (metadata.get("labels") or {}).get(LABEL_MANAGED_BY) == MANAGED_BY,
        "opens": (metadata.get("annotations") or {}).get(ANNOTATION_WHY, ""),
        "denies_all": _denies_all(item["spec"]),
    }


def _denies_all(spec: Object) -> bool:
    return (
        not spec.get("podSelector")
        and set(spec.get("policyTypes") or ()) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _gaps(labels: Mapping[str, str], images: Sequence[str], objects: Sequence[Object]) -> list[str]:
    gaps = []
    mode = labels.get(admission.LABEL_ADMISSION, "enforce")
    if mode in admission.MODES and mode != "enforce":
        gaps.append(f"the admission mode is {mode}: foreign pods are let in")
    if not images:
        gaps.append("no image is allowed: new pods of the virtual cluster are refused")
    if not labels.get(LABEL_POLICY):
        gaps.append("the namespace is bound to no VirtualClusterPolicy")
    accounts = [item for item in objects if item["kind"] == "ServiceAccount" and item["metadata"]["name"] == "default"]
    if not accounts or accounts[0].get("automountServiceAccountToken") is not False:
        gaps.append("the service account default mounts its token into pods")
    return gaps


def _policy_gaps(policies: Sequence[Mapping[str, Any]]) -> list[str]:
    gaps = [] if any(policy["denies_all"] for policy in policies) else ["no NetworkPolicy denies both directions"]
    foreign = [policy["name"] for policy in policies if not policy["ours"]]
    return gaps + [f"NetworkPolicy {name} is not ours and may open what the fence closes" for name in foreign]


def _admission_gaps(shared: Sequence[Object]) -> list[str]:
    there = {(item["kind"], item["metadata"]["name"]) for item in shared}
    missing = [body for body in admission.shared_objects() if (body["kind"], body["metadata"]["name"]) not in there]
    return [f"{body['kind']} {body['metadata']['name']} is missing" for body in missing]


def tenants_of(namespaces: Sequence[Object]) -> dict[str, Object]:
    """The namespaces that belong to tenants, by tenant id."""
    return {
        (item["metadata"].get("labels") or {})[LABEL_TENANT]: item
        for item in namespaces
        if (item["metadata"].get("labels") or {}).get(LABEL_TENANT)
    }
