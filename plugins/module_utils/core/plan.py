# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a module is going to do, as data: ordered L(Step)s that check mode shows and a normal run carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What a step does. C(refuse) stands for a wish that is not carried out, with the reason.
CREATE, CHANGE, REPLACE, REMOVE, REFUSE = "create", "change", "replace", "remove", "refuse"


@dataclass(frozen=True)
class Difference:
    """One field that differs. path: dotted; before or after is None when the field is absent on that side."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """One write (or one refusal).

    action: CREATE, CHANGE, REPLACE, REMOVE or REFUSE.
    kind, name, namespace: the object; namespace is empty for cluster-scoped and non-Kubernetes objects.
    differences: which fields, for CHANGE and REPLACE.
    before, after: what to show as the diff; already free of secrets.
    reason: why, in one sentence; must be given for REFUSE, REPLACE and REMOVE.
    body: what the adapter sends. patch: it is a JSON merge patch of single fields, for an object that another writer
    (or another module of ours) owns as a whole; otherwise it is a whole object for server-side apply.
    """

    action: str
    kind: str
    name: str
    namespace: str = ""
    differences: tuple[Difference, ...] = ()
    before: Any = None
    after: Any = None
    reason: str = ""
    body: Any = field(default=None, repr=False)
    patch: bool = False

    @property
    def title(self) -> str:
        """The object for a person: C(ResourceQuota t-acme/accel-quota)."""
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"

    def summary(self) -> dict[str, Any]:
        """The step as it stands in a module's C(actions) result."""
        result: dict[str, Any] = {"action": self.action, "kind": self.kind, "name": self.name}
        if self.namespace:
            result["namespace"] = self.namespace
        if self.differences:
            result["fields"] = [difference.path for difference in self.differences]
        if self.reason:
            result["reason"] = self.reason
        return result

    def diff(self) -> dict[str, Any]:
        """The step as one entry of Ansible's C(diff) list."""
        return {
            "before_header": self.title,
            "after_header": self.title,
            "before": {} if self.before is None else self.before,
            "after": {} if self.after is None else self.after,
        }


@dataclass(frozen=True)
class Plan:
    """The ordered steps of one item (one tenant, one cluster). An empty plan means: as wanted already."""

    item: str
    steps: tuple[Step, ...] = ()

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action != REFUSE)

    @property
    def refusals(self) -> tuple[Step, ...]:
        """The steps that were asked for and will not be done."""
        return tuple(step for step in self.steps if step.action == REFUSE)

    @property
    def changed(self) -> bool:
        """True when carrying out the plan changes something."""
        return bool(self.writes)

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.item, self.steps + other.steps)
