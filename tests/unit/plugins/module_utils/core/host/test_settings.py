# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wanted of a host, and what is to be done about it (HOST-4 to HOST-9)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import baseline, disk, packages
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.settings import (
    File,
    Found,
    UnitState,
    UnitWish,
    Wish,
    compare,
)

FSTAB = (
    "# keep\nUUID=1  /  btrfs  defaults 0 0\n/dev/sda1 none swap sw 0 0\nLABEL=x swap swap sw 0 0\n/f none swap sw 0 0"
)
UP = UnitState(exists=True, running=True, boot=True, masked=False)
DOWN = UnitState(exists=True, running=False, boot=False, masked=False)


def kinds(wish: Wish, found: Found) -> list[tuple[str, str]]:
    return [(step.kind, step.name) for step in compare(wish, found)]


def test_swap_lines_go_and_others_stay_byte_for_byte() -> None:
    wish = baseline.swap(FSTAB, [])
    assert wish.files[0].text == "# keep\nUUID=1  /  btrfs  defaults 0 0\n"
    assert baseline.swap(str(wish.files[0].text), []).files == ()


def test_zram_is_switched_off_by_an_empty_configuration() -> None:
    wish = baseline.swap("", ["/usr/lib/systemd/zram-generator.conf"])
    assert [file.path for file in wish.files] == ["/etc/systemd/zram-generator.conf"]


def test_our_block_in_etc_hosts() -> None:
    old = "127.0.0.1 localhost\n::1 localhost"
    once = baseline.with_block(old, ["192.0.2.1 a"])
    assert once.startswith("127.0.0.1 localhost\n::1 localhost\n# BEGIN")
    assert baseline.with_block(once, ["192.0.2.1 a"]) == once
    changed = baseline.with_block(once + "192.0.2.9 own\n", ["192.0.2.2 b"])
    assert "192.0.2.1" not in changed
    assert changed.endswith("192.0.2.9 own\n")
    assert baseline.with_block(once, []) == old + "\n"


def test_an_action_follows_its_file_once_and_what_is_due_is_done() -> None:
    wish = Wish(files=(File("/a", "1\n", action="chronyd"), File("/b", "2\n", action="chronyd")))
    assert kinds(wish, Found()) == [("file", "/a"), ("file", "/b"), ("action", "chronyd")]
    done = Found(texts={"/a": "1\n", "/b": "2\n"}, modes={"/a": 0o644, "/b": 0o644})
    assert kinds(wish, done) == []
    late = Found(texts=done.texts, modes=done.modes, due=("sshd",))
    assert kinds(wish, late) == [("action", "sshd")]


def test_a_wrong_mode_is_a_change() -> None:
    wish = Wish(files=(File("/a", "1\n", 0o600),))
    steps = compare(wish, Found(texts={"/a": "1\n"}, modes={"/a": 0o644}))
    assert [(step.before, step.after) for step in steps] == [("mode 0644\n", "mode 0600\n")]


def test_a_secret_text_is_not_shown() -> None:
    wish = baseline.proxy("http://user:secret@proxy:3128", [])
    steps = compare(wish, Found())
    assert "secret" not in str([step.diff() for step in steps])


def test_settings_of_a_module_that_is_being_loaded_are_set_too() -> None:
    wish = Wish(modules=("br_netfilter",), sysctls={"net.bridge.x": "1"})
    assert kinds(wish, Found()) == [("module", "br_netfilter"), ("sysctl", "net.bridge.x")]
    assert kinds(wish, Found(modules={"br_netfilter": True})) == []
    assert kinds(wish, Found(modules={"br_netfilter": True}, sysctls={"net.bridge.x": "0"})) == [
        ("sysctl", "net.bridge.x")
    ]


@pytest.mark.parametrize(
    ("wish", "state", "after"),
    [
        (UnitWish("x.service", running=True, boot=True), UP, None),
        (UnitWish("x.service", running=True, boot=True), DOWN, {"boot": True, "running": True}),
        (UnitWish("x.service", running=False, boot=False), UP, {"boot": False, "running": False}),
        (UnitWish("x.service", running=False, boot=False), UnitState(False, False, False, False), None),
        (UnitWish("x.service", running=True, needed=True), UnitState(False, False, False, False), {"running": True}),
        (UnitWish("x.target", masked=True), DOWN, {"masked": True}),
    ],
)
def test_units(wish: UnitWish, state: UnitState, after: Any) -> None:
    steps = compare(Wish(units=(wish,)), Found(units={wish.name: state}))
    assert [step.after for step in steps] == ([after] if after else [])


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (lambda problems: baseline.hostname("Upper", problems), "hostname: 'Upper'"),
        (lambda problems: baseline.hosts([{"address": "x", "names": ["A b"]}], "", problems), "hosts[0].names"),
        (lambda problems: baseline.modules(["a b"], problems), "modules: 'a b'"),
        (lambda problems: baseline.sysctls({"nodots": 1}, problems), "sysctls.nodots"),
        (lambda problems: baseline.time_sources(["a b"], True, problems), "time.servers"),
        (lambda problems: baseline.sshd({"permit_root_login": "maybe"}, problems), "permit_root_login"),
        (lambda problems: baseline.sshd({"allow_users": ["a b"]}, problems), "allow_users"),
        (lambda problems: baseline.certificates({"x": "y"}, problems), "certificates.x"),
        (
            lambda problems: baseline.certificates({"x/y": "-----BEGIN CERTIFICATE-----"}, problems),
            "certificates: 'x/y'",
        ),
        (lambda problems: baseline.repositories([{"alias": "a b", "url": "x"}], problems), "repositories[0].url"),
        (lambda problems: baseline.units_off(["firewalld"], problems), "units_off"),
    ],
)
def test_mistakes(build: Any, part: str) -> None:
    problems = Problems()
    build(problems)
    assert any(part in str(problem) for problem in problems)


