# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Kubernetes quantities (C(500m), C(1Gi), C(2e3)) with exact arithmetic.

The rules are those of k8s.io/apimachinery C(pkg/api/resource): what parses, how a value is rounded and capped, and the
canonical text. One thing differs on purpose: the Go library echoes some texts that are not canonical (C(1.500),
C(+9Ki)); here the text is always canonical, which is what a comparison needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Union

#: Formats, named as in apimachinery. The format says in which family of suffixes a value is written.
BINARY_SI = "BinarySI"
DECIMAL_SI = "DecimalSI"
DECIMAL_EXPONENT = "DecimalExponent"

#: What C(parse) takes.
QuantityLike = Union["Quantity", str, int, float]

_DECIMAL_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_BY_EXPONENT = {exponent: suffix for suffix, exponent in _DECIMAL_SUFFIXES.items()}
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")

_TEXT = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
    r"(?:(?P<binary>[KMGTPE]i)|(?P<decimal>[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]+))?"
)

#: Bounds of our own, so that a text of a few bytes cannot cost megabytes (C(1e999999999)).
_MAX_TEXT_LENGTH = 100
_MAX_EXPONENT = 60
_MAX_MAGNITUDE = Fraction(10) ** (_MAX_TEXT_LENGTH + _MAX_EXPONENT)

#: apimachinery keeps nothing finer than nano and rounds away from zero.
_NANO = 10**9
#: apimachinery caps values with a binary suffix here.
_MAX_BINARY = 2**63 - 1

QUANTITY_ALLOWED = "a Kubernetes quantity such as 4, 500m, 16Gi or 2Ti"


@dataclass(frozen=True, order=True)
class Quantity:
    """An immutable amount. Equality, order and hash look at the value only: C(1Gi) equals C(1024Mi).

    value: the exact amount in the resource's base unit (cores, bytes, pieces).
    format: one of BinarySI, DecimalSI, DecimalExponent; only for the text.
    """

    value: Fraction
    format: str = field(default=DECIMAL_SI, compare=False)

    def __str__(self) -> str:
        """Return the canonical text, as the API server writes it."""
        if self.value == 0:
            return "0"
        if self.format == BINARY_SI and abs(self.value) >= 1024 and self.value.denominator == 1:
            return _binary_text(self.value.numerator)
        return _decimal_text(self.value, self.format)

    def __add__(self, other: QuantityLike) -> Quantity:
        """Add; the format is the left one's, or the right one's when the left is zero (as apimachinery does)."""
        right = parse(other)
        return Quantity(self.value + right.value, self.format if self.value else right.format)

    def __sub__(self, other: QuantityLike) -> Quantity:
        """Subtract; the result may be negative. For the format see addition."""
        right = parse(other)
        return Quantity(self.value - right.value, self.format if self.value else right.format)

    def __mul__(self, factor: Union[int, Fraction]) -> Quantity:
        """Multiply by a plain number; what is finer than nano is rounded away from zero."""
        return Quantity(_round_to_nano(self.value * factor), self.format)

    def __bool__(self) -> bool:
        """Tell whether the amount is not zero."""
        return self.value != 0

    @property
    def is_integer(self) -> bool:
        """Tell whether the amount has no fraction."""
        return self.value.denominator == 1

    def to_int(self) -> int:
        """Return the amount rounded up to an integer, as apimachinery's C(Value) does."""
        return math.ceil(self.value) if self.value > 0 else math.floor(self.value)


def parse(value: Any) -> Quantity:
    """Turn text or a number into a L(Quantity).

    value: a quantity's text, an int, a finite float (read by its shortest decimal text) or a Quantity.
    Raises ValueError with a clear text for everything else (bool and None too).
    """
    if isinstance(value, Quantity):
        return value
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{type(value).__name__} is not a quantity; use {QUANTITY_ALLOWED}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} is not a quantity; use {QUANTITY_ALLOWED}")
    amount = Fraction(value) if isinstance(value, int) else Fraction(Decimal(repr(value)))
    if abs(amount) > _MAX_MAGNITUDE:
        raise ValueError("the number is too large for a quantity")
    return Quantity(_round_to_nano(amount))


def parse_count(value: Any, minimum: int = 0) -> int:
    """Turn text or a number into a count of whole things (GPUs, pods).

    Kubernetes gives extended resources only as integers, so C(0.5) and C(500m) are refused; C(1k) is 1000.
    Raises ValueError when the value is no quantity, has a fraction or is below C(minimum).
    """
    quantity = parse(value)
    if not quantity.is_integer:
        raise ValueError(f"{value!r} is not a whole number; fractions of a device cannot be granted")
    count = quantity.value.numerator
    if count < minimum:
        raise ValueError(f"{value!r} is below {minimum}")
    return count


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are the same amount (C(1000m) and 1); what is no quantity is never the same."""
    try:
        return parse(left) == parse(right)
    except ValueError:
        return False


def canonical(value: Any) -> str:
    """Return the canonical text of a value; raises ValueError as L(parse) does."""
    return str(parse(value))


def total(values: Iterable[Any]) -> Quantity:
    """Add up quantities; the sum of nothing is zero. Raises ValueError as L(parse) does."""
    result = Quantity(Fraction(0))
    for value in values:
        result = result + parse(value)
    return result


# A host cluster has many objects and few different amounts.
@lru_cache(maxsize=4096)
def _parse_text(text: str) -> Quantity:
    match = _TEXT.fullmatch(text) if len(text) <= _MAX_TEXT_LENGTH else None
    if match is None:
        raise ValueError(f"{text[:_MAX_TEXT_LENGTH]!r} is not a quantity; use {QUANTITY_ALLOWED}")
    amount = Fraction(Decimal(match["number"]))
    if match["binary"]:
        amount = _round_to_nano(amount * 1024 ** _BINARY_SUFFIXES.index(match["binary"]))
        amount = max(min(amount, Fraction(_MAX_BINARY)), Fraction(-_MAX_BINARY))
        return Quantity(amount, BINARY_SI if abs(amount) >= 1 else DECIMAL_SI)
    exponent = int(match["exponent"] or _DECIMAL_SUFFIXES[match["decimal"] or ""])
    if abs(exponent) > _MAX_EXPONENT:
        raise ValueError(f"{text!r} has an exponent beyond {_MAX_EXPONENT}")
    amount = _round_to_nano(amount * Fraction(10) ** exponent)
    return Quantity(amount, DECIMAL_EXPONENT if match["exponent"] else DECIMAL_SI)


def _round_to_nano(amount: Fraction) -> Fraction:
    scaled = amount * _NANO
    return Fraction(math.ceil(scaled) if scaled > 0 else math.floor(scaled), _NANO)


def _binary_text(amount: int) -> str:
    power = 0
    while amount % 1024 == 0 and power < len(_BINARY_SUFFIXES) - 1:
        amount //= 1024
        power += 1
    return f"{amount}{_BINARY_SUFFIXES[power]}"


def _decimal_text(value: Fraction, form: str) -> str:
    """Write an integer mantissa with the largest exponent that is a multiple of three.

    Beyond exa there is no SI suffix; the mantissa then keeps its zeros.
    """
    value = _round_to_nano(value)
    mantissa, exponent = (value * _NANO).numerator, -9
    while mantissa % 1000 == 0 and (form == DECIMAL_EXPONENT or exponent < 18):
        mantissa //= 1000
        exponent += 3
    if form == DECIMAL_EXPONENT:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_BY_EXPONENT[exponent]}"
