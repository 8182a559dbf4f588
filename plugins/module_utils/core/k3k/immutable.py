# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What cannot change during the life of a virtual cluster.

The API's own rules only compare two values that both exist, so setting or removing one later passes admission and
breaks the running cluster; the storage class and type pass always, and then fail for ever; and the size is compared as
text, so that C(10240Mi) for C(10Gi) is refused (k3k CRD and controller v1.2.0-rc4, observed). Hence: compare by
meaning, refuse what differs, and send the live text for what does not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Optional

from .. import quantity
from ..objects import Object
from ..plan import Difference
from .spec import DEFAULT_CLUSTER_CIDR, DEFAULT_SERVICE_CIDR, DEFAULT_STORAGE_SIZE, DYNAMIC

Spec = Mapping[str, Any]

_NETWORKS = {"clusterCIDR": DEFAULT_CLUSTER_CIDR, "serviceCIDR": DEFAULT_SERVICE_CIDR}
_LITERALS = ("clusterCIDR", "serviceCIDR", "clusterDNS")
#: k3k tells the DNS service this address of the service network when none is stated.
_DNS_OFFSET = 10


def conflicts(wanted: Spec, live: Object) -> list[Difference]:
    """Every immutable field whose wanted value is not the one in force; paths are those of the API."""
    found, status = live.get("spec") or {}, live.get("status") or {}
    result = []
    mode = found.get("mode", "shared")
    if wanted["mode"] != mode:
        result.append(Difference("spec.mode", mode, wanted["mode"]))
    for field, default in _NETWORKS.items():
        asked, stored = wanted.get(field), found.get(field)
        if (asked or stored) and not _same_network(asked or default, stored or status.get(field) or default):
            result.append(Difference(f"spec.{field}", stored, asked))
    result += _dns_conflict(wanted, found, status)
    result += _persistence_conflicts(wanted.get("persistence") or {}, found.get("persistence") or {})
    for field in ("tokenSecretRef", "customCAs"):
        if wanted.get(field) != found.get(field):
            result.append(Difference(f"spec.{field}", found.get(field), wanted.get(field)))
    return result


def with_live_literals(wanted: Spec, live: Optional[Object]) -> dict[str, Any]:
    """The wanted spec with the live texts of the fields that the API compares as text.

    A network that is stored but not asked for stays stored: without it, server-side apply would take it away.
    """
    spec = dict(wanted)
    if live is None:
        return spec
    found = live.get("spec") or {}
    spec.update({field: found[field] for field in _LITERALS if found.get(field)})
    size = (found.get("persistence") or {}).get("storageRequestSize")
    if size is not None and "storageRequestSize" in spec["persistence"]:
        spec["persistence"] = {**spec["persistence"], "storageRequestSize": size}
    return spec


def _same_network(left: str, right: str) -> bool:
    try:
        return ipaddress.ip_network(left) == ipaddress.ip_network(right)
    except ValueError:
        return left == right


def _dns_conflict(wanted: Spec, found: Spec, status: Spec) -> list[Difference]:
    asked, stored = wanted.get("clusterDNS"), found.get("clusterDNS")
    services = found.get("serviceCIDR") or status.get("serviceCIDR") or DEFAULT_SERVICE_CIDR
    try:
        usual = str(ipaddress.ip_network(services)[_DNS_OFFSET])
    except (ValueError, IndexError):
        usual = ""
    if (asked or usual) == (stored or usual):
        return []
    return [Difference("spec.clusterDNS", stored, asked)]


def _persistence_conflicts(wanted: Spec, found: Spec) -> list[Difference]:
    result = []
    kind = found.get("type", DYNAMIC)
    if wanted.get("type") != kind:
        result.append(Difference("spec.persistence.type", kind, wanted.get("type")))
    if wanted.get("type") != DYNAMIC or kind != DYNAMIC:
        return result
    if wanted.get("storageClassName") != found.get("storageClassName"):
        names = (found.get("storageClassName"), wanted.get("storageClassName"))
        result.append(Difference("spec.persistence.storageClassName", *names))
    size = found.get("storageRequestSize", DEFAULT_STORAGE_SIZE)
    if not quantity.same(wanted.get("storageRequestSize"), size):
        result.append(Difference("spec.persistence.storageRequestSize", size, wanted.get("storageRequestSize")))
    return result
