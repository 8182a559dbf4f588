# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the layer suse_ai: what is wrong with them.

The deployer's chart takes nearly everything: without a host it makes an Ingress for all hosts, without a login its pods
wait for their images for ever, and where no password is given it uses published ones (suse-ai-deployer 1.2.1, rendered).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems
from ..names import HOST_ALLOWED, is_extended_resource, is_host, is_resource_name
from .settings import NOT_SHOWN, check_authority, check_ingress, check_seed, check_several, check_sizes

#: Parts of the deployer's chart that the role configures, by the names of their variables.
OLLAMA, MILVUS, OPEN_WEBUI, MCPO = PARTS = ("ollama", "milvus", "open_webui", "mcpo")
#: Claims whose size can be set.
CLAIMS = ("ollama", "open_webui", "milvus", "minio")
#: The name of the pull secret in the documentation of SUSE AI, and in the chart's defaults.
COLLECTION = "application-collection"
#: As many GPUs as the profile has.
AUTO = "auto"
#: Characters of the seed at least.
SEED_LENGTH = 32

Settings = Mapping[str, Any]

_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_MODEL = re.compile(r"[\w./-]+(:[\w.-]+)?")


def check(settings: Settings) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix. Secrets are not repeated."""
    problems = Problems()
    _check_parts(settings, problems)
    _check_entitlement(settings, problems)
    _check_models(settings, problems)
    if OPEN_WEBUI in settings["parts"]:
        _check_web(settings, problems)
    if {MILVUS, OPEN_WEBUI} & set(settings["parts"]):
        check_seed("suse_ai_seed", settings["seed"], SEED_LENGTH, problems)
    check_sizes("suse_ai_sizes", settings["sizes"], CLAIMS, "100Gi", problems)
    return problems


def _check_parts(settings: Settings, problems: Problems) -> None:
    parts = list(settings["parts"])
    check_several("suse_ai_parts", parts, PARTS, problems)
    if OPEN_WEBUI in parts and OLLAMA not in parts and not settings["openai_url"]:
        problems.add(
            "suse_ai_parts", parts, f"{OPEN_WEBUI} with {OLLAMA}, or with suse_ai_openai_url: who else answers"
        )
    if MCPO in parts and settings["offline"]:
        problems.add(
            "suse_ai_parts", parts, f"no {MCPO} with suse_ai_offline: it fetches its servers from the internet"
        )


def _check_entitlement(settings: Settings, problems: Problems) -> None:
    """The login of the SUSE Application Collection, or who else has one."""
    login, others = settings["login"], list(settings["pull_secrets"])
    for name in ("username", "password"):
        if login and not login.get(name):
            problems.add(f"suse_ai_login.{name}", "", "must be given: user and token, or a service account")
    for name in sorted(set(login) - {"username", "password"}):
        problems.add(f"suse_ai_login.{name}", NOT_SHOWN, "only username, password")
    if login and COLLECTION in [entry.get("name") for entry in others]:
        problems.add("suse_ai_pull_secrets", COLLECTION, "other names: with suse_ai_login the role makes this one")
    if not (login or others or settings["nodes_log_in"] or settings["registry"]):
        problems.add(
            "suse_ai_login",
            "",
            "username and password of the SUSE Application Collection; or suse_ai_pull_secrets, "
            "platform_release_registry, or suse_ai_nodes_log_in=true when the nodes have the login",
        )


def _check_models(settings: Settings, problems: Problems) -> None:
    for model in settings["models"]:
        if not isinstance(model, str) or not _MODEL.fullmatch(model):
            problems.add("suse_ai_models", model, "names as Ollama has them, such as gemma:2b")
    if settings["models"] and settings["offline"]:
        problems.add(
            "suse_ai_models", list(settings["models"]), "nothing, with suse_ai_offline: fill the claim instead"
        )
    if settings["models"] and OLLAMA not in settings["parts"]:
        problems.add("suse_ai_models", list(settings["models"]), f"nothing, without {OLLAMA} in suse_ai_parts")
    gpus, resource = str(settings["gpus"]), settings["gpu_resource"]
    if gpus != AUTO and not gpus.isdecimal():
        problems.add("suse_ai_gpus", settings["gpus"], f"{AUTO}, or a number of GPUs, 0 or more")
    if not (is_resource_name(resource) and is_extended_resource(resource)):
        problems.add("suse_ai_gpu_resource", resource, "a resource such as nvidia.com/gpu")


def _check_web(settings: Settings, problems: Problems) -> None:
    if not is_host(settings["host"]):
        problems.add("suse_ai_host", settings["host"], HOST_ALLOWED)
    check_ingress("suse_ai_", settings, problems)
    check_authority("suse_ai_extra_ca", settings["extra_ca"], problems)
    url, key = settings["openai_url"], settings["openai_key"]
    if url and not _URL.fullmatch(url):
        problems.add("suse_ai_openai_url", url, "http:// or https://, a host, and the path of the API such as /v1")
    if bool(url) != bool(key):
        missing = "suse_ai_openai_key" if url else "suse_ai_openai_url"
        problems.add(missing, "", "must be given: suse_ai_openai_url and suse_ai_openai_key go together")
