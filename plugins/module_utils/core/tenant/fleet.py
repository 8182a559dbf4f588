# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The tenants file as data: what is said about the whole fleet, and the tenants."""

# ruff: noqa: RUF009 - declare() makes a dataclass field, it is no default value
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import accelerators, names, selectors
from .common import DEVICES
from .containers import ListOf
from .fields import Cursor, Kind, Nested, declare, read_model, write_model
from .kinds import Choice, Number, Text, cidr, raising
from .model import IDENTITY_KEYS, Tenant

API_VERSION = "tenancy/v1"

_VERSION = Text("a version such as 1.2.0", r"v?\d+\.\d+(\.\d+)?([-+.][0-9A-Za-z.-]+)?")


def _check_pattern(text: str) -> None:
    accelerators.AcceleratorNames([text])


@dataclass(frozen=True)
class Capacity:
    """How the sum of what tenants were promised is checked against what the nodes have."""

    selector: str = declare(
        Text(selectors.SELECTOR_ALLOWED, check=raising(selectors.parse_selector), limits=(0, 1000)),
        "Label selector of the nodes that count; empty counts all.",
        default="",
    )
    reserve: Mapping[str, int] = declare(DEVICES, "Devices that no tenant may be promised, by resource.", factory=dict)
    overcommit_ratio: float = declare(
        Number(0.01, 100), "Sum of all quotas divided by what the nodes have, at the most.", default=1.0
    )
    check: str = declare(Choice("fail", "warn", "off"), "What a broken rule does.", default="fail")


@dataclass(frozen=True)
class Accelerators:
    """Which resources are accelerators, and what happens with those that a tenant was not granted."""

    patterns: tuple[str, ...] = declare(
        ListOf(Text("a regular expression", check=raising(_check_pattern)), 1),
        "Regular expressions for the names of accelerator resources; each must match the whole name.",
        default=accelerators.DEFAULT_PATTERNS,
    )
    unlisted: str = declare(
        Choice("zero", "ignore"), "Quota of an accelerator that a tenant was not granted.", default="zero"
    )


@dataclass(frozen=True)
class Networks:
    """Networks of the host that no tenant may overlap or reach."""

    pod_cidr: str = declare(cidr(), "Pod network of the host cluster (RKE2's default).", default="10.42.0.0/16")
    service_cidr: str = declare(cidr(), "Service network of the host cluster (RKE2's default).", default="10.43.0.0/16")
    node_cidrs: tuple[str, ...] = declare(ListOf(cidr()), "Networks of the nodes.", default=())
    management_cidrs: tuple[str, ...] = declare(
        ListOf(cidr()), "Networks of BMCs, switches and management hosts.", default=()
    )
    metadata_cidrs: tuple[str, ...] = declare(
        ListOf(cidr()), "Networks of metadata services.", default=("169.254.0.0/16",)
    )

    def named(self) -> tuple[tuple[str, str], ...]:
        """Return every network with the name of its field."""
        listed = (
            ("node_cidrs", self.node_cidrs),
            ("management_cidrs", self.management_cidrs),
            ("metadata_cidrs", self.metadata_cidrs),
        )
        single = (("pod_cidr", self.pod_cidr), ("service_cidr", self.service_cidr))
        return single + tuple((name, network) for name, networks in listed for network in networks)


@dataclass(frozen=True)
class MinimumVersions:
    """Oldest versions that are accepted on the host."""

    k3k: str = declare(_VERSION, "k3k controller.", default="1.1.0")
    nvidia_toolkit: Optional[str] = declare(_VERSION, "NVIDIA Container Toolkit.")
    runc: Optional[str] = declare(_VERSION, "runc of the host.")


class Layer(Kind):
    """Something that is merged under tenants: the keys of a tenant, none required, none that is a tenant's own.

    refused: further keys that make no sense here. The value is not kept; merging works on the file as it stands.
    """

    allowed = "a mapping with the keys of a tenant"

    def __init__(self, *refused: str) -> None:
        self.refused = IDENTITY_KEYS + refused

    def read(self, value: Any, cursor: Cursor) -> Any:
        read_model(Tenant, value, dataclasses.replace(cursor, strict=False, in_list=False))
        for key in self.refused:
            if isinstance(value, Mapping) and value.get(key) is not None:
                cursor.down(key).refuse(value[key], "only inside one tenant")
        return {}

    def schema(self) -> dict[str, Any]:
        refused = {key: {"type": "null"} for key in self.refused}
        return {"allOf": [{"$ref": "#/$defs/tenant"}, {"properties": refused}]}


class Tiers(Kind):
    """Templates by name, held as the tuple of the names."""

    allowed = "a mapping of tier names to mappings with the keys of a tenant"
    _layer = Layer("tier")

    def read(self, value: Any, cursor: Cursor) -> Any:
        if not isinstance(value, Mapping):
            return cursor.refuse(value, self.allowed)
        tiers = []
        for name, content in value.items():
            if not names.is_dns_label(name):
                cursor.refuse(name, f"as a tier's name: {names.DNS_LABEL_ALLOWED}")
                continue
            self._layer.read({} if content is None else content, cursor.down(name))
            tiers.append(str(name))
        return tuple(tiers)

    def write(self, value: Any) -> Any:
        return {name: {} for name in value}

    def schema(self) -> dict[str, Any]:
        layer = {"anyOf": [self._layer.schema(), {"type": "null"}]}
        return {"type": "object", "additionalProperties": layer}


@dataclass(frozen=True)
class Fleet:
    """Everything about the host cluster that the tenants share.

    tiers: the names of the tiers; their content has already been merged into the tenants.
    """

    capacity: Capacity = declare(Nested(Capacity), "Check of capacity over all tenants.", factory=Capacity)
    accelerators: Accelerators = declare(Nested(Accelerators), "What an accelerator is.", factory=Accelerators)
    networks: Networks = declare(Nested(Networks), "Networks of the host.", factory=Networks)
    minimum_versions: MinimumVersions = declare(
        Nested(MinimumVersions), "Oldest accepted versions.", factory=MinimumVersions
    )
    tiers: tuple[str, ...] = declare(Tiers(), "Templates that a tenant can name as its tier.", default=())


@dataclass(frozen=True)
class TenantsFile:
    """A whole tenants file, parsed and checked. tenants: in the order of the file, absent ones too."""

    fleet: Fleet
    tenants: tuple[Tenant, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the file in flat form: tiers and defaults are merged into the tenants, the tiers themselves are empty.

        Parsing the result gives an equal TenantsFile.
        """
        tenants = [tenant.to_dict() for tenant in self.tenants]
        return {"apiVersion": API_VERSION, "fleet": write_model(self.fleet), "tenants": tenants}

    def tenant(self, tenant_id: str) -> Optional[Tenant]:
        """Return the tenant with an id, or None."""
        return next((tenant for tenant in self.tenants if tenant.id == tenant_id), None)
