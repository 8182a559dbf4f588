# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Every check of preflight: it finds its mistake, names what it found, and says nothing about healthy hosts (HOST-11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight import report, request
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight.model import Host, Site

from .healthy import GB, SITE, UNIT, fleet, host

RUNS = UNIT
PEER = {"ports": {"6443/tcp": ""}, "latency_ms": 0.2, "clock_offset_s": 0.001}


@dataclass(frozen=True)
class Case:
    """One mistake. check: its id. change: what is broken. found: part of what is told. severity: error unless given."""

    check: str
    change: Callable[[list[Host]], list[Host]]
    found: str
    severity: str = "error"
    site: Site = SITE
    where: str = "node-1"


def one(**changes: Any) -> Callable[[list[Host]], list[Host]]:
    """Break facts of the first host."""
    return lambda hosts: [host(1, **changes), *hosts[1:]]


def first(**fields: Any) -> Callable[[list[Host]], list[Host]]:
    """Change what the inventory says of the first host."""
    return lambda hosts: [replace(hosts[0], **fields), *hosts[1:]]


def site(**fields: Any) -> Site:
    return replace(SITE, **fields)


def same(hosts: list[Host]) -> list[Host]:
    return hosts


def listen(port: int, protocol: str = "tcp") -> dict[str, Any]:
    return {"network__listening": [{"protocol": protocol, "port": port, "loopback": False}]}


