# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From staging to production, after a scan, and not without it (PLAT-5, X-4, X-6, X-7)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    ConfigError,
    NotFoundError,
    RefusedError,
    StuckError,
    UnreachableError,
    WaitTimeoutError,
)
from tests.unit.plugins.module_utils.registry.conftest import robot

HOUR = 3600


@pytest.fixture
def world(world: Any) -> Any:
    """A registry with two projects; what comes to staging is not scanned by itself."""
    for name in ("staging", "production"):
        world.server.store.add_project(name, {})
    return world


def app(**changes: Any) -> dict[str, Any]:
    return {"repository": "app", "reference": "1.0", "from": "staging", "to": "production", **changes}


def actions(outcome: Any) -> list[tuple[str, str]]:
    return [(step.action, step.kind) for step in outcome.steps]


def in_production(world: Any, repository: str = "app") -> dict[str, list[str]]:
    there = world.server.store.repositories.get(("production", repository), {})
    return {digest: artifact.tags for digest, artifact in there.items()}


def test_scan_then_copy_then_nothing(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    (outcome,) = world.promote(app())
    assert actions(outcome) == [("create", "Scan"), ("create", "Artifact")]
    assert outcome.item == "production/app:1.0"
    assert outcome.values == {"digest": digest, "tags": ["1.0"], "severity": "none"}
    assert in_production(world) == {digest: ["1.0"]}
    written = len(world.wrote())
    (again,) = world.promote(app())
    assert again.steps == []
    assert len(world.wrote()) == written


def test_a_repository_with_a_slash_and_another_name_in_the_target(world: Any) -> None:
    digest = world.server.store.push("staging", "team/app", "1.0")
    (outcome,) = world.promote(app(repository="team/app", target_repository="shop/app"))
    assert outcome.error is None
    assert in_production(world, "shop/app") == {digest: ["1.0"]}


def test_a_new_scan_counts_and_an_old_one_does_not(world: Any) -> None:
    world.server.store.push("staging", "app", "1.0")
    world.promote(app(to="library"))
    world.now += 23 * HOUR
    assert actions(world.promote(app())[0]) == [("create", "Artifact")]
    world.now += 2 * HOUR
    world.server.store.push("staging", "app", "1.0")
    (outcome,) = world.promote(app(target_repository="other"))
    assert actions(outcome) == [("create", "Scan"), ("create", "Artifact")]
    assert outcome.steps[0].reason == "its last scan is older than 24 hours"


@pytest.mark.parametrize(
    ("severity", "gate", "passes"),
    [
        ("High", "high", False), ("Critical", "high", False), ("Medium", "high", True), ("Medium", "medium", False),
        ("Low", "low", False), ("Negligible", "low", True), ("Critical", "never", True), ("Terrible", "critical", False),
    ],
)  # fmt: skip
def test_the_gate(world: Any, severity: str, gate: str, passes: bool) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    world.server.store.findings[digest] = severity
    (outcome,) = world.promote(app(stop_from=gate))
    assert bool(in_production(world)) is passes
    if not passes:
        assert isinstance(outcome.error, RefusedError)
        assert f"severity {severity.lower()}, and stop_from is {gate}" in str(outcome.error)
        # its scan is known now: nothing has to be scanned to say no again, and the plan says no as well
        (told,) = world.promote(app(stop_from=gate), check_mode=True)
        assert isinstance(told.error, RefusedError)


def test_what_the_target_would_hold_back_does_not_come(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    world.server.store.findings[digest] = "Medium"
    world.server.store.projects["production"].metadata.update(prevent_vul="true", severity="medium")
    (outcome,) = world.promote(app())
    assert "severity medium, and stop_from is medium" in str(outcome.error)
    world.server.store.projects["production"].metadata["prevent_vul"] = "false"
    assert world.promote(app())[0].error is None


def test_a_failed_scan_stops_and_the_next_run_scans_again(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    world.server.store.findings[digest] = "Error"
    for _run in range(2):
        (outcome,) = world.promote(app())
        assert isinstance(outcome.error, StuckError)
        assert "ended with Error; nothing was promoted" in str(outcome.error)
    assert len(world.server.calls("POST /projects/staging")) == 2
    assert in_production(world) == {}
    world.server.store.findings.clear()
    assert world.promote(app())[0].error is None


def test_a_scan_that_does_not_end_is_told(world: Any) -> None:
    world.server.store.scan_looks = 10**6
    world.server.store.push("staging", "app", "1.0")
    (outcome,) = world.promote(app())
    assert isinstance(outcome.error, WaitTimeoutError)
    assert "the scan of staging/app:1.0: Running" in str(outcome.error)
    # the next run waits for the same scan, and does not say that it makes one
    assert actions(world.promote(app(), check_mode=True)[0]) == [("create", "Artifact")]
    world.server.store.repositories["staging", "app"][world.server.store.push("staging", "app", "1.0")].scan.left = 1
    assert world.promote(app())[0].error is None
    assert len(world.server.calls("POST /projects/staging")) == 1


def test_without_waiting_the_scan_is_ordered_and_nothing_copied(world: Any) -> None:
    world.server.store.push("staging", "app", "1.0")
    (outcome,) = world.promote(app(), wait=False)
    assert actions(outcome) == [("create", "Scan")]
    assert [step.reason for step in outcome.refused] == ["its scan is not over; run again"]
    assert in_production(world) == {}
    world.promote(app(), check_mode=True)  # a look; meanwhile it ends
    assert actions(world.promote(app(), wait=False)[0]) == [("create", "Artifact")]


def test_check_mode_tells_what_would_come(world: Any) -> None:
    world.server.store.push("staging", "app", "1.0")
    (told,) = world.promote(app(), check_mode=True)
    assert world.wrote() == []
    assert told.steps[1].reason == "when its scan finds nothing from high up"
    assert actions(told) == actions(world.promote(app())[0])
    assert world.promote(app(), check_mode=True)[0].steps == []


def test_a_tag_that_another_artifact_has_moves_and_is_told(world: Any) -> None:
    old = world.server.store.push("staging", "app", "latest", "old")
    world.promote(app(reference="latest"))
    new = world.server.store.push("staging", "app", "latest", "new")
    (outcome,) = world.promote(app(reference="latest"))
    assert (outcome.steps[-1].action, outcome.steps[-1].before) == ("change", {"digest": old})
    assert in_production(world) == {old: [], new: ["latest"]}


def test_by_digest(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    (outcome,) = world.promote(app(reference=digest))
    assert outcome.item == f"production/app@{digest}"
    assert in_production(world) == {digest: ["1.0"]}
    assert world.promote(app(reference=digest))[0].steps == []


def test_what_was_scanned_is_what_comes(world: Any) -> None:
    """Somebody pushes the tag anew while the scan runs: the new image was not scanned, so it must not come."""
    scanned = world.server.store.push("staging", "app", "1.0", "scanned")
    store, original = world.server.store, world.server.store.overview

    def push_meanwhile(artifact: Any) -> Any:
        found = original(artifact)
        if found:
            store.push("staging", "app", "1.0", "unscanned")
        return found

    store.overview = push_meanwhile
    (outcome,) = world.promote(app())
    assert isinstance(outcome.error, StuckError)
    assert "moved the tag meanwhile" in str(outcome.error)
    assert set(in_production(world)) == {scanned}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after_commit"},
        {"kind": "reset"},
        {"kind": "error", "status": 503},
        {"kind": "html", "status": 200},
    ],
    ids=lambda fault: str(fault["kind"]),
)
@pytest.mark.parametrize("call", ["POST */scan", "POST */artifacts"])
def test_faults_on_the_way(world: Any, fault: dict[str, Any], call: str) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    world.server.fault({**fault, "call": call})
    (outcome,) = world.promote(app())
    assert outcome.error is None
    assert in_production(world) == {digest: ["1.0"]}


def test_one_that_fails_stops_no_other(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    missing, good = world.promote(app(repository="missing"), app())
    assert isinstance(missing.error, NotFoundError)
    assert "There is no staging/missing:1.0" in str(missing.error)
    assert good.error is None
    assert in_production(world) == {digest: ["1.0"]}


def test_a_robot_with_the_right_to_promote_may(world: Any) -> None:
    digest = world.server.store.push("staging", "app", "1.0")
    world.converge([], [robot(name="release", projects=["staging", "production"], access="promote")])
    username, password = world.login()
    assert world.promote(app(), api_user=username, api_password=password)[0].error is None
    assert in_production(world) == {digest: ["1.0"]}


def test_all_mistakes_at_once_before_any_change(world: Any) -> None:
    world.server.store.push("staging", "app", "1.0")
    with pytest.raises(ConfigError) as caught:
        world.promote(
            app(), app(), app(to="staging"), app(to="nowhere"), app(**{"from": "Bad Name"}), app(reference="no tag"),
            app(repository="/app"), app(scan_max_age_hours=0, target_repository="x"),
        )  # fmt: skip
    text = str(caught.value)
    for line in (
        "promotions[].to: 'production/app:1.0' is not allowed; allowed: each tag or digest of a target once",
        "promotions[2].to: 'staging' is not allowed; allowed: another project than from",
        "promotions[3].to: 'nowhere' is not allowed; allowed: a project of the registry",
        "promotions[4].from: 'Bad Name' is not allowed",
        "promotions[5].reference: 'no tag' is not allowed; allowed: a tag, or sha256:",
        "promotions[6].repository: '/app' is not allowed",
        "promotions[7].scan_max_age_hours: 0 is not allowed; allowed: 1 or more",
    ):
        assert line in text
    assert world.wrote() == []


def test_a_server_that_is_away(world: Any) -> None:
    world.server.fault({"kind": "reset", "call": "GET /projects", "count": 0})
    with pytest.raises(UnreachableError):
        world.promote(app())
    with pytest.raises(ConfigError):
        world.promote(app(to="staging"))
