# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filter that reads a tenants file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError


def tenants_parse(data: Any, as_json: bool = False) -> dict[str, Any]:
    """Check a tenants file and return it in flat form, or fail with all its mistakes in one message.

    as_json: return the tenants as one JSON text.
    """
    # Not at the top: Ansible loads all filters of the collection anew for every task that uses one of them.
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

    try:
        declared = parse_tenants_file(data).to_dict()
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error
    return {**declared, "tenants": json.dumps(declared["tenants"])} if as_json else declared


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {"tenants_parse": tenants_parse}
