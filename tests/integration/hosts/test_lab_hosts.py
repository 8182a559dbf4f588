# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The host laboratory itself: the machine is safe from its hosts, hosts behave like hosts, and nothing is left of them.

The tests run in order on one laboratory of their own; the last one takes it down and looks at the machine. What the
tests of the roles rest on: registration (HOST-2), names (HOST-3), time (HOST-4), swap (HOST-6), disks (HOST-8).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.hosts.conftest import laboratory
from tests.lab import address
from tests.lab.errors import LabError
from tests.lab.hosts import HostLab, HostSpec, guards, podman

HOSTS = (
    HostSpec("server-1", "15.7", ("rke2_servers",), disks=(512,)),
    HostSpec("server-2", "16.0", ("rke2_servers",)),
)

#: Calls refused by the kernel, asked for directly: number on x86_64 by name.
SYSTEM_CALLS = {"settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "swapon": 167, "init_module": 175}


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[HostLab]:
    """A laboratory of one host with each release."""
    with laboratory(request.config, "guards", HOSTS) as instance:
        yield instance


def good(result: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a command that must have succeeded."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def over_ssh(lab: HostLab, host: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as Ansible would reach the host."""
    return subprocess.run([*lab.ssh_command(host), command], capture_output=True, text=True, check=False, timeout=60)


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


# -- the machine is safe


def test_a_host_cannot_set_the_clock_of_the_machine(lab: HostLab) -> None:
    for host in ("server-1", "server-2"):
        for result in (lab.exec(host, "date", "-s", "2001-01-01"), over_ssh(lab, host, "date -s 2001-01-01")):
            assert result.returncode != 0
            assert "Operation not permitted" in result.stderr
    assert time.localtime().tm_year > 2001


def test_the_time_zone_of_a_host_is_its_own(lab: HostLab) -> None:
    before, zone = time.time(), os.readlink("/etc/localtime") if os.path.islink("/etc/localtime") else ""
    good(over_ssh(lab, "server-1", "timedatectl set-timezone Asia/Tokyo"))
    assert "JST" in good(lab.exec("server-1", "date"))
    assert 0 <= time.time() - before < 60
    assert (os.readlink("/etc/localtime") if os.path.islink("/etc/localtime") else "") == zone


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of system calls are those of x86_64")
@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_calls_that_change_the_machine_are_refused(lab: HostLab, name: str) -> None:
    script = (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); "
        f"print(c.syscall({SYSTEM_CALLS[name]}, 0, 0, 0), ctypes.get_errno())"
    )
    assert good(lab.exec("server-1", "python3", "-c", script)).split() == ["-1", str(guards.EPERM)]


def test_a_container_without_the_guard_is_stopped(lab: HostLab) -> None:
    """The check looks for the profile before it tries anything, so this cannot move the clock either."""
    name = f"{lab.name}-unguarded"
    form = [
        "inspect",
        "--format",
        "{{.ImageName}}",
        f"ait{json.loads((lab.state / 'hosts.json').read_text())['number']}-server-1",
    ]
    image = podman.run(*form).stdout.strip()
    podman.run("run", "--detach", "--name", name, "--label", f"{podman.LABEL}={lab.state}", "--privileged",
               "--network", "none", "--entrypoint", "sleep", image, "600")  # fmt: skip
    try:
        with pytest.raises(LabError, match="could set the clock"):
            guards.check_clock(name)
        assert podman.run("inspect", "--format", "{{.State.Running}}", name).stdout.strip() == "false"
    finally:
        podman.remove("container", [name])


def test_the_disks_of_the_machine_are_not_in_a_host(lab: HostLab) -> None:
    assert good(lab.exec("server-1", "find", "/dev", "-type", "b")).split() == ["/dev/vdb"]
    assert good(lab.exec("server-2", "find", "/dev", "-type", "b")) == ""


def test_swap_is_played(lab: HostLab) -> None:
    before = Path("/proc/swaps").read_text()
    lab.write("server-1", "/etc/fstab", "/swapfile none swap sw 0 0\n")
    good(lab.exec("server-1", "truncate", "-s", "64M", "/swapfile"))
    good(over_ssh(lab, "server-1", "swapon -a"))
    assert "/swapfile" in lab.read("server-1", "/proc/swaps")
    assert Path("/proc/swaps").read_text() == before
    good(over_ssh(lab, "server-1", "swapoff -a"))
    assert len(lab.read("server-1", "/proc/swaps").splitlines()) == 1


# -- hosts are hosts


def test_ansible_sees_sles(lab: HostLab) -> None:
    argv = ["ansible", "all", "-i", str(lab.inventory), "-m", "setup", "-a", "gather_subset=!all,distribution,pkg_mgr",
            "--one-line"]  # fmt: skip
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    text = good(subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=120))
    for fact in ('"ansible_distribution": "SLES"', '"ansible_os_family": "Suse"', '"ansible_pkg_mgr": "zypper"'):
        assert text.count(fact) == len(HOSTS), text
    for version in ("15.7", "16.0"):
        assert f'"ansible_distribution_version": "{version}"' in text


