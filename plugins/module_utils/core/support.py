# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is supported, on which ports it talks, and how big it must be: the one data file of the host layers (HOST-1).

Data and small pure functions; nothing here looks at a machine. To support a new release, change this file only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

GB = 1000**3


@dataclass(frozen=True)
class OperatingSystem:
    """One supported operating system.

    id: C(ID) in os-release. version: C(VERSION_ID) there. name: what people call it. architectures: of C(uname -m).
    python: the interpreter that Ansible needs on it. On SLES 15 the system's own Python is 3.6, too old for
    ansible-core (SLES 15 release notes, ansible-core support matrix).
    """

    id: str
    version: str
    name: str
    architectures: tuple[str, ...]
    python: str

    @property
    def major(self) -> int:
        """The major version, such as 15."""
        return int(self.version.split(".")[0])


_ARCHITECTURES = ("x86_64", "aarch64")

#: SUSE AI and Rancher support matrices, 2026; SLES 15 SP6 is in LTSS.
OPERATING_SYSTEMS = (
    OperatingSystem("sles", "15.6", "SLES 15 SP6", _ARCHITECTURES, "/usr/bin/python3.11"),
    OperatingSystem("sles", "15.7", "SLES 15 SP7", _ARCHITECTURES, "/usr/bin/python3.11"),
    OperatingSystem("sles", "16.0", "SLES 16.0", _ARCHITECTURES, "/usr/bin/python3"),
)

#: C(uname -m) to the word in the names of RKE2's release files (rancher/rke2, install.sh).
RKE2_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

#: Newest release of each supported minor of RKE2 (rancher/rke2 release notes, August 2026).
RKE2_RELEASES = {
    "1.33": "v1.33.13+rke2r2",
    "1.34": "v1.34.10+rke2r1",
    "1.35": "v1.35.7+rke2r1",
    "1.36": "v1.36.3+rke2r1",
}

#: By how many minors a kubelet may be older than the API server; it may never be newer (Kubernetes version skew policy).
KUBELET_MAX_OLDER_MINORS = 3
#: By how many minors an upgrade may go up at once (RKE2 and Kubernetes documentation, manual upgrades).
UPGRADE_MAX_MINORS = 1


def find_operating_system(os_id: str, version: str) -> Optional[OperatingSystem]:
    """Return the supported system with these values of os-release, or None."""
    return next((one for one in OPERATING_SYSTEMS if (one.id, one.version) == (os_id.lower(), version)), None)


def operating_systems_text() -> str:
    """Name the supported systems and architectures, for messages."""
    names = ", ".join(one.name for one in OPERATING_SYSTEMS)
    return f"{names} on {' or '.join(_ARCHITECTURES)}"


def supported_minors() -> list[str]:
    """Return the supported minors of RKE2, oldest first."""
    return sorted(RKE2_RELEASES, key=_minor_key)


def rke2_releases_text() -> str:
    """Name the supported minors of RKE2 with the newest release of each, for messages."""
    return ", ".join(f"{minor} (newest {RKE2_RELEASES[minor]})" for minor in supported_minors())


def skew_allowed(api_server_minor: str, kubelet_minor: str) -> bool:
    """Tell whether a kubelet of one minor may work with an API server of another; both such as C(1.34)."""
    older = _minor_key(api_server_minor)[1] - _minor_key(kubelet_minor)[1]
    same_major = _minor_key(api_server_minor)[0] == _minor_key(kubelet_minor)[0]
    return same_major and 0 <= older <= KUBELET_MAX_OLDER_MINORS


def _minor_key(minor: str) -> tuple[int, int]:
    major, _dot, number = minor.partition(".")
    return int(major), int(number)


# --- Ports ------------------------------------------------------------------------------------------------------------

SERVER, AGENT, CLEARML = "server", "agent", "clearml"
#: Roles of a host that RKE2 knows.
NODE_ROLES = (SERVER, AGENT)
#: Who may connect to a port: the cluster's nodes, its servers only, or clients from outside too.
FROM_NODES, FROM_SERVERS, FROM_CLIENTS = "nodes", "servers", "clients"


