# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The JSON schema and the documentation of the tenants file, both made from the field table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .containers import ListOf
from .fields import Nested, is_unset, model_schema, table_of
from .fleet import API_VERSION, Fleet, Layer
from .model import Tenant


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (Draft 2020-12) of a tenants file.

    For completion and first checks in an editor. It takes all that the parser takes; the parser knows more rules.
    """
    fleet = {"anyOf": [model_schema(Fleet), {"type": "null"}], "description": "The host cluster."}
    defaults = {"anyOf": [Layer().schema(), {"type": "null"}], "description": "Merged under every tenant."}
    tenants = {
        "type": "array",
        "description": "The tenants.",
        "items": {"allOf": [{"$ref": "#/$defs/tenant"}], "required": ["id"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tenants file",
        "description": "Tenants of the collection ai_tenancy.platform",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "tenants"],
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "Version of this format."},
            "defaults": defaults,
            "fleet": fleet,
            "tenants": tenants,
        },
        "$defs": {"tenant": model_schema(Tenant)},
    }


def json_schema_text() -> str:
    """Return the schema as the text of the committed file C(docs/schema/tenants.v1.json)."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Row:
    """One field for the documentation. path: dotted, C([]) for the items of a list."""

    path: str
    allowed: str
    default: str
    required: bool
    immutable: bool
    doc: str


def rows(model: type, prefix: str) -> Iterator[Row]:
    """Yield the documentation of a model's fields, depth first, in the order of the file."""
    for key, spec in table_of(model).items():
        path = f"{prefix}.{key}" if prefix else key
        default = "" if is_unset(spec.default) or isinstance(spec.kind, Nested) else spec.kind.write(spec.default)
        text = default if isinstance(default, str) else json.dumps(default)
        yield Row(path, spec.kind.allowed, text, spec.required, spec.immutable, spec.doc)
        inner = spec.kind
        if isinstance(inner, ListOf) and isinstance(inner.kind, Nested):
            yield from rows(inner.kind.model, path + "[]")
        elif isinstance(inner, Nested):
            yield from rows(inner.model, path)


def documentation() -> list[Row]:
    """Return the documentation of the whole file."""
    return [*rows(Fleet, "fleet"), *rows(Tenant, "tenants[]")]


def immutable_fields() -> tuple[str, ...]:
    """Return the dotted paths below a tenant that cannot change once it exists."""
    return tuple(row.path for row in rows(Tenant, "") if row.immutable)


def markdown_table() -> str:
    """Return the documentation as a Markdown table."""
    lines = ["| field | allowed | default | |", "| --- | --- | --- | --- |"]
    for row in documentation():
        notes = " ".join(
            note
            for note in (row.doc, "Required." if row.required else "", "Cannot change later." if row.immutable else "")
            if note
        )
        cells = (f"`{row.path}`", row.allowed, f"`{row.default}`" if row.default else "", notes)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
