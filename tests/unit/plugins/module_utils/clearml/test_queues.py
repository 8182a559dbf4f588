# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""clearml_queue's work against the stand-in (CML-3, TEN-8, X-7)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml import info
from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.queues import Queues, list_all
from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.session import Caller
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.queues import parse_access, parse_queues
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    NotFoundError,
    Problems,
    RefusedError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.result import Outcome

TENANTS = [
    {
        "id": name,
        "company": name.upper(),
        "admin": {"email": f"a@{name}.example"},
        "credentials": [{"purpose": "agent"}],
    }
    for name in ("acme", "beta")
]


@pytest.fixture
def tenants(world: Any) -> Any:
    """Two companies."""
    assert [outcome.error for outcome in world.converge(*TENANTS)] == [None, None]
    return world


def queue(tenant: str = "acme", **changes: Any) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "name": "1xgpu",
        "admin_email": f"a@{tenant}.example",
        "company": tenant.upper(),
        **changes,
    }


def converge(world: Any, *items: dict[str, Any], check_mode: bool = False) -> list[Outcome]:
    return Queues(world.session(), world.secrets, check_mode).converge(parse_queues(list(items)), 4)


def names(world: Any, tenant: str = "acme") -> list[str]:
    act_as = Caller(act_as=world.admin(f"a@{tenant}.example")["id"])
    return sorted(each.name for each in list_all(world.session(), act_as))


def test_one_list_per_company_and_no_write_twice(tenants: Any) -> None:
    wanted = [queue(tenant, name=name, tags=["gpu"]) for tenant in ("acme", "beta") for name in ("one", "two", "three")]
    assert all(outcome.steps for outcome in converge(tenants, *wanted))
    assert names(tenants) == names(tenants, "beta") == ["one", "three", "two"]
    before = len(tenants.calls())
    assert not any(outcome.steps for outcome in converge(tenants, *wanted))
    assert sorted(entry["call"] for entry in tenants.calls()[before:]) == [
        "auth.get_users_info", "auth.login", "queues.get_all", "queues.get_all", "system.get_companies",
    ]  # fmt: skip


def test_a_change_is_sent_and_the_rest_stays(tenants: Any) -> None:
    converge(tenants, queue(tags=["gpu"], metadata={"gpus": "1"}))
    (outcome,) = converge(tenants, queue(display_name="One GPU"))
    assert [difference.path for difference in outcome.steps[0].differences] == ["display_name"]
    (found,) = tenants.state()["queues"]
    assert (found["tags"], found["display_name"]) == (["gpu"], "One GPU")
    assert found["metadata"]["gpus"]["value"] == "1"
    assert not converge(tenants, queue(metadata={"gpus": "1"}))[0].steps


def test_the_tenants_own_pair_opens_the_company(tenants: Any) -> None:
    by_pair = {"tenant": "acme", "name": "1xgpu", "company": "ACME", "store": {"name": "clearml-agent"}}
    assert converge(tenants, by_pair)[0].error is None
    assert names(tenants) == ["1xgpu"]
    assert names(tenants, "beta") == []


def test_the_wrong_company_is_refused(tenants: Any) -> None:
    (outcome,) = converge(tenants, queue(admin_email="a@beta.example"))
    assert isinstance(outcome.error, RefusedError)
    assert "belongs to the company 'BETA', not to 'ACME'" in str(outcome.error)
    assert names(tenants) == names(tenants, "beta") == []


def test_a_company_that_is_not_there(tenants: Any) -> None:
    missing = queue(admin_email="nobody@acme.example")
    assert isinstance(converge(tenants, missing)[0].error, NotFoundError)
    assert converge(tenants, missing, check_mode=True)[0].steps  # an earlier task would have made it
    assert converge(tenants, {**missing, "state": "absent"})[0].error is None


def test_check_mode_writes_nothing(tenants: Any) -> None:
    before = len(tenants.calls())
    assert converge(tenants, queue(), check_mode=True)[0].steps
    assert not any(entry["wrote"] for entry in tenants.calls()[before:])


