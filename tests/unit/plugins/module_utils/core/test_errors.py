# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes are collected and told all at once (X-6)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors


def test_all_problems_stand_in_one_message_with_field_value_and_what_is_allowed() -> None:
    problems = errors.Problems()
    problems.add("tenants[acme].cluster.servers", 2, "an odd number: 1, 3 or 5")
    problems.add("tenants[acme].cluster.servers", 2, "an odd number: 1, 3 or 5")
    problems.add("tenants[b].id", "B!", "lower case letters")
    with pytest.raises(errors.ConfigError) as caught:
        problems.raise_if_any("tenants.yml")
    text = str(caught.value)
    assert text.startswith("tenants.yml: 2 mistakes, nothing was changed.")
    assert "tenants[acme].cluster.servers: 2 is not allowed; allowed: an odd number: 1, 3 or 5" in text
    assert "tenants[b].id: 'B!' is not allowed; allowed: lower case letters" in text
    assert caught.value.code == "config"


def test_no_problem_no_error() -> None:
    errors.Problems().raise_if_any("anything")


def test_a_long_value_is_cut() -> None:
    assert len(str(errors.Problem("f", "x" * 5000, "short"))) < 150


@pytest.mark.parametrize(("status", "transient"), [(429, True), (503, True), (500, True), (404, False), (422, False)])
def test_which_answers_may_be_tried_again(status: int, transient: bool) -> None:
    assert errors.RemoteError("m", status=status).transient is transient
