# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Look at RKE2 on this host; see the RETURN section of the module C(rke2_info) for what the values mean."""

from __future__ import annotations

import json
import os
from typing import Any, Optional

from ...core.errors import PlatformError
from ...core.host import parsing
from ...core.rke2 import certificates, places, token, yamltext
from ...core.rke2.files import WATCHED, digest, is_ours, start_digest
from ...core.rke2.keys import AGENT, IMMUTABLE, OWNED, SERVER
from ...core.support import RKE2_ARCHITECTURES
from ..machine import Machine, Unit
from .kubectl import Kubectl

TYPES = (SERVER, AGENT)
_PROGRAMS = {places.RPM_ROOT: "rpm", places.TAR_ROOT: "tar", places.OPT_ROOT: "tar"}


def look(machine: Machine, gather: list[str], now: float) -> dict[str, Any]:
    """Return everything. gather: of C(nodes), C(certificates), C(snapshots). now: seconds since the epoch."""
    config = yamltext.scan(machine.read(places.CONFIG) or "")
    units = machine.units([places.unit(one) for one in TYPES])
    by_type = {one: units[places.unit(one)] for one in TYPES}
    found: dict[str, Any] = {
        "node_name": node_name(machine, config),
        "architecture": RKE2_ARCHITECTURES.get(os.uname().machine, os.uname().machine),
        **installation(machine),
        "type": _type(machine, by_type),
        "active": {one: unit.active for one, unit in by_type.items()},
        "enabled": {one: unit.starts_at_boot for one, unit in by_type.items()},
        "running": running_version(machine, by_type),
        "datastore": has_datastore(machine),
        "joined": machine.exists(places.KUBELET),
        "ca_hash": token.ca_hash(machine.value(places.SERVER_TOKEN)),
        "last_start": last_start(machine),
        "files": _files(machine),
        "config": {
            name: config[name] for name in ("server", *IMMUTABLE) if name in config and name != "datastore-endpoint"
        },
        "overrides": _overrides(machine),
        "os": _os(machine),
        **_selinux(machine),
    }
    found.update(_cluster(machine, by_type) if "nodes" in gather else {"api_ready": False, "nodes": []})
    if "certificates" in gather:
        found["certificates"] = _certificates(machine, now)
    if "snapshots" in gather:
        found["snapshots"] = snapshots(machine)
    return found


def node_name(machine: Machine, config: Optional[dict[str, Any]] = None) -> str:
    """The name of this host's Node: the configured one, else the host name, in lower case."""
    config = yamltext.scan(machine.read(places.CONFIG) or "") if config is None else config
    return str(config.get("node-name") or machine.value("/proc/sys/kernel/hostname")).lower()


def has_datastore(machine: Machine) -> bool:
    """Whether etcd has ever been at work here; its write-ahead log tells (k3s-io/k3s, pkg/etcd)."""
    return machine.exists(f"{places.DATASTORE}/member/wal")


# --- the program ---


def installation(machine: Machine) -> dict[str, str]:
    """Where RKE2 is installed and by which method, or where a tarball would go."""
    roots = [root for root in _PROGRAMS if machine.exists(f"{root}/bin/rke2")]
    conflict = ""
    if len(roots) > 1:
        conflict = f"RKE2 is installed more than once ({', '.join(roots)}); uninstall all but one."
    if not roots:
        return {"installed": "", "method": "", "conflict": "", "root": tar_root(machine)}
    root = roots[0]
    installed = version_of(machine, machine.path(f"{root}/bin/rke2"))
    return {"installed": installed, "method": _PROGRAMS[root], "conflict": conflict, "root": root}


def tar_root(machine: Machine) -> str:
    """Where a tarball goes: /opt/rke2 when /usr/local is a mount point or read-only (rancher/rke2, install.sh)."""
    mount = parsing.mount_of(places.TAR_ROOT, machine.mounts())
    beside = mount.get("path") == places.TAR_ROOT or mount.get("read_only")
    return places.OPT_ROOT if beside else places.TAR_ROOT


def version_of(machine: Machine, program: str) -> str:
    """Ask a program for its version; empty when it gives none. It answers C(rke2 version v1.35.7+rke2r1 (hash))."""
    answer = machine.run([program, "--version"], timeout=20)
    words = answer.out.split() if answer.ok else []
    return next((word for word in words if "+rke2r" in word), "")


