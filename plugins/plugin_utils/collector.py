# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Python's garbage collector, where it only costs time.

A worker of Ansible is forked for one task and ends with it. A collection in it frees nothing that the end would not free,
but looks at everything that came from the main process, and the kernel copies each page that it looks at.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Collect nothing meanwhile."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
