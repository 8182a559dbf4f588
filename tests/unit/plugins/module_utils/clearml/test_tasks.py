# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""clearml_task_probe's work against the stand-in, with an agent that the test plays (CML-6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.session import Caller
from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.tasks import Probe, TaskProbes
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.task import NAME, body, parse_tasks
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock, Waiting

TENANTS = [
    {
        "id": name,
        "company": name.upper(),
        "admin": {"email": f"a@{name}.example"},
        "credentials": [{"purpose": "agent"}],
    }
    for name in ("acme", "beta")
]


class Agents:
    """Workers that listen to the queues of both companies. play: what they do with a task while somebody waits."""

    def __init__(self, world: Any, watched: tuple[str, ...] = ("acme", "beta")) -> None:
        self.world, self.session, self.now = world, world.session(), 0.0
        self.play: Callable[[dict[str, Any]], None] = self.complete
        for name in ("acme", "beta"):
            made = self.session.write("queues.create", {"name": "1xgpu"}, self.caller(name))
            if name in watched:
                self.session.write("workers.register", {"worker": "glue", "queues": [made["id"]]}, self.caller(name))

    def caller(self, name: str) -> Caller:
        return Caller(act_as=self.world.admin(f"a@{name}.example")["id"])

    def move(self, task: dict[str, Any], *calls: str, **data: Any) -> None:
        (name,) = [item["name"].lower() for item in self.world.state()["companies"] if item["id"] == task["company"]]
        for call in calls:
            self.session.write(f"tasks.{call}", {"task": task["id"], **data}, self.caller(name))

    def complete(self, task: dict[str, Any]) -> None:
        self.move(task, "started", "completed")

    def fail(self, task: dict[str, Any]) -> None:
        self.move(task, "started", "failed", status_message="image not found")

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for task in self.world.state()["tasks"]:
            if task["status"] in ("queued", "in_progress"):
                self.play(task)

    def waiting(self) -> Waiting:
        return Waiting(Clock(lambda: self.now, self.sleep, lambda: 0.5), 60, 5)


@pytest.fixture
def world_with_tenants(world: Any) -> Any:
    assert [outcome.error for outcome in world.converge(*TENANTS)] == [None, None]
    return world


def run(world: Any, agents: Agents, *items: dict[str, Any], check_mode: bool = False) -> list[Probe]:
    asked = items or tuple(
        {"tenant": name, "company": name.upper(), "queue": "1xgpu", "admin_email": f"a@{name}.example"}
        for name in ("acme", "beta")
    )
    probes = TaskProbes(world.session(), world.secrets, "", 4)
    return probes.run(parse_tasks(list(asked)), None if check_mode else agents.waiting())


def tasks(world: Any) -> list[tuple[str, str]]:
    return [(task["name"], task["status"]) for task in world.state()["tasks"]]


def test_tasks_run_and_leave_nothing(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants)
    found = run(world_with_tenants, agents)
    assert [(probe.error, probe.task["status"]) for probe in found] == [(None, "completed")] * 2
    assert tasks(world_with_tenants) == []


def test_a_pair_in_a_secret_is_used_and_never_the_platforms(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants)
    (key,) = [key for key in world_with_tenants.secrets.secrets if key[0] == "t-acme"]
    item = {"tenant": "acme", "company": "ACME", "queue": "1xgpu", "store": {"namespace": key[0], "name": key[1]}}
    (probe,) = run(world_with_tenants, agents, item)
    assert probe.error is None
    assert probe.caller is not None
    assert probe.caller.access_key in world_with_tenants.access_keys()


def test_a_task_that_fails_is_told_and_kept_until_the_next_run(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants)
    agents.play = agents.fail
    for probe in run(world_with_tenants, agents):
        assert "ended as failed: image not found" in str(probe.error)
        assert "It stays until the next run of the probe" in str(probe.error)
    assert tasks(world_with_tenants) == [(NAME, "failed")] * 2
    agents.play = agents.complete
    assert [probe.error for probe in run(world_with_tenants, agents)] == [None, None]
    assert tasks(world_with_tenants) == []


def test_one_that_never_runs_ends_the_wait_and_the_others_are_right(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants)
    acme = world_with_tenants.companies()[0]["id"]
    agents.play = lambda task: agents.complete(task) if task["company"] == acme else None
    good, late = run(world_with_tenants, agents)
    assert good.error is None
    assert "Tenant beta: after 60 s the task in queue 1xgpu is still queued" in str(late.error)
    assert tasks(world_with_tenants) == []


def test_a_queue_without_an_agent_or_without_itself_is_told_at_once(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants, watched=("acme",))
    good, unwatched = run(world_with_tenants, agents)
    assert good.error is None
    assert "Tenant beta: no agent listens to the queue 1xgpu" in str(unwatched.error)
    asked = {"tenant": "acme", "queue": "8xgpu", "admin_email": "a@acme.example"}
    (probe,) = run(world_with_tenants, agents, asked)
    assert "Tenant acme: there is no queue 8xgpu" in str(probe.error)
    (probe,) = run(world_with_tenants, agents, {**asked, "admin_email": "no@acme.example"})
    assert "there is no ClearML user no@acme.example" in str(probe.error)
    assert tasks(world_with_tenants) == []


def test_check_mode_looks_and_queues_nothing(world_with_tenants: Any) -> None:
    agents = Agents(world_with_tenants, watched=())
    before = len(world_with_tenants.calls())
    assert [probe.error for probe in run(world_with_tenants, agents, check_mode=True)] == [None, None]
    assert not [entry for entry in world_with_tenants.calls()[before:] if entry["call"].startswith("tasks.")]


def test_mistakes_in_the_request() -> None:
    item = {"tenant": "acme", "queue": "", "admin_email": "a@acme.example"}
    with pytest.raises(ConfigError) as caught:
        parse_tasks([item, {**item, "queue": "x", "admin_email": ""}])
    assert [problem.path for problem in caught.value.problems] == [
        "tenants[acme].queue",
        "tenants[acme].admin_email",
        "tenants[acme]",
    ]


def test_the_task_needs_no_package_and_only_the_image_that_is_asked_for() -> None:
    assert "container" not in body("")
    assert body("registry.example.com/python:3.11")["container"] == {"image": "registry.example.com/python:3.11"}
    assert body("")["script"]["requirements"] == {"pip": ""}
