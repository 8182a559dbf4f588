# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a laboratory."""

from __future__ import annotations


class LabError(Exception):
    """A laboratory cannot do what was asked. The text says what happened and what to do next."""
