# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The command that finds a Python, run by a real shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import python


def ask(interpreter: str) -> str:
    result = subprocess.run(["sh", "-c", python.probe_command(interpreter)], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_the_named_one_comes_first() -> None:
    assert ask(sys.executable) == sys.executable


def test_one_that_is_too_old_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    assert ask(str(old)) != str(old)
    monkeypatch.setattr(python, "CANDIDATES", (str(old), "/nonexistent/python3"))
    assert ask(str(old)) == ""


@pytest.mark.parametrize("odd", ["auto", "auto_silent", "", "/bin/x; rm -rf /", "$(id)"])
def test_only_plain_paths_reach_the_shell(odd: str) -> None:
    assert python.probe_command(odd) == python.probe_command()
