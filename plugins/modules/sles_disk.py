#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: sles_disk
short_description: Prepare and mount a dedicated disk, and never format one that has data
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Makes a file system on a disk that is proven empty (no file system, partition table, LVM, RAID, encryption, holder, and zeros
    at its beginning and end), mounts it now and at boot.
  - A disk with the wanted file system and label is one of an earlier run and is only mounted. Every other disk is refused.
options:
  device:
    description: The disk, best by a name that stays, such as V(/dev/disk/by-id/nvme-eui.0123).
    type: path
    required: true
  path:
    description: Where it is mounted. The folder must be empty when it is not mounted yet.
    type: path
    required: true
  fstype:
    description: File system. Longhorn takes V(xfs) and V(ext4).
    type: str
    choices: [xfs, ext4]
    default: xfs
  label:
    description: Label of the file system, by which it is known again.
    type: str
    default: longhorn
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
"""

EXAMPLES = r"""
- name: Give Longhorn a disk of its own
  ai_tenancy.platform.sles_disk:
    device: /dev/disk/by-id/nvme-eui.0123
    path: /var/lib/longhorn
"""

RETURN = r"""
disk:
  description: What was found on the disk before.
  returned: always
  type: dict
  sample: {device: /dev/vdb, size: 2147483648, kind: '', label: '', blank: true}
"""

import os
from dataclasses import asdict

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import disk as rules
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import CHANGE, CREATE, Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host import disk as disks
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    run_module,
)

ARGUMENT_SPEC = {
    "device": {"type": "path", "required": True},
    "path": {"type": "path", "required": True},
    "fstype": {"type": "str", "choices": ["xfs", "ext4"], "default": "xfs"},
    "label": {"type": "str", "default": "longhorn"},
}
_FSTAB = "/etc/fstab"


def work(context: Context) -> Report:
    """Look, refuse or make, mount."""
    device, path, kind, label = (context.params[name] for name in ("device", "path", "fstype", "label"))
    problems, machine = Problems(), context.machine
    rules.check(device, path, kind, label, problems)
    problems.raise_if_any("disk")
    disk = disks.look(machine, device)
    reason = rules.refusal(disk, path, kind, label)
    if reason:
        raise RefusedError(f"{reason}. It is not formatted.", "Choose another disk, or empty it by hand (wipefs).")
    line = rules.fstab_line(label, path, kind)
    old = machine.read(_FSTAB) or ""
    new = rules.with_fstab_line(old, line, path)
    steps = []
    if rules.needs_format(disk, kind, label):
        steps.append(Step(CREATE, "file system", device, before="empty\n", after=f"{kind}, label {label}\n"))
    if new != old:
        steps.append(Step(CHANGE, "file", _FSTAB, before=old, after=new))
    if path not in disk.mounted:
        if machine.list(path):
            raise RefusedError(f"{path} has files, which the mount would hide.", "Move them away, then run again.")
        steps.append(Step(CREATE, "mount", path, before="", after=f"{device} on {path}\n"))
    if not context.check_mode:
        for step in steps:
            if step.kind == "file system":
                disks.make(machine, os.path.realpath(device), kind, label)
            elif step.kind == "file":
                machine.write(_FSTAB, new, machine.mode(_FSTAB) or 0o644)
            else:
                disks.mount(machine, os.path.realpath(device), path, kind, line.split()[3].split(","))
    return Report([ItemResult("disk", steps)], values={"disk": asdict(disk)})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
