# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in fails on demand, remembers requests without secrets, and survives a restart."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.lab.clearml.client import Client
from tests.lab.clearml.inprocess import ACCESS_KEY, SECRET_KEY, Running, make_certificate, running

ROOT = Path(__file__).resolve().parents[3]
CREATE = ("system.create_company", {"name": "acme"})


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, naps: list[float]) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("clearml"), sleep=naps.append) as started:
        yield started


def companies(server: Client) -> list[str]:
    return [item["name"] for item in server.call("system.get_companies", {"name": "acme"}).data["companies"]]


def test_an_error_in_the_envelope(server: Running) -> None:
    server.control("POST", "faults", [{"call": "system.create_company", "kind": "error"}])
    assert server.call(*CREATE).refusal[:2] == (500, 0)
    assert companies(server) == []
    assert server.call(*CREATE).status == 200, "one fault hits once"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_page_of_the_ingress(server: Running, status: int) -> None:
    server.control("POST", "faults", [{"kind": "html", "status": status, "count": 2}])
    for _turn in range(2):
        answer = server.call(*CREATE)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html")
        with pytest.raises(ValueError, match="Expecting value"):
            _answer = answer.json
    assert companies(server) == []


def test_too_many_requests(server: Running) -> None:
    server.control("POST", "faults", [{"kind": "too_many_requests", "retry_after": 7}])
    answer = server.call(*CREATE)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


def test_a_slow_answer(server: Running, naps: list[float]) -> None:
    server.control("POST", "faults", [{"kind": "slow", "delay": 30}])
    assert server.call(*CREATE).status == 200
    assert naps == [30]


def test_a_connection_that_breaks_after_the_commit(server: Running) -> None:
    server.control("POST", "faults", [{"call": "*.create_*", "kind": "reset_after_commit"}])
    with pytest.raises(ConnectionResetError):
        server.call(*CREATE)
    assert companies(server) == ["acme"]
    [entry] = [item for item in server.control("GET", "requests") if item["call"] == "system.create_company"]
    assert (entry["wrote"], entry["fault"]) == (True, "reset_after_commit")


def test_a_connection_that_breaks_before_anything_happens(server: Running) -> None:
    server.control("POST", "faults", [{"kind": "reset"}])
    with pytest.raises(ConnectionResetError):
        server.call(*CREATE)
    assert companies(server) == []


def read_to_the_end(connection: socket.socket) -> None:
    """Read until an orderly end; session tickets of TLS come before it."""
    while connection.recv(65536):
        pass


def test_a_broken_connection_is_reset_and_not_closed_in_good_order(server: Running) -> None:
    """The TLS layer of some Python versions hides the difference, so this looks below it."""
    server.control("POST", "faults", [{"call": "debug.ping", "kind": "reset_after_commit"}])
    address = urlsplit(server.url)
    assert address.hostname
    assert address.port
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    tls = trust.wrap_bio(received, to_send, server_hostname=address.hostname)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(to_send.read())
                received.write(connection.recv(65536))
        tls.write(b"GET /debug.ping HTTP/1.1\r\nHost: lab\r\n\r\n")
        connection.sendall(to_send.read())
        with pytest.raises(ConnectionResetError):
            read_to_the_end(connection)


def test_half_an_answer(server: Running) -> None:
    server.control(
        "POST", "faults", [{"kind": "truncated"}, {"call": "system.get_*", "kind": "truncated", "cut": True}]
    )
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        _answer = server.call(*CREATE).json
    with pytest.raises(http.client.IncompleteRead):
        companies(server)
    assert companies(server) == ["acme"]


def test_a_redirect(server: Running) -> None:
    server.control("POST", "faults", [{"kind": "redirect", "location": "http://elsewhere.example/"}])
    answer = server.call(*CREATE)
    assert (answer.status, answer.headers["Location"]) == (302, "http://elsewhere.example/")
    assert companies(server) == []


def test_faults_are_counted_and_forgotten(server: Running) -> None:
    fault = {"call": "server.info", "kind": "error", "status": 503, "subcode": 4, "skip": 1, "count": 0}
    [pending] = server.control("POST", "faults", [fault])
    assert pending["skip"] == 1
    assert [server.call("server.info").status for _turn in range(4)] == [200, 503, 503, 503]
    assert server.call("users.get_all").status == 200
    assert server.control("DELETE", "faults") == server.control("GET", "faults") == []
    assert server.call("server.info").status == 200


@pytest.mark.parametrize("bad", [{}, [{"kind": "flood"}], [{"kind": "error", "typo": 1}], ["error"], [{}]])
def test_a_mistake_in_a_fault_orders_nothing(server: Running, bad: Any) -> None:
    body = json.dumps(bad).encode()
    assert server.send("_lab/faults", body, server.basic()).status == 400
    assert server.control("GET", "faults") == []


