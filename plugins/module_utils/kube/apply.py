# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Read what is there once, plan for all items, write only what differs. The one way in which objects are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..bulk import for_all, for_each
from ..core.errors import NotFoundError, PlatformError
from ..core.plan import REFUSE, REMOVE, REPLACE, Plan, Step
from .kinds import Kind, kind_of
from .session import CONCURRENCY, Session


class Inventory:
    """Objects as read, by kind, namespace and name."""

    def __init__(self, objects: Iterable[Mapping[str, Any]] = ()) -> None:
        self._places: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
        for item in objects:
            self.add(item)

    def get(self, kind: str, name: str, namespace: str = "") -> Optional[Mapping[str, Any]]:
        """The object, or None."""
        return self._places.get((kind, namespace), {}).get(name)

    def like(self, desired: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
        """The live object with the identity of C(desired), or None."""
        metadata = desired["metadata"]
        return self.get(desired["kind"], metadata["name"], metadata.get("namespace", ""))

    def of_kind(self, kind: str, namespace: Optional[str] = None) -> list[Mapping[str, Any]]:
        """All objects of one kind, in one namespace or in all."""
        if namespace is not None:
            return list(self._places.get((kind, namespace), {}).values())
        return [item for key, found in self._places.items() if key[0] == kind for item in found.values()]

    def add(self, item: Mapping[str, Any]) -> None:
        """Take one more object in, or a newer version of one."""
        metadata = item["metadata"]
        place = (item["kind"], metadata.get("namespace", ""))
        self._places.setdefault(place, {})[metadata["name"]] = item

    def update(self, other: Inventory) -> None:
        """Take in everything that C(other) holds."""
        for place, found in other._places.items():
            self._places.setdefault(place, {}).update(found)


@dataclass
class Outcome:
    """What happened for one item. done: steps that were carried out. error: why it stopped, if it did."""

    item: str
    plan: Plan
    done: list[Step] = field(default_factory=list)
    error: Optional[PlatformError] = None
    live: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """True when something was written (in check mode: would be)."""
        return bool(self.done)


def _known_kind(step: Step) -> Kind:
    return kind_of(step.kind)


class Writer:
    """Carries out plans by server-side apply, many items side by side, the steps of one item in order.

    kinds: how the kind of a step is found; for objects of kinds that the collection does not know, by discovery.
    """

    def __init__(
        self,
        session: Session,
        check_mode: bool = False,
        force: bool = False,
        concurrency: int = CONCURRENCY,
        kinds: Callable[[Step], Kind] = _known_kind,
    ) -> None:
        self._session = session
        self._check_mode = check_mode
        self._force = force
        self._concurrency = concurrency
        self._kinds = kinds

    def carry_out(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out all plans; in check mode the API server judges each write by a dry run instead.

        An item stops at its first failing step; the other items go on. Outcomes come in the order of C(plans).
        """
        outcomes = [Outcome(plan.item, plan) for plan in plans]
        busy = [outcome for outcome in outcomes if outcome.plan.writes]
        for_each(busy, self._carry_out_one, self._concurrency)
        return outcomes

    def _carry_out_one(self, outcome: Outcome) -> None:
        for step in outcome.plan.steps:
            if step.action == REFUSE:
                continue
            try:
                self._write(step, outcome)
            except PlatformError as error:
                outcome.error = error
                return
            outcome.done.append(step)

    def _write(self, step: Step, outcome: Outcome) -> None:
        kind = self._kinds(step)
        if step.action == REMOVE:
            self._session.delete(kind, step.name, step.namespace, dry_run=self._check_mode)
            return
        if step.action == REPLACE:
            self._session.delete(kind, step.name, step.namespace, dry_run=self._check_mode)
            if self._check_mode:  # the API server would judge the new object as a change of the old one
                return
        try:
            if step.patch:
                answer = self._session.merge(kind, step.name, step.namespace, step.body, dry_run=self._check_mode)
            else:
                answer = self._session.apply(kind, step.body, dry_run=self._check_mode, force=self._force)
        except NotFoundError as error:
            # A dry run cannot look into a namespace that the same plan is yet to create.
            if self._check_mode and f'namespaces "{step.namespace}" not found' in error.message:
                return
            raise
        outcome.live.append(answer)


def observe(
    session: Session, kinds: Sequence[str], labels: str = "", namespace: str = "", concurrency: int = CONCURRENCY
) -> Inventory:
    """LIST several kinds at once. Raises the first error: without a full view nothing can be planned."""

    def read(kind: Kind) -> list[dict[str, Any]]:
        return session.list(kind, namespace if kind.namespaced else "", labels)

    found = for_all([kind_of(name) for name in kinds], read, concurrency)
    return Inventory(item for items in found for item in items)
