# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Robot accounts from nothing to gone, through faults, and their logins (PLAT-5, X-4, X-5, X-7)."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    ConflictError,
    RefusedError,
    RemoteError,
    UnreachableError,
)
from tests.unit.plugins.module_utils.registry.conftest import DAY, LOST, STAGING, actions, only, robot


def test_a_robot_is_made_and_its_login_is_good(world: Any) -> None:
    outcomes = world.converge([STAGING], [robot(valid_days=30, renew_before_days=7)])
    assert actions(outcomes)[1] == ("robot/ci", [("create", "Robot"), ("create", "RobotSecret")])
    assert outcomes[1].values == {
        "name": "robot$ci", "store": "harbor/robot-ci", "expires_at": int(world.now + 30 * DAY), "days_left": 30,
    }  # fmt: skip
    username, password = world.login()
    assert username == "robot$ci"
    assert world.lets_in(username, password)
    made = only(list(world.server.store.robots.values()))
    assert made.shown != password  # what was shown once counts no more
    assert {made.shown, password} <= set(world.learned)
    secret = world.secrets.secrets["harbor", "robot-ci"]
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "ai-tenancy"

    before = len(world.wrote())
    again = world.converge([STAGING], [robot(valid_days=30, renew_before_days=7)])
    assert [each.steps for each in again] == [[], []]
    assert len(world.wrote()) == before
    assert world.login() == (username, password)


def test_the_secret_is_stored_before_harbor_is_asked_for_anything(world: Any) -> None:
    """Nothing is written to Harbor when the Secret cannot be."""
    world.converge([STAGING])
    before = len(world.wrote())
    world.secrets.faults = [RemoteError("quota exceeded", status=403)]
    outcome = world.converge([STAGING], [robot()])[1]
    assert "quota exceeded" in str(outcome.error)
    assert world.wrote()[before:] == []
    assert world.robots() == []


@LOST
@pytest.mark.parametrize("call", ["POST /robots", "PATCH /robots/*"])
def test_no_second_robot_and_no_lost_secret(world: Any, fault: dict[str, Any], call: str) -> None:
    world.server.fault({**fault, "call": call})
    outcomes = world.converge([STAGING], [robot()])
    assert [each.error for each in outcomes] == [None, None]
    assert world.robots() == ["ci"]
    assert world.lets_in(*world.login())


def test_a_run_that_was_cut_off_is_finished_by_the_next_one(world: Any) -> None:
    """The robot is there, its secret is nobody's: the next run gives it another one, and makes no second robot."""
    world.server.fault({"kind": "reset", "call": "PATCH /robots/*", "count": 0})
    outcome = world.converge([STAGING], [robot()])[1]
    assert isinstance(outcome.error, UnreachableError)
    assert world.robots() == ["ci"]
    assert not world.lets_in(*world.login())
    world.server.application.faults.clear()
    outcome = world.converge([STAGING], [robot()])[1]
    assert [step.reason for step in outcome.steps] == ["Harbor does not accept the stored secret"]
    assert world.robots() == ["ci"]
    assert world.lets_in(*world.login())
    assert world.converge([STAGING], [robot()])[1].steps == []


def test_what_harbor_refuses_for_certain_leaves_nothing_behind(world: Any) -> None:
    world.server.fault({"kind": "error", "status": 400, "call": "POST /robots"})
    outcome = world.converge([STAGING], [robot()])[1]
    assert isinstance(outcome.error, RemoteError)
    assert world.secrets.secrets == {}


def test_a_refused_rotation_keeps_the_login_that_is_good(world: Any) -> None:
    world.converge([STAGING], [robot()])
    before = world.login()
    world.server.fault({"kind": "error", "status": 400, "call": "PATCH /robots/*"})
    outcome = world.converge([STAGING], [robot(rotation_id="2026-11")])[1]
    assert isinstance(outcome.error, RemoteError)
    assert world.login() == before
    assert world.lets_in(*before)


