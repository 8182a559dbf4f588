# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service tenants (server 3.30 and newer): companies with their hidden administrator, counts and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..registry import SYSTEM, Field, call, required
from ..store import DEFAULT_COMPANY_ID, AuthUser, Company, check_email, new_id
from .credentials import issue
from .login import add_entries
from .routers import live_routers
from .system import new_company
from .times import iso
from .workers import live_workers

if TYPE_CHECKING:
    from ..application import Context


def _tenant(context: Context, company_id: str) -> Company:
    company = context.store.company(company_id)
    if not company.active:
        raise ApiError(400, 10, company=company_id)
    return company


@call(
    "tenants.create_tenant",
    required("name"),
    Field("admin_emails", "strings"),
    Field("domain"),
    Field("max_users", "integer"),
    Field("max_service_users", "integer"),
    roles=SYSTEM,
    edition="tenants",
)
def create_tenant(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a company, its hidden administrator and a pair for it in one go."""
    limits = {"allowed_users": data.get("max_users"), "allowed_service_users": data.get("max_service_users")}
    for email in data.get("admin_emails") or []:
        check_email(email)
    company = new_company(context, data["name"], {name: value for name, value in limits.items() if value is not None})
    add_entries(company, data.get("admin_emails") or [], "admin", context.now)
    company.domains = [data["domain"]] if data.get("domain") else []
    pair = issue(context, _hidden_admin(context, company))
    return {"id": company.id, "credentials": {name: pair[name] for name in ("access_key", "secret_key")}}


@call("tenants.add_tenant_admin_credentials", required("tenant"), roles=SYSTEM, edition="tenants")
def add_tenant_admin_credentials(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Make one more pair for the hidden administrator."""
    pair = issue(context, _hidden_admin(context, _tenant(context, data["tenant"])))
    return {"credentials": {name: pair[name] for name in ("access_key", "secret_key")}}


def _hidden_admin(context: Context, company: Company) -> AuthUser:
    for user in context.store.users_of(company.id):
        if user.internal and user.role == "admin" and user.email == f"tenant-admin@{company.id}.invalid":
            return user
    user = AuthUser(
        new_id(), "Tenant admin", company.id, f"tenant-admin@{company.id}.invalid", "admin", context.now, internal=True
    )
    context.store.add_user(user)
    return user


@call("tenants.get_tenants", roles=SYSTEM, edition="tenants")
def get_tenants(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List all companies that are not deleted."""
    return {
        "tenants": [
            {
                "id": company.id,
                "name": company.name,
                "admin_emails": [entry["email"] for entry in company.whitelist if entry["role"] == "admin"],
                "default_company": company.id == DEFAULT_COMPANY_ID,
            }
            for company in context.store.active_companies()
        ]
    }


@call("tenants.get_tenant_info", required("tenant"), roles=SYSTEM, edition="tenants")
def get_tenant_info(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Count the users and the work of a company."""
    company = _tenant(context, data["tenant"])
    users = [user for user in context.store.users_of(company.id) if not user.internal and not user.service]
    pending = [entry for entry in company.whitelist if entry["email"] not in {user.email for user in users}]
    return {
        "name": company.name,
        "users": {
            "active": [
                {"id": user.id, "name": user.name, "email": user.email, "role": user.role, "created": iso(user.created)}
                for user in users
            ],
            "pending": [{"email": entry["email"], "added": entry["added"]} for entry in pending],
            "max_allowed": company.settings.get("allowed_users"),
        },
        "projects": {"total": _count(context.store.projects, company)},
        "tasks": {"total": _count(context.store.tasks, company)},
        "gpu_types": {},
    }


def _count(documents: dict[str, dict[str, Any]], company: Company) -> int:
    return sum(document["company"] == company.id for document in documents.values())


@call("tenants.get_tenant_resources", required("tenant"), roles=SYSTEM, edition="tenants")
def get_tenant_resources(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Count what runs in a company and what it has."""
    return _resources(context, _tenant(context, data["tenant"]))


def _resources(context: Context, company: Company) -> dict[str, Any]:
    tasks = [task for task in context.store.tasks.values() if task["company"] == company.id]
    return {
        "running": {
            "tasks": sum(task["status"] == "in_progress" for task in tasks),
            "app_tasks": 0,
            "pipeline_tasks": sum(
                task["status"] == "in_progress" and "pipeline" in task["system_tags"] for task in tasks
            ),
            "connected_workers": len(live_workers(context, company.id)),
            "active_routes": sum(len(router["routes"]) for router in live_routers(context, company.id)),
        },
        "totals": {"tasks": len(tasks), "datasets": 0, "dataviews": 0, "hyper_datasets": 0, "reports": 0},
    }


@call(
    "tenants.delete_tenant",
    required("tenant"),
    required("name"),
    Field("force", "boolean"),
    roles=SYSTEM,
    edition="tenants",
)
def delete_tenant(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete softly: the company stays as inactive, its users cannot log in. Answers with the last counts."""
    company = _tenant(context, data["tenant"])
    if data["name"] != company.name:
        raise ApiError(400, 1302, tenant=company.id, name=data["name"])
    if company.id == DEFAULT_COMPANY_ID:
        raise ApiError(400, 1303, "default company", tenant=company.id)
    snapshot = _resources(context, company)
    busy = {name: count for name, count in snapshot["running"].items() if count}
    if busy and not data.get("force"):
        raise ApiError(400, 1301, "use force=true to delete", **busy)
    company.active = False
    context.store.changed("companies", company.id)
    return snapshot
