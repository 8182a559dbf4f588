# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The parts of the host laboratory that need no host: descriptions, guards on a made-up machine, services' answers."""

from __future__ import annotations

import base64
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.lab.description import PROJECT
from tests.lab.errors import LabError
from tests.lab.hosts import HostSpec, cli, disks, guards, image, network, parts, prerequisites, rpms, spec
from tests.lab.hosts.services import ntp
from tests.lab.hosts.services.registration import Registration, catalogue

CODE = "GOOD-CODE"


def describe(state: Path, *hosts: HostSpec) -> spec.Description:
    """Return a laboratory that does not run."""
    return spec.Description("mine", 7, state, hosts or spec.standard(3, 2), state / "rpms", {"15.7": "image"})


# -- what a laboratory is


def test_all_mistakes_are_told_at_once() -> None:
    hosts = [HostSpec("Upper"), HostSpec("a", sles="12.5"), HostSpec("a", disks=(1,))]
    with pytest.raises(LabError) as caught:
        spec.check(hosts)
    for part in ("'Upper' is not allowed", "'12.5' is not allowed", "[1] is not allowed", "a is there more than once"):
        assert part in str(caught.value)


def test_addresses_are_fixed_by_number_and_order(tmp_path: Path) -> None:
    lab = describe(tmp_path)
    assert (lab.subnet, lab.gateway) == ("10.210.7.0/24", "10.210.7.1")
    assert [lab.address(host.name) for host in lab.hosts] == [f"10.210.7.{number}" for number in range(11, 16)]
    assert len({lab.hardware_address(host.name) for host in lab.hosts}) == 5
    with pytest.raises(LabError, match="allowed: server-1, server-2"):
        lab.address("nobody")


def test_a_description_survives_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_TENANCY_LAB_ROOT", str(tmp_path))
    lab = describe(tmp_path / "mine", HostSpec("a", "16.0", ("rke2_servers",), {"x": [1]}, (64,)))
    lab.state.mkdir()
    (lab.state / "hosts.json").write_text(json.dumps(lab.to_json()), encoding="utf-8")
    assert spec.load("mine") == lab
    assert spec.names() == ["mine"]
    (lab.state / "hosts.json").write_text("{", encoding="utf-8")
    with pytest.raises(LabError, match="scripts/lab down --name mine"):
        spec.load("mine")


@pytest.mark.parametrize(("text", "expected"), [("1", (1, 0)), ("3+2", (3, 2))])
def test_counts(text: str, expected: tuple[int, int]) -> None:
    assert cli.counts(text) == expected


@pytest.mark.parametrize("text", ["", "x", "1+", "+2", "3-2"])
def test_bad_counts(text: str) -> None:
    with pytest.raises(LabError, match="--hosts"):
        cli.counts(text)


def test_the_inventory_has_groups_and_own_variables(tmp_path: Path) -> None:
    hosts = (
        HostSpec("s", groups=("rke2_servers", "extra"), variables={"x": 1}),
        HostSpec("a", groups=("rke2_agents",)),
    )
    content = parts.inventory(describe(tmp_path, *hosts), {"rke2_cni": "canal"})["all"]
    assert content["hosts"]["s"] == {"ansible_host": "10.210.7.11", "x": 1}
    cluster = content["children"]["rke2_cluster"]["children"]
    assert (list(cluster["rke2_servers"]["hosts"]), list(cluster["rke2_agents"]["hosts"])) == (["s"], ["a"])
    assert list(content["children"]["extra"]["hosts"]) == ["s"]
    assert content["children"]["rke2_cluster"]["vars"] == {"rke2_cni": "canal"}


def test_disks_have_names_like_a_machines(tmp_path: Path) -> None:
    lab = describe(tmp_path, HostSpec("a", disks=(64, 32)))
    assert [(name, size) for name, _path, size in disks.files(lab, "a")] == [("vdb", 64), ("vdc", 32)]


def test_bindep_names_every_package_that_is_installed() -> None:
    text = (PROJECT / "bindep.txt").read_text(encoding="utf-8")
    wanted = {*prerequisites.PROGRAMS.values(), *prerequisites.COMPANIONS}
    assert wanted <= set(re.findall(r"^([a-z0-9-]+) \[platform:dpkg(?: hosts)?\]", text, re.MULTILINE))


