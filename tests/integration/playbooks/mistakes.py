# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One tenants file with every mistake that can be seen without a cluster, and what must be said of each. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.integration.playbooks.documents import Document, document, small

#: Must never come back in a message.
PLAIN_SECRET = "postgres://keeper:Wint3r-is-c0ming@db.example:5432/k3s"  # pragma: allowlist secret
CARD = "nvidia.com/gpu"


@dataclass(frozen=True)
class Mistake:
    """tenants: those that carry it. place, value, allowed: what the message must name, the value as it is shown."""

    name: str
    tenants: tuple[Document, ...]
    place: str
    value: str
    allowed: str


def one(identity: str, place: str, value: str, allowed: str, **change: Any) -> Mistake:
    """A mistake of one tenant."""
    return Mistake(identity, (small(identity, **change),), f"tenants[{identity}].{place}", value, allowed)


def pair(name: str, place: str, value: str, allowed: str, **change: Any) -> Mistake:
    """The same change in two tenants, which only one of them may have."""
    tenants = tuple(small(f"{name}-{number}", **change) for number in (1, 2))
    return Mistake(name, tenants, f"tenants[{name}-2].{place}", value, allowed)


def gpus(node: str, agents: int, each: Any, quota: Any, name: str = CARD) -> Document:
    return {
        "isolation": {"level": "dedicated", "nodes": [node]},
        "cluster": {"agents": agents, "worker_limit": {CARD: each}},
        "quota": {"accelerators": {name: quota}},
    }


WITH_COMPANY = {"enabled": True, "company": "Twice Ltd", "admin": {"email": "admin@twice.example"}}
RESOURCES = {"limits": {"cpu": "4"}}

MISTAKES = (
    one("unknown-key", "cluster", "'server'", "did you mean servers?", cluster={"server": 1}),
    Mistake("same-id", (small("same-id"), small("same-id")), "tenants[same-id].id", "'same-id'", "id of its own"),
    pair("same-namespace", "namespace", "'t-one'", "tenants[same-namespace-1] has this one", namespace="t-one"),
    pair("same-company", "clearml.company", "'Twice Ltd'", "tenants[same-company-1]", clearml=WITH_COMPANY),
    pair(
        "same-host",
        "cluster.expose.host",
        "'api.twice.example'",
        "no other tenant has",
        cluster={"expose": {"type": "ingress", "host": "api.twice.example", "class": "nginx"}},
    ),
    one("Upper_Case", "id", "'Upper_Case'", "2-20 characters of a-z, 0-9 and '-'"),
    one("kube-system", "id", "'kube-system'", "not reserved"),
    one("fraction", f"quota.accelerators[{CARD}]", "0.5", "a whole number", **gpus("n1", 1, 1, 0.5)),
    one(
        "limits", "quota.accelerators", f"'limits.{CARD}'", "without 'limits.'", **gpus("n2", 0, 1, 1, f"limits.{CARD}")
    ),
    one("bare-prefix", "quota.accelerators", "'nvidia.com'", f"such as {CARD}", **gpus("n3", 0, 1, 1, "nvidia.com")),
    one(
        "above-quota",
        f"cluster.worker_limit[{CARD}]",
        "'2 agents x 8 = 16'",
        f"at most quota.accelerators[{CARD}], 8",
        **gpus("n4", 2, 8, 8),
    ),
    one("overlap", "cluster.cluster_cidr", "'10.42.0.0/17'", "pod_cidr", cluster={"cluster_cidr": "10.42.0.0/17"}),
    one("version-form", "cluster.version", "'v1.34.4+k3s1'", "v1.34.4-k3s1", cluster={"version": "v1.34.4+k3s1"}),
    one("even-servers", "cluster.servers", "2", "1, 3 or 5", cluster={"servers": 2}),
    one("both", "cluster.worker_resources", "'set together", "not both", cluster={"worker_resources": RESOURCES}),
    one(
        "device-in-pod",
        "cluster.worker_resources.limits",
        f"'{CARD}'",
        "devices go to cluster.worker_limit",
        cluster={"worker_limit": None, "worker_resources": {"limits": {CARD: 1}}},
    ),
    one("secret", "cluster.external_datastore", "'***", "secret_ref", cluster={"external_datastore": PLAIN_SECRET}),
)


def all_mistakes() -> Document:
    """The file with all of them."""
    return document(*(tenant for mistake in MISTAKES for tenant in mistake.tenants))
