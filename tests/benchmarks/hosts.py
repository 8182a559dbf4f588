# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Unchanged runs on hosts: kubernetes.yml beside the same steps as separate tasks, and what hosts.yml costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks import timing
from tests.benchmarks.table import Goal, cell, goal_lines
from tests.benchmarks.timing import CommandError, Measured, Sample
from tests.lab.hosts import HostLab
from tests.lab.hosts.spec import standard
from tests.lab.progress import Progress

PLAYBOOKS = Path(__file__).parent / "playbooks"

NOTHING = "ansible-playbook with one module that does nothing"
SEPARATE = "the steps of kubernetes.yml as separate tasks"
KUBERNETES = "playbook kubernetes.yml"
HOSTS = "playbook hosts.yml"
AGAIN = "again"

#: Launches of modules on one host in an unchanged run, at most.
LAUNCHES = 25

#: Where the files are that the role writes.
_FOLDERS = ("/etc/rancher/rke2", "/etc/default", "/var/lib/rancher/rke2/server/manifests")
_OURS = "grep -rIl 'ai_tenancy' {} 2>/dev/null; ls /etc/rancher/rke2/*token 2>/dev/null"


class HostContest:
    """Measures on one laboratory whose hosts were prepared and whose cluster is up."""

    def __init__(self, lab: HostLab, directory: Path, progress: Progress) -> None:
        self._lab, self._directory, self._progress = lab, directory, progress
        self._inventory = directory / "hosts.yml"
        self.measured = Measured(facts={"hosts": len(lab.hosts)})

    @staticmethod
    def laboratory(name: str, servers: int, agents: int, progress: Progress) -> HostLab:
        """Bring a laboratory of so many hosts up."""
        return HostLab.up(f"{name}-hosts", standard(servers, agents), progress)

    def converge(self) -> None:
        """Bring the hosts to their declared state, and note what the role wrote for the separate tasks."""
        with self._progress.step("prepare the hosts, bring the cluster up"):
            self._ours("hosts")
            self._ours("kubernetes")
        files = {host.name: self._files(host.name) for host in self._lab.hosts}
        self._inventory.touch(mode=0o600)
        variables = {"benchmark_kubeconfig": str(self._directory / "kubeconfig.yaml")}
        hosts = {name: {"benchmark_files": found} for name, found in files.items()}
        self._inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        self.separate()
        self.measured.facts["files"] = sum(map(len, files.values()))

    def _files(self, host: str) -> list[dict[str, str]]:
        paths = self._lab.exec(host, "sh", "-c", _OURS.format(" ".join(_FOLDERS))).stdout.split()
        return [
            {"path": path, "content": self._lab.read(host, path), "mode": self._lab.exec(host, "stat", "-c", "0%a", path)
             .stdout.strip()}
            for path in sorted(set(paths))
        ]  # fmt: skip

    # -- the contenders

    def _ours(self, playbook: str, events: Path | None = None) -> Sample:
        options = ("-i", str(self._lab.inventory), "-e", f"@{self._lab.state}/site.yml")
        return timing.play(f"ai_tenancy.platform.{playbook}", *options, events=events)[0]

    def _plain(self, playbook: str, events: Path | None = None) -> Sample:
        options = ("-i", str(self._lab.inventory), "-i", str(self._inventory))
        return timing.play(str(PLAYBOOKS / playbook), *options, events=events)[0]

    def nothing(self, events: Path | None = None) -> Sample:
        return self._plain("hosts_nothing.yml", events)

    def separate(self, events: Path | None = None) -> Sample:
        return self._plain("hosts_separate.yml", events)

    def kubernetes(self, events: Path | None = None) -> Sample:
        return self._ours("kubernetes", events)

    def hosts(self, events: Path | None = None) -> Sample:
        return self._ours("hosts", events)

    # -- the rounds

    def again(self, rounds: int) -> None:
        """Measure what it takes to find that nothing has changed; count tasks and launches on each host."""
        everyone = {NOTHING: self.nothing, SEPARATE: self.separate, KUBERNETES: self.kubernetes, HOSTS: self.hosts}
        events = self._directory / "events"
        for number in range(1, rounds + 1):
            with self._progress.step(f"unchanged run {number} of {rounds}"):
                for who, call in everyone.items():
                    self.measured.samples[who, AGAIN].append(call(events))
                    self.measured.facts[who] = _counts(timing.recorded(events))


def _counts(events: list[Mapping[str, Any]]) -> dict[str, int]:
    """Tasks and launches on the host that has most. Raises CommandError when the run changed something."""
    changed = {event["host"]: event["task"] for event in events if event["event"] == "result" and _did_change(event)}
    if changed:
        raise CommandError(f"an unchanged run changed something: {changed}")
    results = Counter(event["host"] for event in events if event["event"] == "result" and event["status"] == "ok")
    launches = Counter(event["host"] for event in events if event["event"] == "launch")
    return {"tasks": max(results.values(), default=0), "launches": max(launches.values(), default=0)}


def _did_change(event: Mapping[str, Any]) -> bool:
    return bool(event["result"].get("changed"))


def goals(measured: Measured) -> list[Goal]:
    """What shall hold."""
    ours, theirs = (measured.median(who, AGAIN) for who in (KUBERNETES, SEPARATE))
    assert ours, "measured before"
    assert theirs, "measured before"
    launches = max(measured.facts[who]["launches"] for who in (KUBERNETES, HOSTS))
    return [
        Goal("kubernetes.yml, to the same steps as separate tasks", ours.wall / theirs.wall, 1.0),
        Goal(f"most launches on one host, to {LAUNCHES}", launches / LAUNCHES, 1.0),
    ]


def lines(measured: Measured) -> list[str]:
    """The table for a person. Seconds, median and range of the wall time; the processor time of the control node."""
    facts = measured.facts
    found = [
        f"{facts['hosts']} hosts, {facts['files']} files of the role; seconds: median (lowest to highest), processor",
        "",
        f"{'':54}{'unchanged':>30}{'tasks':>8}{'launches':>10}",
    ]
    for who in (NOTHING, SEPARATE, KUBERNETES, HOSTS):
        counts = facts[who]
        found.append(f"{who:54}{cell(measured, who, AGAIN):>30}{counts['tasks']:>8}{counts['launches']:>10}")
    return [*found, "(tasks and launches: on the host that has most)", "", *goal_lines(goals(measured))]
