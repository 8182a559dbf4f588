# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether what a stage waits for holds. Pure judgement of what was read; the waiting itself is in the kube layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from ..objects import Object
from . import planning
from .changes import running_agents
from .desired import LABEL_POD_SECURITY, POD_SECURITY, being_deleted
from .facts import Facts, label_of
from .planning import lingers
from .template import agent_lag, server_lag
from .troubles import Trouble, troubles

_ETCD_FINALIZER = "etcdpod.k3k.io/finalizer"
_CONTROLLER = (
    "Check that the k3k controller runs and that the ClusterRoleBindings k3k-kubelet-node and k3k-priorityclass exist; "
    "it goes on by itself then."
)


@dataclass(frozen=True)
class Verdict:
    """done: the condition holds. missing: what is not as it should be, in words. troubles: known causes."""

    done: bool
    missing: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    @property
    def state(self) -> str:
        """The first thing that is missing, for a person who waits."""
        return self.missing[0] if self.missing else "as wanted"

    @property
    def final(self) -> Optional[Trouble]:
        """A cause that does not go away by itself."""
        return next((trouble for trouble in self.troubles if trouble.final), None)


def judge(until: str, facts: Facts, policy: str = "", names: Sequence[str] = ()) -> Verdict:
    """Judge one condition of L(planning) for one cluster.

    policy: the VirtualClusterPolicy that the cluster's namespace is bound to. names: of the claims for NO_CLAIMS.
    """
    if until == planning.READY:
        return judge_ready(facts, policy)
    missing = tuple(_GATES[until](facts, names))
    return Verdict(not missing, missing, tuple(_removal_troubles(facts)) if missing else ())


def judge_ready(facts: Facts, policy: str = "") -> Verdict:
    """A virtual cluster is ready when the controller has taken the spec over, every server and agent runs with it, none
    is going, and the phase says so too.
    """
    missing = tuple(_missing(facts, policy))
    return Verdict(not missing, missing, tuple(troubles(facts)) if missing else ())


def _missing(facts: Facts, policy: str) -> Iterator[str]:
    if facts.cluster is None:
        yield "the Cluster does not exist"
        return
    if being_deleted(facts.cluster):
        yield "the Cluster is being deleted"
        return
    if policy and facts.status.get("policyName") != policy:
        yield f"the policy {policy} is not in force yet (now: {facts.status.get('policyName') or 'none'})"
    yield from _missing_servers(facts)
    yield from _missing_agents(facts)
    if facts.phase != "Ready":
        yield f"phase {facts.phase}{': ' + facts.message if facts.message else ''}"


def _missing_servers(facts: Facts) -> Iterator[str]:
    wanted, servers = int(facts.spec.get("servers") or 1), facts.servers
    if servers is None:
        yield "the controller has not made the servers' StatefulSet yet"
        return
    lag = server_lag(facts, servers)
    if lag:
        yield f"the controller has not taken over to the servers: {', '.join(lag)}"
    yield from _missing_pods("server", wanted, servers, facts.server_pods)


def _missing_agents(facts: Facts) -> Iterator[str]:
    wanted, agents = running_agents(facts.cluster or {}), facts.agents
    if agents is None:
        yield "the controller has not made the agents' Deployment yet"
        return
    lag = agent_lag(facts, agents)
    if lag:
        yield f"the controller has not taken over to the agents: {', '.join(lag)}"
    yield from _missing_pods("agent", wanted, agents, facts.agent_pods)


def _missing_pods(role: str, wanted: int, workload: Object, pods: Sequence[Object]) -> Iterator[str]:
    status = workload.get("status") or {}
    if status.get("observedGeneration") != workload["metadata"].get("generation"):
        yield f"the roll-out of the {role}s has not begun"
    updated, ready = int(status.get("updatedReplicas") or 0), int(status.get("readyReplicas") or 0)
    going = sum(1 for pod in pods if being_deleted(pod))
    if updated != wanted or ready != wanted:
        yield f"{ready} of {wanted} {role}s are ready, {updated} with the current template"
    elif going:
        yield f"{going} old {role} pods are still going"
    elif int(status.get("replicas") or 0) != wanted:
        yield f"{int(status.get('replicas') or 0)} {role} pods instead of {wanted}"


