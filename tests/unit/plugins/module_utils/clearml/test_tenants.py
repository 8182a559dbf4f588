# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""clearml_tenant's work against the stand-in: twice the same, faults in every phase, two runs at once (CML-3, X-5, X-7)."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.session import Caller
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    ConflictError,
    RefusedError,
    RemoteError,
    UnreachableError,
)

SECRET = ("t-acme", "clearml-agent")


def tenant(credential: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": "acme",
        "company": "ACME",
        "admin": {"email": "a@acme.example"},
        "credentials": [{"purpose": "agent", **(credential or {})}],
        **changes,
    }


def stored(world: Any) -> tuple[str, str]:
    """The pair in the Secret."""
    data = world.secrets.secrets[SECRET]["data"]
    return tuple(base64.b64decode(data[name]).decode() for name in ("agentk8sglue_key", "agentk8sglue_secret"))  # type: ignore[return-value]


def works(world: Any) -> bool:
    """Whether the stored pair logs in to the tenant's company."""
    access_key, secret_key = stored(world)
    answer = world.session().read("users.get_current_user", {}, Caller(access_key=access_key, secret_key=secret_key))
    return bool(answer["user"]["company"]["name"] == "ACME" and answer["user"]["role"] == "admin")


def writes_since(world: Any, before: int) -> list[str]:
    return [entry["call"] for entry in world.calls()[before:] if entry["wrote"]]


def note(world: Any, name: str) -> str | None:
    return world.secrets.secrets[SECRET]["metadata"]["annotations"].get(f"ai-tenancy.platform/clearml-{name}")  # type: ignore[no-any-return]


# -- the plain way -----------------------------------------------------------------------------------------------


def test_first_run_then_nothing_to_do(world: Any) -> None:
    wanted = tenant(
        allowed_users=3, settings={"max_running_apps": 2}, domains=["acme.example"], whitelist=["x@y.example"]
    )
    outcome = world.one(wanted)
    assert outcome.error is None
    assert [step.kind for step in outcome.steps] == ["Company", "CompanySettings", "User", "Credential", "LoginRules"]
    company = world.companies()[0]
    assert company["settings"] == {"allowed_users": 3, "max_running_apps": 2}
    assert (company["domains"], [entry["email"] for entry in company["whitelist"]]) == (
        ["acme.example"],
        ["x@y.example"],
    )
    assert (world.admin()["role"], world.admin()["internal"]) == ("admin", True)
    assert works(world)
    assert note(world, "company") == company["id"]
    assert note(world, "created-at") == "1900000000"
    before = len(world.calls())
    again = world.one(wanted)
    assert (again.steps, again.error, again.warnings) == ([], None, [])
    assert writes_since(world, before) == []


def test_an_unchanged_tenant_costs_one_call(world: Any) -> None:
    items = [tenant(), tenant(id="beta", company="BETA", admin={"email": "a@beta.example"})]
    world.converge(*items)
    before = len(world.calls())
    world.converge(*items)
    assert sorted(entry["call"] for entry in world.calls()[before:]) == [
        "auth.get_users_info", "auth.login", "system.get_companies", "users.get_current_user", "users.get_current_user",
    ]  # fmt: skip
    before = len(world.calls())
    world.converge(*items, verify=False)
    assert [entry["call"] for entry in world.calls()[before:]] == [
        "auth.login",
        "system.get_companies",
        "auth.get_users_info",
    ]


def test_check_mode_writes_nothing_and_tells_the_same_steps(world: Any) -> None:
    wanted = tenant(domains=["acme.example"])
    outcome = world.one(wanted, check_mode=True)
    assert world.secrets.rehearsals == 1
    assert world.secrets.secrets == {}
    assert writes_since(world, 0) == []
    kinds = [step.kind for step in outcome.steps]
    assert kinds == [step.kind for step in world.one(wanted).steps]


def test_one_failure_does_not_stop_the_others(world: Any) -> None:
    world.session().write("system.create_company", {"name": "acme"})  # differs by case only
    outcomes = world.converge(tenant(), tenant(id="beta", company="BETA", admin={"email": "a@beta.example"}))
    assert isinstance(outcomes[0].error, RefusedError)
    assert outcomes[1].error is None
    assert world.companies("BETA")


