# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels and taints of Nodes: those of the inventory are brought about by the API, those of others are left alone.

RKE2 takes labels and taints from its configuration at the first registration only (RKE2 documentation, advanced), so a
change goes to the Node. Which ones are ours is written down in an annotation; what the inventory drops is removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .facts import ANNOTATION_LABELS, ANNOTATION_TAINTS, Member


def patch_for(member: Member, labels: Mapping[str, Any], taints: Sequence[str]) -> Optional[dict[str, Any]]:
    """Return the JSON merge patch that brings a Node's labels and taints about; None when they are as wanted.

    labels: name -> value. taints: C(key=value:Effect).
    """
    wanted = {str(name): str(value) for name, value in labels.items()}
    changed: dict[str, Optional[str]] = {
        name: value for name, value in wanted.items() if member.labels.get(name) != value
    }
    changed.update(
        {name: None for name in _listed(member, ANNOTATION_LABELS) if name not in wanted and name in member.labels}
    )
    notes = _notes(member, ANNOTATION_LABELS, wanted)
    notes.update(_notes(member, ANNOTATION_TAINTS, [identity(taint) for taint in taints]))
    spec = _taints(member, taints)
    if not changed and not notes and spec is None:
        return None
    patch: dict[str, Any] = {"metadata": {}}
    if changed:
        patch["metadata"]["labels"] = changed
    if notes:
        patch["metadata"]["annotations"] = notes
    if spec is not None:
        patch["spec"] = {"taints": [_object(taint) for taint in spec]}
    return patch


def identity(taint: str) -> str:
    """Key and effect: there is one taint of each on a Node."""
    rest, _colon, effect = taint.rpartition(":")
    return f"{rest.partition('=')[0]}:{effect}"


def _taints(member: Member, wanted: Sequence[str]) -> Optional[list[str]]:
    """The Node's whole list as it should be (a merge patch replaces lists); None when it is so."""
    ours = {*_listed(member, ANNOTATION_TAINTS), *(identity(taint) for taint in wanted)}
    result = [taint for taint in member.taints if identity(taint) not in ours or taint in wanted]
    result += [taint for taint in wanted if taint not in result]
    return None if set(result) == set(member.taints) else result


def _listed(member: Member, annotation: str) -> list[str]:
    return [name for name in member.annotations.get(annotation, "").split(",") if name]


def _notes(member: Member, annotation: str, names: Any) -> dict[str, Optional[str]]:
    text = ",".join(sorted(names))
    return {} if member.annotations.get(annotation, "") == text else {annotation: text or None}


def _object(taint: str) -> dict[str, str]:
    rest, _colon, effect = taint.rpartition(":")
    key, _equals, value = rest.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def apply(member: Member, patch: Mapping[str, Any]) -> Member:
    """Return the Node as it is after a patch, as the API server merges it."""
    meta = patch.get("metadata", {})
    merged = {}
    for field_name in ("labels", "annotations"):
        values = {**getattr(member, field_name), **meta.get(field_name, {})}
        merged[field_name] = {name: value for name, value in values.items() if value is not None}
    data = {**member.as_dict(), **merged}
    if "spec" in patch:
        from .facts import taint_text

        data["taints"] = [taint_text(taint) for taint in patch["spec"]["taints"]]
    return Member.of_dict(data)
