# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What was done about one thing of a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..core.errors import PlatformError
from ..core.plan import Step


@dataclass
class Outcome:
    """What was done for one item (in check mode: would be). error: why it stopped; the steps before it are done."""

    item: str
    steps: list[Step] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    refused: Sequence[Step] = ()
    error: Optional[PlatformError] = None
