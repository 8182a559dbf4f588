# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Programs of the hosts."""

from __future__ import annotations

from pathlib import Path

#: First line of the sources, as ansible-test wants it, and in a host: SLES has no program C(python).
SOURCE, HOST = b"#!/usr/bin/env python\n", b"#!/usr/bin/python3\n"


def place(source: Path, target: Path, mode: int) -> None:
    """Copy a file with a mode, and make its directory. A Python program gets the first line that it has in a host."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_bytes()
    target.write_bytes(HOST + text.removeprefix(SOURCE) if text.startswith(SOURCE) else text)
    target.chmod(mode)
