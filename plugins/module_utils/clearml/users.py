# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Users: find by email over all companies, create, role, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ..core.clearml.answer import DUPLICATE, INVALID_USER_ID, has_reason
from ..core.clearml.tenants import ADMIN_ROLE, User
from ..core.errors import PlatformError
from ..web import create_once
from .session import Caller, Session

#: Emails per lookup: keeps the request small.
_BATCH = 500


@dataclass(frozen=True)
class Identity:
    """Who the server sees behind a caller."""

    user_id: str
    role: str
    company_id: str


def by_email(session: Session, emails: Sequence[str]) -> dict[str, User]:
    """The users with these emails, in whatever company; the answer does not tell which."""
    found: dict[str, User] = {}
    wanted = sorted(set(emails))
    for start in range(0, len(wanted), _BATCH):
        answer = session.read("auth.get_users_info", {"emails": wanted[start : start + _BATCH]})
        for each in (answer.get("users") or {}).values():
            email = str(each.get("email") or "").lower()
            found[email] = User(str(each["id"]), email, str(each.get("role") or ""))
    return found


def who(session: Session, caller: Caller) -> Identity:
    """Ask the server who it sees: proves a pair, and tells the company of a user."""
    user = session.read("users.get_current_user", {}, caller)["user"]
    return Identity(str(user["id"]), str(user.get("role") or ""), str((user.get("company") or {}).get("id") or ""))


def create_admin(session: Session, company: str, name: str, email: str) -> User:
    """Create the administrator that the platform itself uses: hidden (internal) and with the role admin.

    When the email is taken meanwhile (another run, or an answer that got lost), that user is returned; its company is
    filled in, the caller compares it.
    """
    data = {"name": name, "company": company, "email": email, "role": ADMIN_ROLE, "internal": True}

    def taken() -> Optional[User]:
        found = by_email(session, [email]).get(email)
        if found is None:
            return None
        return User(found.id, email, found.role, who(session, Caller(become=found.id)).company_id)

    return create_once(
        lambda: User(str(session.write("auth.create_user", data)["id"]), email, ADMIN_ROLE, company),
        taken,
        lambda error: has_reason(error, DUPLICATE),
    )


def make_admin(session: Session, user: User) -> None:
    """Give a user the role admin."""
    session.read("auth.edit_user", {"user": user.id, "role": ADMIN_ROLE})


def delete(session: Session, user: User) -> None:
    """Delete a user in both places, the profile and the login entry with its email; each alone leaves the other.

    The login entry goes last: by its email the user is found again after a run that was stopped in between.
    """
    for call in ("users.delete", "auth.delete_user"):
        try:
            session.read(call, {"user": user.id})
        except PlatformError as error:
            if not has_reason(error, INVALID_USER_ID):
                raise
