# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Order of layers, what they lack, and the table of how they are (X-1, X-6, PLAT-10)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers

LAYERS: dict[str, Any] = {
    "certs": {},
    "storage": {"after": ["balancer"]},
    "balancer": {},
    "ai": {"needs": ["certs"], "after": ["storage"]},
    "serving": {"needs": ["ai"]},
}
CLUSTER: dict[str, Any] = {
    "storage_classes": ["longhorn", "other"],
    "default_storage_classes": ["longhorn"],
    "ingress_classes": {"nginx": "k8s.io/ingress-nginx", "ghost": ""},
}


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, bool]]:
    """Layers that need and follow only earlier ones of a hidden order, listed in any order; and which are wanted."""
    names = [f"layer{number}" for number in range(draw(st.integers(1, 8)))]
    found = {}
    for position, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:position]), unique=True) if position else st.just([])
        found[name] = {"needs": draw(earlier), "after": draw(earlier)}
    wanted = set(draw(st.lists(st.sampled_from(names), unique=True)))
    for name in reversed(names):  # with all that they need
        wanted |= set(found[name]["needs"]) if name in wanted else set()
    shuffled = {name: found[name] for name in draw(st.permutations(names))}
    return shuffled, {name: name in wanted for name in names}


@given(catalogues())
def test_each_wanted_layer_comes_once_and_after_what_it_names(drawn: tuple[dict[str, Any], dict[str, bool]]) -> None:
    catalogue, wanted = drawn
    ordered = layers.order(catalogue, wanted)
    assert sorted(ordered) == sorted(name for name, is_wanted in wanted.items() if is_wanted)
    for position, name in enumerate(ordered):
        assert set(catalogue[name]["needs"]) <= set(ordered[:position])
        assert not set(catalogue[name]["after"]) & set(ordered[position:])


@given(catalogues(), st.randoms())
def test_waves_keep_the_order_and_have_each_layer_once(
    drawn: tuple[dict[str, Any], dict[str, bool]], chance: Any
) -> None:
    catalogue, wanted = drawn
    chosen = layers.order(catalogue, wanted)
    for name in chosen:
        catalogue[name]["alone"] = chance.random() < 0.3
    due = [name for name in chosen if chance.random() < 0.7]
    waves = layers.waves(catalogue, chosen, due)
    assert sorted(name for wave in waves for name in wave) == sorted(due)
    before: set[str] = set()
    for wave in waves:
        assert wave
        assert len(wave) == 1 or not any(catalogue[name]["alone"] for name in wave)
        for name in wave:
            assert {*catalogue[name]["needs"], *catalogue[name]["after"]} & set(due) <= before
        before |= set(wave)


def test_a_layer_waits_last_for_its_last_release() -> None:
    first, second = {"number": 0, "part": "release"}, {"number": 0, "part": "settle"}
    third, last = {"number": 1, "part": "release"}, {"number": 1, "part": "settle"}
    assert layers.turns(["crd", "app"], "all") == [first, second, third, last]
    assert layers.turns(["crd", "app"], "begin") == [first, second, third]
    assert layers.turns(["crd", "app"], "finish") == [last]
    only = [{"number": 0, "part": "objects"}]
    assert (layers.turns([""], "begin"), layers.turns([""], "finish")) == ([], only)
    assert layers.turns([], "finish") == []


def test_who_is_refused_and_why() -> None:
    ahead = {"a": {"refusals": []}, "b": {"refusals": ["no", "never"]}}
    assert layers.refused(ahead) == {"b": "no; never"}


def test_all_mistakes_in_the_choice_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        layers.order(LAYERS, {"ai": True, "nonsense": True, "certs": False})
    assert "platform_release_layers.nonsense: True is not allowed; allowed: one of certs, storage" in str(caught.value)
    assert "platform_release_layers.certs: False is not allowed; allowed: true, because ai needs it" in str(
        caught.value
    )


def test_a_failed_layer_blocks_those_that_need_it_and_no_others() -> None:
    failed = ["certs", "balancer"]
    assert layers.blocked(LAYERS, ["ai", "serving", "storage"], failed) == {
        "ai": "it needs certs, which failed",
        "serving": "it needs certs, which failed",
    }
    assert layers.blocked(LAYERS, ["storage"], failed) == {}


def test_a_layer_that_is_needed_is_not_removed() -> None:
    wanted = {"certs": True, "ai": True}
    assert layers.removal_problems(LAYERS, ["certs"], wanted) == [
        "certs is not removed: ai needs it and is in platform_release_layers"
    ]
    assert layers.removal_problems(LAYERS, ["certs", "ai"], wanted) == []
    assert layers.removal_problems(LAYERS, ["certs"], {"ai": False}) == []
    assert "'nonsense' is not one of certs" in layers.removal_problems(LAYERS, ["nonsense"], {})[0]


def test_what_a_cluster_lacks() -> None:
    assert layers.lacking({"storage_classes": ["", "other"], "ingress_classes": ["nginx"]}, CLUSTER) == []
    assert layers.lacking({"storage_classes": ["fast"], "ingress_classes": ["traefik", "ghost"]}, CLUSTER) == [
        "storage class fast is needed; there are: longhorn, other",
        "ingress class traefik is needed; there are: ghost, nginx",
        "ingress class ghost names no controller",
    ]
    for defaults in ([], ["longhorn", "other"]):
        (text,) = layers.lacking({"storage_classes": [""]}, {**CLUSTER, "default_storage_classes": defaults})
        assert text == f"exactly one default storage class is needed; there is: {', '.join(defaults) or 'none'}"


