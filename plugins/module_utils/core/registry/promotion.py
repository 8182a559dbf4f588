# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Promotion: an artifact of one project is copied to another one, after a scan that found nothing grave.

It is copied by its digest, so that what was scanned is what comes. Harbor copies all tags of the artifact with it, and takes
them away from another artifact of the target (goharbor/harbor, src/controller/artifact/controller.go: copyDeeply).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional
from urllib.parse import quote

from ..errors import Problems, RefusedError
from ..plan import CHANGE, CREATE, REFUSE, Plan, Step
from .answer import seconds_of
from .requests import name_problem

ARTIFACT, SCAN = "Artifact", "Scan"
#: Severities by Harbor's names, in their order (src/pkg/scan/vuln/severity.go).
SEVERITIES = ("none", "unknown", "negligible", "low", "medium", "high", "critical")
#: The gate that lets everything pass, and the one where the target has none.
NO_GATE, DEFAULT_GATE = "never", "high"
#: What C(scan_status) says when the scan is over, well or not.
SCANNED, FAILED = "Success", ("Error", "Stopped")
#: Longest name of a repository inside its project.
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOUR = 3600


@dataclass(frozen=True)
class PromotionRequest:
    """One wanted promotion. reference: a tag or a digest. Age in hours.

    gate: the least severity that stops it; empty for that of the target, see L(with_gates).
    """

    repository: str
    reference: str
    source: str
    target: str
    target_repository: str
    gate: str = ""
    scan_max_age: int = 24

    @property
    def by_tag(self) -> bool:
        """Whether the artifact is named by a tag."""
        return not self.reference.startswith("sha256:")

    @property
    def origin(self) -> str:
        """What is copied, as clients write it."""
        return f"{self.source}/{self.repository}{':' if self.by_tag else '@'}{self.reference}"

    @property
    def item(self) -> str:
        """What comes of it, as clients write it."""
        return f"{self.target}/{self.target_repository}{':' if self.by_tag else '@'}{self.reference}"


@dataclass(frozen=True)
class Scan:
    """The newest scan of an artifact. status: Harbor's word. ended_at: seconds since the epoch, None while it runs.

    report: id of its report, another one for each scan.
    """

    status: str
    severity: str = ""
    ended_at: Optional[float] = None
    report: str = ""


@dataclass(frozen=True)
class Artifact:
    """An artifact of one repository. scan: None when it was never scanned."""

    digest: str
    tags: tuple[str, ...] = ()
    scan: Optional[Scan] = None


@dataclass(frozen=True)
class Seen:
    """What was read for one promotion. there: the same artifact in the target. holder: the one that has the tag there."""

    source: Artifact
    there: Optional[Artifact] = None
    holder: Optional[Artifact] = None


def parse_promotions(items: Sequence[Mapping[str, Any]]) -> tuple[list[PromotionRequest], Problems]:
    """Turn the option C(promotions) into requests, with the mistakes found so far."""
    problems = Problems()
    requests = [_promotion(item, number, problems) for number, item in enumerate(items)]
    targets = [request.item for request in requests]
    for target in dict.fromkeys(targets):
        if targets.count(target) > 1:
            problems.add("promotions[].to", target, "each tag or digest of a target once")
    return requests, problems


def check_projects(requests: Sequence[PromotionRequest], problems: Problems, on_server: Iterable[str]) -> None:
    """Raise ConfigError with every mistake, now that it is known which projects there are."""
    known = set(on_server)
    for number, request in enumerate(requests):
        for name, project in (("from", request.source), ("to", request.target)):
            if project not in known and name_problem(project) is None:
                problems.add(f"promotions[{number}].{name}", project, "a project of the registry")
    problems.raise_if_any("Promotions")


def with_gates(
    requests: Sequence[PromotionRequest], settings: Mapping[str, Mapping[str, str]]
) -> list[PromotionRequest]:
    """The requests with a gate each: what the target would not give out afterwards need not come.

    settings: of the projects, by their names.
    """
    return [replace(request, gate=request.gate or _gate_of(settings[request.target])) for request in requests]


def _gate_of(settings: Mapping[str, str]) -> str:
    severity = settings.get("severity", "").lower()
    holds_back = settings.get("prevent_vul") == "true" and severity in SEVERITIES
    return severity if holds_back else DEFAULT_GATE