@pytest.mark.parametrize("kind", ["reset_after_commit", "truncated", "reset", "html", "too_many_requests"])
def test_a_lost_answer_makes_no_second_queue(tenants: Any, kind: str) -> None:
    tenants.fault({"kind": kind, "call": "queues.create"})
    (outcome,) = converge(tenants, queue(tags=["gpu"]))
    assert outcome.error is None
    (found,) = tenants.state()["queues"]
    assert found["id"] == outcome.values["queue"]["id"]


def test_a_queue_that_an_agent_made_meanwhile_is_brought_into_line(tenants: Any) -> None:
    session = tenants.session()
    admin = Caller(act_as=tenants.admin()["id"])
    session.write("queues.create", {"name": "1xgpu"}, admin)
    # The list that is read first does not show it yet.
    queues = Queues(session, tenants.secrets)
    request = parse_queues([queue(tags=["gpu"])])[0]
    outcome = Outcome()
    queues._queue(request, None, admin, outcome)
    assert tenants.state()["queues"][0]["tags"] == ["gpu"]


def test_waiting_tasks_hold_a_queue(tenants: Any) -> None:
    session, admin = tenants.session(), Caller(act_as=tenants.admin()["id"])
    queue_id = converge(tenants, queue())[0].values["queue"]["id"]
    task = session.write("tasks.create", {"name": "probe", "type": "testing"}, admin)["id"]
    session.write("tasks.enqueue", {"task": task, "queue": queue_id}, admin)
    assert "1 waiting tasks" in str(converge(tenants, queue(state="absent"))[0].error)
    assert converge(tenants, queue(state="absent", force=True))[0].error is None
    assert names(tenants) == []
    assert not converge(tenants, queue(state="absent"))[0].steps


def test_more_queues_than_a_page_holds(tenants: Any) -> None:
    session, admin = tenants.session(), Caller(act_as=tenants.admin()["id"])
    for number in range(501):
        session.write("queues.create", {"name": f"queue-{number}"}, admin)
    assert len(list_all(session, admin)) == 501


def test_hidden_queues_are_seen(tenants: Any) -> None:
    session, admin = tenants.session(), Caller(act_as=tenants.admin()["id"])
    session.write("queues.create", {"name": "1xgpu", "system_tags": ["k8s-glue"]}, admin)
    assert not converge(tenants, queue())[0].steps


# -- info --------------------------------------------------------------------------------------------------------


def test_the_server_and_what_is_inside(tenants: Any) -> None:
    converge(tenants, queue())
    session, admin = tenants.session(), Caller(act_as=tenants.admin()["id"])
    session.write("workers.register", {"worker": "agent:0", "queues": [tenants.state()["queues"][0]["id"]]}, admin)
    session.write("routers.task_router_report", {"router": "gateway", "url": "https://apps.acme.example"}, admin)
    server = info.server(session)
    assert (server["version"], server["feature_set"]) == ("3.30.0", "advanced")
    assert server["auth_cookie"] == tenants.server.application.profile.cookie_name
    accesses = [
        parse_access({"tenant": tenant, "admin_email": f"a@{tenant}.example"}, "", Problems())
        for tenant in ("acme", "beta", "gone")
    ]
    acme, beta, gone = info.all_inside(session, None, accesses, ["queues", "workers", "routers"], 600, 4)
    assert acme["workers"][0]["queues"] == ["1xgpu"]
    assert acme["routers"][0]["url"] == "https://apps.acme.example"
    assert beta == {"queues": [], "workers": [], "routers": []}
    assert isinstance(gone, NotFoundError)


def test_facts_about_tenants(tenants: Any) -> None:
    subsets = ["settings", "login", "people", "running", "credentials"]
    facts = info.TenantFacts(tenants.session(), tenants.secrets, subsets, verify=True)
    acme, gone = facts.of([info.Subject("acme", "ACME", "a@acme.example"), info.Subject("x", "X", "x@y.example")], 4)
    assert acme["exists"]
    assert acme["admin"]["company_id"] == acme["company"]["id"]
    assert acme["running"]["connected_workers"] == 0
    assert acme["credentials"][0]["valid"] is True
    assert gone == {"exists": False, "admin": None, "credentials": []}
    by_company = dict(facts.of_all(4))
    assert by_company["BETA"]["credentials"][0]["secret"] == "t-beta/clearml-agent"
    assert all(secret not in str([acme, by_company]) for secret in tenants.learned)