def running_version(machine: Machine, units: dict[str, Unit]) -> str:
    """The version of the process that runs; the link in /proc works also after the file was replaced."""
    pid = next((unit.main_pid for unit in units.values() if unit.running and unit.main_pid), 0)
    return version_of(machine, f"/proc/{pid}/exe") if pid else ""


def _type(machine: Machine, units: dict[str, Unit]) -> str:
    for one, unit in units.items():
        if unit.running or unit.enabled == "enabled":
            return one
    if has_datastore(machine):
        return SERVER
    return AGENT if machine.exists(places.KUBELET) else ""


# --- files ---


def last_start(machine: Machine) -> dict[str, Any]:
    """What the last successful start read: C(version), C(type) and C(files) with their digests; empty for none."""
    try:
        found = json.loads(machine.read(places.LAST_START) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def digests_on_disk(machine: Machine, node_type: str) -> dict[str, str]:
    """Path -> digest of what a start reads now, of the files that this collection wrote."""
    found = {}
    other = AGENT if node_type == SERVER else SERVER
    for path in WATCHED:
        text = machine.read(path)
        if text is not None and path != places.environment_file(other) and is_ours(path, text):
            found[path] = start_digest(path, text)
    return found


def _files(machine: Machine) -> dict[str, dict[str, str]]:
    manifests = [f"{places.MANIFESTS}/{name}" for name in machine.list(places.MANIFESTS)]
    found = {}
    for path in (*WATCHED, places.CIS_SYSCTL, *manifests):
        text, mode = machine.read(path), machine.mode(path)
        if text is not None and mode is not None:
            found[path] = {"digest": digest(text), "mode": f"{mode:04o}", "ours": str(is_ours(path, text)).lower()}
    return found


def _overrides(machine: Machine) -> dict[str, str]:
    """Keys of ours that files in config.yaml.d set too, with the file's name."""
    found = {}
    for name in machine.list(places.CONFIG_D):
        if name.endswith((".yaml", ".yml")):
            for key in yamltext.scan(machine.read(f"{places.CONFIG_D}/{name}") or ""):
                if key.rstrip("+") in OWNED:
                    found[key] = name
    return found


def _os(machine: Machine) -> dict[str, str]:
    values = {}
    for line in (machine.read("/etc/os-release") or "").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            values[name] = value.strip().strip("\"'")
    return {
        "id": values.get("ID", ""),
        "version": values.get("VERSION_ID", ""),
        "variant": values.get("VARIANT_ID", ""),
    }


def _selinux(machine: Machine) -> dict[str, Any]:
    enforce = machine.value("/sys/fs/selinux/enforce")
    mode = {"1": "enforcing", "0": "permissive"}.get(enforce, "disabled")
    policy = mode != "disabled" and machine.run(["rpm", "-q", "rke2-selinux"]).ok
    return {"selinux": mode, "selinux_policy": policy}


# --- the cluster ---


def _cluster(machine: Machine, units: dict[str, Unit]) -> dict[str, Any]:
    kubectl = Kubectl(machine)
    if units[SERVER].active != "active" or not kubectl.usable:
        return {"api_ready": False, "nodes": []}
    try:
        return {"api_ready": True, "nodes": [member.as_dict() for member in kubectl.members()]}
    except PlatformError:
        return {"api_ready": False, "nodes": []}


def _certificates(machine: Machine, now: float) -> list[dict[str, Any]]:
    found = []
    for folder in (places.TLS, f"{places.TLS}/etcd", f"{places.DATA}/agent"):
        for name in machine.list(folder):
            if name.endswith(".crt"):
                end = certificates.not_after(machine.read(f"{folder}/{name}") or "")
                if end is not None:
                    days = int((end.timestamp() - now) // 86400)
                    authority = name.endswith("-ca.crt") or "-ca.nochain" in name
                    found.append(
                        {
                            "path": f"{folder}/{name}",
                            "expires": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                            "days": days,
                            "authority": authority,
                        }
                    )
    return found


def snapshots(machine: Machine) -> list[dict[str, Any]]:
    """The snapshots on this server's disk, oldest first. size: bytes. created: seconds since the epoch."""
    found = []
    for name in machine.list(places.SNAPSHOTS):
        path = f"{places.SNAPSHOTS}/{name}"
        try:
            status = os.stat(machine.path(path))
        except OSError:
            continue
        if not name.startswith("."):
            found.append({"name": name, "path": path, "size": status.st_size, "created": int(status.st_mtime)})
    return sorted(found, key=lambda one: (one["created"], one["name"]))
