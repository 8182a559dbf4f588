# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in inside a test's own process, with a throw-away certificate."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .application import Application
from .client import Client
from .httpd import Server
from .settings import PROFILES

#: The platform's credential in tests.
ACCESS_KEY = "PLATFORMACCESSKEY"
SECRET_KEY = "platform-secret-that-is-only-for-tests"


@dataclass(frozen=True)
class Running(Client):
    """A running stand-in and a client of it. directory: its state and log."""

    directory: Path
    application: Application


@contextlib.contextmanager
def running(
    directory: Path,
    profile: str = "enterprise-3.30",
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Running]:
    """Serve on a free port of 127.0.0.1 until the end of the block; state lives in C(directory)."""
    certificate, key = make_certificate(directory)
    application = Application(directory / "state", PROFILES[profile], ACCESS_KEY, SECRET_KEY, clock, sleep)
    server = Server(("127.0.0.1", 0), application, certificate, key)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        url = f"https://127.0.0.1:{server.server_port}"
        yield Running(url, certificate, ACCESS_KEY, SECRET_KEY, directory / "state", application)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        application.close()


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and its key, unless they are there, and return both paths."""
    certificate_file, key_file = directory / "tls.crt", directory / "tls.key"
    if certificate_file.exists():
        return certificate_file, key_file
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clearml stand-in of a test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.touch(0o600)
    key_file.write_bytes(private)
    return certificate_file, key_file
