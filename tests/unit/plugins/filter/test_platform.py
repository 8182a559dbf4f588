# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters of the platform's roles: from the file of versions and what was observed to a decision or one message."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.platform import FilterModule

from ..module_utils.core.platform.helm import observed, revision

ROOT = Path(__file__).resolve().parents[4]
VERSIONS: dict[str, Any] = yaml.safe_load(
    (ROOT / "roles" / "platform_release" / "vars" / "versions.yml").read_text(encoding="utf-8")
)["__platform_release_versions"]
filters = FilterModule().filters()


def test_every_filter_has_its_page() -> None:
    pages = {path.stem for path in (ROOT / "plugins" / "filter").glob("platform_*.yml")}
    assert set(filters) == pages


def test_from_a_chart_to_a_decision() -> None:
    chart = filters["platform_chart"](VERSIONS, "longhorn", charts_dir="/srv")
    assert json.loads(json.dumps(chart)) == chart
    decide = filters["platform_decision"]
    old = {"name": "longhorn", "chart": "longhorn", "version": "1.11.3"}
    found = observed(revision(1, **old), name="longhorn")
    assert decide(found, chart, {}, "present", "v1.34.4")["steps"] == ["apply"]
    assert decide(found, chart, {}, "present", "v1.20.1")["refusal"].startswith(
        "Chart longhorn 1.12.1 does not support"
    )
    newer = observed(revision(1, **{**old, "version": "1.13.0"}), name="longhorn")
    assert "which longhorn cannot do" in decide(newer, chart, allow_downgrade=True)["refusal"]


@pytest.mark.parametrize(("confirm", "steps"), [("", []), ("long", []), ("k3k, longhorn", ["remove"])])
def test_a_confirmation_names_the_release_exactly(confirm: str, steps: list[str]) -> None:
    chart = filters["platform_chart"](VERSIONS, "longhorn", charts_dir="/srv")
    found = observed(revision(1, name="longhorn"), name="longhorn")
    decision = filters["platform_decision"](found, chart, state="absent", confirm=confirm)
    assert decision["steps"] == steps
    assert bool(decision["refusal"]) is not bool(steps)


def test_mistakes_come_as_one_message() -> None:
    with pytest.raises(AnsibleFilterError, match="platform_release_train: 'x' is not allowed"):
        filters["platform_chart"](VERSIONS, "longhorn", "x")
    with pytest.raises(AnsibleFilterError, match=r"platform_release_layers\.x: True is not allowed"):
        filters["platform_layer_order"](VERSIONS["layers"], {"x": True})
    with pytest.raises(AnsibleFilterError, match=r"platform_release_versions_override\.k3k\.x"):
        filters["platform_status_charts"](VERSIONS, {}, overrides={"k3k": {"x": 1}})


def test_pairs_look_at_what_is_installed_too() -> None:
    pair = {"when": "k3k", "version": ">= 1.0.0-0", "then": "longhorn", "needs": ">= 9.0.0", "why": "for this test"}
    chart = filters["platform_chart"](VERSIONS, "k3k")
    there = {"longhorn-system/longhorn": {"version": "1.12.1"}}
    found = filters["platform_pairs"]({**VERSIONS, "pairs": [pair]}, [chart], "v1.34.4", there)
    assert found == ["k3k 1.2.0-rc4 with longhorn 1.12.1: for this test; allowed: >= 9.0.0"]
    assert filters["platform_pairs"](VERSIONS, [chart], "v1.34.4", there) == []


@pytest.mark.parametrize("version", ["11.0.1", "110.0.0+up11.0.1"])
def test_the_backup_operator_goes_with_one_minor_of_rancher(version: str) -> None:
    overrides = {"rancher_backup": {"version": version}}
    backup = filters["platform_chart"](VERSIONS, "rancher_backup", overrides=overrides)
    for train, count in (("current", 0), ("previous", 1)):
        server = filters["platform_chart"](VERSIONS, "rancher", train)
        assert len(filters["platform_pairs"](VERSIONS, [server, backup], "v1.35.1+rke2r1")) == count
    server = filters["platform_chart"](VERSIONS, "rancher")
    assert filters["platform_pairs"](VERSIONS, [server], "v1.37.0") == [
        "rancher 2.15.0 does not support Kubernetes v1.37.0; allowed: < 1.37.0-0"
    ]


def test_the_table_of_a_fresh_cluster() -> None:
    charts = filters["platform_status_charts"](VERSIONS, {"k3k": ["k3k"]})
    releases = [
        {"item": f"{chart['namespace']}/{chart['release']}", "status": "absent", "healthy": False} for chart in charts
    ]
    head, only = filters["platform_status_table"](charts, releases)
    assert head.split() == ["LAYER", "RELEASE", "WANTED", "INSTALLED", "HEALTH", "WHY"]
    assert only.split()[:5] == ["k3k", "k3k-system/k3k", "1.2.0-rc4", "-", "missing"]
    assert filters["platform_status_ill"](charts, releases) == ["k3k (k3k-system/k3k): it is not installed"]


