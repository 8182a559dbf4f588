# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Capacity over all tenants, deny-unlisted, counting of pods, and the LimitRange trap (TEN-4)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import quantity
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.capacity import (
    Assessment,
    assess,
    enforcement,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.fleet import Fleet, wanted_hard
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.plan import (
    ACCELERATOR_QUOTA,
    BASE_QUOTA,
    Holdings,
    plan_quotas,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import BOTH, parse_quotas
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.usage import (
    consumers,
    counts_pods,
    effective,
    limit_range_traps,
)
from tests.unit.live import applied

GPU, AMD = "nvidia.com/gpu", "amd.com/gpu"


def node(name: str, ready: bool = True, unschedulable: bool = False, **allocatable: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"pool": name[:3]}},
        "spec": {"unschedulable": unschedulable},
        "status": {
            "allocatable": {"cpu": "64", **{key.replace("__", "/"): str(value) for key, value in allocatable.items()}},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


NODES = [node("gpu-1", **{GPU: 8}), node("gpu-2", **{GPU: 8})]


def pod(namespace: str, host: str, **devices: int) -> dict[str, Any]:
    containers = [{"name": "a", "resources": {"requests": devices}}]
    return {
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"nodeName": host, "containers": containers},
        "status": {"phase": "Running"},
    }


def assessed(fleet: Fleet, *quotas: dict[str, Any], **options: Any) -> tuple[Assessment, list[Any]]:
    requests, rules = parse_quotas({"quotas": list(quotas), **options})
    planned = [
        (request, plan_quotas(request, wanted_hard(request, fleet, rules), fleet.holdings(request.namespace), BOTH))
        for request in requests
    ]
    return assess(fleet, rules, planned), planned


def quota(tenant: str, gpus: int, guaranteed: int | None = None) -> dict[str, Any]:
    """The live accelerator quota of a tenant that is not in the call."""
    item = {"tenant": tenant, "resources": {GPU: gpus}}
    if guaranteed is not None:
        item["guaranteed"] = {GPU: guaranteed}
    (request,), rules = parse_quotas({"quotas": [item]})
    plan = plan_quotas(request, wanted_hard(request, Fleet(nodes=NODES), rules), Holdings(), BOTH)
    live = applied(plan.plan.steps[0].body)
    live["metadata"]["namespace"] = request.namespace
    return live


def test_promises_of_all_tenants_count() -> None:
    fleet = Fleet(quotas=[quota("globex", 10)], nodes=NODES)
    found, _planned = assessed(fleet, {"tenant": "acme", "resources": {GPU: 8}})
    assert {violation.rule for violation in found.refusals} == {1, 2}
    for words in ("18 guaranteed", "at most 16", "16 on the nodes", "globex 10, acme 8", "nothing was changed"):
        assert words in found.message
    assert found.as_dict()[GPU]["guaranteed_total"] == 18


def test_guarantees_and_ceilings_are_counted_apart() -> None:
    fleet = Fleet(quotas=[quota("globex", 16, guaranteed=4)], nodes=NODES)
    wanted = {"tenant": "acme", "resources": {GPU: 16}, "guaranteed": {GPU: 12}}
    assert not assessed(fleet, wanted, overcommit_ratio=2.0)[0].refusals
    assert [violation.rule for violation in assessed(fleet, wanted)[0].refusals] == [2]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("gpu-1", **{GPU: 8}), node("gpu-2", ready=False, **{GPU: 8})],
        [NODES[0], node("gpu-2", unschedulable=True, **{GPU: 8})],
    ],
)
def test_only_ready_schedulable_nodes_count(nodes: list[dict[str, Any]]) -> None:
    found, _planned = assessed(Fleet(nodes=nodes), {"tenant": "acme", "resources": {GPU: 9}})
    assert found.refusals


def test_what_was_broken_before_is_only_told() -> None:
    """A node is away: what does not grow goes on, and growing again is refused."""
    small = Fleet(quotas=[quota("acme", 16), quota("globex", 4)], nodes=NODES[:1])
    calm, _planned = assessed(small, {"tenant": "acme", "resources": {GPU: 16}})
    assert not calm.refusals
    assert calm.warnings
    healing, _planned = assessed(small, {"tenant": "acme", "resources": {GPU: 12}})
    assert not healing.refusals
    growing, _planned = assessed(small, {"tenant": "acme", "resources": {GPU: 17}})
    assert growing.refusals


