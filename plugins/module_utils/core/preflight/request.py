# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From the words of the inventory and the facts of the hosts to L(Host)s and a L(Site); and whom to connect to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from .. import support
from ..errors import Problems
from .model import AFTER, BEFORE, DISABLED, FIREWALLD, UNMANAGED, Host, Site

_GPU_CHOICES = ("", "nvidia", "amd", "intel", "operator", "none")
_ROLES = (support.SERVER, support.AGENT, support.CLEARML)
#: The name under which the load balancer stands among a host's peers.
BALANCER_NAME = "rke2_api_endpoint"


def parse_cni(value: Any, path: str, problems: Problems) -> str:
    """Return the network plug-in of RKE2's C(cni), which may be a list that begins with C(multus)."""
    names = [str(one) for one in value] if isinstance(value, (list, tuple)) else str(value).split(",")
    names = [name.strip() for name in names if name.strip() and name.strip() != "multus"]
    if len(names) != 1 or names[0] not in support.CNIS:
        problems.add(path, value, ", ".join(support.CNIS) + "; multus may stand before one of them")
        return "none"
    return names[0]


def parse_cidrs(value: Any) -> tuple[str, ...]:
    """Return the networks of RKE2's C(cluster-cidr) or C(service-cidr): text with commas, or a list."""
    parts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def parse_site(options: Mapping[str, Any], problems: Problems) -> Site:
    """Read what the inventory says for all hosts. options: those of the module preflight_report."""
    stage, firewall = options.get("stage") or BEFORE, options.get("firewall") or FIREWALLD
    if stage not in (BEFORE, AFTER):
        problems.add("stage", stage, f"{BEFORE} or {AFTER}")
    if firewall not in (FIREWALLD, DISABLED, UNMANAGED):
        problems.add("firewall", firewall, f"{FIREWALLD}, {DISABLED} or {UNMANAGED}")
    site = Site(
        stage=stage,
        cni=parse_cni(options.get("cni") or "canal", "cni", problems),
        cluster_cidr=parse_cidrs(options.get("cluster_cidr") or "10.42.0.0/16"),
        service_cidr=parse_cidrs(options.get("service_cidr") or "10.43.0.0/16"),
        api_endpoint=str(options.get("api_endpoint") or ""),
        rke2_version=str(options.get("rke2_version") or ""),
        install_method=str(options.get("install_method") or "auto"),
        firewall=firewall,
        airgapped=bool(options.get("airgapped")),
        airgap_urls=tuple(options.get("airgap_urls") or ()),
        names=tuple(options.get("names") or ()),
        urls=tuple(options.get("urls") or ()),
        data_path=str(options.get("data_path") or "/var/lib/rancher"),
        longhorn_path=str(options.get("longhorn_path") or "/var/lib/longhorn"),
        not_looked_at=tuple(options.get("not_looked_at") or ()),
    )
    if options.get("max_latency_ms") is not None:
        site = replace(site, max_latency_ms=float(options["max_latency_ms"]))
    if options.get("max_clock_offset") is not None:
        site = replace(site, max_clock_offset_s=float(options["max_clock_offset"]))
    return replace(site, minimum_sizes=_sizes(options.get("minimum_sizes") or {}, problems))


def _sizes(wishes: Mapping[str, Any], problems: Problems) -> dict[str, support.Size]:
    """Take the site's own minimum sizes over those of the support data: by role, cpus, memory_gb, disk_gb."""
    sizes = dict(support.MINIMUM_SIZES)
    for role, wish in wishes.items():
        if role not in sizes or not isinstance(wish, Mapping):
            problems.add(f"minimum_sizes.{role}", wish, f"{', '.join(sizes)}, each with cpus, memory_gb, disk_gb")
            continue
        numbers = {}
        for name, value in wish.items():
            good = name in ("cpus", "memory_gb", "disk_gb") and isinstance(value, (int, float))
            if not good or isinstance(value, bool) or value < 0:
                problems.add(f"minimum_sizes.{role}.{name}", value, "cpus, memory_gb, disk_gb: a number, 0 or more")
            else:
                numbers[name] = value
        old = sizes[role]
        sizes[role] = support.Size(
            int(numbers.get("cpus", old.cpus)),
            int(numbers["memory_gb"] * support.GB) if "memory_gb" in numbers else old.memory,
            int(numbers["disk_gb"] * support.GB) if "disk_gb" in numbers else old.disk,
            "preflight_minimum_sizes",
        )
    return sizes