def test_objects_from_their_specs() -> None:
    make = filters["platform_objects_of"]
    assert make({"a": {"x": 1}}, "v1", "Thing") == [
        {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"x": 1}}
    ]
    assert make({"a": {}}, "v1", "Thing", "ns")[0]["metadata"] == {"name": "a", "namespace": "ns"}
    (whole,) = make({"a": "x"}, "v1", "Thing", "", "value")
    assert whole == {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a", "namespace": ""}, "value": "x"}


def test_the_mistakes_in_the_settings_of_a_layer_are_one_message() -> None:
    problems = filters["platform_setting_problems"]
    assert problems({"mode": "external", "url": "https://registry.example.com"}, "suse_registry") == ""
    text = problems({"mode": "external", "url": "ftp://x"}, "suse_registry")
    assert text.startswith(
        "Settings of suse_registry: 1 mistake, nothing was changed.\n  - suse_registry_url: 'ftp://x' is not"
    )
    text = problems({"backup": True, "backup_s3": {}, "backup_volume": "", "backup_resource_set": "x",
                     "backup_schedule": "@midnight", "backup_retention": 1}, "rancher")  # fmt: skip
    assert "rancher_backup: 'neither' is not allowed" in text
    with pytest.raises(
        AnsibleFilterError,
        match="layer: 'k3k' is not allowed; allowed: one of clearml_agent, clearml_gateway, clearml_server, gpu_operator, ingress, rancher",
    ):
        problems({}, "k3k")


def test_each_layer_has_a_check_and_only_its_own_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {
        "clearml_agent": "agent",
        "clearml_gateway": "gateway",
        "clearml_server": "server",
        "suse_registry": "registry",
        **{name: name for name in ("gpu_operator", "ingress", "rancher")},
        **{name: name for name in ("suse_ai", "suse_observability", "suse_security")},
    }
    real, imported = importlib.import_module, []

    def recorded(name: str) -> Any:
        check = inspect.signature(real(name).check)
        imported.append(name.rpartition(".")[2])
        return SimpleNamespace(check=lambda *given: check.bind(*given) and ())

    monkeypatch.setattr(importlib, "import_module", recorded)
    assert [filters["platform_setting_problems"]({}, layer) for layer in layers] == [""] * len(layers)
    assert imported == list(layers.values())


def test_waits_and_objects_are_plain_data() -> None:
    assert filters["platform_rollouts"](["web"], "Deployment", 0) == [
        {"api_version": "apps/v1", "kind": "Deployment", "name": "web", "minimum": 0}
    ]
    (node,) = filters["platform_labelled_nodes"]({"gpu-1": {"a": "b"}})
    assert (node["metadata"]["name"], node["metadata"]["labels"]) == ("gpu-1", {"a": "b"})
    assert list(filters["platform_device_plugin_configs"]({"shared-2": {"replicas": 2}})) == ["whole", "shared-2"]
    settings = {"exposure": "host_port", "default_class": "", "tls_secret": "", "redirect_to_https": True,
                "body_size": "0", "timeout": 60, "values": {}}  # fmt: skip
    made = filters["platform_ingress_values"]("ingress-nginx", settings)
    assert json.loads(json.dumps(made)) == made
    assert (made["kind"], len(made["digest"])) == ("DaemonSet", 16)


def test_the_layers_of_this_collection_in_their_order() -> None:
    wanted = dict.fromkeys(VERSIONS["layers"], True)
    order = filters["platform_layer_order"](VERSIONS["layers"], wanted)
    for earlier, later in (
        ("metallb", "ingress"),
        ("ingress", "suse_registry"),
        ("cert_manager", "suse_registry"),
        ("suse_storage", "suse_registry"),
        ("cert_manager", "gpu_operator"),
        ("gpu_operator", "k3k"),
        ("ingress", "clearml_server"),
        ("suse_storage", "clearml_server"),
        ("cert_manager", "suse_ai"),
        ("suse_storage", "suse_ai"),
        ("ingress", "suse_ai"),
        ("gpu_operator", "suse_ai"),
        ("gpu_operator", "suse_observability"),
        ("suse_observability", "suse_ai"),
    ):
        assert order.index(earlier) < order.index(later)


def test_words_of_a_program_are_shown_without_the_values_that_it_read() -> None:
    masked = filters["platform_masked"]
    assert masked("invalid: a-long-word", ["", "clearml: {apiSecret: a-long-word}"]) == "invalid: ********"
    assert masked("invalid", []) == "invalid"
