# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A load balancer for TCP as a site would have one: each port goes to the same port of a server that is healthy.

Usage: python -m tests.lab.hosts.services.balancer FILE. A server is healthy at a port when a connection opens; it is
looked at every second, and counts as away after two looks in vain. A connection that cannot be opened goes to the next
server. The file "control" of the configuration shows what is healthy.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from pathlib import Path

#: Seconds between two looks at a server, and until a look at one that does not answer was in vain.
INTERVAL, PATIENCE = 1.0, 3.0

#: Looks in vain until a server counts as away.
FALL = 2


class Balancer:
    """Forwards one port."""

    def __init__(self, port: int, servers: dict[str, str]) -> None:
        self.port, self.servers = port, servers
        self.missed = dict.fromkeys(servers, FALL)
        self._turn = itertools.count()

    async def watch(self) -> None:
        """Look at the servers for ever."""
        while True:
            found = await asyncio.gather(*(self._alive(name) for name in self.servers))
            for name, alive in zip(self.servers, found, strict=True):
                self.missed[name] = 0 if alive else self.missed[name] + 1
            await asyncio.sleep(INTERVAL)

    @property
    def healthy(self) -> list[str]:
        """The servers that take connections."""
        return [name for name in self.servers if self.missed[name] < FALL]

    async def _alive(self, name: str) -> bool:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(self.servers[name], self.port), PATIENCE)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    def candidates(self) -> list[str]:
        """Return the healthy servers, in another order each time."""
        names = self.healthy
        first = next(self._turn) % len(names) if names else 0
        return names[first:] + names[:first]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one client's connection."""
        for name in self.candidates():
            try:
                connection = asyncio.open_connection(self.servers[name], self.port)
                back_reader, back_writer = await asyncio.wait_for(connection, PATIENCE)
            except (OSError, TimeoutError):
                continue
            await asyncio.gather(copy(reader, back_writer), copy(back_reader, writer))
            return
        writer.transport.abort()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its end, and then end the other side's input."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    if reader.exception() is not None or writer.is_closing():
        writer.close()


async def run(configuration: dict) -> None:
    """Serve all ports for ever."""
    balancers = [Balancer(port, configuration["servers"]) for port in configuration["ports"]]
    for balancer in balancers:
        await asyncio.start_server(balancer.serve, configuration["address"], balancer.port)
    await asyncio.gather(*(balancer.watch() for balancer in balancers), report(balancers, configuration["control"]))


async def report(balancers: list[Balancer], path: str) -> None:
    """Write what is healthy to a file whenever it changes."""
    last = None
    while True:
        now = {str(balancer.port): balancer.healthy for balancer in balancers}
        if now != last:
            Path(path).write_text(json.dumps(now) + "\n", encoding="utf-8")
            last = now
        await asyncio.sleep(INTERVAL)


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
