# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Show a person what is going on: one line per step, a moving line on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Writes steps with their duration to a stream; C(quiet) writes nothing.

    On a terminal, the line of the running step is written again and again; elsewhere only the end of a step shows,
    and for a step that takes long a line every 15 s.
    """

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._terminal = self._stream.isatty()
        self._started = self._last = 0.0
        self._text = ""

    @contextmanager
    def step(self, text: str) -> Iterator[Progress]:
        """Show a step while the block runs, then how long it took."""
        self._text, self._started = text, time.monotonic()
        self._last = self._started
        self.update("")
        failed = True
        try:
            yield self
            failed = False
        finally:
            seconds = time.monotonic() - self._started
            self._line(f"  {'failed' if failed else 'done':6} {seconds:6.1f} s  {text}", last=True)

    def update(self, detail: str) -> None:
        """Show how far the running step is."""
        now = time.monotonic()
        if self._terminal:
            self._line(f"  {'...':6} {now - self._started:6.1f} s  {self._text}  {detail}", last=False)
        elif now - self._last >= 15:
            self._last = now
            self._line(f"  {'...':6} {now - self._started:6.1f} s  {self._text}  {detail}", last=True)

    def _line(self, text: str, last: bool) -> None:
        if self._quiet:
            return
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text}" + ("\n" if last else ""))
        else:
            self._stream.write(f"{text}\n" if last else "")
        self._stream.flush()
