# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters of the report on SUSE Storage: from the results of a loop to a table, or one message (PLAT-3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.storage import FilterModule
from tests.lab.longhorn import disk, node, setting, storage_class

ROOT = Path(__file__).resolve().parents[4]
filters = FilterModule().filters()


def test_every_filter_has_its_page() -> None:
    assert set(filters) == {path.stem for path in (ROOT / "plugins" / "filter").glob("storage_*.yml")}


def test_from_what_was_read_to_a_table() -> None:
    read = [
        {"item": {"kind": "Node"}, "resources": [node("a", disk())]},
        {"item": {"kind": "StorageClass"}, "resources": [storage_class(default=True)]},
        {"item": {"kind": "Volume"}, "api_found": False},
    ]
    lines = filters["storage_report_table"](filters["storage_report"](read, 80, "1Gi", 5))
    assert lines[1].split() == ["a", "d1", "100Gi", "0", "0", "100Gi", "0%", "100Gi", "yes"]
    assert lines[-1].startswith("WARNING: new volumes of class longhorn find 0, less than 1Gi")


def test_mistakes_become_what_ansible_shows() -> None:
    with pytest.raises(AnsibleFilterError, match="suse_storage_report_least: 'x' is not allowed"):
        filters["storage_report"]([], least="x")
    read = [{"item": {"kind": "Setting"}, "resources": [setting("storage-over-provisioning-percentage", "x")]}]
    with pytest.raises(AnsibleFilterError, match="'x' is no whole number"):
        filters["storage_report"](read)
