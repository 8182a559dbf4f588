# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts' network 10.210.N.0/24: a bridge of its own, without a way out of the machine."""

from __future__ import annotations

import ipaddress
import json
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
    if lab.subnet not in ip("rule", "show", "pref", RULE_PREFERENCE, "iif", bridge(lab)).stdout:
        ip("rule", "add", "pref", RULE_PREFERENCE, "from", lab.subnet, "iif", bridge(lab), "prohibit")


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
    for rule in nat_rules(lab):
        while command("iptables", "--wait", "-t", "nat", "-D", *rule, check=False).returncode == 0:
            pass
    while ip("rule", "del", "pref", RULE_PREFERENCE, "from", lab.subnet, check=False).returncode == 0:
        pass
    podman.remove("network", [lab.network] if podman.exists("network", lab.network) else [])


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