@dataclass(frozen=True)
class Port:
    """One line of the port table: who listens, and who must reach it.

    first, last: the range, both ends included; 0 for C(icmp). protocol: C(tcp), C(udp) or C(icmp).
    roles: on which hosts it is open. source: C(nodes), C(servers) or C(clients). purpose: for people.
    """

    first: int
    last: int
    protocol: str
    roles: tuple[str, ...]
    source: str
    purpose: str

    @property
    def spec(self) -> str:
        """As firewalld writes it, such as C(6443/tcp) or C(30000-32767/tcp)."""
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{numbers}/{self.protocol}"


def _port(number: int, protocol: str, roles: tuple[str, ...], source: str, purpose: str, last: int = 0) -> Port:
    return Port(number, last or number, protocol, roles, source, purpose)


_SERVERS = (SERVER,)

#: Inbound rules of RKE2 nodes (RKE2 documentation, installation requirements; 80 and 443 are the ingress controller's).
RKE2_PORTS = (
    _port(6443, "tcp", _SERVERS, FROM_CLIENTS, "Kubernetes API"),
    _port(9345, "tcp", _SERVERS, FROM_NODES, "RKE2 supervisor: nodes join here"),
    _port(10250, "tcp", NODE_ROLES, FROM_NODES, "kubelet"),
    _port(2379, "tcp", _SERVERS, FROM_SERVERS, "etcd clients"),
    _port(2380, "tcp", _SERVERS, FROM_SERVERS, "etcd peers"),
    _port(2381, "tcp", _SERVERS, FROM_SERVERS, "etcd metrics"),
    _port(30000, "tcp", NODE_ROLES, FROM_CLIENTS, "node ports of services", 32767),
)
INGRESS_PORTS = (
    _port(80, "tcp", NODE_ROLES, FROM_CLIENTS, "ingress, HTTP"),
    _port(443, "tcp", NODE_ROLES, FROM_CLIENTS, "ingress, HTTPS"),
)
#: With C(embedded-registry: true) nodes share images, and agents open the supervisor's port too (RKE2 documentation).
EMBEDDED_REGISTRY_PORTS = (
    _port(5001, "tcp", NODE_ROLES, FROM_NODES, "embedded registry, peer to peer"),
    _port(9345, "tcp", (AGENT,), FROM_NODES, "embedded registry on agents"),
)
#: What each network plug-in needs between all nodes (RKE2 documentation, installation requirements).
CNI_PORTS: dict[str, tuple[Port, ...]] = {
    "canal": (
        _port(8472, "udp", NODE_ROLES, FROM_NODES, "canal, VXLAN"),
        _port(9099, "tcp", NODE_ROLES, FROM_NODES, "canal, health checks"),
        _port(51820, "udp", NODE_ROLES, FROM_NODES, "canal, WireGuard for IPv4 and IPv6", 51821),
    ),
    "cilium": (
        _port(4240, "tcp", NODE_ROLES, FROM_NODES, "cilium, health checks"),
        _port(8472, "udp", NODE_ROLES, FROM_NODES, "cilium, VXLAN"),
        _port(51871, "udp", NODE_ROLES, FROM_NODES, "cilium, WireGuard"),
        Port(0, 0, "icmp", NODE_ROLES, FROM_NODES, "cilium, health checks by echo"),
    ),
    "calico": (
        _port(179, "tcp", NODE_ROLES, FROM_NODES, "calico, BGP"),
        _port(4789, "udp", NODE_ROLES, FROM_NODES, "calico, VXLAN"),
        _port(5473, "tcp", NODE_ROLES, FROM_NODES, "calico, Typha"),
        _port(9098, "tcp", NODE_ROLES, FROM_NODES, "calico, Typha health checks"),
        _port(9099, "tcp", NODE_ROLES, FROM_NODES, "calico, health checks"),
    ),
    "flannel": (_port(4789, "udp", NODE_ROLES, FROM_NODES, "flannel, VXLAN"),),
    "none": (),
}
#: C(multus) may stand before one of these in RKE2's C(cni) and has no ports of its own.
CNIS = tuple(CNI_PORTS)

