# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an upgrade would change: the newly rendered manifest against the live objects and the last manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..objects import Object, compare, project, shown
from ..plan import CHANGE, CREATE, REMOVE, Step

#: Helm leaves these objects alone when they vanish from the chart or the release is removed.
_KEEP = "helm.sh/resource-policy"
Identity = tuple[str, str, str, str]


def identity(item: Object, namespace: str) -> Identity:
    """apiVersion, kind, namespace, name. namespace: the release's, for objects that name none."""
    metadata = item["metadata"]
    return (
        str(item["apiVersion"]),
        str(item["kind"]),
        str(metadata.get("namespace") or namespace),
        str(metadata["name"]),
    )


def objects_of(documents: Sequence[Any]) -> list[dict[str, Any]]:
    """The objects among the documents of a rendered manifest; the members of lists are taken out of them."""
    result: list[dict[str, Any]] = []
    for document in documents:
        if not isinstance(document, Mapping) or not document.get("kind"):
            continue
        if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
            result += objects_of(document["items"])
        elif (document.get("metadata") or {}).get("name"):
            result.append(dict(document))
    return result


def steps(
    rendered: Sequence[Object], live: Mapping[Identity, Optional[Object]], before: Sequence[Object], namespace: str
) -> list[Step]:
    """What Helm would do.

    rendered, before: the new manifest and that of the release in effect, as objects. live: the objects of both as read,
    None for what is not there. Secrets are masked in the steps.
    """
    found = []
    new = {identity(item, namespace) for item in rendered}
    for item in rendered:
        found += _step(item, live.get(identity(item, namespace)), namespace)
    for item in before:
        place = identity(item, namespace)
        kept = (item["metadata"].get("annotations") or {}).get(_KEEP) == "keep"
        gone = live.get(place)
        if place not in new and gone is not None and not kept:
            found.append(
                Step(REMOVE, place[1], place[3], place[2], before=shown(gone), reason="it is no longer in the chart")
            )
    return found


def _step(item: Object, live: Optional[Object], namespace: str) -> list[Step]:
    _version, kind, place, name = identity(item, namespace)
    if live is None:
        return [Step(CREATE, kind, name, place, after=shown(item))]
    if kind == "Secret" and not (item.get("data") or item.get("stringData")):
        item = {key: value for key, value in item.items() if key not in ("data", "stringData")}  # filled at run time
    differences = tuple(compare(_without_nothing(item), live))
    if not differences:
        return []
    before = shown(project(live, item, [difference.path for difference in differences]))
    return [Step(CHANGE, kind, name, place, differences, before, shown(item))]


def _without_nothing(value: Any) -> Any:
    """Without nulls and empty maps, which the API server does not store."""
    if isinstance(value, Mapping):
        inner = {key: _without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not None and item != {}}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value