def test_a_rotation_happens_once(world: Any) -> None:
    world.converge([STAGING], [robot()])
    before = world.login()
    outcome = world.converge([STAGING], [robot(rotation_id="2026-11")])[1]
    assert [(step.action, step.reason) for step in outcome.steps] == [
        ("change", "rotation_id changed from none to 2026-11")
    ]
    assert world.login() != before
    assert world.lets_in(*world.login())
    assert not world.lets_in(*before)
    assert world.converge([STAGING], [robot(rotation_id="2026-11")])[1].steps == []


def test_renewal_before_the_end(world: Any) -> None:
    wanted = robot(valid_days=30, renew_before_days=7)
    world.converge([STAGING], [wanted])
    before = world.login()
    world.now += 22 * DAY
    assert world.converge([STAGING], [wanted])[1].steps == []
    world.now += 1.5 * DAY
    outcome = world.converge([STAGING], [wanted])[1]
    assert [(step.action, step.kind) for step in outcome.steps] == [("change", "Robot"), ("change", "RobotSecret")]
    assert outcome.steps[0].reason == "it expires in 6 days"
    assert 30 <= outcome.values["days_left"] <= 31
    assert world.login() != before
    assert world.lets_in(*world.login())
    assert world.converge([STAGING], [wanted])[1].steps == []


def test_a_robot_that_has_expired_comes_back(world: Any) -> None:
    wanted = robot(valid_days=30, renew_before_days=7, renew="extend")
    world.converge([STAGING], [wanted])
    before = world.login()
    world.now += 40 * DAY
    assert not world.lets_in(*before)
    outcome = world.converge([STAGING], [wanted])[1]
    assert [(step.kind, step.reason) for step in outcome.steps] == [("Robot", "it has expired")]
    assert world.login() == before
    assert world.lets_in(*before)


def test_rights_and_ends_that_somebody_changed_are_set_again(world: Any) -> None:
    world.converge([STAGING, {"name": "production"}], [robot()])
    made = only(list(world.server.store.robots.values()))
    made.permissions, made.disabled, made.duration, made.expires = [], True, -1, -1
    outcome = world.converge([STAGING, {"name": "production"}], [robot(projects=["production", "staging"])])[2]
    assert [difference.path for difference in outcome.steps[0].differences] == ["rights", "disabled", "expires_in_days"]
    assert {permission["namespace"] for permission in made.permissions} == {"production", "staging"}
    assert made.expires == world.now + 90 * DAY
    assert world.converge([], [robot(projects=["production", "staging"])])[0].steps == []


def test_a_robot_of_somebody_else_is_not_touched(world: Any) -> None:
    world.converge([STAGING])
    theirs = world.server.store.add_robot({"name": "ci", "duration": -1, "permissions": []})
    for wanted in (robot(), robot(state="absent")):
        outcome = world.converge([], [wanted])[0]
        assert isinstance(outcome.error, RefusedError)
        assert "this collection did not make" in str(outcome.error)
    assert world.lets_in("robot$ci", theirs.secret)
    assert world.secrets.secrets == {}


def test_a_robot_that_another_run_made_meanwhile_is_used(world: Any) -> None:
    """409 with a robot of ours: it gets our secret. Of two runs at once only one can write the Secret."""
    world.converge([STAGING])
    original = world.server.store.add_robot

    def other(body: dict[str, Any]) -> Any:
        original(body)
        return original(body)

    world.server.store.add_robot = other
    assert world.converge([], [robot()])[0].error is None
    assert world.robots() == ["ci"]
    assert world.lets_in(*world.login())


def test_of_two_runs_at_once_one_wins(world: Any) -> None:
    world.converge([STAGING])

    def come_in_between() -> None:
        world.converge([], [robot()])

    world.secrets.interfere = come_in_between
    outcome = world.converge([], [robot()])[0]
    assert isinstance(outcome.error, ConflictError)
    assert world.robots() == ["ci"]
    assert world.lets_in(*world.login())


def test_a_secret_of_something_else_is_not_overwritten(world: Any) -> None:
    world.converge([STAGING])
    foreign = {
        "metadata": {"namespace": "harbor", "name": "robot-ci", "labels": {}, "resourceVersion": "1"},
        "data": {},
    }
    world.secrets.secrets["harbor", "robot-ci"] = foreign
    outcome = world.converge([], [robot()])[0]
    assert isinstance(outcome.error, RefusedError)
    assert world.robots() == []


