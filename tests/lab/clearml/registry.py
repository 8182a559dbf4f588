# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The calls that the server offers, as declarations, and the check of a request against them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .envelope import version_key
from .errors import ApiError

if TYPE_CHECKING:
    from .application import Context

Handler = Callable[["Context", dict[str, Any]], dict[str, Any]]

#: Roles that a call may be limited to; ALL: every caller; OPEN: even without credentials.
ALL: frozenset[str] = frozenset({"root", "system", "admin", "superuser", "user", "annotator", "guest"})
SYSTEM = frozenset({"root", "system"})
ADMINS = frozenset({"root", "system", "admin"})
OPEN: frozenset[str] = frozenset()

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "lenient_boolean": (bool,),
    "object": (dict,),
    "list": (list,),
    "strings": (list,),
}


@dataclass(frozen=True)
class Field:
    """One field of a request.

    kind: a key of C(_TYPES); C(strings) is a list of strings, C(lenient_boolean) also takes the texts "true" and "false"
    (the vendor's examples send C(internal) like that), C(any) takes everything.
    required: always, or with the name of an edition only in its profile.
    """

    name: str
    kind: str = "string"
    required: bool | str = False
    choices: tuple[str, ...] = ()
    maximum: int | None = None

    def is_required(self, enterprise: bool) -> bool:
        """Whether a request without this field is refused."""
        return self.required is True or (self.required == "oss" and not enterprise)


@dataclass(frozen=True)
class Call:
    """One call of the API.

    edition: the group of calls it belongs to (see L(settings.Profile)). since: the oldest API version that has it.
    missing_subcode: how the server complains about missing fields: 12 for calls with a request model, 11 for the others.
    """

    name: str
    handler: Handler
    roles: frozenset[str]
    fields: tuple[Field, ...]
    edition: str
    since: str
    missing_subcode: int


CALLS: dict[str, Call] = {}


def call(
    name: str,
    *fields: Field,
    roles: frozenset[str] = ALL,
    edition: str = "oss",
    since: str = "2.0",
    missing_subcode: int = 12,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as the answer to the call C(name)."""

    def register(handler: Handler) -> Handler:
        CALLS[name] = Call(name, handler, roles, fields, edition, since, missing_subcode)
        return handler

    return register


def required(name: str, kind: str = "string", **options: Any) -> Field:
    """Declare a field that a request must have."""
    return replace(Field(name, kind, **options), required=True)


def find(name: str, version: str, editions: frozenset[str]) -> Call:
    """Return the call of that name in this edition and version. Raises ApiError 404/0 when there is none."""
    found = CALLS.get(name)
    if found is None or found.edition not in editions or version_key(version) < version_key(found.since):
        raise ApiError(404, 0, raw=f"Unable to find endpoint for name {name} and version {version}")
    return found


def check_role(found: Call, role: str) -> None:
    """Raise ApiError 403/20 when the role may not use the call."""
    if role not in found.roles:
        raise ApiError(403, 20, role=role, allowed=sorted(found.roles))


def check_data(found: Call, data: dict[str, Any], enterprise: bool) -> dict[str, Any]:
    """Check the declared fields and return the data with them converted; other fields are passed on unread.

    Raises ApiError 400/11 or 400/12, as the real server does for the first mistake that it finds.
    """
    missing = [item.name for item in found.fields if item.is_required(enterprise) and data.get(item.name) is None]
    if missing and found.missing_subcode == 11:
        raise ApiError(400, 11, missing=missing)
    if missing:
        raise ApiError(400, 12, f"error for field '{missing[0]}'. field is required!")
    checked = dict(data)
    for item in found.fields:
        if data.get(item.name) is not None:
            checked[item.name] = _check_value(item, data[item.name])
    return checked


def _check_value(item: Field, value: Any) -> Any:
    if item.kind == "any":
        return value
    if item.kind == "lenient_boolean" and value in ("true", "false"):
        return value == "true"
    expected = _TYPES[item.kind]
    wrong = not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)
    if wrong or (item.kind == "strings" and not all(isinstance(entry, str) for entry in value)):
        raise ApiError(400, 12, f"error for field '{item.name}': value is wrong, expected type \"{item.kind}\"..")
    if item.choices and value not in item.choices:
        raise ApiError(400, 12, f"error for field '{item.name}': value '{value}' is not a valid choice..")
    if item.maximum is not None and value > item.maximum:
        text = f"'{value}' is bigger than maximum ('{item.maximum}').."
        raise ApiError(400, 12, f"error for field '{item.name}': {text}")
    return value
