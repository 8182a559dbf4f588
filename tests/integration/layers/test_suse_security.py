# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of the layer suse_security, with real Helm: PLAT-4, X-1, X-4, X-6, X-7."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import yaml

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab

pytestmark = pytest.mark.lab

NAMESPACE = "/api/v1/namespaces/cattle-neuvector-system"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
CLASS = "lab-rwx"
PASSWORD = "first: password of the lab"
REMOVE = {"platform_release_remove_layers": ["suse_security"]}
CONFIRMED = {**REMOVE, "platform_release_remove_confirm": "neuvector"}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def storage_class(kube: Kube) -> Iterator[str]:
    """A class for the volume of the configuration; no volume is made."""
    path = "/apis/storage.k8s.io/v1/storageclasses"
    body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": CLASS}}
    kube.create(path, {**body, "provisioner": "example.com/none"})
    yield CLASS
    kube.delete(f"{path}/{CLASS}")


@pytest.fixture
def release(platform_lab: Lab, site: PlatformSite, storage_class: str) -> Iterator[Release]:
    """The release of the controllers; the layer is taken out after the test."""
    site.variables.update(
        platform_release_layers={"suse_security": True},
        suse_security_admin_password=PASSWORD,
        suse_security_storage_class=storage_class,
    )
    yield Release(platform_lab, "cattle-neuvector-system", "neuvector")
    site.take_out("suse_security", confirm="neuvector")


def webhooks(kube: Kube) -> set[str]:
    names = {item["metadata"]["name"] for item in kube.items(WEBHOOKS)}
    return {name for name in names if name.startswith("neuvector-")}


def configuration(kube: Kube) -> dict[str, object]:
    return dict(yaml.safe_load(kube.get(f"{NAMESPACE}/configmaps/neuvector-init")["data"]["sysinitcfg.yaml"]))


def assert_it_watches_and_refuses_nothing(kube: Kube, release: Release) -> None:
    values = release.values()
    assert values["controller"]["replicas"] == values["cve"]["scanner"]["replicas"] == 1
    assert values["runtimePath"] == "/run/k3s/containerd/containerd.sock"
    assert "federation" not in values["controller"]
    assert "ingress" not in values["manager"]
    assert PASSWORD not in str(release.document(1))
    found = configuration(kube)
    assert (found["New_Service_Policy_Mode"], found["Scan_Config"]) == ("Monitor", {"Auto_Scan": True})
    users = base64.b64decode(kube.get(f"{NAMESPACE}/secrets/neuvector-init")["data"]["userinitcfg.yaml"]).decode()
    assert yaml.safe_load(users)["users"] == [{"Fullname": "admin", "Password": PASSWORD, "Role": "admin"}]
    rule = kube.get("/apis/neuvector.com/v1/nvadmissioncontrolsecurityrules/local")
    assert rule["spec"]["config"] == {"enable": True, "mode": "monitor", "client_mode": "service"}
    claim = kube.get(f"{NAMESPACE}/persistentvolumeclaims/neuvector-data")["spec"]
    assert (claim["storageClassName"], claim["accessModes"]) == (CLASS, ["ReadWriteMany"])
    assert webhooks(kube) == {"neuvector-validating-admission-webhook", "neuvector-validating-crd-webhook"}
    labels = kube.get(NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    services = {item["metadata"]["name"] for item in kube.items(f"{NAMESPACE}/services")}
    assert services == {"neuvector-service-webui", "neuvector-svc-controller-api"}


def test_install_again_change_and_remove(site: PlatformSite, release: Release, kube: Kube, platform_lab: Lab) -> None:
    kinds = Release(platform_lab, "cattle-neuvector-system", "neuvector-crd")
    plan = site.bring("--check", "--diff")
    assert plan.changed > 0
    assert release.revisions() == kinds.revisions() == {}

    run = site.bring("--diff")
    assert PASSWORD not in plan.output + run.output
    assert release.revisions() == kinds.revisions() == {1: "deployed"}
    assert_it_watches_and_refuses_nothing(kube, release)

    again = site.bring()
    assert again.changed == 0
    assert sorted(again.launches) == ["helm_release_info", *["platform_objects"] * 2]
    assert site.bring("--check", "--diff").changed == 0

    # The controllers read their settings at a start: so a change of them must make other pods.
    site.variables["suse_security_syslog"] = {"server": "192.0.2.7", "protocol": "tcp"}
    changed = site.bring()
    assert changed.changed == 2
    assert any("controller.podAnnotations" in task for task in changed.changed_tasks())
    assert configuration(kube)["Syslog_IP_Proto"] == 6
    assert release.revisions() == {1: "superseded", 2: "deployed"}
    assert site.bring().changed == 0

    kept = site.run("platform_remove", **REMOVE)
    assert not kept.ok
    assert kept.changed == 0
    assert "cattle-neuvector-system/neuvector is not removed: its data would be lost" in kept.failure
    assert webhooks(kube)
    assert site.run("platform_remove", "--check", **CONFIRMED).ok
    assert release.revisions() != {}
    assert site.run("platform_remove", **CONFIRMED).changed > 0
    assert release.revisions() == kinds.revisions() == {}
    assert webhooks(kube) == set()
    assert site.run("platform_remove", **CONFIRMED).changed == 0


def test_admission_control_can_be_off_and_pages_want_an_ingress_class(
    site: PlatformSite, release: Release, kube: Kube
) -> None:
    site.variables["suse_security_admission"] = False
    site.bring()
    rule = kube.get("/apis/neuvector.com/v1/nvadmissioncontrolsecurityrules/local")
    assert rule["spec"]["config"]["enable"] is False
    assert site.bring().changed == 0
    run = site.run("platform", suse_security_manager_host="security.example.com", suse_security_ingress_class="nowhere")
    assert not run.ok
    assert run.changed == 0
    assert "ingress class nowhere is needed; there are: " in run.failure


def test_what_cannot_work_is_refused_before_anything_changes(site: PlatformSite, release: Release, kube: Kube) -> None:
    bad = {
        "suse_security_admin_password": "short-pass",
        "suse_security_controllers": 2,
        "suse_security_syslog": {"server": "siem.example.com"},
    }
    run = site.run("platform", **bad)
    assert not run.ok
    assert run.changed == 0
    for text in (
        "suse_security_admin_password: '(not shown)' is not allowed; allowed: 12 characters or more",
        "suse_security_controllers: 2 is not allowed; allowed: an odd number",
        "suse_security_syslog.server: 'siem.example.com' is not allowed; allowed: an IPv4 address",
    ):
        assert text in run.failure
    assert "short-pass" not in run.failure

    protect = site.run("platform", suse_security_policy_mode="Protect")
    assert not protect.ok
    assert "suse_security_policy_mode must be one of: Discover, Monitor, got: Protect" in protect.failure

    missing = site.run("platform", suse_security_storage_class="nowhere")
    assert not missing.ok
    assert missing.changed == 0
    assert "storage class nowhere is needed; there are: " in missing.failure
    assert release.revisions() == {}
