# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A small client of the ClearML API and of the stand-in's side door, for tests."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 30


@dataclass
class Answer:
    """What came back: HTTP status, headers, and the body as text."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is not JSON."""
        return json.loads(self.text)

    @property
    def data(self) -> dict[str, Any]:
        """The data of a call that must have gone well. Raises AssertionError with the message otherwise."""
        meta = self.json["meta"]
        assert (self.status, meta["result_code"]) == (200, 200), f"{self.status}: {meta['result_msg']}"
        return dict(self.json["data"])

    @property
    def refusal(self) -> tuple[int, int, str]:
        """Status, subcode and message of the envelope."""
        meta = self.json["meta"]
        assert meta["result_code"] == self.status
        return self.status, meta["result_subcode"], meta["result_msg"]


@dataclass(frozen=True)
class Client:
    """Talks to the server at C(url) (https), which has a certificate of C(ca_file), by default with the platform's pair.

    It follows no redirect, repeats nothing and opens a new connection for every request.
    """

    url: str
    ca_file: Path
    access_key: str
    secret_key: str

    @classmethod
    def of(cls, description: Mapping[str, str]) -> Client:
        """Make the client for the C(clearml) part of a laboratory's description: url, ca_file, credentials_file."""
        pair = json.loads(Path(description["credentials_file"]).read_text())
        return cls(description["url"], Path(description["ca_file"]), pair["access_key"], pair["secret_key"])

    def basic(self, access_key: str | None = None, secret_key: str | None = None) -> dict[str, str]:
        """Make the header for a pair, by default the client's own."""
        pair = f"{access_key or self.access_key}:{secret_key or self.secret_key}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def send(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Answer:
        """Send any request. Raises OSError or http.client.HTTPException when the connection breaks."""
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(urlsplit(self.url).netloc, timeout=TIMEOUT, context=trust)
        try:
            connection.request(method, "/" + path.lstrip("/"), body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def call(self, name: str, data: Any = None, headers: dict[str, str] | None = None, **more: str) -> Answer:
        """Make a call with the client's pair, or with other headers in its place; C(more) headers are added."""
        sent = {"Content-Type": "application/json", **(self.basic() if headers is None else headers), **more}
        return self.send(name, json.dumps(data or {}).encode(), sent)

    def control(self, method: str, name: str, data: Any = None) -> Any:
        """Use the side door. Raises AssertionError when it refuses."""
        body = None if data is None else json.dumps(data).encode()
        answer = self.send(f"_lab/{name}", body, self.basic(), method)
        assert answer.status == 200, answer.text
        return answer.json
