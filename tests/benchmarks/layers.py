# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Unchanged runs over all layers of the platform: platform.yml beside a plain loop of Helm over the same charts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks import timing
from tests.benchmarks.table import Goal, cell, goal_lines
from tests.benchmarks.timing import CommandError, Measured, Sample
from tests.lab import Lab
from tests.lab.description import PROJECT, state_dir
from tests.lab.progress import Progress

#: The site that molecule brings up: every layer, in the profile lab.
_MOLECULE = PROJECT / "molecule"
_INVENTORIES = (_MOLECULE / "inventory.yml", _MOLECULE / "layers" / "inventory")
_SITE = _INVENTORIES[1] / "group_vars" / "platform_controller" / "site.yml"
#: Seconds until those who play RKE2 and the operators are there; the first time Helm is built.
_PATIENCE = 600.0

EMPTY = "ansible-playbook with an empty play"
HELM = "helm upgrade --install, chart by chart"
PLATFORM = "playbook platform.yml"
AGAIN = "again"


class LayerContest:
    """Measures on one laboratory in which all layers are up."""

    def __init__(self, lab: Lab, directory: Path, progress: Progress) -> None:
        self._lab, self._directory, self._progress = lab, directory, progress
        self._folder = state_dir(lab.name) / "platform"
        self._loop = directory / "loop.sh"
        self.measured = Measured()

    @contextmanager
    def played(self) -> Iterator[None]:
        """Play RKE2 and the operators of the charts meanwhile. Raises CommandError when they do not come up."""
        command = [sys.executable, "-m", "tests.integration.layers.playing", self._lab.name]
        with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}) as player:
            try:
                deadline = time.monotonic() + _PATIENCE
                while not (self._folder / "ready").exists():
                    if player.poll() is not None or time.monotonic() > deadline:
                        raise CommandError("those who play the charts' operators did not come up")
                    time.sleep(0.2)
                yield
            finally:
                player.terminate()

    def converge(self) -> None:
        """Bring all layers up, and note for the loop what Helm was given."""
        with self._progress.step("bring all layers up"):
            self.platform()
        found = json.loads(self._helm("list", "--all-namespaces", "--output", "json"))
        # What RKE2 brings itself is no chart of ours.
        releases = [release for release in found if self._chart(release).exists()]
        commands = [self._command(number, release) for number, release in enumerate(releases)]
        self._loop.write_text("\n".join(["set -e", *commands]) + "\n", encoding="utf-8")
        layers = yaml.safe_load(_SITE.read_text(encoding="utf-8"))["platform_release_layers"]
        self.measured.facts.update(layers=len(layers), releases=len(releases))

    def _command(self, number: int, release: Mapping[str, Any]) -> str:
        """The command that installs what is there, with the same chart and values."""
        name, namespace = release["name"], release["namespace"]
        values = self._directory / f"values-{number}.json"
        values.touch(mode=0o600)
        values.write_text(self._helm("get", "values", name, "--namespace", namespace, "--output", "json"), "utf-8")
        where = ["--namespace", namespace, "--values", str(values)]
        return shlex.join([*self._binary, "upgrade", "--install", name, str(self._chart(release)), *where])

    def _chart(self, release: Mapping[str, Any]) -> Path:
        return self._folder / "charts" / f"{release['chart']}.tgz"

    @property
    def _binary(self) -> list[str]:
        return [str(self._folder / "helm"), "--kubeconfig", str(self._lab.kubeconfig)]

    def _helm(self, *arguments: str) -> str:
        return timing.run([*self._binary, *arguments])[1]

    # -- the contenders

    def _play(self, playbook: str, events: Path | None = None) -> Sample:
        options = [f"--inventory={path}" for path in _INVENTORIES]
        site = {"lab_name": self._lab.name, "lab_project": str(PROJECT)}
        return timing.play(playbook, *options, "--extra-vars", json.dumps(site), events=events)[0]

    def empty(self, events: Path | None = None) -> Sample:
        return self._play(str(Path(__file__).parent / "playbooks" / "empty.yml"), events)

    def platform(self, events: Path | None = None) -> Sample:
        return self._play("ai_tenancy.platform.platform", events)

    def helm(self, events: Path | None = None) -> Sample:
        return timing.run(["sh", str(self._loop)])[0]

    # -- the rounds

    def again(self, rounds: int) -> None:
        """Measure what it takes to find that nothing has changed; count the launches of modules."""
        events = self._directory / "events"
        for number in range(1, rounds + 1):
            with self._progress.step(f"unchanged run {number} of {rounds}"):
                for who, call in ((EMPTY, self.empty), (HELM, self.helm), (PLATFORM, self.platform)):
                    self.measured.samples[who, AGAIN].append(call(events))
        self.measured.facts["launches"] = _launches(timing.recorded(events))


def _launches(events: list[Any]) -> int:
    """How many modules an unchanged run started. Raises CommandError when it changed something."""
    kinds = Counter(event["event"] for event in events)
    changed = [event["task"] for event in events if event["event"] == "result" and event["result"].get("changed")]
    if changed:
        raise CommandError(f"an unchanged run changed something: {changed}")
    return kinds["launch"]


def goals(measured: Measured) -> list[Goal]:
    """What shall hold."""
    ours, theirs = (measured.median(who, AGAIN) for who in (PLATFORM, HELM))
    assert ours, "measured before"
    assert theirs, "measured before"
    facts = measured.facts
    return [
        Goal("platform.yml, to a loop of Helm", ours.wall / theirs.wall, 1.0),
        Goal("launches of modules for each layer", facts["launches"] / facts["layers"], 2.0),
    ]


def lines(measured: Measured) -> list[str]:
    """The table for a person. Seconds, median and range of the wall time; the processor time of the client."""
    facts = measured.facts
    return [
        f"{facts['layers']} layers, {facts['releases']} releases; seconds: median (lowest to highest), processor",
        "",
        f"{'':54}{'unchanged':>30}",
        *(f"{who:54}{cell(measured, who, AGAIN):>30}" for who in (EMPTY, HELM, PLATFORM)),
        f"launches of modules: {facts['launches']}",
        "",
        *goal_lines(goals(measured)),
    ]
