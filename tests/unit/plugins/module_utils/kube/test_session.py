# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The session against an API server that misbehaves (X-7). The API server of this test is scripted answer by answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Backoff, Clock
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.kinds import kind_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.session import Session

NODE, QUOTA = kind_of("Node"), kind_of("ResourceQuota")


class ScriptedServer:
    """Answers each request with the next of its scripted answers: (status, headers, body) or a callable on the socket."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                outer.requests.append(
                    {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
                )
                answer = outer.answers.pop(0)
                if answer == "reset":
                    self.connection.close()
                    self.close_connection = True
                    return
                status, headers, text = answer
                data = text if isinstance(text, bytes) else json.dumps(text).encode()
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def session(server: ScriptedServer, sleeps: list[float]) -> Session:
    clock = Clock(now=lambda: sum(sleeps), sleep=sleeps.append, chance=lambda: 1.0)
    return Session.from_options({"host": server.url, "api_key": "a-token"}, Backoff(clock, tries=4))


def status(code: int, reason: str, message: str, **details: Any) -> tuple[int, dict[str, str], Any]:
    return code, {}, {"kind": "Status", "reason": reason, "message": message, "details": details}


def test_the_token_is_sent_and_a_missing_object_is_none(server: ScriptedServer, session: Session) -> None:
    server.answers = [status(404, "NotFound", 'nodes "a" not found')]
    assert session.get(NODE, "a") is None
    assert server.requests[0]["path"] == "/api/v1/nodes/a"
    assert server.requests[0]["headers"]["authorization"] == "Bearer a-token"


def test_a_list_follows_the_pages_and_names_the_kind(server: ScriptedServer, session: Session) -> None:
    server.answers = [
        (200, {}, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "more"}}),
        (200, {}, {"items": [{"metadata": {"name": "b"}}], "metadata": {}}),
    ]
    found = session.list(QUOTA, labels="ai-tenancy.platform/tenant")
    assert [item["metadata"]["name"] for item in found] == ["a", "b"]
    assert {item["kind"] for item in found} == {"ResourceQuota"}
    assert "continue=more" in server.requests[1]["path"]
    assert "labelSelector=ai-tenancy.platform%2Ftenant" in server.requests[1]["path"]


def test_a_list_whose_snapshot_expired_begins_again(server: ScriptedServer, session: Session) -> None:
    server.answers = [
        (200, {}, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "old"}}),
        status(410, "Expired", "too old"),
        (200, {}, {"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}], "metadata": {}}),
    ]
    assert [item["metadata"]["name"] for item in session.list(NODE)] == ["a", "b"]


def test_429_waits_as_long_as_the_server_says(server: ScriptedServer, session: Session, sleeps: list[float]) -> None:
    server.answers = [(429, {"Retry-After": "3"}, b"too many"), (200, {}, {"metadata": {"name": "a"}})]
    assert session.get(NODE, "a") is not None
    assert sleeps == [3.0]


def test_html_truncated_json_and_a_reset_are_retried_for_reads(server: ScriptedServer, session: Session) -> None:
    server.answers = [
        (503, {"Content-Type": "text/html"}, b"<html>maintenance</html>"),
        (200, {}, b'{"items": [{"meta'),
        "reset",
        (200, {}, {"items": [], "metadata": {}}),
    ]
    assert session.list(NODE) == []
    assert len(server.requests) == 4


def test_a_create_is_never_sent_twice(server: ScriptedServer, session: Session) -> None:
    server.answers = ["reset"]
    body = {"metadata": {"name": "x"}}
    with pytest.raises(errors.UnreachableError):
        session.create(kind_of("CertificateSigningRequest"), body)
    assert len(server.requests) == 1


def test_a_field_of_another_manager_is_named(server: ScriptedServer, session: Session) -> None:
    server.answers = [status(409, "Conflict", 'Apply failed with 1 conflict: conflict with "kubectl-edit": .spec.hard')]
    body = {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "t-a"}}
    with pytest.raises(errors.ConflictError) as caught:
        session.apply(QUOTA, body)
    assert caught.value.manager == "kubectl-edit"
    assert "force_conflicts" in caught.value.next_step
    assert "force=false" in server.requests[0]["path"]


def test_an_unknown_field_is_the_requests_fault_and_not_sent_again(server: ScriptedServer, session: Session) -> None:
    """Server-side apply answers it with 500."""
    message = "failed to create typed patch object (a/b; k3k.io/v1beta1): .spec.hostUsers: field not declared in schema"
    server.answers = [(500, {}, {"message": message})]
    with pytest.raises(errors.RefusedError) as caught:
        session.apply(QUOTA, {"metadata": {"name": "b", "namespace": "a"}})
    assert ".spec.hostUsers" in caught.value.next_step
    assert len(server.requests) == 1


def test_missing_rights_and_admission_are_told_apart(server: ScriptedServer, session: Session) -> None:
    server.answers = [
        status(403, "Forbidden", 'nodes is forbidden: User "bob" cannot list resource "nodes"'),
        status(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: accel-quota'),
    ]
    with pytest.raises(errors.AuthError):
        session.list(NODE)
    with pytest.raises(errors.RemoteError, match="exceeded quota") as caught:
        session.create(kind_of("Pod"), {"metadata": {"name": "x", "namespace": "t"}})
    assert caught.value.status == 403


def test_no_server_is_said_with_its_address() -> None:
    clock = Clock(now=lambda: 0.0, sleep=lambda _s: None, chance=lambda: 1.0)
    away = Session.from_options({"host": "http://127.0.0.1:1", "api_key": "t"}, Backoff(clock, tries=2))
    with pytest.raises(errors.UnreachableError, match=r"127\.0\.0\.1:1"):
        away.get(NODE, "a")