def test_a_lost_secret_is_replaced(world: Any) -> None:
    world.converge([STAGING], [robot()])
    world.secrets.secrets.clear()
    outcome = world.converge([STAGING], [robot()])[1]
    assert [(step.action, step.reason) for step in outcome.steps] == [
        ("create", "harbor/robot-ci does not hold its secret")
    ]
    assert world.lets_in(*world.login())


def test_removal_takes_robot_and_secret(world: Any) -> None:
    world.converge([STAGING], [robot()])
    going = [{"name": "staging", "state": "absent"}]
    outcomes = world.converge(going, [robot(state="absent")])
    assert actions(outcomes) == [
        ("project/staging", [("remove", "Project")]),
        ("robot/ci", [("remove", "Robot"), ("remove", "RobotSecret")]),
    ]
    assert world.robots() == []
    assert world.secrets.secrets == {}
    assert [each.steps for each in world.converge(going, [robot(state="absent")])] == [[], []]


def test_removal_survives_a_lost_answer(world: Any) -> None:
    world.converge([STAGING], [robot()])
    world.server.fault({"kind": "reset_after_commit", "call": "DELETE *", "count": 2})
    outcomes = world.converge([{"name": "staging", "state": "absent"}], [robot(state="absent")])
    assert [each.error for each in outcomes] == [None, None]
    assert world.robots() == []


def test_a_login_in_a_file(world: Any, tmp_path: Path) -> None:
    path = tmp_path / "logins" / "ci.json"
    wanted = robot(store={"path": str(path)})
    world.converge([STAGING], [wanted])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    entry = only(list(json.loads(path.read_text())["auths"].values()))
    assert world.lets_in(entry["username"], entry["password"])
    text = path.read_text()
    assert world.converge([STAGING], [wanted])[1].steps == []
    assert path.read_text() == text
    path.write_text("{}")
    world.converge([STAGING], [wanted])
    assert world.lets_in(
        *(only(list(json.loads(path.read_text())["auths"].values()))[name] for name in ("username", "password"))
    )
    world.converge([STAGING], [robot(state="absent", store={"path": str(path)})])
    assert not path.exists()


def test_a_robot_waits_for_its_project(world: Any) -> None:
    world.server.fault({"kind": "error", "status": 400, "call": "POST /projects"})
    outcomes = world.converge([STAGING], [robot()])
    assert isinstance(outcomes[0].error, RemoteError)
    assert "waits for the projects staging" in str(outcomes[1].error)
    assert world.robots() == []
    assert world.secrets.secrets == {}


def test_check_mode_tells_the_same_and_writes_nothing(world: Any, tmp_path: Path) -> None:
    wanted = [robot(), robot(name="nodes", access="pull", store={"path": str(tmp_path / "nodes.json")})]
    told = world.converge([STAGING], wanted, check_mode=True)
    assert world.wrote() == []
    assert world.secrets.secrets == {}
    assert not (tmp_path / "nodes.json").exists()
    assert world.secrets.rehearsals == 1
    assert actions(told) == actions(world.converge([STAGING], wanted))
    assert actions(world.converge([STAGING], wanted, check_mode=True)) == [
        ("project/staging", []), ("robot/ci", []), ("robot/nodes", []),
    ]  # fmt: skip
    world.now += 85 * DAY
    before = len(world.wrote())
    told = world.converge([STAGING], wanted, check_mode=True)
    assert len(world.wrote()) == before
    assert actions(told) == actions(world.converge([STAGING], wanted))


def test_no_secret_is_in_a_plan(world: Any) -> None:
    outcomes = world.converge([STAGING], [robot()])
    _username, password = world.login()
    shown = str([[step.summary(), step.diff()] for each in outcomes for step in each.steps])
    assert password not in shown
    assert password not in str([each.values for each in outcomes])
    assert all(password not in json.dumps(entry) for entry in world.server.application.log.since(0))
