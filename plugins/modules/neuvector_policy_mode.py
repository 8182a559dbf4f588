#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: neuvector_policy_mode
short_description: Move the services of namespaces to another policy mode of SUSE Security, after looking whether they are ready
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Sets the policy mode of all services in the namespaces that are named. A service in C(Protect) loses every connection and process
    that its rules do not know.
  - Before O(mode=Protect) it looks whether that would break something. All enforcers must be connected and one controller must lead;
    each service must be in C(Monitor), and nothing may have been reported about it for O(quiet_hours). If one service is not ready, none is
    changed, and the message names it with the last event.
  - Services whose mode a custom resource says are left alone. Afterwards the modes are read again.
  - It reaches NeuVector's REST API through the API server of Kubernetes, so nothing must be exposed. Needs the Service
    C(neuvector-svc-controller-api), which the role P(ai_tenancy.platform.suse_security#role) makes.
options:
  mode:
    description: The policy mode.
    type: str
    choices: [Discover, Monitor, Protect]
    required: true
  namespaces:
    description: Namespaces whose services are meant. Those of the cluster and of the platform are refused with O(mode=Protect).
    type: list
    elements: str
    required: true
  quiet_hours:
    description: For how many hours nothing may have been reported about a service before it is protected.
    type: int
    default: 24
  username:
    description: User of NeuVector.
    type: str
    default: admin
  password:
    description: The user's password.
    type: str
    required: true
  namespace:
    description: Namespace of NeuVector.
    type: str
    default: cattle-neuvector-system
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
"""

EXAMPLES = r"""
- name: Protect the services of the shop
  ai_tenancy.platform.neuvector_policy_mode:
    mode: Protect
    namespaces: [shop]
    quiet_hours: 72
    password: "{{ vault_security_password }}"
"""

RETURN = r"""
results:
  description: One entry per service, in the order of their names.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Name of the service.
      type: str
      returned: always
    policy_mode:
      description: The mode that it had before.
      type: str
      returned: always
  sample:
    - item: web.shop
      changed: true
      policy_mode: Monitor
"""

from datetime import datetime, timezone

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems, RefusedError, StuckError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import protection
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.neuvector import NeuVector
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "mode": {"type": "str", "choices": ["Discover", "Monitor", "Protect"], "required": True},
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "quiet_hours": {"type": "int", "default": 24},
    "username": {"type": "str", "default": "admin"},
    "password": {"type": "str", "required": True, "no_log": True},
    "namespace": {"type": "str", "default": "cattle-neuvector-system"},
}


def work(context: Context) -> Report:
    """Look, decide for all services, change them at once, and look again."""
    params = context.params
    mode, namespaces = params["mode"], params["namespaces"]
    problems = Problems()
    protection.check_namespaces(namespaces, mode, problems)
    problems.raise_if_any("Policy mode")
    server = NeuVector(context.session, params["namespace"])
    with server.logged_in(params["username"], params["password"], context.learn_secret) as api:
        found = protection.services(api.services(), namespaces)
        events = _events(api, params["quiet_hours"]) if mode == protection.PROTECT else {}
        plans = protection.plan(found, mode, events)
        names = [plan.item for plan in plans if plan.changed]
        if names and not context.check_mode:
            api.set_mode(names, mode)
            left = protection.left(protection.services(api.services(), namespaces), mode)
            if set(left) & set(names):
                raise StuckError(f"NeuVector took the request, but these are not in {mode}: {', '.join(left)}.")
    modes = {service.name: service.mode for service in found}
    return Report([ItemResult.of_plan(plan, policy_mode=modes[plan.item]) for plan in plans])


def _events(api: NeuVector, quiet_hours: int) -> dict[str, str]:
    why = protection.unready(api.summary(), api.leaders())
    if why:
        raise RefusedError(f"Nothing was protected: {why}.", "Look at the pods in the namespace of NeuVector.")
    since = datetime.now(timezone.utc).timestamp() - quiet_hours * 3600
    return protection.reported(api.events(), since)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
