# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Start, restart and stop a node's unit, and wait, with a bound, until it is what it shall be.

The units are of type notify and have no start timeout, so C(systemctl start) would wait for ever: the job is queued, and
the wait is ours (rancher/rke2, bundle/lib/systemd/system).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Optional

from ansible.module_utils.urls import open_url

from ...core.errors import PlatformError, StuckError, WaitTimeoutError
from ...core.retry import Waiting
from ...core.rke2 import places
from ...core.rke2.diagnosis import Diagnosis, diagnose
from ...core.rke2.keys import AGENT, SERVER
from ..machine import Machine
from .kubectl import Kubectl
from .looking import digests_on_disk, node_name, running_version

#: Restarts by systemd after which a lasting cause is believed.
_RESTARTS_BELIEVED = 2


@dataclass(frozen=True)
class Service:
    """What systemd says of the unit now. invocation: of the current start. restarts: by systemd itself."""

    active: str
    sub: str
    invocation: str
    restarts: int


class Running:
    """The unit of one node on this host. version: the one that must run."""

    def __init__(self, machine: Machine, node_type: str, version: str) -> None:
        self._machine = machine
        self._type = node_type
        self._unit = places.unit(node_type)
        self._version = version
        self._before: Optional[Service] = None
        self._cursor = ""
        self._reason = ""

    def service(self) -> Service:
        """Ask systemd."""
        names = ("ActiveState", "SubState", "InvocationID", "NRestarts")
        answer = self._machine.run(["systemctl", "show", "--property", ",".join(names), self._unit])
        values = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
        return Service(
            values.get("ActiveState", "unknown"),
            values.get("SubState", ""),
            values.get("InvocationID", ""),
            int(values.get("NRestarts") or 0),
        )

    def enable(self) -> bool:
        """Have it start at boot, and the unit of the other type not; returns whether that was a change."""
        other = places.unit(AGENT if self._type == SERVER else SERVER)
        units = self._machine.units([self._unit, other])
        changed = False
        if units[other].enabled == "enabled":
            self._machine.must(["systemctl", "disable", other], f"Cannot disable {other}")
            changed = True
        if units[self._unit].enabled != "enabled":
            self._machine.must(["systemctl", "enable", self._unit], f"Cannot enable {self._unit}")
            changed = True
        return changed

    def begin(self, restart: bool) -> None:
        """Queue a start or a restart. A unit that systemd gave up is given another chance."""
        self._machine.run(["systemctl", "reset-failed", self._unit])
        self._before = self.service()
        self._cursor = self._end_of_journal()
        verb = "restart" if restart else "start"
        self._machine.must(["systemctl", verb, "--no-block", self._unit], f"Cannot {verb} {self._unit}")

    def stop(self, waiting: Waiting) -> None:
        """Stop it and wait until it is down; pods go on (KillMode=process)."""
        self._machine.must(["systemctl", "stop", "--no-block", self._unit], f"Cannot stop {self._unit}")

        def look() -> tuple[bool, str]:
            state = self.service().active
            return state in ("inactive", "failed"), f"{self._unit} is {state}"

        waiting.until(look)

    def kill(self) -> None:
        """End everything that RKE2 started, static pods with etcd too, by its own script."""
        script = next(
            (path for path in self._scripts("rke2-killall.sh") if self._machine.exists(path)),
            None,
        )
        if script is None:
            raise PlatformError("rke2-killall.sh is not on this host.", "Install RKE2 first.")
        self._machine.must([script], "rke2-killall.sh failed", timeout=300)

    @staticmethod
    def _scripts(name: str) -> list[str]:
        return [f"{root}/bin/{name}" for root in (places.RPM_ROOT, places.TAR_ROOT, places.OPT_ROOT)]

    def wait(self, waiting: Waiting) -> float:
        """Wait for the whole readiness of the node; returns seconds. Remembers what the start has read.

        Raises StuckError when the journal names a cause that does not go away, WaitTimeoutError when the time is up;
        both with one diagnosis.
        """
        try:
            taken = waiting.until(self._look)
        except WaitTimeoutError as error:
            found = self._diagnosis()
            text = f"{self._unit} is not ready after {waiting.timeout:g} s ({self._reason}): {found.cause}"
            raise WaitTimeoutError(text, found.next_step or "Look at journalctl, then run again.") from error
        self.remember()
        return taken

    def remember(self) -> None:
        """Write down what the start that has just succeeded read."""
        record = {"type": self._type, "version": self._version, "files": digests_on_disk(self._machine, self._type)}
        self._machine.write(places.LAST_START, json.dumps(record, indent=1, sort_keys=True) + "\n", 0o600)

    def _look(self) -> tuple[bool, str]:
        service = self.service()
        self._reason = self._missing(service)
        if service.active == "failed" or (service.active != "active" and self._restarts(service) >= _RESTARTS_BELIEVED):
            found = self._diagnosis()
            if found.lasting or service.active == "failed":
                raise StuckError(f"{self._unit} does not start: {found.cause}", found.next_step)
        return not self._reason, self._reason

    def _restarts(self, service: Service) -> int:
        """How often systemd has started it again since we began."""
        return service.restarts - (self._before.restarts if self._before else 0)

    def _missing(self, service: Service) -> str:
        """What is not there yet; empty when everything is. In the order in which a node comes up."""
        if service.active != "active":
            return f"the unit is {service.active} ({service.sub})"
        if self._before and self._before.active == "active" and service.invocation == self._before.invocation:
            return "the old process has not ended yet"
        units = self._machine.units([self._unit])
        version = running_version(self._machine, {self._type: units[self._unit]})
        if version != self._version:
            return f"{version or 'nothing'} runs, wanted {self._version}"
        return self._missing_of_server() if self._type == SERVER else ""

    def _missing_of_server(self) -> str:
        if not supervisor_answers():
            return f"the supervisor does not answer on port {places.SUPERVISOR_PORT}"
        kubectl = Kubectl(self._machine)
        if not kubectl.usable:
            return "there is no kubeconfig yet"
        problem = kubectl.ready()
        if problem:
            return f"the API server is not ready: {problem}"
        name = node_name(self._machine)
        try:
            member = kubectl.member(name)
        except PlatformError as error:
            return str(error)
        if member is None:
            return f"there is no Node {name} yet"
        if not member.ready:
            return f"Node {name} is not Ready"
        if member.voter is False:
            return f"etcd on {name} has no vote yet"
        return "" if member.version == self._version else f"the kubelet of {name} is {member.version}"

    def _diagnosis(self) -> Diagnosis:
        argv = ["journalctl", "--unit", self._unit, "--no-pager", "--lines", "200", "--output", "cat"]
        argv += [f"--after-cursor={self._cursor}"] if self._cursor else []
        return diagnose(self._machine.run(argv, timeout=30).out)

    def _end_of_journal(self) -> str:
        """Where the unit's journal ends now, so that old messages are not taken for new ones."""
        answer = self._machine.run(["journalctl", "--unit", self._unit, "--lines", "0", "--show-cursor"], timeout=30)
        _before, found, cursor = answer.out.rpartition("cursor: ")
        return cursor.strip() if found else ""


def supervisor_answers() -> bool:
    """Whether the supervisor on this host hands out the cluster's CA. What it hands out is not used here."""
    # Its certificate is signed by that very CA; what counts is only that something speaks TLS and answers 200.
    try:
        url = f"https://127.0.0.1:{places.SUPERVISOR_PORT}/cacerts"
        return bool(open_url(url, timeout=5, validate_certs=False, use_proxy=False).status == 200)
    except (OSError, ValueError):
        return False
