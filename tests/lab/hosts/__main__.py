# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""python -m tests.lab.hosts: print why hosts cannot run on this machine, or nothing when they can."""

from __future__ import annotations

from . import prerequisites

if reason := prerequisites.reason():
    print(reason)