def test_drift_is_repaired(world: Any) -> None:
    wanted = tenant(allowed_users=3, domains=["acme.example"])
    world.one(wanted)
    session = world.session()
    company = world.companies()[0]["id"]
    session.read("system.update_company_settings", {"company": company, "allowed_users": 9})
    session.read("auth.edit_user", {"user": world.admin()["id"], "role": "user"})
    session.read("login.set_domains", {"domains": []}, Caller(act_as=world.admin()["id"]))
    outcome = world.one(wanted)
    assert [step.kind for step in outcome.steps] == ["CompanySettings", "User", "LoginRules"]
    assert world.one(wanted).steps == []


# -- the decision table ------------------------------------------------------------------------------------------


def test_a_pair_that_was_revoked_elsewhere_is_replaced(world: Any) -> None:
    world.one(tenant())
    old, _secret = stored(world)
    world.session().read("auth.revoke_credentials", {"access_key": old}, Caller(become=world.admin()["id"]))
    outcome = world.one(tenant())
    assert outcome.values["credentials"][0]["case"] == 2
    assert works(world)
    assert world.access_keys() == [stored(world)[0]]


def test_a_lost_secret_is_replaced_and_its_key_revoked(world: Any) -> None:
    world.one(tenant())
    world.secrets.secrets.clear()
    stopped = world.one(tenant({"on_lost_secret": "fail"}))
    assert isinstance(stopped.error, RefusedError)
    assert "backup" in stopped.error.next_step
    outcome = world.one(tenant({"revoke_old": "immediately"}))
    assert outcome.values["credentials"][0]["case"] == 3
    assert world.access_keys() == [stored(world)[0]]
    assert note(world, "previous") is None
    assert works(world)


def test_rotation_in_two_phases(world: Any) -> None:
    world.one(tenant())
    old, old_secret = stored(world)
    first = world.one(tenant({"rotation_id": "2026-11"}))
    assert first.values["credentials"][0]["action"] == "rotate"
    assert sorted(world.access_keys()) == sorted([old, stored(world)[0]])  # the agent still runs with the old one
    assert world.session().read("server.info", {}, Caller(access_key=old, secret_key=old_secret))
    assert note(world, "previous") == "kept"
    assert world.one(tenant({"rotation_id": "2026-11"})).steps == []
    second = world.one(tenant({"rotation_id": "2026-11", "revoke_old": "immediately"}))
    assert second.values["credentials"][0]["action"] == "finish"
    assert world.access_keys() == [stored(world)[0]]
    assert note(world, "previous") is None
    assert world.one(tenant({"rotation_id": "2026-11", "revoke_old": "immediately"})).steps == []


def test_rotation_by_age(world: Any) -> None:
    wanted = tenant({"rotate": "if_older_than", "max_age_days": 30, "revoke_old": "immediately"})
    world.one(wanted)
    world.now += 29 * 86400
    assert world.one(wanted).steps == []
    world.now += 2 * 86400
    assert world.one(wanted).values["credentials"][0]["action"] == "rotate"
    assert world.access_keys() == [stored(world)[0]]


def test_a_new_pair_is_proved_before_it_replaces_a_good_one(world: Any) -> None:
    world.one(tenant())
    old = stored(world)
    # The first look is at the old pair, the second at the new one.
    world.fault({"kind": "error", "status": 401, "subcode": 22, "call": "users.get_current_user", "skip": 1})
    outcome = world.one(tenant({"rotation_id": "2"}))
    assert outcome.error is not None
    assert stored(world) == old
    assert world.access_keys() == [old[0]]


def test_the_cap_of_keys_is_respected(world: Any) -> None:
    world.one(tenant())
    world.server.control("POST", "settings", {"credentials.max_per_user": 2})
    admin = Caller(become=world.admin()["id"])
    world.session().write("auth.create_credentials", {"label": "made in the web page"}, admin)
    outcome = world.one(tenant({"rotation_id": "2"}))
    assert "2 of 2 allowed credentials (ai-tenancy:acme:agent, made in the web page)" in str(outcome.error)
    assert works(world)
    world.server.control("POST", "settings", {"credentials.max_per_user": 3})
    world.session().write("auth.create_credentials", {"label": "ai-tenancy:acme:agent"}, admin)  # a spare one of ours
    assert world.one(tenant({"rotation_id": "2"})).error is None
    assert works(world)


