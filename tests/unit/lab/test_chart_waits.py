# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What roles wait for is written by themselves, a stand-in chart or its operator: else a test would wait in vain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.charts.pack import HERE

ROOT = Path(__file__).resolve().parents[3]
#: RKE2 brings what the first waits for, and in a test a chart of a few lines. The second waits for its release and for what
#: its settings name.
NOTHING_TO_COMPARE = ("ingress", "clearml_server")
ROLES = sorted(
    path.parents[1].name
    for path in (ROOT / "roles").glob("*/vars/main.yml")
    if path.parents[1].name not in NOTHING_TO_COMPARE
    and re.search("until:|api_version:", path.read_text(encoding="utf-8"))
)
#: The API server makes these itself, from the definitions of kinds.
OF_THE_API_SERVER = ("CustomResourceDefinition", "APIService")


def waits(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of each wait in the variables of a role, where the name is written out."""
    if isinstance(value, dict):
        named = isinstance(value.get("name"), str) and "{{" not in value["name"]
        if "api_version" in value and named and value.get("until") != "gone":
            yield value["kind"], value["name"]
        for inner in value.values():
            yield from waits(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from waits(inner)


def objects(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of each object in the variables of a role."""
    if isinstance(value, dict):
        if "kind" in value and "metadata" in value:
            yield value["kind"], value["metadata"]["name"]
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


@pytest.mark.parametrize("role", ROLES)
def test_a_stand_in_makes_what_a_role_waits_for(role: str) -> None:
    variables = yaml.safe_load((ROOT / "roles" / role / "vars" / "main.yml").read_text(encoding="utf-8"))
    made = "\n".join(
        path.read_text(encoding="utf-8")
        for name in ("objects.tpl", "operator.yaml")
        for path in sorted(HERE.glob(f"*/{name}"))
    )
    found = {(kind, name) for kind, name in waits(variables) if kind not in OF_THE_API_SERVER}
    assert found
    missing = {(kind, name) for kind, name in found if not re.search(rf"name: {re.escape(name)}\b", made)}
    assert missing - set(objects(variables)) == set()
