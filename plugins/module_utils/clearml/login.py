# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Who may log in to a company: by the domain of the email, or by a list of emails."""

from __future__ import annotations

from ..core.clearml.tenants import LoginRules
from .session import Caller, Session


def rules(session: Session, admin_id: str) -> LoginRules:
    """The rules of the company of a user."""
    answer = session.read("login.get_settings", {}, Caller(act_as=admin_id))
    emails = [
        str(entry.get("email") if isinstance(entry, dict) else entry) for entry in answer.get("whitelist_entries") or []
    ]
    domains = [str(domain) for domain in answer.get("domains") or []]
    return LoginRules(_set(domains), _set(emails))


def change(session: Session, admin_id: str, before: LoginRules, after: LoginRules) -> None:
    """Make the rules of a company so; only what differs is sent. Each call may be repeated."""
    caller = Caller(act_as=admin_id)
    if before.domains != after.domains:
        session.read("login.set_domains", {"domains": list(after.domains)}, caller)
    new = sorted(set(after.whitelist) - set(before.whitelist))
    if new:
        session.read("login.add_whitelist_entries", {"emails": new}, caller)
    gone = sorted(set(before.whitelist) - set(after.whitelist))
    if gone:
        session.read("login.remove_whitelist_entries", {"emails": gone}, caller)


def _set(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted({text.lower() for text in texts}))
