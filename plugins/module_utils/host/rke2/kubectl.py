# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The cluster as a server sees it, by the kubectl that RKE2 brings and the administrator's kubeconfig on the server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ...core.errors import NotFoundError, PlatformError, UnreachableError
from ...core.rke2 import places
from ...core.rke2.facts import Member
from ..machine import Answer, Machine

KUBECTL = f"{places.BIN}/kubectl"
#: Seconds that one request may take.
REQUEST_TIMEOUT = 15
_AWAY = ("connection refused", "timed out", "timeout", "unable to connect", "eof", "no route to host", "etcdserver:")


class Kubectl:
    """Runs kubectl on this server. Data that may be long or secret goes through standard input."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @property
    def usable(self) -> bool:
        """Whether this host has kubectl and a kubeconfig at all."""
        return self._machine.exists(KUBECTL) and self._machine.exists(places.KUBECONFIG)

    def run(self, *arguments: str, data: Optional[str] = None, timeout: float = REQUEST_TIMEOUT) -> Answer:
        """Run kubectl; see L(Machine.run)."""
        argv = [KUBECTL, f"--kubeconfig={places.KUBECONFIG}", f"--request-timeout={REQUEST_TIMEOUT}s", *arguments]
        return self._machine.run(argv, data=data, timeout=timeout + 5)

    def must(self, what: str, *arguments: str, data: Optional[str] = None, timeout: float = REQUEST_TIMEOUT) -> str:
        """Run kubectl, and raise what fits when it fails. what: such as C(Cannot list the Nodes)."""
        answer = self.run(*arguments, data=data, timeout=timeout)
        if answer.ok:
            return answer.out
        text = answer.text
        if "(NotFound)" in text:
            raise NotFoundError(f"{what}: {text}")
        if answer.code == 124 or any(word in text.lower() for word in _AWAY):
            raise UnreachableError(f"{what}: {text}", "The API server of this node does not answer.")
        raise PlatformError(f"{what}: {text}")

    def get(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Return all objects of a kind."""
        return list(json.loads(self.must(f"Cannot list {kind}", "get", kind, *arguments, "-o", "json"))["items"])

    def members(self) -> tuple[Member, ...]:
        """Return all Nodes."""
        return tuple(Member.of_node(node) for node in self.get("nodes"))

    def member(self, name: str) -> Optional[Member]:
        """Return one Node, or None."""
        return next((member for member in self.members() if member.name == name), None)

    def patch_node(self, name: str, patch: Mapping[str, Any]) -> None:
        """Apply a JSON merge patch to a Node."""
        text = json.dumps(patch)
        self.must(f"Cannot change Node {name}", "patch", "node", name, "--type=merge", "--patch", text)

    def ready(self) -> str:
        """Ask the API server whether it is ready; empty when it is, else what it says."""
        answer = self.run("get", "--raw=/readyz", timeout=10)
        return "" if answer.ok and answer.out.strip() == "ok" else answer.text.splitlines()[-1]


def drain_arguments(node: str, options: Mapping[str, Any], disable_eviction: bool = False) -> Sequence[str]:
    """Return what kubectl needs to drain a Node. options: those of the module C(rke2_member), C(drain)."""
    arguments = ["drain", node, "--ignore-daemonsets", f"--timeout={options['timeout']}s"]
    arguments += ["--delete-emptydir-data"] if options["delete_emptydir_data"] else []
    arguments += ["--force"] if options["force"] else []
    arguments += [f"--grace-period={options['grace_period']}"] if options["grace_period"] is not None else []
    arguments += ["--disable-eviction"] if disable_eviction else []
    return arguments
