# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters by which the role C(tenants) turns declared tenants into options of modules, and results into reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import (
    later,
    leaving,
    outcome,
    record,
    report,
    requests,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError
from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.tenants import Tenants, listed


def tenants_chosen(tenants: Tenants, only: Sequence[str] = ()) -> Tenants:
    """See docs of the filter; errors become what Ansible shows. Text in, text out."""
    try:
        found = requests.chosen(listed(tenants), only)
    except PlatformError as error:
        raise AnsibleFilterError(str(error)) from error
    for warning in later.warnings(found):
        Display().warning(warning)
    return json.dumps(found) if isinstance(tenants, str) else found


def tenant_requests(
    tenants: Tenants,
    kind: str,
    site: Optional[Mapping[str, Any]] = None,
    clusters: Optional[Mapping[str, Any]] = None,
) -> list[dict[str, Any]]:
    """Options of one module for these tenants; errors become what Ansible shows.

    clusters: the result of k3k_cluster, for the addresses in it.
    """
    if kind not in requests.KINDS:
        raise AnsibleFilterError(f"tenant_requests: {kind!r} is not allowed; allowed: {', '.join(requests.KINDS)}")
    given = site or {}
    where = requests.Site(
        api_host=given.get("api_host") or "",
        kubeconfig_dir=given.get("kubeconfig_dir") or "",
        images=tuple(given.get("images") or ()),
        gateways=given.get("gateways") or {},
    )
    try:
        return requests.requests_for(kind, listed(tenants), where, outcome.servers(clusters or {}))
    except PlatformError as error:
        raise AnsibleFilterError(str(error)) from error


def tenants_failed(result: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """Who failed in a module's result, by tenant id; a failure that is not of single tenants is raised again."""
    failed = outcome.failed_tenants(result, phase)
    if not failed:
        raise AnsibleFilterError(f"{phase}: {result.get('msg', 'failed')}")
    return failed


def tenants_report(
    tenants: Sequence[Any],
    quotas: Mapping[str, Any],
    clusters: Mapping[str, Any],
    companies: Optional[Mapping[str, Any]] = None,
    probes: Optional[Mapping[str, Any]] = None,
    kubeconfig_dir: str = "",
) -> dict[str, Any]:
    """The report as data."""
    return report.build(tenants, quotas, clusters, companies or {}, probes or {}, kubeconfig_dir)


def tenants_report_table(data: Mapping[str, Any], short: bool = False) -> list[str]:
    """The report as lines of text: tenants, then the fleet, then what is broken. short: without addresses and files."""
    return [
        *report.lines(report.tenant_rows(data, short)),
        "",
        *report.lines(report.capacity_rows(data)),
        *(f"BROKEN: {violation}" for violation in data["violations"]),
    ]


def tenant_probes_table(result: Mapping[str, Any]) -> list[str]:
    """What the probes found, as lines of text."""
    return report.lines(report.probe_rows(result))


def tenant_leaving(
    tenants: Sequence[Any], identity: str, confirm: str, company: str = "", admin_email: str = ""
) -> dict[str, Any]:
    """What each module is asked to remove; errors become what Ansible shows."""
    try:
        return leaving.leaving(tenants, identity, confirm, company, admin_email)
    except PlatformError as error:
        raise AnsibleFilterError(str(error)) from error


def tenant_record(
    tenant: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    results: Sequence[Any],
    previous: str = "",
) -> dict[str, Any]:
    """The record of an offboarding, out of what was found before and after and of what the modules did."""
    return record.record_of(tenant, before, after, record.actions_of(results), previous)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {
            "tenants_chosen": tenants_chosen,
            "tenant_requests": tenant_requests,
            "tenants_failed": tenants_failed,
            "tenants_changed": outcome.changed_tenants,
            "tenants_failure_text": outcome.failure_text,
            "tenants_report": tenants_report,
            "tenants_report_table": tenants_report_table,
            "tenant_probes_table": tenant_probes_table,
            "tenant_leaving": tenant_leaving,
            "tenant_companies": record.companies_of,
            "tenant_record": tenant_record,
        }