# -- images and packages


@pytest.mark.parametrize(
    ("release", "lines"),
    [
        ("15.7", ['VERSION="15-SP7"', 'VERSION_ID="15.7"', 'PRETTY_NAME="SUSE Linux Enterprise Server 15 SP7"']),
        ("16.0", ['VERSION="16.0"', 'VERSION_ID="16.0"', 'VARIANT_ID="server"']),
    ],
)
def test_os_release(release: str, lines: list[str]) -> None:
    text = image.release_files(release)["usr/lib/os-release"].splitlines()
    assert {*lines, 'ID="sles"', 'ID_LIKE="suse"'} <= set(text)


def test_packages_are_named_once_and_have_sources() -> None:
    in_image, repositories = rpms.packages()
    names = [item.name for rows in repositories.values() for item in rows]
    assert len(names) == len(set(names))
    assert {item.name for item in in_image}.isdisjoint(names)
    assert set(rpms.FILES) <= {item.name for item in in_image} | set(names)
    for files in rpms.FILES.values():
        assert all((rpms.STANDINS / source).is_file() for source in files.values())


def test_a_products_package_writes_the_products_file() -> None:
    text = rpms.Package("sle-module-x-release", "1").spec()
    assert "%post -n sle-module-x-release" in text
    assert "/etc/products.d/sle-module-x.prod" in text


# -- guards


