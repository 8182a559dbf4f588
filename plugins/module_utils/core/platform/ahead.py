# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the releases of a layer would change, judged before the first layer is changed.

A release is what a layer's role declares about one chart: C(chart), its key in the file of versions, C(values), C(extra_values),
C(namespace_labels), C(pull_secrets), C(secrets), C(before), C(after), C(requires), C(backup_of), C(force_conflicts), C(logins).
A layer without a chart of its own has C(subject) in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError
from ..nested import merge
from . import catalogue, decision
from .layers import lacking

#: Every key that a release may have.
KEYS = (
    "chart",
    "subject",
    "values",
    "extra_values",
    "namespace_labels",
    "pull_secrets",
    "secrets",
    "before",
    "after",
    "requires",
    "backup_of",
    "force_conflicts",
    "logins",
)

Release = Mapping[str, Any]


@dataclass(frozen=True)
class Situation:
    """What all layers share.

    versions: the file of versions. choice: C(train), C(source), C(overrides), C(charts_dir), C(registry), C(allow_downgrade),
    C(force_conflicts). observed: results of helm_release_info, by C(namespace/name). cluster: as it returns it.
    """

    versions: Mapping[str, Any]
    choice: Mapping[str, Any]
    observed: Mapping[str, Mapping[str, Any]]
    cluster: Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """refusals: why it cannot be, a sentence each. due: whether it is known already that there is something to do. chart: the
    entry of the chart, empty without one. objects: options of platform_objects, to ask for what belongs around it.
    """

    refusals: tuple[str, ...] = ()
    due: bool = False
    chart: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, Any] = field(default_factory=dict)


def look(release: Release, situation: Situation) -> Look:
    """Judge one release of a layer.

    A refusal is what no run can heal. What the run itself may still bring, or what is a matter of this release's state (a
    downgrade, an interrupted removal), makes it due: then its own turn says so, and other layers go on.
    """
    unknown = [f"{key} is not allowed; allowed: one of {', '.join(KEYS)}" for key in sorted(set(release) - set(KEYS))]
    nodes = {"nodes": (release.get("requires") or {}).get("nodes") or []}
    never = [*unknown, *lacking(nodes, situation.cluster)]
    if not release.get("chart"):
        subject = str(release.get("subject") or "platform")
        refusals = tuple(f"{subject}: {text}" for text in never)
        lacks = lacking(release.get("requires") or {}, situation.cluster, situation.observed)
        return Look(refusals, bool(lacks), objects=_objects(release, situation, subject, ""))
    try:
        chart = _chart(release, situation)
    except ConfigError as error:
        return Look((str(error),))
    decided = decision.decide(
        _wanted(release, chart, situation),
        situation.observed[f"{chart['namespace']}/{chart['release']}"],
        str(situation.cluster.get("kubernetes_version") or ""),
    )
    refusals = tuple(f"{chart['release']}: {text}" for text in never)
    objects = _objects(release, situation, chart["release"], chart["namespace"])
    return Look(refusals, bool(decided.steps or decided.refusal), chart, objects)


def _chart(release: Release, situation: Situation) -> catalogue.Chart:
    choice = situation.choice
    return catalogue.chart(
        situation.versions,
        release["chart"],
        choice["train"],
        choice["source"],
        choice.get("overrides"),
        choice.get("charts_dir"),
    )


def _wanted(release: Release, chart: Mapping[str, Any], situation: Situation) -> decision.Wanted:
    names = [str(secret["name"]) for secret in release.get("pull_secrets") or []]
    of_registry = catalogue.registry_values(chart, situation.choice.get("registry") or {}, names)
    return decision.Wanted.of_chart(
        chart,
        merge(of_registry, release.get("values"), release.get("extra_values")),
        kubernetes=chart.get("kubernetes") or "",
        allow_downgrade=bool(situation.choice.get("allow_downgrade")),
        backup_of=str(release.get("backup_of") or ""),
    )


def _objects(release: Release, situation: Situation, subject: str, namespace: str) -> dict[str, Any]:
    """Options of platform_objects: what a release is prepared with, and what comes after it."""
    labels = release.get("namespace_labels") or {}
    force = release.get("force_conflicts", situation.choice.get("force_conflicts"))
    return {
        "subject": subject,
        "namespace": namespace,
        "namespaces": [{"name": namespace, "labels": labels}] if namespace else [],
        "pull_secrets": release.get("pull_secrets") or [],
        "secrets": release.get("secrets") or [],
        "stages": [*(release.get("before") or []), *(release.get("after") or [])],
        "force_conflicts": bool(force),
        "check_waits": True,
    }


def is_open(found: Mapping[str, Any]) -> bool:
    """Whether platform_objects, asked by these options, found something to write or to wait for. A failure counts: the
    layer's own turn meets it again and says more.
    """
    lacks = any(item.get("lacks") for item in found.get("results") or [])
    return bool(found.get("failed") or found.get("changed") or lacks)


def summary(looks: Sequence[Look], is_due: bool) -> dict[str, Any]:
    """What is kept of a layer until its turn: no values, no Secrets."""
    kept = ("key", "version", "kubernetes")
    return {
        "due": is_due,
        "refusals": [text for one in looks for text in one.refusals],
        "charts": [{name: one.chart.get(name) for name in kept} for one in looks if one.chart],
    }
