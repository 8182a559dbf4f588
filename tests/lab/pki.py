# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's certificate authorities, certificates and kubeconfigs.

What exists is kept, so that calling it again changes nothing. Who needs which certificate follows
https://kubernetes.io/docs/setup/best-practices/certificates/.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .description import SERVICE_API, Description

#: A laboratory lives for hours; a year covers one that somebody keeps.
LIFETIME = datetime.timedelta(days=365)

#: The clock of the machine may be set back a little while a laboratory runs.
EARLY = datetime.timedelta(days=1)

#: Parts that reach the API server, with the user and the groups of their client certificate. kwok, storage and k3k
#: are administrators: kwok stands for the kubelets, and k3k's chart binds its controller to cluster-admin.
CLIENTS = {
    "admin": ("kubernetes-admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kwok": ("lab:kwok", ("system:masters",)),
    "storage": ("lab:storage", ("system:masters",)),
    "k3k": ("lab:k3k", ("system:masters",)),
}


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all, also where others write it at the same time."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.replace(temporary, path)


def key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def subject(common_name: str, groups: Sequence[str] = ()) -> x509.Name:
    """Return a certificate's subject; Kubernetes reads CN as the user and each O as a group."""
    groups_attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*groups_attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def alternative_name(name: str) -> x509.GeneralName:
    """Return an address or a DNS name as a subject alternative name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass(frozen=True)
class Authority:
    """A certificate authority, kept as <name>.crt and <name>.key in a directory."""

    directory: Path
    name: str

    @property
    def certificate_file(self) -> Path:
        """The authority's certificate."""
        return self.directory / f"{self.name}.crt"

    def ensure(self) -> Authority:
        """Make the authority, unless it exists."""
        if not self.certificate_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            builder = self._builder(subject(f"ai-tenancy lab {self.name}"), key.public_key())
            builder = builder.issuer_name(subject(f"ai-tenancy lab {self.name}"))
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            builder = builder.add_extension(key_usage(authority=True), critical=True)
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            self._write(self.name, key, builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256()))
        return self

    def issue(self, file: str, user: str, groups: Sequence[str] = (), names: Sequence[str] = ()) -> None:
        """Make <file>.crt and <file>.key, unless they exist.

        names: addresses and DNS names; with any, the certificate serves as well, otherwise it is a client's only.
        """
        if (self.directory / f"{file}.crt").exists():
            return
        issuer_key = serialization.load_pem_private_key((self.directory / f"{self.name}.key").read_bytes(), None)
        issuer = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject(user, groups), key.public_key()).issuer_name(issuer.subject)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if names else [])
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(key_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
        builder = builder.add_extension(parent, critical=False)
        if names:
            alternatives = x509.SubjectAlternativeName([alternative_name(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        self._write(file, key, builder.sign(issuer_key, hashes.SHA256()))  # type: ignore[arg-type]

    @staticmethod
    def _builder(name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - EARLY).not_valid_after(now + LIFETIME)

    def _write(self, file: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        write_private(self.directory / f"{file}.key", key_bytes(key))
        (self.directory / f"{file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def key_usage(authority: bool) -> x509.KeyUsage:
    """Return the key usage of an authority or of an end's certificate."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def kubeconfig(server: str, user: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    """Return a kubeconfig that stands alone: certificates are inside, so it can be copied elsewhere."""
    encoded = {
        name: base64.b64encode(value).decode("ascii")
        for name, value in (("ca", authority), ("crt", certificate), ("key", key))
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": encoded["ca"]}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": encoded["crt"], "client-key-data": encoded["key"]},
            }
        ],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    }
    return yaml.safe_dump(document, sort_keys=False)


def api_server_names(lab: Description) -> list[str]:
    """Return the names under which the API server is called."""
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    return [lab.address, lab.advertised_address, SERVICE_API, "127.0.0.1", "localhost", *service]


def ensure_service_account_keys(directory: Path) -> None:
    """Make the pair of keys that signs and proves service account tokens, unless it exists."""
    public = directory / "service-account.pub"
    if not public.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(directory / "service-account.key", key_bytes(key))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def ensure_all(lab: Description) -> None:
    """Make every certificate, key and kubeconfig of a laboratory that does not exist yet."""
    lab.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    main = Authority(lab.pki, "ca").ensure()
    etcd = Authority(lab.pki, "etcd-ca").ensure()
    front_proxy = Authority(lab.pki, "front-proxy-ca").ensure()
    etcd.issue("etcd", "etcd", names=[lab.address])
    etcd.issue("etcd-client", "kube-apiserver")
    front_proxy.issue("front-proxy-client", "front-proxy-client")
    main.issue("kube-apiserver", "kube-apiserver", names=api_server_names(lab))
    main.issue("kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"])
    for part in ("kube-controller-manager", "kube-scheduler", "clearml"):
        main.issue(f"{part}-serving", part, names=[lab.address])
    ensure_service_account_keys(lab.pki)
    for part, (user, groups) in CLIENTS.items():
        main.issue(part, user, groups)
        path = lab.kubeconfig if part == "admin" else lab.component_kubeconfig(part)
        if not path.exists():
            pair = [(lab.pki / f"{part}.{suffix}").read_bytes() for suffix in ("crt", "key")]
            content = kubeconfig(lab.url("kube-apiserver"), user, main.certificate_file.read_bytes(), *pair)
            write_private(path, content.encode())
