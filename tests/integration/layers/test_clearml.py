# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""ClearML's control plane, with real Helm: CML-1, CML-2, PLAT-10, X-1, X-4, X-6."""

from __future__ import annotations

import base64
import contextlib
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.lab import Lab
from tests.lab.charts import pack

pytestmark = pytest.mark.lab

NAMESPACE = "/api/v1/namespaces/clearml"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KEYS = ("apiserver_key", "apiserver_secret", "fileserver_key", "fileserver_secret", "secure_auth_token_secret")
CREDENTIALS = {key: f"text-of-the-{key.replace('_', '-')}" for key in (*KEYS, "test_user_key", "test_user_secret")}
KIND = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "mongodbcommunity.mongodbcommunity.mongodb.com"},
    "spec": {
        "group": "mongodbcommunity.mongodb.com",
        "scope": "Namespaced",
        "names": {"kind": "MongoDBCommunity", "plural": "mongodbcommunity", "singular": "mongodbcommunity"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
INGRESS_CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    "spec": {"controller": "k8s.io/ingress-nginx"},
}
STORAGE_CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.com/none"}


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


@pytest.fixture
def cluster(platform_lab: Lab) -> Iterator[None]:
    """What other layers bring to a real cluster: an ingress class, and classes for storage."""
    api = platform_lab.api()
    made = {
        "/apis/networking.k8s.io/v1/ingressclasses": [INGRESS_CLASS],
        "/apis/storage.k8s.io/v1/storageclasses": [
            {**STORAGE_CLASS, "metadata": {"name": name}} for name in ("fast", "shared")
        ],
    }
    for path, bodies in made.items():
        for body in bodies:
            api.request("POST", path, body)
    yield
    for path, bodies in made.items():
        for body in bodies:
            api.request("DELETE", f"{path}/{body['metadata']['name']}")


@pytest.fixture
def release(platform_lab: Lab, site: PlatformSite, cluster: None) -> Iterator[Release]:
    """The release of the server; it is taken out after the test with its namespace, and cert-manager with it."""
    definitions = site.directory / "crds.yaml"
    definitions.write_text(yaml.safe_dump_all([KIND]), encoding="utf-8")
    site.variables.update(
        platform_release_layers={"cert_manager": True, "clearml_server": True},
        clearml_server_base_domain="clearml.example.com",
        clearml_server_storage_class="fast",
        clearml_server_rwx_class="shared",
        clearml_server_credentials=CREDENTIALS,
        clearml_server_mongodb_definitions=str(definitions),
        clearml_server_pull_secrets=[
            {"name": "clearml", "registry": "docker.io", "username": "user", "password": "word-of-the-registry"}
        ],
    )
    yield Release(platform_lab, "clearml", "clearml-enterprise")
    site.take_out("clearml_server", "cert_manager", confirm="clearml-enterprise")
    for path in (f"{NAMESPACE}/secrets/clearml-conf", f"{DEFINITIONS}/{KIND['metadata']['name']}"):
        with contextlib.suppress(urllib.error.HTTPError):  # not every test makes them
            platform_lab.api().request("DELETE", path)


def assert_hosts(kube: Kube) -> None:
    ingresses = kube.items("/apis/networking.k8s.io/v1/namespaces/clearml/ingresses")
    assert {item["spec"]["rules"][0]["host"] for item in ingresses} == {
        f"{name}.clearml.example.com" for name in ("app", "api", "files")
    }
    assert {item["spec"]["tls"][0]["secretName"] for item in ingresses} == {"clearml-tls"}
    (certificate,) = kube.items("/apis/cert-manager.io/v1/namespaces/clearml/certificates")
    assert certificate["spec"]["dnsNames"] == [f"{name}.clearml.example.com" for name in ("api", "app", "files")]


def envs(values: dict[str, Any]) -> dict[str, Any]:
    return {env["name"].rpartition("__")[2]: env for env in values["apiserver"]["extraEnvs"]}


def test_install_again_change_and_remove(site: PlatformSite, release: Release, kube: Kube) -> None:
    plan = site.bring("--check", "--diff")
    assert plan.changed > 0
    assert release.revisions() == {}
    assert CREDENTIALS["apiserver_secret"] not in plan.output

    run = site.bring()
    assert release.revisions() == {1: "deployed"}
    assert_hosts(kube)
    secrets = {item["metadata"]["name"]: item["data"] for item in kube.items(f"{NAMESPACE}/secrets")}
    assert {key: base64.b64decode(text).decode() for key, text in secrets["clearml-conf"].items()} == CREDENTIALS
    values = release.values()
    assert values["imageCredentials"] == {"existingImagePullSecrets": [{"name": "clearml"}]}
    assert values["clearml"] == {"cookieDomain": "clearml.example.com", "existingSecret": "clearml-conf"}
    assert values["clearmlApplications"]["enabled"] is True
    assert set(envs(values)) == {"user_management_advanced", "unique_names"}
    for secret in (*CREDENTIALS.values(), "word-of-the-registry"):
        assert secret not in run.output
        assert secret not in str(release.document(1))

    again = site.bring("--tags", "clearml_server")
    assert again.changed == 0
    assert sorted(again.launches) == ["helm_release_info", "platform_objects"]
    assert site.bring("--check", "--diff").changed == 0
    assert site.run("clearml").changed == 0

    supervisor = {"clearml_server_supervisor": True, "clearml_server_supervisor_email": "platform@example.com"}
    keys = {"supervisor_key": "text-of-the-supervisor-key", "supervisor_secret": "text-of-the-supervisor-secret"}
    site.variables.update(supervisor, clearml_server_credentials={**CREDENTIALS, **keys})
    assert site.bring().changed > 0
    found = envs(release.values())
    assert found["email"]["value"] == '"platform@example.com"'
    assert found["user_secret"]["valueFrom"] == {"secretKeyRef": {"name": "clearml-conf", "key": "supervisor_secret"}}
    assert "text-of-the-supervisor" not in str(release.document(2))
    assert site.bring().changed == 0

    kept = site.run("platform_remove", platform_release_remove_layers=["clearml_server"])
    assert not kept.ok
    assert "its data would be lost" in kept.failure


def test_production_shares_files_and_keeps_several_of_each(site: PlatformSite, release: Release, kube: Kube) -> None:
    site.bring(platform_profile="production")
    (claim,) = kube.items(f"{NAMESPACE}/persistentvolumeclaims")
    assert (claim["spec"]["accessModes"], claim["spec"]["storageClassName"]) == (["ReadWriteMany"], "shared")
    values = release.values()
    assert values["elasticsearch"]["replicas"] == 3
    assert values["elasticsearch"]["volumeClaimTemplate"]["storageClassName"] == "fast"
    assert (values["mongodb"], values["mckMongodb"]) == ({"enabled": False}, {"enabled": True, "migrated": True})


def test_no_upgrade_over_a_minor_version_without_a_backup(site: PlatformSite, release: Release) -> None:
    older = {"platform_release_versions_override": {"clearml_enterprise": {"version": "10.13.2"}}}
    for version in ("10.13.2", "10.13.4", "10.11.6"):
        pack("clearml-enterprise", site.charts, version)
    site.bring(**older)
    before = release.revisions()
    for said, arguments in (("", ()), ("10.13", ("--check",))):
        run = site.run("clearml", *arguments, clearml_server_backup_confirmed=said)
        assert not run.ok
        text = " ".join(run.failure.split())
        assert f"clearml_server_backup_confirmed: {said!r} is not allowed; allowed: 10.13.2, the installed" in text
        assert (run.changed, release.revisions()) == (0, before)
    patch = {"platform_release_versions_override": {"clearml_enterprise": {"version": "10.13.4"}}}
    assert site.bring(**patch).changed == 1
    assert site.bring(clearml_server_backup_confirmed="10.13.4").changed == 1
    assert release.revisions() == {1: "superseded", 2: "superseded", 3: "deployed"}
    # The confirmation of the last upgrade is left in the inventory: it opens nothing more.
    assert site.bring(clearml_server_backup_confirmed="10.13.4").changed == 0
    back = site.run("clearml", platform_release_allow_downgrade=True, **older)
    assert "is a downgrade, which clearml-enterprise cannot do" in back.failure


#: Settings that are wrong, and what the message says; then what the cluster does not have (yet).
BAD = {
    "clearml_server_base_domain": "clearml",
    "clearml_server_extra_envs": [{"name": "CLEARML__secure__credentials__supervisor_role", "value": "system"}],
}
MISTAKES = (
    "Settings of clearml_server: 2 mistakes, nothing was changed.",
    "clearml_server_base_domain: 'clearml' is not allowed; allowed: a domain",
    "allowed: CLEARML__secure__credentials__supervisor__role, with two underscores",
)
LACKING = {
    "clearml_server_storage_class": "slow",
    "clearml_server_ingress_class": "traefik",
    "clearml_server_credentials": {},
    "clearml_server_mongodb_definitions": "",
}
LACKS = (
    "storage class slow is needed; there are: ",
    "ingress class traefik is needed; there are: ",
    "Secret clearml/clearml-conf with the keys apiserver_key, ",
    "the API mongodbcommunity.mongodb.com/v1 is needed and not served",
)
PROFILE = "value of clearml_server_profile must be one of: lab, production, got: huge"


def test_bad_input_is_refused_before_any_change(site: PlatformSite, release: Release) -> None:
    site.variables["clearml_server_tls"] = "none"
    for change, says in ((BAD, MISTAKES), ({"clearml_server_profile": "huge"}, (PROFILE,)), (LACKING, LACKS)):
        run = site.run("clearml", **change)
        assert not run.ok
        assert [text for text in says if text not in " ".join(run.failure.split())] == []
        assert run.changed == 0
        assert release.revisions() == {}
    plan = site.run("clearml", "--check", **LACKING)
    assert plan.ok, plan.failure
    said = " ".join(plan.output.split())  # YAML, with long lines folded
    assert [text for text in (*LACKS, "The layer is refused when that is still so.") if text not in said] == []


def test_a_secret_of_the_site_is_used_and_looked_at_for_its_keys(
    site: PlatformSite, release: Release, platform_lab: Lab
) -> None:
    api = platform_lab.api()
    site.variables["clearml_server_credentials"] = {}
    with contextlib.suppress(urllib.error.HTTPError):  # an earlier test has made it
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "clearml"}}
        api.request("POST", "/api/v1/namespaces", namespace)
    some = {key: text for key, text in CREDENTIALS.items() if key != "fileserver_secret"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clearml-conf"}, "stringData": some}
    api.request("POST", f"{NAMESPACE}/secrets", secret)
    run = site.run("platform")
    assert "Secret clearml/clearml-conf needs the keys fileserver_secret; they are not in it" in run.failure
    assert release.revisions() == {}
    patch = {"stringData": CREDENTIALS}
    api.request("PATCH", f"{NAMESPACE}/secrets/clearml-conf", patch, "application/merge-patch+json")
    assert site.bring().changed > 0
    assert release.revisions() == {1: "deployed"}
    assert site.bring().changed == 0
