# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Temporary folders of runs on this machine: a living run's stays, a killed one's goes with what is in it (X-5)."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.filter.runs import run_folder
from ansible_collections.ai_tenancy.platform.plugins.module_utils import leftovers
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.leftovers import Owner, owner_of


def folder(directory: Path, owner: Owner, mode: int = 0o700) -> Path:
    path = directory / f"{owner.prefix}inside-abcd1234"
    path.mkdir(mode=mode)
    path.chmod(mode)
    (path / "acme.yaml").write_text("a secret", encoding="utf-8")
    return path


def test_what_a_killed_run_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = leftovers.start_of(child.pid)
    assert began is not None
    living, killed = leftovers.run(), Owner(leftovers.machine(), child.pid, began)
    mine, other = folder(tmp_path, living), folder(tmp_path, killed)
    (tmp_path / "ai-tenancy-labs").mkdir()
    assert leftovers.sweep(str(tmp_path)) == []
    child.kill()
    child.wait()
    assert leftovers.start_of(child.pid) is None
    assert leftovers.sweep(str(tmp_path)) == [str(other)]
    assert sorted(tmp_path.iterdir()) == sorted([mine, tmp_path / "ai-tenancy-labs"])
    assert (mine / "acme.yaml").exists()


def test_a_link_or_what_others_may_look_into_is_not_ours(tmp_path: Path) -> None:
    gone = Owner(leftovers.machine(), os.getpid(), 1)
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (tmp_path / f"{gone.prefix}inside-link1234").symlink_to(target)
    open_to_all = folder(tmp_path, gone, 0o755)
    assert leftovers.sweep(str(tmp_path)) == []
    assert target.exists()
    assert open_to_all.exists()
    assert leftovers.sweep(str(tmp_path / "none")) == []


def told(queue: Any) -> None:
    queue.put(run_folder("inside"))


def test_a_worker_names_the_run_and_not_itself() -> None:
    forking = multiprocessing.get_context("fork")
    queue = forking.Queue()
    worker = forking.Process(target=told, args=(queue,))
    worker.start()
    found = queue.get(timeout=60)
    worker.join()
    assert found == run_folder("inside")
    assert owner_of(found + "abcd1234") == Owner(leftovers.machine(), os.getpid(), leftovers.start_of(os.getpid()) or 0)
