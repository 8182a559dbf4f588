# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Filters that decide, on the controller, what the modules for hosts are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.packages import node_labels
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.python import probe_command
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight import request


def _cni(value: Any) -> str:
    problems = Problems()
    cni = request.parse_cni(value, "cni", problems)
    try:
        problems.raise_if_any("preflight")
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error
    return cni


def preflight_listen(roles: Sequence[str], cni: Any) -> list[str]:
    """Return the ports on which a host listens while they are tried."""
    return request.ports_to_listen(roles, _cni(cni))


def preflight_peers(hosts: Mapping[str, Any], name: str, cni: Any, api_endpoint: str = "") -> list[dict[str, Any]]:
    """Return whom a host has to reach, and on which ports."""
    return request.peers_of(name, hosts, _cni(cni), api_endpoint)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {
            "gpu_node_labels": node_labels,
            "preflight_listen": preflight_listen,
            "preflight_peers": preflight_peers,
            "python_probe": probe_command,
        }
