# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The GPU operators, with real Helm: PLAT-8, X-1, X-4, X-7. What the operators make is played."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.k3k_host import Kube, eventually
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab

pytestmark = pytest.mark.lab

NAMESPACE = "/api/v1/namespaces/gpu-operator"
CONFIG_MAP = f"{NAMESPACE}/configmaps/time-slicing"
CERTIFICATES = ".cert-manager.io"
ALL_VENDORS = {"gpu_operator_vendors": ["nvidia", "amd", "intel"]}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def gpus(site: PlatformSite) -> Iterator[PlatformSite]:
    """A site with this layer; it is taken out after the test."""
    site.variables["platform_release_layers"] = {"gpu_operator": True}
    yield site
    site.take_out("gpu_operator", "cert_manager")


@pytest.fixture
def release(platform_lab: Lab) -> Release:
    return Release(platform_lab, "gpu-operator", "gpu-operator")


def nodes_with(kube: Kube, label: str) -> list[str]:
    items = kube.items(f"/api/v1/nodes?labelSelector={label}")
    return sorted(item["metadata"]["name"] for item in items)


def environment(entries: list[dict[str, str]]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in entries}


def test_install_again_change_and_remove(gpus: PlatformSite, release: Release, kube: Kube) -> None:
    present = nodes_with(kube, "nvidia.com/gpu.present=true")
    before = kube.get(NAMESPACE)  # a test of another file may have left it there
    gpus.variables["gpu_operator_nodes"] = {"nvidia": len(present)}
    plan = gpus.bring("--check", "--diff")
    assert plan.changed > 0
    assert release.revisions() == {}
    assert kube.get(NAMESPACE) == before

    assert gpus.bring().changed > 0
    assert release.revisions() == {1: "deployed"}
    labels = kube.get(NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    spec = kube.get("/apis/nvidia.com/v1/clusterpolicies/cluster-policy")["spec"]
    assert environment(spec["toolkit"]["env"])["CONTAINERD_SOCKET"] == "/run/k3s/containerd/containerd.sock"
    assert "CONTAINERD_CONFIG" not in environment(spec["toolkit"]["env"])
    assert environment(spec["devicePlugin"]["env"])["DEVICE_LIST_STRATEGY"] == "volume-mounts"
    assert (spec["cdi"], spec["driver"]) == ({"enabled": False}, {"enabled": False})

    again = gpus.bring()
    assert again.changed == 0
    assert sorted(again.launches) == ["helm_release_info", "platform_objects"]
    assert gpus.bring("--check", "--diff").changed == 0

    gpus.variables.update(gpu_operator_profile="cdi", gpu_operator_mig_strategy="mixed")
    assert gpus.bring("--check").changed == 1
    assert release.revisions() == {1: "deployed"}
    assert gpus.bring().changed == 1
    assert release.values()["cdi"] == {"enabled": True}
    assert release.values()["mig"] == {"strategy": "mixed"}
    assert gpus.bring().changed == 0

    layers = ["gpu_operator"]
    assert gpus.run("platform_remove", "--check", platform_release_remove_layers=layers).changed > 0
    assert release.revisions() != {}
    assert gpus.run("platform_remove", platform_release_remove_layers=layers).changed > 0
    assert release.revisions() == {}
    assert kube.items("/apis/nvidia.com/v1/clusterpolicies") == []
    assert gpus.run("platform_remove", platform_release_remove_layers=layers).changed == 0


def test_time_slicing_is_there_before_the_chart_and_its_change_starts_the_plugins_anew(
    gpus: PlatformSite, release: Release, kube: Kube
) -> None:
    node = nodes_with(kube, "nvidia.com/gpu.present=true")[0]
    label = "nvidia.com/device-plugin.config"
    gpus.variables.update(
        gpu_operator_time_slicing={"shared-4": {"replicas": 4}},
        gpu_operator_node_labels={node: {label: "shared-4"}},
    )
    gpus.bring()
    data = kube.get(CONFIG_MAP)["data"]
    assert yaml.safe_load(data["whole"]) == {"version": "v1", "flags": {"migStrategy": "single"}}
    slicing = yaml.safe_load(data["shared-4"])["sharing"]["timeSlicing"]
    assert slicing["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert slicing["renameByDefault"] is True
    assert kube.get(f"/api/v1/nodes/{node}")["metadata"]["labels"][label] == "shared-4"
    first = release.values()["devicePlugin"]
    assert first["config"] == {"name": "time-slicing", "default": "whole"}
    assert gpus.bring().changed == 0

    gpus.variables["gpu_operator_time_slicing"] = {"shared-4": {"replicas": 8}}
    assert gpus.bring().changed == 2
    second = release.values()["devicePlugin"]
    digests = {environment(entry["env"])["TIME_SLICING_DIGEST"] for entry in (first, second)}
    assert len(digests) == 2

    gpus.variables.update(gpu_operator_time_slicing={}, gpu_operator_node_labels={node: {label: "whole"}})
    gpus.bring()
    assert kube.get(CONFIG_MAP) is None
    assert "config" not in release.values()["devicePlugin"]
    assert gpus.bring().changed == 0


def test_the_operators_of_all_vendors(gpus: PlatformSite, platform_lab: Lab, kube: Kube) -> None:
    gpus.variables.update(ALL_VENDORS, platform_release_layers={"cert_manager": True, "gpu_operator": True})
    gpus.bring()
    for namespace, name in (
        ("gpu-operator", "gpu-operator"),
        ("kube-amd-gpu", "amd-gpu-operator"),
        ("inteldeviceplugins-system", "intel-device-plugins-operator"),
        ("inteldeviceplugins-system", "intel-device-plugins-gpu"),
    ):
        assert Release(platform_lab, namespace, name).revisions() == {1: "deployed"}
    # One discovery of node features, NVIDIA's, and no Argo.
    deployments = kube.items("/apis/apps/v1/namespaces/kube-amd-gpu/deployments")
    names = [item["metadata"]["name"] for item in deployments]
    assert names == ["amd-gpu-operator-gpu-operator-charts-controller-manager"]
    again = gpus.bring()
    assert again.changed == 0
    assert again.launches.count("platform_objects") == 1 + 4  # cert-manager, and four operators
    assert gpus.bring("--check", "--diff").changed == 0
    status = gpus.run("platform_status", platform_release_status_strict=True)
    assert status.ok, status.failure
    assert "intel-device-plugins-gpu" in status.output


def test_intel_without_cert_manager_is_refused(gpus: PlatformSite, platform_lab: Lab, kube: Kube) -> None:
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for item in kube.items(definitions):  # left by tests before: its chart keeps them
        if item["metadata"]["name"].endswith(CERTIFICATES):
            kube.delete(f"{definitions}/{item['metadata']['name']}")
    eventually("cert-manager's kinds are gone", lambda: kube.get("/apis/cert-manager.io/v1") is None)
    gpus.variables["gpu_operator_vendors"] = ["intel"]
    run = gpus.run("platform")
    assert not run.ok
    assert "the API cert-manager.io/v1 is needed and not served; the layer cert_manager brings it" in run.failure
    assert run.changed == 0
    assert Release(platform_lab, "inteldeviceplugins-system", "intel-device-plugins-operator").revisions() == {}


def test_all_mistakes_are_told_before_a_change(gpus: PlatformSite, release: Release) -> None:
    wrong: dict[str, Any] = {
        "gpu_operator_vendors": ["nvidia", "habana"],
        "gpu_operator_containerd_config": "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        "gpu_operator_time_slicing_default": "nowhere",
    }
    run = gpus.run("platform", **wrong)
    assert not run.ok
    assert "Settings of gpu_operator: 3 mistakes, nothing was changed." in run.failure
    assert (
        "gpu_operator_vendors: ['nvidia', 'habana'] is not allowed; allowed: one or more of nvidia, amd, intel"
        in run.failure
    )
    assert "gpu_operator_containerd_config: '/var/lib/rancher/rke2" in run.failure
    assert "gpu_operator_time_slicing_default: 'nowhere' is not allowed" in run.failure
    assert run.changed == 0
    assert release.revisions() == {}


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["run", "check"])
def test_a_label_for_a_node_that_is_not_there_makes_no_node(
    gpus: PlatformSite, release: Release, kube: Kube, mode: list[str]
) -> None:
    run = gpus.run("platform", *mode, gpu_operator_node_labels={"gpu-99": {"nvidia.com/mig.config": "all-balanced"}})
    assert not run.ok
    assert "gpu-99 is not a node of this cluster; there are: " in run.failure
    assert run.changed == 0
    assert kube.get("/api/v1/nodes/gpu-99") is None
    assert release.revisions() == {}


def test_nodes_that_do_not_come_are_counted_and_an_operator_that_cannot_start_ends_the_wait(
    gpus: PlatformSite, kube: Kube
) -> None:
    there = len(nodes_with(kube, "nvidia.com/gpu.present=true"))
    gpus.bring()
    run = gpus.run("platform", gpu_operator_nodes={"nvidia": 99}, platform_release_wait_timeout=5)
    assert not run.ok
    assert f"Node nvidia.com/gpu.present=true: {there} of 99" in run.failure
    assert gpus.bring().changed == 0

    values = {"node-feature-discovery": {"image": {"tag": "missing"}}}
    run = gpus.run("platform", gpu_operator_values=values, platform_release_wait_timeout=300)
    assert not run.ok
    assert "gpu-operator will not get ready by itself" in run.failure
    assert "node-feature-discovery" in run.failure
    assert gpus.bring().changed == 1
