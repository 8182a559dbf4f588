# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: what goes wrong between a client and a server, ordered by a test."""

from __future__ import annotations

import fnmatch
import json
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

from .envelope import Meta, Response, failure
from .errors import ApiError

#: Kinds that answer in place of the call, which is then not carried out.
INSTEAD = ("error", "html", "too_many_requests", "redirect", "reset")
#: Kinds that let the call happen and spoil the way back.
AFTERWARDS = ("reset_after_commit", "truncated", "slow")

_TEXTS = {
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    413: "Request Entity Too Large",
}


@dataclass
class Fault:
    """One ordered fault.

    call: name of the call, C(*) and C(?) match. kind: one of L(INSTEAD) or L(AFTERWARDS).
    skip: let so many matching requests pass first. count: then hit so many; 0 means all.
    status: HTTP status of C(error) (an envelope) and C(html) (a page of an ingress). subcode: of C(error).
    delay: seconds that C(slow) waits before the call is carried out. retry_after: seconds, for C(too_many_requests).
    location: target of C(redirect), which has status 302. cut: C(truncated) also breaks the connection in mid-body.
    """

    kind: str
    call: str = "*"
    skip: int = 0
    count: int = 1
    status: int = 0
    subcode: int = 0
    delay: float = 1.0
    retry_after: int = 1
    location: str = ""
    cut: bool = False


class Faults:
    """The ordered faults that are still to come. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, items: Any) -> None:
        """Add faults, given as a list of objects. Raises ApiError 400/12 for a mistake in any, and then adds none."""
        if not isinstance(items, list):
            raise ApiError(400, 12, "faults are given as a list")
        ordered = [_read(item) for item in items]
        with self._lock:
            self._faults.extend(ordered)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[dict[str, Any]]:
        """List the faults that can still hit, with what is left of their counts."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, call: str) -> Fault | None:
        """Return the first fault that hits this request and count it down."""
        with self._lock:
            for fault in self._faults:
                if not fnmatch.fnmatchcase(call, fault.call):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.count > 0:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None


def instead(fault: Fault, meta: Meta, path: str) -> Response:
    """Make the answer of a fault that replaces the call."""
    if fault.kind == "error":
        message = "General server error (ordered fault)"
        return failure(meta, ApiError(fault.status or 500, fault.subcode, raw=message))
    if fault.kind == "html":
        return _page(fault.status or 502)
    if fault.kind == "too_many_requests":
        return Response(429, b"Too Many Requests", "text/plain", [("Retry-After", str(fault.retry_after))])
    if fault.kind == "redirect":
        return Response(302, b"", "text/html", [("Location", fault.location or f"http://redirected.invalid{path}")])
    return Response(0, b"", delivery="reset")


def afterwards(fault: Fault, response: Response) -> Response:
    """Spoil the answer of a call that was carried out."""
    if fault.kind == "reset_after_commit":
        response.delivery = "reset"
    elif fault.kind == "truncated" and fault.cut:
        response.delivery = "cut"
    elif fault.kind == "truncated":
        response.body = response.body[: len(response.body) // 2]
    return response


def _page(status: int) -> Response:
    text = f"{status} {_TEXTS.get(status, 'Error')}"
    page = f"<html><head><title>{text}</title></head><body><center><h1>{text}</h1></center></body></html>"
    return Response(status, page.encode(), "text/html")


def _read(item: Any) -> Fault:
    known = {entry.name: entry.default for entry in fields(Fault)}
    if not isinstance(item, dict) or not set(item) <= set(known):
        raise ApiError(400, 12, f"a fault is an object with the fields {', '.join(known)}; got {json.dumps(item)}")
    if item.get("kind") not in INSTEAD + AFTERWARDS:
        raise ApiError(400, 12, f"kind is one of {', '.join(INSTEAD + AFTERWARDS)}; got {json.dumps(item)}")
    return Fault(**item)
