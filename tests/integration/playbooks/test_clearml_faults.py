# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What ClearML does wrong costs a re-run at most: nothing twice, no secret lost (CML-2, X-7)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.integration.playbooks.conftest import World
from tests.integration.playbooks.documents import document, small

pytestmark = pytest.mark.lab


class Guest:
    """A tenant without devices, with a ClearML company of its own."""

    def __init__(self, world: World, *, retries: int) -> None:
        self.world = world
        self.id = f"cf-{uuid.uuid4().hex[:6]}"
        self.company = f"Company {self.id}"
        self.email = f"admin@{self.id}.example"
        world.site.variables["tenants_clearml"]["retries"] = retries
        admin = {"name": f"{self.id}-admin", "email": self.email}
        clearml = {"enabled": True, "company": self.company, "admin": admin, "queues": [{"name": "only", "gpu": 0}]}
        change: dict[str, Any] = {"cluster": {"agents": 0, "worker_limit": None, "expose": {"type": "none"}}}
        world.site.declare(document(small(self.id, clearml=clearml, **change)))

    def assert_whole(self) -> None:
        """All is there once, and fits together."""
        self.world.clearml.assert_whole(self.company, self.email, self.world.kubernetes.clearml_pair(self.id))

    def assert_settled(self) -> None:
        """All is there once, and another run has nothing to do."""
        self.assert_whole()
        since = self.world.clearml.now()
        assert self.world.site.converge().changed == 0
        assert self.world.clearml.writes(since) == []


@pytest.fixture
def faults(crowd: World) -> Any:
    """Order faults; none is left after the test."""
    yield crowd.clearml.order
    crowd.clearml.clear()


def test_passing_faults_are_ridden_out(crowd: World, faults: Any) -> None:
    guest = Guest(crowd, retries=5)
    faults(
        {"call": "auth.login", "kind": "too_many_requests", "retry_after": 1},
        {"call": "system.get_companies", "kind": "error", "status": 503},
        {"call": "auth.get_users_info", "kind": "html", "status": 502},
        {"call": "system.create_company", "kind": "too_many_requests", "retry_after": 1},
        {"call": "auth.get_credentials", "kind": "truncated"},
        {"call": "queues.get_all", "kind": "error", "status": 500},
        {"call": "queues.create", "kind": "slow", "delay": 0.5},
    )
    crowd.site.converge()
    assert crowd.clearml.pending() == []
    guest.assert_settled()


#: The calls that make something, in their order.
CREATES = ("system.create_company", "auth.create_user", "auth.create_credentials", "queues.create")


@pytest.mark.parametrize("kind", ["reset_after_commit", "truncated"])
def test_an_answer_that_is_lost_after_the_write_makes_nothing_twice(crowd: World, faults: Any, kind: str) -> None:
    guest = Guest(crowd, retries=2)
    faults(*({"call": call, "kind": kind} for call in CREATES))
    for _again in CREATES:  # at worst every fault costs a run
        run = crowd.site.run("tenants")
        if run.ok:
            break
        assert guest.id in run.failure
    assert crowd.clearml.pending() == []
    guest.assert_settled()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"call": "auth.create_user", "kind": "error", "status": 500}, "500"),
        ({"call": "auth.create_user", "kind": "html", "status": 502}, "502"),
        ({"call": "auth.get_credentials", "kind": "truncated"}, "broken off"),
        ({"call": "auth.create_user", "kind": "too_many_requests", "retry_after": 1}, "429"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else value,
)
def test_a_lasting_fault_is_named_and_a_rerun_converges(
    crowd: World, faults: Any, fault: dict[str, Any], said: str
) -> None:
    guest = Guest(crowd, retries=1)
    faults({"count": 0, **fault})
    run = crowd.site.run("tenants")
    assert not run.ok
    for part in (guest.id, fault["call"], said, "run again"):
        assert part in run.failure
    crowd.clearml.clear()
    crowd.site.converge()
    guest.assert_whole()


def test_without_clearml_nothing_else_is_lost(crowd: World) -> None:
    """The run says where it asked, and the next one goes on from there."""
    guest = Guest(crowd, retries=0)
    crowd.site.lab.stop("clearml")
    try:
        run = crowd.site.run("tenants")
    finally:
        crowd.site.lab.start("clearml")
    assert not run.ok
    assert crowd.site.variables["tenants_clearml"]["api_url"] in run.failure
    crowd.site.converge()
    guest.assert_whole()
