# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an upgrade would change (PLAT-10, X-4, X-5)."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import manifest

NAMESPACE = "demo-system"


def item(kind: str = "ConfigMap", name: str = "one", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **fields.pop("metadata", {})}, **fields}


def live(*objects: dict[str, Any]) -> dict[manifest.Identity, Any]:
    """The objects as the API server would give them back."""
    found = {}
    for one in objects:
        stored = copy.deepcopy(one)
        stored["metadata"].update(namespace=NAMESPACE, uid="u", resourceVersion="7")
        found[manifest.identity(one, NAMESPACE)] = stored
    return found


def lines(rendered: list[Any], there: list[Any], before: list[Any]) -> list[str]:
    known = {**{manifest.identity(one, NAMESPACE): None for one in [*rendered, *before]}, **live(*there)}
    return [f"{step.action} {step.title}" for step in manifest.steps(rendered, known, before, NAMESPACE)]


def test_what_is_there_as_rendered_is_no_change() -> None:
    same = item(data={"a": "1", "b": None}, spec={})
    stored = item(data={"a": "1"})
    assert lines([same], [stored], [same]) == []


def test_new_changed_and_gone() -> None:
    one, two, three = item(data={"a": "1"}), item(name="two"), item(name="three")
    assert lines([item(data={"a": "2"}), two], [one, three], [one, three]) == [
        f"change ConfigMap {NAMESPACE}/one",
        f"create ConfigMap {NAMESPACE}/two",
        f"remove ConfigMap {NAMESPACE}/three",
    ]


def test_what_the_chart_keeps_or_somebody_removed_already_is_not_removed() -> None:
    kept = item(name="kept", metadata={"annotations": {"helm.sh/resource-policy": "keep"}})
    assert lines([], [kept], [kept, item(name="gone")]) == []


def test_the_content_of_secrets_is_not_shown() -> None:
    old, new = (
        item("Secret", data={"password": "b2xkLXNlY3JldA=="}),
        item("Secret", data={"password": "bmV3LXNlY3JldA=="}),
    )
    (step,) = manifest.steps([new], live(old), [], NAMESPACE)
    shown = str((step.before, step.after))
    assert "b2xkLXNlY3JldA" not in shown
    assert "bmV3LXNlY3JldA" not in shown
    (step,) = manifest.steps([new], {manifest.identity(new, NAMESPACE): None}, [], NAMESPACE)
    assert "bmV3LXNlY3JldA" not in str(step.after)


def test_a_secret_that_is_rendered_empty_is_filled_at_run_time() -> None:
    assert lines([item("Secret")], [item("Secret", data={"tls.key": "eA=="})], []) == []


def test_documents_that_are_no_objects_are_passed_over() -> None:
    inner = item(name="inner")
    documents = [None, "text", {"kind": "NoName", "metadata": {}}, {"kind": "ConfigMapList", "items": [inner]}, item()]
    assert [one["metadata"]["name"] for one in manifest.objects_of(documents)] == ["inner", "one"]
