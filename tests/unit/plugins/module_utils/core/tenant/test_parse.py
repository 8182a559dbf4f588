# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a tenants file becomes (TEN-11): merging, defaults, types, and the way back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import tenant as model
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.capacity import (
    NodeFacts,
    Settings,
    check_capacity,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quantity import parse
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

from . import files

PARSED = parse_tenants_file(files.document())
ACME, BETA, SAND, HOSTED, GONE = PARSED.tenants


def test_tier_and_defaults_lie_under_the_tenant() -> None:
    assert ACME.cluster.agents == 2
    assert ACME.cluster.version == "v1.34.4-k3s1"
    assert ACME.owner.email == "ops@example.com"
    assert BETA.cluster.agents == 1
    assert BETA.cluster.worker_limit == {"cpu": parse(96), "memory": parse("900Gi"), "nvidia.com/gpu": parse(4)}


def test_a_null_takes_away_what_a_tier_says() -> None:
    document = files.document()
    document["tenants"][1]["cluster"]["worker_limit"]["memory"] = None
    beta = parse_tenants_file(document).tenants[1]
    assert sorted(beta.cluster.worker_limit) == ["cpu", "nvidia.com/gpu"]


def test_computed_defaults() -> None:
    assert (BETA.namespace, BETA.cluster.name, BETA.display_name) == ("t-beta", "beta", "beta")
    assert (BETA.clearml.company, BETA.clearml.admin.name) == ("beta", "beta-admin")
    assert str(ACME.quota.cpu) == "204"  # 3 servers with 4, 2 agents with 96
    assert str(ACME.quota.memory) == "1824Gi"
    assert ACME.quota.pods == 7
    assert ACME.quota.guaranteed == ACME.quota.accelerators == {"nvidia.com/gpu": 16}
    assert BETA.quota.guaranteed == {"nvidia.com/gpu": 2}
    assert ACME.cluster.tls_sans == ("acme.k8s.example",)
    assert ACME.quota.objects == {"services.loadbalancers": 0, "services.nodeports": 0, "count/secrets": 50}
    assert BETA.quota.objects == {"services.loadbalancers": 0, "services.nodeports": 2}
    assert HOSTED.quota.objects == {"services.loadbalancers": 1, "services.nodeports": 2}


def test_values_have_types() -> None:
    assert ACME.cluster.servers == 3
    assert BETA.isolation.accept_risk is True
    assert ACME.expires == "2027-03-31"
    assert ACME.access.kubeconfig.ttl == 30 * 86400
    assert ACME.network.dns == ("10.1.0.53",)
    assert BETA.network.dns == ()
    mirror = ACME.cluster.registry_mirror
    assert mirror.ca == model.SecretRef("mirror-ca", "ca.crt")


def test_to_dict_is_flat_and_comes_back() -> None:
    flat = PARSED.to_dict()
    assert flat["fleet"]["tiers"] == {"gold": {}}
    assert flat["tenants"][0]["access"]["kubeconfig"]["ttl"] == "720h"
    assert flat["tenants"][1]["network"]["dns"] == "host"
    assert flat["tenants"][0]["cluster"]["storage"] == {"type": "dynamic", "class": "longhorn", "size": "20Gi"}
    assert parse_tenants_file(flat) == PARSED
    assert parse_tenants_file(flat).to_dict() == flat


def test_an_absent_tenant_needs_its_id_only() -> None:
    assert (GONE.state, GONE.namespace, GONE.display_name) == ("absent", "t-gone", "gone")
    bare = parse_tenants_file({"apiVersion": "tenancy/v1", "tenants": [{"id": "gone", "state": "absent"}]})
    assert bare.tenants[0].cluster.version == ""
    assert parse_tenants_file(bare.to_dict()) == bare
    files.assert_refused({"apiVersion": "tenancy/v1", "tenants": [{"state": "absent"}]}, "tenants[0].id", "required")


def test_claims_feed_the_capacity_check() -> None:
    claims = model.claims_of(PARSED)
    assert [claim.tenant for claim in claims] == ["acme", "beta", "sand", "hosted"]
    assert claims[0].exclusive
    assert dict(claims[0].per_agent) == {"nvidia.com/gpu": 8}
    nodes = [NodeFacts(f"n{index}", labels={"tenant": "acme"}, allocatable={"nvidia.com/gpu": 8}) for index in (1, 2)]
    report = check_capacity([*nodes, NodeFacts("n3", allocatable={"nvidia.com/gpu": 8})], claims, Settings())
    assert not report.errors
    assert dict(report.placements["beta"].slots) == {"n3": 2}
    settings = model.capacity_settings(PARSED.fleet)
    assert (settings.overcommit_ratio, dict(settings.reserve)) == (1.5, {"nvidia.com/gpu": 1})
    assert not settings.selector.matches({})


def test_a_suspended_tenant_keeps_its_guarantee_without_agents() -> None:
    document = files.document()
    document["tenants"][0]["state"] = "suspended"
    claim = model.claims_of(parse_tenants_file(document))[0]
    assert (claim.agents, dict(claim.guaranteed)) == (0, {"nvidia.com/gpu": 16})


def test_warnings() -> None:
    assert any("no limit for cpu" in text and "sand" in text for text in model.warnings_of(PARSED))
    assert any("shared nodes" in text and "beta" in text for text in model.warnings_of(PARSED))
    document = files.document()
    document["tenants"][0]["cluster"]["agents"] = 1
    assert any("agents take only 8" in text for text in model.warnings_of(parse_tenants_file(document)))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=4),
    st.dates(),
    st.sampled_from(["10.0.0.0/8", "1Gi", "8", "", "-----BEGIN PRIVATE KEY-----", "\ud800", 10**4000]),
)
KEYS = st.one_of(st.text(max_size=8), st.integers(), st.none(), st.sampled_from(["id", "cluster", "password", "tiers"]))
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def parse_or_refuse(data: Any) -> None:
    """Parse; the one way to fail is a ConfigError whose text can be made."""
    refused = ""
    try:
        parsed = parse_tenants_file(data)
    except ConfigError as error:
        refused = str(error)
    if refused:
        refused.encode("utf-8")  # no half character, which no terminal can show
        assert "nothing was changed" in refused
    else:
        assert parse_tenants_file(parsed.to_dict()) == parsed


