# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Judges what a layer of the platform would change, and asks about what belongs around its charts, all in one task."""

from __future__ import annotations

from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.layer_ahead import LayerAheadAction


class ActionModule(LayerAheadAction):
    """What Ansible finds here."""

    module_names = ("platform_objects",)
