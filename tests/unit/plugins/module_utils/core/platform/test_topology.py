# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The platform on several clusters: what is found in the inventory before anything changes (X-6, PLAT-1 to PLAT-9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import division, topology

ROLES = Path(__file__).resolve().parents[6] / "roles"
VERSIONS = ROLES / "platform_release" / "vars" / "versions.yml"
LAYERS: dict[str, Any] = yaml.safe_load(VERSIONS.read_text(encoding="utf-8"))["__platform_release_versions"]["layers"]


def management(**changed: Any) -> dict[str, Any]:
    layers = ("cert_manager", "metallb", "suse_registry", "rancher", "suse_observability", "clearml_server")
    return {
        "platform_release_kubernetes": {"kubeconfig": "/etc/site/management.yaml"},
        "platform_release_layers": dict.fromkeys(layers, True),
        "platform_clearml_domain": "clearml.example.com",
        "metallb_pools": {"default": {"addresses": ["192.0.2.10-192.0.2.20"]}},
        "rancher_hostname": "rancher.example.com",
        "suse_registry_url": "https://registry.example.com",
        "suse_observability_server": True,
        "suse_observability_url": "https://observability.example.com",
        "suse_observability_cluster": "management",
        "suse_observability_gpu_metrics": False,
        **changed,
    }


def workload(number: int = 1, **changed: Any) -> dict[str, Any]:
    layers = ("cert_manager", "metallb", "suse_storage", "suse_registry", "suse_security", "suse_observability")
    return {
        "platform_release_kubernetes": {"kubeconfig": f"/etc/site/workload-{number}.yaml"},
        "platform_release_layers": dict.fromkeys([*layers, "gpu_operator", "k3k"], True),
        "platform_clearml_domain": "clearml.example.com",
        "metallb_pools": {"default": {"addresses": [f"192.0.2.{number}28/29"]}},
        "suse_registry_mode": "external",
        "suse_registry_url": "https://registry.example.com",
        "suse_observability_url": "https://observability.example.com",
        "suse_observability_cluster": f"workload-{number}",
        **changed,
    }


def tenants(number: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "tenants_kubernetes": {"kubeconfig": f"/etc/site/workload-{number}.yaml"},
        "tenants_clearml": {"api_url": "https://api.clearml.example.com", "secret_key": "never-shown"},
        "tenants_file": f"/site/tenants-{number}.yml",
        "tenants_report_dir": f"/site/reports/{number}",
        "platform_clearml_domain": "clearml.example.com",
        "inventory_dir": "/site",
        **changed,
    }


def problems(
    clusters: dict[str, Any] | None = None, looked_after: dict[str, Any] | None = None, elsewhere: tuple[str, ...] = ()
) -> list[str]:
    chosen = {"management": management(), "workload-1": workload()} if clusters is None else clusters
    return [str(problem) for problem in topology.check(chosen, looked_after or {}, LAYERS, elsewhere)]


def both(**changed: Any) -> dict[str, Any]:
    """A good site whose workload cluster says something else."""
    return {"management": management(), "workload-1": workload(**changed)}


def layers_and(layer: str) -> dict[str, bool]:
    return {**workload()["platform_release_layers"], layer: True}


def test_a_good_division_has_no_problem() -> None:
    clusters = {"management": management(), "workload-1": workload(), "workload-2": workload(2)}
    assert problems(clusters, {"workload-1": tenants(), "workload-2": tenants(2)}) == []


