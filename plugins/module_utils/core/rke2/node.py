# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan of one node: from what is wanted, what is on disk and what runs, to what has to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from . import release, seed
from .declaration import Declaration
from .facts import ANNOTATION_CORDONED, Facts, Member
from .files import NodeFile, Settings, digest, files_of, start_digests
from .keys import SERVER, immutable_changes
from .version import Version, change_refusal, parse_or_none

#: What a start of the node means for the cluster.
INIT, JOIN, START, RESTART, UPGRADE = "init", "join", "start", "restart", "upgrade"


@dataclass(frozen=True)
class NodePlan:
    """What is to be done with one node.

    kind: one of the words above, empty when it needs no start. install: the release on disk is another one, or none.
    write: paths that differ. reasons: why, for people. settings, declared: what the modules get. was_up: the unit is
    active now. stale: the cluster has a Node of this name from before the host lost its disk. cordoned: an interrupted
    run of ours drained the Node. seed: the cluster began here. pending: why a restart is due that nobody wants now.
    """

    name: str
    node_name: str
    type: str
    kind: str
    install: bool
    write: tuple[str, ...]
    reasons: tuple[str, ...]
    settings: Settings
    declared: Declaration
    was_up: bool
    stale: bool
    cordoned: bool
    seed: bool
    method: str
    pending: str = ""

    @property
    def due(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.kind or self.install or self.write or self.cordoned)

    @property
    def summary(self) -> str:
        """One line for people."""
        if not self.due:
            return f"a restart is due, by hand: {self.pending}" if self.pending else "as declared"
        return f"{self.kind or 'change'} ({'; '.join(self.reasons)})"

    def as_dict(self) -> dict[str, Any]:
        """As the role's tasks use it. It holds secrets."""
        one = self.settings
        return {
            "due": self.due,
            "kind": self.kind,
            "type": self.type,
            "node_name": self.node_name,
            "install": self.install,
            "write": list(self.write),
            "reasons": list(self.reasons),
            "was_up": self.was_up,
            "stale": self.stale,
            "cordoned": self.cordoned,
            "seed": self.seed,
            "config": {
                "type": one.type,
                "config": dict(one.config),
                "token": one.token,
                "agent_token": one.agent_token,
                "registries": dict(one.registries),
                "audit_policy": dict(one.audit_policy),
                "pod_security": dict(one.pod_security),
                "environment": dict(one.environment),
                "manifests": dict(one.manifests),
                "custom_ca": dict(one.custom_ca),
            },
            "version": self.declared["version"],
            "method": self.method,
        }


def method_of(declared: Declaration, facts: Facts) -> str:
    """The method of installation that C(auto) stands for: see L(release.auto_method)."""
    chosen = str(declared["install_method"])
    return release.auto_method(facts.os, bool(declared["airgap"])) if chosen == "auto" else chosen


def plan_node(
    name: str, facts: Facts, declared: Declaration, settings: Settings, choice: seed.Choice, member: Optional[Member]
) -> NodePlan:
    """Compare wanted, installed, running and last started. member: the host's Node, when the cluster has one."""
    wanted = str(declared["version"])
    files = files_of(settings)
    write = tuple(file.path for file in files if differs(file, facts))
    install = facts.installed != wanted
    reasons = [f"installed {facts.installed or 'nothing'}, wanted {wanted}"] if install else []
    reasons += [f"{path} differs" for path in write]
    kind, pending = _kind(name, facts, settings, choice), ""
    if kind == START:
        reasons.append("the unit is not active")
    elif not kind:
        kind, why = _restart(facts, wanted, start_digests(files))
        reasons += why
        if kind == RESTART and declared["restart_policy"] == "manual":
            kind, pending = "", "; ".join(why)
    cordoned = member is not None and ANNOTATION_CORDONED in member.annotations
    reasons += ["an interrupted run left it drained"] if cordoned else []
    return NodePlan(
        name=name,
        node_name=facts.node_name,
        type=settings.type,
        kind=kind,
        install=install,
        write=write,
        reasons=tuple(reasons),
        settings=settings,
        declared=declared,
        was_up=facts.is_active(settings.type),
        stale=kind == JOIN and member is not None and not facts.joined,
        cordoned=cordoned,
        seed=name == choice.name,
        method=method_of(declared, facts),
        pending=pending,
    )


