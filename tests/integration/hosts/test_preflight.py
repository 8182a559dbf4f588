# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The playbook preflight on real hosts (HOST-1, HOST-3, HOST-11): read-only, one table, ports really tried."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.hosts.site import HostSite, changes, failures, launches
from tests.lab.hosts import HostLab

#: What a container on a small machine cannot have.
SKIP = ["group.product_uuid", "group.system"]


@pytest.fixture(scope="module")
def site(fresh_hosts: HostLab, tmp_path_factory: pytest.TempPathFactory) -> HostSite:
    return HostSite(
        fresh_hosts,
        tmp_path_factory.mktemp("preflight"),
        rke2_version="v1.34.10+rke2r1",
        rke2_api_endpoint="rke2.lab.test",
        preflight_skip=SKIP,
    )


def errors(site: HostSite, name: str = "preflight") -> dict[str, set[str]]:
    """Check -> hosts with an error in it."""
    found: dict[str, set[str]] = {}
    for finding in site.findings(name):
        if finding["severity"] == "error":
            found.setdefault(finding["check"], set()).add(finding["host"])
    return found


def state_of(lab: HostLab, host: str) -> str:
    """Everything below /etc, processes, units and packages: equal when nothing was changed."""
    script = (
        "find /etc /var/lib/ai-tenancy -type f -exec sha256sum {} + 2>/dev/null | sort; rpm -qa | sort;"
        "systemctl list-units --type=service --state=running --no-legend --plain | grep -v 'ssh\\|user\\|session' | sort;"
        "sysctl -a 2>/dev/null | grep -E '^(net.ipv4.ip_forward|vm.max_map_count)'"
    )
    return str(lab.exec(host, "sh", "-c", script).stdout)


def test_fresh_hosts_have_no_errors_and_nothing_is_changed(site: HostSite) -> None:
    before = {host.name: state_of(site.lab, host.name) for host in site.lab.hosts}
    for arguments in ((), ("--check", "--diff")):
        run = site.good("preflight", *arguments)
        assert run.changed == 0, changes(run)
        assert max(launches(run).values()) <= 4, launches(run)
    assert errors(site) == {}
    assert {host.name: state_of(site.lab, host.name) for host in site.lab.hosts} == before
    for host in site.lab.hosts:
        listening = site.lab.exec(host.name, "ss", "-lntu").stdout
        assert ":9345" not in listening, "the listener is gone"


def test_every_port_was_tried_in_both_directions(site: HostSite) -> None:
    site.good("preflight")
    evidence = json.loads((site.reports / "preflight.json").read_text(encoding="utf-8"))
    assert set(evidence["facts"]) == {host.name for host in site.lab.hosts}
    peers = evidence["peers"]
    for host in evidence["facts"]:
        for other in evidence["facts"]:
            if host != other:
                tried = peers[host][other]["ports"]
                assert {"10250/tcp", "8472/udp", "30000/tcp"} <= set(tried)
                assert ("2380/tcp" in tried) == (host.startswith("server") and other.startswith("server"))
                assert peers[host][other]["latency_ms"] < 50
                assert abs(peers[host][other]["clock_offset_s"]) < 0.5


def test_a_blocked_port_is_found_in_its_direction(site: HostSite) -> None:
    lab = site.lab
    rule = ("iptables", "INPUT", "-p", "tcp", "--dport", "9345", "-s", lab.address("agent-1"), "-j", "DROP")
    assert lab.exec("server-2", rule[0], "-I", *rule[1:]).returncode == 0
    try:
        run = site.run("preflight", preflight_timeout=1)
        assert not run.ok
        found = [one for one in site.findings() if one["check"] == "port.reached" and one["severity"] == "error"]
        assert [(one["host"], one["found"]) for one in found] == [("agent-1", "server-2: 9345/tcp: timed out")]
    finally:
        assert lab.exec("server-2", rule[0], "-D", *rule[1:]).returncode == 0


def test_a_blocked_datagram_is_found(site: HostSite) -> None:
    lab = site.lab
    rule = ("INPUT", "-p", "udp", "--dport", "8472", "-s", lab.address("server-1"), "-j", "DROP")
    assert lab.exec("agent-2", "iptables", "-I", *rule).returncode == 0
    try:
        site.run("preflight", preflight_timeout=1)
        found = [one for one in site.findings() if one["check"] == "port.reached" and one["severity"] == "error"]
        assert [(one["host"], one["found"].split(":")[0]) for one in found] == [("server-1", "agent-2")]
        assert "8472/udp" in found[0]["found"]
    finally:
        assert lab.exec("agent-2", "iptables", "-D", *rule).returncode == 0


