# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From inventory and facts to hosts and site; whom to connect to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight import report, request


def entry(role: str, address: str, opened: tuple[str, ...] = (), busy: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"roles": [role], "address": address, "facts": {"listener": {"opened": list(opened), "busy": list(busy)}}}


HOSTS = {
    "s1": entry("server", "192.0.2.1", ("2380/tcp", "6443/tcp", "10250/tcp", "8472/udp")),
    "s2": entry("server", "192.0.2.2", ("2380/tcp", "10250/tcp"), ("6443/tcp",)),
    "a1": entry("agent", "192.0.2.9", ("10250/tcp", "8472/udp")),
    "gone": {"roles": ["agent"], "address": "192.0.2.10", "facts": {}},
}


def test_servers_try_etcd_and_agents_do_not() -> None:
    by_server = {peer["name"]: peer for peer in request.peers_of("s1", HOSTS, "canal")}
    by_agent = {peer["name"]: peer for peer in request.peers_of("a1", HOSTS, "canal")}
    assert set(by_server) == {"s2", "a1"}
    assert by_server["s2"]["opened"] == ["2380/tcp", "10250/tcp"]
    assert by_server["s2"]["busy"] == ["6443/tcp"]
    assert by_agent["s1"]["opened"] == ["6443/tcp", "10250/tcp", "8472/udp"]


def test_the_balancer_is_a_peer_when_it_is_no_server() -> None:
    names = [peer["name"] for peer in request.peers_of("a1", HOSTS, "canal", "k8s.example.com")]
    assert names[-1] == request.BALANCER_NAME
    assert request.BALANCER_NAME not in [one["name"] for one in request.peers_of("a1", HOSTS, "canal", "192.0.2.1")]


def test_of_a_range_both_ends_are_tried() -> None:
    ports = request.ports_to_listen(["agent"], "cilium")
    assert {"30000/tcp", "32767/tcp", "4240/tcp", "8472/udp"} <= set(ports)
    assert not any(port.endswith("icmp") for port in ports)


@pytest.mark.parametrize(
    ("value", "cni"), [("canal", "canal"), (["multus", "cilium"], "cilium"), ("multus,calico", "calico")]
)
def test_cni(value: Any, cni: str) -> None:
    problems = Problems()
    assert request.parse_cni(value, "cni", problems) == cni
    assert not problems


def test_all_mistakes_of_the_input_come_together() -> None:
    problems = Problems()
    report.parse_skip(["size.cpu", "nonsense"], problems)
    request.parse_site({"cni": "weave", "stage": "later", "minimum_sizes": {"server": {"cpu": 1}, "x": {}}}, problems)
    request.parse_hosts({"a": {"roles": ["boss"], "gpu": "matrox"}, "b": 1}, problems)
    text = "\n".join(str(problem) for problem in problems)
    for part in (
        "'nonsense'",
        "'weave'",
        "'later'",
        "minimum_sizes.server.cpu",
        "minimum_sizes.x",
        "'boss'",
        "'matrox'",
        "hosts[b]",
    ):
        assert part in text


def test_own_sizes_replace_only_what_they_name() -> None:
    site = request.parse_site({"minimum_sizes": {"server": {"memory_gb": 8}}}, Problems())
    assert site.minimum_sizes["server"].memory == 8 * 1000**3
    assert site.minimum_sizes["server"].cpus == 2