def _kind(name: str, facts: Facts, settings: Settings, choice: seed.Choice) -> str:
    if choice.fresh and name == choice.name:
        return INIT
    if not _has_joined(facts, settings.type):
        return JOIN
    return "" if facts.is_active(settings.type) else START


def _has_joined(facts: Facts, node_type: str) -> bool:
    return facts.datastore if node_type == SERVER else facts.joined


def _restart(facts: Facts, wanted: str, digests: Mapping[str, str]) -> tuple[str, list[str]]:
    """Why a node that is up has to be restarted. The order matters: an upgrade is a restart with another program."""
    if facts.running != wanted:
        return UPGRADE, [f"running {facts.running or 'an unknown version'}, wanted {wanted}"]
    if facts.has_started(digests, wanted):
        return "", []
    before = facts.last_start.get("files")
    if before is None:
        return RESTART, ["no record of a start by this collection"]
    changed = sorted(path for path in {*before, *digests} if before.get(path) != digests.get(path))
    return RESTART, [f"the last start did not read the declared {', '.join(changed) or 'version'}"]


def differs(file: NodeFile, facts: Facts) -> bool:
    """Whether a file on disk is not as it shall be. Files of others are not removed."""
    found = facts.files.get(file.path)
    if file.text is None:
        return found is not None and found.get("ours") == "true"
    if found is None:
        return True
    return found.get("digest") != digest(file.text) or found.get("mode") != f"{file.mode:04o}"


# --- refusals ---


def refusals_of(name: str, facts: Facts, declared: Declaration, settings: Settings, may_upgrade: bool) -> Iterator[str]:
    """Say everything that speaks against working on this node."""
    is_now, becomes = ("an agent", "a server") if settings.type == SERVER else ("a server", "an agent")
    if (facts.type and facts.type != settings.type) or (settings.type != SERVER and facts.datastore):
        yield f"{name} is {is_now}; take it out of the cluster with node_remove before it becomes {becomes}."
        return
    if facts.conflict:
        yield f"{name}: {facts.conflict}"
    method = method_of(declared, facts)
    if facts.method and facts.method != method and facts.installed:
        yield (
            f"{name}: RKE2 is installed by {facts.method}, rke2_install_method says {method}. The method of an installed "
            f"node cannot change; set rke2_install_method={facts.method}, or uninstall the node first."
        )
    if facts.selinux == "enforcing" and not facts.selinux_policy and method == "tar":
        yield (
            f"{name} enforces SELinux and has no policy for RKE2: install the package rke2-selinux first, or use "
            "rke2_install_method=rpm, which brings it."
        )
    if facts.datastore:
        for key, before, after in immutable_changes(facts.config, settings.config):
            yield f"{name}: {key} is {before or '(none)'} and cannot become {after or '(none)'}: a running cluster cannot change it."
    yield from _version_refusals(name, facts, declared, settings.type, may_upgrade)


def _version_refusals(
    name: str, facts: Facts, declared: Declaration, node_type: str, may_upgrade: bool
) -> Iterator[str]:
    current = current_version(facts)
    wanted = declared.version
    if wanted is None or current is None or not _has_joined(facts, node_type):
        return
    refusal = change_refusal(current, wanted)
    if refusal:
        yield f"{name}: {refusal}."
    elif not may_upgrade and current != wanted:
        yield f"{name} runs {current}, rke2_version says {wanted}: use the playbook ai_tenancy.platform.rke2_upgrade."


def current_version(facts: Facts) -> Optional[Version]:
    """The version that the node works with: of its process, else of its Node object, its last start, or its disk."""
    member = next((one for one in facts.nodes if one.name == facts.node_name), None)
    texts = (facts.running, member.version if member else "", str(facts.last_start.get("version", "")), facts.installed)
    return next((version for version in map(parse_or_none, texts) if version), None)
