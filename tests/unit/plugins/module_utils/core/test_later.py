# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Nothing in a tenants file is silently ignored: each field is acted on, refused, or told as not acted on (X-6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors, later, requests
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import agent, gateway
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.site import Site
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import (
    documentation,
    parse_tenants_file,
)

from .tenant import files


def flat(**tenant: Any) -> list[dict[str, Any]]:
    return parse_tenants_file(files.minimal(**tenant)).to_dict()["tenants"]


class Watched(dict):  # type: ignore[type-arg]
    """A mapping that notes which of its values are read, by their paths below the tenant."""

    def __init__(self, data: Mapping[str, Any], path: str, seen: set[str]) -> None:
        super().__init__(data)
        self.path, self.seen = path, seen

    def __getitem__(self, key: str) -> Any:
        value, path = super().__getitem__(key), f"{self.path}.{key}".lstrip(".")
        if isinstance(value, dict) and value:
            return Watched(value, path, self.seen)
        self.seen.add(path)
        if isinstance(value, list) and value and isinstance(value[0], dict) and path == "clearml.queues":
            return [Watched(item, path + "[]", self.seen) for item in value]
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self.__getitem__(key) if super().__contains__(key) else default

    def __iter__(self) -> Iterator[str]:
        self.seen.add(self.path)
        return super().__iter__()

    def keys(self) -> Any:
        self.seen.add(self.path)
        return super().keys()


def handed_over(value: Any) -> Iterator[str]:
    """Yield the paths of the mappings that stand in options as they were in the file."""
    if isinstance(value, Watched):
        yield value.path
    elif isinstance(value, dict):
        for inner in value.values():
            yield from handed_over(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from handed_over(inner)


def acted_on() -> set[str]:
    seen: set[str] = set()
    data = parse_tenants_file(files.document()).to_dict()["tenants"]
    tenants = [Watched(tenant, "", seen) for tenant in data if tenant["state"] != "absent"]
    for kind in requests.KINDS:
        seen.update(handed_over(requests.requests_for(kind, tenants, requests.Site())))
    site = Site("clearml.example.com", versions={"agent": "6.14.6", "gateway": "3.2.0"}, cookie_name="token")
    agent.releases(tenants, site)
    own = {"acme": "acme-apps.example"}
    gateway.releases(tenants, replace(site, base_domain="ml.example", cookie_domain="example", domains=own))
    return seen


def covered(path: str, places: Any) -> bool:
    return any(path == place or path.startswith(place + ".") for place in places)


def leaves() -> list[str]:
    """Return the fields of a tenant that have no fields below them, those of lists' items only for queues."""
    paths = [row.path for row in documentation() if row.path.startswith("tenants[].")]
    inner = [path.removeprefix("tenants[].") for path in paths if not any(o.startswith(path + ".") for o in paths)]
    return [path for path in inner if "[]" not in path]


def test_every_field_is_acted_on_or_told() -> None:
    acted = acted_on()
    told = (*later.CHECKED_ONLY, *later.POSSIBLE, *later.INFORMATION)
    silent = [path for path in leaves() if not covered(path, acted) and not covered(path, told)]
    assert silent == []


def test_what_is_told_as_not_acted_on_is_really_not() -> None:
    acted = acted_on()
    assert [place for place in later.CHECKED_ONLY if any(covered(path, [place]) for path in acted)] == []
    for name in ("name", "gpu", "max_pods", "resource", "template"):
        assert f"clearml.queues[].{name}" in acted


def test_the_lists_name_fields_that_exist() -> None:
    known = {row.path for row in documentation()}
    for place in (*later.CHECKED_ONLY, *later.POSSIBLE, *later.INFORMATION):
        assert f"tenants[].{place}" in known
    assert {f"fleet.{place}" for place in later.FLEET_CHECKED_ONLY} <= known


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "suspended"}, "state"),
        ({"isolation": {"level": "private", "nodes": ["n1"]}, "cluster": {"mode": "hcp", "expose": {"type": "loadBalancer"}}}, "cluster.mode"),
        ({"cluster": {"external_datastore": {"secret_ref": {"name": "a", "key": "b"}}}}, "cluster.external_datastore"),
        ({"access": {"kubeconfig": {"delivery": "vault"}}}, "access.kubeconfig.delivery"),
        ({"access": {"kubeconfig": {"encrypt_to": ["age1abc"]}}}, "access.kubeconfig.encrypt_to"),
        ({"clearml": {"agent": {"placement": "host"}}}, "clearml.agent.placement"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_yet_is_refused_before_anything_changes(change: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        requests.chosen(flat(**change))
    assert [problem.path for problem in caught.value.problems] == [f"tenants[acme].{field}"]


def test_what_nothing_acts_on_is_told_once_with_its_tenants() -> None:
    plain = flat()
    assert later.warnings(plain) == []
    backup = flat(backup={"enabled": True, "target": "s3://backups"})
    (line,) = later.warnings([*plain, *backup, *backup, *backup, *backup])
    assert line.startswith("backup: ")
    assert line.endswith("(acme, acme, acme and 1 more)")