def _promotion(item: Mapping[str, Any], number: int, problems: Problems) -> PromotionRequest:
    path = f"promotions[{number}]"
    request = PromotionRequest(
        repository=str(item["repository"]),
        reference=str(item["reference"]),
        source=str(item["from"]),
        target=str(item["to"]),
        target_repository=str(item.get("target_repository") or item["repository"]),
        gate=str(item.get("stop_from") or ""),
        scan_max_age=int(item.get("scan_max_age_hours", 24)),
    )
    for name, value in (("from", request.source), ("to", request.target)):
        allowed = name_problem(value)
        if allowed:
            problems.add(f"{path}.{name}", value, allowed)
    if request.source == request.target:
        problems.add(f"{path}.to", request.target, "another project than from")
    for name, value in (("repository", request.repository), ("target_repository", request.target_repository)):
        if not _REPOSITORY.fullmatch(value):
            problems.add(
                f"{path}.{name}", value, "a repository in small letters, without its project, such as team/app"
            )
    if not (_DIGEST if ":" in request.reference else _TAG).fullmatch(request.reference):
        problems.add(f"{path}.reference", request.reference, "a tag, or sha256: and 64 hexadecimal digits")
    if request.scan_max_age < 1:
        problems.add(f"{path}.scan_max_age_hours", request.scan_max_age, "1 or more")
    return request


def artifact_from(answer: Mapping[str, Any]) -> Artifact:
    """Read C(GET .../artifacts/{reference}) with its tags and the overview of its scan."""
    tags = tuple(sorted(str(tag["name"]) for tag in answer.get("tags") or ()))
    # By the type of the report; one scanner makes one.
    overviews = list((answer.get("scan_overview") or {}).values())
    scan = None
    if overviews:
        newest = overviews[0]
        status = str(newest.get("scan_status") or "")
        ended = seconds_of(newest.get("end_time")) if status == SCANNED else None
        scan = Scan(status, str(newest.get("severity") or "").lower(), ended, str(newest.get("report_id") or ""))
    return Artifact(str(answer["digest"]), tags, scan)


def is_promoted(request: PromotionRequest, seen: Seen) -> bool:
    """Whether the target has the artifact, under the tag that was asked for."""
    return seen.there is not None and (not request.by_tag or request.reference in seen.there.tags)


def why_scan(request: PromotionRequest, scan: Optional[Scan], now: float) -> str:
    """Why a scan must be made or waited for; empty when the newest one counts. now: seconds since the epoch."""
    if request.gate == NO_GATE:
        return ""
    if scan is None:
        return "it was never scanned"
    if scan.status in FAILED:
        return f"its last scan ended with {scan.status}"
    if scan.status != SCANNED:
        return f"its scan is not over ({scan.status})"
    if scan.ended_at is None or now - scan.ended_at > request.scan_max_age * _HOUR:
        return f"its last scan is older than {request.scan_max_age} hours"
    return ""


def is_running(scan: Optional[Scan]) -> bool:
    """Whether a scan is under way, so that none is to be ordered."""
    return scan is not None and scan.status != SCANNED and scan.status not in FAILED


def check_gate(request: PromotionRequest, scan: Optional[Scan]) -> None:
    """Raise RefusedError when the scan found something that stops the promotion."""
    if request.gate == NO_GATE or scan is None:
        return
    # A word that is not known stops everything.
    found = SEVERITIES.index(scan.severity) if scan.severity in SEVERITIES else len(SEVERITIES)
    if found >= SEVERITIES.index(request.gate):
        raise RefusedError(
            f"{request.origin} is not promoted: its scan found vulnerabilities of severity {scan.severity or 'unknown'}, "
            f"and stop_from is {request.gate}.",
            "Push a repaired image, or raise stop_from for this promotion.",
        )


def plan_promotion(request: PromotionRequest, seen: Seen, now: float) -> Plan:
    """Plan one promotion. Raises RefusedError when a scan that counts found something grave."""
    if is_promoted(request, seen):
        return Plan(request.item)
    steps: list[Step] = []
    why = why_scan(request, seen.source.scan, now)
    if why and not is_running(seen.source.scan):
        steps.append(Step(CREATE, SCAN, request.origin, after={"digest": seen.source.digest}, reason=why))
    if not why:
        check_gate(request, seen.source.scan)
    condition = f"when its scan finds nothing from {request.gate} up" if why else ""
    before = None
    if seen.holder is not None and seen.holder.digest != seen.source.digest:
        before = {"digest": seen.holder.digest}
    after = {"digest": seen.source.digest, "from": request.origin, "tags": list(seen.source.tags)}
    action = CREATE if before is None else CHANGE
    steps.append(Step(action, ARTIFACT, request.item, before=before, after=after, reason=condition))
    return Plan(request.item, tuple(steps))


def postponed(request: PromotionRequest, plan: Plan) -> Plan:
    """The plan when its scan was ordered and is not waited for: nothing is copied in this run."""
    steps = [step for step in plan.steps if step.kind == SCAN]
    reason = "its scan is not over; run again"
    return Plan(plan.item, (*steps, Step(REFUSE, ARTIFACT, request.item, reason=reason)))


def artifact_path(project: str, repository: str, reference: str = "") -> str:
    """The path of an artifact below the API, or of all of a repository.

    The repository is escaped twice: Harbor unescapes it once more than other parts of a path (handler/artifact.go: Prepare).
    """
    path = f"/projects/{quote(project, safe='')}/repositories/{quote(quote(repository, safe=''), safe='')}/artifacts"
    return f"{path}/{quote(reference, safe=':')}" if reference else path
