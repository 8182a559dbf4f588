# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The machinery of the field table.

A dataclass of the model B(is) its table: each attribute is made by L(declare), which says of what kind it is, its
default, whether it can change later, and one sentence of documentation. Reading, refusing unknown keys, writing back,
the JSON schema and the documentation are all derived from that, so none of them can be forgotten.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ..errors import Problems
from ..redact import MASK
from .secrets import REFERENCE_ALLOWED, is_secret_key, shown


class _Broken:
    """The type of L(BROKEN)."""

    def __repr__(self) -> str:
        return "BROKEN"


#: What a kind returns for a value it has refused; the field then keeps its default.
BROKEN: Any = _Broken()

_SPEC = "ai_tenancy"
#: The tables made so far; classes do not change.
_TABLES: dict[type, Mapping[str, Spec]] = {}


@dataclass
class Sink:
    """Where a reading puts what it finds.

    problems: wrong values. missing: required fields without a value. broken: fields, as paths below the root, that were
    refused; rules over several fields leave these out, so that one mistake is told once.
    """

    problems: Problems
    missing: Problems
    broken: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Cursor:
    """A place in the file during a reading.

    base: path of the root for messages, such as C(tenants[acme]). place: path below it.
    strict: required fields must be there (not so in C(defaults), in tiers, and in a tenant that is to be absent).
    in_list: the place lies in an item of a list. Lists are never merged, so an item must be complete where it stands.
    """

    sink: Sink
    base: str
    place: str = ""
    strict: bool = True
    in_list: bool = False

    @property
    def path(self) -> str:
        """The whole path, for a message."""
        return join(self.base, self.place)

    def down(self, key: str) -> Cursor:
        """Return the place of a key of the mapping here."""
        return Cursor(self.sink, self.base, join(self.place, key), self.strict, self.in_list)

    def item(self, label: Any) -> Cursor:
        """Return the place of an item of the list here, or of a free key of the mapping here."""
        return Cursor(self.sink, self.base, f"{self.place}[{label}]", True, True)

    def refuse(self, value: Any, allowed: str) -> Any:
        """Record that the value here is wrong; returns L(BROKEN)."""
        self.sink.problems.add(self.path, shown(value), allowed)
        self.sink.broken.add(self.place)
        return BROKEN

    def require(self, allowed: str) -> None:
        """Record that there is no value here although there must be one."""
        problems = self.sink.problems if self.in_list else self.sink.missing
        problems.add(self.path, None, f"{allowed} (required)")
        self.sink.broken.add(self.place)


def join(above: str, below: str) -> str:
    """Join two parts of a dotted path."""
    if not above or not below or below.startswith("["):
        return above + below
    return f"{above}.{below}"


class Kind:
    """A kind of value: how it is read, written back, described and put into the JSON schema."""

    #: A short phrase of what is allowed, for messages and the documentation.
    allowed = ""

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Return the typed value, or refuse it at the cursor and return L(BROKEN). Never gets None."""
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        """Return the plain data (text, numbers, lists, dicts) from which L(read) makes the same value."""
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of what L(read) takes; it may be wider, never narrower."""
        raise NotImplementedError


@dataclass(frozen=True)
class Spec:
    """What the table says about one field. key: its name in the file. default: for the documentation."""

    kind: Kind
    doc: str
    key: str
    attribute: str
    default: Any
    required: bool
    immutable: bool


def declare(
    kind: Kind,
    doc: str,
    default: Any = None,
    factory: Callable[[], Any] | None = None,
    required: bool = False,
    immutable: bool = False,
    key: str = "",
) -> Any:
    """Declare one field of the model.

    doc: one sentence. default or factory: the value when the file says nothing. required: the file must say something
    (the default then only serves objects made by a program). immutable: cannot change once the tenant exists.
    key: the name in the file when it is no Python name.
    """
    metadata = {_SPEC: (kind, doc, required, immutable, key)}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)  # pylint: disable=invalid-field-call
    return field(default=default, metadata=metadata)  # pylint: disable=invalid-field-call


def table_of(model: type) -> Mapping[str, Spec]:
    """Return the table of a model class, by the names of the file, in the order of declaration."""
    table = _TABLES.get(model)
    if table is None:
        table = _TABLES[model] = {spec.key: spec for spec in _specs(model)}
    return table


