# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is there: the server, companies, and what runs in them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..bulk import for_each
from ..core.clearml.answer import RejectedPairError
from ..core.clearml.credentials import (
    LABEL_PURPOSE,
    NOTE_COMPANY,
    SECRETS_SELECTOR,
    StoredPair,
    hint,
    pair_in,
    store_of,
)
from ..core.clearml.queues import Access
from ..core.clearml.tenants import Company, User
from ..core.names import LABEL_TENANT
from ..store import Secret, SecretStore
from . import companies, credentials, login, queues, users
from .access import Doors, missing
from .session import Caller, Session


def server(session: Session) -> dict[str, Any]:
    """Version and edition. feature_set is C(advanced) for Enterprise, C(basic) for the open-source edition."""
    info = session.read("server.info")
    claims = session.claims()
    features = session.read("users.get_current_user", {"get_supported_features": True}).get("supported_features")
    return {
        "version": str(info.get("version") or claims.get("server_version") or ""),
        "build": str(info.get("build") or ""),
        "api_version": str(info.get("api_version") or claims.get("api_version") or ""),
        "feature_set": str(claims.get("feature_set") or ""),
        "features": list(features or []),
        # Only a login shows it, not a token that was made elsewhere.
        "auth_cookie": session.cookie_name,
    }


def inside(session: Session, caller: Caller, subsets: Sequence[str], last_seen: int) -> dict[str, Any]:
    """What is inside one company. subsets: of queues, workers, routers. last_seen: seconds, for workers."""
    found: dict[str, Any] = {}
    if "queues" in subsets:
        found["queues"] = [
            {
                "id": queue.id,
                "name": queue.name,
                "display_name": queue.display_name,
                "tags": sorted(queue.tags),
                "metadata": dict(queue.metadata),
                "waiting": queue.waiting,
            }
            for queue in sorted(queues.list_all(session, caller), key=lambda queue: queue.name)
        ]
    if "workers" in subsets:
        answer = session.read("workers.get_all", {"last_seen": last_seen}, caller)
        found["workers"] = [_worker(each) for each in answer.get("workers") or []]
    if "routers" in subsets:
        answer = session.read("routers.get_task_routers", {}, caller)
        names = ("router", "url", "version", "uptime", "last_update_timestamp", "routes")
        found["routers"] = [{name: each.get(name) for name in names} for each in answer.get("routers") or []]
    return found


def _worker(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(answer["id"]),
        "ip": str(answer.get("ip") or ""),
        "queues": [str(queue.get("name") or queue.get("id")) for queue in answer.get("queues") or []],
        "task": (answer.get("task") or {}).get("id"),
        "last_activity_time": str(answer.get("last_activity_time") or ""),
    }


def all_inside(
    session: Session,
    secrets: Optional[SecretStore],
    accesses: Sequence[Access],
    subsets: Sequence[str],
    last_seen: int,
    concurrency: int,
) -> list[Any]:
    """What is inside each company, side by side; where one cannot be entered its error stands in the list."""
    doors = Doors(session, secrets, accesses)

    def one(access: Access) -> dict[str, Any]:
        caller = doors.open(access)
        if caller is None:
            raise missing(access)
        doors.check(access, caller, "")
        return inside(session, caller, subsets, last_seen)

    return for_each(accesses, one, concurrency)


@dataclass(frozen=True)
class Subject:
    """A tenant to look for: its id, the name that its company should have, its administrator's email or nothing."""

    tenant: str
    company: str
    admin_email: str = ""


