# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Searching lists of documents the way the get_all calls do: filters, order, pages, scrolling, selected fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError
from .store import new_id

#: A page is never longer than this, whatever is asked (open-source API server 2.3.0).
MAX_PAGE_SIZE = 500
#: An unused scroll id is forgotten after so many seconds.
SCROLL_LIFETIME = 600

Document = dict[str, Any]


@dataclass
class Scrolls:
    """Positions of running scrolls: id to (next position, time of expiry)."""

    positions: dict[str, tuple[int, float]] = field(default_factory=dict)

    def advance(self, scroll_id: str | None, size: int, now: float) -> tuple[str, int]:
        """Return the scroll id and its position and move it on; an unknown or expired id starts from the beginning."""
        position, expiry = self.positions.get(scroll_id or "", (0, 0.0))
        if scroll_id is None or expiry <= now:
            scroll_id, position = new_id(), 0
        self.positions[scroll_id] = (position + size, now + SCROLL_LIFETIME)
        return scroll_id, position


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression. Raises ApiError 400/21."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ApiError(400, 21, err=error, extra_info=None) from None


def select(documents: list[Document], data: dict[str, Any], list_filters: tuple[str, ...] = ()) -> list[Document]:
    """Keep the documents that match C(id), C(name) (a search, case-sensitive) and the filters by lists.

    list_filters: names of fields; a value matches when the document's value is in the asked list, or, for a document's
    list, when they share an entry. An entry C(-x) excludes x.
    """
    found = documents
    if data.get("name"):
        pattern = compile_pattern(data["name"])
        found = [document for document in found if pattern.search(document.get("name", ""))]
    for name in ("id", *list_filters):
        if data.get(name):
            asked = [data[name]] if isinstance(data[name], str) else data[name]
            found = [document for document in found if _matches(document.get(name), asked)]
    return found


def _matches(value: Any, asked: list[str]) -> bool:
    values = set(value if isinstance(value, list) else [value])
    excluded = {entry[1:] for entry in asked if entry.startswith("-")}
    included = {entry for entry in asked if not entry.startswith("-")}
    return not values & excluded and (not included or bool(values & included))


def window(
    documents: list[Document], data: dict[str, Any], scrolls: Scrolls, now: float
) -> tuple[list[Document], Document]:
    """Order the documents and cut out the asked page or the next part of a scroll.

    Returns the part and what goes into the answer besides it (the scroll id). Raises ApiError 400/12.
    """
    order_by = data.get("order_by") or []
    ordered = _order(documents, [order_by] if isinstance(order_by, str) else order_by)
    if "scroll_id" in data or "size" in data:
        size = min(data.get("size") or MAX_PAGE_SIZE, MAX_PAGE_SIZE)
        scroll_id, position = scrolls.advance(data.get("scroll_id"), size, now)
        return ordered[position : position + size], {"scroll_id": scroll_id}
    page, size = data.get("page"), data.get("page_size")
    if page is not None and page < 0:
        raise ApiError(400, 12, "page must be >=0", field="page")
    if size is not None and size <= 0:
        raise ApiError(400, 12, "page_size must be >0", field="page_size")
    size = min(size or MAX_PAGE_SIZE, MAX_PAGE_SIZE)
    start = (page or 0) * size
    return ordered[start : start + size], {}


def _order(documents: list[Document], order_by: list[str]) -> list[Document]:
    ordered = sorted(documents, key=lambda document: document["id"])
    for name in reversed(order_by):
        path = name.lstrip("-")
        ordered.sort(key=lambda document: _sortable(_dig(document, path)), reverse=name.startswith("-"))
    return ordered


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, (int, float)):
        return 1, value
    return (2, str(value)) if value is not None else (0, 0)


def _dig(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def project(document: Document, only_fields: Any, known: frozenset[str]) -> Document:
    """Keep the asked fields (dotted paths) and the id.

    A plain text is read letter by letter, as the real server does, so it fails. Raises ApiError 400/14.
    """
    if not only_fields:
        return document
    projected: Document = {"id": document["id"]}
    for path in only_fields:
        top, *rest = str(path).split(".")
        if top not in known:
            raise ApiError(
                400,
                14,
                "probably an invalid field name or unsupported nested field",
                err=f'Cannot resolve field "{top}"',
            )
        value = _dig(document, str(path))
        if value is None:
            continue
        target = projected
        for part in [top, *rest][:-1]:
            target = target.setdefault(part, {})
        target[[top, *rest][-1]] = value
    return projected
