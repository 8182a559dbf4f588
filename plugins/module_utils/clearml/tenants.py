# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring the companies of many tenants to their wanted state.

Per run: one login, one list of companies, one look-up of all administrators, one LIST of all Secrets with pairs. Per
unchanged tenant: one call that proves its stored pairs (each), and one more where settings or login rules are managed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from ..bulk import for_each
from ..core.clearml import tenants as core
from ..core.clearml.credentials import SECRETS_SELECTOR, StoredPair
from ..core.clearml.requests import TenantRequest
from ..core.clearml.tenants import Company, Observed, User
from ..core.errors import PlatformError
from ..core.names import LABEL_TENANT
from ..core.plan import Step
from ..core.result import Outcome
from ..store import SecretStore
from . import companies, credentials, login, users
from .pairs import Pairs
from .session import Caller, Session


@dataclass(frozen=True)
class View:
    """What was read once for all tenants. secrets: by (namespace, name); empty when no pairs are managed."""

    companies: Sequence[Company]
    users: Mapping[str, User]
    secrets: Mapping[tuple[str, str], Mapping[str, Any]]

    def secrets_of(self, tenant: str) -> list[Mapping[str, Any]]:
        """The Secrets with pairs of one tenant."""
        return [secret for secret in self.secrets.values() if secret["metadata"]["labels"].get(LABEL_TENANT) == tenant]


class Tenants:
    """Creates, changes and removes what ClearML has for a tenant.

    secrets: where pairs are kept, None when the requests name none. verify: prove each stored pair by a call.
    now: the present time in seconds since the epoch.
    """

    def __init__(
        self,
        session: Session,
        secrets: Optional[SecretStore],
        now: Callable[[], float],
        check_mode: bool = False,
        verify: bool = True,
    ) -> None:
        self.session = session
        self.secrets = secrets
        self.now = now
        self.check_mode = check_mode
        self.verify = verify

    def converge(self, requests: Sequence[TenantRequest], concurrency: int) -> list[Outcome]:
        """Do all tenants side by side, each in order; outcomes in the order of the requests."""
        view = self._view(requests)
        outcomes = [Outcome() for _request in requests]

        def one(work: tuple[TenantRequest, Outcome]) -> None:
            request, outcome = work
            try:
                (_Presence if request.present else _Removal)(self, request, view, outcome).run()
            except PlatformError as error:
                outcome.error = error

        for_each(list(zip(requests, outcomes)), one, concurrency)
        return outcomes

    def _view(self, requests: Sequence[TenantRequest]) -> View:
        found = companies.list_all(self.session)
        admins = users.by_email(self.session, [request.admin_email for request in requests])
        kept = [] if self.secrets is None else self.secrets.list(SECRETS_SELECTOR)
        by_name = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in kept}
        return View(found, admins, by_name)


class _Work:
    """One tenant of a run."""

    def __init__(self, parent: Tenants, request: TenantRequest, view: View, outcome: Outcome) -> None:
        self._parent = parent
        self._session = parent.session
        self._request = request
        self._view = view
        self._outcome = outcome

    def _do(self, step: Step, action: Callable[[], Any]) -> None:
        """Carry a step out, unless in check mode, and note it as done."""
        if not self._parent.check_mode:
            action()
        self._outcome.steps.append(step)

    def _with_company(self, admin: Optional[User]) -> Optional[User]:
        """The administrator with the company it is in; costs a call when that is not known yet."""
        if admin is None or admin.company_id:
            return admin
        return replace(admin, company_id=users.who(self._session, Caller(become=admin.id)).company_id)


