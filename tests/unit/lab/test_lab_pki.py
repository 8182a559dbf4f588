# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's certificates: who may do what with which, and nothing readable by others."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab import pki
from tests.lab.description import Description


@pytest.fixture
def lab(tmp_path: Path) -> Description:
    lab = Description("unit", 7, tmp_path)
    pki.ensure_all(lab)
    return lab


def certificate(lab: Description, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((lab.pki / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    ("name", "authority"),
    [
        ("kube-apiserver", "ca"),
        ("admin", "ca"),
        ("clearml-serving", "ca"),
        ("etcd", "etcd-ca"),
        ("etcd-client", "etcd-ca"),
        ("front-proxy-client", "front-proxy-ca"),
    ],
)
def test_each_certificate_comes_from_its_authority(lab: Description, name: str, authority: str) -> None:
    certificate(lab, name).verify_directly_issued_by(certificate(lab, authority))


def test_the_authorities_are_apart(lab: Description) -> None:
    with pytest.raises(ValueError, match="match"):
        certificate(lab, "etcd-client").verify_directly_issued_by(certificate(lab, "ca"))


def test_only_servers_can_serve(lab: Description) -> None:
    def usages(name: str) -> set[x509.ObjectIdentifier]:
        return set(certificate(lab, name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)

    assert usages("admin") == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert ExtendedKeyUsageOID.SERVER_AUTH in usages("kube-apiserver")


def test_the_api_server_answers_to_its_names(lab: Description) -> None:
    extension = certificate(lab, "kube-apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    addresses = {str(address) for address in extension.value.get_values_for_type(x509.IPAddress)}
    assert {"127.77.7.1", "10.43.0.1"} <= addresses
    assert "kubernetes.default.svc" in extension.value.get_values_for_type(x509.DNSName)


def test_the_administrator_is_one_by_group(lab: Description) -> None:
    groups = certificate(lab, "admin").subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [group.value for group in groups] == ["system:masters"]
    assert not certificate(lab, "kube-scheduler").subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)


def test_the_kubeconfig_stands_alone(lab: Description) -> None:
    content = yaml.safe_load(lab.kubeconfig.read_text(encoding="utf-8"))
    cluster = content["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.77.7.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == (lab.pki / "ca.crt").read_bytes()
    assert str(lab.state) not in lab.kubeconfig.read_text(encoding="utf-8")


def test_keys_and_kubeconfigs_are_for_the_owner_only(lab: Description) -> None:
    private = [*lab.pki.glob("*.key"), *lab.pki.glob("*.kubeconfig"), lab.kubeconfig]
    assert len(private) > 15
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_a_second_time_changes_nothing(lab: Description) -> None:
    before = {path: path.read_bytes() for path in lab.state.rglob("*") if path.is_file()}
    pki.ensure_all(lab)
    assert {path: path.read_bytes() for path in lab.state.rglob("*") if path.is_file()} == before
