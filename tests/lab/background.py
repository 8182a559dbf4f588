# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Something that goes on in a thread while a test does other things."""

from __future__ import annotations

import threading
from typing import Self


class Background:
    """Calls C(again) in a thread as long as a with block lasts. pause: seconds before each call."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._pause):
            self.again()

    def again(self) -> None:
        """What is done each time."""
        raise NotImplementedError
