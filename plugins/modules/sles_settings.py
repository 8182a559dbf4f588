#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: sles_settings
short_description: Bring the settings of a SLES host to what a Kubernetes node needs, in one launch
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Compares files, kernel modules, kernel settings, swap, hostname and services with what is wanted, and changes only what
    differs. Only topics whose option is set are looked at.
  - What must follow a changed file, such as the restart of its service, is noted on the host before the file is written. A run
    that is killed in between is finished by the next one.
options:
  hostname:
    description: Static hostname, in lower case.
    type: str
  hosts:
    description: Lines for a block of our own in C(/etc/hosts); an empty list removes the block.
    type: list
    elements: dict
    suboptions:
      address:
        description: IP address.
        type: str
        required: true
      names:
        description: DNS names.
        type: list
        elements: str
        required: true
  swap_off:
    description: Switch swap off, now and at boot, from C(/etc/fstab), discovered partitions and zram.
    type: bool
    default: false
  modules:
    description: Kernel modules, loaded now and at boot.
    type: list
    elements: str
  sysctls:
    description: Kernel settings, set now and at boot.
    type: dict
  network_manager:
    description: Keep NetworkManager off the devices of pods, and nm-cloud-setup off.
    type: bool
    default: false
  time:
    description: Sources of chronyd.
    type: dict
    suboptions:
      servers:
        description: Time servers; when empty chronyd keeps the sources that it has.
        type: list
        elements: str
        default: []
      exclusive:
        description: Shadow the pool of SUSE's packages when O(time.servers) are given.
        type: bool
        default: true
      wait:
        description: Seconds to wait until chronyd is synchronised; V(0) for not at all. Fails when it is not by then.
        type: int
        default: 0
  ssh:
    description: Logins by key only. Refused when it would lock out the user that Ansible logs in as.
    type: dict
    suboptions:
      permit_root_login:
        description: C(PermitRootLogin) of sshd.
        type: str
        default: prohibit-password
      allow_users:
        description: C(AllowUsers) of sshd; everybody when empty.
        type: list
        elements: str
        default: []
  storage:
    description: What Longhorn needs beside packages and modules.
    type: dict
    suboptions:
      own_initiator:
        description: Replace the iSCSI initiator name by one made of the machine-id. Refused while there are iSCSI sessions.
        type: bool
        default: false
  certificates:
    description: Certificate authorities that the system trusts, PEM, by name.
    type: dict
  proxy:
    description: Proxy for zypper and SUSEConnect.
    type: dict
    suboptions:
      url:
        description: Address of the proxy.
        type: str
        required: true
      exceptions:
        description: Hosts and domains that are reached without it.
        type: list
        elements: str
        default: []
  repositories:
    description: Repositories of zypper, each in a file of its own. Signatures are always checked.
    type: list
    elements: dict
    suboptions:
      alias:
        description: Short name; the file's name too.
        type: str
        required: true
      url:
        description: Address.
        type: str
      name:
        description: Name for people.
        type: str
      gpg_key:
        description: Address or path of the key, as zypper reads it.
        type: str
      enabled:
        description: Whether zypper uses it.
        type: bool
        default: true
      priority:
        description: Lower is preferred.
        type: int
        default: 99
      state:
        description: V(absent) removes the file.
        type: str
        choices: [present, absent]
        default: present
  packages:
    description: By which choices RV(host.packages) is made up. Nothing is installed.
    type: dict
    suboptions:
      longhorn:
        description: Whether Longhorn keeps volumes on the host.
        type: bool
        default: true
      firewall:
        description: What is done about the firewall.
        type: str
        default: firewalld
      gpu:
        description: The GPU choice, V(nvidia), V(amd), V(intel), V(operator) or V(none).
        type: str
        default: none
      gpu_packages:
        description: Packages of the GPU driver instead of ours.
        type: list
        elements: str
        default: []
      nvidia_generation:
        description: Generation of NVIDIA's driver packages, V(G07) or V(G06).
        type: str
        default: G07
      nvidia_version:
        description: Version of NVIDIA's driver; what the repositories have when empty.
        type: str
        default: ''
      extra:
        description: Further packages.
        type: list
        elements: str
        default: []
  allow_unsupported:
    description: Go on though the operating system is not in the support matrix.
    type: bool
    default: false
  units_off:
    description: systemd units that must neither run nor start at boot.
    type: list
    elements: str
    default: []
  units_masked:
    description: systemd units that must not run, and that nobody may start.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
seealso:
  - module: ai_tenancy.platform.preflight_facts
"""

EXAMPLES = r"""
- name: Prepare the kernel
  ai_tenancy.platform.sles_settings:
    swap_off: true
    modules: [br_netfilter, overlay]
    sysctls:
      net.ipv4.ip_forward: 1
"""

RETURN = r"""
host:
  description: What roles decide by.
  returned: always
  type: dict
  contains:
    os:
      description: C(id), C(version), C(major) of os-release.
      type: dict
      returned: always
    security:
      description: State of SELinux and AppArmor.
      type: dict
      returned: always
    read_only_root:
      description: Whether the root file system cannot be written to, as on transactional systems.
      type: bool
      returned: always
    reboot_needed:
      description: Whether zypper asked for a reboot since the last one.
      type: bool
      returned: always
    rke2_running:
      description: Whether RKE2 runs here.
      type: bool
      returned: always
    driver_mismatch:
      description: Why NVIDIA's kernel module and user space do not fit together; empty when they do.
      type: str
      returned: always
    packages:
      description: Every package that the host needs.
      type: list
      elements: str
      returned: when O(packages) is set
    packages_missing:
      description: Those of them that are not installed.
      type: list
      elements: str
      returned: when O(packages) is set
  sample:
    os: {id: sles, version: '15.7', major: 15}
    security: {selinux: disabled, apparmor: true, apparmor_parser: true}
    read_only_root: false
    reboot_needed: false
    rke2_running: true
    driver_mismatch: ''
