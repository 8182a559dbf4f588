# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in knows who asks: credentials, tokens, roles, impersonation (CML-3)."""

from __future__ import annotations

from collections.abc import Iterator

import jwt
import pytest

from tests.lab.clearml.inprocess import Running, running
from tests.lab.clearml.store import DEFAULT_COMPANY_ID


class Clock:
    """A clock that a test turns. now: seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("clearml"), clock=clock) as started:
        yield started


def new_company(server: Running, name: str) -> str:
    return str(server.call("system.create_company", {"name": name}).data["id"])


def new_user(server: Running, company: str, name: str, role: str = "admin") -> str:
    user = {"name": name, "company": company, "email": f"{name}@{company}.example", "role": role}
    return str(server.call("auth.create_user", user).data["id"])


def new_pair(server: Running, user: str) -> dict[str, str]:
    headers = {"X-Clearml-Impersonate-As": user}
    return dict(server.call("auth.create_credentials", {"label": "test"}, **headers).data["credentials"])


def basic(server: Running, pair: dict[str, str]) -> dict[str, str]:
    return server.basic(pair["access_key"], pair["secret_key"])


def bearer(server: Running, pair: dict[str, str], **data: object) -> dict[str, str]:
    return {"Authorization": "Bearer " + server.call("auth.login", data, basic(server, pair)).data["token"]}


@pytest.fixture
def acme(server: Running) -> dict[str, str]:
    """A company with an administrator, a plain user, and a pair for each."""
    company = new_company(server, "acme")
    admin, user = new_user(server, company, "admin"), new_user(server, company, "user", "user")
    return {"company": company, "admin": admin, "user": user}


def test_a_token_tells_what_the_server_is(server: Running) -> None:
    answer = server.call("auth.login")
    claims = jwt.decode(answer.data["token"], options={"verify_signature": False})
    assert claims["identity"] == {
        "user": "__apiserver__",
        "company": DEFAULT_COMPANY_ID,
        "role": "system",
        "user_name": "__apiserver__",
        "company_name": "clearml",
    }
    assert (claims["server_version"], claims["api_version"], claims["feature_set"]) == ("3.30.0", "2.37", "advanced")
    assert claims["exp"] - claims["iat"] == 2592000
    assert answer.headers["Set-Cookie"].startswith(f"allegro_token={answer.data['token']};")
    assert server.call("auth.login", {"set_cookie": False}).headers["Set-Cookie"] is None


def test_a_cookie_is_as_good_as_a_token_and_a_header_wins(server: Running, acme: dict[str, str]) -> None:
    cookie = {"Cookie": server.call("auth.login").headers["Set-Cookie"].partition(";")[0]}
    assert server.call("users.get_current_user", None, cookie).data["user"]["id"] == "__apiserver__"
    both = cookie | bearer(server, new_pair(server, acme["admin"]))
    assert server.call("users.get_current_user", None, both).data["user"]["id"] == acme["admin"]


def test_a_token_expires_in_the_middle_of_a_run(server: Running, clock: Clock) -> None:
    token = {"Authorization": "Bearer " + server.call("auth.login", {"expiration_sec": 60}).data["token"]}
    assert server.call("server.info", None, token).status == 200
    clock.now += 61
    assert server.call("server.info", None, token).refusal == (
        401,
        30,
        "Invalid token (invalid jwt token): reason=Signature has expired",
    )


def test_a_token_outlives_its_credentials_but_not_a_logout(server: Running, acme: dict[str, str]) -> None:
    pair = new_pair(server, acme["admin"])
    token = bearer(server, pair)
    revoked = server.call("auth.revoke_credentials", {"access_key": pair["access_key"]}, token)
    assert revoked.data == {"revoked": 1}
    assert server.call("server.info", None, basic(server, pair)).refusal[:2] == (401, 22)
    assert server.call("server.info", None, token).status == 200
    assert server.call("auth.logout", None, token).status == 200
    assert server.call("server.info", None, token).refusal == (401, 30, "Invalid token (revoked token)")


def test_a_token_dies_with_its_user_or_company(server: Running, acme: dict[str, str]) -> None:
    users, admins = bearer(server, new_pair(server, acme["user"])), bearer(server, new_pair(server, acme["admin"]))
    assert server.call("auth.delete_user", {"user": acme["user"]}).data == {"deleted": True}
    assert server.call("server.info", None, users).refusal[:2] == (401, 30)
    assert server.call("tenants.delete_tenant", {"tenant": acme["company"], "name": "acme"}).status == 200
    assert server.call("server.info", None, admins).refusal[:2] == (401, 30)


@pytest.mark.parametrize("prefix", ["X-Clearml-", "x-clearml-", "X-Trains-", "x-TRAINS-"])
def test_both_prefixes_in_any_case(server: Running, acme: dict[str, str], prefix: str) -> None:
    current = server.call("users.get_current_user", None, None, **{prefix + "Impersonate-As": acme["user"]}).data[
        "user"
    ]
    assert (current["id"], current["role"]) == (acme["user"], "user")
    assert current["company"] == {"id": acme["company"], "name": "acme"}


def test_act_as_keeps_the_own_role(server: Running, acme: dict[str, str]) -> None:
    headers = {"X-Clearml-Act-As": acme["user"]}
    current = server.call("users.get_current_user", None, None, **headers).data["user"]
    assert (current["id"], current["role"], current["company"]["id"]) == (acme["user"], "system", acme["company"])
    assert server.call("login.set_domains", {"domains": ["acme.example"]}, **headers).status == 200
    headers = {"X-Clearml-Impersonate-As": acme["user"]}
    assert server.call("login.set_domains", {"domains": []}, **headers).refusal == (
        403,
        20,
        "Forbidden (not allowed for role): role=user, allowed=(admin, root, system)",
    )


def test_an_administrator_impersonates_in_its_own_company_only(server: Running, acme: dict[str, str]) -> None:
    admin = basic(server, new_pair(server, acme["admin"]))
    other = new_user(server, new_company(server, "other"), "stranger")
    inside = server.call("users.get_current_user", None, admin, **{"X-Clearml-Impersonate-As": acme["user"]})
    assert inside.data["user"]["id"] == acme["user"]
    outside = server.call("users.get_current_user", None, admin, **{"X-Clearml-Impersonate-As": other})
    message = f"Impersonation error (unknown user): id={other}, company={acme['company']}"
    assert outside.refusal == (400, 6, message)


def test_the_open_server_confines_system_to_its_company(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("oss"), "oss") as server:
        refusal = server.call("server.info", **{"X-Clearml-Act-As": "nobody"}).refusal
        assert refusal[2] == f"Impersonation error (unknown user): id=nobody, company={DEFAULT_COMPANY_ID}"
        assert server.call("auth.login").headers["Set-Cookie"].startswith("clearml_token_basic=")


def test_login_to_another_joined_tenant(server: Running, acme: dict[str, str]) -> None:
    other = new_company(server, "other")
    pair = basic(server, new_pair(server, acme["admin"]))
    header = {"X-Clearml-Tenant": other}
    assert server.call("auth.login", None, pair, **header).refusal == (400, 10, f"Invalid object id: company={other}")
    server.control("POST", "memberships", {"user": acme["admin"], "company": other})
    token = {"Authorization": "Bearer " + server.call("auth.login", None, pair, **header).data["token"]}
    assert server.call("users.get_current_user", None, token).data["user"]["company"]["id"] == other


def test_roles(server: Running, acme: dict[str, str]) -> None:
    admin, user = basic(server, new_pair(server, acme["admin"])), basic(server, new_pair(server, acme["user"]))
    assert server.call("system.get_companies", None, admin).refusal == (
        403,
        20,
        "Forbidden (not allowed for role): role=admin, allowed=(root, system)",
    )
    assert server.call("login.get_settings", None, user).refusal[:2] == (403, 20)
    assert server.call("login.get_settings", None, admin).status == 200
    assert server.call("users.get_all", None, user).status == 200


def test_open_calls_need_no_credentials(server: Running) -> None:
    assert server.call("debug.ping", None, {}).status == 200
    assert server.call("login.supported_modes", None, {}).data["authenticated"] is False
    assert server.call("login.supported_modes").data["authenticated"] is True
    assert server.call("server.info", None, {}).refusal[:2] == (401, 20)


def test_credentials_remember_their_last_use(server: Running, acme: dict[str, str], clock: Clock) -> None:
    headers = basic(server, new_pair(server, acme["admin"]))
    clock.now += 10
    server.call("server.info", None, headers, **{"X-Clearml-Worker": "node-1"})
    [pair] = server.call("auth.get_credentials", **{"X-Clearml-Impersonate-As": acme["admin"]}).data["credentials"]
    assert pair["last_used"].startswith("2027-01-15T08:00:10")
    assert pair["last_used_from"] == "node-1"
    assert pair["label"] == "test"
    assert "secret_key" not in pair


def test_credentials_expire(server: Running, acme: dict[str, str], clock: Clock) -> None:
    headers = {"X-Clearml-Impersonate-As": acme["user"]}
    pair = server.call("auth.create_credentials", {"expiration_sec": 100}, **headers).data["credentials"]
    assert server.call("server.info", None, basic(server, pair)).status == 200
    clock.now += 101
    assert server.call("server.info", None, basic(server, pair)).refusal[:2] == (401, 22)


def test_the_policy_of_expiry_spares_administrators(server: Running, acme: dict[str, str], clock: Clock) -> None:
    server.control("POST", "settings", {"credentials.default_expiration_sec": 100})
    admin, user = basic(server, new_pair(server, acme["admin"])), basic(server, new_pair(server, acme["user"]))
    clock.now += 101
    assert server.call("server.info", None, admin).status == 200
    assert server.call("server.info", None, user).refusal[:2] == (401, 22)


def test_a_user_has_a_limited_number_of_credentials(server: Running, acme: dict[str, str]) -> None:
    server.control("POST", "settings", {"credentials.max_per_user": 2})
    headers = {"X-Clearml-Impersonate-As": acme["admin"]}
    first, second = new_pair(server, acme["admin"]), new_pair(server, acme["admin"])
    assert first["access_key"] != second["access_key"]
    assert server.call("auth.create_credentials", **headers).status == 400
    listed = server.call("auth.get_credentials", **headers).data
    assert {pair["access_key"] for pair in listed["credentials"]} == {first["access_key"], second["access_key"]}
    assert listed["max_credentials"] == 2


def test_pairs_have_the_real_shape(server: Running, acme: dict[str, str]) -> None:
    pair = new_pair(server, acme["admin"])
    assert len(pair["access_key"]) == 30
    assert pair["access_key"].isupper()
    assert len(pair["secret_key"]) == 67


def test_an_access_key_is_located(server: Running, acme: dict[str, str]) -> None:
    pair = new_pair(server, acme["admin"])
    located = server.call("auth.locate_credentials", {"access_key": pair["access_key"]}).data
    assert (located["user"], located["label"]) == (acme["admin"], "test")
    stranger = basic(server, new_pair(server, new_user(server, new_company(server, "other"), "stranger")))
    refused = server.call("auth.locate_credentials", {"access_key": pair["access_key"]}, stranger)
    assert refused.refusal[:2] == (400, 75)


def test_a_pair_of_somebody_else_cannot_be_revoked(server: Running, acme: dict[str, str]) -> None:
    pair = new_pair(server, acme["admin"])
    stranger = basic(server, new_pair(server, new_user(server, new_company(server, "other"), "stranger")))
    refused = server.call("auth.revoke_credentials", {"access_key": pair["access_key"]}, stranger)
    assert refused.refusal[:2] == (400, 300)
    assert server.call("server.info", None, basic(server, pair)).status == 200


def test_service_accounts(server: Running, acme: dict[str, str]) -> None:
    admin = basic(server, new_pair(server, acme["admin"]))
    created = server.call("auth.create_service_user", {"name": "agent"}, admin).data
    current = server.call("users.get_current_user", None, basic(server, created["credentials"])).data["user"]
    assert (current["id"], current["company"]["id"]) == (created["id"], acme["company"])
    change = {"user": created["id"], "role": "admin"}
    assert server.call("users.set_role", change, admin).refusal[:2] == (400, 13)
    settings = {"company": acme["company"], "allow_service_user_admins": True}
    assert server.call("system.update_company_settings", settings).data == {"updated": 1}
    assert server.call("users.set_role", change, admin).data == {"updated": 1}
    [listed] = server.call("users.get_service_users", None, admin).data["users"]
    assert (listed["id"], listed["role"], listed["credentials"]) == (created["id"], "admin", 1)
    assert server.call("auth.delete_user", {"user": created["id"]}, admin).data == {"deleted": True}
    assert server.call("server.info", None, basic(server, created["credentials"])).refusal[:2] == (401, 22)
