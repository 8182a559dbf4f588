# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the k3k stand-in do with a Kubernetes API: make, change, watch and delete plain objects.

Not the client of the collection, on purpose: these tests say what the API answers, word for word.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

Object = dict[str, Any]
T = TypeVar("T")

CLUSTERS = "/apis/k3k.io/v1beta1/namespaces/{}/clusters"
POLICIES = "/apis/k3k.io/v1beta1/virtualclusterpolicies"
POLICY_LABEL = "policy.k3k.io/policy-name"

#: Seconds within which everything here must have happened; on 2 idle cores it takes a tenth of it.
PATIENCE = 90.0


class Refused(Exception):
    """An answer of 400 or more; C(status) is the code, C(str()) the server's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def eventually(what: str, probe: Callable[[], T | None], timeout: float = PATIENCE) -> T:
    """Return the first true value of a probe. Raises AssertionError that names what did not come true."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {timeout:.0f} s, last {value!r}"
        time.sleep(0.1)


class Kube:
    """A Kubernetes API, as the user of a kubeconfig with a client certificate; server replaces its address."""

    def __init__(self, kubeconfig: Object, server: str = "") -> None:
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        self.server = server or cluster["server"]
        self.authority = _bytes(cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=self.authority.decode())
        with tempfile.NamedTemporaryFile() as pair:  # ssl reads files only
            pair.write(_bytes(user, "client-certificate") + b"\n" + _bytes(user, "client-key"))
            pair.flush()
            context.load_cert_chain(pair.name)
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        self._opener = urllib.request.build_opener(*handlers)

    @classmethod
    def from_file(cls, path: Path) -> Kube:
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    def open(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", timeout: float = 30
    ) -> Any:
        """Send a request and return the open answer. Raises Refused; OSError when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always https
            self.server + path, data, {"Content-Type": kind, "Accept": "application/json"}, method=method
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            message = json.loads(text).get("message", text) if text.startswith("{") else text
            raise Refused(error.code, message) from error

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        with self.open(method, path, body, kind) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        """Return an object, or None when it does not exist."""
        try:
            return self.request("GET", path)
        except Refused as answer:
            if answer.status == 404:
                return None
            raise

    def items(self, path: str) -> list[Object]:
        return list(self.request("GET", path)["items"])

    def create(self, collection: str, item: Object) -> Any:
        """Create as kubectl does: with strict field validation."""
        return self.request("POST", collection + "?fieldValidation=Strict", item)

    def patch(self, path: str, change: Object) -> Any:
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete; what is not there is deleted already."""
        try:
            self.request("DELETE", path)
        except Refused as answer:
            if answer.status != 404:
                raise


def _bytes(section: Object, name: str) -> bytes:
    if f"{name}-data" in section:
        return base64.b64decode(section[f"{name}-data"])
    return Path(section[name]).read_bytes()


@dataclass(frozen=True)
class Seen:
    """One state of a Cluster, as a watch showed it. at: seconds of the monotonic clock."""

    at: float
    phase: str
    reason: str
    message: str
    generation: int
    finalizers: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, cluster: Object) -> Seen:
        meta, status = cluster["metadata"], cluster.get("status", {})
        ready = (status.get("conditions") or [{}])[0]
        return cls(
            time.monotonic(),
            status.get("phase", ""),
            ready.get("reason", ""),
            ready.get("message", ""),
            meta["generation"],
            tuple(meta.get("finalizers", ())),
            tuple(meta.get("labels", ())),
        )


@dataclass
class History:
    """Every state of a Cluster that a watch showed, in order."""

    states: list[Seen] = field(default_factory=list)

    def phases(self) -> list[str]:
        """Return the phases in order; equal neighbours count once."""
        return [
            state.phase
            for index, state in enumerate(self.states)
            if index == 0 or self.states[index - 1].phase != state.phase
        ]

    def first(self, phase: str) -> Seen:
        return next(state for state in self.states if state.phase == phase)


