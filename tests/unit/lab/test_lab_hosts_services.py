# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The load balancer and the web server of the host laboratory, on loopback addresses."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.hosts.services import balancer, web
from tests.lab.hosts.services.registration import Registration


def free_port() -> int:
    """Return a port that is free on every loopback address that the test uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answer(address: str, port: int) -> asyncio.Server:
    """A server that says who it is."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(address.encode())
        writer.close()

    return await asyncio.start_server(serve, address, port)


async def ask(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    text = await reader.read()
    writer.close()
    return text.decode()


def test_connections_go_to_servers_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balancer, "INTERVAL", 0.05)
    addresses = {"a": "127.0.0.11", "b": "127.0.0.12", "c": "127.0.0.13"}

    async def scenario() -> None:
        port = free_port()
        servers = {name: await answer(addresses[name], port) for name in ("a", "b")}
        under_test = balancer.Balancer(port, addresses)
        watch = asyncio.create_task(under_test.watch())
        front = await asyncio.start_server(under_test.serve, "127.0.0.1", port)
        while under_test.healthy != ["a", "b"]:
            await asyncio.sleep(0.02)
        assert {await ask(port) for _time in range(4)} == {addresses["a"], addresses["b"]}
        servers["a"].close()
        # At once, before any look: the next server takes it.
        assert [await ask(port) for _time in range(3)] == [addresses["b"]] * 3
        servers["b"].close()
        while under_test.healthy:
            await asyncio.sleep(0.02)
        with contextlib.suppress(ConnectionResetError):
            assert await ask(port) == ""
        watch.cancel()
        front.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[web.Server]:
    """A web server with two directories."""
    for name in ("www", "repo"):
        (tmp_path / name / "v1+2").mkdir(parents=True)
        (tmp_path / name / "v1+2" / "file").write_text(name, encoding="ascii")
    (tmp_path / "secret").write_text("secret", encoding="ascii")
    (tmp_path / "www" / "out").symlink_to(tmp_path / "secret")
    configuration = {"directories": {"/repo/": str(tmp_path / "repo"), "/": str(tmp_path / "www")},
                     "log": str(tmp_path / "log")}  # fmt: skip
    registration = Registration(tmp_path / "state", "CODE")
    handler = type("Configured", (web.Handler,), {"configuration": configuration, "registration": registration})
    instance = web.Server(("127.0.0.1", 0), handler)
    threading.Thread(target=instance.serve_forever, daemon=True).start()
    yield instance
    instance.shutdown()
    instance.server_close()


def get(server: web.Server, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def test_files_are_served_by_prefix_and_nothing_else(server: web.Server, tmp_path: Path) -> None:
    assert get(server, "/v1%2B2/file") == (200, "www")
    assert get(server, "/repo/v1+2/file?x=1") == (200, "repo")
    for path in ("/nothing", "/../secret", "/%2e%2e/secret", "/repo/../../secret", "/out"):
        assert get(server, path)[0] == 404, path
    rows = [json.loads(line) for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    assert [(row["path"], row["status"]) for row in rows[:2]] == [("/v1%2B2/file", 200), ("/repo/v1+2/file?x=1", 200)]


def test_registration_is_answered(server: web.Server) -> None:
    assert get(server, "/connect/systems/activations")[0] == 401
    assert get(server, "/access/services/1/repo/repoindex.xml")[0] == 200
    assert get(server, "/access/services/999/repo/repoindex.xml")[0] == 404
