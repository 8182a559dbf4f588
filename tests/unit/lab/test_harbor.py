# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in for Harbor keeps Harbor's rules: codes, bodies, and what is shown once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.clearml.client import Answer, Client
from tests.lab.harbor.inprocess import PASSWORD, Running, running

ROBOT = {
    "name": "ci", "level": "system", "duration": 30, "secret": "Chosen-secret-1",
    "permissions": [{"kind": "project", "namespace": "library", "access": [{"resource": "repository", "action": "pull"}]}],
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as instance:
        yield instance


def ask(
    server: Running, method: str, path: str, body: Any = None, user: str = "admin", password: str = PASSWORD
) -> Answer:
    client = Client(server.url, server.ca_file, user, password)
    data = None if body is None else json.dumps(body).encode()
    where = path if path.startswith("/service") else f"/api/v2.0{path}"
    return client.send(where, data, {"Content-Type": "application/json", **client.basic()}, method)


def refusal(answer: Answer) -> tuple[int, str]:
    (error,) = answer.json["errors"]
    assert error["message"]
    return answer.status, error["code"]


def test_codes_of_refusals(server: Running) -> None:
    assert refusal(ask(server, "GET", "/projects", password="Wrong-password-1")) == (401, "UNAUTHORIZED")
    assert refusal(ask(server, "POST", "/projects", {"project_name": "library"})) == (409, "CONFLICT")
    assert refusal(ask(server, "POST", "/projects", {"project_name": "Bad"})) == (400, "BAD_REQUEST")
    assert refusal(ask(server, "DELETE", "/projects/nowhere")) == (404, "NOT_FOUND")
    assert refusal(ask(server, "GET", "/nothing")) == (404, "NOT_FOUND")
    server.store.push("library", "app", "1.0")
    assert refusal(ask(server, "DELETE", "/projects/library")) == (412, "PRECONDITION")
    assert ask(server, "GET", "/service/token?service=harbor-registry", password="x").status == 401


def test_everything_outside_the_api_is_the_web_page(server: Running) -> None:
    answer = Client(server.url, server.ca_file, "", "").send("/harbor/projects", method="GET")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert "<html>" in answer.text


def test_a_secret_is_shown_once_and_none_is_taken_with_a_new_robot(server: Running) -> None:
    made = ask(server, "POST", "/robots", ROBOT)
    assert made.status == 201
    assert made.json["name"] == "robot$ci"
    assert made.json["secret"] != "Chosen-secret-1"
    (listed,) = ask(server, "GET", "/robots").json
    assert "secret" not in listed
    assert refusal(ask(server, "POST", "/robots", ROBOT)) == (409, "CONFLICT")
    assert refusal(ask(server, "PATCH", f"/robots/{made.json['id']}", {"secret": "weak"})) == (400, "BAD_REQUEST")
    for _time in range(2):
        answer = ask(server, "PATCH", f"/robots/{made.json['id']}", {"secret": "Chosen-secret-1"})
        assert (answer.status, answer.json) == (200, {"secret": ""})
    login = "/service/token?service=harbor-registry"
    assert ask(server, "GET", login, None, "robot$ci", made.json["secret"]).status == 401
    assert ask(server, "GET", login, None, "robot$ci", "Chosen-secret-1").status == 200
    server.store.robots[made.json["id"]].expires = 1
    assert ask(server, "GET", login, None, "robot$ci", "Chosen-secret-1").status == 401


def test_days_count_from_the_robots_making(server: Running) -> None:
    made = ask(server, "POST", "/robots", ROBOT).json
    changed = ask(server, "PUT", f"/robots/{made['id']}", {**ROBOT, "name": "robot$ci", "duration": 40})
    assert changed.status == 200
    assert ask(server, "GET", f"/robots/{made['id']}").json["expires_at"] == made["expires_at"] + 10 * 24 * 3600
    for duration in (0, -2, "90", None):
        assert refusal(ask(server, "POST", "/robots", {**ROBOT, "name": "x", "duration": duration}))[0] == 400


def test_a_repository_is_escaped_twice(server: Running) -> None:
    digest = server.store.push("library", "team/app", "1.0")
    found = ask(server, "GET", "/projects/library/repositories/team%252Fapp/artifacts/1.0?with_tag=true")
    assert (found.json["digest"], found.json["tags"][0]["name"]) == (digest, "1.0")
    assert "scan_overview" not in found.json


def test_no_secret_is_in_the_log(server: Running, tmp_path: Path) -> None:
    made = ask(server, "POST", "/robots", ROBOT).json
    ask(server, "PATCH", f"/robots/{made['id']}", {"secret": "Chosen-secret-1"})
    log = (tmp_path / "state" / "requests.jsonl").read_text()
    pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    assert '"call": "POST /robots"' in log
    assert not [secret for secret in (PASSWORD, pair, made["secret"], "Chosen-secret-1") if secret in log]
