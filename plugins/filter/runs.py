# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a role must know of the run that it is part of.

What is needed is imported inside: Ansible loads all filters of the collection anew for every task that uses one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def run_folder(what: str) -> str:
    """How the name of a temporary folder of this run begins."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils import leftovers

    return f"{leftovers.run().prefix}{what}-"


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {"run_folder": run_folder}
