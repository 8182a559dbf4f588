# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One node's program and unit: install, start, restart, stop, uninstall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...core.errors import PlatformError, RefusedError
from ...core.plan import CHANGE, CREATE, REMOVE, Step
from ...core.retry import Waiting
from ...core.rke2 import places, release
from ...core.rke2.version import Version
from ..machine import Machine
from . import packages, tarball
from .datastore import uninstall
from .fetching import Release, place_images
from .looking import installation, tar_root
from .running import Running


class Node:
    """options: those of the module C(rke2_node). steps: what was (in check mode: would be) done, in order."""

    def __init__(
        self, machine: Machine, options: Mapping[str, Any], check_mode: bool, waiting: Optional[Waiting]
    ) -> None:
        self._machine = machine
        self._options = options
        self._check_mode = check_mode
        self._waiting = waiting
        self._running = Running(machine, options["type"], options["version"] or "")
        self.steps: list[Step] = []

    def reach(self, state: str) -> None:
        """Bring the node to a state. Raises PlatformError; C(steps) then says what was done before."""
        if state in ("stopped", "absent"):
            self._down(state)
            return
        self._install()
        if state != "installed":
            self._start(restart=state == "restarted")

    # --- the program ---

    def _install(self) -> None:
        version = Version.parse(self._options["version"])
        found = installation(self._machine)
        method = self._options["method"]
        if found["conflict"]:
            raise RefusedError(found["conflict"])
        if found["installed"] and found["method"] != method:
            raise RefusedError(
                f"RKE2 is installed by {found['method']} below {found['root']}, wanted is {method}.",
                "The method of an installed node cannot change; uninstall it first.",
            )
        due = found["installed"] != str(version)
        if due:
            self.steps.append(
                Step(
                    CHANGE if found["installed"] else CREATE,
                    "Release",
                    f"RKE2 by {method}",
                    before=found["installed"],
                    after=str(version),
                )
            )
        if not self._check_mode and (due or self._missing_images(version)):
            self._carry_out(version, method, found["root"] if found["installed"] else tar_root(self._machine), due)

    def _carry_out(self, version: Version, method: str, root: str, due: bool) -> None:
        architecture = self._architecture()
        archives = self._archives(version)
        needed = [*archives, *([release.tarball(architecture)] if method == "tar" and due else [])]
        source = Release(
            self._machine,
            version,
            architecture,
            self._options["source"],
            self._options["source_ca_path"],
            self._options["source_checksum"] or "",
        )
        # Everything is fetched and verified before the first file of the node changes.
        verified = source.verified(needed) if needed else {}
        if due and method == "tar":
            tarball.install(self._machine, verified[release.tarball(architecture)], root, str(version))
        elif due:
            options = self._options
            packages.install(self._machine, version, options["type"], options["rpm_repository"], options["rpm_key"])
        placed = place_images(self._machine, {name: verified[name] for name in archives})
        self.steps += [Step(CREATE, "Images", name) for name in placed]
        if needed:
            source.clean()

    def _archives(self, version: Version) -> list[str]:
        parts = self._options["images"]
        return [] if parts is None else release.image_archives(version, self._architecture(), parts)

    def _missing_images(self, version: Version) -> bool:
        """Whether an archive is not there at all; whether its content is right is looked at when a release comes."""
        return any(not self._machine.exists(f"{places.IMAGES}/{name}") for name in self._archives(version))

    @staticmethod
    def _architecture() -> str:
        import os

        from ...core.support import RKE2_ARCHITECTURES

        return RKE2_ARCHITECTURES.get(os.uname().machine, os.uname().machine)

    # --- the unit ---

    def _start(self, restart: bool) -> None:
        unit = places.unit(self._options["type"])
        active = self._machine.unit(unit).active == "active"
        rotate = self._options["rotate_certificates"] and restart
        if restart or not active:
            verb = "restart" if restart and active else "start"
            self.steps.append(
                Step(CHANGE, "Unit", unit, before="active" if active else "inactive", after="active", reason=verb)
            )
        if self._check_mode:
            return
        if self._running.enable():
            self.steps.append(Step(CHANGE, "Unit", unit, before="disabled", after="enabled"))
        if rotate:
            self._rotate_certificates()
        if restart or not active:
            self._running.begin(restart and not rotate)
        if self._waiting:
            self._running.wait(self._waiting)

    def _rotate_certificates(self) -> None:
        """RKE2 renews its leaf certificates only while it is down (RKE2 documentation, certificate rotate)."""
        self._running.stop(self._waiting_or_fail())
        program = f"{installation(self._machine)['root']}/bin/rke2"
        self._machine.must(
            [program, "certificate", "rotate"],
            "Cannot rotate the certificates",
            "The unit is down; start it.",
            timeout=120,
        )
        self.steps.append(Step(CHANGE, "Certificates", self._options["type"], reason="rotated"))

    def _waiting_or_fail(self) -> Waiting:
        if self._waiting is None:
            raise PlatformError("This needs wait=true.")
        return self._waiting

    def _down(self, state: str) -> None:
        unit = places.unit(self._options["type"])
        found = self._machine.unit(unit)
        if state == "absent":
            if installation(self._machine)["installed"] or self._machine.exists(places.CONFIG):
                self.steps.append(Step(REMOVE, "Node", self._options["type"], reason="uninstalled with all its data"))
                if not self._check_mode:
                    uninstall(self._machine, self._options["wait_timeout"])
            return
        if found.exists and found.running:
            self.steps.append(Step(CHANGE, "Unit", unit, before="active", after="inactive", reason="stop"))
            if not self._check_mode:
                self._running.stop(self._waiting_or_fail())
        if self._options["kill"] and found.exists:
            if not self._check_mode:
                self._running.kill()
            self.steps.append(
                Step(CHANGE, "Processes", "RKE2", after="ended", reason="static pods go on without the unit")
            )
