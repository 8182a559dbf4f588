# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in against what was seen of the real servers; skipped where those facts are not at hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.clearml import services  # noqa: F401 (fills the registry)  # pylint: disable=unused-import
from tests.lab.clearml.client import Answer
from tests.lab.clearml.inprocess import Running, running
from tests.lab.clearml.registry import ALL, CALLS, OPEN
from tests.lab.clearml.store import DEFAULT_COMPANY_ID

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "clearml"
ABSENT = "the reference of ClearML (../shared/reference/clearml) is not at hand"

Scenario = Callable[[Running], list[Answer]]
BEARER = {"Authorization": "Bearer garbage"}


def load(name: str) -> Any:
    """Read one file of the reference, None where it is absent."""
    path = REFERENCE / name
    return yaml.safe_load(path.read_text()) if path.exists() else None


def user_pair(server: Running) -> dict[str, str]:
    """Make a plain user of the default company and return the header of its pair."""
    user = {"name": "u", "company": DEFAULT_COMPANY_ID, "email": "u@example.com", "role": "user"}
    user_id = server.call("auth.create_user", user).data["id"]
    pair = server.call("auth.create_credentials", **{"X-Clearml-Impersonate-As": user_id}).data["credentials"]
    return server.basic(pair["access_key"], pair["secret_key"])


def logged_out(server: Running) -> list[Answer]:
    token = {"Authorization": "Bearer " + server.call("auth.login").data["token"]}
    server.call("auth.logout", None, token)
    return [server.call("server.info", None, token)]


def duplicate_email(server: Running) -> list[Answer]:
    user = {"name": "u", "company": DEFAULT_COMPANY_ID, "email": "u@example.com"}
    return [server.call("auth.create_user", user) for _turn in range(2)][1:]


def deleted_twice(server: Running) -> list[Answer]:
    user = {"name": "u", "company": DEFAULT_COMPANY_ID, "email": "u@example.com"}
    user_id = server.call("auth.create_user", user).data["id"]
    return [server.call("users.delete", {"user": user_id}) for _turn in range(2)][1:]


def full_queue(server: Running) -> list[Answer]:
    task = server.call("tasks.create", {"name": "task", "type": "testing"}).data["id"]
    server.call("tasks.enqueue", {"task": task, "queue_name": "gpu"})
    [queue] = server.call("queues.get_all").data["queues"]
    return [server.call("queues.delete", {"queue": queue["id"]})]


def one(call: str, data: Any = None, headers: dict[str, str] | None = None, **more: str) -> Scenario:
    return lambda server: [server.call(call, data, headers, **more)]


def new_user(**change: str) -> Scenario:
    return one("auth.create_user", {"name": "u", "company": DEFAULT_COMPANY_ID, "email": "u@example.com"} | change)


#: How to bring about each observation, by call and circumstance.
SCENARIOS: dict[tuple[str, str], Scenario] = {
    ("any", "no Authorization header"): one("server.info", None, {}),
    ("any", "wrong key or secret"): lambda server: [server.call("server.info", None, server.basic("X", "Y")),
                                                    server.call("server.info", None, server.basic(None, "Y"))],
    ("any", "Authorization: Foo x"): one("server.info", None, {"Authorization": "Foo x"}),
    ("any", "garbage bearer token"): one("server.info", None, BEARER),
    ("any", "token after auth.logout"): logged_out,
    ("any", "role not in allow_roles"): lambda server: [server.call("users.delete", {"user": "x"}, user_pair(server))],
    ("any", "unknown service.action"): one("system.create_company", {"name": "acme"}),
    ("any", "path without a dot or with /v2/"): lambda server: [server.send("foo")],
    ("any", "body is not JSON"): lambda server: [server.send("server.info", b"{no", server.basic())],
    ("any", "body is a JSON array"): lambda server: [server.send("server.info", b"[1]", server.basic())],
    ("any", "both impersonation headers"): one("server.info", **{"X-Clearml-Act-As": "a", "X-Clearml-Impersonate-As": "b"}),
    ("any", "caller role may not impersonate"): lambda server: [
        server.call("server.info", None, user_pair(server), **{"X-Clearml-Act-As": "__tests__"})
    ],
    ("any", "impersonated user unknown"): one("server.info", **{"X-Clearml-Impersonate-As": "nouser"}),
    ("any", "request model field missing"): one("auth.create_user", {"name": "u", "company": DEFAULT_COMPANY_ID}),
    ("auth.login", "expiration above maximum"): one("auth.login", {"expiration_sec": 99999999999}),
    ("auth.create_user", "duplicate email"): duplicate_email,
    ("auth.create_user", "unknown company"): new_user(company="nope"),
    ("auth.create_user", "malformed email"): new_user(email="notanemail"),
    ("auth.create_user", "bad role"): new_user(role="king"),
    ("auth.create_credentials", "as a configured system identity"): one("auth.create_credentials"),
    ("auth.edit_credentials", "unknown access key"): one("auth.edit_credentials", {"access_key": "zz", "label": "x"}),
    ("auth.revoke_credentials", "unknown access key"): one("auth.revoke_credentials", {"access_key": "zz"}),
    ("users.delete", "second time"): deleted_twice,
    ("queues.create", "name shorter than 3"): one("queues.create", {"name": "ab"}),
    ("queues.create", "duplicate name"): lambda server: [server.call("queues.create", {"name": "gpu"}) for _turn in "12"][1:],
    ("queues.get_all", "bad regex"): one("queues.get_all", {"name": "*"}),
    ("queues.get_all", "page=-1"): one("queues.get_all", {"page": -1}),
    ("queues.get_all", "page_size=0"): one("queues.get_all", {"page_size": 0}),
    ("queues.get_all", "only_fields given as a plain string"): lambda server: [
        [server.call("queues.create", {"name": "gpu"}), server.call("queues.get_all", {"only_fields": "name"})][1]
    ],
    ("queues.update / delete", "unknown id"): lambda server: [server.call("queues.update", {"queue": "zz"}),
                                                              server.call("queues.delete", {"queue": "zz"})],
    ("queues.delete", "queue has entries and no force"): full_queue,
}  # fmt: skip

