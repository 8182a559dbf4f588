# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Compare a desired Kubernetes object with the live one, field by field, as server-side apply will see it.

Only what we own counts: every field in the desired object, and every field that the live object's C(managedFields)
says our field manager owns but that is no longer desired. Everything else (status, defaults, other writers' fields) is
left alone. Quantities are compared by value, so C(1000m) equals C(1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from . import quantity
from .names import FIELD_MANAGER
from .plan import CHANGE, CREATE, Difference, Plan, Step

Object = Mapping[str, Any]

#: Fields whose values are quantities or maps of quantities, in the kinds that this collection writes.
QUANTITY_FIELDS = frozenset(
    {
        "hard",
        "limits",
        "requests",
        "default",
        "defaultRequest",
        "max",
        "min",
        "serverLimit",
        "workerLimit",
        "storageRequestSize",
    }
)
#: Parts of an object that identify it or belong to the server; never compared.
_IDENTITY = ("apiVersion", "kind")
_METADATA_OWNED = ("labels", "annotations", "finalizers")


def plan_object(
    item: str,
    desired: Object,
    live: Optional[Object],
    manager: str = FIELD_MANAGER,
    exact: frozenset[str] = frozenset(),
) -> Plan:
    """Plan what makes C(live) (the object as read, or None) equal to C(desired) by one server-side apply.

    item: the plan's subject, usually the tenant id. exact: see L(compare). Returns a plan with no step, or with one
    CREATE or CHANGE.
    """
    metadata = desired["metadata"]
    identity = (str(desired["kind"]), str(metadata["name"]), str(metadata.get("namespace", "")))
    if live is None:
        return Plan(item, (Step(CREATE, *identity, after=shown(desired), body=desired),))
    differences = tuple(compare(desired, live, manager, exact))
    if not differences:
        return Plan(item)
    before = shown(project(live, desired, [difference.path for difference in differences]))
    return Plan(
        item,
        (Step(CHANGE, *identity, differences=differences, before=before, after=shown(desired), body=desired),),
    )


def compare(
    desired: Object, live: Object, manager: str = FIELD_MANAGER, exact: frozenset[str] = frozenset()
) -> Iterator[Difference]:
    """Yield each owned field that differs. Both arguments are whole objects in the API's JSON form.

    exact: names of fields in which the server fills in nothing. They are compared as a whole, because ownership says
    nothing about what is inside a list or an atomic map: a key that left an entry would go unseen.
    """
    wanted = comparable(desired)
    found = comparable(live)
    yield from _different("", wanted, found, False, exact)
    yield from _given_up(owned_fields(live, manager), wanted, found, "")


def comparable(manifest: Object) -> dict[str, Any]:
    """The part of an object that can be compared: labels, annotations, finalizers and all but identity and status."""
    result = {key: value for key, value in manifest.items() if key not in (*_IDENTITY, "metadata", "status")}
    metadata = manifest.get("metadata", {})
    result["metadata"] = {key: metadata[key] for key in _METADATA_OWNED if metadata.get(key)}
    return result


def shown(manifest: Object) -> dict[str, Any]:
    """The object for a diff: without what the server manages, and with the values of a Secret masked."""
    result = {key: manifest[key] for key in _IDENTITY if key in manifest}
    result.update(comparable(manifest))
    result["metadata"] = {
        **{key: manifest["metadata"][key] for key in ("name", "namespace") if manifest["metadata"].get(key)},
        **result["metadata"],
    }
    if manifest.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if part in result:
                result[part] = dict.fromkeys(result[part], "********")
    return result


def project(live: Object, desired: Object, extra: list[str]) -> dict[str, Any]:
    """Reduce C(live) to the fields of C(desired) plus the dotted paths in C(extra), for a diff that shows only ours."""
    keep = {path.split(".")[0] for path in extra} | set(desired)
    result = {key: value for key, value in live.items() if key in keep or key in _IDENTITY}
    top = {key: _project(value, desired.get(key), key, extra) for key, value in result.items() if key != "metadata"}
    metadata = {**live["metadata"], **_metadata_of(live, desired, extra)}
    if "finalizers" not in desired["metadata"]:
        metadata.pop("finalizers", None)
    return {**top, "metadata": metadata}


def _metadata_of(live: Object, desired: Object, extra: list[str]) -> dict[str, Any]:
    wanted = desired["metadata"]
    return {
        key: _project(live["metadata"].get(key, {}), wanted.get(key, {}), f"metadata.{key}", extra)
        for key in ("labels", "annotations")
    }


def _project(live: Any, desired: Any, path: str, extra: list[str]) -> Any:
    if isinstance(live, list) and isinstance(desired, (list, tuple)) and len(live) == len(desired):
        return [
            _project(one, other, f"{path}[{place}]", extra) for place, (one, other) in enumerate(zip(live, desired))
        ]
    if not isinstance(live, Mapping) or not isinstance(desired, Mapping):
        return live
    return {
        key: _project(value, desired.get(key), f"{path}.{key}", extra)
        for key, value in live.items()
        if key in desired or f"{path}.{key}" in extra
    }


def owned_fields(live: Object, manager: str = FIELD_MANAGER) -> Mapping[str, Any]:
    """The C(fieldsV1) tree that server-side apply recorded for our manager; empty when we never applied the object."""
    for entry in live.get("metadata", {}).get("managedFields", []) or []:
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields = entry.get("fieldsV1", {})
            return fields if isinstance(fields, Mapping) else {}
    return {}


def _different(path: str, wanted: Any, found: Any, is_quantity: bool, exact: frozenset[str]) -> Iterator[Difference]:
    if wanted == found:  # the usual case, for whole branches at once
        return
    if isinstance(wanted, Mapping):
        if found is not None and not isinstance(found, Mapping):
            yield Difference(path, found, wanted)
            return
        for key, value in wanted.items():
            below = f"{path}.{key}" if path else str(key)
            inner = None if found is None else found.get(key)
            if key in exact and value != inner:
                yield Difference(below, inner, value)
                continue
            yield from _different(below, value, inner, is_quantity or key in QUANTITY_FIELDS, exact)
        return
    if isinstance(wanted, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(wanted):
            if wanted or found:
                yield Difference(path, found, list(wanted))
            return
        for position, (left, right) in enumerate(zip(wanted, found)):
            yield from _different(f"{path}[{position}]", left, right, is_quantity, exact)
        return
    if not _same(wanted, found, is_quantity):
        yield Difference(path, found, wanted)


def _same(wanted: Any, found: Any, is_quantity: bool) -> bool:
    if wanted == found:
        return True
    if not is_quantity or wanted is None or found is None:
        return False
    try:
        return quantity.same(wanted, found)
    except ValueError:
        return False


def _given_up(fields: Mapping[str, Any], wanted: Any, found: Any, path: str) -> Iterator[Difference]:
    """Yield what our manager owns in C(found) though it is no longer wanted. Lists count as one value."""
    if not isinstance(found, Mapping):
        return
    for entry, below in fields.items():
        if not entry.startswith("f:"):
            continue
        key = entry[2:]
        if key not in found:
            continue
        place = f"{path}.{key}" if path else key
        if not isinstance(wanted, Mapping) or key not in wanted:
            # An owned empty map or one that only groups others' fields is not a wish of ours.
            if path or found[key]:
                yield Difference(place, found[key], None)
        elif isinstance(wanted[key], Mapping) and isinstance(below, Mapping):
            yield from _given_up(below, wanted[key], found[key], place)
