# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service system and the call that renames a company: what the operator of the platform does with companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import compile_pattern
from ..registry import ADMINS, SYSTEM, Field, call, required
from ..store import Company, check_name, duplicate, new_id
from .queues import new_queue

if TYPE_CHECKING:
    from ..application import Context

#: What system.update_company_settings takes besides the company (Enterprise API reference 2.37).
SETTINGS = (
    Field("allowed_users", "integer"),
    Field("allowed_service_users", "integer"),
    Field("allow_service_user_admins", "boolean"),
    Field("features", "strings"),
    Field("exclude_features", "strings"),
    Field("feature_set", choices=("basic", "advanced")),
    Field("max_running_apps", "integer"),
    Field("admin_access_all_apps", "boolean"),
    Field("app_access_by_owners", "strings"),
    Field("supported_application_ids", "strings"),
    Field("supported_application_categories", "strings"),
    Field("excluded_application_categories", "strings"),
    Field("cookie_options", "object"),
)


def new_company(context: Context, name: str, settings: dict[str, Any]) -> Company:
    """Create a company. Raises ApiError 400/800 for a short name, 400/801 for a taken one where names are unique."""
    check_name(name)
    check_unique(context, name)
    company = Company(new_id(), name, settings=dict(settings))
    context.store.companies[company.id] = company
    context.store.changed("companies", company.id)
    return company


def check_unique(context: Context, name: str) -> None:
    """Raise ApiError 400/801 when the server keeps names unique and this one is taken."""
    if not context.settings["company.unique_names"]:
        return
    freed = context.settings["company.deleted_names_reusable"]
    if any(company.name == name and (company.active or not freed) for company in context.store.companies.values()):
        raise duplicate(name=name)


@call("system.create_company", required("name"), Field("defaults", "object"), roles=SYSTEM, edition="enterprise")
def create_company(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a company; without unique names a second one of the same name."""
    company = new_company(context, data["name"], data.get("defaults") or {})
    queues = []
    if context.settings["applications.queue_mode"] == "per_tenant":
        queues = [new_queue(context, company.id, f"apps_{company.id}", system_tags=["application"])]
    return {"id": company.id, "app_queues": [{"id": queue["id"], "name": queue["name"]} for queue in queues]}


@call("system.get_companies", Field("name"), Field("name_pattern"), roles=SYSTEM, edition="enterprise")
def get_companies(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List companies by name (whatever the case) or by pattern."""
    found = context.store.active_companies()
    if data.get("name"):
        found = [company for company in found if company.name.lower() == data["name"].lower()]
    if data.get("name_pattern"):
        pattern = compile_pattern(data["name_pattern"])
        found = [company for company in found if pattern.search(company.name)]
    return {"companies": [{"id": company.id, "name": company.name} for company in found]}


@call("system.company_info", Field("company"), roles=SYSTEM, edition="enterprise")
def company_info(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Describe one company, deleted ones too."""
    company = context.store.company(data.get("company") or context.identity.company)
    return {
        "id": company.id,
        "name": company.name,
        "active": company.active,
        "defaults": company.settings,
        "services": [],
    }


@call("system.update_company_settings", required("company"), *SETTINGS, roles=SYSTEM, edition="enterprise")
def update_company_settings(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace the given settings; lists are replaced as a whole."""
    company = context.store.company(data["company"])
    company.settings |= {item.name: data[item.name] for item in SETTINGS if data.get(item.name) is not None}
    context.store.changed("companies", company.id)
    return {"updated": 1}


@call("organization.update_company_name", required("new_name"), Field("company"), roles=ADMINS, edition="enterprise")
def update_company_name(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Rename the caller's company, or any company for the platform."""
    if data.get("company") and not context.is_system:
        raise ApiError(400, 13, role=context.identity.role, fields=["company"])
    company = context.store.company(data.get("company") or context.identity.company)
    check_name(data["new_name"])
    if data["new_name"] != company.name:
        check_unique(context, data["new_name"])
    company.name = data["new_name"]
    context.store.changed("companies", company.id)
    return {"updated": 1}
