# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions of RKE2: forms, order, and which way an upgrade may go (RKE2-5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.version import (
    Version,
    change_refusal,
    check_supported,
    kubelet_refusal,
    parse_or_none,
)

numbers = st.integers(0, 99)
versions = st.builds(Version, st.just(1), numbers, numbers, st.none() | numbers, numbers)


@given(versions)
def test_what_is_written_is_read_back(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_the_order_is_total_and_candidates_come_first(one: Version, other: Version) -> None:
    assert (one < other) + (one > other) + (one == other) == 1
    release = Version(one.major, one.minor, one.patch, None, one.revision)
    assert one <= release


@pytest.mark.parametrize(
    "text", ["", "1.35.7", "v1.35.7", "v1.35.7-rke2r1", "v1.35+rke2r1", "v1.35.7+k3s1", "v1.35.7+rke2r1 ", None, 1.35]
)
def test_what_is_no_version(text: object) -> None:
    assert parse_or_none(text) is None


def test_forms() -> None:
    version = Version.parse("v1.36.4-rc1+rke2r1")
    assert version.url_text == "v1.36.4-rc1%2Brke2r1"
    assert version.tag == "v1.36.4-rc1-rke2r1"
    assert version.rpm == "1.36.4~rc1~rke2r1"
    assert Version.parse("v1.35.7+rke2r1").rpm == "1.35.7~rke2r1"
    assert version.minor_text == "1.36"


@pytest.mark.parametrize(
    ("current", "wanted", "refused"),
    [
        ("v1.34.10+rke2r1", "v1.35.7+rke2r1", ""),
        ("v1.35.6+rke2r1", "v1.35.7+rke2r1", ""),
        ("v1.35.7+rke2r1", "v1.35.7+rke2r2", ""),
        ("v1.33.13+rke2r2", "v1.35.7+rke2r1", "upgrade to a 1.34 release first"),
        ("v1.35.7+rke2r1", "v1.34.10+rke2r1", "a downgrade needs a restored snapshot"),
        ("v1.35.7+rke2r1", "v1.35.6+rke2r1", "a downgrade needs a restored snapshot"),
        ("v1.35.7+rke2r2", "v1.35.7+rke2r1", "a downgrade needs a restored snapshot"),
    ],
)
def test_steps(current: str, wanted: str, refused: str) -> None:
    found = change_refusal(Version.parse(current), Version.parse(wanted))
    assert refused in found
    assert bool(found) == bool(refused)


def test_no_node_may_be_newer_than_a_server() -> None:
    old, new = Version.parse("v1.34.10+rke2r1"), Version.parse("v1.35.7+rke2r1")
    assert "upgrade all servers first" in kubelet_refusal(new, [new, old])
    assert kubelet_refusal(old, [new]) == ""
    assert kubelet_refusal(new, [new]) == ""


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("v1.20.1+rke2r1", "1.33 (newest"), ("latest", "a version of RKE2 such as"), ("v1.35.7+rke2r1", "")],
)
def test_only_what_the_support_matrix_has(text: str, allowed: str) -> None:
    problems = Problems()
    version = check_supported(problems, "rke2_version", text)
    assert (version is None) == bool(allowed)
    assert allowed in "".join(str(problem) for problem in problems)