@given(JUNK)
def test_junk_is_refused_in_words(data: Any) -> None:
    parse_or_refuse(data)


@given(JUNK, JUNK, JUNK)
def test_junk_in_the_right_places(one: Any, two: Any, three: Any) -> None:
    parse_or_refuse({"apiVersion": "tenancy/v1", "fleet": one, "defaults": two, "tenants": [three, {"id": "a"}]})


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return the valid file with some of its values replaced, removed or duplicated."""
    data: Any = files.document()
    for _round in range(draw(st.integers(1, 3))):
        here: Any = data
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            key = draw(st.sampled_from(keys))
            below = here[key]
            if not isinstance(below, (dict, list)) or not below or draw(st.integers(0, 5)) == 0:
                break
            here = below
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            here[key] = draw(JUNK)
        elif action == "remove" and len(here) > 1:
            del here[key]
        elif isinstance(here, dict):
            here[draw(KEYS)] = draw(JUNK)
        else:
            here.append(draw(JUNK))
    return data


@given(mutated())
def test_a_damaged_file_is_parsed_or_refused(data: Any) -> None:
    parse_or_refuse(data)


@given(st.integers(0, 40), st.integers(1, 8), st.sampled_from(["1Gi", "1024Mi", "900G"]), st.sampled_from([1, 3, "5"]))
def test_a_valid_file_comes_back(agents: int, gpus: int, memory: str, servers: Any) -> None:
    cluster = {"agents": agents, "servers": servers, "worker_limit": {"nvidia.com/gpu": gpus, "memory": memory}}
    quota = {"accelerators": {"nvidia.com/gpu": agents * gpus}}
    parsed = parse_tenants_file(files.minimal(cluster=cluster, quota=quota, isolation={"accept_risk": True}))
    assert parse_tenants_file(parsed.to_dict()) == parsed


def test_data_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {"apiVersion": "tenancy/v1"}
    loop["defaults"] = loop
    files.assert_refused(loop, "contain itself")
    laughs: Any = "ha"
    for _level in range(30):
        laughs = [laughs] * 10
    files.assert_refused({"apiVersion": "tenancy/v1", "tenants": laughs}, "values")