class _Presence(_Work):
    """Makes one tenant as wanted."""

    def run(self) -> None:
        request, view = self._request, self._view
        admin = view.users.get(request.admin_email)
        company = core.company_named(request, view.companies)
        if company is None and admin is not None:
            # Another run may have made both between our two looks.
            company = core.company_named(request, companies.list_all(self._session))
        pairs = Pairs(self._parent, request, view.secrets, self._outcome)
        if company is None:
            core.check_renamed(request, pairs.stored(), view.companies)
        owner = pairs.examine(company, admin)
        if admin is not None:
            admin = self._with_company(replace(admin, company_id=owner))
        observed = self._observe(company, admin, pairs.stored())
        warning = core.check_adoption(request, observed, pairs.stored())
        if warning:
            self._outcome.warnings.append(warning)
        # Everything that can be refused is refused before the first write.
        pairs.decide(admin)
        for step in core.plan_company(request, observed).steps:
            company, admin = self._carry_out(step, company, admin)
        if company is not None:
            self._outcome.values["company"] = {"id": company.id, "name": company.name}
        if admin is not None:
            self._outcome.values["admin"] = {"id": admin.id, "email": admin.email}
        pairs.provide(company, admin)
        for step in core.plan_login(request, observed.login).steps:
            self._login_rules(step, admin)

    def _observe(self, company: Optional[Company], admin: Optional[User], stored: Sequence[StoredPair]) -> Observed:
        if company is None:
            return Observed(admin=admin)
        request = self._request
        observed = Observed(company, admin)
        ours = admin is not None or request.company_id or any(pair.company_id == company.id for pair in stored)
        if not ours:
            observed = replace(observed, others=companies.people(self._session, company.id))
        if request.settings:
            observed = replace(observed, settings=companies.settings(self._session, company.id))
        if request.wants_login_rules and admin is not None and admin.company_id == company.id:
            observed = replace(observed, login=login.rules(self._session, admin.id))
        return observed

    def _carry_out(
        self, step: Step, company: Optional[Company], admin: Optional[User]
    ) -> tuple[Optional[Company], Optional[User]]:
        request = self._request
        if self._parent.check_mode:
            self._outcome.steps.append(step)
            return company, admin
        if step.kind == core.COMPANY:
            company = companies.create(self._session, request.company, step.body)
        elif step.kind == core.SETTINGS and company is not None:
            companies.change_settings(self._session, company.id, step.body)
        elif step.kind == core.USER and company is not None:
            if admin is None:
                admin = users.create_admin(self._session, company.id, request.admin_name, request.admin_email)
                core.check_adoption(request, Observed(company, admin), ())
            else:
                users.make_admin(self._session, admin)
        self._outcome.steps.append(step)
        return company, admin

    def _login_rules(self, step: Step, admin: Optional[User]) -> None:
        before, after = step.body

        def change() -> None:
            if admin is not None:
                login.change(self._session, admin.id, before, after)

        self._do(step, change)


class _Removal(_Work):
    """Takes one tenant out of ClearML."""

    def run(self) -> None:
        request = self._request
        company = core.company_named(request, self._view.companies)
        admin = self._own_admin(company)
        secrets = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in self._secrets()]
        running = None if company is None else companies.running(self._session, company.id)
        remains = core.Remains(
            company=company,
            admin=admin,
            keys=credentials.key_ring(self._session, admin.id).keys if admin else (),
            secrets=tuple(secrets),
            running=running,
            can_delete=running is not None,
        )
        removal = core.plan_removal(request, remains)
        self._outcome.values["retained"] = list(removal.retained)
        for step in removal.plan.steps:
            self._do(step, self._action(step, company, admin))

    def _secrets(self) -> list[Mapping[str, Any]]:
        return self._view.secrets_of(self._request.id) if self._parent.secrets else []

    def _own_admin(self, company: Optional[Company]) -> Optional[User]:
        """The tenant's administrator; None when the email belongs to a user of another, living company."""
        admin = self._with_company(self._view.users.get(self._request.admin_email))
        if admin is None or (company is not None and admin.company_id == company.id):
            return admin
        others = {other.id for other in self._view.companies} - {company.id if company else ""}
        if admin.company_id not in others:
            return admin
        self._outcome.warnings.append(
            f"The email {admin.email} belongs to a user of another company ({admin.company_id}); that user stays."
        )
        return None

    def _action(self, step: Step, company: Optional[Company], admin: Optional[User]) -> Callable[[], Any]:
        if step.kind == core.CREDENTIAL and admin is not None:
            return lambda: credentials.revoke(self._session, admin.id, step.body)
        if step.kind == core.USER and admin is not None:
            return lambda: users.delete(self._session, admin)
        if step.kind == core.COMPANY and company is not None:
            return lambda: companies.delete(self._session, company, self._request.force)
        return lambda: self._delete_secret(step)

    def _delete_secret(self, step: Step) -> None:
        if self._parent.secrets is not None:
            self._parent.secrets.delete(step.namespace, step.name)
