# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filter that reads a tenants file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.collector import collector_paused


def tenants_parse(data: Any, as_json: bool = False, only: Optional[Sequence[str]] = None) -> dict[str, Any]:
    """Check a tenants file and return it in flat form, or fail with all its mistakes in one message.

    as_json: return the tenants as one JSON text. only: leave only what C(tenants_chosen) chooses by it.
    """
    with collector_paused():
        # Not at the top: Ansible loads all filters of the collection anew for every task that uses one of them.
        from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

        try:
            declared = parse_tenants_file(data).to_dict()
        except ConfigError as error:
            raise AnsibleFilterError(str(error)) from error
        if only is not None:
            from ansible_collections.ai_tenancy.platform.plugins.filter.requests import tenants_chosen

            declared["tenants"] = tenants_chosen(declared["tenants"], only)
        return {**declared, "tenants": json.dumps(declared["tenants"])} if as_json else declared


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {"tenants_parse": tenants_parse}
