# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What was done for one item of a module, and what is told about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .errors import ConfigError, PlatformError
from .plan import Plan, Step


@dataclass
class Outcome:
    """What was done for one item (in check mode: would be), while it is being done.

    values, warnings: what else is told about it. error: why it stopped; the steps before it are done.
    """

    steps: list[Step] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: Optional[PlatformError] = None


@dataclass
class ItemResult:
    """What is reported about one item.

    item: its name, usually the tenant id. values: further keys of the item's result. steps: what was done (in check
    mode: would be). refused: steps that were not done, with their reasons. error: why the item failed.
    """

    item: str
    steps: Sequence[Step] = ()
    values: dict[str, Any] = field(default_factory=dict)
    refused: Sequence[Step] = ()
    error: Optional[PlatformError] = None
    changed: Optional[bool] = None

    @classmethod
    def of_plan(cls, plan: Plan, **values: Any) -> ItemResult:
        """The result of a plan that was carried out to its end."""
        return cls(plan.item, plan.writes, dict(values), plan.refusals)

    @classmethod
    def of_answer(cls, item: str, answer: Union[dict[str, Any], PlatformError]) -> ItemResult:
        """The result of an item that was only read: its values, or why they could not be read."""
        return cls(item, error=answer) if isinstance(answer, PlatformError) else cls(item, values=answer)

    def is_changed(self) -> bool:
        """Whether something was written for this item."""
        return bool(self.steps) if self.changed is None else self.changed

    def as_dict(self) -> dict[str, Any]:
        """The entry in the module's C(results)."""
        result: dict[str, Any] = {
            "item": self.item,
            "changed": self.is_changed(),
            "actions": [step.summary() for step in (*self.steps, *self.refused)],
            **self.values,
        }
        if self.error:
            result["failed"] = True
            result["error"] = describe(self.error)
        return result


def describe(error: PlatformError) -> dict[str, Any]:
    """An error as data: code, message, next_step, retryable, and for bad input each problem."""
    result: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "next_step": error.next_step,
        "retryable": error.retryable,
    }
    if isinstance(error, ConfigError):
        result["problems"] = [
            {"field": problem.path, "value": str(problem.value), "allowed": problem.allowed}
            for problem in error.problems
        ]
    return result