def test_identities_of_the_configuration_are_protected(world: Any) -> None:
    (platform,) = [user for user in world.state()["users"] if user["id"] == "__tests__"]
    wanted = tenant(admin={"email": platform["email"]})
    assert "another ClearML company" in str(world.one(wanted).error)
    assert world.companies() == []


# -- whose company -----------------------------------------------------------------------------------------------


def test_an_email_of_another_company_is_refused_before_anything_is_made(world: Any) -> None:
    world.one(tenant())
    outcome = world.one(tenant(id="beta", company="BETA"))
    assert "a@acme.example" in str(outcome.error)
    assert world.companies("BETA") == []


def test_a_foreign_company_with_people_is_refused(world: Any) -> None:
    session = world.session()
    company = session.write("system.create_company", {"name": "ACME"})["id"]
    session.write("auth.create_user", {"name": "x", "company": company, "email": "x@y.example", "role": "admin"})
    before = len(world.calls())
    assert "x@y.example" in str(world.one(tenant()).error)
    assert writes_since(world, before) == []
    assert world.one(tenant(company_id=company)).error is None


def test_an_older_server_cannot_tell_and_warns(older: Any) -> None:
    older.session().write("system.create_company", {"name": "ACME"})
    outcome = older.one(tenant())
    assert outcome.error is None
    assert "cannot tell whether people are in it" in outcome.warnings[0]
    assert older.one(tenant()).warnings == []


def test_a_renamed_company_does_not_get_a_twin(world: Any) -> None:
    world.one(tenant())
    company = world.companies()[0]["id"]
    world.session().read("organization.update_company_name", {"company": company, "new_name": "ACME Ltd"})
    assert "'ACME Ltd'" in str(world.one(tenant()).error)
    assert world.companies() == []


def test_a_secret_of_something_else_is_not_touched(world: Any) -> None:
    foreign = {
        "metadata": {"namespace": "t-acme", "name": "clearml-agent", "resourceVersion": "7", "labels": {}},
        "data": {},
    }
    listed = world.secrets.list
    world.secrets.secrets[SECRET] = foreign
    world.secrets.list = lambda selector: []  # it has not our label
    outcome = world.one(tenant())
    world.secrets.list = listed
    assert "belongs to something else" in str(outcome.error)
    assert world.secrets.secrets[SECRET] is foreign
    assert world.admin()["credentials"] == []


def test_a_pair_of_another_company_is_refused(world: Any) -> None:
    world.converge(tenant(), tenant(id="beta", company="BETA", admin={"email": "a@beta.example"}))
    mixed_up = world.secrets.secrets["t-beta", "clearml-agent"]["data"]
    world.secrets.secrets[SECRET]["data"] = mixed_up
    assert "a pair of another ClearML company" in str(world.one(tenant()).error)


def test_the_open_source_edition_is_refused(open_source: Any) -> None:
    with pytest.raises(RefusedError, match="not ClearML Enterprise"):
        open_source.one(tenant())


# -- faults ------------------------------------------------------------------------------------------------------

LOST_ANSWERS = [
    {"kind": "reset_after_commit"},
    {"kind": "truncated"},
    {"kind": "truncated", "cut": True},
    {"kind": "reset"},
    {"kind": "error", "status": 500},
    {"kind": "html", "status": 503},
    {"kind": "too_many_requests"},
]
CREATES = ["system.create_company", "auth.create_user", "auth.create_credentials"]


@pytest.mark.parametrize("unique", [True, False], ids=["unique names", "equal names allowed"])
@pytest.mark.parametrize("call", CREATES)
@pytest.mark.parametrize("fault", LOST_ANSWERS, ids=lambda fault: "-".join(str(value) for value in fault.values()))
def test_a_lost_answer_makes_nothing_twice(world: Any, fault: dict[str, Any], call: str, unique: bool) -> None:
    world.server.control("POST", "settings", {"company.unique_names": unique})
    world.fault({**fault, "call": call})
    outcome = world.one(tenant())
    assert outcome.error is None
    assert len(world.companies()) == 1
    assert world.admin()["company"] == world.companies()[0]["id"]
    assert world.access_keys() == [stored(world)[0]]
    assert works(world)
    assert world.one(tenant()).steps == []


