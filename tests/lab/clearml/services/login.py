# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service login: who may enter a company by the domain of an email or by a list of emails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..registry import ADMINS, OPEN, SYSTEM, Field, call
from ..store import Company, check_email
from .auth import ASSIGNABLE_ROLES
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)


@call("login.supported_modes", Field("tenant"), roles=OPEN)
def supported_modes(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Tell how users may log in."""
    answer: dict[str, Any] = {
        "authenticated": context.caller is not None,
        "basic": {"enabled": False, "guest": {"enabled": False}},
        "sso": {},
        "sso_providers": [],
    }
    if context.profile.enterprise:
        return answer | {"tenant_login": False, "free_signup": False}
    return answer | {"server_errors": {"missed_es_upgrade": False, "es_connection_error": False}}


@call("login.get_settings", roles=ADMINS, edition="enterprise")
def get_settings(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Show the login rules of the caller's company."""
    return {"domains": context.company.domains, "whitelist_entries": context.company.whitelist}


@call("login.set_domains", Field("domains", "strings"), roles=ADMINS, edition="enterprise")
def set_domains(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace the domains of the caller's company."""
    domains = data.get("domains") or []
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            raise ApiError(400, 23, domain=domain)
    context.company.domains = list(domains)
    context.store.changed("companies", context.company.id)
    return {}


@call(
    "login.add_whitelist_entries",
    Field("emails", "strings"),
    Field("role", choices=ASSIGNABLE_ROLES),
    Field("is_admin", "boolean"),
    roles=ADMINS,
    edition="enterprise",
)
def add_whitelist_entries(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Let emails into the caller's company; answers with those that were not there yet."""
    role = data.get("role") or ("admin" if data.get("is_admin") else "user")
    added = add_entries(context.company, data.get("emails") or [], role, context.now)
    if added:
        context.store.changed("companies", context.company.id)
    return {"added": added}


def add_entries(company: Company, emails: list[str], role: str, now: float) -> list[str]:
    """Add what is missing to a company's list and return it. Raises ApiError 400/800."""
    for email in emails:
        check_email(email)
    present = {entry["email"] for entry in company.whitelist}
    added = [email for email in dict.fromkeys(emails) if email not in present]
    company.whitelist += [{"email": email, "role": role, "added": iso(now)} for email in added]
    return added


@call("login.remove_whitelist_entries", Field("emails", "strings"), roles=ADMINS, edition="enterprise")
def remove_whitelist_entries(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take emails off the list of the caller's company; answers with those that were on it."""
    company = context.company
    asked = set(data.get("emails") or [])
    removed = [entry["email"] for entry in company.whitelist if entry["email"] in asked]
    if removed:
        company.whitelist = [entry for entry in company.whitelist if entry["email"] not in asked]
        context.store.changed("companies", context.company.id)
    return {"removed": removed}


@call("login.get_whitelist", Field("domain"), Field("email"), roles=SYSTEM, edition="enterprise")
def get_whitelist(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Find the entries of all companies by email or domain."""
    entries = [
        {"company": company.id, **entry}
        for company in context.store.active_companies()
        for entry in company.whitelist
        if data.get("email") in (None, entry["email"])
        and (data.get("domain") is None or entry["email"].endswith("@" + data["domain"]))
    ]
    return {"entries": entries}
