# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The layers of the platform: their order, and a table of how they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..errors import Problems

Rows = list[list[str]]

HEALTHY = "healthy"


def order(layers: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The wanted layers, each after those that it needs.

    layers: from the file of versions, each with C(needs) and C(after), in the order in which they are installed when
    nothing else decides. needs: hard; after: only when that one is wanted too. wanted: layer -> bool.
    Raises ConfigError for an unknown layer, or one whose need is not wanted.
    """
    problems = Problems()
    for name in wanted:
        if name not in layers:
            problems.add(f"platform_release_layers.{name}", wanted[name], f"one of {', '.join(layers)}")
    chosen = [name for name in layers if wanted.get(name)]
    for name in chosen:
        for need in layers[name].get("needs") or []:
            if need not in chosen:
                problems.add(f"platform_release_layers.{need}", False, f"true, because {name} needs it")
    problems.raise_if_any("Layers of the platform")
    result: list[str] = []
    while len(result) < len(chosen):
        result.append(next(name for name in chosen if name not in result and _free(layers[name], chosen, result)))
    return result


def _free(layer: Mapping[str, Any], chosen: Sequence[str], done: Sequence[str]) -> bool:
    before = [*(layer.get("needs") or []), *(layer.get("after") or [])]
    return all(name in done or name not in chosen for name in before)


def waves(layers: Mapping[str, Any], chosen: Sequence[str], due: Sequence[str]) -> list[list[str]]:
    """The layers that are due, in groups that may come up side by side; each group after those before it.

    chosen: the wanted layers in their order, as L(order) gives them. due: those of them with something to do. A layer with
    C(alone) is a group of its own.
    """
    level: dict[str, int] = {}
    for name in chosen:
        before = [*(layers[name].get("needs") or []), *(layers[name].get("after") or [])]
        level[name] = 1 + max((level[other] for other in before if other in level), default=0)
    result: list[list[str]] = []
    for number in sorted(set(level.values())):
        group = [name for name in chosen if level[name] == number and name in due]
        together = [name for name in group if not layers[name].get("alone")]
        result += [together] if together else []
        result += [[name] for name in group if name not in together]
    return result


def turns(charts: Sequence[str], phase: str) -> list[dict[str, Any]]:
    """The steps by which a layer brings up its releases, each with C(number) of the release and the C(part) of its work.

    charts: of each release, empty for one that has only objects. phase: C(begin) ends before the wait for the last release,
    C(finish) is only that, so that layers can wait side by side; C(all) is both.
    """
    steps = [
        {"number": number, "part": part}
        for number, chart in enumerate(charts)
        for part in (("release", "settle") if chart else ("objects",))
    ]
    return {"begin": steps[:-1], "finish": steps[-1:]}.get(phase, steps)


def refused(ahead: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The layers that cannot be, each with why. ahead: what was found for each layer, see core.platform.ahead.summary."""
    return {name: "; ".join(found["refusals"]) for name, found in ahead.items() if found["refusals"]}


def blocked(layers: Mapping[str, Any], names: Sequence[str], failed: Sequence[str]) -> dict[str, str]:
    """Which of these layers cannot be installed because one that they need failed, also by way of others; and why."""
    found = {name: _blocked_by(layers, name, failed) for name in names}
    return {name: f"it needs {', '.join(needs)}, which failed" for name, needs in found.items() if needs}


def _blocked_by(layers: Mapping[str, Any], name: str, failed: Sequence[str]) -> list[str]:
    found: list[str] = []
    for need in layers[name].get("needs") or []:
        found += [need] if need in failed else _blocked_by(layers, need, failed)
    return list(dict.fromkeys(found))


def removal_problems(layers: Mapping[str, Any], removed: Sequence[str], wanted: Mapping[str, Any]) -> list[str]:
    """Why layers cannot be removed, a sentence each. wanted: layer -> bool, what the inventory declares."""
    found = [
        f"platform_release_remove_layers: {name!r} is not one of {', '.join(layers)}"
        for name in removed
        if name not in layers
    ]
    for name, layer in layers.items():
        for need in layer.get("needs") or []:
            if need in removed and name not in removed and wanted.get(name):
                found.append(f"{need} is not removed: {name} needs it and is in platform_release_layers")
    return found


def failure_text(failed: Mapping[str, str], chosen: Sequence[str], check_mode: bool) -> str:
    """The last message of a run in which layers failed."""
    lines = "\n".join(f"  - {name}: {message}" for name, message in failed.items())
    if check_mode:
        return f"{len(failed)} of {len(chosen)} layers would fail; nothing was changed.\n{lines}"
    return (
        f"{len(failed)} of {len(chosen)} layers failed, the others are as declared. What was done stays; run again when "
        f"the cause is gone.\n{lines}"
    )


def lacking(
    requires: Mapping[str, Any], cluster: Mapping[str, Any], observed: Optional[Mapping[str, Any]] = None
) -> list[str]:
    """What a layer needs and the cluster does not have, a sentence each.

    requires: C(storage_classes), C(ingress_classes) and C(nodes), lists of names; an empty storage class stands for a
    default one. C(apis): API version (C(cert-manager.io/v1)) -> what brings it. C(releases): C(namespace/name) -> what
    brings it. C(resources): resource that a node must offer (C(nvidia.com/gpu)) -> what brings it. C(objects), each with
    kind, name, and where it matters namespace and the keys of its data. cluster, observed: as helm_release_info returns
    them, observed by C(namespace/name).
    """
    found = [
        f"{name} is not a node of this cluster; there are: {', '.join(cluster['node_names']) or 'none'}"
        for name in requires.get("nodes") or []
        if name not in cluster["node_names"]
    ]
    for version, origin in (requires.get("apis") or {}).items():
        if version not in cluster["apis"]:
            found.append(f"the API {version} is needed and not served; {origin}")
    for release, origin in (requires.get("releases") or {}).items():
        if ((observed or {}).get(release) or {"status": "absent"})["status"] == "absent":
            found.append(f"the release {release} is needed and not installed; {origin}")
    for resource, origin in (requires.get("resources") or {}).items():
        if resource not in cluster["node_resources"]:
            found.append(f"no node offers {resource}; {origin}")
    found += _lacking_classes(requires, cluster)
    return found + _lacking_objects(requires.get("objects") or [], cluster.get("objects") or [])


def _lacking_classes(requires: Mapping[str, Any], cluster: Mapping[str, Any]) -> list[str]:
    found = []
    classes = list(cluster["storage_classes"])
    for name in requires.get("storage_classes") or []:
        if not name and len(cluster["default_storage_classes"]) != 1:
            there = ", ".join(cluster["default_storage_classes"]) or "none"
            found.append(f"exactly one default storage class is needed; there is: {there}")
        elif name and name not in classes:
            found.append(f"storage class {name} is needed; there are: {', '.join(classes) or 'none'}")
    for name in requires.get("ingress_classes") or []:
        if name not in cluster["ingress_classes"]:
            there = ", ".join(sorted(cluster["ingress_classes"])) or "none"
            found.append(f"ingress class {name} is needed; there are: {there}")
        elif not cluster["ingress_classes"][name]:
            found.append(f"ingress class {name} names no controller")
    return found


def _lacking_objects(required: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    keys = {(item["kind"], item["namespace"] or "", item["name"]): item["keys"] for item in there}
    for item in required:
        place = (item["kind"], item.get("namespace") or "", item["name"])
        title = f"{place[0]} {place[1] + '/' if place[1] else ''}{place[2]}"
        missing = [key for key in item.get("keys") or [] if key not in keys.get(place, [])]
        if place not in keys:
            with_keys = f" with the keys {', '.join(missing)}" if missing else ""
            found.append(f"{title}{with_keys} is needed; it is not there")
        elif missing:
            found.append(f"{title} needs the keys {', '.join(missing)}; they are not in it")
    return found


def status_rows(charts: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> Rows:
    """The table of releases, with its headline.

    charts: C(layer), C(declared), C(wanted) and C(version) of each. releases: results of helm_release_info with health, in the same
    order. A release that is neither wanted nor there is left out.
    """
    rows = [["LAYER", "RELEASE", "WANTED", "INSTALLED", "HEALTH", "WHY"]]
    for entry, found in zip(charts, releases):
        wanted = str(entry["version"]) if entry["wanted"] else "-"
        installed = "-" if found["status"] == "absent" else f"{found['version']} ({found['status']})"
        health, why = _health(entry, found)
        if entry["wanted"] or installed != "-":
            rows.append([entry["layer"], found["item"], wanted, installed, health, why])
    return rows


def ill(charts: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wanted and not healthy, and what a declared layer has without wanting it, a sentence each."""
    return [
        f"{entry['layer']} ({found['item']}): {why}"
        for entry, found in zip(charts, releases)
        for health, why in [_health(entry, found)]
        if health != HEALTHY and (entry["wanted"] or (entry["declared"] and found["status"] != "absent"))
    ]


def _health(entry: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, str]:
    if found["status"] == "absent":
        return ("missing", "it is not installed") if entry["wanted"] else ("-", "")
    why = list(found.get("why") or [])
    if entry["declared"] and found["version"] != entry["version"]:
        why.append(f"version {found['version']} instead of {entry['version']}")
    if not entry["declared"]:
        why.append("installed, but not in platform_release_layers")
    elif not entry["wanted"]:
        why.append(f"installed, but the settings of {entry['layer']} do not want it")
    return HEALTHY if found.get("healthy") else "not healthy", "; ".join(why)