def test_what_a_cluster_lacks_besides_classes() -> None:
    cluster = {**CLUSTER, "apis": ["apps/v1"], "node_names": ["gpu-1", "gpu-2"], "node_resources": ["cpu", "x.com/gpu"]}
    observed = {"kube-system/there": {"status": "failed"}, "kube-system/gone": {"status": "absent"}}
    met = {"apis": {"apps/v1": "never told"}, "nodes": ["gpu-2"], "releases": {"kube-system/there": "never told"}}
    met["resources"] = {"x.com/gpu": "never told"}
    assert layers.lacking(met, cluster, observed) == []
    unmet = {
        "apis": {"helm.cattle.io/v1": "RKE2 brings it"},
        "nodes": ["gpu-9"],
        "releases": {"kube-system/gone": "RKE2 brings it", "kube-system/unheard": "so does it"},
        "resources": {"x.com/other": "somebody brings it"},
    }
    assert layers.lacking(unmet, cluster, observed) == [
        "gpu-9 is not a node of this cluster; there are: gpu-1, gpu-2",
        "the API helm.cattle.io/v1 is needed and not served; RKE2 brings it",
        "the release kube-system/gone is needed and not installed; RKE2 brings it",
        "the release kube-system/unheard is needed and not installed; so does it",
        "no node offers x.com/other; somebody brings it",
    ]


def test_objects_that_must_be_there_first() -> None:
    secret = {"api_version": "v1", "kind": "Secret", "namespace": "app", "name": "conf", "keys": ["user", "password"]}
    kind = {"api_version": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": "things.example.com"}
    requires = {"objects": [secret, kind]}
    assert layers.lacking(requires, CLUSTER) == [
        "Secret app/conf with the keys user, password is needed; it is not there",
        "CustomResourceDefinition things.example.com is needed; it is not there",
    ]
    seen = {"kind": "CustomResourceDefinition", "namespace": None, "name": "things.example.com", "keys": []}
    there = [{"kind": "Secret", "namespace": "app", "name": "conf", "keys": ["user"]}, seen]
    assert layers.lacking(requires, {**CLUSTER, "objects": there}) == [
        "Secret app/conf needs the keys password; they are not in it"
    ]
    there[0]["keys"] = ["user", "password"]
    assert layers.lacking(requires, {**CLUSTER, "objects": there}) == []


def entry(layer: str, wanted: bool = True, declared: bool | None = None) -> dict[str, Any]:
    return {"layer": layer, "declared": wanted if declared is None else declared, "wanted": wanted, "version": "1.2.0"}


def found(item: str, status: str = "deployed", version: str = "1.2.0", **health: Any) -> dict[str, Any]:
    return {"item": item, "status": status, "version": version, "healthy": True, **health}


def test_the_table_tells_the_truth() -> None:
    charts = [entry("a"), entry("b"), entry("c"), entry("d"), entry("e", False), entry("f", False)]
    releases = [
        found("ns/a"),
        found("ns/b", "absent", healthy=False),
        found("ns/c", version="1.1.0"),
        found("ns/d", "failed", healthy=False, why=["its newest revision is failed: boom"]),
        found("ns/e"),
        found("ns/f", "absent", healthy=False),
    ]
    assert layers.status_rows(charts, releases)[1:] == [
        ["a", "ns/a", "1.2.0", "1.2.0 (deployed)", "healthy", ""],
        ["b", "ns/b", "1.2.0", "-", "missing", "it is not installed"],
        ["c", "ns/c", "1.2.0", "1.1.0 (deployed)", "healthy", "version 1.1.0 instead of 1.2.0"],
        ["d", "ns/d", "1.2.0", "1.2.0 (failed)", "not healthy", "its newest revision is failed: boom"],
        ["e", "ns/e", "-", "1.2.0 (deployed)", "healthy", "installed, but not in platform_release_layers"],
    ]
    assert layers.ill(charts, releases) == [
        "b (ns/b): it is not installed",
        "d (ns/d): its newest revision is failed: boom",
    ]


def test_what_a_declared_layer_does_not_want_is_judged_while_it_is_there() -> None:
    charts = [entry("a", False, declared=True), entry("b", False, declared=True), entry("c", False, declared=True)]
    releases = [
        found("ns/a", "absent", healthy=False),
        found("ns/b"),
        found("ns/c", version="1.1.0", healthy=False, why=["Deployment ns/c: 0 of 1 ready"]),
    ]
    old = (
        "Deployment ns/c: 0 of 1 ready; version 1.1.0 instead of 1.2.0; installed, but the settings of c do not want it"
    )
    assert layers.status_rows(charts, releases)[1:] == [
        ["b", "ns/b", "-", "1.2.0 (deployed)", "healthy", "installed, but the settings of b do not want it"],
        ["c", "ns/c", "-", "1.1.0 (deployed)", "not healthy", old],
    ]
    assert layers.ill(charts, releases) == [f"c (ns/c): {old}"]


def test_the_last_message_of_a_run() -> None:
    text = layers.failure_text({"b": "boom"}, ["a", "b"], False)
    assert text.splitlines()[1:] == ["  - b: boom"]
    assert text.startswith("1 of 2 layers failed, the others are as declared.")
    assert layers.failure_text({"b": "boom"}, ["a", "b"], True).startswith(
        "1 of 2 layers would fail; nothing was changed."
    )