ROOM = {
    "mount": "/",
    "type": "btrfs",
    "total": 100 * GB,
    "free": 80 * GB,
    "own_file_system": False,
    "source": "/dev/sda",
}
GPU = [{"address": "0000:17:00.0", "vendor": "nvidia", "device": "0x2330"}]
CASES = [
    Case("os.supported", one(os__version="15.5"), "VERSION_ID 15.5"),
    Case("os.supported", one(os__id="debian"), "ID debian"),
    Case("os.architecture", one(architecture="s390x"), "s390x"),
    Case("os.init", one(init="bash"), "bash"),
    Case("os.transactional", one(storage__root={"read_only": True}, transactional=True), "transactional"),
    Case("os.usr_local", one(storage__usr_local_mounted=True), "/usr/local", "info"),
    Case("size.cpu", one(cpus=1), "1"),
    Case("size.cpu", one(cpus=3), "3", "warning"),
    Case("size.memory", one(memory=3 * GB), "3.0 GB"),
    Case("size.memory", first(roles=("agent", "clearml"), facts={**host(1).facts, "memory": 31 * GB}), "31.0 GB"),
    Case("size.disk", one(storage__paths={"/var/lib/rancher": {**ROOM, "total": 10 * GB, "free": 9 * GB}}), "10.0 GB"),
    Case("disk.free", one(storage__paths={"/var/lib/rancher": {**ROOM, "free": 9 * GB}}), "9.0 GB of 100.0 GB"),
    Case("disk.rotational", one(storage__paths={"/var/lib/rancher": ROOM}), "/dev/sda rotates", "warning"),
    Case("kernel.version", one(kernel="4.18.0"), "4.18.0", site=site(cni="cilium")),
    Case("kernel.cgroup", one(cgroup=1), "version 1", "warning"),
    Case("kernel.modules_missing", one(modules__iscsi_tcp="missing"), "iscsi_tcp"),
    Case("kernel.modules_loaded", one(modules__br_netfilter="available"), "br_netfilter"),
    Case("kernel.sysctl", one(sysctls={"vm.max_map_count": "65530"}), "vm.max_map_count=65530"),
    Case("kernel.swap", one(swap__active=["/dev/sdb2"]), "/dev/sdb2"),
    Case("kernel.swap", one(swap__fstab=["UUID=1"]), "UUID=1"),
    Case("security.selinux", one(security__selinux="enforcing"), "container-selinux and rke2-selinux"),
    Case("security.apparmor", one(security__apparmor_parser=False), "apparmor_parser"),
    Case("software.iptables", one(programs=["iscsiadm", "mount.nfs", "cryptsetup"]), "no iptables"),
    Case("software.conflict", one(units={"docker.service": RUNS, "iscsid.service": RUNS}), "docker"),
    Case("rke2.method", one(rke2__method="rpm"), "rpm", site=site(install_method="tar")),
    Case("rke2.method", one(rke2__method="both"), "at the same time"),
    Case("rke2.role", one(units={"rke2-agent.service": RUNS, "iscsid.service": RUNS}), "rke2-agent runs"),
    Case("gpu.choice", first(gpu="nvidia"), "no GPU on the PCI bus"),
    Case("gpu.choice", one(gpus=GPU), "GPU of nvidia", "warning"),
    Case("name.form", one(names__kernel="Node-1"), "Node-1"),
    Case("name.form", one(names__kernel="localhost"), "localhost"),
    Case("name.static", one(names__static="other"), "other"),
    Case("dns.own", one(names__full="nobody.example.com"), "nobody.example.com"),
    Case("dns.own", one(network__addresses=[{"device": "eth0", "address": "192.0.2.9"}]), "192.0.2.1"),
    Case(
        "dns.reverse",
        one(
            dns={
                "node-1.example.com": {"addresses": ["192.0.2.1"], "reverse": {"192.0.2.1": ""}},
                "k8s.example.com": {"addresses": ["192.0.2.100"]},
            }
        ),
        "192.0.2.1",
        "warning",
    ),
    Case("dns.names", same, "registry.example.com", site=site(names=("registry.example.com",))),
    Case("dns.peers", first(peers={"node-2": {**PEER, "resolved": []}}), "no address for node-2", "warning"),
    Case("network.nameserver", one(network__nameservers=["127.0.0.53", "169.254.1.1"]), "127.0.0.53"),
    Case("network.nameserver", one(network__nameservers=[]), "none"),
    Case("network.route", one(network__default_routes=[]), "no default route"),
    Case("network.address", first(address="198.51.100.7"), "198.51.100.7"),
    Case("network.manager", one(units={"NetworkManager.service": RUNS, "iscsid.service": RUNS}), "cali*"),
    Case(
        "network.cloud_setup", one(units={"nm-cloud-setup.timer": RUNS, "iscsid.service": RUNS}), "nm-cloud-setup.timer"
    ),
    Case(
        "time.synchronised",
        one(time={"chrony": {"synchronised": False, "stratum": 0, "leap": "Not synchronised"}}),
        "stratum 0",
    ),
    Case("time.synchronised", one(time={"chrony": None}), "does not answer"),
    Case("time.controller", one(time__controller_offset_s=-3600.0), "-3600 s", "warning"),
    Case("firewall.mode", one(units={"firewalld.service": RUNS, "iscsid.service": RUNS}), "firewalld is on"),
    Case("firewall.mode", same, "firewalld is off", site=site(firewall="firewalld", cni="cilium")),
    Case("firewall.canal", same, "firewalld with canal", "warning", site(firewall="firewalld")),
    Case("port.free", one(**listen(6443)), "6443/tcp is in use"),
    Case("port.free", one(**listen(8472, "udp")), "8472/udp is in use"),
    Case("port.reached", first(peers={"node-2": {**PEER, "ports": {"9345/tcp": "timed out"}}}), "9345/tcp: timed out"),
    Case(
        "port.reached",
        first(peers={"rke2_api_endpoint": {"ports": {"6443/tcp": "refused"}, "balancer": True}}),
        "6443/tcp",
        "warning",
    ),
    Case(
        "reach.url",
        one(urls={"https://r/": {"reached": False, "error": "refused"}}),
        "refused",
        site=site(urls=("https://r/",)),
    ),
    Case(
        "reach.url",
        one(urls={"https://r/": {"reached": True, "error": "self-signed"}}),
        "self-signed",
        site=site(urls=("https://r/",)),
    ),
    Case(
        "reach.repository",
        one(repositories=[{"alias": "a", "url": "http://a", "reached": False, "error": "x"}]),
        "a (http://a)",
    ),
    Case(
        "reach.repository",
        one(repositories=[{"alias": "a", "url": "http://a", "reached": True, "status": 404}]),
        "HTTP 404",
    ),
    Case(
        "reach.airgap",
        one(urls={"https://scc/": {"reached": True}}),
        "https://scc/",
        "warning",
        site(airgapped=True, airgap_urls=("https://scc/",)),
    ),
    Case("storage.iscsi", one(programs=["iptables", "mount.nfs", "cryptsetup"]), "no iscsiadm"),
    Case("storage.iscsi", one(units={}), "iscsid does not run"),
    Case("storage.iscsi_version", one(packages={"open-iscsi": "2.1.12-1"}), "2.1.12"),
    Case("storage.initiator", one(identity__initiator=""), "no InitiatorName"),
    Case("storage.nfs", one(programs=["iptables", "iscsiadm", "cryptsetup"]), "no mount.nfs"),
    Case("storage.cryptsetup", one(programs=["iptables", "iscsiadm", "mount.nfs"]), "no cryptsetup", "warning"),
    Case("storage.multipath", one(units={"multipathd.service": RUNS, "iscsid.service": RUNS}), "multipathd"),
    Case(
        "storage.file_system",
        one(
            storage__paths={
                "/var/lib/longhorn": {**ROOM, "own_file_system": True},
                "/var/lib/rancher": {**ROOM, "source": "x", "total": 900 * GB, "free": 800 * GB},
            }
        ),
        "on btrfs",
    ),
    Case(
        "storage.own_file_system",
        one(
            storage__paths={
                "/var/lib/longhorn": {**ROOM, "type": "ext4"},
                "/var/lib/rancher": {**ROOM, "source": "x", "total": 900 * GB, "free": 800 * GB},
            }
        ),
        "the file system of /",
        "warning",
    ),
    Case("group.reachable", first(facts={}, trouble="no route to host"), "no route to host"),
    Case("group.limit", same, "node-9", "info", site(not_looked_at=("node-9",)), "(all hosts)"),
    Case("group.servers", lambda hosts: [hosts[0], hosts[1], hosts[3]], "2 servers", where="(all hosts)"),
    Case("group.servers", lambda hosts: [hosts[3]], "no host", where="(all hosts)"),
    Case("group.servers", lambda hosts: [hosts[0]], "1 server", "info", where="(all hosts)"),
    Case(
        "group.hostname",
        one(names={"static": "node-2", "kernel": "node-2", "full": "node-1.example.com"}),
        "node-1, node-2",
        where="(all hosts)",
    ),
    Case("group.machine_id", one(identity__machine_id=f"{2:032x}"), "node-1, node-2", where="(all hosts)"),
    Case("group.product_uuid", one(identity__product_uuid="uuid-2"), "node-1, node-2", "warning", where="(all hosts)"),
    Case("group.initiator", one(identity__initiator="iqn.x:2"), "node-1, node-2", where="(all hosts)"),
    Case("group.address", first(address="192.0.2.2"), "192.0.2.2: node-1, node-2", where="(all hosts)"),
    Case("group.endpoint", same, "no rke2_api_endpoint", site=site(api_endpoint=""), where="(all hosts)"),
    Case("group.endpoint", same, "is the server", "warning", site(api_endpoint="192.0.2.1"), "(all hosts)"),
    Case("group.cidr", same, "overlap", site=site(service_cidr=("10.42.128.0/17",)), where="(all hosts)"),
    Case("group.cidr", same, "10.42.0.1/16", site=site(cluster_cidr=("10.42.0.1/16",)), where="(all hosts)"),
    Case("group.cidr", same, "192.0.2.1 lies in", site=site(cluster_cidr=("192.0.0.0/16",))),
    Case("group.cidr", same, "room for 2 nodes", site=site(cluster_cidr=("10.42.0.0/23",)), where="(all hosts)"),
    Case("group.latency", first(peers={"node-2": {**PEER, "latency_ms": 80.0}}), "80.0 ms to node-2"),
    Case("group.latency", first(peers={"node-2": {**PEER, "latency_ms": 20.0}}), "20.0 ms to node-2", "warning"),
    Case("group.clock", first(peers={"node-2": {**PEER, "clock_offset_s": -7.5}}), "-7.5 s"),
    Case("group.system", one(os__version="16.0"), "sles 16.0: node-1", "warning", where="(all hosts)"),
    Case("group.rke2_version", same, "1.31", site=site(rke2_version="v1.31.0+rke2r1"), where="(all hosts)"),
    Case("group.rke2_version", same, "latest", site=site(rke2_version="latest"), where="(all hosts)"),
    Case("group.rke2_version", one(rke2__version="v1.36.3+rke2r1"), "v1.36.3+rke2r1 is installed"),
    Case("group.rke2_version", one(rke2__version="v1.33.1+rke2r1"), "v1.33.1+rke2r1 is installed"),
    Case("group.clearml", first(roles=("server", "clearml")), "1: node-1", where="(all hosts)"),
    Case("group.server_size", one(cpus=1, memory=128 * GB), "serve 0 agents", "warning"),
]


