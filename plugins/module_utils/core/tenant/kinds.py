# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of single value that the tenants file knows."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from .. import names, network, quantity
from ..durations import DURATION_PATTERN, duration_text, seconds_of
from ..redact import MASK
from .fields import Cursor, Kind
from .secrets import is_secret_text

#: Returns None when a text is fine, else what would be allowed.
Check = Callable[[str], Optional[str]]

#: Whole numbers from here on are no text that somebody forgot to quote.
_LARGEST_NUMBER = 10**18
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def checked(test: Callable[[Any], bool], allowed: str) -> Check:
    """Make a L(Check) of a yes/no test and one phrase."""
    return lambda text: None if test(text) else allowed


def raising(parser: Callable[[str], Any]) -> Check:
    """Make a L(Check) of a parser whose ValueError says what is allowed."""

    def check(text: str) -> Optional[str]:
        try:
            parser(text)
        except ValueError as error:
            return str(error)
        return None

    return check


class Text(Kind):
    """One line of text. A whole number is taken as its digits.

    pattern: must match the whole text. check: for what a pattern cannot say. limits: shortest and longest, characters.
    """

    def __init__(
        self,
        allowed: str = "one line of text",
        pattern: str = "",
        check: Optional[Check] = None,
        limits: tuple[int, int] = (0, 253),
    ) -> None:
        self.allowed = allowed
        self._pattern = re.compile(pattern) if pattern else None
        self._check = check
        self._limits = limits

    def read(self, value: Any, cursor: Cursor) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER:
            value = str(value)
        if not isinstance(value, str):
            return cursor.refuse(value, self.allowed)
        if is_secret_text(value):
            return cursor.refuse(MASK, f"{self.allowed}; no secret in plain text")
        shortest, longest = self._limits
        if not shortest <= len(value) <= longest or not value.isprintable():
            return cursor.refuse(value, f"{self.allowed} ({shortest}-{longest} characters)")
        if self._pattern and self._pattern.fullmatch(value) is None:
            return cursor.refuse(value, self.allowed)
        allowed = self._check(value) if self._check else None
        return cursor.refuse(value, allowed) if allowed else str(value)

    def schema(self) -> dict[str, Any]:
        result: dict[str, Any] = {"type": "string", "maxLength": self._limits[1]}
        if self._limits[0]:
            result["minLength"] = self._limits[0]
        if self._pattern:
            result["pattern"] = f"^(?:{self._pattern.pattern})$"
        return {"anyOf": [result, {"type": "integer"}]}


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str, refused: Optional[Mapping[str, str]] = None) -> None:
        self.words = words
        self.allowed = ", ".join(words)
        self._refused = refused or {}

    def read(self, value: Any, cursor: Cursor) -> Any:
        if isinstance(value, str) and value in self.words:
            return str(value)
        why = self._refused.get(value, "") if isinstance(value, str) else ""
        return cursor.refuse(value, f"{self.allowed}{'; ' + why if why else ''}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


class Flag(Kind):
    """True or false, also as the words that YAML 1.1 and templates make of them."""

    allowed = "true or false"

    def read(self, value: Any, cursor: Cursor) -> Any:
        if isinstance(value, bool):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if word in _TRUE + _FALSE:
            return word in _TRUE
        return cursor.refuse(value, self.allowed)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(?i:true|yes|on|false|no|off)$"}]}


class Count(Kind):
    """A whole number between two bounds; digits in quotes are taken too."""

    def __init__(
        self, lowest: int = 0, highest: int = 1_000_000, choices: Sequence[int] = (), allowed: str = ""
    ) -> None:
        self._lowest, self._highest, self._choices = lowest, highest, tuple(choices)
        span = ", ".join(map(str, choices)) if choices else f"a whole number {lowest}-{highest}"
        self.allowed = allowed or span

    def read(self, value: Any, cursor: Cursor) -> Any:
        number = whole_number(value)
        if number is None or not self._lowest <= number <= self._highest:
            return cursor.refuse(value, self.allowed)
        return cursor.refuse(value, self.allowed) if self._choices and number not in self._choices else number

    def schema(self) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "integer", "minimum": self._lowest, "maximum": self._highest}
        if self._choices:
            number = {"enum": list(self._choices)}
        return {"anyOf": [number, {"type": "string", "pattern": "^[+-]?[0-9]+$"}]}


