# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read what belongs to many virtual clusters with few requests.

What the k3k controller makes carries no tenant label, only C(cluster=<name>); so it is found by that label, in the
clusters' namespaces when these are few, else over all namespaces at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Union

from ...bulk import for_all, for_each
from ...core.errors import NotFoundError, PlatformError
from ...core.k3k.facts import Facts, label_of
from ...core.names import K3kNames
from ...core.objects import Object
from ..apply import Inventory
from ..kinds import kind_of
from ..session import CONCURRENCY, Session

#: Up to so many namespaces are read one by one: that is less than reading all tenants'.
FEW = 4
#: Label selectors that find the children of clusters, and nothing else.
_SELECTORS = {
    "StatefulSet": "cluster,role=server",
    "Deployment": "cluster,type=agent",
    "Pod": "cluster",
    "PersistentVolumeClaim": "cluster,role=server",
}
CLUSTER_KINDS = ("Cluster", "StatefulSet", "Deployment", "Pod")

Key = tuple[str, str]


class Reader:
    """Reads objects of the given namespaces (and the given policies), and sorts them by cluster."""

    def __init__(self, session: Session, namespaces: Iterable[str] = (), policies: Iterable[str] = ()) -> None:
        self._session = session
        self._namespaces = sorted(set(namespaces))
        self._named = {"Namespace": self._namespaces, "VirtualClusterPolicy": sorted(set(policies))}

    def read(self, kinds: Iterable[str], everywhere: bool = False) -> Inventory:
        """Read several kinds side by side. everywhere: over all namespaces, whatever was asked for.

        Raises the first error: without a full view nothing can be judged. A kind that is not served has no objects.
        """
        few = 0 < len(self._namespaces) <= FEW and not everywhere
        reads: list[tuple[str, str, str]] = []
        for kind in kinds:
            if kind_of(kind).namespaced:
                reads += [(kind, namespace, "") for namespace in (self._namespaces if few else [""])]
            else:
                reads += [(kind, "", name) for name in (self._named[kind] if few else [""])]
        found = for_all(reads, self._one, CONCURRENCY)
        return Inventory(item for items in found for item in items)

    def events(self, fields: Sequence[str] = ("",)) -> tuple[Object, ...]:
        """The events of the namespaces that match one of the field selectors; none where they may not be read: they
        only explain.
        """
        few = 0 < len(self._namespaces) <= FEW
        reads = [(namespace, field) for namespace in (self._namespaces if few else [""]) for field in fields]
        answers: list[Union[list[dict[str, Any]], PlatformError]] = for_each(
            reads, lambda read: self._session.list(kind_of("Event"), read[0], fields=read[1]), CONCURRENCY
        )
        return tuple(event for found in answers if not isinstance(found, PlatformError) for event in found)

    def _one(self, read: tuple[str, str, str]) -> list[dict[str, Any]]:
        name, namespace, single = read
        kind = kind_of(name)
        if single:
            found = self._session.get(kind, single)
            return [] if found is None else [{"kind": name, "apiVersion": kind.api_version, **found}]
        try:
            return self._session.list(kind, namespace, _SELECTORS.get(name, ""))
        except NotFoundError:
            return []  # the kind is not served: k3k is not installed


def facts_of(inventory: Inventory, keys: Sequence[tuple[Key, str]], events: Sequence[Object] = ()) -> list[Facts]:
    """Sort what was read by cluster. keys: ((namespace, name), policy) of each."""
    pods, claims = (_by_cluster(inventory.of_kind(kind)) for kind in ("Pod", "PersistentVolumeClaim"))
    by_namespace: dict[str, list[Object]] = defaultdict(list)
    for event in events:
        by_namespace[event["metadata"].get("namespace", "")].append(event)
    result = []
    for (namespace, name), policy in keys:
        objects = K3kNames(name)
        result.append(
            Facts(
                name,
                namespace,
                inventory.get("Cluster", name, namespace),
                inventory.get("StatefulSet", objects.server, namespace),
                inventory.get("Deployment", objects.agent, namespace),
                tuple(pods[namespace, name]),
                tuple(claims[namespace, name]),
                tuple(by_namespace[namespace]),
                inventory.get("Namespace", namespace),
                inventory.get("VirtualClusterPolicy", policy) if policy else None,
            )
        )
    return result


def _by_cluster(objects: Iterable[Object]) -> dict[Key, list[Object]]:
    result: dict[Key, list[Object]] = defaultdict(list)
    for item in objects:
        result[item["metadata"].get("namespace", ""), label_of(item, "cluster")].append(item)
    return result
