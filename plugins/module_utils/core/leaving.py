# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What each module is asked to remove when a tenant leaves (TEN-9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import names
from .errors import Problems

_ABSENT = {"state": "absent"}


def leaving(
    tenants: Sequence[Mapping[str, Any]], identity: str, confirm: str, company: str = "", admin_email: str = ""
) -> dict[str, Any]:
    """Options of each module that takes part in an offboarding, by part.

    tenants: as declared; the leaving one may still be declared, in any state, or be gone from the file already.
    identity, confirm: the tenant's id, twice. company, admin_email: for a tenant that is gone from the file.
    Raises ConfigError when the confirmation does not repeat the id, or the id cannot be a tenant's.
    """
    problems = Problems()
    if not identity:
        problems.add("tenant_offboard_confirm", confirm, "the id of the tenant to remove with all its data")
    elif confirm != identity:
        problems.add("tenant_offboard_confirm", confirm, f"the id once more, to confirm: {identity}")
    wrong = names.tenant_id_problem(identity) if identity else None
    if wrong:
        problems.add("tenant_offboard_id", identity, wrong)
    declared = next((tenant for tenant in tenants if tenant["id"] == identity), None)
    if declared is None and bool(company) != bool(admin_email):
        problems.add(
            "tenant_offboard_company",
            company,
            "given together with tenant_offboard_admin_email, for a tenant that is not in the tenants file",
        )
    problems.raise_if_any("offboarding")
    namespace = declared["namespace"] if declared else names.namespace_of(identity)
    cluster = declared["cluster"]["name"] if declared else identity
    if declared and declared["clearml"]["enabled"]:
        company, admin_email = declared["clearml"]["company"], declared["clearml"]["admin"]["email"]
    place = {"tenant": identity, "namespace": namespace}
    parts: dict[str, Any] = {
        "still_declared": declared is not None and declared["state"] != "absent",
        "place": place,
        "kubeconfig": {**place, **_ABSENT, "cluster": cluster, "unreachable": "remove"},
        "cluster": {**place, **_ABSENT, "name": cluster, "policy_removal": "always"},
        # Whatever still counts goes with the namespace, right after.
        "quota": {**place, **_ABSENT, "on_reduce": "force"},
        # In check mode the virtual cluster is still there, though it would be removed before.
        "guard": {**place, **_ABSENT, "cluster_absent": True},
    }
    if company:
        admin = {"email": admin_email}
        parts["company_info"] = {"id": identity, "company": company, "admin_email": admin_email}
        parts["company"] = {
            "id": identity, "company": company, "admin": admin, "confirm_name": company, **_ABSENT
        }  # fmt: skip
    return parts
