# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bad input stops before any change, all mistakes in one message (TEN-7, TEN-11)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

from . import files

GPU = "nvidia.com/gpu"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE"
REF = {"secret_ref": {"name": "a", "key": "b"}}


def test_the_small_file_is_fine() -> None:
    assert files.messages(files.minimal()) == ""


# What is changed in the small file, and what the one message must say.
CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown key": ({"clutser": {}}, ("tenants[acme]: 'clutser'", "did you mean cluster?")),
    "key one level too high": ({"servers": 3}, ("tenants[acme]: 'servers'", "did you mean cluster.servers?")),
    "unknown nested key": ({"cluster": {"agnets": 1}}, ("tenants[acme].cluster: 'agnets'", "did you mean agents?")),
    "reserved id": ({"id": "kube-x"}, ("tenants[kube-x].id", "not reserved")),
    "id form": ({"id": "Acme_1"}, ("tenants[Acme_1].id", "2-20 characters")),
    "namespace of the platform": ({"namespace": "kube-system"}, (".namespace", "not one of the platform's")),
    "state": ({"state": "gone"}, ("present, suspended, absent",)),
    "missing version": ({"cluster": {"version": None}}, (".cluster.version", "required")),
    "missing owner": ({"owner": None}, (".owner.email", "required")),
    "version with plus": ({"cluster": {"version": "v1.34.4+k3s1"}}, (".cluster.version", "v1.34.4-k3s1")),
    "version form": ({"cluster": {"version": "1.34"}}, (".cluster.version", "k3s image tag")),
    "even servers": ({"cluster": {"servers": 2}}, (".cluster.servers: 2", "1, 3 or 5", "odd")),
    "flag for a number": ({"cluster": {"servers": True}}, (".cluster.servers: True",)),
    "shared mode": ({"cluster": {"mode": "shared"}}, (".cluster.mode", "no isolation")),
    "cluster name": ({"cluster": {"name": "x" * 42}}, (".cluster.name", "1-41 characters")),
    "GPU as a fraction": ({"quota": {"accelerators": {GPU: 0.5}}}, (f"accelerators[{GPU}]: 0.5", "cannot be split")),
    "GPU in milli": ({"quota": {"accelerators": {GPU: "500m"}}}, (f"accelerators[{GPU}]: '500m'", "cannot be split")),
    "GPU as a flag": ({"quota": {"accelerators": {GPU: True}}}, ("True", "whole number")),
    "requests. prefix": (
        {"quota": {"accelerators": {"requests." + GPU: 1}}},
        ("quota.accelerators: 'requests.nvidia.com/gpu'", "here nvidia.com/gpu"),
    ),
    "limits. prefix": ({"quota": {"accelerators": {"limits." + GPU: 1}}}, ("without 'limits.'",)),
    "bare prefix": ({"quota": {"accelerators": {"gpu": 1}}}, ("'gpu'", "with its vendor")),
    "no accelerator": ({"quota": {"accelerators": {"nvidia.com/gup": 0}}}, ("did you mean nvidia.com/gpu?",)),
    "guarantee above the quota": (
        {"quota": {"guaranteed": {GPU: 3}}},
        (f"quota.guaranteed[{GPU}]: 3", "at most", "0"),
    ),
    "agents above the quota": (
        {
            "cluster": {"agents": 3, "worker_limit": {GPU: 8}},
            "quota": {"accelerators": {GPU: 16}},
            "isolation": {"accept_risk": True},
        },
        (f"worker_limit[{GPU}]: '3 agents x 8 = 24'", "16, in total"),
    ),
    "fraction in the worker limit": ({"cluster": {"worker_limit": {GPU: "500m"}}}, (f"worker_limit[{GPU}]: '500m'",)),
    "limit and resources": (
        {"cluster": {"worker_limit": {"cpu": 4}, "worker_resources": {"limits": {"cpu": 4}}}},
        (".cluster.worker_resources", "not both"),
    ),
    "server limit and resources": (
        {"cluster": {"server_limit": {"cpu": 4}, "server_resources": {"limits": {"cpu": 4}}}},
        (".cluster.server_resources", "not both"),
    ),
    "device in pod-level resources": (
        {"cluster": {"worker_resources": {"limits": {GPU: 8}}}},
        ("worker_resources.limits: 'nvidia.com/gpu'", "devices go to cluster.worker_limit"),
    ),
    "device for a server": ({"cluster": {"server_limit": {GPU: 8}}}, ("cluster.server_limit: 'nvidia.com/gpu'",)),
    "GPUs with pod-level resources": (
        {
            "cluster": {"worker_resources": {"limits": {"cpu": 4}}},
            "quota": {"accelerators": {GPU: 8}},
            "isolation": {"accept_risk": True},
        },
        (".cluster.worker_resources", "cluster.worker_limit instead"),
    ),
    "request above limit": (
        {"cluster": {"server_resources": {"requests": {"cpu": 4}, "limits": {"cpu": "2"}}}},
        ("server_resources.requests[cpu]: '4'", "at most the limit, 2"),
    ),
    "CIDR overlaps host pods": (
        {"cluster": {"cluster_cidr": "10.42.128.0/17"}},
        (".cluster_cidr", "pod_cidr 10.42.0.0/16"),
    ),
    "CIDRs overlap": (
        {"cluster": {"cluster_cidr": "10.52.0.0/15"}},
        (".service_cidr: '10.53.0.0/16'", "cluster_cidr 10.52.0.0/15"),
    ),
    "CIDR with host bits": ({"cluster": {"cluster_cidr": "10.52.0.1/16"}}, ("without host bits: 10.52.0.0/16",)),
    "DNS outside": ({"cluster": {"cluster_dns": "10.43.0.10"}}, (".cluster_dns", "inside service_cidr 10.53.0.0/16")),
    "two IP versions": ({"cluster": {"cluster_cidr": "fd00::/48"}}, (".service_cidr", "same IP version")),
    "server limit for a quota": ({"quota": {"cpu": 4}}, (".cluster.server_limit: 'no cpu'", "quota.cpu is set")),
    "quota below the pods": (
        {"cluster": {"servers": 3, "server_limit": {"memory": "8Gi"}}, "quota": {"memory": "16Gi"}},
        (".quota.memory: '16Gi'", "24Gi"),
    ),
    "too few pods": ({"cluster": {"agents": 2}, "quota": {"pods": 3}}, (".quota.pods: 3", "at least 4")),
    "too little storage": (
        {"cluster": {"servers": 3}, "quota": {"storage": {"total": "40Gi"}}},
        (".quota.storage.total: '40Gi'", "at least 60Gi"),
    ),
    "no node port": (
        {"cluster": {"expose": {"type": "nodePort"}}, "quota": {"objects": {"services.nodeports": 0}}},
        ("quota.objects[services.nodeports]: 0", "at least 2"),
    ),
    "object name": ({"quota": {"objects": {"pods": 1}}}, ("quota.objects: 'pods'", "persistentvolumeclaims")),
    "ephemeral": (
        {"cluster": {"storage": {"type": "ephemeral"}}},
        (".storage.type: 'ephemeral'", "only with isolation.level"),
    ),
    "dedicated without nodes": (
        {"isolation": {"level": "dedicated"}},
        (".isolation.level", "isolation.nodes or isolation.node_selector"),
    ),
    "shared with GPUs": ({"quota": {"accelerators": {GPU: 1}}}, (".isolation.accept_risk: False", "every GPU")),
    "ingress without host": (
        {"cluster": {"expose": {"type": "ingress"}}},
        (".expose.host: None", "an ingress needs it"),
    ),
    "ingress by address": (
        {"cluster": {"expose": {"type": "ingress", "host": "10.1.2.3"}}},
        (".expose.host: '10.1.2.3'",),
    ),
    "ingress by Traefik": (
        {"cluster": {"expose": {"type": "ingress", "host": "a.example.com", "class": "traefik"}}},
        (".expose.class", "passes TLS through"),
    ),
    "node port range": (
        {"cluster": {"expose": {"type": "nodePort", "port": 8443}}},
        (".expose.port: 8443", "30000-32767"),
    ),
    "load balancer port": (
        {"cluster": {"expose": {"type": "loadBalancer", "port": 6443}}},
        (".expose.port: 6443", "443"),
    ),
    "port of nothing": ({"cluster": {"expose": {"type": "none", "port": 443}}}, (".expose.port: 443", "nothing")),
    "shell in an option": (
        {"cluster": {"server_args": ["--a=$(id)"]}},
        (".server_args[0]: '--a=$(id)'", "does not quote"),
    ),
    "blank in an option": ({"cluster": {"server_args": ["--disable traefik"]}}, (".server_args[0]", "no blank")),
    "option of k3k": ({"cluster": {"server_args": ["--cluster-cidr=10.0.0.0/8"]}}, ("use cluster.cluster_cidr",)),
    "option that weakens": ({"cluster": {"server_args": ["--disable-network-policy"]}}, ("weaken",)),
    "anonymous access": ({"cluster": {"server_args": ["--kube-apiserver-arg=anonymous-auth=true"]}}, ("weaken",)),
    "agent option": ({"cluster": {"agent_args": ["--kubelet-arg=read-only-port=10255"]}}, (".agent_args[0]", "weaken")),
    "secret option": (
        {"cluster": {"server_args": ["--token=hunter22"]}},
        (".server_args[0]: '********'", "plain text"),
    ),
    "egress to everything": (
        {"network": {"allow_egress": [{"cidr": "0.0.0.0/0", "ports": [443], "override": True, "why": "x"}]}},
        ("allow_egress[0].cidr: '0.0.0.0/0'", "network.internet"),
    ),
    "egress to the host": (
        {"network": {"allow_egress": [{"cidr": "10.43.0.1/32", "ports": [443]}]}},
        ("allow_egress[0].cidr: '10.43.0.1/32'", "fleet.networks.service_cidr"),
    ),
    "override without a reason": (
        {"network": {"allow_egress": [{"cidr": "10.43.0.1/32", "ports": [443], "override": True}]}},
        ("allow_egress[0].why", "override needs one"),
    ),
    "egress without ports": (
        {"network": {"allow_egress": [{"cidr": "10.1.0.0/16"}]}},
        ("allow_egress[0].ports", "required"),
    ),
    "short life": ({"access": {"kubeconfig": {"ttl": "5m"}}}, (".ttl: '5m'", "from 10m to 8760h")),
    "long life": ({"access": {"kubeconfig": {"ttl": "366d"}}}, (".ttl: '366d'",)),
    "rotation after the end": (
        {"access": {"kubeconfig": {"ttl": "24h"}}},
        (".rotate_before: '168h'", "less than ttl 24h"),
    ),
    "half of OIDC": ({"access": {"oidc": {"issuer": "https://a.example"}}}, (".oidc.client_id",)),
    "system group": ({"access": {"oidc": {"admin_groups": ["system:masters"]}}}, ("admin_groups[0]", "system:")),
    "short company": ({"clearml": {"enabled": True, "company": "ab"}}, (".clearml.company: 'ab'", "3-100")),
    "queue above an agent": (
        {"clearml": {"enabled": True, "queues": [{"name": "8xGPU", "gpu": 8}]}},
        ("queues[0].gpu: 8", "wait for ever"),
    ),
    "backup without target": ({"backup": {"enabled": True}}, (".backup.target",)),
    "label of Kubernetes": ({"labels": {"app.kubernetes.io/name": "x"}}, (".labels: 'app.kubernetes.io/name'",)),
    "label of k3k": ({"labels": {"role": "x"}}, (".labels: 'role'",)),
    "no such tier": ({"tier": "gold"}, (".tier: 'gold'", "there is none")),
    "date": ({"expires": "2027-02-30"}, (".expires: '2027-02-30'",)),
    "secret under an unknown key": (
        {"clearml": {"password": "hunter22"}},
        (".clearml.password: '********'", "secret_ref"),
    ),
    "secret for a reference": (
        {"cluster": {"registry_mirror": {"pull_secret": "hunter22"}}},
        (".pull_secret: '********'", "secret_ref"),
    ),
    "half a reference": (
        {"cluster": {"external_datastore": {"secret_ref": {"name": "a"}}}},
        (".external_datastore.secret_ref.key", "required"),
    ),
    "private key in a text": ({"display_name": KEY}, (".display_name: '********'", "plain text")),
    "secret in a template": (
        {
            "clearml": {
                "enabled": True,
                "queues": [{"name": "abc", "gpu": 0, "template": {"env": [{"name": "API_KEY", "value": "hunter22"}]}}],
            }
        },
        ("queues[0].template.env[0].value: '********'",),
    ),
    "very large number": ({"cluster": {"agents": 10**5000}}, (".cluster.agents: 'a very large number'",)),
}


