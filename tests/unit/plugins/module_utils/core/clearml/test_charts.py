# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From tenants to the values of their agents and gateways (CML-4, CML-5)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.clearml import FilterModule
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import agent, exposure, gateway
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file
from tests.lab.charts import keys

filters = FilterModule().filters()
FILE = yaml.safe_load("""
apiVersion: tenancy/v1
fleet: {networks: {node_cidrs: [198.19.0.0/16]}}
defaults:
  owner: {email: it@example.com}
  isolation: {level: dedicated, node_selector: {pool: a}}
tenants:
  - id: acme
    cluster: {version: v1.34.4-k3s1, agents: 2, worker_limit: {cpu: "96", memory: 900Gi, nvidia.com/gpu: 8}, expose: {type: none}}
    quota: {accelerators: {nvidia.com/gpu: 16}}
    clearml:
      admin: {email: platform+acme@example.com}
      queues:
        - name: eight
          gpu: 8
          max_pods: 2
          template: {nodeSelector: {gpu: h100}, resources: {limits: {memory: 64Gi}, requests: {cpu: "8"}}}
        - {name: cpu, gpu: 0}
  - id: beta
    isolation: {node_selector: {pool: b}}
    cluster: {version: v1.34.4-k3s1, agents: 1, worker_limit: {cpu: 8, memory: 90Gi, nvidia.com/mig-1g.10gb: 4}, expose: {type: none}}
    quota: {accelerators: {nvidia.com/mig-1g.10gb: 4}}
    clearml:
      admin: {email: platform+beta@example.com}
      agent: {placement: host, chart_version: 6.9.1, max_gpus: 2, report_max: 3}
      queues: [{name: slice, gpu: 1, resource: nvidia.com/mig-1g.10gb}]
  - id: none
    isolation: {node_selector: {pool: c}}
    cluster: {version: v1.34.4-k3s1, expose: {type: none}}
    clearml: {enabled: false}
""")
SITE = {
    "base_domain": "clearml.example.com",
    "cookie_name": "allegro_token",
    "versions": {"agent": "6.14.6", "gateway": "3.2.0"},
}


@pytest.fixture(scope="module")
def declared() -> list[dict[str, Any]]:
    tenants: list[dict[str, Any]] = parse_tenants_file(FILE).to_dict()["tenants"]
    return tenants