def test_names_resolve_forward_and_reverse_and_no_others(lab: HostLab) -> None:
    assert good(lab.exec("server-1", "hostname", "--fqdn")).strip() == "server-1.lab.test"
    assert lab.address("server-2") in good(lab.exec("server-1", "getent", "ahostsv4", "server-2"))
    assert "server-2.lab.test" in good(lab.exec("server-1", "getent", "hosts", lab.address("server-2")))
    assert lab.gateway in good(lab.exec("server-1", "getent", "hosts", "scc.suse.com"))
    assert lab.exec("server-1", "getent", "hosts", "example.com").returncode != 0


def test_nothing_leaves_the_laboratory(lab: HostLab) -> None:
    begin = time.monotonic()
    script = "import socket; socket.create_connection(('198.51.100.7', 443), 5)"
    result = lab.exec("server-1", "python3", "-c", script)
    assert result.returncode != 0
    assert "No route to host" in result.stderr or "unreachable" in result.stderr or "prohibited" in result.stderr
    assert time.monotonic() - begin < 4  # refused, not lost


def test_packages_come_from_signed_repositories_only(lab: HostLab) -> None:
    def add(name: str) -> None:
        good(lab.exec("server-1", "zypper", "-n", "ar", f"http://repo.lab.test/repo/{name}", name))

    add("all")
    good(lab.exec("server-1", "zypper", "-n", "install", "jq"))
    assert good(lab.exec("server-1", "rpm", "-q", "jq")).startswith("jq-1.6-1")
    assert lab.exec("server-1", "zypper", "-n", "install", "nosuchpackage").returncode == 104
    good(lab.exec("server-1", "zypper", "-n", "rm", "jq"))
    good(lab.exec("server-1", "zypper", "-n", "rr", "all"))
    for name in ("unsigned", "stranger"):
        add(name)
        assert lab.exec("server-1", "zypper", "-n", "install", "jq").returncode != 0
        assert lab.exec("server-1", "rpm", "-q", "jq").returncode != 0
        good(lab.exec("server-1", "zypper", "-n", "rr", name))


def test_chrony_follows_the_gateway(lab: HostLab) -> None:
    lab.write("server-2", "/etc/chrony.d/lab.conf", "server gateway.lab.test iburst minpoll 0 maxpoll 2\n")
    good(lab.exec("server-2", "systemctl", "restart", "chronyd"))
    good(lab.exec("server-2", "chronyc", "waitsync", "20", "0", "0", "1"))
    assert "Stratum         : 3" in good(lab.exec("server-2", "chronyc", "tracking"))


def test_registration_with_the_customer_center(lab: HostLab) -> None:
    def connect(*arguments: str, code: str = "") -> int:
        return lab.exec("server-1", "SUSEConnect", *arguments, input=code + "\n").returncode

    assert connect("--keepalive") == 71
    assert connect("-d") == 69
    assert connect("-r", "-", code="WRONG") == 67
    assert connect("-r", "-", code=lab.scc.regcode) == 0
    rows = json.loads(good(lab.exec("server-1", "SUSEConnect", "--status")))
    assert {row["identifier"]: row["status"] for row in rows} == {
        "SLES": "Registered", "sle-module-basesystem": "Registered", "sle-module-server-applications": "Registered",
    }  # fmt: skip
    good(lab.exec("server-1", "zypper", "-n", "install", "open-iscsi"))
    assert connect("-p", "SLES/15.7/x86_64", "-d") == 70
    assert connect("-p", "sle-module-nosuch/15.7/x86_64") == 67
    lab.change_registrations(fault="garbage")
    assert connect("--status") == 66
    lab.change_registrations(forget=True)
    assert connect("--status") == 67
    assert connect("--cleanup") == 0
    lab.stop_service("web")
    assert connect("-r", "-", code=lab.scc.regcode) == 64
    lab.start_service("web")
    assert lab.scc.regcode not in lab.read("server-1", "/var/log/lab-suseconnect.jsonl")


