# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the layer suse_registry: what Harbor's chart would take and fail at later is refused before (PLAT-5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import registry
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.release import Observed, Revision

HTPASSWD = "harbor_registry_user:$2y$05$" + "a" * 53
PEM = "-----BEGIN CERTIFICATE-----"
GOOD: dict[str, Any] = {
    "mode": "cluster",
    "url": "https://registry.example.com",
    "admin_password": "Secret-of-the-site-1",
    "secret_key": "0123456789abcdef",
    "seed": "0123456789abcdef0123456789abcdef",
    "password": "login-of-the-parts",
    "htpasswd": HTPASSWD,
    "tls": "issuer",
    "issuer": "platform-ca",
    "certificate": "",
    "key": "",
    "token_certificate": "",
    "token_key": "",
    "sizes": {},
    "shared_storage_class": "",
    "s3": {},
    "s3_credentials": {},
    "database": {},
    "database_password": "password-of-the-database",
    "redis": {},
}
SECRETS = ("admin_password", "secret_key", "seed", "password", "htpasswd", "key", "token_key", "database_password")


def told(**settings: Any) -> list[str]:
    return [str(problem) for problem in registry.check({**GOOD, **settings})]


def test_good_settings_are_taken() -> None:
    assert told() == []
    assert told(url="https://registry.example.com:5000", sizes={"registry": "1Ti"}) == []
    pair = dict.fromkeys(("certificate", "key", "token_certificate", "token_key"), PEM)
    assert told(tls="existing", issuer="", **pair) == []
    assert told(s3={"bucket": "b", "region": "r"}, s3_credentials={"access_key": "a", "secret_key": "s"}) == []
    database = {"host": "db.example.com", "username": "harbor", "sslmode": "verify-full"}
    assert told(database=database, database_password="x", redis={"addr": "a:1,b:2"}) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry.example.com",
        "http://registry.example.com",
        "https://registry.example.com/",
        "https://registry.example.com/harbor",
        "https://Registry.example.com",
        "https://user:word@registry.example.com",
        "https://registry.example.com:port",
    ],
)
@pytest.mark.parametrize("mode", ["cluster", "external"])
def test_a_url_that_clients_could_not_use_is_refused(url: str, mode: str) -> None:
    (text,) = told(url=url, mode=mode)
    assert text.startswith(f"suse_registry_url: {url!r} is not allowed; allowed: https://host")


@pytest.mark.parametrize(
    ("settings", "field", "allowed"),
    [
        ({"admin_password": ""}, "suse_registry_admin_password: ''", "8 to 128 characters"),
        ({"admin_password": "nocapital1"}, "suse_registry_admin_password: '(not shown)'", "a capital"),
        ({"secret_key": "short"}, "suse_registry_secret_key: '5 characters'", "exactly 16"),
        ({"seed": "short"}, "suse_registry_seed: '5 characters'", "32 random characters"),
        ({"password": ""}, "suse_registry_password: ''", "belongs to suse_registry_htpasswd"),
        ({"htpasswd": "somebody:$2y$05$" + "a" * 53}, "suse_registry_htpasswd: '(not shown)'", "htpasswd -nbB"),
        ({"issuer": ""}, "suse_registry_issuer: ''", "a ClusterIssuer"),
        ({"sizes": {"images": "5Gi"}}, "suse_registry_sizes.images", "sizes of registry, jobservice"),
        ({"sizes": {"registry": "much"}}, "suse_registry_sizes.registry: 'much'", "such as 500Gi"),
        (
            {"database": {"host": "h", "username": "u"}, "database_password": ""},
            "suse_registry_database_password: ''",
            "must be given",
        ),
        ({"database_password": ""}, "suse_registry_database_password: ''", "16 to 128 letters"),
        ({"database_password": "with 'quotes' in it"}, "suse_registry_database_password: '(not shown)'", "16 to 128"),
        (
            {
                "robots": [{"name": "ci", "projects": ["p"], "valid_days": 0, "store": {"path": "/x"}}],
                "api_password": "x",
            },
            "suse_registry_robots[ci].valid_days: 0",
            "from 1 to 3650",
        ),
        (
            {"projects": [{"name": "staging"}]},
            "suse_registry_api_password: ''",
            "the password of suse_registry_api_user",
        ),
        ({"database": {"host": "h"}, "database_password": "x"}, "suse_registry_database.username", "must be given"),
        ({"redis": {"addr": "nowhere"}}, "suse_registry_redis.addr: 'nowhere'", "host:port"),
        ({"redis": {"addr": "a:1", "password": "x"}}, "suse_registry_redis.password: '(not shown)'", "only addr"),
    ],
)
def test_a_mistake_is_told_with_field_value_and_what_is_allowed(
    settings: dict[str, Any], field: str, allowed: str
) -> None:
    (text,) = told(**settings)
    assert field in text
    assert allowed in text


