# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What tenant_guard accepts, and that it tells every mistake at once (TEN-5, X-6)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.request import parse_guard

NETWORKS = {
    "pod_cidr": ["10.42.0.0/16"],
    "service_cidr": ["10.43.0.0/16"],
    "node_cidrs": ["192.0.2.0/24"],
    "management_cidrs": ["198.51.100.0/24"],
    "metadata_cidrs": ["169.254.0.0/16"],
}


def parse(item: dict[str, Any], **options: Any) -> Any:
    return parse_guard({"tenants": [{"tenant": "acme", **item}], "networks": NETWORKS, **options}).fences[0]


def mistakes(item: dict[str, Any], **options: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as error:
        parse(item, **options)
    return {problem.path.removeprefix("tenants[acme]."): problem.allowed for problem in error.value.problems}


def test_a_tenant_without_wishes_is_fenced_in_strictly() -> None:
    fence = parse({})
    assert fence.namespace == "t-acme"
    assert (fence.mode, fence.images, fence.dns) == ("enforce", ("rancher/k3s",), ("host",))
    assert not fence.internet
    assert fence.egress == fence.ingress == ()


def test_a_way_says_what_it_is() -> None:
    way = {"cidr": "203.0.113.0/24", "ports": ["443", "8000-8100"], "why": "registry"}
    fence = parse({"network": {"allow_egress": [way]}})
    assert str(fence.egress[0]) == "203.0.113.0/24 TCP 443,8000-8100 (registry)"


@pytest.mark.parametrize(
    ("way", "field", "word"),
    [
        ({"cidr": "0.0.0.0/0", "ports": [443]}, "cidr", "internet: true"),
        ({"cidr": "::/0", "ports": [443]}, "cidr", "internet: true"),
        ({"cidr": "128.0.0.0/1", "ports": [443]}, "cidr", "override: true"),
        ({"cidr": "10.42.7.0/24", "ports": [443]}, "cidr", "the pod network 10.42.0.0/16"),
        ({"cidr": "10.43.0.1/32", "ports": [443]}, "cidr", "the service network"),
        ({"cidr": "192.0.2.7/32", "ports": [443]}, "cidr", "the nodes' network"),
        ({"cidr": "198.51.100.1/32", "ports": [623]}, "cidr", "the management network"),
        ({"cidr": "169.254.169.254/32", "ports": [80]}, "cidr", "metadata"),
        # a reason is asked for beside the override
        ({"cidr": "192.0.2.7/32", "ports": [443], "override": True}, "cidr", "the nodes' network"),
        ({"cidr": "203.0.113.1/24", "ports": [443]}, "cidr", "without host bits"),
        ({"cidr": "203.0.113.1", "ports": [443]}, "cidr", "203.0.113.1/32"),
        ({"namespace": "kube-system", "ports": [443]}, "namespace", "not the platform's"),
        ({"namespace": "k3k-system", "ports": [443]}, "namespace", "not the platform's"),
        ({"namespace": "No", "ports": [443]}, "namespace", "DNS-1123"),
        ({"ports": [443]}, "cidr", "exactly one of"),
        ({"cidr": "203.0.113.0/24", "namespace": "clearml", "ports": [443]}, "cidr", "exactly one of"),
        ({"cidr": "203.0.113.0/24", "ports": []}, "ports", "1 to 65535"),
        ({"cidr": "203.0.113.0/24", "ports": [0]}, "ports", "1 to 65535"),
        ({"cidr": "203.0.113.0/24", "ports": ["90-80"]}, "ports", "1 to 65535"),
        ({"cidr": "203.0.113.0/24", "ports": [443], "proto": "ICMP"}, "proto", "TCP, UDP, SCTP"),
    ],
)
def test_ways_out_that_are_refused(way: dict[str, Any], field: str, word: str) -> None:
    found = mistakes({"network": {"allow_egress": [way]}})
    assert list(found) == [f"network.allow_egress[0].{field}"]
    assert word in found[f"network.allow_egress[0].{field}"]


@pytest.mark.parametrize("target", [{"cidr": "192.0.2.7/32"}, {"namespace": "kube-system"}])
def test_the_platform_is_reached_only_on_purpose(target: dict[str, str]) -> None:
    way = {**target, "ports": [443], "override": True, "why": "registry on a node"}
    assert parse({"network": {"allow_egress": [way]}}).egress[0].why == "registry on a node"


def test_ways_in_may_come_from_anywhere() -> None:
    way = {"cidr": "0.0.0.0/0", "ports": [30080]}
    assert parse({"network": {"allow_ingress": [way]}}).ingress[0].cidr == "0.0.0.0/0"


def test_clearml_is_a_place_to_go() -> None:
    assert parse({"network": {"allow_egress": [{"namespace": "clearml", "ports": [8008]}]}}).egress


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"tenant": "kube-x"}, "tenants[kube-x].tenant"),
        ({"namespace": "cattle-system"}, "namespace"),
        ({"labels": {"ai-tenancy.platform/tenant": "x"}}, "labels.ai-tenancy.platform/tenant"),
        ({"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}, "labels.pod-security.kubernetes.io/enforce"),
        ({"labels": {"ok": "not ok"}}, "labels.ok"),
        ({"limit_range": {"default": {"nvidia.com/gpu": 1}}}, "limit_range.default.nvidia.com/gpu"),
        ({"limit_range": {"default": {"cpu": "0"}}}, "limit_range.default.cpu"),
        (
            {"limit_range": {"default": {"cpu": "1"}, "default_request": {"cpu": "2"}}},
            "limit_range.default_request.cpu",
        ),
        ({"network": {"dns": ["10.0.0.0/24"]}}, "network.dns[0]"),
        ({"network": {"expose": "everywhere"}}, "network.expose"),
        ({"admission": {"mode": "off"}}, "admission.mode"),
        ({"admission": {"images": []}}, "admission.images"),
        ({"admission": {"images": ["rancher/*"]}}, "admission.images[0]"),
        ({"admission": {"images": ["rancher/k3s,evil/image"]}}, "admission.images[0]"),
    ],
)
def test_other_mistakes(item: dict[str, Any], field: str) -> None:
    assert field in mistakes(item)


def test_an_exposed_tenant_needs_the_nodes_networks() -> None:
    found = mistakes({"network": {"expose": "node_port"}}, networks={**NETWORKS, "node_cidrs": []})
    assert list(found) == ["networks.node_cidrs"]


def test_tenants_do_not_share_and_do_not_reach_each_other() -> None:
    way = {"namespace": "t-globex", "ports": [443]}
    with pytest.raises(ConfigError) as error:
        parse_guard(
            {
                "tenants": [
                    {"tenant": "acme", "network": {"allow_egress": [way], "allow_ingress": [way]}},
                    {"tenant": "globex"},
                    {"tenant": "acme", "namespace": "t-globex"},
                ]
            }
        )
    assert [problem.path for problem in error.value.problems] == [
        "tenants[acme].tenant",
        "tenants[acme].namespace",
        "tenants[acme].network.allow_egress[0].namespace",
        "tenants[acme].network.allow_ingress[0].namespace",
    ]


def test_an_absent_tenant_needs_no_wishes() -> None:
    assert not parse({"state": "absent", "admission": {"images": []}}).present


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["cidr", "namespace", "ports", "proto", "why", "override"]), junk))
def test_junk_in_a_way_is_a_mistake_never_a_crash(way: dict[str, Any]) -> None:
    if not isinstance(way.get("ports"), (list, type(None))):
        way["ports"] = [way["ports"]]  # as the argument spec does
    with contextlib.suppress(ConfigError):
        parse({"network": {"allow_egress": [way]}})
