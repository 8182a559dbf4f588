# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Real Helm releases, and what a Helm that dies leaves behind."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from tests.lab import Lab


class Release:
    """One release, through the Secrets in which Helm keeps its revisions."""

    def __init__(self, lab: Lab, namespace: str, name: str) -> None:
        self._api = lab.api()
        self._path = f"/api/v1/namespaces/{namespace}/secrets"
        self._name = name

    def revisions(self) -> dict[int, str]:
        """Revision -> status, of all that are kept."""
        query = f"?labelSelector=owner%3Dhelm,name%3D{self._name}"
        items = self._api.request("GET", self._path + query)["items"]
        return {int(item["metadata"]["labels"]["version"]): item["metadata"]["labels"]["status"] for item in items}

    def document(self, revision: int) -> dict[str, Any]:
        """What Helm stored about a revision."""
        secret = self._api.request("GET", f"{self._path}/sh.helm.release.v1.{self._name}.v{revision}")
        return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))

    def values(self) -> dict[str, Any]:
        """The values of the newest revision."""
        return self.document(max(self.revisions())).get("config") or {}

    def leave(self, status: str, updated: str = "2026-01-01T00:00:00.123456789Z") -> None:
        """Make the newest revision look as a Helm that was killed, or failed, leaves it.

        Helm marks the revision before as superseded only at the end of an upgrade.
        """
        newest = max(self.revisions())
        self._write(newest, status=status, last_deployed=updated)
        if newest > 1 and status in ("failed", "pending-upgrade"):
            self._write(newest - 1, status="deployed")

    def _write(self, revision: int, **info: str) -> None:
        document = self.document(revision)
        document["info"].update(info)
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode()))).decode()
        patch = {"metadata": {"labels": {"status": info["status"]}}, "data": {"release": packed}}
        path = f"{self._path}/sh.helm.release.v1.{self._name}.v{revision}"
        self._api.request("PATCH", path, patch, "application/merge-patch+json")
