# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of the layer rancher, with real Helm: PLAT-2, X-1, X-4, X-6, X-7."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab
from tests.lab.charts import pack
from tests.lab.pki import Authority

pytestmark = pytest.mark.lab

HOST = "rancher.example.com"
CLASS = "lab-ingress"
PASSWORD = "first-password-of-the-lab"
BACKUP = {
    "rancher_backup_s3": {"bucketName": "rancher", "endpoint": "s3.example.com"},
    "rancher_backup_s3_credentials": {"accessKey": "lab-backup-user", "secretKey": "lab-backup-pass"},
    "rancher_backup_encryption": "kind: EncryptionConfiguration # key-of-the-lab",
}
SECRETS = (PASSWORD, "lab-backup-pass", "key-of-the-lab")
REMOVE = {"platform_release_remove_layers": ["rancher"]}
RESTORE = {"rancher_restore_file": "rancher-1.tar.gz", "rancher_restore_confirm": "rancher-1.tar.gz"}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def ingress_class(kube: Kube) -> Iterator[str]:
    """An ingress class; nothing serves it."""
    path = "/apis/networking.k8s.io/v1/ingressclasses"
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": CLASS}}
    kube.create(path, {**body, "spec": {"controller": "example.com/lab"}})
    yield CLASS
    kube.delete(f"{path}/{CLASS}")


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    """A certificate of a private CA, as the role takes it."""
    authority = Authority(tmp_path, "site").ensure()
    authority.issue("rancher", "rancher", names=(HOST,))
    names = {"certificate": "rancher.crt", "key": "rancher.key", "ca": "site.crt"}
    texts = {f"rancher_tls_{name}": (tmp_path / file).read_text(encoding="utf-8") for name, file in names.items()}
    return {"rancher_tls_source": "secret", **texts}


def another_host(directory: Path) -> dict[str, str]:
    """Another host name, with a certificate for it by the same CA."""
    name = "other.example.com"
    Authority(directory, "site").issue("other-host", "other", names=(name,))
    files = {"certificate": "other-host.crt", "key": "other-host.key"}
    texts = {f"rancher_tls_{part}": (directory / file).read_text(encoding="utf-8") for part, file in files.items()}
    return {"rancher_hostname": name, **texts}


@pytest.fixture
def rancher(platform_lab: Lab, site: PlatformSite, ingress_class: str, pair: dict[str, str]) -> Iterator[Release]:
    """The release, wanted with a certificate of the site; it is taken out after the test."""
    site.variables.update(
        platform_release_layers={"rancher": True},
        rancher_hostname=HOST,
        rancher_ingress_class=ingress_class,
        rancher_bootstrap_password=PASSWORD,
        **pair,
    )
    yield Release(platform_lab, "cattle-system", "rancher")
    site.take_out("rancher", "cert_manager", confirm="rancher")


def secret(kube: Kube, namespace: str, name: str) -> dict[str, str]:
    data = kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def assert_it_is_as_declared(kube: Kube, pair: dict[str, str], release: Release) -> None:
    """Everything around the chart, and that no secret is among the values that Helm records."""
    values = release.values()
    assert (values["hostname"], values["replicas"], values["privateCA"]) == (HOST, 1, True)
    assert values["agentTLSMode"] == "strict"
    assert values["ingress"]["tls"] == {"source": "secret", "secretName": "tls-rancher-ingress"}
    assert PASSWORD not in str(release.document(1))
    assert pair["rancher_tls_key"] not in str(release.document(1))
    assert secret(kube, "cattle-system", "bootstrap-secret") == {"bootstrapPassword": PASSWORD}
    assert secret(kube, "cattle-system", "tls-ca") == {"cacerts.pem": pair["rancher_tls_ca"]}
    certificate = secret(kube, "cattle-system", "tls-rancher-ingress")
    assert certificate == {"tls.crt": pair["rancher_tls_certificate"], "tls.key": pair["rancher_tls_key"]}
    setting = kube.get("/apis/management.cattle.io/v3/settings/server-url")
    assert setting["value"] == f"https://{HOST}"
    ingress = kube.get("/apis/networking.k8s.io/v1/namespaces/cattle-system/ingresses/rancher")
    assert ingress["spec"]["ingressClassName"] == CLASS
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/ssl-redirect"] == "true"


