# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The named ways in and out of a tenant's namespace, as declared: parsing and checking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import Problems
from ..network import Network, overlap, parse_address, parse_network

Options = Mapping[str, Any]

PORTS_ALLOWED = "a list of ports from 1 to 65535, or ranges such as 8000-8100"
PROTOCOLS = ("TCP", "UDP", "SCTP")
#: Value of C(dns) that stands for the host cluster's own DNS pods.
HOST_DNS = "host"

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True)
class HostNetworks:
    """The host cluster's networks, which no tenant may reach: pods, services, nodes, management, metadata (CIDRs)."""

    pods: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    management: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()

    @property
    def protected(self) -> tuple[tuple[str, str], ...]:
        """(what it is, CIDR) of each of them."""
        return tuple(
            (what, cidr)
            for what, cidrs in (
                ("the nodes' network", self.nodes),
                ("the pod network", self.pods),
                ("the service network", self.services),
                ("the management network", self.management),
                ("the metadata service's network", self.metadata),
            )
            for cidr in cidrs
        )


@dataclass(frozen=True)
class Way:
    """One way in or out. Either cidr or namespace is set. ports: inclusive ranges. why: for the one who reads it."""

    cidr: str
    namespace: str
    ports: tuple[tuple[int, int], ...]
    protocol: str
    why: str

    def __str__(self) -> str:
        """The way for a person: C(10.1.2.3/32 TCP 443 (NFS))."""
        ports = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ports)
        target = self.cidr or f"namespace {self.namespace}"
        return f"{target} {self.protocol} {ports}" + (f" ({self.why})" if self.why else "")


def parse_networks(values: Any, path: str, problems: Problems) -> tuple[str, ...]:
    """Turn a list of CIDRs into their canonical texts."""
    found = []
    for index, value in enumerate(values or ()):
        network = _parse_network(value, f"{path}[{index}]", problems)
        if network is not None:
            found.append(str(network))
    return tuple(dict.fromkeys(found))


def _parse_network(value: Any, path: str, problems: Problems) -> Optional[Network]:
    try:
        return parse_network(value)
    except ValueError as error:
        problems.add(path, value, str(error))
        return None


def parse_host_networks(options: Optional[Options], problems: Problems) -> HostNetworks:
    """Turn the module's C(networks) into L(HostNetworks)."""
    given = options or {}
    return HostNetworks(
        *(
            parse_networks(given.get(name), f"networks.{name}", problems)
            for name in ("pod_cidr", "service_cidr", "node_cidrs", "management_cidrs", "metadata_cidrs")
        )
    )


def parse_dns(values: Any, path: str, problems: Problems) -> tuple[str, ...]:
    """Turn C(dns) into C(host) and CIDRs of single addresses; an empty list stands for C(host)."""
    found = []
    for index, value in enumerate(values or [HOST_DNS]):
        if value == HOST_DNS:
            found.append(HOST_DNS)
            continue
        try:
            address = parse_address(value)
        except ValueError as error:
            problems.add(f"{path}[{index}]", value, f"{HOST_DNS} or {error}")
        else:
            found.append(f"{address}/{address.max_prefixlen}")
    return tuple(dict.fromkeys(found))


def parse_ways(
    items: Optional[Sequence[Options]], path: str, networks: Optional[HostNetworks], problems: Problems
) -> tuple[Way, ...]:
    """Turn C(allow_egress) or C(allow_ingress) into ways.

    networks: for ways out, what they must not touch; None for ways in.
    """
    return tuple(_parse_way(item, f"{path}[{index}]", networks, problems) for index, item in enumerate(items or ()))


def _parse_way(item: Options, path: str, networks: Optional[HostNetworks], problems: Problems) -> Way:
    cidr, namespace = item.get("cidr") or "", str(item.get("namespace") or "")
    network = _parse_network(cidr, f"{path}.cidr", problems) if cidr else None
    if bool(cidr) == bool(namespace):
        problems.add(f"{path}.cidr", cidr or None, "exactly one of cidr and namespace")
    elif namespace and not names.is_dns_label(namespace):
        problems.add(f"{path}.namespace", namespace, names.DNS_LABEL_ALLOWED)
    elif networks is not None:
        _check_way_out(item, network, namespace, networks, path, problems)
    protocol = str(item.get("proto") or "TCP").upper()
    if protocol not in PROTOCOLS:
        problems.add(f"{path}.proto", item.get("proto"), ", ".join(PROTOCOLS))
    return Way(
        "" if network is None else str(network),
        namespace,
        _parse_ports(item.get("ports"), f"{path}.ports", problems),
        protocol,
        str(item.get("why") or ""),
    )


def _check_way_out(
    item: Options, network: Optional[Network], namespace: str, networks: HostNetworks, path: str, problems: Problems
) -> None:
    """A way out must be named: never the whole world, and the platform only on purpose (override with a reason)."""
    on_purpose = bool(item.get("override")) and bool(item.get("why"))
    if network is not None and network.prefixlen == 0:
        problems.add(
            f"{path}.cidr", str(network), "a named network; internet: true opens the internet without the platform"
        )
        return
    if on_purpose:
        return
    needed = "set override: true and say why in why, if it is meant"
    if network is not None:
        for what, cidr in networks.protected:
            if overlap(network, parse_network(cidr)):
                problems.add(f"{path}.cidr", str(network), f"a network apart from {what} {cidr}; {needed}")
    elif namespace.startswith(names.RESERVED_NAMESPACE_PREFIXES) or namespace.endswith(
        names.RESERVED_NAMESPACE_SUFFIXES
    ):
        problems.add(f"{path}.namespace", namespace, f"a namespace that is not the platform's; {needed}")


def _parse_ports(values: Any, path: str, problems: Problems) -> tuple[tuple[int, int], ...]:
    found = []
    for value in values or ():
        match = _PORTS.fullmatch(str(value))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last < 65536:
            problems.add(path, value, PORTS_ALLOWED)
            continue
        found.append((first, last))
    if not values:
        problems.add(path, values, PORTS_ALLOWED)
    return tuple(found)
