# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Copy artifacts from project to project, each after a scan that counts. All scans run at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

from ..bulk import for_each
from ..core.errors import NotFoundError, PlatformError, Problems, StuckError
from ..core.registry import promotion as core
from ..core.registry.answer import is_conflict
from ..core.registry.promotion import Artifact, PromotionRequest, Seen, artifact_from, artifact_path
from ..core.result import ItemResult
from ..core.retry import Waiting
from .projects import list_projects
from .session import Session

_QUERY = {"with_tag": "true", "with_scan_overview": "true"}


class Promotions:
    """One run against one registry. now: seconds since the epoch. waiting: None when scans are not waited for."""

    def __init__(
        self, session: Session, now: Callable[[], float], waiting: Optional[Waiting], check_mode: bool
    ) -> None:
        self._session = session
        self._now = now
        self._waiting = waiting
        self._check_mode = check_mode

    def promote(self, requests: Sequence[PromotionRequest], problems: Problems, concurrency: int) -> list[ItemResult]:
        """Promote all of them; outcomes in their order. Raises ConfigError before any change."""
        try:
            there = list_projects(self._session)
        except PlatformError:
            problems.raise_if_any("Promotions")
            raise
        core.check_projects(requests, problems, there)
        requests = core.with_gates(requests, {name: project.settings for name, project in there.items()})
        done = for_each(requests, self._one, concurrency)
        return [
            ItemResult(request.item, error=result) if isinstance(result, PlatformError) else result
            for request, result in zip(requests, done)
        ]

    def _one(self, request: PromotionRequest) -> ItemResult:
        seen = self._look(request)
        plan = core.plan_promotion(request, seen, self._now())
        values = {"digest": seen.source.digest, "tags": list(seen.source.tags)}
        scan = seen.source.scan
        if plan.changed and not self._check_mode:
            if core.why_scan(request, scan, self._now()):
                scan = self._scan(request, seen.source)
                if scan is None:
                    later = core.postponed(request, plan)
                    return ItemResult(request.item, list(later.writes), values, later.refusals)
                core.check_gate(request, scan)
            self._copy(request, seen.source)
        if scan is not None and scan.severity:
            values["severity"] = scan.severity
        return ItemResult(request.item, list(plan.writes), values)

    # -- looking ------------------------------------------------------------------------------------------------

    def _look(self, request: PromotionRequest) -> Seen:
        source = self._artifact(request.source, request.repository, request.reference)
        if source is None:
            raise NotFoundError(f"There is no {request.origin}; nothing was promoted.", "Push it first.")
        there = self._artifact(request.target, request.target_repository, source.digest)
        holder = None
        if request.by_tag:
            holder = self._artifact(request.target, request.target_repository, request.reference)
        return Seen(source, there, holder)

    def _artifact(self, project: str, repository: str, reference: str) -> Optional[Artifact]:
        try:
            return artifact_from(self._session.get(artifact_path(project, repository, reference), _QUERY))
        except NotFoundError:
            return None

    # -- doing --------------------------------------------------------------------------------------------------

    def _scan(self, request: PromotionRequest, source: Artifact) -> Optional[core.Scan]:
        """Have it scanned, and wait for the end. None when that is not waited for."""
        before = source.scan
        if not core.is_running(before):
            self._order(request, source)
        if self._waiting is None:
            return None
        found: list[core.Scan] = []

        def look() -> tuple[bool, str]:
            scan = self._scan_of(request, source)
            # Until the new one has begun, the old one is still shown.
            if scan is None or scan == before or core.is_running(scan):
                return False, f"the scan of {request.origin}: {scan.status if scan else 'not begun'}"
            found.append(scan)
            return True, ""

        self._waiting.until(look)
        if found[0].status in core.FAILED:
            raise StuckError(
                f"The scan of {request.origin} ended with {found[0].status}; nothing was promoted.",
                "Look at the log of the scan in Harbor, and whether the scanner has its database.",
            )
        return found[0]

    def _order(self, request: PromotionRequest, source: Artifact) -> None:
        path = artifact_path(request.source, request.repository, source.digest) + "/scan"
        try:
            self._session.set("POST", path)
        except PlatformError as error:
            # One is under way already: of this request, if its answer got lost, or of somebody else.
            if not is_conflict(error):
                raise

    def _scan_of(self, request: PromotionRequest, source: Artifact) -> Optional[core.Scan]:
        artifact = self._artifact(request.source, request.repository, source.digest)
        return artifact.scan if artifact else None

    def _copy(self, request: PromotionRequest, source: Artifact) -> None:
        origin = f"{request.source}/{request.repository}@{source.digest}"
        # Harbor copies what lacks, and nothing that is there; so it may be sent again.
        self._session.set("POST", artifact_path(request.target, request.target_repository), query={"from": origin})
        there = self._artifact(request.target, request.target_repository, source.digest)
        if not core.is_promoted(request, Seen(source, there)):
            raise StuckError(
                f"Harbor took the promotion of {request.origin}, but {request.item} is not there.",
                "Somebody may have moved the tag meanwhile; run again.",
            )
