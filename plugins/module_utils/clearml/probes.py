# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The probe C1: what a tenant's own ClearML credentials reach, and what they do not. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..core.clearml.credentials import pair_in
from ..core.clearml.requests import Store
from ..core.errors import AuthError, PlatformError, RemoteError
from ..core.probes import FAILED, PASSED, Finding, ProbeRequest
from . import companies, users
from .session import Caller, Session


class CompanyProbes:
    """Knows the pairs of all probed tenants, so that each is tried against another's company."""

    def __init__(
        self, session: Session, requests: Sequence[ProbeRequest], secrets: Mapping[str, Optional[Mapping[str, Any]]]
    ) -> None:
        """secrets: tenant id -> the Secret with the pair of its agent, or None."""
        self._session = session
        self._names = {company.id: company.name for company in companies.list_all(session)}
        self._callers: dict[str, Caller] = {}
        self._homes: dict[str, users.Identity] = {}
        self._errors: dict[str, PlatformError] = {}
        self._platform = str(session.claims().get("identity", {}).get("user") or "")
        for request in requests:
            pair = pair_in(secrets.get(request.tenant), Store(request.namespace, request.credentials_secret))
            if pair is None:
                continue
            session.learn_secret(pair.secret_key)
            caller = Caller(access_key=pair.access_key, secret_key=pair.secret_key)
            self._callers[request.tenant] = caller
            try:
                self._homes[request.tenant] = users.who(session, caller)
            except PlatformError as error:
                self._errors[request.tenant] = error

    def answer(self, request: ProbeRequest) -> Finding:
        """Try the tenant's credentials at home, at the platform's calls, and in another company."""
        caller = self._callers.get(request.tenant)
        if caller is None:
            return Finding("C1", FAILED, f"no pair in the Secret {request.namespace}/{request.credentials_secret}")
        if request.tenant in self._errors:
            return Finding("C1", FAILED, f"the pair does not work: {self._errors[request.tenant].message}")
        home = self._names.get(self._homes[request.tenant].company_id, "")
        if home != request.company:
            return Finding("C1", FAILED, f"the pair belongs to the company {home!r}, not to {request.company!r}")
        stranger = self._stranger(request.tenant)
        tried = (
            ("list all companies", "system.get_companies", caller),
            (
                "act in another company",
                "users.get_all",
                Caller(act_as=stranger, access_key=caller.access_key, secret_key=caller.secret_key),
            ),
        )
        for what, call, who in tried:
            wrong = self._let_through(call, who)
            if wrong:
                return Finding("C1", FAILED, f"{what}: {wrong}")
        return Finding("C1", PASSED, f"reaches {home} only")

    def _stranger(self, tenant: str) -> str:
        """A user outside the tenant's company: another tenant's, or the platform's own."""
        own = self._homes[tenant].company_id
        others = (home.user_id for home in self._homes.values() if home.company_id != own)
        return next(others, self._platform)

    def _let_through(self, call: str, caller: Caller) -> str:
        """What is wrong: empty when the server refused for want of rights (HTTP 400 or 403 with a reason)."""
        try:
            self._session.read(call, {}, caller)
        except AuthError:
            return ""
        except RemoteError as error:
            return "" if error.status in (400, 403) else f"no clear answer: {error.message}"
        except PlatformError as error:
            return f"no clear answer: {error.message}"
        return "was let through"
