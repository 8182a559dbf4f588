# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of a tenant that is about its virtual cluster and the nodes it runs on."""

# ruff: noqa: RUF009 - declare() makes a dataclass field, it is no default value
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from .. import names
from ..quantity import Quantity, parse
from .common import LABELS, PLAIN_RESOURCES, RESOURCES, SECRET, WHOLE_SECRET, Amounts, Labels, SecretRef, WholeSecretRef
from .containers import ListOf
from .fields import Nested, declare
from .kinds import Amount, Choice, Count, Flag, Text, address, cidr, subdomain, url

#: Add-ons that the collection ships.
ADDONS = ("device-plugin", "dcgm", "csi-nfs")
VERSION_ALLOWED = "a k3s image tag such as v1.34.4-k3s1"


_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(-rc[0-9]+)?-k3s[0-9]+")


def _version_problem(text: str) -> Optional[str]:
    """Return what would be allowed when a text is no tag of the k3s image, else None."""
    if _VERSION.fullmatch(text):
        return None
    hint = f"; an image tag has no '+': {text.replace('+', '-')}" if "+" in text else ""
    return VERSION_ALLOWED + hint


_NAME_OR_ADDRESS = Text(
    "a lower case DNS name or an IP address",
    pattern=r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9A-Fa-f.:]+",
)


@dataclass(frozen=True)
class Isolation:
    """How a tenant's pods are kept apart from others. The pods are privileged, so nodes are the boundary."""

    level: str = declare(
        Choice("dedicated", "private", "sandboxed", "shared"),
        "Own nodes of the host cluster, nodes that join the tenant's own cluster, a sandbox runtime, or shared nodes.",
        default="dedicated",
    )
    accept_risk: bool = declare(
        Flag(), "Must be true for shared nodes with GPUs: a privileged pod sees every GPU of its node.", default=False
    )
    nodes: tuple[str, ...] = declare(ListOf(subdomain()), "Names of the tenant's nodes.", default=())
    node_selector: Labels = declare(LABELS, "Labels of the tenant's nodes.", factory=dict)
    taint: bool = declare(Flag(), "Taint the tenant's nodes.", default=True)
    control_plane_pool: Labels = declare(LABELS, "Labels of the nodes for the server pods.", factory=dict)
    runtime_class: Optional[str] = declare(subdomain(), "RuntimeClass of the host; required for sandboxed.")
    host_users: Optional[bool] = declare(Flag(), "False puts the pods into a user namespace.")
    wipe_on_offboard: bool = declare(Flag(), "Wipe the nodes when the tenant leaves.", default=True)


@dataclass(frozen=True)
class PodResources:
    """Requests and limits of a whole pod (Kubernetes pod-level resources: no devices)."""

    requests: Amounts = declare(PLAIN_RESOURCES, "What the pod is promised.", factory=dict)
    limits: Amounts = declare(PLAIN_RESOURCES, "What the pod may use at the most.", factory=dict)


@dataclass(frozen=True)
class Storage:
    """Where the servers keep their data."""

    type: str = declare(
        Choice("dynamic", "ephemeral"), "A volume for each server, or none.", default="dynamic", immutable=True
    )
    storage_class: Optional[str] = declare(
        subdomain(), "StorageClass of the host; its default when left out.", immutable=True, key="class"
    )
    size: Quantity = declare(Amount(positive=True), "Size of each volume.", default=parse("20Gi"), immutable=True)


@dataclass(frozen=True)
class Expose:
    """How the tenant's API is reached from outside the host cluster."""

    type: str = declare(
        Choice("ingress", "loadBalancer", "nodePort", "none"), "Kind of exposure.", default="loadBalancer"
    )
    host: Optional[str] = declare(
        _NAME_OR_ADDRESS, "Name or address under which the tenant reaches the API; added to the certificate."
    )
    ingress_class: Optional[str] = declare(
        subdomain(), "IngressClass; its controller must pass TLS through.", key="class"
    )
    port: Optional[int] = declare(
        Count(1, 65535), "Node port 30000-32767 for nodePort, 443 for loadBalancer; chosen when left out."
    )


@dataclass(frozen=True)
class CustomCa:
    """Own certificate authorities; k3k wants all six (Secrets of type kubernetes.io/tls)."""

    server_ca: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "CA of the API server.", required=True)
    client_ca: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "CA of client certificates.", required=True)
    request_header_ca: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "CA of the front proxy.", required=True)
    etcd_server_ca: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "CA of etcd servers.", required=True)
    etcd_peer_ca: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "CA of etcd peers.", required=True)
    service_account_token: Optional[WholeSecretRef] = declare(
        WHOLE_SECRET, "Key that signs service account tokens.", required=True
    )


