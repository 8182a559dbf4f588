# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in runs the daily work: queues, tasks, workers, gateways (CML-4, CML-5, TEN-8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.clearml.inprocess import Running, running


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("clearml"), clock=clock) as started:
        yield started


def new_queue(server: Running, name: str, **values: Any) -> str:
    return str(server.call("queues.create", {"name": name, **values}).data["id"])


def new_task(server: Running, name: str = "task") -> str:
    return str(server.call("tasks.create", {"name": name, "type": "testing"}).data["id"])


def names(server: Running, **query: Any) -> list[str]:
    return [queue["name"] for queue in server.call("queues.get_all", {"order_by": ["name"], **query}).data["queues"]]


def test_an_update_without_a_difference_is_counted(server: Running) -> None:
    queue = new_queue(server, "gpu", display_name="GPU", tags=["a"])
    for _turn in range(2):
        answer = server.call("queues.update", {"queue": queue, "display_name": "GPUs"}).data
        assert answer == {"updated": 1, "fields": {"display_name": "GPUs"}}
    found = server.call("queues.get_by_id", {"queue": queue}).data["queue"]
    assert (found["name"], found["display_name"], found["tags"], found["entries"]) == ("gpu", "GPUs", ["a"], [])
    new_queue(server, "other")
    assert server.call("queues.update", {"queue": queue, "name": "other"}).refusal[:2] == (400, 801)


def test_names_are_searched_as_expressions(server: Running) -> None:
    for name in ("gpu-1", "gpu-10", "GPU-1"):
        new_queue(server, name)
    assert names(server, name="gpu-1") == ["gpu-1", "gpu-10"]
    assert names(server, name="^gpu-1$") == ["gpu-1"]


def test_queues_of_the_glue_are_hidden(server: Running) -> None:
    new_queue(server, "open")
    hidden = new_queue(server, "hidden", system_tags=["k8s-glue"])
    assert names(server) == ["open"]
    assert names(server, search_hidden=True) == ["hidden", "open"]
    assert names(server, id=[hidden]) == names(server, name="hidden") == ["hidden"]
    assert names(server, search_hidden=True, system_tags=["-k8s-glue"]) == ["open"]


def test_pages_and_scrolling(server: Running, clock: Clock) -> None:
    for number in range(5):
        new_queue(server, f"queue-{number}")
    assert names(server, page=0, page_size=2) == ["queue-0", "queue-1"]
    assert names(server, page=2, page_size=2) == ["queue-4"]
    assert names(server, page=3, page_size=2) == []
    assert names(server, order_by=["-name"], page_size=1) == ["queue-4"]

    def scroll(scroll_id: str | None) -> tuple[list[str], str]:
        data = server.call("queues.get_all", {"scroll_id": scroll_id, "size": 2, "order_by": ["name"]}).data
        return [queue["name"] for queue in data["queues"]], data["scroll_id"]

    first, scroll_id = scroll(None)
    assert (first, scroll(scroll_id)) == (["queue-0", "queue-1"], (["queue-2", "queue-3"], scroll_id))
    clock.now += 601
    assert scroll(scroll_id)[0] == ["queue-0", "queue-1"], "an expired scroll starts again"
    assert scroll("unknown")[0] == ["queue-0", "queue-1"]


def test_a_page_is_never_longer_than_500(server: Running) -> None:
    template = server.application.store.queues
    for number in range(510):
        template[f"{number:032}"] = {
            "id": f"{number:032}", "name": f"queue-{number}", "company": "d1bd92a3b039400cbafc60a7a5b1e52b",
            "tags": [], "system_tags": [], "entries": [],
        }  # fmt: skip
    assert len(names(server)) == len(names(server, page_size=9999)) == 500
    assert len(names(server, page=1)) == 10


def test_fields_are_selected(server: Running) -> None:
    queue = new_queue(server, "gpu")
    [found] = server.call("queues.get_all", {"only_fields": ["name"]}).data["queues"]
    assert found == {"id": queue, "name": "gpu"}
    refused = server.call("queues.get_all", {"only_fields": ["nonsense"]})
    assert refused.refusal[:2] == (400, 14)


