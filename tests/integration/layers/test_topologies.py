# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A management cluster and a workload cluster by one run of one playbook, side by side: X-1, X-4, X-6, PLAT-1, PLAT-9, TEN-1."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.labs import laboratory
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.integration.playbooks.runner import Run
from tests.lab import Lab
from tests.lab.charts import Operators, pack_all

pytestmark = pytest.mark.lab

MANAGEMENT, WORKLOAD = "management", "workload-1"
LAYERS = {MANAGEMENT: ("cert_manager", "metallb"), WORKLOAD: ("cert_manager", "k3k")}
#: Layer -> namespace and name of its release.
RELEASES = {
    "cert_manager": ("cert-manager", "cert-manager"),
    "metallb": ("metallb-system", "metallb"),
    "k3k": ("k3k-system", "k3k"),
}


class Clusters(PlatformSite):
    """One inventory for two laboratories: a host of platform_controller stands for each."""

    def __init__(self, labs: dict[str, Lab], directory: Path, charts: Path, helm: Path) -> None:
        super().__init__(labs[MANAGEMENT], directory, charts, helm)
        self.labs = labs
        self.variables.pop("platform_release_kubernetes")
        self.own: dict[str, dict[str, Any]] = {
            name: {
                "platform_release_kubernetes": {"kubeconfig": str(lab.kubeconfig)},
                "platform_release_layers": dict.fromkeys(LAYERS[name], True),
            }
            for name, lab in labs.items()
        }
        self.own[MANAGEMENT]["metallb_pools"] = {"default": {"addresses": ["192.0.2.10-192.0.2.20"]}}
        self.own[WORKLOAD]["k3k_host_cluster_cidr"] = "10.44.0.0/16"

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook on both clusters."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {name: {**here, **variables} for name, variables in self.own.items()}
        self._write("hosts.yml", {"platform_controller": {"hosts": hosts}})
        return super().run(playbook, *arguments, **extra)

    def revisions(self) -> dict[str, dict[str, dict[int, str]]]:
        """Cluster -> layer -> revisions of its release, layers that are not there left out."""
        found = {
            name: {layer: Release(lab, *place).revisions() for layer, place in RELEASES.items()}
            for name, lab in self.labs.items()
        }
        return {name: {layer: kept for layer, kept in layers.items() if kept} for name, layers in found.items()}


