# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The tenants of a benchmark on a laboratory's API: declare them, read back what was written for them, remove it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.bulk import for_each
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import access, names, objects
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.survey import survey
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.kinds import kind_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.session import CONCURRENCY, Session
from tests.integration.playbooks import documents
from tests.lab import Lab

#: Everything that the host-side phase writes, in an order in which it can be applied.
KINDS = (
    "Namespace",
    "VirtualClusterPolicy",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ServiceAccount",
    "LimitRange",
    "NetworkPolicy",
    "ResourceQuota",
    "Cluster",
)
#: Seconds until everything that was removed is gone, or everything that was made is ready.
LIMIT = 600.0
RESOURCE = "nvidia.com/gpu"
_OURS = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
_MONTH = 30 * 86400


def tenant_ids(count: int) -> list[str]:
    return [f"bench-{number:04}" for number in range(1, count + 1)]


def tenants_file(count: int) -> dict[str, Any]:
    """A tenants file: each tenant has a node with 8 GPUs of its own, and no ClearML company."""
    return documents.document(
        *(
            documents.tenant(identity, [f"gpu-a-{number}"], RESOURCE, clearml={"enabled": False})
            for number, identity in enumerate(tenant_ids(count), 1)
        )
    )


def connect(lab: Lab) -> Session:
    return Session.from_options({"kubeconfig": str(lab.kubeconfig)})


def read(session: Session, kinds: Iterable[str] = KINDS) -> list[dict[str, Any]]:
    """LIST everything of ours of these kinds, side by side."""
    answers = for_each(list(kinds), lambda kind: session.list(kind_of(kind), labels=_OURS), CONCURRENCY)
    return [item for found in answers for item in _checked(found)]


def written(session: Session) -> list[dict[str, Any]]:
    """The objects as our modules wrote them: of each, what our field manager owns, and nothing else."""
    return [_as_written(item) for item in read(session)]


def _as_written(live: Mapping[str, Any]) -> dict[str, Any]:
    mine = _owned(live, objects.owned_fields(live))
    identity = {key: live["metadata"][key] for key in ("name", "namespace") if key in live["metadata"]}
    head = {"apiVersion": live["apiVersion"], "kind": live["kind"]}
    return {**head, **mine, "metadata": {**identity, **mine.get("metadata", {})}}


def _owned(value: Any, fields: Mapping[str, Any]) -> Any:
    """The part of a value that a C(fieldsV1) tree names (kubernetes-sigs/structured-merge-diff, fieldpath)."""
    if not fields:
        return value
    if isinstance(value, dict):
        return {key[2:]: _owned(value[key[2:]], below) for key, below in fields.items() if key.startswith("f:")}
    by_key = [(json.loads(key[2:]), below) for key, below in fields.items() if key.startswith("k:")]
    single = [json.loads(key[2:]) for key in fields if key.startswith("v:")]
    kept = [item for item in value if item in single]
    for item in value:
        kept += [_owned(item, below) for key, below in by_key if key.items() <= item.items()]
    return kept


def apply(session: Session, items: Iterable[Mapping[str, Any]]) -> None:
    """Apply the objects, many at once and namespaces first: what any client must do at least."""
    for namespaces in (True, False):
        group = [item for item in items if (item["kind"] == "Namespace") == namespaces]
        for answer in for_each(group, lambda item: session.apply(kind_of(item["kind"]), item), CONCURRENCY):
            _checked(answer)


def settle(session: Session, count: int) -> None:
    """Wait until all virtual clusters run, so that no controller is busy while something is measured."""
    _until(lambda: _ready(session) == count, f"{count} ready virtual clusters")


def _ready(session: Session) -> int:
    return sum(found.verdict.done for found in survey(session, (), (), [_OURS]))


def remove(session: Session) -> None:
    """Remove everything of ours and wait until it is gone, clusters first: their controller needs the rest."""
    for group in (("Cluster",), ("VirtualClusterPolicy", *KINDS[2:4], "Namespace")):
        for item in for_each(read(session, group), lambda item: _delete(session, item), CONCURRENCY):
            _checked(item)
        _until(lambda kinds=group: not read(session, kinds), f"no {' and no '.join(group)}")


def _delete(session: Session, item: Mapping[str, Any]) -> None:
    session.delete(kind_of(item["kind"]), item["metadata"]["name"], item["metadata"].get("namespace", ""))


def put_kubeconfigs(session: Session, address: str) -> None:
    """Put the Secrets of the administrators' kubeconfigs there as if issued.

    Without inner API servers no certificate can be signed; with these Secrets the playbook finds nothing to issue.
    """
    clusters = {item["metadata"]["labels"][names.LABEL_TENANT]: item for item in read(session, ["Cluster"])}
    items = [{"tenant": identity, "server": _server(session, live, address), "ttl": _MONTH, "rotate_before": _MONTH // 4,
              "group": "tenant-admins"} for identity, live in clusters.items()]  # fmt: skip

    def put(request: access.AccessRequest) -> None:
        uid = clusters[request.tenant]["metadata"]["uid"]
        issued = access.Issued(request.server, uid, time.time() + request.ttl, request.group, 1, request.ttl)
        session.apply(kind_of("Secret"), access.secret_for(request, issued, "as if issued"))

    for answer in for_each(access.parse_access(items), put, CONCURRENCY):
        _checked(answer)


def _server(session: Session, cluster: Mapping[str, Any], address: str) -> str:
    """The address as the module k3k_cluster reports it: the node port of the Service k3k-NAME-service."""
    metadata = cluster["metadata"]
    service = session.get(kind_of("Service"), f"k3k-{metadata['name']}-service", metadata["namespace"])
    assert service is not None, f"{metadata['namespace']}: no Service of the virtual cluster"
    return f"https://{address}:{service['spec']['ports'][0]['nodePort']}"


def _checked(answer: Any) -> Any:
    if isinstance(answer, PlatformError):
        raise answer
    return answer


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LIMIT:.0f} s: {what}")
        time.sleep(0.5)
