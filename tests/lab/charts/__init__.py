# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Stand-in charts: packed when they are needed, and what the operators in them would do afterwards."""

from __future__ import annotations

from tests.lab.charts.operators import Operators
from tests.lab.charts.pack import pack, pack_all

__all__ = ["Operators", "pack", "pack_all"]
