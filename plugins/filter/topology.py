# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Filters that look at all clusters of an inventory together, on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError


def topology_problems(
    hostvars: Mapping[str, Any],
    clusters: Sequence[str],
    tenants: Sequence[str],
    layers: Mapping[str, Any],
    elsewhere: Sequence[str] = (),
) -> str:
    """What is wrong with the division of the platform, as one message; empty when nothing is."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import topology

    problems = topology.check(
        {str(host): topology.picked(hostvars[host], topology.OF_CLUSTERS) for host in clusters},
        {str(host): topology.picked(hostvars[host], topology.OF_TENANTS) for host in tenants},
        layers,
        elsewhere,
    )
    return str(ConfigError("Clusters of the platform", list(problems))) if problems else ""


def topology_having(hostvars: Mapping[str, Any], hosts: Sequence[str], layer: str = "") -> list[str]:
    """Those of the hosts whose cluster is to have a layer; all of them when none is named."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import topology

    site = topology.Site(
        {str(host): topology.picked(hostvars[host], topology.OF_CLUSTERS) for host in hosts}, {}, {}, []
    )
    return site.having(layer) if layer else list(site.clusters)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {"topology_having": topology_having, "topology_problems": topology_problems}
