# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions and ranges as Helm reads them (PLAT-10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import semver

numbers = st.integers(0, 99)
identifiers = st.one_of(numbers.map(str), st.sampled_from(["alpha", "beta", "rc", "rc4", "head"]))
versions = st.builds(
    lambda v, major, minor, patch, pre: f"{v}{major}.{minor}.{patch}" + (f"-{'.'.join(pre)}" if pre else ""),
    st.sampled_from(["", "v"]), numbers, numbers, numbers, st.lists(identifiers, max_size=3),
)  # fmt: skip


def test_the_order_is_that_of_the_standard() -> None:
    """The example of semver.org 2.0, section 11, with Kubernetes and Helm spellings around it."""
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0", "v1.0.1", "1.2", "v1.21.1", "2.0.0-0", "2",
    ]  # fmt: skip
    parsed = [semver.parse(text) for text in ordered]
    assert sorted([*parsed[5:], *parsed[:5]]) == parsed
    assert semver.parse("1.2.3+rke2r1") == semver.parse("v1.2.3")


@given(versions, versions)
def test_two_versions_are_less_equal_or_greater(one: str, other: str) -> None:
    a, b = semver.parse(one), semver.parse(other)
    assert [a < b, a == b, a > b].count(True) == 1
    assert semver.is_within(one, f">= {other}") is (a >= b)
    assert semver.is_within(one, f"< {other}") is (a < b)
    assert semver.is_within(one, f"< {other} || >= {other}")
    assert not semver.is_within(one, f"< {other}, >= {other}")


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("v1.34.4", ">= 1.25.0-0", True),
        ("v1.34.4", ">=1.25.0-0 <1.34.0-0", False),
        ("v1.34.4", ">= 1.99.0-0", False),
        ("1.37.0-alpha.1", "< 1.37.0-0", False),
        ("1.36.9", "< 1.37.0-0", True),
        ("v1.20.0", "1.20.0", True),
        ("1.20.1", "!= 1.20.0", True),
        ("0.0.1", "", True),
    ],
)
def test_ranges_of_charts(version: str, wanted: str, holds: bool) -> None:
    assert semver.is_within(version, wanted) is holds


@pytest.mark.parametrize("text", ["", "latest", "1.2.3.4", None, 1.2])
def test_what_is_no_version_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="semantic version"):
        semver.parse(text)


@pytest.mark.parametrize("text", ["~1.2", "^1", ">= 1.2 ||", "1.x", ">= 1.2 and < 2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not (comparisons|a semantic version) such as"):
        semver.is_within("1.2.3", text)
