# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The memory of all requests, without any secret, for tests and for the log file."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Iterable
from email.message import Message
from pathlib import Path
from typing import Any

from .requestdata import Request

MASK = "********"
#: Requests that are kept in memory.
CAPACITY = 50000
#: Longer texts (console output, archives) are cut to so many characters.
MAX_TEXT = 2000

_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}
_SECRET_FIELDS = re.compile(r"secret|password|token|private", re.IGNORECASE)


class RequestLog:
    """Numbers requests from 1 and keeps them, in memory and as JSON lines in a file. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=CAPACITY)
        self._number = 0
        self._file = path.open("a", buffering=1)
        path.chmod(0o600)

    def add(self, request: Request, data: Any, secrets: Iterable[str], **facts: Any) -> None:
        """Record one request. data: the parsed body. secrets: values to mask wherever they are. facts: the outcome."""
        known = [secret for secret in secrets if secret]
        entry = {
            "method": request.method,
            "path": mask(request.path, known),
            "authentication": _kind(request.headers),
            "headers": {
                name: mask(value, known)
                for name, value in request.headers.items()
                if name.lower() not in _SECRET_HEADERS
            },
            "body": mask(data, known),
            **facts,
        }
        with self._lock:
            self._number += 1
            self._entries.append({"number": self._number, **entry})
            self._file.write(json.dumps(self._entries[-1]) + "\n")

    def since(self, number: int) -> list[dict[str, Any]]:
        """List the requests with a greater number than C(number)."""
        with self._lock:
            return [entry for entry in self._entries if entry["number"] > number]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def mask(value: Any, secrets: list[str], name: str = "") -> Any:
    """Replace secrets, known by their value or by the name of their field, at every depth."""
    if isinstance(value, dict):
        return {mask(key, secrets): mask(item, secrets, key) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, secrets, name) for item in value]
    if isinstance(value, str):
        if _SECRET_FIELDS.search(name):
            return MASK
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value[:MAX_TEXT]
    return value


def _kind(headers: Message) -> str:
    if headers["Authorization"]:
        kind = str(headers["Authorization"]).partition(" ")[0]
        return kind if kind in ("Basic", "Bearer") else "unknown"
    return "Cookie" if headers["Cookie"] else "none"
