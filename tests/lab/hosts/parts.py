# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The processes of a host laboratory on the machine: their command lines and configuration. Nothing runs here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .spec import ARTIFACTS_URL, BALANCER_NAME, CLUSTER_CIDR, DOMAIN, REGCODE, SERVICE_CIDR, SERVICE_NAMES, Description

#: The release of the RKE2 stand-in that the inventory asks for.
DEFAULT_RKE2 = "v1.34.10+rke2r1"

#: Ports of the load balancer, from the network of the hosts to the servers' same ports.
BALANCED = (6443, 9345)


@dataclass(frozen=True)
class Part:
    """One process. name: also of its log and record. argv: command line."""

    name: str
    argv: tuple[str, ...]


def all_parts(lab: Description) -> dict[str, Part]:
    """Return the parts in the order of starting."""
    parts = [Part("dns", ("dnsmasq", "--keep-in-foreground", f"--conf-file={lab.state / 'dnsmasq.conf'}"))]
    for name in ("web", "ntp", "balancer"):
        argv = (sys.executable, "-m", f"tests.lab.hosts.services.{name}", str(lab.state / f"{name}.json"))
        parts.append(Part(name, argv))
    return {part.name: part for part in parts}


def dnsmasq(lab: Description) -> str:
    """Return dnsmasq's configuration: the laboratory's names forward and reverse, and nothing else."""
    lines = [
        "no-resolv", "no-hosts", "bind-interfaces", f"listen-address={lab.gateway}", "except-interface=lo", "user=root",
        f"local=/{DOMAIN}/", "local=//", "log-queries", "log-facility=-", "pid-file=",
        f"domain={DOMAIN}", f"local=/{lab.number}.210.10.in-addr.arpa/",
    ]  # fmt: skip
    for host in lab.hosts:
        lines.append(f"host-record={host.name}.{DOMAIN},{lab.address(host.name)}")
    for name in (*SERVICE_NAMES, BALANCER_NAME):
        lines.append(f"host-record={name},{lab.gateway}")
    return "\n".join(lines) + "\n"


def configurations(lab: Description) -> Mapping[str, Any]:
    """Return the configuration of each part that has one in JSON."""
    servers = [host for host in lab.hosts if "rke2_servers" in host.groups]
    return {
        "web": {
            "address": lab.gateway,
            "certificates": {
                name: {"certificate": str(lab.pki / f"{name}.crt"), "key": str(lab.pki / f"{name}.key")}
                for name in SERVICE_NAMES
            },
            "directories": {
                "/repo/": str(lab.packages / "repo"),
                "/keys/": str(lab.packages / "keys"),
                "/": str(lab.www),
            },
            "log": str(lab.log("requests").with_suffix(".jsonl")),
            "registration": {"state": str(lab.state / "registration.json"), "regcode": REGCODE},
        },
        "ntp": {"address": lab.gateway},
        "balancer": {
            "address": lab.gateway,
            "ports": list(BALANCED),
            "servers": {host.name: lab.address(host.name) for host in servers},
            "control": str(lab.state / "balancer-state.json"),
        },
    }


def write_configurations(lab: Description) -> None:
    """Write what the parts read."""
    lab.www.mkdir(exist_ok=True)
    (lab.state / "logs").mkdir(exist_ok=True)
    (lab.state / "dnsmasq.conf").write_text(dnsmasq(lab), encoding="utf-8")
    for name, content in configurations(lab).items():
        (lab.state / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def inventory(lab: Description, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the content of hosts.yml: the hosts by group, with their own variables.

    variables: the cluster's. Here and not in group_vars, so that a second inventory can say otherwise.
    """
    groups: dict[str, dict[str, Any]] = {"rke2_servers": {}, "rke2_agents": {}}
    for host in lab.hosts:
        for group in host.groups:
            groups.setdefault(group, {})[host.name] = None
    hosts = {host.name: {"ansible_host": lab.address(host.name), **dict(host.variables)} for host in lab.hosts}
    kinds = {name: {"hosts": groups.pop(name) or {}} for name in ("rke2_servers", "rke2_agents")}
    cluster = {"children": kinds, "vars": variables}
    others = {name: {"hosts": members} for name, members in groups.items()}
    return {
        "all": {
            "hosts": hosts,
            "children": {"rke2_cluster": cluster, **others},
        }
    }


def connection(lab: Description) -> dict[str, Any]:
    """Return the variables with which Ansible reaches the hosts."""
    options = {
        "UserKnownHostsFile": lab.ssh / "known_hosts",
        "StrictHostKeyChecking": "accept-new",
        "IdentitiesOnly": "yes",
    }
    return {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(lab.ssh / "id_ed25519"),
        "ansible_ssh_common_args": " ".join(["-F none", *(f"-o {key}={value}" for key, value in options.items())]),
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def cluster_variables(lab: Description, token: str) -> dict[str, Any]:
    """Return the roles' variables that fit the laboratory: as a user without a way to the internet would set them.

    token: the secret of the hosts' cluster.
    """
    return {
        "rke2_version": DEFAULT_RKE2,
        "rke2_token": token,
        "rke2_api_endpoint": BALANCER_NAME,
        "rke2_artifact_source": ARTIFACTS_URL,
        "rke2_airgap": True,
        "rke2_rpm_repository": f"{ARTIFACTS_URL}/rpm/",
        "rke2_rpm_key": f"{ARTIFACTS_URL}/rpm/public.key",
        "rke2_cluster_cidr": CLUSTER_CIDR,
        "rke2_service_cidr": SERVICE_CIDR,
        "rke2_kubeconfig_dest": str(lab.state / "kubeconfig.yaml"),
    }


def site_variables(lab: Description, authority: str) -> dict[str, Any]:
    """Return what else the playbooks need for a whole installation; not in the inventory, since tests have their own.

    authority: that of the registration server, PEM.
    """
    return {
        "sles_register_method": "rmt",
        "sles_register_url": "https://rmt.lab.test",
        "sles_register_ca_certificate": authority,
        "sles_prepare_ntp_servers": ["gateway.lab.test"],
        "sles_prepare_firewall": "disabled",
        "preflight_report_dir": str(lab.state / "reports"),
    }
