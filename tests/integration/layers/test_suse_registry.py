# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The registry, with real Helm: PLAT-5, X-1, X-4, X-7. Nothing runs in Harbor's pods; a small server plays what answers at the URL."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab
from tests.lab.pki import Authority

pytestmark = pytest.mark.lab

CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
NAMESPACE = "/api/v1/namespaces/harbor"
CERTIFICATE = "-----BEGIN CERTIFICATE----- of the site"
SECRETS = {
    "suse_registry_admin_password": "Lab-admin-pass-1",
    "suse_registry_secret_key": "labkey-16-digits",
    "suse_registry_seed": "lab-seed-of-the-registry-32-long",
    "suse_registry_password": "lab-login-of-the-parts",
    "suse_registry_htpasswd": "harbor_registry_user:$2y$05$" + "l" * 53,
    "suse_registry_database_password": "lab-pass-of-the-own-database",
}
PAIRS = {
    "suse_registry_tls": "existing",
    "suse_registry_certificate": CERTIFICATE,
    "suse_registry_key": "-----BEGIN PRIVATE KEY----- lab-key-of-the-site",
    "suse_registry_token_certificate": CERTIFICATE,
    "suse_registry_token_key": "-----BEGIN PRIVATE KEY----- lab-key-for-tokens",
}


@pytest.fixture
def kube(platform_lab: Lab) -> Iterator[Kube]:
    """A cluster with an ingress class."""
    instance = Kube.from_file(platform_lab.kubeconfig)
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"}}
    instance.create(CLASSES, {**body, "spec": {"controller": "example.com/traefik"}})
    yield instance
    instance.delete(f"{CLASSES}/traefik")


@pytest.fixture
def registry(site: PlatformSite) -> Iterator[PlatformSite]:
    """A site with this layer; it is taken out after the test."""
    site.variables.update(SECRETS, platform_release_layers={"suse_registry": True})
    site.variables.update(PAIRS, suse_registry_url="https://registry.example.com")
    yield site
    site.take_out("suse_registry", "cert_manager", confirm="harbor")


@pytest.fixture
def release(platform_lab: Lab) -> Release:
    return Release(platform_lab, "harbor", "harbor")