def test_every_check_has_a_case() -> None:
    assert {case.check for case in CASES} == set(report.BY_ID)


def test_healthy_hosts_have_no_findings() -> None:
    assert report.run_checks(fleet(), SITE).findings == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.found}")
def test_a_mistake_is_found(case: Case) -> None:
    hosts = case.change(fleet())
    found = [finding for finding in report.run_checks(hosts, case.site).findings if finding.check == case.check]
    assert found, "nothing was found"
    mine = [finding for finding in found if finding.host == case.where and case.found in finding.found]
    assert mine, found
    assert mine[0].severity == case.severity
    assert mine[0].needed
    assert mine[0].fix


@pytest.mark.parametrize(
    "case", [case for case in CASES if report.BY_ID[case.check].prepared], ids=lambda case: case.check
)
def test_what_will_be_prepared_is_no_mistake_before(case: Case) -> None:
    hosts = case.change(fleet())
    result = report.run_checks(hosts, replace(case.site, stage="before"))
    assert {finding.severity for finding in result.findings if finding.check == case.check} == {"info"}


@pytest.mark.parametrize("check", sorted(report.BY_ID))
def test_each_check_can_be_left_out(check: str) -> None:
    case = next(case for case in CASES if case.check == check)
    result = report.run_checks(case.change(fleet()), case.site, [check])
    assert check not in {finding.check for finding in result.findings}


