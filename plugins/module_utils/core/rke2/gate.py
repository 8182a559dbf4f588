# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What keeps a cluster alive: when a server may be restarted or removed, and which server to ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .facts import Member


def restart_refusal(members: Sequence[Member], target: str, joining: Collection[str] = ()) -> str:
    """Say why the server C(target) (name of its Node) may not go down now, or join; empty when it may.

    Every other server has to be Ready with a vote in etcd: then etcd keeps its quorum, whatever happens to this one.
    A server that is down already loses nothing by being started, so do not ask for it. joining: servers without a
    datastore that come after this one; they have no vote yet, and their Nodes are from before.
    """
    others = [member for member in members if member.server and member.name not in (target, *joining)]
    sick = [f"{member.name} ({_ailment(member)})" for member in others if not member.healthy]
    if sick:
        return f"{target} is left as it is, because the cluster is not healthy without it: {', '.join(sick)}"
    return ""


def _ailment(member: Member) -> str:
    return "not Ready" if not member.ready else "no vote in etcd"


def quorum(servers: int) -> int:
    """How many of so many etcd members must be up."""
    return servers // 2 + 1


def removal_refusal(members: Sequence[Member], target: str, allow_even: bool = False) -> str:
    """Say why a Node may not be taken out of the cluster for good; empty when it may, also when it is gone already."""
    member = next((one for one in members if one.name == target), None)
    if member is None or not member.server:
        return ""
    servers = [one for one in members if one.server]
    if len(servers) == 1:
        return f"{target} is the last server: without it there is no cluster. To end the cluster, use rke2_uninstall"
    refusal = restart_refusal(members, target)
    if refusal:
        return refusal
    left = len(servers) - 1
    if left % 2 == 0 and not allow_even:
        return (
            f"without {target} there are {left} servers, and an even number bears no more failures than one less. "
            "Add another server first, or consent with node_remove_allow_even=true"
        )
    return ""


def drain_useful(members: Sequence[Member], target: str) -> bool:
    """Whether pods that are taken off a node could run on another one."""
    return any(one.ready and not one.unschedulable for one in members if one.name != target)


def speaker(hosts: Sequence[str], serving: Mapping[str, Any], me: str) -> str:
    """Choose the host that is asked about the cluster: a server that serves the API, another one than C(me) if it can be.

    serving: host -> whether its API was seen ready in this run. Empty when none serves.
    """
    able = [host for host in hosts if serving.get(host)]
    return next((host for host in able if host != me), able[0] if able else "")
