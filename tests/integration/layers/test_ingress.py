# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of RKE2's ingress controllers: PLAT-9, X-1, X-4, X-7. Real Helm plays RKE2's own controller of charts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.helm_controller import CONFIGS, DAEMON_SETS, HelmController
from tests.lab import Lab

pytestmark = pytest.mark.lab

TRAEFIK = f"{CONFIGS}/rke2-traefik"
SETTINGS = "ai-tenancy-settings"
LAYER = {"platform_release_remove_layers": ["ingress"]}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def ingress(site: PlatformSite) -> PlatformSite:
    site.variables["platform_release_layers"] = {"ingress": True}
    return site


@pytest.fixture
def rke2(platform_lab: Lab, helm: Path, tmp_path: Path) -> Iterator[HelmController]:
    """RKE2 with Traefik."""
    with HelmController(platform_lab, helm, tmp_path / "rke2") as controller:
        yield controller


@pytest.fixture
def both(platform_lab: Lab, helm: Path, tmp_path: Path) -> Iterator[HelmController]:
    """RKE2 while one moves from nginx to Traefik."""
    with HelmController(platform_lab, helm, tmp_path / "rke2", ("rke2-traefik", "rke2-ingress-nginx")) as controller:
        yield controller


def values(kube: Kube, path: str = TRAEFIK) -> dict[str, Any]:
    return dict(yaml.safe_load(kube.get(path)["spec"]["valuesContent"]))


def digest_of(kube: Kube, workload: str = "rke2-traefik") -> str:
    annotations = kube.get(f"{DAEMON_SETS}/{workload}")["metadata"].get("annotations") or {}
    return str(annotations.get(SETTINGS, ""))


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["run", "check"])
def test_a_cluster_without_helmchartconfig_is_refused(ingress: PlatformSite, mode: list[str]) -> None:
    run = ingress.run("platform", *mode)
    assert not run.ok
    assert (
        "the API helm.cattle.io/v1 is needed and not served; RKE2 brings it, with the kind HelmChartConfig"
        in run.failure
    )
    assert run.changed == 0


def test_set_up_again_change_and_remove(ingress: PlatformSite, rke2: HelmController, kube: Kube) -> None:
    assert ingress.bring("--check", "--diff").changed == 1
    assert kube.get(TRAEFIK) is None

    assert ingress.bring().changed == 1
    spec = kube.get(TRAEFIK)["spec"]
    assert spec["failurePolicy"] == "abort"
    made = values(kube)
    assert made["ports"]["web"]["http"]["redirections"]["entryPoint"]["to"] == "websecure"
    assert made["ports"]["websecure"]["transport"]["respondingTimeouts"]["readTimeout"] == "1800s"
    assert "service" not in made
    # Not before RKE2 has applied it.
    assert digest_of(kube) == made["deployment"]["annotations"][SETTINGS] != ""

    again = ingress.bring()
    assert again.changed == 0
    assert again.launches == ["helm_release_info", "platform_objects"]
    assert ingress.bring("--check", "--diff").changed == 0

    before = digest_of(kube)
    change = {"ingress_exposure": "load_balancer", "ingress_default_class": "traefik", "ingress_timeout": 60}
    assert ingress.bring("--check", "--diff", **change).changed == 1
    assert ingress.bring(**change).changed == 1
    assert values(kube)["service"] == {"spec": {"type": "LoadBalancer"}}
    assert values(kube)["ingressClass"] == {"isDefaultClass": True}
    assert values(kube)["ports"]["web"]["hostPort"] is None
    assert digest_of(kube) != before
    assert ingress.bring(**change).changed == 0

    assert ingress.run("platform_remove", "--check", **LAYER).changed == 1
    assert kube.get(TRAEFIK) is not None
    assert ingress.run("platform_remove", **LAYER).changed == 1
    assert kube.get(TRAEFIK) is None
    assert digest_of(kube) == ""
    assert ingress.run("platform_remove", **LAYER).changed == 0


def test_both_controllers_and_a_certificate(ingress: PlatformSite, both: HelmController, kube: Kube) -> None:
    pair = {"tls.crt": "-----BEGIN CERTIFICATE----- of the site", "tls.key": "-----BEGIN PRIVATE KEY----- of the site"}
    ingress.variables.update(
        ingress_controllers=["traefik", "ingress-nginx"],
        ingress_exposure="load_balancer",
        ingress_body_size="4g",
        ingress_tls_secret="company-tls",
        ingress_tls_certificate=pair["tls.crt"],
        ingress_tls_key=pair["tls.key"],
    )
    plan = ingress.bring("--check", "--diff")
    run = ingress.bring("--diff")
    assert pair["tls.key"] not in plan.output + run.output
    assert kube.get("/api/v1/namespaces/kube-system/secrets/company-tls")["type"] == "kubernetes.io/tls"
    assert values(kube)["tlsStore"] == {"default": {"defaultCertificate": {"secretName": "company-tls"}}}
    nginx = values(kube, f"{CONFIGS}/rke2-ingress-nginx")["controller"]
    assert nginx["config"]["proxy-body-size"] == "4g"
    assert nginx["extraArgs"] == {"default-ssl-certificate": "kube-system/company-tls"}
    assert digest_of(kube, "rke2-ingress-nginx-controller") == nginx["annotations"][SETTINGS]
    assert ingress.bring().changed == 0
    assert ingress.run("platform_remove", **LAYER).ok


def test_an_older_chart_of_traefik_gets_its_values_where_it_wants_them(
    ingress: PlatformSite, rke2: HelmController, kube: Kube
) -> None:
    rke2.versions["rke2-traefik"] = "37.1.101+up37.1.1"
    rke2.install("rke2-traefik", "{}")
    ingress.bring(ingress_exposure="load_balancer")
    assert values(kube)["service"] == {"type": "LoadBalancer"}
    assert "redirections" in values(kube)["ports"]["web"]
    assert ingress.run("platform_remove", **LAYER).ok


def test_a_controller_that_rke2_did_not_install_is_refused(
    ingress: PlatformSite, rke2: HelmController, kube: Kube
) -> None:
    run = ingress.run("platform", ingress_controllers=["ingress-nginx"])
    assert not run.ok
    assert "the release kube-system/rke2-ingress-nginx is needed and not installed" in run.failure
    assert "rke2_ingress_controller" in run.failure
    assert run.changed == 0
    assert kube.items(CONFIGS) == []


def test_settings_that_rke2_does_not_apply_are_not_called_done(
    ingress: PlatformSite, rke2: HelmController, kube: Kube
) -> None:
    rke2.idle = True
    run = ingress.run("platform", platform_release_wait_timeout=5)
    assert not run.ok
    assert "ingress is not ready after 5 s" in run.failure
    assert "DaemonSet kube-system/rke2-traefik: metadata.annotations.ai-tenancy-settings is not set" in run.failure
    rke2.idle = False
    assert ingress.bring().changed == 0
    assert digest_of(kube) == values(kube)["deployment"]["annotations"][SETTINGS]
    assert ingress.run("platform_remove", **LAYER).ok


def test_all_mistakes_are_told_before_a_change(ingress: PlatformSite) -> None:
    wrong = {"ingress_controllers": ["haproxy"], "ingress_body_size": "much", "ingress_timeout": 0}
    run = ingress.run("platform", **wrong)
    assert not run.ok
    assert "Settings of ingress: 3 mistakes, nothing was changed." in run.failure
    for text in ("ingress_controllers: ['haproxy']", "ingress_body_size: 'much'", "ingress_timeout: 0"):
        assert f"{text} is not allowed; allowed: " in run.failure
    assert run.changed == 0
