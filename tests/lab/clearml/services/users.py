# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Service users: the profile side of users, and service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..query import project, select, window
from ..registry import ADMINS, SYSTEM, Field, call, required
from .auth import ASSIGNABLE_ROLES, ROLES, auth_facts, set_role
from .times import iso

if TYPE_CHECKING:
    from ..application import Context

_KNOWN = frozenset(
    [
        "id",
        "name",
        "company",
        "created",
        "given_name",
        "family_name",
        "avatar",
        "email",
        "role",
        "providers",
        "sec_groups",
    ]
)
_LIST_FIELDS = (
    Field("id", "any"),
    Field("name"),
    Field("only_fields", "any"),
    Field("order_by", "any"),
    Field("page", "integer"),
    Field("page_size", "integer"),
    Field("include_auth", "boolean"),
)


@call("users.get_all", *_LIST_FIELDS)
def get_all(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """List the users of the caller's company; administrators of Enterprise also see email and role."""
    people = [
        _public(person) for person in context.store.people.values() if person["company"] == context.identity.company
    ]
    if data.get("include_auth") and context.profile.enterprise:
        if context.identity.role not in ADMINS:
            raise ApiError(400, 13, role=context.identity.role, fields=["include_auth"])
        for person in people:
            entry = context.store.users.get(person["id"])
            person |= auth_facts(entry) if entry else {}
    part, extra = window(select(people, data), data, context.scrolls, context.now)
    return {"users": [project(person, data.get("only_fields"), _KNOWN) for person in part], **extra}


call("users.get_all_ex", *_LIST_FIELDS)(get_all)


def _public(person: dict[str, Any]) -> dict[str, Any]:
    return {**person, "created": iso(person["created"])}


@call("users.get_by_id", required("user"), missing_subcode=11)
def get_by_id(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Show one user of the caller's company, for the platform too."""
    person = _person(context, data["user"])
    if person["company"] != context.identity.company:
        raise ApiError(400, 301, id=data["user"])
    return {"user": _public(person)}


def _person(context: Context, user_id: str) -> dict[str, Any]:
    """Return a profile of the caller's company, or of any company for root and system. Raises ApiError 400/301."""
    person = context.store.people.get(user_id)
    if person is None or not (context.is_system or person["company"] == context.identity.company):
        raise ApiError(400, 301, id=user_id)
    return person


@call("users.get_current_user", Field("get_supported_features", "boolean"))
def get_current_user(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """Show the effective user with its role and company."""
    identity = context.identity
    person = context.store.people.get(identity.user, {})
    user = {
        "id": identity.user,
        "name": person.get("name", identity.user_name),
        "role": identity.role,
        "company": {"id": context.company.id, "name": context.company.name},
    }
    answer: dict[str, Any] = {"user": user, "getting_started": {}, "settings": {"max_download_items": 1000}}
    if context.profile.enterprise:
        answer["sec_groups"] = []
        answer["supported_features"] = context.company.settings.get("features", [])
    return answer


@call("users.create", required("id"), required("company"), required("name"), roles=SYSTEM)
def create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create the profile side of a user."""
    if data["id"] in context.store.people:
        raise ApiError(400, 302, id=data["id"])
    context.store.company(data["company"])
    context.store.people[data["id"]] = {name: data[name] for name in ("id", "company", "name")} | {
        "created": context.now
    }
    context.store.changed("people", data["id"])
    return {}


@call("users.update", required("user"), Field("name"), Field("given_name"), Field("family_name"), Field("avatar"))
def update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the profile of a user: one's own, or any in reach for administrators."""
    if data["user"] != context.identity.user and context.identity.role not in ADMINS:
        raise ApiError(403, 21, user=data["user"])
    person = _person(context, data["user"])
    fields = {
        name: data[name] for name in ("name", "given_name", "family_name", "avatar") if data.get(name) is not None
    }
    person.update(fields)
    if "name" in fields and person["id"] in context.store.users:
        context.store.users[person["id"]].name = fields["name"]
        context.store.changed("users", person["id"])
    context.store.changed("people", person["id"])
    return {"updated": 1, "fields": fields}


@call("users.delete", required("user"), roles=SYSTEM, missing_subcode=11)
def delete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Delete the profile side only; the login entry and its email stay taken."""
    del context.store.people[_person(context, data["user"])["id"]]
    context.store.changed("people", data["user"])
    return {}


@call("users.set_role", required("user"), required("role", choices=ROLES), roles=ADMINS, edition="enterprise")
def change_role(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Give a user another role."""
    return {"updated": set_role(context, data["user"], data["role"])}


@call("users.get_role_options", edition="enterprise")
def get_role_options(_context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List the roles that may be given."""
    return {"roles": [{"role": role, "display_name": role.capitalize()} for role in ASSIGNABLE_ROLES]}


@call("users.get_service_users", roles=ADMINS, edition="enterprise")
def get_service_users(context: Context, _data: dict[str, Any]) -> dict[str, Any]:
    """List the service accounts of the caller's company."""
    users = [user for user in context.store.users_of(context.identity.company) if user.service]
    return {
        "users": [
            {
                "id": user.id,
                "name": user.name,
                "role": user.role,
                "credentials": len(user.credentials),
                "allow_running_as_owner": user.allow_running_as_owner,
                "last_active_time": iso(max((pair.last_used or 0 for pair in user.credentials), default=0) or None),
            }
            for user in users
        ],
        "allow_admins": bool(context.company.settings.get("allow_service_user_admins")),
        "allowed_service_users": context.company.settings.get("allowed_service_users"),
        "default_expiration_sec": context.settings["credentials.default_expiration_sec"],
        "max_expiration_sec": context.settings["credentials.max_expiration_sec"],
    }


@call(
    "users.update_service_user",
    required("user"),
    Field("name"),
    Field("allow_running_as_owner", "boolean"),
    roles=ADMINS,
    edition="enterprise",
)
def update_service_user(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change a service account."""
    user = context.user(data["user"])
    if not user.service:
        raise ApiError(400, 301, "not a service account", id=user.id)
    user.name = data.get("name") or user.name
    if data.get("allow_running_as_owner") is not None:
        user.allow_running_as_owner = data["allow_running_as_owner"]
    context.store.changed("users", user.id)
    return {"updated": 1}
