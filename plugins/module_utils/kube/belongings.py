# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Collect what belongs to tenants on the host cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..bulk import for_all
from ..core.belongings import K3K_BINDINGS, LABELLED_KINDS, NAMESPACED_KINDS, Belonging, belongings
from ..core.errors import NotFoundError
from ..core.names import LABEL_TENANT
from .kinds import Kind, kind_of
from .session import CONCURRENCY, Session


def collect(session: Session, tenants: Sequence[tuple[str, str]]) -> list[list[Belonging]]:
    """What belongs to each tenant; tenants: (id, namespace). One LIST per kind and namespace, side by side."""
    reads: list[tuple[Kind, str, str]] = [
        (kind_of(name), "", f"{LABEL_TENANT} in ({','.join(sorted(tenant for tenant, _home in tenants))})")
        for name in LABELLED_KINDS
    ]
    reads += [(kind_of(name), home, "") for _tenant, home in tenants for name in NAMESPACED_KINDS]
    reads.append((kind_of("PersistentVolume"), "", ""))
    found = for_all(reads, lambda read: _list(session, *read), CONCURRENCY)
    objects: list[Mapping[str, Any]] = [item for items in found for item in items]
    for name, home in [("Namespace", home) for _tenant, home in tenants] + [
        ("ClusterRoleBinding", binding) for binding in K3K_BINDINGS
    ]:
        single = session.get(kind_of(name), home)
        if single is not None:
            objects.append({"kind": name, **single})
    return [belongings(tenant, home, objects) for tenant, home in tenants]


def _list(session: Session, kind: Kind, namespace: str, labels: str) -> list[dict[str, Any]]:
    try:
        return session.list(kind, namespace, labels)
    except NotFoundError:
        # The kind itself is not served (k3k's definitions are gone): nothing of it can exist.
        return []
