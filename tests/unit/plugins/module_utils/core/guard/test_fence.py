# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The objects of a fence, and the plan that makes, repairs and removes them (TEN-5, TEN-9, X-1)."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard import admission
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.fence import (
    Around,
    desired,
    foreign_policies,
    plan_fence,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.network import policies
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.request import (
    Fence,
    Surroundings,
    parse_guard,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.review import review
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.ways import HostNetworks
from tests.unit.live import applied

AROUND = Surroundings(HostNetworks(("10.42.0.0/16",), ("10.43.0.0/16",), ("192.0.2.0/24",)))


def parsed(**item: Any) -> Fence:
    return parse_guard({"tenants": [{"tenant": "acme", **item}], "networks": {"node_cidrs": ["192.0.2.0/24"]}}).fences[
        0
    ]


def standing(fence: Fence, around: Surroundings = AROUND) -> Around:
    """What is found after the fence was made."""
    live = [applied(body) for body in desired(fence, around)]
    return Around(live[0], live[1:])


ways = st.lists(
    st.builds(
        lambda host, ports, proto, why: {"cidr": f"203.0.113.{host}/32", "ports": ports, "proto": proto, "why": why},
        st.integers(0, 255),
        st.lists(st.integers(1, 65535), min_size=1, max_size=3),
        st.sampled_from(["TCP", "UDP", "SCTP"]),
        st.sampled_from(["", "registry"]),
    ),
    max_size=2,
)
items = st.fixed_dictionaries(
    {
        "labels": st.dictionaries(st.sampled_from(["team", "x.example/cost"]), st.sampled_from(["a", "b"])),
        "limit_range": st.sampled_from([{}, {"default": {"cpu": "1000m"}}, {"default_request": {"memory": "1024Mi"}}]),
        "network": st.fixed_dictionaries(
            {
                "internet": st.booleans(),
                "expose": st.sampled_from(["none", "node_port", "load_balancer", "ingress"]),
                "allow_egress": ways,
                "allow_ingress": ways,
                "dns": st.sampled_from([["host"], ["169.254.20.10"], ["host", "169.254.20.10"]]),
            }
        ),
        "admission": st.fixed_dictionaries({"mode": st.sampled_from(sorted(admission.MODES))}),
    }
)


@given(items)
def test_a_standing_fence_needs_nothing(item: dict[str, Any]) -> None:
    fence = parsed(**item)
    assert plan_fence(fence, AROUND, standing(fence)).steps == ()


@given(items, items)
def test_from_any_fence_to_any_other_in_one_plan(before: dict[str, Any], after: dict[str, Any]) -> None:
    found, fence = standing(parsed(**before)), parsed(**after)
    live = {(item["kind"], item["metadata"]["name"]): item for item in (found.namespace, *found.objects) if item}
    for step in plan_fence(fence, AROUND, found).steps:
        if step.action == "remove":
            del live[step.kind, step.name]
        else:
            live[step.kind, step.name] = applied(step.body)
    rest = Around(live.pop(("Namespace", fence.namespace)), list(live.values()))
    assert plan_fence(fence, AROUND, rest).steps == ()
    wanted = {(body["kind"], body["metadata"]["name"]) for body in desired(fence, AROUND)}
    assert {*live, ("Namespace", fence.namespace)} == wanted


def test_everything_is_labelled_and_nothing_touches_pod_security() -> None:
    for body in desired(parsed(labels={"team": "red"}, limit_range={"default": {"cpu": "1"}}), AROUND):
        labels = body["metadata"]["labels"]
        assert labels["ai-tenancy.platform/tenant"] == "acme"
        assert labels["app.kubernetes.io/managed-by"] == "ai-tenancy"
        assert labels["team"] == "red"
        assert not [label for label in labels if label.startswith("pod-security.kubernetes.io/")]


def test_only_named_ways_are_open() -> None:
    found = policies(parsed(), AROUND)
    assert list(found) == ["default-deny", "allow-tenant", "allow-dns", "allow-controller"]
    assert found["default-deny"][0] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    controller = found["allow-controller"][0]
    assert controller["policyTypes"] == ["Ingress"]
    assert [port["port"] for port in controller["ingress"][0]["ports"]] == [6443, 2379]


def test_every_port_states_its_protocol() -> None:
    way = {"cidr": "203.0.113.1/32", "ports": ["80"], "proto": "UDP"}
    fence = parsed(network={"allow_egress": [way], "allow_ingress": [way], "expose": "ingress", "internet": True})
    around = Surroundings(AROUND.networks, monitoring_namespace="monitoring")
    for spec, _opens in policies(fence, around).values():
        for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
            assert all(port["protocol"] in ("TCP", "UDP", "SCTP") for port in rule.get("ports", ()))


@given(st.lists(st.sampled_from(["192.0.2.0/24", "10.1.0.0/16", "203.0.113.0/25", "2001:db8::/48", "fd00::/8"])))
def test_the_internet_has_no_private_and_no_own_network(nodes: list[str]) -> None:
    around = Surroundings(HostNetworks(nodes=tuple(nodes)))
    spec = policies(parsed(network={"internet": True}), around)["allow-internet"][0]
    blocks = [peer["ipBlock"] for peer in spec["egress"][0]["to"]]
    assert [block["cidr"] for block in blocks] == ["0.0.0.0/0", "::/0"][: 1 + any(":" in node for node in nodes)]
    excepted = [ipaddress.ip_network(cidr) for block in blocks for cidr in block["except"]]
    for closed in ("10.9.9.9", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1"):
        assert any(ipaddress.ip_address(closed) in network for network in excepted if network.version == 4)
    for node in map(ipaddress.ip_network, nodes):
        assert any(node.subnet_of(network) for network in excepted if network.version == node.version)


def test_what_is_no_longer_declared_is_removed_and_what_is_foreign_stays() -> None:
    found = standing(parsed(network={"internet": True}))
    hole = {"kind": "NetworkPolicy", "metadata": {"name": "hole", "namespace": "t-acme"}, "spec": {}}
    found = Around(found.namespace, [*found.objects, hole])
    plan = plan_fence(parsed(), AROUND, found)
    assert [(step.action, step.name, step.reason) for step in plan.steps] == [
        ("remove", "allow-internet", "no longer declared")
    ]
    assert foreign_policies(parsed(), found) == ["hole"]


def test_labels_of_k3k_on_the_namespace_are_no_difference() -> None:
    found = standing(parsed())
    assert found.namespace is not None
    found.namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
    assert plan_fence(parsed(), AROUND, found).steps == ()
    # a deleted VirtualClusterPolicy takes its binding away: it is put back
    del found.namespace["metadata"]["labels"]["policy.k3k.io/policy-name"]
    assert [step.kind for step in plan_fence(parsed(), AROUND, found).steps] == ["Namespace"]


def namespace(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": "t-acme", **metadata}}


GONE = Fence("acme", "t-acme", present=False)
MINE = {"ai-tenancy.platform/tenant": "acme", "app.kubernetes.io/managed-by": "ai-tenancy"}


def test_removal_takes_the_namespace_as_a_whole() -> None:
    plan = plan_fence(GONE, AROUND, standing(parsed()))
    assert [(step.action, step.kind, step.name) for step in plan.steps] == [("remove", "Namespace", "t-acme")]
    assert "NetworkPolicy default-deny" in plan.steps[0].reason
    assert plan_fence(GONE, AROUND, Around()).steps == ()
    assert plan_fence(GONE, AROUND, Around(namespace(labels=MINE, deletionTimestamp="now"))).steps == ()


@pytest.mark.parametrize(
    ("fence", "found", "words"),
    [
        (GONE, Around(namespace(labels=MINE), clusters=["acme"]), "still holds the virtual cluster acme"),
        (GONE, Around(namespace()), "has no tenant label"),
        (GONE, Around(namespace(labels={**MINE, "ai-tenancy.platform/tenant": "globex"})), "belongs to tenant globex"),
        (
            Fence("acme", "t-acme"),
            Around(namespace(labels={**MINE, "ai-tenancy.platform/tenant": "globex"})),
            "belongs to tenant globex",
        ),
        (Fence("acme", "t-acme"), Around(namespace(labels=MINE, deletionTimestamp="now")), "is being deleted"),
    ],
)
def test_what_is_refused(fence: Fence, found: Around, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        plan_fence(fence, AROUND, found)


def test_a_check_of_offboarding_trusts_that_the_cluster_goes_first() -> None:
    found = Around(namespace(labels=MINE), clusters=["acme"])
    leaving = Fence("acme", "t-acme", present=False, cluster_absent=True)
    assert plan_fence(leaving, AROUND, found, trust_declared=True).changed
    for fence, trusted in ((leaving, False), (GONE, True)):
        with pytest.raises(RefusedError, match="still holds"):
            plan_fence(fence, AROUND, found, trusted)


def test_a_namespace_that_was_there_before_is_taken_in() -> None:
    plan = plan_fence(parsed(), AROUND, Around(namespace()))
    assert (plan.steps[0].action, plan.steps[0].kind) == ("change", "Namespace")


def test_the_admission_objects_do_not_depend_on_tenants() -> None:
    found = admission.shared_objects()
    assert [body["kind"] for body in found] == ["ValidatingAdmissionPolicy"] + ["ValidatingAdmissionPolicyBinding"] * 3
    assert not any("ai-tenancy.platform/tenant" in body["metadata"]["labels"] for body in found)
    enforce = found[1]["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert {"key": admission.LABEL_ADMISSION, "operator": "NotIn", "values": ["warn", "audit"]} in enforce


def test_review_names_the_gaps() -> None:
    found = standing(parsed())
    assert found.namespace is not None
    shared = admission.shared_objects()
    good = review(found.namespace, found.objects, shared)
    assert (good["fenced"], good["gaps"]) == (True, [])
    assert good["admission"] == {"mode": "enforce", "images": ["rancher/k3s"]}
    bare = review(namespace(labels={**MINE, admission.LABEL_ADMISSION: "audit"}), [], shared[1:])
    assert not bare["fenced"]
    for words in (
        "mode is audit",
        "no image",
        "no VirtualClusterPolicy",
        "its token",
        "no NetworkPolicy",
        "is missing",
    ):
        assert any(words in gap for gap in bare["gaps"])
