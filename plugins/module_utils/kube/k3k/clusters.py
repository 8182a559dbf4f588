# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Brings many virtual clusters to the wanted state: read once, plan, then each goes through its stages at its own pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ...bulk import for_each
from ...core.errors import NotFoundError, PlatformError, RefusedError
from ...core.k3k.desired import LABEL_POLICY, being_deleted
from ...core.k3k.endpoint import Endpoints, endpoints, needs_service
from ...core.k3k.facts import Facts
from ...core.k3k.planning import ClusterPlan, Observed, Stage, plan_absent, plan_present
from ...core.k3k.refusal import Consent, reasons_against_removal
from ...core.k3k.request import ClusterRequest
from ...core.plan import Step
from ..apply import Inventory, Writer
from ..kinds import kind_of
from ..session import CONCURRENCY, Session
from .reading import CLUSTER_KINDS, FEW, Reader, facts_of

#: The ClusterRoleBindings that the controller edits for each cluster; without them a removal hangs, silently.
BINDINGS = ("k3k-kubelet-node", "k3k-priorityclass")
#: How the chart labels the controller's Deployment.
_CONTROLLER = "app.kubernetes.io/name=k3k"


@dataclass
class Progress:
    """One request on its way.

    position: the stage it is in. facts: what was read of it last. complete: that was enough to judge readiness.
    """

    request: ClusterRequest
    plan: ClusterPlan
    facts: Facts
    done: list[Step] = field(default_factory=list)
    error: Optional[PlatformError] = None
    position: int = 0
    complete: bool = False
    endpoints: Optional[Endpoints] = None

    @property
    def stage(self) -> Optional[Stage]:
        """The stage it is in; None at the end, or after an error."""
        stages = self.plan.stages
        return stages[self.position] if not self.error and self.position < len(stages) else None

    @property
    def open_steps(self) -> list[Step]:
        """The writes that were planned and have not been done."""
        done = {id(step) for step in self.done}
        return [step for step in self.plan.steps if id(step) not in done]


