# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the inventory says about one node: the variables of the role C(rke2), checked, and the settings they make."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import Problems
from ..names import (
    HOST_ALLOWED,
    LABEL_KEY_ALLOWED,
    LABEL_VALUE_ALLOWED,
    is_dns_label,
    is_host,
    is_label_key,
    is_label_value,
)
from ..network import is_address, overlap, parse_network
from ..support import CNIS
from . import kubevip, places, token
from .files import Settings
from .keys import AGENT, SERVER, check_config, merge
from .registries import check_registries
from .version import Version, check_supported

INGRESS_CONTROLLERS = ("traefik", "ingress-nginx", "none")
PROFILES = ("", "cis", "etcd")
VIP_MODES = ("external", "kube_vip", "none")
#: ingress-nginx is retired; the community releases of RKE2 lose it here (RKE2 documentation, ingress migration).
_NO_NGINX_FROM = (1, 37)

_TAINT = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^:]*))?:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute)")
_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_S3_TEXTS = ("endpoint", "endpoint_ca", "access_key", "secret_key", "session_token", "bucket", "bucket_lookup_type")
_S3_KEYS = (
    *_S3_TEXTS,
    "region",
    "folder",
    "proxy",
    "timeout",
    "config_secret",
    "skip_ssl_verify",
    "insecure",
    "retention",
)
_SNAPSHOT_KEYS = ("enabled", "schedule", "retention", "compress", "name", "dir", "s3")


@dataclass(frozen=True)
class Declaration:
    """One node's variables without their prefix, after the check. raw: the mapping. version: None when it is wrong."""

    host: str
    type: str
    raw: Mapping[str, Any]
    version: Optional[Version]

    def __getitem__(self, name: str) -> Any:
        return self.raw[name]

    @property
    def endpoint(self) -> str:
        """Host name or address under which all servers are reached together; empty for none."""
        return str(self.raw["api_endpoint"] or self.raw["api_vip_address"] or "")


def parse(problems: Problems, host: str, node_type: str, raw: Mapping[str, Any]) -> Declaration:
    """Check one node's variables; every mistake is noted with the variable's name."""
    version = check_supported(problems, f"{host}: rke2_version", raw["version"])
    declared = Declaration(host, node_type, raw, version)
    _check_secrets(problems, declared)
    _check_network(problems, declared)
    _check_choices(problems, declared)
    _check_node(problems, declared)
    _check_snapshots(problems, f"{host}: rke2_etcd_snapshot", raw["etcd_snapshot"])
    for name, scope in (("config", ""), ("server_config", SERVER), ("agent_config", AGENT), ("host_config", node_type)):
        check_config(problems, f"{host}: rke2_{name}", raw[name], scope)
    check_registries(problems, f"{host}: rke2_registries", raw["registries"])
    return declared


def _check_secrets(problems: Problems, declared: Declaration) -> None:
    for name in ("token", "agent_token"):
        value = declared[name]
        if (value or name == "token") and token.problem(value):
            shown = "(hidden)" if value else ""
            problems.add(f"{declared.host}: rke2_{name}", shown, token.ALLOWED)


def _check_network(problems: Problems, declared: Declaration) -> None:
    networks: list[tuple[str, Any]] = []
    for name in ("cluster_cidr", "service_cidr"):
        for text in str(declared[name]).split(","):
            try:
                networks.append((f"rke2_{name}", parse_network(text)))
            except ValueError as error:
                problems.add(f"{declared.host}: rke2_{name}", text, str(error))
    for name, network in networks:
        for other_name, other in networks:
            if name < other_name and overlap(network, other):
                problems.add(f"{declared.host}: {other_name}", str(other), f"a network apart from {name} {network}")
    services = [network for name, network in networks if name == "rke2_service_cidr"]
    dns = declared["cluster_dns"]
    if dns and not (is_address(dns) and any(ipaddress.ip_address(dns) in network for network in services)):
        problems.add(f"{declared.host}: rke2_cluster_dns", dns, "an address inside rke2_service_cidr")
    for name in ("api_endpoint", "api_vip_address"):
        value = declared[name]
        if value and not (is_address(value) or (name == "api_endpoint" and is_host(value))):
            problems.add(f"{declared.host}: rke2_{name}", value, f"an IP address or {HOST_ALLOWED}")
    for san in declared["tls_san_extra"]:
        if not (is_address(san) or is_host(san, wildcard=True) or is_dns_label(san)):
            problems.add(f"{declared.host}: rke2_tls_san_extra", san, "host names and IP addresses")


