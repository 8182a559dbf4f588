# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Projects from nothing to gone, through faults, and what is refused (PLAT-5, X-4, X-6, X-7)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    ConfigError,
    RefusedError,
    UnreachableError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.answer import LoginRefusedError
from tests.unit.plugins.module_utils.registry.conftest import LOST, STAGING, actions, only, robot


def test_a_project_is_made_changed_and_removed(world: Any) -> None:
    first = world.converge([{"name": "staging", "severity": "critical"}])
    assert actions(first) == [("project/staging", [("create", "Project")])]
    assert world.server.store.projects["staging"].metadata == {
        "public": "false", "auto_scan": "true", "prevent_vul": "true", "severity": "critical",
    }  # fmt: skip
    assert only(world.converge([{"name": "staging", "severity": "critical"}])).steps == []

    changed = only(world.converge([{"name": "staging", "severity": "low", "public": True}]))
    assert [difference.path for difference in changed.steps[0].differences] == ["public", "severity"]
    assert world.server.store.projects["staging"].metadata["public"] == "true"
    assert world.server.store.projects["staging"].metadata["auto_scan"] == "true"

    assert actions(world.converge([{"name": "staging", "state": "absent"}])) == [
        ("project/staging", [("remove", "Project")])
    ]
    assert "staging" not in world.server.store.projects
    assert only(world.converge([{"name": "staging", "state": "absent"}])).steps == []


def test_settings_of_somebody_else_stay(world: Any) -> None:
    world.server.store.add_project("staging", {"retention_id": "7"})
    world.converge([STAGING])
    assert world.server.store.projects["staging"].metadata["retention_id"] == "7"


def test_a_project_with_images_stays(world: Any) -> None:
    world.converge([STAGING])
    world.server.store.push("staging", "app", "1.0")
    outcome = only(world.converge([{"name": "staging", "state": "absent"}]))
    assert isinstance(outcome.error, RefusedError)
    assert "has 1 repositories; it stays" in str(outcome.error)
    assert "staging" in world.server.store.projects


@LOST
def test_a_project_is_made_once_whatever_happens_to_the_answer(world: Any, fault: dict[str, Any]) -> None:
    world.server.fault({**fault, "call": "POST /projects"})
    outcome = only(world.converge([{"name": "staging", "severity": "low"}]))
    assert outcome.error is None
    assert world.server.store.projects["staging"].metadata["severity"] == "low"


def test_a_faster_run_is_no_failure(world: Any) -> None:
    """The other one made it between our look and our create, with other settings: 409, and ours are set."""
    original = world.server.store.add_project

    def other(name: str, metadata: dict[str, str]) -> Any:
        original(name, {"severity": "critical"})
        return original(name, metadata)

    world.server.store.add_project = other
    assert only(world.converge([{"name": "staging", "severity": "low"}])).error is None
    assert world.server.store.projects["staging"].metadata["severity"] == "low"


def test_all_mistakes_at_once_before_any_change(world: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        world.converge(
            [STAGING, STAGING, {"name": "Bad Name"}, {"name": "going", "state": "absent"}],
            [
                robot(valid_days="soon"),
                robot(name="b", valid_days=0, store={"namespace": "harbor", "name": "robot-b"}),
                robot(name="c", projects=["nowhere", "going"], store={"path": "relative"}),
                robot(name="d", projects=[], store={}),
                robot(name="e", valid_days=10, renew_before_days=10, store={"namespace": "harbor", "name": "robot-b"}),
            ],
        )
    text = str(caught.value)
    for line in (
        "projects[].name: 'staging' is not allowed; allowed: each one once",
        "projects[Bad Name].name: 'Bad Name' is not allowed",
        "robots[ci].valid_days: 'soon' is not allowed; allowed: a whole number of days from 1 to 3650",
        "robots[b].valid_days: 0 is not allowed",
        "robots[c].projects: 'nowhere' is not allowed; allowed: a project in projects or on the server",
        "robots[c].projects: 'going' is not allowed; allowed: a project in projects or on the server, and not one",
        "robots[c].store.path: 'relative' is not allowed; allowed: an absolute path",
        "robots[d].projects: [] is not allowed; allowed: one project or more",
        "robots[d].store: '/' is not allowed; allowed: either namespace and name of a Secret, or path of a file",
        "robots[e].renew_before_days: 10 is not allowed; allowed: a whole number of days from 0 to 9",
        "robots[].store: 'harbor/robot-b' is not allowed; allowed: each one once",
    ):
        assert line in text
    assert world.wrote() == []


def test_mistakes_are_told_when_the_server_is_away_too(world: Any) -> None:
    with pytest.raises(ConfigError):
        world.converge([STAGING, STAGING], api_url="https://127.0.0.1:1", retries=0)
    with pytest.raises(UnreachableError):
        world.converge([STAGING], api_url="https://127.0.0.1:1", retries=0)


def test_a_refused_login_stops_before_any_change(world: Any) -> None:
    with pytest.raises(LoginRefusedError):
        world.converge([STAGING], [robot()], api_password="Wrong-password-1")
    assert world.secrets.secrets == {}
