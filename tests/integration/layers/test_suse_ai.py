# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""SUSE AI and SUSE Observability, with real Helm: PLAT-6, PLAT-7, X-1, X-4, X-6. Nothing runs in their pods.

Both layers are brought up by the same runs, for their order and their need of the GPU operator are what is tested, too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab

pytestmark = pytest.mark.lab

AI, OBSERVABILITY = "/api/v1/namespaces/suse-ai", "/api/v1/namespaces/suse-observability"
DEPLOYMENTS, SETS = "/apis/apps/v1/namespaces/{}/deployments", "/apis/apps/v1/namespaces/{}/statefulsets"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MONITOR = "/apis/monitoring.coreos.com/v1/namespaces/suse-observability/servicemonitors/nvidia-dcgm-exporter"
INGRESS_CLASSES, RUNTIME_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses", "/apis/node.k8s.io/v1/runtimeclasses"
LAYERS = ["gpu_operator", "suse_observability", "suse_ai"]
CONFIRM = "suse-ai,suse-observability"
CERTIFICATE = {"tls.crt": "-----BEGIN CERTIFICATE----- of the site", "tls.key": "-----BEGIN PRIVATE KEY----- lab-key"}
TOKEN, SEED = "lab-token-of-the-collection", "lab-seed-of-suse-ai-32-characters"
KEY, LICENCE = "lab-key-of-the-agents", "LAB-LICENCE-12345"
HASH = "$2y$10$" + "l" * 53
SECRETS = (TOKEN, SEED, KEY, LICENCE, HASH)
SETTINGS: dict[str, Any] = {
    "platform_release_layers": dict.fromkeys(LAYERS, True),
    "suse_ai_host": "ai.example.com",
    "suse_ai_login": {"username": "robot", "password": TOKEN},
    "suse_ai_seed": SEED,
    "suse_ai_tls": "existing",
    "suse_observability_server": True,
    "suse_observability_url": "https://observability.example.com",
    "suse_observability_cluster": "gpu",
    "suse_observability_api_key": KEY,
    "suse_observability_license": LICENCE,
    "suse_observability_admin_password_hash": HASH,
    "suse_observability_tls": "existing",
}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def cluster(platform_lab: Lab) -> Iterator[None]:
    """What else is in a real cluster: an ingress class, a RuntimeClass of RKE2, and Secrets with certificates."""
    api = platform_lab.api()
    traefik = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"}}
    api.create(INGRESS_CLASSES, {**traefik, "spec": {"controller": "example.com/traefik"}})
    nvidia = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}}
    api.create(RUNTIME_CLASSES, {**nvidia, "handler": "nvidia"})
    for path in (AI, OBSERVABILITY):
        name = path.rpartition("/")[2]
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        pair = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "stringData": CERTIFICATE}
        api.create(f"{path}/secrets", {**pair, "metadata": {"name": f"{name}-tls"}})
    yield
    api.request("DELETE", f"{INGRESS_CLASSES}/traefik")
    api.request("DELETE", f"{RUNTIME_CLASSES}/nvidia")


@pytest.fixture
def layers(site: PlatformSite, platform_lab: Lab, cluster: None) -> Iterator[PlatformSite]:
    """A site with both layers and the GPU operator; they are taken out after the test."""
    site.variables.update(SETTINGS)
    yield site
    site.take_out(*LAYERS, confirm=CONFIRM)
    for kind in ("servicemonitors", "podmonitors"):  # kept by the chart, and other tests want none
        with contextlib.suppress(urllib.error.HTTPError):
            platform_lab.api().request("DELETE", f"{DEFINITIONS}/{kind}.monitoring.coreos.com")


@pytest.fixture
def suse_ai(platform_lab: Lab) -> Release:
    return Release(platform_lab, "suse-ai", "suse-ai")


@pytest.fixture
def server(platform_lab: Lab) -> Release:
    return Release(platform_lab, "suse-observability", "suse-observability")


