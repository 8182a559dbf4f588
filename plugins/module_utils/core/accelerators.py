# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Accelerators as Kubernetes sees them: extended resources such as C(nvidia.com/gpu) or C(nvidia.com/mig-1g.10gb)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Optional

from .names import RESOURCE_NAME_ALLOWED, is_resource_name

#: Which resource names are accelerators: those of the device plug-ins of NVIDIA (whole, MIG, time-sliced,
#: pass-through, renamed), AMD, Intel, Habana, and the usual names of others. Each is matched against the whole name.
DEFAULT_PATTERNS = (
    r"nvidia\.com/(gpu|gpu-\d+|gpu\.shared|pgpu|mig-.*)",
    r"amd\.com/.*gpu.*",
    r"gpu\.intel\.com/.*",
    r"habana\.ai/gaudi",
    r".*\.com/(npu|vgpu).*",
)

#: Prefixes that belong to the keys of a ResourceQuota, not to the resource's name.
QUOTA_PREFIXES = ("requests.", "limits.")

_MIG = re.compile(r"nvidia\.com/mig-(?:\d+c\.)?(?P<slices>\d)g\.(?P<memory>\d+)gb(?:\..+)?")
#: Compute slices of a whole card; the A30, whose slices have 6 GB, has four, all others seven (NVIDIA MIG user guide).
_MIG_SLICES, _MIG_SLICES_A30, _A30_SLICE_MEMORY = 7, 4, 6
_WHOLE = re.compile(r"nvidia\.com/(gpu|pgpu)|amd\.com/gpu|gpu\.intel\.com/(i915|xe)|habana\.ai/gaudi")


class AcceleratorNames:
    """Decides which resource names are accelerators.

    patterns: regular expressions, each matched against the whole name (C(^) and C($) may be written).
    Raises ValueError when one is no regular expression.
    """

    def __init__(self, patterns: Iterable[str] = DEFAULT_PATTERNS) -> None:
        try:
            self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None

    def matches(self, name: str) -> bool:
        """Tell whether a resource is an accelerator."""
        return any(pattern.fullmatch(name) for pattern in self._patterns)

    def among(self, names: Iterable[str]) -> list[str]:
        """Return the accelerators among resource names, sorted, each once."""
        return sorted({name for name in names if self.matches(name)})

    def unlisted(self, allocatables: Iterable[Mapping[str, Any]], granted: Iterable[str]) -> list[str]:
        """Return the accelerators that some node offers and that are not granted, sorted.

        A ResourceQuota limits only the keys it lists, so each of these must be written with zero; else a tenant that is
        limited on C(nvidia.com/gpu) could take C(nvidia.com/gpu.shared) without end (Kubernetes resource quotas).
        allocatables: each node's C(status.allocatable).
        """
        offered = {name for allocatable in allocatables for name in allocatable}
        return self.among(offered - set(granted))


def spelling_problem(name: Any) -> Optional[str]:
    """Return what would be allowed when a resource name is misspelt as a key of accelerators, else None.

    The API server stores quota keys such as C(limits.nvidia.com/gpu) and a bare C(nvidia.com/gpu) without an error and
    never enforces them (Kubernetes pod quota evaluator); so only the plain name is taken, C(requests.) is added by us.
    """
    if not isinstance(name, str):
        return RESOURCE_NAME_ALLOWED
    for prefix in QUOTA_PREFIXES:
        if name.startswith(prefix):
            rest = name[len(prefix) :]
            hint = f", here {rest}" if is_resource_name(rest) and "/" in rest else ""
            return f"the plain resource name without '{prefix}'{hint} (the quota's key is written by the collection)"
    if not is_resource_name(name) or "/" not in name:
        return "a device's full resource name with its vendor, such as nvidia.com/gpu"
    return None


def gpu_equivalent(name: str) -> Optional[Fraction]:
    """Return which part of a whole card one piece of a resource is, or None when that cannot be said (time-slicing).

    For reports only: whole cards and slices are different resources and never add up in a quota or a capacity check.
    """
    if _WHOLE.fullmatch(name):
        return Fraction(1)
    match = _MIG.fullmatch(name)
    if match is None:
        return None
    slices, memory = int(match["slices"]), int(match["memory"])
    return Fraction(slices, _MIG_SLICES_A30 if memory == slices * _A30_SLICE_MEMORY else _MIG_SLICES)


def gpu_equivalents(amounts: Mapping[str, int]) -> Fraction:
    """Add up amounts as parts of whole cards; what has no equivalent is left out. For reports only."""
    return sum((count * (gpu_equivalent(name) or Fraction(0)) for name, count in amounts.items()), Fraction(0))
