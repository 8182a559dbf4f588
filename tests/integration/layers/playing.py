# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""python -m tests.integration.layers.playing LABORATORY: what the platform's layers need besides a Kubernetes API.

Packs the stand-in charts, then plays their operators, and RKE2 with its ingress controller, for a playbook that another process
runs. In the folder C(platform) of the laboratory's state are C(charts), C(helm), and C(ready) as long as it plays; it ends once
there is a file C(stop), or the laboratory is gone.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.integration.layers.helm_controller import HelmController
from tests.lab import Lab, build
from tests.lab.charts import Operators, pack_all
from tests.lab.description import state_dir
from tests.lab.progress import Progress


def play(name: str) -> None:
    """Play until told to stop. Raises LabError when there is no such laboratory."""
    lab = Lab.find(name)
    folder = state_dir(name) / "platform"
    folder.mkdir(exist_ok=True)
    pack_all(folder / "charts")
    helm = build.ensure(("helm",), Progress())["helm"]
    link(folder / "helm", helm)
    ready, stop = folder / "ready", folder / "stop"
    with Operators(lab.api()), HelmController(lab, helm, folder / "rke2"):
        ready.touch()
        while folder.exists() and not stop.exists():
            time.sleep(0.5)
    ready.unlink(missing_ok=True)


def link(path: Path, target: Path) -> None:
    """Point a link to a file, whatever it pointed to before."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)


if __name__ == "__main__":
    play(sys.argv[1])
