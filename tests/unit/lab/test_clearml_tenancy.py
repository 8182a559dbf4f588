# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in keeps companies, their users and their rules, and keeps them apart (CML-3, TEN-9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.clearml.client import Answer
from tests.lab.clearml.inprocess import Running, running
from tests.lab.clearml.store import DEFAULT_COMPANY_ID


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("clearml")) as started:
        yield started


@dataclass
class Tenant:
    """A company with an administrator; L(call) makes a call with the administrator's pair."""

    server: Running
    company: str
    admin: str
    headers: dict[str, str]

    def call(self, name: str, data: object = None) -> Answer:
        return self.server.call(name, data, self.headers)


def onboard(server: Running, name: str) -> Tenant:
    company = server.call("system.create_company", {"name": name}).data["id"]
    user = {"name": "admin", "company": company, "email": f"admin@{name}.example", "role": "admin", "internal": "true"}
    admin = server.call("auth.create_user", user).data["id"]
    headers = {"X-Clearml-Impersonate-As": admin}
    pair = server.call("auth.create_credentials", None, **headers).data["credentials"]
    return Tenant(server, company, admin, server.basic(pair["access_key"], pair["secret_key"]))


def test_names_of_companies(server: Running) -> None:
    assert server.call("system.create_company", {"name": "ab"}).refusal == (
        400,
        800,
        "Data validation error: name=String value is too short",
    )
    first = server.call("system.create_company", {"name": "Acme"}).data
    assert server.call("system.create_company", {"name": "Acme"}).refusal[:2] == (400, 801)
    assert server.call("system.get_companies", {"name": "aCME"}).data["companies"] == [
        {"id": first["id"], "name": "Acme"}
    ]
    assert server.call("system.get_companies", {"name": "Acm"}).data["companies"] == []
    assert len(server.call("system.get_companies", {"name_pattern": "^Ac"}).data["companies"]) == 1
    assert server.call("system.get_companies", {"name_pattern": "*"}).refusal[:2] == (400, 21)


def test_without_unique_names_companies_may_be_twins(server: Running) -> None:
    server.control("POST", "settings", {"company.unique_names": False})
    ids = {server.call("system.create_company", {"name": "twin"}).data["id"] for _turn in range(2)}
    assert {item["id"] for item in server.call("system.get_companies", {"name": "twin"}).data["companies"]} == ids
    assert len(ids) == 2


def test_a_queue_for_applications_where_tenants_have_their_own(server: Running) -> None:
    assert server.call("system.create_company", {"name": "global"}).data["app_queues"] == []
    server.control("POST", "settings", {"applications.queue_mode": "per_tenant"})
    [queue] = server.call("system.create_company", {"name": "per-tenant"}).data["app_queues"]
    assert set(queue) == {"id", "name"}


def test_settings_are_read_back(server: Running) -> None:
    company = server.call("system.create_company", {"name": "acme", "defaults": {"features": ["queues"]}}).data["id"]
    change = {"company": company, "allowed_users": 5, "features": ["queues", "permissions"]}
    assert server.call("system.update_company_settings", change).data == {"updated": 1}
    info = server.call("system.company_info", {"company": company}).data
    assert (info["name"], info["active"]) == ("acme", True)
    assert info["defaults"] == {"allowed_users": 5, "features": ["queues", "permissions"]}
    bad = {"company": company, "feature_set": "everything"}
    assert server.call("system.update_company_settings", bad).refusal[:2] == (400, 12)
    assert server.call("system.company_info", {"company": "nope"}).refusal == (
        400,
        10,
        "Invalid object id: company=nope",
    )


def test_a_company_is_renamed(server: Running) -> None:
    tenant = onboard(server, "acme")
    assert tenant.call("organization.update_company_name", {"new_name": "acme-2"}).data == {"updated": 1}
    change = {"new_name": "acme-3", "company": tenant.company}
    assert tenant.call("organization.update_company_name", change).refusal[:2] == (400, 13)
    assert server.call("organization.update_company_name", change).data == {"updated": 1}
    assert tenant.call("users.get_current_user").data["user"]["company"]["name"] == "acme-3"


def test_an_email_is_taken_in_all_companies(server: Running) -> None:
    onboard(server, "acme")
    other = onboard(server, "other")
    user = {"name": "x", "company": other.company, "email": "admin@acme.example"}
    assert other.call("auth.create_user", user).refusal[:2] == (400, 801)
    found = server.call("auth.get_users_info", {"emails": ["admin@acme.example"]}).data["users"]
    [value] = found.values()
    assert (value["email"], value["role"]) == ("admin@acme.example", "admin")
    assert "company" not in value


