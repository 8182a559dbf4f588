# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How a module reaches a Kubernetes API server: the authentication options of kubernetes.core."""

from __future__ import annotations

import copy
from typing import Any

try:
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
except ImportError:
    # Told by kube/session.py at the first request; without it a module could not even show its options.
    AUTH_ARG_SPEC = {}


def kubernetes_options() -> dict[str, Any]:
    """The options as a copy that may be changed; kubernetes.core shares its own between all modules."""
    return copy.deepcopy(AUTH_ARG_SPEC)
