# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What leads from the host cluster to a tenant's gateway (CML-5)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.requests import tenant_requests
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import requests
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import exposure
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.request import parse_guard
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.stages import parse_stages
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

TENANT: dict[str, Any] = {"id": "acme", "cluster": {"name": "acme"}}
NGINX = {"ingress_class": "nginx"}
HOST = "router.acme.clearml.example.com"
FILE = """
apiVersion: tenancy/v1
fleet: {networks: {node_cidrs: [198.19.0.0/16]}}
tenants:
  - id: acme
    owner: {email: it@acme.example}
    isolation: {level: dedicated, node_selector: {pool: a}}
    cluster: {version: v1.34.4-k3s1, server_limit: {cpu: "1", memory: 2Gi}, expose: {type: none}}
  - id: beta
    owner: {email: it@beta.example}
    isolation: {level: dedicated, node_selector: {pool: b}}
    cluster: {version: v1.34.4-k3s1, server_limit: {cpu: "1", memory: 2Gi}, expose: {type: none}}
    clearml: {app_gateway: {enabled: false}}
"""


def objects(given: dict[str, Any], host: str = HOST, ports: tuple[int, int] | None = None) -> dict[str, list[str]]:
    """Kind and name of the objects, by what becomes of them."""
    found = exposure.stages(TENANT, given, host, ports)
    assert len(parse_stages({"namespace": "t-acme", "stages": found})) == len(found)
    return {
        stage.get("state", "present"): [f"{item['kind']} {item['metadata']['name']}" for item in stage["objects"]]
        for stage in found
    }


def test_nothing_is_made_when_nothing_is_said() -> None:
    assert exposure.stages(TENANT, {}, HOST, (1, 2)) == []
    assert exposure.ways({}, "1-2", ["198.19.0.0/16"]) == []


def test_host_and_sessions_have_a_way_and_what_is_not_wanted_goes() -> None:
    way, sessions = ["Service clearml-gateway", "Ingress clearml-gateway"], ["Service clearml-gateway-tcp"]
    assert objects(NGINX, ports=(30000, 30001)) == {"present": way + sessions}
    assert objects(NGINX) == {"present": way, "absent": sessions}
    assert objects(NGINX, host="", ports=(30000, 30001)) == {"absent": way + sessions}


def test_the_objects_point_at_the_agents_and_carry_a_certificate() -> None:
    given = {**NGINX, "issuer": "platform-ca", "annotations": {"example.com/a": "b"}}
    (stage,) = exposure.stages(TENANT, given, HOST, (30000, 30001), "example.com/lb")
    service, ingress, sessions = stage["objects"]
    assert service["spec"]["selector"] == {"cluster": "acme", "type": "agent", "mode": "virtual"}
    assert ingress["metadata"]["annotations"] == {"example.com/a": "b", "cert-manager.io/cluster-issuer": "platform-ca"}
    assert ingress["spec"]["tls"] == [{"hosts": [HOST], "secretName": "clearml-gateway-tls"}]
    assert ingress["spec"]["rules"][0]["host"] == HOST
    assert [port["targetPort"] for port in sessions["spec"]["ports"]] == [30000, 30001]
    assert (sessions["spec"]["type"], sessions["spec"]["loadBalancerClass"]) == ("LoadBalancer", "example.com/lb")
    assert {item["metadata"]["labels"]["ai-tenancy.platform/tenant"] for item in stage["objects"]} == {"acme"}


@pytest.mark.parametrize(("more", "secret"), [({}, None), ({"tls_secret": "own"}, "own")])
def test_a_certificate_of_ones_own_or_none(more: dict[str, str], secret: str | None) -> None:
    (stage, _absent) = exposure.stages(TENANT, {**NGINX, **more}, HOST, None)
    tls = stage["objects"][1]["spec"].get("tls")
    assert (tls[0]["secretName"] if tls else None) == secret