def test_one_unreachable_host_is_one_finding(site: HostSite) -> None:
    site.lab.stop("agent-2")
    try:
        run = site.run("preflight", preflight_timeout=1)
        assert not run.ok
        assert errors(site) == {"group.reachable": {"agent-2"}}
        evidence = json.loads((site.reports / "preflight.json").read_text(encoding="utf-8"))
        assert len(evidence["hosts"]) == 4
    finally:
        site.lab.start("agent-2")


def test_all_mistakes_of_all_hosts_are_in_one_table(site: HostSite) -> None:
    """Clones, a wrong hostname, a foreign Kubernetes, a missing nameserver: one run tells all."""
    lab = site.lab
    machine_id = lab.read("server-1", "/etc/machine-id")
    initiator = lab.read("server-1", "/etc/iscsi/initiatorname.iscsi")
    lab.write("agent-1", "/etc/machine-id", machine_id)
    lab.write("agent-1", "/etc/iscsi/initiatorname.iscsi", initiator)
    lab.exec("agent-2", "hostname", "Agent-2")
    lab.write("agent-2", "/etc/resolv.conf", "nameserver 127.0.0.53\n")
    lab.write("server-3", "/etc/systemd/system/k3s.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    lab.exec("server-3", "systemctl", "daemon-reload")
    lab.exec("server-3", "systemctl", "start", "k3s")
    try:
        run = site.run("preflight", rke2_cluster_cidr="10.62.0.0/16", rke2_service_cidr="10.62.128.0/17")
        found = errors(site)
        assert found["group.machine_id"] == {"(all hosts)"}
        assert found["group.initiator"] == {"(all hosts)"}
        assert found["group.cidr"] == {"(all hosts)"}
        assert found["name.form"] == {"agent-2"}
        assert found["network.nameserver"] == {"agent-2"}
        assert found["software.conflict"] == {"server-3"}
        assert len(failures(run)) == 1, "it fails once"
        assert all(check in run.output for check in found)
    finally:
        lab.restore("fresh", ["server-3", "agent-1", "agent-2"])


def test_checks_can_be_left_out_by_their_ids_only(site: HostSite) -> None:
    run = site.run("preflight", preflight_skip=["size.cpu", "nonsense"])
    assert "preflight_skip: 'nonsense' is not allowed" in "".join(failures(run).values())
    site.good("preflight", preflight_skip=[*SKIP, "size.cpu"])
    assert "size.cpu" not in {one["check"] for one in site.findings()}


def test_an_even_number_of_servers_is_refused(site: HostSite) -> None:
    limited: dict[str, Any] = {
        "preflight_roles": "{{ ['agent'] if inventory_hostname != 'server-1' and inventory_hostname != 'server-2' else ['server'] }}"
    }
    run = site.run("preflight", **limited)
    assert not run.ok
    assert "group.servers" in errors(site)


def test_limit_says_what_was_not_compared(site: HostSite) -> None:
    site.good("preflight", "--limit", "server-1,server-2")
    found = [one for one in site.findings() if one["check"] == "group.limit"]
    assert found[0]["found"] == "not looked at: agent-1, agent-2, server-3"


def test_an_open_way_out_of_an_air_gapped_site_is_found(site: HostSite) -> None:
    urls = ["http://repo.lab.test/", "http://192.0.2.1/"]
    site.good("preflight", preflight_airgapped=True, preflight_airgap_urls=urls, preflight_timeout=1)
    found = [one["found"] for one in site.findings() if one["check"] == "reach.airgap"]
    assert set(found) == {"http://repo.lab.test/ answers"}


def test_a_clearml_node_that_is_too_small_is_found(site: HostSite) -> None:
    """HOST-11: three nodes of 8 vCPU, 32 GB, 500 GB."""
    roles = "{{ ['agent', 'clearml'] if inventory_hostname == 'agent-1' else ['server'] if 'server' in inventory_hostname else ['agent'] }}"
    run = site.run(
        "preflight", preflight_roles=roles, preflight_minimum_sizes={"clearml": {"cpus": 999, "memory_gb": 9999}}
    )
    assert not run.ok
    assert errors(site)["size.cpu"] == {"agent-1"}
    assert errors(site)["size.memory"] == {"agent-1"}
    assert "group.clearml" in errors(site)