def test_a_store_without_credentials_and_beside_a_shared_claim() -> None:
    texts = told(s3={"bucket": "b"}, shared_storage_class="rwx")
    assert [text.partition(":")[0] for text in texts] == [
        "suse_registry_s3.region",
        "suse_registry_s3_credentials.access_key",
        "suse_registry_s3_credentials.secret_key",
        "suse_registry_shared_storage_class",
    ]


def test_an_external_registry_needs_nothing_but_its_url() -> None:
    nothing = dict.fromkeys(SECRETS, "")
    assert told(mode="external", **nothing) == []
    (text,) = told(mode="external", api_password="x", projects=[{"name": "a"}, {"name": "a"}], **nothing)
    assert text == "suse_registry_projects[].name: 'a' is not allowed; allowed: each one once"


def test_no_secret_is_repeated_and_all_mistakes_are_told_at_once() -> None:
    wrong = {name: f"wrong-{name}" for name in SECRETS}
    texts = told(tls="existing", database={"host": "h"}, **wrong)
    assert len(texts) == 8
    assert not [name for name in SECRETS if f"wrong-{name}" in " ".join(texts)]


def installed(database: Any = None, status: str = "deployed") -> dict[str, Any]:
    """A release as helm_release_info returns it: values that sound like secrets are masked."""
    revision = Revision("harbor", "harbor", 1, status, values={} if database is None else {"database": database})
    return Observed("harbor", "harbor", revision).as_dict()


OURS = {
    "external": {"existingSecret": "platform-database"},
    "internal": {
        "extraEnvVars": [
            {
                "name": "POSTGRES_PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "platform-database", "key": "password"}},
            }
        ]
    },
}


@pytest.mark.parametrize(
    "found",
    [
        installed(),
        installed({"internal": {"password": "of-the-site"}}),
        installed({"type": "internal", "internal": {"extraEnvVars": [{"name": "TZ", "value": "UTC"}]}}),
        installed({"internal": {"extraEnvVars": [{"name": "POSTGRES_PASSWORD", "value": "in-the-clear"}]}}, "failed"),
    ],
)
def test_a_database_with_another_password_is_refused_with_what_to_do(found: dict[str, Any]) -> None:
    (text,) = told(release=found)
    assert text.startswith("suse_registry_database_password_set: False is not allowed; allowed: true, once")
    assert registry.BY_HAND in text
    assert "of-the-site" not in text
    assert "in-the-clear" not in text
    assert told(release=found, database_password_set=True) == []
    assert told(release=found, mode="external") == []
    assert told(release=found, database={"host": "db.example.com", "username": "harbor"}) == []
    # With the others, in one message.
    assert len(told(release=found, seed="x")) == 2


@pytest.mark.parametrize(
    "found",
    [
        {},
        Observed("harbor", "harbor").as_dict(),
        installed(status="uninstalled"),
        installed(OURS),
        installed(OURS, "failed"),
        installed({"type": "external", "external": {"host": "db.example.com"}}),
    ],
)
def test_a_database_that_is_ours_or_new_is_taken(found: dict[str, Any]) -> None:
    assert told(release=found) == []


def test_the_readme_tells_the_same_step() -> None:
    text = (Path(__file__).parents[6] / "roles" / "suse_registry" / "README.md").read_text(encoding="utf-8")
    assert f"`{registry.BY_HAND}`" in text
