#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_token
short_description: Replace the token of an RKE2 cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Asks the supervisor of the server that it runs on to replace the servers' token, as C(rke2 token rotate) does. That command
    takes the new token as an argument, which every user of the host can read; this module sends it in the body of the request.
  - When the new token counts already, nothing is done.
  - Nodes that run go on with the old one. A node that starts needs the new one, so the files of all nodes come next.
options:
  token:
    description: The token that counts now.
    type: str
    required: true
  new_token:
    description: The token that is to count.
    type: str
    required: true
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
notes:
  - A snapshot can only be restored with the token that counted when it was taken. Keep the old one as long as its snapshots.
seealso:
  - module: ai_tenancy.platform.rke2_config
"""

EXAMPLES = r"""
- name: Replace the token
  ai_tenancy.platform.rke2_token:
    token: "{{ vault_rke2_token }}"
    new_token: "{{ vault_rke2_token_new }}"
"""

RETURN = r"""
results:
  description: One entry.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: V(token).
      type: str
      returned: always
    changed:
      description: Whether the token was (in check mode, would be) replaced.
      type: bool
      returned: always
    actions:
      description: The replacement.
      type: list
      elements: dict
      returned: always
  sample:
    - {item: token, changed: true, actions: [{action: replace, kind: Token, name: servers, reason: rotated}]}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, Problem, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import REPLACE, Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import token
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.supervisor import Supervisor
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, ItemResult, Report, run_module

ARGUMENT_SPEC = {
    "token": {"type": "str", "required": True, "no_log": True},
    "new_token": {"type": "str", "required": True, "no_log": True},
}


def work(context: Context) -> Report:
    """Ask which one counts, and replace it."""
    old, new = context.params["token"], context.params["new_token"]
    for secret in (old, new):
        context.learn_secret(token.password(secret))
    if token.problem(new):
        raise ConfigError("RKE2 token", [Problem("new_token", "(hidden)", token.ALLOWED)])
    supervisor = Supervisor(context.machine)
    if supervisor.accepts(new):
        return Report([ItemResult("token")])
    if not supervisor.accepts(old):
        raise RefusedError(
            "Neither the old nor the new token counts in this cluster; nothing was changed.",
            "The one that counts stands in /var/lib/rancher/rke2/server/token of a server.",
        )
    if not context.check_mode:
        supervisor.rotate(old, new)
    return Report([ItemResult("token", [Step(REPLACE, "Token", "servers", reason="rotated")])])


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
