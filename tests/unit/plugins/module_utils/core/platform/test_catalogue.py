# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which chart in which version from where (PLAT-10, X-2, X-6), and the file of versions itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue, layers

ROOT = Path(__file__).resolve().parents[6]
VERSIONS: dict[str, Any] = yaml.safe_load(
    (ROOT / "roles" / "platform_release" / "vars" / "versions.yml").read_text(encoding="utf-8")
)["__platform_release_versions"]
KEYS = sorted(VERSIONS["charts"])
#: Where a subscription might say that SUSE's charts are.
SUSE = {"sources": {"suse": {"oci": "oci://registry.example.com/charts/some-chart"}}}
SMALL: dict[str, Any] = {
    "charts": {
        "web": {"release": "web", "namespace": "web", "chart": "web", "version": "1.2.0", "kubernetes": ">= 1.25.0-0",
                "sources": {"community": {"repository": "https://charts.example.com"}}},
        "tool": {"release": "tool", "namespace": "web", "chart": "tool", "version": "3.0.0", "sources": {"suse": {}}},
    },
    "trains": {"current": {}, "previous": {"web": {"version": "1.1.0"}}},
    "layers": {"web": {"charts": ["web", "tool"]}},
    "pairs": [{"when": "tool", "version": ">= 3.0.0", "then": "web", "needs": ">= 1.2.0", "why": "the tool is newer"}],
}  # fmt: skip


def test_every_layer_has_its_role_and_every_chart_its_layer() -> None:
    used = [key for entry in VERSIONS["layers"].values() for key in entry.get("charts", ())]
    of_tenants = [key for key, entry in VERSIONS["charts"].items() if entry.get("per_tenant")]
    assert sorted([*used, *of_tenants]) == KEYS
    for name, entry in VERSIONS["layers"].items():
        for file in ("main", "remove"):
            assert (ROOT / "roles" / name / "tasks" / f"{file}.yml").is_file(), name
        assert {*entry.get("needs", ()), *entry.get("after", ())} <= set(VERSIONS["layers"])
    assert sorted(layers.order(VERSIONS["layers"], dict.fromkeys(VERSIONS["layers"], True))) == sorted(
        VERSIONS["layers"]
    )


@pytest.mark.parametrize("train", sorted(VERSIONS["trains"]))
@pytest.mark.parametrize("key", KEYS)
def test_every_chart_can_be_had_from_the_community_and_from_a_folder(key: str, train: str) -> None:
    chart = catalogue.chart(VERSIONS, key, train)
    assert chart["origin"]["kind"] in (catalogue.OCI, catalogue.REPOSITORY)
    # A chart of definitions has no pods; of all others that are public the air-gap bundle reads the images.
    assert bool(chart["images"]) is not key.endswith("_crd") or not chart.get("public", True)
    archive = catalogue.chart(VERSIONS, key, train, charts_dir="/srv/charts/")
    assert archive["origin"]["reference"] == f"/srv/charts/{chart['chart']}-{chart['version']}.tgz"


@pytest.mark.parametrize("key", [key for key in KEYS if "suse" in VERSIONS["charts"][key]["sources"]])
def test_a_chart_of_suse_has_an_address_only_when_the_site_names_it(key: str) -> None:
    chart = catalogue.chart(VERSIONS, key, source="suse", overrides={key: SUSE})
    assert chart["origin"]["reference"] == SUSE["sources"]["suse"]["oci"]
    with pytest.raises(ConfigError) as caught:
        catalogue.chart(VERSIONS, key, source="suse")
    assert f"platform_release_versions_override.{key}.sources.suse: " in str(caught.value)
    assert "allowed: with repository or oci, the address of the chart; or set platform_release_charts_dir" in str(
        caught.value
    )
    assert catalogue.chart(VERSIONS, key, source="suse", charts_dir=None)["version"] == chart["version"]


def test_what_suse_does_not_build_comes_from_the_community() -> None:
    assert catalogue.chart(VERSIONS, "k3k", source="suse")["origin"] == catalogue.chart(VERSIONS, "k3k")["origin"]


def test_train_and_site_replace_single_fields() -> None:
    assert catalogue.chart(SMALL, "web", "previous")["version"] == "1.1.0"
    mine = {"web": {"version": "1.2.7", "sources": {"community": {"oci": "oci://registry.example.com/web"}}}}
    chart = catalogue.chart(SMALL, "web", "previous", overrides=mine)
    assert chart["version"] == "1.2.7"
    assert chart["origin"] == {
        "chart": "web", "file": "web-1.2.7.tgz", "kind": "oci", "reference": "oci://registry.example.com/web", "repository": "",
    }  # fmt: skip


