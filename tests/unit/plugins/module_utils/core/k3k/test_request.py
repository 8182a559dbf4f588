# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is refused before any request is sent, each with field, value and what is allowed (X-6; trap 9 of k3k)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import parse_clusters

from .objects import VERSION, request


def problems(*items: dict[str, Any]) -> dict[str, str]:
    """The text of each mistake, by the field."""
    with pytest.raises(ConfigError) as caught:
        parse_clusters([{"version": VERSION, **item} for item in items])
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_names_follow_from_the_tenant() -> None:
    parsed = request()
    assert (parsed.name, parsed.namespace, parsed.policy) == ("acme", "t-acme", "t-acme")
    assert parsed.labels["ai-tenancy.platform/tenant"] == "acme"
    other = request(name="second", namespace="acme-lab", policy="gold")
    assert (other.tenant, other.name, other.namespace, other.policy) == ("acme", "second", "acme-lab", "gold")


def test_the_whole_spec_is_written() -> None:
    spec = request(
        servers=3,
        agents=2,
        server_limit={"cpu": 0.5, "memory": "2048Mi"},
        worker_limit={"nvidia.com/gpu": "8"},
        persistence={"storage_class_name": "longhorn", "storage_request_size": "20Gi"},
        expose={"type": "node_port", "server_port": 30443, "annotations": {"a": "b"}},
        kubeconfig_server="k8s.example.com:443",
        tls_sans=["192.0.2.1"],
        server_envs=[{"name": "A", "value": "b"}, {"name": "B", "secret_key_ref": {"name": "s", "key": "k"}}],
        addons=[{"secret_ref": "plugin"}],
        secret_mounts=[{"secret_name": "registries", "mount_path": "/etc/rancher/k3s", "items": None}],
        token_secret="own",
        security_context={"runAsUser": 0},
        host_users=False,
        priority_class="",
    ).spec
    assert spec == {
        "mode": "virtual",
        "version": VERSION,
        "servers": 3,
        "agents": 2,
        "serverLimit": {"cpu": "500m", "memory": "2Gi"},
        "workerLimit": {"nvidia.com/gpu": "8"},
        "persistence": {"type": "dynamic", "storageClassName": "longhorn", "storageRequestSize": "20Gi"},
        "expose": {"nodePort": {"serverPort": 30443}, "annotations": {"a": "b"}},
        "tlsSANs": ["192.0.2.1", "k8s.example.com"],
        "serverEnvs": [
            {"name": "A", "value": "b"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "addons": [{"secretNamespace": "t-acme", "secretRef": "plugin"}],
        "secretMounts": [{"secretName": "registries", "mountPath": "/etc/rancher/k3s", "role": "all"}],
        "tokenSecretRef": {"name": "own", "namespace": "t-acme"},
        "securityContext": {"privileged": True, "runAsUser": 0},  # the field replaces the default as a whole
        "hostUsers": False,
    }


@pytest.mark.parametrize(
    ("option", "value", "field", "said"),
    [
        ("name", "a" * 42, "name", "1-41 characters"),
        ("name", "dot.ted", "name", "no dot"),
        ("name", "system", "name", "not 'system'"),
        ("namespace", "kube-system", "namespace", "namespace of the tenant's own"),
        ("mode", "hcp", "mode", "whole machines join"),
        ("mode", "shared", "mode", "fenced in"),
        ("version", "v1.34.4+k3s1", "version", "never '+'"),
        ("version", None, "version", "v1.34.4-k3s1"),
        ("version", "latest", "version", "image tag"),
        ("servers", 0, "servers", "odd"),
        ("servers", 2, "servers", "odd"),
        ("agents", -1, "agents", "0 or more"),
        ("cluster_cidr", "10.52.0.1/16", "cluster_cidr", "no bit set"),
        ("service_cidr", "10.52.8.0/24", "service_cidr", "apart from cluster_cidr"),
        ("cluster_dns", "10.43.0.10", "cluster_dns", "inside service_cidr 10.53.0.0/16"),
        ("persistence", {"type": "static"}, "persistence.type", "dynamic or ephemeral"),
        ("persistence", {"storage_request_size": "big"}, "persistence.storage_request_size", "20Gi"),
        ("persistence", {"type": "ephemeral", "storage_request_size": "1Gi"}, "persistence.storage_request_size", "only"),
        ("expose", {"type": "node_port", "server_port": 443}, "expose.server_port", "30000 to 32767"),
        ("expose", {"type": "node_port", "etcd_port": 2379}, "expose.etcd_port", "30000 to 32767"),
        ("expose", {"type": "node_port", "server_port": 30001, "etcd_port": 30001}, "expose.etcd_port", "another port"),
        ("expose", {"type": "load_balancer", "server_port": 8443}, "expose.server_port", "443"),
        ("expose", {"type": "load_balancer", "etcd_port": 2380}, "expose.etcd_port", "2379"),
        ("expose", {"type": "none", "server_port": 30443}, "expose.server_port", "only with type"),
        ("expose", {"type": "ingress"}, "expose.type", "DNS name in tls_sans"),
        ("kubeconfig_server", "https://k8s.example.com", "kubeconfig_server", "no https://"),
        ("kubeconfig_server", "k8s.example.com:99999", "kubeconfig_server", "':port'"),
        ("tls_sans", ["k8s.example.com:6443"], "tls_sans", "no port"),
        ("server_args", ["--a b"], "server_args[0]", "shell script"),
        ("server_args", ["--ok", '--q="x"'], "server_args[1]", "shell script"),
        ("server_args", ["--a=$HOME"], "server_args[0]", "shell script"),
        ("server_args", ["--token=abcdef"], "server_args[0]", "no secret in plain text"),
        ("server_args", ["--datastore-endpoint=postgres://u:p@db/k"], "server_args[0]", "no secret in plain text"),
        ("agent_args", [""], "agent_args[0]", "not empty"),
        ("server_envs", [{"name": "1 2"}], "server_envs[1 2]", "name of an environment variable"),
        ("server_envs", [{"name": "A"}, {"name": "A"}], "server_envs[A]", "each variable once"),
        ("server_envs", [{"name": "DB_PASSWORD", "value": "hunter22"}], "server_envs[DB_PASSWORD]", "secret_key_ref"),
        ("server_limit", {"nvidia.com/gpu": 1}, "server_limit.nvidia.com/gpu", "accelerators go to the agents"),
        ("server_limit", {"cpu": "1 core"}, "server_limit.cpu", "quantity"),
        ("worker_limit", {"nvidia.com/gpu": 0.5}, "worker_limit.nvidia.com/gpu", "whole number"),
        ("worker_limit", {"nvidia.com/gpu": "500m"}, "worker_limit.nvidia.com/gpu", "whole number"),
        ("worker_limit", {"requests.nvidia.com/gpu": 1}, "worker_limit.requests.nvidia.com/gpu", "own name"),
        ("worker_resources", {"limits": {"nvidia.com/gpu": 1}}, "worker_resources.limits.nvidia.com/gpu", "worker_limit"),
        ("worker_resources", {"limits": {"ephemeral-storage": 1}}, "worker_resources.limits.ephemeral-storage", "cpu"),
        ("secret_mounts", [{"mount_path": "/a"}], "secret_mounts[0].secret_name", "skips"),
        ("secret_mounts", [{"secret_name": "a", "mount_path": "b"}], "secret_mounts[0].mount_path", "absolute"),
        ("security_context", {"privileged": False}, "security_context.privileged", "true"),
        ("node_selector", {"a b": "c"}, "node_selector.a b", "label"),
        ("custom_cas", {"server_ca": "a"}, "custom_cas.client_ca", "all six"),
        ("addons", [{"secret_namespace": "a"}], "addons[0].secret_ref", "Secret"),
    ],
)  # fmt: skip
def test_refused(option: str, value: Any, field: str, said: str) -> None:
    item = {"tenant": "acme", option: value}
    found = problems(item)
    label = value if option == "name" else "acme"
    assert said in found[f"clusters[{label}].{field}"]


@pytest.mark.parametrize("role", ["server", "worker"])
def test_limit_and_resources_exclude_each_other(role: str) -> None:
    """k3k puts the resources on the pod and drops the limits, accelerators included."""
    found = problems({"tenant": "a", f"{role}_limit": {"cpu": 1}, f"{role}_resources": {"requests": {"cpu": 1}}})
    assert "k3k then drops the limits" in found[f"clusters[a].{role}_resources"]


@pytest.mark.parametrize("kind", ["node_port", "load_balancer"])
def test_etcd_must_stay_exposed_with_more_servers(kind: str) -> None:
    expose = {"type": kind, "etcd_port": 0}
    assert "etcd members" in problems({"tenant": "a", "servers": 3, "expose": expose})["clusters[a].expose.etcd_port"]
    assert request(servers=1, expose=expose).spec["expose"]


def test_ephemeral_with_more_servers_splits_the_cluster() -> None:
    found = problems({"tenant": "a", "servers": 3, "persistence": {"type": "ephemeral"}})
    assert "second cluster behind the same address" in found["clusters[a].persistence.type"]


def test_same_secret_twice_needs_names() -> None:
    mounts = [{"secret_name": "s", "mount_path": "/a"}, {"secret_name": "s", "mount_path": "/b"}]
    assert "name of its own" in problems({"tenant": "a", "secret_mounts": mounts})["clusters[a].secret_mounts[1].name"]
    assert request(secret_mounts=[mounts[0], {**mounts[1], "name": "again"}])


def test_all_mistakes_of_all_items_at_once() -> None:
    found = problems({"tenant": "a", "servers": 2, "mode": "hcp"}, {"tenant": "b", "version": "1"})
    assert set(found) == {"clusters[a].servers", "clusters[a].mode", "clusters[b].version"}


def test_what_items_must_not_share() -> None:
    port = {"type": "node_port", "server_port": 30443}
    found = problems(
        {"tenant": "a", "expose": port},
        {"tenant": "a"},
        {"tenant": "b", "expose": port},
        {"tenant": "c", "policy": "t-a"},
    )
    assert "twice in namespace t-a" in found["clusters[a].name"]
    assert "cluster a's already" in found["clusters[b].expose.server_port"]
    assert "tenant a's already" in found["clusters[c].policy"]


def test_a_secret_is_not_repeated_in_the_message() -> None:
    with pytest.raises(ConfigError) as caught:
        request(server_args=["--token=s3cr3t-t0ken"], server_envs=[{"name": "K3S_TOKEN", "value": "s3cr3t-t0ken"}])
    assert "s3cr3t" not in str(caught.value)
    assert len(caught.value.problems) == 2


def test_absent_needs_only_the_name() -> None:
    parsed = parse_clusters([{"tenant": "acme", "state": "absent", "policy_removal": "never"}])[0]
    assert (parsed.present, parsed.policy_removal, parsed.spec) == (False, "never", {})


JUNK = st.none() | st.integers() | st.text(max_size=20) | st.booleans() | st.floats(allow_nan=False)
AMOUNTS = st.dictionaries(st.text(max_size=20), JUNK, max_size=3)


@given(
    st.fixed_dictionaries(
        {"tenant": st.text(max_size=30)},
        optional={
            "name": st.text(max_size=60),
            "namespace": st.text(max_size=60),
            "version": st.text(max_size=20),
            "servers": st.integers() | st.none(),
            "agents": st.integers() | st.none(),
            "cluster_cidr": st.text(max_size=20),
            "service_cidr": st.text(max_size=20),
            "cluster_dns": st.text(max_size=20),
            "kubeconfig_server": st.text(max_size=30),
            "tls_sans": st.lists(st.text(max_size=20), max_size=3),
            "server_args": st.lists(JUNK, max_size=3),
            "server_limit": AMOUNTS,
            "worker_limit": AMOUNTS,
            "worker_resources": st.fixed_dictionaries({"limits": AMOUNTS}),
            "expose": st.fixed_dictionaries({"type": st.text(max_size=12), "server_port": st.integers()}),
            "persistence": st.fixed_dictionaries({"storage_request_size": st.text(max_size=10)}),
            "server_envs": st.lists(st.fixed_dictionaries({"name": JUNK, "value": JUNK}), max_size=2),
            "secret_mounts": st.lists(st.fixed_dictionaries({"secret_name": JUNK, "mount_path": JUNK}), max_size=2),
        },
    )
)
def test_junk_is_refused_and_never_crashes(item: dict[str, Any]) -> None:
    with suppress(ConfigError):
        assert parse_clusters([item])
