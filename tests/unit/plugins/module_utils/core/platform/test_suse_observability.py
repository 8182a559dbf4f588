# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the layer suse_observability: what its charts fail at, in the cluster or after months, is refused before (PLAT-7)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import suse_observability

HASH = "$2y$10$" + "a" * 53
AGENTS: dict[str, Any] = {
    "server": False,
    "url": "https://observability.example.com",
    "receiver_url": "https://observability.example.com/receiver/stsAgent",
    "cluster": "gpu",
    "api_key": "key-of-the-agents-1",
    "ca": "",
    "containerd_socket": "/run/k3s/containerd/containerd.sock",
    "sizing": "150-ha",
    "installed": "",
    "license": "",
    "admin_password_hash": "",
    "ingress_class": "",
    "tls": "issuer",
    "tls_secret": "",
    "issuer": "",
}
SERVER: dict[str, Any] = {
    **AGENTS,
    "server": True,
    "license": "ABCDE-12345",
    "admin_password_hash": HASH,
    "ingress_class": "traefik",
    "tls_secret": "suse-observability-tls",
    "issuer": "platform-ca",
}


def told(base: dict[str, Any], **settings: Any) -> list[str]:
    return [str(problem) for problem in suse_observability.check({**base, **settings})]


def test_good_settings_are_taken_and_agents_need_nothing_of_the_server() -> None:
    assert told(AGENTS) == []
    assert told(SERVER) == []
    assert told(SERVER, tls="existing", issuer="", ca="-----BEGIN CERTIFICATE-----") == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": ""}, "suse_observability_url: ''"),
        ({"url": "http://observability.example.com"}, "suse_observability_url: 'http://observability.example.com'"),
        ({"url": "https://observability.example.com/"}, "suse_observability_url: 'https://observability.example.com/'"),
        ({"receiver_url": "http://x"}, "suse_observability_receiver_url: 'http://x'"),
        ({"cluster": ""}, "suse_observability_cluster: ''"),
        ({"cluster": "My Cluster"}, "suse_observability_cluster: 'My Cluster'"),
        ({"api_key": ""}, "suse_observability_api_key: ''"),
        ({"api_key": "short"}, "suse_observability_api_key: '(not shown)'"),
        ({"ca": "/etc/ca.pem"}, "suse_observability_ca: '(not shown)'"),
        ({"containerd_socket": ""}, "suse_observability_containerd_socket: ''"),
    ],
)
@pytest.mark.parametrize("base", [AGENTS, SERVER], ids=["agents", "server"])
def test_a_mistake_about_the_agents_names_its_field(base: dict[str, Any], settings: dict[str, Any], field: str) -> None:
    (text,) = told(base, **settings)
    assert text.startswith(f"{field} is not allowed; allowed: ")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"sizing": "200-ha"}, "suse_observability_sizing: '200-ha'"),
        ({"license": " "}, "suse_observability_license: ''"),
        ({"admin_password_hash": ""}, "suse_observability_admin_password_hash: ''"),
        ({"admin_password_hash": "plain-word"}, "suse_observability_admin_password_hash: '(not shown)'"),
        ({"ingress_class": ""}, "suse_observability_ingress_class: ''"),
        ({"tls_secret": "A B"}, "suse_observability_tls_secret: 'A B'"),
        ({"issuer": ""}, "suse_observability_issuer: ''"),
    ],
)
def test_a_mistake_about_the_server_counts_where_it_is(settings: dict[str, Any], field: str) -> None:
    (text,) = told(SERVER, **settings)
    assert text.startswith(f"{field} is not allowed; allowed: ")
    assert told(AGENTS, **settings) == []


@pytest.mark.parametrize(
    ("installed", "wanted", "good"),
    [
        ("", "trial", True),
        ("trial", "100-nonha", True),
        ("150-ha", "500-ha", True),
        ("10-nonha", "150-ha", False),
        ("150-ha", "100-nonha", False),
        ("250-ha", "trial", False),
    ],
)
def test_a_server_grows_but_never_from_one_kind_to_the_other(installed: str, wanted: str, good: bool) -> None:
    texts = told(SERVER, installed=installed, sizing=wanted)
    assert (texts == []) is good
    for text in texts:
        assert text.startswith(f"suse_observability_sizing: '{wanted}' is not allowed; allowed: one of ")
        assert f"{installed} is installed, and no server goes from one kind to the other" in text


def test_all_mistakes_are_told_at_once_and_no_secret() -> None:
    texts = told(SERVER, url="x", api_key="short-key", admin_password_hash="my-password", cluster="")
    assert len(texts) == 4
    assert not [text for text in texts for secret in ("short-key", "my-password") if secret in text]
