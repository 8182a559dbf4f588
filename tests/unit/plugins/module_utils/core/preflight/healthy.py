# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Hosts with which all is well; each test breaks one thing."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight.model import Host, Site

GB = 1000**3
UNIT = {"exists": True, "running": True, "boot": True, "masked": False}
SITE = Site(
    stage="after",
    firewall="disabled",
    api_endpoint="k8s.example.com",
    rke2_version="v1.35.7+rke2r1",
    names=("k8s.example.com",),
)


def facts(number: int = 1) -> dict[str, Any]:
    """The facts of a host, as the module preflight_facts gives them."""
    name, address = f"node-{number}", f"192.0.2.{number}"
    place = {"exists": True, "type": "xfs", "own_file_system": True, "total": 900 * GB, "free": 800 * GB}
    return {
        "os": {"id": "sles", "version": "15.7", "name": "SUSE Linux Enterprise Server 15 SP7", "variant": ""},
        "architecture": "x86_64",
        "kernel": "6.4.0-150700.53-default",
        "init": "systemd",
        "python": "3.11.12",
        "cpus": 32,
        "memory": 128 * GB,
        "cgroup": 2,
        "transactional": False,
        "identity": {"machine_id": f"{number:032x}", "product_uuid": f"uuid-{number}", "initiator": f"iqn.x:{number}"},
        "swap": {"active": [], "fstab": [], "zram": []},
        "storage": {
            "root": {"type": "btrfs", "read_only": False},
            "usr_local_mounted": False,
            "usr_local_writable": True,
            "paths": {
                "/var/lib/rancher": {**place, "mount": "/var/lib/rancher", "source": "/dev/nvme0n1p1"},
                "/var/lib/longhorn": {**place, "mount": "/var/lib/longhorn", "source": "/dev/sda"},
            },
            "disks": [
                {"name": "nvme0n1", "size": 1, "rotational": False},
                {"name": "sda", "size": 1, "rotational": True},
            ],
        },
        "modules": dict.fromkeys(("br_netfilter", "overlay", "nf_conntrack", "iscsi_tcp", "dm_crypt"), "loaded"),
        "sysctls": {
            "net.ipv4.ip_forward": "1",
            "net.bridge.bridge-nf-call-iptables": "1",
            "fs.inotify.max_user_instances": "8192",
            "fs.inotify.max_user_watches": "524288",
            "vm.max_map_count": "262144",
        },
        "security": {"selinux": "disabled", "apparmor": True, "apparmor_parser": True},
        "programs": ["iptables", "iscsiadm", "mount.nfs", "cryptsetup", "chronyc", "zypper"],
        "packages": {"open-iscsi": "2.1.11-150700.1"},
        "units": {"iscsid.service": UNIT, "chronyd.service": UNIT},
        "rke2": {"binary": "", "version": "", "method": ""},
        "network_manager_ignores": "",
        "multipath_blacklist": False,
        "gpus": [],
        "names": {"static": name, "kernel": name, "full": f"{name}.example.com"},
        "network": {
            "addresses": [{"device": "eth0", "address": address, "prefix": 24}],
            "default_routes": ["4"],
            "nameservers": ["192.0.2.53"],
            "listening": [{"protocol": "tcp", "port": 22, "loopback": False}],
        },
        "time": {"chrony": {"synchronised": True, "stratum": 3, "leap": "Normal"}, "controller_offset_s": 0.4},
        "dns": {
            f"{name}.example.com": {"addresses": [address], "reverse": {address: f"{name}.example.com"}, "error": ""},
            "k8s.example.com": {"addresses": ["192.0.2.100"], "reverse": {}, "error": ""},
        },
        "urls": {},
        "repositories": [],
        "listener": {},
    }


def host(number: int = 1, role: str = "server", **changes: Any) -> Host:
    """A healthy host. changes: facts by their path with two underscores, such as C(os__version)."""
    values = facts(number)
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = values
        for folder in folders:
            place = place[folder]
        place[last] = copy.deepcopy(value)
    return Host(f"node-{number}", (role,), f"192.0.2.{number}", values)


def fleet() -> list[Host]:
    """Three servers and an agent."""
    return [host(1), host(2), host(3), host(4, "agent")]
