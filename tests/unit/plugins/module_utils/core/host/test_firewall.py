# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The firewall from the port table, for every role and network plug-in (HOST-5)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import support
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import firewall

LISTING = """\
public (active)
  target: default
  interfaces: eth0
  sources:
  services: dhcpv6-client ssh
  ports: 8443/tcp
  protocols:

trusted
  target: ACCEPT
  sources: 10.42.0.0/16
  services:
  ports:
"""


def request(role: str = "server", cni: str = "canal", ssh_port: int = 22) -> firewall.Request:
    return firewall.Request((role,), cni, ("192.0.2.1", "192.0.2.2"), ("192.0.2.9",), ("10.42.0.0/16",), ssh_port)


@pytest.mark.parametrize("cni", support.CNIS)
@pytest.mark.parametrize("role", support.NODE_ROLES)
def test_zones_follow_the_port_table(role: str, cni: str) -> None:
    zones = firewall.zones(request(role, cni), "public")
    table = support.ports_for([role], cni)
    for port in table:
        if port.protocol == "icmp":
            continue
        assert port.spec in zones["rke2-servers"].ports
        assert (port.spec in zones["rke2-nodes"].ports) == (port.source != support.FROM_SERVERS)
        assert (port.spec in zones["public"].ports) == (port.source == support.FROM_CLIENTS)
    open_ports = {spec for zone in zones.values() for spec in zone.ports}
    assert open_ports == {port.spec for port in table if port.protocol != "icmp"}


def test_the_pod_network_is_never_open_to_the_world() -> None:
    for cni in support.CNIS:
        assert not [port for port in firewall.zones(request(cni=cni), "public")["public"].ports if port.endswith("udp")]


def test_ssh_stays_open_in_every_zone_that_a_login_may_come_from() -> None:
    zones = firewall.zones(request(), "public")
    assert all("ssh" in zones[name].services for name in ("rke2-servers", "rke2-nodes", "public"))
    zones = firewall.zones(request(ssh_port=2222), "public")
    assert all("2222/tcp" in zones[name].ports for name in ("rke2-servers", "rke2-nodes", "public"))


def test_others_keep_what_they_have_and_ours_are_as_wanted() -> None:
    found = firewall.parse_zones(LISTING)
    assert found["public"].services == ("dhcpv6-client", "ssh")
    found["rke2-nodes"] = firewall.Zone(sources=("192.0.2.99",), ports=("1/tcp",), services=("ssh",))
    steps = {step.name: step for step in firewall.compare(firewall.zones(request(), "public"), found)}
    assert not any(option.startswith("--remove") for option in steps["public"].body)
    assert {"--remove-source=192.0.2.99", "--remove-port=1/tcp", "--add-source=192.0.2.9"} <= set(
        steps["rke2-nodes"].body
    )
    assert steps["rke2-servers"].action == "create"
    assert "trusted" not in steps
    assert "8443/tcp" in steps["public"].after["ports"]


def test_nothing_is_done_twice() -> None:
    wanted = firewall.zones(request(), "public")
    assert firewall.compare(wanted, wanted) == []


def test_mistakes() -> None:
    problems = Problems()
    params = {"cni": "weave", "servers": ["name"], "agents": [], "trusted": ["10.42.0.1/16"], "client_ports": ["80"]}
    firewall.parse_request(params, problems)
    assert len(problems) == 4
