# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a machine is: system, processors, memory, disks, kernel, security, programs, packages. Read-only."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from ...core.host import parsing
from ..machine import Machine

#: Kernel modules that a node needs, with a path that shows the effect where a module built into the kernel has no
#: folder in /sys/module (seen with br_netfilter).
MODULES = {
    "br_netfilter": "/proc/sys/net/bridge",
    "overlay": "/sys/module/overlay",
    "nf_conntrack": "/proc/sys/net/netfilter",
    "iscsi_tcp": "/sys/module/iscsi_tcp",
    "dm_crypt": "/sys/module/dm_crypt",
}
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.forwarding",
    "net.bridge.bridge-nf-call-iptables",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "vm.max_map_count",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "user.max_user_namespaces",
)
UNITS = (
    "chronyd.service",
    "firewalld.service",
    "NetworkManager.service",
    "nm-cloud-setup.service",
    "nm-cloud-setup.timer",
    "wicked.service",
    "multipathd.service",
    "multipathd.socket",
    "iscsid.service",
    "apparmor.service",
    "rke2-server.service",
    "rke2-agent.service",
    "k3s.service",
    "k3s-agent.service",
    "kubelet.service",
    "docker.service",
)
PACKAGES = (
    "apparmor-parser",
    "chrony",
    "container-selinux",
    "cryptsetup",
    "kernel-default",
    "kernel-default-base",
    "multipath-tools",
    "nfs-client",
    "open-iscsi",
    "rke2-agent",
    "rke2-common",
    "rke2-selinux",
    "rke2-server",
)
_PROGRAMS = ("iptables", "iscsiadm", "mount.nfs", "cryptsetup", "chronyc", "firewall-cmd", "k3s", "zypper")
#: PCI vendors of accelerators, and the classes of display controllers (03) and processing accelerators (12).
GPU_VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
_GPU_CLASSES = ("0x03", "0x12")
_RKE2_BINARIES = ("/usr/local/bin/rke2", "/opt/rke2/bin/rke2", "/usr/bin/rke2")


def read_system(machine: Machine) -> dict[str, Any]:
    """Read os-release, architecture, kernel, processors, memory, identity."""
    os_release = parsing.key_values(machine.read("/etc/os-release") or machine.read("/usr/lib/os-release") or "")
    return {
        "os": {
            "id": os_release.get("ID", ""),
            "version": os_release.get("VERSION_ID", ""),
            "name": os_release.get("PRETTY_NAME", ""),
            "variant": os_release.get("VARIANT_ID", ""),
        },
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "init": machine.value("/proc/1/comm"),
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 0,
        "memory": parsing.memory_total(machine.read("/proc/meminfo") or ""),
        "boot_id": machine.value("/proc/sys/kernel/random/boot_id"),
        "cgroup": 2 if machine.exists("/sys/fs/cgroup/cgroup.controllers") else 1,
        "identity": {
            "machine_id": machine.value("/etc/machine-id"),
            "product_uuid": machine.value("/sys/class/dmi/id/product_uuid").lower(),
            "initiator": parsing.initiator_name(machine.read("/etc/iscsi/initiatorname.iscsi") or ""),
        },
        "transactional": machine.has("transactional-update"),
    }


def read_swap(machine: Machine) -> dict[str, Any]:
    """Read swap as it is now, and what would bring it back at boot."""
    return {
        "active": parsing.swaps(machine.read("/proc/swaps") or ""),
        "fstab": parsing.fstab_swaps(machine.read("/etc/fstab") or ""),
        "zram": [
            path
            for path in ("/etc/systemd/zram-generator.conf", "/usr/lib/systemd/zram-generator.conf")
            if machine.exists(path)
        ],
    }


def read_storage(machine: Machine, paths: Sequence[str]) -> dict[str, Any]:
    """Read the mounts on which paths lie with their room, the root's state, and the disks."""
    found = machine.mounts()
    root = parsing.mount_of("/", found)
    return {
        "root": {"type": root.get("type", ""), "read_only": bool(root.get("read_only"))},
        "usr_local_mounted": any(mount["path"] == "/usr/local" for mount in found),
        "usr_local_writable": os.access(machine.path("/usr/local"), os.W_OK),
        "paths": {path: _room(machine, path, found) for path in dict.fromkeys(paths)},
        "disks": [_disk(machine, name) for name in machine.list("/sys/block") if not name.startswith(("loop", "ram"))],
    }


