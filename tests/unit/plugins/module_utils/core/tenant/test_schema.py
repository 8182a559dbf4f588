# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""JSON schema and documentation follow the field table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import tenant
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError

from . import files
from .test_parse import mutated

jsonschema = pytest.importorskip("jsonschema", reason="the schema itself is checked with jsonschema")
COMMITTED = Path(__file__).parents[6] / "docs" / "schema" / "tenants.v1.json"
SCHEMA = tenant.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def as_json(data: Any) -> Any:
    """Return data as an editor sees it: dates are text."""
    return json.loads(json.dumps(data, default=str))


def test_the_committed_schema_is_the_generated_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == tenant.json_schema_text(), (
        "write tenant.json_schema_text() to docs/schema/tenants.v1.json"
    )


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_valid_files_pass() -> None:
    for data in (files.document(), files.minimal(), tenant.parse_tenants_file(files.document()).to_dict()):
        VALIDATOR.validate(as_json(data))


@given(mutated())
def test_the_schema_takes_whatever_the_parser_takes(data: Any) -> None:
    try:
        tenant.parse_tenants_file(data)
        plain = as_json(data)
    except (ConfigError, TypeError, ValueError):
        return
    VALIDATOR.validate(plain)


@pytest.mark.parametrize(
    "change",
    [
        {"clutser": {}},
        {"state": "gone"},
        {"cluster": {"servers": 2}},
        {"network": {"allow_egress": [{"cidr": "10.0.0.0/8"}]}},
    ],
)
def test_the_schema_sees_simple_mistakes(change: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(files.minimal(**change)))


def test_every_field_is_documented() -> None:
    rows = {row.path: row for row in tenant.documentation()}
    assert rows["tenants[].cluster.version"].required
    assert rows["tenants[].cluster.mode"].immutable
    assert rows["tenants[].clearml.queues[].gpu"].default == "1"
    assert all(row.doc and row.allowed for row in rows.values())
    table = tenant.markdown_table()
    assert "`fleet.networks.pod_cidr`" in table
    assert len({line.count(" | ") for line in table.splitlines()}) == 1


def test_immutable_fields() -> None:
    fields = tenant.immutable_fields()
    for name in (
        "id",
        "namespace",
        "cluster.mode",
        "cluster.cluster_cidr",
        "cluster.service_cidr",
        "cluster.cluster_dns",
    ):
        assert name in fields
    assert "cluster.storage.size" in fields
