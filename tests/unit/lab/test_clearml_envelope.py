# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in speaks the protocol: envelope, path, content types, versions, registry of calls."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.lab.clearml.inprocess import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("clearml")) as started:
        yield started


def test_a_good_answer_is_wrapped(server: Running) -> None:
    answer = server.call("queues.get_all", **{"X-Clearml-Trx": "abc"})
    meta = answer.json["meta"]
    assert answer.headers["server"] == "clearml"
    assert answer.headers["Content-Type"] == "application/json"
    assert len(meta.pop("id")) == 32
    assert meta == {
        "trx": "abc",
        "endpoint": {"name": "queues.get_all", "requested_version": "2.37", "actual_version": "2.4"},
        "result_code": 200,
        "result_subcode": 0,
        "result_msg": "OK",
        "error_stack": None,
        "error_data": {},
    }
    assert answer.json["data"] == {"queues": []}


def test_a_refusal_is_wrapped_with_empty_data(server: Running) -> None:
    answer = server.call("queues.get_by_id", {"queue": "zz"})
    assert answer.status == answer.json["meta"]["result_code"] == 400
    assert answer.json["meta"]["error_data"] == {}
    assert answer.json["data"] == {}
    assert answer.headers["server"] == "clearml"


def test_fields_without_a_value_are_left_out(server: Running) -> None:
    as_admin = {"X-Clearml-Impersonate-As": new_admin(server)}
    pair = server.call("auth.create_credentials", {}, **as_admin).data["credentials"]
    assert set(pair) == {"access_key", "secret_key"}


def new_admin(server: Running) -> str:
    company = server.call("system.create_company", {"name": "envelope"}).data["id"]
    user = {"name": "a", "company": company, "email": "a@envelope.example", "role": "admin"}
    return str(server.call("auth.create_user", user).data["id"])


@pytest.mark.parametrize(
    ("path", "code", "subcode", "message"),
    [
        ("foo", 400, 0, "Invalid request path /foo"),
        ("v2/server.info", 400, 0, "Invalid request path /v2/server.info"),
        ("nothing.here", 404, 0, "Unable to find endpoint for name nothing.here and version 2.37"),
        ("v2.9/nothing.here", 404, 0, "Unable to find endpoint for name nothing.here and version 2.9"),
        ("v2.3/queues.get_all", 404, 0, "Unable to find endpoint for name queues.get_all and version 2.3"),
    ],
)
def test_paths_that_lead_nowhere(server: Running, path: str, code: int, subcode: int, message: str) -> None:
    assert server.send(path).refusal == (code, subcode, message)


@pytest.mark.parametrize(
    ("path", "requested"), [("server.info", "2.37"), ("v2.4/server.info/", "2.4"), ("v99.0/server.info", "99.0")]
)
def test_the_version_in_the_path_is_optional(server: Running, path: str, requested: str) -> None:
    answer = server.call(path)
    assert answer.data["version"] == "3.30.0"
    assert answer.json["meta"]["endpoint"]["requested_version"] == requested


def test_old_versions_are_numbers_in_the_envelope(server: Running) -> None:
    assert server.call("v2.0/server.info").json["meta"]["endpoint"]["requested_version"] == 2.0
    broken = server.send("foo").json["meta"]["endpoint"]
    assert broken == {"name": "", "requested_version": 1.0, "actual_version": None}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_any_method_will_do(server: Running, method: str) -> None:
    answer = server.send("debug.ping", b'{"echo": 1}', {"Content-Type": "application/json"}, method)
    assert answer.data == {"msg": "ClearML server", "echo": 1}


def test_options_is_empty(server: Running) -> None:
    answer = server.send("server.info", method="OPTIONS")
    assert (answer.status, answer.text) == (200, "")


def test_json_with_the_content_type_of_a_form_is_not_read_as_json(server: Running) -> None:
    headers = server.basic() | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.send("queues.create", b'{"name": "trap"}', headers)
    assert answer.refusal == (400, 12, "Validation error (error for field 'name'. field is required!)")
    assert server.send("queues.create", b"name=form-queue", headers).data["id"]


def test_the_query_string_is_merged_into_the_body(server: Running) -> None:
    answer = server.send("debug.ping?n=5&f=1.5&b=true&t=x&a.b=1&l[]=x&m=1&m=2", b'{"own": 1}')
    assert answer.data == {
        "msg": "ClearML server",
        "own": 1,
        "n": 5,
        "f": 1.5,
        "b": True,
        "t": "x",
        "a": {"b": 1},
        "l": ["x"],
        "m": [1, 2],
    }


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", 400, "The browser (or proxy) sent a request that this server could not understand."),
        (b"[1]", 500, "Data should be a dict"),
    ],
)
def test_bodies_that_cannot_be_read(server: Running, body: bytes, code: int, message: str) -> None:
    assert server.send("server.info", body, server.basic()).refusal == (code, 0, message)


def test_compressed_requests_are_refused(server: Running) -> None:
    answer = server.send("debug.ping", b"{}", {"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert "meta" not in answer.text


@pytest.mark.parametrize(
    ("call", "data", "subcode", "message"),
    [
        ("users.get_by_id", {}, 11, "Missing required fields: missing=(user)"),
        ("queues.delete", {"queue": 5}, 12, "error for field 'queue': value is wrong"),
        ("queues.delete", {"queue": "x", "force": "true"}, 12, "error for field 'force': value is wrong"),
        ("queues.create", {"name": "abc", "tags": [1]}, 12, "error for field 'tags': value is wrong"),
        ("system.create_company", {"name": None}, 12, "error for field 'name'. field is required!"),
    ],
)
def test_fields_are_checked(server: Running, call: str, data: dict[str, Any], subcode: int, message: str) -> None:
    refusal = server.call(call, data).refusal
    assert refusal[:2] == (400, subcode)
    assert message in refusal[2]


def test_unknown_fields_are_ignored(server: Running) -> None:
    assert server.call("server.info", {"nonsense": 1}).status == 200


def test_a_connection_stays_open(server: Running) -> None:
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    connection = http.client.HTTPSConnection(urlsplit(server.url).netloc, context=trust)
    ports = set()
    for _turn in range(3):
        connection.request("POST", "/debug.ping", json.dumps({}))
        assert connection.getresponse().read()
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_an_unknown_authority_is_not_trusted(server: Running) -> None:
    connection = http.client.HTTPSConnection(urlsplit(server.url).netloc, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/debug.ping")


@pytest.mark.parametrize(
    ("profile", "absent", "present"),
    [
        ("enterprise-3.29", "tenants.get_tenants", "system.get_companies"),
        ("oss", "system.get_companies", "users.get_all"),
        ("oss", "tenants.get_tenants", "queues.get_all"),
        ("oss", "auth.locate_credentials", "auth.get_credentials"),
    ],
)
def test_older_and_open_servers_lack_calls(tmp_path_factory: Any, profile: str, absent: str, present: str) -> None:
    with running(tmp_path_factory.mktemp("profile"), profile) as server:
        assert server.call(absent).refusal[:2] == (404, 0)
        assert server.call(present).status == 200
        endpoints = server.call("server.endpoints").data["endpoints"]
        assert absent not in endpoints
        assert present in endpoints
