# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How many requests are sent, and how long is waited, against an API in memory and a clock that takes no time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    AuthError,
    PlatformError,
    UnreachableError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.desired import cluster_body, policy_body
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.refusal import Consent
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import ClusterRequest, parse_clusters
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock, Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.apply import Writer
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.clusters import Clusters, Progress
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.survey import survey
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.waiting import Patience, Waiter
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.kinds import Kind
from tests.unit.plugins.module_utils.core.k3k.objects import VERSION, Object, applied, namespace, running


class Api:
    """Objects in memory, and a count of what was asked. tick: what the controller does each time somebody looks."""

    def __init__(self, tick: Callable[[Api], None] = lambda api: None) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.asked: Counter[str] = Counter()
        self.tick = tick

    def put(self, *objects: Mapping[str, Any]) -> None:
        for item in objects:
            metadata = item["metadata"]
            self.objects[item["kind"], metadata.get("namespace", ""), metadata["name"]] = dict(item)

    def drop(self, *kinds: str) -> None:
        self.objects = {key: item for key, item in self.objects.items() if key[0] not in kinds}

    def list(self, kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        self.asked[f"LIST {kind.name}"] += 1
        if kind.name == "Cluster":
            self.tick(self)
        found = [
            item for key, item in self.objects.items() if key[0] == kind.name and namespace in ("", key[1])
        ]  # fmt: skip
        return [item for item in found if matches(item, labels)]

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        self.asked[f"GET {kind.name}"] += 1
        return self.objects.get((kind.name, namespace, name))

    def apply(self, kind: Kind, body: Object, dry_run: bool = False, force: bool = False) -> Object:
        self.asked[f"APPLY {kind.name}"] += 1
        metadata = body["metadata"]
        live = applied(body, self.objects.get((kind.name, metadata.get("namespace", ""), metadata["name"])))
        if not dry_run:
            self.put(live)
        return live

    def merge(self, kind: Kind, name: str, namespace: str, patch: Any, dry_run: bool = False) -> Object:
        self.asked[f"MERGE {kind.name}"] += 1
        return self.objects[kind.name, namespace, name]

    def delete(self, kind: Kind, name: str, namespace: str = "", dry_run: bool = False) -> bool:
        self.asked[f"DELETE {kind.name}"] += 1
        live = self.objects.get((kind.name, namespace, name))
        if live is not None and not dry_run:
            live["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
        return live is not None

    def writes(self) -> int:
        return sum(count for what, count in self.asked.items() if not what.startswith(("LIST", "GET")))


def matches(item: Object, selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    for part in re.split(r",(?![^(]*\))", selector) if selector else []:
        key, _equals, value = part.partition("=")
        if " in (" in part:
            key, _in, values = part.partition(" in (")
            if labels.get(key) not in values.rstrip(")").split(","):
                return False
        elif key not in labels or (value and labels[key] != value):
            return False
    return True


class Fake:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep, lambda: 0.5)


def requests(count: int, **options: Any) -> list[ClusterRequest]:
    names = [f"t{number}" for number in range(count)]
    return list(parse_clusters([{"tenant": name, "version": VERSION, **options} for name in names]))


def children(request: ClusterRequest, cluster: Object) -> list[Object]:
    """Everything that runs of a cluster, under its own name."""
    facts = running(cluster)
    result = []
    for item in (facts.servers, facts.agents, *facts.pods):
        assert item is not None
        metadata = {**item["metadata"], "namespace": request.namespace}
        metadata["name"] = metadata["name"].replace("acme", request.name)
        role = {"StatefulSet": {"role": "server"}, "Deployment": {"type": "agent"}}.get(item["kind"])
        metadata["labels"] = {**metadata.get("labels", {}), "cluster": request.name, **(role or {})}
        result.append({**item, "metadata": metadata})
    return result


def provision(api: Api, wanted: list[ClusterRequest]) -> None:
    """Put all clusters there, running."""
    for request in wanted:
        cluster = applied(cluster_body(request, request.spec))
        api.put(namespace(request.namespace), applied(policy_body(request)), cluster, *children(request, cluster))


def controller(wanted: list[ClusterRequest]) -> Callable[[Api], None]:
    """A controller that carries out everything at once."""

    def tick(api: Api) -> None:
        for request in wanted:
            cluster = api.objects.get(("Cluster", request.namespace, request.name))
            if cluster:
                api.put(*children(request, cluster))

    return tick


def converge(api: Api, wanted: list[ClusterRequest], **options: Any) -> tuple[list[Progress], float]:
    """Run as the module does; returns the progress and how long it took by the clock."""
    fake = Fake()
    given = {"timeout": 600.0, "grace": 60.0, "results": True, "consent": Consent(disruptive=True), **options}
    clusters = Clusters(api, Writer(api), given["consent"], "k3k-system")  # type: ignore[arg-type]
    progress = clusters.plan(wanted)
    patience = Patience(Waiting(fake.clock, given["timeout"], 5.0), given["grace"], given["results"])
    Waiter(clusters, patience).run(progress)
    clusters.look(progress)
    clusters.locate(progress)
    return progress, fake.time


# -- speed ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 50, 500])
def test_unchanged_costs_lists_only_whatever_the_number(count: int) -> None:
    api, wanted = Api(), requests(count, expose={"type": "node_port", "server_port": 30000} if count == 1 else None)
    provision(api, wanted)
    progress, took = converge(api, wanted)
    assert all(not item.done and not item.error for item in progress)
    assert took == 0
    assert sum(api.asked.values()) == 7
    assert api.asked["LIST Cluster"] == 2
    assert api.writes() == 0


def test_creating_many_costs_a_write_each() -> None:
    wanted = requests(100)
    api = Api(controller(wanted))
    for request in wanted:
        api.put(namespace(request.namespace))
    progress, _took = converge(api, wanted)
    assert [str(item.error) for item in progress if item.error] == []
    assert api.asked["APPLY Cluster"] == api.asked["APPLY VirtualClusterPolicy"] == 100
    assert api.writes() == 200
    assert sum(api.asked.values()) - api.writes() < 60


def test_info_costs_lists_only() -> None:
    api, wanted = Api(), requests(50)
    provision(api, wanted)
    found = survey(api, [], [], [])  # type: ignore[arg-type]
    assert len(found) == 50
    assert all(cluster.verdict.done for cluster in found)
    assert sum(api.asked.values()) == 6
    assert [cluster.tenant for cluster in survey(api, ["t3", "t7"], [], [])] == ["t3", "t7"]  # type: ignore[arg-type]


# -- waiting --------------------------------------------------------------------------------------------------------------


def failing(api: Api, request: ClusterRequest, message: str) -> None:
    cluster = api.objects["Cluster", request.namespace, request.name]
    cluster["status"] = {
        **cluster["status"], "phase": "Failed", "conditions": [{"type": "Ready", "status": "False", "message": message}],
    }  # fmt: skip


def test_failed_is_final_only_after_the_grace_by_our_own_clock() -> None:
    """Trap 5: the condition's lastTransitionTime keeps the creation time through all failures."""
    wanted = requests(2)
    api = Api()
    provision(api, wanted)
    failing(api, wanted[0], "no such host")
    progress, took = converge(api, wanted, grace=60.0)
    bad, fine = progress
    assert bad.error is not None
    assert bad.error.code == "stuck"
    assert "no such host" in bad.error.message
    assert 60 <= took < 70  # not wait_timeout
    assert fine.error is None
    assert api.asked["MERGE Cluster"] == 1  # it was shaken first


def test_failed_in_passing_is_survived() -> None:
    wanted = requests(1)
    looks = Counter[str]()

    def tick(api: Api) -> None:
        looks["n"] += 1
        cluster = api.objects["Cluster", "t-t0", "t0"]
        cluster["status"]["phase"] = "Failed" if looks["n"] % 2 else "Provisioning"
        if looks["n"] > 60:
            cluster["status"]["phase"] = "Ready"

    api = Api(tick)
    provision(api, wanted)
    progress, took = converge(api, wanted, grace=20.0)
    assert progress[0].error is None
    assert took > 60


def test_time_is_up_and_the_message_says_all() -> None:
    wanted = requests(1, agents=2)
    api = Api()
    provision(api, wanted)
    deployment = api.objects["Deployment", "t-t0", "k3k-t0-agent"]
    deployment["status"]["readyReplicas"] = 1
    progress, took = converge(api, wanted, timeout=100.0)
    error = progress[0].error
    assert error is not None
    assert (error.code, error.retryable) == ("waittimeout", True)
    assert "is not there after 100 s (ready): 1 of 2 agents are ready" in error.message
    assert took >= 100


def test_an_api_that_is_away_while_waiting_is_waited_for() -> None:
    """X-7: killed and started again in the middle."""
    wanted = requests(5)
    looks = Counter[str]()
    ready = controller(wanted)

    def tick(api: Api) -> None:
        looks["n"] += 1
        if 2 <= looks["n"] < 8:
            raise UnreachableError("connection refused")
        ready(api)

    api = Api(tick)
    for request in wanted:
        api.put(namespace(request.namespace))
    progress, _took = converge(api, wanted)
    assert [item.error for item in progress if item.error] == []
    assert looks["n"] >= 8
    assert api.asked["APPLY Cluster"] == 5


@pytest.mark.parametrize("error", [UnreachableError("connection refused"), AuthError("cannot list pods")])
def test_what_was_written_is_told_when_nothing_can_be_read_any_more(error: PlatformError) -> None:
    wanted = requests(1, agents=1)
    api = Api()
    provision(api, requests(1))

    def refuse(kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        if kind.name == "Pod":
            raise error
        return original(kind, namespace, labels, fields)

    original = api.list
    api.list = refuse  # type: ignore[method-assign]
    progress, _took = converge(api, wanted, timeout=20.0)
    assert [step.kind for step in progress[0].done] == ["Cluster"]
    assert progress[0].error is not None
    assert str(error) in str(progress[0].error)


def test_gpu_agents_wait_for_their_predecessors_also_without_wait() -> None:
    """What must hold between two writes is not optional."""
    wanted = requests(1, agents=2, worker_limit={"nvidia.com/gpu": 8})
    api = Api()
    provision(api, wanted)
    seen: list[int] = []

    def tick(self: Api) -> None:
        return None

    def look(kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        if kind.name == "Pod":
            seen.append(len(seen))
            if len(seen) == 3:
                for key in [key for key in api.objects if key[0] == "Pod" and "agent" in key[2]]:
                    del api.objects[key]
                api.objects["Deployment", "t-t0", "k3k-t0-agent"]["spec"]["replicas"] = 0
        return original(kind, namespace, labels, fields)

    original = api.list
    api.list = look  # type: ignore[method-assign]
    changed = requests(1, agents=2, worker_limit={"nvidia.com/gpu": 8, "cpu": 4})
    progress, took = converge(api, changed, results=False)
    assert progress[0].error is None
    assert [step.body["spec"]["agents"] for step in progress[0].done] == [0, 2]
    assert len(seen) >= 3
    assert took > 0


def test_what_a_failure_left_undone_is_in_the_result() -> None:
    wanted = requests(1, agents=2, worker_limit={"nvidia.com/gpu": 8})
    api = Api()
    provision(api, wanted)
    changed = requests(1, agents=2, worker_limit={"nvidia.com/gpu": 8, "cpu": 4})
    progress, _took = converge(api, changed, timeout=30.0)
    assert progress[0].error is not None
    assert "agent pods are still there" in progress[0].error.message
    assert [step.reason.partition(",")[0] for step in progress[0].done] == ["agents 2 -> 0"]
    assert [step.reason.partition(",")[0] for step in progress[0].open_steps] == ["agents 0 -> 2"]


def test_readiness_must_last_after_a_write() -> None:
    """What no template shows (a variable taken away) begins to roll out within a second."""
    wanted = requests(1, agents=1)
    api = Api(controller(wanted))
    provision(api, requests(1))
    _progress, took = converge(api, wanted)
    assert took >= 2


# -- removal --------------------------------------------------------------------------------------------------------------


def equip(api: Api) -> None:
    """The chart's objects that a removal needs."""
    for name in ("k3k-kubelet-node", "k3k-priorityclass"):
        api.put({"kind": "ClusterRoleBinding", "metadata": {"name": name}})
    labels = {"app.kubernetes.io/name": "k3k"}
    metadata = {"name": "k3k", "namespace": "k3k-system", "labels": labels}
    api.put({"kind": "Deployment", "metadata": metadata, "status": {"readyReplicas": 1}})


def absent(count: int) -> list[ClusterRequest]:
    return list(parse_clusters([{"tenant": f"t{number}", "state": "absent"} for number in range(count)]))


def test_a_removal_that_hangs_is_told_by_the_finalizer() -> None:
    api = Api()
    provision(api, requests(1))
    equip(api)
    progress, took = converge(api, absent(1), grace=30.0)
    error = progress[0].error
    assert error is not None
    assert "cluster.k3k.io/finalizer" in error.message
    assert error.code == "stuck"
    assert 30 <= took < 40
    assert [step.kind for step in progress[0].open_steps] == ["VirtualClusterPolicy"]


def test_nothing_is_removed_without_the_controller() -> None:
    api = Api()
    provision(api, requests(2))
    progress, _took = converge(api, absent(2))
    assert {item.error.code for item in progress if item.error} == {"refused"}
    assert api.writes() == 0


def test_removal_of_what_is_not_there_needs_nothing() -> None:
    api = Api()
    progress, _took = converge(api, absent(3))
    assert [item.error for item in progress] == [None, None, None]
    assert api.writes() == 0
