# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of the model that more than one part of it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from .. import accelerators, names
from ..quantity import Quantity
from .containers import MapOf, SecretReference
from .fields import Cursor, Nested, declare
from .kinds import Amount, DeviceCount, Text, checked, subdomain

Labels = Mapping[str, str]
Amounts = Mapping[str, Quantity]

_LABEL_KEY = checked(names.is_label_key, names.LABEL_KEY_ALLOWED)
_LABEL_VALUE = Text(names.LABEL_VALUE_ALLOWED, check=checked(names.is_label_value, names.LABEL_VALUE_ALLOWED))
#: What a container may ask for besides devices.
_PLAIN_RESOURCES = ("cpu", "memory", "ephemeral-storage")

LABELS = MapOf(_LABEL_VALUE, _LABEL_KEY, "a mapping of labels")
DEVICES = MapOf(DeviceCount(), accelerators.spelling_problem, "a mapping of device resources to whole numbers")


def _plain_resource_problem(name: str) -> Optional[str]:
    """Return what would be allowed where Kubernetes, or we, take no devices, else None."""
    if name in _PLAIN_RESOURCES or name.startswith("hugepages-"):
        return None
    hint = "; devices go to cluster.worker_limit" if "/" in name else ""
    return f"{', '.join(_PLAIN_RESOURCES)} or hugepages-<size>{hint}"


def _resource_problem(name: str) -> Optional[str]:
    return _plain_resource_problem(name) if "/" not in name else accelerators.spelling_problem(name)


class _Resources(MapOf):
    """Amounts by resource; what is named like a device must be a whole number."""

    def read(self, value: object, cursor: Cursor) -> object:
        result = super().read(value, cursor)
        if isinstance(result, dict):
            for name in [name for name, amount in result.items() if "/" in name and not amount.is_integer]:
                cursor.item(name).refuse(str(result.pop(name)), DeviceCount.allowed)
        return result


PLAIN_RESOURCES = MapOf(Amount(), _plain_resource_problem, "a mapping of cpu, memory, ... to quantities")
RESOURCES = _Resources(Amount(), _resource_problem, "a mapping of cpu, memory and devices to quantities")


@dataclass(frozen=True)
class SecretRef:
    """Which key of which Kubernetes Secret on the host cluster holds a value."""

    name: str = declare(subdomain(), "Name of the Secret.", default="", required=True)
    key: str = declare(
        Text("a key of the Secret", r"[A-Za-z0-9._-]{1,253}"), "Key inside the Secret.", default="", required=True
    )
    namespace: Optional[str] = declare(
        Text(names.DNS_LABEL_ALLOWED, check=checked(names.is_dns_label, names.DNS_LABEL_ALLOWED)),
        "Namespace of the Secret; the tenant's own when left out.",
    )


@dataclass(frozen=True)
class WholeSecretRef:
    """Which Kubernetes Secret on the host cluster is meant as a whole (TLS pair, registry login)."""

    name: str = declare(subdomain(), "Name of the Secret.", default="", required=True)
    namespace: Optional[str] = declare(
        Text(names.DNS_LABEL_ALLOWED, check=checked(names.is_dns_label, names.DNS_LABEL_ALLOWED)),
        "Namespace of the Secret; the tenant's own when left out.",
    )


SECRET = SecretReference(Nested(SecretRef))
WHOLE_SECRET = SecretReference(Nested(WholeSecretRef))
