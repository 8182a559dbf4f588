# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is on both APIs of a laboratory: to tell whether a run wrote anything, and which secrets it must not show."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.integration.k3k_host import Kube
from tests.lab import Lab
from tests.lab.clearml.client import Client

TENANT_LABEL = "ai-tenancy.platform/tenant"
#: Everything that the collection or k3k writes for a tenant on the host.
KINDS = (
    *(f"/api/v1/{kind}" for kind in ("namespaces", "serviceaccounts", "resourcequotas", "limitranges", "secrets")),
    *(f"/api/v1/{kind}" for kind in ("services", "configmaps", "persistentvolumeclaims", "pods")),
    *(f"/apis/apps/v1/{kind}" for kind in ("statefulsets", "deployments")),
    *(f"/apis/networking.k8s.io/v1/{kind}" for kind in ("networkpolicies", "ingresses")),
    *(f"/apis/rbac.authorization.k8s.io/v1/{kind}" for kind in ("roles", "rolebindings")),
    *(f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic{end}" for end in ("ies", "ybindings")),
    *(f"/apis/k3k.io/v1beta1/{kind}" for kind in ("clusters", "virtualclusterpolicies")),
)
#: Calls of the ClearML stand-in that only make a session; they are no change.
_SESSIONS = ("auth.login",)


class Kubernetes:
    """The objects of all tenants on the host cluster."""

    def __init__(self, lab: Lab) -> None:
        self.api = Kube.from_file(lab.kubeconfig)

    def objects(self, tenants: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
        """All objects in tenants' namespaces or with the tenant's label, by kind, namespace and name.

        tenants: only those of these tenants.
        """
        wanted = set(tenants)
        found = {}
        for path in KINDS:
            for item in self.api.items(path):
                tenant = self._tenant(item["metadata"])
                if tenant and (not wanted or tenant in wanted):
                    place = item["metadata"].get("namespace", "")
                    found[f"{path.rpartition('/')[2]} {place}/{item['metadata']['name']}"] = item
        return found

    @staticmethod
    def _tenant(metadata: dict[str, Any]) -> str:
        labelled = str((metadata.get("labels") or {}).get(TENANT_LABEL, ""))
        namespace = str(metadata.get("namespace", ""))
        return labelled or (namespace[2:] if namespace.startswith("t-") else "")

    def versions(self, tenants: Iterable[str] = ()) -> dict[str, str]:
        """The resourceVersion of each object: equal when nothing was written between two looks."""
        return {name: item["metadata"]["resourceVersion"] for name, item in self.objects(tenants).items()}

    def uids(self, tenants: Iterable[str] = ()) -> dict[str, str]:
        """The uid of each object that a person or the collection made: equal when none was made anew."""
        objects = self.objects(tenants).items()
        return {name: item["metadata"]["uid"] for name, item in objects if not name.startswith("pods ")}

    def quota(self, tenant: str, name: str = "accel-quota") -> dict[str, str]:
        """The hard limits of a tenant's ResourceQuota."""
        found = self.api.get(f"/api/v1/namespaces/t-{tenant}/resourcequotas/{name}")
        return dict(found["spec"]["hard"]) if found else {}

    def clearml_pair(self, tenant: str) -> dict[str, str]:
        """The pair of a tenant's ClearML agent, by the keys of its Secret."""
        data = self.api.get(f"/api/v1/namespaces/t-{tenant}/secrets/clearml-agent-credentials")["data"]
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    def cluster(self, tenant: str) -> Any:
        return self.api.get(f"/apis/k3k.io/v1beta1/namespaces/t-{tenant}/clusters/{tenant}")


class ClearML:
    """The ClearML stand-in of a laboratory."""

    def __init__(self, lab: Lab) -> None:
        assert lab.clearml
        self.client = Client.of(lab.clearml)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        return list(self.client.control("GET", f"requests?since={since}"))

    def now(self) -> int:
        """The number of the last request."""
        return max((entry["number"] for entry in self.requests()), default=0)

    def writes(self, since: int) -> list[str]:
        """The calls after a request that changed the server's data."""
        return [
            entry["path"]
            for entry in self.requests(since)
            if entry.get("wrote") and not any(name in entry["path"] for name in _SESSIONS)
        ]

    def companies(self) -> list[str]:
        """The names of the companies that are not deleted."""
        return sorted(company["name"] for company in self._state()["companies"] if company["active"])

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks, of every company."""
        return list(self._state()["tasks"])

    def _state(self) -> dict[str, Any]:
        return dict(self.client.control("GET", "state"))

    def assert_whole(self, company: str, email: str, stored: dict[str, str]) -> None:
        """Exactly one company, administrator, pair and queue C(only); the stored pair is the one that ClearML knows."""
        state = self._state()
        (found,) = [entry for entry in state["companies"] if entry["name"] == company and entry["active"]]
        (admin,) = [entry for entry in state["users"] if entry["email"] == email]
        assert admin["company"] == found["id"]
        assert [pair["access_key"] for pair in admin["credentials"]] == [stored["agentk8sglue_key"]]
        headers = self.client.basic(stored["agentk8sglue_key"], stored["agentk8sglue_secret"])
        answer = self.client.call("users.get_current_user", headers=headers)
        assert answer.data["user"]["company"]["id"] == found["id"]
        names = [entry["name"] for entry in state["queues"] if entry["company"] == found["id"]]
        assert names.count("only") == 1

    def order(self, *faults: dict[str, Any]) -> None:
        """Let things go wrong; see tests/lab/clearml/faults.py."""
        self.client.control("POST", "faults", list(faults))

    def pending(self) -> list[Any]:
        return list(self.client.control("GET", "faults"))

    def clear(self) -> None:
        self.client.control("DELETE", "faults")


class Nothing:
    """Watches that nothing is written, on neither API: C(with Nothing(lab):).

    tenants: only what belongs to these is watched, and that on Kubernetes only.
    """

    def __init__(self, lab: Lab, tenants: Iterable[str] = ()) -> None:
        self._tenants = list(tenants)
        self._kubernetes = Kubernetes(lab)
        self._clearml = ClearML(lab) if lab.clearml and not self._tenants else None

    def __enter__(self) -> None:
        self._before = self._kubernetes.versions(self._tenants)
        self._since = self._clearml.now() if self._clearml else 0

    def __exit__(self, kind: Any, *_rest: Any) -> None:
        if kind:
            return
        after = self._kubernetes.versions(self._tenants)
        touched = sorted(name for name in {*after, *self._before} if after.get(name) != self._before.get(name))
        assert not touched, f"written: {touched}"
        if self._clearml:
            assert self._clearml.writes(self._since) == []


class LabSecrets:
    """Every secret that was ever in use in a laboratory, as far as it was learnt."""

    def __init__(self, lab: Lab) -> None:
        self._kubernetes = Kube.from_file(lab.kubeconfig)
        self._known: dict[str, str] = {}
        if lab.clearml:
            pair = json.loads(Path(lab.clearml["credentials_file"]).read_text(encoding="utf-8"))
            self._known.update({pair["secret_key"]: "secret key of the platform", pair["access_key"]: "its access key"})

    def learn(self) -> None:
        """Read the Secrets of all tenants. Nothing new is learnt while the API server is away."""
        try:
            secrets = self._kubernetes.items("/api/v1/secrets")
        except OSError:
            return
        for secret in secrets:
            place = f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
            if place.startswith("t-"):
                for name, value in (secret.get("data") or {}).items():
                    self._add(f"{place} {name}", name, base64.b64decode(value).decode("utf-8", "replace"))

    def _add(self, place: str, name: str, text: str) -> None:
        if name in ("token", "agentk8sglue_secret"):
            self._known[text] = place
        elif "PRIVATE KEY" in text:
            self._known.update(dict.fromkeys(_key_lines(text), place))
        elif "client-key-data" in text:
            for user in yaml.safe_load(text)["users"]:
                encoded = user["user"]["client-key-data"]
                self._known[encoded] = place
                self._known.update(dict.fromkeys(_key_lines(base64.b64decode(encoded).decode()), place))

    @property
    def count(self) -> int:
        return len(self._known)

    def assert_none_in(self, text: str) -> None:
        """Raises AssertionError that says whose secret stands in a text, not which."""
        assert not (shown := [place for secret, place in self._known.items() if secret in text]), f"shown: {shown}"


def _key_lines(pem: str) -> list[str]:
    """The lines of a private key in PEM that are long enough to be known by."""
    return [line for line in pem.splitlines() if len(line) > 30 and "-----" not in line]
