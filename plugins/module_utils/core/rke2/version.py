# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions of RKE2: parse, order, the forms they take in URLs, images and packages, and which way an upgrade may go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Optional

from ..errors import Problems
from ..support import UPGRADE_MAX_MINORS, rke2_releases_text, supported_minors

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-rc(\d+))?\+rke2r(\d+)")
VERSION_ALLOWED = "a version of RKE2 such as v1.35.7+rke2r1"
#: Order of a release behind all its candidates.
_NO_CANDIDATE = 1_000_000


@total_ordering
@dataclass(frozen=True)
class Version:
    """One release of RKE2, such as C(v1.35.7+rke2r1). candidate: number of the release candidate, or None."""

    major: int
    minor: int
    patch: int
    candidate: Optional[int]
    revision: int

    @classmethod
    def parse(cls, text: Any) -> Version:
        """Read a version; raises ValueError saying what is allowed."""
        match = _VERSION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(VERSION_ALLOWED)
        major, minor, patch, candidate, revision = match.groups()
        return cls(int(major), int(minor), int(patch), None if candidate is None else int(candidate), int(revision))

    def __str__(self) -> str:
        candidate = "" if self.candidate is None else f"-rc{self.candidate}"
        return f"v{self.major}.{self.minor}.{self.patch}{candidate}+rke2r{self.revision}"

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    @property
    def _key(self) -> tuple[int, int, int, int, int]:
        candidate = _NO_CANDIDATE if self.candidate is None else self.candidate
        return self.major, self.minor, self.patch, candidate, self.revision

    @property
    def minor_text(self) -> str:
        """Major and minor, such as C(1.35): the key of the support matrix and of the RPM repositories."""
        return f"{self.major}.{self.minor}"

    @property
    def url_text(self) -> str:
        """As it stands in a download URL: the plus sign is escaped."""
        return str(self).replace("+", "%2B")

    @property
    def tag(self) -> str:
        """As a tag of images, where a plus sign may not stand."""
        return str(self).replace("+", "-")

    @property
    def rpm(self) -> str:
        """As the version of an RPM: without v, C(~) for the plus sign (rancher/rke2, install.sh)."""
        return str(self)[1:].replace("-", "~").replace("+", "~")


def parse_or_none(text: Any) -> Optional[Version]:
    """Read a version; None for everything that is none, such as an empty text."""
    try:
        return Version.parse(text)
    except ValueError:
        return None


def check_supported(problems: Problems, path: str, text: Any) -> Optional[Version]:
    """Read a version and note what is wrong with it: its form, or a minor that the support matrix does not have."""
    version = parse_or_none(text)
    if version is None:
        problems.add(path, text, VERSION_ALLOWED)
    elif version.minor_text not in supported_minors():
        problems.add(path, text, f"a release of a supported minor: {rke2_releases_text()}")
        return None
    return version


def change_refusal(current: Version, wanted: Version) -> str:
    """Say why a node may not go from one version to another; empty when it may.

    A datastore that a newer minor has written cannot be read by an older one, and Kubernetes supports one minor at a
    time (RKE2 documentation, manual upgrades; Kubernetes version skew policy).
    """
    if wanted < current:
        return f"{wanted} is older than {current}: a downgrade needs a restored snapshot of the older version"
    if wanted.major != current.major or wanted.minor - current.minor > UPGRADE_MAX_MINORS:
        between = f"{current.major}.{current.minor + 1}"
        return f"from {current} to {wanted} is more than one minor: upgrade to a {between} release first"
    return ""


def kubelet_refusal(kubelet: Version, servers: Iterable[Version]) -> str:
    """Say why a node of version C(kubelet) may not work with servers of these versions; empty when it may."""
    oldest = min(servers, default=kubelet)
    if kubelet.minor_text != oldest.minor_text and kubelet > oldest:
        return f"a node of {kubelet} would be newer than the server that runs {oldest}: upgrade all servers first"
    return ""