def test_repositories_always_check_signatures() -> None:
    wish = baseline.repositories([{"alias": "a", "url": "https://r/a"}, {"alias": "b", "state": "absent"}], Problems())
    assert "gpgcheck=1" in str(wish.files[0].text)
    assert wish.files[1].text is None


@pytest.mark.parametrize(
    ("options", "user", "effective", "has_keys", "locked"),
    [
        ({}, "root", {}, True, ""),
        ({}, "root", {}, False, "has no key"),
        ({}, "root", {"authorizedkeyscommand": "/usr/bin/sss_ssh_authorizedkeys"}, False, ""),
        ({}, "root", {"trustedusercakeys": "/etc/ssh/ca.pub"}, False, ""),
        ({"permit_root_login": "no"}, "root", {}, True, "logs in as root"),
        ({"permit_root_login": "no"}, "ops", {}, True, ""),
        ({"allow_users": ["dev"]}, "ops", {}, True, "not among allow_users"),
        ({"allow_users": ["op*"]}, "ops", {}, True, ""),
    ],
)
def test_lockout(options: dict[str, Any], user: str, effective: dict[str, str], has_keys: bool, locked: str) -> None:
    reason = baseline.lockout(options, user, effective, has_keys) or ""
    assert (locked in reason) if locked else reason == ""


def test_initiators_are_kept_or_made_unique() -> None:
    kept = baseline.storage("InitiatorName=iqn.x:1\n", "a", own_initiator=False)
    assert baseline.INITIATOR not in {file.path for file in kept.files}
    texts = {baseline.storage("", machine_id, own_initiator=False).files[0].text for machine_id in ("a", "b")}
    assert len(texts) == 2
    forced = baseline.storage("InitiatorName=iqn.x:1\n", "a", own_initiator=True)
    assert forced.files[0].text == baseline.storage("", "a", own_initiator=False).files[0].text


EMPTY = disk.Disk("/dev/sdb", 1, blank=True)


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (EMPTY, ""),
        (disk.Disk("/dev/sdb", 1, kind="xfs", label="longhorn"), ""),
        (disk.Disk("/dev/sdb", 1, kind="xfs", label="longhorn", mounted=("/data",)), "mounted on /data"),
        (disk.Disk("/dev/sdb", 1, kind="xfs", label="other"), "a file system xfs (label other)"),
        (disk.Disk("/dev/sdb", 1, signatures=("PTTYPE gpt",), blank=True), "PTTYPE gpt"),
        (disk.Disk("/dev/sdb", 1, partitions=("sdb1",)), "partitions sdb1"),
        (disk.Disk("/dev/sdb", 1, holders=("dm-0",), blank=True), "in use by dm-0"),
        (disk.Disk("/dev/sdb", 1, blank=False), "bytes of an unknown kind"),
    ],
)
def test_only_an_empty_disk_is_formatted(found: disk.Disk, part: str) -> None:
    reason = disk.refusal(found, "/var/lib/longhorn", "xfs", "longhorn") or ""
    assert (part in reason) if part else reason == ""


def test_the_line_in_fstab_replaces_one_for_the_same_path_only() -> None:
    line = disk.fstab_line("longhorn", "/var/lib/longhorn", "xfs")
    text = disk.with_fstab_line(
        "UUID=1 / btrfs defaults 0 0\n/dev/x /var/lib/longhorn ext4 defaults 0 0", line, "/var/lib/longhorn"
    )
    assert text == f"UUID=1 / btrfs defaults 0 0\n{line}\n"
    assert disk.with_fstab_line(text, line, "/var/lib/longhorn") == text


def test_packages_by_system() -> None:
    choices = {
        "longhorn": True,
        "firewall": "firewalld",
        "gpu": "nvidia",
        "nvidia_generation": "G07",
        "nvidia_version": "595.58.03",
    }
    old = packages.packages(15, {"apparmor": True, "selinux": "disabled"}, choices)
    assert {"apparmor-parser", "open-iscsi", "firewalld", "nvidia-compute-utils-G07=595.58.03"} <= set(old)
    new = packages.packages(
        16, {"apparmor": False, "selinux": "enforcing"}, {"longhorn": False, "firewall": "disabled", "gpu": "none"}
    )
    assert "container-selinux" in new
    assert not {"apparmor-parser", "open-iscsi", "firewalld"} & set(new)


def test_the_parts_of_the_driver_must_have_one_version() -> None:
    module, tools = "nvidia-open-driver-G07-signed-cuda-kmp-default", "nvidia-compute-utils-G07"
    assert packages.driver_mismatch({module: "595.58.03_k6.4.0-1", tools: "595.58.03-0"}, "G07") is None
    assert (
        packages.driver_mismatch({module: "580.1_k6.4.0-1", tools: "595.58.03-0"}, "G07")
        == "the kernel module is 580.1, the user space 595.58.03"
    )
    assert packages.driver_mismatch({module: "580.1_k6.4.0-1"}, "G07") is None


def test_labels_by_gpu_choice() -> None:
    assert packages.node_labels("nvidia")["nvidia.com/gpu.deploy.driver"] == "false"
    assert packages.node_labels("operator")["nvidia.com/gpu.deploy.driver"] == "true"
    assert packages.node_labels("amd") == {packages.LABEL: "amd"}
    assert packages.node_labels("none") == {}
