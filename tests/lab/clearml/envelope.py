# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The wrapping of every answer of the ClearML API: C({meta, data})."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError


@dataclass
class Response:
    """An HTTP answer.

    delivery: C(send) all of it, C(cut) the connection after half of the body, or C(reset) it without an answer.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    delivery: str = "send"
    subcode: int = 0


@dataclass
class Meta:
    """What the envelope says about the call. trx: transaction id, from the client's header or new."""

    endpoint: str = ""
    requested_version: str = "1.0"
    actual_version: str | None = None
    trx: str = ""

    def render(self, code: int, subcode: int, message: str) -> dict[str, Any]:
        """Build C(meta). Versions up to 2.0 are numbers, newer ones are strings (open-source API server 2.3.0)."""
        return {
            "id": uuid.uuid4().hex,
            "trx": self.trx or uuid.uuid4().hex,
            "endpoint": {
                "name": self.endpoint,
                "requested_version": self._number(self.requested_version),
                "actual_version": self._number(self.actual_version),
            },
            "result_code": code,
            "result_subcode": subcode,
            "result_msg": message,
            "error_stack": None,
            "error_data": {},
        }

    def _number(self, version: str | None) -> str | float | None:
        if version is None or version_key(self.requested_version) > (2, 0):
            return version
        return float(version)


def success(meta: Meta, data: dict[str, Any]) -> Response:
    """Wrap the data of a call that went well."""
    return _response(meta.render(200, 0, "OK"), without_nulls(data))


def failure(meta: Meta, error: ApiError) -> Response:
    """Wrap a refusal; the HTTP status is the result code."""
    return _response(meta.render(error.code, error.subcode, error.message), {})


def _response(meta: dict[str, Any], data: dict[str, Any]) -> Response:
    body = json.dumps({"meta": meta, "data": data}).encode()
    return Response(meta["result_code"], body, subcode=meta["result_subcode"])


def without_nulls(value: Any) -> Any:
    """Leave out fields without a value, at every depth, as the API does in C(data)."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def version_key(version: str) -> tuple[int, int]:
    """Make C(2.4) and C(2.34) comparable."""
    major, _dot, minor = version.partition(".")
    return int(major), int(minor or 0)
