# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions of virtual clusters: image tags of k3s such as C(v1.34.4-k3s1), and which step from one to another is allowed."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional

#: A tag, not a version: C(+) is not allowed in an image's tag, the pod would end in InvalidImageName.
VERSION_ALLOWED = "an image tag of k3s such as v1.34.4-k3s1, with '-' before k3s and never '+'"

_TAG = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-rc(\d+))?-k3s(\d+)")
#: Sorts after every release candidate.
_RELEASE = 1 << 16


class Version(NamedTuple):
    """A version that sorts as releases do."""

    major: int
    minor: int
    patch: int
    candidate: int
    build: int


def parse_version(tag: Any) -> Optional[Version]:
    """Read an image tag; None when it is not one of k3s."""
    match = _TAG.fullmatch(tag) if isinstance(tag, str) else None
    if match is None:
        return None
    major, minor, patch, candidate, build = match.groups()
    return Version(int(major), int(minor), int(patch), int(candidate) if candidate else _RELEASE, int(build))


def step_problem(before: str, after: str, allow_downgrade: bool) -> str:
    """Say why the way from one version to the other is not taken; empty when it is, or when C(before) is unknown.

    Kubernetes upgrades its control plane one minor version at a time and does not promise that an older one can read
    what a newer one stored; k3k itself guards neither.
    """
    old, new = parse_version(before), parse_version(after)
    if old is None or new is None or old == new:
        return ""
    if new < old:
        if allow_downgrade and old.major == new.major and old.minor - new.minor <= 1:
            return ""
        return f"a downgrade from {before} to {after}; an older server may not read the newer one's data"
    if new.major != old.major or new.minor - old.minor > 1:
        return f"{before} to {after} skips a minor version; go through v{old.major}.{old.minor + 1} first"
    return ""