@pytest.fixture
def agent(platform_lab: Lab) -> Release:
    return Release(platform_lab, "suse-observability", "suse-observability-agent")


def secret(kube: Kube, path: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in kube.get(path)["data"].items()}


def names(kube: Kube, path: str, namespace: str) -> set[str]:
    return {item["metadata"]["name"] for item in kube.items(path.format(namespace))}


def container(kube: Kube, path: str) -> dict[str, Any]:
    (found,) = kube.get(path)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def envs(found: dict[str, Any]) -> dict[str, Any]:
    return {env["name"]: env.get("value") or env["valueFrom"]["secretKeyRef"] for env in found["env"]}


def assert_nothing_is_shown(text: str, *further: str) -> None:
    for value in (*SECRETS, *further):
        assert value not in text


def assert_suse_ai_is_there(kube: Kube, release: Release) -> None:
    """The profile minimal: its parts, their passwords as Secrets, the entitlement."""
    assert release.revisions() == {1: "deployed"}
    assert kube.get(AI)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert names(kube, DEPLOYMENTS, "suse-ai") == {
        "open-webui-redis",
        "suse-ai-milvus-standalone",
        "suse-ai-minio",
        "suse-ai-ollama",
        "suse-ai-open-webui-mcpo",
    }
    assert names(kube, SETS, "suse-ai") == {"open-webui", "suse-ai-etcd"}
    entitlement = json.loads(secret(kube, f"{AI}/secrets/application-collection")[".dockerconfigjson"])
    assert entitlement["auths"]["dp.apps.rancher.io"]["password"] == TOKEN
    assert release.values()["global"]["imagePullSecrets"] == ["application-collection"]
    minio = secret(kube, f"{AI}/secrets/platform-minio")
    assert (minio["rootUser"], len(minio["rootPassword"])) == ("platform", 40)
    web = secret(kube, f"{AI}/secrets/platform-webui")
    assert_nothing_is_shown(str(release.document(1)), minio["rootPassword"], *web.values())
    found = envs(container(kube, SETS.format("suse-ai") + "/open-webui"))
    assert found["MILVUS_URI"] == "http://suse-ai-milvus.suse-ai.svc.cluster.local:19530"
    assert found["WEBUI_SECRET_KEY"] == {"name": "platform-webui", "key": "secret-key"}
    assert found["DEFAULT_USER_ROLE"] == "pending"
    assert "OPENAI_API_KEY" not in found
    milvus = envs(container(kube, DEPLOYMENTS.format("suse-ai") + "/suse-ai-milvus-standalone"))
    assert milvus["MINIO_SECRET_ACCESS_KEY"] == {"name": "platform-minio", "key": "rootPassword"}
    (ingress,) = kube.items("/apis/networking.k8s.io/v1/namespaces/suse-ai/ingresses")
    assert (ingress["spec"]["ingressClassName"], ingress["spec"]["rules"][0]["host"]) == ("traefik", "ai.example.com")


def assert_observability_is_there(kube: Kube, server: Release, agent: Release) -> None:
    """The server in its smallest size, agents with the key of a Secret, the monitor of the GPUs."""
    assert server.revisions() == agent.revisions() == {1: "deployed"}
    for release in (server, agent):
        assert_nothing_is_shown(str(release.document(1)))
    assert server.values()["global"]["suseObservability"]["sizing"] == {"profile": "trial"}
    assert secret(kube, f"{OBSERVABILITY}/secrets/platform-license") == {"LICENSE_KEY": LICENCE}
    assert secret(kube, f"{OBSERVABILITY}/secrets/platform-auth") == {"default_password": HASH}
    assert secret(kube, f"{OBSERVABILITY}/secrets/platform-api-key") == {"API_KEY": KEY}
    labels = kube.get(OBSERVABILITY)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    login = secret(kube, f"{OBSERVABILITY}/secrets/platform-agent")
    assert (login["STS_API_KEY"], len(login["STS_CLUSTER_AGENT_AUTH_TOKEN"])) == (KEY, 64)
    assert login["STS_CLUSTER_AGENT_AUTH_TOKEN"] not in str(agent.document(1))
    found = container(
        kube, "/apis/apps/v1/namespaces/suse-observability/daemonsets/suse-observability-agent-node-agent"
    )
    assert envs(found)["STS_API_KEY"] == {"name": "platform-agent", "key": "STS_API_KEY"}
    assert envs(found)["STS_URL"] == "https://observability.example.com/receiver/stsAgent"
    assert found["image"].startswith("registry.rancher.com/")
    assert agent.values()["clusterAgent"]["collection"]["kubernetesResources"] == {"secrets": False}
    monitor = kube.get(MONITOR)
    assert monitor["metadata"]["labels"]["observability.suse.com/agent"] == "scrape"
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["gpu-operator"]}


