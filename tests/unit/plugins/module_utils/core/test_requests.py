# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From a declared tenant to the options of each module (TEN-11): every option must be one that the module has."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors, requests
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file
from ansible_collections.ai_tenancy.platform.plugins.modules import (
    clearml_info,
    clearml_queue,
    clearml_task_probe,
    clearml_tenant,
    clearml_tenant_info,
    gpu_quota,
    k3k_cluster,
    k3k_kubeconfig,
    tenant_guard,
    tenant_probe,
)

FILE = """
apiVersion: tenancy/v1
fleet: {networks: {node_cidrs: [198.19.0.0/16]}}
tenants:
  - id: acme
    owner: {email: it@acme.example}
    isolation: {level: dedicated, nodes: [n2, n1], control_plane_pool: {pool: cpu}}
    cluster:
      version: v1.34.4-k3s1
      agents: 2
      server_limit: {cpu: "4", memory: 8Gi}
      worker_limit: {cpu: "96", memory: 900Gi, nvidia.com/gpu: 8}
      expose: {type: nodePort, port: 30443}
    quota: {accelerators: {nvidia.com/gpu: 16}}
    clearml: {company: ACME, queues: [{name: 1xGPU, gpu: 1}]}
    verify: {skip: [P4]}
  - id: gone
    state: absent
    owner: {email: it@gone.example}
  - id: plain
    owner: {email: it@plain.example}
    isolation: {level: dedicated, node_selector: {pool: b}}
    cluster: {version: v1.34.4-k3s1, server_limit: {cpu: "1", memory: 2Gi}, expose: {type: none}}
    clearml: {enabled: false}
"""
SITE = requests.Site(api_host="k8s.example.com", kubeconfig_dir="/secure")


@pytest.fixture(scope="module")
def tenants() -> list[dict[str, Any]]:
    return requests.chosen(parse_tenants_file(yaml.safe_load(FILE)).to_dict()["tenants"])


def check_options(given: dict[str, Any], known: dict[str, Any], path: str) -> None:
    """Every given option exists, whatever is required is given, and so on inside."""
    assert set(given) <= set(known), f"{path}: unknown {set(given) - set(known)}"
    for name, option in known.items():
        assert name in given or not option.get("required"), f"{path}.{name} is required"
        value, inner = given.get(name), option.get("options")
        if inner and isinstance(value, dict):
            check_options(value, inner, f"{path}.{name}")
        elif inner and isinstance(value, list):
            for item in value:
                check_options(item, inner, f"{path}.{name}")


@pytest.mark.parametrize(
    ("kind", "module", "option"),
    [
        ("guard", tenant_guard, "tenants"),
        ("quota", gpu_quota, "quotas"),
        ("cluster", k3k_cluster, "clusters"),
        ("company", clearml_tenant, "tenants"),
        ("company_info", clearml_tenant_info, "tenants"),
        ("company_inside", clearml_info, "tenants"),
        ("task", clearml_task_probe, "tenants"),
        ("queue", clearml_queue, "queues"),
        ("kubeconfig", k3k_kubeconfig, "kubeconfigs"),
        ("probe", tenant_probe, "tenants"),
    ],
)
def test_what_is_asked_for_fits_the_module(tenants: Any, kind: str, module: Any, option: str) -> None:
    items = requests.requests_for(kind, tenants, SITE)
    assert items
    for item in items:
        check_options(item, module.ARGUMENT_SPEC[option]["options"], kind)


def test_absent_tenants_are_left_to_the_offboarding(tenants: Any) -> None:
    assert [tenant["id"] for tenant in tenants] == ["acme", "plain"]


def test_a_tenant_without_clearml_asks_nothing_of_it(tenants: Any) -> None:
    assert [item["id"] for item in requests.requests_for("company", tenants, SITE)] == ["acme"]
    assert [item["tenant"] for item in requests.requests_for("queue", tenants, SITE)] == ["acme"]
    probes = {item["tenant"]: item["probes"] for item in requests.requests_for("probe", tenants, SITE)}
    assert "C1" not in probes["plain"]
    assert "P4" not in probes["acme"]


def test_a_task_is_tried_where_it_takes_the_fewest_devices(tenants: Any) -> None:
    acme = tenants[0]
    listed = [{**acme["clearml"]["queues"][0], "name": f"{gpu}x", "gpu": gpu} for gpu in (4, 0, 8)]
    several = {**acme, "clearml": {**acme["clearml"], "queues": listed}}
    assert [item["queue"] for item in requests.requests_for("task", [several], SITE)] == ["0x"]
    without = {**acme, "clearml": {**acme["clearml"], "queues": []}}
    assert requests.requests_for("task", [without], SITE) == []


def test_nodes_by_name_and_a_pool_for_servers_become_affinities(tenants: Any) -> None:
    acme, plain = requests.requests_for("cluster", tenants, SITE)
    assert values(acme["agent_affinity"]) == [("kubernetes.io/hostname", ["n1", "n2"])]
    assert values(acme["server_affinity"]) == [("pool", ["cpu"])]
    assert "node_selector" not in acme
    assert plain["node_selector"] == {"pool": "b"}


def values(affinity: dict[str, Any]) -> list[tuple[str, list[str]]]:
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return [(item["key"], item["values"]) for term in terms for item in term["matchExpressions"]]


def test_a_node_port_is_reached_under_the_sites_host_and_nothing_else_is(tenants: Any) -> None:
    acme, plain = requests.requests_for("cluster", tenants, SITE)
    assert (acme["kubeconfig_server"], acme["expose"]) == (
        "k8s.example.com",
        {"type": "node_port", "server_port": 30443},
    )
    assert "kubeconfig_server" not in plain


def test_the_kubeconfig_gets_the_address_that_the_cluster_has(tenants: Any) -> None:
    items = requests.requests_for("kubeconfig", tenants[:1], SITE, {"acme": "https://k8s.example.com:30443"})
    assert items[0]["server"] == "https://k8s.example.com:30443"
    assert items[0]["dest"] == "/secure/acme.yaml"
    assert (items[0]["ttl"], items[0]["rotate_before"]) == (720 * 3600, 168 * 3600)


def test_an_unknown_or_suspended_tenant_is_refused() -> None:
    tenants = [{"id": "a", "state": "suspended"}]
    with pytest.raises(errors.ConfigError, match=r"tenants\[a\].state"):
        requests.chosen(tenants)
    with pytest.raises(errors.ConfigError, match="tenants_only: 'b'"):
        requests.chosen(tenants, ["b"])
