# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which services of NeuVector go to which policy mode, and why some may not yet (NeuVector 5.6, REST API).

A service that is protected loses every connection and process that its rules do not know. So it is protected only after
a time in Monitor in which nothing was reported about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import Problems, RefusedError
from ..names import RESERVED_NAMESPACE_PREFIXES, RESERVED_NAMESPACE_SUFFIXES
from ..plan import CHANGE, Plan, Step

DISCOVER, MONITOR, PROTECT = "Discover", "Monitor", "Protect"
MODES = (DISCOVER, MONITOR, PROTECT)

#: A blocked process in one of these can take the cluster down.
NEVER_PROTECTED = ("gpu-operator", "cert-manager", "kube-amd-gpu")
#: How many refused services a message names.
MAX_NAMED = 10

#: Lists in the log of security events -> fields that name the services of an event.
_EVENTS = {
    "violations": ("client_service", "server_service"),
    "incidents": ("workload_service", "remote_workload_service"),
    "threats": ("client_service", "server_service"),
}


@dataclass(frozen=True)
class Service:
    """One service as NeuVector knows it: C(web.shop) in namespace C(shop)."""

    name: str
    namespace: str
    mode: str
    profile_mode: str

    @property
    def modes(self) -> set[str]:
        """Of its network rules and of its processes; they may differ."""
        return {self.mode, self.profile_mode or self.mode}


def services(answer: Mapping[str, Any], namespaces: Sequence[str]) -> list[Service]:
    """The services of these namespaces, from the answer of C(GET /v1/service); without those whose mode is not ours."""
    found = [
        Service(
            str(item["name"]),
            str(item.get("domain") or ""),
            str(item["policy_mode"]),
            str(item.get("profile_mode") or ""),
        )
        for item in answer.get("services") or []
        if item.get("cap_change_mode", True)
    ]
    return sorted((one for one in found if one.namespace in namespaces), key=lambda one: one.name)


def reported(log: Mapping[str, Any], since: float) -> dict[str, str]:
    """Service -> what was reported about it last, from the answer of C(GET /v1/log/security). since: seconds of Unix time."""
    newest: dict[str, tuple[float, str]] = {}
    for kind, fields in _EVENTS.items():
        for event in log.get(kind) or []:
            when = float(event.get("reported_timestamp") or 0)
            text = f"{kind[:-1]} at {event.get('reported_at') or when}: {event.get('name') or event.get('policy_action') or '?'}"
            for name in {str(event.get(field) or "") for field in fields} - {""}:
                if when >= since and when >= newest.get(name, (0.0, ""))[0]:
                    newest[name] = (when, text)
    return {name: text for name, (_when, text) in newest.items()}


def check_namespaces(namespaces: Sequence[str], wanted: str, problems: Problems) -> None:
    """Collect namespaces that must never be protected."""
    if not namespaces:
        problems.add("namespaces", list(namespaces), "at least one name of a namespace")
    for name in namespaces:
        if wanted == PROTECT and is_never_protected(name):
            problems.add("namespaces", name, "no namespace of the cluster or the platform, with mode=Protect")


def is_never_protected(namespace: str) -> bool:
    """Whether the cluster or the platform lives in a namespace."""
    return (
        namespace in NEVER_PROTECTED
        or namespace.startswith(RESERVED_NAMESPACE_PREFIXES)
        or namespace.endswith(RESERVED_NAMESPACE_SUFFIXES)
    )


def unready(summary: Mapping[str, Any], leaders: int) -> Optional[str]:
    """Why NeuVector as a whole is in no state for a change, or None.

    summary: of C(GET /v1/system/summary). leaders: controllers that say so of themselves.
    """
    lost = int((summary.get("summary") or {}).get("disconnected_enforcers") or 0)
    if lost:
        return f"{lost} enforcers are not connected"
    return None if leaders == 1 else f"{leaders} controllers say that they lead, not one"


def plan(found: Iterable[Service], wanted: str, events: Mapping[str, str]) -> list[Plan]:
    """A plan for each service. Raises RefusedError when one of them must not be protected yet; then none is."""
    plans, refused = [], []
    for service in found:
        if service.modes == {wanted}:
            plans.append(Plan(service.name))
            continue
        why = _not_yet(service, events) if wanted == PROTECT else None
        if why:
            refused.append(f"{service.name}: {why}")
        before = {"policy_mode": service.mode, "profile_mode": service.profile_mode}
        after = {"policy_mode": wanted, "profile_mode": wanted}
        plans.append(Plan(service.name, (Step(CHANGE, "PolicyMode", service.name, before=before, after=after),)))
    if refused:
        more = f" (and {len(refused) - MAX_NAMED} more)" if len(refused) > MAX_NAMED else ""
        raise RefusedError(
            f"Nothing was protected: {'; '.join(refused[:MAX_NAMED])}{more}.",
            "Let them run in Monitor, make rules for what is right, and try again when nothing is reported any more.",
        )
    return plans


def _not_yet(service: Service, events: Mapping[str, str]) -> Optional[str]:
    if DISCOVER in service.modes:
        return "it is in Discover; it must be in Monitor first"
    return events.get(service.name)


def left(found: Iterable[Service], wanted: str) -> list[str]:
    """The services that are in another mode than the wanted one."""
    return [service.name for service in found if service.modes != {wanted}]
