# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which tenants' charts have to be installed or upgraded: what is wanted against what was found inside their clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..platform import catalogue as charts
from ..platform import decision
from ..tenant.structure import merge

Release = Mapping[str, Any]


def inside(wanted: Sequence[Release], workload: bool = False) -> list[dict[str, Any]]:
    """What tenant_objects is asked for: the namespace with its Secret, and to read the release.

    workload: to wait for the Deployment too, where there is to be one. Its name depends on the chart, its label on the release.
    """
    wait = {"api_version": "apps/v1", "kind": "Deployment"}
    return [
        {
            "tenant": release["tenant"],
            "namespace": release["host_namespace"],
            "inside": release["namespace"],
            "state": release["state"],
            "secrets": [release["secret"]],
            "releases": [{"name": release["release"]}],
            "stages": [
                {"name": "workload", "wait": [{**wait, "labels": f"app.kubernetes.io/instance={release['release']}"}]}
            ]
            if workload
            else [],
        }
        for release in wanted
    ]


def due(
    versions: Mapping[str, Any],
    key: str,
    wanted: Sequence[Release],
    found: Sequence[Mapping[str, Any]],
    choice: Mapping[str, Any],
    extra: Optional[Mapping[str, Any]] = None,
) -> list[dict[str, Any]]:
    """The releases that are not as wanted, each with C(tenant), C(override), C(values) and C(decision).

    versions: the file of versions; key: of the chart there. wanted: as L(agent.releases) gives them. found: results of
    tenant_objects; a tenant that failed there is left out. choice: C(train), C(source), C(overrides), C(charts_dir),
    C(allow_downgrade). extra: values of the site, laid over each tenant's.
    """
    there = {item["item"]: item["releases"][0] for item in found if not item.get("failed")}
    result = []
    for release in wanted:
        if release["tenant"] not in there:
            continue
        overrides = dict(choice.get("overrides") or {})
        override = {**overrides, key: {**(overrides.get(key) or {}), "version": release["version"]}}
        entry = charts.chart(versions, key, choice["train"], choice["source"], override, choice.get("charts_dir") or "")
        values = merge(release["values"], extra)
        decided = decision.decide(_wanted(entry, values, choice, release["state"]), there[release["tenant"]])
        if decided.steps or decided.refusal:
            one = {"tenant": release["tenant"], "override": override, "values": values, "decision": decided.as_dict()}
            result.append(one)
    return result


def _wanted(
    entry: Mapping[str, Any], values: Mapping[str, Any], choice: Mapping[str, Any], state: str
) -> decision.Wanted:
    upgrade = entry.get("upgrade") or {}
    return decision.Wanted(
        name=entry["release"],
        namespace=entry["namespace"],
        chart=entry["chart"],
        version=entry["version"],
        state=state,
        values=values,
        max_minor_step=upgrade.get("max_minor_step", 0),
        allow_downgrade=bool(choice.get("allow_downgrade")),
        downgrade_possible=upgrade.get("downgrade", True),
    )
