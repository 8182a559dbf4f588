# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of a tenant that says what it may use, reach, and who may get in."""

# ruff: noqa: RUF009 - declare() makes a dataclass field, it is no default value
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from .. import names
from ..quantity import Quantity
from .common import DEVICES
from .containers import ListOf, MapOf
from .fields import Nested, declare
from .kinds import Amount, Choice, Count, DeviceCount, Duration, Flag, Text, address, checked, host, url
from .kinds import cidr as cidr_kind

MINUTE, HOUR = 60, 3600

_OBJECT_PATTERN = re.compile(
    r"(services(\.loadbalancers|\.nodeports)?|persistentvolumeclaims|configmaps|secrets|count/[a-z0-9.-]+)"
)
_OBJECT_ALLOWED = (
    "services, services.loadbalancers, services.nodeports, persistentvolumeclaims, configmaps, secrets, count/<name>"
)
_CLASS = checked(names.is_dns_subdomain, names.DNS_SUBDOMAIN_ALLOWED)


@dataclass(frozen=True)
class StorageQuota:
    """Limits on volumes of the host."""

    total: Optional[Quantity] = declare(Amount(), "Sum of all volumes.")
    classes: Mapping[str, Quantity] = declare(
        MapOf(Amount(), _CLASS, "a mapping of storage classes to quantities"), "Sum by StorageClass.", factory=dict
    )


@dataclass(frozen=True)
class Quota:
    """Hard limits, enforced by the host cluster."""

    accelerators: Mapping[str, int] = declare(
        DEVICES, "Devices by resource, without 'requests.'; others are refused.", factory=dict
    )
    guaranteed: Mapping[str, int] = declare(
        DEVICES, "Devices that must always be there; the same as accelerators when left out.", factory=dict
    )
    device_classes: Mapping[str, int] = declare(
        MapOf(DeviceCount(), _CLASS, "a mapping of device classes to whole numbers"),
        "Devices by DeviceClass (dynamic resource allocation).",
        factory=dict,
    )
    cpu: Optional[Quantity] = declare(Amount(), "CPUs; computed from servers and agents when left out.")
    memory: Optional[Quantity] = declare(Amount(), "Memory; computed from servers and agents when left out.")
    pods: Optional[int] = declare(Count(1), "Pods on the host; servers + agents + 2 when left out.")
    storage: StorageQuota = declare(Nested(StorageQuota), "Volumes.", factory=StorageQuota)
    objects: Mapping[str, int] = declare(
        MapOf(
            Count(),
            lambda key: None if _OBJECT_PATTERN.fullmatch(key) else _OBJECT_ALLOWED,
            "a mapping of object names to whole numbers",
        ),
        "Numbers of objects; load balancers and node ports are computed from cluster.expose when left out. Those of a "
        "gateway's TCP sessions come on top.",
        factory=dict,
    )
    on_reduce: str = declare(
        Choice("refuse", "report", "force"), "What happens when a limit would fall below use.", default="refuse"
    )


@dataclass(frozen=True)
class Way:
    """One allowed way through the default-deny network policy."""

    cidr: str = declare(cidr_kind(), "The network on the other side.", default="", required=True)
    ports: tuple[int, ...] = declare(ListOf(Count(1, 65535), 1), "Ports.", default=(), required=True)
    proto: str = declare(Choice("TCP", "UDP", "SCTP"), "Protocol.", default="TCP")
    why: str = declare(Text("a reason in a few words"), "The reason, for whoever reads it later.", default="")
    override: bool = declare(Flag(), "Allow what overlaps a network of the host; needs why.", default=False)


@dataclass(frozen=True)
class Network:
    """What a tenant may reach and from where it may be reached. dns: empty stands for the host's DNS."""

    internet: bool = declare(Flag(), "Let the tenant reach the internet.", default=False)
    allow_egress: tuple[Way, ...] = declare(ListOf(Nested(Way)), "Ways out.", default=())
    allow_ingress: tuple[Way, ...] = declare(ListOf(Nested(Way)), "Ways in.", default=())
    ingress_hosts: tuple[str, ...] = declare(
        ListOf(host(wildcard=True)), "Host names that only this tenant may use.", default=()
    )
    dns: tuple[str, ...] = declare(
        ListOf(address(), 1, words={"host": ()}), "DNS servers, or host for those of the host cluster.", default=()
    )


@dataclass(frozen=True)
class Kubeconfig:
    """The credential of the tenant's administrator. ttl, rotate_before: seconds."""

    ttl: int = declare(Duration(10 * MINUTE, 8760 * HOUR), "Life of the credential.", default=720 * HOUR)
    rotate_before: int = declare(
        Duration(0, 8760 * HOUR), "Remaining life at which a new one is issued.", default=168 * HOUR
    )
    group: str = declare(
        Text(names.DNS_LABEL_ALLOWED, check=checked(names.is_dns_label, names.DNS_LABEL_ALLOWED), limits=(1, 50)),
        "Group of the administrator inside the virtual cluster.",
        default="tenant-admins",
    )
    delivery: str = declare(Choice("file", "vault"), "Where the kubeconfig goes.", default="file")
    encrypt_to: tuple[str, ...] = declare(
        ListOf(Text("the public key of a recipient", r"(age1|ssh-)\S[ -~]*", limits=(4, 1000))),
        "Recipients (age or SSH public keys) for whom the file is encrypted.",
        default=(),
    )


_GROUP = Text(
    "the name of a group, not one of Kubernetes' own (system:...)",
    check=lambda text: "a group that does not start with system:" if text.startswith("system:") else None,
    limits=(1, 253),
)


@dataclass(frozen=True)
class Oidc:
    """Single sign-on at the tenant's API."""

    issuer: Optional[str] = declare(url("https"), "URL of the issuer.")
    client_id: Optional[str] = declare(Text("the client's id", limits=(1, 253)), "Client id.")
    groups_claim: str = declare(
        Text("the name of a claim", limits=(1, 253)), "Claim with the groups.", default="groups"
    )
    admin_groups: tuple[str, ...] = declare(ListOf(_GROUP), "Groups that are administrators.", default=())


@dataclass(frozen=True)
class Access:
    """How people get in."""

    kubeconfig: Kubeconfig = declare(Nested(Kubeconfig), "The administrator's credential.", factory=Kubeconfig)
    oidc: Oidc = declare(Nested(Oidc), "Single sign-on.", factory=Oidc)
    break_glass: bool = declare(
        Flag(), "Keep k3k's own system:masters kubeconfig on the host for emergencies.", default=True
    )
