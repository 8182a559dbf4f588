# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a playbook of the collection against a laboratory as a user does: ansible-playbook and an inventory directory.

After every run the whole output is searched for every secret in use, and for warnings; either fails the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.integration.playbooks.state import LabSecrets
from tests.lab import Lab
from tests.lab.description import PROJECT

COLLECTION = "ai_tenancy.platform"
#: Seconds after which a run hangs. The longest takes a fifth of it on two cores.
LIMIT = 600.0
#: What no run may say: a warning is a mistake of ours, or hides one.
_WARNINGS = ("[WARNING]", "[DEPRECATION WARNING]", "Traceback (most recent call")
_HOSTS = {
    "all": {
        "children": {
            "tenants_controller": {
                "hosts": {
                    "localhost": {
                        "ansible_connection": "local",
                        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    }
                }
            }
        }
    }
}


@dataclass(frozen=True)
class Run:
    """How a run ended. returncode: -9 when it was killed. events: as tests/integration/playbooks/callback writes them."""

    returncode: int
    output: str
    events: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    @cached_property
    def changed(self) -> int:
        """The number of changed tasks, as the recap says it."""
        return sum(counts["changed"] for event in self.of("recap") for counts in event["hosts"].values())

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def launches(self) -> list[str]:
        """The module of each launch, by its short name."""
        return [event["module"].rpartition(".")[2] for event in self.of("launch")]

    def results(self, module: str) -> list[dict[str, Any]]:
        """The results of each task with this module of the collection, skipped ones left out."""
        return [
            event["result"]
            for event in self.of("result")
            if event["action"] == f"{COLLECTION}.{module}" and event["status"] != "skipped"
        ]

    def changed_tasks(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [event["task"] for event in self.of("result") if event["result"].get("changed")]

    def changed_tenants(self) -> dict[str, set[str]]:
        """Module -> ids of the tenants for which it changed something, modules without any left out."""
        found: dict[str, set[str]] = {}
        for event in self.of("result"):
            if not event["result"].get("changed"):
                continue
            for item in event["result"].get("results") or ():
                if item.get("changed"):
                    module = event["action"].rpartition(".")[2]
                    found.setdefault(module, set()).add(item.get("tenant") or item["item"])
        return found

    def diffs(self) -> list[dict[str, Any]]:
        """Every diff of every task, in order, without those of unchanged tasks."""
        found = []
        for event in self.of("result"):
            diff = event["result"].get("diff") or []
            found.extend([diff] if isinstance(diff, dict) else diff)
        return found

    @property
    def failure(self) -> str:
        """The messages of all failed tasks."""
        return "\n".join(
            str(event["result"].get("msg", "")) for event in self.of("result") if event["status"] == "failed"
        )


class Secrets(Protocol):
    """What no run may show."""

    def learn(self) -> None:
        """Take in what a run has made."""

    def assert_none_in(self, text: str) -> None:
        """Raise AssertionError with the place of a secret in a text, but without the secret."""


class Going:
    """A run that goes on."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, secrets: Secrets) -> None:
        self._process, self._directory, self._secrets = process, directory, secrets
        self._begin = time.monotonic()

    def events(self) -> list[Mapping[str, Any]]:
        """What was recorded so far; a line that is being written is left out."""
        path = self._directory / "events"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for something that the run does. Raises AssertionError when the run ends before."""
        while not reached():
            assert self._process.poll() is None, f"the run ended before {what}\n{self.finish().output[-3000:]}"
            assert time.monotonic() < self._begin + LIMIT, f"not within {LIMIT:g} s: {what}"
            time.sleep(0.01)

    def kill(self) -> None:
        """End the run and every process that it started by SIGKILL, as a machine that loses power does."""
        mark = f"AI_TENANCY_EVENTS={self._directory / 'events'}".encode()
        while True:
            # New processes may come while we look; the next look finds them.
            victims = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _has(pid, mark)]
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            if not victims:
                return
            time.sleep(0.01)

    def finish(self, allowed: str | tuple[str, ...] = ()) -> Run:
        """Wait for the end. Raises AssertionError for a secret in what was written, or a warning without C(allowed).

        allowed: a warning with this text, or one of these, is none of ours.
        """
        try:
            self._process.wait(max(1.0, self._begin + LIMIT - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {LIMIT:g} s\n{self._output()[-3000:]}") from None
        run = Run(self._process.returncode, self._output(), self.events())
        self._secrets.learn()
        self._secrets.assert_none_in(run.output)
        self._secrets.assert_none_in(json.dumps(run.events))
        lines = [line for line in run.output.splitlines() if any(word in line for word in _WARNINGS)]
        known = (allowed,) if isinstance(allowed, str) else allowed
        lines = [line for line in lines if not any(text in line for text in known)]
        assert not lines, "\n".join(lines) + "\n\n" + run.output[-3000:]
        return run

    def _output(self) -> str:
        return (self._directory / "output").read_text(encoding="utf-8", errors="replace")


def _has(pid: int, mark: bytes) -> bool:
    """Whether a process that is no zombie was started with this in its environment."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return mark in environment.split(b"\0")


class Site:
    """An inventory directory for one laboratory, and the runs against it."""

    def __init__(self, lab: Lab, directory: Path, **variables: Any) -> None:
        self.lab, self.directory = lab, directory
        self.secrets = LabSecrets(lab)
        self.runs = 0
        self.variables: dict[str, Any] = {
            "tenants_kubernetes": {"kubeconfig": str(lab.kubeconfig)},
            "tenants_api_host": lab.address,
            "tenants_kubeconfig_dir": str(directory / "kubeconfigs"),
            "tenants_report_dir": str(directory / "reports"),
            "tenants_wait_timeout": 240,
        }
        if lab.clearml:
            pair = json.loads(Path(lab.clearml["credentials_file"]).read_text(encoding="utf-8"))
            self.variables["tenants_clearml"] = {
                "api_url": lab.clearml["url"],
                "ca_path": lab.clearml["ca_file"],
                **pair,
            }
        self.variables.update(variables)
        (directory / "group_vars").mkdir(parents=True, exist_ok=True)
        self._write("hosts.yml", _HOSTS)

    def _write(self, name: str, data: Any) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")

    def declare(self, document: Any) -> None:
        """Write the tenants file."""
        self._write("tenants.yml", document)

    def start(self, playbook: str, *arguments: str, **extra: Any) -> Going:
        """Start a playbook of the collection. arguments: of ansible-playbook. extra: extra variables, no secrets."""
        self._write("group_vars/all.yml", self.variables)
        self.runs += 1
        directory = self.directory / f"run-{self.runs}"
        directory.mkdir()
        options = ["-i", str(self.directory / "hosts.yml"), *arguments]
        if extra:
            options += ["--extra-vars", json.dumps(extra)]
        return launch(playbook, options, directory, self.secrets)

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook to its end, whatever that is."""
        return self.start(playbook, *arguments, **extra).finish()

    def converge(self, *arguments: str, **extra: Any) -> Run:
        """Run the playbook C(tenants); it must end well."""
        run = self.run("tenants", *arguments, **extra)
        assert run.ok, run.failure + "\n\n" + run.output[-3000:]
        return run

    def plan(self) -> Run:
        """What would change."""
        return self.converge("--check", "--diff")


def launch(playbook: str, options: Sequence[str], directory: Path, secrets: Secrets) -> Going:
    """Start a playbook of the collection, or a file, with -vvv. directory: a new one, for what the run writes."""
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        playbook if "/" in playbook else f"{COLLECTION}.{playbook}",
        "-vvv",
        *options,
    ]
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment(directory / "events"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Going(process, directory, secrets)


def environment(events: Path) -> dict[str, str]:
    """The environment of a run: nothing of the caller's that Ansible or Kubernetes clients would listen to."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / ".collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "tests" / "integration" / "playbooks" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "tenancy_events",
        "ANSIBLE_NOCOLOR": "1",
        "AI_TENANCY_EVENTS": str(events),
    }
