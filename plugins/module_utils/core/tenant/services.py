# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The part of a tenant that is about the services around its cluster: ClearML, registry, backup, cost, proof."""

# ruff: noqa: RUF009 - declare() makes a dataclass field, it is no default value
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from .. import accelerators, names
from ..quantity import Quantity
from .containers import Free, ListOf, MapOf
from .fields import Nested, declare
from .kinds import Amount, Choice, Count, CountOrAuto, Flag, Number, Text, checked, email, host, url

#: Probes of the isolation proof: network, pod, quota, kubeconfig, ClearML, resilience.
PROBES = ("N1", "N2", "N3", "N4", "N5", "N6", "P1", "P2", "P3", "P4", "Q1", "Q2", "Q3", "K1", "K2", "C1", "C2", "R1")

#: ClearML refuses shorter names of companies and queues (ClearML API reference).
_NAME = Text("a name of 3-100 characters", limits=(3, 100))
_FEATURE = Text("the name of a ClearML feature", r"[A-Za-z0-9_.-]+", limits=(1, 100))
_PROBE = Choice(*PROBES)


@dataclass(frozen=True)
class ClearmlAdmin:
    """The internal administrator of the company, whose credentials the agent uses."""

    name: str = declare(_NAME, "Name; <id>-admin when left out.", default="")
    email: Optional[str] = declare(email(), "Email, unique in the whole server; the owner's when left out.")


@dataclass(frozen=True)
class ClearmlLogin:
    """Who lands in this company at the first login."""

    domains: tuple[str, ...] = declare(ListOf(host()), "Mail domains, each in one tenant only.", default=())
    whitelist: tuple[str, ...] = declare(ListOf(email()), "Single addresses, each in one tenant only.", default=())


@dataclass(frozen=True)
class ClearmlQueue:
    """A queue of the company and the pods that its jobs become."""

    name: str = declare(_NAME, "Name, unique in the company.", default="", required=True)
    gpu: int = declare(
        Count(0, 1024, allowed="a whole number of devices 0-1024"),
        "Devices for each job; at most those of one agent.",
        default=1,
    )
    max_pods: Optional[int] = declare(Count(1, 100_000), "Jobs at the same time at the most.")
    resource: str = declare(
        Text("a device's resource name such as nvidia.com/gpu", check=accelerators.spelling_problem),
        "Resource that gpu counts.",
        default="nvidia.com/gpu",
    )
    template: Mapping[str, Any] = declare(Free(), "Further settings of the pod template.", factory=dict)


@dataclass(frozen=True)
class ClearmlAgent:
    """The agent that turns jobs into pods."""

    enabled: bool = declare(Flag(), "Install the agent.", default=True)
    placement: str = declare(Choice("tenant", "host"), "Inside the virtual cluster or on the host.", default="tenant")
    chart_version: Optional[str] = declare(
        Text("a chart version such as 5.3.1", r"[0-9A-Za-z][0-9A-Za-z.+-]*"),
        "Version of the chart; the collection's when left out.",
    )
    max_gpus: Union[int, str] = declare(
        CountOrAuto(), "Devices the agent uses at the most; auto is the quota.", default="auto"
    )
    report_max: Union[int, str] = declare(
        CountOrAuto(), "Devices the dashboard shows; auto is the quota.", default="auto"
    )


@dataclass(frozen=True)
class ClearmlGateway:
    """The application gateway of the company."""

    enabled: bool = declare(Flag(), "Install the gateway.", default=True)
    host: Optional[str] = declare(
        host(wildcard=True), "Host name in the tenant's domain; router. and that domain when left out."
    )
    exposure: str = declare(
        Choice("host_service"), "A Service on the host that points into the cluster.", default="host_service"
    )


@dataclass(frozen=True)
class ClearmlMetering:
    """Report of usage to ClearML."""

    push_gpu_hours: bool = declare(Flag(), "Push GPU-hours as custom events.", default=False)
    template_key: str = declare(
        Text("the key of an event template", r"[A-Za-z0-9_-]+"), "Template.", default="gpu_hours"
    )


