# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What was read about one virtual cluster, and the counts that a person asks for first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..names import K3kNames
from ..objects import Object

#: Labels that the controller puts on everything of a cluster; the tenant's label is not on these.
LABEL_CLUSTER, LABEL_ROLE, LABEL_TYPE = "cluster", "role", "type"


@dataclass(frozen=True)
class Facts:
    """The objects of one cluster name, as read; None or empty when not there or not read.

    servers: the StatefulSet. agents: the Deployment. events: those of the namespace.
    """

    name: str
    namespace: str
    cluster: Optional[Object] = None
    servers: Optional[Object] = None
    agents: Optional[Object] = None
    pods: tuple[Object, ...] = ()
    claims: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()
    namespace_object: Optional[Object] = None
    policy: Optional[Object] = None

    @property
    def objects(self) -> K3kNames:
        """The names of what the controller makes for this cluster."""
        return K3kNames(self.name)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The Cluster's spec as stored."""
        return (self.cluster or {}).get("spec") or {}

    @property
    def status(self) -> Mapping[str, Any]:
        """The Cluster's status; it does not say to which spec it belongs."""
        return (self.cluster or {}).get("status") or {}

    @property
    def phase(self) -> str:
        """The Cluster's phase; C(Absent) when there is none. It lies for the first half minute of each roll-out."""
        return "Absent" if self.cluster is None else str(self.status.get("phase") or "Unknown")

    @property
    def message(self) -> str:
        """What the controller says in the condition Ready."""
        for condition in self.status.get("conditions") or []:
            if condition.get("type") == "Ready":
                return str(condition.get("message") or "")
        return ""

    @property
    def server_pods(self) -> list[Object]:
        """The servers' pods, also those that are going."""
        return [pod for pod in self.pods if label_of(pod, LABEL_ROLE) == "server"]

    @property
    def agent_pods(self) -> list[Object]:
        """The agents' pods, also those that are going."""
        return [pod for pod in self.pods if label_of(pod, LABEL_TYPE) == "agent"]


def label_of(manifest: Object, key: str) -> str:
    """One label's value, or an empty text."""
    return str((manifest["metadata"].get("labels") or {}).get(key, ""))
