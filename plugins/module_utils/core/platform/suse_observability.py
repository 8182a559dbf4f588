# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the layer suse_observability: what is wrong with them.

Sizes and their names: documentation of SUSE Observability and its chart (suse-observability 2.10.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems
from ..names import HOST_ALLOWED, is_dns_label, is_host
from .settings import BCRYPT, check_authority, check_ingress, hidden

#: Sizes of the server, by the number of nodes that it watches.
SIZES = ("trial", "10-nonha", "20-nonha", "50-nonha", "100-nonha", "150-ha", "250-ha", "500-ha", "4000-ha")
#: Characters of a key for the agents at least.
KEY_LENGTH = 16

Settings = Mapping[str, Any]

_HASH = re.compile(BCRYPT)
_KEY = re.compile(rf"\S{{{KEY_LENGTH},}}")


def check(settings: Settings) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix. Secrets are not repeated.

    C(installed): the size of the server that is there, empty when there is none or it is not known.
    """
    problems = Problems()
    _check_agents(settings, problems)
    if settings["server"]:
        _check_size(settings, problems)
        _check_secrets(settings, problems)
        check_ingress("suse_observability_", settings, problems)
    return problems


def _check_agents(settings: Settings, problems: Problems) -> None:
    scheme, _mark, host = settings["url"].partition("://")
    if scheme != "https" or not is_host(host):
        problems.add("suse_observability_url", settings["url"], f"https:// and {HOST_ALLOWED}")
    if not settings["receiver_url"].startswith("https://"):
        problems.add(
            "suse_observability_receiver_url", settings["receiver_url"], "an address that begins with https://"
        )
    if not is_dns_label(settings["cluster"]):
        problems.add("suse_observability_cluster", settings["cluster"], "a name of small letters, digits and -")
    if not _KEY.fullmatch(settings["api_key"]):
        shown = hidden(settings["api_key"])
        problems.add("suse_observability_api_key", shown, f"{KEY_LENGTH} characters or more without spaces")
    check_authority("suse_observability_ca", settings["ca"], problems)
    socket = settings["containerd_socket"]
    if not socket.startswith("/"):
        problems.add("suse_observability_containerd_socket", socket, "an absolute path")


def _check_size(settings: Settings, problems: Problems) -> None:
    size, installed = settings["sizing"], settings["installed"]
    if size not in SIZES:
        problems.add("suse_observability_sizing", size, f"one of {', '.join(SIZES)}")
    elif installed and is_ha(installed) != is_ha(size):
        same = [name for name in SIZES if is_ha(name) == is_ha(installed)]
        problems.add(
            "suse_observability_sizing",
            size,
            f"one of {', '.join(same)}: {installed} is installed, and no server goes from one kind to the other",
        )


def is_ha(size: str) -> bool:
    """Whether a size has several of each part."""
    return size.endswith("-ha")


def _check_secrets(settings: Settings, problems: Problems) -> None:
    if not settings["license"].strip():
        problems.add("suse_observability_license", "", "the registration code, from the SUSE Customer Center")
    if not _HASH.fullmatch(settings["admin_password_hash"]):
        problems.add(
            "suse_observability_admin_password_hash",
            hidden(settings["admin_password_hash"]),
            "the password by bcrypt: what htpasswd -nbBC 10 x <password> prints, without x:",
        )
