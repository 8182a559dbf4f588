# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Selectors in the text form of Kubernetes."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.selectors import parse_selector

LABELS = {"pool": "gpu", "zone": "a", "example.com/x": ""}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pool=gpu",
        "pool==gpu,zone!=b",
        "zone in (a, b)",
        "zone notin (b),pool",
        "!other",
        "other!=x",
        "other notin (x)",
    ],
)
def test_matches(text: str) -> None:
    assert parse_selector(text).matches(LABELS)


@pytest.mark.parametrize(
    "text", ["pool=cpu", "zone notin (a,b)", "other", "!pool", "other=x", "zone in (b)", "pool=gpu,zone=b"]
)
def test_does_not_match(text: str) -> None:
    assert not parse_selector(text).matches(LABELS)


@pytest.mark.parametrize("text", ["a=b=c", "=x", "a in b", "a in (b", "a,,b", "-x", "a=-b", "a b"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        parse_selector(text)
