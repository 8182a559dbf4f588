# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tenants as one filter hands them to another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Union

#: Tenants as C(tenants_parse) gives them: a list, or the same as one JSON text.
Tenants = Union[str, Sequence[Any]]


def listed(tenants: Tenants) -> Sequence[Any]:
    """The tenants as a list."""
    found: Sequence[Any] = json.loads(tenants) if isinstance(tenants, str) else tenants
    return found
