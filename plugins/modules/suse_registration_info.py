#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: suse_registration_info
short_description: Read how a SLES host is registered
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads C(SUSEConnect -s), the registration server, and whether the host is a client of Multi-Linux Manager.
  - Registration codes, that SUSEConnect prints in clear, are left out.
options: {}
extends_documentation_fragment:
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.suse_registration
"""

EXAMPLES = r"""
- name: Read the registration
  ai_tenancy.platform.suse_registration_info:
  register: registration
"""

RETURN = r"""
registered:
  description: Whether the base product is registered, or the host is a client of Multi-Linux Manager.
  returned: always
  type: bool
method:
  description: V(scc), V(rmt), V(mlm) or V(none).
  returned: always
  type: str
  sample: rmt
url:
  description: The registration server; empty when there is none.
  returned: always
  type: str
  sample: https://rmt.example.com
products:
  description: What SUSEConnect says; empty when it is not installed.
  returned: always
  type: list
  elements: dict
  sample:
    - {identifier: SLES, version: '15.7', arch: x86_64, status: Registered}
"""

from dataclasses import asdict

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import registration as rules
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.registration import Registration
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, Report, run_module


def work(context: Context) -> Report:
    """Read, never change."""
    host = Registration(context.machine, {}, context.learn_secret)
    status = host.status() if context.machine.has("SUSEConnect") else []
    by_connect = rules.plan(rules.Request(rules.SCC), status, host.base).registered
    url = (host.server() or rules.SCC_URL) if by_connect else ""
    method = rules.NONE
    if host.managed():
        method = rules.MLM
    elif by_connect:
        method = rules.SCC if rules.same_server(url, rules.SCC_URL) else rules.RMT
    return Report(
        values={
            "registered": method != rules.NONE,
            "method": method,
            "url": url,
            "products": [asdict(product) for product in status],
        }
    )


def main() -> None:
    """Entry point of the module."""
    run_module({}, work)


if __name__ == "__main__":
    main()
