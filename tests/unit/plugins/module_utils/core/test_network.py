# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks: strict parsing, overlap."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import network


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("xx", "CIDR"),
        ("10.0.0.0/33", "CIDR"),
        ("10.0.0.0/255.0.0.0", "CIDR"),
        ("fd00::1", "fd00::1/128"),
        (5, "CIDR"),
        (None, "CIDR"),
    ],
)
def test_refused_with_a_hint(value: object, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        network.parse_network(value)


def test_overlap_knows_families() -> None:
    four, six = network.parse_network("0.0.0.0/0"), network.parse_network("::/0")
    assert not network.overlap(four, six)
    assert network.overlap(six, network.parse_network("fd00::/8"))
    named = [("a", network.parse_network("10.0.0.0/8")), ("b", network.parse_network("192.168.0.0/16"))]
    assert [name for name, _network in network.overlapping(network.parse_network("10.1.0.0/16"), named)] == ["a"]


def test_addresses() -> None:
    service = network.parse_network("10.53.0.0/16")
    assert network.contains(service, network.parse_address("10.53.0.10"))
    assert not network.contains(service, network.parse_address("fd00::1"))
    assert not network.is_address("10.53.0")
    with pytest.raises(ValueError, match="IP address"):
        network.parse_address("10.53.0.10/32")