@pytest.mark.parametrize("call", [*CREATES, "login.set_domains", "system.get_companies", "auth.get_users_info"])
def test_a_server_that_stays_away_leaves_nothing_half(world: Any, call: str) -> None:
    """The run fails in each phase; the next one converges with nothing lost and nothing twice."""
    wanted = tenant(domains=["acme.example"])
    world.fault({"kind": "html", "status": 503, "call": call, "count": 0})
    if call in ("system.get_companies", "auth.get_users_info"):
        with pytest.raises(RemoteError):
            world.one(wanted)
    else:
        outcome = world.one(wanted)
        assert outcome.error is not None
        assert "Credential" not in [step.kind for step in outcome.steps] or call == "login.set_domains"
    world.server.control("DELETE", "faults")
    assert world.one(wanted).error is None
    assert len(world.companies()) == 1
    assert world.access_keys() == [stored(world)[0]]
    assert world.one(wanted).steps == []


def test_a_secret_that_cannot_be_written_loses_nothing(world: Any) -> None:
    world.secrets.faults = [UnreachableError("the API server went away")]
    outcome = world.one(tenant())
    assert "went away" in str(outcome.error)
    assert world.access_keys() == []  # the pair was taken back
    assert world.one(tenant()).error is None
    assert works(world)


def test_a_rotation_that_cannot_be_written_keeps_the_old_pair(world: Any) -> None:
    world.one(tenant())
    old = stored(world)
    world.secrets.faults = [UnreachableError("the API server went away")]
    assert world.one(tenant({"rotation_id": "2"})).error is not None
    assert stored(world) == old
    assert world.access_keys() == [old[0]]
    assert works(world)


def test_a_run_that_dies_between_create_and_write(world: Any) -> None:
    """SIGKILL leaves a key whose secret nobody has; the next run replaces it."""

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    world.secrets.interfere = die
    with pytest.raises(Killed):
        world.one(tenant())
    assert len(world.access_keys()) == 1
    assert world.secrets.secrets == {}
    outcome = world.one(tenant())
    assert outcome.values["credentials"][0]["case"] == 3
    assert world.access_keys() == [stored(world)[0]]
    assert works(world)


def test_the_new_pair_cannot_be_revoked_either(world: Any) -> None:
    world.secrets.faults = [UnreachableError("the API server went away.")]
    world.fault({"kind": "html", "status": 503, "call": "auth.revoke_credentials", "count": 0})
    message = str(world.one(tenant()).error)
    assert "could not be revoked either" in message
    assert "ai-tenancy:acme:agent" in message
    world.server.control("DELETE", "faults")
    assert world.one(tenant()).error is None
    assert world.access_keys() == [stored(world)[0]]


def test_old_keys_that_could_not_be_revoked_go_later(world: Any) -> None:
    wanted = tenant({"rotation_id": "2", "revoke_old": "immediately"})
    world.one(tenant())
    world.fault({"kind": "html", "status": 503, "call": "auth.revoke_credentials", "count": 0})
    outcome = world.one(wanted)
    assert outcome.error is not None
    assert [step.kind for step in outcome.steps] == ["Credential"]  # stored, and said so
    assert outcome.values["credentials"][0]["previous_kept"] is True
    assert works(world)
    world.server.control("DELETE", "faults")
    assert world.one(wanted).values["credentials"][0]["action"] == "finish"
    assert world.access_keys() == [stored(world)[0]]


# -- two runs at once --------------------------------------------------------------------------------------------


def test_the_other_run_was_faster_with_the_secret(world: Any) -> None:
    world.secrets.interfere = lambda: world.one(tenant())
    outcome = world.one(tenant())
    assert outcome.error is None
    assert "Another run" in outcome.warnings[0]
    assert len(world.companies()) == 1
    assert stored(world)[0] in world.access_keys()
    assert works(world)
    assert world.one(tenant()).steps == []


def test_the_other_run_was_faster_with_a_rotation(world: Any) -> None:
    world.one(tenant())
    world.secrets.interfere = lambda: world.one(tenant({"rotation_id": "2"}))
    outcome = world.one(tenant({"rotation_id": "2"}))
    assert outcome.error is None
    assert "Another run" in outcome.warnings[0]
    assert works(world)