OBSERVED = load("observed-oss-errors.yaml")
ENTERPRISE = load("enterprise-api.yaml")


@pytest.fixture(scope="module")
def profile_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificate")


@pytest.fixture
def server(profile_directory: Path) -> Iterator[Running]:
    shutil.rmtree(profile_directory / "state", ignore_errors=True)
    with running(profile_directory, "oss") as started:
        yield started


def pattern(message: str) -> re.Pattern[str]:
    """Turn a noted message into an expression: "..." and "<...>" stand for anything."""
    return re.compile(re.sub(r"(\\\.){3}|<[^>]*>", ".*", re.escape(message)))


@pytest.mark.skipif(OBSERVED is None, reason=ABSENT)
@pytest.mark.parametrize("observation", OBSERVED or [], ids=lambda item: f"{item['call']}: {item['when']}")
def test_errors_are_those_of_the_real_server(server: Running, observation: dict[str, Any]) -> None:
    answers = SCENARIOS[observation["call"], observation["when"]](server)
    assert answers
    for answer in answers:
        status, subcode, message = answer.refusal
        assert (status, subcode) == (observation["http"], observation["subcode"])
        assert pattern(observation["msg"]).fullmatch(message), f"{message!r}, real {observation['msg']!r}"
        assert answer.json["data"] == {}
        assert answer.json["meta"]["error_data"] == {}


@pytest.mark.skipif(ENTERPRISE is None, reason=ABSENT)
def test_shared_calls_are_not_more_than_the_real_server_has() -> None:
    """A call that the Enterprise reference does not list is one that the open-source server has."""
    unlisted = {name for name in CALLS if name not in ENTERPRISE}
    assert {CALLS[name].edition for name in unlisted} <= {"oss"}
    services_of_oss = {"auth", "debug", "events", "login", "projects", "queues", "server", "tasks", "users", "workers"}
    assert {name.partition(".")[0] for name in unlisted} <= services_of_oss


LISTED = sorted(name for name in CALLS if name in (ENTERPRISE or {}))


@pytest.mark.skipif(ENTERPRISE is None, reason=ABSENT)
@pytest.mark.parametrize("name", LISTED)
def test_calls_are_those_of_the_real_server(name: str) -> None:
    fact, offered = ENTERPRISE[name], CALLS[name]
    assert (offered.edition == "oss") == (fact["oss"] is True), "editions"
    roles = {"all": ALL, "unauthenticated": OPEN}.get(str(fact["roles"])) if isinstance(fact["roles"], str) else None
    if name == "organization.update_company_name":
        # listed for admin, with a field of which the text says that system users may pass it
        roles = frozenset({*fact["roles"], "root", "system"})
    assert offered.roles == (frozenset(fact["roles"]) if roles is None else roles), "roles"
    if not isinstance(fact["req"], dict):
        return
    required = {field.rstrip("!") for field in fact["req"] if field.endswith("!")}
    if name == "auth.get_token_for_user":
        required.discard("company")  # optional in the open-source server, which this call is shared with
    assert {field.name for field in offered.fields if field.is_required(enterprise=True)} == required, "required fields"
    known = {field.rstrip("!") for field in fact["req"]}
    assert {field.name for field in offered.fields} <= known | UNLISTED_FIELDS.get(name, set()), "fields"


#: Fields of the open-source server that the Enterprise reference leaves out.
UNLISTED_FIELDS: dict[str, set[str]] = {
    "tasks.create": {"system_tags"},
    "tasks.enqueue": {"status_reason", "status_message", "force"},
    "workers.get_count": {"tags", "system_tags"},
}
