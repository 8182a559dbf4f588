# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tenants: the host-side phase beside kubectl and kubernetes.core.

The contenders take turns, so that noise of the machine hits all alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks import objects, timing
from tests.benchmarks.table import Goal, cell, goal_lines
from tests.benchmarks.timing import CommandError, Measured, Sample
from tests.lab import Lab
from tests.lab.progress import Progress

PLAYBOOKS = Path(__file__).parent / "playbooks"
_RECAP = re.compile(r"^localhost\s.*?changed=(\d+).*?failed=(\d+).*?rescued=(\d+)", re.MULTILINE)

ANSIBLE = "ansible-playbook with an empty play"
NOTHING = "the same, with three modules that do nothing"
KUBECTL = "kubectl apply --server-side"
PHASE = "host-side phase"
CORE = "kubernetes.core.k8s, one task"
LIST = "LIST of all objects"
REQUESTS = "apply of all objects, bare requests"
PLAYBOOK = "playbook tenants.yml"
_ROWS = (ANSIBLE, NOTHING, KUBECTL, PHASE, CORE, PLAYBOOK, LIST, REQUESTS)
#: The two situations.
FIRST, AGAIN = "first", "again"


class TenantContest:
    """Measures all contenders with the same tenants on one laboratory."""

    def __init__(self, lab: Lab, tenants: int, directory: Path, progress: Progress) -> None:
        self._tenants, self._directory, self._progress = tenants, directory, progress
        self._lab = lab
        self._session = objects.connect(lab)
        self._objects = directory / "objects.json"
        self._inventory = directory / "hosts.yml"
        self.measured = Measured(facts={"tenants": tenants})
        self._prepare()

    def _prepare(self) -> None:
        """Write an inventory as a user has it."""
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "tenants_kubernetes": {"kubeconfig": str(self._lab.kubeconfig)},
            "tenants_api_host": self._lab.address,
            "tenants_verify": "none",
            "benchmark_objects": str(self._objects),
        }
        hosts = {"tenants_controller": {"hosts": {"localhost": None}, "vars": variables}}
        self._inventory.write_text(yaml.safe_dump(hosts), encoding="utf-8")
        declared = yaml.safe_dump(objects.tenants_file(self._tenants), sort_keys=False)
        (self._directory / "tenants.yml").write_text(declared, encoding="utf-8")

    # -- the contenders -----------------------------------------------------------------------------------------

    def _play(self, playbook: str, *arguments: str, events: Path | None = None) -> tuple[Sample, str]:
        return timing.play(playbook, "-i", str(self._inventory), *arguments, events=events)

    def ansible(self) -> Sample:
        return self._play(str(PLAYBOOKS / "empty.yml"))[0]

    def nothing(self) -> Sample:
        return self._play(str(PLAYBOOKS / "nothing.yml"))[0]

    def phase(self) -> Sample:
        sample, output = self._play(str(PLAYBOOKS / "phase.yml"))
        self._changed = _changed(output)
        return sample

    def core(self) -> Sample:
        return self._play(str(PLAYBOOKS / "kubernetes_core.yml"))[0]

    def playbook(self) -> Sample:
        sample, output = self._play("ai_tenancy.platform.tenants")
        self._expect_unchanged(_changed(output))
        return sample

    def kubectl(self) -> Sample:
        command = [str(self._lab.kube), "kubectl", "--kubeconfig", str(self._lab.kubeconfig), "apply", "--server-side"]
        command += ["--field-manager", "ai-tenancy", "--filename", str(self._objects)]
        return timing.run(command)[0]

    def list(self) -> Sample:
        return timing.call(lambda: objects.read(self._session))

    def requests(self) -> Sample:
        items = json.loads(self._objects.read_text(encoding="utf-8"))["items"]
        return timing.call(lambda: objects.apply(self._session, items))

    # -- the rounds ---------------------------------------------------------------------------------------------

    def learn(self) -> None:
        """Let our modules write everything once, and keep what they wrote as the file that kubectl applies."""
        with self._progress.step(f"write the objects of {self._tenants} tenants, to know them"):
            objects.remove(self._session)
            self.phase()
            items = objects.written(self._session)
            self._objects.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
            self.measured.facts["objects"] = len(items)

    def first(self, rounds: int) -> None:
        """Measure what it takes to write everything, each time on an empty cluster."""
        for number in range(1, rounds + 1):
            for who, call in ((KUBECTL, self.kubectl), (PHASE, self.phase), (CORE, self.core)):
                with self._progress.step(f"first run {number} of {rounds}: {who}"):
                    objects.remove(self._session)
                    self._add(ANSIBLE, FIRST, self.ansible())
                    self._add(who, FIRST, call())
                    self._expect_the_same(who)

    def again(self, rounds: int) -> None:
        """Measure what it takes to find that nothing has changed."""
        with self._progress.step("wait for the virtual clusters"):
            objects.settle(self._session, self._tenants)
            objects.put_kubeconfigs(self._session, self._lab.address)
            # who wrote last must not matter to the first that is measured
            self.kubectl()
            self.phase()
        everyone: dict[str, Callable[[], Sample]] = {
            ANSIBLE: self.ansible,
            NOTHING: self.nothing,
            KUBECTL: self.kubectl,
            PHASE: self.phase,
            CORE: self.core,
            PLAYBOOK: self.playbook,
            LIST: self.list,
            REQUESTS: self.requests,
        }
        for number in range(1, rounds + 1):
            with self._progress.step(f"unchanged run {number} of {rounds}"):
                for who, call in everyone.items():
                    self._add(who, AGAIN, call())
                    if who == PHASE:
                        self._expect_unchanged(self._changed)
        self._expect_the_same("all of them")

    def launches(self) -> None:
        """Count the modules that the whole playbook starts, for three tenants and for all."""
        with self._progress.step("count module launches"):
            few = json.dumps({"tenants_only": objects.tenant_ids(min(3, self._tenants))})
            self.measured.facts["launches"] = {
                "3": self._count_launches("--extra-vars", few),
                str(self._tenants): self._count_launches(),
            }

    def _count_launches(self, *arguments: str) -> int:
        events = self._directory / "events"
        self._play("ai_tenancy.platform.tenants", *arguments, events=events)
        return sum(event["event"] == "launch" for event in timing.recorded(events))

    # -- honesty ------------------------------------------------------------------------------------------------

    def _add(self, who: str, situation: str, sample: Sample) -> None:
        self.measured.samples[who, situation].append(sample)

    def _expect_the_same(self, who: str) -> None:
        wanted = json.loads(self._objects.read_text(encoding="utf-8"))["items"]
        found = objects.written(self._session)
        if sorted(map(_canonical, found)) != sorted(map(_canonical, wanted)):
            raise CommandError(f"{who}: {len(found)} objects are there, and they are not the {len(wanted)} wanted ones")

    @staticmethod
    def _expect_unchanged(changed: int) -> None:
        if changed:
            raise CommandError(f"an unchanged run reports {changed} changed tasks")