@dataclass(frozen=True)
class RegistryMirror:
    """Where the virtual cluster pulls its images from."""

    endpoint: Optional[str] = declare(url("https", "http"), "URL of the mirror.")
    ca: Optional[SecretRef] = declare(SECRET, "CA certificate of the mirror.")
    pull_secret: Optional[WholeSecretRef] = declare(WHOLE_SECRET, "Login for the mirror (dockerconfigjson).")


@dataclass(frozen=True)
class Audit:
    """Audit log of the tenant's API server."""

    enabled: bool = declare(Flag(), "Write an audit log.", default=True)
    policy: str = declare(subdomain(), "Name of the audit policy.", default="default")
    max_age_days: int = declare(Count(1, 3650), "Days that log files are kept.", default=30)


@dataclass(frozen=True)
class Cluster:
    """The k3k Cluster."""

    name: str = declare(
        Text(names.CLUSTER_NAME_ALLOWED, check=names.cluster_name_problem),
        "Name of the Cluster; the tenant's id when left out.",
        default="",
        immutable=True,
    )
    mode: str = declare(
        Choice("virtual", "hcp", refused={"shared": "k3k's shared mode is not offered, it is no isolation"}),
        "Own k3s in pods, or a hosted control plane that real nodes join.",
        default="virtual",
        immutable=True,
    )
    version: str = declare(
        Text(VERSION_ALLOWED, check=_version_problem),
        "Tag of the k3s image.",
        default="",
        required=True,
    )
    servers: int = declare(
        Count(1, 5, choices=(1, 3, 5), allowed="1, 3 or 5 (an odd number, so that etcd keeps a majority)"),
        "Number of server pods.",
        default=1,
    )
    agents: int = declare(Count(0, 5000), "Number of agent pods; none with hcp.", default=0)
    server_limit: Amounts = declare(PLAIN_RESOURCES, "Container limits of each server.", factory=dict)
    worker_limit: Amounts = declare(RESOURCES, "Container limits of each agent; devices only here.", factory=dict)
    server_resources: Optional[PodResources] = declare(
        Nested(PodResources, optional=True), "Pod-level resources of each server, instead of server_limit."
    )
    worker_resources: Optional[PodResources] = declare(
        Nested(PodResources, optional=True), "Pod-level resources of each agent, instead of worker_limit; no devices."
    )
    cluster_cidr: str = declare(cidr(), "Pod network inside.", default="10.52.0.0/16", immutable=True)
    service_cidr: str = declare(cidr(), "Service network inside.", default="10.53.0.0/16", immutable=True)
    cluster_dns: Optional[str] = declare(
        address(), "Address of DNS inside service_cidr; its tenth when left out.", immutable=True
    )
    storage: Storage = declare(Nested(Storage), "Data of the servers.", factory=Storage)
    external_datastore: Optional[SecretRef] = declare(SECRET, "Endpoint of a datastore outside.", immutable=True)
    expose: Expose = declare(Nested(Expose), "Exposure of the API.", factory=Expose)
    tls_sans: tuple[str, ...] = declare(
        ListOf(_NAME_OR_ADDRESS), "Further names and addresses in the API's certificate.", default=()
    )
    custom_ca: Optional[CustomCa] = declare(Nested(CustomCa, optional=True), "Own CAs.", immutable=True)
    server_args: tuple[str, ...] = declare(
        ListOf(Text("an option such as --disable=traefik", limits=(1, 1000))),
        "Further options of k3s server.",
        default=(),
    )
    agent_args: tuple[str, ...] = declare(
        ListOf(Text("an option such as --node-label=a=b", limits=(1, 1000))),
        "Further options of k3s agent.",
        default=(),
    )
    addons: tuple[str, ...] = declare(ListOf(Choice(*ADDONS)), "Add-ons of the collection to install.", default=())
    registry_mirror: RegistryMirror = declare(Nested(RegistryMirror), "Mirror for images.", factory=RegistryMirror)
    sync_nodes_prune: bool = declare(Flag(), "Remove inner Node objects whose agent is gone.", default=True)
    audit: Audit = declare(Nested(Audit), "Audit log.", factory=Audit)