@dataclass(frozen=True)
class Clearml:
    """The tenant's ClearML company."""

    enabled: bool = declare(Flag(), "Make a company.", default=True)
    company: str = declare(_NAME, "Name of the company, unique; display_name when left out.", default="")
    allowed_users: Optional[int] = declare(Count(1), "Users at the most; no limit when left out.")
    features: tuple[str, ...] = declare(ListOf(_FEATURE), "Features to switch on.", default=())
    exclude_features: tuple[str, ...] = declare(ListOf(_FEATURE), "Features to switch off.", default=())
    admin: ClearmlAdmin = declare(Nested(ClearmlAdmin), "Internal administrator.", factory=ClearmlAdmin)
    login: ClearmlLogin = declare(Nested(ClearmlLogin), "Login rules.", factory=ClearmlLogin)
    queues: tuple[ClearmlQueue, ...] = declare(ListOf(Nested(ClearmlQueue)), "Queues.", default=())
    agent: ClearmlAgent = declare(Nested(ClearmlAgent), "Agent.", factory=ClearmlAgent)
    app_gateway: ClearmlGateway = declare(Nested(ClearmlGateway), "Application gateway.", factory=ClearmlGateway)
    metering: ClearmlMetering = declare(Nested(ClearmlMetering), "Metering.", factory=ClearmlMetering)


@dataclass(frozen=True)
class Registry:
    """The tenant's project in the image registry."""

    project: Optional[str] = declare(
        Text("a project name: a-z, 0-9, '-', '_', '.'", r"[a-z0-9]+([._-][a-z0-9]+)*"),
        "Project, unique; none when left out.",
    )
    quota: Optional[Quantity] = declare(Amount(), "Storage of the project.")
    robot_ttl_days: int = declare(Count(1, 3650), "Life of robot accounts in days.", default=90)
    proxy_cache: bool = declare(Flag(), "Let the project use the proxy cache.", default=True)
    cve_allowlist: tuple[str, ...] = declare(
        ListOf(Text("a CVE id such as CVE-2025-23266", r"CVE-[0-9]{4}-[0-9]{4,}")),
        "CVEs that do not block an image.",
        default=(),
    )


@dataclass(frozen=True)
class Security:
    """Guards on the host side."""

    neuvector_group: bool = declare(Flag(), "Make a NeuVector group of the tenant's pods.", default=True)
    admission_images: tuple[str, ...] = declare(
        ListOf(Text("an image reference", r"[a-z0-9][A-Za-z0-9._:/*-]*(@sha256:[0-9a-f]{64})?")),
        "Images that may run in the tenant's namespace; those of the role when left out.",
        default=(),
    )
    vap: str = declare(
        Choice("enforce", "audit"), "ValidatingAdmissionPolicy denies, or only audits.", default="enforce"
    )


_MACRO = r"@(hourly|daily|weekly|monthly)"
_CRON = rf"({_MACRO}|[0-9*/,-]+ [0-9*/,-]+ [0-9*/,?-]+ [0-9A-Za-z*/,-]+ [0-9A-Za-z*/,?-]+)"


@dataclass(frozen=True)
class Backup:
    """Backups of the virtual cluster."""

    enabled: bool = declare(Flag(), "Make backups.", default=False)
    schedule: str = declare(Text("a cron schedule such as 0 2 * * *", _CRON), "When.", default="0 2 * * *")
    retain: int = declare(Count(1, 10_000), "Backups that are kept.", default=14)
    target: Optional[str] = declare(url("s3", "nfs", "https"), "Where to; required when enabled.")
    restore_test: str = declare(
        Choice("monthly", "weekly", "never"), "How often a restore is tried.", default="monthly"
    )


@dataclass(frozen=True)
class Cost:
    """Unit prices. A resource without a rate has no price."""

    rates: Mapping[str, float] = declare(
        MapOf(
            Number(0, 1e9),
            checked(names.is_resource_name, names.RESOURCE_NAME_ALLOWED),
            "a mapping of resources to prices",
        ),
        "Price of one unit for one hour.",
        factory=dict,
    )
    currency: str = declare(Text("an ISO 4217 code such as EUR", r"[A-Z]{3}"), "Currency.", default="EUR")
    report_to: tuple[str, ...] = declare(ListOf(email()), "Who gets the report.", default=())


@dataclass(frozen=True)
class Verify:
    """Which probes run, and which of them must pass."""

    probes: tuple[str, ...] = declare(ListOf(_PROBE, words={"all": PROBES}), "Probes to run, or all.", default=PROBES)
    skip: tuple[str, ...] = declare(ListOf(_PROBE), "Probes to leave out.", default=())
    fail_on: tuple[str, ...] = declare(
        ListOf(_PROBE),
        "Probes that must pass.",
        default=("N1", "N2", "N3", "P1", "P4", "Q1", "Q2", "Q3", "K1", "C1"),
    )
