# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The machine's clock and chance, as the C(core) layer wants them handed in."""

from __future__ import annotations

import random
import time

from .core.retry import Clock

SYSTEM_CLOCK = Clock(now=time.monotonic, sleep=time.sleep, chance=random.random)
