# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Several layers by one playbook: X-1, X-4, PLAT-3, PLAT-9, PLAT-10."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.integration.playbooks.runner import Run
from tests.lab import Lab

pytestmark = pytest.mark.lab

LAYERS = {"cert_manager": True, "metallb": True, "suse_storage": True, "k3k": True}
CONFIRM = "longhorn,k3k"


@pytest.fixture
def platform(site: PlatformSite) -> Iterator[PlatformSite]:
    """A site with all layers declared; they are taken out after the test."""
    site.variables.update(
        platform_release_layers=LAYERS,
        metallb_pools={"default": {"addresses": ["192.0.2.10-192.0.2.20"]}},
        suse_storage_backup_target="s3://backups@lab/",
        suse_storage_backup_credentials={
            "AWS_ACCESS_KEY_ID": "lab-backup-user",
            "AWS_SECRET_ACCESS_KEY": "lab-backup-pass",
        },
    )
    yield site
    site.take_out(*LAYERS, confirm=CONFIRM)


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


def assert_all_are_there(lab: Lab, kube: Kube) -> None:
    """Each layer has left in the cluster what its variables say."""
    for namespace, name in (("metallb-system", "metallb"), ("longhorn-system", "longhorn"), ("k3k-system", "k3k")):
        assert Release(lab, namespace, name).revisions() == {1: "deployed"}
    assert Release(lab, "k3k-system", "k3k").values()["host"] == {"clusterCIDR": "10.42.0.0/16"}
    pools = kube.items("/apis/metallb.io/v1beta1/ipaddresspools")
    assert [pool["spec"]["addresses"] for pool in pools] == [["192.0.2.10-192.0.2.20"]]
    (advertisement,) = kube.items("/apis/metallb.io/v1beta1/l2advertisements")
    assert advertisement["spec"] == {"ipAddressPools": ["default"]}
    jobs = {item["metadata"]["name"] for item in kube.items("/apis/longhorn.io/v1beta2/recurringjobs")}
    assert jobs == {"snapshot", "trim", "backup"}
    classes = {item["metadata"]["name"]: item for item in kube.items("/apis/storage.k8s.io/v1/storageclasses")}
    assert classes["longhorn-rwx"]["parameters"]["nfsOptions"].startswith("vers=4.1")
    assert classes["longhorn-single"]["parameters"]["dataLocality"] == "strict-local"
    namespaces = {item["metadata"]["name"]: item["metadata"]["labels"] for item in kube.items("/api/v1/namespaces")}
    for name in ("longhorn-system", "metallb-system"):
        assert namespaces[name]["pod-security.kubernetes.io/enforce"] == "privileged"


def assert_layers_come_side_by_side(run: Run) -> None:
    """Those that do not need each other are all installed before the first is waited for; k3k comes after the storage."""
    install, settle = "Install or upgrade the release", "Settle | Wait"
    tasks = [event["task"] for event in run.of("result") if event["status"] == "ok"]
    steps = [word for task in tasks for word in (install, settle) if word in task]
    assert steps[:6] == [install] * 3 + [settle] * 3
    assert steps[6:7] == [install]


def assert_one_value_changes_one_layer(site: PlatformSite, lab: Lab, kube: Kube) -> None:
    """And a storage class, whose parameters cannot be changed, is replaced."""
    site.variables["suse_storage_replicas"] = 2
    install, settle = site.bring().changed_tasks()
    assert "Install or upgrade the release (values: defaultSettings.defaultReplicaCount, " in install
    assert "Settle" in settle
    values = Release(lab, "longhorn-system", "longhorn").values()
    assert values["persistence"]["defaultClassReplicaCount"] == 2
    assert values["defaultSettings"]["defaultReplicaCount"] == '{"v1": "2", "v2": "2"}'
    assert values["defaultBackupStore"]["backupTargetCredentialSecret"] == "backup-target"
    parameters = {
        item["metadata"]["name"]: item["parameters"]
        for item in kube.items("/apis/storage.k8s.io/v1/storageclasses")
        if item["metadata"]["name"] in ("longhorn-rwx", "longhorn-single")
    }
    assert parameters["longhorn-rwx"]["numberOfReplicas"] == "2"
    assert parameters["longhorn-single"]["numberOfReplicas"] == "1"
    assert site.bring("--check", "--diff").changed == 0


