# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the role suse_security refuses, and what the controllers read at their start (PLAT-4)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import suse_security

GOOD: dict[str, Any] = {
    "admin_password": "long-enough-1",
    "controllers": 3,
    "scanners": 2,
    "policy_mode": "Monitor",
    "auto_scan": True,
    "cluster_name": "",
    "manager_host": "",
    "ingress_class": "nginx",
    "syslog": {},
}
SYSLOG = {"server": "192.0.2.7"}


def found(**changes: Any) -> list[str]:
    return [str(problem) for problem in suse_security.check({**GOOD, **changes})]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"controllers": 1},
        {"manager_host": "security.example.com"},
        {"syslog": SYSLOG},
        {"syslog": {**SYSLOG, "protocol": "tls", "certificate": "pem", "port": 6514, "level": "Error"}},
    ],
)
def test_what_can_work(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"admin_password": "hunter2"}, "suse_security_admin_password: '(not shown)' is not allowed; allowed: 12"),
        ({"controllers": 2}, "suse_security_controllers: 2 is not allowed; allowed: an odd number"),
        ({"scanners": 0}, "suse_security_scanners: 0 is not allowed"),
        ({"manager_host": "security"}, "suse_security_manager_host: 'security' is not allowed"),
        ({"manager_host": "a.b", "ingress_class": ""}, "suse_security_ingress_class: '' is not"),
        ({"syslog": {"server": "siem.example.com"}}, "suse_security_syslog.server: 'siem.example.com' is not"),
        ({"syslog": {"port": 514}}, "suse_security_syslog.server: None is not allowed; allowed: an IPv4"),
        ({"syslog": {**SYSLOG, "port": 0}}, "suse_security_syslog.port: 0 is not allowed"),
        ({"syslog": {**SYSLOG, "protocol": "sctp"}}, "suse_security_syslog.protocol: 'sctp' is not allowed"),
        ({"syslog": {**SYSLOG, "level": "info"}}, "suse_security_syslog.level: 'info' is not allowed"),
        ({"syslog": {**SYSLOG, "categories": ["x"]}}, "suse_security_syslog.categories: 'x' is not allowed"),
        ({"syslog": {**SYSLOG, "protocol": "tls"}}, "suse_security_syslog.certificate: '' is not allowed"),
        ({"syslog": {**SYSLOG, "ip": 1}}, "suse_security_syslog.ip: 1 is not allowed; allowed: one of server"),
    ],
)  # fmt: skip
def test_what_cannot_work(changes: dict[str, Any], text: str) -> None:
    (one,) = found(**changes)
    assert text in one
    assert "hunter2" not in one


def test_the_configuration_starts_in_monitor_and_scans() -> None:
    assert suse_security.initial_configuration(GOOD) == {
        "always_reload": True,
        "New_Service_Policy_Mode": "Monitor",
        "Scan_Config": {"Auto_Scan": True},
        "No_Telemetry_Report": True,
        "Syslog_status": False,
    }


def test_the_configuration_of_syslog() -> None:
    given = {**SYSLOG, "protocol": "tls", "certificate": "pem", "port": 6514, "json": False, "categories": ["audit"]}
    settings = {**GOOD, "syslog": given, "cluster_name": "lab"}
    content = suse_security.initial_configuration(settings)
    assert {key: content[key] for key in content if key.startswith(("Syslog", "Cluster"))} == {
        "Cluster_Name": "lab",
        "Syslog_status": True,
        "Syslog_ip": "192.0.2.7",
        "Syslog_Port": 6514,
        "Syslog_IP_Proto": 66,
        "Syslog_Level": "Info",
        "Syslog_Categories": ["audit"],
        "Syslog_in_json": False,
        "Syslog_Server_Cert": "pem",
    }
    plain = suse_security.initial_configuration({**GOOD, "syslog": SYSLOG})
    assert (plain["Syslog_IP_Proto"], plain["Syslog_Port"], len(plain["Syslog_Categories"])) == (17, 514, 3)
