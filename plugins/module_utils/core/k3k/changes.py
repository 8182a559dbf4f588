# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a change of a Cluster does to the pods: which fields reach which pod template, and what that costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Optional

from ..objects import Object
from ..plan import Difference
from .request import AUTO, RECREATE, ClusterRequest
from .spec import DYNAMIC, extended_resources

#: Fields of C(Cluster.spec) that are part of the agents' and of the servers' pod template. tlsSANs and expose are not.
_BOTH_TEMPLATES = (
    "version",
    "nodeSelector",
    "runtimeClassName",
    "hostUsers",
    "securityContext",
    "podSecurityContext",
    "secretMounts",
)
_AGENT_TEMPLATE = (*_BOTH_TEMPLATES, "workerLimit", "workerResources", "agentArgs", "agentEnvs", "agentAffinity")
_SERVER_TEMPLATE = (
    *_BOTH_TEMPLATES,
    "servers",
    "serverLimit",
    "serverResources",
    "serverArgs",
    "serverEnvs",
    "serverAffinity",
    "priorityClass",
    "addons",
)
#: Fields of a VirtualClusterPolicy that reach the pod templates, after the servers were started once without them.
_POLICY_TEMPLATE = (
    "defaultServerAffinity",
    "defaultAgentAffinity",
    "securityContext",
    "runtimeClassName",
    "hostUsers",
)


def consequence(live: Object, changed: Sequence[Difference]) -> str:
    """What the tenant will notice of a change, for the plan."""
    said = []
    if server_fields(changed):
        many = int(live["spec"].get("servers", 1)) > 1
        said.append(
            "the servers restart one by one" if many else "the server restarts; its API is away for 1-2 minutes"
        )
    if agent_fields(changed) and running_agents(live):
        said.append("the agents are replaced, what runs on them ends")
    return "; ".join(said)


def recreates_agents(request: ClusterRequest, live: Object, changed: Sequence[Difference]) -> bool:
    """Whether the agents must be gone before they can come back with the new template.

    k3k's Deployment surges by one agent. Where the quota or the nodes have no room for one more, as it is normal with
    accelerators, the update never ends: the new pod is not admitted, and no old one goes.
    """
    if not running_agents(live) or not request.spec["agents"] or not agent_fields(changed):
        return False
    accelerated = extended_resources(live["spec"].get("workerLimit")) or extended_resources(
        request.spec.get("workerLimit")
    )
    return request.agent_update == RECREATE or (request.agent_update == AUTO and bool(accelerated))


def agent_fields(changed: Sequence[Difference]) -> list[str]:
    """The fields of the spec that change and are part of the agents' pod template."""
    return _touched(changed, _AGENT_TEMPLATE, "agent")


def server_fields(changed: Sequence[Difference]) -> list[str]:
    """The fields of the spec that change and are part of the servers' pod template."""
    return _touched(changed, _SERVER_TEMPLATE, "server")


def _touched(changed: Sequence[Difference], template: Sequence[str], role: str) -> list[str]:
    found = []
    for part in changed:
        name = re.split(r"[.\[]", part.path)[1] if part.path.startswith("spec.") else ""
        same_mounts = name == "secretMounts" and _mounts(part.before, role) == _mounts(part.after, role)
        if name in template and name not in found and not same_mounts:
            found.append(name)
    return found


def _mounts(mounts: Any, role: str) -> list[Any]:
    """Those of the secret mounts that a role's pods have; a mount without a role is in all."""
    return [mount for mount in mounts or [] if mount.get("role", "all") in ("", "all", role)]


def running_agents(cluster: Object) -> int:
    """How many agents a live Cluster asks for."""
    return int((cluster.get("spec") or {}).get("agents") or 0)


def version_in_force(cluster: Object) -> str:
    """The image tag that runs: the one of the spec, else what the controller derives from the host's version."""
    stated = (cluster.get("spec") or {}).get("version")
    host = (cluster.get("status") or {}).get("hostVersion")
    return str(stated or (f"{host}-k3s1" if host else ""))


def template_fields(policy: Optional[Object]) -> list[str]:
    """Fields of a VirtualClusterPolicy that reach the pods of its clusters."""
    spec = (policy or {}).get("spec") or {}
    return [name for name in _POLICY_TEMPLATE if spec.get(name) not in (None, {}, "")]


def is_ephemeral(cluster: Object) -> bool:
    """Whether a restart of the server loses what is in the cluster."""
    return ((cluster["spec"].get("persistence") or {}).get("type") or DYNAMIC) != DYNAMIC
