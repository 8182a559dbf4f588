# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a module for real, in a process of its own, without the cost of a playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_MODULES = "ansible_collections.ai_tenancy.platform.plugins.modules"


@dataclass(frozen=True)
class ModuleRun:
    """What a module gave back. result: its JSON. output: everything it wrote, for a search for secrets."""

    result: dict[str, Any]
    output: str
    returncode: int


def start_module(name: str, args: Mapping[str, Any], check: bool = False, diff: bool = False) -> subprocess.Popen[str]:
    """Start a module; its arguments go through standard input, never through the command line."""
    arguments = {**args, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/nonexistent"),
        "PYTHONPATH": str(ROOT / ".collections"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", f"{_MODULES}.{name}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    process.stdin.close()
    process.stdin = None
    return process


def finish_module(process: subprocess.Popen[str], timeout: float = 120) -> ModuleRun:
    """Wait for a started module. Raises AssertionError with its output when that is no result."""
    output, errors = process.communicate(timeout=timeout)
    try:
        result = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise AssertionError(f"no result (exit code {process.returncode}):\n{output}\n{errors}") from None
    return ModuleRun(result, output + errors, process.returncode)


def run_module(name: str, args: Mapping[str, Any], check: bool = False, diff: bool = False) -> dict[str, Any]:
    """Run a module and return its result, also when it failed (C(failed) is true then)."""
    return finish_module(start_module(name, args, check, diff)).result
