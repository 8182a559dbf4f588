# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A tenant's company: what must change so that it is as wanted, and when it must not be touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..errors import RefusedError
from ..plan import CHANGE, CREATE, REMOVE, Difference, Plan, Step
from .credentials import CREATE as CREATE_PAIR
from .credentials import KEEP, LOST, ROTATE, Decision, Key, StoredPair, hint
from .requests import DEFAULT_COMPANY_ID, DEFAULTS_AT_CREATION, SET_SETTINGS, CredentialRequest, TenantRequest

COMPANY, SETTINGS, USER, LOGIN, CREDENTIAL = "Company", "CompanySettings", "User", "LoginRules", "Credential"
ADMIN_ROLE = "admin"


@dataclass(frozen=True)
class Company:
    """A company as C(system.get_companies) lists it."""

    id: str
    name: str


@dataclass(frozen=True)
class User:
    """A user as C(auth.get_users_info) shows it. company_id: empty while it was not asked for (that costs a call)."""

    id: str
    email: str
    role: str
    company_id: str = ""


@dataclass(frozen=True)
class LoginRules:
    """Who may log in to a company: the domains and the single emails, both sorted and in lower case."""

    domains: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """What is there for one tenant.

    settings, login: None when they were not read because nothing is wanted of them, or the company does not exist.
    others: emails of people in the company when that was read; None when the server cannot tell.
    """

    company: Optional[Company] = None
    admin: Optional[User] = None
    settings: Optional[Mapping[str, Any]] = None
    login: Optional[LoginRules] = None
    others: Optional[tuple[str, ...]] = None


def company_named(request: TenantRequest, companies: Sequence[Company]) -> Optional[Company]:
    """Find the tenant's company: by id when that is given, else by its exact name.

    Raises RefusedError when the name is not unique, belongs to the default company or differs only by case, or when the
    given id does not exist or has another name.
    """
    if request.company_id:
        found = next((company for company in companies if company.id == request.company_id), None)
        if found is None and request.present:
            raise RefusedError(
                f"There is no ClearML company with the id {request.company_id}.", "Correct or remove company_id."
            )
        if found is not None and found.name != request.company:
            raise RefusedError(
                f"The ClearML company {found.id} is called {found.name!r}, not {request.company!r}.",
                "Set company to the name it has, or rename it in ClearML.",
            )
        return found
    same = [company for company in companies if company.name == request.company]
    if len(same) > 1:
        ids = ", ".join(company.id for company in same)
        raise RefusedError(
            f"{len(same)} ClearML companies are called {request.company!r}: {ids}.",
            "Choose one by company_id, or delete the surplus one. CLEARML__apiserver__company__unique_names=true on the "
            "API server prevents this.",
        )
    if not same:
        _refuse_other_case(request, companies)
        return None
    if same[0].id == DEFAULT_COMPANY_ID:
        raise RefusedError(
            f"The company {request.company!r} is the default company; the platform itself lives there.",
            "Give the tenant a company of its own.",
        )
    return same[0]


def _refuse_other_case(request: TenantRequest, companies: Sequence[Company]) -> None:
    similar = [company.name for company in companies if company.name.lower() == request.company.lower()]
    if similar and request.present:
        raise RefusedError(
            f"There is a ClearML company {similar[0]!r}; {request.company!r} differs only in upper and lower case.",
            f"Set company to {similar[0]!r}, or choose a clearly different name.",
        )


def check_renamed(request: TenantRequest, stored: Sequence[StoredPair], companies: Sequence[Company]) -> None:
    """Raise RefusedError when the tenant's stored pair belongs to a company that exists under another name.

    Without this a rename on either side would make a second company.
    """
    for pair in stored:
        known = next((company for company in companies if pair.company_id and company.id == pair.company_id), None)
        if known is not None:
            raise RefusedError(
                f"Tenant {request.id} has the ClearML company {known.name!r} ({known.id}), not {request.company!r}.",
                f"Set company to {known.name!r}, rename it in ClearML, or delete the Secret with its credential to start "
                "a second company on purpose.",
            )


