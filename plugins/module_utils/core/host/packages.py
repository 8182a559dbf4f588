# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Packages of a host, by its system and by the choices made for it; and the GPU choice (HOST-9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

NVIDIA, AMD, INTEL, OPERATOR, NONE = "nvidia", "amd", "intel", "operator", "none"

#: Label on nodes with accelerators, for selectors of operators and tenants.
LABEL = "ai-tenancy.io/accelerator"
#: The GPU operator of NVIDIA puts its driver container on a node unless this says false (NVIDIA GPU operator).
LABEL_DRIVER = "nvidia.com/gpu.deploy.driver"


def nvidia_packages(generation: str, version: str) -> list[str]:
    """Return the packages of the host's driver: SUSE's signed open module, NVIDIA's user space in the same version.

    generation: G07 is for Turing and newer, G06 for older cards (SUSE AI documentation, NVIDIA driver).
    version: such as C(595.58.03); empty for what the repositories have. The module's own package carries the kernel's
    version too, so that only user space can be pinned by name; L(driver_mismatch) compares the two.
    """
    pinned = f"={version}" if version else ""
    return [
        f"nvidia-open-driver-{generation}-signed-cuda-kmp-default",
        f"nvidia-compute-utils-{generation}{pinned}",
        "nvidia-persistenced",
    ]


def driver_mismatch(packages: Mapping[str, str], generation: str) -> Optional[str]:
    """Return why the installed parts of the driver do not fit together, or None.

    packages: name to C(version-release). The module's version is C(driver_kkernel), such as C(595.58.03_k6.4.0).
    """
    module = packages.get(f"nvidia-open-driver-{generation}-signed-cuda-kmp-default", "")
    tools = packages.get(f"nvidia-compute-utils-{generation}", "")
    if not module or not tools:
        return None
    left, right = re.split(r"[_-]", module)[0], tools.split("-")[0]
    return None if left == right else f"the kernel module is {left}, the user space {right}"


def node_labels(choice: str) -> dict[str, str]:
    """Return the labels of a Kubernetes node with this GPU choice."""
    if choice in (NVIDIA, OPERATOR):
        own_driver = "true" if choice == OPERATOR else "false"
        return {LABEL: NVIDIA, LABEL_DRIVER: own_driver}
    return {LABEL: choice} if choice in (AMD, INTEL) else {}


def base_packages(os_major: int, security: Mapping[str, Any], *, longhorn: bool, firewalld: bool) -> list[str]:
    """Return the packages that every node needs, by system.

    security: C(selinux) and C(apparmor) as the module preflight_facts reads them. With AppArmor on, containerd needs its
    parser; where SELinux enforces, containers need their policy (RKE2 documentation).
    """
    names = ["chrony", "iptables", "curl", "tar", "conntrack-tools"]
    names += ["open-iscsi", "nfs-client", "cryptsetup", "device-mapper"] if longhorn else []
    names += ["firewalld"] if firewalld else []
    names += ["apparmor-parser"] if os_major < 16 and security.get("apparmor") else []
    names += ["container-selinux"] if security.get("selinux") == "enforcing" else []
    return names


def packages(
    os_major: int, security: Mapping[str, Any], choices: Mapping[str, Any], extra: Sequence[str] = ()
) -> list[str]:
    """Return all packages of a host, sorted, each once.

    choices: C(longhorn), C(firewall), C(gpu), C(gpu_packages) (instead of ours), C(nvidia_generation),
    C(nvidia_version).
    """
    names = base_packages(
        os_major, security, longhorn=bool(choices.get("longhorn")), firewalld=choices.get("firewall") == "firewalld"
    )
    own = list(choices.get("gpu_packages") or ())
    if own:
        names += own
    elif choices.get("gpu") == NVIDIA:
        names += nvidia_packages(str(choices.get("nvidia_generation")), str(choices.get("nvidia_version") or ""))
    return sorted({*names, *extra})
