# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The options of k3k_cluster and k3k_cluster_info: documented, and the examples are right."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import parse_clusters
from ansible_collections.ai_tenancy.platform.plugins.modules import k3k_cluster, k3k_cluster_info


def validated(module: ModuleType, arguments: dict[str, Any]) -> dict[str, Any]:
    """The options as Ansible hands them to the module. Fails on any that it refuses."""
    result = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(arguments)
    assert result.error_messages == []
    parameters: dict[str, Any] = result.validated_parameters
    return parameters


@pytest.mark.parametrize("task", yaml.safe_load(k3k_cluster.EXAMPLES), ids=lambda task: task["name"])
def test_examples_are_accepted(task: dict[str, Any]) -> None:
    options = validated(k3k_cluster, task["ai_tenancy.platform.k3k_cluster"])
    assert len(parse_clusters(options["clusters"])) == len(options["clusters"])


def test_examples_of_info_are_accepted() -> None:
    for task in yaml.safe_load(k3k_cluster_info.EXAMPLES):
        if "ai_tenancy.platform.k3k_cluster_info" in task:
            validated(k3k_cluster_info, task["ai_tenancy.platform.k3k_cluster_info"])


def documented(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: documented(option["suboptions"]) if "suboptions" in option else option.get("default")
        for name, option in options.items()
    }


def specified(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        name: specified(option["options"]) if "options" in option else option.get("default")
        for name, option in spec.items()
    }


def test_every_suboption_is_documented_with_its_default() -> None:
    (clusters,) = (yaml.safe_load(k3k_cluster.DOCUMENTATION)["options"]["clusters"],)
    assert documented(clusters["suboptions"]) == specified(k3k_cluster.ARGUMENT_SPEC["clusters"]["options"])


def test_unknown_suboptions_are_refused() -> None:
    for item in ({"tenant": "a", "tolerations": []}, {"tenant": "a", "expose": {"typ": "none"}}):
        result = ArgumentSpecValidator(k3k_cluster.ARGUMENT_SPEC).validate({"clusters": [item]})
        assert "Supported parameters include" in result.error_messages[0]


def test_every_returned_key_is_documented() -> None:
    """What summary() adds for both modules is in both RETURN blocks."""
    common = {
        "namespace", "phase", "ready", "reasons", "servers", "agents", "version", "kubeconfig_secret", "gpu_per_agent",
        "internal_url", "external_url", "node_port", "item", "tenant", "policy",
    }  # fmt: skip
    for module in (k3k_cluster, k3k_cluster_info):
        contains = set(yaml.safe_load(module.RETURN)["results"]["contains"])
        assert common <= contains
