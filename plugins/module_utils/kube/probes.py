# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Ask the host cluster and the virtual clusters the questions of C(core/probes.py). Writes are dry runs only."""

from __future__ import annotations

import base64
import time
import traceback
from collections.abc import Mapping
from typing import Any, Optional

from ..core import access, probes
from ..core.errors import AuthError, PlatformError, UnreachableError
from ..core.names import LABEL_TENANT
from ..core.probes import FAILED, PASSED, SKIPPED, Finding, ProbeRequest
from .apply import Inventory, observe
from .kinds import kind_of
from .session import Session

try:
    import yaml
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    IMPORT_ERROR: Optional[str] = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

_POD, _NAMESPACE = kind_of("Pod"), kind_of("Namespace")


class HostProbes:
    """The probes that need the host cluster. Reads everything once for all tenants, then answers per tenant."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ours: Inventory = observe(session, ["Namespace", "ResourceQuota", "Secret"], labels=LABEL_TENANT)
        agents = observe(session, ["ReplicaSet"], labels="type=agent,mode=virtual")
        self._agents: dict[str, Mapping[str, Any]] = {
            item["metadata"]["namespace"]: item
            for item in sorted(agents.of_kind("ReplicaSet"), key=lambda item: item["metadata"]["creationTimestamp"])
        }
        self._pods = session.list(_POD)
        self._tenants = {
            item["metadata"]["name"]: item["metadata"]["labels"][LABEL_TENANT]
            for item in self._ours.of_kind("Namespace")
        }

    def answer(self, request: ProbeRequest, probe: str) -> Finding:
        """Run one probe for one tenant."""
        known = {
            "Q1": self._above_quota,
            "Q2": self._not_granted,
            "Q3": self._foreign_pods,
            "K1": self._kubeconfig,
            "P4": lambda asked: probes.judge_placement(asked, self._pods, self._tenants),
        }
        return known[probe](request)

    def secret(self, namespace: str, name: str) -> Optional[Mapping[str, Any]]:
        """A Secret of ours as read, or None."""
        return self._ours.get("Secret", name, namespace)

    def _hard(self, request: ProbeRequest) -> Mapping[str, Any]:
        quota = self._ours.get("ResourceQuota", "accel-quota", request.namespace)
        return quota["spec"]["hard"] if quota else {}

    def _above_quota(self, request: ProbeRequest) -> Finding:
        demand = probes.over_quota(self._hard(request))
        if demand is None:
            return Finding("Q1", FAILED, "the namespace has no accelerator quota")
        key, count = demand
        return self._refused_agent("Q1", request, key, count)

    def _not_granted(self, request: ProbeRequest) -> Finding:
        key = probes.ungranted(self._hard(request))
        if key is None:
            return Finding("Q2", SKIPPED, "every accelerator of the fleet is granted to this tenant")
        return self._refused_agent("Q2", request, key, 1)

    def _refused_agent(self, probe: str, request: ProbeRequest, key: str, count: int) -> Finding:
        agents = self._agents.get(request.namespace)
        if agents is None:
            return Finding(probe, FAILED, "the virtual cluster has no agents to model the probe on")
        pod = probes.one_more_agent(agents["spec"]["template"], agents, {key: str(count)})
        tried = f"an agent with {key}={count}"
        return probes.judge_refusal(probe, tried, self._try(pod), ["exceeded quota", f"requests.{key}"])

    def _foreign_pods(self, request: ProbeRequest) -> Finding:
        words = ["ValidatingAdmissionPolicy"]
        foreign = probes.judge_refusal("Q3", "a foreign pod", self._try(probes.foreign_pod(request.namespace)), words)
        agents = self._agents.get(request.namespace)
        if foreign.status != PASSED or agents is None:
            return foreign
        host_path = probes.with_host_path(probes.one_more_agent(agents["spec"]["template"], agents, {}))
        return probes.judge_refusal("Q3", "a foreign pod, and an agent with a host path,", self._try(host_path), words)

    def _try(self, pod: Mapping[str, Any]) -> Optional[PlatformError]:
        try:
            self._session.create(_POD, pod, dry_run=True)
        except PlatformError as error:
            return error
        return None

    def _kubeconfig(self, request: ProbeRequest) -> Finding:
        secret = self._ours.get("Secret", access.SECRET_NAME, request.namespace)
        if secret is None:
            return Finding("K1", FAILED, "no kubeconfig was issued")
        kubeconfig = yaml.safe_load(access.kubeconfig_in(secret))
        user = kubeconfig["users"][0]["user"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
        organizations = [
            str(part.value) for part in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        ]
        expires = certificate.not_valid_after_utc
        wrong = probes.judge_certificate(organizations, expires.timestamp(), time.time())
        wrong += self._inside(kubeconfig) + self._on_host(user)
        if wrong:
            return Finding("K1", FAILED, "; ".join(wrong))
        return Finding("K1", PASSED, f"group {', '.join(organizations)}, expires {expires:%Y-%m-%d %H:%M} UTC")

    def _inside(self, kubeconfig: Mapping[str, Any]) -> list[str]:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}},
        }
        try:
            inner = Session.from_kubeconfig(kubeconfig)
            answer = inner.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
        except PlatformError as error:
            return [f"it does not work inside: {error.message}"]
        return [] if answer.get("status", {}).get("allowed") else ["it is not cluster-admin inside"]

    def _on_host(self, user: Mapping[str, Any]) -> list[str]:
        """The same certificate shown to the host's API server must be nobody there."""
        try:
            self._session.with_certificate(user["client-certificate-data"], user["client-key-data"]).list(_NAMESPACE)
        except AuthError:
            return []
        except UnreachableError as error:
            return [f"the host cluster gave no answer: {error.message}"]
        return ["the host cluster accepts it"]