class Answering(ThreadingHTTPServer):
    """A server with TLS that answers at every address with these headers and this status."""

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        directory.mkdir()
        authority = Authority(directory, "ca").ensure()
        authority.issue("server", "localhost", names=("localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "server.crt", directory / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.ca, self.url = str(authority.certificate_file), f"https://localhost:{self.server_address[1]}"
        self.asked: list[str] = []
        self.status = 401
        self.headers = {
            "Docker-Distribution-Api-Version": "registry/2.0",
            "Www-Authenticate": f'Bearer realm="{self.url}/service/token",service="harbor-registry"',
        }

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        for name, value in {**self.server.headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Answering]:
    instance = Answering(tmp_path / "server")
    threading.Thread(target=instance.serve_forever, daemon=True).start()
    yield instance
    instance.close()


def secret(kube: Kube, name: str) -> dict[str, str]:
    data = kube.get(f"{NAMESPACE}/secrets/{name}")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def kept(kube: Kube) -> tuple[Any, set[tuple[str, str]]]:
    """The namespace and its Secrets with their revisions; both stay when the layer goes, so other tests may have made them."""
    secrets = (item["metadata"] for item in kube.items(f"{NAMESPACE}/secrets"))
    return kube.get(NAMESPACE), {(meta["name"], meta["resourceVersion"]) for meta in secrets}


def assert_nothing_is_shown(output: str) -> None:
    for value in (*SECRETS.values(), PAIRS["suse_registry_key"], PAIRS["suse_registry_token_key"]):
        assert value not in output


def test_install_again_change_and_remove(registry: PlatformSite, release: Release, kube: Kube) -> None:
    before = kept(kube)
    plan = registry.bring("--check", "--diff")
    assert plan.changed > 0
    assert_nothing_is_shown(plan.output)
    assert release.revisions() == {}
    assert kept(kube) == before

    run = registry.bring("--diff")
    assert_nothing_is_shown(run.output)
    assert release.revisions() == {1: "deployed"}
    values = release.values()
    assert values["externalURL"] == "https://registry.example.com"
    assert values["existingSecretAdminPassword"] == "platform-admin"
    assert values["updateStrategy"] == {"type": "Recreate"}
    assert values["database"]["external"] == {"existingSecret": "platform-database"}
    (variable,) = values["database"]["internal"]["extraEnvVars"]
    assert (variable["name"], variable["valueFrom"]["secretKeyRef"]) == (
        "POSTGRES_PASSWORD", {"name": "platform-database", "key": "password"},
    )  # fmt: skip
    assert_nothing_is_shown(str(values))
    assert secret(kube, "platform-admin") == {"HARBOR_ADMIN_PASSWORD": SECRETS["suse_registry_admin_password"]}
    assert secret(kube, "platform-database") == {"password": SECRETS["suse_registry_database_password"]}
    assert secret(kube, "platform-key") == {"secretKey": SECRETS["suse_registry_secret_key"]}
    assert len(secret(kube, "platform-xsrf")["CSRF_KEY"]) == 32
    assert secret(kube, "platform-tls")["tls.crt"] == CERTIFICATE
    claim = kube.get(f"{NAMESPACE}/persistentvolumeclaims/harbor-registry")
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"

    again = registry.bring()
    assert again.changed == 0
    assert sorted(again.launches) == ["helm_release_info", "platform_objects"]
    assert registry.bring("--check", "--diff").changed == 0

    assert registry.bring(suse_registry_trivy_offline=True).changed == 1
    assert release.values()["trivy"]["offlineScan"] is True
    assert release.revisions() == {1: "superseded", 2: "deployed"}

    unsure = registry.run("platform_remove", platform_release_remove_layers=["suse_registry"])
    assert not unsure.ok
    assert "its data would be lost" in unsure.failure
    confirmed = {"platform_release_remove_layers": ["suse_registry"], "platform_release_remove_confirm": "harbor"}
    assert registry.run("platform_remove", **confirmed).changed == 1
    assert release.revisions() == {}
    assert kube.get(f"{NAMESPACE}/persistentvolumeclaims/harbor-registry") is not None
    assert registry.run("platform_remove", **confirmed).changed == 0


def test_certificates_of_the_platforms_ca(registry: PlatformSite, release: Release, kube: Kube) -> None:
    registry.variables.update(
        suse_registry_tls="issuer", platform_release_layers={"cert_manager": True, "suse_registry": True}
    )
    registry.bring()
    certificates = {
        item["metadata"]["name"]: item["spec"]
        for item in kube.items("/apis/cert-manager.io/v1/namespaces/harbor/certificates")
    }
    assert certificates["platform-tls"]["dnsNames"] == ["registry.example.com"]
    assert certificates["platform-token"]["privateKey"]["rotationPolicy"] == "Never"
    assert {spec["issuerRef"]["name"] for spec in certificates.values()} == {"platform-ca"}
    assert release.values()["caSecretName"] == "platform-tls"
    assert registry.bring().changed == 0


def test_servers_outside_the_cluster(registry: PlatformSite, release: Release, kube: Kube) -> None:
    registry.variables.update(
        suse_registry_database={"host": "db.example.com", "username": "harbor"},
        suse_registry_database_password="lab-database-pass",
        suse_registry_redis={"addr": "valkey.example.com:6379"},
        suse_registry_s3={"bucket": "images", "region": "eu-central-1"},
        suse_registry_s3_credentials={"access_key": "lab-s3-access", "secret_key": "lab-s3-secret-key"},
        suse_registry_profile="production",
    )
    run = registry.bring()
    assert "lab-database-pass" not in run.output
    assert "lab-s3-secret-key" not in run.output
    names = [item["metadata"]["name"] for item in kube.items("/apis/apps/v1/namespaces/harbor/statefulsets")]
    assert names == ["harbor-trivy"]
    values = release.values()
    assert values["updateStrategy"] == {"type": "RollingUpdate"}
    assert values["core"]["replicas"] == 2
    assert "lab-database-pass" not in str(values)
    assert secret(kube, "platform-database") == {"password": "lab-database-pass"}
    assert registry.bring().changed == 0


def test_all_mistakes_are_told_before_a_change_and_no_secret(registry: PlatformSite, release: Release) -> None:
    wrong = {
        "suse_registry_url": "http://registry.example.com/harbor",
        "suse_registry_secret_key": "lab-key-of-a-wrong-length",
        "suse_registry_sizes": {"registry": "much"},
    }
    run = registry.run("platform", **wrong)
    assert not run.ok
    assert "Settings of suse_registry: 3 mistakes, nothing was changed." in run.failure
    assert (
        "suse_registry_url: 'http://registry.example.com/harbor' is not allowed; allowed: https://host" in run.failure
    )
    assert "suse_registry_secret_key: '25 characters' is not allowed; allowed: exactly 16" in run.failure
    assert "suse_registry_sizes.registry: 'much' is not allowed" in run.failure
    assert wrong["suse_registry_secret_key"] not in run.failure
    assert run.changed == 0
    assert release.revisions() == {}


def test_a_class_that_is_not_there_is_told_before_the_first_change(
    registry: PlatformSite, release: Release, kube: Kube
) -> None:
    run = registry.run("platform", suse_registry_ingress_class="nginx", suse_registry_shared_storage_class="nowhere")
    assert not run.ok
    assert "ingress class nginx is needed; there are: traefik" in run.failure
    assert "storage class nowhere is needed" in run.failure
    assert run.changed == 0
    assert release.revisions() == {}


def test_an_external_registry_is_only_asked(site: PlatformSite, server: Answering) -> None:
    site.variables.update(
        platform_release_layers={"suse_registry": True},
        suse_registry_mode="external",
        suse_registry_url=server.url,
        suse_registry_ca_path=server.ca,
    )
    for mode in ([], ["--check"]):
        run = site.bring(*mode)
        assert run.changed == 0
        assert run.launches == ["helm_release_info", "uri"]
    assert server.asked == ["/v2/", "/v2/"]

    server.headers = {}
    run = site.run("platform")
    assert not run.ok
    assert "is none: it sends no header Docker-Distribution-Api-Version" in " ".join(run.failure.split())
    server.status = 404
    run = site.run("platform")
    assert not run.ok
    assert (
        f"suse_registry_url: '{server.url}' is not allowed; allowed: the address of a registry that answers"
        in run.failure
    )
    assert "404" in run.failure
    server.close()
    assert "refused" in site.run("platform").failure


def test_harbor_must_send_clients_to_its_url_when_it_is_asked_and_a_pod_that_cannot_start_ends_the_wait(
    registry: PlatformSite, server: Answering, kube: Kube
) -> None:
    registry.variables.update(suse_registry_url=server.url, suse_registry_ask=True, suse_registry_ca_path=server.ca)
    registry.bring()
    assert server.asked == ["/v2/"]
    server.headers["Www-Authenticate"] = 'Bearer realm="https://core.harbor.domain/service/token"'
    run = registry.run("platform")
    assert not run.ok
    assert "is not what the registry sends clients to" in run.failure
    assert "core.harbor.domain" in run.failure

    registry.variables["suse_registry_ask"] = False
    values = {"core": {"image": {"tag": "missing"}}}
    run = registry.run("platform", suse_registry_values=values, platform_release_wait_timeout=300)
    assert not run.ok
    assert "harbor will not get ready by itself" in run.failure
    assert "container core: " in run.failure
    assert registry.bring().changed == 1
