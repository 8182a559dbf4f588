# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Extra block devices of the hosts: files on the machine, as loop devices; in the host /dev/vdb, /dev/vdc, ..."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .network import command
from .spec import Description


def files(lab: Description, name: str) -> list[tuple[str, Path, int]]:
    """Return device name, file and size in MiB of each extra disk of a host."""
    sizes = lab.host(name).disks
    return [
        (f"vd{chr(ord('b') + index)}", lab.host_files(name) / f"disk-{index}.img", size)
        for index, size in enumerate(sizes)
    ]


def ensure(lab: Description, name: str) -> None:
    """Make a host's disks unless they are there, and tell the host their numbers."""
    lines = []
    for device, path, size in files(lab, name):
        if not path.exists():
            with path.open("wb") as stream:
                stream.truncate(size << 20)
        loop = attached(path) or command("losetup", "--find", "--show", str(path)).stdout.strip()
        number = os.stat(loop).st_rdev
        lines.append(f"{device} {os.major(number)} {os.minor(number)}\n")
    if lines:
        (lab.host_files(name) / "disks").write_text("".join(lines), encoding="ascii")


def attached(path: Path) -> str:
    """Return the loop device of a file, or ""."""
    return command("losetup", "--associated", str(path), "--output", "NAME", "--noheadings").stdout.strip()


def recreate(lab: Description, name: str) -> None:
    """Replace a host's disks by empty ones."""
    detach(lab, name)
    for _disk, path, _size in files(lab, name):
        path.unlink(missing_ok=True)
    ensure(lab, name)


def detach(lab: Description, name: str) -> None:
    """Give a host's loop devices back."""
    for _disk, path, _size in files(lab, name):
        loop = attached(path) if path.exists() else ""
        if loop:
            command("losetup", "--detach", loop)


def remove(state: Path) -> None:
    """Give back all loop devices of the laboratory in a directory."""
    rows = json.loads(command("losetup", "--list", "--json", "--output", "NAME,BACK-FILE").stdout or "{}")
    for row in rows.get("loopdevices", []):
        if Path(row["back-file"] or "/").is_relative_to(state):
            command("losetup", "--detach", row["name"])