@pytest.mark.parametrize(("change", "parts"), CASES.values(), ids=CASES.keys())
def test_one_mistake_one_message(change: dict[str, Any], parts: tuple[str, ...]) -> None:
    data = files.minimal(**change)
    files.assert_refused(data, *parts)
    assert "hunter22" not in files.messages(data)
    assert "MIIE" not in files.messages(data)


def test_several_rules_at_once() -> None:
    data = files.minimal(
        isolation={"level": "sandboxed"},
        cluster={"storage": {"type": "ephemeral"}, "servers": 3, "mode": "hcp", "agents": 1, "worker_limit": {GPU: 1}},
        quota={"accelerators": {GPU: 1}},
    )
    text = files.messages(data)
    for part in (
        "runtime_class",
        "1 with storage.type ephemeral",
        "external_datastore",
        "cluster.agents: 1",
        "worker_limit: 'set'",
    ):
        assert part in text
    for part in ("quota.accelerators: 'set'", "expose.type: 'none'", "fleet.minimum_versions.k3k is 1.1.0"):
        assert part in text


def test_all_mistakes_of_all_tenants_are_told_at_once() -> None:
    data = files.document()
    data["surprise"] = 1
    data["apiVersion"] = "v2"
    data["fleet"]["capacity"]["check"] = "maybe"
    data["fleet"]["networks"]["service_cidr"] = "10.42.0.0/24"
    data["defaults"]["cluster"]["servers"] = 4
    data["defaults"]["namespace"] = "same"
    data["fleet"]["tiers"]["gold"]["cluster"]["agents"] = -1
    data["tenants"][0]["quota"]["accelerators"] = {GPU: "0.5"}
    data["tenants"][1]["cluster"]["version"] = "latest"
    text = files.messages(data)
    for part in (
        "file: 'surprise'",
        "apiVersion: 'v2'",
        "fleet.capacity.check: 'maybe'",
        "fleet.networks.service_cidr: '10.42.0.0/24'",
        "defaults.cluster.servers: 4",
        "defaults.namespace: 'same'",
        "fleet.tiers.gold.cluster.agents: -1",
        f"tenants[acme].quota.accelerators[{GPU}]: '0.5'",
        "tenants[beta].cluster.version: 'latest'",
        "nothing was changed",
    ):
        assert part in text, text
    assert text.count("servers: 4") == 1, "a mistake in the defaults is told once, not once for each tenant"


