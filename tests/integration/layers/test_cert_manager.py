# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of one layer, with real Helm: PLAT-1, PLAT-10, X-1, X-4, X-6, X-7."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab
from tests.lab.charts import pack

pytestmark = pytest.mark.lab

LAYERS = {"cert_manager": True}
OLDER = {"platform_release_versions_override": {"cert_manager": {"version": "v1.20.2"}}}


@pytest.fixture
def release(platform_lab: Lab, site: PlatformSite) -> Iterator[Release]:
    """The release of the layer; it is taken out after the test."""
    site.variables["platform_release_layers"] = LAYERS
    yield Release(platform_lab, "cert-manager", "cert-manager")
    site.take_out("cert_manager")


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


def names(kube: Kube, path: str) -> set[str]:
    return {item["metadata"]["name"] for item in kube.items(path)}


def test_install_again_change_and_remove(site: PlatformSite, release: Release, kube: Kube) -> None:
    before = names(kube, "/api/v1/namespaces")
    plan = site.bring("--check", "--diff")
    assert plan.changed > 0
    assert release.revisions() == {}
    assert names(kube, "/api/v1/namespaces") == before

    assert site.bring().changed > 0
    assert release.revisions() == {1: "deployed"}
    assert release.values() == {"crds": {"enabled": True, "keep": True}, "startupapicheck": {"enabled": False}}
    issuers = kube.items("/apis/cert-manager.io/v1/clusterissuers")
    assert {item["metadata"]["name"] for item in issuers} == {"platform-ca", "platform-ca-self-signed"}

    again = site.bring()
    assert again.changed == 0
    # One look at all releases, and one at the layer.
    assert again.launches.count("helm_release_info") == 1
    assert sorted(again.launches) == ["helm_release_info", "platform_objects"]
    assert {event["in_process"] for event in again.of("launch")} == {True}
    assert site.bring("--check", "--diff").changed == 0

    change = {"cert_manager_values": {"replicaCount": 2}}
    plan = site.bring("--check", "--diff", **change)
    assert [diff["after_header"] for diff in plan.diffs()] == ["Deployment cert-manager/cert-manager"]
    assert plan.diffs()[0]["before"]["spec"]["replicas"] == 1
    assert plan.diffs()[0]["after"]["spec"]["replicas"] == 2
    assert release.revisions() == {1: "deployed"}
    assert site.bring(**change).changed == 1
    assert release.revisions() == {1: "superseded", 2: "deployed"}
    assert site.bring(**change).changed == 0

    assert site.run("platform_remove", "--check", platform_release_remove_layers=["cert_manager"]).changed == 1
    assert release.revisions() != {}
    assert site.run("platform_remove", platform_release_remove_layers=["cert_manager"]).changed == 1
    assert release.revisions() == {}
    assert site.run("platform_remove", platform_release_remove_layers=["cert_manager"]).changed == 0
    # The chart keeps the definitions of its kinds, and so every certificate.
    assert "clusterissuers.cert-manager.io" in names(kube, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")


def test_upgrade_downgrade_and_jump(site: PlatformSite, release: Release) -> None:
    for version in ("v1.19.4", "v1.20.2"):
        pack("cert-manager", site.charts, version)
    assert site.bring(platform_release_versions_override={"cert_manager": {"version": "v1.19.4"}}).changed > 0
    jump = site.run("platform")
    assert not jump.ok
    assert "v1.19.4 -> v1.21.1 skips minor versions; go through 1.20 first" in jump.failure
    assert site.bring(**OLDER).changed == 1
    assert site.bring().changed == 1
    assert release.revisions() == {1: "superseded", 2: "superseded", 3: "deployed"}
    back = site.run("platform", **OLDER)
    assert not back.ok
    assert "v1.21.1 -> v1.20.2 is a downgrade" in back.failure
    assert site.bring(platform_release_allow_downgrade=True, **OLDER).changed == 1


def test_an_upgrade_that_did_not_end_is_repaired_by_the_next_run(site: PlatformSite, release: Release) -> None:
    change = {"cert_manager_values": {"replicaCount": 2}}
    site.bring()
    site.bring(**change)
    release.leave("failed")
    assert site.bring("--check", **change).changed > 0
    assert release.revisions() == {1: "deployed", 2: "failed"}
    assert site.bring(**change).changed > 0
    assert release.revisions() == {1: "superseded", 2: "failed", 3: "deployed"}

    release.leave("pending-upgrade")
    before = release.revisions()
    assert site.bring("--check", **change).changed > 0
    assert release.revisions() == before
    assert site.bring(**change).changed > 0
    assert [release.revisions()[revision] for revision in (3, 4)] == ["failed", "deployed"]
    assert site.bring(**change).changed == 0


def test_an_installation_or_a_removal_that_did_not_end(site: PlatformSite, release: Release) -> None:
    """The first is repaired by the next run; the second is told, and can be ended."""
    site.bring()
    release.leave("pending-install")
    assert site.bring().changed > 0
    assert release.revisions() == {1: "superseded", 2: "deployed"}
    assert site.bring().changed == 0

    release.leave("uninstalling")
    run = site.run("platform")
    assert not run.ok
    assert "was being uninstalled and did not get to its end" in run.failure
    assert site.run("platform_remove", platform_release_remove_layers=["cert_manager"]).ok
    assert release.revisions() == {}


def test_a_run_that_is_killed_while_helm_works_is_ended_by_the_next(site: PlatformSite, release: Release) -> None:
    """Helm waits for a hook whose image is not there; then the machine that it runs on loses power."""
    hook = {"startupapicheck": {"enabled": True}, "image": {"tag": "missing"}}
    going = site.start("platform", cert_manager_values=hook)
    going.until(lambda: release.revisions() == {1: "pending-install"}, "Helm waits for the hook")
    going.kill()
    assert release.revisions() == {1: "pending-install"}
    plan = site.bring("--check", "--diff")
    assert plan.changed > 0
    assert release.revisions() == {1: "pending-install"}
    run = site.bring()
    assert any("revision 1 was interrupted (pending-install)" in task for task in run.changed_tasks())
    assert release.revisions() == {1: "superseded", 2: "deployed"}
    assert release.values() == {"crds": {"enabled": True, "keep": True}, "startupapicheck": {"enabled": False}}
    assert site.bring().changed == 0


def test_a_pod_that_cannot_start_ends_the_wait_early_and_is_named(site: PlatformSite, release: Release) -> None:
    site.bring()
    run = site.run("platform", cert_manager_values={"image": {"tag": "missing"}}, platform_release_wait_timeout=300)
    assert not run.ok
    assert "cert-manager will not get ready by itself" in run.failure
    assert "container cert-manager-controller: " in run.failure
    assert "ErrImagePull" in run.failure or "ImagePullBackOff" in run.failure
    assert "Check that the image is in the registry" in run.failure
    healed = site.bring()
    assert healed.changed > 0
    assert site.bring().changed == 0


def test_a_chart_file_with_another_digest_is_refused(site: PlatformSite, release: Release) -> None:
    name = "cert-manager-v1.21.1.tgz"
    run = site.run("platform", platform_release_chart_digests={name: "0" * 64})
    assert not run.ok
    assert f"not {'0' * 64} as declared" in " ".join(run.failure.split())
    assert release.revisions() == {}
    right = hashlib.sha256((site.charts / name).read_bytes()).hexdigest()
    site.bring(platform_release_chart_digests={name: right})


def test_a_cluster_that_the_chart_does_not_support_stops_before_the_first_change(
    site: PlatformSite, release: Release, kube: Kube
) -> None:
    override = {"cert_manager": {"kubernetes": ">= 1.99.0-0"}}
    run = site.run("platform", platform_release_versions_override=override)
    assert not run.ok
    assert "cert_manager v1.21.1 does not support Kubernetes v1.34.4; allowed: >= 1.99.0-0" in run.failure
    assert run.changed == 0


def test_layers_that_there_are_not_are_refused_by_name(site: PlatformSite, release: Release) -> None:
    run = site.run("platform", platform_release_layers={"cert_manager": True, "cert-manager": True, "nonsense": True})
    assert not run.ok
    assert run.changed == 0
    for name in ("cert-manager", "nonsense"):
        assert (
            f"platform_release_layers.{name}: True is not allowed; allowed: one of cert_manager, metallb" in run.failure
        )
    assert release.revisions() == {}


def test_a_key_pair_of_the_site_is_written_and_never_shown(site: PlatformSite, release: Release, kube: Kube) -> None:
    pair = {"tls.crt": "certificate-of-the-site", "tls.key": "private-key-of-the-site"}
    site.variables.update(
        cert_manager_ca="existing", cert_manager_ca_certificate=pair["tls.crt"], cert_manager_ca_key=pair["tls.key"]
    )
    plan = site.bring("--check", "--diff")
    run = site.bring("--diff")
    assert pair["tls.key"] not in plan.output + run.output
    secret = kube.get("/api/v1/namespaces/cert-manager/secrets/platform-ca-key-pair")
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == pair
    assert names(kube, "/apis/cert-manager.io/v1/clusterissuers") >= {"platform-ca"}
    assert site.bring().changed == 0
    site.variables["cert_manager_ca_key"] = "another-key-of-the-site"
    changed = site.bring("--diff")
    assert changed.changed == 1
    assert "another-key-of-the-site" not in changed.output


def test_a_key_pair_that_is_wanted_and_not_given_stops_the_layer(site: PlatformSite, release: Release) -> None:
    run = site.run("platform", cert_manager_ca="existing", cert_manager_ca_certificate="certificate-of-the-site")
    assert not run.ok
    assert "cert_manager_ca_key: '' is not allowed; allowed: text in PEM form" in run.failure
    assert run.changed == 0
    assert release.revisions() == {}
