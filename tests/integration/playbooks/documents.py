# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tenants files for the tests of the playbooks. Values only."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

FLEET: Document = {
    "networks": {"pod_cidr": "10.42.0.0/16", "service_cidr": "10.43.0.0/16", "node_cidrs": ["198.19.0.0/16"]},
    "tiers": {
        "standard": {
            "cluster": {
                "version": "v1.34.4-k3s1",
                "servers": 1,
                "server_limit": {"cpu": "4", "memory": "8Gi"},
                "storage": {"class": "longhorn", "size": "20Gi"},
                "expose": {"type": "nodePort"},
            },
            "isolation": {"level": "dedicated"},
        }
    },
}


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> Document:
    """Return a deep merge of two mappings."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return result


def tenant(identity: str, nodes: list[str], resource: str, pieces: int = 8, **change: Any) -> Document:
    """A tenant with one agent that takes all devices of a node of its own."""
    base: Document = {
        "id": identity,
        "tier": "standard",
        "owner": {"email": f"it@{identity}.example"},
        "isolation": {"nodes": nodes},
        "cluster": {"agents": 1, "worker_limit": {"cpu": "160", "memory": "1536Gi", resource: pieces}},
        "quota": {"accelerators": {resource: pieces}},
        "clearml": {
            "company": identity.upper(),
            "admin": {"name": f"{identity}-admin", "email": f"clearml@{identity}.example"},
            "queues": [
                {"name": "one", "gpu": 1, "resource": resource},
                {"name": "all", "gpu": pieces, "resource": resource},
            ],
        },
    }
    return merged(base, change)


def document(*tenants: Document, **fleet: Any) -> Document:
    """A tenants file."""
    return copy.deepcopy({"apiVersion": "tenancy/v1", "fleet": merged(FLEET, fleet), "tenants": list(tenants)})


#: Three tenants on the fleet of the laboratory: whole cards with room to grow, MIG slices, AMD.
GPU, MIG, AMD = "pb-gpu", "pb-mig", "pb-amd"


def three(**change: Any) -> Document:
    """The three tenants; change: of the first."""
    return document(
        tenant(GPU, ["gpu-a-1", "gpu-a-2"], "nvidia.com/gpu", **change),
        tenant(MIG, ["mig-1"], "nvidia.com/mig-1g.10gb", 56),
        tenant(AMD, ["amd-1"], "amd.com/gpu"),
    )


def small(identity: str, **change: Any) -> Document:
    """A tenant without devices and without ClearML, for large numbers."""
    base = {
        "id": identity,
        "tier": "standard",
        "owner": {"email": "it@many.example"},
        "isolation": {"level": "shared", "accept_risk": True},
        "cluster": {"agents": 1, "worker_limit": {"cpu": "4", "memory": "8Gi"}},
        "clearml": {"enabled": False},
    }
    return merged(base, change)