def test_install_again_and_remove(
    site: PlatformSite, rancher: Release, kube: Kube, pair: dict[str, str], tmp_path: Path
) -> None:
    plan = site.bring("--check", "--diff")
    assert plan.changed > 0
    assert rancher.revisions() == {}

    run = site.bring("--diff")
    assert rancher.revisions() == {1: "deployed"}
    assert_it_is_as_declared(kube, pair, rancher)
    for text in (PASSWORD, pair["rancher_tls_key"].splitlines()[1]):
        assert text not in plan.output + run.output

    again = site.bring()
    assert again.changed == 0
    assert sorted(again.launches) == ["helm_release_info", "platform_objects"]
    assert site.bring("--check", "--diff").changed == 0

    change = {"rancher_replicas": 2}
    assert site.bring("--check", **change).changed == 1
    assert site.bring(**change).changed == 1
    assert rancher.revisions() == {1: "superseded", 2: "deployed"}

    moved = site.run("platform", **another_host(tmp_path))
    assert not moved.ok
    assert moved.changed == 0
    assert f"rancher_hostname: 'other.example.com' is not allowed; allowed: '{HOST}'" in moved.failure

    kept = site.run("platform_remove", **REMOVE)
    assert not kept.ok
    assert kept.changed == 0
    assert "cattle-system/rancher is not removed: its data would be lost" in kept.failure
    confirmed = {**REMOVE, "platform_release_remove_confirm": "rancher"}
    assert site.run("platform_remove", "--check", **confirmed).changed == 1
    assert rancher.revisions() != {}
    assert site.run("platform_remove", **confirmed).changed == 1
    assert rancher.revisions() == {}
    assert site.run("platform_remove", **confirmed).changed == 0
    assert secret(kube, "cattle-system", "bootstrap-secret")


def test_backups_with_a_schedule_and_a_restore(
    site: PlatformSite, rancher: Release, kube: Kube, platform_lab: Lab
) -> None:
    site.variables.update(BACKUP)
    plan = site.bring("--check", "--diff")
    run = site.bring("--diff")
    for text in SECRETS:
        assert text not in plan.output + run.output
    operator = Release(platform_lab, "cattle-resources-system", "rancher-backup")
    assert operator.revisions() == {1: "deployed"}
    assert operator.values()["s3"]["credentialSecretName"] == "backup-target"
    assert "lab-backup-pass" not in str(operator.document(1))
    schedule = kube.get("/apis/resources.cattle.io/v1/backups/platform-schedule")["spec"]
    assert (schedule["schedule"], schedule["retentionCount"]) == ("0 2 * * *", 10)
    assert schedule["encryptionConfigSecretName"] == "backup-encryption"
    again = site.bring()
    assert again.changed == 0
    # rancher, the kinds of the operator of backups, the operator.
    assert again.launches.count("platform_objects") == 3
    assert site.bring("--check", "--diff").changed == 0
    status = site.run("platform_status", platform_release_status_strict=True)
    assert status.ok, status.failure
    assert "installed, but not in platform_release_layers" not in status.output

    refused = site.run("rancher_restore", rancher_restore_file="rancher-1.tar.gz", rancher_restore_confirm="yes")
    assert not refused.ok
    assert refused.changed == 0
    assert "rancher_restore_confirm: 'yes' is not allowed; allowed: the name in rancher_restore_file" in refused.failure
    assert site.run("rancher_restore", "--check", **RESTORE).changed == 1
    assert kube.items("/apis/resources.cattle.io/v1/restores") == []
    assert site.run("rancher_restore", **RESTORE).changed == 1
    (restore,) = kube.items("/apis/resources.cattle.io/v1/restores")
    assert restore["spec"] == {
        "backupFilename": "rancher-1.tar.gz", "prune": False, "encryptionConfigSecretName": "backup-encryption",
    }  # fmt: skip
    assert site.run("rancher_restore", **RESTORE).changed == 0

    removed = site.run("platform_remove", **REMOVE, platform_release_remove_confirm="rancher")
    assert removed.ok, removed.failure
    assert operator.revisions() == {}
    kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert kube.get(f"{kinds}/backups.resources.cattle.io") is None


