# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What stands in a node's files, by role and version, and what a restart depends on (RKE2-7)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.declaration import (
    Surroundings,
    parse,
    settings_of,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.files import (
    Settings,
    files_of,
    start_digest,
    start_digests,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.keys import merge

from .nodes import CA_HASH, TOKEN, variables

ALONE = Surroundings()
ALL = {
    "token": TOKEN,
    "agent_token": "0a1b2c3d4e5f6a7b8c9d",
    "api_vip_address": "10.0.0.100",
    "api_vip_mode": "kube_vip",
    "tls_san_extra": ["k8s.lan"],
    "cni": ["multus", "cilium"],
    "node_name": "n1",
    "node_ip": "10.0.0.1,fd00::1",
    "node_taints": ["a.b/c=d:NoSchedule"],
    "profile": "cis",
    "selinux": True,
    "secrets_encryption_provider": "secretbox",
    "audit_policy": {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]},
    "pod_security": {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration"},
    "registries": {"configs": {"registry.example.com": {"auth": {"username": "u", "password": "geheim-123"}}}},
    "etcd_snapshot": {"schedule": "0 */6 * * *", "retention": 7, "s3": {"bucket": "b", "secret_key": "geheim-456"}},
    "environment": {"HTTPS_PROXY": "http://proxy:3128"},
    "config": {"kubelet-arg": ["max-pods=200"], "debug": True},
    "server_config": {"kubelet-arg+": ["v=2"]},
    "host_config": {"debug": False},
}


def settings(node_type: str = "server", around: Surroundings = ALONE, **changes: Any) -> Settings:
    problems = Problems()
    result = settings_of(parse(problems, "n1", node_type, variables(**changes)), around)
    assert list(problems) == []
    return result


def texts(one: Settings) -> dict[str, str]:
    return {file.path: file.text for file in files_of(one) if file.text is not None}


def test_a_server_with_everything() -> None:
    found = texts(settings(around=Surroundings("k8s.example.com", CA_HASH), **ALL))
    assert yaml.safe_load(found[places.CONFIG]) == {
        "server": "https://k8s.example.com:9345",
        "token-file": "/etc/rancher/rke2/token",
        "agent-token-file": "/etc/rancher/rke2/agent-token",
        "node-name": "n1",
        "node-ip": ["10.0.0.1", "fd00::1"],
        "tls-san": ["k8s.example.com", "10.0.0.100", "k8s.lan"],
        "cni": ["multus", "cilium"],
        "ingress-controller": "traefik",
        "cluster-cidr": "10.42.0.0/16",
        "service-cidr": "10.43.0.0/16",
        "cluster-domain": "cluster.local",
        "write-kubeconfig-mode": "0600",
        "secrets-encryption-provider": "secretbox",
        "audit-policy-file": places.AUDIT_POLICY,
        "pod-security-admission-config-file": places.POD_SECURITY,
        "etcd-snapshot-schedule-cron": "0 */6 * * *",
        "etcd-snapshot-retention": 7,
        "etcd-s3": True,
        "etcd-s3-bucket": "b",
        "etcd-s3-secret-key": "geheim-456",
        "node-taint": ["a.b/c=d:NoSchedule"],
        "profile": "cis",
        "selinux": True,
        "debug": False,
        "kubelet-arg": ["max-pods=200", "v=2"],
    }
    assert found[places.TOKEN] == f"K10{CA_HASH}::server:{TOKEN}\n"
    assert yaml.safe_load(found[places.REGISTRIES]) == ALL["registries"]
    assert 'HTTPS_PROXY="http://proxy:3128"' in found[places.environment_file("server")]
    assert "vm.overcommit_memory = 1\n" in found[places.CIS_SYSCTL]
    kinds = [one["kind"] for one in yaml.safe_load_all(found[f"{places.MANIFESTS}/ai-tenancy-kube-vip.yaml"])]
    assert kinds == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DaemonSet"]


def test_an_agent_has_no_keys_of_servers() -> None:
    found = texts(settings("agent", Surroundings("k8s.example.com", CA_HASH), **{**ALL, "server_config": {}}))
    assert set(yaml.safe_load(found[places.CONFIG])) == {
        "server",
        "token-file",
        "node-name",
        "node-ip",
        "node-taint",
        "profile",
        "selinux",
        "debug",
        "kubelet-arg",
    }
    assert found[places.TOKEN] == f"K10{CA_HASH}::node:{ALL['agent_token']}\n"
    assert places.AGENT_TOKEN not in found
    assert places.AUDIT_POLICY not in found


def test_the_seed_joins_nobody_and_takes_the_short_token() -> None:
    found = texts(settings(around=Surroundings(fresh=True, ca_hash=CA_HASH)))
    assert "server" not in yaml.safe_load(found[places.CONFIG])
    assert found[places.TOKEN] == f"{TOKEN}\n"


def test_every_file_can_be_read_by_root_only() -> None:
    files = files_of(settings(**ALL))
    assert {file.mode for file in files if file.path != places.CIS_SYSCTL} == {0o600}


def test_own_ca_only_for_a_new_cluster() -> None:
    ca = {"server-ca.crt": "cert", "server-ca.key": "geheim-789"}
    assert settings(around=Surroundings(fresh=True), custom_ca=ca).custom_ca == ca
    assert settings(custom_ca=ca).custom_ca == {}


def test_all_secrets_are_known() -> None:
    found = settings(**ALL, custom_ca={"server-ca.key": "geheim-789"}, around=Surroundings(fresh=True)).secrets
    assert {TOKEN, ALL["agent_token"], "geheim-123", "geheim-456", "geheim-789"} == set(found)


@pytest.mark.parametrize("version", ["v1.33.13+rke2r2", "v1.34.10+rke2r1", "v1.35.7+rke2r1", "v1.36.3+rke2r1"])
def test_the_ingress_controller_never_depends_on_the_version(version: str) -> None:
    """RKE2's own default changed with 1.36; ours is always written down."""
    assert settings(version=version).config["ingress-controller"] == "traefik"


def test_labels_and_taints_do_not_ask_for_a_restart() -> None:
    one, other = settings(node_taints=["a=b:NoSchedule"]), settings(node_taints=["c=d:NoExecute"])
    assert texts(one) != texts(other)
    assert start_digests(files_of(one)) == start_digests(files_of(other))


def test_pinning_the_ca_does_not_ask_for_a_restart_but_another_secret_does() -> None:
    short, pinned = f"{TOKEN}\n", f"K10{CA_HASH}::server:{TOKEN}\n"
    assert start_digest(places.TOKEN, short) == start_digest(places.TOKEN, pinned)
    assert start_digest(places.TOKEN, short) != start_digest(places.TOKEN, "another-secret-token\n")


def test_layers_merge_as_told() -> None:
    merged = merge({"a": ["x"], "m": {"p": 1}}, {"a": ["y"], "m": {"q": 2}}, {"a+": ["z"], "b+": "w"})
    assert merged == {"a": ["y", "z"], "m": {"p": 1, "q": 2}, "b": ["w"]}


def test_snapshots_can_be_switched_off() -> None:
    config = settings(etcd_snapshot={"enabled": False}).config
    assert config["etcd-disable-snapshots"] is True