def test_the_fence_has_a_way_for_those_that_have_a_gateway() -> None:
    tenants = requests.chosen(parse_tenants_file(yaml.safe_load(FILE)).to_dict()["tenants"])
    networks = {"node_cidrs": ["198.19.0.0/16"]}
    given = {"exposure": {**NGINX, "ingress_namespace": "ingress"}, "ports": {"acme": "30000-30019"},
             "nodes": networks["node_cidrs"]}  # fmt: skip

    def fences(site: requests.Site) -> list[list[str]]:
        asked = requests.requests_for("guard", tenants, site)
        found = parse_guard({"tenants": asked, "networks": networks}).fences
        return [[str(way) for way in fence.ingress] for fence in found]

    assert fences(requests.Site()) == [[], []]
    assert fences(requests.Site(gateways=given)) == [
        ["namespace ingress TCP 80 (application gateway)", "198.19.0.0/16 TCP 30000-30019 (application gateway)"],
        [],
    ]


def limits(site: requests.Site, text: str = FILE) -> list[dict[str, int]]:
    """Numbers of objects in the base quotas of acme and beta."""
    tenants = requests.chosen(parse_tenants_file(yaml.safe_load(text)).to_dict()["tenants"])
    return [item["base"]["objects"] for item in requests.requests_for("quota", tenants, site)]


def counted(services: list[dict[str, Any]]) -> dict[str, int]:
    """What Kubernetes counts of Services; a load balancer's ports are node ports unless it says that it wants none."""
    balancers = [item["spec"] for item in services if item["spec"]["type"] == "LoadBalancer"]
    assert all("allocateLoadBalancerNodePorts" not in spec for spec in balancers)
    ports = [port for spec in balancers for port in spec["ports"]]
    return {"services.loadbalancers": len(balancers), "services.nodeports": len(ports)}


@pytest.mark.parametrize(
    ("expose", "own"),
    [("none", (0, 0)), ("nodePort, port: 30443", (0, 2)), ("loadBalancer, host: api.example.com", (1, 2))],
)
def test_the_quota_has_room_for_what_is_made_and_for_nothing_else(expose: str, own: tuple[int, int]) -> None:
    text = FILE.replace("expose: {type: none}", f"expose: {{type: {expose}}}", 1)
    given = {"exposure": NGINX, "ports": {"acme": "30000-30019", "beta": "30020-30039"}, "nodes": []}
    made = [
        item
        for stage in exposure.stages(TENANT, NGINX, HOST, (30000, 30019))
        for item in stage["objects"]
        if item["kind"] == "Service"
    ]
    more = counted(made)
    assert (more["services.loadbalancers"], more["services.nodeports"]) == (1, 20)
    balancers, ports = own
    before = {"services.loadbalancers": balancers, "services.nodeports": ports}
    none = {"services.loadbalancers": 0, "services.nodeports": 0}
    assert limits(requests.Site(), text) == [before, none]
    # beta has no gateway, so its ports count nothing.
    assert limits(requests.Site(gateways=given), text) == [{key: before[key] + more[key] for key in before}, none]


def test_the_quota_stays_without_sessions_or_without_a_way_from_the_host() -> None:
    none = {"services.loadbalancers": 0, "services.nodeports": 0}
    for given in ({"exposure": NGINX, "ports": {}}, {"exposure": {}, "ports": {"acme": "30000-30019"}}):
        assert limits(requests.Site(gateways=given)) == [none, none]


def test_what_the_tenants_file_says_is_for_all_but_the_sessions() -> None:
    said = "expose: {type: none}}\n    quota: {objects: {services.loadbalancers: 2, secrets: 5}}"
    given = {"exposure": NGINX, "ports": {"acme": "30000-30001"}}
    (acme, _beta) = limits(requests.Site(gateways=given), FILE.replace("expose: {type: none}}", said, 1))
    assert acme == {"services.loadbalancers": 3, "services.nodeports": 2, "secrets": 5}


@pytest.mark.parametrize("kind", ["guard", "quota"])
def test_ports_that_cannot_be_are_told_together(kind: str) -> None:
    tenants = requests.chosen(parse_tenants_file(yaml.safe_load(FILE)).to_dict()["tenants"])
    site = {"gateways": {"exposure": NGINX, "ports": {"acme": "30019-30000", "beta": 30000}}}
    with pytest.raises(AnsibleFilterError) as error:
        tenant_requests(tenants, kind, site)
    for said in (
        "tenants_gateway_ports.acme: '30019-30000'",
        "tenants_gateway_ports.beta: 30000",
        "the lower one first",
    ):
        assert said in str(error.value)
