# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the controller has taken a Cluster's spec over into its StatefulSet and its Deployment.

The status of a Cluster has no observedGeneration, and its phase says Ready for the first half minute of each roll-out;
what a policy adds even arrives after the servers have started once. So the only proof that a change was processed is
that the pod templates have it. Where which field goes was observed with k3k controller v1.2.0-rc4; compared is only
what is known for sure, because a false difference would be waited for in vain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import quantity
from ..objects import Object
from .facts import Facts

#: The start script's line with the joined serverArgs.
_EXTRA_ARGS = re.compile(r'^\s*EXTRA_ARGS=(?:"(.*)"|(\S*))\s*$', re.MULTILINE)
#: What stands before agentArgs in the arguments of an agent: C(agent --config FILE).
_AGENT_PREFIX = ("agent", "--config")


def server_lag(facts: Facts, servers: Object) -> list[str]:
    """Fields that the StatefulSet does not have as the Cluster says."""
    spec, pod = facts.spec, _pod(servers)
    lag = list(_common_lag(facts, servers, "servers", "serverLimit", "serverResources", "serverAffinity", "serverEnvs"))
    if (pod.get("priorityClassName") or "") != (spec.get("priorityClass") or ""):
        lag.append("priorityClass")
    if not _has_server_args(spec.get("serverArgs") or [], _container(pod)):
        lag.append("serverArgs")
    volumes = _volumes(pod)
    wanted = {f"addon-{addon.get('secretRef')}" for addon in spec.get("addons") or []}
    if wanted != {name for name in volumes if name.startswith("addon-")}:
        lag.append("addons")
    return lag


def agent_lag(facts: Facts, agents: Object) -> list[str]:
    """Fields that the Deployment does not have as the Cluster says."""
    lag = list(_common_lag(facts, agents, "agents", "workerLimit", "workerResources", "agentAffinity", "agentEnvs"))
    arguments = [str(entry) for entry in _container(_pod(agents)).get("args") or []]
    wanted = list(facts.spec.get("agentArgs") or [])
    if tuple(arguments[:2]) == _AGENT_PREFIX:
        arguments = arguments[3:]
    elif wanted:
        arguments = arguments[-len(wanted) :]
    if arguments != wanted:
        lag.append("agentArgs")
    return lag


def _common_lag(
    facts: Facts, workload: Object, replicas: str, limit: str, resources: str, affinity: str, environment: str
) -> Iterator[str]:
    spec, pod = facts.spec, _pod(workload)
    container = _container(pod)
    if int(workload["spec"].get("replicas", 1)) != int(spec.get(replicas) or 0):
        yield replicas
    if spec.get("version") and not str(container.get("image", "")).endswith(f":{spec['version']}"):
        yield "version"
    # Amounts for the pod as a whole clear the container's, and older API servers drop them without a word.
    if not spec.get(resources) and not _same_amounts(spec.get(limit), (container.get("resources") or {}).get("limits")):
        yield limit
    if (pod.get("nodeSelector") or {}) != (spec.get("nodeSelector") or {}):
        yield "nodeSelector"
    for field in (affinity, "runtimeClassName", "hostUsers"):
        found = pod.get("affinity" if field == affinity else field)
        if _said(found) != _said(_in_force(facts, field)):
            yield field
    variables = container.get("env") or []
    if any(variable not in variables for variable in map(_stored, spec.get(environment) or [])):
        yield environment
    mounts = {mount.get("name") or mount.get("secretName") for mount in _mounts(spec, replicas)}
    if not mounts <= _volumes(pod):
        yield "secretMounts"


def _in_force(facts: Facts, field: str) -> Any:
    """A field of the spec, unless the policy of the namespace sets its own."""
    policy = facts.status.get("policy") or {}
    return facts.spec.get(field) if _said(policy.get(field)) is None else policy[field]


def _said(value: Any) -> Any:
    """A value, or None when it is one of the ways of saying nothing."""
    return None if value in (None, {}, "") else value


def _stored(variable: Mapping[str, Any]) -> dict[str, Any]:
    """An environment variable as the API server stores it: without an empty value."""
    return {key: value for key, value in variable.items() if key != "value" or value}


def _mounts(spec: Mapping[str, Any], replicas: str) -> list[Mapping[str, Any]]:
    roles = ("", "all", replicas[:-1])
    return [mount for mount in spec.get("secretMounts") or [] if mount.get("role", "all") in roles]


def _same_amounts(wanted: Any, found: Any) -> bool:
    wanted, found = wanted or {}, found or {}
    return set(wanted) == set(found) and all(quantity.same(wanted[name], found[name]) for name in wanted)


def _has_server_args(arguments: Sequence[str], container: Mapping[str, Any]) -> bool:
    script = "\n".join(str(part) for part in [*(container.get("command") or []), *(container.get("args") or [])])
    joined = " ".join(arguments)
    lines = [quoted or plain for quoted, plain in _EXTRA_ARGS.findall(script)]
    return joined in lines if lines else joined in script


def _pod(workload: Object) -> Mapping[str, Any]:
    pod = (workload["spec"].get("template") or {}).get("spec") or {}
    return pod if isinstance(pod, Mapping) else {}


def _container(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(pod.get("containers") or []), {})


def _volumes(pod: Mapping[str, Any]) -> set[str]:
    return {volume.get("name", "") for volume in pod.get("volumes") or []}
