# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the layer gpu_operator: every mistake is told, and time-slicing is written as the device plug-in reads it (PLAT-8)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import gpu_operator

GOOD: dict[str, Any] = {
    "vendors": ["nvidia"],
    "containerd_socket": "/run/k3s/containerd/containerd.sock",
    "containerd_config": "",
    "time_slicing": {"shared-4": {"replicas": 4}},
    "time_slicing_default": "shared-4",
    "nodes": {"nvidia": 2},
    "node_labels": {"gpu-1": {"nvidia.com/mig.config": "all-balanced"}},
}

NOTHING: dict[str, Any] = {"nodes": {}, "time_slicing": {}, "time_slicing_default": ""}


def told(**settings: Any) -> list[str]:
    return [str(problem) for problem in gpu_operator.check({**GOOD, **settings})]


def test_good_settings_are_taken() -> None:
    assert told() == []
    assert told(vendors=["intel", "amd"], nodes={"amd": 0}, time_slicing={}, time_slicing_default="") == []
    assert told(containerd_config="/etc/containerd/config.toml") == []


@pytest.mark.parametrize(
    ("settings", "field", "allowed"),
    [
        ({**NOTHING, "vendors": []}, "gpu_operator_vendors: []", "one or more of nvidia, amd, intel, each once"),
        ({"vendors": ["nvidia", "habana"]}, "gpu_operator_vendors", "one or more of nvidia, amd, intel"),
        ({"vendors": ["nvidia", "nvidia"]}, "gpu_operator_vendors", "each once"),
        ({"containerd_socket": ""}, "gpu_operator_containerd_socket: ''", "an absolute path"),
        (
            {"containerd_config": "config.toml"},
            "gpu_operator_containerd_config: 'config.toml'",
            "an absolute path, or nothing",
        ),
        (
            {"containerd_config": "/var/lib/rancher/rke2/agent/etc/containerd/config.toml.tmpl"},
            "gpu_operator_containerd_config: '/var/lib/rancher/rke2/agent/etc/containerd/config.toml.tmpl'",
            "a file that RKE2 does not write itself",
        ),
        ({"nodes": {"amd": 1}}, "gpu_operator_nodes.amd: 1", "vendors of gpu_operator_vendors"),
        ({"nodes": {"nvidia": -1}}, "gpu_operator_nodes.nvidia: -1", "a number of nodes, 0 or more"),
        ({"nodes": {"nvidia": True}}, "gpu_operator_nodes.nvidia: True", "a number of nodes"),
        (
            {"time_slicing_default": "other"},
            "gpu_operator_time_slicing_default: 'other'",
            "nothing, or one of shared-4",
        ),
        (
            {"time_slicing": {"whole": {"replicas": 2}}, "time_slicing_default": ""},
            "gpu_operator_time_slicing.whole",
            "other than whole",
        ),
        (
            {"time_slicing": {"shared-4": {"replicas": 1}}},
            "gpu_operator_time_slicing.shared-4.replicas: 1",
            "2 or more",
        ),
        ({"time_slicing": {"shared-4": 4}}, "gpu_operator_time_slicing.shared-4: 4", "a mapping with"),
        (
            {"time_slicing": {"shared-4": {"replicas": 4, "resource": "amd.com/gpu"}}},
            "shared-4.resource: 'amd.com/gpu'",
            "nvidia.com/gpu or",
        ),
        ({"node_labels": {"gpu-1": {"a": True}}}, "gpu_operator_node_labels.gpu-1", "names and texts"),
    ],
)
def test_a_mistake_is_told_with_field_value_and_what_is_allowed(
    settings: dict[str, Any], field: str, allowed: str
) -> None:
    (text,) = told(**settings)
    assert field in text
    assert allowed in text


def test_time_slicing_without_nvidia_and_all_mistakes_at_once() -> None:
    texts = told(vendors=["amd"], nodes={"amd": "2"}, containerd_socket="x")
    assert len(texts) == 3
    assert any("gpu_operator_time_slicing: " in text and "without nvidia" in text for text in texts)


def test_the_configurations_of_the_device_plugin() -> None:
    plain = {"version": "v1", "flags": {"migStrategy": "mixed"}}
    sharing = {
        "shared-4": {"replicas": 4},
        "mig": {"replicas": 2, "resource": "nvidia.com/mig-1g.10gb", "rename": False, "refuse_many": False},
    }
    assert gpu_operator.device_plugin_configs({}, "mixed") == {"whole": plain}
    assert gpu_operator.device_plugin_configs(sharing, "mixed") == {
        "whole": plain,
        "shared-4": {
            **plain,
            "sharing": {
                "timeSlicing": {
                    "renameByDefault": True,
                    "failRequestsGreaterThanOne": True,
                    "resources": [{"name": "nvidia.com/gpu", "replicas": 4}],
                }
            },
        },
        "mig": {
            **plain,
            "sharing": {
                "timeSlicing": {
                    "renameByDefault": False,
                    "failRequestsGreaterThanOne": False,
                    "resources": [{"name": "nvidia.com/mig-1g.10gb", "replicas": 2}],
                }
            },
        },
    }


def test_a_node_is_applied_with_its_labels_only() -> None:
    (node,) = gpu_operator.labelled_nodes(GOOD["node_labels"])
    assert node == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "gpu-1", "namespace": "", "labels": {"nvidia.com/mig.config": "all-balanced"}},
    }
