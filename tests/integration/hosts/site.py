# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a playbook of the collection against hosts of the laboratory, as a user does.

Every run is made with -vvv, and its whole output is searched for the secrets in use and for warnings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.integration.playbooks.runner import Going, Run, launch
from tests.lab.hosts import HostLab

#: Ansible's own remark on a host that it has never copied a file to.
NEVER_SEEN_BEFORE = "remote_tmp"


class KnownSecrets:
    """Values that no output may show."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = [value for value in values if value]

    def learn(self) -> None:
        """Nothing comes up during a run that was not known before."""

    def assert_none_in(self, text: str) -> None:
        """Raise AssertionError with the place, but without the secret."""
        for value in self.values:
            place = text.find(value)
            assert place < 0, (
                f"a secret of {len(value)} characters is in the output after: {text[max(0, place - 300) : place]}"
            )


class HostSite:
    """An inventory for one host laboratory with variables of its own, and the runs against it."""

    def __init__(self, lab: HostLab, directory: Path, secrets: Sequence[str] = (), **variables: Any) -> None:
        self.lab, self.directory = lab, directory
        self.secrets = KnownSecrets(secrets)
        self.variables: dict[str, Any] = {"preflight_report_dir": str(directory / "reports"), **variables}
        self.runs = 0

    @property
    def reports(self) -> Path:
        """The folder of reports."""
        return self.directory / "reports"

    def start(self, playbook: str, *arguments: str, **extra: Any) -> Going:
        """Start a playbook of the collection, or a file. arguments: of ansible-playbook. extra: variables beside the site's."""
        self.runs += 1
        directory = self.directory / f"run-{self.runs}"
        directory.mkdir(parents=True)
        variables = directory / "variables.yml"
        variables.touch(mode=0o600)
        variables.write_text(yaml.safe_dump({**self.variables, **extra}), encoding="utf-8")
        options = ["-i", str(self.lab.inventory), "-e", f"@{variables}", *arguments]
        return launch(playbook, options, directory, self.secrets)

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook to its end, whatever that is."""
        return self.start(playbook, *arguments, **extra).finish(allowed=NEVER_SEEN_BEFORE)

    def good(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook that must end well."""
        run = self.run(playbook, *arguments, **extra)
        assert run.ok, run.failure + "\n\n" + run.output[-4000:]
        return run

    def four_times(self, playbook: str, **extra: Any) -> list[Run]:
        """The plan, the run, the run again, the plan again: the plan tells the truth, and the second run changes nothing."""
        plan = self.good(playbook, "--check", "--diff", **extra)
        first = self.good(playbook, "--diff", **extra)
        again = self.good(playbook, "--diff", **extra)
        checked = self.good(playbook, "--check", "--diff", **extra)
        assert again.changed == 0, changes(again)
        assert checked.changed == 0, changes(checked)
        assert bool(plan.changed) == bool(first.changed), f"{changes(plan)} was told, {changes(first)} was done"
        return [plan, first, again, checked]

    def findings(self, name: str = "preflight") -> list[dict[str, Any]]:
        """The findings in the report's file."""
        return list(json.loads((self.reports / f"{name}.json").read_text(encoding="utf-8"))["findings"])


def changes(run: Run) -> dict[str, list[str]]:
    """Host -> tasks that changed something there."""
    found: dict[str, list[str]] = {}
    for event in run.of("result"):
        if event["result"].get("changed"):
            found.setdefault(event["host"], []).append(event["task"])
    return found


def launches(run: Run) -> Counter[str]:
    """Host -> number of modules that were started there (or for it)."""
    return Counter(event["host"] for event in run.of("launch"))


def failures(run: Run) -> dict[str, str]:
    """Host -> message of the task that failed there."""
    return {
        event["host"]: str(event["result"].get("msg", "")) for event in run.of("result") if event["status"] == "failed"
    }
