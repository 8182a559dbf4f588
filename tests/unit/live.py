# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an API server makes of the objects that it is given."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.names import FIELD_MANAGER


def owned(value: Any) -> Any:
    """The fieldsV1 tree that server-side apply would record for C(value)."""
    return {f"f:{key}": owned(inner) for key, inner in value.items()} if isinstance(value, dict) else {}


def applied(desired: dict[str, Any], manager: str = FIELD_MANAGER) -> dict[str, Any]:
    """C(desired) as a server would hold it after an apply: with its own metadata, status and field ownership."""
    live = copy.deepcopy(desired)
    fields = owned({key: value for key, value in desired.items() if key not in ("apiVersion", "kind")})
    live["metadata"].update(
        uid="1",
        resourceVersion="7",
        managedFields=[{"manager": manager, "operation": "Apply", "fieldsV1": fields}],
    )
    live["status"] = {"hard": {}}
    return live
