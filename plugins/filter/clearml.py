# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters by which ClearML's agents and gateways get their values, and their service is judged.

What they need is imported inside: Ansible loads all filters of the collection anew for every task that uses one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.tenants import Tenants, listed


def clearml_agent_releases(tenants: Tenants, site: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The agents of these tenants with their values."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import agent

    return _releases(agent.releases, tenants, site)


def clearml_gateway_releases(tenants: Tenants, site: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The gateways of these tenants with their values."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import gateway

    return _releases(gateway.releases, tenants, site)


def clearml_service_failures(
    result: Mapping[str, Any], tenants: Tenants, expect: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """What does not serve, by tenant id."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import service

    try:
        return service.failures(listed(tenants), result, expect)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


def clearml_service_table(result: Mapping[str, Any], tenants: Tenants) -> list[str]:
    """What was found inside the companies, as lines of text."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import service
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.report import lines

    return lines(service.rows(listed(tenants), result))


def _releases(
    work_out: Callable[[Sequence[Any], Any], list[dict[str, Any]]], tenants: Tenants, given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.site import Site

    known = {field.name for field in fields(Site)}
    for name in given:
        if name not in known:
            raise AnsibleFilterError(f"site.{name}: not allowed; allowed: {', '.join(sorted(known))}")
    site = Site(**{"base_domain": "", **given})
    try:
        return work_out(listed(tenants), site)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {
            "clearml_agent_releases": clearml_agent_releases,
            "clearml_gateway_releases": clearml_gateway_releases,
            "clearml_service_failures": clearml_service_failures,
            "clearml_service_table": clearml_service_table,
        }