def assert_status_tells_that_all_is_well(site: PlatformSite) -> None:
    status = site.run("platform_status", platform_release_status_strict=True)
    assert status.ok, status.failure
    assert status.changed == 0
    table = next(event["result"]["msg"] for event in status.of("result") if event["action"].endswith("debug"))
    assert table[0].split() == ["LAYER", "RELEASE", "WANTED", "INSTALLED", "HEALTH", "WHY"]
    assert [line.split()[:3] for line in table[1:]] == [
        ["cert_manager", "cert-manager/cert-manager", "v1.21.1"],
        ["metallb", "metallb-system/metallb", "0.16.1"],
        ["suse_storage", "longhorn-system/longhorn", "1.12.1"],
        ["k3k", "k3k-system/k3k", "1.2.0-rc4"],
    ]
    assert all(" healthy" in line for line in table[1:])


def test_all_layers_again_and_one_value(platform: PlatformSite, platform_lab: Lab, kube: Kube) -> None:
    plan = platform.bring("--check", "--diff")
    assert plan.changed > 0
    assert "lab-backup-pass" not in plan.output
    assert Release(platform_lab, "longhorn-system", "longhorn").revisions() == {}

    run = platform.bring()
    assert "lab-backup-pass" not in run.output
    assert_all_are_there(platform_lab, kube)
    assert_layers_come_side_by_side(run)

    again = platform.bring()
    assert again.changed == 0
    assert again.launches.count("helm_release_info") == 1
    assert len(again.launches) == 1 + len(LAYERS)
    assert platform.bring("--check", "--diff").changed == 0

    assert_one_value_changes_one_layer(platform, platform_lab, kube)

    tagged = platform.bring("--tags", "metallb")
    assert tagged.changed == 0
    assert tagged.launches.count("platform_objects") == 1

    assert_status_tells_that_all_is_well(platform)

    kept = platform.run("platform_remove", platform_release_remove_layers=["suse_storage"])
    assert not kept.ok
    assert "its data would be lost" in kept.failure
    assert kept.changed == 0


def test_mistakes_of_all_layers_are_told_at_once_before_the_first_change(
    platform: PlatformSite, platform_lab: Lab, kube: Kube
) -> None:
    before = kube.items("/api/v1/namespaces")
    mistakes = {"metallb_pools": {}, "cert_manager_ca": "existing", "suse_storage_disks": "some"}
    for arguments in ([], ["--check"]):
        run = platform.run("platform", *arguments, **mistakes)
        assert not run.ok
        assert "3 of 4 layers would fail; nothing was changed." in run.failure
        assert "- metallb: metallb_pools: {} is not allowed; allowed: at least one pool" in run.failure
        assert "- cert_manager: cert_manager_ca_certificate, cert_manager_ca_key: '' is not allowed" in run.failure
        assert "- suse_storage: " in run.failure
        assert run.changed == 0
    assert Release(platform_lab, "k3k-system", "k3k").revisions() == {}
    assert len(kube.items("/api/v1/namespaces")) == len(before)


def test_a_layer_that_fails_does_not_stop_the_others(platform: PlatformSite, platform_lab: Lab) -> None:
    missing = {"image": {"longhorn": {"manager": {"tag": "missing"}}}}
    # The second time nothing differs, and it is still not well.
    for _time in range(2):
        run = platform.run("platform", suse_storage_values=missing)
        assert not run.ok
        assert "1 of 4 layers failed, the others are as declared" in run.failure
        assert "- suse_storage: longhorn will not get ready by itself" in run.failure
        assert "container longhorn-manager: " in run.failure
        for namespace, name in (
            ("cert-manager", "cert-manager"),
            ("k3k-system", "k3k"),
            ("longhorn-system", "longhorn"),
        ):
            assert Release(platform_lab, namespace, name).revisions() == {1: "deployed"}

    status = platform.run("platform_status", platform_release_status_strict=True)
    assert not status.ok
    assert "suse_storage (longhorn-system/longhorn): " in status.failure

    assert platform.bring().changed > 0
    assert platform.bring().changed == 0
