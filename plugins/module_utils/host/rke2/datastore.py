# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""etcd's data on this server: snapshots, the restore from one, and its removal so that the server joins anew."""

from __future__ import annotations

import os
import shutil
from typing import Any, Optional

from ...core.errors import NotFoundError, PlatformError, RefusedError
from ...core.plan import CREATE, REMOVE, REPLACE, Step
from ...core.rke2 import places
from ...core.rke2.diagnosis import diagnose
from ..machine import Machine
from .looking import installation, snapshots

_RESET_FLAG = f"{places.DATA}/server/db/reset-flag"


class Datastore:
    """check_mode: only say what would be done. timeout: seconds that RKE2's own command may take."""

    def __init__(self, machine: Machine, check_mode: bool, timeout: float) -> None:
        self._machine = machine
        self._check_mode = check_mode
        self._timeout = timeout

    @property
    def _program(self) -> str:
        found = installation(self._machine)
        if not found["installed"]:
            raise NotFoundError("RKE2 is not installed on this host.")
        return f"{found['root']}/bin/rke2"

    def save(self, name: str) -> tuple[list[Step], Optional[dict[str, Any]]]:
        """Take a snapshot called C(name) (RKE2 adds node and time); nothing is done when there is one by that name."""
        existing = self._find(name)
        if existing:
            return [], existing
        step = Step(CREATE, "Snapshot", name)
        if self._check_mode:
            return [step], None
        self._machine.must(
            [self._program, "etcd-snapshot", "save", "--name", name],
            f"Cannot save snapshot {name}",
            timeout=self._timeout,
        )
        return [step], self._find(name)

    def delete(self, name: str) -> list[Step]:
        """Delete a snapshot by its whole name."""
        found = next((one for one in snapshots(self._machine) if one["name"] == name), None)
        if found is None:
            return []
        if not self._check_mode:
            self._machine.must(
                [self._program, "etcd-snapshot", "delete", name],
                f"Cannot delete snapshot {name}",
                timeout=self._timeout,
            )
        return [Step(REMOVE, "Snapshot", name, reason="not wanted any more")]

    def _find(self, name: str) -> Optional[dict[str, Any]]:
        found = [one for one in snapshots(self._machine) if one["name"] == name or one["name"].startswith(f"{name}-")]
        return found[-1] if found else None

    def restore(self, path: str, s3: bool) -> list[Step]:
        """Replace the datastore by a snapshot; etcd then has this one member. The unit must be down.

        path: on this host, or with C(s3) the name in the bucket that config.yaml names. The token of the cluster that the
        snapshot is from must stand in the token file: it decrypts the cluster's own keys inside.
        """
        unit = self._machine.unit(places.unit("server"))
        if unit.running and not self._check_mode:
            raise RefusedError("rke2-server runs on this host; a snapshot is restored while every server is down.")
        if not s3 and not self._machine.exists(path):
            names = ", ".join(one["name"] for one in snapshots(self._machine)) or "none"
            raise NotFoundError(f"There is no snapshot {path} on this host; found in {places.SNAPSHOTS}: {names}.")
        step = Step(REPLACE, "Datastore", places.DATASTORE, reason=f"restored from {path}")
        if self._check_mode:
            return [step]
        # Left behind by a reset after which RKE2 was never started: it would refuse the next one.
        self._machine.remove(_RESET_FLAG)
        argv = [self._program, "server", "--cluster-reset", f"--cluster-reset-restore-path={path}"]
        argv += ["--etcd-s3=true" if s3 else "--etcd-s3=false"]
        answer = self._machine.run(argv, timeout=self._timeout)
        if answer.code == 124:
            raise PlatformError(
                f"The restore did not end within {self._timeout:g} s.", "Look at the host, then run again."
            )
        if not answer.ok:
            found = diagnose(answer.err or answer.out)
            raise PlatformError(f"The restore failed: {found.cause}", found.next_step)
        return [step]

    def remove(self) -> list[Step]:
        """Remove etcd's data but not the snapshots, so that this server joins the others anew."""
        if not self._machine.exists(places.DATASTORE):
            return []
        if self._machine.unit(places.unit("server")).running and not self._check_mode:
            raise RefusedError("rke2-server runs on this host; stop it before its datastore is removed.")
        if not self._check_mode:
            try:
                shutil.rmtree(self._machine.path(places.DATASTORE))
                self._machine.remove(_RESET_FLAG)
            except OSError as error:
                raise PlatformError(f"Cannot remove {places.DATASTORE}: {error.strerror or error}.") from error
        return [Step(REMOVE, "Datastore", places.DATASTORE, reason="the server joins the restored cluster")]


def uninstall(machine: Machine, timeout: float) -> None:
    """Run RKE2's own script, which ends everything and removes what RKE2 made, then what is left of ours."""
    for root in (places.RPM_ROOT, places.TAR_ROOT, places.OPT_ROOT):
        script = f"{root}/bin/rke2-uninstall.sh"
        if machine.exists(script):
            machine.must([script], "rke2-uninstall.sh failed", "Run again.", timeout=timeout)
    from .packages import REPOSITORY_FILE
    from .tarball import PREVIOUS

    leftovers = [f"{root}/bin/rke2{PREVIOUS}" for root in (places.TAR_ROOT, places.OPT_ROOT)]
    for path in (*leftovers, places.CIS_SYSCTL, REPOSITORY_FILE, *map(places.environment_file, ("server", "agent"))):
        machine.remove(path)
    for folder in (places.CONFIG_DIR, places.DATA):
        if os.path.isdir(machine.path(folder)):
            _empty(machine, folder)


def _empty(machine: Machine, folder: str) -> None:
    """Remove a folder's content, and the folder where it is no mount point."""
    for name in os.listdir(machine.path(folder)):
        path = os.path.join(machine.path(folder), name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    if all(mount["path"] != folder for mount in machine.mounts()):
        os.rmdir(machine.path(folder))
