# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring a laboratory up, look at it, heal it, take it down: the Python interface for tests and for the command."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from . import address, build, description, fleet, pki, process
from .api import Api, healthy
from .description import Description, Options
from .errors import LabError
from .parts import Part, all_parts
from .progress import Progress

#: Seconds until a part that runs must be healthy. A busy machine with 2 cores needs a tenth of it.
START_TIMEOUT = 120.0


@dataclass(frozen=True)
class Status:
    """A part's process and its health.

    unhealthy: what is wrong with a part that runs, or "". healthy: how that is known.
    """

    process: process.PartState
    unhealthy: str = ""
    healthy: str = "healthy"

    @property
    def ok(self) -> bool:
        """Whether the part does its work, or was stopped on purpose."""
        return self.process.state == "stopped" or (self.process.state == "running" and not self.unhealthy)


class Lab:
    """A laboratory that is up.

    name, address, api_url, kubeconfig (path), state (directory), kube (executable; C(kube kubectl) is kubectl),
    clearml (dict with url, ca_file, credentials_file, or None), options: see lab.json.
    """

    def __init__(self, lab: Description) -> None:
        self._lab = lab
        self.name, self.address, self.state, self.options = lab.name, lab.address, lab.state, lab.options
        self.api_url = lab.url("kube-apiserver")
        self.kubeconfig = lab.kubeconfig
        self.kube = lab.binaries["kube"]
        self.clearml: dict[str, str] | None = lab.to_json([])["clearml"]
        self.parts = {part.name: part for part in all_parts(lab)}

    @classmethod
    def find(cls, name: str = "default") -> Lab:
        """Return a laboratory that was brought up before. Raises LabError when there is none of that name."""
        lab = description.load(name)
        if lab is None:
            known = ", ".join(description.names()) or "none"
            raise LabError(f"there is no laboratory {name!r} (there are: {known}); run: scripts/lab up --name {name}")
        return cls(lab)

    @classmethod
    def up(cls, name: str = "default", progress: Progress | None = None, **options: Any) -> Lab:
        """Bring a laboratory up, or heal the one that is; options are the fields of description.Options.

        Raises LabError: an option differs from that of the running laboratory, no toolchain, a part does not start.
        """
        progress = progress or Progress(quiet=True)
        with locked(name):
            lab = prepare(name, options, progress)
            instance = cls(lab)
            instance._start_all(progress)
        return instance

    def _start_all(self, progress: Progress) -> None:
        first = [part for part in self.parts.values() if not part.after_api]
        rest = [part for part in self.parts.values() if part.after_api]
        with progress.step("start " + ", ".join(part.name for part in first)):
            self._start_some(first, progress)
        with progress.step("create nodes, storage classes and k3k's definitions"):
            seed(self._lab)
        with progress.step("start " + ", ".join(part.name for part in rest)):
            self._start_some(rest, progress)
        with progress.step("wait for the nodes"):
            self._wait_nodes()

    def _start_some(self, parts: Sequence[Part], progress: Progress) -> None:
        """Start those parts that do not run, then wait until all are healthy."""
        for part in parts:
            if process.look(self._lab, part.name).state != "running":
                self._start_one(part)
        deadline = time.monotonic() + START_TIMEOUT
        waiting = list(parts)
        while waiting:
            states = self._check(waiting)
            failed = [state for state in states.values() if state.process.state != "running"]
            if failed:
                raise LabError(crash_report(failed) + f"\nsee scripts/lab logs {failed[0].process.name}")
            waiting = [part for part in waiting if states[part.name].unhealthy]
            if waiting and time.monotonic() > deadline:
                late = "; ".join(f"{part.name} {states[part.name].unhealthy}" for part in waiting)
                raise LabError(f"not healthy after {START_TIMEOUT:.0f} s: {late}")
            progress.update("waiting for " + ", ".join(part.name for part in waiting))
            if waiting:
                time.sleep(0.1)

    def _start_one(self, part: Part) -> None:
        # A predecessor that was killed by SIGKILL may have left children, which would hold its ports.
        process.end_all(lambda: process.of_part(self._lab, part.name))
        if part.name == "kwok":
            self._forget_node_leases()
        process.start(self._lab, part)

    def _forget_node_leases(self) -> None:
        """Delete the nodes' leases: each kwok process holds them under a new name, and would wait for the old one."""
        with suppress(OSError):  # no API server, no leases to wait for: kwok itself will say so
            Api(self._lab).request("DELETE", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")

    def _wait_nodes(self) -> None:
        """Wait until the scheduler may use every node. Raises LabError with the names of those that it may not."""
        api = self.api()
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            answer = api.try_read("/api/v1/nodes")
            items = answer["items"] if answer else []
            bad = [item["metadata"]["name"] for item in items if fleet.is_held_back(item)]
            if items and not bad:
                return
            if time.monotonic() > deadline:
                raise LabError(f"nodes are not ready after {START_TIMEOUT:.0f} s: {', '.join(bad) or 'cannot be read'}")
            time.sleep(0.2)

    def _check(self, parts: Sequence[Part]) -> dict[str, Status]:
        def check(part: Part) -> Status:
            state = process.look(self._lab, part.name)
            if state.state != "running" or part.health is None:
                return Status(state, healthy="has no health address")
            return Status(state, healthy(self._lab, part.health, part.client))

        with ThreadPoolExecutor(max_workers=8) as pool:
            return dict(zip([part.name for part in parts], pool.map(check, parts), strict=True))

    def api(self) -> Api:
        """Return a plain client of the laboratory's API server, as its administrator."""
        return Api(self._lab)

    def status(self) -> dict[str, Status]:
        """Return each part's process state and health, in the order of starting."""
        return self._check(list(self.parts.values()))

    def _part(self, name: str) -> Part:
        if name not in self.parts:
            raise LabError(f"part: {name!r} is not allowed; allowed: {', '.join(self.parts)}")
        return self.parts[name]

    def start(self, name: str, progress: Progress | None = None) -> None:
        """Start a part that does not run, and wait until it is healthy. Raises LabError when it is not."""
        part = self._part(name)
        with locked(self.name):
            self._start_some([part], progress or Progress(quiet=True))

    def stop(self, name: str) -> None:
        """End a part in an orderly way; its state is then "stopped". Nothing happens when it does not run."""
        process.stop(self._lab, self._part(name).name)

    def kill(self, name: str) -> None:
        """Let a part crash (SIGKILL); its state is then "crashed". Raises LabError when it does not run."""
        process.kill(self._lab, self._part(name).name)

    def log(self, name: str) -> Path:
        """Return the log file of a part."""
        return self._lab.log(self._part(name).name)

    def down(self) -> None:
        """End everything and remove the laboratory's data; the logs stay until the next C(up)."""
        remove(self.name)


def prepare(name: str, options: dict[str, Any], progress: Progress) -> Description:
    """Return the description of a laboratory, new or known, with everything that its parts need on disk."""
    known = description.load(name)
    wanted = (known.options if known else Options()).changed(**options)
    if known and wanted != known.options:
        raise LabError(
            f"laboratory {name!r} runs with other options ({known.options}); run first: scripts/lab down --name {name}"
        )
    binaries = build.ensure(("kube", "kwok", "standins"), progress)
    state = description.state_dir(name)
    if known is None:
        shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    lab = Description(name, address.allocate(state), state, wanted, binaries)
    if known:
        lab = replace(lab, number=known.number)
    pki.ensure_all(lab)
    write_credentials(lab.credentials)
    (state / "kwok.yaml").write_text(yaml.safe_dump_all(fleet.stages(wanted), sort_keys=False), encoding="utf-8")
    content = lab.to_json([part.name for part in all_parts(lab)])
    (state / "lab.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return lab


def write_credentials(path: Path) -> None:
    """Make the key pair of ClearML's platform administrator, unless it exists."""
    if not path.exists():
        pair = {"access_key": secrets.token_hex(10).upper(), "secret_key": secrets.token_urlsafe(36)}
        pki.write_private(path, json.dumps(pair).encode())


def seed(lab: Description) -> None:
    """Put into the cluster what it starts with; what is there already stays as it is."""
    api = Api(lab)
    for item in fleet.custom_resource_definitions():
        api.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", item)
    for item in fleet.storage_classes():
        api.apply("/apis/storage.k8s.io/v1/storageclasses", item)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "k3k-system"}}
    api.apply("/api/v1/namespaces", namespace)
    there = {item["metadata"]["name"] for item in api.request("GET", "/api/v1/nodes")["items"]}
    for item in fleet.nodes(lab.options):
        if item["metadata"]["name"] not in there:
            api.create("/api/v1/nodes", item)


def remove(name: str) -> None:
    """End every process of a laboratory and remove its data but the logs. Nothing happens when there is none."""
    state = description.state_dir(name)
    if not state.exists():
        return
    with locked(name):
        # All data goes away, so nothing needs an orderly end.
        process.end_all(lambda: process.of_lab(state))
        address.release(state)
        for path in state.iterdir():
            if path.is_dir() and path.name != "logs":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()


def crash_report(failed: Sequence[Status]) -> str:
    """Describe parts that do not run: name, cause and last log lines."""
    lines = []
    for status in failed:
        state = status.process
        lines.append(f"{state.name} {state.state}: {state.cause or 'never started'}")
        lines.extend(f"    {line}" for line in state.log_tail)
    return "\n".join(lines)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one command at a time change a laboratory."""
    directory = description.state_dir(name).parent
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
