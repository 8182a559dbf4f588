# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts' network 10.210.N.0/24: a bridge of its own, without a way out of the machine."""

from __future__ import annotations

import ipaddress
import json
import shlex
import subprocess
from pathlib import Path

from ..errors import LabError
from . import podman
from .spec import CLUSTER_CIDR, Description

#: Rules of the routing policy with which nothing is forwarded from a laboratory's bridge get this preference.
RULE_PREFERENCE = "110"


def ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the program ip. Raises LabError when it fails and C(check)."""
    return command("ip", *arguments, check=check)


def command(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program. Raises LabError when it fails and C(check)."""
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise LabError(f"{' '.join(argv)} failed (exit code {result.returncode}): {result.stderr.strip()}")
    return result


def free(number: int) -> bool:
    """Tell whether nothing on the machine uses 10.210.<number>.0/24."""
    wanted = ipaddress.ip_network(f"10.210.{number}.0/24")
    routes = json.loads(ip("-json", "-4", "route", "show", "table", "all").stdout or "[]")
    for route in routes:
        if route["dst"] != "default" and wanted.overlaps(ipaddress.ip_network(route["dst"], strict=False)):
            return False
    return not podman.exists("network", f"ait{number}")


def ensure(lab: Description) -> None:
    """Make the network and its rules, unless they are there."""
    if not podman.exists("network", lab.network):
        podman.run("network", "create", "--disable-dns", "--subnet", lab.subnet, "--gateway", lab.gateway,
                   "--label", f"{podman.LABEL}={lab.state}", lab.network)  # fmt: skip
    for rule in nat_rules(lab):
        if command("iptables", "--wait", "-t", "nat", "-C", *rule, check=False).returncode:
            command("iptables", "--wait", "-t", "nat", "-I", *rule)
    name = bridge(lab)
    _ensure_bridge(lab, name)
    if lab.subnet not in ip("rule", "show", "pref", RULE_PREFERENCE, "iif", name).stdout:
        ip("rule", "add", "pref", RULE_PREFERENCE, "from", lab.subnet, "iif", name, "prohibit")


def _ensure_bridge(lab: Description, name: str) -> None:
    """Make the bridge and the gateway's address before any host or service starts.

    Podman would make the bridge with the first host and remove it with the last. A name server that starts meanwhile
    may miss the new address, and the bridge's hardware address would be that of one of its ports. One cable that leads
    nowhere keeps the bridge.
    """
    if ip("link", "show", anchor(lab), check=False).returncode == 0:
        return
    if ip("link", "show", name, check=False).returncode:
        ip("link", "add", name, "address", lab.gateway_hardware_address, "type", "bridge")
        ip("address", "add", f"{lab.gateway}/24", "brd", "+", "dev", name)
    ip("link", "add", anchor(lab), "type", "veth", "peer", "name", f"{anchor(lab)}-end")
    ip("link", "set", anchor(lab), "master", name, "up")
    ip("link", "set", f"{anchor(lab)}-end", "up")
    ip("link", "set", name, "up")


def anchor(lab: Description) -> str:
    """Return the name of the cable that keeps the bridge."""
    return f"{lab.network}-keep"


def bridge(lab: Description) -> str:
    """Return the name of the network's bridge on the machine."""
    return str(podman.query("network", "inspect", lab.network)[0]["network_interface"])


def nat_rules(lab: Description) -> tuple[tuple[str, ...], ...]:
    """Return the rules that keep the hosts' own addresses on packets from host to host and from host to pod.

    Bridged packets pass the machine's iptables too, and podman's rule would give them the bridge's address.
    """
    mark = ("-m", "comment", "--comment", lab.network, "-j", "ACCEPT")
    return (("POSTROUTING", "-s", lab.subnet, *mark), ("POSTROUTING", "-s", CLUSTER_CIDR, "-d", lab.subnet, *mark))


def remove(lab: Description) -> None:
    """Remove the network and its rules."""
    for table in ("filter", "nat"):
        _remove_rules(lab, table)
    while ip("rule", "del", "pref", RULE_PREFERENCE, "from", lab.subnet, check=False).returncode == 0:
        pass
    ip("link", "del", anchor(lab), check=False)
    if podman.exists("network", lab.network):
        ip("link", "del", bridge(lab), check=False)
        podman.remove("network", [lab.network])


def _remove_rules(lab: Description, table: str) -> None:
    """Remove every rule of the packet filter that names the network, and the chain that podman has made for it.

    Podman removes its own only together with the bridge, with the last host that runs.
    """
    iptables = ("iptables", "--wait", "-t", table)
    chains = set()
    for line in command("iptables-save", "-t", table).stdout.splitlines():
        if line.startswith("-A ") and lab.subnet in line:
            rule = shlex.split(line)[1:]
            command(*iptables, "-D", *rule)
            chains |= {rule[-1]} if rule[-1].startswith("NETAVARK-") else set()
    for chain in chains:
        command(*iptables, "-F", chain)
        command(*iptables, "-X", chain)


def cable(lab: Description, name: str) -> str:
    """Return the name of the machine's end of a host's cable. Raises LabError when the host does not run."""
    link = podman.run("exec", lab.container(name), "cat", "/sys/class/net/eth0/iflink").stdout.strip()
    for path in Path("/sys/class/net").iterdir():
        if (path / "ifindex").read_text(encoding="ascii").strip() == link:
            return path.name
    raise LabError(f"{name}: the machine's end of its cable ({link}) is not there")


def plug(lab: Description, name: str, connected: bool) -> None:
    """Pull a host's cable out of the switch, or plug it in. A host that boots is plugged in again."""
    ip("link", "set", cable(lab, name), "up" if connected else "down")
