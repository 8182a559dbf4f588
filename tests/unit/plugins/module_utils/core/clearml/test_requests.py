# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bad input: every mistake at once, each with field, value and what is allowed (X-6, CML-3)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import requests
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError


def tenant(**changes: Any) -> dict[str, Any]:
    return {"id": "acme", "company": "ACME", "admin": {"email": "Admin@Acme.example"}, **changes}


def paths(*items: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        requests.parse_tenants(list(items))
    return {problem.path: problem.allowed for problem in caught.value.problems}


def test_defaults() -> None:
    request = requests.parse_tenants([tenant(credentials=[{"purpose": "agent"}])])[0]
    assert request.admin_email == "admin@acme.example"
    assert request.admin_name == "acme-admin"
    assert (request.domains, request.whitelist, request.settings) == (None, None, {})
    credential = request.credentials[0]
    assert credential.label == "ai-tenancy:acme:agent"
    assert str(credential.store) == "t-acme/clearml-agent"
    assert (credential.store.access_key_key, credential.store.secret_key_key) == (
        "agentk8sglue_key",
        "agentk8sglue_secret",
    )
    assert (credential.rotate, credential.on_lost_secret, credential.revoke_old) == ("never", "rotate", "keep_one")


def test_settings_are_put_together_and_sets_have_one_order() -> None:
    wanted = tenant(allowed_users=0, features=["b", "a", "b"], settings={"max_running_apps": 3, "feature_set": None})
    assert requests.parse_tenants([wanted])[0].settings == {
        "allowed_users": 0,
        "features": ["a", "b"],
        "max_running_apps": 3,
    }


def test_all_mistakes_are_told_at_once() -> None:
    bad = tenant(
        id="System",
        company="AC",
        admin={"email": "nobody"},
        allowed_users=-1,
        features=["x"],
        exclude_features=["x"],
        domains=["not a domain"],
        whitelist=["nobody"],
        company_id=requests.DEFAULT_COMPANY_ID,
        credentials=[
            {
                "purpose": "Agent!",
                "label": " x",
                "rotate": "if_older_than",
                "store": {"namespace": "kube-system", "name": "A_B", "access_key_key": "k", "secret_key_key": "k"},
            }
        ],
    )
    assert set(paths(bad)) == {
        "tenants[System].id",
        "tenants[System].company",
        "tenants[System].admin.email",
        "tenants[System].allowed_users",
        "tenants[System].exclude_features",
        "tenants[System].domains",
        "tenants[System].whitelist",
        "tenants[System].company_id",
        "tenants[System].credentials[Agent!].purpose",
        "tenants[System].credentials[Agent!].label",
        "tenants[System].credentials[Agent!].max_age_days",
        "tenants[System].credentials[Agent!].store.namespace",
        "tenants[System].credentials[Agent!].store.name",
        "tenants[System].credentials[Agent!].store.secret_key_key",
    }


def test_what_two_tenants_may_not_share() -> None:
    one = tenant(domains=["a.example"], whitelist=["x@a.example"], credentials=[{"purpose": "agent"}])
    two = tenant(
        company="acme",
        domains=["A.example"],
        whitelist=["X@a.example"],
        credentials=[{"purpose": "agent", "store": {"namespace": "t-acme"}}, {"purpose": "agent"}],
    )
    assert set(paths(one, two)) == {
        "tenants.id",
        "tenants.company",
        "tenants.admin.email",
        "tenants.domains",
        "tenants.whitelist",
        "tenants.credentials.store",
        "tenants[acme].credentials",
    }


def test_deleting_needs_the_name_once_more() -> None:
    assert set(paths(tenant(state="absent"))) == {"tenants[acme].confirm_name"}
    assert set(paths(tenant(state="absent", confirm_name="acme"))) == {"tenants[acme].confirm_name"}
    assert not requests.parse_tenants([tenant(state="absent", confirm_name="ACME")])[0].present


@given(st.text(), st.text(), st.text(), st.none() | st.lists(st.text()))
def test_junk_never_crashes(identity: str, company: str, email: str, texts: list[str] | None) -> None:
    item = {"id": identity, "company": company, "admin": {"email": email}, "domains": texts, "whitelist": texts,
            "credentials": [{"purpose": company, "label": email, "store": {"name": identity}}]}  # fmt: skip
    with contextlib.suppress(ConfigError):
        requests.parse_tenants([item])
