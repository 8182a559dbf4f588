# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A machine in a folder: real files, programs that are played, and releases in the real layout."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock, Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places, release
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.version import Version
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.machine import Machine

Answer = tuple[int, str, str]
OK: Answer = (0, "", "")


class Played:
    """Answers for programs. calls: every argv, in order. units: name -> properties that systemctl shows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[list[str]] = []
        self.units: dict[str, dict[str, str]] = {}
        self.answers: dict[str, Callable[[list[str]], Answer]] = {}
        self.environment: list[dict[str, str]] = []

    def __call__(self, argv: list[str], **options: Any) -> Answer:
        argv = argv[2:] if argv[0] == "timeout" else argv
        self.calls.append(argv)
        self.environment.append(options.get("environ_update") or {})
        name = argv[0].rsplit("/", 1)[-1]
        for word in (" ".join(argv[:2]), name):
            if word in self.answers:
                return self.answers[word](argv)
        if argv[-1] == "--version":
            return 0, Path(argv[0]).read_text(encoding="utf-8"), ""
        if name == "systemctl":
            return self._systemctl(argv)
        if name in ("rpm", "journalctl", "zypper", "restorecon"):
            return (1, "", "") if name == "rpm" and "-q" in argv else OK
        raise FileNotFoundError(2, "No such file or directory", argv[0])

    def _systemctl(self, argv: list[str]) -> Answer:
        if argv[1] != "show":
            return OK
        names = [word for word in argv[2:] if word.endswith(".service")]
        blocks = []
        for name in names:
            known = {"LoadState": "not-found", "ActiveState": "inactive", **self.units.get(name, {})}
            blocks.append("".join(f"{key}={value}\n" for key, value in {"Id": name, **known}.items()))
        return 0, "\n".join(blocks), ""

    def ran(self, *words: str) -> bool:
        """Whether a program was started with these words in this order."""
        return any(all(word in call for word in words) for call in self.calls)


def machine(root: Path) -> tuple[Machine, Played]:
    """A machine below ``root`` and what its programs are asked."""
    played = Played(root)
    (root / "usr/local").mkdir(parents=True, exist_ok=True)
    return Machine(played, str(root)), played


def waiting(timeout: float = 10.0) -> Waiting:
    """Waiting that takes no time."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Waiting(Clock(lambda: now[0], sleep, lambda: 0.5), timeout, 1.0)


UNIT = "[Service]\nType=notify\nEnvironmentFile=-/usr/local/lib/systemd/system/%N.env\nExecStart=/usr/local/bin/rke2 server\n"


def make_release(folder: Path, version: str, holds: str = "", images: tuple[str, ...] = ()) -> Path:
    """A release in the real layout. The program is a file that says its version. holds: another version in it."""
    target = folder / version
    target.mkdir(parents=True)
    names = {
        "bin/rke2": (f"rke2 version {holds or version} (abc)\ngo version go1.26\n", 0o755),
        "bin/rke2-uninstall.sh": ("#!/bin/sh\nrm -f /usr/local/bin/rke2\n", 0o755),
        "bin/rke2-killall.sh": ("#!/bin/sh\n", 0o755),
        "lib/systemd/system/rke2-server.service": (UNIT, 0o644),
        "lib/systemd/system/rke2-agent.service": (UNIT.replace("server", "agent"), 0o644),
        "lib/systemd/system/rke2-server.env": ("HOME=/root\n", 0o644),
        "share/rke2/LICENSE.txt": ("Apache\n", 0o644),
    }
    with tarfile.open(target / release.tarball("amd64"), "w:gz") as tar:
        for name, (text, mode) in names.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), mode
            tar.addfile(member, io.BytesIO(text.encode()))
        outside = tarfile.TarInfo("../etc/passwd")
        outside.size = 4
        tar.addfile(outside, io.BytesIO(b"evil"))
    for name in release.image_archives(Version.parse(version), "amd64", images) if images else ():
        (target / name).write_bytes(f"images of {name}".encode())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(target.iterdir())]
    (target / release.checksums("amd64")).write_text("".join(lines), encoding="utf-8")
    return target


def options(**changes: Any) -> dict[str, Any]:
    """Options of the module rke2_node."""
    return {
        "type": "server",
        "version": "v1.34.10+rke2r1",
        "method": "tar",
        "source": "/srv",
        "source_ca_path": None,
        "source_checksum": None,
        "images": None,
        "rpm_repository": "http://repo.example.com/all/",
        "rpm_key": "http://repo.example.com/key.asc",
        "rotate_certificates": False,
        "kill": False,
        "wait_timeout": 10,
        **changes,
    }


def last_start(root: Path) -> dict[str, Any]:
    """What was written down about the last successful start."""
    return json.loads((root / places.LAST_START.lstrip("/")).read_text(encoding="utf-8"))