def test_a_mistake_that_many_tenants_inherit_is_one_line() -> None:
    data = {
        "apiVersion": "tenancy/v1",
        "defaults": {
            "owner": {"email": "a@b.example"},
            "isolation": {"level": "shared"},
            "clearml": {"enabled": False},
        },
        "tenants": [{"id": f"team-{number}"} for number in range(50)],
    }
    with pytest.raises(ConfigError) as caught:
        parse_tenants_file(data)
    assert len(caught.value.problems) == 1
    assert "cluster.version" in str(caught.value)
    assert "49 more tenants" in str(caught.value)


def two(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return a file with two small tenants."""
    one = files.minimal(**first)
    other = files.minimal(**{"id": "beta", **second})
    return {**one, "tenants": one["tenants"] + other["tenants"]}


def clearml(**values: Any) -> dict[str, Any]:
    return {"clearml": {"enabled": True, "company": values.pop("company", None), **values}}


@pytest.mark.parametrize(
    ("first", "second", "parts"),
    [
        ({}, {"id": "acme", "namespace": "t-other"}, ("tenants[acme].id: 'acme'", "tenants[acme] has this one")),
        ({}, {"namespace": "t-acme"}, ("tenants[beta].namespace: 't-acme'",)),
        ({"namespace": "t-beta"}, {}, ("tenants[beta].namespace: 't-beta'",)),
        (
            clearml(company="ACME", admin={"email": "a@a.example"}),
            clearml(company="Acme", admin={"email": "b@b.example"}),
            ("tenants[beta].clearml.company: 'Acme'", "tenants[acme] has this one"),
        ),
        (clearml(), clearml(admin={"email": "A@acme.example"}), ("tenants[beta].clearml.admin.email",)),
        (
            clearml(login={"domains": ["a.example"]}),
            clearml(admin={"email": "b@b.example"}, login={"domains": ["a.example"]}),
            ("login domain", "tenants[acme]"),
        ),
        (
            clearml(login={"whitelist": ["x@a.example"]}),
            clearml(admin={"email": "x@a.example"}),
            ("tenants[beta].clearml.admin.email",),
        ),
        (
            {"network": {"ingress_hosts": ["*.apps.example"]}},
            {"network": {"ingress_hosts": ["b.apps.example"]}},
            ("network.ingress_hosts: 'b.apps.example'", "tenants[acme] has *.apps.example"),
        ),
        (
            {"network": {"ingress_hosts": ["b.apps.example"]}},
            {"cluster": {"expose": {"type": "ingress", "host": "b.apps.example"}}},
            ("cluster.expose.host: 'b.apps.example'",),
        ),
        (
            {"network": {"ingress_hosts": ["a.b.apps.example"]}},
            {"network": {"ingress_hosts": ["*.apps.example"]}},
            ("'*.apps.example'", "tenants[acme] has a.b.apps.example"),
        ),
        (
            {"cluster": {"expose": {"type": "nodePort", "port": 30443}}},
            {"cluster": {"expose": {"type": "nodePort", "port": 30443}}},
            ("tenants[beta].cluster.expose.port: 30443",),
        ),
        ({"registry": {"project": "a"}}, {"registry": {"project": "a"}}, ("tenants[beta].registry.project",)),
        (
            {"isolation": {"level": "dedicated", "nodes": ["n1"]}},
            {"isolation": {"level": "shared", "nodes": ["n1"]}},
            ("tenants[beta].isolation.nodes: 'n1'", "tenants[acme] has it"),
        ),
        (
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "a"}}},
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "a", "zone": "b"}}},
            ("isolation.node_selector: 'pool=a,zone=b'", "tenants[acme] selects them too"),
        ),
        (
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "a"}}},
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "a"}}},
            ("tenants[beta].isolation.node_selector: 'pool=a'", "tenants[acme] selects"),
        ),
    ],
)
def test_what_only_one_tenant_may_have(first: dict[str, Any], second: dict[str, Any], parts: tuple[str, ...]) -> None:
    files.assert_refused(two(first, second), *parts)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"network": {"ingress_hosts": ["*.a.example"]}}, {"network": {"ingress_hosts": ["a.example"]}}),
        ({"isolation": {"nodes": ["n1"]}}, {"isolation": {"nodes": ["n1"]}}),
        (
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "a"}}},
            {"isolation": {"level": "dedicated", "node_selector": {"pool": "b"}}},
        ),
        (
            {"cluster": {"expose": {"type": "nodePort", "host": "node.example.com"}}},
            {"cluster": {"expose": {"type": "nodePort", "host": "node.example.com"}}},
        ),
        ({"network": {"ingress_hosts": ["*.a.example", "x.a.example"]}}, {}),
        (
            {"state": "absent", "network": {"ingress_hosts": ["a.example"]}},
            {"network": {"ingress_hosts": ["a.example"]}},
        ),
    ],
)
def test_what_two_tenants_may_share(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert files.messages(two(first, second)) == ""


def test_an_absent_tenant_still_holds_its_identity() -> None:
    files.assert_refused(two({"state": "absent"}, {"namespace": "t-acme"}), "tenants[beta].namespace")
    assert (
        files.messages(files.minimal(state="absent", cluster={"version": None}, quota={"accelerators": {GPU: 1}})) == ""
    )


def test_a_tier_can_be_overridden_in_kind() -> None:
    """A tier that exposes by ingress does not get into the way of a tenant that chooses another way."""
    data = files.minimal(tier="gold", cluster={"expose": {"type": "nodePort"}})
    data["fleet"] = {
        "tiers": {"gold": {"cluster": {"expose": {"type": "ingress", "class": "nginx", "host": "a.example.com"}}}}
    }
    assert files.messages(data) == ""


@pytest.mark.parametrize("data", [None, [], "text", 5, {}, {"apiVersion": "tenancy/v1"}, {"tenants": []}])
def test_no_tenants_file_at_all(data: Any) -> None:
    with pytest.raises(ConfigError):
        parse_tenants_file(data)
    assert parse_tenants_file({"apiVersion": "tenancy/v1", "tenants": []}).tenants == ()
