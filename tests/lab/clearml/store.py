# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Everything the server knows: in memory, and in a database so that a restart loses nothing."""

from __future__ import annotations

import re
import secrets
import string
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .database import Database
from .errors import ApiError

#: The company that every installation starts with, and its id (open-source API server 2.3.0).
DEFAULT_COMPANY_ID = "d1bd92a3b039400cbafc60a7a5b1e52b"
DEFAULT_COMPANY_NAME = "clearml"

#: Identities that the server's configuration creates, with their roles; the first is the platform's credential.
CONFIGURED_USERS = {
    "__apiserver__": "system",
    "__fileserver__": "system",
    "__webserver__": "system",
    "__services_agent__": "admin",
    "__tests__": "user",
}

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
MIN_NAME_LENGTH = 3


@dataclass
class Company:
    """A tenant. active: false after a soft delete. settings: what system.update_company_settings takes."""

    id: str
    name: str
    active: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)
    whitelist: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Credential:
    """An access key and its secret. Times are seconds since the epoch; expire None: never."""

    key: str
    secret: str
    label: str | None = None
    last_used: float | None = None
    last_used_from: str | None = None
    expire: float | None = None


@dataclass
class AuthUser:
    """The login side of a user. protected: made by the server's configuration. tenants: further companies joined."""

    id: str
    name: str
    company: str
    email: str
    role: str
    created: float
    internal: bool = False
    protected: bool = False
    service: bool = False
    allow_running_as_owner: bool = False
    tenants: list[str] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)


