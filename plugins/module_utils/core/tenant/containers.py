# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of collection that the tenants file knows: lists, free mappings, references to secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..redact import MASK
from .fields import BROKEN, Cursor, Kind, Nested, model_schema
from .kinds import Check
from .secrets import REFERENCE_ALLOWED, secrets_in


class ListOf(Kind):
    """A list, held as a tuple; no item twice. words: one word that stands for a certain list, such as C(all)."""

    def __init__(self, kind: Kind, shortest: int = 0, words: Optional[Mapping[str, tuple[str, ...]]] = None) -> None:
        self.kind = kind
        self._shortest = shortest
        self._words = words or {}
        either = "".join(f"{word}, or " for word in self._words)
        self.allowed = f"{either}a list{' with at least one item' if shortest else ''}: {kind.allowed}"

    def read(self, value: Any, cursor: Cursor) -> Any:
        if isinstance(value, str) and value in self._words:
            return self._words[value]
        if not isinstance(value, (list, tuple)) or len(value) < self._shortest:
            return cursor.refuse(value, self.allowed)
        items: list[Any] = []
        for position, raw in enumerate(value):
            below = cursor.item(position)
            item = below.refuse(raw, self.kind.allowed) if raw is None else self.kind.read(raw, below)
            if item is BROKEN:
                continue
            if item in items:
                below.refuse(raw, "each item once")
                continue
            items.append(item)
        return tuple(items)

    def write(self, value: Any) -> Any:
        for word, items in self._words.items():
            if value == items:
                return word
        return [self.kind.write(item) for item in value]

    def schema(self) -> dict[str, Any]:
        inner = self.kind.schema()
        if isinstance(self.kind, Nested):
            inner = model_schema(self.kind.model, demand=True)
        items: dict[str, Any] = {"type": "array", "items": inner}
        if self._shortest:
            items["minItems"] = self._shortest
        return {"anyOf": [{"const": word} for word in self._words] + [items]} if self._words else items


class MapOf(Kind):
    """A mapping with free keys. check: what a key must be. A key whose value is null is left out."""

    def __init__(self, kind: Kind, check: Check, allowed: str, keys: str = "") -> None:
        self.kind = kind
        self._check = check
        self._keys = keys
        self.allowed = allowed

    def read(self, value: Any, cursor: Cursor) -> Any:
        if not isinstance(value, Mapping):
            return cursor.refuse(value, self.allowed)
        result = {}
        for key, raw in value.items():
            wrong = self._check(key) if isinstance(key, str) else self.allowed
            below = cursor.item(key)
            if wrong:
                cursor.sink.problems.add(cursor.path, key, f"as a key: {wrong}")
                cursor.sink.broken.add(below.place)
                continue
            item = BROKEN if raw is None else self.kind.read(raw, below)
            if item is not BROKEN:
                result[str(key)] = item
        return result

    def write(self, value: Any) -> Any:
        return {key: self.kind.write(item) for key, item in value.items()}

    def schema(self) -> dict[str, Any]:
        values = self.kind.schema()
        result = {"type": "object", "additionalProperties": {"anyOf": [values, {"type": "null"}]}}
        return {**result, "propertyNames": {"pattern": self._keys}} if self._keys else result


class Free(Kind):
    """A mapping that is handed on as it is (a pod template). Secrets in it are refused all the same."""

    allowed = "a mapping"

    def read(self, value: Any, cursor: Cursor) -> Any:
        if not isinstance(value, Mapping):
            return cursor.refuse(value, self.allowed)
        found = list(secrets_in(value))
        for place in found:
            cursor.down(place).refuse(MASK, "no secret in plain text; let the template name a Secret (secretKeyRef)")
        return BROKEN if found else _plain(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


def _plain(value: Any) -> Any:
    """Copy free data with text keys, and dates as text, so that it can be written anywhere."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


class SecretReference(Kind):
    """A reference to a Kubernetes Secret: C({secret_ref: {name, key, namespace}}). inner: kind of the reference."""

    def __init__(self, inner: Kind) -> None:
        self.inner = inner
        self.allowed = REFERENCE_ALLOWED

    def read(self, value: Any, cursor: Cursor) -> Any:
        if (
            not isinstance(value, Mapping)
            or set(value) != {"secret_ref"}
            or not isinstance(value["secret_ref"], Mapping)
        ):
            return cursor.refuse(MASK if isinstance(value, (str, int, float)) else value, self.allowed)
        return self.inner.read(value["secret_ref"], cursor.down("secret_ref"))

    def write(self, value: Any) -> Any:
        return {"secret_ref": self.inner.write(value)}

    def schema(self) -> dict[str, Any]:
        properties = {"secret_ref": self.inner.schema()}
        return {"type": "object", "additionalProperties": False, "required": ["secret_ref"], "properties": properties}
