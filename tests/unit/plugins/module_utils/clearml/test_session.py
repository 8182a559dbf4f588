# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests to ClearML: what is repeated and what never is, trust, tokens, scrubbed messages (X-5, X-7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.session import Caller
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.answer import (
    ExpiredTokenError,
    NoSuchCallError,
    RejectedPairError,
    has_reason,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    AuthError,
    ConfigError,
    PlatformError,
    RemoteError,
    UnreachableError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.web import (
    BAD_ANSWER,
    NotSentError,
    UntrustedError,
)
from tests.lab.clearml.inprocess import make_certificate


def calls(world: Any, name: str) -> int:
    return sum(entry["call"] == name for entry in world.calls())


def test_the_secret_travels_once(world: Any) -> None:
    session = world.session()
    for _number in range(3):
        session.read("server.info")
    assert [(entry["call"], entry["authentication"]) for entry in world.calls()] == [
        ("auth.login", "Basic"), ("server.info", "Bearer"), ("server.info", "Bearer"), ("server.info", "Bearer"),
    ]  # fmt: skip
    assert session.claims()["feature_set"] == "advanced"


def test_what_is_secret_is_learned_at_once(world: Any) -> None:
    session = world.session()
    session.read("server.info")
    assert world.server.secret_key in world.learned
    assert session._token in world.learned


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 500},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 503},
        {"kind": "reset"},
        {"kind": "truncated"},
        {"kind": "truncated", "cut": True},
        {"kind": "reset_after_commit"},
    ],
)
def test_a_read_is_repeated(world: Any, fault: dict[str, Any]) -> None:
    world.fault({**fault, "call": "server.info", "count": 2})
    assert world.session().read("server.info")["version"]
    assert calls(world, "server.info") == 3


def test_a_login_is_repeated(world: Any) -> None:
    world.fault({"kind": "html", "status": 503, "call": "auth.login", "count": 2})
    assert world.session().read("server.info")["version"]


def test_retries_are_bounded(world: Any) -> None:
    world.fault({"kind": "html", "status": 503, "call": "server.info", "count": 0})
    with pytest.raises(RemoteError, match="HTTP 503"):
        world.session().read("server.info")
    assert calls(world, "server.info") == 4


def test_retry_after_is_honoured(world: Any) -> None:
    world.fault({"kind": "too_many_requests", "call": "server.info", "retry_after": 7})
    world.session().read("server.info")
    assert max(world.time.pauses) == 7


@pytest.mark.parametrize("fault", [{"kind": "error", "status": 500}, {"kind": "reset"}, {"kind": "reset_after_commit"}])
def test_a_write_is_not_repeated(world: Any, fault: dict[str, Any]) -> None:
    world.fault({**fault, "call": "system.create_company"})
    with pytest.raises((RemoteError, UnreachableError)):
        world.session().write("system.create_company", {"name": "ACME"})
    assert calls(world, "system.create_company") == 1


def test_a_write_is_repeated_after_429(world: Any) -> None:
    world.fault({"kind": "too_many_requests", "call": "system.create_company", "count": 2})
    assert world.session().write("system.create_company", {"name": "ACME"})["id"]
    assert len(world.companies()) == 1


def test_a_truncated_answer_is_told_as_such(world: Any) -> None:
    world.fault({"kind": "truncated", "call": "system.create_company"})
    with pytest.raises(RemoteError) as caught:
        world.session().write("system.create_company", {"name": "ACME"})
    assert has_reason(caught.value, BAD_ANSWER)


def test_redirects_are_not_followed(world: Any) -> None:
    world.fault({"kind": "redirect", "call": "server.info", "count": 0, "location": "https://elsewhere.example/"})
    with pytest.raises(RemoteError, match="redirected to https://elsewhere"):
        world.session(retries=0).read("server.info")


def test_a_token_that_is_no_longer_good_is_renewed_once(world: Any) -> None:
    session = world.session()
    session.read("server.info")
    session.read("auth.logout")
    assert session.read("server.info")["version"]
    assert calls(world, "auth.login") == 2


def test_a_given_token_is_used_and_not_renewed(world: Any) -> None:
    donor = world.session()
    donor.read("server.info")
    session = world.session(access_key=None, secret_key=None, token=donor._token)
    assert session.read("server.info")["version"]
    session.read("auth.logout")
    with pytest.raises(ExpiredTokenError):
        session.read("server.info")


def test_wrong_keys_are_told_without_the_keys(world: Any) -> None:
    with pytest.raises(RejectedPairError) as caught:
        world.session(secret_key="wrong-secret-key").read("server.info")
    assert "wrong-secret-key" not in str(caught.value)
    assert world.time.pauses == []  # not repeated


def test_a_tenant_may_not_do_what_the_platform_may(world: Any) -> None:
    session = world.session()
    company = session.write("system.create_company", {"name": "ACME"})["id"]
    user = session.write(
        "auth.create_user", {"name": "a", "company": company, "email": "a@acme.example", "role": "admin"}
    )["id"]
    with pytest.raises(AuthError, match="role=admin"):
        session.read("system.get_companies", {}, Caller(become=user))
    assert session.read("system.get_companies", {}, Caller(act_as=user))["companies"]


def test_a_pair_of_a_tenant_cannot_act_elsewhere(world: Any) -> None:
    """The header goes out with a pair too, so that a probe can try what must not work."""
    session = world.session()
    company = session.write("system.create_company", {"name": "ACME"})["id"]
    user = session.write(
        "auth.create_user", {"name": "a", "company": company, "email": "a@acme.example", "role": "admin"}
    )["id"]
    pair = session.write("auth.create_credentials", {}, Caller(become=user))["credentials"]
    keys = {"access_key": pair["access_key"], "secret_key": pair["secret_key"]}
    assert session.read("users.get_all", {}, Caller(**keys))["users"]
    with pytest.raises(RemoteError, match="400/6"):
        session.read("users.get_all", {}, Caller(act_as="__tests__", **keys))


def test_a_missing_call_is_remembered(older: Any) -> None:
    session = older.session()
    assert session.offers("tenants.get_tenants")
    with pytest.raises(NoSuchCallError):
        session.read("tenants.get_tenants")
    assert not session.offers("tenants.get_tenants")


def test_an_unknown_ca_is_told_at_once(world: Any, tmp_path: Path) -> None:
    other, _key = make_certificate(tmp_path / "other")
    with pytest.raises(UntrustedError) as caught:
        world.session(ca_path=str(other)).read("server.info")
    assert "ca_path" in caught.value.next_step
    assert world.time.pauses == []
    assert world.session(ca_path=None, api_validate_certs=False).read("server.info")["version"]


def test_nobody_there_means_nothing_was_sent(world: Any) -> None:
    session = world.session(api_url="https://127.0.0.1:1", retries=1)
    with pytest.raises(NotSentError):
        session.write("system.create_company", {"name": "ACME"})
    assert len(world.time.pauses) == 1


def test_bad_options_are_told_all_at_once(world: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        world.session(api_url="api.example.com", access_key="", ca_path="/does/not/exist", retries=-1, timeout=0)
    assert {problem.path for problem in caught.value.problems} == {
        "api_url", "access_key", "ca_path", "retries", "timeout",
    }  # fmt: skip


def test_an_error_is_one_of_ours(world: Any) -> None:
    with pytest.raises(PlatformError, match="400/12"):
        world.session().write("auth.create_user", {})
