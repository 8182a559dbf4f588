# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wanted of ClearML for each tenant: read from a module's options, all mistakes found at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import names
from ..errors import Problems

#: Shortest name that ClearML takes for a company or a queue (API reference 2.37).
MIN_NAME_LENGTH = 3
#: The company that every installation starts with; the platform's own identities live in it.
DEFAULT_COMPANY_ID = "d1bd92a3b039400cbafc60a7a5b1e52b"

#: Where the agent chart looks for the pair in an existing Secret (clearml-agent chart 5.3.2).
ACCESS_KEY_KEY, SECRET_KEY_KEY = "agentk8sglue_key", "agentk8sglue_secret"

#: What becomes of the pair that was in use before a rotation.
IMMEDIATELY, KEEP_ONE, NEVER = "immediately", "keep_one", "never"
#: What to do when the server has a pair with our label and no Secret holds it.
REPLACE, STOP = "rotate", "fail"
ROTATE_NEVER, ROTATE_ALWAYS, ROTATE_IF_OLDER = "never", "always", "if_older_than"

#: Settings of a company that hold a set: their order means nothing.
SET_SETTINGS = (
    "features",
    "exclude_features",
    "app_access_by_owners",
    "supported_application_ids",
    "supported_application_categories",
    "excluded_application_categories",
)
#: Settings that the server also takes when the company is made.
DEFAULTS_AT_CREATION = ("allowed_users", "features", "exclude_features")

_PURPOSE = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_OBJECT_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")


@dataclass(frozen=True)
class Store:
    """The Kubernetes Secret that keeps a pair, and the two keys inside it."""

    namespace: str
    name: str
    access_key_key: str = ACCESS_KEY_KEY
    secret_key_key: str = SECRET_KEY_KEY

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class CredentialRequest:
    """One wanted pair. label: marks it at the server. max_age_days: for C(rotate=if_older_than)."""

    purpose: str
    label: str
    store: Store
    rotate: str = ROTATE_NEVER
    max_age_days: int = 0
    rotation_id: str = ""
    on_lost_secret: str = REPLACE
    revoke_old: str = KEEP_ONE


@dataclass(frozen=True)
class TenantRequest:
    """One tenant as ClearML shall have it. None for domains and whitelist: leave them as they are.

    settings: only what is asked for, by the names of C(system.update_company_settings).
    """

    id: str
    company: str
    admin_name: str
    admin_email: str
    present: bool = True
    company_id: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    domains: Optional[tuple[str, ...]] = None
    whitelist: Optional[tuple[str, ...]] = None
    credentials: tuple[CredentialRequest, ...] = ()
    confirm_name: str = ""
    force: bool = False
    delete_method: str = "auto"

    @property
    def wants_login_rules(self) -> bool:
        """Whether the rules who may log in are managed."""
        return self.domains is not None or self.whitelist is not None


def default_label(tenant: str, purpose: str) -> str:
    """The label of a pair when none is asked for."""
    return f"ai-tenancy:{tenant}:{purpose}"


def parse_tenants(items: Sequence[Mapping[str, Any]]) -> list[TenantRequest]:
    """Turn the option C(tenants) into requests. Raises ConfigError with every mistake."""
    problems = Problems()
    requests = [_tenant(item, problems) for item in items]
    _check_across(requests, problems)
    problems.raise_if_any("tenants")
    return requests


def _tenant(item: Mapping[str, Any], problems: Problems) -> TenantRequest:
    identity = str(item["id"])
    path = f"tenants[{identity}]"
    allowed = names.tenant_id_problem(identity)
    if allowed:
        problems.add(f"{path}.id", identity, allowed)
    company = str(item["company"])
    _check_name(f"{path}.company", company, problems)
    admin = item.get("admin") or {}
    email = str(admin.get("email") or "").lower()
    if not names.is_email(email):
        problems.add(f"{path}.admin.email", admin.get("email"), "an email address, not used in any other company")
    present = item.get("state", "present") == "present"
    confirm = str(item.get("confirm_name") or "")
    if not present and confirm != company:
        problems.add(f"{path}.confirm_name", confirm, f"the name of the company that is to be deleted: {company}")
    company_id = str(item.get("company_id") or "")
    if company_id and not _OBJECT_ID.fullmatch(company_id):
        problems.add(f"{path}.company_id", company_id, "the id of a ClearML company")
    if company_id == DEFAULT_COMPANY_ID:
        problems.add(f"{path}.company_id", company_id, "not the default company: the platform itself lives there")
    return TenantRequest(
        id=identity,
        company=company,
        admin_name=str(admin.get("name") or f"{identity}-admin"),
        admin_email=email,
        present=present,
        company_id=company_id,
        settings=_settings(item, path, problems),
        domains=_texts(item.get("domains"), f"{path}.domains", names.is_host, names.HOST_ALLOWED, problems),
        whitelist=_texts(item.get("whitelist"), f"{path}.whitelist", names.is_email, "email addresses", problems),
        credentials=_credentials(identity, item.get("credentials") or [], path, problems),
        confirm_name=confirm,
        force=bool(item.get("force")),
        delete_method=str(item.get("delete_method") or "auto"),
    )


def _check_name(path: str, name: str, problems: Problems) -> None:
    if len(name) < MIN_NAME_LENGTH or name != name.strip():
        problems.add(path, name, f"{MIN_NAME_LENGTH} or more characters, no blanks at the ends")