class Tenant:
    """A namespace with one Cluster in it."""

    def __init__(self, kube: Kube, name: str) -> None:
        self.kube, self.name, self.namespace = kube, name, f"it-{name}"
        self.path = f"{CLUSTERS.format(self.namespace)}/{name}"

    def in_namespace(self, kind: str, suffix: str = "", group: str = "/api/v1") -> str:
        """Return the path of a child: kind is its plural, suffix follows C(k3k-NAME-)."""
        name = "/".join(part for part in (kind, f"k3k-{self.name}-{suffix}" if suffix else "") if part)
        return f"{group}/namespaces/{self.namespace}/{name}"

    def make_namespace(self, **labels: str) -> None:
        """Make the namespace; one of the same name that an earlier run has deleted is waited for."""
        path = f"/api/v1/namespaces/{self.namespace}"
        eventually(f"namespace {self.namespace} free", lambda: self.kube.get(path) is None)
        self.kube.create(
            "/api/v1/namespaces",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": labels},
            },
        )

    def create(self, **spec: Any) -> Object:
        """Create the Cluster; virtual and ephemeral where the spec says nothing."""
        spec = {"mode": "virtual", "persistence": {"type": "ephemeral"}, **spec}
        created: Object = self.kube.create(
            CLUSTERS.format(self.namespace),
            {
                "apiVersion": "k3k.io/v1beta1",
                "kind": "Cluster",
                "metadata": {"name": self.name},
                "spec": spec,
            },
        )
        return created

    def get(self) -> Any:
        return self.kube.get(self.path)

    def seen(self) -> Seen:
        return Seen.of(self.get())

    def patch(self, **spec: Any) -> None:
        self.kube.patch(self.path, {"spec": spec})

    def touch(self) -> None:
        """Write an annotation: any write makes the controller look at once."""
        self.kube.patch(self.path, {"metadata": {"annotations": {"touched": str(time.time())}}})

    def wait(self, phase: str, message: str = "") -> Seen:
        """Wait until the Cluster is in a phase, with a text in the condition's message."""

        def there() -> list[Seen]:
            seen = self.seen()
            return [seen] if seen.phase == phase and message in seen.message else []

        return eventually(f"{self.name} {phase} {message}", there)[0]

    def wait_settled(self) -> None:
        """Wait until the Cluster is Ready *and* no roll-out runs: phase alone does not tell."""

        def settled() -> bool:
            cluster, servers, agents = self.get(), self.stateful_set(), self.deployment()
            return (
                cluster["status"]["phase"] == "Ready"
                and rolled_out(servers, "readyReplicas")
                and rolled_out(agents, "availableReplicas")
                and not any("deletionTimestamp" in pod["metadata"] for pod in self.pods("role=server"))
            )

        eventually(f"{self.name} settled", settled)

    def wait_quiet(self) -> None:
        """Wait until the controller has nothing to do: every reconcile issues a new kubeconfig."""
        path = self.in_namespace("secrets", "kubeconfig")
        last: list[Any] = ["", 0.0]

        def quiet() -> bool:
            version = self.kube.get(path)["metadata"]["resourceVersion"]
            if version != last[0]:
                last[:] = [version, time.monotonic()]
            return time.monotonic() - last[1] > 2

        eventually(f"{self.name} quiet", quiet)

    def stateful_set(self) -> Object:
        result: Object = self.kube.get(self.in_namespace("statefulsets", "server", "/apis/apps/v1"))
        return result

    def deployment(self) -> Object:
        result: Object = self.kube.get(self.in_namespace("deployments", "agent", "/apis/apps/v1"))
        return result

    def pods(self, selector: str) -> list[Object]:
        return self.kube.items(f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=cluster={self.name},{selector}")

    def server(self) -> Object:
        """Return server 0."""
        result: Object = self.kube.get(self.in_namespace("pods", "server-0"))
        return result

    def service(self) -> Object:
        result: Object = self.kube.get(self.in_namespace("services", "service"))
        return result

    def secret(self, suffix: str, key: str) -> bytes:
        return base64.b64decode(self.kube.get(self.in_namespace("secrets", suffix))["data"][key])

    def kubeconfig(self) -> Object:
        result: Object = yaml.safe_load(self.secret("kubeconfig", "kubeconfig.yaml"))
        return result

    def inner(self) -> Kube:
        """Return the virtual cluster's API, at the address where the laboratory serves it."""
        endpoint = self.service()["metadata"]["annotations"]["lab.ai-tenancy.platform/endpoint"]
        return Kube(self.kubeconfig(), endpoint)

    def events(self, kind: str, reason: str) -> list[Object]:
        return [
            event
            for event in self.kube.items(f"/api/v1/namespaces/{self.namespace}/events")
            if event["reason"] == reason and event["involvedObject"]["kind"] == kind
        ]

    @contextmanager
    def history(self) -> Iterator[History]:
        """Record every state of the Cluster while the block runs."""
        history, begun = History(), threading.Event()
        stop = threading.Event()

        def record() -> None:
            path = f"{CLUSTERS.format(self.namespace)}?watch=true&fieldSelector=metadata.name={self.name}"
            with self.kube.open("GET", path, timeout=2 * PATIENCE) as stream:
                begun.set()
                for line in stream:
                    if stop.is_set():
                        return
                    change = json.loads(line)
                    if change["type"] in ("ADDED", "MODIFIED"):
                        history.states.append(Seen.of(change["object"]))

        threading.Thread(target=record, daemon=True).start()
        assert begun.wait(10)
        yield history
        stop.set()


def rolled_out(workload: Object, ready: str) -> bool:
    """Whether the controller of a StatefulSet or Deployment has seen its spec and replaced every pod."""
    status, wanted = workload["status"], workload["spec"]["replicas"]
    return bool(
        status.get("observedGeneration") == workload["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == status.get(ready, 0) == status.get("replicas", 0) == wanted
    )


def mark(tenant: Tenant) -> None:
    """Put something into the virtual cluster that `marked` finds again."""
    tenant.inner().create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mark"}})


def marked(tenant: Tenant) -> bool:
    return tenant.inner().get("/api/v1/namespaces/mark") is not None