def test_an_administrator_creates_users_of_its_own_company(server: Running) -> None:
    tenant, other = onboard(server, "acme"), onboard(server, "other")
    user = {"name": "x", "company": tenant.company, "email": "x@acme.example"}
    assert tenant.call("auth.create_user", {**user, "company": other.company}).refusal[:2] == (400, 10)
    assert tenant.call("auth.create_user", {**user, "internal": True}).refusal[:2] == (400, 13)
    assert tenant.call("auth.create_user", {**user, "role": "root"}).refusal[:2] == (400, 13)
    created = tenant.call("auth.create_user", user).data["id"]
    listed = {item["id"]: item for item in tenant.call("users.get_all", {"include_auth": True}).data["users"]}
    assert listed[created]["email"] == "x@acme.example"
    assert listed[created]["role"] == "user"
    assert "email" not in tenant.call("users.get_by_id", {"user": created}).data["user"]


def test_the_number_of_users_is_limited(server: Running) -> None:
    tenant = onboard(server, "acme")
    server.call("system.update_company_settings", {"company": tenant.company, "allowed_users": 1})
    first, second = ({"name": n, "company": tenant.company, "email": f"{n}@acme.example"} for n in ("one", "two"))
    assert tenant.call("auth.create_user", first).status == 200
    assert tenant.call("auth.create_user", second).status == 400


def test_a_user_has_two_lives(server: Running) -> None:
    company = server.call("system.create_company", {"name": "acme"}).data["id"]
    user = {"name": "x", "company": company, "email": "x@acme.example"}
    first = server.call("auth.create_user", user).data["id"]
    assert server.call("users.delete", {"user": first}).data == {}
    assert server.call("users.delete", {"user": first}).refusal == (400, 301, f"Invalid user id: id={first}")
    assert server.call("auth.create_user", user).refusal[:2] == (400, 801), "the login entry keeps the email"
    assert server.call("auth.delete_user", {"user": first}).data == {"deleted": True}
    second = server.call("auth.create_user", user).data["id"]
    assert server.call("auth.delete_user", {"user": second}).data == {"deleted": True}
    assert server.call("users.get_by_id", {"user": second}).refusal[:2] == (400, 301), "of another company"
    assert server.call("users.delete", {"user": second}).data == {}, "the profile was still there"


def test_nothing_of_one_tenant_is_seen_by_another(server: Running) -> None:
    mine, other = onboard(server, "mine"), onboard(server, "other")
    queue = other.call("queues.create", {"name": "secret-queue"}).data["id"]
    project = other.call("projects.create", {"name": "secret-project"}).data["id"]
    task = other.call("tasks.create", {"name": "t", "type": "testing", "project": project}).data["id"]
    other.call("workers.register", {"worker": "agent", "queues": [queue]}).data  # noqa: B018
    other.call("routers.task_router_report", {"router": "gw", "url": "https://gw.other.example"}).data  # noqa: B018
    other.call("login.set_domains", {"domains": ["other.example"]}).data  # noqa: B018
    for call, key in (
        ("queues.get_all", "queues"),
        ("queues.get_all_ex", "queues"),
        ("projects.get_all", "projects"),
        ("tasks.get_all", "tasks"),
        ("workers.get_all", "workers"),
        ("routers.get_task_routers", "routers"),
        ("users.get_service_users", "users"),
    ):
        assert mine.call(call).data[key] == [], call
    assert [user["id"] for user in mine.call("users.get_all").data["users"]] == [mine.admin]
    assert mine.call("login.get_settings").data == {"domains": [], "whitelist_entries": []}
    for call, data, subcode in (
        ("queues.get_by_id", {"queue": queue}, 701),
        ("queues.update", {"queue": queue, "display_name": "x"}, 701),
        ("queues.delete", {"queue": queue, "force": True}, 701),
        ("projects.get_by_id", {"project": project}, 401),
        ("tasks.create", {"name": "t", "type": "testing", "project": project}, 401),
        ("tasks.get_by_id", {"task": task}, 101),
        ("tasks.delete", {"task": task, "force": True}, 101),
        ("users.get_by_id", {"user": other.admin}, 301),
        ("users.set_role", {"user": other.admin, "role": "user"}, 301),
        ("auth.delete_user", {"user": other.admin}, 301),
        ("workers.unregister", {"worker": "agent"}, 1004),
        ("workers.register", {"worker": "agent", "queues": [queue]}, 701),
        ("routers.unregister", {"router": "gw"}, 10),
    ):
        assert mine.call(call, data).refusal[:2] == (400, subcode), call


