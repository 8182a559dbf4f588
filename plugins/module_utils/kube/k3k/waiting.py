# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Wait for many virtual clusters together: one LIST per kind and round, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

from ...core.errors import PlatformError, StuckError, WaitTimeoutError
from ...core.k3k import planning
from ...core.k3k.facts import Facts
from ...core.k3k.readiness import Verdict, judge
from ...core.k3k.troubles import needs_events
from ...core.retry import Waiting, transient
from .clusters import Clusters, Progress
from .reading import CLUSTER_KINDS, facts_of

#: What must be read to judge a condition.
_KINDS = {
    planning.POLICY: ("Namespace",),
    planning.NO_AGENTS: ("Deployment", "Pod"),
    planning.NO_CLAIMS: ("PersistentVolumeClaim",),
    planning.FREE: ("Cluster", "Pod", "PersistentVolumeClaim"),
    planning.GONE: ("Cluster", "Pod", "PersistentVolumeClaim"),
    planning.NO_POLICY: ("VirtualClusterPolicy",),
    planning.READY: CLUSTER_KINDS,
}
#: Conditions that only the result depends on, not the next stage.
_RESULTS = (planning.READY, planning.POLICY, planning.NO_POLICY)
#: Whose events tell what nothing else does, while servers are being started.
_TELLING = ("involvedObject.kind=StatefulSet,reason=FailedCreate", "involvedObject.kind=PersistentVolumeClaim")
#: Seconds for which readiness must last after a write before it is believed. What the pod templates do not show (a
#: variable that was taken away, a content that changed) begins to roll out within one of them.
_SETTLING = 2.0
#: Seconds after which a refusal by the controller's own validation is believed; it does not heal.
_VALIDATION_GRACE = 10.0


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    grace: seconds for which a cause that does not heal by itself must last, by our own clock, before an item fails.
    results: also wait for what no later stage depends on, only the result.
    """

    waiting: Waiting
    grace: float
    results: bool = True


@dataclass
class _Waited:
    """One item that waits. since: when each kind of trouble was first seen without a break. written: when its stage
    was written, if that changed anything.
    """

    item: Progress
    written: Optional[float] = None
    since: dict[str, float] = field(default_factory=dict)
    verdict: Optional[Verdict] = None


class Waiter:
    """Takes items through their stages: write, wait until the stage's condition holds, go on."""

    def __init__(self, clusters: Clusters, patience: Patience) -> None:
        self._clusters = clusters
        self._patience = patience
        self._waiting: list[_Waited] = []

    def run(self, progress: Sequence[Progress]) -> None:
        """Take all items to their ends. Those that do not get there carry their error."""
        self._advance([_Waited(item) for item in progress if item.stage])
        if not self._waiting:
            return
        waiting = self._patience.waiting
        try:
            waiting.until(self._round)
        except WaitTimeoutError as error:
            self._fail(self._waiting, WaitTimeoutError, f"is not there after {waiting.timeout:g} s", str(error))
        except PlatformError as error:  # nothing can be read: what was written must not be forgotten over it
            for waited in self._waiting:
                waited.item.error = error

    def _advance(self, items: Sequence[_Waited]) -> None:
        """Write the stage of each item, and go on with those that need not wait for anything."""
        busy = list(items)
        while busy:
            self._clusters.write([waited.item for waited in busy])
            following = []
            for waited in busy:
                stage = waited.item.stage
                if stage is None:
                    continue
                last = waited.item.position == len(waited.item.plan.stages) - 1
                result_only = stage.until in _RESULTS or last
                if stage.until == planning.NOTHING or (result_only and not self._patience.results):
                    waited.item.position += 1
                    following.append(waited)
                else:
                    waited.written = self._patience.waiting.clock.now() if stage.plan.steps else None
                    self._waiting.append(waited)
            busy = following

    def _round(self) -> tuple[bool, str]:
        """Look once. A server that does not answer is waited for like everything else."""
        try:
            self._judge_all()
        except PlatformError as error:
            if not transient(error):
                raise
            return False, str(error)
        now = self._patience.waiting.clock.now()
        held = [waited for waited in self._waiting if _holds(waited, now)]
        stuck = [waited for waited in self._waiting if waited not in held and self._is_stuck(waited, now)]
        self._waiting = [waited for waited in self._waiting if waited not in held and waited not in stuck]
        self._fail(stuck, StuckError, "will not get there by itself")
        for waited in held:
            waited.item.position += 1
            waited.since.clear()
        self._advance([waited for waited in held if waited.item.stage])
        return not self._waiting, self._state()

    def _judge_all(self) -> None:
        requests = [waited.item.request for waited in self._waiting]
        reader = self._clusters.reader(requests)
        kinds = {kind for waited in self._waiting for kind in _KINDS[_until(waited.item)]}
        keys = [(request.key, request.policy) for request in requests]
        seen = reader.read(sorted(kinds))
        found = facts_of(seen, keys)
        if any(_until(w.item) == planning.READY and needs_events(facts) for w, facts in zip(self._waiting, found)):
            found = facts_of(seen, keys, reader.events(_TELLING))
        for waited, facts in zip(self._waiting, found):
            waited.item.facts = facts
            waited.item.complete = _until(waited.item) == planning.READY
            waited.verdict = _judge(waited.item, facts)

    def _is_stuck(self, waited: _Waited, now: float) -> bool:
        """Fail an item whose trouble has lasted; the clock is ours, for the status' times do not tell."""
        verdict = waited.verdict
        codes = {trouble.code for trouble in verdict.troubles if trouble.final} if verdict else set()
        waited.since = {code: waited.since.get(code, now) for code in codes}
        for code, since in waited.since.items():
            grace = min(_VALIDATION_GRACE, self._patience.grace) if code == "validation" else self._patience.grace
            if now - since >= grace:
                return True
        return False

    def _fail(self, items: Sequence[_Waited], kind: type[PlatformError], text: str, last: str = "") -> None:
        """Say what is missing, why, and what to do; for the why, all events are read now.

        last: the state of the waiting, for items that could never be judged.
        """
        if not items:
            return
        events = self._clusters.reader([waited.item.request for waited in items]).events()
        for waited in items:
            item = waited.item
            if waited.verdict is None:
                item.error = kind(f"Cluster {item.request.namespace}/{item.request.name} {text}: {last}")
                continue
            mine = tuple(event for event in events if event["metadata"].get("namespace") == item.request.namespace)
            item.facts = replace(item.facts, events=mine)
            item.error = _failure(item, _judge(item, item.facts), kind, text)

    def _state(self) -> str:
        states = [f"{waited.item.request.name}: {waited.verdict.state}" for waited in self._waiting if waited.verdict]
        return "; ".join(states[:5]) + (f" and {len(states) - 5} more" if len(states) > 5 else "")


def _failure(item: Progress, verdict: Verdict, kind: type[PlatformError], text: str) -> PlatformError:
    causes = list(dict.fromkeys(trouble.text for trouble in verdict.troubles))
    advice = list(dict.fromkeys(trouble.advice for trouble in verdict.troubles if trouble.advice))
    where = f"{item.request.namespace}/{item.request.name}"
    why = f" Cause: {'; '.join(causes)}." if causes else ""
    message = f"Cluster {where} {text} ({_until(item)}): {'; '.join(verdict.missing)}.{why}"
    return kind(message, " ".join(advice[:2]) or "Look at the events in the namespace, then run again.")


def _holds(waited: _Waited, now: float) -> bool:
    if waited.verdict is None or not waited.verdict.done:
        return False
    if _until(waited.item) != planning.READY or waited.written is None:
        return True
    return now - waited.written >= _SETTLING


def _until(item: Progress) -> str:
    return item.stage.until if item.stage else planning.NOTHING


def _judge(item: Progress, facts: Facts) -> Verdict:
    stage = item.stage
    if stage is None:
        return Verdict(True)
    return judge(stage.until, facts, item.request.policy, stage.names)
