# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The playbook hosts on real hosts of both releases (HOST-4 to HOST-9)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hosts.site import HostSite, changes, failures, launches
from tests.lab.hosts import HostLab

#: A site as in a data centre: own package server, own time server, a disk for volumes on the one host that has one.
VARIABLES: dict[str, Any] = {
    "sles_prepare_repositories": [
        {"alias": "site", "url": "http://repo.lab.test/repo/all", "gpg_key": "http://repo.lab.test/keys/suse.asc"}
    ],
    "sles_prepare_gpg_keys": ["http://repo.lab.test/keys/suse.asc"],
    "sles_prepare_ntp_servers": ["gateway.lab.test"],
    "sles_prepare_disk": "{{ '/dev/vdb' if inventory_hostname == 'agent-1' else '' }}",
    "sles_prepare_packages": ["jq"],
}


@pytest.fixture(scope="module")
def site(fresh_hosts: HostLab, tmp_path_factory: pytest.TempPathFactory) -> HostSite:
    return HostSite(fresh_hosts, tmp_path_factory.mktemp("prepare"), **VARIABLES)


@pytest.fixture(scope="module")
def prepared(site: HostSite) -> HostSite:
    """Hosts that the playbook has prepared, after a plan on fresh ones."""
    for host in ("server-1", "server-2"):
        site.lab.write(host, "/etc/fstab", "# keep me\nUUID=1 /mnt btrfs noauto 0 0\n/dev/sdb2 none swap sw 0 0\n")
    runs = site.four_times("hosts")
    assert set(changes(runs[0])) == set(changes(runs[1])) == {host.name for host in site.lab.hosts}
    busiest = max(launches(runs[2]).values())
    assert busiest <= 6, launches(runs[2])
    return site


def out(site: HostSite, host: str, *command: str) -> str:
    result = site.lab.exec(host, *command)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return str(result.stdout)


def every_host(site: HostSite) -> list[str]:
    return [host.name for host in site.lab.hosts]


def test_packages_come_from_the_signed_repository(prepared: HostSite) -> None:
    for host in every_host(prepared):
        installed = out(prepared, host, "rpm", "-qa", "--queryformat", "%{NAME}\n").split()
        assert {"chrony", "iptables", "open-iscsi", "nfs-client", "cryptsetup", "firewalld", "jq"} <= set(installed)


def test_an_unsigned_repository_is_not_taken(prepared: HostSite) -> None:
    """Zypper leaves a repository out whose index nobody signed, and says so by its exit code; then the run ends."""
    out(prepared, "agent-2", "rpm", "-e", "jq")
    extra = [*VARIABLES["sles_prepare_repositories"], {"alias": "bad", "url": "http://repo.lab.test/repo/unsigned"}]
    try:
        run = prepared.run("hosts", "--limit", "agent-2", sles_prepare_repositories=extra)
        assert "Zypper run failed" in failures(run)["agent-2"]
        assert "from repository &apos;bad&apos; is unsigned" in run.output
        assert "Key ID" in out(prepared, "agent-2", "rpm", "-q", "--queryformat", "%{RSAHEADER:pgpsig}", "jq")
    finally:
        gone = [*VARIABLES["sles_prepare_repositories"], {"alias": "bad", "state": "absent"}]
        prepared.good("hosts", "--limit", "agent-2", sles_prepare_repositories=gone)
    assert prepared.lab.exec("agent-2", "test", "-e", "/etc/zypp/repos.d/bad.repo").returncode != 0


def test_time_is_really_synchronised(prepared: HostSite) -> None:
    """HOST-4: chronyd asks the site's server and nobody else."""
    for host in every_host(prepared):
        fields = out(prepared, host, "chronyc", "-c", "tracking").split(",")
        assert fields[13].strip() == "Normal"
        sources = out(prepared, host, "chronyc", "-c", "-n", "sources").splitlines()
        assert [line.split(",")[2] for line in sources] == [prepared.lab.gateway]


