# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When a robot is made, renewed, changed, and when it needs another secret (PLAT-5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry import logins, robots
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.requests import (
    ACCESS,
    RobotRequest,
    StoreRequest,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.robots import DAY, Login, Robot

NOW = 1_900_000_000.0
HOST = "registry.example.com"
REQUEST = RobotRequest(
    "ci", StoreRequest("harbor", "robot-ci"), ("staging",), "push", valid_days=30, renew_before_days=7
)
RIGHTS = frozenset(("staging", *right) for right in ACCESS["push"])
THERE = Robot(7, "robot$ci", robots.MARK, NOW - 10 * DAY, NOW + 20 * DAY, 30, False, RIGHTS)
LOGIN = Login(HOST, "robot$ci", "Secret-of-a-robot-1")


def plan(
    found: Robot | None = THERE, stored: Login | None = LOGIN, health: str = robots.ACCEPTED, **changes: Any
) -> Any:
    return robots.plan_robot(replace(REQUEST, **changes), found, stored, health, HOST, NOW)


def applied(found: Robot, body: dict[str, Any]) -> Robot:
    """What Harbor makes of an update: it counts the days from the robot's making."""
    rights = frozenset(
        (permission["namespace"], access["resource"], access["action"])
        for permission in body["permissions"]
        for access in permission["access"]
    )
    ends = found.created_at + body["duration"] * DAY
    return replace(found, duration=body["duration"], expires_at=ends, disabled=body["disable"], rights=rights)


def test_as_wanted() -> None:
    assert not plan().plan.changed
    assert not plan().makes_secret


@pytest.mark.parametrize(
    ("found", "stored", "health", "changes", "kinds", "makes_secret"),
    [
        (None, None, robots.UNASKED, {}, ["Robot", "RobotSecret"], True),
        (None, LOGIN, robots.UNASKED, {}, ["Robot", "RobotSecret"], True),
        (THERE, None, robots.UNASKED, {}, ["RobotSecret"], True),
        (THERE, LOGIN, robots.REFUSED, {}, ["RobotSecret"], True),
        (THERE, replace(LOGIN, registry="old.example.com"), robots.ACCEPTED, {}, ["RobotSecret"], True),
        (THERE, LOGIN, robots.ACCEPTED, {"rotation_id": "x"}, ["RobotSecret"], True),
        (replace(THERE, disabled=True), LOGIN, robots.UNASKED, {}, ["Robot"], False),
        (replace(THERE, rights=frozenset()), LOGIN, robots.ACCEPTED, {}, ["Robot"], False),
        (replace(THERE, expires_at=robots.NEVER), LOGIN, robots.ACCEPTED, {}, ["Robot"], False),
        (replace(THERE, expires_at=NOW + 40 * DAY), LOGIN, robots.ACCEPTED, {}, ["Robot"], False),
        (replace(THERE, expires_at=NOW + 31 * DAY), LOGIN, robots.ACCEPTED, {}, [], False),
        (replace(THERE, expires_at=NOW + 7 * DAY), LOGIN, robots.ACCEPTED, {}, ["Robot", "RobotSecret"], True),
        (replace(THERE, expires_at=NOW + 7 * DAY), LOGIN, robots.ACCEPTED, {"renew": "extend"}, ["Robot"], False),
        (replace(THERE, expires_at=NOW - DAY), LOGIN, robots.UNASKED, {"renew": "extend"}, ["Robot"], False),
    ],
)
def test_decisions(
    found: Robot | None,
    stored: Login | None,
    health: str,
    changes: dict[str, Any],
    kinds: list[str],
    makes_secret: bool,
) -> None:
    decided = plan(found, stored, health, **changes)
    assert [step.kind for step in decided.plan.writes] == kinds
    assert decided.makes_secret is makes_secret
    assert (decided.update is not None) is ("Robot" in kinds and found is not None)
    assert all(step.reason for step in decided.plan.writes if step.kind == "RobotSecret")


def test_a_robot_of_somebody_else() -> None:
    with pytest.raises(RefusedError, match="this collection did not make"):
        plan(replace(THERE, description="mine"))


@given(
    age=st.floats(0, 5000), duration=st.integers(1, 9000), valid=st.integers(1, 3650), before=st.integers(0, 3649),
    never=st.booleans(),
)  # fmt: skip
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    age: float, duration: int, valid: int, before: int, never: bool
) -> None:
    request = replace(REQUEST, valid_days=valid, renew_before_days=min(before, valid - 1))
    found = replace(THERE, created_at=NOW - age * DAY, rights=frozenset())
    days = robots.NEVER if never else duration
    found = replace(found, duration=days, expires_at=robots.NEVER if never else found.created_at + days * DAY)
    decided = robots.plan_robot(request, found, LOGIN, robots.ACCEPTED, HOST, NOW)
    assert isinstance(decided.update, dict)
    after = applied(found, decided.update)
    if decided.plan.writes[0].reason:  # it got another end: never sooner than wanted, at most a day later
        assert -1 < after.expires_at - NOW - valid * DAY < DAY + 1
    assert not robots.plan_robot(request, after, LOGIN, robots.ACCEPTED, HOST, NOW).plan.changed


def test_what_harbor_lists() -> None:
    entry = {
        "id": 7, "name": "robot$ci", "description": "Managed by ai-tenancy: push", "level": "system", "duration": 30,
        "expires_at": 1902592000, "disable": False, "creation_time": "2030-03-17T17:46:40.123Z",
        "permissions": [
            {"kind": "project", "namespace": "staging",
             "access": [{"resource": "repository", "action": "pull", "effect": "allow"},
                        {"resource": "repository", "action": "push"}]},
        ],
    }  # fmt: skip
    found = robots.robot_from(entry)
    assert found == Robot(7, "robot$ci", "Managed by ai-tenancy: push", NOW, 1902592000.0, 30, False, RIGHTS)


def test_a_login_comes_back_as_it_was_kept() -> None:
    login = replace(LOGIN, rotation_id="2026-11")
    assert logins.from_text(logins.to_text(login)) == login
    assert logins.from_secret(REQUEST, logins.to_secret(REQUEST, login)) == login


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", "null", '{"auths": {}, "ai-tenancy": {"rotation_id": ""}}', "{"]
)
def test_something_else_in_the_file_is_no_login(text: str | None) -> None:
    assert logins.from_text(text) is None


def test_a_secret_without_our_label_is_refused() -> None:
    secret = logins.to_secret(replace(REQUEST, name="other"), LOGIN)
    with pytest.raises(RefusedError, match="belongs to something else"):
        logins.from_secret(REQUEST, secret)
    assert LOGIN.password not in repr(LOGIN)
