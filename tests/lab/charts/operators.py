# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the programs in the charts would do: nothing runs in a played pod, so their traces are written for them.

Each stand-in chart may have an C(operator.yaml), a list of rules. A rule watches objects of one kind; once it sees one, it
sets the object's status, and makes other objects.
"""

from __future__ import annotations

import contextlib
import urllib.error
from pathlib import Path
from typing import Any

import yaml

from tests.lab.api import Api
from tests.lab.background import Background

HERE = Path(__file__).parent


class Operators(Background):
    """Plays the operators of charts in a thread: of all, or of those that are named."""

    def __init__(self, api: Api, charts: tuple[str, ...] = ()) -> None:
        super().__init__(pause=0.5)
        self._api = api
        files = sorted(HERE.glob("*/operator.yaml"))
        self._rules = [
            rule
            for path in files
            if not charts or path.parent.name in charts
            for rule in yaml.safe_load(path.read_text(encoding="utf-8"))
        ]

    def again(self) -> None:
        """Follow every rule."""
        for rule in self._rules:
            # An API server that a test has killed comes back; a kind that is not there yet comes with its chart.
            with contextlib.suppress(OSError, urllib.error.HTTPError):
                self._play(rule)

    def _play(self, rule: dict[str, Any]) -> None:
        watch = rule["watch"]
        answer = self._api.request("GET", f"{_root(watch['api_version'])}/{watch['plural']}")
        for found in answer["items"]:
            # Items of a typed list come without their kind.
            item = {"apiVersion": watch["api_version"], "kind": answer["kind"].removesuffix("List"), **found}
            if watch.get("name") not in (None, item["metadata"]["name"]):
                continue
            status = rule.get("status") or {}
            if not _contains(item.get("status") or {}, status):
                path = _path(watch["api_version"], watch["plural"], item["metadata"])
                self._api.request("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")
            for made in rule.get("objects") or []:
                self._make(item, made["plural"], made["body"])

    def _make(self, owner: dict[str, Any], plural: str, body: dict[str, Any]) -> None:
        """Create an object that is not there; when its owner goes, it goes, where Kubernetes can see to that."""
        metadata = dict(body["metadata"])
        if owner["metadata"].get("namespace") in (None, metadata.get("namespace")):
            names = {key: owner[key] for key in ("apiVersion", "kind")}
            metadata["ownerReferences"] = [
                {**names, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
            ]
        path = _path(body["apiVersion"], plural, {**metadata, "name": ""}).rstrip("/")
        with contextlib.suppress(urllib.error.HTTPError):  # it is there, or its namespace is going
            self._api.request("POST", path, {**body, "metadata": metadata})


def _contains(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(found.get(key) == value for key, value in wanted.items())


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _path(api_version: str, plural: str, metadata: dict[str, Any]) -> str:
    place = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{_root(api_version)}{place}/{plural}/{metadata['name']}"