# -- the other conditions ---------------------------------------------------------------------------------------------


def _no_agents(facts: Facts, _names: Sequence[str]) -> Iterator[str]:
    if facts.agent_pods:
        yield f"{len(facts.agent_pods)} agent pods are still there"
    replicas = ((facts.agents or {}).get("spec") or {}).get("replicas", 0)
    if replicas:
        yield "the controller has not taken over to the agents: agents"


def _no_claims(facts: Facts, names: Sequence[str]) -> Iterator[str]:
    left = [claim["metadata"]["name"] for claim in facts.claims if claim["metadata"]["name"] in names]
    if left:
        yield f"volume claims are still there: {', '.join(left)}"


def _gone(facts: Facts, _names: Sequence[str]) -> Iterator[str]:
    yield from _rest(facts, facts.claims)


def _free(facts: Facts, _names: Sequence[str]) -> Iterator[str]:
    yield from _rest(facts, [claim for claim in facts.claims if lingers(claim)])


def _rest(facts: Facts, claims: Sequence[Object]) -> Iterator[str]:
    if facts.cluster is not None:
        yield "the Cluster is still there"
    if facts.pods:
        yield f"{len(facts.pods)} pods of the old cluster are still there"
    if claims:
        yield f"{len(claims)} volume claims of the old cluster are still there"


def _policy(facts: Facts, _names: Sequence[str]) -> Iterator[str]:
    namespace = facts.namespace_object
    if namespace is None or label_of(namespace, LABEL_POD_SECURITY) != POD_SECURITY:
        yield f"the policy controller has not made the namespace {POD_SECURITY} yet"


def _no_policy(facts: Facts, _names: Sequence[str]) -> Iterator[str]:
    if facts.policy is not None:
        yield "the VirtualClusterPolicy is still there"


_GATES: dict[str, Callable[[Facts, Sequence[str]], Iterator[str]]] = {
    planning.NO_AGENTS: _no_agents,
    planning.NO_CLAIMS: _no_claims,
    planning.GONE: _gone,
    planning.FREE: _free,
    planning.POLICY: _policy,
    planning.NO_POLICY: _no_policy,
}


def _removal_troubles(facts: Facts) -> Iterator[Trouble]:
    """Why something does not go: finalizers whose controller does not act. Neither status nor events tell that."""
    for manifest, kind in ((facts.cluster, "Cluster"), (facts.policy, "VirtualClusterPolicy")):
        if manifest is not None and being_deleted(manifest):
            finalizers = ", ".join(manifest["metadata"].get("finalizers") or [])
            text = f"the deletion of {kind} {manifest['metadata']['name']} waits for {finalizers}"
            yield Trouble("finalizer", text, _CONTROLLER)
    for pod in facts.pods:
        if being_deleted(pod) and _ETCD_FINALIZER in (pod["metadata"].get("finalizers") or []):
            name = pod["metadata"]["name"]
            text = f"pod {name} waits for {_ETCD_FINALIZER}: the controller cannot remove its etcd member"
            advice = (
                f"If no server of this cluster runs any more, take the finalizer away: kubectl -n {facts.namespace} "
                f'patch pod {name} --type=merge -p \'{{"metadata":{{"finalizers":null}}}}\''
            )
            yield Trouble("pod finalizer", text, advice)
    namespace = facts.namespace_object
    if namespace is not None and label_of(namespace, LABEL_POD_SECURITY) != POD_SECURITY:
        yield Trouble("controller", "the k3k controller does not act on the policy", _CONTROLLER)