class Clusters:
    """The virtual clusters of one host cluster."""

    def __init__(self, session: Session, writer: Writer, consent: Consent, controller_namespace: str) -> None:
        self.session = session
        self.writer = writer
        self._consent = consent
        self._controller_namespace = controller_namespace

    # -- observe and plan ---------------------------------------------------------------------------------------

    def plan(self, requests: Sequence[ClusterRequest]) -> list[Progress]:
        """Read what is there and plan each request. Nothing is written."""
        reader = self.reader(requests)
        seen = reader.read(("Cluster", "Namespace", "VirtualClusterPolicy"))
        leftovers = [request for request in requests if _may_have_leftovers(request, seen)]
        if leftovers:
            seen.update(self.reader(leftovers).read(("Pod", "PersistentVolumeClaim")))
        found = facts_of(seen, [(request.key, request.policy) for request in requests])
        uses = self._uses(requests)
        progress = []
        for request, facts in zip(requests, found):
            observed = Observed(
                facts.cluster,
                facts.namespace_object,
                facts.policy,
                facts.pods,
                facts.claims,
                tuple(user for user in uses.get(request.policy, ()) if user != _user(request.namespace, request.name)),
            )
            plan = plan_present(request, observed, self._consent) if request.present else plan_absent(request, observed)
            progress.append(Progress(request, plan, facts, error=plan.refusal))
        self._guard_removals(progress)
        return progress

    def reader(self, requests: Sequence[ClusterRequest]) -> Reader:
        """A reader for what belongs to these requests."""
        return Reader(self.session, [r.namespace for r in requests], [r.policy for r in requests])

    def _uses(self, requests: Sequence[ClusterRequest]) -> Mapping[str, Sequence[str]]:
        """Who uses the policies that are to go: namespaces without, and clusters in, what is bound to them."""
        going = {request.key for request in requests if not request.present}
        policies = {request.policy for request in requests if not request.present}
        if not policies:
            return {}
        everything = Reader(self.session).read(("Namespace", "Cluster"), everywhere=True)
        uses: dict[str, list[str]] = {}
        for namespace in everything.of_kind("Namespace"):
            name = namespace["metadata"]["name"]
            policy = (namespace["metadata"].get("labels") or {}).get(LABEL_POLICY)
            if policy not in policies:
                continue
            clusters = [item["metadata"]["name"] for item in everything.of_kind("Cluster", name)]
            uses.setdefault(policy, []).extend(
                _user(name, cluster) for cluster in clusters if (name, cluster) not in going
            )
            if not clusters and name not in {key[0] for key in going}:
                uses.setdefault(policy, []).append(f"namespace {name}")
        return uses

    def _guard_removals(self, progress: Sequence[Progress]) -> None:
        removals = [item for item in progress if not item.request.present and item.facts.cluster is not None]
        if not removals:
            return
        reasons = reasons_against_removal(
            {name: self.session.get(kind_of("ClusterRoleBinding"), name) for name in BINDINGS},
            self.session.list(kind_of("Deployment"), self._controller_namespace, _CONTROLLER),
            self._controller_namespace,
        )
        if not reasons:
            return
        text = "; ".join(reason.text for reason in reasons)
        advice = " ".join(reason.advice for reason in reasons)
        for item in removals:
            where = f"{item.request.namespace}/{item.request.name}"
            item.error = RefusedError(f"Cluster {where} would not go: {text}. Nothing was removed.", advice)

    # -- apply --------------------------------------------------------------------------------------------------

    def write(self, items: Iterable[Progress]) -> None:
        """Carry out the stage that each item is in, all items side by side."""
        busy = [(item, item.stage) for item in items]
        pairs = [(item, stage) for item, stage in busy if stage is not None]
        for (item, _stage), outcome in zip(pairs, self.writer.carry_out([stage.plan for _item, stage in pairs])):
            item.done += outcome.done
            item.error = outcome.error
            if isinstance(item.error, NotFoundError):
                item.error.next_step = "Check that k3k is installed (its definitions), and that the namespace exists."

    def rehearse(self, progress: Sequence[Progress]) -> None:
        """Check mode: let the API server judge every write by a dry run, where a dry run can."""
        for item in progress:
            if item.plan.builds_on_itself and not item.error:
                item.done += item.plan.steps
                item.position = len(item.plan.stages)
        while any(item.stage for item in progress):
            self.write(progress)
            for item in progress:
                item.position += 1

    # -- report -------------------------------------------------------------------------------------------------

    def look(self, progress: Sequence[Progress]) -> None:
        """Read the state of those items, for the report, for which it is not known from waiting.

        When it cannot be read any more, what was done matters more: the report then has what was seen last.
        """
        left = [item for item in progress if not item.complete]
        if not left:
            return
        try:
            seen = self.reader([item.request for item in left]).read(CLUSTER_KINDS)
        except PlatformError:
            return
        for item, facts in zip(left, facts_of(seen, [(item.request.key, item.request.policy) for item in left])):
            item.facts = facts

    def locate(self, progress: Sequence[Progress]) -> None:
        """Work out the addresses; a Service is read only where the host picked a port or an address."""
        present = [item for item in progress if item.request.present and item.facts.cluster is not None]
        asking = [item for item in present if needs_service(item.facts.spec, item.request.kubeconfig_host)]
        services = dict(zip(map(id, asking), services_of(self.session, [item.facts for item in asking])))
        for item in present:
            request = item.request
            item.endpoints = endpoints(
                item.facts, request.kubeconfig_host, request.kubeconfig_port, services.get(id(item))
            )


def services_of(session: Session, clusters: Sequence[Facts]) -> list[Optional[Mapping[str, Any]]]:
    """The Service of each cluster's API, or None. They have no labels: a few are read one by one, many by one LIST."""
    if len(clusters) > FEW:
        try:
            found = Inventory(session.list(kind_of("Service")))
        except PlatformError:
            return [None] * len(clusters)
        return [found.get("Service", facts.objects.service, facts.namespace) for facts in clusters]
    answers = for_each(
        clusters, lambda facts: session.get(kind_of("Service"), facts.objects.service, facts.namespace), CONCURRENCY
    )
    return [None if isinstance(found, PlatformError) else found for found in answers]


def _may_have_leftovers(request: ClusterRequest, seen: Inventory) -> bool:
    """Whether pods and volumes of this name matter to the plan: on removal, on creation, and for more servers."""
    live = seen.get("Cluster", request.name, request.namespace)
    if not request.present or live is None or being_deleted(live):
        return True
    return int(request.spec["servers"]) > int((live.get("spec") or {}).get("servers", 1))


def _user(namespace: str, cluster: str) -> str:
    return f"cluster {namespace}/{cluster}"