"""

from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import baseline
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.parsing import initiator_name
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.settings import MODULE, Wish, compare
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host import node
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.machine import Machine
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.settings import Settings, guard_login
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    run_module,
)

_STRINGS = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC: dict[str, Any] = {
    "hostname": {"type": "str"},
    "hosts": {
        "type": "list",
        "elements": "dict",
        "options": {
            "address": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
        },
    },
    "swap_off": {"type": "bool", "default": False},
    "modules": {"type": "list", "elements": "str"},
    "sysctls": {"type": "dict"},
    "network_manager": {"type": "bool", "default": False},
    "time": {
        "type": "dict",
        "options": {
            "servers": _STRINGS,
            "exclusive": {"type": "bool", "default": True},
            "wait": {"type": "int", "default": 0},
        },
    },
    "ssh": {
        "type": "dict",
        "options": {
            "permit_root_login": {"type": "str", "default": "prohibit-password"},
            "allow_users": _STRINGS,
        },
    },
    "storage": {"type": "dict", "options": {"own_initiator": {"type": "bool", "default": False}}},
    "certificates": {"type": "dict"},
    "proxy": {"type": "dict", "options": {"url": {"type": "str", "required": True}, "exceptions": _STRINGS}},
    "repositories": {
        "type": "list",
        "elements": "dict",
        "options": {
            "alias": {"type": "str", "required": True},
            "url": {"type": "str"},
            "name": {"type": "str"},
            "gpg_key": {"type": "str", "no_log": False},
            "enabled": {"type": "bool", "default": True},
            "priority": {"type": "int", "default": 99},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    },
    "packages": {
        "type": "dict",
        "options": {
            "longhorn": {"type": "bool", "default": True},
            "firewall": {"type": "str", "default": "firewalld"},
            "gpu": {"type": "str", "default": "none"},
            "gpu_packages": _STRINGS,
            "nvidia_generation": {"type": "str", "default": "G07"},
            "nvidia_version": {"type": "str", "default": ""},
            "extra": _STRINGS,
        },
    },
    "allow_unsupported": {"type": "bool", "default": False},
    "units_off": _STRINGS,
    "units_masked": _STRINGS,
}


def _wish(params: dict[str, Any], machine: Machine, problems: Problems) -> Wish:
    """Put the topics together that were asked for. Raises ConfigError with all mistakes."""
    parts = []
    for topic, build in (
        ("certificates", lambda given: baseline.certificates(given, problems)),
        ("proxy", lambda given: baseline.proxy(given["url"], given["exceptions"])),
        ("repositories", lambda given: baseline.repositories(given, problems)),
        ("hostname", lambda given: baseline.hostname(given, problems)),
        ("hosts", lambda given: baseline.hosts(given, machine.read(baseline.HOSTS) or "", problems)),
        ("modules", lambda given: baseline.modules(given, problems)),
        ("sysctls", lambda given: baseline.sysctls(given, problems)),
        ("time", lambda given: baseline.time_sources(given["servers"], given["exclusive"], problems)),
        ("ssh", lambda given: baseline.sshd(given, problems)),
    ):
        if params[topic] is not None:
            parts.append(build(params[topic]))
    if params["swap_off"]:
        zram = [path for path in node.ZRAM_FILES if machine.read(path)]
        parts.append(baseline.swap(machine.read(baseline.FSTAB) or "", zram))
    if params["network_manager"]:
        parts.append(baseline.network_manager())
    if params["storage"] is not None:
        parts.append(_storage(params["storage"], machine))
    parts.append(baseline.units_off(params["units_off"], problems))
    parts.append(baseline.units_off(params["units_masked"], problems, masked=True))
    problems.raise_if_any("settings of the host")
    whole = Wish()
    for part in parts:
        whole = whole + part
    return whole


def _storage(options: dict[str, Any], machine: Machine) -> Wish:
    old = machine.read(baseline.INITIATOR) or ""
    wish = baseline.storage(old, machine.value("/etc/machine-id"), options["own_initiator"])
    sessions = machine.list("/sys/class/iscsi_session")
    renamed = any(file.path == baseline.INITIATOR and file.text.strip() != old.strip() for file in wish.files)
    if sessions and renamed and initiator_name(old):
        raise RefusedError(
            f"The iSCSI initiator name is not changed while there are sessions: {', '.join(sessions)}.",
            "Detach the volumes of this host (drain it), then run again.",
        )
    return wish


def work(context: Context) -> Report:
    """Wish, look, compare, apply."""
    machine = context.machine
    node.must_be_supported(machine, context.params["allow_unsupported"])
    wish = _wish(context.params, machine, Problems())
    settings = Settings(machine)
    found = settings.find(wish)
    steps = compare(wish, found)
    if context.params["ssh"] is not None and any(step.name == baseline.SSHD_FILE for step in steps):
        guard_login(machine, context.params["ssh"])
    loading = any(step.kind == MODULE for step in steps)
    unknown = [] if loading else [name for name in wish.sysctls if name not in found.sysctls]
    error = None
    if not context.check_mode:
        settings.apply(steps)
        seconds = (context.params["time"] or {}).get("wait")
        error = settings.wait_for_time(seconds) if seconds else None
    warnings = [
        *settings.warnings,
        *(f"This kernel has no setting {name}; it is only in the file." for name in unknown),
    ]
    return Report(
        [ItemResult("settings", steps, error=error)],
        values={"host": node.summary(machine, context.params["packages"])},
        warnings=warnings,
    )


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