def _check_choices(problems: Problems, declared: Declaration) -> None:
    for name, choices in (("profile", PROFILES), ("api_vip_mode", VIP_MODES)):
        if declared[name] not in choices:
            problems.add(
                f"{declared.host}: rke2_{name}", declared[name], " or ".join(choice or "''" for choice in choices)
            )
    cnis = _texts(declared["cni"])
    main = cnis[1:] if cnis[:1] == ["multus"] else cnis
    if len(main) != 1 or main[0] not in CNIS:
        problems.add(
            f"{declared.host}: rke2_cni", declared["cni"], f"one of {', '.join(CNIS)}; multus may stand before it"
        )
    for controller in _texts(declared["ingress_controller"]):
        if controller not in INGRESS_CONTROLLERS:
            problems.add(f"{declared.host}: rke2_ingress_controller", controller, ", ".join(INGRESS_CONTROLLERS))
        elif controller == "ingress-nginx" and declared.version and (1, declared.version.minor) >= _NO_NGINX_FROM:
            problems.add(
                f"{declared.host}: rke2_ingress_controller", controller, "traefik; ingress-nginx is gone from 1.37 on"
            )
    if declared["api_vip_mode"] == "kube_vip" and not declared["api_vip_address"]:
        problems.add(f"{declared.host}: rke2_api_vip_address", "", "a free address of the nodes' network, for kube_vip")
    if declared["airgap"] and str(declared["artifact_source"]).startswith("https://github.com/"):
        problems.add(
            f"{declared.host}: rke2_artifact_source", declared["artifact_source"], "a place inside, for rke2_airgap"
        )


def _check_node(problems: Problems, declared: Declaration) -> None:
    name = declared["node_name"]
    if name and not (isinstance(name, str) and _NODE_NAME.fullmatch(name)):
        problems.add(f"{declared.host}: rke2_node_name", name, "a lower case host name")
    for address in _texts(declared["node_ip"]):
        if not is_address(address):
            problems.add(f"{declared.host}: rke2_node_ip", address, "IP addresses of this host")
    for key, value in declared["node_labels"].items():
        if not is_label_key(key):
            problems.add(f"{declared.host}: rke2_node_labels", key, LABEL_KEY_ALLOWED)
        if not is_label_value(str(value)):
            problems.add(f"{declared.host}: rke2_node_labels.{key}", value, LABEL_VALUE_ALLOWED)
    for taint in declared["node_taints"]:
        match = _TAINT.fullmatch(taint) if isinstance(taint, str) else None
        if match is None or not is_label_key(match["key"]) or not is_label_value(match["value"] or ""):
            problems.add(
                f"{declared.host}: rke2_node_taints",
                taint,
                "key=value:Effect, Effect NoSchedule, PreferNoSchedule or NoExecute",
            )


def _check_snapshots(problems: Problems, path: str, data: Mapping[str, Any]) -> None:
    for name in data:
        if name not in _SNAPSHOT_KEYS:
            problems.add(path, name, ", ".join(_SNAPSHOT_KEYS))
    for name in data.get("s3") or {}:
        if name not in _S3_KEYS:
            problems.add(f"{path}.s3", name, ", ".join(_S3_KEYS))
    retention = data.get("retention", 1)
    if not isinstance(retention, int) or retention < 1:
        problems.add(f"{path}.retention", retention, "a number from 1")
    s3 = data.get("s3") or {}
    if s3 and not (s3.get("bucket") or s3.get("config_secret")):
        problems.add(f"{path}.s3.bucket", "", "the name of a bucket, or config_secret")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value or []]


@dataclass(frozen=True)
class Surroundings:
    """What a node's settings depend on beside its own variables.

    server: host name or address to join by; empty for the seed. ca_hash: of the cluster's CA, empty when not known yet.
    selinux: whether this host enforces SELinux. fresh: the datastore is about to be created on this node.
    """

    server: str = ""
    ca_hash: str = ""
    selinux: bool = False
    fresh: bool = False


