# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of all hosts together: what only shows when they are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from .. import support
from ..network import Network, is_address, overlap, parse_address, parse_network
from ..rke2.version import Version
from .model import ERROR, INFO, WARNING, Checks, Host, Site, Trouble

CHECKS = Checks()


def _asked(hosts: Sequence[Host]) -> list[Host]:
    return [host for host in hosts if host.facts]


@CHECKS.fleet("group.reachable", ERROR, "Every host could be asked")
def group_reachable(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """One that cannot is one finding; the others are checked."""
    for host in hosts:
        if not host.facts:
            yield Trouble(
                host.trouble or "no facts",
                "a host that Ansible can log in to, with Python 3.9 or newer",
                "check address, SSH key and sudo; for Python run the playbook hosts with --tags bootstrap",
                host=host.name,
            )


@CHECKS.fleet("group.limit", INFO, "Hosts outside --limit")
def group_limit(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """Comparisons do not see them."""
    if site.not_looked_at:
        yield Trouble(
            f"not looked at: {', '.join(site.not_looked_at)}",
            "all hosts for a full comparison",
            "run once without --limit",
        )


@CHECKS.fleet("group.servers", ERROR, "An odd number of servers")
def group_servers(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """RKE2-2: with an even number etcd survives no more failures than with one less."""
    names = [host.name for host in hosts if host.is_server]
    if not any(host.is_node for host in hosts) or site.not_looked_at:
        return
    if not names:
        yield Trouble("no host in rke2_servers", "1 (lab), 3, 5 or 7", "put hosts into the group rke2_servers")
    elif len(names) % 2 == 0:
        yield Trouble(
            f"{len(names)} servers: {', '.join(names)}",
            "1 (lab), 3, 5 or 7: etcd needs a majority",
            "add a server, or move one to rke2_agents",
        )
    elif len(names) == 1:
        yield Trouble(
            f"1 server: {names[0]}", "3 for a site that must stay up", "add two servers; later is possible", INFO
        )
    elif len(names) > 7:
        yield Trouble(
            f"{len(names)} servers",
            "7 at the most: every write waits for a majority",
            "move some to rke2_agents",
            WARNING,
        )


def _duplicates(hosts: Sequence[Host], value: Callable[[Host], str], what: str, fix: str) -> Iterator[Trouble]:
    owners: dict[str, list[str]] = {}
    for host in _asked(hosts):
        found = value(host)
        if found:
            owners.setdefault(found, []).append(host.name)
    for found, names in owners.items():
        if len(names) > 1:
            yield Trouble(f"{what} {found}: {', '.join(names)}", "each its own", fix)


@CHECKS.fleet("group.hostname", ERROR, "Hostnames are unique")
def group_hostname(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-6: the node's name; the second one to join is refused."""
    yield from _duplicates(
        hosts,
        lambda host: str(host.fact("names", "kernel", default="")).lower(),
        "hostname",
        "set sles_prepare_hostname for each host",
    )


@CHECKS.fleet("group.machine_id", ERROR, "machine-ids are unique")
def group_machine_id(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """Clones have the same; DHCP leases and journals mix them up."""
    fix = "on all but one: rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot"
    yield from _duplicates(hosts, lambda host: str(host.fact("identity", "machine_id", default="")), "machine-id", fix)


@CHECKS.fleet("group.product_uuid", WARNING, "Product UUIDs are unique")
def group_product_uuid(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """Kubernetes asks for it; some firmware gives every board the same."""
    fix = "give each machine (or virtual machine) its own UUID; for boards with a faulty firmware skip this check"
    yield from _duplicates(
        hosts, lambda host: str(host.fact("identity", "product_uuid", default="")), "product UUID", fix
    )


@CHECKS.fleet("group.initiator", ERROR, "iSCSI initiator names are unique")
def group_initiator(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-8: cloned disks share it, and then each other's volumes."""
    keepers = [host for host in hosts if host.longhorn]
    fix = "run the playbook ai_tenancy.platform.hosts with sles_prepare_unique_initiator=true; volumes must be detached"
    yield from _duplicates(keepers, lambda host: str(host.fact("identity", "initiator", default="")), "initiator", fix)


@CHECKS.fleet("group.address", ERROR, "Addresses are unique")
def group_address(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """Two inventory names for one machine, mostly."""
    yield from _duplicates(hosts, lambda host: host.address, "address", "correct the inventory")


@CHECKS.fleet("group.endpoint", ERROR, "The registration address")
def group_endpoint(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """RKE2-2: with several servers nodes join by a name that outlives each of them."""
    servers = [host for host in hosts if host.is_server]
    if len(servers) > 1 and not site.api_endpoint:
        yield Trouble(
            f"{len(servers)} servers and no rke2_api_endpoint",
            "the DNS name or address of a load balancer",
            "set rke2_api_endpoint",
        )
        return
    addresses = {host.address for host in servers} | {host.name for host in servers}
    resolved = {
        str(address)
        for host in _asked(hosts)
        for address in host.fact("dns", site.api_endpoint, "addresses", default=[])
    }
    hit = ({site.api_endpoint} | resolved) & addresses
    if len(servers) > 1 and hit and resolved <= addresses | {site.api_endpoint} and len(resolved) <= 1:
        yield Trouble(
            f"{site.api_endpoint} is the server {', '.join(sorted(hit))} itself",
            "a load balancer or virtual address: that server's end would be the cluster's",
            "put a load balancer before the servers",
            WARNING,
        )


@CHECKS.fleet("group.cidr", ERROR, "Pod and service networks")
def group_cidr(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """They must be networks, apart from each other and from the hosts', and big enough: each node takes a /24."""
    if not any(host.is_node for host in hosts):
        return
    networks: list[tuple[str, Network]] = []
    for name, values in (("cluster_cidr", site.cluster_cidr), ("service_cidr", site.service_cidr)):
        for value in values:
            try:
                networks.append((f"{name} {value}", parse_network(value)))
            except ValueError as error:
                yield Trouble(f"{name} {value}", str(error), f"correct {name}")
    for (left, one), (right, other) in combinations(networks, 2):
        if overlap(one, other):
            yield Trouble(f"{left} and {right} overlap", "networks that share no address", "change one of them")
    yield from _hosts_inside(hosts, networks)
    yield from _too_few_blocks(sum(host.is_node for host in hosts), networks)


def _hosts_inside(hosts: Sequence[Host], networks: Sequence[tuple[str, Network]]) -> Iterator[Trouble]:
    for label, network in networks:
        for host in hosts:
            own = [
                str(one.get("address"))
                for one in host.fact("network", "addresses", default=[])
                if not _of_pods(str(one.get("device", "")))
            ]
            inside = [text for text in {*own, host.address} if is_address(text) and parse_address(text) in network]
            if inside:
                yield Trouble(
                    f"{', '.join(sorted(inside))} lies in {label}",
                    "node addresses outside of pod and service networks",
                    "change the network before the first start",
                    host=host.name,
                )


def _of_pods(device: str) -> bool:
    """Devices that the network plug-in itself makes on a running node carry pod addresses."""
    return device.startswith(("cni", "flannel", "cali", "cilium", "lxc", "tunl", "vxlan", "nodelocaldns", "kube-"))


def _too_few_blocks(nodes: int, networks: Sequence[tuple[str, Network]]) -> Iterator[Trouble]:
    for label, network in networks:
        if not label.startswith("cluster_cidr") or network.version != 4:
            continue
        blocks = 2 ** max(0, 24 - network.prefixlen) if network.prefixlen <= 24 else 0
        if blocks < nodes:
            yield Trouble(
                f"{label} has room for {blocks} nodes",
                f"room for {nodes}: a /24 for each node",
                "take a bigger network before the first start",
            )


@CHECKS.fleet("group.latency", ERROR, "Round trips between etcd members")
def group_latency(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-11. Every pair of servers, in each direction."""
    servers = {host.name for host in hosts if host.is_server}
    for host in hosts:
        for peer, result in sorted(host.peers.items()):
            latency = result.get("latency_ms")
            if host.name not in servers or peer not in servers or latency is None:
                continue
            if latency > site.max_latency_ms:
                yield Trouble(
                    f"{latency} ms to {peer}",
                    f"{site.max_latency_ms:g} ms at the most",
                    "put the servers into one data centre",
                    host=host.name,
                )
            elif latency > support.WARN_ETCD_LATENCY_MS:
                yield Trouble(
                    f"{latency} ms to {peer}",
                    f"below {support.WARN_ETCD_LATENCY_MS:g} ms",
                    "expect slow writes; see etcd's tuning guide",
                    WARNING,
                    host.name,
                )


@CHECKS.fleet("group.clock", ERROR, "The hosts' clocks agree")
def group_clock(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-4: asked over the network between the hosts themselves. Each pair is told once."""
    told = set()
    for host in hosts:
        for peer, result in sorted(host.peers.items()):
            offset = result.get("clock_offset_s")
            pair = frozenset((host.name, peer))
            if offset is None or abs(offset) <= site.max_clock_offset_s or pair in told:
                continue
            told.add(pair)
            yield Trouble(
                f"{peer} is {offset:+.1f} s from {host.name}",
                f"{site.max_clock_offset_s:g} s at the most",
                "let chrony set the clocks (sles_prepare_ntp_servers)",
                host=host.name,
            )


def _system_of(host: Host) -> str:
    return f"{host.fact('os', 'id', default='')} {host.fact('os', 'version', default='')}"


@CHECKS.fleet("group.system", WARNING, "All hosts run the same system")
def group_system(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """The reference design asks for the same configuration on all nodes."""
    systems = {host.name: _system_of(host) for host in _asked(hosts)}
    kernels = {host.name: str(host.fact("kernel", default="")) for host in _asked(hosts)}
    for what, values, severity in (("operating systems", systems, None), ("kernels", kernels, INFO)):
        found: dict[str, list[str]] = {}
        for name, value in values.items():
            found.setdefault(value, []).append(name)
        if len(found) > 1:
            text = "; ".join(f"{value}: {', '.join(names)}" for value, names in sorted(found.items()))
            yield Trouble(f"different {what}: {text}", "the same on all", "update the hosts that are behind", severity)


@CHECKS.fleet("group.rke2_version", ERROR, "The wanted release of RKE2")
def group_rke2_version(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-1, RKE2-5: in the matrix, not older than what runs, and no minor is skipped."""
    if not site.rke2_version:
        return
    try:
        wanted = Version.parse(site.rke2_version)
    except ValueError as error:
        yield Trouble(site.rke2_version, str(error), "correct rke2_version")
        return
    minor = f"{wanted.major}.{wanted.minor}"
    if minor not in support.RKE2_RELEASES:
        yield Trouble(site.rke2_version, support.rke2_releases_text(), "choose a supported release")
    for host in _asked(hosts):
        text = str(host.fact("rke2", "version", default=""))
        try:
            installed = Version.parse(text) if text else None
        except ValueError:
            installed = None
        if installed and wanted < installed:
            yield Trouble(
                f"{text} is installed",
                f"not newer than rke2_version {site.rke2_version}",
                "going back needs a restore from a snapshot; set rke2_version",
                host=host.name,
            )
        elif installed and wanted.minor - installed.minor > support.UPGRADE_MAX_MINORS:
            yield Trouble(
                f"{text} is installed",
                f"no minor left out on the way to {site.rke2_version}",
                f"upgrade to {installed.major}.{installed.minor + 1} first",
                host=host.name,
            )


@CHECKS.fleet("group.clearml", ERROR, "Nodes for the ClearML server")
def group_clearml(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """HOST-11: three nodes. Their sizes are checked at each of them."""
    names = [host.name for host in hosts if support.CLEARML in host.roles]
    if names and len(names) < support.CLEARML_NODES:
        yield Trouble(
            f"{len(names)}: {', '.join(names)}",
            f"{support.CLEARML_NODES} nodes in clearml_nodes",
            "add nodes to the group clearml_nodes",
        )


@CHECKS.fleet("group.server_size", WARNING, "Servers are big enough for this many nodes")
def group_server_size(hosts: Sequence[Host], site: Site) -> Iterator[Trouble]:
    """RKE2 documentation, sizing of servers; SUSE AI documentation for highly available ones."""
    agents = sum(host.is_node and not host.is_server for host in hosts)
    servers = [host for host in _asked(hosts) if host.is_server]
    best = support.RECOMMENDED_HA_SERVER
    for host in servers:
        cpus, memory = int(host.fact("cpus", default=0)), int(host.fact("memory", default=0))
        serves = support.agents_served(cpus, memory)
        if agents > serves:
            yield Trouble(
                f"{cpus} processors, {memory / support.GB:.1f} GB serve {serves} agents",
                f"room for {agents} agents",
                "use bigger servers",
                host=host.name,
            )
    small = [
        host.name
        for host in servers
        if int(host.fact("cpus", default=0)) < best.cpus or int(host.fact("memory", default=0)) < best.memory
    ]
    if len(servers) > 2 and small:
        yield Trouble(
            f"smaller: {', '.join(small)}",
            f"{best.cpus} processors, {best.memory // support.GB} GB ({best.source})",
            "use bigger servers when SUSE AI runs on them",
            INFO,
        )
