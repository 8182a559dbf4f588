# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Label selectors in the text form of Kubernetes: C(a=b,c!=d,e in (f,g),h notin (i),j,!k)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .names import is_label_key, is_label_value

SELECTOR_ALLOWED = "a label selector such as 'pool=gpu,zone in (a,b),!maintenance'; empty selects all"

_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(r"(?P<key>[^=!\s]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^=!\s]*)")
_EXISTS = re.compile(r"(?P<not>!?)\s*(?P<key>[^=!\s()]+)")


@dataclass(frozen=True)
class Requirement:
    """One condition of a selector. operator: C(in), C(notin), C(exists) or C(absent)."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels fulfil the condition; C(notin) is also true when the label is missing."""
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "absent":
            return self.key not in labels
        inside = labels.get(self.key) in self.values
        return inside if self.operator == "in" else not inside


@dataclass(frozen=True)
class Selector:
    """All conditions together; without any condition everything matches."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels fulfil every condition."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Parse the text form of a label selector; raises ValueError that names the part which is wrong."""
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)] if text.strip() else []
    return Selector(tuple(_parse_requirement(part) for part in parts))


def _parse_requirement(part: str) -> Requirement:
    in_set, equality, exists = _SET.fullmatch(part), _EQUALITY.fullmatch(part), _EXISTS.fullmatch(part)
    if in_set:
        values = tuple(value.strip() for value in in_set["values"].split(","))
        requirement = Requirement(in_set["key"], in_set["operator"], values)
    elif equality:
        operator = "notin" if equality["operator"] == "!=" else "in"
        requirement = Requirement(equality["key"], operator, (equality["value"],))
    elif exists:
        requirement = Requirement(exists["key"], "absent" if exists["not"] else "exists")
    else:
        raise ValueError(f"{SELECTOR_ALLOWED}; cannot read {part!r}")
    if not is_label_key(requirement.key) or not all(is_label_value(value) for value in requirement.values):
        raise ValueError(f"{SELECTOR_ALLOWED}; cannot read {part!r}")
    return requirement
