# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions and version ranges as Helm writes them: semantic versioning 2.0, with or without a leading C(v)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

VERSION_ALLOWED = "a semantic version such as 1.12.1 or v1.21.1-rc.1"
RANGE_ALLOWED = "comparisons such as '>= 1.25.0-0, < 1.37.0-0', joined by a comma or a space, alternatives by '||'"

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")
_COMPARISON = re.compile(r"(>=|<=|!=|=|>|<)?\s*(v?\d[0-9A-Za-z.+-]*)")


@total_ordering
@dataclass(frozen=True, eq=False)
class SemVer:
    """One version. pre: the identifiers of the pre-release, empty for a release. build: what follows the plus sign;
    it does not count in comparisons.
    """

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()
    build: str = ""

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts as the standard says: a release after its pre-releases, numbers before words."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return (self.major, self.minor, self.patch, not self.pre, parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemVer) and self.rank == other.rank

    def __lt__(self, other: SemVer) -> bool:
        return self.rank < other.rank

    def __hash__(self) -> int:
        return hash(self.rank)


def parse(text: Any) -> SemVer:
    """Read a version. Raises ValueError."""
    match = _VERSION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not {VERSION_ALLOWED}")
    major, minor, patch, pre, build = match.groups()
    return SemVer(int(major), int(minor or 0), int(patch or 0), tuple(pre.split(".")) if pre else (), build or "")


def is_within(version: str, wanted: str) -> bool:
    """Whether a version lies in a range; an empty range holds everything. Raises ValueError for what is not one."""
    if not wanted.strip():
        return True
    found = parse(version)
    # All of them are read, for a mistake in the last one counts too.
    alternatives = [_comparisons(part) for part in wanted.split("||")]
    return any(all(comparison(found) for comparison in comparisons) for comparisons in alternatives)


def _comparisons(text: str) -> list[Any]:
    """The comparisons of one alternative, each a function of a version."""
    result = []
    rest = text.replace(",", " ").strip()
    while rest:
        match = _COMPARISON.match(rest)
        if match is None:
            raise ValueError(f"{text!r} is not {RANGE_ALLOWED}")
        result.append(_comparison(match[1] or "=", parse(match[2])))
        rest = rest[match.end() :].strip()
    if not result:
        raise ValueError(f"{text!r} is not {RANGE_ALLOWED}")
    return result


def _comparison(operator: str, bound: SemVer) -> Any:
    return {
        ">=": lambda version: version >= bound,
        "<=": lambda version: version <= bound,
        ">": lambda version: version > bound,
        "<": lambda version: version < bound,
        "=": lambda version: version == bound,
        "!=": lambda version: version != bound,
    }[operator]
