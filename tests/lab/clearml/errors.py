# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The error codes of the ClearML API server and the text of their messages."""

from __future__ import annotations

from typing import Any

#: Default message by (HTTP status, subcode). Source: the open-source API server 2.3.0; the rows under "inferred" stand for
#: codes of ClearML Enterprise that are not published, so a client must treat them as "some other refusal".
MESSAGES: dict[tuple[int, int], str] = {
    (400, 5): "invalid headers",
    (400, 6): "impersonation error",
    (400, 10): "invalid object id",
    (400, 11): "missing required fields",
    (400, 12): "validation error",
    (400, 13): "fields not allowed for role",
    (400, 14): "lookup error",
    (400, 15): "conflicting fields",
    (400, 16): "invalid value for fields",
    (400, 21): "malformed regular expression",
    (400, 22): "malformed email address",
    (400, 23): "malformed domain name",
    (400, 75): "access key not found",
    (400, 101): "invalid task id",
    (400, 110): "invalid task status",
    (400, 123): "task cannot be deleted",
    (400, 131): "events not added",
    (400, 300): "invalid user",
    (400, 301): "invalid user id",
    (400, 302): "user id already exists",
    (400, 401): "invalid project id",
    (400, 402): "project has associated tasks",
    (400, 701): "invalid queue id",
    (400, 702): "queue is not empty",
    (400, 703): "invalid queue id or task not in queue",
    (400, 706): "failed adding task to queue since task is already queued",
    (400, 707): "no queue is tagged as the default queue for this company",
    (400, 800): "data validation error",
    (400, 801): "value combination already exists",
    (400, 1001): "invalid worker id",
    (400, 1003): "worker is already registered",
    (400, 1004): "worker is not registered",
    (401, 10): "unauthorized (bad authentication header type)",
    (401, 20): "unauthorized (missing credentials)",
    (401, 21): "unauthorized (malformed credentials)",
    (401, 22): "unauthorized (invalid credentials)",
    (401, 30): "invalid token",
    (403, 20): "forbidden (not allowed for role)",
    (403, 21): "forbidden (modification not allowed)",
    (500, 0): "general server error",
    (500, 1): "internal server error",
    # inferred
    (400, 309): "number of users exceeds the allowed maximum",
    (400, 310): "number of credentials exceeds the allowed maximum",
    (400, 1301): "tenant has running resources",
    (400, 1302): "tenant name does not match",
    (400, 1303): "tenant cannot be deleted",
}


class ApiError(Exception):
    """A refusal that the caller sees as the result code, subcode and message of the envelope.

    code: HTTP status and result code. subcode: the finer reason. extra: goes into brackets after the default message.
    params: go to the end of the message as C(name=value). raw: the whole message instead, where no table row applies.
    """

    def __init__(self, code: int, subcode: int, extra: str = "", *, raw: str = "", **params: Any) -> None:
        self.code = code
        self.subcode = subcode
        self.message = raw or render(MESSAGES[code, subcode], extra, params)
        super().__init__(self.message)


def render(default: str, extra: str, params: dict[str, Any]) -> str:
    """Compose C(Default (extra): name=value, name=value), sequences as C((a, b))."""
    text = default[:1].upper() + default[1:]
    if extra:
        text += f" ({extra})"
    if params:
        text += ": " + ", ".join(f"{name}={_value(value)}" for name, value in params.items())
    return text


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(str, value)) + ")"
    return str(value)