def assert_single_changes(site: PlatformSite, kube: Kube, suse_ai: Release, server: Release, agent: Release) -> None:
    """What a value or a key belongs to is changed, and nothing else; agents start anew; GPU metrics can go."""
    site.variables["suse_ai_signup"] = False
    site.variables["suse_observability_api_key"] = "lab-other-key-of-the-agents"
    run = site.bring("--diff")
    assert "lab-other-key" not in run.output
    assert suse_ai.revisions() == agent.revisions() == {1: "superseded", 2: "deployed"}
    assert server.revisions() == {1: "deployed"}
    assert secret(kube, f"{OBSERVABILITY}/secrets/platform-agent")["STS_API_KEY"] == "lab-other-key-of-the-agents"
    site.variables["suse_observability_gpu_metrics"] = False
    site.bring()
    assert kube.get(MONITOR) is None
    assert "suse-observability-agent-otel-metrics-scraper" not in names(kube, SETS, "suse-observability")
    assert site.bring().changed == 0


def test_install_again_change_and_remove(
    layers: PlatformSite, kube: Kube, suse_ai: Release, server: Release, agent: Release
) -> None:
    plan = layers.bring("--check", "--diff")
    assert plan.changed > 0
    assert_nothing_is_shown(plan.output)
    assert suse_ai.revisions() == server.revisions() == agent.revisions() == {}

    assert_nothing_is_shown(layers.bring("--diff").output)
    assert_suse_ai_is_there(kube, suse_ai)
    assert_observability_is_there(kube, server, agent)

    again = layers.bring()
    assert again.changed == 0
    assert again.launches.count("helm_release_info") == 1
    assert again.launches.count("platform_objects") == 4  # GPU operator, server, agents, SUSE AI
    assert layers.bring("--check", "--diff").changed == 0
    status = layers.run("platform_status", platform_release_status_strict=True)
    assert status.ok, status.failure

    other = layers.run("platform", "--tags", "suse_observability", suse_observability_sizing="150-ha")
    assert "150-ha' is not allowed; allowed: one of trial, 10-nonha" in other.failure
    assert "trial is installed, and no server goes from one kind to the other" in other.failure
    assert other.changed == 0

    assert_single_changes(layers, kube, suse_ai, server, agent)

    for layer in ("suse_ai", "suse_observability"):
        kept = layers.run("platform_remove", platform_release_remove_layers=[layer])
        assert not kept.ok
        assert "its data would be lost" in kept.failure
        assert kept.changed == 0
    removed = {"platform_release_remove_layers": LAYERS, "platform_release_remove_confirm": CONFIRM}
    assert layers.run("platform_remove", **removed).changed > 0
    assert suse_ai.revisions() == server.revisions() == agent.revisions() == {}
    assert layers.run("platform_remove", **removed).changed == 0


