# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Keep the state of hosts that are off, and put it back: root file system as an image, volumes and disks as copies."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ..errors import LabError
from . import disks, podman
from .network import command
from .spec import Description


def directory(lab: Description, label: str) -> Path:
    """Return where a snapshot's copies are. Raises LabError when the label cannot be a directory's."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", label):
        raise LabError(f"snapshot: {label!r} is not allowed; allowed: 1 to 40 of a-z, 0-9 and '-', first no '-'")
    return lab.state / "snapshots" / label


def labels(lab: Description) -> list[str]:
    """Return the labels of the snapshots of a laboratory."""
    root = lab.state / "snapshots"
    return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def image_name(lab: Description, label: str, host: str) -> str:
    """Return the name of the image that holds a host's root file system."""
    return f"localhost/ai-tenancy/snapshot:{lab.container(host)}-{label}"


def save(lab: Description, label: str, host: str) -> None:
    """Keep the state of a host that is off; an older snapshot of that label is replaced."""
    target = directory(lab, label) / host
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    mark = f"LABEL {podman.LABEL}={lab.state}"
    podman.run("commit", "--quiet", "--change", mark, lab.container(host), image_name(lab, label, host))
    for volume in lab.volumes(host):
        copy(mountpoint(volume), target / volume)
    for _disk, path, _size in disks.files(lab, host):
        copy(path, target / path.name)


def load(lab: Description, label: str, host: str) -> str:
    """Put a host's volumes and disks back; the host must have no container. Return the image to make one from.

    Raises LabError when there is no such snapshot of the host.
    """
    source = directory(lab, label) / host
    if not source.is_dir():
        raise LabError(f"there is no snapshot {label!r} of {host} (there are: {', '.join(labels(lab)) or 'none'})")
    for volume in lab.volumes(host):
        podman.run("volume", "create", "--label", f"{podman.LABEL}={lab.state}", volume)
        place = mountpoint(volume)
        shutil.rmtree(place)
        copy(source / volume, place)
    disks.detach(lab, host)
    for _disk, path, _size in disks.files(lab, host):
        copy(source / path.name, path)
    disks.ensure(lab, host)
    return image_name(lab, label, host)


def mountpoint(volume: str) -> Path:
    """Return a volume's directory on the machine."""
    return Path(podman.run("volume", "inspect", "--format", "{{.Mountpoint}}", volume).stdout.strip())


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory with everything that belongs to it; where the file system can, without the data."""
    command("cp", "--archive", "--reflink=auto", "--sparse=always", "--no-target-directory", str(source), str(target))