def test_the_profile_refuses_clock_swap_and_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    profile = json.loads(guards.seccomp_file().read_text(encoding="utf-8"))
    (rule,) = profile["syscalls"]
    assert {"settimeofday", "clock_settime", "swapoff", "finit_module"} <= set(rule["names"])
    assert (rule["action"], rule["errnoRet"], profile["defaultAction"]) == ("SCMP_ACT_ERRNO", 1, "SCMP_ACT_ALLOW")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A made-up /proc/sys."""
    root = tmp_path / "sys"
    for path, value in (("vm/swappiness", "60\n"), ("vm/drop_caches", "0\n"), ("kernel/panic", "0\n"),
                        ("fs/inotify/max_user_instances", "128\n"), ("fs/inotify/max_user_watches", "300000\n"), ("net/ipv4/ip_forward", "0\n")):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(value, encoding="ascii")
    return root


def test_settings_go_back_with_the_last_laboratory(tmp_path: Path, machine: Path) -> None:
    first, second, claims = tmp_path / "first", tmp_path / "second", tmp_path / "claims"
    for path in (first, second, claims):
        path.mkdir()
    kept = guards.Sysctls(claims, machine)
    kept.keep(first, 5)
    assert (machine / "fs/inotify/max_user_instances").read_text() == "2048"
    kept.keep(second, 51)
    assert (machine / "fs/inotify/max_user_instances").read_text() == "6528"
    assert (machine / "fs/inotify/max_user_watches").read_text() == "612000"
    for name, value in (("vm/swappiness", "1\n"), ("kernel/panic", "10\n"), ("net/ipv4/ip_forward", "1\n")):
        (machine / name).write_text(value, encoding="ascii")
    assert kept.restore(first) == []
    assert (machine / "vm/swappiness").read_text() == "1\n"  # the second still runs
    assert kept.restore(second) == []
    assert (machine / "vm/swappiness").read_text() == "60\n"
    assert (machine / "kernel/panic").read_text() == "0\n"
    assert (machine / "fs/inotify/max_user_instances").read_text() == "128\n"
    assert (machine / "net/ipv4/ip_forward").read_text() == "1\n"  # not the machine's alone
    assert kept.restore(second) == []  # and once more is nothing


def test_a_laboratory_that_vanished_keeps_nothing_back(tmp_path: Path, machine: Path) -> None:
    first, second, claims = tmp_path / "first", tmp_path / "second", tmp_path / "claims"
    for path in (first, second, claims):
        path.mkdir()
    kept = guards.Sysctls(claims, machine)
    kept.keep(first, 1)
    kept.keep(second, 1)
    (machine / "vm/swappiness").write_text("1\n", encoding="ascii")
    first.rmdir()
    assert kept.restore(second) == []
    assert (machine / "vm/swappiness").read_text() == "60\n"


def test_all_steps_of_tidying_up_are_tried() -> None:
    done = []

    def fail() -> None:
        raise LabError("first")

    def tidy_up() -> None:
        with guards.all_tried() as attempt:
            for step in (fail, lambda: ["second"], lambda: done.append(1)):
                attempt(step)

    with pytest.raises(LabError, match=r"(?s)first.*second"):
        tidy_up()
    assert done == [1]


def test_only_the_laboratorys_own_packets_keep_their_address(tmp_path: Path) -> None:
    rules = network.nat_rules(describe(tmp_path))
    assert all("10.210.7.0/24" in rule and "ait7" in rule for rule in rules)


# -- services


def test_time_is_answered_only_to_clients() -> None:
    request = bytes([0x23]) + bytes(39) + struct.pack("!Q", 42)
    reply = ntp.answer(request, 1000.0, 1000.5)
    assert reply is not None
    assert (reply[0], reply[1]) == (0x24, 2)
    origin, received, sent = struct.unpack("!QQQ", reply[24:48])
    assert (origin, received, sent) == (42, ntp.stamp(1000.0), ntp.stamp(1000.5))
    assert ntp.answer(bytes([0x24]) + bytes(47), 0, 0) is None
    assert ntp.answer(b"short", 0, 0) is None


class Client:
    """Asks a registration server as SUSEConnect does."""

    def __init__(self, path: Path, host: str = "scc.suse.com") -> None:
        self.server, self.host, self.authorization = Registration(path, CODE), host, ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, text = self.server.handle(self.host, method, path, self.authorization, body)
        return status, json.loads(text) if text else None

    def announce(self, code: str) -> int:
        self.authorization = f"Token token={code}"
        status, answer = self.ask("POST", "/connect/subscriptions/systems", {"hostname": "h"})
        if status == 201:
            pair = f"{answer['login']}:{answer['password']}"
            self.authorization = "Basic " + base64.b64encode(pair.encode()).decode()
        return status

    def activate(self, product: str, **more: str) -> tuple[int, Any]:
        identifier, version, arch = product.split("/")
        body = {"identifier": identifier, "version": version, "arch": arch, **more}
        return self.ask("POST", "/connect/systems/products", body)


def test_registration_wants_the_right_code(tmp_path: Path) -> None:
    client = Client(tmp_path / "state")
    assert client.announce("wrong") == 401
    assert client.announce(CODE) == 201
    assert Client(tmp_path / "state", "rmt.lab.test").announce("") == 201  # a mirroring tool wants none


def test_products_come_after_their_base(tmp_path: Path) -> None:
    client = Client(tmp_path / "state")
    client.announce(CODE)
    assert client.activate("sle-module-python3/15.7/x86_64")[0] == 422
    status, service = client.activate("SLES/15.7/x86_64")
    assert status == 201
    assert client.activate("sle-module-python3/15.7/x86_64")[0] == 201
    assert client.activate("sle-ha/15.7/x86_64")[0] == 422
    assert client.activate("sle-ha/15.7/x86_64", token=CODE)[0] == 201
    assert client.activate("sle-module-NVIDIA-compute/15/x86_64")[0] == 422
    activations = client.ask("GET", "/connect/systems/activations")[1]
    assert [row["service"]["product"]["identifier"] for row in activations] == ["SLES", "sle-module-python3", "sle-ha"]
    index = client.server.repository_index(service["url"].replace("?", "/repo/repoindex.xml?"))
    assert index is not None
    assert "/repo/sles" in index


def test_a_deleted_system_is_unknown(tmp_path: Path) -> None:
    client = Client(tmp_path / "state")
    client.announce(CODE)
    assert client.ask("PUT", "/connect/systems")[0] == 200
    assert client.ask("DELETE", "/connect/systems")[0] == 200
    assert client.ask("PUT", "/connect/systems")[0] == 401


@pytest.mark.parametrize(("fault", "status"), [("garbage", 200), ("unavailable", 503)])
def test_faults(tmp_path: Path, fault: str, status: int) -> None:
    (tmp_path / "state").write_text(json.dumps({"systems": {}, "fault": fault}), encoding="utf-8")
    client = Client(tmp_path / "state")
    assert client.server.handle(client.host, "PUT", "/connect/systems", "", None)[0] == status


def test_every_repository_of_a_product_exists() -> None:
    _files, repositories = rpms.packages()
    assert {product.repository for product in catalogue().values()} <= {*repositories, "all"}
