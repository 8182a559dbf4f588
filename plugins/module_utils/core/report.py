# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is granted, used and free, by tenant and accelerator, and what the fleet has: as data and as tables.

Nothing in it depends on when it was made, so that the same state gives the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .outcome import tenant_of
from .probes import PASSED, SKIPPED

Result = Mapping[str, Any]
Rows = Sequence[Sequence[str]]


def _by_tenant(result: Result) -> dict[str, Result]:
    return {tenant_of(item): item for item in result.get("results") or []}


def build(
    tenants: Sequence[Result],
    quotas: Result,
    clusters: Result,
    companies: Result,
    probes: Result,
    kubeconfig_dir: str = "",
) -> dict[str, Any]:
    """Bring the results of the info modules together.

    tenants: as declared. quotas, clusters, companies, probes: results of gpu_quota_info, k3k_cluster_info,
    clearml_tenant_info and tenant_probe; empty where a source was not asked.
    """
    granted, running, owned, proven = (_by_tenant(result) for result in (quotas, clusters, companies, probes))
    entries = []
    for tenant in tenants:
        name = tenant["id"]
        cluster, company, findings = running.get(name, {}), owned.get(name, {}), proven.get(name, {}).get("probes")
        entries.append(
            {
                "id": name,
                "display_name": tenant["display_name"],
                "state": _state(tenant, cluster),
                "reasons": list(cluster.get("reasons") or []),
                "endpoint": cluster.get("external_url") or "",
                "kubeconfig": f"{kubeconfig_dir}/{name}.yaml" if kubeconfig_dir and cluster.get("ready") else "",
                "accelerators": _accelerators(granted.get(name, {})),
                "clearml_company": (company.get("company") or {}).get("name") or "",
                "probes": None if findings is None else _counted(findings),
            }
        )
    return {"tenants": entries, "capacity": quotas.get("capacity") or {}, "violations": quotas.get("violations") or []}


def _state(tenant: Result, cluster: Result) -> str:
    if not cluster:
        return "absent" if tenant["state"] == "absent" else "missing"
    return "ready" if cluster.get("ready") else str(cluster.get("phase") or "unknown").lower()


def _accelerators(quota: Result) -> dict[str, dict[str, int]]:
    hard, used = quota.get("hard") or {}, quota.get("used") or {}
    return {
        key: {"granted": int(hard[key]), "used": int(used.get(key, 0)), "free": int(hard[key]) - int(used.get(key, 0))}
        for key in sorted(hard)
        if int(hard[key]) or int(used.get(key, 0))
    }


def _counted(findings: Sequence[Result]) -> dict[str, int]:
    answers = [finding["status"] for finding in findings]
    return {"passed": answers.count(PASSED), "total": len(answers) - answers.count(SKIPPED)}


def tenant_rows(report: Result, short: bool = False) -> Rows:
    """The table of tenants, with its headline: one line per tenant. short: without addresses and files."""
    rows = [("TENANT", "STATE", "ENDPOINT", "KUBECONFIG", "GPUS GRANTED/USED", "CLEARML COMPANY", "PROBES PASSED")]
    for tenant in report["tenants"]:
        devices = [f"{key} {amount['granted']}/{amount['used']}" for key, amount in tenant["accelerators"].items()]
        probes = tenant["probes"]
        rows.append(
            (
                tenant["id"],
                tenant["state"],
                tenant["endpoint"] or "-",
                tenant["kubeconfig"] or "-",
                ", ".join(devices) or "-",
                tenant["clearml_company"] or "-",
                f"{probes['passed']}/{probes['total']}" if probes else "not probed",
            )
        )
    return [row[:2] + row[4:] for row in rows] if short else rows


def capacity_rows(report: Result) -> Rows:
    """The table of the fleet, with its headline: one line per accelerator."""
    fields = {
        "NODES HAVE": "allocatable",
        "RESERVED": "reserved",
        "PROMISED": "guaranteed_total",
        "GRANTED": "ceiling_total",
        "OTHERS": "foreign_used",
        "FREE": "unreserved_free",
    }
    rows = [("ACCELERATOR", *fields)]
    for key, amount in sorted(report["capacity"].items()):
        rows.append((key, *(str(amount[name]) for name in fields.values())))
    return rows


def probe_rows(result: Result) -> Rows:
    """The table of probes, with its headline: one line per tenant and probe."""
    rows = [("TENANT", "PROBE", "STATUS", "DETAIL")]
    for item in result.get("results") or []:
        for finding in item.get("probes") or []:
            rows.append((tenant_of(item), finding["id"], finding["status"], finding["detail"]))
    return rows


def lines(rows: Rows) -> list[str]:
    """A table as lines of text, its columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
