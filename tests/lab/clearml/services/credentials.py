# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service auth, the part about access keys: a secret is shown once, in the answer that creates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..registry import ADMINS, Field, call, required
from ..store import AuthUser, Credential, new_credential, new_id
from .times import iso

if TYPE_CHECKING:
    from ..application import Context


def own_entry(context: Context) -> AuthUser:
    """Return the login entry of the effective user, which must not be a configured identity (400/301)."""
    user = context.store.users[context.identity.user]
    if user.protected:
        raise ApiError(400, 301, "protected identity")
    return user


def issue(context: Context, user: AuthUser, label: str | None = None, lifetime: int | None = None) -> dict[str, Any]:
    """Make a new pair and return it with its secret.

    lifetime: seconds; by default that of the server's policy, from which administrators are exempt.
    Raises ApiError 400/310 when the user has too many pairs.
    """
    if len(user.credentials) >= context.settings["credentials.max_per_user"]:
        raise ApiError(400, 310, user=user.id, max_credentials=context.settings["credentials.max_per_user"])
    if lifetime is None and user.role != "admin":
        lifetime = context.settings["credentials.default_expiration_sec"]
    pair = new_credential(label, context.now + lifetime if lifetime else None)
    context.store.add_credential(user, pair)
    return {"access_key": pair.key, "secret_key": pair.secret, "label": pair.label}


def asked_lifetime(context: Context, data: dict[str, Any], name: str) -> int | None:
    """Return the asked life of a pair in seconds. Raises ApiError 400/12 when it is longer than allowed."""
    lifetime, maximum = data.get(name), context.settings["credentials.max_expiration_sec"]
    if lifetime is not None and lifetime > maximum:
        raise ApiError(400, 12, f"error for field '{name}': '{lifetime}' is bigger than maximum ('{maximum}')..")
    return lifetime


def describe(pair: Credential) -> dict[str, Any]:
    """Describe a pair without its secret."""
    return {
        "access_key": pair.key,
        "label": pair.label,
        "last_used": iso(pair.last_used),
        "last_used_from": pair.last_used_from,
        "expire": iso(pair.expire),
    }


@call("auth.create_credentials", Field("label"), Field("expiration_sec", "integer"))
def create_credentials(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Make a new pair for the effective user. Every call makes one more."""
    lifetime = asked_lifetime(context, data, "expiration_sec") if context.profile.enterprise else None
    return {"credentials": issue(context, own_entry(context), data.get("label"), lifetime)}


@call("auth.get_credentials")
def get_credentials(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List the pairs of the effective user, without secrets."""
    user = context.store.users[context.identity.user]
    answer: dict[str, Any] = {"credentials": [describe(pair) for pair in user.credentials]}
    if context.profile.enterprise:
        answer |= {
            "additional_credentials": {},
            "max_credentials": context.settings["credentials.max_per_user"],
            "default_expiration_sec": context.settings["credentials.default_expiration_sec"],
            "max_expiration_sec": context.settings["credentials.max_expiration_sec"],
        }
    return answer


@call("auth.edit_credentials", required("access_key"), Field("label"))
def edit_credentials(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the label of one of the effective user's pairs."""
    pair = _own_pair(context, data["access_key"])
    if pair is None:
        raise ApiError(
            400,
            75,
            "invalid user or invalid access key",
            user=context.identity.user,
            access_key=data["access_key"],
            company=context.identity.company,
        )
    pair.label = data.get("label")
    context.store.changed("users", context.identity.user)
    return {"updated": 1}


@call("auth.revoke_credentials", Field("access_key", required="oss"))
def revoke_credentials(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Take one of the effective user's pairs away; tokens issued with it live on."""
    if not data.get("access_key"):
        raise ApiError(400, 11, missing=["access_key"])
    pair = _own_pair(context, data["access_key"])
    if pair is None:
        raise ApiError(
            400,
            300,
            "invalid user or invalid access key",
            id=context.identity.user,
            company=context.identity.company,
            credentials__key=data["access_key"],
        )
    context.store.remove_credential(own_entry(context), pair)
    return {"revoked": 1}


def _own_pair(context: Context, access_key: str) -> Credential | None:
    user = context.store.users[context.identity.user]
    return next((pair for pair in user.credentials if pair.key == access_key), None)


@call("auth.locate_credentials", required("access_key"), roles=ADMINS, edition="enterprise")
def locate_credentials(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Tell whose an access key is."""
    located = context.store.locate(data["access_key"])
    if located is None or not (context.is_system or located[0].company == context.identity.company):
        raise ApiError(400, 75, "invalid access key", access_key=data["access_key"])
    user, pair = located
    facts = describe(pair)
    del facts["access_key"]
    return {"user": user.id, "name": user.name, **facts}


@call(
    "auth.create_service_user",
    required("name"),
    Field("allow_running_as_owner", "boolean"),
    Field("credentials_expiration_sec", "integer"),
    roles=ADMINS,
    edition="enterprise",
)
def create_service_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a service account with its first pair in the caller's company."""
    company = context.company
    allowed = company.settings.get("allowed_service_users")
    existing = [user for user in context.store.users_of(company.id) if user.service]
    if allowed is not None and len(existing) >= allowed:
        raise ApiError(400, 309, company=company.id, allowed=allowed)
    lifetime = asked_lifetime(context, data, "credentials_expiration_sec")
    user_id = new_id()
    user = AuthUser(
        user_id,
        data["name"],
        company.id,
        f"{user_id}@service.invalid",
        "user",
        context.now,
        service=True,
        allow_running_as_owner=bool(data.get("allow_running_as_owner")),
    )
    context.store.add_user(user)
    pair = issue(context, user, lifetime=lifetime)
    return {"id": user.id, "credentials": {name: pair[name] for name in ("access_key", "secret_key")}}
