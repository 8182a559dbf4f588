# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""YAML without a library: hosts have none (PyYAML is not part of SLES' Python 3.11).

Writing covers every value that JSON has. Reading covers what stands in RKE2's configuration files: top-level keys with
scalars and lists of scalars, in block or JSON style.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Union

Value = Union[str, bool, int, float, None, list[Any], dict[str, Any]]

#: Text that means itself without quotes, in YAML 1.1 and 1.2: a letter first, and no sign that could mean something.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none"}
_KEY = re.compile(r"""^(?P<quote>['"]?)(?P<key>[A-Za-z0-9_.+*/-]+)(?P=quote)\s*:(?:\s+(?P<value>.*?))?\s*$""")
_ITEM = re.compile(r"^\s*-\s+(?P<value>.*?)\s*$")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def dump(data: Mapping[str, Any], comment: str = "") -> str:
    """Write a mapping as YAML in block style, in its own order. comment: lines to stand at the top."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + "".join(f"{line}\n" for line in _mapping(data, 0))


def _mapping(data: Mapping[str, Any], depth: int) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        lines += _entry(f"{'  ' * depth}{_text(str(key))}:", value, depth)
    return lines


def _entry(head: str, value: Any, depth: int) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [head, *_mapping(value, depth + 1)]
    if isinstance(value, (list, tuple)) and value:
        return [head, *(line for item in value for line in _item(item, depth + 1))]
    if isinstance(value, str) and "\n" in value and _is_block(value):
        pad = "  " * (depth + 1)
        end = "" if value.endswith("\n") else "-"
        return [f"{head} |{end}", *(pad + line if line else "" for line in value.rstrip("\n").split("\n"))]
    return [f"{head} {_scalar(value)}"]


def _item(value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, (Mapping, list, tuple)) and value:
        inner = _mapping(value, 0) if isinstance(value, Mapping) else [line for one in value for line in _item(one, 0)]
        return [f"{pad}- {inner[0]}", *(f"{pad}  {line}" for line in inner[1:])]
    return [f"{pad}- {_scalar(value)}"]


def _is_block(text: str) -> bool:
    """Whether a block scalar would give the text back as it is: it has a plain start and at most one line end last."""
    printable = all(char == "\n" or char.isprintable() for char in text)
    return printable and not text.startswith((" ", "\n")) and not text.endswith("\n\n")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)


def scan(text: str) -> dict[str, Value]:
    """Read the top-level keys of a YAML mapping; what has another form than scalar or list of scalars reads as None."""
    found: dict[str, Value] = {}
    key, nested = "", False
    items: list[Value] = []

    def close() -> None:
        if key and (items or nested):
            found[key] = None if nested else list(items)

    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        head = _KEY.match(line)
        item = _ITEM.match(line)
        if head:
            close()
            key, items, nested = head["key"], [], False
            found[key] = _read(head["value"] or "")
        elif item and key and ": " not in item["value"] and not item["value"].endswith(":"):
            items.append(_read(item["value"]))
        else:
            nested = True
    close()
    return found


def _read(text: str) -> Value:
    """Read one value: JSON where it is JSON, else a YAML scalar without its comment."""
    if text[:1] in ('"', "[", "{"):
        try:
            value, _end = json.JSONDecoder().raw_decode(text)
            return value if isinstance(value, (str, list, dict)) else str(value)
        except ValueError:
            return [str(_read(part.strip())) for part in text.strip("[]").split(",")] if text[0] == "[" else None
    if text.startswith("'"):
        return text[1:].rpartition("'")[0].replace("''", "'")
    plain = re.split(r"\s#", text)[0].strip()
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    if _INTEGER.fullmatch(plain):
        return int(plain)
    return None if plain in ("", "~", "null") or plain[:1] in "|>&*!" else plain


def without_keys(text: str, keys: tuple[str, ...]) -> str:
    """Return the text of a mapping without the blocks of some top-level keys, and without comments."""
    kept: list[str] = []
    skipping = False
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        head = _KEY.match(line)
        if head:
            skipping = head["key"] in keys
        if not skipping:
            kept.append(line)
    return "\n".join(kept) + "\n"