def test_login_rules(server: Running) -> None:
    tenant = onboard(server, "acme")
    assert tenant.call("login.set_domains", {"domains": ["a.example", "b.example"]}).data == {}
    assert tenant.call("login.set_domains", {"domains": ["b.example"]}).data == {}
    assert tenant.call("login.set_domains", {"domains": ["not a domain"]}).refusal[:2] == (400, 23)
    emails = {"emails": ["x@acme.example", "y@acme.example"], "role": "admin"}
    assert tenant.call("login.add_whitelist_entries", emails).data == {"added": emails["emails"]}
    assert tenant.call("login.add_whitelist_entries", emails).data == {"added": []}
    assert tenant.call("login.remove_whitelist_entries", {"emails": ["y@acme.example", "z@z.example"]}).data == {
        "removed": ["y@acme.example"]
    }
    settings = tenant.call("login.get_settings").data
    assert settings["domains"] == ["b.example"]
    assert [(entry["email"], entry["role"]) for entry in settings["whitelist_entries"]] == [("x@acme.example", "admin")]
    [entry] = server.call("login.get_whitelist", {"email": "x@acme.example"}).data["entries"]
    assert entry["company"] == tenant.company


def test_a_tenant_in_one_call(server: Running) -> None:
    wanted = {"name": "acme", "admin_emails": ["a@acme.example"], "domain": "acme.example", "max_users": 3}
    created = server.call("tenants.create_tenant", wanted).data
    pair = created["credentials"]
    current = server.call("users.get_current_user", None, server.basic(pair["access_key"], pair["secret_key"])).data
    assert (current["user"]["role"], current["user"]["company"]["id"]) == ("admin", created["id"])
    second = server.call("tenants.add_tenant_admin_credentials", {"tenant": created["id"]}).data["credentials"]
    located = [
        server.call("auth.locate_credentials", {"access_key": item["access_key"]}).data for item in (pair, second)
    ]
    assert located[0]["user"] == located[1]["user"] == current["user"]["id"]
    tenants = {item["name"]: item for item in server.call("tenants.get_tenants").data["tenants"]}
    assert tenants["acme"] == {
        "id": created["id"],
        "name": "acme",
        "admin_emails": ["a@acme.example"],
        "default_company": False,
    }
    assert tenants["clearml"]["default_company"] is True
    info = server.call("tenants.get_tenant_info", {"tenant": created["id"]}).data
    assert info["users"]["max_allowed"] == 3
    assert [entry["email"] for entry in info["users"]["pending"]] == ["a@acme.example"]


def test_a_tenant_is_deleted_softly(server: Running) -> None:
    tenant = onboard(server, "acme")
    queue = tenant.call("queues.create", {"name": "gpu"}).data["id"]
    tenant.call("workers.register", {"worker": "agent", "queues": [queue]})
    wanted = {"tenant": tenant.company, "name": "acme"}
    assert server.call("tenants.delete_tenant", {**wanted, "name": "other"}).status == 400
    assert (
        server.call("tenants.get_tenant_resources", {"tenant": tenant.company}).data["running"]["connected_workers"]
        == 1
    )
    refused = server.call("tenants.delete_tenant", wanted)
    assert (refused.status, "connected_workers=1" in refused.refusal[2]) == (400, True)
    snapshot = server.call("tenants.delete_tenant", {**wanted, "force": True}).data
    assert snapshot["running"]["connected_workers"] == 1
    assert server.call("system.company_info", {"company": tenant.company}).data["active"] is False
    assert server.call("system.get_companies", {"name": "acme"}).data["companies"] == []
    assert tenant.call("server.info").refusal[:2] == (401, 22)
    assert server.call("tenants.delete_tenant", wanted).refusal[:2] == (400, 10)
    assert server.call("auth.get_users_info", {"emails": ["admin@acme.example"]}).data["users"] == {}
    assert onboard(server, "acme").company != tenant.company


def test_what_a_deleted_tenant_may_leave_taken(server: Running) -> None:
    tenant = onboard(server, "acme")
    server.control(
        "POST", "settings", {"company.deleted_names_reusable": False, "company.deleted_emails_reusable": False}
    )
    server.call("tenants.delete_tenant", {"tenant": tenant.company, "name": "acme"}).data  # noqa: B018
    assert server.call("system.create_company", {"name": "acme"}).refusal[:2] == (400, 801)
    other = server.call("system.create_company", {"name": "other"}).data["id"]
    user = {"name": "x", "company": other, "email": "admin@acme.example"}
    assert server.call("auth.create_user", user).refusal[:2] == (400, 801)


def test_the_default_company_is_not_deleted(server: Running) -> None:
    wanted = {"tenant": DEFAULT_COMPANY_ID, "name": "clearml", "force": True}
    assert server.call("tenants.delete_tenant", wanted).status == 400
    assert server.call("system.company_info", {"company": DEFAULT_COMPANY_ID}).data["active"] is True
