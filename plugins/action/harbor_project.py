# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the module C(harbor_project) without a process of its own where that is possible."""

from __future__ import annotations

from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """What Ansible finds here."""

    module_name = "harbor_project"
