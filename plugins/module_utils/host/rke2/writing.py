# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring the files of a node, and what profile C(cis) needs of the host, to their wanted state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ...core.errors import RefusedError
from ...core.plan import CHANGE, CREATE, REMOVE, Step
from ...core.redact import MASK, Redactor
from ...core.rke2 import places, yamltext
from ...core.rke2.files import CIS_SYSCTLS, NodeFile, Settings, files_of, is_ours
from ...core.rke2.keys import SERVER, immutable_changes
from ..machine import Machine
from .looking import has_datastore

#: Account of etcd under profile C(cis): it must exist on servers (RKE2 documentation, CIS hardening guide).
ETCD_USER = "etcd"


class Files:
    """Compares and writes. check_mode: only say what would be done."""

    def __init__(self, machine: Machine, check_mode: bool) -> None:
        self._machine = machine
        self._check_mode = check_mode

    def converge(self, settings: Settings) -> list[Step]:
        """Write what differs; returns what was (in check mode: would be) done. Nothing is written after a refusal."""
        self._refuse_immutable(settings)
        redactor = Redactor(settings.secrets)
        steps = []
        wanted = [*self._custom_ca(settings), *files_of(settings)]
        for file in wanted:
            step = self._step(file, redactor)
            if step:
                steps.append(step)
                self._carry_out(file)
        if settings.config.get("profile") in ("cis", "etcd"):
            steps += self._prerequisites(settings)
        return steps

    def _refuse_immutable(self, settings: Settings) -> None:
        if settings.type != SERVER or not has_datastore(self._machine):
            return
        on_disk = yamltext.scan(self._machine.read(places.CONFIG) or "")
        changes = immutable_changes(on_disk, settings.config)
        if changes:
            text = ", ".join(f"{key} is {old or '(none)'}, wanted {new or '(none)'}" for key, old, new in changes)
            raise RefusedError(
                f"A running cluster cannot change this: {text}. Nothing was written.",
                "Put the old values back. Another network needs a new cluster.",
            )

    def _custom_ca(self, settings: Settings) -> list[NodeFile]:
        """Own CA files count only before the cluster begins; later, RKE2's C(certificate rotate-ca) is the way."""
        if has_datastore(self._machine):
            return []
        return [NodeFile(f"{places.TLS}/{name}", text, secret=True) for name, text in settings.custom_ca.items()]

    def _step(self, file: NodeFile, redactor: Redactor) -> Optional[Step]:
        before = self._machine.read(file.path)
        mode = self._machine.mode(file.path)
        if file.text is None:
            if before is None or not is_ours(file.path, before):
                return None
            return Step(
                REMOVE, "File", file.path, before=_shown(file, before, redactor), reason="not declared any more"
            )
        if before == file.text and mode == file.mode:
            return None
        after = {"text": _shown(file, file.text, redactor), "mode": f"{file.mode:04o}"}
        if before is None:
            return Step(CREATE, "File", file.path, after=after)
        return Step(
            CHANGE,
            "File",
            file.path,
            before={"text": _shown(file, before, redactor), "mode": f"{mode or 0:04o}"},
            after=after,
        )

    def _carry_out(self, file: NodeFile) -> None:
        if self._check_mode:
            return
        if file.text is None:
            self._machine.remove(file.path)
        else:
            self._machine.write(file.path, file.text, file.mode)

    def _prerequisites(self, settings: Settings) -> list[Step]:
        steps = []
        if settings.type == SERVER and f"\n{ETCD_USER}:" not in "\n" + (self._machine.read("/etc/passwd") or ""):
            steps.append(Step(CREATE, "User", ETCD_USER, reason=f"profile {settings.config['profile']} needs it"))
            self._run(
                ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/sbin/nologin", ETCD_USER]
            )
        if settings.config["profile"] != "cis":
            return steps
        # Set one by one: starting systemd-sysctl anew on a live node would undo what the CNI has set.
        for name, value in CIS_SYSCTLS.items():
            now = self._machine.value("/proc/sys/" + name.replace(".", "/"))
            if now != value:
                steps.append(Step(CHANGE, "Sysctl", name, before=now, after=value, reason="profile cis needs it"))
                self._run(["sysctl", "--write", f"{name}={value}"])
        return steps

    def _run(self, argv: Sequence[str]) -> None:
        if not self._check_mode:
            self._machine.must(argv, f"Cannot prepare the host for its profile ({argv[0]})")


def _shown(file: NodeFile, text: str, redactor: Redactor) -> str:
    """What the diff shows. Of a file that is a secret, only that there is one."""
    return MASK if file.secret else redactor.text(_without_old_secrets(text))


def _without_old_secrets(text: str) -> str:
    """Mask what may have been a secret in the file that is on disk now, which this run does not know."""
    import re

    words = "token|password|auth|identity_token|secret-key|access-key|session-token|datastore-endpoint"
    masked = re.sub(rf"(?m)^(\s*-?\s*[\w-]*(?:{words})\"?: *)(?!\s*$)\S.*$", rf"\1{MASK}", text)
    # proxies with a name and a password in their URL
    return re.sub(r"(://)[^/\s:@\"]+:[^/\s@\"]+@", rf"\1{MASK}@", masked)
