# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring the objects of a layer to their declared state, stage by stage, each with what must hold before the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..bulk import for_each
from ..core.errors import PlatformError
from ..core.objects import plan_object, shown
from ..core.plan import REMOVE, Plan, Step
from ..core.platform.stages import Stage, with_replacements
from ..core.retry import Waiting
from .apply import Writer
from .discovery import Discovery
from .rollout import Rollout, wait_for_all
from .session import CONCURRENCY, Session


@dataclass
class StageOutcome:
    """What happened in a stage. steps: what was written. lacks: what is waited for and is not so, a phrase each, when it was
    only looked. error: why it ended, if it did.
    """

    stage: Stage
    steps: tuple[Step, ...] = ()
    lacks: tuple[str, ...] = ()
    error: Optional[PlatformError] = None


class Stages:
    """Carries out stages in order; the first that fails is the last."""

    def __init__(
        self,
        session: Session,
        check_mode: bool,
        force: bool,
        waiting: Optional[Waiting],
        grace: float,
        concurrency: int = CONCURRENCY,
        check_waits: bool = False,
    ) -> None:
        self._session = session
        self._check_mode = check_mode
        self._force = force
        self._waiting = waiting
        self._grace = grace
        self._concurrency = concurrency
        self._check_waits = check_waits
        self._discovery = Discovery(session)
        self._rollout = Rollout(session, self._discovery)
        self._writer = Writer(session, check_mode, force, concurrency, kinds=self._discovery.of_step)

    def carry_out(self, stages: Sequence[Stage]) -> list[StageOutcome]:
        """Carry out all stages up to the first failure."""
        outcomes = []
        for stage in stages:
            outcome = StageOutcome(stage)
            outcomes.append(outcome)
            try:
                self._carry_out_one(outcome)
            except PlatformError as error:
                outcome.error = error
            if outcome.error:
                break
        return outcomes

    def _carry_out_one(self, outcome: StageOutcome) -> None:
        stage = outcome.stage
        # Objects of one stage may need each other's kind (a namespace and what is in it): in the order given.
        plans = for_each(stage.objects, lambda body: self._plan(stage, body), self._concurrency)
        for plan in plans:
            if isinstance(plan, PlatformError):
                raise plan
            if self._check_mode and self._is_unknown(plan):
                outcome.steps += plan.writes
                continue
            written = self._writer.carry_out([plan])[0]
            outcome.steps += tuple(written.done)
            if written.error:
                raise written.error
        if self._waiting:
            wait_for_all(self._rollout, stage.waits, self._waiting, self._grace, stage.title)
        elif self._check_waits:
            outcome.lacks = tuple(self._rollout.lacks(stage.waits))

    def _is_unknown(self, plan: Plan) -> bool:
        """Whether its kind is one that a chart has yet to bring; then nobody can judge the step by a dry run."""
        return any(self._discovery.find(step.body["apiVersion"], step.kind) is None for step in plan.writes)

    def _plan(self, stage: Stage, body: dict[str, Any]) -> Plan:
        kind = self._discovery.find(body["apiVersion"], body["kind"])
        metadata = body["metadata"]
        live = None if kind is None else self._session.get(kind, metadata["name"], metadata.get("namespace", ""))
        if not stage.absent:
            return with_replacements(plan_object(stage.name, body, live), live)
        if live is None:
            return Plan(stage.name)
        identity = (str(body["kind"]), str(metadata["name"]), str(metadata.get("namespace", "")))
        return Plan(stage.name, (Step(REMOVE, *identity, before=shown(live), reason="it is not wanted", body=body),))
