#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_promote
short_description: Promote artifacts from one project of Harbor to another one, after a scan
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Copies images, charts and other artifacts inside Harbor (SUSE Private Registry), for example from staging to production. Before that,
    each is scanned unless its last scan is new enough, and one with grave vulnerabilities is not copied.
  - It is copied by its digest, so that what was scanned is what comes. What is promoted already is not scanned again.
  - Takes all promotions in one call. A failure of one does not stop the others. All mistakes are told at once, before any change.
options:
  promotions:
    description: The promotions.
    type: list
    elements: dict
    required: true
    suboptions:
      repository:
        description: Repository inside the project, such as V(app) or V(team/app).
        type: str
        required: true
      reference:
        description:
          - A tag, or a digest (V(sha256:...)).
          - Harbor copies all tags of the artifact, not only this one, and takes them away from another artifact of the target.
        type: str
        required: true
      from:
        description: Project that has the artifact.
        type: str
        required: true
      to:
        description: Project that gets it; another one.
        type: str
        required: true
      target_repository:
        description: Repository in the target; that of the source when not set.
        type: str
      stop_from:
        description:
          - The least severity that stops the promotion. When not set, the one from which the target holds images back, or V(high) where it
            holds none back.
          - V(never) asks for no scan. Charts and other artifacts that no scanner takes need it.
        type: str
        choices: [low, medium, high, critical, never]
      scan_max_age_hours:
        description: How old the last scan may be, for the lists of vulnerabilities grow each day.
        type: int
        default: 24
  concurrency:
    description: How many promotions are worked on at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - ai_tenancy.platform.harbor_auth
  - ai_tenancy.platform.wait
  - ai_tenancy.platform.attributes
notes:
  - With O(wait=false) a scan that is needed is ordered, and nothing is copied until a later run.
  - In check mode nothing is scanned. RV(results[].actions) then tells that a scan would come first, and that the copy depends on it.
seealso:
  - module: ai_tenancy.platform.harbor_project
"""

EXAMPLES = r"""
- name: Release the shop
  ai_tenancy.platform.harbor_promote:
    api_url: https://registry.example.com
    api_password: "{{ vault_registry_admin }}"
    promotions:
      - {repository: shop, reference: "2.4.1", from: staging, to: production}
      - {repository: shop-db, reference: "2.4.1", from: staging, to: production, stop_from: critical}
"""

RETURN = r"""
results:
  description: One entry per promotion, in the order of the input.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: What comes of it, as clients write it.
      type: str
      returned: always
    changed:
      description: Whether something was (in check mode, would be) changed.
      type: bool
      returned: always
    actions:
      description: What was done, in order, each with action, kind, name and reason.
      type: list
      elements: dict
      returned: always
    digest:
      description: Digest of the artifact.
      type: str
      returned: when there is one
    tags:
      description: Its tags in the source; all of them are in the target then.
      type: list
      elements: str
      returned: when there is one
    severity:
      description: The worst that its last scan found, in Harbor's words.
      type: str
      returned: when it was scanned
    failed:
      description: Set when this promotion failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: production/shop:2.4.1
      changed: true
      actions:
        - {action: create, kind: Scan, name: "staging/shop:2.4.1", reason: it was never scanned}
        - {action: create, kind: Artifact, name: "production/shop:2.4.1", reason: when its scan finds nothing from high up}
      digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      tags: ["2.4.1"]
      severity: low
"""

import time

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.promotion import parse_promotions
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    HARBOR_OPTIONS,
    WAIT_OPTIONS,
    Context,
    Report,
    run_module,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.promotions import Promotions

_PROMOTION = {
    "repository": {"type": "str", "required": True},
    "reference": {"type": "str", "required": True},
    "from": {"type": "str", "required": True},
    "to": {"type": "str", "required": True},
    "target_repository": {"type": "str"},
    "stop_from": {"type": "str", "choices": ["low", "medium", "high", "critical", "never"]},
    "scan_max_age_hours": {"type": "int", "default": 24},
}
ARGUMENT_SPEC = {
    **HARBOR_OPTIONS,
    **WAIT_OPTIONS,
    "promotions": {"type": "list", "elements": "dict", "required": True, "options": _PROMOTION},
    "concurrency": {"type": "int", "default": 8},
}


def work(context: Context) -> Report:
    """Promote what is not promoted yet."""
    requests, problems = parse_promotions(context.params["promotions"])
    run = Promotions(context.harbor, time.time, context.waiting, context.check_mode)
    outcomes = run.promote(requests, problems, context.params["concurrency"])
    return Report(outcomes)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
