# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service auth: tokens and login entries (its credentials are in C(credentials))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..identity import Identity, cookie_header, identity_of, special_header
from ..registry import ADMINS, OPEN, SYSTEM, Field, call, required
from ..store import AuthUser, Company, check_email, duplicate, new_id
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

#: Roles that the model of a user accepts (open-source API server 2.3.0).
ROLES = ("system", "root", "admin", "superuser", "user", "annotator", "guest")
#: Roles that a tenant's administrator may give.
ASSIGNABLE_ROLES = ("admin", "superuser", "user", "annotator", "guest")


@call("auth.login", Field("expiration_sec", "integer"), Field("set_cookie", "boolean"))
def login(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Issue a bearer token, also as a cookie; with the tenant header for another company that the user joined."""
    lifetime = _lifetime(context, data)
    identity = context.identity
    tenant = special_header(context.headers, "Tenant")
    if tenant and tenant != identity.company:
        user = context.store.users[identity.user]
        if tenant not in user.tenants or not context.store.company(tenant).active:
            raise ApiError(400, 10, company=tenant)
        identity = identity_of(context.store, user, tenant)
    token = context.authenticator.encode(identity, context.now, lifetime)
    if not context.profile.enterprise or data.get("set_cookie", True):
        context.answer_headers.append(cookie_header(context.profile.cookie_name, token, lifetime))
    return {"token": token}


def _lifetime(context: Context, data: dict[str, Any]) -> int:
    lifetime: int | None = data.get("expiration_sec")
    maximum: int = context.settings["tokens.max_expiration_sec"]
    if lifetime is None:
        return min(int(context.settings["tokens.default_expiration_sec"]), maximum)
    if lifetime > maximum:
        text = f"'{lifetime}' is bigger than maximum ('{maximum}').."
        raise ApiError(400, 12, f"error for field 'expiration_sec': {text}")
    return lifetime


@call("auth.logout")
def logout(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """End the session of the bearer token in use, and take the cookie back."""
    if context.identity.session:
        context.store.ended_sessions[context.identity.session] = {"user": context.identity.user}
        context.store.changed("ended_sessions", context.identity.session)
    context.answer_headers.append(cookie_header(context.profile.cookie_name, "", 0))
    return {}


@call("auth.get_token_for_user", required("user"), Field("company"), Field("expiration_sec", "integer"), roles=SYSTEM)
def get_token_for_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Issue a token for any user."""
    user = context.user(data["user"])
    if data.get("company") not in (None, user.company, *user.tenants):
        raise ApiError(400, 301, id=user.id, company=data["company"])
    identity = identity_of(context.store, user, data.get("company"))
    return {"token": context.authenticator.encode(identity, context.now, _lifetime(context, data))}


@call("auth.validate_token", required("token"), roles=SYSTEM)
def validate_token(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Tell whether a token is good, and whose it is."""
    try:
        found: Identity = context.authenticator.decode(data["token"], context.now)
    except ApiError:
        return {"valid": False}
    answer: dict[str, Any] = {"valid": True, "user": found.user, "company": found.company}
    if context.profile.enterprise:
        user = context.store.users[found.user]
        answer |= {"role": found.role, "tenant": found.company, "tenants": [user.company, *user.tenants]}
    return answer


@call("auth.fixed_users_mode", roles=OPEN)
def fixed_users_mode(_context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Users are not a fixed list in the server's configuration here."""
    return {"enabled": False}


@call(
    "auth.create_user",
    required("name"),
    required("company"),
    required("email"),
    Field("role", choices=ROLES),
    Field("internal", "lenient_boolean"),
    Field("given_name"),
    Field("family_name"),
    Field("avatar"),
    roles=ADMINS,
)
def create_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create both sides of a user. The email is unique over all companies."""
    company = context.store.companies.get(data["company"])
    if company is None or not company.active or not (context.is_system or company.id == context.identity.company):
        raise ApiError(400, 10, company=data["company"])
    role = data.get("role") or "user"
    # The open-source server drops the unknown field; there is nothing to refuse in it.
    internal = bool(data.get("internal")) and context.profile.enterprise
    if not context.is_system and (internal or role not in ASSIGNABLE_ROLES):
        raise ApiError(400, 13, role=context.identity.role, fields=["internal" if internal else "role"])
    check_new_email(context, data["email"])
    if not internal:
        check_user_limit(context, company)
    user = AuthUser(new_id(), data["name"], company.id, data["email"], role, context.now, internal=internal)
    context.store.add_user(user)
    context.store.people[user.id] |= {
        name: data[name] for name in ("given_name", "family_name", "avatar") if data.get(name)
    }
    return {"id": user.id}


def check_new_email(context: Context, email: str) -> None:
    """Raise ApiError 400/800 for a malformed email, 400/801 for one that is taken in any company."""
    check_email(email)
    freed = context.settings["company.deleted_emails_reusable"]
    for user in context.store.users.values():
        if user.email == email and (context.store.company(user.company).active or not freed):
            raise duplicate(email=email)


def check_user_limit(context: Context, company: Company) -> None:
    """Raise ApiError 400/309 when one more user would exceed C(allowed_users) (internal users are not counted)."""
    allowed = company.settings.get("allowed_users")
    users = [user for user in context.store.users_of(company.id) if not user.internal and not user.service]
    if allowed is not None and len(users) >= allowed:
        raise ApiError(400, 309, company=company.id, allowed=allowed)


@call(
    "auth.get_users_info",
    Field("emails", "strings"),
    Field("users", "strings"),
    Field("include_providers_info", "boolean"),
    roles=SYSTEM,
    edition="enterprise",
)
def get_users_info(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Find users of all companies by email or id; the answer does not tell the company."""
    emails, ids = set(data.get("emails") or []), set(data.get("users") or [])
    found = [user for user in context.store.users.values() if user.email in emails or user.id in ids]
    active = [user for user in found if context.store.company(user.company).active]
    return {"users": {user.id: auth_facts(user) for user in active}}


def auth_facts(user: AuthUser) -> dict[str, Any]:
    """Describe the login side of a user."""
    return {
        "id": user.id,
        "email": user.email,
        "role": user.role,
        "created": iso(user.created),
        "sec_groups": [],
        "providers": {},
    }


@call("auth.edit_user", Field("user"), Field("role", choices=ROLES), roles=ADMINS)
def edit_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the role of a user."""
    return {"updated": set_role(context, data.get("user"), data.get("role")), "fields": {"role": data.get("role")}}


def set_role(context: Context, user_id: str | None, role: str | None) -> int:
    """Give a user of the caller's reach another role and return the number of updated entries."""
    user = context.user(user_id or context.identity.user)
    if role is None:
        return 0
    if not context.is_system and role not in ASSIGNABLE_ROLES:
        raise ApiError(400, 13, role=context.identity.role, fields=["role"])
    if user.service and role == "admin":
        company = context.store.company(user.company)
        if not company.settings.get("allow_service_user_admins"):
            raise ApiError(400, 13, "administrators are not allowed among service accounts", role=role)
    user.role = role
    context.store.changed("users", user.id)
    return 1


@call("auth.delete_user", required("user"), roles=ADMINS, edition="enterprise")
def delete_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete the login entry, its email and its credentials; the profile entry stays (users.delete takes that)."""
    user = context.user(data["user"])
    if user.protected:
        raise ApiError(400, 301, "protected identity")
    context.store.remove_auth_user(user)
    return {"deleted": True}
