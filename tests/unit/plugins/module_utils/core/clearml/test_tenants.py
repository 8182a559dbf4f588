# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which company is a tenant's, what must change in it, and what is refused (CML-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import tenants as core
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.credentials import Key, StoredPair
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.requests import (
    DEFAULT_COMPANY_ID,
    TenantRequest,
    parse_tenants,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.tenants import (
    Company,
    LoginRules,
    Observed,
    Remains,
    User,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError

COMPANY = Company("c1", "ACME")
ADMIN = User("u1", "a@acme.example", "admin", "c1")


def request(**changes: Any) -> TenantRequest:
    item = {"id": "acme", "company": "ACME", "admin": {"email": "a@acme.example"}, **changes}
    return parse_tenants([item])[0]


def kinds(plan: Any) -> list[tuple[str, str]]:
    return [(step.action, step.kind) for step in plan.steps]


def test_a_company_is_found_by_its_exact_name() -> None:
    assert core.company_named(request(), [Company("c0", "ACME2"), COMPANY]) == COMPANY
    assert core.company_named(request(), [Company("c0", "ACME2")]) is None


@pytest.mark.parametrize(
    ("companies", "text"),
    [
        ([COMPANY, Company("c2", "ACME")], "company_id"),
        ([Company("c2", "Acme")], "upper and lower case"),
        ([Company(DEFAULT_COMPANY_ID, "ACME")], "default company"),
    ],
)
def test_a_doubtful_company_is_refused(companies: list[Company], text: str) -> None:
    with pytest.raises(RefusedError, match=text):
        core.company_named(request(), companies)


def test_the_id_decides_between_equal_names_and_must_fit_the_name() -> None:
    chosen = request(company_id="c2")
    assert core.company_named(chosen, [COMPANY, Company("c2", "ACME")]) == Company("c2", "ACME")
    with pytest.raises(RefusedError, match="no ClearML company with the id"):
        core.company_named(chosen, [COMPANY])
    with pytest.raises(RefusedError, match="is called 'Other'"):
        core.company_named(chosen, [Company("c2", "Other")])


def test_a_renamed_company_does_not_get_a_twin() -> None:
    pair = StoredPair("k", "s", "c1")
    core.check_renamed(request(), [pair], [Company("c9", "X")])
    with pytest.raises(RefusedError, match="has the ClearML company 'Old name'"):
        core.check_renamed(request(), [pair], [Company("c1", "Old name")])


def test_whose_company_may_be_taken_over() -> None:
    wanted = request()
    assert core.check_adoption(wanted, Observed(COMPANY, ADMIN), []) == ""
    assert core.check_adoption(wanted, Observed(COMPANY), [StoredPair("k", "s", "c1")]) == ""
    assert core.check_adoption(request(company_id="c1"), Observed(COMPANY, others=("x@y.example",)), []) == ""
    assert core.check_adoption(wanted, Observed(COMPANY, others=()), []) == ""
    assert "cannot tell" in core.check_adoption(wanted, Observed(COMPANY), [])
    with pytest.raises(RefusedError, match=r"people are in it: x@y\.example"):
        core.check_adoption(wanted, Observed(COMPANY, others=("x@y.example",)), [])


def test_an_administrator_of_another_company_is_refused() -> None:
    elsewhere = replace(ADMIN, company_id="c9")
    for company in (None, COMPANY):
        with pytest.raises(RefusedError, match=r"another ClearML company \(c9\)"):
            core.check_adoption(request(), Observed(company, elsewhere), [])


def test_a_new_tenant() -> None:
    plan = core.plan_company(request(allowed_users=3, settings={"max_running_apps": 2}), Observed())
    assert kinds(plan) == [("create", "Company"), ("change", "CompanySettings"), ("create", "User")]
    assert plan.steps[0].body == {"allowed_users": 3}
    assert plan.steps[1].body == {"max_running_apps": 2}


def test_only_different_settings_are_sent() -> None:
    wanted = request(allowed_users=3, features=["b", "a"], settings={"cookie_options": {"domain": ".x.example"}})
    same = {
        "allowed_users": 3,
        "features": ["b", "a"],
        "cookie_options": {"domain": ".x.example", "more": 1},
        "other": 1,
    }
    assert not core.plan_company(wanted, Observed(COMPANY, ADMIN, settings=same)).steps
    plan = core.plan_company(wanted, Observed(COMPANY, ADMIN, settings={**same, "allowed_users": 4}))
    assert plan.steps[0].body == {"allowed_users": 3}
    assert plan.steps[0].before == {"allowed_users": 4}


def test_an_empty_list_equals_a_field_that_is_left_out() -> None:
    assert not core.plan_company(request(features=[]), Observed(COMPANY, ADMIN, settings={})).steps


def test_a_demoted_administrator_is_promoted() -> None:
    plan = core.plan_company(request(), Observed(COMPANY, replace(ADMIN, role="user")))
    assert kinds(plan) == [("change", "User")]


def test_login_rules() -> None:
    wanted = request(domains=["b.example", "a.example"])
    assert not core.plan_login(request(), None).steps
    assert not core.plan_login(wanted, LoginRules(("a.example", "b.example"), ("x@y.example",))).steps
    step = core.plan_login(wanted, LoginRules(("a.example",), ("x@y.example",))).steps[0]
    assert step.before == {"domains": ["a.example"]}
    assert step.body[1].whitelist == ("x@y.example",)  # not managed: stays


GOING: dict[str, Any] = {"state": "absent", "confirm_name": "ACME"}
EVERYTHING = Remains(COMPANY, ADMIN, (Key("AAAABBBBCCCC", "l1"), Key("DDDDEEEEFFFF")), ("t-acme/x",), {"tasks": 0})


def test_removal_takes_access_first_and_the_company_last() -> None:
    removal = core.plan_removal(request(**GOING), EVERYTHING)
    assert kinds(removal.plan) == [
        ("remove", "Credential"), ("remove", "Credential"), ("remove", "Secret"), ("remove", "User"), ("remove", "Company"),
    ]  # fmt: skip
    assert [step.name for step in removal.plan.steps[:2]] == ["l1", "DDDD..."]
    assert "marks a company as deleted" in removal.retained[0]["why"]


def test_removal_is_refused_while_something_runs() -> None:
    busy = replace(EVERYTHING, running={"connected_workers": 2, "tasks": 1})
    with pytest.raises(RefusedError, match="connected_workers: 2, tasks: 1"):
        core.plan_removal(request(**GOING), busy)
    assert core.plan_removal(request(**GOING, force=True), busy).plan.changed


def test_an_older_server_keeps_the_company_and_tells_how_to_delete_it() -> None:
    older = replace(EVERYTHING, running=None, can_delete=False)
    removal = core.plan_removal(request(**GOING), older)
    assert "Company" not in [step.kind for step in removal.plan.steps]
    assert "delete_company_data_from_mongo --id c1" in removal.retained[0]["why"]
    with pytest.raises(RefusedError, match="cannot delete companies"):
        core.plan_removal(request(**GOING, delete_method="api"), older)


def test_the_default_company_is_never_deleted() -> None:
    with pytest.raises(RefusedError, match="never deleted"):
        core.plan_removal(request(**GOING), Remains(Company(DEFAULT_COMPANY_ID, "ACME")))


def test_nothing_left_is_nothing_to_do() -> None:
    removal = core.plan_removal(request(**GOING), Remains())
    assert not removal.plan.steps
    assert not removal.retained
