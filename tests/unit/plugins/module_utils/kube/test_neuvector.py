# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""NeuVector's API by way of the API server: every login ends, and the server's words come through (PLAT-4, X-6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import AuthError, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.neuvector import NeuVector
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.session import Session
from tests.lab.neuvector import PASSWORD, TOKEN, USER, NeuVectorServer

NAMESPACE = "cattle-neuvector-system"
PREFIX = f"/api/v1/namespaces/{NAMESPACE}/services/https:neuvector-svc-controller-api:controller-api/proxy"


@pytest.fixture
def server() -> Iterator[NeuVectorServer]:
    with NeuVectorServer(prefix=PREFIX) as running:
        running.services = {"web.shop": ["Monitor", "Monitor"]}
        yield running


@pytest.fixture
def neuvector(server: NeuVectorServer) -> NeuVector:
    return NeuVector(Session.from_options({"host": f"http://127.0.0.1:{server.port}", "api_key": "x"}), NAMESPACE)


def test_a_login_is_ended_and_its_token_is_told_to_be_a_secret(server: NeuVectorServer, neuvector: NeuVector) -> None:
    learnt: list[str] = []
    with neuvector.logged_in(USER, PASSWORD, learnt.append) as api:
        assert server.logins == 1
        assert api.leaders() == 1
        assert api.summary() == {"summary": {"disconnected_enforcers": 0}}
        assert api.events() == {}
        api.set_mode(["web.shop"], "Protect")
        assert api.services()["services"][0]["policy_mode"] == "Protect"
    assert learnt == [TOKEN]
    assert server.logins == 0


def test_a_login_is_ended_when_something_fails(server: NeuVectorServer, neuvector: NeuVector) -> None:
    with pytest.raises(RefusedError, match="not yet"), neuvector.logged_in(USER, PASSWORD, lambda _token: None):
        raise RefusedError("not yet")
    assert server.logins == 0


def test_a_wrong_password_is_told(server: NeuVectorServer, neuvector: NeuVector) -> None:
    with (
        pytest.raises(AuthError, match="NeuVector does not accept the login of admin") as caught,
        neuvector.logged_in(USER, "wrong-word", lambda _token: None),
    ):
        pass
    assert "wrong-word" not in str(caught.value)
    assert server.requests == ["POST /v1/auth"]