def test_registration_with_a_mirroring_tool_needs_its_authority(lab: HostLab) -> None:
    command = ["SUSEConnect", "--url", lab.rmt.url]
    assert eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in lab.exec("server-2", *command).stdout)
    lab.write("server-2", "/etc/pki/trust/anchors/rmt.pem", lab.rmt.ca_file.read_text(encoding="utf-8"))
    good(lab.exec("server-2", "update-ca-certificates"))
    good(lab.exec("server-2", *command))
    assert [row["server"] for row in lab.registrations().values()] == ["rmt.lab.test"]
    assert f"url: {lab.rmt.url}" in lab.read("server-2", "/etc/SUSEConnect")
    good(lab.exec("server-2", "SUSEConnect", "-d"))
    assert lab.registrations() == {}


def test_bootstrap_of_multi_linux_manager(lab: HostLab) -> None:
    good(lab.exec("server-2", "sh", "-c", f"curl -sSf {lab.mlm.url} | bash"))
    channels = "/etc/zypp/repos.d/susemanager:channels.repo"
    assert eventually(lambda: lab.exec("server-2", "test", "-s", channels).returncode == 0)
    good(lab.exec("server-2", "zypper", "-n", "--gpg-auto-import-keys", "install", "jq"))


def test_a_disk_is_a_real_one(lab: HostLab) -> None:
    good(lab.exec("server-1", "sh", "-c", "mkfs.xfs -q /dev/vdb && mount /dev/vdb /mnt && echo kept >/mnt/file"))
    assert good(lab.exec("server-1", "stat", "-f", "-c", "%T", "/mnt")).strip() == "xfs"
    good(lab.exec("server-1", "umount", "/mnt"))


def test_the_kubernetes_binary_is_there(lab: HostLab) -> None:
    assert "v1.34" in good(lab.exec("server-1", "/opt/lab/bin/kube", "kubectl", "version", "--client"))


def test_the_balancer_leaves_out_what_does_not_answer(lab: HostLab) -> None:
    def ask() -> str:
        argv = ["curl", "-sS", "--max-time", "3", "http://rke2.lab.test:6443/hostname"]
        return lab.exec("server-2", *argv).stdout.strip()

    for host in ("server-1", "server-2"):
        serve = "cd /etc && systemd-run --unit=answer python3 -m http.server 6443 --directory /etc"
        good(lab.exec(host, "sh", "-c", serve))
    assert eventually(lambda: {ask() for _time in range(4)} == {"server-1", "server-2"})
    good(lab.exec("server-2", "systemctl", "stop", "answer"))
    assert eventually(lambda: [ask() for _time in range(4)] == ["server-1"] * 4)
    good(lab.exec("server-1", "systemctl", "stop", "answer"))


# -- what a test can do with hosts


def test_a_reboot_keeps_what_was_changed(lab: HostLab) -> None:
    before = lab.read("server-1", "/proc/sys/kernel/random/boot_id")
    good(over_ssh(lab, "server-1", "hostnamectl hostname renamed && echo 192.0.2.1 other >>/etc/hosts"))
    over_ssh(lab, "server-1", "systemctl reboot")
    assert eventually(lambda: lab.exec("server-1", "cat", "/proc/sys/kernel/random/boot_id").stdout not in ("", before))
    lab.wait_booted("server-1")
    assert good(lab.exec("server-1", "hostname")).strip() == "renamed"
    assert "192.0.2.1 other" in lab.read("server-1", "/etc/hosts")
    guards.check_clock(f"{network_name(lab)}-server-1")


def network_name(lab: HostLab) -> str:
    """Return the name of a laboratory's network."""
    return f"ait{json.loads((lab.state / 'hosts.json').read_text(encoding='utf-8'))['number']}"


