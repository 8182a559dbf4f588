# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Look at the virtual clusters that are there, without changing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.errors import NotFoundError
from ...core.k3k.desired import LABEL_POLICY
from ...core.k3k.endpoint import Endpoints, endpoints, needs_service
from ...core.k3k.facts import Facts, label_of
from ...core.k3k.readiness import Verdict, judge_ready
from ...core.names import LABEL_TENANT
from ...core.objects import Object
from ..kinds import kind_of
from ..session import Session
from .clusters import services_of
from .reading import CLUSTER_KINDS, Reader, facts_of


@dataclass(frozen=True)
class Found:
    """One virtual cluster. policy: what its namespace is bound to, or empty."""

    facts: Facts
    policy: str
    verdict: Verdict
    endpoints: Endpoints

    @property
    def tenant(self) -> str:
        """The tenant that the Cluster's label names; empty for one that this collection did not make."""
        return label_of(self.facts.cluster, LABEL_TENANT) if self.facts.cluster else ""


def survey(
    session: Session, tenants: Sequence[str], namespaces: Sequence[str], selectors: Sequence[str]
) -> list[Found]:
    """Find clusters by tenant, namespace and label (all of them, where nothing is stated) and judge each.

    One LIST per kind; events are read only when a cluster is not ready, Services only where a port was picked.
    """
    labels = [*selectors, *([f"{LABEL_TENANT} in ({','.join(sorted(tenants))})"] if tenants else [])]
    only = namespaces[0] if len(namespaces) == 1 else ""
    try:
        clusters = session.list(kind_of("Cluster"), only, ",".join(labels))
    except NotFoundError:
        return []  # k3k is not installed
    keys = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in clusters]
    keys = sorted(key for key in keys if not namespaces or key[0] in namespaces)
    if not keys:
        return []
    reader = Reader(session, [namespace for namespace, _name in keys])
    seen = reader.read((*CLUSTER_KINDS, "Namespace"))
    policies = {item["metadata"]["name"]: label_of(item, LABEL_POLICY) for item in seen.of_kind("Namespace")}
    pairs = [(key, policies.get(key[0], "")) for key in keys]
    found = facts_of(seen, pairs)
    if any(not judge_ready(facts, policy).done for facts, (_key, policy) in zip(found, pairs)):
        found = facts_of(seen, pairs, reader.events())
    asking = [facts for facts in found if needs_service(facts.spec, "")]
    services: dict[tuple[str, str], Object] = {
        (facts.namespace, facts.name): service
        for facts, service in zip(asking, services_of(session, asking))
        if service is not None
    }
    return [
        Found(
            facts,
            policy,
            judge_ready(facts, policy),
            endpoints(facts, "", None, services.get((facts.namespace, facts.name))),
        )
        for facts, (_key, policy) in zip(found, pairs)
    ]
