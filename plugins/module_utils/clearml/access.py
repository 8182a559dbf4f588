# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Into a tenant's company: as which caller, and is it really that company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..core.clearml.credentials import pair_in
from ..core.clearml.queues import Access
from ..core.clearml.tenants import User
from ..core.errors import NotFoundError, RefusedError
from ..store import SecretStore
from . import companies, users
from .session import Caller, Session


class Doors:
    """Opens companies. All administrators are looked up by one call, all companies by another; a store costs one read of its Secret."""

    def __init__(self, session: Session, secrets: Optional[SecretStore], accesses: Sequence[Access]) -> None:
        self._session = session
        self._secrets = secrets
        emails = [access.admin_email for access in accesses if access.admin_email]
        self._users: dict[str, User] = users.by_email(session, emails) if emails else {}
        self._companies: dict[str, str] = {}
        if any(access.company for access in accesses):
            self._companies = {company.id: company.name for company in companies.list_all(session)}

    def open(self, access: Access) -> Optional[Caller]:
        """The caller inside the company; None when there is no such user or Secret (yet).

        With the administrator's email calls keep the platform's own role: in ClearML Enterprise an administrator may not
        change queues without further rights.
        """
        return self._by_pair(access) if access.store else self._by_email(access)

    def check(self, access: Access, caller: Caller, company_id: str) -> None:
        """Raise RefusedError when the caller's company is not C(access.company).

        company_id: what an answer told; when it is empty the server is asked.
        """
        if not access.company:
            return
        name = self._companies.get(company_id or users.who(self._session, caller).company_id, "")
        if name != access.company:
            raise RefusedError(
                f"Tenant {access.tenant}: {access.admin_email or access.store} belongs to the company {name!r}, not to "
                f"{access.company!r}.",
                "Correct company or admin_email.",
            )

    def _by_email(self, access: Access) -> Optional[Caller]:
        user = self._users.get(access.admin_email)
        return None if user is None else Caller(act_as=user.id)

    def _by_pair(self, access: Access) -> Optional[Caller]:
        if self._secrets is None or access.store is None:
            return None
        pair = pair_in(self._secrets.get(access.store.namespace, access.store.name), access.store)
        if pair is None:
            return None
        self._session.learn_secret(pair.secret_key)
        return Caller(access_key=pair.access_key, secret_key=pair.secret_key)


def missing(access: Access) -> NotFoundError:
    """The error for a company that cannot be entered."""
    what = f"no ClearML user {access.admin_email}" if access.admin_email else f"no pair in the Secret {access.store}"
    return NotFoundError(f"Tenant {access.tenant}: there is {what}.", "Create the company with clearml_tenant first.")
