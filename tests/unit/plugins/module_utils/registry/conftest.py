# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in for Harbor, and runs against it whose time does not pass."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.promotion import parse_promotions
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.requests import parse
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.result import ItemResult
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.projects import Registry
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.promotions import Promotions
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.robots import new_secret
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.session import Session
from tests.lab.harbor.inprocess import PASSWORD, Running, running
from tests.unit.plugins.module_utils.memory import MemorySecrets, Time

DAY = 24 * 3600


@dataclass
class World:
    """A Harbor, Secrets, and the work of the modules against them. now: of the server and of the runs."""

    server: Running
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    time: Time = field(default_factory=Time)
    learned: list[str] = field(default_factory=list)
    now: float = 1_900_000_000.0

    def session(self, **changes: Any) -> Session:
        options = {
            "api_url": self.server.url,
            "api_user": "admin",
            "api_password": PASSWORD,
            "api_validate_certs": True,
            "ca_path": str(self.server.ca_file),
            "timeout": 5,
            "retries": 3,
            **changes,
        }
        return Session(options, self.learned.append, self.time.clock())

    def converge(
        self,
        projects: list[Any] | None = None,
        robots: list[Any] | None = None,
        check_mode: bool = False,
        **options: Any,
    ) -> list[ItemResult]:
        """Run harbor_project's work with a session of its own."""
        registry = Registry(self.session(**options), self.secrets, lambda: self.now, new_secret, check_mode)
        return registry.converge(parse(projects or [], robots or []), 4)

    def promote(
        self, *items: dict[str, Any], check_mode: bool = False, wait: bool = True, **options: Any
    ) -> list[ItemResult]:
        """Run harbor_promote's work."""
        waiting = Waiting(self.time.clock(), 600, 5) if wait and not check_mode else None
        requests, problems = parse_promotions(items)
        return Promotions(self.session(**options), lambda: self.now, waiting, check_mode).promote(requests, problems, 4)

    def login(self, name: str = "robot-ci", namespace: str = "harbor") -> tuple[str, str]:
        """User and password in a Secret."""
        data = self.secrets.secrets[namespace, name]["data"]
        auths = json.loads(base64.b64decode(data[".dockerconfigjson"]))["auths"]
        entry = auths[self.server.url.removeprefix("https://")]
        assert base64.b64decode(entry["auth"]).decode() == f"{entry['username']}:{entry['password']}"
        return entry["username"], entry["password"]

    def lets_in(self, username: str, password: str) -> bool:
        return self.server.store.login(username, password) is not None

    def robots(self) -> list[str]:
        return [robot.name for robot in self.server.store.robots.values()]

    def wrote(self) -> list[str]:
        """Requests so far that change something."""
        return [call for call in self.server.calls() if not call.startswith("GET ")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    worlds: list[World] = []
    with running(tmp_path / "harbor", lambda: worlds[0].now if worlds else 1_900_000_000.0) as server:
        worlds.append(World(server))
        yield worlds[0]


def robot(**changes: Any) -> dict[str, Any]:
    """A robot as the module hands it on."""
    return {
        "name": "ci", "projects": ["staging"], "access": "push", "store": {"namespace": "harbor", "name": "robot-ci"}, **changes,
    }  # fmt: skip


STAGING = {"name": "staging"}
LOST = pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after_commit"},
        {"kind": "reset"},
        {"kind": "html", "status": 502},
        {"kind": "error", "status": 500},
        {"kind": "truncated"},
    ],
    ids=lambda fault: str(fault["kind"]),
)


def only(outcomes: list[Any]) -> Any:
    (outcome,) = outcomes
    return outcome


def actions(outcomes: list[Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(each.item, [(step.action, step.kind) for step in each.steps]) for each in outcomes]