def test_one_cluster_uses_servers_of_others_as_it_likes() -> None:
    assert problems({"localhost": workload()}, {"localhost": tenants()}) == []
    assert problems({}, {}) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"platform_release_kubernetes": {"kubeconfig": "/etc/site//management.yaml"}},
            (
                "workload-1: platform_release_kubernetes: '/etc/site//management.yaml' is not allowed; allowed: a cluster of its "
                "own; management is this one already"
            ),
        ),
        (
            {"platform_release_layers": {}},
            "workload-1: platform_release_layers: {} is not allowed; allowed: at least one layer for each cluster",
        ),
        (
            {"platform_release_layers": {"k3k": True, "k8s": True}},
            f"workload-1: platform_release_layers.k8s: True is not allowed; allowed: one of {', '.join(LAYERS)}",
        ),
        (
            {
                "platform_release_layers": layers_and("rancher"),
                "rancher_hostname": "rancher.example.com",
            },
            (
                "workload-1: rancher_hostname: 'rancher.example.com' is not allowed; allowed: a name that leads to this cluster; "
                "management serves it by rancher_hostname"
            ),
        ),
        (
            {"suse_registry_mode": "cluster"},
            (
                "workload-1: suse_registry_url: 'registry.example.com' is not allowed; allowed: a name that leads to this "
                "cluster; management serves it by suse_registry_url"
            ),
        ),
        (
            {"platform_release_layers": layers_and("suse_ai"), "suse_ai_host": "app.clearml.example.com"},
            (
                "management: clearml_server_base_domain: 'app.clearml.example.com' is not allowed; allowed: a name that leads "
                "to this cluster; workload-1 serves it by suse_ai_host"
            ),
        ),
        (
            {"suse_observability_cluster": "management"},
            (
                "workload-1: suse_observability_cluster: 'management' is not allowed; allowed: a name of its own; management has "
                "this one"
            ),
        ),
        (
            {"metallb_pools": {"web": {"addresses": ["2001:db8::/64", "192.0.2.20 - 192.0.2.30"]}}},
            (
                "workload-1: metallb_pools.web.addresses: '192.0.2.20 - 192.0.2.30' is not allowed; allowed: addresses that no "
                "other cluster announces; management has 192.0.2.10-192.0.2.20"
            ),
        ),
        (
            {"suse_observability_url": "https://observe.example.com"},
            (
                "workload-1: suse_observability_url: 'https://observe.example.com' is not allowed; allowed: the address of a server "
                "of these clusters: observability.example.com (management); or suse_observability in platform_release_elsewhere"
            ),
        ),
        (
            {"suse_registry_url": "https://images.example.com"},
            (
                "workload-1: suse_registry_url: 'https://images.example.com' is not allowed; allowed: the address of a server of "
                "these clusters: registry.example.com (management); or suse_registry in platform_release_elsewhere"
            ),
        ),
    ],
)
def test_what_is_wrong_is_told_by_host_and_variable(wrong: dict[str, Any], told: str) -> None:
    assert problems(both(**wrong)) == [told]


def test_agents_need_a_server_in_some_cluster_or_elsewhere() -> None:
    clusters = {"management": management(suse_observability_server=False), "workload-1": workload()}
    found = problems(clusters)
    place = "suse_observability_url: 'https://observability.example.com' is not allowed; allowed: no cluster here has this server"
    assert found == [
        f"{name}: {place}; or suse_observability in platform_release_elsewhere" for name in ("management", "workload-1")
    ]
    assert problems(clusters, elsewhere=("suse_observability",)) == []


def test_elsewhere_names_layers() -> None:
    assert problems(both(), elsewhere=("suse_observatory",)) == [
        f"platform_release_elsewhere: 'suse_observatory' is not allowed; allowed: layers: {', '.join(LAYERS)}"
    ]


def test_what_a_layer_needs_beside_it_is_not_in_another_cluster() -> None:
    """NeuVector needs its volume in its own cluster, and Rancher its cert-manager; unless the site has it by other means."""
    clusters = {
        "management": management(platform_release_layers={"rancher": True, "suse_security": True}),
        "workload-1": workload(
            suse_observability_url="", platform_release_layers={"cert_manager": True, "suse_storage": True}
        ),
    }
    assert problems(clusters) == [
        (
            "management: platform_release_layers.cert_manager: False is not allowed; allowed: true, because rancher needs it in "
            "its own cluster; or rancher_tls_source: secret"
        ),
        (
            "management: platform_release_layers.suse_storage: False is not allowed; allowed: true, because suse_security needs "
            "it in its own cluster; or another suse_security_storage_class"
        ),
    ]
    assert problems(clusters, elsewhere=("cert_manager", "suse_storage")) == []
    clusters["management"].update(rancher_tls_source="secret", platform_rwx_class="nfs")
    assert problems(clusters) == []
    clusters["workload-1"]["platform_release_layers"] = {"k3k": True}
    clusters["management"].pop("rancher_tls_source")
    assert problems(clusters) == [], "nobody has cert-manager here, so the site brings it"


