# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person wants to know of one virtual cluster, as both modules return it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .desired import being_deleted
from .endpoint import Endpoints
from .facts import Facts
from .readiness import Verdict
from .spec import extended_resources


def summary(facts: Facts, spec: Mapping[str, Any], verdict: Verdict, where: Optional[Endpoints]) -> dict[str, Any]:
    """Describe one cluster. spec: what it should be; where: its addresses, None when it does not exist."""
    result = {
        "namespace": facts.namespace,
        "phase": facts.phase,
        "ready": verdict.done,
        "reasons": list(verdict.missing),
        **counts(facts, spec),
        "version": spec.get("version") or "",
        "kubeconfig_secret": facts.objects.kubeconfig_secret,
        "gpu_per_agent": gpu_per_agent(spec),
    }
    if where:
        result.update(internal_url=where.internal, external_url=where.external, node_port=where.node_port)
    return result


def counts(facts: Facts, spec: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many servers and agents C(spec) wants, and are there with the current template, are ready, and are going."""
    result = {}
    for role, workload, pods in (
        ("servers", facts.servers, facts.server_pods),
        ("agents", facts.agents, facts.agent_pods),
    ):
        status = (workload or {}).get("status") or {}
        result[role] = {
            "wanted": int(spec.get(role) or 0),
            "updated": int(status.get("updatedReplicas") or 0),
            "ready": int(status.get("readyReplicas") or 0),
            "terminating": sum(1 for pod in pods if being_deleted(pod)),
        }
    return result


def gpu_per_agent(spec: Mapping[str, Any]) -> dict[str, int]:
    """The devices that each agent holds, by resource name."""
    return {name: int(amount) for name, amount in extended_resources(spec.get("workerLimit")).items()}
