# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Filters by which the role C(rke2) decides for all nodes at once, on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError


def rke2_plan(
    hostvars: Mapping[str, Any],
    servers: Sequence[str],
    agents: Sequence[str],
    others: Sequence[Mapping[str, Any]] = (),
    intent: str = "converge",
    allow_even: bool = False,
    begin_on: str = "",
) -> dict[str, Any]:
    """See docs of the filter; errors become what Ansible shows."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import cluster

    asked = {one["item"]: one.get("facts") for one in others if isinstance(one, Mapping) and "item" in one}
    nodes = [
        _node(cluster.Node, host, node_type, hostvars, asked)
        for node_type, hosts in ((cluster.SERVER, servers), (cluster.AGENT, agents))
        for host in hosts
    ]
    try:
        plan = cluster.plan_cluster(nodes, intent, allow_even, begin_on)
    except PlatformError as error:
        raise AnsibleFilterError(str(error)) from error
    for warning in plan.warnings:
        Display().warning(warning)
    return plan.as_dict()


def _node(node: Any, host: str, node_type: str, hostvars: Mapping[str, Any], asked: Mapping[str, Any]) -> Any:
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import Facts

    found = hostvars[host]
    facts = found.get("__rke2_found", {}).get("facts") or asked.get(host)
    addresses = found.get("rke2_node_ip", "")
    first = addresses.split(",")[0] if isinstance(addresses, str) else next(iter(addresses), "")
    return node(
        name=str(host),
        type=node_type,
        address=str(first or found.get("ansible_host", host)),
        facts=Facts.of(facts) if facts else None,
        raw=found.get("__rke2_declared", None) if facts else None,
    )


def rke2_pinned(token: str, ca_hash: str, user: str = "server") -> str:
    """Return a token in the form that trusts only the cluster with this CA; the short form when it is not known."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.token import pinned

    return pinned(token, ca_hash, user)


def rke2_speaker(servers: Sequence[str], hostvars: Mapping[str, Any], me: Optional[str] = None) -> str:
    """Return the server to ask about the cluster, another one than C(me) if it can be; empty when none serves."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.gate import speaker

    serving = {host: hostvars[host].get("__rke2_serving", False) for host in servers}
    return speaker(servers, serving, me or "")


def rke2_kubeconfig(text: str, address: str, name: str) -> str:
    """Return the administrator's kubeconfig for use from outside."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.kubeconfig import for_administrator

    try:
        return for_administrator(text, address, name)
    except ValueError as error:
        raise AnsibleFilterError(f"rke2_kubeconfig: {error}") from error


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {
            "rke2_kubeconfig": rke2_kubeconfig,
            "rke2_pinned": rke2_pinned,
            "rke2_plan": rke2_plan,
            "rke2_speaker": rke2_speaker,
        }
