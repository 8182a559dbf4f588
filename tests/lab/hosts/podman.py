# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Call podman. One place for its settings: they are the laboratory's, the machine's own files stay as they are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import build, pki
from ..errors import LabError

#: runc and cgroupfs: the pair with which hosts and their pods were seen to start on cgroup v1. The limits are what a
#: caller without CAP_SYS_RESOURCE may give.
SETTINGS = """[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

#: On every container, network, volume and image of a laboratory; its value is the laboratory's state directory.
LABEL = "ai-tenancy.lab"


def settings_file() -> Path:
    """Return the file with podman's settings, made when it is not there."""
    path = build.cache_root() / "hosts" / "containers.conf"
    if not path.exists() or path.read_text(encoding="utf-8") != SETTINGS:
        path.parent.mkdir(parents=True, exist_ok=True)
        pki.write_private(path, SETTINGS.encode())
    return path


def environment() -> Mapping[str, str]:
    """Return the environment in which podman runs."""
    return {**os.environ, "CONTAINERS_CONF": str(settings_file())}


def run(
    *arguments: str | Path, check: bool = True, stdin: str | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run podman and return its result.

    stdin: text for its standard input. timeout: seconds. Raises LabError when it fails and C(check), or takes too long.
    """
    argv = ["podman", *map(str, arguments)]
    try:
        result = subprocess.run(
            argv, input=stdin or "", capture_output=True, text=True, check=False, timeout=timeout, env=environment()
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"podman {' '.join(argv[1:4])} ... did not end within {timeout:.0f} s") from error
    if check and result.returncode:
        last = "\n".join(result.stderr.strip().splitlines()[-10:])
        raise LabError(f"podman {' '.join(argv[1:4])} ... failed (exit code {result.returncode}):\n{last}")
    return result


def query(*arguments: str | Path) -> Any:
    """Run podman and return the JSON that it prints. Raises LabError when it fails."""
    return json.loads(run(*arguments).stdout or "null")


def exists(kind: str, name: str) -> bool:
    """Tell whether there is a container, network, volume or image (kind) of that name."""
    return run(kind, "exists", name, check=False).returncode == 0


def labelled(kind: str, state: Path) -> list[str]:
    """Return the names of the containers, networks, volumes or images (kind) of the laboratory in a directory."""
    match = f"label={LABEL}={state}"
    if kind == "container":
        return run("ps", "--all", "--filter", match, "--format", "{{.Names}}").stdout.split()
    form = "{{.Id}}" if kind == "image" else "{{.Name}}"
    return sorted(set(run(kind, "ls", "--filter", match, "--format", form).stdout.split()))


def remove(kind: str, names: Sequence[str]) -> None:
    """Remove containers, networks, volumes or images by name, by force."""
    if names:
        options = ["--force", *(["--time", "0"] if kind in ("container", "network", "volume") else [])]
        if kind == "container":
            options.append("--volumes")
        run(kind, "rm", *options, *names)
