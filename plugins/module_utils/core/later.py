# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a tenants file may say already, and this version does not do yet.

Everything in the file is checked. What would end as something else than was declared is refused; the rest is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import Problems
from .nested import at

#: Field of a tenant -> the values that can be carried out. Any other would be a lie that cannot be taken back later: a
#: tenant made in another mode, without its own CAs, with data that is lost at a restart, or a key written in the clear.
POSSIBLE: Mapping[str, tuple[Any, ...]] = {
    "state": ("present", "absent"),
    "cluster.mode": ("virtual",),
    "cluster.external_datastore": (None,),
    "cluster.custom_ca": (None,),
    "access.kubeconfig.delivery": ("file",),
    "access.kubeconfig.encrypt_to": ([],),
    # The fence of a tenant's namespace on the host lets only k3k's own pods in.
    "clearml.agent.placement": ("tenant",),
}
#: Fields, with all below them, that are checked and not acted on.
CHECKED_ONLY = (
    "expires",
    "isolation.taint",
    "isolation.wipe_on_offboard",
    "cluster.addons",
    "cluster.registry_mirror",
    "cluster.sync_nodes_prune",
    "cluster.audit",
    "network.ingress_hosts",
    "access.oidc",
    "access.break_glass",
    "clearml.app_gateway.exposure",
    "clearml.metering",
    "registry",
    "security.neuvector_group",
    "backup",
    "cost",
)
#: For people, or used up while the file is read.
INFORMATION = ("display_name", "owner", "tier")
#: The same for C(fleet).
FLEET_CHECKED_ONLY = ("minimum_versions",)


def refuse(tenant: Mapping[str, Any], problems: Problems) -> None:
    """Record what this tenant asks for and this version cannot do. tenant: as C(TenantsFile.to_dict) gives it."""
    for place, possible in POSSIBLE.items():
        value = at(tenant, place, possible[0])
        if value not in possible:
            allowed = " or ".join("nothing" if not choice else str(choice) for choice in possible)
            shown = "a mapping" if isinstance(value, Mapping) else value
            problems.add(f"tenants[{tenant['id']}].{place}", shown, f"{allowed}; this version can do no other yet")


def warnings(tenants: Iterable[Mapping[str, Any]]) -> list[str]:
    """Tell which fields were given a value that nothing acts on yet: one line for each field, with its tenants."""
    # Not at the top: the model of the file takes longest to load, and only this needs it.
    from .tenant import Tenant

    unsaid = Tenant().to_dict()
    found: dict[str, list[str]] = {}
    for tenant in tenants:
        for place in CHECKED_ONLY:
            if at(tenant, place) != at(unsaid, place):
                found.setdefault(place, []).append(str(tenant["id"]))
    return [
        f"{place}: checked, but this version of the collection does not act on it yet ({_few(names)})"
        for place, names in found.items()
    ]


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more"