def check_adoption(request: TenantRequest, observed: Observed, stored: Sequence[StoredPair]) -> str:
    """Decide whether an existing company may be taken over; returns a warning, or an empty string.

    It is ours when C(company_id) names it, our administrator is in it, or a Secret of this tenant belongs to it. Else
    it was left by a run that stopped after its creation, or is someone else's: then it must hold no people.
    Raises RefusedError when it holds some, or when our administrator's email is used in another company.
    """
    company, admin = observed.company, observed.admin
    if admin is not None and admin.company_id and (company is None or admin.company_id != company.id):
        raise RefusedError(
            f"The email {request.admin_email} belongs to a user of another ClearML company ({admin.company_id}).",
            "ClearML has each email once in all companies: give the tenant another admin.email, or remove that user.",
        )
    if company is None or admin is not None or request.company_id == company.id:
        return ""
    if any(pair.company_id == company.id for pair in stored):
        return ""
    if observed.others is None:
        return (
            f"Tenant {request.id} took over the existing company {company.name!r} ({company.id}). This ClearML server "
            "cannot tell whether people are in it."
        )
    if observed.others:
        raise RefusedError(
            f"The ClearML company {company.name!r} ({company.id}) exists already, not made by us, and people are in it: "
            f"{', '.join(observed.others[:5])}.",
            f"Choose another company name, or set company_id to {company.id} to take it over.",
        )
    return ""


def plan_company(request: TenantRequest, observed: Observed) -> Plan:
    """Plan company, settings and administrator."""
    steps: list[Step] = []
    if observed.company is None:
        body = {name: request.settings[name] for name in DEFAULTS_AT_CREATION if name in request.settings}
        steps.append(Step(CREATE, COMPANY, request.company, after={"name": request.company, **body}, body=body))
    steps.extend(_settings_steps(request, observed))
    steps.extend(_admin_steps(request, observed.admin))
    return Plan(request.id, tuple(steps))


def _settings_steps(request: TenantRequest, observed: Observed) -> list[Step]:
    if observed.company is None:
        found: Mapping[str, Any] = {name: request.settings.get(name) for name in DEFAULTS_AT_CREATION}
    elif observed.settings is None:
        return []
    else:
        found = observed.settings
    differences = tuple(
        Difference(name, found.get(name), value)
        for name, value in request.settings.items()
        if not _same_setting(name, value, found.get(name))
    )
    if not differences:
        return []
    body = {difference.path: difference.after for difference in differences}
    before = {difference.path: difference.before for difference in differences}
    return [Step(CHANGE, SETTINGS, request.company, differences=differences, before=before, after=body, body=body)]


def _same_setting(name: str, wanted: Any, found: Any) -> bool:
    if name in SET_SETTINGS:
        # The server leaves empty fields out.
        return sorted(wanted) == sorted(found or ())
    if isinstance(wanted, Mapping):
        return all((found or {}).get(key) == value for key, value in wanted.items())
    return bool(wanted == found)


def _admin_steps(request: TenantRequest, admin: Optional[User]) -> list[Step]:
    after = {"email": request.admin_email, "role": ADMIN_ROLE}
    if admin is None:
        return [Step(CREATE, USER, request.admin_email, after={**after, "name": request.admin_name})]
    if admin.role and admin.role != ADMIN_ROLE:
        difference = Difference("role", admin.role, ADMIN_ROLE)
        before = {"email": request.admin_email, "role": admin.role}
        return [Step(CHANGE, USER, request.admin_email, differences=(difference,), before=before, after=after)]
    return []


def credential_step(request: CredentialRequest, decision: Decision) -> Optional[Step]:
    """The step for one pair, None when it stays. Raises RefusedError when the secret is lost and shall not be replaced."""
    if decision.action == KEEP:
        return None
    if decision.action == LOST:
        raise RefusedError(
            f"Credential {request.label}: {decision.reason}.",
            f"Restore the Secret {request.store} from a backup, or set on_lost_secret=rotate for a new pair.",
        )
    action = CREATE if decision.action == CREATE_PAIR else CHANGE
    after = {"label": request.label, "secret": str(request.store), "rotation_id": request.rotation_id}
    before = {"label": request.label, "secret": str(request.store)} if decision.action == ROTATE else None
    return Step(
        action, CREDENTIAL, request.label, request.store.namespace, before=before, after=after, reason=decision.reason
    )


def plan_login(request: TenantRequest, found: Optional[LoginRules]) -> Plan:
    """Plan the rules who may log in; C(found) is None while the company does not exist."""
    if not request.wants_login_rules:
        return Plan(request.id)
    there = found or LoginRules()
    wanted = LoginRules(
        there.domains if request.domains is None else request.domains,
        there.whitelist if request.whitelist is None else request.whitelist,
    )
    pairs = (("domains", there.domains, wanted.domains), ("whitelist", there.whitelist, wanted.whitelist))
    differences = tuple(Difference(name, list(old), list(new)) for name, old, new in pairs if old != new)
    if not differences:
        return Plan(request.id)
    before = {difference.path: difference.before for difference in differences}
    after = {difference.path: difference.after for difference in differences}
    step = Step(
        CHANGE, LOGIN, request.company, differences=differences, before=before, after=after, body=(there, wanted)
    )
    return Plan(request.id, (step,))


