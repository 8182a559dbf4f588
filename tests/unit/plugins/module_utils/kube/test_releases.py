# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Releases read by one LIST, and interrupted ones given up only when they are old enough (PLAT-10, X-4, X-7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import NotFoundError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import release
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube import releases

from ..core.platform.helm import revision

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
DEMO = [("demo-system", "demo")]


class Api:
    """Secrets in memory. tick: what Helm does meanwhile, called with the second before each LIST."""

    def __init__(self, *secrets: dict[str, Any], tick: Callable[[Api, float], None] = lambda _api, _now: None) -> None:
        self.secrets = {secret["metadata"]["name"]: secret for secret in secrets}
        self.time, self.tick = 0.0, tick
        self.lists = 0
        self.patches: list[dict[str, Any]] = []
        self.clock = Clock(lambda: self.time, self._sleep, lambda: 0.5)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def today(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def list(self, _kind: Any, _namespace: str = "", labels: str = "") -> list[dict[str, Any]]:
        self.lists += 1
        self.tick(self, self.time)
        assert labels.startswith("owner=helm,name in (")
        return list(self.secrets.values())

    def request(self, _method: str, path: str) -> dict[str, Any]:
        return self.secrets[path.rpartition("/")[2]]

    def merge(self, _kind: Any, name: str, _namespace: str, patch: dict[str, Any], dry_run: bool = False) -> None:
        self.patches.append({**patch, "dry_run": dry_run})
        if not dry_run:
            self.secrets[name] = {**self.secrets[name], "data": patch["data"]}

    def repair(self, older_than: float = 300, dry_run: bool = False) -> releases.Repaired:
        session: Any = self
        (found,) = releases.repair(session, DEMO, older_than, self.clock, self.today, dry_run)
        return found

    def status(self) -> str:
        session: Any = self
        return releases.read(session, DEMO)[0].status


def pending(seconds_ago: float = 0) -> dict[str, Any]:
    begun = (START - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000000001Z")
    return revision(2, "pending-upgrade", updated=begun)


def test_all_releases_cost_one_list() -> None:
    api: Any = Api(revision(1), pending())
    wanted = [("demo-system", "demo"), *((f"ns-{number}", f"name-{number}") for number in range(40))]
    found = releases.read(api, wanted)
    assert [item.status for item in found] == ["pending-upgrade", *["absent"] * 40]
    assert api.lists == 1
    assert releases.read(api, []) == []
    assert api.lists == 1


def test_an_old_interrupted_operation_is_given_up_at_once() -> None:
    api = Api(revision(1), pending(seconds_ago=400))
    outcome = api.repair()
    assert api.time == 0
    assert (outcome.status, len(outcome.plan.writes)) == ("pending-upgrade", 1)
    assert api.status() == release.FAILED


def test_a_young_one_is_given_the_time_that_is_left() -> None:
    api = Api(pending(seconds_ago=100))
    assert api.repair().plan.writes
    assert 200 <= api.time < 210
    assert api.status() == release.FAILED


def test_one_that_ends_by_itself_meanwhile_is_left_alone() -> None:
    def helm_ends(api: Api, now: float) -> None:
        if now >= 60:
            api.secrets = {"x": revision(2, "deployed")}

    api = Api(pending(), tick=helm_ends)
    outcome = api.repair()
    assert 60 <= api.time < 70
    assert (outcome.status, outcome.plan.writes) == ("deployed", ())
    assert api.patches == []


def test_check_mode_neither_waits_nor_writes() -> None:
    api = Api(pending())
    assert api.repair(dry_run=True).plan.writes
    assert api.time == 0
    assert [patch["dry_run"] for patch in api.patches] == [True]
    assert api.status() == "pending-upgrade"


def test_what_is_not_interrupted_is_not_touched() -> None:
    for status in ("deployed", "failed", "uninstalled"):
        api = Api(revision(1, status))
        assert api.repair().plan.writes == ()
        assert api.patches == []


class Objects:
    """Discovery and single objects: a Secret, and no kind of another group."""

    def request(self, _method: str, path: str) -> dict[str, Any]:
        if path != "/api/v1":
            raise NotFoundError(path)
        return {"resources": [{"kind": "Secret", "name": "secrets", "namespaced": True}]}

    def get(self, kind: Any, name: str, namespace: str = "") -> dict[str, Any] | None:
        found = kind.path(namespace, name) == "/api/v1/namespaces/app/secrets/conf"
        return {"data": {"user": "bmFtZQ==", "password": "d29yZA=="}} if found else None


def test_objects_that_are_there_are_told_with_their_keys_and_without_a_value() -> None:
    session: Any = Objects()
    secret = {"api_version": "v1", "kind": "Secret", "namespace": "app", "name": "conf", "keys": ["user", "token"]}
    wanted = [
        secret,
        {**secret, "name": "other"},
        {"api_version": "example.com/v1", "kind": "Thing", "namespace": None, "name": "x", "keys": []},
    ]
    assert releases.read_objects(session, wanted) == [
        {"kind": "Secret", "namespace": "app", "name": "conf", "keys": ["user"]}
    ]


class Cluster:
    """Nodes in memory, and an API server that answers."""

    def __init__(self, *allocatable: dict[str, str]) -> None:
        self.nodes = [
            {"kind": "Node", "metadata": {"name": f"node-{number}"}, "status": {"allocatable": offered}}
            for number, offered in enumerate(allocatable)
        ]

    def list(self, kind: Any, _namespace: str = "", _labels: str = "") -> list[dict[str, Any]]:
        return self.nodes if kind.name == "Node" else []

    def get(self, kind: Any, name: str) -> dict[str, Any] | None:
        return {"metadata": {"name": name, "uid": "uid-1"}} if kind.path("", name).endswith("/kube-system") else None

    def request(self, _method: str, path: str) -> dict[str, Any]:
        return {"gitVersion": "v1.34.4"} if path == "/version" else {"groups": []}


def test_a_resource_of_which_a_node_has_none_left_is_not_offered() -> None:
    session: Any = Cluster({"cpu": "4", "nvidia.com/gpu": "0"}, {"cpu": "8", "amd.com/gpu": "2"}, {})
    found = releases.read_cluster(session)
    assert found["node_resources"] == ["amd.com/gpu", "cpu"]
    assert found["node_names"] == ["node-0", "node-1", "node-2"]
    assert found["uid"] == "uid-1"
