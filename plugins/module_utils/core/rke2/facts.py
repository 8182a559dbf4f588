# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What was found on a host, and in the cluster: the result of the module C(rke2_info) as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .version import Version, parse_or_none

LABEL_ETCD = "node-role.kubernetes.io/etcd"
LABEL_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
#: Condition of a server's Node: whether its etcd member votes (k3s-io/k3s, pkg/etcd).
CONDITION_VOTER = "EtcdIsVoter"
#: Set to true to have the member removed; then the second tells which one was (k3s-io/k3s, pkg/etcd/member_controller.go).
ANNOTATION_REMOVE = "etcd.rke2.cattle.io/remove"
ANNOTATION_REMOVED = "etcd.rke2.cattle.io/removed-node-name"
#: On a Node that this collection cordoned, so that an interrupted run can be resumed, and a person's cordon is kept.
ANNOTATION_CORDONED = "ai-tenancy.platform/cordoned"
#: On a Node: names of the labels, and keys with effects of the taints, that this collection set.
ANNOTATION_LABELS = "ai-tenancy.platform/node-labels"
ANNOTATION_TAINTS = "ai-tenancy.platform/node-taints"


@dataclass(frozen=True)
class Member:
    """A Node as the API server knows it."""

    name: str
    ready: bool
    version: str = ""
    server: bool = False
    voter: Optional[bool] = None
    unschedulable: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @classmethod
    def of_node(cls, node: Mapping[str, Any]) -> Member:
        """Read an object of kind Node."""
        meta, status, spec = node["metadata"], node.get("status") or {}, node.get("spec") or {}
        conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
        labels = meta.get("labels") or {}
        voter = conditions.get(CONDITION_VOTER)
        return cls(
            name=meta["name"],
            ready=conditions.get("Ready") == "True",
            version=(status.get("nodeInfo") or {}).get("kubeletVersion", ""),
            server=LABEL_CONTROL_PLANE in labels or LABEL_ETCD in labels,
            voter=None if voter is None or LABEL_ETCD not in labels else voter == "True",
            unschedulable=bool(spec.get("unschedulable")),
            labels=dict(labels),
            annotations=dict(meta.get("annotations") or {}),
            taints=tuple(taint_text(taint) for taint in spec.get("taints") or []),
            addresses=tuple(one["address"] for one in status.get("addresses") or []),
        )

    @classmethod
    def of_dict(cls, data: Mapping[str, Any]) -> Member:
        """Read what as_dict wrote."""
        return cls(**{**data, "taints": tuple(data["taints"]), "addresses": tuple(data["addresses"])})

    def as_dict(self) -> dict[str, Any]:
        """As a module returns it."""
        return {**self.__dict__, "taints": list(self.taints), "addresses": list(self.addresses)}

    @property
    def healthy(self) -> bool:
        """Ready, and where it is known, with a vote in etcd."""
        return self.ready and self.voter is not False


def taint_text(taint: Mapping[str, Any]) -> str:
    """Write a taint as kubectl and RKE2 do: C(key=value:Effect)."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


@dataclass(frozen=True)
class Facts:
    """One host. See the RETURN section of the module C(rke2_info) for what each value means."""

    node_name: str = ""
    architecture: str = ""
    installed: str = ""
    method: str = ""
    conflict: str = ""
    root: str = ""
    type: str = ""
    active: Mapping[str, str] = field(default_factory=dict)
    enabled: Mapping[str, bool] = field(default_factory=dict)
    running: str = ""
    datastore: bool = False
    joined: bool = False
    ca_hash: str = ""
    last_start: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    api_ready: bool = False
    nodes: tuple[Member, ...] = ()
    os: Mapping[str, str] = field(default_factory=dict)
    selinux: str = ""
    selinux_policy: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Facts:
        """Read the result of the module."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data and name != "nodes"}
        return cls(**known, nodes=tuple(Member.of_dict(node) for node in data.get("nodes") or []))

    def is_active(self, node_type: str) -> bool:
        """Whether the unit is up."""
        return self.active.get(node_type) == "active"

    @property
    def running_version(self) -> Optional[Version]:
        """The version of the process."""
        return parse_or_none(self.running)

    @property
    def is_seed(self) -> bool:
        """Whether this server's datastore was begun here, or at least names nobody to join."""
        return self.datastore and not self.config.get("server")

    def has_started(self, digests: Mapping[str, str], version: str) -> bool:
        """Whether the last successful start read exactly these files with this version."""
        return self.last_start.get("files") == dict(digests) and self.last_start.get("version") == version
