# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Probes that prove quota and isolation: what is tried, and how the answer is judged. Pure; C(kube/probes.py) asks.

A probe passes only when the harmful thing was really tried and really refused, by the mechanism that is meant to refuse
it. Writes are server-side dry runs: admission, including quota and admission policies, runs in full, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from . import quantity
from .errors import PlatformError, Problems, RemoteError
from .names import LABEL_TENANT

#: What each probe shows. C(leak) findings are told openly where the declaration accepts the risk.
PROBES = {
    "Q1": "an agent above the accelerator quota is refused by the host cluster",
    "Q2": "an agent with an accelerator that was not granted is refused",
    "Q3": "a pod that k3k did not make, and a pod with a host path, are refused by the admission policy",
    "K1": "the kubeconfig works inside, expires, is not system:masters, and is nothing on the host cluster",
    "C1": "the tenant's ClearML credentials reach its own company and no other",
    "P4": "no pod of another tenant or of the platform runs on the tenant's nodes",
}
PASSED, FAILED, LEAK, SKIPPED = "passed", "failed", "leak", "skipped"
#: Quota keys that look like an accelerator's and are none: devices by class, which pods ask for in another way.
_NO_DEVICE = "requests.deviceclass.resource.kubernetes.io/"
#: Stated, because the base quota wants a statement, and nothing, because it may be used up to the last bit.
_NOTHING = {"cpu": "0", "memory": "0"}
#: The image of a pod that nobody may start in a tenant's namespace; never pulled, only dry-run.
FOREIGN_IMAGE = "example.invalid/foreign:1"


@dataclass(frozen=True)
class Finding:
    """The answer of one probe. status: PASSED, FAILED, LEAK (known and accepted by declaration) or SKIPPED."""

    probe: str
    status: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """The finding as it stands in results."""
        return {"id": self.probe, "status": self.status, "shows": PROBES[self.probe], "detail": self.detail}


@dataclass(frozen=True)
class ProbeRequest:
    """Which tenant is probed and how. level: the isolation level. company: ClearML company name, or empty."""

    tenant: str
    namespace: str
    cluster: str
    level: str = "dedicated"
    accept_risk: bool = False
    company: str = ""
    credentials_secret: str = ""
    probes: tuple[str, ...] = tuple(PROBES)
    fail_on: tuple[str, ...] = tuple(PROBES)


def parse_probes(items: Sequence[Mapping[str, Any]]) -> list[ProbeRequest]:
    """Turn a module's C(tenants) into requests. Raises ConfigError with every mistake."""
    problems = Problems()
    requests = []
    for item in items:
        tenant = str(item["tenant"])
        for name in ("probes", "fail_on"):
            for probe in item.get(name) or ():
                if probe not in PROBES:
                    problems.add(f"tenants[{tenant}].{name}", probe, ", ".join(PROBES))
        requests.append(
            ProbeRequest(
                tenant,
                str(item.get("namespace") or f"t-{tenant}"),
                str(item.get("cluster") or tenant),
                str(item.get("isolation") or "dedicated"),
                bool(item.get("accept_risk")),
                str(item.get("company") or ""),
                str(item.get("credentials_secret") or ""),
                tuple(item["probes"]) if item.get("probes") is not None else tuple(PROBES),
                tuple(item["fail_on"]) if item.get("fail_on") is not None else tuple(PROBES),
            )
        )
    problems.raise_if_any("tenants")
    return requests


def over_quota(hard: Mapping[str, Any]) -> Optional[tuple[str, int]]:
    """An accelerator key (without C(requests.)) and a number of it that the quota must refuse; None without a key."""
    granted = {key: quantity.parse_count(value) for key, value in _accelerators(hard).items()}
    for key in sorted(granted, key=lambda name: -granted[name]):
        return key, granted[key] + 1
    return None


def ungranted(hard: Mapping[str, Any]) -> Optional[str]:
    """An accelerator key that the quota sets to zero; None when there is none."""
    return next((key for key, value in sorted(_accelerators(hard).items()) if quantity.parse_count(value) == 0), None)


def _accelerators(hard: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key[len("requests.") :]: value
        for key, value in hard.items()
        if key.startswith("requests.") and "/" in key and not key.startswith(_NO_DEVICE)
    }


