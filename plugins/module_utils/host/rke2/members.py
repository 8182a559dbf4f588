# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as members of the cluster: gate, drain, wait, mark, remove. Runs on a server that serves the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ...core.errors import PlatformError, RefusedError, WaitTimeoutError
from ...core.plan import CHANGE, REMOVE, Step
from ...core.retry import Waiting
from ...core.rke2 import gate, marks
from ...core.rke2.facts import ANNOTATION_CORDONED, ANNOTATION_REMOVE, ANNOTATION_REMOVED, LABEL_ETCD, Member
from ..machine import Machine
from .kubectl import Kubectl, drain_arguments


class Members:
    """check_mode: only say what would be done. waiting: how to wait; None in check mode."""

    def __init__(self, machine: Machine, check_mode: bool, waiting: Optional[Waiting]) -> None:
        self._kubectl = Kubectl(machine)
        self._check_mode = check_mode
        self._waiting = waiting

    # --- gate ---

    def require_healthy(self, name: str, joining: Sequence[str]) -> None:
        """Wait until every server but this one is Ready with a vote; raises RefusedError when that does not come."""
        next_step = "Repair them first; nothing was touched here. A server that lost its disk comes back by --limit."
        self._settle(lambda members: gate.restart_refusal(members, name, joining), next_step)

    def _settle(self, judge: Callable[[Sequence[Member]], str], next_step: str) -> None:
        refusal = judge(self._kubectl.members())
        if refusal and self._waiting:

            def look() -> tuple[bool, str]:
                found = judge(self._kubectl.members())
                return not found, found

            try:
                self._waiting.until(look)
                return
            except WaitTimeoutError:
                refusal = judge(self._kubectl.members())
        if refusal:
            raise RefusedError(f"{refusal}.", next_step)

    # --- drain and back ---

    def drain(self, name: str, options: Mapping[str, Any]) -> list[Step]:
        """Take the pods off a Node, where there is another one for them. A failed drain is taken back.

        What a person cordoned stays cordoned afterwards: only our own cordon carries the annotation.
        """
        members = self._kubectl.members()
        member = next((one for one in members if one.name == name), None)
        if member is None or not gate.drain_useful(members, name):
            return []
        by_us = ANNOTATION_CORDONED in member.annotations
        step = Step(
            CHANGE, "Node", name, before="schedulable", after="drained", reason="its node is restarted or removed"
        )
        if self._check_mode:
            return [step]
        if not member.unschedulable:
            self._kubectl.patch_node(
                name, {"metadata": {"annotations": {ANNOTATION_CORDONED: "true"}}, "spec": {"unschedulable": True}}
            )
            by_us = True
        error = self._evict(name, options)
        if error:
            if by_us:
                self._uncordon(name)
            raise PlatformError(
                f"{name} cannot be drained: {error}",
                "See which PodDisruptionBudget or pod holds it (kubectl get pdb -A). The node is schedulable again."
                if by_us
                else "See which PodDisruptionBudget or pod holds it (kubectl get pdb -A).",
            )
        return [step]

    def _evict(self, name: str, options: Mapping[str, Any]) -> str:
        timeout = float(options["timeout"])
        answer = self._kubectl.run(*drain_arguments(name, options), timeout=timeout + 30)
        if not answer.ok and options["disable_eviction"]:
            answer = self._kubectl.run(*drain_arguments(name, options, True), timeout=timeout + 30)
        return "" if answer.ok else " ".join(answer.text.splitlines()[-3:])

    def _uncordon(self, name: str) -> None:
        patch = {"metadata": {"annotations": {ANNOTATION_CORDONED: None}}, "spec": {"unschedulable": None}}
        self._kubectl.patch_node(name, patch)

    def welcome(self, name: str, version: str, uncordon: bool = True) -> list[Step]:
        """Wait until a Node is Ready in its version, then take our own cordon back."""
        if self._waiting is None:
            return []
        found: list[Member] = []

        def look() -> tuple[bool, str]:
            try:
                member = self._kubectl.member(name)
            except PlatformError as error:
                return False, str(error)
            problem = _not_there(member, version)
            if not problem and member:
                found.append(member)
            return not problem, f"Node {name}: {problem}"

        self._waiting.until(look)
        if not uncordon or ANNOTATION_CORDONED not in found[-1].annotations:
            return []
        self._uncordon(name)
        return [Step(CHANGE, "Node", name, before="drained", after="schedulable", reason="it is back")]

    # --- labels and taints ---

    def mark(self, wanted: Sequence[Mapping[str, Any]]) -> list[Step]:
        """Bring labels and taints of many Nodes about, by one LIST and one patch for each that differs."""
        members = {member.name: member for member in self._kubectl.members()}
        steps = []
        for one in wanted:
            member = members.get(one["name"])
            if member is None:
                if self._check_mode:
                    continue
                raise PlatformError(f"There is no Node {one['name']} to mark.")
            patch = marks.patch_for(member, one["labels"], one["taints"])
            if patch is None:
                continue
            after = marks.apply(member, patch)
            steps.append(
                Step(
                    CHANGE,
                    "Node",
                    member.name,
                    before={"labels": dict(member.labels), "taints": list(member.taints)},
                    after={"labels": dict(after.labels), "taints": list(after.taints)},
                )
            )
            if not self._check_mode:
                self._kubectl.patch_node(member.name, patch)
        return steps

    # --- removal ---

    def remove(self, name: str, allow_even: bool, drain: Optional[Mapping[str, Any]], lost: bool) -> list[Step]:
        """Take a Node out of the cluster: drain, wait for its volumes, remove its etcd member, delete the object.

        lost: the host and its disk are gone, so nothing on it can be waited for and it may come back under its name.
        """
        members = self._kubectl.members()
        member = next((one for one in members if one.name == name), None)
        if member is None:
            return []
        refusal = gate.removal_refusal(members, name, allow_even or lost)
        if refusal:
            raise RefusedError(f"{refusal}.", "Nothing was changed.")
        steps = []
        if drain is not None and not lost:
            steps += self.drain(name, drain)
        steps.append(Step(REMOVE, "Node", name, reason="it leaves the cluster"))
        if self._check_mode or self._waiting is None:
            return steps
        if not lost:
            self._wait_for_volumes(name)
        if LABEL_ETCD in member.labels:
            self._remove_member(name)
        self._kubectl.must(f"Cannot delete Node {name}", "delete", "node", name, "--ignore-not-found", "--wait=true")
        return steps

    def _wait_for_volumes(self, name: str) -> None:
        """A volume that is attached to a node which is gone stays locked; Longhorn and others must let go first."""

        def look() -> tuple[bool, str]:
            attached = [
                one["spec"]["source"].get("persistentVolumeName") or one["metadata"]["name"]
                for one in self._kubectl.get("volumeattachments.storage.k8s.io")
                if one["spec"].get("nodeName") == name
            ]
            return not attached, f"volumes are still attached to {name}: {', '.join(attached)}"

        self._until(look)

    def _remove_member(self, name: str) -> None:
        """Have etcd forget the member while its Node is still there (rancher/rke2#3842)."""
        self._kubectl.patch_node(name, {"metadata": {"annotations": {ANNOTATION_REMOVE: "true"}}})

        def look() -> tuple[bool, str]:
            member = self._kubectl.member(name)
            gone = member is None or ANNOTATION_REMOVED in member.annotations
            return gone, f"the etcd member of {name} is not removed yet"

        self._until(look)

    def _until(self, look: Callable[[], tuple[bool, str]]) -> None:
        if self._waiting:
            self._waiting.until(look)


def _not_there(member: Optional[Member], version: str) -> str:
    if member is None:
        return "there is none yet"
    if not member.ready:
        return "not Ready"
    if version and member.version != version:
        return f"its kubelet is {member.version}, wanted {version}"
    return "no vote in etcd yet" if member.voter is False else ""