def test_no_check_stumbles_over_a_host_without_facts() -> None:
    """Whatever a host could not tell is found as missing, and never an exception."""
    bare = [replace(known, facts={"python": "3.11"}) for known in fleet()]
    assert report.run_checks(bare, SITE).failed


def test_the_table_joins_hosts_with_the_same_finding() -> None:
    hosts = [host(1, init="bash"), host(2, init="bash"), host(3)]
    lines = report.table(report.run_checks(hosts, SITE))
    rows = [line for line in lines if "os.init" in line]
    assert len(rows) == 1
    assert "node-1, node-2" in rows[0]
    assert lines[-1].startswith("3 hosts, ")
    assert "2 errors" in lines[-1]
    assert all(line == line.rstrip() for line in lines)


def test_a_port_that_firewalld_still_closes_is_no_mistake_before() -> None:
    closed = {"node-2": {**PEER, "ports": {"9345/tcp": "no route to host"}}}
    hosts = fleet()
    hosts[0] = replace(hosts[0], peers=closed)
    hosts[1] = host(2, units={"firewalld.service": RUNS, "iscsid.service": RUNS})
    for stage, severity in (("before", "info"), ("after", "error")):
        result = report.run_checks(request.with_what_peers_know(hosts), site(stage=stage, firewall="firewalld"))
        assert [one.severity for one in result.findings if one.check == "port.reached"] == [severity]


def test_the_list_of_checks_in_the_readme_is_the_generated_one() -> None:
    page = (Path(__file__).resolve().parents[6] / "roles" / "preflight" / "README.md").read_text(encoding="utf-8")
    table = page.partition("<!-- checks: begin -->\n")[2].partition("<!-- checks: end -->\n")[0]
    assert table == report.markdown_table(), "run scripts/generate"
