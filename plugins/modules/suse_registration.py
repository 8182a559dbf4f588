#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: suse_registration
short_description: Register a SLES host at SUSE Customer Center, an RMT server or Multi-Linux Manager
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Compares what C(SUSEConnect -s) says with the wanted products, and registers only what is missing.
  - Registration codes reach SUSEConnect by its standard input or a file that only root can read, never by its command line.
options:
  state:
    description: V(present) registers, V(absent) unregisters.
    type: str
    choices: [present, absent]
    default: present
  method:
    description:
      - V(scc) SUSE Customer Center, V(rmt) a local mirror, V(mlm) the bootstrap script of Multi-Linux Manager, V(none) nothing
        is done (air-gapped with local repositories).
    type: str
    choices: [scc, rmt, mlm, none]
    required: true
  url:
    description: Address of the RMT server. Its name must be the one in its certificate.
    type: str
  regcode:
    description: Registration code. Needed for V(scc); an RMT server needs none.
    type: str
  email:
    description: Address that SUSE Customer Center writes to.
    type: str
  products:
    description:
      - Modules and extensions, such as V(sle-module-containers) or V(sle-module-containers/15.7/x86_64); a bare name gets version
        and architecture of the host. Order counts, a product stands behind those that it needs.
      - SLES 16 has no modules; naming one there is refused.
    type: list
    elements: str
    default: []
  product_regcodes:
    description: Registration codes of products that need one of their own, by product.
    type: dict
    default: {}
  regcode_by:
    description: How SUSEConnect gets a code, V(stdin) or a V(file) below /run that is removed at once.
    type: str
    choices: [stdin, file]
    default: stdin
  ca_certificate:
    description: CA of the server in PEM form; it becomes trusted by the whole system.
    type: str
  ca_fingerprint:
    description:
      - SHA-256 fingerprint of the CA that the RMT server offers at C(/rmt.crt). It is fetched and taken only when it is the same.
    type: str
  bootstrap_url:
    description: Address of the bootstrap script of Multi-Linux Manager. It is run once, as root.
    type: str
  bootstrap_sha256:
    description: SHA-256 of that script; without it the script must come over HTTPS.
    type: str
  cleanup:
    description: Remove the old registration when the server no longer knows the host, and register anew.
    type: bool
    default: false
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
seealso:
  - module: ai_tenancy.platform.suse_registration_info
notes:
  - A host that is registered at another server than the wanted one is not moved; unregister it first.
"""

EXAMPLES = r"""
- name: Register at SUSE Customer Center
  ai_tenancy.platform.suse_registration:
    method: scc
    regcode: "{{ vault_regcode }}"
    products: [sle-module-containers, sle-module-python3]

- name: Register at a mirror
  ai_tenancy.platform.suse_registration:
    method: rmt
    url: https://rmt.example.com
    ca_fingerprint: "3F:1C:...:A9"

- name: Unregister
  ai_tenancy.platform.suse_registration:
    method: scc
    state: absent
"""

RETURN = r"""
registered:
  description: Whether the host is registered after the run.
  returned: always
  type: bool
products:
  description: What SUSEConnect says, without codes.
  returned: when O(method) is V(scc) or V(rmt)
  type: list
  elements: dict
  sample:
    - {identifier: SLES, version: '15.7', arch: x86_64, status: Registered}
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import registration as rules
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import CREATE, Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.registration import Registration, removal
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    run_module,
)

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "method": {"type": "str", "choices": ["scc", "rmt", "mlm", "none"], "required": True},
    "url": {"type": "str"},
    "regcode": {"type": "str", "no_log": True},
    "email": {"type": "str"},
    "products": {"type": "list", "elements": "str", "default": []},
    "product_regcodes": {"type": "dict", "default": {}, "no_log": True},
    "regcode_by": {"type": "str", "choices": ["stdin", "file"], "default": "stdin"},
    "ca_certificate": {"type": "str"},
    "ca_fingerprint": {"type": "str"},
    "bootstrap_url": {"type": "str"},
    "bootstrap_sha256": {"type": "str"},
    "cleanup": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Choose by method."""
    for code in (context.params.get("product_regcodes") or {}).values():
        context.learn_secret(str(code))
    host = Registration(context.machine, context.params, context.learn_secret)
    request = host.request()
    if not context.check_mode:
        host.forget()
    if request.method == rules.NONE:
        return Report(values={"registered": False})
    if request.method == rules.MLM:
        return _managed(context, host)
    return _registered(context, host, request)


def _managed(context: Context, host: Registration) -> Report:
    if context.params["state"] == "absent":
        raise RefusedError("A client of Multi-Linux Manager is removed there.", "Delete the system in its web page.")
    steps: list[Step] = []
    if not host.managed():
        url = context.params["bootstrap_url"]
        steps = [Step(CREATE, "client of Multi-Linux Manager", url, after={"bootstrap_url": url})]
        certificate = host.ca_step(url)
        if certificate:
            steps.insert(0, certificate)
        if not context.check_mode:
            if certificate:
                host.trust(certificate)
            host.bootstrap()
    return Report([ItemResult("registration", steps)], values={"registered": True})


def _registered(context: Context, host: Registration, request: rules.Request) -> Report:
    absent = context.params["state"] == "absent"
    steps: list[Step] = []
    certificate = None if absent else host.ca_step(request.url)
    if certificate:
        steps.append(certificate)
        if not context.check_mode:
            host.trust(certificate)
    try:
        status = host.status()
    except RefusedError:
        if not context.params["cleanup"]:
            raise
        steps.append(removal("old registration", host.server() or rules.SCC_URL))
        if not context.check_mode:
            host.clean()
        status = []
    plan = rules.plan(request, status, host.base)
    if absent:
        return _unregistered(context, host, plan, status)
    if plan.registered and not rules.same_server(host.server(), request.url):
        raise RefusedError(
            f"The host is registered at {host.server() or rules.SCC_URL}, not at {request.url}.",
            "Unregister it first (sles_register_state: absent), then run again.",
        )
    if plan.base:
        steps.append(Step(CREATE, "registration", request.url, after={"server": request.url, "product": host.base}))
    steps += [Step(CREATE, "product", name, after={"product": name}) for name in plan.products]
    if plan.needed and not context.check_mode:
        host.register(request, plan)
        status = host.status()
    done = plan.registered if context.check_mode else rules.plan(request, status, host.base).registered
    return _report(steps, done, status)


def _unregistered(context: Context, host: Registration, plan: rules.Plan, status: list[Any]) -> Report:
    if not plan.registered:
        return _report([], False, status)
    if not context.check_mode:
        host.unregister()
        status = host.status()
    return _report([removal("registration", host.server() or rules.SCC_URL)], context.check_mode, status)


def _report(steps: list[Step], registered: bool, status: list[Any]) -> Report:
    values = {"registered": registered, "products": [asdict(product) for product in status]}
    return Report([ItemResult("registration", steps)], values=values)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
