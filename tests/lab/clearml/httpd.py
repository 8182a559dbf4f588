# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The sockets: HTTPS with connections that stay open, one thread for each."""

from __future__ import annotations

import socket
import ssl
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from .application import Application
from .envelope import Response
from .requestdata import Request

#: Seconds after which an idle connection, or a handshake that does not move, is closed.
IDLE_TIMEOUT = 120


class Server(ThreadingHTTPServer):
    """Serves an L(Application) with TLS 1.2 or newer. Raises OSError when the address is in use."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], application: Application, certificate: Path, key: Path) -> None:
        self.application = application
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(certificate, key)
        super().__init__(address, Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection; the handshake happens in its thread, so that a slow client stops nobody."""
        connection, address = super().get_request()
        connection.settimeout(IDLE_TIMEOUT)
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about clients that break their connections."""


class Handler(BaseHTTPRequestHandler):
    """Translates between a connection and L(Application.handle)."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        """Serve a connection until either side closes it."""
        self.connection.do_handshake()
        super().handle()

    def version_string(self) -> str:
        """Name the server as the real one does."""
        return "clearml"

    def log_message(self, format: str, *args: object) -> None:
        """Write no access log: the request log tells more, and without secrets."""

    def _serve(self) -> None:
        if self.headers["Transfer-Encoding"]:
            self.close_connection = True
            self._send(Response(411, b"Length Required", "text/plain"))
            return
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        url = urlsplit(self.path)
        request = Request(self.command, url.path, url.query, self.headers, body, str(self.client_address[0]))
        self._send(self.server.application.handle(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _serve

    def _send(self, response: Response) -> None:
        if response.delivery == "reset":
            self._reset()
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        body = b"" if self.command == "HEAD" else response.body
        if response.delivery == "cut":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _reset(self) -> None:
        """Break the connection with RST: no answer, no orderly end, as when a proxy in between dies."""
        self.close_connection = True
        with socket.socket(fileno=self.connection.detach()) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