@pytest.mark.parametrize("bad", [{"company.unique": True}, {"company.unique_names": "no"}])
def test_a_mistake_in_a_setting_changes_nothing(server: Running, bad: Any) -> None:
    before = server.control("GET", "settings")
    assert server.send("_lab/settings", json.dumps(bad).encode(), server.basic()).status == 400
    assert server.control("GET", "settings") == before


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer x"}])
def test_the_side_door_is_for_the_platform(server: Running, headers: dict[str, str]) -> None:
    for method, name in (("GET", "requests"), ("GET", "state"), ("POST", "faults"), ("POST", "settings")):
        assert server.send(f"_lab/{name}", b"[]", headers, method).status == 401


def test_the_log_tells_reads_from_writes(server: Running) -> None:
    server.call(*CREATE)
    start = server.control("GET", "requests")[-1]["number"]
    server.call("system.get_companies")
    server.call(*CREATE)
    server.call("auth.login")
    server.send("foo")
    entries = server.control("GET", f"requests?since={start}")
    assert [(item["call"], item["status"], item["subcode"], item["wrote"]) for item in entries] == [
        ("system.get_companies", 200, 0, False),
        ("system.create_company", 400, 801, False),
        ("auth.login", 200, 0, False),
        ("", 400, 0, False),
    ]
    assert entries[1]["body"] == {"name": "acme"}
    assert {item["authentication"] for item in entries} == {"Basic", "none"}


def test_no_secret_leaves_the_server(server: Running) -> None:
    """X-6: not in the request log, not in the log file, not in the state that tests see; the state file is private."""
    company = server.call(*CREATE).data["id"]
    user = {"name": "a", "company": company, "email": "a@acme.example", "role": "admin"}
    admin = server.call("auth.create_user", user).data["id"]
    headers = {"X-Clearml-Impersonate-As": admin}
    pair = server.call("auth.create_credentials", {"label": "x"}, **headers).data["credentials"]
    basic = server.basic(pair["access_key"], pair["secret_key"])
    token = server.call("auth.login", None, basic).data["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    server.call("debug.ping", {"note": f"my key is {pair['secret_key']}", "l": [{"x": SECRET_KEY}]}, bearer)
    server.call("auth.validate_token", {"token": token})
    server.call("server.info", None, basic, **{"X-Clearml-Client": f"c-{pair['secret_key']}"})
    server.send(f"{pair['secret_key']}.x", None, {"Cookie": f"allegro_token={token}"})
    listings = server.call("auth.get_credentials", **headers).text + json.dumps(server.control("GET", "state"))
    log_file = server.directory / "requests.jsonl"
    seen = json.dumps(server.control("GET", "requests")) + log_file.read_text() + listings
    for secret in (
        pair["secret_key"],
        SECRET_KEY,
        token,
        basic["Authorization"][6:],
        server.application.store.signing_key,
    ):
        assert secret not in seen
    assert pair["access_key"] in listings
    for file in (log_file, server.directory / "state.db"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700


def test_a_restart_loses_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("clearml")
    with running(directory) as server:
        company = server.call(*CREATE).data["id"]
        user = {"name": "a", "company": company, "email": "a@acme.example", "role": "admin", "internal": True}
        admin = server.call("auth.create_user", user).data["id"]
        headers = {"X-Clearml-Impersonate-As": admin}
        pair = server.call("auth.create_credentials", {"label": "x"}, **headers).data["credentials"]
        basic = server.basic(pair["access_key"], pair["secret_key"])
        queue = server.call("queues.create", {"name": "gpu"}, basic).data["id"]
        tokens = [server.call("auth.login", None, basic).data["token"] for _turn in range(2)]
        server.call("auth.logout", None, {"Authorization": f"Bearer {tokens[1]}"})
    with running(directory) as server:
        assert companies(server) == ["acme"]
        assert server.call("users.get_current_user", None, basic).data["user"]["company"]["id"] == company
        assert [item["id"] for item in server.call("queues.get_all", None, basic).data["queues"]] == [queue]
        assert server.call("auth.locate_credentials", {"access_key": pair["access_key"]}).data["label"] == "x"
        statuses = [server.call("server.info", None, {"Authorization": f"Bearer {token}"}).status for token in tokens]
        assert statuses == [200, 401]
        assert server.call("auth.create_user", user).refusal[:2] == (400, 801)


def test_the_program(tmp_path: Path) -> None:
    """It starts from files, prints where it is, answers, and ends on SIGTERM; without credentials it says why not."""
    certificate, key = make_certificate(tmp_path)
    credentials = tmp_path / "credentials.json"
    command = [sys.executable, "-m", "tests.lab.clearml", "--address", "127.0.0.1", "--port", "0", "--cert", str(certificate),
               "--key", str(key), "--state-dir", str(tmp_path / "state"), "--credentials-file", str(credentials)]  # fmt: skip
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "credentials.json" in refused.stderr
    credentials.write_text(json.dumps({"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        client = Client(line.split()[-1], certificate, ACCESS_KEY, SECRET_KEY)
        assert client.call("server.info").data["api_version"] == "2.37"
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - started < 5
        assert SECRET_KEY not in line + process.stdout.read()
