# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests to Harbor: what is repeated and what never is, and which refusal is which (PLAT-5, X-5, X-7)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    AuthError,
    ConfigError,
    NotFoundError,
    RemoteError,
    UnreachableError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.answer import (
    LoginRefusedError,
    is_conflict,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.web import BAD_ANSWER, NotSentError
from tests.lab.harbor.inprocess import PASSWORD


def test_a_refused_login_is_told_apart_from_a_server_that_is_away(world: Any) -> None:
    with pytest.raises(LoginRefusedError, match=r"unauthorized \(Harbor 401 UNAUTHORIZED\)") as caught:
        world.session(api_password="Wrong-password-1").get("/projects")
    assert "api_password" in caught.value.next_step
    assert "Wrong-password-1" not in str(caught.value)
    assert world.time.pauses == []  # asking again does not help
    with pytest.raises(NotSentError) as away:
        world.session(api_url="https://127.0.0.1:1", retries=1).get("/projects")
    assert not isinstance(away.value, AuthError)
    assert "Check that Harbor runs" in away.value.next_step
    assert len(world.time.pauses) == 1


def test_what_a_robot_may_not_is_no_refused_login(world: Any) -> None:
    made = world.server.store.add_robot({"name": "weak", "duration": 1, "permissions": []})
    with pytest.raises(AuthError, match="403 FORBIDDEN") as caught:
        world.session(api_user="robot$weak", api_password=made.secret).get("/robots")
    assert not isinstance(caught.value, LoginRefusedError)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 503},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 200},
        {"kind": "reset"},
        {"kind": "truncated"},
        {"kind": "truncated", "cut": True},
        {"kind": "too_many_requests"},
    ],
)
def test_a_read_is_repeated(world: Any, fault: dict[str, Any]) -> None:
    world.server.fault({**fault, "call": "GET /projects", "count": 2})
    assert [entry["name"] for entry in world.session().list("/projects")] == ["library"]
    assert len(world.server.calls("GET /projects")) == 3


def test_repetition_has_an_end(world: Any) -> None:
    world.server.fault({"kind": "error", "status": 500, "call": "GET /projects", "count": 0})
    with pytest.raises(RemoteError, match=r"internal server error \(Harbor 500 UNKNOWN\)"):
        world.session().list("/projects")
    assert len(world.server.calls("GET /projects")) == 4


@pytest.mark.parametrize("fault", [{"kind": "error", "status": 500}, {"kind": "reset"}, {"kind": "reset_after_commit"}])
def test_a_create_is_not_repeated(world: Any, fault: dict[str, Any]) -> None:
    world.server.fault({**fault, "call": "POST /projects"})
    with pytest.raises((RemoteError, UnreachableError)):
        world.session().create("/projects", {"project_name": "staging"})
    assert len(world.server.calls("POST /projects")) == 1


def test_a_page_instead_of_data_is_told_as_such(world: Any) -> None:
    """Harbor's web page answers 200 at every path that is not the API's."""
    with pytest.raises(RemoteError, match="is not one of Harbor's API") as caught:
        world.session(api_url=world.server.url + "/harbor", retries=0).get("/projects")
    assert caught.value.reason == BAD_ANSWER


def test_a_404_of_an_ingress_is_no_missing_object(world: Any) -> None:
    world.server.fault({"kind": "html", "status": 404, "call": "GET /robots/7"})
    with pytest.raises(RemoteError, match="HTTP 404 from something in front of Harbor"):
        world.session(retries=0).get("/robots/7")
    world.server.fault({"kind": "html", "status": 404, "call": "GET /robots/7"})  # right after Harbor was installed
    with pytest.raises(NotFoundError, match="robot account 7 not found"):
        world.session().get("/robots/7")


def test_lists_are_read_to_their_end(world: Any) -> None:
    for number in range(230):
        world.server.store.add_project(f"project-{number}", {})
    assert len(world.session().list("/projects")) == 231
    assert len(world.server.calls("GET /projects")) == 3


def test_a_taken_name_is_known_by_harbors_code(world: Any) -> None:
    with pytest.raises(RemoteError) as caught:
        world.session().create("/projects", {"project_name": "library"})
    assert is_conflict(caught.value)


def test_a_login_is_tried_as_a_client_does(world: Any) -> None:
    session = world.session()
    assert session.accepts("admin", PASSWORD)
    assert not session.accepts("admin", "Wrong-password-1")
    assert "Wrong-password-1" in world.learned
    world.server.fault({"kind": "html", "status": 503, "call": "GET /service/token"})
    assert session.accepts("admin", PASSWORD)


def test_bad_options_are_told_all_at_once(world: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        world.session(api_url="registry.example.com", api_password=None, ca_path="/does/not/exist", timeout=0)
    assert {problem.path for problem in caught.value.problems} == {"api_url", "api_password", "ca_path", "timeout"}
