# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Installation: every checksum before the first change, the other place beside a mounted /usr/local, RPM (RKE2-1)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    NotFoundError,
    PlatformError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places, release
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2 import looking, packages, tarball
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.node import Node

from .machines import Played, machine, make_release, options, waiting

OLD, NEW = "v1.34.10+rke2r1", "v1.35.7+rke2r1"


@pytest.fixture(autouse=True)
def _amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    uname = os.uname_result(("Linux", "n1", "6.4", "x", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: uname)


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def install(root: Path, **changes: object) -> Node:
    host, _played = machine(root)
    node = Node(host, options(**changes), False, waiting())
    node.reach("installed")
    return node


def test_from_a_folder(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD)
    node = install(tmp_path)
    assert [step.summary()["kind"] for step in node.steps] == ["Release"]
    host, _played = machine(tmp_path)
    assert looking.installation(host) == {"installed": OLD, "method": "tar", "conflict": "", "root": "/usr/local"}
    assert (tmp_path / "usr/local/lib/systemd/system/rke2-server.service").exists()
    assert os.access(tmp_path / "usr/local/bin/rke2", os.X_OK)
    assert not (tmp_path / "etc/passwd").exists(), "nothing outside of bin, lib and share is unpacked"
    assert install(tmp_path).steps == [], "the second time nothing is done"


def test_an_upgrade_keeps_the_program_that_was_there(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD)
    make_release(tmp_path / "srv", NEW)
    install(tmp_path)
    node = install(tmp_path, version=NEW)
    assert (node.steps[0].before, node.steps[0].after) == (OLD, NEW)
    assert OLD in (tmp_path / f"usr/local/bin/rke2{tarball.PREVIOUS}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "mounted",
    [
        "30 1 8:2 /data/local /usr/local rw,relatime - xfs /dev/sda2 rw",  # a bind mount: one file system with /
        "30 1 8:2 / / ro,relatime - btrfs /dev/sda2 rw",
        "30 1 8:2 / / rw,relatime - ext4 /dev/sda2 ro,errors=remount-ro",
    ],
)
def test_beside_a_usr_local_that_is_mounted_or_read_only(tmp_path: Path, mounted: str) -> None:
    make_release(tmp_path / "srv", OLD)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(mounted + "\n", encoding="utf-8")
    install(tmp_path)
    unit = (tmp_path / "etc/systemd/system/rke2-server.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/rke2/bin/rke2 server" in unit
    assert "/usr/local" not in unit
    assert "/opt/rke2/bin/rke2" in (tmp_path / "opt/rke2/bin/rke2-uninstall.sh").read_text(encoding="utf-8")
    assert (tmp_path / "opt/rke2/lib/systemd/system/rke2-server.env").exists()


@pytest.mark.parametrize("spoiled", ["tarball", "images", "list", "missing"])
def test_nothing_is_touched_when_a_checksum_is_wrong(tmp_path: Path, spoiled: str) -> None:
    folder = make_release(tmp_path / "srv", OLD, images=("canal", "traefik"))
    names = {
        "tarball": release.tarball("amd64"),
        "images": "rke2-images-traefik.linux-amd64.tar.zst",
        "list": release.checksums("amd64"),
        "missing": "rke2-images-canal.linux-amd64.tar.zst",
    }
    if spoiled == "missing":
        (folder / names[spoiled]).unlink()
    else:
        with (folder / names[spoiled]).open("ab") as file:
            file.write(b"x")
    before = everything(tmp_path)
    pin = "0" * 64 if spoiled == "list" else None
    with pytest.raises((RefusedError, NotFoundError)) as caught:
        install(tmp_path, images=["canal", "traefik"], source_checksum=pin)
    assert names[spoiled] in str(caught.value)
    assert "Nothing was touched" in str(caught.value)
    assert everything(tmp_path) == before


def test_an_archive_with_another_version_is_refused(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD, holds=NEW)
    before = everything(tmp_path)
    with pytest.raises(RefusedError, match="The archive holds v1"):
        install(tmp_path)
    assert everything(tmp_path) == before


def test_a_full_disk_is_told_before_anything_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_release(tmp_path / "srv", OLD)
    before = everything(tmp_path)
    real = os.statvfs

    def full(path: str) -> os.statvfs_result:
        values = list(real(path))
        values[4] = 10
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", full)
    with pytest.raises(PlatformError, match="MiB are needed"):
        install(tmp_path)
    assert everything(tmp_path) == before


def test_images_of_an_air_gapped_site(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD, images=("canal", "traefik"))
    node = install(tmp_path, images=["canal", "traefik"])
    assert [step.name for step in node.steps] == [
        "RKE2 by tar",
        "rke2-images-core.linux-amd64.tar.zst",
        "rke2-images-canal.linux-amd64.tar.zst",
        "rke2-images-traefik.linux-amd64.tar.zst",
    ]
    assert install(tmp_path, images=["canal", "traefik"]).steps == []
    (tmp_path / f"{places.IMAGES}/rke2-images-core.linux-amd64.tar.zst".lstrip("/")).unlink()
    assert [step.name for step in install(tmp_path, images=["canal", "traefik"]).steps] == [
        "rke2-images-core.linux-amd64.tar.zst"
    ]


def test_check_mode_touches_nothing(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD)
    before = everything(tmp_path)
    host, played = machine(tmp_path)
    node = Node(host, options(), True, None)
    node.reach("started")
    assert [step.kind for step in node.steps] == ["Release", "Unit"]
    assert everything(tmp_path) == before
    assert not played.ran("systemctl", "start")


def test_another_method_is_refused(tmp_path: Path) -> None:
    make_release(tmp_path / "srv", OLD)
    install(tmp_path)
    with pytest.raises(RefusedError, match="installed by tar below /usr/local, wanted is rpm"):
        install(tmp_path, method="rpm")


# --- RPM ---


def rpm_host(root: Path) -> Played:
    host, played = machine(root)

    def zypper(argv: list[str]) -> tuple[int, str, str]:
        if "install" in argv:
            program = root / "usr/bin/rke2"
            program.parent.mkdir(parents=True)
            program.write_text(f"rke2 version {OLD} (abc)\n", encoding="utf-8")
        return 0, "", ""

    played.answers["zypper"] = zypper
    Node(host, options(method="rpm"), False, waiting()).reach("installed")
    return played


def test_by_zypper_with_exactly_this_version(tmp_path: Path) -> None:
    played = rpm_host(tmp_path)
    words = [call for call in played.calls if call[0] == "zypper"]
    assert [call[3] for call in words] == ["modifyrepo", "refresh", "install", "modifyrepo"]
    assert words[2][-2:] == ["rke2-server=1.34.10~rke2r1", "rke2-common=1.34.10~rke2r1"]
    assert words[3][4] == "--disable", "the repository is not left enabled"
    assert played.ran("rpm", "--import", "http://repo.example.com/key.asc")
    text = (tmp_path / packages.REPOSITORY_FILE.lstrip("/")).read_text(encoding="utf-8")
    assert "baseurl=http://repo.example.com/all\n" in text
    assert "enabled=0" in text


def test_the_lock_of_zypper_is_waited_for_and_told(tmp_path: Path) -> None:
    host, played = machine(tmp_path)
    played.answers["zypper"] = lambda _argv: (7, "", "System management is locked by the application with pid 4711")
    with pytest.raises(WaitTimeoutError, match="pid 4711"):
        Node(host, options(method="rpm"), False, waiting()).reach("installed")
    assert {"ZYPP_LOCK_TIMEOUT": "120"}.items() <= played.environment[-1].items()


def test_what_zypper_says_is_told(tmp_path: Path) -> None:
    host, played = machine(tmp_path)
    text = "Problem: nothing provides 'container-selinux' needed by rke2-selinux\n Solution 1: ..."
    played.answers["zypper"] = lambda argv: (4, text, "") if "install" in argv else (0, "", "")
    with pytest.raises(PlatformError, match="nothing provides 'container-selinux'"):
        Node(host, options(method="rpm"), False, waiting()).reach("installed")
    assert "--disable" in played.calls[-1]
