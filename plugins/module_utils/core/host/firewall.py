# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""firewalld for a node, from the port table (HOST-5): zones that are wanted, and what is missing in those that are there.

Nodes get zones of their own by source address, so that etcd, kubelet and the pod network are open to nodes only and
8472/udp is never open to the world. What clients use stands in the default zone. Pods and services are trusted sources,
as k3s's and RKE2's documentation ask for. No masquerading is switched on: the network plug-in does it, and a second one
would hide pods' addresses from network policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import support
from ..errors import Problems
from ..network import is_address, parse_network
from ..plan import CHANGE, CREATE, Step

SERVERS_ZONE, NODES_ZONE, TRUSTED_ZONE = "rke2-servers", "rke2-nodes", "trusted"
#: Zones that are ours as a whole; in others things are only added.
OWN_ZONES = (SERVERS_ZONE, NODES_ZONE)


@dataclass(frozen=True)
class Zone:
    """One zone of firewalld: its sources, ports and services, each sorted."""

    sources: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, list[str]]:
        """For a diff."""
        return {name: list(getattr(self, name)) for name in KINDS}


#: What firewalld calls one of each in its options.
KINDS = {"sources": "source", "ports": "port", "services": "service", "protocols": "protocol"}


@dataclass(frozen=True)
class Request:
    """What the firewall depends on. servers, agents: addresses of the nodes. client_ports: further ports for all."""

    roles: tuple[str, ...]
    cni: str
    servers: tuple[str, ...]
    agents: tuple[str, ...]
    trusted: tuple[str, ...]
    ssh_port: int = 22
    client_ports: tuple[str, ...] = ()
    embedded_registry: bool = False


def parse_request(params: Mapping[str, object], problems: Problems) -> None:
    """Check the options of the module sles_firewall; collects, never raises."""
    if params["cni"] not in support.CNIS:
        problems.add("cni", params["cni"], ", ".join(support.CNIS))
    for name in ("servers", "agents"):
        for address in _texts(params[name]):
            if not is_address(address):
                problems.add(name, address, "IP addresses of nodes; firewalld knows no names")
    for network in _texts(params["trusted"]):
        try:
            parse_network(network)
        except ValueError as error:
            problems.add("trusted", network, str(error))
    for port in _texts(params["client_ports"]):
        number, slash, protocol = port.partition("/")
        if not slash or protocol not in ("tcp", "udp", "sctp") or not number.replace("-", "", 1).isdigit():
            problems.add("client_ports", port, "ports such as 8443/tcp or 9000-9010/udp")


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []


def zones(request: Request, default_zone: str) -> dict[str, Zone]:
    """Return the wanted zones. SSH stays open everywhere, for a zone by source address beats that of the device."""
    table = support.ports_for(request.roles, request.cni, embedded_registry=request.embedded_registry)
    clients = {port.spec for port in table if port.source == support.FROM_CLIENTS} | set(request.client_ports)
    nodes = clients | {port.spec for port in table if port.source == support.FROM_NODES and port.protocol != "icmp"}
    servers = nodes | {port.spec for port in table if port.source == support.FROM_SERVERS}
    ssh = ("ssh",) if request.ssh_port == 22 else ()
    own = {f"{request.ssh_port}/tcp"} if request.ssh_port != 22 else set()
    return {
        SERVERS_ZONE: Zone(_sorted(request.servers), _sorted(servers | own), ssh),
        NODES_ZONE: Zone(_sorted(request.agents), _sorted(nodes | own), ssh),
        TRUSTED_ZONE: Zone(sources=_sorted(request.trusted)),
        default_zone: Zone(ports=_sorted(clients | own), services=ssh),
    }


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def parse_zones(text: str) -> dict[str, Zone]:
    """Read C(firewall-cmd --list-all-zones)."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    name = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name = line.split(" ")[0].strip()
            found[name] = {}
        elif name:
            key, colon, values = line.strip().partition(":")
            if colon and key in KINDS:
                found[name][key] = _sorted(values.split())
    return {zone: Zone(**values) for zone, values in found.items()}


def compare(wanted: Mapping[str, Zone], found: Mapping[str, Zone]) -> list[Step]:
    """Return one step for each zone that differs; its body is the list of options for firewall-cmd."""
    steps = []
    for name, zone in wanted.items():
        have = found.get(name)
        options = [f"--{verb}-{KINDS[kind]}={value}" for verb, kind, value in _changes(name, zone, have or Zone())]
        if have is None or options:
            after = _merged(name, zone, have or Zone())
            before = have.as_dict() if have else {}
            steps.append(
                Step(CHANGE if have else CREATE, "zone", name, before=before, after=after.as_dict(), body=options)
            )
    return steps


def _changes(name: str, want: Zone, have: Zone) -> list[tuple[str, str, str]]:
    """What is to be removed (in our own zones) and added. Removals first: a source may move from one zone to another."""
    changes = []
    for kind in KINDS:
        wanted, there = getattr(want, kind), getattr(have, kind)
        if name in OWN_ZONES:
            changes += [("remove", kind, value) for value in there if value not in wanted]
        changes += [("add", kind, value) for value in wanted if value not in there]
    return changes


def _merged(name: str, want: Zone, have: Zone) -> Zone:
    if name in OWN_ZONES:
        return want
    return Zone(**{kind: _sorted({*getattr(want, kind), *getattr(have, kind)}) for kind in KINDS})
