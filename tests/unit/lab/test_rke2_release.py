# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A release of the laboratory's RKE2 has the layout of a real one."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.rke2 import images, release


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with two words in the place of its binaries."""
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    work = tmp_path_factory.mktemp("work")
    for name in ("rke2", "pod"):
        (work / name).write_text(name, encoding="utf-8")
    target = tmp_path_factory.mktemp("release")
    release.pack(target, 34, work / "rke2", work / "pod")
    return target


def test_tarball(packed: Path) -> None:
    with tarfile.open(packed / "rke2.linux-amd64.tar.gz") as archive:
        modes = {entry.name: entry.mode for entry in archive.getmembers()}
    assert modes == {
        "bin/rke2": 0o755,
        "bin/rke2-killall.sh": 0o755,
        "bin/rke2-uninstall.sh": 0o755,
        "lib/systemd/system/rke2-agent.env": 0o644,
        "lib/systemd/system/rke2-agent.service": 0o644,
        "lib/systemd/system/rke2-server.env": 0o644,
        "lib/systemd/system/rke2-server.service": 0o644,
        "share/rke2/LICENSE.txt": 0o644,
        "share/rke2/rke2-cis-sysctl.conf": 0o644,
    }


def test_every_file_has_its_sum(packed: Path) -> None:
    sums = dict(reversed(line.split("  ")) for line in (packed / "sha256sum-amd64.txt").read_text().splitlines())
    files = {path.name for path in packed.iterdir()} - {"sha256sum-amd64.txt"}
    assert set(sums) == files
    assert {
        "rke2-images.linux-amd64.tar.zst",
        "rke2-images-core.linux-amd64.tar.zst",
        "rke2-images-canal.linux-amd64.txt",
    } <= files
    for name in files:
        assert hashlib.sha256((packed / name).read_bytes()).hexdigest() == sums[name]


def test_base_list_is_core_and_canal(packed: Path) -> None:
    lines = {name: (packed / f"rke2-images{name}.linux-amd64.txt").read_text() for name in ("", "-core", "-canal")}
    assert lines[""] == lines["-core"] + lines["-canal"]
    assert f"docker.io/{images.PAUSE}\n" in lines["-core"]


@pytest.mark.parametrize(("minor", "inside", "beside"), [(35, "nginx", "traefik"), (36, "traefik", "ingress-nginx")])
def test_ingress_controllers_change_places_in_1_36(minor: int, inside: str, beside: str) -> None:
    contents = images.archives(minor)
    assert any(inside in name for name in contents["core"])
    assert beside in contents


def test_image_archive(tmp_path: Path) -> None:
    program = tmp_path / "pod"
    program.write_bytes(b"program")
    images.write(tmp_path / "a.tar", ["x:1", "y:2"], program)
    with tarfile.open(tmp_path / "a.tar") as archive:

        def content(name: str) -> bytes:
            stream = archive.extractfile(name)
            assert stream is not None
            return stream.read()

        (entry,) = json.loads(content("manifest.json"))
        assert entry["RepoTags"] == ["docker.io/x:1", "docker.io/y:2"]
        blob = content(entry["Config"])
        assert entry["Config"] == hashlib.sha256(blob).hexdigest() + ".json"
        layer = hashlib.sha256(content(entry["Layers"][0])).hexdigest()
        assert json.loads(blob)["rootfs"]["diff_ids"] == [f"sha256:{layer}"]


@pytest.mark.parametrize("version", ["1.34.10+rke2r1", "v1.34.10", "v2.0.0+rke2r1", "v1.34.10+rke2r1 "])
def test_no_version(version: str) -> None:
    with pytest.raises(LabError, match="version: "):
        release.minor_of(version)


def test_units() -> None:
    for role, other in (("server", "agent"), ("agent", "server")):
        text = (release.FILES / f"rke2-{role}.service").read_text()
        assert f"ExecStart=/usr/local/bin/rke2 {role}\n" in text
        assert f"is-active rke2-{other}.service" in text
        for line in ("Type=notify", "KillMode=process", "Delegate=yes", "TimeoutStartSec=0", "Restart=always"):
            assert f"\n{line}\n" in text
