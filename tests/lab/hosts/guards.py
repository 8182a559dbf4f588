# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Keep the machine as it is: what a privileged container could change beyond itself, it cannot, or it is put back.

Containers share the machine's clock, swap, kernel modules, disks and most of /proc/sys. A play in a host once moved
the clock of the whole machine by an hour (systemd-timedated calls settimeofday with a time zone; the kernel's first
such call since boot warps the clock). So the calls themselves are refused, and nothing runs in a host before that has
been seen.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .. import address, build, pki
from ..errors import LabError
from . import podman
from .spec import Description

EPERM = 1

#: System calls that would change the machine and not the host.
REFUSED = {
    "clock": ("settimeofday", "clock_settime", "clock_settime64", "stime", "adjtimex", "clock_adjtime",
              "clock_adjtime64"),
    "swap": ("swapon", "swapoff"),
    "kernel": ("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
}  # fmt: skip

ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")

#: Settings of the kernel that are the machine's, not the host's. net.* is per network namespace.
SHARED_SYSCTLS = ("fs", "kernel", "vm")

#: Of these, what changes by itself, or is an action and not a setting.
RESTLESS = ("kernel/random", "kernel/ns_last_pid", "kernel/keys", "vm/drop_caches", "vm/compact_memory", "fs/binfmt_misc",
            "vm/stat_refresh")  # fmt: skip

#: What the systemd, containerd and kubelet of one host need; hosts share it, for they run as one user. For a usual number of
#: hosts that is fewer than a real node is given, so that a role that asks for more is seen.
PER_HOST_SYSCTLS = {"fs/inotify/max_user_instances": 128, "fs/inotify/max_user_watches": 12000}

#: Several small laboratories are up at the same time; so many hosts are counted on at least.
_LEAST_HOSTS = 16


def seccomp_file() -> Path:
    """Return the seccomp profile of all hosts, made when it is not there."""
    rule = {"names": sorted(name for names in REFUSED.values() for name in names), "action": "SCMP_ACT_ERRNO",
            "errnoRet": EPERM}  # fmt: skip
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": list(ARCHITECTURES), "syscalls": [rule]}
    path = build.cache_root() / "hosts" / "seccomp.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    pki.write_private(path, json.dumps(profile).encode())
    return path


def check_clock(container: str) -> None:
    """Raise LabError, and stop the container, unless it is refused to set the clock.

    Without any profile nothing is tried. The attempt would set the time that it is: no harm of note.
    """
    script = (
        "grep -q '^Seccomp:[[:space:]]*2$' /proc/self/status || exit 43; "
        'date -s "@$(date +%s.%N)" >/dev/null 2>&1 && exit 42; exit 0'
    )
    refused = podman.run("exec", container, "sh", "-c", script, check=False).returncode == 0
    if not refused:
        podman.run("kill", container, check=False)
        raise LabError(f"{container} could set the clock of this machine, so it was stopped: its seccomp profile "
                       f"({seccomp_file()}) is not in force; see podman info, ociRuntime")  # fmt: skip


def read_sysctls(root: Path = Path("/proc/sys")) -> dict[str, str]:
    """Return the machine's writable settings below fs, kernel and vm: path below /proc/sys to value."""
    found = {}
    for top in SHARED_SYSCTLS:
        for directory, _inner, names in os.walk(root / top):
            for name in names:
                path = Path(directory, name)
                key = str(path.relative_to(root))
                if key.startswith(RESTLESS) or not path.stat().st_mode & 0o200:
                    continue
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    found[key] = path.read_text(encoding="ascii")
    return found


def changed_sysctls(before: Mapping[str, str], root: Path = Path("/proc/sys")) -> dict[str, tuple[str, str]]:
    """Return the settings that differ from those kept: path to (value before, value now)."""
    now = read_sysctls(root)
    return {key: (value, now[key]) for key, value in before.items() if key in now and now[key] != value}


class Sysctls:
    """The machine's shared settings: kept when its first host laboratory starts, put back when its last one ends.

    directory: where they are kept; it is shared by all laboratories of the machine.
    """

    def __init__(self, directory: Path | None = None, root: Path = Path("/proc/sys")) -> None:
        self._directory = directory or address.claims_dir()
        self._root = root
        self._file = self._directory / "hosts-sysctls.json"

    def keep(self, state: Path, hosts: int) -> None:
        """Note that a laboratory of so many hosts uses the machine; keep the settings when it is the first.

        state: its directory.
        """
        with address.locked(self._directory):
            kept = self._read()
            users = [user for user in kept.get("users", []) if Path(user).is_dir()]
            values = kept["values"] if users else read_sysctls(self._root)
            self._write({"users": sorted({*users, str(state)}), "values": values})
        for key, each in PER_HOST_SYSCTLS.items():
            needed = max(_LEAST_HOSTS, hosts) * each
            if int((self._root / key).read_text(encoding="ascii")) < needed:
                (self._root / key).write_text(str(needed), encoding="ascii")

    def restore(self, state: Path) -> list[str]:
        """Note that a laboratory has ended; put the settings back when it was the last.

        Returns what could not be put back, one line each.
        """
        with address.locked(self._directory):
            kept = self._read()
            if str(state) not in kept.get("users", []):
                return []
            users = [user for user in kept["users"] if user != str(state) and Path(user).is_dir()]
            if users:
                self._write({**kept, "users": users})
                return []
            left = []
            for key, (before, now) in changed_sysctls(kept["values"], self._root).items():
                try:
                    (self._root / key).write_text(before, encoding="ascii")
                except OSError as error:
                    left.append(f"{key}: is {now.strip()!r}, was {before.strip()!r}: {error.strerror}")
            self._file.unlink()
            return left

    def _read(self) -> dict[str, object]:
        try:
            return json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}

    def _write(self, content: Mapping[str, object]) -> None:
        pki.write_private(self._file, json.dumps(content).encode())


def cgroup_mounts() -> list[Path]:
    """Return where the machine's control groups are mounted: each controller of version 1, and version 2."""
    rows = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    return [Path(row[1]) for row in rows if row[2] in ("cgroup", "cgroup2")]


def make_cgroups(lab: Description) -> None:
    """Make a control group for the pods of each host: with one for all, each kubelet would end the others' pods."""
    for mount in cgroup_mounts():
        for host in lab.hosts:
            path = mount
            for part in (lab.network, host.name):
                parent, path = path, path / part
                path.mkdir(exist_ok=True)
                for name in ("cpuset.cpus", "cpuset.mems"):
                    if (parent / name).exists():
                        (path / name).write_text((parent / name).read_text(encoding="ascii"), encoding="ascii")


def remove_cgroups(lab: Description) -> list[str]:
    """Remove the control groups of a laboratory's pods. Returns those that cannot be removed."""
    left = []
    for mount in cgroup_mounts():
        for directory, _inner, _files in os.walk(mount / lab.network, topdown=False):
            try:
                os.rmdir(directory)
            except OSError as error:
                left.append(f"{directory}: {error.strerror}")
    return left


@contextlib.contextmanager
def all_tried() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Give a function that runs a step of tidying up and keeps its error, so that the next steps run all the same.

    Raises LabError at the end with all errors.
    """
    errors: list[str] = []

    def attempt(step: Callable[[], object]) -> None:
        try:
            left = step()
        except (LabError, OSError) as error:
            errors.append(str(error))
        else:
            errors.extend(left if isinstance(left, list) else [])

    yield attempt
    if errors:
        raise LabError("not everything could be put back:\n" + "\n".join(errors))