def test_pods_of_others_use_up_capacity() -> None:
    fleet = Fleet(nodes=NODES, pods=[pod("suse-ai", "gpu-1", **{GPU: 4}), pod("t-acme", "gpu-2", **{GPU: 4})])
    found, _planned = assessed(fleet, {"tenant": "acme", "resources": {GPU: 13}})
    assert found.as_dict()[GPU]["foreign_used"] == 4
    assert found.refusals
    assert not assessed(fleet, {"tenant": "acme", "resources": {GPU: 12}})[0].refusals


def test_an_absent_tenant_promises_nothing_any_more() -> None:
    fleet = Fleet(quotas=[quota("globex", 16)], nodes=NODES)
    found, _planned = assessed(
        fleet, {"tenant": "globex", "state": "absent"}, {"tenant": "acme", "resources": {GPU: 16}}
    )
    assert not found.refusals


def test_a_refused_tenant_keeps_what_it_has() -> None:
    fleet = Fleet(quotas=[quota("globex", 16)], nodes=NODES)
    (globex, acme), rules = parse_quotas(
        {"quotas": [{"tenant": "globex", "resources": {GPU: 0}}, {"tenant": "acme", "resources": {GPU: 16}}]}
    )
    plan = plan_quotas(acme, wanted_hard(acme, fleet, rules), Holdings(), BOTH)
    assert assess(fleet, rules, [(globex, None), (acme, plan)]).refusals


def test_everything_that_nodes_have_is_denied_unless_granted_and_stays_denied() -> None:
    requests, rules = parse_quotas({"quotas": [{"tenant": "acme", "resources": {GPU: 1}}]})
    nodes = [*NODES, node("amd-1", **{AMD: 8, "nvidia.com/mig-1g.10gb": 7, "example.com/nic": 2})]
    hard = wanted_hard(requests[0], Fleet(nodes=nodes), rules)[ACCELERATOR_QUOTA]
    assert (hard[f"requests.{GPU}"], hard[f"requests.{AMD}"], hard["requests.nvidia.com/mig-1g.10gb"]) == (
        "1",
        "0",
        "0",
    )
    assert "requests.example.com/nic" not in hard
    live = applied(
        {
            "kind": "ResourceQuota",
            "metadata": {
                "name": ACCELERATOR_QUOTA,
                "namespace": "t-acme",
                "labels": {"ai-tenancy.platform/tenant": "acme", "app.kubernetes.io/managed-by": "ai-tenancy"},
            },
            "spec": {"hard": hard},
        }
    )
    later = wanted_hard(requests[0], Fleet(quotas=[live], nodes=NODES), rules)[ACCELERATOR_QUOTA]
    assert later == hard, "a node that is away must not open a gap"


def test_unlisted_can_be_ignored() -> None:
    requests, rules = parse_quotas({"quotas": [{"tenant": "acme", "resources": {GPU: 1}}], "unlisted": "ignore"})
    hard = wanted_hard(requests[0], Fleet(nodes=[*NODES, node("amd-1", **{AMD: 8})], device_classes=["x"]), rules)
    assert set(hard[ACCELERATOR_QUOTA]) == {
        f"requests.{GPU}",
        "count/resourceclaims.resource.k8s.io",
        "count/resourceclaimtemplates.resource.k8s.io",
    }


def test_naming_storage_classes_denies_the_others() -> None:
    base = {"storage_classes": {"fast": "1Ti"}}
    requests, rules = parse_quotas({"quotas": [{"tenant": "acme", "base": base}]})
    hard = wanted_hard(requests[0], Fleet(storage_classes=["fast", "slow"]), rules)[BASE_QUOTA]
    assert hard == {
        "fast.storageclass.storage.k8s.io/requests.storage": "1Ti",
        "slow.storageclass.storage.k8s.io/requests.storage": "0",
    }


