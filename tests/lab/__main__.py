# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""C(python -m tests.lab): what scripts/lab runs."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
