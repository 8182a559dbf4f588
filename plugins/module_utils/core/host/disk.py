# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a disk may be formatted: only one that is proven empty is (HOST-8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from ..errors import Problems

FILE_SYSTEMS = ("xfs", "ext4")
#: Longest label that both file systems take (mkfs.xfs manual).
_MAX_LABEL = 12


@dataclass(frozen=True)
class Disk:
    """What was found on a disk.

    kind: of the file system on the whole device, empty when there is none. label, uuid: of it. signatures: everything
    else that was recognised (partition table, LVM, RAID, encryption). partitions, holders: what is made of it.
    mounted: where it is mounted. blank: the beginning and the end of the device are zeros.
    """

    device: str
    size: int
    kind: str = ""
    label: str = ""
    uuid: str = ""
    signatures: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    mounted: tuple[str, ...] = ()
    blank: bool = False


def check(device: str, path: str, kind: str, label: str, problems: Problems) -> None:
    """Check the options of the module sles_disk."""
    if not device.startswith("/dev/"):
        problems.add("device", device, "a device such as /dev/disk/by-id/nvme-...")
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", path):
        problems.add("path", path, "an absolute path of letters, digits, '.', '_' and '-'")
    if kind not in FILE_SYSTEMS:
        problems.add("fstype", kind, " or ".join(FILE_SYSTEMS) + ": Longhorn takes no other")
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{_MAX_LABEL}}}", label):
        problems.add("label", label, f"1 to {_MAX_LABEL} letters, digits, '_' and '-'")


def refusal(disk: Disk, path: str, kind: str, label: str) -> Optional[str]:
    """Return why a disk is neither ours already nor empty; None when it may be used.

    Ours: it has the wanted file system with the wanted label, made by an earlier run.
    """
    elsewhere = [place for place in disk.mounted if place != path]
    if elsewhere:
        return f"{disk.device} is mounted on {', '.join(elsewhere)}"
    if disk.kind == kind and disk.label == label and not disk.partitions:
        return None
    found = [f"a file system {disk.kind} (label {disk.label or 'none'})"] if disk.kind else []
    found += [f"partitions {', '.join(disk.partitions)}"] if disk.partitions else []
    found += [f"in use by {', '.join(disk.holders)}"] if disk.holders else []
    found += [f"signature {signature}" for signature in disk.signatures]
    if not found and not disk.blank:
        found = ["bytes of an unknown kind at its beginning or end"]
    return f"{disk.device} is not empty: {'; '.join(found)}" if found else None


def needs_format(disk: Disk, kind: str, label: str) -> bool:
    """Tell whether the file system is still to be made, on a disk that L(refusal) let pass."""
    return (disk.kind, disk.label) != (kind, label)


def fstab_line(label: str, path: str, kind: str) -> str:
    """Return the line of /etc/fstab. nofail: a host whose data disk died must still boot."""
    return f"LABEL={label} {path} {kind} defaults,noatime,nofail 0 0"


def with_fstab_line(fstab: str, line: str, path: str) -> str:
    """Return /etc/fstab with the line in it, instead of one for the same path; all others stay as they are."""
    lines = fstab.splitlines(keepends=True)
    kept: list[str] = []
    placed = False
    for old in lines:
        words = old.split()
        same = len(words) > 1 and not words[0].startswith("#") and words[1].rstrip("/") == path.rstrip("/")
        if not same:
            kept.append(old)
        elif not placed:
            kept.append(old if words == line.split() else f"{line}\n")
            placed = True
    if not placed:
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += "\n"
        kept.append(f"{line}\n")
    return "".join(kept)
