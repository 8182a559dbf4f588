# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A service is protected only after it was quiet in Monitor (PLAT-4)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import protection
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.protection import Service


def answer(*names: str, mode: str = "Monitor", **more: Any) -> dict[str, Any]:
    """What NeuVector says about services that are named as it names them: C(web.shop)."""
    return {
        "services": [
            {"name": name, "domain": name.partition(".")[2], "policy_mode": mode, "profile_mode": mode, **more}
            for name in names
        ]
    }


def test_only_services_of_the_named_namespaces_whose_mode_may_be_changed() -> None:
    told = answer("web.shop", "api.shop", "x.other")
    told["services"] += answer("fixed.shop", cap_change_mode=False)["services"]
    assert [service.name for service in protection.services(told, ["shop"])] == ["api.shop", "web.shop"]
    assert protection.services({}, ["shop"]) == []


def test_the_last_event_of_a_service_counts_when_it_is_young_enough() -> None:
    log = {
        "violations": [
            {"client_service": "web.shop", "server_service": "db.shop", "reported_timestamp": 50, "policy_action": "violate"},
            {"client_service": "old.shop", "server_service": "", "reported_timestamp": 5},
        ],
        "incidents": [
            {"workload_service": "web.shop", "reported_timestamp": 70, "reported_at": "2026-11-21T12:00:00Z",
             "name": "Process.Profile.Violation"},
        ],
        "threats": None,
    }  # fmt: skip
    assert protection.reported(log, since=10) == {
        "web.shop": "incident at 2026-11-21T12:00:00Z: Process.Profile.Violation",
        "db.shop": "violation at 50.0: violate",
    }
    assert protection.reported({}, since=0) == {}


def test_a_plan_for_each_service() -> None:
    found = [Service("a.shop", "shop", "Monitor", "Monitor"), Service("b.shop", "shop", "Protect", "Protect")]
    found.append(Service("c.shop", "shop", "Protect", "Monitor"))
    plans = protection.plan(found, "Protect", {})
    assert [(plan.item, plan.changed) for plan in plans] == [("a.shop", True), ("b.shop", False), ("c.shop", True)]
    assert plans[0].steps[0].before == {"policy_mode": "Monitor", "profile_mode": "Monitor"}
    assert protection.left(found, "Protect") == ["a.shop", "c.shop"]


def test_one_service_that_is_not_ready_keeps_all_from_being_protected() -> None:
    found = [Service("a.shop", "shop", "Monitor", "Monitor"), Service("b.shop", "shop", "Discover", "Discover")]
    with pytest.raises(RefusedError) as caught:
        protection.plan(found, "Protect", {"a.shop": "violation at noon: violate"})
    assert caught.value.message == (
        "Nothing was protected: a.shop: violation at noon: violate; b.shop: it is in Discover; it must be in Monitor first."
    )
    many = [Service(f"{number}.shop", "shop", "Discover", "Discover") for number in range(12)]
    with pytest.raises(RefusedError, match=r"\(and 2 more\)"):
        protection.plan(many, "Protect", {})
    # The way back is always open, and so is the way to Monitor.
    assert all(plan.changed for plan in protection.plan(found, "Monitor", {"b.shop": "x"})[1:])
    # What is protected already is not asked again.
    protection.plan([Service("a.shop", "shop", "Protect", "Protect")], "Protect", {"a.shop": "x"})


@pytest.mark.parametrize("name", ["kube-system", "cattle-system", "longhorn-system", "gpu-operator"])
def test_the_cluster_and_the_platform_are_never_protected(name: str) -> None:
    problems = Problems()
    protection.check_namespaces(["shop", name], "Protect", problems)
    (problem,) = problems
    assert str(problem).startswith(f"namespaces: {name!r} is not allowed")
    fine = Problems()
    protection.check_namespaces([name], "Monitor", fine)
    assert not fine
    protection.check_namespaces([], "Monitor", fine)
    assert len(fine) == 1


@pytest.mark.parametrize(
    ("summary", "leaders", "why"),
    [
        ({"summary": {"disconnected_enforcers": 0}}, 1, None),
        ({"summary": {"disconnected_enforcers": 2}}, 1, "2 enforcers are not connected"),
        ({}, 0, "0 controllers say that they lead, not one"),
    ],
)
def test_neuvector_itself_must_be_well(summary: dict[str, Any], leaders: int, why: str | None) -> None:
    assert protection.unready(summary, leaders) == why