def _room(machine: Machine, path: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    mount = parsing.mount_of(os.path.realpath(machine.path(path)) if machine.root == "/" else path, found)
    existing = machine.path(path)
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    room = os.statvfs(existing)
    return {
        "exists": os.path.exists(machine.path(path)),
        "mount": mount.get("path", ""),
        "source": mount.get("source", ""),
        "type": mount.get("type", ""),
        "own_file_system": mount.get("path", "") == path,
        "total": room.f_blocks * room.f_frsize,
        "free": room.f_bavail * room.f_frsize,
    }


def _disk(machine: Machine, name: str) -> dict[str, Any]:
    sectors = machine.value(f"/sys/block/{name}/size")
    return {
        "name": name,
        "size": int(sectors or 0) * 512,  # the kernel counts in 512 bytes, whatever the disk does
        "rotational": machine.value(f"/sys/block/{name}/queue/rotational") == "1",
    }


def read_kernel(machine: Machine) -> dict[str, Any]:
    """Read which modules are there (C(loaded), C(available) or C(missing)), and sysctls."""
    return {
        "modules": {name: _module(machine, name, effect) for name, effect in MODULES.items()},
        "sysctls": {name: machine.value("/proc/sys/" + name.replace(".", "/")) for name in SYSCTLS},
    }


def _module(machine: Machine, name: str, effect: str) -> str:
    if machine.exists(f"/sys/module/{name}") or machine.exists(effect):
        return "loaded"
    return "available" if machine.run(["modprobe", "--dry-run", "--quiet", name]).ok else "missing"


def read_security(machine: Machine) -> dict[str, Any]:
    """Read SELinux (C(enforcing), C(permissive) or C(disabled)) and AppArmor."""
    enforce = machine.value("/sys/fs/selinux/enforce")
    return {
        "selinux": {"1": "enforcing", "0": "permissive"}.get(enforce, "disabled"),
        "apparmor": machine.value("/sys/module/apparmor/parameters/enabled") == "Y",
        "apparmor_parser": machine.has("apparmor_parser"),
    }


def read_software(machine: Machine) -> dict[str, Any]:
    """Read programs, packages, units, and how RKE2 was installed."""
    units = machine.units(UNITS)
    packages = read_packages(machine, PACKAGES)
    return {
        "programs": [name for name in _PROGRAMS if machine.has(name)],
        "packages": packages,
        "units": {
            name: {"exists": unit.exists, "running": unit.running, "boot": unit.starts_at_boot, "masked": unit.masked}
            for name, unit in units.items()
        },
        "rke2": _rke2(machine, packages),
        "network_manager_ignores": _network_manager_ignores(machine),
        "multipath_blacklist": _multipath_blacklist(machine),
    }


def read_packages(machine: Machine, names: Iterable[str]) -> dict[str, str]:
    """Return the versions (C(version-release)) of those RPM packages that are installed."""
    answer = machine.run(["rpm", "-q", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\n", *names])
    rows = [line.split() for line in answer.out.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in set(names)}


def _rke2(machine: Machine, packages: dict[str, str]) -> dict[str, str]:
    binary = next((path for path in _RKE2_BINARIES if machine.exists(path)), "")
    version = parsing.rke2_version(machine.run([binary, "--version"], timeout=20).out) if binary else ""
    by_rpm = any(name in packages for name in ("rke2-common", "rke2-server", "rke2-agent"))
    by_tar = bool(binary) and binary != "/usr/bin/rke2"
    method = {(True, True): "both", (True, False): "rpm", (False, True): "tar"}.get((by_rpm, by_tar), "")
    return {"binary": binary, "version": version, "method": method}


def _network_manager_ignores(machine: Machine) -> str:
    folder = "/etc/NetworkManager/conf.d"
    texts = [machine.read(f"{folder}/{name}") or "" for name in machine.list(folder) if name.endswith(".conf")]
    lines = [line for text in texts for line in text.splitlines() if line.strip().startswith("unmanaged-devices")]
    return " ".join(lines)


def _multipath_blacklist(machine: Machine) -> bool:
    """Whether some configuration of multipathd names the product of Longhorn's disks, or all SCSI disks."""
    folder = "/etc/multipath/conf.d"
    paths = ["/etc/multipath.conf", *(f"{folder}/{name}" for name in machine.list(folder) if name.endswith(".conf"))]
    text = "\n".join(machine.read(path) or "" for path in paths)
    return "blacklist" in text and ("VIRTUAL-DISK" in text or '"^sd[a-z0-9]+"' in text)


def read_gpus(machine: Machine) -> list[dict[str, str]]:
    """Return the accelerators on the PCI bus: address, vendor, device.

    Vendor and class decide, never the text of lspci: data centre GPUs are no VGA controllers. A display controller of
    Intel counts only when it is a discrete one, on another bus than 0000:00.
    """
    found = []
    for slot in machine.list("/sys/bus/pci/devices"):
        base = f"/sys/bus/pci/devices/{slot}"
        vendor = GPU_VENDORS.get(machine.value(f"{base}/vendor"), "")
        if not vendor or not machine.value(f"{base}/class").startswith(_GPU_CLASSES):
            continue
        if vendor == "intel" and slot.startswith("0000:00:"):
            continue
        found.append({"address": slot, "vendor": vendor, "device": machine.value(f"{base}/device")})
    return found