#: What a load balancer in front of the servers forwards, in TCP mode (RKE2 documentation, high availability).
BALANCER_PORTS = (6443, 9345)


def ports_for(
    roles: Iterable[str], cni: str, *, ingress: bool = True, embedded_registry: bool = False
) -> tuple[Port, ...]:
    """Return the ports that a host with these roles has open, by number.

    roles: of C(server), C(agent); others open nothing here. cni: one of CNIS. Raises KeyError for an unknown one.
    """
    table = [*RKE2_PORTS, *CNI_PORTS[cni]]
    table += INGRESS_PORTS if ingress else ()
    table += EMBEDDED_REGISTRY_PORTS if embedded_registry else ()
    wanted = set(roles)
    chosen = {port.spec: port for port in reversed(table) if wanted & set(port.roles)}
    return tuple(sorted(chosen.values(), key=lambda port: (port.first, port.protocol)))


def may_reach(source_roles: Sequence[str], port: Port) -> bool:
    """Tell whether a host with these roles is one that must reach a port."""
    return SERVER in source_roles if port.source == FROM_SERVERS else bool(set(source_roles) & set(NODE_ROLES))


# --- Sizes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """What a host must have. cpus: logical processors. memory, disk: bytes (a GB is 1000^3, so that a "32 GB" machine,
    that shows a little less than 32 GiB, passes). source: where the figure is from.
    """

    cpus: int
    memory: int
    disk: int
    source: str


#: Below this a host is refused: RKE2 documentation, installation requirements; disk: images and etcd of an empty
#: cluster.
MINIMUM_SIZES = {
    SERVER: Size(2, 4 * GB, 20 * GB, "RKE2 installation requirements"),
    AGENT: Size(2, 4 * GB, 20 * GB, "RKE2 installation requirements"),
    CLEARML: Size(8, 32 * GB, 500 * GB, "ClearML Enterprise server: three nodes of 8 vCPU, 32 GB, 500 GB"),
}
#: Below this a host is warned about: SUSE AI documentation, requirements; the second for three servers or more.
RECOMMENDED_SIZES = {
    SERVER: Size(4, 32 * GB, 50 * GB, "SUSE AI requirements, control plane"),
    AGENT: Size(4, 16 * GB, 100 * GB, "SUSE AI requirements, worker"),
}
RECOMMENDED_HA_SERVER = Size(8, 64 * GB, 100 * GB, "SUSE AI requirements, highly available control plane")
#: How many agents a server of this size serves (RKE2 documentation: CPUs, memory, agents).
SERVER_CAPACITY = ((2, 4 * GB, 225), (4, 8 * GB, 450), (8, 16 * GB, 1300))
#: A ClearML server is spread over this many nodes at least.
CLEARML_NODES = 3

#: etcd: heartbeat 100 ms, and a round trip should stay well below it (etcd tuning guide).
MAX_ETCD_LATENCY_MS, WARN_ETCD_LATENCY_MS = 50.0, 10.0
#: Certificates and etcd leases suffer from clocks that disagree; chrony brings hosts far below this.
MAX_CLOCK_OFFSET_S = 1.0

#: Oldest kernel of each network plug-in (Cilium system requirements; the others run on every supported SLES).
MINIMUM_KERNELS = {"cilium": (5, 10), "canal": (4, 19), "calico": (4, 19), "flannel": (4, 19), "none": (4, 19)}
#: From this minor on kubelets refuse control groups version 1 by default (Kubernetes documentation, cgroup v2).
CGROUP_V2_ONLY = (1, 35)
#: Longhorn keeps its replicas on these only (Longhorn documentation, best practices).
LONGHORN_FILE_SYSTEMS = ("ext4", "xfs")
#: This open-iscsi cannot attach volumes (Longhorn documentation, September 2026).
BROKEN_OPEN_ISCSI = ("2.1.12",)


def agents_served(cpus: int, memory: int) -> int:
    """Return how many agents a server of this size serves; 0 when it is too small for any."""
    return max((agents for need, size, agents in SERVER_CAPACITY if cpus >= need and memory >= size), default=0)
