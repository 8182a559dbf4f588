# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels that the user wants on a tenant's objects, beside ours."""

from __future__ import annotations

from typing import Any

from . import names
from .errors import Problems

#: Labels that somebody else gives a meaning to.
_TAKEN_LABELS = (names.LABEL_PREFIX, "policy.k3k.io/", "pod-security.kubernetes.io/", names.LABEL_MANAGED_BY)


def parse_labels(labels: Any, path: str, problems: Problems) -> dict[str, str]:
    """Check labels of the user's own; those of Kubernetes, k3k and this collection are taken."""
    found = {}
    for key, value in (labels or {}).items():
        text = str(value)
        prefix = str(key).rpartition("/")[0]
        if not names.is_label_key(key):
            problems.add(f"{path}.{key}", key, names.LABEL_KEY_ALLOWED)
        elif str(key).startswith(_TAKEN_LABELS) or prefix.endswith(("kubernetes.io", "k8s.io")):
            problems.add(f"{path}.{key}", text, "a label of your own, not one of Kubernetes, k3k or this collection")
        elif not names.is_label_value(text):
            problems.add(f"{path}.{key}", text, names.LABEL_VALUE_ALLOWED)
        else:
            found[str(key)] = text
    return found