def test_rancher_comes_back_on_a_cluster_without_it(site: PlatformSite, rancher: Release, kube: Kube) -> None:
    """First the operator and the backup, then Rancher: as Rancher's documentation wants it on a new cluster."""
    site.variables.update(BACKUP)
    run = site.run("rancher_restore", **RESTORE)
    assert run.ok, run.failure
    assert rancher.revisions() == {}
    assert len(kube.items("/apis/resources.cattle.io/v1/restores")) == 1
    site.bring()
    assert rancher.revisions() == {1: "deployed"}
    assert site.bring().changed == 0


def test_what_cannot_work_is_refused_before_anything_changes(
    site: PlatformSite, rancher: Release, pair: dict[str, str], tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other").ensure()
    wrong = {
        "rancher_hostname": "rancher",
        "rancher_tls_key": (tmp_path / "other.key").read_text(encoding="utf-8"),
        "rancher_tls_ca": other.certificate_file.read_text(encoding="utf-8"),
    }
    run = site.run("platform", **wrong)
    assert not run.ok
    assert run.changed == 0
    for field in ("rancher_hostname: 'rancher'", "rancher_tls_key: '(not shown)'", "rancher_tls_ca: "):
        assert field in run.failure
    assert "PRIVATE KEY" not in run.failure

    run = site.run("platform", rancher_ingress_class="nowhere")
    assert not run.ok
    assert run.changed == 0
    assert "ingress class nowhere is needed; there are: " in run.failure

    none = {"rancher_tls_certificate": "", "rancher_tls_key": "", "rancher_tls_ca": ""}
    run = site.run("platform", **none, rancher_tls_source="letsEncrypt")
    assert not run.ok
    assert run.changed == 0
    assert "rancher_letsencrypt_email: '' is not allowed; allowed: an email address" in run.failure
    assert rancher.revisions() == {}


def test_versions_that_do_not_go_together(site: PlatformSite, rancher: Release) -> None:
    pack("rancher", site.charts, "2.14.4")
    run = site.run("platform", platform_release_train="previous", **BACKUP)
    assert not run.ok
    assert run.changed == 0
    assert "rancher_backup 11.0.1 with rancher 2.14.4: the backup operator is made for one minor" in run.failure
    run = site.run("platform", platform_release_versions_override={"rancher": {"kubernetes": "< 1.30.0-0"}})
    assert not run.ok
    assert run.changed == 0
    assert "rancher 2.15.0 does not support Kubernetes v1.34" in run.failure

    site.bring(platform_release_train="previous")
    site.bring()
    assert rancher.revisions() == {1: "superseded", 2: "deployed"}
    back = site.run("platform", platform_release_train="previous", platform_release_allow_downgrade=True)
    assert not back.ok
    assert "2.15.0 -> 2.14.4 is a downgrade, which rancher cannot do" in back.failure


def test_a_certificate_of_cert_manager(site: PlatformSite, rancher: Release, kube: Kube) -> None:
    """cert-manager comes in the same run, before Rancher and its Issuer."""
    site.variables.update(
        rancher_tls_source="rancher", rancher_tls_certificate="", rancher_tls_key="", rancher_tls_ca=""
    )
    site.variables["platform_release_layers"] = {"rancher": True, "cert_manager": True}
    site.bring()
    issuer = kube.get("/apis/cert-manager.io/v1/namespaces/cattle-system/issuers/rancher")
    assert issuer["spec"] == {"ca": {"secretName": "tls-rancher"}}
    assert site.bring().changed == 0
