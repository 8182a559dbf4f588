# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One tenant as data."""

# ruff: noqa: RUF009 - declare() makes a dataclass field, it is no default value
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from .cluster import Cluster, Isolation
from .common import LABELS, Labels
from .fields import Nested, declare, write_model
from .grants import Access, Network, Quota
from .kinds import Choice, Date, Text, email
from .services import Backup, Clearml, Cost, Registry, Security, Verify

#: What a tenant may be. C(absent) is carried out only by offboarding, with its confirmation.
PRESENT, SUSPENDED, ABSENT = "present", "suspended", "absent"

#: Keys by which tenants are told apart; they make no sense in C(defaults) or in a tier.
IDENTITY_KEYS = ("id", "namespace", "display_name")


@dataclass(frozen=True)
class Owner:
    """Whom to ask and whom to bill."""

    name: str = declare(Text(), "Name of the person or team.", default="")
    email: str = declare(email(), "Email.", default="", required=True)
    cost_center: str = declare(Text(), "Cost centre.", default="")


@dataclass(frozen=True)
class Tenant:
    """One tenant, with tier and defaults merged in and every computed default filled."""

    id: str = declare(
        Text(names.TENANT_ID_ALLOWED, check=names.tenant_id_problem),
        "Identity of the tenant, in the names of everything that belongs to it.",
        default="",
        required=True,
        immutable=True,
    )
    display_name: str = declare(Text(limits=(1, 100)), "Name for people; the id when left out.", default="")
    state: str = declare(
        Choice(PRESENT, SUSPENDED, ABSENT), "Wanted state; absent is carried out by offboarding only.", default=PRESENT
    )
    owner: Owner = declare(Nested(Owner), "Whom to ask.", factory=Owner)
    tier: Optional[str] = declare(Text("the name of a tier in fleet.tiers"), "Template to start from.")
    expires: Optional[str] = declare(Date(), "Day from which the tenant is reported as expired; nothing is deleted.")
    namespace: str = declare(
        Text(names.DNS_LABEL_ALLOWED, check=names.namespace_problem),
        "Namespace on the host cluster; t-<id> when left out.",
        default="",
        immutable=True,
    )
    isolation: Isolation = declare(Nested(Isolation), "Where the tenant's pods run.", factory=Isolation)
    cluster: Cluster = declare(Nested(Cluster), "The virtual cluster.", factory=Cluster)
    quota: Quota = declare(Nested(Quota), "Hard limits.", factory=Quota)
    network: Network = declare(Nested(Network), "Ways in and out.", factory=Network)
    access: Access = declare(Nested(Access), "How people get in.", factory=Access)
    clearml: Clearml = declare(Nested(Clearml), "ClearML company.", factory=Clearml)
    registry: Registry = declare(Nested(Registry), "Image registry project.", factory=Registry)
    security: Security = declare(Nested(Security), "Guards on the host side.", factory=Security)
    backup: Backup = declare(Nested(Backup), "Backups.", factory=Backup)
    cost: Cost = declare(Nested(Cost), "Prices.", factory=Cost)
    labels: Labels = declare(
        LABELS, "Labels of your own on the namespace, on what fences it in, and on the quotas.", factory=dict
    )
    verify: Verify = declare(Nested(Verify), "Proof of isolation.", factory=Verify)

    def to_dict(self) -> dict[str, Any]:
        """Return the tenant as plain data in the form of the file, every field present."""
        return write_model(self)
