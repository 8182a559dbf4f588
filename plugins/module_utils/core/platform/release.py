# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Helm releases as Helm 3 stores them: one Secret per revision, C(sh.helm.release.v1.NAME.vREVISION).

The Secret's C(release) is base64 of a gzipped JSON document; its labels repeat name, status and revision (Helm 3,
pkg/storage/driver). Reading these Secrets tells about all releases with one LIST; the helm command would need three
calls for each.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Optional

from ..errors import RefusedError
from ..objects import Object

#: Statuses of Helm 3 (pkg/release/status.go).
DEPLOYED, FAILED, SUPERSEDED, UNKNOWN = "deployed", "failed", "superseded", "unknown"
UNINSTALLING, UNINSTALLED = "uninstalling", "uninstalled"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")
#: Not in the storage: what we call the state when there is no revision.
ABSENT = "absent"

_MASKED_WORDS = ("password", "passwd", "secret", "token", "apikey", "api_key", "privatekey", "accesskey")
_MASK = "********"
#: RFC 3339 with nanoseconds, as Go writes it; Python before 3.11 reads no more than six digits.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Revision:
    """One revision of a release. updated: when Helm began it, RFC 3339.

    values: what the user gave. manifest: what was rendered, hooks not included.
    """

    name: str
    namespace: str
    revision: int
    status: str
    chart: str = ""
    version: str = ""
    app_version: str = ""
    description: str = ""
    updated: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    manifest: str = ""


def age(revision: Optional[Revision], today: datetime) -> float:
    """Seconds since Helm began a revision; infinite when that is not known. today: in UTC."""
    match = _TIME.match(revision.updated) if revision else None
    if match is None:
        return float("inf")
    moment, zone = match.groups()
    return (today - datetime.fromisoformat(moment + ("+00:00" if zone == "Z" else zone))).total_seconds()


def selector(names: Sequence[str]) -> str:
    """Label selector for the revisions that count, of these releases."""
    return f"owner=helm,name in ({','.join(names)}),status!={SUPERSEDED}"


def parse(secret: Object) -> Revision:
    """Read the Secret of one revision. Raises RefusedError when it is not one of Helm 3."""
    document = payload(secret)
    metadata, info = secret["metadata"], document.get("info") or {}
    chart = (document.get("chart") or {}).get("metadata") or {}
    return Revision(
        name=str(document.get("name", "")),
        namespace=str(metadata.get("namespace", "")),
        revision=int(document.get("version") or 0),
        status=str(info.get("status") or UNKNOWN),
        chart=str(chart.get("name", "")),
        version=str(chart.get("version", "")),
        app_version=str(chart.get("appVersion", "")),
        description=str(info.get("description") or ""),
        updated=str(info.get("last_deployed") or ""),
        values=document.get("config") or {},
        manifest=str(document.get("manifest") or ""),
    )


def payload(secret: Object) -> dict[str, Any]:
    """Unpack the document in a revision's Secret. Raises RefusedError."""
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        document = json.loads(gzip.decompress(packed))
    except (KeyError, binascii.Error, OSError, EOFError, ValueError) as error:
        name = f"{secret['metadata'].get('namespace')}/{secret['metadata'].get('name')}"
        raise RefusedError(
            f"Secret {name} does not hold a release of Helm 3 ({type(error).__name__}).",
            "It was damaged or written by another version; 'helm history' of the release tells more.",
        ) from error
    if not isinstance(document, dict):
        raise RefusedError(f"Secret {secret['metadata'].get('name')} does not hold a release of Helm 3.")
    return document


def pack(document: Mapping[str, Any]) -> str:
    """The value of C(data.release) for a document; the reverse of L(payload)."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return base64.b64encode(base64.b64encode(gzip.compress(text, mtime=0))).decode()


def failed_patch(secret: Object, why: str) -> dict[str, Any]:
    """The merge patch that gives up an interrupted revision: Helm goes on from a failed one, never from a pending one.

    This is what Helm itself writes when an operation fails while it still lives. The resourceVersion in it lets the API
    server refuse the patch when a living Helm was faster.
    """
    document = payload(secret)
    document["info"] = {**(document.get("info") or {}), "status": FAILED, "description": why}
    return {
        "metadata": {"resourceVersion": secret["metadata"]["resourceVersion"], "labels": {"status": FAILED}},
        "data": {"release": pack(document)},
    }


@dataclass(frozen=True)
class Observed:
    """A release as found. latest: its newest revision, None when there is none. deployed: the revision in effect."""

    name: str
    namespace: str
    latest: Optional[Revision] = None
    deployed: Optional[Revision] = None

    @property
    def status(self) -> str:
        """Status of the newest revision, C(absent) when there is none or only the history was kept."""
        if self.latest is None or self.latest.status == UNINSTALLED:
            return ABSENT
        return self.latest.status

    def as_dict(self) -> dict[str, Any]:
        """As the module returns it. Values that look like secrets are masked; their digest tells whether they differ."""
        result: dict[str, Any] = {"name": self.name, "namespace": self.namespace, "status": self.status}
        if self.latest is not None:
            result.update(
                revision=self.latest.revision,
                chart=self.latest.chart,
                version=self.latest.version,
                app_version=self.latest.app_version,
                description=self.latest.description,
                updated=self.latest.updated,
                release_values=masked(self.latest.values),
                values_digest=values_digest(self.latest.values),
            )
        if self.deployed is not None:
            result.update(deployed_revision=self.deployed.revision, deployed_version=self.deployed.version)
        return result


def observe(secrets: Iterable[Object], wanted: Iterable[tuple[str, str]]) -> list[Observed]:
    """Bring the Secrets of all revisions together, for the wanted releases: (namespace, name), in their order."""
    found: dict[tuple[str, str], list[Revision]] = {}
    for secret in secrets:
        revision = parse(secret)
        found.setdefault((revision.namespace, revision.name), []).append(revision)
    result = []
    for namespace, name in wanted:
        revisions = sorted(found.get((namespace, name), ()), key=lambda revision: revision.revision)
        deployed = [revision for revision in revisions if revision.status == DEPLOYED]
        result.append(
            Observed(name, namespace, revisions[-1] if revisions else None, deployed[-1] if deployed else None)
        )
    return result


def values_digest(values: Any) -> str:
    """A digest that is equal when two sets of values mean the same to Helm."""
    return hashlib.sha256(json.dumps(_canonical(values), sort_keys=True).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """Whole numbers without a fraction, as Helm's way through JSON leaves them; strings and lists as plain types."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, str) else value


def masked(values: Any, secret: bool = False) -> Any:
    """Values to look at: each string below a key that sounds like a secret is masked."""
    if isinstance(values, Mapping):
        return {
            str(key): masked(inner, secret or any(word in str(key).lower() for word in _MASKED_WORDS))
            for key, inner in values.items()
        }
    if isinstance(values, (list, tuple)):
        return [masked(inner, secret) for inner in values]
    if secret and isinstance(values, str) and values:
        return _MASK
    return values
