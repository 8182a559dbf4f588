# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What gpu_quota accepts, and that it tells every mistake at once (TEN-4, X-6)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.keys import (
    accelerator_hard,
    accelerator_of,
    base_hard,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import (
    QuotaRequest,
    parse_quotas,
)

GPU = "nvidia.com/gpu"


def parse(item: dict[str, Any], **options: Any) -> QuotaRequest:
    return parse_quotas({"quotas": [{"tenant": "acme", **item}], **options})[0][0]


def mistakes(item: dict[str, Any], **options: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as error:
        parse(item, **options)
    return {problem.path.removeprefix("quotas[acme]."): problem.allowed for problem in error.value.problems}


def test_guarantees_follow_the_limits() -> None:
    assert parse({"resources": {GPU: 4}}).guaranteed == {GPU: 4}
    assert parse({"resources": {GPU: 4}, "guaranteed": {GPU: 1}}).guaranteed == {GPU: 1}
    assert parse({}).base is None


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        (GPU, "0.5", "whole number"),
        (GPU, "500m", "whole number"),
        (GPU, -1, "whole number"),
        (GPU, "many", "whole number"),
        (f"limits.{GPU}", 1, f"here {GPU}"),
        (f"requests.{GPU}", 1, f"here {GPU}"),
        ("gpu", 1, "with its vendor"),
        ("cpu", 1, "with its vendor"),
        ("example.com/fpga", 1, "accelerator_patterns"),
    ],
)
def test_devices_are_whole_and_plainly_named(name: str, value: Any, word: str) -> None:
    found = mistakes({"resources": {name: value}})
    assert list(found) == [f"resources.{name}"]
    assert word in found[f"resources.{name}"]


def test_further_kinds_of_accelerators_can_be_named() -> None:
    request = parse({"resources": {"example.com/fpga": 1}}, accelerator_patterns=[r"example\.com/fpga"])
    assert request.resources == {"example.com/fpga": 1}


@pytest.mark.parametrize(
    ("item", "field", "word"),
    [
        ({"guaranteed": {GPU: 1}}, f"guaranteed.{GPU}", "at most"),
        ({"device_classes": {"No Class": 1}}, "device_classes.No Class", "DNS name"),
        ({"device_classes": {"gpu.nvidia.com": "x"}}, "device_classes.gpu.nvidia.com", "whole number"),
        ({"base": {"cpu": "lots"}}, "base.cpu", "quantity"),
        ({"base": {"memory": "-1Gi"}}, "base.memory", "not below 0"),
        ({"base": {"storage_classes": {"A B": "1Gi"}}}, "base.storage_classes.A B", "DNS name"),
        ({"base": {"objects": {"pods": 1}}}, "base.objects.pods", "services"),
        ({"base": {"objects": {"secrets": 1.5}}}, "base.objects.secrets", "whole number"),
        ({"namespace": "kube-system"}, "namespace", "of the tenant's own"),
        ({"labels": {"app.kubernetes.io/managed-by": "me"}}, "labels.app.kubernetes.io/managed-by", "of your own"),
        ({"cluster": {"agents": "x"}}, "cluster.agents", "whole number"),
        ({"cluster": {"worker_limit": {"cpu": "x"}}}, "cluster.worker_limit.cpu", "quantity"),
    ],
)
def test_other_mistakes(item: dict[str, Any], field: str, word: str) -> None:
    assert word in mistakes(item)[field]


@pytest.mark.parametrize(
    ("cluster", "field", "needed"),
    [
        ({"agents": 3, "worker_limit": {GPU: 8}}, f"resources.{GPU}", "24"),
        ({"agents": 1, "worker_limit": {"amd.com/gpu": 1}}, "resources.amd.com/gpu", "1"),
        ({"agents": 2, "worker_limit": {"cpu": "4"}, "server_limit": {"cpu": "2500m"}}, "base.cpu", "10500m"),
        ({"servers": 3, "agents": 2}, "base.pods", "6"),
    ],
)
def test_the_declared_cluster_must_fit(cluster: dict[str, Any], field: str, needed: str) -> None:
    found = mistakes({"resources": {GPU: 16}, "base": {"cpu": "10", "pods": 5}, "cluster": cluster})
    assert found[field].startswith(f"at least {needed}:")


def test_mistakes_of_all_tenants_and_of_the_fleet_together() -> None:
    with pytest.raises(ConfigError) as error:
        parse_quotas(
            {
                "quotas": [
                    {"tenant": "acme", "resources": {GPU: "x"}},
                    {"tenant": "acme"},
                    {"tenant": "globex", "namespace": "t-acme"},
                ],
                "reserve": {"cpu": 1},
                "overcommit_ratio": 0,
                "accelerator_patterns": ["("],
                "capacity_selector": "a b c",
            }
        )
    assert [problem.path for problem in error.value.problems] == [
        "accelerator_patterns",
        "capacity_selector",
        "overcommit_ratio",
        "reserve.cpu",
        f"quotas[acme].resources.{GPU}",
        "quotas[acme].tenant",
        "quotas[globex].namespace",
    ]


def test_only_enforced_keys_are_written() -> None:
    hard = accelerator_hard({GPU: 4}, [GPU, "amd.com/gpu"], {"gpu.nvidia.com": 2}, ["mig.nvidia.com"], 3)
    assert hard == {
        "requests.amd.com/gpu": "0",
        f"requests.{GPU}": "4",
        "gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "2",
        "mig.nvidia.com.deviceclass.resource.k8s.io/devices": "0",
        "count/resourceclaims.resource.k8s.io": "3",
        "count/resourceclaimtemplates.resource.k8s.io": "3",
    }
    assert [accelerator_of(key) for key in hard if accelerator_of(key)] == ["amd.com/gpu", GPU]


def test_one_declared_amount_limits_requests_and_limits() -> None:
    hard = base_hard({"cpu": "4", "storage": "1Ti", "pods": 3}, {"count/secrets": 5}, {"longhorn": "1Ti"})
    assert hard == {
        "requests.cpu": "4",
        "limits.cpu": "4",
        "pods": "3",
        "requests.storage": "1Ti",
        "longhorn.storageclass.storage.k8s.io/requests.storage": "1Ti",
        "count/secrets": "5",
    }
    assert not any(accelerator_of(key) for key in hard)
