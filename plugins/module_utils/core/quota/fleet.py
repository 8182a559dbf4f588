# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The host cluster as the quotas see it: read once, asked for each tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from .keys import KNOWN_DEVICE_CLASSES, accelerator_hard, accelerators_in, base_hard
from .plan import ACCELERATOR_QUOTA, BASE_QUOTA, Hard, Holdings
from .request import FleetRules, QuotaRequest
from .usage import Consumer, consumers, limit_range_traps

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Fleet:
    """What was read of the host cluster.

    quotas, nodes, pods, limit_ranges: whole objects, of all namespaces. device_classes, storage_classes: names.
    """

    quotas: Sequence[Object] = ()
    nodes: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    limit_ranges: Sequence[Object] = ()
    device_classes: Sequence[str] = ()
    storage_classes: Sequence[str] = ()

    def holdings(self, namespace: str) -> Holdings:
        """What one tenant's namespace holds."""
        return self._by_namespace.get(namespace, Holdings())

    @property
    def tenants(self) -> dict[str, str]:
        """Tenant id -> namespace of those that have a quota."""
        return {
            item["metadata"]["labels"][LABEL_TENANT]: item["metadata"]["namespace"]
            for item in self.quotas
            if is_ours(item)
        }

    def with_pods(self, pods: Sequence[Object]) -> Fleet:
        """The same host cluster with its pods read anew."""
        return replace(self, pods=pods)

    @cached_property
    def _by_namespace(self) -> dict[str, Holdings]:
        quotas: dict[str, dict[str, Object]] = {}
        for item in self.quotas:
            if is_ours(item):
                quotas.setdefault(item["metadata"]["namespace"], {})[item["metadata"]["name"]] = item
        pods: dict[str, list[Consumer]] = {}
        for consumer in self.consumers:
            pods.setdefault(consumer.namespace, []).append(consumer)
        return {
            namespace: Holdings(quotas.get(namespace, {}), pods.get(namespace, [])) for namespace in {*quotas, *pods}
        }

    @cached_property
    def consumers(self) -> list[Consumer]:
        """What each pod of the host cluster holds."""
        return consumers(self.pods)

    def denied(self, rules: FleetRules) -> list[str]:
        """The accelerators that get zero unless granted: what nodes have, and what was denied before.

        A name that was denied once stays denied: a node that is away for an hour must not open a gap when it returns.
        """
        return rules.names.among(self._resource_names) if rules.deny_unlisted else []

    @cached_property
    def _resource_names(self) -> set[str]:
        """What nodes offer, and what our quotas limit. Asked for each tenant, so worked out once."""
        offered = {name for node in self.nodes for name in node.get("status", {}).get("allocatable") or {}}
        limited = {key for item in self.quotas if is_ours(item) for key in item["spec"].get("hard") or {}}
        return offered | set(accelerators_in(dict.fromkeys(limited)))

    def warnings(self, requests: Sequence[QuotaRequest], rules: FleetRules) -> list[str]:
        """What an operator should know about other objects in the tenants' namespaces."""
        homes = {request.namespace: request.tenant for request in requests if request.present}
        found = limit_range_traps(
            [item for item in self.limit_ranges if item["metadata"]["namespace"] in homes], rules.names.matches
        )
        for item in self.quotas:
            metadata, limited = item["metadata"], accelerators_in(item.get("spec", {}).get("hard") or {})
            names = ", ".join(sorted(rules.names.among(limited)))
            if metadata["namespace"] in homes and not is_ours(item) and names:
                found.append(
                    f"ResourceQuota {metadata['namespace']}/{metadata['name']} is not this module's and limits {names} too; "
                    "the stricter of both holds."
                )
        return found


def is_ours(item: Object) -> bool:
    """Tell whether a ResourceQuota is one of the two that this collection writes."""
    labels = item["metadata"].get("labels") or {}
    return (
        item["metadata"]["name"] in (ACCELERATOR_QUOTA, BASE_QUOTA)
        and labels.get(LABEL_MANAGED_BY) == MANAGED_BY
        and bool(labels.get(LABEL_TENANT))
    )


def wanted_hard(request: QuotaRequest, fleet: Fleet, rules: FleetRules) -> dict[str, Hard]:
    """C(spec.hard) by quota name, as one tenant's declaration and the host cluster together want it."""
    denied_classes = {*KNOWN_DEVICE_CLASSES, *fleet.device_classes} if rules.deny_unlisted else set()
    wanted: dict[str, Hard] = {
        ACCELERATOR_QUOTA: accelerator_hard(
            request.resources,
            fleet.denied(rules),
            request.device_classes,
            sorted(denied_classes),
            request.resource_claims,
        )
    }
    if request.base is not None:
        classes = dict(request.base.storage_classes)
        if classes:  # naming classes means: these and no other
            classes = {**dict.fromkeys(fleet.storage_classes, "0"), **classes}
        wanted[BASE_QUOTA] = base_hard(request.base.amounts, request.base.objects, classes)
    return wanted
