# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Asks the modules of the host-side phase what they would do, all in one task."""

from __future__ import annotations

from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.look_ahead import LookAheadAction


class ActionModule(LookAheadAction):
    """What Ansible finds here."""

    module_names = ("tenant_guard", "gpu_quota", "k3k_cluster")
