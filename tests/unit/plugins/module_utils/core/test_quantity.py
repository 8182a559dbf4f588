# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Quantities are exact and written as the API server writes them (TEN-4)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e5"]
TEXTS = st.builds(
    lambda sign, number, suffix: f"{sign}{number}{suffix}",
    st.sampled_from(["", "-", "+"]),
    st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,6})?|\.[0-9]{1,6}", fullmatch=True),
    st.sampled_from(SUFFIXES),
)


@pytest.mark.parametrize(
    ("left", "right"), [("1000m", 1), ("1Gi", "1024Mi"), ("1k", 1000), ("2e3", "2k"), (0.5, "500m")]
)
def test_same_amount_in_other_words(left: object, right: object) -> None:
    assert quantity.same(left, right)
    assert hash(quantity.parse(left)) == hash(quantity.parse(right))


# Texts and canonical forms as k8s.io/apimachinery v0.34.4 gives them.
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1.3Ki", "1331200m"),
        ("1024", "1024"),
        ("1024Ki", "1Mi"),
        ("+3883.E-3", "3883e-3"),
        (".36e-9", "1e-9"),
        ("2891.e5", "289100e3"),
        ("450971566080Ti", "9223372036854775807"),
        ("864E", "864E"),
        ("0.1n", "1n"),
        ("-1198522368n", "-1198522368n"),
        ("100000k", "100M"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert quantity.canonical(text) == canonical


@given(TEXTS)
def test_round_trip(text: str) -> None:
    parsed = quantity.parse(text)
    again = quantity.parse(str(parsed))
    assert again == parsed
    assert str(again) == str(parsed)


@given(TEXTS, TEXTS)
def test_order_is_that_of_the_values(left: str, right: str) -> None:
    one, other = quantity.parse(left), quantity.parse(right)
    assert (one < other) == (one.value < other.value)
    assert (one + other) - other == one


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "Gi",
        "e5",
        "1e",
        "1ki",
        "0x1",
        "1e999",
        "1Gi1",
        "--1",
        ".",
        "\u0663",
        "9" * 200,
        None,
        True,
        float("nan"),
        float("inf"),
        [1],
        {"a": 1},
        10**400,
    ],
)
def test_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"quantity|exponent"):
        quantity.parse(value)
    assert not quantity.same(value, value)


def test_arithmetic_keeps_the_left_format() -> None:
    assert str(quantity.parse("512Mi") + "1Gi") == "1536Mi"
    assert str(quantity.parse("900Gi") * 2 + quantity.parse("8Gi")) == "1808Gi"
    assert str(quantity.parse(0) + "1Gi") == "1Gi"
    assert quantity.total(["1", "500m"]).value == Fraction(3, 2)
    assert quantity.parse("1500m").to_int() == 2


@pytest.mark.parametrize(("value", "count"), [("1k", 1000), ("8", 8), (8, 8), (2.0, 2), ("2000m", 2)])
def test_counts(value: object, count: int) -> None:
    assert quantity.parse_count(value) == count


@pytest.mark.parametrize("value", ["0.5", "500m", 0.5, True, "-1", "many", None])
def test_counts_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"quantity|whole|below"):
        quantity.parse_count(value)