@pytest.fixture(scope="session")
def workload_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A second laboratory."""
    with laboratory(request.config, "-workload", clearml=False, nodes=2) as instance, Operators(instance.api()):
        yield instance


@pytest.fixture
def clusters(platform_lab: Lab, workload_lab: Lab, helm: Path, tmp_path: Path) -> Iterator[Clusters]:
    """A site with two clusters; their layers are taken out after the test."""
    pack_all(tmp_path / "charts")
    labs = {MANAGEMENT: platform_lab, WORKLOAD: workload_lab}
    site = Clusters(labs, tmp_path / "site", tmp_path / "charts", helm)
    kubeconfigs = {name: dict(site.own[name]) for name in labs}
    yield site
    site.own = kubeconfigs
    for name, layers in site.revisions().items():
        if layers:
            removed = site.run(
                "platform_remove",
                "--limit",
                name,
                platform_release_remove_layers=list(layers),
                platform_release_remove_confirm="k3k",
            )
            assert removed.ok, removed.failure


def hosts_of(run: Run) -> set[str]:
    """The clusters on which a run did something."""
    return {host for event in run.of("recap") for host in event["hosts"]}


def at_work(run: Run, module: str) -> list[str]:
    """The clusters on which this module was run, in order."""
    return [event["host"] for event in run.of("launch") if event["module"].endswith(module)]


def releases_in_order(run: Run, cluster: str) -> list[str]:
    """The releases that Helm was asked for in a cluster, in the order in which it was."""
    helm = [
        event for event in run.of("result") if event["action"] == "kubernetes.core.helm" and event["host"] == cluster
    ]
    return [event["result"]["invocation"]["module_args"]["release_name"] for event in helm if event["status"] == "ok"]


def test_each_cluster_keeps_the_order_of_its_layers(clusters: Clusters) -> None:
    """Ansible would put off a layer that only the second cluster has until those that both have are done."""
    clusters.own[MANAGEMENT]["platform_release_layers"] = {"cert_manager": True, "k3k": True}
    clusters.own[WORKLOAD]["platform_release_layers"] = {"cert_manager": True, "suse_storage": True, "k3k": True}
    plan = clusters.bring("--check")
    assert releases_in_order(plan, MANAGEMENT) == ["cert-manager", "k3k"]
    assert releases_in_order(plan, WORKLOAD) == ["cert-manager", "longhorn", "k3k"]


def test_one_run_brings_both_clusters_up(clusters: Clusters) -> None:
    plan = clusters.bring("--check", "--diff")
    assert plan.changed > 0
    assert clusters.revisions() == {MANAGEMENT: {}, WORKLOAD: {}}

    run = clusters.bring()
    assert clusters.revisions() == {name: {layer: {1: "deployed"} for layer in LAYERS[name]} for name in LAYERS}
    # What both have comes at the same time: Helm works on the second before the first has got ready.
    assert set(at_work(run, "kubernetes.core.helm")[:2]) == {MANAGEMENT, WORKLOAD}
    assert Release(clusters.labs[WORKLOAD], *RELEASES["k3k"]).values()["host"] == {"clusterCIDR": "10.44.0.0/16"}
    groups = {name: Kube.from_file(lab.kubeconfig).get("/apis")["groups"] for name, lab in clusters.labs.items()}
    announcing = [name for name, there in groups.items() if "metallb.io" in [group["name"] for group in there]]
    assert announcing == [MANAGEMENT]

    again = clusters.bring()
    assert again.changed == 0
    assert sorted(at_work(again, "helm_release_info")) == [MANAGEMENT, WORKLOAD]
    assert clusters.bring("--check", "--diff").changed == 0

    status = clusters.run("platform_status", platform_release_status_strict=True)
    assert status.ok, status.failure
    one = clusters.bring("--limit", WORKLOAD)
    assert (one.changed, hosts_of(one)) == (0, {WORKLOAD})


def test_a_cluster_that_fails_does_not_stop_the_other_one(clusters: Clusters) -> None:
    clusters.own[MANAGEMENT]["platform_release_kubernetes"] = {"kubeconfig": "/nowhere/management.yaml"}
    run = clusters.run("platform")
    assert not run.ok
    assert "No usable access to a Kubernetes API server" in run.failure
    assert {event["host"] for event in run.of("result") if event["status"] == "failed"} == {MANAGEMENT}
    assert clusters.revisions() == {MANAGEMENT: {}, WORKLOAD: {layer: {1: "deployed"} for layer in LAYERS[WORKLOAD]}}

    clusters.own[MANAGEMENT]["platform_release_kubernetes"] = {"kubeconfig": str(clusters.labs[MANAGEMENT].kubeconfig)}
    clusters.own[MANAGEMENT]["metallb_pools"] = {}
    run = clusters.run("platform")
    assert "1 of 2 layers would fail; nothing was changed." in run.failure
    assert "- metallb: metallb_pools: {} is not allowed" in run.failure
    assert clusters.revisions()[MANAGEMENT] == {}

    kept = clusters.run("platform_remove", platform_release_remove_layers=["cert_manager"])
    assert not kept.ok
    assert "This acts on one cluster at a time; nothing was changed. Name it: --limit with one of" in kept.failure
    assert kept.changed == 0


def test_two_names_of_one_cluster_are_refused(clusters: Clusters, tmp_path: Path) -> None:
    """By the inventory where the kubeconfig is the same, and by the API server where it is a copy."""
    same = str(clusters.labs[MANAGEMENT].kubeconfig)
    clusters.own[WORKLOAD]["platform_release_kubernetes"] = {"kubeconfig": same}
    refused = clusters.run("platform")
    assert "a cluster of its own; management is this one already" in refused.failure
    assert at_work(refused, "helm_release_info") == []

    copy = shutil.copy(same, tmp_path / "copy.yaml")
    clusters.own[WORKLOAD]["platform_release_kubernetes"] = {"kubeconfig": str(copy)}
    refused = clusters.run("platform")
    assert f"{WORKLOAD} reaches the same cluster as {MANAGEMENT}" in refused.failure
    assert f"{MANAGEMENT} reaches the same cluster as {WORKLOAD}" in refused.failure
    assert refused.changed == 0
    assert clusters.revisions() == {MANAGEMENT: {}, WORKLOAD: {}}
