# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""TLS to an API server by a kubeconfig: who is trusted, who comes, and that no key stays in a file (X-5)."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Backoff, Clock
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.kinds import kind_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.session import Session
from tests.lab.pki import Authority, kubeconfig

NODE = kind_of("Node")
ONCE = Backoff(Clock(lambda: 0.0, lambda _seconds: None, lambda: 0.0), tries=1)


class Handler(BaseHTTPRequestHandler):
    """Answers with the user of the client's certificate, as a Node's name."""

    def do_GET(self) -> None:
        certificate: Any = self.connection.getpeercert()  # type: ignore[attr-defined]
        data = json.dumps(
            {"metadata": {"name": dict(pair for (pair,) in certificate["subject"])["commonName"]}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        pass


class Server:
    """An API server that asks for a client certificate, and its kubeconfigs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder, "ca").ensure()
        self.authority.issue("server", "server", names=["127.0.0.1"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.authority.certificate_file))
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def user(self, name: str) -> dict[str, str]:
        """Certificate and key of a user, as a kubeconfig has them."""
        self.authority.issue(name, name)
        parts = {"client-certificate-data": "crt", "client-key-data": "key"}
        return {
            key: base64.b64encode((self.folder / f"{name}.{part}").read_bytes()).decode() for key, part in parts.items()
        }

    def kubeconfig(self, name: str, authority: bytes | None = None) -> dict[str, Any]:
        """A user's kubeconfig; authority: whom it trusts, when not the server's own CA."""
        self.user(name)
        trusted = authority or self.authority.certificate_file.read_bytes()
        pair = [(self.folder / f"{name}.{part}").read_bytes() for part in ("crt", "key")]
        found: dict[str, Any] = yaml.safe_load(
            kubeconfig(f"https://127.0.0.1:{self.server.server_address[1]}", name, trusted, *pair)
        )
        return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "pki"
    folder.mkdir()
    found = Server(folder)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory, empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def who(session: Session) -> str:
    found = session.get(NODE, "me")
    assert found is not None
    return str(found["metadata"]["name"])


def test_a_kubeconfig_is_used_and_no_key_of_it_stays(server: Server, temporary: Path) -> None:
    first, second = (Session.from_kubeconfig(server.kubeconfig(name)) for name in ("alice", "bob"))
    again = Session.from_kubeconfig(server.kubeconfig("alice"))
    assert list(temporary.iterdir()) == []
    assert [who(session) for session in (first, second, again)] == ["alice", "bob", "alice"]
    pair = server.user("carol")
    other = first.with_certificate(pair["client-certificate-data"], pair["client-key-data"])
    assert (who(other), who(first)) == ("carol", "alice")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("named", [True, False])
def test_another_authority_is_not_trusted(server: Server, tmp_path: Path, named: bool) -> None:
    other = Authority(tmp_path, "other").ensure().certificate_file.read_bytes()
    given = server.kubeconfig("alice", other)
    cluster = given["clusters"][0]["cluster"]
    if not named:  # then those of the machine are trusted
        del cluster["certificate-authority-data"]
    with pytest.raises(errors.UnreachableError, match=r"(?i)certificate.verify.failed"):
        who(Session.from_kubeconfig(given, ONCE))
    cluster.pop("certificate-authority-data", None)
    cluster["insecure-skip-tls-verify"] = True
    assert who(Session.from_kubeconfig(given, ONCE)) == "alice"


def test_a_connection_has_nothing_of_the_one_before(server: Server) -> None:
    given = server.kubeconfig("alice")
    given["clusters"][0]["cluster"] = {
        "server": given["clusters"][0]["cluster"]["server"],
        "insecure-skip-tls-verify": True,
    }
    assert who(Session.from_kubeconfig(given, ONCE)) == "alice"
    host = {"host": given["clusters"][0]["cluster"]["server"], "api_key": "a-token"}
    with pytest.raises(errors.UnreachableError, match=r"(?i)certificate.verify.failed"):
        who(Session.from_options(host, ONCE))
    # The server wants a certificate, and this one has none.
    with pytest.raises(errors.UnreachableError, match=r"(?i)certificate.required|reset|closed|EOF|broken pipe"):
        who(Session.from_options({**host, "ca_cert": str(server.authority.certificate_file)}, ONCE))


def test_files_that_a_person_names_are_read_and_stay(server: Server, temporary: Path) -> None:
    server.user("alice")
    given = {
        "host": f"https://127.0.0.1:{server.server.server_address[1]}",
        "ca_cert": str(server.authority.certificate_file),
        "client_cert": str(server.folder / "alice.crt"),
        "client_key": str(server.folder / "alice.key"),
    }
    # A list of authorities may hold more than certificates.
    listed = temporary / "authorities.pem"
    listed.write_bytes("# Főtanúsítvány".encode("latin2") + b"\n" + server.authority.certificate_file.read_bytes())
    session = Session.from_options({**given, "ca_cert": str(listed)})
    pair = server.user("bob")
    other = session.with_certificate(pair["client-certificate-data"], pair["client-key-data"])
    assert (who(session), who(other)) == ("alice", "bob")
    assert who(Session.from_options(given)) == "alice"
    assert list(temporary.iterdir()) == [listed]
    assert (server.folder / "alice.key").exists()
    (server.folder / "alice.key").write_text("no key", encoding="utf-8")
    with pytest.raises(errors.UnreachableError, match="No usable access"):
        Session.from_options(given)
    with pytest.raises(errors.UnreachableError, match="No usable access"):
        Session.from_options({**given, "ca_cert": str(temporary / "none.crt")})


def test_a_key_that_is_no_key_leaves_nothing_either(server: Server, temporary: Path) -> None:
    given = server.kubeconfig("alice")
    given["users"][0]["user"]["client-key-data"] = base64.b64encode(b"no key").decode()
    with pytest.raises(errors.UnreachableError, match="No usable access"):
        Session.from_kubeconfig(given)
    assert list(temporary.iterdir()) == []
