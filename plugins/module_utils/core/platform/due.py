# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which tenants' charts have to be installed or upgraded: what is wanted against what was found inside their clusters.

A release here is what a product's pure part works out for one tenant, such as C(core.clearml.agent.releases): C(tenant),
C(state), C(host_namespace), C(release), C(namespace), C(version), C(values), and C(secret), the Secret of the tenant's
namespace on the host that it needs: as a copy in its namespace inside, or, with C(credential_values) (value of the chart ->
key of the Secret), as values. C(credentials_digest), where it is given, is a value that changes with the Secret. C(host_stages), where they are
given, are objects in the tenant's namespace on the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..nested import merge
from . import catalogue as charts
from . import decision

Release = Mapping[str, Any]


def inside(wanted: Sequence[Release], workload: bool = False) -> list[dict[str, Any]]:
    """What tenant_objects is asked for: the namespace with its Secret, and to read the release.

    workload: to wait for the Deployment too, where there is to be one. Its name depends on the chart, its label on the release.
    """
    return [_inside(release, workload) for release in wanted]


def _inside(release: Release, workload: bool) -> dict[str, Any]:
    labels = f"app.kubernetes.io/instance={release['release']}"
    wait = {"api_version": "apps/v1", "kind": "Deployment", "labels": labels}
    credentials = release.get("credential_values")
    read: dict[str, Any] = {"name": release["release"]}
    if credentials or release.get("credentials_digest"):
        values = {"keys": dict(credentials or {}), "digest": release.get("credentials_digest")}
        read["secret_values"] = {"secret": release["secret"], **values}
    return {
        "tenant": release["tenant"],
        "namespace": release["host_namespace"],
        "inside": release["namespace"],
        "state": release["state"],
        "secrets": [] if credentials else [release["secret"]],
        "releases": [read],
        "stages": [{"name": "workload", "wait": [wait]}] if workload else [],
        "host_stages": [] if workload else release.get("host_stages") or [],
    }


def due(
    versions: Mapping[str, Any],
    key: str,
    wanted: Sequence[Release],
    found: Sequence[Mapping[str, Any]],
    choice: Mapping[str, Any],
    extra: Optional[Mapping[str, Any]] = None,
) -> list[dict[str, Any]]:
    """The releases that are not as wanted, each with C(tenant), C(override), C(values) and C(decision).

    versions: the file of versions; key: of the chart there. found: results of tenant_objects; a tenant that failed there is
    left out. choice: C(train), C(source), C(overrides), C(charts_dir), C(registry), C(allow_downgrade). extra: values of the
    site, laid over each tenant's. Values that come from a Secret are in none of these: tenant_objects has compared them.
    Raises ConfigError.
    """
    there = {item["item"]: item["releases"][0] for item in found if not item.get("failed")}
    result = []
    for release in wanted:
        if release["tenant"] not in there:
            continue
        overrides = dict(choice.get("overrides") or {})
        override = {**overrides, key: {**(overrides.get(key) or {}), "version": release["version"]}}
        entry = charts.chart(versions, key, choice["train"], choice["source"], override, choice.get("charts_dir") or "")
        registry = charts.registry_values(entry, choice.get("registry") or {}, ())
        values = merge(registry, release["values"], extra)
        said = {"state": release["state"], "allow_downgrade": bool(choice.get("allow_downgrade"))}
        decided = decision.decide(decision.Wanted.of_chart(entry, values, **said), there[release["tenant"]])
        if decided.steps or decided.refusal:
            one = {"tenant": release["tenant"], "override": override, "values": values, "decision": decided.as_dict()}
            result.append(one)
    return result
