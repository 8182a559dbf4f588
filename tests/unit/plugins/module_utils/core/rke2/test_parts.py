# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The small decisions: release files, diagnosis, certificates, tokens, the kubeconfig."""

from __future__ import annotations

import datetime

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import (
    certificates,
    diagnosis,
    kubeconfig,
    release,
    token,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.version import Version

from .nodes import CA_HASH, TOKEN

V135, V136 = Version.parse("v1.35.7+rke2r1"), Version.parse("v1.36.3+rke2r1")


def test_which_images_a_node_needs() -> None:
    def parts(version: Version, *names: str) -> list[str]:
        return [name.split(".")[0] for name in release.image_archives(version, "amd64", names)]

    assert parts(V135, "canal", "traefik") == ["rke2-images-core", "rke2-images-canal", "rke2-images-traefik"]
    assert parts(V136, "canal", "traefik") == ["rke2-images-core", "rke2-images-canal"]
    assert parts(V135, "cilium", "ingress-nginx") == ["rke2-images-core", "rke2-images-cilium"]
    assert parts(V136, "none", "ingress-nginx") == ["rke2-images-core", "rke2-images-ingress-nginx"]


def test_where_the_files_are() -> None:
    assert release.Source("https://x/d/").locations(V135, "f") == ["https://x/d/v1.35.7%2Brke2r1/f"]
    assert release.Source("/srv").locations(V135, "f") == ["/srv/v1.35.7+rke2r1/f", "/srv/f"]


def test_checksums_are_read_whatever_their_form() -> None:
    text = f"{'a' * 64}  ./dist/one.tar.gz\n{'b' * 64} *two\nnonsense\n{'c' * 63}  three\n"
    assert release.parse_checksums(text) == {"one.tar.gz": "a" * 64, "two": "b" * 64}


@pytest.mark.parametrize(
    ("os", "airgap", "method"),
    [
        ({"id": "sles", "version": "15.7", "variant": ""}, False, "tar"),
        ({"id": "sles", "version": "16.0", "variant": "server"}, False, "rpm"),
        ({"id": "sles", "version": "16.0", "variant": "server"}, True, "tar"),
        ({"id": "sl-micro", "version": "6.1", "variant": ""}, False, "tar"),
    ],
)
def test_the_method_of_auto(os: dict[str, str], airgap: bool, method: str) -> None:
    assert release.auto_method(os, airgap) == method


def test_repositories_are_left_disabled() -> None:
    text = release.repository("https://rpm.example.com/rke2/stable", V135, "x86_64", "https://rpm.example.com/key")
    assert "baseurl=https://rpm.example.com/rke2/stable/common/slemicro/noarch\nenabled=0" in text
    assert "baseurl=https://rpm.example.com/rke2/stable/1.35/slemicro/x86_64\nenabled=0" in text
    assert text.count("gpgcheck=1\nrepo_gpgcheck=1") == 2
    assert release.repositories("http://mirror/all/", V135, "x86_64") == [("rke2", "http://mirror/all")]


@pytest.mark.parametrize(
    ("line", "cause", "lasting"),
    [
        ('level=fatal msg="starting kubernetes: critical configuration value mismatch"', "equal on all servers", True),
        ('level=fatal msg="failed to validate token: https://x/cacerts: 401 Unauthorized"', "this node's token", True),
        ('level=error msg="Node password rejected, duplicate hostname"', "another host by this node's name", True),
        ("write /var/lib/rancher: no space left on device", "a disk is full", True),
        ("bind: address already in use", "listens on a port", True),
        ("etcdserver: too many learner members in cluster", "joining at the same time", False),
        ("dial tcp 10.0.0.1:9345: connect: connection refused", "does not reach the server", False),
        ("something nobody has seen before", "its journal ends with", False),
        ("", "its journal is empty", False),
    ],
)
def test_diagnosis(line: str, cause: str, lasting: bool) -> None:
    found = diagnosis.diagnose(
        f"some line before\n{line}\nsome line after" if line and cause != "its journal ends with" else line
    )
    assert cause in found.cause
    assert found.lasting == lasting


moments = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2100, 1, 1))
KEY = ec.generate_private_key(ec.SECP256R1())


@settings(max_examples=20, deadline=None)
@given(moments)
def test_the_end_of_a_certificate_is_read_as_the_library_reads_it(end: datetime.datetime) -> None:
    end = end.replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rke2")])
    whole = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=365))
        .not_valid_after(end)
        .sign(KEY, hashes.SHA256())
    )
    pem = whole.public_bytes(serialization.Encoding.PEM).decode()
    assert certificates.not_after("text before\n" + pem) == end.replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_certificate(text: str) -> None:
    assert certificates.not_after(text) is None


def test_tokens() -> None:
    pinned = token.pinned(TOKEN, CA_HASH)
    assert pinned == f"K10{CA_HASH}::server:{TOKEN}"
    assert token.pinned(pinned, "cd" * 32) == f"K10{'cd' * 32}::server:{TOKEN}"
    assert (token.password(pinned), token.ca_hash(pinned)) == (TOKEN, CA_HASH)
    assert (token.password(f"{TOKEN}\n"), token.ca_hash(TOKEN)) == (TOKEN, "")
    assert token.problem(pinned) == ""


KUBECONFIG = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Zm9v
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-key-data: YmFy
"""


def test_the_administrators_kubeconfig() -> None:
    found = yaml.safe_load(kubeconfig.for_administrator(KUBECONFIG, "k8s.example.com", "production"))
    assert found["clusters"][0] == {
        "name": "production",
        "cluster": {"certificate-authority-data": "Zm9v", "server": "https://k8s.example.com:6443"},
    }
    assert found["current-context"] == found["contexts"][0]["name"] == found["users"][0]["name"] == "production"
    assert "https://[fd00::1]:6443" in kubeconfig.for_administrator(KUBECONFIG, "fd00::1", "x")
    # Ansible shows the message of a task that fails, also of a hidden one.
    with pytest.raises(ValueError, match="not a kubeconfig as RKE2 writes it") as error:
        kubeconfig.for_administrator(KUBECONFIG.replace("127.0.0.1", "other"), "a", "b")
    assert "YmFy" not in str(error.value)