def test_all_mistakes_are_told() -> None:
    with pytest.raises(ConfigError) as caught:
        catalogue.chart(SMALL, "web", overrides={"web": {"version": "newest", "namespace": "x", "kubernetes": "~1"}})
    # Unknown fields first: nothing else is looked at then.
    text = str(caught.value)
    assert "platform_release_versions_override.web.namespace: 'x' is not allowed; allowed: one of version" in text
    with pytest.raises(ConfigError) as caught:
        catalogue.chart(SMALL, "web", overrides={"web": {"version": "newest", "kubernetes": "~1"}})
    text = str(caught.value)
    assert (
        "platform_release_versions_override.web.version: 'newest' is not allowed; allowed: a semantic version" in text
    )
    assert (
        "platform_release_versions_override.web.kubernetes: '~1' is not allowed; allowed: comparisons such as" in text
    )
    with pytest.raises(
        ConfigError, match="platform_release_train: 'future' is not allowed; allowed: one of current, previous"
    ):
        catalogue.chart(SMALL, "web", "future")
    with pytest.raises(
        ConfigError, match="platform_release_chart: 'nothing' is not allowed; allowed: one of tool, web"
    ):
        catalogue.chart(SMALL, "nothing")


def test_what_does_not_go_together() -> None:
    web, tool = catalogue.chart(SMALL, "web", "previous"), catalogue.chart(SMALL, "tool", charts_dir="/x")
    assert catalogue.check_pairs(SMALL, {"web": web, "tool": tool}, "v1.34.4+rke2r1") == [
        "tool 3.0.0 with web 1.1.0: the tool is newer; allowed: >= 1.2.0"
    ]
    assert catalogue.check_pairs(SMALL, {"web": web}, "v1.24.1+rke2r1") == [
        "web 1.1.0 does not support Kubernetes v1.24.1; allowed: >= 1.25.0-0"
    ]
    assert catalogue.check_pairs(SMALL, {"web": web}, "") == []
    observed = {"web/web": {"version": "1.1.0"}, "web/tool": {}}
    assert catalogue.installed(SMALL, observed) == {"web": {"version": "1.1.0"}}


def test_the_status_knows_every_chart_and_needs_no_address() -> None:
    found = catalogue.status_charts(SMALL, {"web": ["web"]}, "current", "suse", {})
    assert [(chart["layer"], chart["key"], chart["wanted"]) for chart in found] == [
        ("web", "web", True),
        ("web", "tool", False),
    ]
    assert [chart["declared"] for chart in found] == [True, True]
    assert found[0]["reference"] == {"name": "web", "namespace": "web"}
    assert catalogue.releases(SMALL) == [{"name": "tool", "namespace": "web"}, {"name": "web", "namespace": "web"}]
    bundled = {"proxy": {"release": "rke2-proxy", "namespace": "kube-system"}}
    assert catalogue.releases({**SMALL, "bundled": bundled})[0] == {"name": "rke2-proxy", "namespace": "kube-system"}


def test_what_each_tenant_has_is_not_looked_for_on_the_host() -> None:
    tool = {**SMALL["charts"]["tool"], "per_tenant": True}
    assert catalogue.releases({**SMALL, "charts": {**SMALL["charts"], "tool": tool}}) == [
        {"name": "web", "namespace": "web"}
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "cert_manager",
            {"imageRegistry": "r.example.com", "imageNamespace": "mirror/quay/jetstack",
             "global": {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}},
        ),
        ("longhorn", {"global": {"imageRegistry": "r.example.com/docker.io", "imagePullSecrets": ["a", "b"]}}),
        ("k3k", {"global": {"imageRegistry": "r.example.com/docker.io", "imagePullSecrets": [{"name": "a"}, {"name": "b"}]}}),
    ],
)  # fmt: skip
def test_another_registry_in_the_words_of_each_chart(key: str, expected: dict[str, Any]) -> None:
    registry = {"host": "r.example.com", "mode": "values", "project_map": {"quay.io": "mirror/quay"}}
    assert catalogue.registry_values(VERSIONS["charts"][key], registry, ["a", "b"]) == expected


def test_a_mirror_changes_no_name_and_suse_has_words_of_its_own() -> None:
    assert catalogue.registry_values(VERSIONS["charts"]["longhorn"], {"host": "r.example.com"}, []) == {}
    assert catalogue.registry_values(VERSIONS["charts"]["longhorn"], {}, []) == {}
    suse = catalogue.chart(VERSIONS, "cert_manager", source="suse", charts_dir="/x")
    assert catalogue.registry_values(suse, {"host": "r.example.com", "mode": "values"}, []) == {
        "global": {"imageRegistry": "r.example.com"}
    }


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3), st.sampled_from(["name", "names", "objects"])
)
def test_pull_secrets_in_three_shapes(names: list[str], shape: str) -> None:
    entry = {"pull_secret_values": {"shape": shape, "paths": ["x.y"]}}
    found = catalogue.registry_values(entry, {}, names)["x"]["y"]
    assert found == {"name": names[0], "names": names, "objects": [{"name": name} for name in names]}[shape]


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("Error: unexpected status: 401 Unauthorized", "does not accept the login"),
        ("Error: failed: 403 Forbidden", "entitlement"),
        ("Error: chart web version 9 not found", "is not there"),
        ("tls: failed to verify certificate: x509: unknown authority", "platform_release_chart_ca"),
        ("dial tcp 192.0.2.1:443: connect: connection refused", "nothing answers there"),
        ("something else", "see what Helm says"),
        ("", "Helm: no message"),
    ],
)
def test_why_a_chart_cannot_be_had(said: str, means: str) -> None:
    text = catalogue.fetch_trouble("repo (web 1.2.0)", said)
    assert text.startswith("Chart repo (web 1.2.0) cannot be had: ")
    assert means in text
