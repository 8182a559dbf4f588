# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From the bytes of an HTTP request to the name of the call and its data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from .errors import ApiError

#: The path of a call (open-source API server 2.3.0): C(/v2/...) does not match, C(/v2.4/...) and C(/v24/...) do.
_PATH = re.compile(r"/?(?:v(?P<version>\d+\.?\d+)/)?(?P<call>[a-zA-Z_]\w+\.[a-zA-Z_]\w+)/?")

FORM_TYPE = "application/x-www-form-urlencoded"
LINES_TYPE = "application/json-lines"


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came over the wire; header names are case-insensitive."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    remote_address: str

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def parse_path(path: str) -> tuple[str | None, str]:
    """Split a path into version (or None) and call name. Raises ApiError 400/0."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ApiError(400, 0, raw=f"Invalid request path {path}")
    version = match["version"]
    if version and "." not in version:
        version = f"{version}.0"
    return version, match["call"]


def parse_data(request: Request) -> dict[str, Any]:
    """Merge body, query string and form into the data of the call.

    With the content type of a form a JSON text is taken for the name of a form field, so the fields inside it are missing;
    every other content type is read as JSON. Batches (JSON lines) come back under the key C(_batch).
    Raises ApiError 400/0 for a body that is not JSON, 500/0 for a body that is not an object.
    """
    data: dict[str, Any] = {}
    form: list[tuple[str, str]] = []
    if request.content_type == FORM_TYPE:
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    elif request.content_type == LINES_TYPE:
        data = {"_batch": [_parse_json(line) for line in request.body.splitlines() if line.strip()]}
    elif request.body:
        data = _parse_json(request.body) or {}
    if not isinstance(data, dict):
        raise ApiError(500, 0, raw="Data should be a dict")
    _merge(data, parse_qsl(request.query, keep_blank_values=True))
    _merge(data, form)
    return data


def _parse_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        message = "The browser (or proxy) sent a request that this server could not understand."
        raise ApiError(400, 0, raw=message) from None


def _merge(data: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    for name, texts in grouped.items():
        values = [_convert(text) for text in texts]
        is_list = len(values) > 1 or name.endswith("[]")
        *parents, last = name.removesuffix("[]").split(".")
        target = data
        for parent in parents:
            inner = target.get(parent)
            if not isinstance(inner, dict):
                inner = target[parent] = {}
            target = inner
        target[last] = values if is_list else values[0]


def _convert(text: str) -> Any:
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[0-9]*\.[0-9]+|[0-9]+\.[0-9]*", text):
        return float(text)
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    return text
