# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The support matrix, the port table and the sizes (HOST-1)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import support
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.version import Version


def test_releases_are_of_their_minor_and_in_order() -> None:
    assert support.supported_minors() == ["1.33", "1.34", "1.35", "1.36"]
    for minor, release in support.RKE2_RELEASES.items():
        assert Version.parse(release).minor_text == minor


@pytest.mark.parametrize(
    ("api", "kubelet", "allowed"),
    [("1.35", "1.35", True), ("1.35", "1.32", True), ("1.35", "1.31", False), ("1.34", "1.35", False)],
)
def test_skew(api: str, kubelet: str, allowed: bool) -> None:
    assert support.skew_allowed(api, kubelet) is allowed


def test_systems() -> None:
    assert support.find_operating_system("SLES", "15.7") is not None
    assert support.find_operating_system("sles", "15.5") is None
    assert "SLES 16.0" in support.operating_systems_text()


@pytest.mark.parametrize("cni", support.CNIS)
def test_a_port_stands_once_and_etcd_is_on_servers_only(cni: str) -> None:
    specs = [port.spec for port in support.ports_for(support.NODE_ROLES, cni, embedded_registry=True)]
    assert len(specs) == len(set(specs))
    agent = {port.spec for port in support.ports_for(["agent"], cni)}
    assert not agent & {"2379/tcp", "2380/tcp", "6443/tcp", "9345/tcp"}
    assert "9345/tcp" in {port.spec for port in support.ports_for(["agent"], cni, embedded_registry=True)}


def test_who_may_reach_what() -> None:
    etcd = next(port for port in support.RKE2_PORTS if port.first == 2380)
    assert support.may_reach(["server"], etcd)
    assert not support.may_reach(["agent"], etcd)


def test_sizes() -> None:
    assert support.agents_served(8, 16 * support.GB) == 1300
    assert support.agents_served(1, support.GB) == 0
    clearml = support.MINIMUM_SIZES["clearml"]
    assert (clearml.cpus, clearml.memory, clearml.disk) == (8, 32 * support.GB, 500 * support.GB)
    assert support.CLEARML_NODES == 3
