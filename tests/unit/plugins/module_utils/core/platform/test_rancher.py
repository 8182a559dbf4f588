# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the role rancher refuses before anything changes (PLAT-2)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import rancher

from .pairs import NOW, issue

HOST = "rancher.example.com"
ROOT = issue("root")
SERVER = issue("server", ROOT, (HOST,))
GOOD: dict[str, Any] = {
    "hostname": HOST,
    "ingress_class": "nginx",
    "tls_source": "rancher",
    "letsencrypt_email": "",
    "tls_certificate": "",
    "tls_key": "",
    "tls_ca": "",
    "agent_tls_mode": "strict",
    "backup": True,
    "backup_s3": {"bucketName": "rancher", "endpoint": "s3.example.com:9000"},
    "backup_s3_credentials": {"accessKey": "a", "secretKey": "b"},
    "backup_volume": "",
    "backup_resource_set": rancher.FULL,
    "backup_encryption": "kind: EncryptionConfiguration",
    "backup_schedule": "0 2 * * *",
    "backup_retention": 10,
}
PAIR = {
    "tls_source": "secret",
    "tls_certificate": SERVER.pem,
    "tls_key": SERVER.key,
    "tls_ca": ROOT.pem,
}
PUBLIC = {**PAIR, "tls_ca": "", "agent_tls_mode": "system-store"}
ENCRYPT = {
    "tls_source": "letsEncrypt",
    "letsencrypt_email": "ops@example.com",
    "agent_tls_mode": "system-store",
}


def found(**changes: Any) -> list[str]:
    return [str(problem) for problem in rancher.check({**GOOD, **changes}, NOW)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        PAIR,
        PUBLIC,
        ENCRYPT,
        {**ENCRYPT, "agent_tls_mode": "strict", "tls_ca": ROOT.pem},
        {"backup": False, "backup_s3": {}},
        {"backup_s3": {}, "backup_volume": "backups", "backup_schedule": "@midnight"},
        {"backup_encryption": "", "backup_resource_set": rancher.BASIC},
        {"backup_s3_credentials": {}},
    ],
)
def test_what_can_work(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"hostname": "rancher"}, "rancher_hostname: 'rancher' is not allowed; allowed: a lower case DNS name"),
        ({"hostname": "192.0.2.1"}, "rancher_hostname: '192.0.2.1' is not allowed"),
        ({"ingress_class": ""}, "rancher_ingress_class: '' is not allowed; allowed: the name of an IngressClass"),
        ({**ENCRYPT, "letsencrypt_email": ""}, "rancher_letsencrypt_email: '' is not allowed; allowed: an email"),
        ({**ENCRYPT, "agent_tls_mode": "strict"}, "rancher_agent_tls_mode: 'strict' is not allowed"),
        ({**PUBLIC, "agent_tls_mode": "strict"}, "allowed: system-store, or rancher_tls_ca"),
        ({**PAIR, "tls_key": ROOT.key}, "rancher_tls_key: '(not shown)' is not allowed"),
        ({**PAIR, "tls_ca": issue("other").pem}, "rancher_tls_ca: 'CN=other' is not allowed"),
        ({"tls_key": SERVER.key}, "rancher_tls_key: '(given)' is not allowed; allowed: nothing, or rancher_tls_source"),
        ({"tls_ca": ROOT.pem}, "rancher_tls_ca: '(given)' is not allowed; allowed: nothing"),
        ({"backup_s3": {}}, "rancher_backup: 'neither' is not allowed"),
        ({"backup_volume": "x"}, "rancher_backup: 'both' is not allowed"),
        ({"backup_s3": {"endpoint": "a"}}, "rancher_backup_s3.bucketName: '' is not allowed"),
        ({"backup_s3": {"bucketName": "a", "endpoint": "https://a"}}, "host or host:port, without a scheme"),
        ({"backup_s3": {**GOOD["backup_s3"], "bucket": 1}}, "rancher_backup_s3.bucket: 1 is not allowed"),
        ({"backup_s3_credentials": {"accessKey": "a"}}, "rancher_backup_s3_credentials: ['accessKey'] is not"),
        ({"backup_encryption": ""}, "or rancher_backup_resource_set=rancher-resource-set-basic"),
        ({"backup_schedule": "daily"}, "rancher_backup_schedule: 'daily' is not allowed"),
        ({"backup_retention": 0}, "rancher_backup_retention: 0 is not allowed; allowed: 1 or more"),
    ],
)  # fmt: skip
def test_what_cannot_work(changes: dict[str, Any], text: str) -> None:
    (one,) = found(**changes)
    assert text in one
    assert "PRIVATE KEY" not in one


def test_all_mistakes_at_once_and_backups_alone() -> None:
    assert len(found(hostname="", ingress_class="", backup_s3={})) == 3
    backups = {name: value for name, value in GOOD.items() if name.startswith("backup")}
    assert not rancher.check(backups, NOW)
    assert rancher.check({**backups, "backup_s3": {}}, NOW)