def test_production_is_a_cluster_of_milvus_with_a_gpu_and_several_of_each_part_of_the_server(
    layers: PlatformSite, kube: Kube, suse_ai: Release, server: Release
) -> None:
    layers.variables.update(
        suse_ai_profile="production",
        suse_observability_profile="production",
        suse_ai_openai_url="https://models.example.com/v1",
        suse_ai_openai_key="lab-key-of-other-models",
    )
    run = layers.bring()
    assert "lab-key-of-other-models" not in run.output
    values = suse_ai.values()
    assert values["ollama"]["ollama"]["gpu"] == {
        "enabled": True,
        "number": 1,
        "nvidiaResource": "nvidia.com/gpu",
        "type": "nvidia",
    }
    assert values["ollama"]["runtimeClassName"] == "nvidia"
    sets = names(kube, SETS, "suse-ai")
    assert {"suse-ai-minio", "suse-ai-kafka-broker", "suse-ai-kafka-controller"} <= sets
    parts = {"datanode", "mixcoord", "proxy", "querynode", "streamingnode"}
    assert {f"suse-ai-milvus-{part}" for part in parts} <= names(kube, DEPLOYMENTS, "suse-ai")
    kafka = secret(kube, f"{AI}/secrets/platform-kafka")
    assert set(kafka) == {"interbroker-user", "interbroker-password"}
    assert_nothing_is_shown(str(suse_ai.document(1)), kafka["interbroker-password"], "lab-key-of-other-models")
    assert secret(kube, f"{AI}/secrets/platform-webui")["openai-key"] == "lab-key-of-other-models"
    assert server.values()["global"]["suseObservability"]["sizing"] == {"profile": "150-ha"}
    assert "suse-observability-api" in names(kube, DEPLOYMENTS, "suse-observability")
    assert layers.bring().changed == 0


def assert_a_part_that_cannot_start_is_named(site: PlatformSite) -> None:
    """The wait ends early, and the next run repairs it."""
    broken = {
        "suse_ai_values": {"ollama": {"image": {"tag": "missing"}}},
        "suse_observability_agent_values": {"nodeAgent": {"containers": {"agent": {"image": {"tag": "missing"}}}}},
    }
    run = site.run("platform", platform_release_wait_timeout=300, **broken)
    assert not run.ok
    assert "suse-ai will not get ready by itself" in run.failure
    assert "container ollama: " in run.failure
    assert "suse-observability-agent will not get ready by itself" in run.failure
    assert "container node-agent: " in run.failure
    assert site.bring().changed == 2


def assert_one_login_serves_the_chart_and_the_images(site: PlatformSite, kube: Kube) -> None:
    """No registry asks for it: a Helm that writes down what it is told takes the chart from a folder, and does the rest."""
    folder = site.directory
    helm, told, read = (folder / name for name in ("helm", "told", "read"))
    chart = f"{site.charts}/suse-ai-deployer-1.2.1.tgz"
    helm.write_text(
        f"""#!/bin/sh
echo "$@" >> {told}
case "$1" in
  registry) cat > {read} ;;
  pull) cp {chart} "$6" ;;
  *) exec {site.helm} "$@" ;;
esac
"""
    )
    helm.chmod(0o755)
    site.variables.update(suse_ai_login=SETTINGS["suse_ai_login"], platform_release_registry={})
    site.variables.update(platform_release_charts_dir="", platform_release_helm=str(helm))
    run = site.bring("--tags", "suse_ai")
    assert_nothing_is_shown(run.output)
    assert run.changed > 0
    image = container(kube, DEPLOYMENTS.format("suse-ai") + "/suse-ai-ollama")["image"]
    assert image.startswith("dp.apps.rancher.io/containers/ollama:")
    words = told.read_text()
    assert "registry login dp.apps.rancher.io --username=robot --password-stdin" in words
    assert "pull oci://dp.apps.rancher.io/charts/suse-ai-deployer --version 1.2.1 --destination" in words
    assert_nothing_is_shown(words)
    assert read.read_text().strip() == TOKEN


