# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Try ports for real: a host listens for a short time on those that are free, and its peers connect.

Three steps, each on all hosts before the next: C(listen) leaves a small process behind that answers, C(connect) tries
every peer, C(close) ends the process. It ends by itself after a time, so that a run that was killed leaves nothing.
No file is written: the process is found by an abstract Unix socket, a name that goes away with it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

from .network import resolve

#: Abstract name of the listener's control socket.
CONTROL = "\0ai-tenancy-preflight"
_GOODBYE = b"bye"
_ROUNDS = 5
_PARALLEL = 64


def listen(specs: Iterable[str], seconds: float) -> dict[str, list[str]]:
    """Open every port that is free, and answer on it for at most C(seconds).

    specs: such as C(6443/tcp). Returns C(opened), C(busy) (somebody else's). An earlier listener is ended first.
    """
    close()
    sockets, busy = [], []
    for spec in dict.fromkeys(specs):
        try:
            sockets.append((spec, _bind(spec)))
        except OSError:
            busy.append(spec)
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind(CONTROL)
    control.listen(4)
    child = os.fork()
    if child == 0:
        _become_nobodys_child()
        try:
            _serve([one for _spec, one in sockets], control, seconds)
        finally:
            os._exit(0)
    os.waitpid(child, 0)  # it has left the listener behind as nobody's child
    for _spec, one in sockets:
        one.close()
    control.close()
    return {"opened": [spec for spec, _one in sockets], "busy": busy}


def close() -> bool:
    """End the listener of this host and wait until its ports are free; False when there was none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(5)
        try:
            control.connect(CONTROL)
            # The answer comes after the ports were closed.
            return control.recv(8) in (_GOODBYE, b"")
        except OSError:
            return False


def _bind(spec: str) -> socket.socket:
    number, _slash, protocol = spec.partition("/")
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    family, address = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "")
    one = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if kind == socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, int(number)))
        if kind == socket.SOCK_STREAM:
            one.listen(64)
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


def _become_nobodys_child() -> None:
    """Let go of the session and of the pipes on which Ansible waits for the end of the module."""
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _serve(sockets: Sequence[socket.socket], control: socket.socket, seconds: float) -> None:
    """Answer until somebody says stop or the time is over: the clock on TCP, the same bytes on UDP."""
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ, "tcp" if one.type == socket.SOCK_STREAM else "udp")
        selector.register(control, selectors.EVENT_READ, "stop")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for key, _mask in selector.select(max(0.0, end - time.monotonic())):
                if key.data == "stop":
                    asker, _address = control.accept()
                    for one in sockets:
                        one.close()
                    control.close()
                    asker.sendall(_GOODBYE)
                    return
                with contextlib.suppress(OSError):
                    _answer(selector, key.fileobj, key.data)


def _answer(selector: selectors.BaseSelector, one: Any, kind: str) -> None:
    if kind == "udp":
        data, address = one.recvfrom(64)
        one.sendto(data, address)
    elif kind == "tcp":
        connection, _address = one.accept()
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, "connection")
    else:
        try:
            data = one.recv(64)
        except OSError:
            data = b""
        if data:
            one.sendall(f"{time.time()!r}\n".encode())
        else:
            selector.unregister(one)
            one.close()


def connect(peers: Sequence[Mapping[str, Any]], timeout: float) -> dict[str, dict[str, Any]]:
    """Try every port of every peer, many at once.

    peers: C(name), C(address), C(opened) (specs on which our listener answers), C(busy) (specs of somebody else).
    C(full_name) (resolved when it is given). timeout: seconds for each attempt. Returns by name: C(ports) (spec to error, empty when it was reached),
    C(latency_ms) (median round trip), C(clock_offset_s) (the peer's clock minus ours, half a round trip exact), C(resolved) (addresses of its full name).
    A UDP port of somebody else cannot be tried and is left out.
    """
    tasks = [(peer, spec, True) for peer in peers for spec in peer.get("opened") or ()]
    tasks += [(peer, spec, False) for peer in peers for spec in peer.get("busy") or () if spec.endswith("/tcp")]
    results: dict[str, dict[str, Any]] = {peer["name"]: {"ports": {}} for peer in peers}
    names = resolve(peer["full_name"] for peer in peers if peer.get("full_name"))
    for peer in peers:
        if peer.get("full_name"):
            results[peer["name"]]["resolved"] = names[peer["full_name"]]["addresses"]
    if not tasks:
        return results
    with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(tasks))) as pool:
        answers = pool.map(lambda task: _try(task[0]["address"], task[1], timeout), tasks)
        for (peer, spec, _ours), error in zip(tasks, answers):
            results[peer["name"]]["ports"][spec] = error
    for peer in peers:
        results[peer["name"]].update(_measure(peer, results[peer["name"]]["ports"], timeout))
    return results


def _try(address: str, spec: str, timeout: float) -> str:
    number, _slash, protocol = spec.partition("/")
    try:
        if protocol == "tcp":
            socket.create_connection((address, int(number)), timeout).close()
        else:
            _echo(address, int(number), timeout)
    except OSError as error:
        return str(error.strerror or error) or "no answer"
    return ""


def _echo(address: str, port: int, timeout: float) -> None:
    """Send a datagram up to three times until it comes back. Raises OSError when it does not."""
    family, _kind, _protocol, _name, target = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(timeout / 3)
        for attempt in range(3):
            one.sendto(b"ai-tenancy", target)
            try:
                one.recvfrom(64)
            except socket.timeout:
                if attempt == 2:
                    raise
            else:
                return


def _measure(peer: Mapping[str, Any], ports: Mapping[str, str], timeout: float) -> dict[str, Any]:
    """Latency and clock by our listener; latency alone by handshakes where only other programs listen."""
    reached = [spec for spec, error in ports.items() if not error and spec.endswith("/tcp")]
    ours = [spec for spec in reached if spec in set(peer.get("opened") or ())]
    rounds: list[tuple[float, Optional[float]]] = []
    with contextlib.suppress(OSError, ValueError):
        if ours:
            rounds = _ask_clock(peer["address"], int(ours[0].partition("/")[0]), timeout)
        elif reached:
            rounds = _shake_hands(peer["address"], int(reached[0].partition("/")[0]), timeout)
    if not rounds:
        return {}
    best = min(rounds)
    return {
        "latency_ms": round(statistics.median(seconds for seconds, _offset in rounds) * 1000, 2),
        "clock_offset_s": None if best[1] is None else round(best[1], 4),
    }


def _ask_clock(address: str, port: int, timeout: float) -> list[tuple[float, Optional[float]]]:
    found: list[tuple[float, Optional[float]]] = []
    with socket.create_connection((address, port), timeout) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _round in range(_ROUNDS):
            begin, sent = time.monotonic(), time.time()
            one.sendall(b"t\n")
            theirs = float(one.recv(64))
            took = time.monotonic() - begin
            found.append((took, theirs - (sent + took / 2)))
    return found


def _shake_hands(address: str, port: int, timeout: float) -> list[tuple[float, Optional[float]]]:
    found: list[tuple[float, Optional[float]]] = []
    for _round in range(_ROUNDS):
        begin = time.monotonic()
        socket.create_connection((address, port), timeout).close()
        found.append((time.monotonic() - begin, None))
    return found
