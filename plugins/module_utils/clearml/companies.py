# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Companies: list, create without making two, settings, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..core.clearml.answer import DUPLICATE, INVALID_ID, NoSuchCallError, has_reason
from ..core.clearml.tenants import Company
from ..core.errors import PlatformError, RefusedError
from ..core.web import unclear
from ..web import create_once
from .session import Session


def list_all(session: Session) -> list[Company]:
    """All companies, in one call. Raises RefusedError on a server that has only one (open-source edition)."""
    return _listed(session, {})


def _listed(session: Session, data: Mapping[str, Any]) -> list[Company]:
    try:
        answer = session.read("system.get_companies", data)
    except NoSuchCallError as error:
        raise RefusedError(
            f"{session.url} has no companies: it is not ClearML Enterprise.", "Tenants need the Enterprise edition."
        ) from error
    # Deleted ones are marked, should they be listed at all.
    living = [each for each in answer.get("companies") or [] if each.get("active", True)]
    return [Company(str(each["id"]), str(each.get("name", ""))) for each in living]


def named(session: Session, name: str) -> list[Company]:
    """The companies with exactly this name; the server itself does not look at the case."""
    return [company for company in _listed(session, {"name": name}) if company.name == name]


def create(session: Session, name: str, defaults: Mapping[str, Any]) -> Company:
    """Create a company, and only one: after an unclear answer the server is asked whether it was made.

    Call it only when no company has the name. defaults: C(allowed_users), C(features), C(exclude_features).
    Raises RefusedError when two runs made two at once on a server that allows equal names.
    """
    data: dict[str, Any] = {"name": name}
    if defaults:
        data["defaults"] = dict(defaults)
    made = create_once(
        lambda: Company(str(session.write("system.create_company", data)["id"]), name),
        lambda: next(iter(named(session, name)), None),
        lambda error: has_reason(error, DUPLICATE),
    )
    found = named(session, name)
    if len(found) > 1:
        ids = ", ".join(company.id for company in found)
        raise RefusedError(
            f"Two runs at once created the ClearML company {name!r}: {ids}.",
            "Delete one of them. CLEARML__apiserver__company__unique_names=true on the API server prevents this.",
        )
    return found[0] if found else made


def settings(session: Session, company: str) -> dict[str, Any]:
    """The settings of a company, by the names of C(system.update_company_settings)."""
    info = session.read("system.company_info", {"company": company})
    return dict(info.get("defaults") or {})


def change_settings(session: Session, company: str, changes: Mapping[str, Any]) -> None:
    """Set some settings; the same twice is the same."""
    session.read("system.update_company_settings", {"company": company, **changes})


def running(session: Session, company: str) -> Optional[dict[str, int]]:
    """Counts of what runs in a company (tasks, connected_workers, active_routes ...); None on servers before 3.30."""
    try:
        answer = session.read("tenants.get_tenant_resources", {"tenant": company})
    except NoSuchCallError:
        return None
    return {name: int(count) for name, count in (answer.get("running") or {}).items()}


def people(session: Session, company: str) -> Optional[tuple[str, ...]]:
    """Emails of the people in a company and of those invited; None on servers before 3.30."""
    try:
        users = session.read("tenants.get_tenant_info", {"tenant": company}).get("users") or {}
    except NoSuchCallError:
        return None
    entries = [*(users.get("active") or []), *(users.get("pending") or [])]
    return tuple(str(entry.get("email") or entry.get("name") or entry.get("id")) for entry in entries)


def delete(session: Session, company: Company, force: bool) -> None:
    """Mark a company as deleted. After an unclear answer the list tells whether it happened."""
    try:
        session.write("tenants.delete_tenant", {"tenant": company.id, "name": company.name, "force": force})
    except PlatformError as error:
        if not unclear(error) and not has_reason(error, INVALID_ID):
            raise
        if any(other.id == company.id for other in list_all(session)):
            raise