def parse_hosts(entries: Mapping[str, Any], problems: Problems) -> list[Host]:
    """Read the hosts: by inventory name, C(roles), C(address), C(gpu), C(longhorn), C(facts), C(peers), C(trouble)."""
    return [_host(name, entry, problems) for name, entry in entries.items()]


def _host(name: str, entry: Any, problems: Problems) -> Host:
    if not isinstance(entry, Mapping):
        problems.add(f"hosts[{name}]", entry, "a mapping with roles, address, facts")
        return Host(name)
    roles = tuple(str(role) for role in entry.get("roles") or ())
    for role in roles:
        if role not in _ROLES:
            problems.add(f"hosts[{name}].roles", role, ", ".join(_ROLES))
    gpu = str(entry.get("gpu") or "")
    if gpu not in _GPU_CHOICES:
        problems.add(f"hosts[{name}].gpu", gpu, ", ".join(choice for choice in _GPU_CHOICES if choice))
    return Host(
        name,
        roles,
        str(entry.get("address") or ""),
        entry.get("facts") or {},
        str(entry.get("trouble") or ""),
        entry.get("peers") or {},
        gpu,
        bool(entry.get("longhorn", True)),
    )


def ports_to_listen(roles: Sequence[str], cni: str) -> list[str]:
    """Return the ports to try on a host, such as C(6443/tcp); of a range the first and the last."""
    specs = []
    for port in support.ports_for(roles, cni, ingress=False):
        if port.protocol != "icmp":
            specs += [f"{number}/{port.protocol}" for number in dict.fromkeys((port.first, port.last))]
    return specs


def peers_of(name: str, entries: Mapping[str, Any], cni: str, api_endpoint: str = "") -> list[dict[str, Any]]:
    """Return whom a host has to reach, and on which ports, for the module preflight_ports.

    entries: as for L(parse_hosts), with the facts of all hosts. With several servers and an endpoint that is none of
    them, the load balancer is a peer too: our listeners on the servers stand behind it.
    """
    me = entries[name].get("roles") or ()
    found = []
    for other, entry in entries.items():
        listener = (entry.get("facts") or {}).get("listener") or {}
        if other == name or not listener or not entry.get("address"):
            continue
        allowed = set()
        for port in support.ports_for(entry.get("roles") or (), cni, ingress=False):
            if support.may_reach(me, port):
                allowed |= {f"{number}/{port.protocol}" for number in (port.first, port.last)}
        found.append(
            {
                "name": other,
                "address": entry["address"],
                "full_name": ((entry.get("facts") or {}).get("names") or {}).get("full", ""),
                "opened": [spec for spec in listener.get("opened") or () if spec in allowed],
                "busy": [spec for spec in listener.get("busy") or () if spec in allowed],
            }
        )
    balancer = _balancer(entries, api_endpoint) if set(me) & set(support.NODE_ROLES) else None
    return [*found, *([balancer] if balancer else [])]


def _balancer(entries: Mapping[str, Any], api_endpoint: str) -> Optional[dict[str, Any]]:
    servers = [name for name, entry in entries.items() if support.SERVER in (entry.get("roles") or ())]
    own = {*servers, *(str(entries[name].get("address")) for name in servers)}
    if len(servers) < 2 or not api_endpoint or api_endpoint in own:
        return None
    return {
        "name": BALANCER_NAME,
        "address": api_endpoint,
        "opened": [],
        "busy": [f"{port}/tcp" for port in support.BALANCER_PORTS],
    }


def with_what_peers_know(hosts: Sequence[Host]) -> list[Host]:
    """Add to each tried connection what the check needs of the peer: firewalld there, or that it is the balancer."""
    firewalled = {host.name for host in hosts if host.unit("firewalld.service").get("running")}
    return [
        replace(
            host,
            peers={
                peer: {**result, "firewalld": peer in firewalled, "balancer": peer == BALANCER_NAME}
                for peer, result in host.peers.items()
            },
        )
        for host in hosts
    ]