def test_a_host_can_be_cut_off(lab: HostLab) -> None:
    ping = ["ping", "-c", "1", "-W", "1", lab.address("server-2")]
    good(lab.exec("server-1", *ping))
    lab.isolate("server-2")
    assert lab.exec("server-1", *ping).returncode != 0
    lab.heal("server-2")
    assert eventually(lambda: lab.exec("server-1", *ping).returncode == 0)


def test_a_snapshot_brings_everything_back(lab: HostLab) -> None:
    paths = ("/etc/kept", "/var/lib/rancher/kept", "/var/lib/kubelet/kept")
    for path in paths:
        lab.write("server-1", path, "before")
    identity = lab.read("server-1", "/etc/machine-id")
    lab.snapshot("kept")
    for path in paths:
        lab.write("server-1", path, "after")
    good(lab.exec("server-1", "wipefs", "--all", "/dev/vdb"))
    lab.restore("kept", ["server-1"])
    assert [lab.read("server-1", path) for path in paths] == ["before"] * 3
    assert lab.read("server-1", "/etc/machine-id") == identity
    assert good(lab.exec("server-1", "sh", "-c", "mount /dev/vdb /mnt && cat /mnt/file && umount /mnt")) == "kept\n"
    good(over_ssh(lab, "server-1", "true"))


def test_a_wiped_host_is_another_one_at_the_same_address(lab: HostLab) -> None:
    identity = lab.read("server-1", "/etc/machine-id")
    lab.wipe("server-1")
    assert lab.read("server-1", "/etc/machine-id") != identity
    assert lab.exec("server-1", "ls", "/var/lib/rancher").stdout == ""
    assert lab.exec("server-1", "blkid", "/dev/vdb").stdout == ""
    assert good(over_ssh(lab, "server-1", "hostname")).strip() == "server-1"


def test_up_heals(lab: HostLab) -> None:
    lab.kill("server-2")
    lab.kill_service("dns")
    states = lab.status()
    assert (states["server-2"].state, states["dns"].state) == ("stopped", "crashed")
    HostLab.up(lab.name, HOSTS)
    assert {state.state for state in lab.status().values()} == {"running"}


# -- nothing is left


def leftovers(lab: HostLab, name: str) -> dict[str, list[str]]:
    """Return what is there of a laboratory on the machine."""

    def lines(*argv: str) -> list[str]:
        text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        return [line for line in text.splitlines() if name in line.split() or f"--comment {name} " in line
                or f" {name}-" in line or lab.gateway.removesuffix(".1") + "." in line or str(lab.state) in line]  # fmt: skip

    return {
        **{kind: podman.labelled(kind, lab.state) for kind in ("container", "network", "volume", "image")},
        "iptables": lines("iptables-save"),
        "rules": lines("ip", "rule"),
        "addresses": lines("ip", "-4", "address"),
        "cables": [line for line in lines("ip", "-o", "link") if f" {name}-" in line],
        "loop devices": lines("losetup", "--list", "--noheadings"),
        "processes": lines("ps", "-eo", "args"),
        "cgroups": [str(mount / name) for mount in guards.cgroup_mounts() if (mount / name).exists()],
    }  # fmt: skip


def test_nothing_is_left_after_down(lab: HostLab) -> None:
    name = network_name(lab)
    for mount in guards.cgroup_mounts():  # a pod's group, as a kubelet leaves it
        (mount / name / "server-1" / "kubepods").mkdir(exist_ok=True)
    before = leftovers(lab, name)
    assert all(before[kind] for kind in before), before
    users = others(lab)
    watched = Path("/proc/sys/vm/max_map_count")
    kept = watched.read_text()
    good(lab.exec("server-1", "sysctl", "-w", f"vm.max_map_count={int(kept) + 1}"))
    lab.down()
    assert leftovers(lab, name) == {kind: [] for kind in before}
    assert [path.name for path in lab.state.iterdir()] == ["logs"]
    if users:
        watched.write_text(kept)
        pytest.skip(f"the machine's settings go back with the last host laboratory; {users} are up")
    assert watched.read_text() == kept


def others(lab: HostLab) -> list[str]:
    """Return the state directories of the other host laboratories of the machine."""
    kept = json.loads((address.claims_dir() / "hosts-sysctls.json").read_text(encoding="utf-8"))
    return [user for user in kept["users"] if user != str(lab.state) and Path(user).is_dir()]
