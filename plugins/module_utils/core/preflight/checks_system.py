# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of one host: the system, its size, its kernel, what is installed on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import support
from ..host.parsing import kernel_version
from ..rke2.version import parse_or_none
from .model import ERROR, INFO, WARNING, Checks, Host, Site, Trouble, shown_size

CHECKS = Checks()

PREPARE = "run the playbook ai_tenancy.platform.hosts (role sles_prepare)"


@CHECKS.host("os.supported", ERROR, "Operating system and its version")
def os_supported(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-1."""
    os_id, version = host.fact("os", "id", default=""), host.fact("os", "version", default="")
    if support.find_operating_system(os_id, version) is None:
        yield Trouble(
            f"{host.fact('os', 'name', default='') or 'unknown'} (ID {os_id or '?'}, VERSION_ID {version or '?'})",
            support.operating_systems_text(),
            "install one of these, or take the host out of the inventory",
        )


@CHECKS.host("os.architecture", ERROR, "Processor architecture")
def os_architecture(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-1."""
    found = host.fact("architecture", default="")
    if found not in support.RKE2_ARCHITECTURES:
        yield Trouble(found or "unknown", " or ".join(support.RKE2_ARCHITECTURES), "use a machine of one of these")


@CHECKS.host("os.init", ERROR, "systemd is the first process")
def os_init(host: Host, site: Site) -> Iterator[Trouble]:
    """RKE2 is a systemd service."""
    if host.fact("init") != "systemd":
        yield Trouble(str(host.fact("init", default="unknown")), "systemd as process 1", "boot the host with systemd")


@CHECKS.host("os.transactional", ERROR, "The root file system can be written to")
def os_transactional(host: Host, site: Site) -> Iterator[Trouble]:
    """SL Micro and SLES with an immutable root take packages only by transactional-update and a reboot."""
    if host.fact("storage", "root", "read_only", default=False):
        kind = "transactional (read-only root)" if host.fact("transactional") else "read-only root"
        yield Trouble(
            kind,
            "a system with a writable root",
            "install SLES in standard mode; transactional systems are not supported yet",
        )


@CHECKS.host("os.usr_local", INFO, "Where RKE2's tarball will be unpacked")
def os_usr_local(host: Host, site: Site) -> Iterator[Trouble]:
    """RKE2's installer takes /opt/rke2 when /usr/local is a mount of its own or read-only; ours does the same."""
    if host.fact("storage", "usr_local_mounted") or not host.fact("storage", "usr_local_writable", default=True):
        yield Trouble(
            "/usr/local is a mount of its own or read-only", "nothing", "none: RKE2 goes to /opt/rke2 on this host"
        )


def _too_small(host: Host, site: Site, found: int, what: str, fix: str) -> Iterator[Trouble]:
    """Compare with what each role of the host needs; C(what) is a field of support.Size."""
    shown = str(found) if what == "cpus" else shown_size(found)
    for role in host.roles:
        minimum = site.minimum_sizes.get(role)
        need = getattr(minimum, what) if minimum else 0
        if minimum and found < need:
            needed = f"{need if what == 'cpus' else shown_size(need)} as {role} ({minimum.source})"
            yield Trouble(shown, needed, fix)
            return
    for role in host.roles:
        wish = support.RECOMMENDED_SIZES.get(role)
        need = getattr(wish, what) if wish else 0
        if wish and found < need:
            needed = f"{need if what == 'cpus' else shown_size(need)} recommended as {role} ({wish.source})"
            yield Trouble(shown, needed, fix, WARNING)
            return


@CHECKS.host("size.cpu", ERROR, "Number of processors")
def size_cpu(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-11."""
    yield from _too_small(
        host, site, int(host.fact("cpus", default=0)), "cpus", "use a bigger machine, or another role for it"
    )


@CHECKS.host("size.memory", ERROR, "Memory")
def size_memory(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-11."""
    yield from _too_small(
        host, site, int(host.fact("memory", default=0)), "memory", "add memory, or give the host another role"
    )


@CHECKS.host("size.disk", ERROR, "Size of the file system for RKE2's data")
def size_disk(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-11: the file system below RKE2's data, or the biggest of those that hold data on a ClearML node."""
    total = int(host.fact("storage", "paths", site.data_path, "total", default=0))
    if support.CLEARML in host.roles:
        total = max([total, *(int(one.get("total", 0)) for one in host.fact("storage", "paths", default={}).values())])
    yield from _too_small(host, site, total, "disk", f"give {site.data_path} a bigger file system")


@CHECKS.host("disk.free", ERROR, "Free room for RKE2's images and etcd")
def disk_free(host: Host, site: Site) -> Iterator[Trouble]:
    """The kubelet evicts pods below 15 % and image pulls fail before that (Kubernetes documentation, node pressure)."""
    room = host.fact("storage", "paths", site.data_path, default={})
    total, free = int(room.get("total", 0)), int(room.get("free", 0))
    if host.is_node and total and free < total * 0.15:
        yield Trouble(
            f"{shown_size(free)} of {shown_size(total)} free on {room.get('mount')}",
            "15 % free at least (the kubelet evicts pods below it)",
            f"free room on {room.get('mount')}, or give {site.data_path} a file system of its own",
        )


@CHECKS.host("disk.rotational", WARNING, "etcd's disk is no rotating one")
def disk_rotational(host: Host, site: Site) -> Iterator[Trouble]:
    """Etcd writes synchronously (etcd hardware recommendations)."""
    source = str(host.fact("storage", "paths", site.data_path, "source", default=""))
    disks = {one["name"]: one for one in host.fact("storage", "disks", default=[])}
    disk = next((one for name, one in disks.items() if re.fullmatch(rf"/dev/{re.escape(name)}(p?\d+)?", source)), None)
    if host.is_server and disk and disk["rotational"] and not disk["name"].startswith(("vd", "xvd")):
        yield Trouble(f"{source} rotates", "SSD or NVMe for etcd", f"mount {site.data_path} from an SSD")


@CHECKS.host("kernel.version", ERROR, "Kernel version for the network plug-in")
def kernel_minimum(host: Host, site: Site) -> Iterator[Trouble]:
    """Cilium needs a newer one than the others."""
    release = str(host.fact("kernel", default=""))
    need = support.MINIMUM_KERNELS.get(site.cni, (0, 0))
    if kernel_version(release) < need:
        yield Trouble(
            release, f"{need[0]}.{need[1]} or newer for {site.cni}", "update the kernel, or choose another CNI"
        )


@CHECKS.host("kernel.cgroup", WARNING, "Control groups version 2")
def kernel_cgroup(host: Host, site: Site) -> Iterator[Trouble]:
    """Kubelets of 1.35 and newer refuse version 1 by default (Kubernetes documentation, cgroups); SLES 15 may have it."""
    wanted = parse_or_none(site.rke2_version)
    refused = wanted is None or (wanted.major, wanted.minor) >= support.CGROUP_V2_ONLY
    if host.is_node and host.fact("cgroup", default=2) == 1 and refused:
        yield Trouble(
            "control groups version 1",
            "version 2, from Kubernetes 1.35 on",
            "boot with systemd.unified_cgroup_hierarchy=1, or set the kubelet's failCgroupV1 to false",
        )


@CHECKS.host("kernel.modules_missing", ERROR, "Kernel modules exist")
def kernel_modules_missing(host: Host, site: Site) -> Iterator[Trouble]:
    """iscsi_tcp is in kernel-default, not in kernel-default-base (Longhorn documentation)."""
    needed = ["br_netfilter", "overlay", "nf_conntrack", *(["iscsi_tcp", "dm_crypt"] if host.longhorn else [])]
    for name in needed:
        if host.fact("modules", name, default="missing") == "missing":
            storage = name in ("iscsi_tcp", "dm_crypt")
            fix = (
                "install kernel-default instead of kernel-default-base and reboot"
                if storage
                else "use SLES's own kernel"
            )
            if storage:
                fix += "; or set sles_prepare_longhorn=false when no volumes are kept on this host"
            yield Trouble(f"{name} is not in kernel {host.fact('kernel')}", f"module {name}", fix)


@CHECKS.host("kernel.modules_loaded", ERROR, "Kernel modules are loaded", prepared=True)
def kernel_modules_loaded(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-6."""
    waiting = [name for name in ("br_netfilter", "overlay") if host.fact("modules", name) == "available"]
    if waiting:
        yield Trouble(f"not loaded: {', '.join(waiting)}", "loaded now and at boot", PREPARE)


@CHECKS.host("kernel.sysctl", ERROR, "Kernel settings", prepared=True)
def kernel_sysctl(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-6: forwarding for pods, inotify for kubelets and GPU validators, maps for Elasticsearch."""
    least = {
        "net.ipv4.ip_forward": 1,
        "net.bridge.bridge-nf-call-iptables": 1,
        "fs.inotify.max_user_instances": 8192,
        "fs.inotify.max_user_watches": 524288,
        "vm.max_map_count": 262144,
    }
    wrong = []
    for name, need in least.items():
        text = str(host.fact("sysctls", name, default=""))
        if not text.isdigit() or int(text) < need:
            wrong.append(f"{name}={text or 'absent'} (needed {need})")
    if wrong:
        yield Trouble(", ".join(wrong), "the values of the role sles_prepare", PREPARE)


@CHECKS.host("kernel.swap", ERROR, "No swap, now and after a reboot", prepared=True)
def kernel_swap(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-6. RKE2's kubelet starts with swap on, so nobody else would notice."""
    found = [f"{what}: {', '.join(names)}" for what, names in host.fact("swap", default={}).items() if names]
    if found:
        yield Trouble("; ".join(found), "no swap in use, in /etc/fstab, or by zram", PREPARE)


@CHECKS.host("security.selinux", ERROR, "SELinux has RKE2's policy")
def security_selinux(host: Host, site: Site) -> Iterator[Trouble]:
    """SLES 16 enforces; without rke2-selinux containers run in the wrong context (RKE2 documentation, SELinux)."""
    if not host.is_node or host.fact("security", "selinux", default="disabled") != "enforcing":
        return
    missing = [name for name in ("container-selinux", "rke2-selinux") if name not in host.fact("packages", default={})]
    if missing:
        by_rpm = site.install_method == "rpm" or (
            site.install_method == "auto"
            and not site.airgapped
            and host.fact("os", "version", default="").startswith("16")
        )
        severity = INFO if by_rpm and not site.prepared else None
        yield Trouble(
            f"enforcing, without {' and '.join(missing)}",
            "container-selinux and rke2-selinux",
            "make a repository with these packages known (sles_prepare_repositories), they are then installed; "
            "SELinux is never switched off by us",
            severity,
        )


@CHECKS.host("security.apparmor", ERROR, "AppArmor has its parser", prepared=True)
def security_apparmor(host: Host, site: Site) -> Iterator[Trouble]:
    """Containerd loads profiles by it when AppArmor is on (SLES 15)."""
    if host.is_node and host.fact("security", "apparmor") and not host.fact("security", "apparmor_parser"):
        yield Trouble("AppArmor is on, apparmor_parser is not installed", "package apparmor-parser", PREPARE)


@CHECKS.host("software.iptables", ERROR, "iptables is installed", prepared=True)
def software_iptables(host: Host, site: Site) -> Iterator[Trouble]:
    """Without it canal leaks addresses with host ports (rancher/rke2 issue 3361)."""
    if host.is_node and "iptables" not in host.fact("programs", default=[]):
        yield Trouble("no iptables", "package iptables", PREPARE)


@CHECKS.host("software.conflict", ERROR, "No other Kubernetes or container engine")
def software_conflict(host: Host, site: Site) -> Iterator[Trouble]:
    """They fight for ports, CNI folders and iptables chains."""
    if not host.is_node:
        return
    others = ("k3s.service", "k3s-agent.service", "kubelet.service", "docker.service")
    found = [name for name in others if host.unit(name).get("running") or host.unit(name).get("boot")]
    if found:
        yield Trouble(", ".join(found), "none of k3s, kubelet, docker", "uninstall it, or use another host")


@CHECKS.host("rke2.method", ERROR, "RKE2 was installed by the method that is wanted")
def rke2_method(host: Host, site: Site) -> Iterator[Trouble]:
    """Tarball and RPM in one place overwrite each other; RKE2's installer refuses both ways."""
    found = host.fact("rke2", "method", default="")
    if found == "both":
        yield Trouble("tarball and RPM at the same time", "one of them", "remove one of the two by hand")
    elif found and site.install_method in ("tar", "rpm") and found != site.install_method:
        yield Trouble(
            f"installed by {found}",
            f"rke2_install_method {site.install_method}",
            f"set rke2_install_method to {found}, or uninstall RKE2 on this host first (playbook rke2_uninstall)",
        )


@CHECKS.host("rke2.role", ERROR, "The host is not the other kind of node")
def rke2_role(host: Host, site: Site) -> Iterator[Trouble]:
    """A server's unit refuses to start beside an agent's."""
    if not host.is_node:
        return
    wanted = "server" if host.is_server else "agent"
    other = "agent" if host.is_server else "server"
    if host.unit(f"rke2-{other}.service").get("running"):
        yield Trouble(
            f"rke2-{other} runs",
            f"rke2-{wanted}, by its group",
            f"remove it from the cluster first (playbook node_remove), or put it into rke2_{other}s",
        )


@CHECKS.host("gpu.choice", ERROR, "GPUs are as the inventory says")
def gpu_choice(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-9. Vendor and class on the PCI bus decide."""
    found = sorted({str(one.get("vendor")) for one in host.fact("gpus", default=[])})
    if host.gpu in ("nvidia", "amd", "intel") and host.gpu not in found:
        yield Trouble(
            f"{', '.join(found) or 'no GPU'} on the PCI bus",
            f"a GPU of {host.gpu} (sles_prepare_gpu)",
            "check card and BIOS, or set sles_prepare_gpu to none for this host",
        )
    if host.gpu in ("", "none") and any(vendor in ("nvidia", "amd") for vendor in found):
        yield Trouble(
            f"GPU of {', '.join(found)}",
            "sles_prepare_gpu set for this host",
            "set sles_prepare_gpu, or leave the GPU unused",
            WARNING,
        )
