# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Names: what Kubernetes, k3k and we accept."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import names
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, Problems


@pytest.mark.parametrize("value", ["acme", "a1", "a-b", "x" * 20])
def test_tenant_ids(value: str) -> None:
    assert names.tenant_id_problem(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "1a",
        "A1",
        "a-",
        "-a",
        "a.b",
        "a_b",
        "x" * 21,
        "system",
        "kubeflow",
        "cattle-x",
        "k3k",
        "default",
        "ab\n",
        5,
        None,
    ],
)
def test_tenant_ids_refused(value: object) -> None:
    assert names.tenant_id_problem(value)


@pytest.mark.parametrize("value", ["kube-system", "default", "cattle-fleet", "longhorn-system", "a.b", "", None])
def test_a_platform_namespace_is_no_tenants_namespace(value: object) -> None:
    assert names.namespace_problem(value)
    assert names.namespace_problem("t-acme") is None


@pytest.mark.parametrize("value", ["x" * 42, "a.b", "system", "A", "a-"])
def test_cluster_names_refused(value: str) -> None:
    assert names.cluster_name_problem(value)
    assert names.cluster_name_problem("x" * 41) is None


def test_k3k_names() -> None:
    objects = names.K3kNames("acme")
    assert objects.server == "k3k-acme-server"
    assert objects.kubeconfig_secret == "k3k-acme-kubeconfig"
    assert objects.server_claim(2) == "varlibrancherk3s-k3k-acme-server-2"


def test_k3k_names_are_cut_at_64() -> None:
    whole = "k3k-" + "a" * 53 + "-server"
    assert len(names.k3k_name("a" * 52, "server")) == 63
    digest = hashlib.sha256(whole.encode()).hexdigest()
    assert whole[56] == "a"
    assert names.k3k_name("a" * 53, "server") == f"{whole[:57]}-{digest[:5]}"
    # the 57th character is a dash: one less of the name, one more of the digest
    dashed = "k3k-" + "a" * 52 + "-server-more"
    digest = hashlib.sha256(dashed.encode()).hexdigest()
    assert dashed[56] == "-"
    assert names.k3k_name("a" * 52, "server", "more") == f"{dashed[:56]}-{digest[:6]}"


def test_hosts_and_labels() -> None:
    assert names.is_host("a.example.com")
    assert not names.is_host("*.example.com")
    assert names.is_host("*.example.com", wildcard=True)
    assert not names.is_host("10.0.0.1")
    assert not names.is_host("localhost")
    assert names.is_label_key("example.com/a_b")
    assert not names.is_label_key("/a")
    assert not names.is_label_key("a/b/c")
    assert names.is_label_value("")
    assert not names.is_label_value("-a")
    assert names.is_email("a@acme.example")
    assert not names.is_email("a@localhost")


def test_extended_resources() -> None:
    assert names.is_extended_resource("nvidia.com/gpu")
    assert not names.is_extended_resource("cpu")
    assert not names.is_extended_resource("storage.kubernetes.io/x")


def test_a_tenant_stands_once_and_has_a_namespace_of_its_own() -> None:
    problems = Problems()
    wanted = [("acme", "t-acme"), ("beta", "t-beta"), ("acme", "t-acme"), ("beta", "t-acme")]
    assert names.check_owners("quotas", wanted, problems) == {"t-acme": "acme", "t-beta": "beta"}
    with pytest.raises(ConfigError) as raised:
        problems.raise_if_any("quotas")
    assert [(problem.path, problem.value, problem.allowed) for problem in raised.value.problems] == [
        ("quotas[acme].tenant", "acme", "each tenant once"),
        ("quotas[beta].tenant", "beta", "each tenant once"),
        ("quotas[beta].namespace", "t-acme", "a namespace of its own; it is tenant acme's already"),
    ]
