# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A time server (NTP version 4, RFC 5905, server mode only) that tells the machine's time, stratum 2.

Usage: python -m tests.lab.hosts.services.ntp FILE
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from pathlib import Path

#: Seconds between 1900, where NTP begins, and 1970.
ERA = 2208988800


def stamp(seconds: float) -> int:
    """Return a time as NTP's 64 bits: seconds since 1900 and their fraction."""
    return int((seconds + ERA) * 2**32) & (2**64 - 1)


def answer(request: bytes, received: float, sent: float) -> bytes | None:
    """Return the answer to a client's packet, or None when it is none. received, sent: seconds since 1970."""
    if len(request) < 48 or request[0] & 7 != 3:
        return None
    version = request[0] >> 3 & 7
    head = struct.pack("!BBbbII4s", version << 3 | 4, 2, request[2], -20, 0x100, 0x100, bytes([127, 0, 0, 1]))
    origin = struct.unpack("!Q", request[40:48])[0]
    return head + struct.pack("!QQQQ", stamp(received - 1), origin, stamp(received), stamp(sent))


def main() -> None:
    """Answer until the end."""
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((configuration["address"], 123))
        while True:
            request, client = server.recvfrom(1024)
            received = time.time()
            reply = answer(request, received, time.time())
            if reply:
                server.sendto(reply, client)


if __name__ == "__main__":
    main()
