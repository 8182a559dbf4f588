# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The listener of preflight and those who connect to it, for real, on the loopback (HOST-11)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.preflight import ports


def free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(autouse=True)
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A control socket of the test's own, so that a real preflight on this machine is left alone."""
    monkeypatch.setattr(ports, "CONTROL", f"\0ai-tenancy-test-{free(socket.SOCK_STREAM)}")
    yield
    ports.close()


def peer(**specs: Any) -> dict[str, Any]:
    return {"name": "me", "address": "127.0.0.1", "opened": [], "busy": [], **specs}


def test_every_port_answers_until_it_is_closed() -> None:
    tcp, udp = f"{free(socket.SOCK_STREAM)}/tcp", f"{free(socket.SOCK_DGRAM)}/udp"
    assert ports.listen([tcp, udp], 30) == {"opened": [tcp, udp], "busy": []}
    result = ports.connect([peer(opened=[tcp, udp])], 1)["me"]
    assert result["ports"] == {tcp: "", udp: ""}
    assert 0 <= result["latency_ms"] < 1000
    assert abs(result["clock_offset_s"]) < 0.5
    assert ports.close()
    assert not ports.close()
    again = ports.connect([peer(opened=[tcp, udp])], 0.3)["me"]["ports"]
    assert "refused" in again[tcp]
    assert again[udp]


def test_a_port_of_somebody_else_is_left_to_him() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        spec = f"{other.getsockname()[1]}/tcp"
        assert ports.listen([spec], 5) == {"opened": [], "busy": [spec]}
        result = ports.connect([peer(busy=[spec, "8472/udp"])], 1)["me"]
        assert result["ports"] == {spec: ""}, "his TCP port is tried, his UDP port cannot be"
        assert result["clock_offset_s"] is None


def test_a_second_listener_ends_the_first() -> None:
    spec = f"{free(socket.SOCK_STREAM)}/tcp"
    for _time in range(2):
        assert ports.listen([spec], 30)["opened"] == [spec]


def test_it_ends_by_itself() -> None:
    spec = f"{free(socket.SOCK_STREAM)}/tcp"
    ports.listen([spec], 0.2)
    socket.create_connection(("127.0.0.1", int(spec.partition("/")[0])), 1).close()
    deadline = time.monotonic() + 10
    while not ports.connect([peer(opened=[spec])], 0.2)["me"]["ports"][spec]:
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)


def test_nobody_there() -> None:
    assert ports.connect([], 1) == {}
    assert ports.connect([peer()], 1) == {"me": {"ports": {}}}