def test_the_way_of_a_task(server: Running) -> None:
    queue, task = new_queue(server, "gpu"), new_task(server)
    assert server.call("tasks.enqueue", {"task": task}).refusal[:2] == (400, 707)
    queued = server.call("tasks.enqueue", {"task": task, "queue": queue, "verify_watched_queue": True}).data
    assert (queued["queued"], queued["updated"], queued["queue_watched"]) == (1, 1, False)
    assert server.call("tasks.enqueue", {"task": task, "queue": queue}).refusal[:2] == (400, 110)
    assert server.call("tasks.enqueue", {"task": task, "queue": queue, "force": True}).refusal[:2] == (400, 706)
    assert server.call("queues.get_num_entries", {"queue": queue}).data == {"num": 1}
    assert server.call("queues.delete", {"queue": queue}).refusal == (
        400,
        702,
        f"Queue is not empty (use force=true to delete): id={queue}",
    )
    assert server.call("queues.get_next_task", {"queue": queue}).data["entry"]["task"] == task
    assert server.call("queues.get_next_task", {"queue": queue}).data == {}
    for call, status in (("started", "in_progress"), ("stopped", "stopped"), ("started", "in_progress")):
        assert server.call(f"tasks.{call}", {"task": task}).data["fields"]["status"] == status
    assert server.call("tasks.delete", {"task": task}).refusal[:2] == (400, 123)
    assert server.call("tasks.completed", {"task": task}).data["updated"] == 1
    assert server.call("tasks.failed", {"task": task}).refusal[:2] == (400, 110)
    assert server.call("tasks.get_by_id", {"task": task}).data["task"]["status"] == "completed"
    assert server.call("tasks.delete", {"task": task}).data["deleted"] is True
    assert server.call("tasks.get_by_id", {"task": task}).refusal[:2] == (400, 101)


def test_a_named_queue_is_created_on_the_way(server: Running) -> None:
    task = new_task(server)
    assert server.call("tasks.enqueue", {"task": task, "queue_name": "on-the-way"}).data["queued"] == 1
    [queue] = server.call("queues.get_all", {"name": "^on-the-way$"}).data["queues"]
    assert [entry["task"] for entry in queue["entries"]] == [task]
    assert server.call("tasks.dequeue", {"task": task}).data["dequeued"] == 1
    assert server.call("tasks.dequeue", {"task": task}).refusal[:2] == (400, 703)


def test_a_forced_end_of_a_queue_makes_its_tasks_drafts(server: Running) -> None:
    queue, task = new_queue(server, "gpu"), new_task(server)
    server.call("tasks.enqueue", {"task": task, "queue": queue}).data  # noqa: B018
    assert server.call("queues.delete", {"queue": queue, "force": True}).data == {"deleted": 1}
    assert server.call("tasks.get_by_id", {"task": task}).data["task"]["status"] == "created"


def test_workers_appear_and_vanish(server: Running, clock: Clock) -> None:
    queue = new_queue(server, "gpu")
    assert server.call("workers.register", {"worker": "agent", "queues": ["zz"]}).refusal[:2] == (400, 701)
    server.call("workers.register", {"worker": "agent-1", "queues": [queue], "timeout": 600}).data  # noqa: B018
    [worker] = server.call("workers.get_all", {"last_seen": 60}).data["workers"]
    assert (worker["id"], worker["register_timeout"]) == ("agent-1", 600)
    assert worker["queues"] == [{"id": queue, "name": "gpu", "num_tasks": 0}]
    assert server.call("workers.get_count").data == {"count": 1}
    clock.now += 61
    assert server.call("workers.get_all", {"last_seen": 60}).data["workers"] == []
    server.call("workers.status_report", {"worker": "agent-1", "timestamp": int(clock.now)}).data  # noqa: B018
    assert len(server.call("workers.get_all", {"last_seen": 60}).data["workers"]) == 1
    watched = server.call("tasks.enqueue", {"task": new_task(server), "queue": queue, "verify_watched_queue": True})
    assert watched.data["queue_watched"] is True
    clock.now += 601
    assert server.call("workers.get_all", {"last_seen": 0}).data["workers"] == []
    assert server.call("workers.unregister", {"worker": "agent-1"}).refusal[:2] == (400, 1004)


def test_gateways_appear_and_vanish(server: Running, clock: Clock) -> None:
    report = {"router": "gw", "url": "https://router.acme.example", "version": "2.16.0", "timeout": 30,
              "status": {"uptime": 5, "routes": [{"name": "r", "tasks": []}]}}  # fmt: skip
    assert server.call("routers.task_router_report", report).data == {}
    [router] = server.call("routers.get_task_routers").data["routers"]
    assert (router["router"], router["url"], router["uptime"]) == ("gw", "https://router.acme.example", 5)
    assert router["last_update_timestamp"] == int(clock.now)
    clock.now += 31
    assert server.call("routers.get_task_routers").data["routers"] == []


def test_events_of_a_task(server: Running) -> None:
    task = new_task(server)
    lines = b'{"task": "%s", "type": "log", "msg": "hello"}\n' % task.encode()
    headers = server.basic() | {"Content-Type": "application/json-lines"}
    assert server.send("events.add_batch", lines * 2, headers).data["added"] == 2
    assert [event["msg"] for event in server.call("events.get_task_log", {"task": task}).data["events"]] == [
        "hello"
    ] * 2
    unknown = b'{"task": "zz", "type": "log"}\n'
    assert server.send("events.add_batch", unknown, headers).refusal[:2] == (400, 101)