def settings_of(declared: Declaration, around: Surroundings) -> Settings:
    """Return what is to stand in the node's files."""
    server = declared.type == SERVER
    config = {name: value for name, value in _config(declared, around) if value not in ("", None, [])}
    scoped = declared["server_config"] if server else declared["agent_config"]
    extra = merge(declared["config"], scoped, declared["host_config"])
    config.update({name: extra[name] for name in sorted(extra)})
    secret = declared["token"]
    join = secret if server or not declared["agent_token"] else declared["agent_token"]
    # The seed of a new cluster takes the short form only; the CA is not there yet.
    user = "server" if server or not declared["agent_token"] else "node"
    known = "" if around.fresh else around.ca_hash
    return Settings(
        type=declared.type,
        config=config,
        token=token.pinned(join, known, user),
        agent_token=declared["agent_token"] if server else "",
        registries=declared["registries"],
        audit_policy=declared["audit_policy"] if server else {},
        pod_security=declared["pod_security"] if server else {},
        environment={str(name): str(value) for name, value in declared["environment"].items()},
        manifests=_manifests(declared) if server else {},
        custom_ca=declared["custom_ca"] if server and around.fresh else {},
    )


def _config(declared: Declaration, around: Surroundings) -> Iterator[tuple[str, Any]]:
    if around.server:
        host = f"[{around.server}]" if ":" in around.server else around.server
        yield "server", f"https://{host}:{places.SUPERVISOR_PORT}"
    yield "token-file", places.TOKEN
    if declared.type == SERVER:
        yield "agent-token-file", places.AGENT_TOKEN if declared["agent_token"] else ""
    yield "node-name", declared["node_name"]
    yield "node-ip", _texts(declared["node_ip"])
    if declared.type == SERVER:
        yield from _server_config(declared)
    yield "node-taint", list(declared["node_taints"])
    yield "profile", declared["profile"]
    yield "selinux", True if _selinux(declared, around) else None


def _selinux(declared: Declaration, around: Surroundings) -> bool:
    return around.selinux if declared["selinux"] == "auto" else str(declared["selinux"]).lower() == "true"


def _server_config(declared: Declaration) -> Iterator[tuple[str, Any]]:
    names = [declared["api_endpoint"], declared["api_vip_address"], *declared["tls_san_extra"]]
    yield "tls-san", list(dict.fromkeys(name for name in names if name))
    cnis, controllers = _texts(declared["cni"]), _texts(declared["ingress_controller"])
    yield "cni", cnis if len(cnis) > 1 else "".join(cnis)
    yield "ingress-controller", controllers if len(controllers) > 1 else "".join(controllers)
    for name in ("cluster_cidr", "service_cidr", "cluster_dns", "cluster_domain"):
        yield name.replace("_", "-"), declared[name]
    yield "write-kubeconfig-mode", "0600"
    yield "secrets-encryption-provider", declared["secrets_encryption_provider"]
    yield "audit-policy-file", places.AUDIT_POLICY if declared["audit_policy"] else ""
    yield "pod-security-admission-config-file", places.POD_SECURITY if declared["pod_security"] else ""
    snapshot = declared["etcd_snapshot"]
    if snapshot.get("enabled", True):
        yield "etcd-snapshot-schedule-cron", snapshot.get("schedule")
        for name in ("retention", "compress", "name", "dir"):
            yield f"etcd-snapshot-{name}", snapshot.get(name)
    else:
        yield "etcd-disable-snapshots", True
    s3 = snapshot.get("s3") or {}
    if s3:
        yield "etcd-s3", True
        for name in _S3_KEYS:
            yield f"etcd-s3-{name.replace('_', '-')}", s3.get(name)


def _manifests(declared: Declaration) -> dict[str, str]:
    found = {str(name): str(text) for name, text in declared["manifests"].items()}
    if declared["api_vip_mode"] == "kube_vip":
        found[kubevip.FILE_NAME] = kubevip.manifest(
            declared["api_vip_address"], declared["api_vip_interface"], declared["kube_vip_image"]
        )
    return found
