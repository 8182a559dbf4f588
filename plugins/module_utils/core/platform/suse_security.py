# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a site may say about SUSE Security (NeuVector).

The controller passes over a wrong value in its initial configuration with a line in its log (NeuVector 5.6,
sysinitcfg.yaml), so wrong values are refused here, before anything changes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..errors import Problems
from ..names import HOST_ALLOWED, is_dns_subdomain, is_host
from .settings import NOT_SHOWN

#: NeuVector takes six characters; its own default is admin.
MIN_PASSWORD = 12
SYSLOG_FIELDS = ("server", "port", "protocol", "level", "categories", "json", "certificate")
SYSLOG_LEVELS = ("Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug")
SYSLOG_CATEGORIES = ("event", "security-event", "audit")
#: Protocol -> the number by which NeuVector names it (17 and 6 are those of IP; 66 is TCP with TLS).
SYSLOG_PROTOCOLS = {"udp": 17, "tcp": 6, "tls": 66}

Settings = Mapping[str, Any]


def check(settings: Settings) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix."""
    problems = Problems()
    if len(settings["admin_password"]) < MIN_PASSWORD:
        problems.add("suse_security_admin_password", NOT_SHOWN, f"{MIN_PASSWORD} characters or more")
    controllers = settings["controllers"]
    if controllers < 1 or controllers % 2 == 0:
        problems.add("suse_security_controllers", controllers, "an odd number: they elect a leader")
    if settings["scanners"] < 1:
        problems.add("suse_security_scanners", settings["scanners"], "1 or more")
    _check_manager(settings, problems)
    if settings["syslog"]:
        _check_syslog(settings["syslog"], problems)
    return problems


def _check_manager(settings: Settings, problems: Problems) -> None:
    host, ingress_class = settings["manager_host"], settings["ingress_class"]
    if not host:
        return
    if not is_host(host):
        problems.add("suse_security_manager_host", host, HOST_ALLOWED)
    if not is_dns_subdomain(ingress_class):
        problems.add("suse_security_ingress_class", ingress_class, "the name of an IngressClass")


def _check_syslog(syslog: Mapping[str, Any], problems: Problems) -> None:
    place = "suse_security_syslog"
    for name in syslog:
        if name not in SYSLOG_FIELDS:
            problems.add(f"{place}.{name}", syslog[name], f"one of {', '.join(SYSLOG_FIELDS)}")
    try:
        ipaddress.IPv4Address(syslog.get("server"))
    except ValueError:
        problems.add(f"{place}.server", syslog.get("server"), "an IPv4 address; NeuVector takes no name here")
    port = syslog.get("port", 514)
    if not isinstance(port, int) or not 1 <= port <= 65535:
        problems.add(f"{place}.port", port, "a number from 1 to 65535")
    for name, allowed, default in (("protocol", tuple(SYSLOG_PROTOCOLS), "udp"), ("level", SYSLOG_LEVELS, "Info")):
        if syslog.get(name, default) not in allowed:
            problems.add(f"{place}.{name}", syslog[name], f"one of {', '.join(allowed)}")
    for category in syslog.get("categories") or []:
        if category not in SYSLOG_CATEGORIES:
            problems.add(f"{place}.categories", category, f"of {', '.join(SYSLOG_CATEGORIES)}")
    if syslog.get("protocol") == "tls" and not syslog.get("certificate"):
        problems.add(f"{place}.certificate", "", "the server's certificate in PEM form, with protocol tls")


def initial_configuration(settings: Settings) -> dict[str, Any]:
    """The content of sysinitcfg.yaml (NeuVector 5.6, Kubernetes ConfigMap neuvector-init).

    It is read again at each start of a controller (C(always_reload)), so a change counts after a restart.
    """
    result: dict[str, Any] = {
        "always_reload": True,
        "New_Service_Policy_Mode": settings["policy_mode"],
        "Scan_Config": {"Auto_Scan": bool(settings["auto_scan"])},
        "No_Telemetry_Report": True,
        "Syslog_status": bool(settings["syslog"]),
    }
    if settings["cluster_name"]:
        result["Cluster_Name"] = settings["cluster_name"]
    syslog = settings["syslog"]
    if syslog:
        result.update(
            Syslog_ip=syslog["server"],
            Syslog_Port=syslog.get("port", 514),
            Syslog_IP_Proto=SYSLOG_PROTOCOLS[syslog.get("protocol", "udp")],
            Syslog_Level=syslog.get("level", "Info"),
            Syslog_Categories=list(syslog.get("categories") or SYSLOG_CATEGORIES),
            Syslog_in_json=bool(syslog.get("json", True)),
        )
        if syslog.get("certificate"):
            result["Syslog_Server_Cert"] = syslog["certificate"]
    return result
