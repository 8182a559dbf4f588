# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the layer ingress: what is wrong with them, and the values that RKE2's charts take for them.

Sources: the charts rke2-traefik and rke2-ingress-nginx (rancher/rke2-charts), that is the charts of Traefik and ingress-nginx with
other defaults: DaemonSets on ports 80 and 443 of the hosts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems
from ..names import is_dns_subdomain
from ..nested import merge
from .settings import check_several, hidden

TRAEFIK, NGINX = "traefik", "ingress-nginx"
#: Controller -> name of its class.
CLASSES = {TRAEFIK: "traefik", NGINX: "nginx"}
LOAD_BALANCER = "load_balancer"
#: On the workload, to tell that RKE2 has applied these very settings: their digest.
ANNOTATION = "ai-tenancy-settings"

_SIZE = re.compile(r"\d+[kmgKMG]?")
#: Major versions of Traefik's chart from which these values have another place (traefik/traefik-helm-chart 1603, 1686).
_HTTP_FROM, _SERVICE_SPEC_FROM = 38, 40

Values = dict[str, Any]


def check(settings: Mapping[str, Any]) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix."""
    problems = Problems()
    chosen = settings["controllers"]
    check_several("ingress_controllers", chosen, CLASSES, problems)
    classes = [CLASSES[name] for name in chosen if name in CLASSES]
    if settings["default_class"] and settings["default_class"] not in classes:
        problems.add(
            "ingress_default_class", settings["default_class"], f"nothing, or one of {', '.join(classes) or '-'}"
        )
    if settings["exposure"] != LOAD_BALANCER and len(chosen) > 1:
        problems.add(
            "ingress_exposure", settings["exposure"], f"{LOAD_BALANCER}, for two controllers cannot share host ports"
        )
    if not _SIZE.fullmatch(str(settings["body_size"])):
        problems.add("ingress_body_size", settings["body_size"], "0 for no limit, or a size such as 512m or 4g")
    if settings["timeout"] < 1:
        problems.add("ingress_timeout", settings["timeout"], "seconds, 1 or more")
    _check_tls(settings, problems)
    for name in sorted(set(settings["values"]) - set(CLASSES)):
        problems.add(f"ingress_values.{name}", settings["values"][name], f"values of {', '.join(CLASSES)}")
    return problems


def _check_tls(settings: Mapping[str, Any], problems: Problems) -> None:
    name, certificate, key = (settings[part] for part in ("tls_secret", "tls_certificate", "tls_key"))
    if name and not is_dns_subdomain(name):
        problems.add("ingress_tls_secret", name, "a name of a Secret in kube-system")
    if not (certificate or key):
        return
    if not name:
        problems.add("ingress_tls_secret", name, "a name for the Secret, when ingress_tls_certificate is given")
    for part, text in (("tls_certificate", certificate), ("tls_key", key)):
        if "-----BEGIN" not in text:
            problems.add(f"ingress_{part}", hidden(text), "text in PEM form, certificate and key together")


def values(controller: str, settings: Mapping[str, Any], chart_version: str) -> Values:
    """Values for the chart of a controller, with the digest of them as an annotation of its workload.

    settings: checked. chart_version: of the installed chart, C(41.2.001+up41.2.0); decides where Traefik's chart wants
    some values. Empty when not known: then as the newest.
    """
    version = re.match(r"v?(\d+)", chart_version)
    major = int(version[1]) if version else max(_HTTP_FROM, _SERVICE_SPEC_FROM)
    made = _traefik(settings, major) if controller == TRAEFIK else _nginx(settings)
    made = merge(made, settings["values"].get(controller) or {})
    digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]
    place = "deployment" if controller == TRAEFIK else "controller"
    return merge(made, {place: {"annotations": {ANNOTATION: digest}}})


def digest_of(made: Values) -> str:
    """The digest in values that L(values) made."""
    return str((made.get("deployment") or made.get("controller") or {})["annotations"][ANNOTATION])


def workload_kind(controller: str, made: Values) -> str:
    """Kind of the workload that the chart makes: RKE2's default, or what the site's values say."""
    place = made.get("deployment" if controller == TRAEFIK else "controller") or {}
    return str(place.get("kind") or "DaemonSet")


def _traefik(settings: Mapping[str, Any], major: int) -> Values:
    timeout = f"{settings['timeout']}s"
    transport = {"respondingTimeouts": {"readTimeout": timeout, "writeTimeout": timeout, "idleTimeout": timeout}}
    web: Values = {"transport": transport}
    if settings["redirect_to_https"]:
        redirections = {"redirections": {"entryPoint": {"to": "websecure", "scheme": "https", "permanent": True}}}
        web.update({"http": redirections} if major >= _HTTP_FROM else redirections)
    made: Values = {"ports": {"web": web, "websecure": {"transport": transport}}}
    if settings["default_class"] == CLASSES[TRAEFIK]:
        made["ingressClass"] = {"isDefaultClass": True}
    if settings["tls_secret"]:
        made["tlsStore"] = {"default": {"defaultCertificate": {"secretName": settings["tls_secret"]}}}
    if settings["exposure"] == LOAD_BALANCER:
        made["service"] = (
            {"spec": {"type": "LoadBalancer"}} if major >= _SERVICE_SPEC_FROM else {"type": "LoadBalancer"}
        )
        for port in made["ports"].values():
            port["hostPort"] = None  # takes RKE2's default away
    return made


def _nginx(settings: Mapping[str, Any]) -> Values:
    timeout = str(settings["timeout"])
    controller: Values = {
        "config": {
            "proxy-body-size": str(settings["body_size"]),
            "proxy-read-timeout": timeout,
            "proxy-send-timeout": timeout,
            "force-ssl-redirect": "true" if settings["redirect_to_https"] else "false",
        }
    }
    if settings["default_class"] == CLASSES[NGINX]:
        controller["ingressClassResource"] = {"default": True}
    if settings["tls_secret"]:
        controller["extraArgs"] = {"default-ssl-certificate": f"kube-system/{settings['tls_secret']}"}
    if settings["exposure"] == LOAD_BALANCER:
        controller["hostPort"] = {"enabled": False}
        controller["service"] = {"enabled": True, "type": "LoadBalancer"}
        controller["publishService"] = {"enabled": True}
    return {"controller": controller}