def whole_number(value: Any) -> Optional[int]:
    """Return an int for an int, a float without fraction, or digits; None for everything else (bool too)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        return int(value)
    return None


class Number(Kind):
    """A number with a fraction between two bounds."""

    def __init__(self, lowest: float, highest: float) -> None:
        self._lowest, self._highest = lowest, highest
        self.allowed = f"a number {lowest:g}-{highest:g}"

    def read(self, value: Any, cursor: Cursor) -> Any:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        return number if self._lowest <= number <= self._highest else cursor.refuse(value, self.allowed)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": self._lowest, "maximum": self._highest}, {"type": "string"}]}


class Amount(Kind):
    """A Kubernetes quantity that is not negative. positive: nor zero."""

    allowed = quantity.QUANTITY_ALLOWED

    def __init__(self, positive: bool = False) -> None:
        self._positive = positive

    def read(self, value: Any, cursor: Cursor) -> Any:
        try:
            amount = quantity.parse(value)
        except ValueError:
            return cursor.refuse(value, self.allowed)
        if amount.value < 0 or (self._positive and not amount):
            return cursor.refuse(value, f"{self.allowed}, {'above zero' if self._positive else 'not negative'}")
        return amount

    def write(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}


class DeviceCount(Kind):
    """How many pieces of a device: a whole number, as a quantity may write it (C(1k))."""

    allowed = "a whole number >= 0; a device cannot be split here (use a MIG resource instead)"

    def read(self, value: Any, cursor: Cursor) -> Any:
        try:
            count = quantity.parse_count(value)
        except ValueError:
            return cursor.refuse(value, self.allowed)
        return count if count <= 1_000_000 else cursor.refuse(value, self.allowed)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}


class CountOrAuto(Count):
    """A whole number, or the word C(auto): follow the quota."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = f"auto or {self.allowed}"

    def read(self, value: Any, cursor: Cursor) -> Any:
        return "auto" if value == "auto" and isinstance(value, str) else super().read(value, cursor)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": "auto"}, *super().schema()["anyOf"]]}


class Duration(Kind):
    """A span of time, held in seconds. shortest, longest: bounds in seconds."""

    def __init__(self, shortest: int, longest: int) -> None:
        self._shortest, self._longest = shortest, longest
        self.allowed = (
            f"a duration from {duration_text(shortest)} to {duration_text(longest)}, such as 30m, 720h or 30d"
        )

    def read(self, value: Any, cursor: Cursor) -> Any:
        try:
            seconds = seconds_of(value) if isinstance(value, str) else -1
        except ValueError:
            return cursor.refuse(value, self.allowed)
        return seconds if self._shortest <= seconds <= self._longest else cursor.refuse(value, self.allowed)

    def write(self, value: Any) -> Any:
        return duration_text(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{DURATION_PATTERN}$"}


class Date(Kind):
    """A day, held as ISO text; YAML may have made a date of it already."""

    allowed = "a date such as 2027-03-31"

    def read(self, value: Any, cursor: Cursor) -> Any:
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        try:
            matches = isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)
            return datetime.date.fromisoformat(value).isoformat() if matches else cursor.refuse(value, self.allowed)
        except ValueError:
            return cursor.refuse(value, self.allowed)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def subdomain(allowed: str = names.DNS_SUBDOMAIN_ALLOWED) -> Text:
    """Return the kind of a Kubernetes object name."""
    return Text(allowed, check=checked(names.is_dns_subdomain, allowed))


def cidr() -> Text:
    """Return the kind of a network."""
    return Text(network.CIDR_ALLOWED, check=raising(network.parse_network))


def address() -> Text:
    """Return the kind of an IP address."""
    return Text(network.ADDRESS_ALLOWED, check=raising(network.parse_address))


def host(wildcard: bool = False) -> Text:
    """Return the kind of a DNS host name. wildcard: C(*.) may lead it."""
    allowed = names.WILDCARD_HOST_ALLOWED if wildcard else names.HOST_ALLOWED
    return Text(allowed, check=checked(lambda text: names.is_host(text, wildcard), allowed))


def email() -> Text:
    """Return the kind of an email address."""
    allowed = "an email address"
    return Text(allowed, check=checked(names.is_email, allowed))


def url(*schemes: str) -> Text:
    """Return the kind of a URL without credentials in it."""
    allowed = f"a URL with {' or '.join(schemes)}, without credentials"
    return Text(allowed, pattern=rf"({'|'.join(schemes)})://[^\s@/]+(/[^\s@]*)?", limits=(0, 2000))
