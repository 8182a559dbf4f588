# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Who asks: credentials, bearer tokens, and becoming another user."""

from __future__ import annotations

import base64
import hmac
from dataclasses import asdict, dataclass, replace
from email.message import Message
from http.cookies import CookieError, SimpleCookie
from typing import Any

import jwt

from .errors import ApiError
from .registry import ADMINS
from .settings import Profile
from .store import AuthUser, Store, new_id

#: Both spellings of every special header.
_PREFIXES = ("X-Clearml-", "X-Trains-")


@dataclass(frozen=True)
class Identity:
    """The effective user of a call. session: id of the bearer token in use, empty with Basic."""

    user: str
    company: str
    role: str
    user_name: str
    company_name: str
    session: str = ""


def special_header(headers: Message, name: str) -> str | None:
    """Return the value of C(X-Clearml-<name>) or C(X-Trains-<name>)."""
    return next((headers[prefix + name] for prefix in _PREFIXES if headers[prefix + name]), None)


def identity_of(store: Store, user: AuthUser, company_id: str | None = None) -> Identity:
    """Describe a user in its company, or in another one that it joined."""
    company = store.company(company_id or user.company)
    return Identity(user.id, company.id, user.role, user.name, company.name)


class Authenticator:
    """Turns the headers of a request into an L(Identity).

    now: current time in seconds since the epoch, given with each question.
    """

    def __init__(self, store: Store, profile: Profile) -> None:
        self._store = store
        self._profile = profile

    def authenticate(self, headers: Message, remote_address: str, now: float) -> Identity:
        """Check Basic, Bearer or cookie (a header wins) and apply impersonation. Raises ApiError 401 and 400/5, 400/6."""
        authorization = headers["Authorization"] or self._from_cookie(headers)
        if not authorization:
            raise ApiError(401, 20)
        kind, _blank, value = authorization.partition(" ")
        if kind == "Basic":
            caller = self._from_credentials(value, special_header(headers, "Worker") or remote_address, now)
        elif kind == "Bearer":
            caller = self.decode(value, now)
        else:
            raise ApiError(401, 10)
        return self._impersonate(caller, headers)

    def encode(self, identity: Identity, now: float, lifetime: int) -> str:
        """Issue a bearer token with a life of C(lifetime) seconds; the claims are those of the API server 2.3.0."""
        claims = {
            "identity": {key: value for key, value in asdict(identity).items() if key != "session"},
            "iat": int(now),
            "exp": int(now) + lifetime,
            "session_id": new_id(),
            "env": "lab",
            "auth_type": "Bearer",
            "api_version": self._profile.api_version,
            "server_version": self._profile.server_version,
            "server_build": "0",
            "feature_set": self._profile.feature_set,
        }
        return jwt.encode(claims, self._store.signing_key, algorithm="HS256")

    def decode(self, token: str, now: float) -> Identity:
        """Read a bearer token. Raises ApiError 401/30 when it is garbage, expired or logged out, or the user is gone."""
        try:
            claims = jwt.decode(
                token, self._store.signing_key, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.InvalidTokenError as error:
            raise ApiError(401, 30, "invalid jwt token", reason=error) from None
        if claims["exp"] <= now:
            raise ApiError(401, 30, "invalid jwt token", reason="Signature has expired")
        if claims["session_id"] in self._store.ended_sessions:
            raise ApiError(401, 30, "revoked token")
        identity = Identity(**claims["identity"], session=claims["session_id"])
        company = self._store.companies.get(identity.company)
        if identity.user not in self._store.users or company is None or not company.active:
            raise ApiError(401, 30, "invalid user or company")
        return identity

    def _from_cookie(self, headers: Message) -> str:
        try:
            cookie = SimpleCookie(headers["Cookie"] or "").get(self._profile.cookie_name)
        except CookieError:
            return ""
        return f"Bearer {cookie.value}" if cookie and cookie.value else ""

    def _from_credentials(self, value: str, used_from: str, now: float) -> Identity:
        try:
            key, _colon, secret = base64.b64decode(value, validate=True).decode("latin-1").partition(":")
        except ValueError as error:
            raise ApiError(401, 21, str(error)) from None
        located = self._store.locate(key)
        if located is None or not hmac.compare_digest(located[1].secret.encode(), secret.encode()):
            raise ApiError(401, 22, "failed to locate provided credentials")
        user, credential = located
        if credential.expire is not None and credential.expire <= now:
            raise ApiError(401, 22, "failed to locate provided credentials")
        if not self._store.company(user.company).active:
            raise ApiError(401, 22, "invalid user company")
        credential.last_used, credential.last_used_from = now, used_from
        return identity_of(self._store, user)

    def _impersonate(self, caller: Identity, headers: Message) -> Identity:
        become = special_header(headers, "Impersonate-As")
        act_as = special_header(headers, "Act-As")
        if become and act_as:
            raise ApiError(400, 5, "only one allowed", headers=("X-Clearml-Act-As", "X-Clearml-Impersonate-As"))
        wanted = become or act_as
        if not wanted:
            return caller
        if caller.role not in ADMINS:
            raise ApiError(400, 6, "impersonation not allowed", role=caller.role)
        user = self._store.users.get(wanted)
        if not self._crosses_companies(caller.role):
            if user is None or user.company != caller.company:
                raise ApiError(400, 6, "unknown user", id=wanted, company=caller.company)
        elif user is None:
            raise ApiError(400, 6, "unknown user", id=wanted)
        if not self._store.company(user.company).active:
            raise ApiError(400, 6, "unknown company for user", id=wanted, company=user.company)
        effective = replace(identity_of(self._store, user), session=caller.session)
        return replace(effective, role=caller.role) if act_as else effective

    def _crosses_companies(self, role: str) -> bool:
        return role == "root" or (role == "system" and self._profile.system_crosses_companies)


def cookie_header(name: str, token: str, max_age: int) -> tuple[str, str]:
    """Make the C(Set-Cookie) header; an empty token removes the cookie."""
    return "Set-Cookie", f"{name}={token}; Max-Age={max_age}; Path=/; HttpOnly; Secure; SameSite=Lax"


def public_identity(identity: Identity) -> dict[str, Any]:
    """Show an identity without its session."""
    return {key: value for key, value in asdict(identity).items() if key != "session"}