class TenantFacts:
    """Companies with what belongs to them. subsets: of settings, login, people, running, credentials."""

    def __init__(
        self, session: Session, secrets: Optional[SecretStore], subsets: Sequence[str], verify: bool = False
    ) -> None:
        """secrets: None when credentials are not asked for. verify: log in with each stored pair."""
        self._session = session
        self._subsets = subsets
        self._verify = verify
        self._companies = companies.list_all(session)
        self._secrets: Sequence[Secret] = secrets.list(SECRETS_SELECTOR) if secrets is not None else ()

    def of_all(self, concurrency: int) -> list[tuple[str, Any]]:
        """Name and facts of every company of the server, whoever's it is."""
        facts = for_each(self._companies, self._of_company, concurrency)
        return [(company.name, each) for company, each in zip(self._companies, facts)]

    def of(self, subjects: Sequence[Subject], concurrency: int) -> list[Any]:
        """Facts about each tenant, in the order of the input; C(exists) tells whether there is a company.

        Where one cannot be read its error stands in the list.
        """
        emails = [subject.admin_email for subject in subjects if subject.admin_email]
        found = users.by_email(self._session, emails) if emails else {}
        return for_each(subjects, lambda subject: self._of_tenant(subject, found.get(subject.admin_email)), concurrency)

    def _of_company(self, company: Company) -> dict[str, Any]:
        notes = [secret["metadata"].get("annotations") or {} for secret in self._secrets]
        own = [secret for secret, note in zip(self._secrets, notes) if note.get(NOTE_COMPANY) == company.id]
        return self._facts(company, own)

    def _of_tenant(self, subject: Subject, admin: Optional[User]) -> dict[str, Any]:
        same = [company for company in self._companies if company.name == subject.company]
        own = [each for each in self._secrets if each["metadata"]["labels"].get(LABEL_TENANT) == subject.tenant]
        facts = self._facts(same[0] if same else None, own)
        if len(same) > 1:
            facts["duplicates"] = [company.id for company in same]
        if subject.admin_email:
            self._add_admin(facts, admin)
        return facts

    def _facts(self, company: Optional[Company], own: Sequence[Secret]) -> dict[str, Any]:
        facts: dict[str, Any] = {"exists": company is not None}
        if company is not None:
            facts["company"] = {"id": company.id, "name": company.name}
            if "settings" in self._subsets:
                facts["settings"] = companies.settings(self._session, company.id)
            if "running" in self._subsets:
                facts["running"] = companies.running(self._session, company.id)
            if "people" in self._subsets:
                facts["people"] = companies.people(self._session, company.id)
        if "credentials" in self._subsets:
            facts["credentials"] = [self._credential(secret) for secret in own]
        return facts

    def _add_admin(self, facts: dict[str, Any], user: Optional[User]) -> None:
        facts["admin"] = None
        if user is None:
            return
        seen = users.who(self._session, Caller(become=user.id))
        facts["admin"] = {"id": user.id, "email": user.email, "role": user.role, "company_id": seen.company_id}
        if "login" in self._subsets and facts["exists"] and seen.company_id == facts["company"]["id"]:
            rules = login.rules(self._session, user.id)
            facts["login"] = {"domains": list(rules.domains), "whitelist": list(rules.whitelist)}

    def _credential(self, secret: Secret) -> dict[str, Any]:
        """What is known of the pair in a Secret."""
        metadata = secret["metadata"]
        pair = pair_in(secret, store_of(secret))
        fact: dict[str, Any] = {
            "purpose": metadata["labels"].get(LABEL_PURPOSE, ""),
            "secret": f"{metadata['namespace']}/{metadata['name']}",
            "complete": pair is not None,
        }
        if pair is not None:
            self._session.learn_secret(pair.secret_key)
            fact.update(
                label=pair.label,
                company_id=pair.company_id,
                rotation_id=pair.rotation_id,
                previous_kept=pair.previous_kept,
                created_at=None if pair.created_at is None else int(pair.created_at),
                access_key_hint=hint(pair.access_key),
            )
            if self._verify:
                fact["valid"] = self._is_valid(pair)
        return fact

    def _is_valid(self, pair: StoredPair) -> bool:
        try:
            owner = credentials.check(self._session, pair.access_key, pair.secret_key)
        except RejectedPairError:
            return False
        return pair.company_id in ("", owner.company_id)