def one_more_agent(
    template: Mapping[str, Any], replica_set: Mapping[str, Any], demand: Mapping[str, str]
) -> dict[str, Any]:
    """A pod like the k3k agents of this tenant, with C(demand) on top: what a scaled-up Deployment would create.

    CPU and memory are zero, so that nothing but the accelerator can be the reason of a refusal.
    """
    metadata = replica_set["metadata"]
    spec = {**template["spec"]}
    first = {**spec["containers"][0]}
    limits = {**_NOTHING, **demand}
    first["resources"] = {"limits": limits, "requests": dict(limits)}
    spec["containers"] = [first]
    spec.pop("resources", None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{metadata['name']}-probe",
            "namespace": metadata["namespace"],
            "labels": dict(template.get("metadata", {}).get("labels") or {}),
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": spec,
    }


def foreign_pod(namespace: str) -> dict[str, Any]:
    """A pod that k3k did not make."""
    resources = {"limits": dict(_NOTHING), "requests": dict(_NOTHING)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "foreign-probe", "namespace": namespace},
        "spec": {"containers": [{"name": "foreign", "image": FOREIGN_IMAGE, "resources": resources}]},
    }


def with_host_path(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The same pod, with the host's root file system mounted."""
    volumes = [*(pod["spec"].get("volumes") or []), {"name": "host-root", "hostPath": {"path": "/"}}]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}}


def judge_refusal(probe: str, tried: str, answer: Optional[PlatformError], words: Sequence[str]) -> Finding:
    """Judge a dry run that must be refused. answer: the error, or None when it was let through.

    words: all must stand in the server's message, so that a refusal for another reason does not count.
    """
    if answer is None:
        return Finding(probe, FAILED, f"{tried} was let through")
    if not isinstance(answer, RemoteError) or answer.status not in (403, 422):
        return Finding(probe, FAILED, f"{tried}: no clear answer: {answer}")
    missing = [word for word in words if word not in answer.message]
    if missing:
        return Finding(probe, FAILED, f"{tried} was refused, but not by {' and '.join(missing)}: {answer.message}")
    return Finding(probe, PASSED, f"{tried} was refused")


def judge_placement(request: ProbeRequest, pods: Sequence[Mapping[str, Any]], tenants: Mapping[str, str]) -> Finding:
    """Who shares nodes with the tenant. pods: all pods of the host cluster; tenants: namespace -> tenant id.

    Pods of DaemonSets and static pods belong to the node itself and do not count.
    """
    nodes = {
        pod["spec"]["nodeName"]
        for pod in pods
        if pod["metadata"]["namespace"] == request.namespace and pod["spec"].get("nodeName")
    }
    if not nodes:
        return Finding("P4", SKIPPED, "no pod of the tenant runs on any node")
    sharing = sorted(
        {
            f"{pod['spec']['nodeName']}: {_whose(pod, tenants)}"
            for pod in pods
            if pod["spec"].get("nodeName") in nodes
            and pod["metadata"]["namespace"] != request.namespace
            and not _belongs_to_node(pod)
            and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
        }
    )
    if not sharing:
        return Finding("P4", PASSED, f"alone on {', '.join(sorted(nodes))}")
    text = f"shares nodes with others: {'; '.join(sharing[:10])}"
    accepted = (request.level == "shared" and request.accept_risk) or request.level == "sandboxed"
    return Finding("P4", LEAK if accepted else FAILED, text)


def _whose(pod: Mapping[str, Any], tenants: Mapping[str, str]) -> str:
    namespace = pod["metadata"]["namespace"]
    tenant = tenants.get(namespace) or (pod["metadata"].get("labels") or {}).get(LABEL_TENANT)
    return f"tenant {tenant}" if tenant else f"platform pod {namespace}/{pod['metadata']['name']}"


def _belongs_to_node(pod: Mapping[str, Any]) -> bool:
    return any(owner["kind"] in ("DaemonSet", "Node") for owner in pod["metadata"].get("ownerReferences") or [])


def judge_certificate(organizations: Sequence[str], expires_at: float, now: float) -> list[str]:
    """What is wrong with an issued client certificate; empty when nothing is. Times in seconds since the epoch."""
    wrong = []
    if "system:masters" in organizations:
        wrong.append("its group is system:masters, which cannot be revoked")
    if expires_at <= now:
        wrong.append("it has expired")
    return wrong


def failures(request: ProbeRequest, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that must make the run fail: failed, and named in C(fail_on)."""
    return [finding for finding in findings if finding.status == FAILED and finding.probe in request.fail_on]