def _canonical(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _changed(output: str) -> int:
    """The number of changed tasks. Raises CommandError when something failed, even if it was rescued."""
    recap = _RECAP.search(output)
    if recap is None or recap.group(2) != "0" or recap.group(3) != "0":
        raise CommandError(f"the playbook did not end well:\n{output[-3000:]}")
    return int(recap.group(1))


def goals(measured: Measured) -> Iterator[Goal]:
    """What shall hold, of what was measured (README.md gives the reasons)."""
    first, again = (_wall(measured, PHASE, when) for when in (FIRST, AGAIN))
    start = {when: _wall(measured, ANSIBLE, when) for when in (FIRST, AGAIN)}
    rival = {when: _wall(measured, KUBECTL, when) for when in (FIRST, AGAIN)}
    if first and rival[FIRST]:
        yield Goal("first run, to kubectl + Ansible's start", first / (rival[FIRST] + start[FIRST]), 1.0)
        yield Goal("first run less Ansible's start, to kubectl", (first - start[FIRST]) / rival[FIRST], 1.0)
    if again and rival[AGAIN]:
        yield Goal("unchanged run less Ansible's start, to kubectl", (again - start[AGAIN]) / rival[AGAIN], 0.25)
        yield Goal("unchanged run with Ansible's start, to kubectl", again / rival[AGAIN], 0.25)
    launches = list(measured.facts.get("launches", {}).values())
    if launches:
        yield Goal("module launches, all tenants to 3", launches[-1] / launches[0], 1.0)


def lines(measured: Measured) -> list[str]:
    """The table for a person. Seconds, median and range of the wall time; the processor time of the client."""
    facts = measured.facts
    yielded = [
        f"{facts['tenants']} tenants, {facts.get('objects', '?')} objects; seconds: median (lowest to highest), processor",
        "",
        f"{'':46}{'first run':>30}{'unchanged':>30}",
    ]
    for who in _ROWS:
        cells = [cell(measured, who, when) for when in (FIRST, AGAIN)]
        yielded.append(f"{who:46}" + "".join(f"{one:>30}" for one in cells))
    yielded += ["", *goal_lines(goals(measured))]
    for count, launches in facts.get("launches", {}).items():
        yielded.append(f"module launches of tenants.yml for {count} tenants: {launches}")
    return yielded


def _wall(measured: Measured, who: str, when: str) -> float:
    middle = measured.median(who, when)
    return middle.wall if middle else 0.0