@pytest.mark.parametrize(
    ("options", "level", "words"),
    [
        ({"isolation": "dedicated", "nodes": ["gpu-1"]}, "hard", ""),
        ({"isolation": "sandboxed"}, "hard", ""),
        ({"isolation": "dedicated"}, "accounting", "no nodes are named"),
        ({"isolation": "shared"}, "accounting", "isolation is shared"),
        ({}, "accounting", "was not declared"),
        (
            {"isolation": "private", "nodes": ["gpu-1"], "cluster": {"agents": 1, "worker_limit": {GPU: 4}}},
            "accounting",
            "gpu-1 has 8",
        ),
    ],
)
def test_whether_the_quota_is_enforced_or_only_counted(options: dict[str, Any], level: str, words: str) -> None:
    found, planned = assessed(Fleet(nodes=NODES), {"tenant": "acme", "resources": {GPU: 8}, **options})
    result, reasons = enforcement(planned[0][0], found)
    assert result == level
    assert bool(reasons) == bool(words)
    assert words in " ".join(reasons)


def test_warnings_about_what_others_wrote() -> None:
    requests, rules = parse_quotas({"quotas": [{"tenant": "acme"}]})
    other = {
        "metadata": {"name": "k3k-gold", "namespace": "t-acme", "labels": {}},
        "spec": {"hard": {f"requests.{GPU}": "2"}},
    }
    ranges = [_range("t-acme", {"max": {GPU: "8"}}), _range("elsewhere", {"max": {GPU: "8"}})]
    found = Fleet(quotas=[other], nodes=NODES, limit_ranges=ranges).warnings(requests, rules)
    assert len(found) == 2
    assert "LimitRange t-acme/r has a maximum for nvidia.com/gpu" in found[0]
    assert "ResourceQuota t-acme/k3k-gold is not this module's" in found[1]


def _range(namespace: str, limit: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "r", "namespace": namespace}, "spec": {"limits": [{"type": "Container", **limit}]}}


@pytest.mark.parametrize(
    ("limit", "trapped"),
    [
        ({"max": {GPU: "8"}}, True),
        ({"max": {GPU: "8"}, "default": {GPU: "1"}}, True),
        ({"max": {GPU: "8"}, "default": {GPU: "0"}}, False),
        ({"max": {"cpu": "8"}}, False),
        ({"type": "Pod", "max": {GPU: "8"}}, False),
        ({"default": {"cpu": "8"}}, False),
    ],
)
def test_the_limit_range_trap(limit: dict[str, Any], trapped: bool) -> None:
    assert bool(limit_range_traps([_range("t-acme", limit)], lambda name: "gpu" in name)) == trapped


def test_pods_are_counted_as_the_quota_counts_them() -> None:
    def container(**requests: str) -> dict[str, Any]:
        return {"resources": {"requests": requests, "limits": requests}}

    spec = {
        "containers": [container(cpu="1"), container(cpu="500m", memory="1Gi")],
        "initContainers": [container(cpu="4"), {**container(cpu="1"), "restartPolicy": "Always"}],
        "overhead": {"cpu": "250m"},
    }
    assert str(effective(spec, "requests")["cpu"]) == "4250m", "the largest init container counts where it is more"
    assert str(effective({**spec, "initContainers": []}, "requests")["cpu"]) == "1750m"
    assert str(effective({**spec, "resources": {"requests": {"cpu": "8"}}}, "requests")["cpu"]) == "8250m"
    done = {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Succeeded"}}
    waiting = {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Pending"}}
    found = consumers([done, waiting])
    assert len(found) == 1
    assert found[0].holds["pods"] == quantity.parse(1)
    assert found[0].holds["requests.memory"] == quantity.parse("1Gi")


@pytest.mark.parametrize(
    ("key", "counted"),
    [
        ("pods", True),
        ("limits.cpu", True),
        (f"requests.{GPU}", True),
        ("requests.storage", False),
        ("count/secrets", False),
        ("fast.storageclass.storage.k8s.io/requests.storage", False),
        ("gpu.nvidia.com.deviceclass.resource.k8s.io/devices", False),
        ("requests.deviceclass.resource.kubernetes.io/gpu.nvidia.com", False),
    ],
)
def test_which_keys_pods_show(key: str, counted: bool) -> None:
    assert counts_pods(key) == counted
