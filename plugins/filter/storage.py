# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters by which the role suse_storage reports.

What they need is imported inside: Ansible loads all filters of the collection anew for every task that uses one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError


def storage_report(
    results: Sequence[Mapping[str, Any]], disk_used: int = 80, least: Any = "100Gi", volumes: int = 10
) -> dict[str, Any]:
    """The report, from what kubernetes.core.k8s_info read in a loop over kinds."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import storage_report as core

    try:
        limits = core.limits_of(disk_used, least, volumes)
        return core.build({result["item"]["kind"]: result.get("resources") or [] for result in results}, limits)
    except PlatformError as error:
        raise AnsibleFilterError(str(error)) from error


def storage_report_table(report: Mapping[str, Any]) -> list[str]:
    """The report as lines of text."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import storage_report as core

    return core.table(report)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {"storage_report": storage_report, "storage_report_table": storage_report_table}
