# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of one host: names, addresses, time, firewall, ports, and what it reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .. import support
from ..host.parsing import usable_nameserver
from ..network import is_address
from .checks_system import PREPARE
from .model import DISABLED, ERROR, INFO, UNMANAGED, WARNING, Checks, Host, Site, Trouble

CHECKS = Checks()

#: A Kubernetes node name is a DNS subdomain in lower case (RFC 1123).
_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
#: Above this a clock is wrong however slowly the task started.
_CONTROLLER_OFFSET_S = 60.0


@CHECKS.host("name.form", ERROR, "The hostname can be a node's name")
def name_form(host: Host, site: Site) -> Iterator[Trouble]:
    """Upper case is a classic: the node registers in lower case and waits for its name fail."""
    name = str(host.fact("names", "kernel", default=""))
    if not _HOST_NAME.fullmatch(name) or len(name) > 253 or name in ("localhost", "localhost.localdomain"):
        yield Trouble(
            name or "none",
            "lower-case letters, digits, '-' and '.', not localhost",
            "set sles_prepare_hostname (by default the inventory's name), or run hostnamectl set-hostname",
        )


@CHECKS.host("name.static", ERROR, "The hostname stays after a reboot", prepared=True)
def name_static(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-6: a name given by DHCP may change, and with it the node's."""
    static, kernel = host.fact("names", "static", default=""), host.fact("names", "kernel", default="")
    if static != kernel:
        yield Trouble(f"/etc/hostname has {static or 'nothing'}, the kernel {kernel}", "the same in both", PREPARE)


@CHECKS.host("dns.own", ERROR, "The host's own name resolves to its own address")
def dns_own(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-3."""
    name = str(host.fact("names", "full", default=""))
    answer = host.fact("dns", name, default={})
    own = {str(one.get("address")) for one in host.fact("network", "addresses", default=[])}
    found = answer.get("addresses") or []
    if not found:
        yield Trouble(
            f"{name}: {answer.get('error') or 'no answer'}",
            f"an A or AAAA record for {name}",
            f"add the DNS record, or set sles_prepare_hosts for {name}",
        )
    elif not any(address in own for address in found):
        severity = WARNING if all(address.startswith("127.") or address == "::1" for address in found) else None
        yield Trouble(
            f"{name} is {', '.join(found)}",
            f"one of {', '.join(sorted(own)) or 'its addresses'}",
            f"correct the DNS record (or the line in /etc/hosts) of {name}",
            severity,
        )


@CHECKS.host("dns.reverse", WARNING, "The host's address resolves back to a name")
def dns_reverse(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-3: certificates and logs use it; RKE2 itself does not need it."""
    name = str(host.fact("names", "full", default=""))
    reverse = host.fact("dns", name, "reverse", default={})
    missing = [address for address, answer in reverse.items() if not answer and not address.startswith("127.")]
    if missing:
        yield Trouble(
            f"no name for {', '.join(missing)}",
            f"a PTR record for {', '.join(missing)}",
            f"add the PTR record, or set sles_prepare_hosts for {name}",
        )


@CHECKS.host("dns.names", ERROR, "The names that the platform needs resolve")
def dns_names(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-3: the Kubernetes endpoint, and whatever C(preflight_names) lists: registry, Rancher, ClearML, peers."""
    for name in site.names:
        answer = host.fact("dns", name, default={})
        if not is_address(name) and not answer.get("addresses"):
            yield Trouble(
                f"{name}: {answer.get('error') or 'no answer'}", f"an A or AAAA record for {name}", "add the DNS record"
            )


@CHECKS.host("dns.peers", WARNING, "The names of the other hosts resolve")
def dns_peers(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-3. Nodes work by addresses, people and certificates by names."""
    unknown = [peer for peer, result in sorted(host.peers.items()) if "resolved" in result and not result["resolved"]]
    if unknown:
        yield Trouble(
            f"no address for {', '.join(unknown)}",
            "an A or AAAA record for each",
            "add the DNS records, or set sles_prepare_hosts",
        )


@CHECKS.host("network.nameserver", ERROR, "A nameserver that pods can use")
def network_nameserver(host: Host, site: Site) -> Iterator[Trouble]:
    """Without one RKE2 writes 8.8.8.8 into a resolv.conf of its own."""
    found = [str(one) for one in host.fact("network", "nameservers", default=[])]
    if not any(usable_nameserver(one) for one in found):
        yield Trouble(
            ", ".join(found) or "none",
            "a nameserver that is neither loopback nor link-local",
            "set a nameserver in the network settings of the host",
        )


@CHECKS.host("network.route", ERROR, "A default route")
def network_route(host: Host, site: Site) -> Iterator[Trouble]:
    """RKE2 finds the node's address by it; a dummy device will do (RKE2 documentation, air-gap)."""
    if not host.fact("network", "default_routes", default=[]):
        yield Trouble(
            "no default route",
            "one, even where it leads nowhere",
            "set a gateway, or a dummy device with a default route",
        )


@CHECKS.host("network.address", ERROR, "The node's address is on the host")
def network_address(host: Host, site: Site) -> Iterator[Trouble]:
    """C(preflight_address): what the peers connect to."""
    own = [str(one.get("address")) for one in host.fact("network", "addresses", default=[])]
    if is_address(host.address) and host.address not in own:
        yield Trouble(
            f"{host.address} is not on this host",
            f"one of {', '.join(own) or 'its addresses'}",
            "correct preflight_address or ansible_host (an address behind NAT does not work for nodes)",
        )


@CHECKS.host("network.manager", ERROR, "NetworkManager leaves the pods' devices alone", prepared=True)
def network_manager(host: Host, site: Site) -> Iterator[Trouble]:
    """RKE2 documentation, known issues."""
    if not host.is_node or not host.unit("NetworkManager.service").get("running"):
        return
    text = str(host.fact("network_manager_ignores", default=""))
    missing = [name for name in ("flannel*", "cali*", "tunl*", "vxlan.calico") if name not in text]
    if missing:
        yield Trouble(
            f"NetworkManager manages {', '.join(missing)}", "unmanaged-devices for the network plug-in", PREPARE
        )


@CHECKS.host("network.cloud_setup", ERROR, "nm-cloud-setup is off", prepared=True)
def network_cloud_setup(host: Host, site: Site) -> Iterator[Trouble]:
    """It adds routing rules that break pod traffic (RKE2 documentation, known issues)."""
    units = [
        name
        for name in ("nm-cloud-setup.service", "nm-cloud-setup.timer")
        if host.unit(name).get("running") or host.unit(name).get("boot")
    ]
    if host.is_node and units:
        yield Trouble(f"{', '.join(units)} on", "off", PREPARE)


@CHECKS.host("time.synchronised", ERROR, "chronyd is synchronised", prepared=True)
def time_synchronised(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-4, by chronyc; timedatectl says no where chronyd may not set the clock itself."""
    chrony: Mapping[str, Any] = host.fact("time", "chrony", default={})
    if not chrony.get("synchronised"):
        found = f"stratum {chrony.get('stratum')}, {chrony.get('leap')}" if chrony else "chronyd does not answer"
        yield Trouble(found, "a reachable time source", f"{PREPARE}; check sles_prepare_ntp_servers and port 123/udp")


@CHECKS.host("time.controller", WARNING, "The clock agrees with the controller's")
def time_controller(host: Host, site: Site) -> Iterator[Trouble]:
    """Coarse: starting a task takes its time. Between hosts clocks are compared exactly (group.clock)."""
    offset = host.fact("time", "controller_offset_s")
    if offset is not None and abs(offset) > _CONTROLLER_OFFSET_S:
        yield Trouble(
            f"{offset:+.0f} s",
            f"within {_CONTROLLER_OFFSET_S:.0f} s",
            "set the clock; certificates of the future are refused",
        )


@CHECKS.host("firewall.mode", ERROR, "The firewall is as chosen", prepared=True)
def firewall_mode(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-5."""
    running = bool(host.unit("firewalld.service").get("running"))
    if site.firewall == DISABLED and (running or host.unit("firewalld.service").get("boot")):
        yield Trouble("firewalld is on", "off (sles_prepare_firewall: disabled)", PREPARE)
    if site.firewall == "firewalld" and not running:
        yield Trouble("firewalld is off", "on (sles_prepare_firewall: firewalld)", PREPARE)


@CHECKS.host("firewall.canal", WARNING, "firewalld and canal")
def firewall_canal(host: Host, site: Site) -> Iterator[Trouble]:
    """RKE2 documentation, known issues: they conflict. With zones for pods and services it is known to work."""
    if host.is_server and site.cni == "canal" and site.firewall == "firewalld":
        yield Trouble(
            "firewalld with canal",
            "no firewalld beside canal (RKE2 documentation)",
            "set sles_prepare_firewall to disabled, or choose cilium or calico",
        )


@CHECKS.host("port.free", ERROR, "No other program holds a port of RKE2")
def port_free(host: Host, site: Site) -> Iterator[Trouble]:
    """Asked only where RKE2 does not run yet."""
    if host.runs_rke2 or not host.is_node:
        return
    held = {
        (one["protocol"], one["port"])
        for one in host.fact("network", "listening", default=[])
        if not one.get("loopback")
    }
    for port in support.ports_for(host.roles, site.cni):
        if port.first == port.last and (port.protocol, port.first) in held:
            yield Trouble(
                f"{port.spec} is in use",
                f"free, for {port.purpose}",
                f"find the program with ss -lntup 'sport = :{port.first}' and stop it",
            )


@CHECKS.host("port.reached", ERROR, "Ports are open between the hosts, tried in both directions")
def port_reached(host: Host, site: Site) -> Iterator[Trouble]:
    """HOST-11. Told at the host that could not connect; several ports of one peer make one finding."""
    for peer, result in sorted(host.peers.items()):
        closed: dict[str, list[str]] = {}
        for spec, error in result.get("ports", {}).items():
            if error:
                closed.setdefault(error, []).append(spec)
        for error, specs in closed.items():
            opens_later = site.firewall != UNMANAGED and not site.prepared and result.get("firewalld")
            yield Trouble(
                f"{peer}: {', '.join(specs)}: {error}",
                f"{peer} reachable on these ports",
                f"firewalld of {peer} is opened by the role sles_prepare"
                if opens_later
                else f"open them in the firewalls on the way to {peer}",
                INFO if opens_later else WARNING if result.get("balancer") else None,
            )


@CHECKS.host("reach.url", ERROR, "Registries and servers are reached")
def reach_url(host: Host, site: Site) -> Iterator[Trouble]:
    """C(preflight_urls)."""
    for url in site.urls:
        yield from _unreached(url, host.fact("urls", url, default={}))


@CHECKS.host("reach.repository", ERROR, "The repositories of zypper are reached")
def reach_repository(host: Host, site: Site) -> Iterator[Trouble]:
    """Every enabled one over HTTP: one that is away makes zypper fail as a whole."""
    for one in host.fact("repositories", default=[]):
        if "reached" in one:
            yield from _unreached(f"{one.get('alias')} ({one.get('url')})", one)
            if one["reached"] and one.get("status", 200) >= 400:
                yield Trouble(
                    f"{one.get('alias')}: HTTP {one['status']} for its index",
                    "an index of packages",
                    "correct the address, or disable the repository (zypper modifyrepo --disable)",
                )


@CHECKS.host("reach.airgap", WARNING, "An air-gapped host has no way out")
def reach_airgap(host: Host, site: Site) -> Iterator[Trouble]:
    """With C(preflight_airgapped): what is said to be cut off must be, else a bundle that misses something goes unseen."""
    for url in site.airgap_urls if site.airgapped else ():
        if host.fact("urls", url, "reached"):
            yield Trouble(
                f"{url} answers",
                "no answer: the site is declared as air-gapped",
                "close the way out, or set preflight_airgapped to false",
            )


def _unreached(name: str, answer: Mapping[str, Any]) -> Iterator[Trouble]:
    if not answer.get("reached"):
        yield Trouble(
            f"{name}: {answer.get('error') or 'no answer'}",
            "an answer by HTTP",
            "check name, route, proxy and firewall",
        )
    elif answer.get("error"):
        yield Trouble(
            f"{name}: {answer['error']}",
            "a certificate that the host trusts",
            "put the CA into sles_prepare_ca_certificates",
        )