def _settings(item: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    """Collect what is set in C(settings) and in the three fields that stand beside it."""
    given = dict(item.get("settings") or {})
    for name in DEFAULTS_AT_CREATION:
        if item.get(name) is not None:
            given[name] = item[name]
    wanted = {name: value for name, value in given.items() if value is not None}
    if wanted.get("cookie_options"):
        wanted["cookie_options"] = {k: v for k, v in wanted["cookie_options"].items() if v is not None}
    for name in SET_SETTINGS:
        if name in wanted:
            wanted[name] = sorted(set(wanted[name]))
    for name in ("allowed_users", "allowed_service_users", "max_running_apps"):
        if wanted.get(name, 0) < 0:
            problems.add(f"{path}.{name}", wanted[name], "0 or more")
    both = sorted(set(wanted.get("features", [])) & set(wanted.get("exclude_features", [])))
    if both:
        problems.add(f"{path}.exclude_features", ", ".join(both), "features that are not also in 'features'")
    return wanted


def _texts(
    values: Optional[Iterable[Any]], path: str, fits: Any, allowed: str, problems: Problems
) -> Optional[tuple[str, ...]]:
    """A set of lower case texts in a steady order, or None when nothing is said."""
    if values is None:
        return None
    texts = [str(value).lower() for value in values]
    for text in texts:
        if not fits(text):
            problems.add(path, text, allowed)
    return tuple(sorted(set(texts)))


def _credentials(
    tenant: str, items: Sequence[Mapping[str, Any]], path: str, problems: Problems
) -> tuple[CredentialRequest, ...]:
    requests = []
    for item in items:
        purpose = str(item["purpose"])
        place = f"{path}.credentials[{purpose}]"
        if not _PURPOSE.fullmatch(purpose):
            problems.add(f"{place}.purpose", purpose, "1-32 characters of a-z, 0-9 and '-', first a letter")
        rotate, days = str(item.get("rotate") or ROTATE_NEVER), item.get("max_age_days")
        if rotate == ROTATE_IF_OLDER and (days is None or int(days) < 1):
            problems.add(f"{place}.max_age_days", days, f"days, 1 or more, with rotate={ROTATE_IF_OLDER}")
        label = str(item.get("label") or default_label(tenant, purpose))
        if label != label.strip():
            problems.add(f"{place}.label", label, "text without blanks at the ends")
        requests.append(
            CredentialRequest(
                purpose=purpose,
                label=label,
                store=_store(tenant, purpose, item.get("store") or {}, place, problems),
                rotate=rotate,
                max_age_days=int(days or 0),
                rotation_id=str(item.get("rotation_id") or ""),
                on_lost_secret=str(item.get("on_lost_secret") or REPLACE),
                revoke_old=str(item.get("revoke_old") or KEEP_ONE),
            )
        )
    _refuse_twice([(f"{path}.credentials", request.purpose) for request in requests], "each purpose once", problems)
    _refuse_twice([(f"{path}.credentials", request.label) for request in requests], "each label once", problems)
    return tuple(requests)


def _store(tenant: str, purpose: str, item: Mapping[str, Any], path: str, problems: Problems) -> Store:
    store = parse_store(item, f"{path}.store", problems, names.namespace_of(tenant), f"clearml-{purpose}")
    allowed = names.namespace_problem(store.namespace)
    if allowed:
        problems.add(f"{path}.store.namespace", store.namespace, allowed)
    return store


def parse_store(item: Mapping[str, Any], path: str, problems: Problems, namespace: str = "", name: str = "") -> Store:
    """Read where a pair is kept. namespace, name: what counts when the item does not say."""
    plain = Store(namespace, name)
    store = Store(
        str(item.get("namespace") or namespace),
        str(item.get("name") or name),
        str(item.get("access_key_key") or plain.access_key_key),
        str(item.get("secret_key_key") or plain.secret_key_key),
    )
    if not names.is_dns_label(store.namespace):
        problems.add(f"{path}.namespace", store.namespace, names.DNS_LABEL_ALLOWED)
    if not names.is_dns_subdomain(store.name):
        problems.add(f"{path}.name", store.name, names.DNS_SUBDOMAIN_ALLOWED)
    for field_name in ("access_key_key", "secret_key_key"):
        value = getattr(store, field_name)
        if not _DATA_KEY.fullmatch(value):
            problems.add(f"{path}.{field_name}", value, "a key of a Secret: letters, digits, '-', '_', '.'")
    if store.access_key_key == store.secret_key_key:
        problems.add(f"{path}.secret_key_key", store.secret_key_key, "another key than access_key_key")
    return store


def _check_across(requests: Sequence[TenantRequest], problems: Problems) -> None:
    """What must be unique over all tenants. The server looks for companies whatever the case of their names."""
    _refuse_twice([("tenants.id", request.id) for request in requests], "each tenant once", problems)
    companies = [("tenants.company", request.company.lower()) for request in requests]
    _refuse_twice(companies, "a company of its own for each tenant, whatever the case", problems)
    emails = [("tenants.admin.email", request.admin_email) for request in requests if request.admin_email]
    _refuse_twice(emails, "an email of its own for each tenant: ClearML has each email once in all companies", problems)
    stores = [("tenants.credentials.store", str(each.store)) for request in requests for each in request.credentials]
    _refuse_twice(stores, "a Secret of its own for each pair", problems)
    domains = [("tenants.domains", domain) for request in requests for domain in request.domains or ()]
    _refuse_twice(domains, "each domain in one company only: the server cannot decide otherwise", problems)
    listed = [("tenants.whitelist", email) for request in requests for email in request.whitelist or ()]
    _refuse_twice(listed, "each email in one company only: the server cannot decide otherwise", problems)


def _refuse_twice(values: Sequence[tuple[str, str]], allowed: str, problems: Problems) -> None:
    seen: set[tuple[str, str]] = set()
    for path, value in values:
        if (path, value) in seen:
            problems.add(path, value, allowed)
        seen.add((path, value))