def new_id() -> str:
    """Make an object id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def new_credential(label: str | None = None, expire: float | None = None) -> Credential:
    """Make a pair of the real shape: key of 30 capital letters and digits, secret of 67 base64url characters."""
    key = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _position in range(30))
    return Credential(key, secrets.token_urlsafe(50), label, expire=expire)


def check_name(name: str) -> None:
    """Raise ApiError 400/800 for a name that the database refuses."""
    if len(name) < MIN_NAME_LENGTH:
        raise ApiError(400, 800, name="String value is too short")


def check_email(email: str) -> None:
    """Raise ApiError 400/800 for text that is not an email address."""
    if not _EMAIL.fullmatch(email):
        raise ApiError(400, 800, email=f"Invalid email address: {email}")


def duplicate(**values: str) -> ApiError:
    """Make the refusal of a value that must be unique (400/801)."""
    return ApiError(400, 801, "unique field already contains this value", **values)


class Store:
    """The state. Not thread-safe: the application calls it under one lock.

    users: login entries by id. people: profile entries by id; the two lives are separate, as in the real server.
    queues, tasks, projects: documents by id, each with the key C(company).
    ended_sessions: bearer tokens that were logged out, by session id. keys: what the server signs with.
    workers, routers, events: reports of running parts, forgotten at a restart.
    revision: grows with every change, so that the request log can tell reads from writes.
    """

    _KEPT = ("companies", "users", "people", "queues", "tasks", "projects", "ended_sessions", "keys")

    def __init__(self, directory: Path) -> None:
        self.revision = 0
        self.companies: dict[str, Company] = {}
        self.users: dict[str, AuthUser] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.queues: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.projects: dict[str, dict[str, Any]] = {}
        self.ended_sessions: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, str]] = {}
        self.workers: dict[tuple[str, str], dict[str, Any]] = {}
        self.routers: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self._user_of_key: dict[str, str] = {}
        self._unsaved: set[tuple[str, str]] = set()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = Database(directory / "state.db")
        self._load()

    @property
    def signing_key(self) -> str:
        """The key that bearer tokens are signed with."""
        return self.keys["tokens"]["secret"]

    def changed(self, collection: str, key: str) -> None:
        """Note that an entry of a collection is new, different or gone."""
        self.revision += 1
        if collection in self._KEPT:
            self._unsaved.add((collection, key))

    def seed(self, access_key: str, secret_key: str, now: float) -> None:
        """Create the default company and the configured identities, and give the platform its credential."""
        if "tokens" not in self.keys:
            self.keys["tokens"] = {"secret": secrets.token_hex(32)}
            self.changed("keys", "tokens")
        if DEFAULT_COMPANY_ID not in self.companies:
            self.companies[DEFAULT_COMPANY_ID] = Company(DEFAULT_COMPANY_ID, DEFAULT_COMPANY_NAME)
            self.changed("companies", DEFAULT_COMPANY_ID)
            for user_id, role in CONFIGURED_USERS.items():
                email = f"{user_id}@example.com"
                user = AuthUser(user_id, user_id, DEFAULT_COMPANY_ID, email, role, now, internal=True, protected=True)
                self.add_user(user)
        platform = self.users[next(iter(CONFIGURED_USERS))]
        self._user_of_key = {key: user for key, user in self._user_of_key.items() if user != platform.id}
        platform.credentials = []
        self.add_credential(platform, Credential(access_key, secret_key))
        self.save()

    # companies

    def company(self, company_id: str | None) -> Company:
        """Return a company, deleted ones too. Raises ApiError 400/10."""
        found = self.companies.get(company_id or "")
        if found is None:
            raise ApiError(400, 10, company=company_id)
        return found

    def active_companies(self) -> list[Company]:
        """List all companies that are not deleted."""
        return [company for company in self.companies.values() if company.active]

    # users and credentials

    def add_user(self, user: AuthUser) -> None:
        """Add both sides of a new user."""
        self.users[user.id] = user
        self.people[user.id] = {"id": user.id, "name": user.name, "company": user.company, "created": user.created}
        self.changed("users", user.id)
        self.changed("people", user.id)

    def remove_auth_user(self, user: AuthUser) -> None:
        """Forget the login side of a user with all its credentials."""
        for credential in list(user.credentials):
            self.remove_credential(user, credential)
        del self.users[user.id]
        self.changed("users", user.id)

    def users_of(self, company_id: str) -> list[AuthUser]:
        """List the login entries of a company."""
        return [user for user in self.users.values() if user.company == company_id]

    def add_credential(self, user: AuthUser, credential: Credential) -> None:
        """Give a user one more pair."""
        user.credentials.append(credential)
        self._user_of_key[credential.key] = user.id
        self.changed("users", user.id)

    def remove_credential(self, user: AuthUser, credential: Credential) -> None:
        """Take a pair away; tokens that were issued with it stay valid."""
        user.credentials.remove(credential)
        del self._user_of_key[credential.key]
        self.changed("users", user.id)

    def locate(self, access_key: str) -> tuple[AuthUser, Credential] | None:
        """Find the owner of an access key."""
        user = self.users.get(self._user_of_key.get(access_key, ""))
        if user is None:
            return None
        return user, next(credential for credential in user.credentials if credential.key == access_key)

    def secrets(self) -> list[str]:
        """List every secret that must not appear in a log."""
        return [item.secret for user in self.users.values() for item in user.credentials] + [self.signing_key]

    # the database

    def save(self) -> None:
        """Write what has changed since the last time."""
        if self._unsaved:
            self._database.write(
                [(collection, key, self._document(collection, key)) for collection, key in self._unsaved]
            )
            self._unsaved.clear()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _document(self, collection: str, key: str) -> dict[str, Any] | None:
        entry = getattr(self, collection).get(key)
        return asdict(entry) if isinstance(entry, (Company, AuthUser)) else entry

    def _load(self) -> None:
        for collection, key, document in self._database.load():
            if collection == "companies":
                self.companies[key] = Company(**document)
            elif collection == "users":
                pairs = [Credential(**pair) for pair in document.pop("credentials")]
                self.users[key] = AuthUser(**document, credentials=pairs)
                self._user_of_key.update({pair.key: key for pair in pairs})
            else:
                getattr(self, collection)[key] = document