def test_without_a_time_source_the_run_stops(prepared: HostSite) -> None:
    prepared.lab.exec("server-3", "systemctl", "stop", "chronyd")
    extra = {"sles_prepare_ntp_servers": ["192.0.2.123"], "sles_prepare_time_wait": 3}
    try:
        run = prepared.run("hosts", "--limit", "server-3", **extra)
        assert "not synchronised after 3 s" in failures(run)["server-3"]
        assert "sles_prepare_ntp_servers" in failures(run)["server-3"]
    finally:
        prepared.good("hosts", "--limit", "server-3")


def test_swap_is_gone_and_other_lines_stay(prepared: HostSite) -> None:
    """HOST-6."""
    assert prepared.lab.read("server-1", "/etc/fstab") == "# keep me\nUUID=1 /mnt btrfs noauto 0 0\n"
    assert out(prepared, "server-1", "systemctl", "show", "-P", "LoadState", "swap.target").strip() == "masked"


def test_kernel_settings_are_in_force_and_persistent(prepared: HostSite) -> None:
    for host in every_host(prepared):
        assert out(prepared, host, "cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"
        assert "vm.max_map_count = 262144" in prepared.lab.read(host, "/etc/sysctl.d/90-rke2.conf")
        assert "br_netfilter\n" in prepared.lab.read(host, "/etc/modules-load.d/rke2.conf")


def test_ports_are_open_to_nodes_only(prepared: HostSite) -> None:
    """HOST-5: etcd is for servers, the pod network for nodes, and SSH stays open."""
    zones = {zone: out(prepared, "server-1", "firewall-cmd", f"--zone={zone}", "--list-all")
             for zone in ("rke2-servers", "rke2-nodes", "public", "trusted")}  # fmt: skip
    assert "2380/tcp" in zones["rke2-servers"]
    assert "2380/tcp" not in zones["rke2-nodes"] + zones["public"]
    assert "8472/udp" in zones["rke2-nodes"]
    assert "8472/udp" not in zones["public"]
    assert prepared.lab.address("server-2") in zones["rke2-servers"]
    assert "10.62.0.0/16" in zones["trusted"]
    assert all("ssh" in zones[zone] for zone in ("rke2-servers", "rke2-nodes", "public"))
    agent = out(prepared, "agent-1", "firewall-cmd", "--zone=rke2-servers", "--list-all")
    assert "6443/tcp" not in agent
    assert "10250/tcp" in agent


def test_a_rule_that_somebody_removed_comes_back(prepared: HostSite) -> None:
    out(prepared, "server-1", "firewall-cmd", "--zone=rke2-servers", "--remove-port=2380/tcp")
    run = prepared.good("hosts")
    assert changes(run) == {"server-1": ["ai_tenancy.platform.sles_prepare : Open the firewall"]}
    assert "2380/tcp" in out(prepared, "server-1", "firewall-cmd", "--zone=rke2-servers", "--list-ports")


def test_passwords_are_refused(prepared: HostSite) -> None:
    """HOST-7."""
    effective = out(prepared, "server-2", "sshd", "-T")
    assert "passwordauthentication no" in effective
    assert "permitrootlogin without-password" in effective or "permitrootlogin prohibit-password" in effective


def test_nobody_locks_himself_out(prepared: HostSite) -> None:
    run = prepared.run("hosts", "--limit", "agent-2", sles_prepare_ssh_allow_users=["somebody"])
    assert "would lock Ansible out: root is not among allow_users" in failures(run)["agent-2"]
    run = prepared.run("hosts", "--limit", "agent-2", sles_prepare_ssh_root_login="no")
    assert "Ansible logs in as root" in failures(run)["agent-2"]
    assert prepared.good("hosts").changed == 0


def test_storage_is_ready_for_longhorn(prepared: HostSite) -> None:
    """HOST-8."""
    names = {
        re.sub(r"\s", "", prepared.lab.read(host, "/etc/iscsi/initiatorname.iscsi")) for host in every_host(prepared)
    }
    assert len(names) == len(every_host(prepared))
    assert out(prepared, "agent-1", "systemctl", "is-active", "iscsid").strip() == "active"
    assert "VIRTUAL-DISK" in prepared.lab.read("agent-1", "/etc/multipath/conf.d/longhorn.conf")
    assert out(prepared, "agent-1", "findmnt", "-no", "FSTYPE", "/var/lib/longhorn").strip() == "xfs"
    assert "LABEL=longhorn /var/lib/longhorn xfs" in prepared.lab.read("agent-1", "/etc/fstab")


def test_a_disk_with_data_is_never_formatted(prepared: HostSite) -> None:
    lab = prepared.lab
    out(prepared, "agent-1", "umount", "/var/lib/longhorn")
    out(prepared, "agent-1", "sh", "-c", "wipefs -aq /dev/vdb && mkfs.ext4 -q -F -L precious /dev/vdb")
    before = out(prepared, "agent-1", "sha256sum", "/dev/vdb")
    try:
        run = prepared.run("hosts", "--limit", "agent-1")
        assert "/dev/vdb is not empty: a file system ext4 (label precious)" in failures(run)["agent-1"]
        assert out(prepared, "agent-1", "sha256sum", "/dev/vdb") == before
        out(
            prepared,
            "agent-1",
            "sh",
            "-c",
            "wipefs -aq /dev/vdb; printf data | dd of=/dev/vdb bs=1 seek=5000 conv=notrunc status=none",
        )
        run = prepared.run("hosts", "--limit", "agent-1")
        assert "bytes of an unknown kind" in failures(run)["agent-1"]
    finally:
        out(prepared, "agent-1", "sh", "-c", "dd if=/dev/zero of=/dev/vdb bs=1M status=none; true")
        prepared.good("hosts", "--limit", "agent-1")
    assert lab.exec("agent-1", "mountpoint", "/var/lib/longhorn").returncode == 0


def test_what_a_killed_run_left_undone_is_done(prepared: HostSite) -> None:
    """The note of a restart that is due is there before the file: a run that dies in between loses nothing."""
    lab = prepared.lab
    started = out(prepared, "server-1", "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "chronyd")
    lab.write("server-1", "/var/lib/ai-tenancy/due/chronyd", "")
    plan = prepared.good("hosts", "--check")
    assert list(changes(plan)) == ["server-1"]
    prepared.good("hosts")
    assert out(prepared, "server-1", "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "chronyd") != started
    assert prepared.good("hosts").changed == 0


def test_users_get_keys_and_root(prepared: HostSite, tmp_path: Path) -> None:
    key = (prepared.lab.state / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8").strip()
    users = [{"name": "operator", "keys": [key], "sudo": True}]
    run = prepared.good("hosts", "--limit", "agent-2", sles_prepare_users=users)
    assert changes(run)
    assert "NOPASSWD" in prepared.lab.read("agent-2", "/etc/sudoers.d/ai-tenancy-operator")
    again = prepared.good("hosts", "--limit", "agent-2", sles_prepare_users=users)
    assert again.changed == 0, changes(again)
    prepared.good("hosts", "--limit", "agent-2", sles_prepare_users=[{"name": "operator", "state": "absent"}])
    assert prepared.lab.exec("agent-2", "id", "operator").returncode != 0


def test_the_gpu_driver_comes_from_packages(prepared: HostSite) -> None:
    """HOST-9."""
    repositories = [
        *VARIABLES["sles_prepare_repositories"],
        {
            "alias": "nvidia",
            "url": "http://repo.lab.test/repo/nvidia",
            "gpg_key": "http://repo.lab.test/keys/nvidia.asc",
        },
    ]
    extra = {
        "sles_prepare_repositories": repositories,
        "sles_prepare_gpg_keys": [*VARIABLES["sles_prepare_gpg_keys"], "http://repo.lab.test/keys/nvidia.asc"],
        "sles_prepare_gpu": "nvidia",
    }
    prepared.good("hosts", "--limit", "agent-1", **extra)
    installed = out(prepared, "agent-1", "rpm", "-qa", "--queryformat", "%{NAME}\n").split()
    assert {"nvidia-open-driver-G07-signed-cuda-kmp-default", "nvidia-compute-utils-G07"} <= set(installed)
    assert prepared.good("hosts", "--limit", "agent-1", **extra).changed == 0


def test_after_it_the_hosts_are_proven_ready(prepared: HostSite) -> None:
    """verify_hosts counts everything; what this laboratory cannot have is named, and nothing else is found."""
    skip = ["group.product_uuid", "storage.file_system", "storage.own_file_system", "group.system"]
    run = prepared.good("verify_hosts", preflight_skip=skip, rke2_api_endpoint="rke2.lab.test")
    assert run.changed == 0
    evidence = json.loads((prepared.reports / "verify-hosts.json").read_text(encoding="utf-8"))
    assert evidence["stage"] == "after"
    assert evidence["counts"]["error"] == 0
    assert set(evidence["facts"]) == set(every_host(prepared))


def test_a_lock_of_zypper_is_waited_for(prepared: HostSite) -> None:
    """Somebody else's zypper holds the lock for a while, as an automatic update does."""
    out(prepared, "server-3", "rpm", "-e", "jq")
    hold = "sleep 15 | zypper --non-interactive shell >/dev/null 2>&1"
    assert prepared.lab.exec("server-3", "systemd-run", "--collect", "sh", "-c", hold).returncode == 0
    run = prepared.good("hosts", "--limit", "server-3")
    assert changes(run) == {"server-3": ["ai_tenancy.platform.sles_prepare : Packages | Install what is missing"]}
    out(prepared, "server-3", "rpm", "-q", "jq")


FAKE_NODE = """
[Unit]
Description=stands for a node of a running cluster
[Service]
ExecStartPre=/bin/sh -c 'mkdir -p /srv/kubelet; echo ok >/srv/kubelet/healthz; sleep 3'
ExecStart=/usr/bin/python3 -m http.server 10248 --bind 127.0.0.1 --directory /srv/kubelet
[Install]
WantedBy=multi-user.target
"""


def test_a_reboot_is_told_and_done_one_by_one_where_a_cluster_runs(prepared: HostSite) -> None:
    """HOST-6: not without consent; then the second host goes down only when the first one's kubelet is well again."""
    lab, hosts = prepared.lab, ("server-1", "server-2")
    for host in hosts:
        lab.write(host, "/etc/systemd/system/rke2-server.service", FAKE_NODE)
        out(prepared, host, "systemctl", "enable", "--now", "rke2-server")
        lab.write(host, "/run/reboot-needed", "")
    boots = {host: lab.read(host, "/proc/sys/kernel/random/boot_id") for host in hosts}
    try:
        run = prepared.good("hosts", "--limit", "server-1,server-2")
        assert "server-1 needs a reboot" in run.output
        assert {host: lab.read(host, "/proc/sys/kernel/random/boot_id") for host in hosts} == boots
        run = prepared.good("hosts", "--limit", "server-1,server-2", sles_prepare_reboot=True)
        steps = [event["host"] for event in run.of("result") if event["task"].split(" : ")[-1] in (
            "Reboot | One node", "Reboot | Wait until its kubelet is well") and event["status"] == "ok"]  # fmt: skip
        assert steps == ["server-1", "server-1", "server-2", "server-2"]
        assert all(lab.read(host, "/proc/sys/kernel/random/boot_id") != boots[host] for host in hosts)
        assert prepared.good("hosts", "--limit", "server-1,server-2", sles_prepare_reboot=True).changed == 0
    finally:
        for host in hosts:
            lab.exec(
                host, "sh", "-c", "systemctl disable --now rke2-server; rm -f /etc/systemd/system/rke2-server.service"
            )


def test_settings_survive_a_reboot(prepared: HostSite) -> None:
    prepared.lab.restart("server-2")
    assert prepared.good("hosts").changed == 0


def test_mistakes_are_told_all_at_once(prepared: HostSite) -> None:
    extra = {
        "sles_prepare_hostname": "Bad_Name",
        "sles_prepare_ca_certificates": {"x": "no certificate"},
        "sles_prepare_repositories": [{"alias": "a b", "url": "nowhere"}],
    }
    message = failures(prepared.run("hosts", "--limit", "agent-2", **extra))["agent-2"]
    for part in (
        "hostname: 'Bad_Name'",
        "certificates.x",
        "repositories[0].alias",
        "repositories[0].url",
        "4 mistakes",
    ):
        assert part in message, message