def _specs(model: type) -> Iterator[Spec]:
    for attribute in dataclasses.fields(model):
        if _SPEC not in attribute.metadata:
            continue
        kind, doc, required, immutable, key = attribute.metadata[_SPEC]
        default = attribute.default
        if attribute.default_factory is not dataclasses.MISSING:
            default = attribute.default_factory()
        yield Spec(kind, doc, key or attribute.name, attribute.name, default, required, immutable)


class Nested(Kind):
    """A mapping with a model of its own. optional: when left out the value is None instead of the model's defaults."""

    allowed = "a mapping"

    def __init__(self, model: type, optional: bool = False) -> None:
        self.model = model
        self.optional = optional

    def read(self, value: Any, cursor: Cursor) -> Any:
        return read_model(self.model, value, cursor)

    def write(self, value: Any) -> Any:
        return write_model(value)

    def schema(self) -> dict[str, Any]:
        return model_schema(self.model)


def read_model(model: type, value: Any, cursor: Cursor) -> Any:
    """Read a mapping into a model class; unknown keys and wrong values are refused, the rest is still read."""
    if not isinstance(value, Mapping):
        return cursor.refuse(value, "a mapping")
    table = table_of(model)
    for key in value:
        if not isinstance(key, str) or key not in table:
            refuse_unknown(key, list(table), cursor, _home_of(key, table))
    values = {}
    for key, spec in table.items():
        raw = value.get(key)
        if is_unset(raw):
            if spec.required and cursor.strict:
                cursor.down(key).require(spec.kind.allowed)
            if not isinstance(spec.kind, Nested) or spec.kind.optional:
                continue
            raw = {}
        result = spec.kind.read(raw, cursor.down(key))
        if result is not BROKEN:
            values[spec.attribute] = result
    return model(**values)


def is_unset(value: Any) -> bool:
    """Tell whether a value means "not said": null, or an empty text, as placeholders in templates often are."""
    return value is None or (isinstance(value, str) and value == "")


def _home_of(key: Any, table: Mapping[str, Spec]) -> str:
    """Return where a key would belong one level deeper, or an empty text."""
    for name, spec in table.items():
        if isinstance(spec.kind, Nested) and isinstance(key, str) and key in table_of(spec.kind.model):
            return f"{name}.{key}"
    return ""


def refuse_unknown(key: Any, known: list[str], cursor: Cursor, home: str = "") -> None:
    """Record an unknown key, with a hint: where it belongs, or the nearest known one. Its value is not shown."""
    if is_secret_key(key):
        place = cursor.down(key if key.isprintable() else ascii(key))
        cursor.sink.problems.add(place.path, MASK, f"no such key, and {REFERENCE_ALLOWED}")
        return
    near = difflib.get_close_matches(key, known, 1) if isinstance(key, str) else []
    meant = near[0] if near else home
    hint = f" (did you mean {meant}?)" if meant else ""
    cursor.sink.problems.add(cursor.path or "file", shown(key), f"the keys {', '.join(known)}{hint}")


def write_model(instance: Any) -> dict[str, Any]:
    """Return a model as plain data, every field present, None for what has no value."""
    result = {}
    for key, spec in table_of(type(instance)).items():
        value = getattr(instance, spec.attribute)
        result[key] = None if is_unset(value) else spec.kind.write(value)
    return result


def model_schema(model: type, demand: bool = False) -> dict[str, Any]:
    """Return the JSON schema of a model.

    demand: required fields must be there, because they cannot come from another layer.
    """
    properties = {}
    for key, spec in table_of(model).items():
        schema: dict[str, Any] = {"description": spec.doc}
        if spec.immutable:
            schema["description"] += " Cannot change once the tenant exists."
        if not is_unset(spec.default) and not spec.required and not isinstance(spec.kind, Nested):
            schema["default"] = spec.kind.write(spec.default)
        schema["anyOf"] = [spec.kind.schema(), {"enum": [None, ""]}]
        properties[key] = schema
    result: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    required = [key for key, spec in table_of(model).items() if spec.required]
    if demand and required:
        result["required"] = required
    return result
