# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The administrator's credential: when it is due, and that it is never system:masters (TEN-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import access, errors

OPTIONS: dict[str, Any] = {
    "tenant": "acme",
    "server": "https://k8s.acme.example:30443",
    "ttl": 720 * 3600,
    "rotate_before": 168 * 3600,
    "group": "tenant-admins",
}
REQUEST = access.parse_access([OPTIONS])[0]
ISSUED = access.Issued(REQUEST.server, "uid-1", 1_000_000.0, "tenant-admins", 7, REQUEST.ttl)
NOW = 1_000_000.0 - 169 * 3600


def test_defaults_follow_the_tenant() -> None:
    assert (REQUEST.namespace, REQUEST.cluster, REQUEST.user) == ("t-acme", "acme", "acme-admin")
    assert REQUEST.group_of(7) == "tenant-admins-g7"


def test_a_good_credential_is_kept() -> None:
    assert access.why_issue(REQUEST, ISSUED, "uid-1", NOW) == ""


@pytest.mark.parametrize(
    ("request_change", "issued_change", "uid", "now", "word"),
    [
        ({}, None, "uid-1", NOW, "none was issued"),
        ({}, {}, "uid-2", NOW, "new one"),
        ({"server": "https://other:1"}, {}, "uid-1", NOW, "address changed"),
        ({"group": "people"}, {}, "uid-1", NOW, "group changed"),
        ({"ttl": 3600 * 24 * 10}, {}, "uid-1", NOW, "lifetime changed"),
        ({}, {}, "uid-1", NOW + 2 * 3600, "expires soon"),
        ({}, {}, "uid-1", NOW + 999 * 3600, "expired"),
    ],
)
def test_why_a_new_one_is_due(
    request_change: dict[str, Any], issued_change: dict[str, Any] | None, uid: str, now: float, word: str
) -> None:
    issued = None if issued_change is None else replace(ISSUED, **issued_change)
    assert word in access.why_issue(replace(REQUEST, **request_change), issued, uid, now)


def test_what_is_stored_is_read_back() -> None:
    secret = access.secret_for(REQUEST, ISSUED, "apiVersion: v1\n")
    assert access.issued_from(secret) == ISSUED
    assert access.kubeconfig_in(secret) == "apiVersion: v1\n"
    assert secret["metadata"]["labels"]["ai-tenancy.platform/tenant"] == "acme"


def test_a_damaged_secret_counts_as_none() -> None:
    secret = access.secret_for(REQUEST, ISSUED, "x")
    del secret["metadata"]["annotations"]["ai-tenancy.platform/generation"]
    assert access.issued_from(secret) is None
    assert access.issued_from({"metadata": {}}) is None


def test_all_mistakes_at_once() -> None:
    with pytest.raises(errors.ConfigError) as caught:
        access.parse_access(
            [
                {**OPTIONS, "server": "http://plain", "ttl": 60},
                {**OPTIONS, "rotate_before": 720 * 3600, "group": "system:masters"},
            ]
        )
    text = str(caught.value)
    for field in ("acme].server", "acme].ttl", "acme].tenant", "acme].rotate_before", "acme].group"):
        assert field in text


def test_only_the_own_generation_is_bound_inside() -> None:
    binding = access.binding_for(REQUEST, 7)
    assert [subject["name"] for subject in binding["subjects"]] == ["tenant-admins-g7"]
    assert binding["roleRef"]["name"] == "cluster-admin"


def test_the_hosts_copy_is_turned_to_the_reachable_address() -> None:
    kubeconfig = {"clusters": [{"name": "default", "cluster": {"server": "https://10.43.0.9", "x": 1}}], "users": []}
    turned = access.with_server(kubeconfig, "https://127.0.0.1:30443")
    assert turned["clusters"][0]["cluster"] == {"server": "https://127.0.0.1:30443", "x": 1}
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.43.0.9"
