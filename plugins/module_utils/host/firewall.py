# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read and change firewalld by its own programs: firewall-cmd where it runs, firewall-offline-cmd where it does not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ..core.host import firewall
from ..core.host.firewall import Zone
from ..core.plan import CREATE, Step
from .machine import Machine

UNIT = "firewalld.service"
_DEFAULT_ZONE = "public"


class Firewall:
    """The firewall of the host that the module runs on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.unit = machine.unit(UNIT)

    @property
    def _command(self) -> list[str]:
        return ["firewall-cmd", "--permanent"] if self.unit.running else ["firewall-offline-cmd"]

    def default_zone(self) -> str:
        """The zone of every device that has no other."""
        command = "firewall-cmd" if self.unit.running else "firewall-offline-cmd"
        answer = self.machine.run([command, "--get-default-zone"])
        return answer.out.strip() or _DEFAULT_ZONE if answer.ok else _DEFAULT_ZONE

    def permanent(self) -> dict[str, Zone]:
        """What is in its files; nothing when it is not installed yet."""
        answer = self.machine.run([*self._command, "--list-all-zones"])
        return firewall.parse_zones(answer.out) if answer.ok else {}

    def now(self) -> dict[str, Zone]:
        """What is in force; empty when it does not run."""
        if not self.unit.running:
            return {}
        return firewall.parse_zones(self.machine.run(["firewall-cmd", "--list-all-zones"]).out)

    def apply(self, steps: Sequence[Step], reload: bool) -> None:
        """Write the zones, bring them into force, and start the service now and at boot."""
        hint = "Look at journalctl -u firewalld. A source may stand in one zone only."
        for step in steps:
            if step.kind != "zone":
                continue
            if step.action == CREATE:
                self.machine.must([*self._command, f"--new-zone={step.name}"], f"Cannot make zone {step.name}", hint)
            # One call for each kind of option: firewall-cmd does not take ports and sources together.
            for _kind, options in itertools.groupby(step.body, key=lambda option: option.partition("=")[0]):
                command = [*self._command, f"--zone={step.name}", *options]
                self.machine.must(command, f"Cannot change zone {step.name}", hint)
        if self.unit.running and reload:
            self.machine.must(["firewall-cmd", "--reload"], "Cannot bring the zones into force", hint)
        if self.unit.masked:
            self.machine.must(["systemctl", "unmask", UNIT], f"Cannot unmask {UNIT}")
        if not self.unit.starts_at_boot:
            self.machine.must(["systemctl", "enable", UNIT], f"Cannot enable {UNIT}")
        if not self.unit.running:
            self.machine.must(["systemctl", "start", UNIT], f"Cannot start {UNIT}", hint)
