# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filter: plain data or one message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.requests import tenant_requests, tenants_chosen
from ansible_collections.ai_tenancy.platform.plugins.filter.tenants import FilterModule

FILE: dict[str, Any] = {
    "apiVersion": "tenancy/v1",
    "tenants": [
        {
            "id": "acme",
            "owner": {"email": "a@acme.example"},
            "isolation": {"node_selector": {"tenant": "acme"}},
            "cluster": {"version": "v1.34.4-k3s1"},
        }
    ],
}


def test_returns_plain_data() -> None:
    result = FilterModule().filters()["tenants_parse"](FILE)
    assert json.loads(json.dumps(result)) == result
    assert result["tenants"][0]["namespace"] == "t-acme"


def test_text_and_list_are_the_same_tenants() -> None:
    parse, chosen, requests = FilterModule().filters()["tenants_parse"], tenants_chosen, tenant_requests
    listed, text = parse(FILE)["tenants"], parse(FILE, as_json=True)["tenants"]
    assert json.loads(text) == listed
    assert json.loads(chosen(text, ["acme"])) == chosen(listed, ["acme"]) == listed
    for kind in ("guard", "quota", "cluster"):
        assert requests(text, kind) == requests(listed, kind) != []


def test_chooses_while_it_reads() -> None:
    parse = FilterModule().filters()["tenants_parse"]
    assert parse(FILE, as_json=True, only=["acme"]) == parse(FILE, as_json=True, only=[]) == parse(FILE, as_json=True)
    with pytest.raises(AnsibleFilterError, match="globex"):
        parse(FILE, only=["globex"])


def test_fails_with_every_mistake() -> None:
    broken = {**FILE, "surprise": 1, "tenants": [{"id": "kube"}]}
    with pytest.raises(AnsibleFilterError) as caught:
        FilterModule().filters()["tenants_parse"](broken)
    for part in ("surprise", "tenants[kube].id", "tenants[kube].cluster.version", "tenants[kube].owner.email"):
        assert part in str(caught.value)
