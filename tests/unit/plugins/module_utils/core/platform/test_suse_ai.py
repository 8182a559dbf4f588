# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the layer suse_ai: what the deployer's chart would take and fail at later is refused before (PLAT-6)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import suse_ai

LOGIN = {"username": "robot", "password": "word-of-the-collection"}
GOOD: dict[str, Any] = {
    "parts": ["ollama", "milvus", "open_webui", "mcpo"],
    "login": LOGIN,
    "pull_secrets": [],
    "nodes_log_in": False,
    "registry": "",
    "seed": "0123456789abcdef0123456789abcdef",
    "host": "ai.example.com",
    "ingress_class": "traefik",
    "tls": "issuer",
    "tls_secret": "suse-ai-tls",
    "issuer": "platform-ca",
    "extra_ca": "",
    "sizes": {},
    "models": [],
    "gpus": "auto",
    "gpu_resource": "nvidia.com/gpu",
    "openai_url": "",
    "openai_key": "",
    "offline": False,
}


def told(**settings: Any) -> list[str]:
    return [str(problem) for problem in suse_ai.check({**GOOD, **settings})]


def test_good_settings_are_taken() -> None:
    assert told() == []
    assert told(gpus=2, gpu_resource="nvidia.com/mig-1g.10gb", sizes={"minio": "1Ti"}) == []
    assert told(gpus="0", models=["gemma:2b", "hf.co/someone/model-GGUF:Q4_K_M"]) == []
    assert told(parts=["open_webui"], openai_url="https://models.example.com/v1", openai_key="x") == []
    assert told(tls="existing", issuer="", extra_ca="-----BEGIN CERTIFICATE-----") == []


def test_without_a_web_page_nothing_about_it_is_asked_and_without_passwords_no_seed() -> None:
    assert told(parts=["ollama"], host="", ingress_class="", tls_secret="", issuer="", seed="") == []


@pytest.mark.parametrize(
    "others",
    [
        {"pull_secrets": [{"name": "mirror"}]},
        {"nodes_log_in": True},
        {"registry": "registry.example.com"},
    ],
)
def test_the_entitlement_may_lie_elsewhere(others: dict[str, Any]) -> None:
    assert told(login={}, **others) == []
    (text,) = told(login={})
    assert text.startswith("suse_ai_login: '' is not allowed; allowed: username and password of the SUSE Application")


def test_half_a_login_and_two_secrets_of_one_name_are_refused() -> None:
    assert told(login={"username": "robot"}) == [
        "suse_ai_login.password: '' is not allowed; allowed: must be given: user and token, or a service account"
    ]
    (text,) = told(login={**LOGIN, "token": "very-secret"})
    assert text == "suse_ai_login.token: '(not shown)' is not allowed; allowed: only username, password"
    (text,) = told(pull_secrets=[{"name": "application-collection"}])
    assert text.startswith("suse_ai_pull_secrets: 'application-collection' is not allowed; allowed: other names")


@pytest.mark.parametrize("parts", [[], ["ollama", "ollama"], ["ollama", "vllm"]])
def test_parts_that_are_none(parts: list[str]) -> None:
    (text,) = told(parts=parts)
    assert text.startswith(
        f"suse_ai_parts: {parts!r} is not allowed; allowed: one or more of ollama, milvus, open_webui"
    )


def test_parts_that_do_not_go_together() -> None:
    (text,) = told(parts=["open_webui", "milvus"])
    assert "allowed: open_webui with ollama, or with suse_ai_openai_url" in text
    (text,) = told(offline=True)
    assert "allowed: no mcpo with suse_ai_offline" in text


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"host": ""}, "suse_ai_host: ''"),
        ({"host": "https://ai.example.com"}, "suse_ai_host: 'https://ai.example.com'"),
        ({"ingress_class": ""}, "suse_ai_ingress_class: ''"),
        ({"tls_secret": "Not A Name"}, "suse_ai_tls_secret: 'Not A Name'"),
        ({"issuer": ""}, "suse_ai_issuer: ''"),
        ({"extra_ca": "a path"}, "suse_ai_extra_ca: '(not shown)'"),
        ({"seed": "short"}, "suse_ai_seed: '5 characters'"),
        ({"sizes": {"minio": "much"}}, "suse_ai_sizes.minio: 'much'"),
        ({"sizes": {"disk": "1Gi"}}, "suse_ai_sizes.disk: '1Gi'"),
        ({"models": ["a model"]}, "suse_ai_models: 'a model'"),
        ({"models": ["gemma:2b"], "offline": True, "parts": ["ollama"]}, "suse_ai_models: ['gemma:2b']"),
        ({"models": ["gemma:2b"], "parts": ["milvus"]}, "suse_ai_models: ['gemma:2b']"),
        ({"gpus": -1}, "suse_ai_gpus: -1"),
        ({"gpus": True}, "suse_ai_gpus: True"),
        ({"gpus": "many"}, "suse_ai_gpus: 'many'"),
        ({"gpu_resource": "gpu"}, "suse_ai_gpu_resource: 'gpu'"),
        ({"openai_url": "models.example.com", "openai_key": "x"}, "suse_ai_openai_url: 'models.example.com'"),
        ({"openai_url": "https://models.example.com"}, "suse_ai_openai_key: ''"),
        ({"openai_key": "x"}, "suse_ai_openai_url: ''"),
    ],
)
def test_a_mistake_names_its_field(settings: dict[str, Any], field: str) -> None:
    (text,) = told(**settings)
    assert text.startswith(f"{field} is not allowed; allowed: ")


def test_all_mistakes_are_told_at_once_and_no_secret() -> None:
    texts = told(host="x", seed="my-short-seed", login={"password": "my-token"}, openai_key="my-key", gpus="x")
    assert len(texts) == 5
    assert not [text for text in texts for secret in ("my-short-seed", "my-token", "my-key") if secret in text]
