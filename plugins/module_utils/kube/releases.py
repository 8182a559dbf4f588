# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Helm releases of all layers, read with one LIST, and what of a cluster decides whether charts suit it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.names import ANNOTATION_DEFAULT_CLASS
from ..core.plan import CHANGE, Plan, Step
from ..core.platform import readiness, release
from ..core.platform.release import Observed
from ..core.retry import Clock, wait_for
from . import manifests
from .apply import observe
from .discovery import Discovery
from .kinds import kind_of
from .rollout import Rollout
from .session import Session


def read(session: Session, wanted: Sequence[tuple[str, str]]) -> list[Observed]:
    """The releases with these (namespace, name), in their order."""
    return release.observe(_secrets(session, wanted), wanted)


def _secrets(session: Session, wanted: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    if not wanted:
        return []
    names = sorted({name for _namespace, name in wanted})
    return session.list(kind_of("Secret"), labels=release.selector(names))


def read_cluster(session: Session) -> dict[str, Any]:
    """Identity, version of Kubernetes, API versions that it serves, storage classes, ingress classes, nodes and what these offer."""
    version = session.request("GET", "/version").get("gitVersion", "")
    groups = session.request("GET", "/apis").get("groups") or []
    seen = observe(session, ("StorageClass", "IngressClass", "Node"))
    classes = {
        item["metadata"]["name"]: (item["metadata"].get("annotations") or {}).get(ANNOTATION_DEFAULT_CLASS) == "true"
        for item in seen.of_kind("StorageClass")
    }
    # Kubernetes has no identity of its own; by convention (KEP-2149) it is that of the namespace which every cluster has.
    own = session.get(kind_of("Namespace"), "kube-system") or {"metadata": {}}
    return {
        "uid": own["metadata"].get("uid", ""),
        "kubernetes_version": version,
        "apis": sorted(served["groupVersion"] for group in groups for served in group["versions"]),
        "storage_classes": sorted(classes),
        "default_storage_classes": sorted(name for name, is_default in classes.items() if is_default),
        "ingress_classes": {
            item["metadata"]["name"]: (item.get("spec") or {}).get("controller", "")
            for item in seen.of_kind("IngressClass")
        },
        "nodes": len(seen.of_kind("Node")),
        "node_names": sorted(item["metadata"]["name"] for item in seen.of_kind("Node")),
        "node_resources": sorted(
            {
                name
                for item in seen.of_kind("Node")
                for name, amount in ((item.get("status") or {}).get("allocatable") or {}).items()
                if str(amount) != "0"
            }
        ),
    }


def read_objects(session: Session, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of the wanted objects that are there, each with those of the wanted keys that its data has; never a value."""
    discovery = Discovery(session)
    found = []
    for item in wanted:
        kind = discovery.find(item["api_version"], item["kind"])
        body = session.get(kind, item["name"], item["namespace"] or "") if kind else None
        if body is not None:
            keys = [key for key in item["keys"] if key in (body.get("data") or {})]
            found.append({"kind": item["kind"], "namespace": item["namespace"], "name": item["name"], "keys": keys})
    return found


@dataclass(frozen=True)
class Repaired:
    """What became of one release. status: what was found at the end of the wait."""

    plan: Plan
    status: str


def repair(
    session: Session,
    wanted: Sequence[tuple[str, str]],
    older_than: float,
    clock: Clock,
    today: Callable[[], datetime],
    dry_run: bool,
) -> list[Repaired]:
    """Give up interrupted operations of these releases, once they are old enough.

    Raises ConflictError when a Helm that still lives wrote in between.

    today: the time of day in UTC; an operation's age is measured by it. dry_run: do not wait, and write nothing.
    """
    found: list[Observed] = []

    def look() -> tuple[bool, str]:
        found[:] = read(session, wanted)
        young = [
            f"{item.namespace}/{item.name} is {item.status}"
            for item in found
            if _is_interrupted(item) and release.age(item.latest, today()) < older_than
        ]
        return dry_run or not young, ", ".join(young)

    # Without an end of its own: an operation ends, or gets old enough.
    wait_for(look, clock, math.inf)
    return [_repair_one(session, item, dry_run) for item in found]


def _is_interrupted(item: Observed) -> bool:
    return item.status in (*release.PENDING, release.UNINSTALLING)


def _repair_one(session: Session, item: Observed, dry_run: bool) -> Repaired:
    subject = f"{item.namespace}/{item.name}"
    if not _is_interrupted(item) or item.latest is None:
        return Repaired(Plan(subject), item.status)
    why = f"interrupted while {item.status}, given up by the next run"
    name = f"sh.helm.release.v1.{item.name}.v{item.latest.revision}"
    kind = kind_of("Secret")
    secret = session.request("GET", kind.path(item.namespace, name))
    session.merge(kind, name, item.namespace, release.failed_patch(secret, why), dry_run=dry_run)
    before, after = {"status": item.status}, {"status": release.FAILED}
    step = Step(CHANGE, "Secret", name, item.namespace, before=before, after=after, reason=why)
    return Repaired(Plan(subject, (step,)), item.status)


def judge_all(session: Session, observed: Sequence[Observed]) -> list[dict[str, Any]]:
    """Health of each release by the workloads of its revision in effect: C(healthy) and C(why)."""
    rollout = Rollout(session, Discovery(session))
    return [_judge(rollout, item) for item in observed]


def _judge(rollout: Rollout, item: Observed) -> dict[str, Any]:
    if item.latest is None or item.status == release.ABSENT:
        return {"healthy": False, "why": ["it is not installed"]}
    why = (
        [] if item.status == release.DEPLOYED else [f"its newest revision is {item.status}: {item.latest.description}"]
    )
    current = item.deployed or item.latest
    waits = readiness.workloads_of(manifests.documents(current.manifest), current.namespace)
    lacks = rollout.lacks(waits)
    if lacks:
        why += [*lacks, *(cause.text for cause in rollout.causes(sorted({wait.namespace for wait in waits})))]
    return {"healthy": not why, "why": why}