@pytest.fixture
def tenants(declared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return copy.deepcopy(declared)


def agents(tenants: list[dict[str, Any]], **site: Any) -> dict[str, Any]:
    return {item["tenant"]: item for item in filters["clearml_agent_releases"](tenants, {**SITE, **site})}


def gateways(tenants: list[dict[str, Any]], **site: Any) -> dict[str, Any]:
    return {item["tenant"]: item for item in filters["clearml_gateway_releases"](tenants, {**SITE, **site})}


def mistakes(kind: str, tenants: list[dict[str, Any]], **site: Any) -> list[str]:
    with pytest.raises(AnsibleFilterError) as caught:
        filters[f"clearml_{kind}_releases"](tenants, {**SITE, **site})
    return [line.removeprefix("  - ") for line in str(caught.value).splitlines()[1:]]


def test_an_agent_gets_the_tenants_credentials_queues_and_limits(tenants: list[dict[str, Any]]) -> None:
    found = agents(tenants)
    assert list(found) == ["acme", "beta"]
    acme = found["acme"]
    assert (acme["placement"], acme["namespace"], acme["version"]) == ("tenant", "clearml", "6.14.6")
    assert acme["secret"] == "clearml-agent-credentials"
    assert acme["values"] == {
        "clearml": {"existingAgentk8sglueSecret": "clearml-agent-credentials"},
        "agentk8sglue": {
            "apiServerUrlReference": "https://api.clearml.example.com",
            "fileServerUrlReference": "https://files.clearml.example.com",
            "webServerUrlReference": "https://app.clearml.example.com",
            "createQueues": False,
            "queues": {
                "eight": {
                    "templateOverrides": {
                        "nodeSelector": {"gpu": "h100"},
                        "resources": {"limits": {"memory": "64Gi", "nvidia.com/gpu": 8}, "requests": {"cpu": "8"}},
                    },
                    "queueSettings": {"maxPods": 2},
                },
                "cpu": {"templateOverrides": {}},
            },
            "monitoredResources": {"maxResources": 16},
            "orchestrationDashboard": {"reportType": "aggregate", "gpu": {"reportMax": 16}},
        },
    }


def test_an_agent_that_is_switched_off_is_to_go(tenants: list[dict[str, Any]]) -> None:
    tenants[0]["clearml"]["agent"]["enabled"] = False
    assert [item["state"] for item in agents(tenants).values()] == ["absent", "present"]


def test_an_older_agent_on_the_host_with_slices(tenants: list[dict[str, Any]]) -> None:
    """The chart counts GPUs only; for other devices each pod says how many it has."""
    beta = agents(tenants)["beta"]
    assert (beta["placement"], beta["namespace"], beta["version"]) == ("host", "t-beta", "6.9.1")
    glue = beta["values"]["agentk8sglue"]
    assert glue["dashboardReportMaxGpu"] == 3
    assert "orchestrationDashboard" not in glue
    field = "metadata|labels|clear.ml/resource-usage"
    assert glue["monitoredResources"] == {
        "maxResources": 2,
        "minResourcesFieldName": field,
        "maxResourcesFieldName": field,
    }
    assert glue["queues"]["slice"]["templateOverrides"] == {
        "resources": {"limits": {"nvidia.com/mig-1g.10gb": 1}},
        "labels": {"clear.ml/resource-usage": "1"},
    }


@pytest.mark.parametrize(
    ("version", "key"), [("6.10.2", "dashboardReportMaxGpu"), ("6.10.3", "orchestrationDashboard")]
)
def test_what_the_dashboard_shows_changed_its_name(tenants: list[dict[str, Any]], version: str, key: str) -> None:
    values = agents(tenants, versions={"agent": version})["acme"]["values"]["agentk8sglue"]
    assert {"dashboardReportMaxGpu", "orchestrationDashboard"} & set(values) == {key}


def test_the_site_adds_pull_secrets_hosts_and_a_pod_template(tenants: list[dict[str, Any]]) -> None:
    site = {"pull_secrets": ["clearml"], "pod_template": {"tolerations": []}, "hosts": {"api": "ml-api.example.com"}}
    values = agents(tenants, **site)["acme"]["values"]
    assert values["imageCredentials"] == {"extraImagePullSecrets": [{"name": "clearml"}]}
    assert values["agentk8sglue"]["basePodTemplate"] == {"tolerations": []}
    assert values["agentk8sglue"]["apiServerUrlReference"] == "https://ml-api.example.com"
    values = gateways(tenants, **site)["acme"]["values"]
    assert values["imageCredentials"] == {"existingImagePullSecrets": [{"name": "clearml"}]}


def test_a_gateway_gets_host_cookie_and_ports_and_no_credentials(tenants: list[dict[str, Any]]) -> None:
    found = gateways(tenants, ports={"acme": "30000-30019"}, load_balancer_class="metallb")
    assert list(found) == ["acme", "beta"]
    assert found["acme"]["values"] == {
        "clearml": {"apiServerUrlReference": "https://api.clearml.example.com", "authCookieName": "allegro_token"},
        "ingress": {"enabled": True, "hostName": "router.acme.clearml.example.com"},
        "service": {"type": "ClusterIP"},
        "streamSession": {
            "routerAddress": "tcp-router.acme.clearml.example.com",
            "service": {"type": "LoadBalancer", "loadBalancerClass": "metallb"},
            "portRange": {"start": 30000, "end": 30019},
        },
    }
    assert found["acme"]["credential_values"] == gateway.CREDENTIAL_VALUES
    # It lies where the agent lies, for it sees the jobs of its own namespace only.
    assert (found["beta"]["placement"], found["beta"]["namespace"]) == ("host", "t-beta")
    assert "streamSession" not in found["beta"]["values"]


def test_an_older_gateway_calls_its_sessions_otherwise(tenants: list[dict[str, Any]]) -> None:
    values = gateways(tenants, versions={"gateway": "2.9.0"}, ports={"acme": "1-1"})["acme"]["values"]
    assert values["tcpSession"]["portRange"] == {"start": 1, "end": 1}
    assert "streamSession" not in values


@pytest.mark.parametrize("kind", ["agent", "gateway"])
def test_no_value_that_the_chart_does_not_know(tenants: list[dict[str, Any]], kind: str) -> None:
    chart, version = {
        "agent": ("clearml-enterprise-agent", "6.14.6"),
        "gateway": ("clearml-enterprise-app-gateway", "3.2.0"),
    }[kind]
    tenants[1]["clearml"]["agent"]["chart_version"] = None
    site = {"pull_secrets": ["x"], "pod_template": {"env": []}, "ports": {"acme": "1-2"}, "load_balancer_class": "x"}
    for item in filters[f"clearml_{kind}_releases"](json.dumps(tenants), {**SITE, **site}):
        assert keys.unknown(item["values"], keys.recorded(chart, version)) == []


@pytest.mark.parametrize("other", ["30019-30030", "29990-30000", "30005-30006", "29999-30020"])
def test_ports_of_two_gateways_never_overlap(tenants: list[dict[str, Any]], other: str) -> None:
    assert mistakes("gateway", tenants, ports={"acme": "30000-30019", "beta": other}) == [
        f"site.ports.beta: {other!r} is not allowed; allowed: ports of its own; site.ports.acme is 30000-30019"
    ]
    assert "streamSession" in gateways(tenants, ports={"acme": "30000-30019", "beta": "30020-30039"})["beta"]["values"]


@pytest.mark.parametrize("text", ["", "30000", "30019-30000", "0-5", "65530-65536", "29000-30050", "a-b", 30000, None])
def test_what_is_no_range_of_ports(text: Any) -> None:
    assert exposure.parse_ports(text) is None


def test_mistakes_of_all_tenants_come_at_once(tenants: list[dict[str, Any]]) -> None:
    for tenant in tenants[:2]:
        tenant["clearml"]["app_gateway"]["host"] = "apps.other.example.com"
    found = mistakes("gateway", tenants, cookie_name="", ports={"none": "1-2"}, versions={"gateway": "2.0.9"})
    assert [line.partition(": ")[0] for line in found] == [
        "site.cookie_name",
        "tenants[acme].clearml.app_gateway.host",
        "tenants[beta].clearml.app_gateway.host",
        "tenants[beta].clearml.app_gateway.host",
        "site.ports.none",
        "site.versions.gateway",
    ]
    assert "a host below clearml.example.com, the domain of the server's login cookie" in found[1]
    assert found[3].endswith("a host of its own; this one is tenant acme's (apps.other.example.com)")


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("router.beta.clearml.example.com", "a host in acme.clearml.example.com, the tenant's domain"),
        ("acme-apps.clearml.example.com", "site.domains names another"),
        ("xacme.clearml.example.com", "a host in acme.clearml.example.com"),
        ("api.clearml.example.com", "this one is the server's (api)"),
        ("*.clearml.example.com", "this one is the server's (api)"),
        ("router_1.acme.clearml.example.com", "a lower case DNS name"),
    ],
)
def test_a_host_lies_in_the_tenants_domain(tenants: list[dict[str, Any]], host: str, why: str) -> None:
    tenants[0]["clearml"]["app_gateway"]["host"] = host
    found = mistakes("gateway", tenants)
    assert all(line.startswith(f"tenants[acme].clearml.app_gateway.host: {host!r}") for line in found[:1])
    assert why in "\n".join(found)


