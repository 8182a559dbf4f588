# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What every module of the collection promises."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes; C(info) for modules that only read."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without changing it.
    support: full
    details:
      - What would be written to Kubernetes is judged by the API server with a server-side dry run.
  diff_mode:
    description: Returns what changes, or would change, with every secret masked.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without changing it.
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    description: Returns what changes, or would change, with every secret masked.
    support: N/A
"""