def test_agents_without_a_server_and_a_registry_of_the_site_then_suses(
    layers: PlatformSite, kube: Kube, suse_ai: Release, server: Release, agent: Release
) -> None:
    """Agents need no server, and a registry of the site no login; then a part cannot start; then SUSE's registry is used."""
    registry = {"host": "registry.example.com", "mode": "values"}
    layers.variables.update(
        suse_observability_server=False,
        suse_ai_login={},
        suse_ai_offline=True,
        platform_release_registry=registry,
        platform_release_layers={"suse_observability": True, "suse_ai": True},
        suse_observability_gpu_metrics=False,
    )
    layers.bring()
    assert server.revisions() == {}
    assert agent.values()["global"]["imageRegistry"] == "registry.example.com/registry.rancher.com"
    image = container(kube, DEPLOYMENTS.format("suse-ai") + "/suse-ai-ollama")["image"]
    assert image.startswith("registry.example.com/dp.apps.rancher.io/containers/ollama:")
    assert suse_ai.values()["global"]["imagePullSecrets"] == []
    assert "suse-ai-open-webui-mcpo" not in names(kube, DEPLOYMENTS, "suse-ai")
    assert envs(container(kube, SETS.format("suse-ai") + "/open-webui"))["HF_HUB_OFFLINE"] == "1"
    assert kube.get(MONITOR) is None
    assert layers.bring().changed == 0
    assert_a_part_that_cannot_start_is_named(layers)
    assert_one_login_serves_the_chart_and_the_images(layers, kube)


def test_all_mistakes_of_both_layers_are_told_before_a_change_and_no_secret(
    layers: PlatformSite, suse_ai: Release, server: Release, agent: Release
) -> None:
    layers.variables["platform_release_layers"] = {"suse_observability": True, "suse_ai": True}
    wrong: dict[str, Any] = {
        "suse_ai_login": {},
        "suse_ai_host": "https://ai.example.com",
        "suse_ai_gpus": "many",
        "suse_ai_parts": ["ollama", "open_webui", "vllm"],
        "suse_observability_url": "http://observability.example.com",
        "suse_observability_sizing": "huge",
        "suse_observability_cluster": "My Cluster",
    }
    run = layers.run("platform", suse_observability_receiver_url="https://observability.example.com/x", **wrong)
    assert not run.ok
    assert "2 of 2 layers would fail; nothing was changed." in run.failure
    assert "Settings of suse_ai: 4 mistakes, nothing was changed." in run.failure
    assert "Settings of suse_observability: 3 mistakes, nothing was changed." in run.failure
    for field in wrong:
        assert f"{field}: " in run.failure
    assert_nothing_is_shown(run.output)
    assert run.changed == 0
    assert suse_ai.revisions() == server.revisions() == agent.revisions() == {}


def test_what_the_cluster_lacks_is_told_before_the_first_change(
    layers: PlatformSite, suse_ai: Release, agent: Release
) -> None:
    layers.variables["platform_release_layers"] = {"suse_observability": True, "suse_ai": True}
    lacking: dict[str, Any] = {
        "suse_observability_server": False,
        "suse_ai_gpus": 1,
        "suse_ai_gpu_resource": "example.com/none",
        "suse_ai_runtime_class": "nowhere",
        "suse_ai_ingress_class": "nginx",
        "suse_ai_storage_class": "fast",
        "suse_ai_tls_secret": "no-such-secret",
    }
    run = layers.run("platform", **lacking)
    assert not run.ok
    text = " ".join(run.failure.split())
    for words in (
        "no node offers example.com/none; the layer gpu_operator brings it",
        "RuntimeClass nowhere is needed; it is not there",
        "ingress class nginx is needed; there are: traefik",
        "storage class fast is needed; there are: ",
        "Secret suse-ai/no-such-secret with the keys tls.crt, tls.key is needed",
        "the release gpu-operator/gpu-operator is needed and not installed; the layer gpu_operator brings it",
    ):
        assert words in text
    assert run.changed == 0
    assert suse_ai.revisions() == agent.revisions() == {}