def test_a_secret_that_changes_again_and_again(world: Any) -> None:
    world.secrets.faults = [ConflictError("changed")] * 3
    outcome = world.one(tenant())
    assert isinstance(outcome.error, ConflictError)
    assert world.access_keys() == []


@pytest.mark.parametrize("round_number", range(3))
def test_many_runs_at_once(world: Any, round_number: int) -> None:
    outcomes: list[Any] = []
    threads = [threading.Thread(target=lambda: outcomes.append(world.one(tenant()))) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert len(world.companies()) == 1
    assert world.one(tenant()).error is None
    assert works(world)
    assert world.one(tenant()).steps == []


# -- removal -----------------------------------------------------------------------------------------------------


def gone(**changes: Any) -> dict[str, Any]:
    return tenant(state="absent", confirm_name="ACME", **changes)


def test_removal_leaves_nothing(world: Any) -> None:
    world.one(tenant())
    assert world.one(gone(), check_mode=True).steps
    assert world.companies()[0]["active"]
    outcome = world.one(gone())
    assert outcome.error is None
    assert not world.companies()[0]["active"]
    assert world.secrets.secrets == {}
    assert [user for user in world.state()["users"] if user["email"] == "a@acme.example"] == []
    assert "external object storage" in outcome.values["retained"][0]["why"]
    again = world.one(gone())
    assert (again.steps, again.values["retained"]) == ([], [])
    assert world.one(tenant()).error is None  # name and email are free again


def test_removal_is_refused_while_a_worker_is_connected(world: Any) -> None:
    world.one(tenant())
    access_key, secret_key = stored(world)
    pair = Caller(access_key=access_key, secret_key=secret_key)
    world.session().write("workers.register", {"worker": "agent:0", "queues": []}, pair)
    before = len(world.calls())
    outcome = world.one(gone())
    assert "connected_workers: 1" in str(outcome.error)
    assert writes_since(world, before) == []
    assert world.one(gone(force=True)).error is None
    assert not world.companies()[0]["active"]


def test_removal_on_an_older_server_takes_the_access_and_tells_the_rest(older: Any) -> None:
    older.one(tenant())
    company = older.companies()[0]["id"]
    assert isinstance(older.one(gone(delete_method="api")).error, RefusedError)
    assert older.secrets.secrets
    outcome = older.one(gone())
    assert outcome.error is None
    assert [step.kind for step in outcome.steps] == ["Credential", "Secret", "User"]
    assert f"--id {company}" in outcome.values["retained"][0]["why"]
    again = older.one(gone())
    assert again.steps == []
    assert again.values["retained"]


@pytest.mark.parametrize(
    "call", ["auth.revoke_credentials", "users.delete", "auth.delete_user", "tenants.delete_tenant"]
)
@pytest.mark.parametrize("kind", ["reset_after_commit", "truncated", "reset"])
def test_removal_survives_lost_answers(world: Any, call: str, kind: str) -> None:
    world.one(tenant())
    world.fault({"kind": kind, "call": call})
    first = world.one(gone())
    if first.error is not None:
        assert world.one(gone()).error is None
    assert not world.companies()[0]["active"]
    assert [user for user in world.state()["users"] if user["email"] == "a@acme.example"] == []
    assert world.one(gone()).steps == []


def test_removal_does_not_touch_the_administrator_of_another_company(world: Any) -> None:
    world.converge(tenant(), tenant(id="beta", company="BETA", admin={"email": "a@beta.example"}))
    mistaken = tenant(id="beta", company="BETA", state="absent", confirm_name="BETA", credentials=[])
    outcome = world.one(mistaken)
    assert "that user stays" in outcome.warnings[0]
    assert world.admin()["credentials"]


# -- secrets -----------------------------------------------------------------------------------------------------


def test_every_secret_is_learned_and_none_is_told(world: Any) -> None:
    outcomes = [
        world.one(tenant()),
        world.one(tenant({"rotation_id": "2"})),
        world.one(tenant({"rotation_id": "2", "revoke_old": "immediately"})),
    ]
    _access_key, secret_key = stored(world)
    assert secret_key in world.learned
    told = "".join(str([step.diff() for step in outcome.steps]) + repr(outcome) for outcome in outcomes)
    for secret in {*world.learned, world.server.secret_key}:
        assert secret not in told