# -- removal -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remains:
    """What is there of a tenant that is to go.

    keys: its administrator's keys at the server. secrets: C(namespace/name) of the Secrets with its pairs.
    running: counts of what runs in the company (C(tenants.get_tenant_resources)); None when the server cannot tell.
    can_delete: the server has C(tenants.delete_tenant).
    """

    company: Optional[Company] = None
    admin: Optional[User] = None
    keys: tuple[Key, ...] = ()
    secrets: tuple[str, ...] = ()
    running: Optional[Mapping[str, int]] = None
    can_delete: bool = True


@dataclass(frozen=True)
class Removal:
    """The plan of a removal and what stays. retained: each with C(what) and C(why)."""

    plan: Plan
    retained: tuple[Mapping[str, str], ...] = field(default=())


def plan_removal(request: TenantRequest, remains: Remains) -> Removal:
    """Plan to take a tenant out of ClearML: its keys, its Secrets, the company, the administrator.

    Raises RefusedError, before anything is removed, for the default company, while something still runs (unless
    forced), and when C(delete_method=api) meets a server that cannot delete companies.
    """
    company = remains.company
    retained: list[Mapping[str, str]] = []
    if company is not None:
        _check_removable(request, company, remains)
    steps = [_revocation(key) for key in remains.keys]
    steps += [
        Step(REMOVE, "Secret", name, namespace, before={"secret": f"{namespace}/{name}"}, reason="its pair was revoked")
        for namespace, _slash, name in (secret.partition("/") for secret in remains.secrets)
    ]
    # The user before the company: a deleted company may keep the email of a user, who then can no longer be found.
    if remains.admin is not None:
        before = {"email": remains.admin.email}
        steps.append(Step(REMOVE, USER, remains.admin.email, before=before, reason="the tenant goes"))
    if company is not None and remains.can_delete and request.delete_method != "jobs":
        before = {"name": company.name, "id": company.id}
        steps.append(Step(REMOVE, COMPANY, company.name, before=before, reason=f"confirmed as {request.confirm_name}"))
        retained.append({"what": f"data of the company {company.name} ({company.id})", "why": _SOFT_DELETE})
    elif company is not None:
        retained.append(
            {"what": f"company {company.name} ({company.id}) with its data", "why": manual_deletion(company)}
        )
    return Removal(Plan(request.id, tuple(steps)), tuple(retained))


def _revocation(key: Key) -> Step:
    label = key.label or hint(key.access_key)
    return Step(REMOVE, CREDENTIAL, label, before={"label": label}, reason="the tenant goes", body=key.access_key)


#: C(tenants.delete_tenant) marks the company as deleted; nothing is erased by it.
_SOFT_DELETE = (
    "ClearML marks a company as deleted and keeps database records and uploaded files; external object storage is never "
    "touched. The vendor's clean-up job erases them."
)


def _check_removable(request: TenantRequest, company: Company, remains: Remains) -> None:
    if company.id == DEFAULT_COMPANY_ID:
        raise RefusedError(f"{company.name!r} is the default company of the server; it is never deleted.")
    busy = {name: count for name, count in (remains.running or {}).items() if count}
    if busy and not request.force:
        shown = ", ".join(f"{name}: {count}" for name, count in sorted(busy.items()))
        raise RefusedError(
            f"Company {company.name!r} is still in use ({shown}); nothing was removed.",
            "Stop its work and uninstall its agent and gateway first (a worker counts until its registration ends), or "
            "set force=true.",
        )
    if request.delete_method == "api" and not remains.can_delete:
        raise RefusedError(
            f"This ClearML server cannot delete companies (no tenants.delete_tenant); {company.name!r} stays.",
            "Use delete_method=auto: it removes the access and tells how the vendor's jobs delete the rest.",
        )


def manual_deletion(company: Company) -> str:
    """How an operator deletes a company on a server without the call. These jobs are never run from here."""
    return (
        "this server has no call for it; the vendor's documented way, which cannot be undone: in the container "
        "clearml-apiserver run 'PYTHONPATH=../trains-server-repo python3 -m "
        f"jobs.management.delete_company_data_from_mongo --id {company.id} --delete-user', then 'python3 -m "
        f"jobs.management.cleanup_deleted_companies --ids {company.id} --delete-company', and remove the directory "
        f"/mnt/fileserver/{company.id} in the container clearml-fileserver"
    )