def test_a_tenant_may_have_a_domain_of_another_name(tenants: list[dict[str, Any]]) -> None:
    tenants[0]["clearml"]["app_gateway"]["host"] = "*.ml.clearml.example.com"
    site = {"domains": {"acme": "ml.clearml.example.com"}, "ports": {"acme": "1-2", "beta": "3-4"}}
    found = gateways(tenants, **site, addresses={"beta": "192.0.2.7"})
    assert found["acme"]["values"]["ingress"]["hostName"] == "*.ml.clearml.example.com"
    assert found["acme"]["values"]["streamSession"]["routerAddress"] == "tcp-router.ml.clearml.example.com"
    assert found["beta"]["values"]["streamSession"]["routerAddress"] == "192.0.2.7"


def test_one_host_is_not_meant_twice_by_a_wildcard(tenants: list[dict[str, Any]]) -> None:
    domains = {"acme": "ml.clearml.example.com", "beta": "ml.clearml.example.com"}
    tenants[0]["clearml"]["app_gateway"]["host"] = "*.ml.clearml.example.com"
    (found,) = mistakes("gateway", tenants, domains=domains)
    assert found.startswith("tenants[beta].clearml.app_gateway.host: 'router.ml.clearml.example.com'")
    assert found.endswith("this one is tenant acme's (*.ml.clearml.example.com)")
    tenants[:2] = tenants[1::-1]
    (found,) = mistakes("gateway", tenants, domains=domains)
    assert found.startswith("tenants[acme].clearml.app_gateway.host: '*.ml.clearml.example.com'")


def test_a_gateway_that_is_switched_off_is_to_go(tenants: list[dict[str, Any]]) -> None:
    """Its host is free for others, its ports stay its own."""
    tenants[0]["clearml"]["app_gateway"] = {"enabled": False, "host": "nowhere.example.com"}
    found = gateways(tenants, ports={"acme": "30000-30019"})
    assert [item["state"] for item in found.values()] == ["absent", "present"]
    tenants[1]["clearml"]["app_gateway"]["enabled"] = False
    assert gateways(tenants, cookie_name="")["beta"]["state"] == "absent"


