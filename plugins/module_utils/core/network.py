# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""IP networks and addresses: strict parsing and overlap, for both families."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

CIDR_ALLOWED = "a network in CIDR form such as 10.52.0.0/16"
ADDRESS_ALLOWED = "an IP address such as 10.53.0.10"

_CIDR = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")


def parse_network(value: Any) -> Network:
    """Turn text in CIDR form into a network.

    A Kubernetes C(ipBlock) and the k3k fields want the prefix length written and no host bits set, so both are asked
    for here. Raises ValueError with a text that says what is wrong and what would be right.
    """
    if not isinstance(value, str):
        raise ValueError(CIDR_ALLOWED)
    return _parse_network(str(value))


@lru_cache(maxsize=4096)
def _parse_network(value: str) -> Network:
    if _CIDR.fullmatch(value) is None:
        address = _address_or_none(value)
        if address is not None:
            raise ValueError(f"{CIDR_ALLOWED}; a single address is {address}/{address.max_prefixlen}")
        raise ValueError(CIDR_ALLOWED)
    try:
        loose = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(CIDR_ALLOWED) from None
    if str(loose.network_address) != str(ipaddress.ip_address(value.split("/")[0])):
        raise ValueError(f"{CIDR_ALLOWED}, without host bits: {loose}")
    return loose


def parse_address(value: Any) -> Address:
    """Turn text into an IP address; raises ValueError saying what is allowed."""
    address = _address_or_none(value) if isinstance(value, str) else None
    if address is None:
        raise ValueError(ADDRESS_ALLOWED)
    return address


def is_address(value: Any) -> bool:
    """Tell whether a value is the text of an IP address."""
    return isinstance(value, str) and _address_or_none(value) is not None


def overlap(left: Network, right: Network) -> bool:
    """Tell whether two networks share an address; networks of different families never do."""
    if isinstance(left, ipaddress.IPv4Network) and isinstance(right, ipaddress.IPv4Network):
        return left.overlaps(right)
    if isinstance(left, ipaddress.IPv6Network) and isinstance(right, ipaddress.IPv6Network):
        return left.overlaps(right)
    return False


def overlapping(network: Network, named: Iterable[tuple[str, Network]]) -> Iterator[tuple[str, Network]]:
    """Yield those C((name, network)) pairs that share an address with C(network)."""
    for name, other in named:
        if overlap(network, other):
            yield name, other


def contains(network: Network, address: Address) -> bool:
    """Tell whether an address lies inside a network."""
    return network.version == address.version and address in network


def _address_or_none(value: str) -> Union[Address, None]:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None
