# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan of a run over all nodes: who begins, who joins, who is restarted or upgraded, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..errors import Problems, RefusedError
from . import marks, seed
from .declaration import Declaration, Surroundings, parse, settings_of
from .facts import Facts, Member
from .files import Settings
from .keys import AGENT, CRITICAL, SERVER
from .node import JOIN, NodePlan, plan_node, refusals_of
from .node import UPGRADE as UPGRADE_KIND
from .version import kubelet_refusal, parse_or_none

#: What a run is for: bring the declared state about; the same with another version; the same with another token.
CONVERGE, UPGRADE = "converge", "upgrade"


@dataclass(frozen=True)
class Node:
    """One host of the inventory.

    address: where other hosts reach it. facts: None when it did not answer. raw: its variables; None when it is not in
    the play.
    """

    name: str
    type: str
    address: str
    facts: Optional[Facts]
    raw: Optional[Mapping[str, Any]] = None


@dataclass
class ClusterPlan:
    """seed: see L(seed.Choice). nodes: host -> plan. marks: Nodes whose labels or taints are looked after at the end."""

    seed: seed.Choice
    nodes: dict[str, NodePlan] = field(default_factory=dict)
    marks: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As the filter C(rke2_plan) returns it."""
        return {
            "seed": self.seed.name,
            "fresh": self.seed.fresh,
            "nodes": {name: plan.as_dict() for name, plan in self.nodes.items()},
            "due": [name for name, plan in self.nodes.items() if plan.due],
            "joining": [plan.node_name for plan in self.nodes.values() if plan.kind == JOIN],
            "upgrades": [name for name, plan in self.nodes.items() if plan.kind == UPGRADE_KIND],
            "marks": self.marks,
            "warnings": self.warnings,
            "summary": [f"{name}: {plan.summary}" for name, plan in self.nodes.items()],
        }


def plan_cluster(
    nodes: Sequence[Node], intent: str = CONVERGE, allow_even: bool = False, begin_on: str = ""
) -> ClusterPlan:
    """Decide for all nodes at once. Raises ConfigError with every mistake, or RefusedError with every refusal.

    begin_on: the host whose datastore counts from now on, for a restore; empty to find it out.
    """
    problems = Problems()
    declared = {node.name: parse(problems, node.name, node.type, node.raw) for node in nodes if node.raw is not None}
    _check_together(problems, nodes, declared, allow_even)
    problems.raise_if_any("RKE2 variables")
    servers = {node.name: node.facts for node in nodes if node.type == SERVER}
    agents = {node.name: node.facts for node in nodes if node.type == AGENT}
    choice = seed.Choice(begin_on) if begin_on else seed.choose(servers, agents, list(declared))
    members = {member.name: member for member in members_of(nodes)}
    settings = {
        node.name: settings_of(declared[node.name], _surroundings(node, nodes, declared, choice))
        for node in nodes
        if node.name in declared and node.facts
    }
    refusals = [choice.refusal] if choice.refusal else []
    refusals += _refusals(nodes, declared, settings, intent)
    plan = ClusterPlan(choice)
    for node in nodes:
        if node.name in settings and node.facts:
            member = members.get(node.facts.node_name)
            one, wanted = declared[node.name], settings[node.name]
            plan.nodes[node.name] = plan_node(node.name, node.facts, one, wanted, choice, member)
    refusals += _quorum_refusals(nodes, plan)
    _raise(refusals)
    plan.marks = list(_marks(nodes, declared, plan))
    plan.warnings = [*_warnings(nodes), *(f"{name}: {one.summary}" for name, one in plan.nodes.items() if one.pending)]
    return plan


def _raise(refusals: Sequence[str]) -> None:
    if refusals:
        lines = "\n".join(f"  - {refusal}" for refusal in dict.fromkeys(refusals))
        raise RefusedError(f"RKE2: refused, nothing was changed.\n{lines}")


# --- what the variables of all nodes say together ---


def _check_together(
    problems: Problems, nodes: Sequence[Node], declared: Mapping[str, Declaration], allow_even: bool
) -> None:
    servers = [node.name for node in nodes if node.type == SERVER]
    if not servers:
        problems.add("inventory", "no host in rke2_servers", "one server, or an odd number from three")
    elif len(servers) % 2 == 0 and not allow_even:
        problems.add(
            "inventory group rke2_servers",
            len(servers),
            "an odd number of servers: an even one bears no more failures than one less (rke2_allow_even_servers)",
        )
    for name in sorted(
        {node.name for node in nodes if node.type == SERVER} & {n.name for n in nodes if n.type == AGENT}
    ):
        problems.add("inventory", name, "a host in rke2_servers or in rke2_agents, not in both")
    if len(servers) > 1:
        for one in declared.values():
            if not one.endpoint:
                problems.add(
                    f"{one.host}: rke2_api_endpoint",
                    "",
                    "the name of the load balancer in front of the servers, or a VIP",
                )
    _check_equal(problems, declared)


def _check_equal(problems: Problems, declared: Mapping[str, Declaration]) -> None:
    """Cluster-wide variables have one value, or nodes would refuse each other half-way through."""
    why = {"cluster_name": "; an inventory has the nodes of one cluster, so run the playbook once for each"}
    for name in (
        "cluster_name",
        "version",
        "token",
        "agent_token",
        "cni",
        "cluster_cidr",
        "service_cidr",
        "cluster_dns",
        "cluster_domain",
    ):
        values = {str(one[name]) for one in declared.values()}
        if len(values) > 1:
            shown = "(hidden)" if "token" in name else sorted(values)
            problems.add(f"rke2_{name}", shown, f"the same value on all nodes{why.get(name, '')}")


# --- what must not be done ---


def _refusals(
    nodes: Sequence[Node], declared: Mapping[str, Declaration], settings: Mapping[str, Settings], intent: str
) -> Iterator[str]:
    for node in nodes:
        if node.name in settings and node.facts:
            yield from refusals_of(node.name, node.facts, declared[node.name], settings[node.name], intent == UPGRADE)
    yield from _unequal(settings)
    yield from _skew(nodes, declared)


def _unequal(settings: Mapping[str, Settings]) -> Iterator[str]:
    servers = {name: one.config for name, one in settings.items() if one.type == SERVER}
    for key in CRITICAL:
        values = {name: str(config.get(key, "")) for name, config in servers.items()}
        if len(set(values.values())) > 1:
            shown = ", ".join(f"{name} {value or '(default)'}" for name, value in values.items())
            yield f"{key} must be equal on all servers, a server with another value cannot join: {shown}"


def _skew(nodes: Sequence[Node], declared: Mapping[str, Declaration]) -> Iterator[str]:
    """No node may be newer than a server that this run does not bring along."""
    moving = {node.facts.node_name for node in nodes if node.facts and node.name in declared and node.type == SERVER}
    for one in declared.values():
        staying = [member for member in members_of(nodes) if member.server and member.name not in moving]
        versions = [version for version in (parse_or_none(member.version) for member in staying) if version]
        if one.version and versions:
            refusal = kubelet_refusal(one.version, versions)
            if refusal:
                yield f"{one.host}: {refusal}"


def _quorum_refusals(nodes: Sequence[Node], plan: ClusterPlan) -> Iterator[str]:
    """A server that did not answer counts as down: no other may be touched then, and none may be asked to join."""
    silent = [node.name for node in nodes if node.type == SERVER and node.facts is None]
    if not silent or plan.seed.refusal:
        return
    touched = [name for name, one in plan.nodes.items() if one.due and one.type == SERVER]
    if touched:
        yield (
            f"{', '.join(silent)} did not answer, so no server may be touched (due: {', '.join(touched)}). "
            "Bring it back, or take it out of the cluster with node_remove."
        )
    serving = any(node.facts and node.facts.api_ready for node in nodes)
    if not serving and any(one.due for one in plan.nodes.values()):
        yield f"{', '.join(silent)} did not answer, and no other server serves the API: there is nothing to join."


# --- helpers ---


def members_of(nodes: Sequence[Node]) -> tuple[Member, ...]:
    """The Nodes as the first server that serves the API told them."""
    return next((node.facts.nodes for node in nodes if node.facts and node.facts.api_ready), ())


def _surroundings(
    node: Node, nodes: Sequence[Node], declared: Mapping[str, Declaration], choice: seed.Choice
) -> Surroundings:
    ca_hash = next((one.facts.ca_hash for one in nodes if one.facts and one.facts.ca_hash), "")
    fresh = choice.fresh and node.name == choice.name
    server = "" if node.name == choice.name else _meeting_point(node, nodes, declared)
    # What the seed started with stays: pinning its own CA to it later would only restart it.
    known = "" if node.name == choice.name else ca_hash
    enforcing = node.facts is not None and node.facts.selinux == "enforcing"
    return Surroundings(server, known, enforcing, fresh)


def _meeting_point(node: Node, nodes: Sequence[Node], declared: Mapping[str, Declaration]) -> str:
    """Where a node joins: the endpoint, or without one (a single server) that server's address."""
    return declared[node.name].endpoint or next((one.address for one in nodes if one.type == SERVER), "")


def _marks(nodes: Sequence[Node], declared: Mapping[str, Declaration], plan: ClusterPlan) -> Iterator[dict[str, Any]]:
    members = {member.name: member for member in members_of(nodes)}
    for node in nodes:
        if node.name not in plan.nodes or node.facts is None:
            continue
        one = declared[node.name]
        name = node.facts.node_name
        member = members.get(name)
        labels, taints = dict(one["node_labels"]), list(one["node_taints"])
        due = bool(labels or taints) if member is None else marks.patch_for(member, labels, taints) is not None
        if due:
            yield {"name": name, "labels": labels, "taints": taints}


def _warnings(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if node.facts and node.facts.overrides:
            yield (
                f"{node.name}: files in config.yaml.d override keys of this collection: "
                f"{', '.join(sorted(node.facts.overrides))}"
            )
