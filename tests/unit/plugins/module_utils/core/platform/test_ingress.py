# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the layer ingress, and the values that RKE2's charts take for them in each of their versions (PLAT-9)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import ingress
from tests.lab.charts import keys

GOOD: dict[str, Any] = {
    "controllers": ["traefik"],
    "exposure": "host_port",
    "default_class": "",
    "tls_secret": "",
    "tls_certificate": "",
    "tls_key": "",
    "redirect_to_https": True,
    "body_size": "0",
    "timeout": 1800,
    "values": {},
}
FULL = {**GOOD, "exposure": "load_balancer", "default_class": "traefik", "tls_secret": "company-tls"}
PEM = "-----BEGIN CERTIFICATE-----"


def told(**settings: Any) -> list[str]:
    return [str(problem) for problem in ingress.check({**GOOD, **settings})]


def test_good_settings_are_taken() -> None:
    assert told() == []
    assert told(tls_secret="a", tls_certificate=PEM, tls_key=PEM, body_size="512m") == []
    assert told(controllers=["traefik", "ingress-nginx"], exposure="load_balancer", default_class="nginx") == []


@pytest.mark.parametrize(
    ("settings", "field", "allowed"),
    [
        ({"controllers": []}, "ingress_controllers: []", "one or more of traefik, ingress-nginx, each once"),
        ({"controllers": ["haproxy"]}, "ingress_controllers: ['haproxy']", "one or more of"),
        ({"controllers": ["traefik", "ingress-nginx"]}, "ingress_exposure: 'host_port'", "load_balancer"),
        ({"default_class": "nginx"}, "ingress_default_class: 'nginx'", "nothing, or one of traefik"),
        ({"body_size": "4 gigabytes"}, "ingress_body_size: '4 gigabytes'", "a size such as 512m"),
        ({"timeout": 0}, "ingress_timeout: 0", "seconds, 1 or more"),
        ({"tls_secret": "Not A Name"}, "ingress_tls_secret: 'Not A Name'", "a name of a Secret"),
        ({"tls_certificate": PEM, "tls_key": PEM}, "ingress_tls_secret: ''", "a name for the Secret"),
        ({"tls_secret": "a", "tls_certificate": PEM}, "ingress_tls_key: ''", "certificate and key together"),
        ({"values": {"nginx": {}}}, "ingress_values.nginx: {}", "values of traefik, ingress-nginx"),
    ],
)
def test_a_mistake_is_told_with_field_value_and_what_is_allowed(
    settings: dict[str, Any], field: str, allowed: str
) -> None:
    (text,) = told(**settings)
    assert field in text
    assert allowed in text


def test_a_key_is_never_repeated() -> None:
    (text,) = told(tls_secret="a", tls_certificate=PEM, tls_key="private-and-wrong")
    assert "private-and-wrong" not in text
    assert "ingress_tls_key: '(not shown)'" in text


REDIRECTION = {"entryPoint": {"to": "websecure", "scheme": "https", "permanent": True}}
TRANSPORT = {"respondingTimeouts": {"readTimeout": "1800s", "writeTimeout": "1800s", "idleTimeout": "1800s"}}


@pytest.mark.parametrize(
    ("version", "web", "service"),
    [
        ("37.1.101+up37.1.1", {"redirections": REDIRECTION}, {"type": "LoadBalancer"}),
        ("39.0.900+up39.0.9", {"http": {"redirections": REDIRECTION}}, {"type": "LoadBalancer"}),
        ("41.2.001+up41.2.0", {"http": {"redirections": REDIRECTION}}, {"spec": {"type": "LoadBalancer"}}),
        ("", {"http": {"redirections": REDIRECTION}}, {"spec": {"type": "LoadBalancer"}}),
    ],
)
def test_the_values_of_traefik_stand_where_its_version_wants_them(version: str, web: Any, service: Any) -> None:
    made = ingress.values("traefik", FULL, version)
    assert made.pop("deployment").keys() == {"annotations"}
    assert made == {
        "ports": {
            "web": {**web, "transport": TRANSPORT, "hostPort": None},
            "websecure": {"transport": TRANSPORT, "hostPort": None},
        },
        "ingressClass": {"isDefaultClass": True},
        "tlsStore": {"default": {"defaultCertificate": {"secretName": "company-tls"}}},
        "service": service,
    }


def test_what_is_not_asked_for_is_left_to_rke2() -> None:
    made = ingress.values("traefik", {**GOOD, "redirect_to_https": False}, "41.2.001")
    assert set(made) == {"deployment", "ports"}
    assert made["ports"] == {"web": {"transport": TRANSPORT}, "websecure": {"transport": TRANSPORT}}


def test_the_values_of_nginx() -> None:
    made = ingress.values("ingress-nginx", {**FULL, "default_class": "nginx", "body_size": "4g"}, "")
    controller = made["controller"]
    assert controller.pop("annotations").keys() == {ingress.ANNOTATION}
    assert controller == {
        "config": {
            "proxy-body-size": "4g",
            "proxy-read-timeout": "1800",
            "proxy-send-timeout": "1800",
            "force-ssl-redirect": "true",
        },
        "ingressClassResource": {"default": True},
        "extraArgs": {"default-ssl-certificate": "kube-system/company-tls"},
        "hostPort": {"enabled": False},
        "service": {"enabled": True, "type": "LoadBalancer"},
        "publishService": {"enabled": True},
    }
    try:
        known = keys.keys_of(keys.facts("ingress-nginx", "4.15.1"))
    except FileNotFoundError:
        pytest.skip("the facts of the real charts (../shared/reference/charts) are not at hand")
    assert keys.unknown({**made, "controller": {**controller, "annotations": {}}}, known) == []


def test_the_digest_follows_the_values_and_nothing_else() -> None:
    first = ingress.values("traefik", GOOD, "41.2.001")
    again = ingress.values("traefik", dict(reversed(GOOD.items())), "41.9.000")
    other = ingress.values("traefik", {**GOOD, "timeout": 60}, "41.2.001")
    site = ingress.values("traefik", {**GOOD, "values": {"traefik": {"logs": {"level": "DEBUG"}}}}, "41.2.001")
    assert ingress.digest_of(first) == ingress.digest_of(again)
    assert len({ingress.digest_of(made) for made in (first, other, site)}) == 3


def test_the_site_has_the_last_word_also_about_the_kind_of_workload() -> None:
    settings = {
        **GOOD,
        "values": {
            "traefik": {"deployment": {"kind": "Deployment", "replicas": 2}, "ports": {"web": {"hostPort": 8080}}}
        },
    }
    made = ingress.values("traefik", settings, "41.2.001")
    assert made["deployment"]["replicas"] == 2
    assert made["ports"]["web"]["hostPort"] == 8080
    assert made["ports"]["web"]["transport"] == TRANSPORT
    assert ingress.workload_kind("traefik", made) == "Deployment"
    assert ingress.workload_kind("ingress-nginx", ingress.values("ingress-nginx", GOOD, "")) == "DaemonSet"
