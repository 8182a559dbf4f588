# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects around a chart, read from a request (PLAT-10, X-5, X-6)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.objects import plan_object
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import stages

PULL = {"name": "pull", "registry": "registry.example.com", "username": "robot", "password": "pull-password"}
MAP: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}


def parse(**params: Any) -> list[stages.Stage]:
    return stages.parse_stages({"subject": "demo", "namespace": "demo-system", **params})


def test_namespaces_and_secrets_come_first_and_in_that_order() -> None:
    secret = {"name": "key", "string_data": {"tls.key": "key-password"}, "type": "kubernetes.io/tls"}
    prepare, after = parse(
        namespaces=[{"name": "demo-system", "labels": {"a": "b"}}],
        pull_secrets=[PULL],
        secrets=[secret],
        stages=[{"name": "after", "objects": [MAP]}],
    )
    assert [body["kind"] for body in prepare.objects] == ["Namespace", "Secret", "Secret"]
    assert (prepare.name, after.name, after.title) == ("prepare", "after", "demo")
    namespace, pull, other = prepare.objects
    assert namespace["metadata"] == {"name": "demo-system", "labels": {"a": "b"}}
    assert pull["metadata"]["namespace"] == other["metadata"]["namespace"] == "demo-system"
    assert base64.b64decode(other["data"]["tls.key"]) == b"key-password"
    config = json.loads(base64.b64decode(pull["data"][".dockerconfigjson"]))
    auth = config["auths"]["registry.example.com"]["auth"]
    assert base64.b64decode(auth) == b"robot:pull-password"


def test_objects_are_ours_and_in_the_namespace_unless_they_say_otherwise() -> None:
    everywhere = {**MAP, "metadata": {"name": "two", "namespace": "", "labels": {"a": "b"}}}
    elsewhere = {**MAP, "metadata": {"name": "three", "namespace": "other"}}
    (stage,) = parse(stages=[{"name": "x", "objects": [MAP, everywhere, elsewhere], "state": "absent"}])
    assert [body["metadata"].get("namespace") for body in stage.objects] == ["demo-system", None, "other"]
    assert all(body["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "ai-tenancy" for body in stage.objects)
    assert stage.objects[1]["metadata"]["labels"]["a"] == "b"
    assert stage.absent
    assert MAP["metadata"] == {"name": "one"}


def test_all_mistakes_are_told_at_once_and_none_shows_a_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(
            namespaces=[{"name": "Bad_Name"}],
            pull_secrets=[{**PULL, "username": ""}],
            secrets=[{"name": "empty", "string_data": {"good": "key-password", "bad": ""}}],
            stages=[
                {"name": "x", "objects": [{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}}, {}]},
                {"name": "y", "wait": [{"until": "never"}]},
            ],
        )
    text = str(caught.value)
    for part in (
        "namespaces.name: 'Bad_Name'",
        "pull_secrets[pull].username",
        "secrets[empty].string_data: ['bad']",
        "stages[x].objects[0].kind: 'Secret'",
        "stages[x].objects[1].metadata.name",
        "stages[y].wait[0].until: 'never'",
    ):
        assert part in text
    assert "password" not in text


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.text(min_size=6, max_size=9), max_size=3))
def test_every_text_of_a_secret_is_known_for_the_mask(content: dict[str, str]) -> None:
    known = stages.secrets_of({"secrets": [{"name": "s", "string_data": content}], "pull_secrets": [PULL]})
    assert sorted(known) == sorted([*content.values(), "pull-password"])


def storage_class(replicas: str, expand: bool = True, ours: bool = True) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "ai-tenancy" if ours else "Helm"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "longhorn-rwx", "labels": labels},
        "parameters": {"numberOfReplicas": replicas},
        "allowVolumeExpansion": expand,
    }


def actions(wanted: dict[str, Any], live: dict[str, Any] | None) -> list[tuple[str, str]]:
    plan = stages.with_replacements(plan_object("classes", wanted, live), live)
    return [(step.action, step.reason) for step in plan.steps]


def test_a_class_whose_parameters_differ_is_replaced_and_otherwise_changed() -> None:
    wanted = storage_class("3")
    assert actions(wanted, storage_class("3")) == []
    assert actions(wanted, None) == [("create", "")]
    assert actions(wanted, storage_class("2")) == [
        ("replace", "parameters cannot be changed; what exists keeps its own")
    ]
    assert actions(wanted, storage_class("3", expand=False)) == [("change", "")]


def test_a_class_of_somebody_else_is_never_replaced() -> None:
    """The API server refuses the change, and says so."""
    assert actions(storage_class("3"), storage_class("2", ours=False)) == [("change", "")]
