# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the REST API of NeuVector's controllers: logins, services with their modes, and the log of events."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USER, PASSWORD, TOKEN = "admin", "password-of-neuvector", "token-of-neuvector"


class NeuVectorServer:
    """Serves in a thread. services: name -> [policy mode, profile mode]. events: what GET /v1/log/security says.

    certificate: PEM files of a certificate and its key; without it speaks plain HTTP. prefix: of all paths.
    """

    def __init__(
        self, address: str = "127.0.0.1", certificate: tuple[Path, Path] | None = None, prefix: str = ""
    ) -> None:
        self.services: dict[str, list[str]] = {}
        self.events: dict[str, Any] = {}
        self.lost_enforcers = 0
        self.refuses_to_change = False
        self.requests: list[str] = []
        self.logins = 0
        self._prefix = prefix
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.headers.get("X-Auth-Token") or ""
                status, answer = outer.answer(self.command, self.path, token, json.loads(body or b"{}"))
                data = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((address, 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> NeuVectorServer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """The answer to one request: status and body."""
        path = path.removeprefix(self._prefix)
        self.requests.append(f"{method} {path}")
        if (method, path) == ("POST", "/v1/auth"):
            if body.get("password") != {"username": USER, "password": PASSWORD}:
                return 401, {"code": 17, "error": "Authentication failed", "message": "Authentication failed"}
            self.logins += 1
            return 200, {"token": {"token": TOKEN}, "need_to_reset_password": False}
        if token != TOKEN:
            return 401, {"code": 17, "error": "Authentication failed", "message": "Authentication failed"}
        return self._inside(method, path, body)

    def _inside(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if (method, path) == ("DELETE", "/v1/auth"):
            self.logins -= 1
            return 200, None
        if (method, path) == ("PATCH", "/v1/service/config"):
            if not self.refuses_to_change:
                for name in body["config"]["services"]:
                    self.services[name] = [body["config"]["policy_mode"]] * 2
            return 200, None
        told = {
            "/v1/service": {
                "services": [
                    {"name": name, "domain": name.partition(".")[2], "policy_mode": mode, "profile_mode": profile}
                    for name, (mode, profile) in self.services.items()
                ]
            },
            "/v1/log/security": self.events,
            "/v1/system/summary": {"summary": {"disconnected_enforcers": self.lost_enforcers}},
            "/v1/controller": {"controllers": [{"leader": True}, {"leader": False}]},
        }
        if method == "GET" and path in told:
            return 200, told[path]
        return 404, {"code": 1, "error": "URL not found", "message": "URL not found"}