def test_thousands_of_gateways_are_compared_at_once(tenants: list[dict[str, Any]]) -> None:
    many = [{**tenants[0], "id": f"t{number}", "namespace": f"t-t{number}"} for number in range(3000)]
    ports = {f"t{number}": f"{10_000 + 4 * number}-{10_003 + 4 * number}" for number in range(2000)}
    found = gateways(many, ports=ports)
    assert len(found) == 3000
    assert found["t1999"]["values"]["streamSession"]["portRange"] == {"start": 17_996, "end": 17_999}


def test_a_tenant_that_has_left_has_no_gateway(tenants: list[dict[str, Any]]) -> None:
    tenants[0]["state"] = "absent"
    assert list(gateways(tenants)) == ["beta"]


RIGHT: dict[str, Any] = {
    "base_domain": "clearml.example.com",
    "cookie_domain": "example.com",
    "cookie_name": "",
    "hosts": {},
    "version": "",
    "values": {},
    "domains": {"acme": "acme.example.com"},
    "ports": {"acme": "30000-30019", "beta": "30020-30039"},
    "addresses": {"acme": "192.0.2.7", "beta": "tcp.example.com"},
    "load_balancer_class": "",
    "exposure": {},
}


@pytest.mark.parametrize(
    ("setting", "value", "place"),
    [
        ("base_domain", "clearml", "base_domain"),
        ("cookie_domain", "", "cookie_domain"),
        ("cookie_name", "a b", "cookie_name"),
        ("hosts", {"web": "x.example.com"}, "hosts.web"),
        ("hosts", {"api": "x"}, "hosts.api"),
        ("version", "2.0.9", "version"),
        ("values", {"clearml": {"apiKey": "x"}}, "values.clearml.apiKey"),
        ("values", {"imageCredentials": {"password": "x"}}, "values.imageCredentials.password"),
        ("domains", {"acme": "*.example.com"}, "domains.acme"),
        ("ports", {"acme": "1-2", "beta": "2-3"}, "ports.beta"),
        ("ports", {"acme": 30000}, "ports.acme"),
        ("addresses", {"acme": "a b"}, "addresses.acme"),
        ("load_balancer_class", "a b", "load_balancer_class"),
        ("exposure", {"issuer": "ca"}, "exposure.ingress_class"),
        ("exposure", {"ingress_class": "nginx", "class": "x"}, "exposure.class"),
        ("exposure", {"ingress_class": "Not a name"}, "exposure.ingress_class"),
        ("exposure", {"ingress_class": "nginx", "annotations": "x"}, "exposure.annotations"),
        ("exposure", {"ingress_class": "nginx", "issuer": "ca", "tls_secret": "x"}, "exposure.tls_secret"),
    ],
)
def test_mistakes_in_the_settings_of_the_role(setting: str, value: Any, place: str) -> None:
    assert list(gateway.check(RIGHT)) == []
    (found,) = gateway.check({**RIGHT, setting: value})
    assert found.path == f"clearml_gateway_{place}"


def test_mistakes_in_the_settings_of_the_agents_role() -> None:
    right = {"base_domain": "clearml.example.com", "hosts": {}, "version": "6.14.6", "values": {}}
    assert list(agent.check(right)) == []
    wrong = {
        "base_domain": "",
        "hosts": {"web": "x"},
        "version": "5.3.2",
        "values": {"clearml": {"agentk8sglueKey": "x"}},
    }
    assert [problem.path for problem in agent.check(wrong)] == [
        "clearml_agent_base_domain",
        "clearml_agent_hosts.web",
        "clearml_agent_version",
        "clearml_agent_values.clearml.agentk8sglueKey",
    ]


def test_mistakes_in_agents(tenants: list[dict[str, Any]]) -> None:
    tenants[1]["clearml"]["agent"]["chart_version"] = "5.3.1"
    queue = tenants[0]["clearml"]["queues"][0]
    queue["template"] = {"nodeselector": {}, "resources": {"limits": {"nvidia.com/gpu": 4}}}
    found = mistakes("agent", tenants, base_domain="clearml")
    assert [line.partition(": ")[0] for line in found] == [
        "site.base_domain",
        "tenants[acme].clearml.queues[0].template.nodeselector",
        "tenants[acme].clearml.queues[0].template.resources.limits.nvidia.com/gpu",
        "tenants[beta].clearml.agent.chart_version",
    ]
    assert found[2].endswith("4 is not allowed; allowed: not here; gpu says it")
    assert mistakes("agent", tenants, versions={}, base_domain="x.example.com")[0].startswith("site.versions.agent: ''")


def test_a_field_of_the_site_that_there_is_not(tenants: list[dict[str, Any]]) -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"site\.domain: not allowed; allowed: addresses, base_domain, cookie_domain"
    ):
        filters["clearml_agent_releases"](tenants, {"domain": "x"})