def test_metrics_of_gpus_come_from_the_exporter_of_the_same_cluster() -> None:
    clusters = {"management": management(suse_observability_gpu_metrics=True), "workload-1": workload()}
    assert problems(clusters) == [
        (
            "management: platform_release_layers.gpu_operator: False is not allowed; allowed: true, because suse_observability "
            "needs it in its own cluster; or suse_observability_gpu_metrics: false"
        )
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"tenants_kubernetes": {"kubeconfig": "/etc/site/management.yaml"}},
            (
                "t: tenants_kubernetes: '/etc/site/management.yaml' is not allowed; allowed: the cluster of workload-1, with the "
                "layer k3k; this is management"
            ),
        ),
        (
            {"tenants_clearml": {"api_url": "https://api.clearml.example.org:8008/", "secret_key": "never-shown"}},
            (
                "t: tenants_clearml.api_url: 'https://api.clearml.example.org:8008/' is not allowed; allowed: the address of a "
                "server of these clusters: app.clearml.example.com (management), api.clearml.example.com (management), "
                "files.clearml.example.com (management); or clearml_server in platform_release_elsewhere"
            ),
        ),
        (
            {"platform_clearml_domain": "ml.example.com"},
            (
                "t: platform_clearml_domain: 'https://api.ml.example.com' is not allowed; allowed: the address of a server of "
                "these clusters: app.clearml.example.com (management), api.clearml.example.com (management), "
                "files.clearml.example.com (management); or clearml_server in platform_release_elsewhere"
            ),
        ),
    ],
)
def test_tenants_are_where_k3k_is_and_know_the_server(wrong: dict[str, Any], told: str) -> None:
    found = problems(both(), {"t": tenants(**wrong)})
    assert found == [told]
    assert "never-shown" not in found[0]
    assert problems(both(), {"t": tenants(**wrong)}, ("k3k", "clearml_server")) == []


def test_two_who_look_after_tenants_have_files_of_their_own() -> None:
    clusters = {"management": management(), "workload-1": workload(), "workload-2": workload(2)}
    same: dict[str, Any] = {
        "tenants_file": None,
        "tenants_report_dir": "/site/reports/1/",
        "tenants_kubeconfig_dir": "/site/k",
    }
    found = problems(clusters, {"a": tenants(**same), "b": tenants(2, **same)})
    assert [text.partition(" is not")[0] for text in found] == [
        "b: tenants_file: ''",
        "b: tenants_report_dir: '/site/reports/1/'",
        "b: tenants_kubeconfig_dir: '/site/k'",
    ]
    assert problems(
        clusters, {"a": tenants(), "b": tenants(2, tenants_kubernetes=tenants()["tenants_kubernetes"])}
    ) == [
        (
            "b: tenants_kubernetes: '/etc/site/workload-1.yaml' is not allowed; allowed: a cluster of its own; a is this one "
            "already"
        )
    ]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({}, None, True),
        ({}, {"kubeconfig": "/a"}, False),
        ({"context": "x"}, {"context": "y"}, False),
        ({"kubeconfig": "/a", "context": "x"}, {"kubeconfig": "/a", "context": "y"}, False),
        ({"host": "https://K8S.example.com/"}, {"host": "https://k8s.example.com", "api_key": "other"}, True),
        (
            {"kubeconfig": {"clusters": [{"cluster": {"server": "https://a"}}], "users": [1]}},
            {"kubeconfig": {"clusters": [{"cluster": {"server": "https://a"}}], "users": [2]}},
            True,
        ),
    ],
)
def test_when_two_hosts_reach_the_same_cluster(left: Any, right: Any, same: bool) -> None:
    assert (topology.connection(left)[1] == topology.connection(right)[1]) is same


def test_every_mistake_is_told_at_once() -> None:
    wrong = workload(
        suse_observability_cluster="management", suse_registry_url="", metallb_pools=management()["metallb_pools"]
    )
    assert len(problems({"management": management(), "workload-1": wrong})) == 3


def test_no_pool_is_judged_that_metallb_itself_refuses() -> None:
    assert problems(both(metallb_pools={"a": {"addresses": ["192.0.2.10-", "nonsense"]}, "b": {}})) == []


@pytest.mark.parametrize("need", division.LOCAL, ids=lambda need: f"{need.layer}-{need.needs}")
def test_local_needs_know_the_defaults_of_the_roles(need: division.Local) -> None:
    defaults = yaml.safe_load((ROLES / need.layer / "defaults" / "main.yml").read_text(encoding="utf-8"))
    default = str(defaults[need.variables[0]])
    assert default.lower() == need.default or f"default('{need.default}')" in default
    assert need.default in need.when
    assert {need.layer, need.needs} <= set(LAYERS)


def test_every_variable_that_is_looked_at_is_one() -> None:
    """Of a role, or one of those that several roles have as a default."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROLES.glob("*/defaults/main.yml"))
    for name in (*topology.OF_CLUSTERS, *topology.OF_TENANTS):
        assert f"\n{name}:" in text or f"{name} | default(" in text or name == "inventory_dir", name
