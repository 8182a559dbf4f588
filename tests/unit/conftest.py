# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings for all unit tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Two cores and neighbours at work: a slow example is no failure. CI repeats the same examples in every run.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
