# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's web server, HTTP on 80 and HTTPS on 443: repositories, release files, keys, registration.

Usage: python -m tests.lab.hosts.services.web FILE, with FILE the configuration that tests/lab/hosts/parts.py writes.
Every request is written to a log, one JSON object per line.
"""

from __future__ import annotations

import http.server
import json
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .registration import Registration


class Server(http.server.ThreadingHTTPServer):
    """Many connections at once, and no look-up of its own name."""

    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = self.server_address[:2]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files of the configured directories."""

    configuration: dict[str, Any]
    registration: Registration
    protocol_version = "HTTP/1.1"
    timeout = 60

    def translate_path(self, path: str) -> str:
        """Return the file of a URL path: that of the directory with the longest matching prefix."""
        plain = unquote(urlsplit(path).path)
        directories = self.configuration["directories"]
        prefix = max((item for item in directories if plain.startswith(item)), key=len)
        base = Path(directories[prefix]).resolve()
        found = (base / plain[len(prefix) :]).resolve()
        allowed = found == base or base in found.parents
        return str(found) + ("/" if plain.endswith("/") else "") if allowed else str(base / "nothing")

    def do_GET(self) -> None:
        index = self.registration.repository_index(self.path)
        if index is not None:
            self._answer(200, index, "application/xml")
        elif self.path.startswith("/connect/"):
            self._register()
        else:
            super().do_GET()

    def _register(self) -> None:
        """Answer a request of SUSEConnect."""
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        authorization = self.headers.get("Authorization", "")
        host = self.headers.get("Host", "")
        self._answer(*self.registration.handle(host, self.command, self.path, authorization, body), "application/json")

    do_POST = do_PUT = do_DELETE = _register

    def _answer(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Write a request to the log."""
        row = {"time": time.time(), "client": self.client_address[0], "name": self.headers.get("Host", ""),
               "method": self.command, "path": self.path, "status": int(code)}  # fmt: skip
        with open(self.configuration["log"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def log_message(self, format: str, *arguments: Any) -> None:
        print(format % arguments, file=sys.stderr)


def contexts(configuration: dict[str, Any]) -> ssl.SSLContext:
    """Return the TLS settings: each name has a certificate of its own, chosen by the name that the client asks for."""
    by_name = {}
    for name, files in configuration["certificates"].items():
        by_name[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by_name[name].load_cert_chain(files["certificate"], files["key"])
    first = next(iter(by_name.values()))

    def choose(connection: ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = by_name.get(name or "", first)

    first.sni_callback = choose
    return first


def main() -> None:
    """Serve until the end."""
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    registration = Registration(Path(configuration["registration"]["state"]), configuration["registration"]["regcode"])
    handler = type("Configured", (Handler,), {"configuration": configuration, "registration": registration})
    plain = Server((configuration["address"], 80), handler)
    secure = Server((configuration["address"], 443), handler)
    # The handshake happens in the request's thread, so a slow client keeps nobody waiting.
    secure.socket = contexts(configuration).wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    secure.serve_forever()


if __name__ == "__main__":
    main()
