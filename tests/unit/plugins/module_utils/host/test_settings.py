# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Steps on a machine that is a folder and a list of answers: order, notes of what is due, and taking back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    PlatformError,
    Problems,
    RefusedError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import baseline
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.settings import Wish, compare
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.machine import Machine
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.node import must_be_supported
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.settings import DUE, Settings, guard_login

SHOW = "Id={0}\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=7\n"


class Programs:
    """Answers for programs by the beginning of their command line; everything else ends well and says nothing."""

    def __init__(self, answers: dict[str, tuple[int, str]] | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[str] = []

    def __call__(self, argv: Sequence[str], **_options: Any) -> tuple[int, str, str]:
        line = " ".join(argv)
        self.calls.append(line)
        for start, (code, out) in self.answers.items():
            if line.startswith(start):
                return code, out, "" if code == 0 else out
        if line.startswith("systemctl show"):
            return 0, "\n\n".join(SHOW.format(name) for name in argv[4:]), ""
        return 0, "", ""


def machine(tmp_path: Path, answers: dict[str, tuple[int, str]] | None = None) -> tuple[Machine, Programs]:
    programs = Programs(answers)
    return Machine(programs, str(tmp_path)), programs


def bring(host: Machine, wish: Wish) -> list[str]:
    """Apply a wish; return kinds and names of the steps."""
    settings = Settings(host)
    steps = compare(wish, settings.find(wish))
    settings.apply(steps)
    return [f"{step.kind} {step.name}" for step in steps]


def test_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    host, programs = machine(tmp_path)
    wish = baseline.time_sources(["192.0.2.53"], True, Problems())
    assert bring(host, wish) == ["file /etc/chrony.d/ai-tenancy.conf", "file /etc/chrony.d/pool.conf", "action chronyd"]
    assert "systemctl restart chronyd.service" in programs.calls
    assert bring(host, wish) == []


def test_a_restart_that_failed_is_still_due(tmp_path: Path) -> None:
    host, programs = machine(tmp_path, {"systemctl restart chronyd.service": (1, "no")})
    wish = baseline.time_sources(["192.0.2.53"], True, Problems())
    with pytest.raises(PlatformError, match="Cannot run systemctl restart"):
        bring(host, wish)
    assert host.list(DUE) == ["chronyd"]
    programs.answers.clear()
    assert bring(host, wish) == ["action chronyd"]
    assert host.list(DUE) == []


def test_what_is_due_is_noted_before_the_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _programs = machine(tmp_path)
    written: list[str] = []
    real = host.write
    monkeypatch.setattr(host, "write", lambda path, text, mode=0o644: (written.append(path), real(path, text, mode)))
    bring(host, baseline.time_sources(["192.0.2.53"], False, Problems()))
    assert written == [f"{DUE}/chronyd", "/etc/chrony.d/ai-tenancy.conf"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"sshd -t": (255, "line 3: Bad configuration option")}, "sshd does not accept"),
        ({"sshd -T": (0, "passwordauthentication yes\n")}, "has no effect"),
    ],
)
def test_what_sshd_does_not_take_is_taken_back(
    tmp_path: Path, answers: dict[str, tuple[int, str]], message: str
) -> None:
    host, programs = machine(tmp_path, answers)
    host.write(baseline.SSHD_FILE, "# before\n", 0o640)
    with pytest.raises(PlatformError, match=message):
        bring(host, baseline.sshd({}, Problems()))
    assert host.read(baseline.SSHD_FILE) == "# before\n"
    assert host.mode(baseline.SSHD_FILE) == 0o640
    assert host.list(DUE) == []
    assert "systemctl reload sshd.service" not in programs.calls


def test_sshd_is_reloaded_when_it_takes_it(tmp_path: Path) -> None:
    host, programs = machine(tmp_path, {"sshd -T": (0, "passwordauthentication no\n")})
    bring(host, baseline.sshd({}, Problems()))
    assert programs.calls[-1] == "systemctl reload sshd.service"
    assert host.mode(baseline.SSHD_FILE) == 0o600


def test_a_login_without_a_key_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "nobody-here")
    host, _programs = machine(tmp_path, {"sshd -T": (0, "authorizedkeysfile .ssh/authorized_keys\n")})
    with pytest.raises(PlatformError, match="nobody-here has no key"):
        guard_login(host, {})


def test_a_missing_unit_is_explained(tmp_path: Path) -> None:
    host, _programs = machine(tmp_path, {"systemctl show": (0, "Id=x\nLoadState=not-found\nActiveState=inactive\n")})
    with pytest.raises(PlatformError, match=r"There is no unit chronyd\.service"):
        bring(host, Wish(units=baseline.time_sources([], True, Problems()).units))


def test_a_module_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    host, _programs = machine(tmp_path, {"modprobe": (1, "FATAL: Module iscsi_tcp not found")})
    with pytest.raises(PlatformError, match="kernel-default-base"):
        bring(host, baseline.modules(["iscsi_tcp"], Problems()))


def test_files_are_whole_and_have_their_mode(tmp_path: Path) -> None:
    host, _programs = machine(tmp_path)
    host.write("/etc/a/b", "x\n", 0o600)
    assert (host.read("/etc/a/b"), host.mode("/etc/a/b")) == ("x\n", 0o600)
    assert host.list("/etc/a") == ["b"], "no temporary file is left"
    host.remove("/etc/a/b")
    host.remove("/etc/a/b")
    assert not host.exists("/etc/a/b")


@pytest.mark.parametrize(("code", "told"), [(0, None), (1, "chronyd is not synchronised after 3 s")])
def test_the_clock_is_waited_for(tmp_path: Path, code: int, told: str | None) -> None:
    host, programs = machine(tmp_path, {"timeout 33 chronyc": (code, "try: 3, refid: 00000000")})
    error = Settings(host).wait_for_time(3)
    assert "timeout 33 chronyc waitsync 3 0 0 1" in programs.calls
    assert (error is None) if told is None else (error is not None and told in error.message)


def test_a_transactional_system_is_refused(tmp_path: Path) -> None:
    host, programs = machine(tmp_path)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "mountinfo").write_text(
        "21 1 0:20 / / ro,relatime - btrfs /dev/sda3 ro,space_cache\n"
    )
    with pytest.raises(RefusedError, match="transactional system"):
        must_be_supported(host, allow_unsupported=True)
    assert programs.calls == []
