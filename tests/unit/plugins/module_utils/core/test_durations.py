# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.durations import duration_text, seconds_of


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("720h", 2592000), ("1h30m", 5400), ("30d", 2592000)])
def test_what_people_write(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "-1h", "1w", "1h " * 20])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


@given(st.integers(0, 10**9))
def test_text_and_seconds_round_trip(seconds: int) -> None:
    assert seconds_of(duration_text(seconds)) == seconds
