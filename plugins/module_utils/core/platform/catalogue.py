# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The file of versions: which chart in which version from where, for which Kubernetes, and what goes with what.

The file is C(roles/platform_release/vars/versions.yml). The roles and the air-gap bundle read it through this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..errors import Problems
from ..nested import put
from . import semver

ARCHIVE, OCI, REPOSITORY = "archive", "oci", "repository"

#: Fields that a site may set for a chart, and a train.
OVERRIDABLE = ("version", "app_version", "kubernetes", "sha256", "images", "sources", "chart")
#: How charts want the names of pull secrets: a text, a list of texts, or a list of {name: text}.
SHAPES = ("name", "names", "objects")

Chart = dict[str, Any]

#: Words of Helm and of registries, and what they mean for the operator. The first that fits counts.
_FETCH_TROUBLES = (
    (
        r"401|unauthorized|authentication required",
        "the registry does not accept the login: check platform_release_chart_logins",
    ),
    (r"403|denied|forbidden", "the login may not read this chart: check the entitlement of the account"),
    (r"404|not found|no chart version found", "the chart or this version is not there: check version and source"),
    (r"x509|certificate", "the certificate is not trusted: check platform_release_chart_ca and the host name"),
    (
        r"no such host|connection refused|i/o timeout|network is unreachable|deadline exceeded|EOF",
        "nothing answers there: check the network, a proxy, or set platform_release_charts_dir",
    ),
)


def chart(
    catalogue: Mapping[str, Any],
    key: str,
    train: str = "current",
    source: str = "community",
    overrides: Optional[Mapping[str, Any]] = None,
    charts_dir: Optional[str] = "",
) -> Chart:
    """One chart as it is to be installed: its entry, with what the train, the source and the site say.

    charts_dir: folder with chart files; when it is not empty they come from there; None when nothing is to be fetched, so
    that a source without an address is no mistake. The result has C(origin): C(kind) (ARCHIVE, OCI or REPOSITORY),
    C(reference), C(repository), and C(file), the name of the chart's file. Raises ConfigError.
    """
    problems = Problems()
    charts, trains = catalogue["charts"], catalogue.get("trains") or {}
    if key not in charts:
        problems.add("platform_release_chart", key, f"one of {', '.join(sorted(charts))}")
    if train not in trains:
        problems.add("platform_release_train", train, f"one of {', '.join(trains)}")
    mine = (overrides or {}).get(key) or {}
    for name in sorted(set(mine) - set(OVERRIDABLE)):
        problems.add(f"platform_release_versions_override.{key}.{name}", mine[name], f"one of {', '.join(OVERRIDABLE)}")
    problems.raise_if_any("Charts of the platform")
    entry = {**charts[key], **(trains[train].get(key) or {}), **mine}
    entry["sources"] = _merged(charts[key].get("sources") or {}, mine.get("sources") or {})
    # The same product from another builder may name its values otherwise.
    chosen = (entry.get("sources") or {}).get(source) or {}
    entry.update({name: chosen[name] for name in ("registry_values", "pull_secret_values") if name in chosen})
    result: Chart = {**entry, "key": key, "source": source, "origin": _origin(entry, key, source, charts_dir, problems)}
    result["chart"] = result["origin"]["chart"]
    _check_version(f"platform_release_versions_override.{key}", result, problems)
    problems.raise_if_any("Charts of the platform")
    return result


def _merged(sources: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """The sources of a chart with single fields of the site's own."""
    names = [*sources, *(name for name in mine if name not in sources)]
    return {name: {**(sources.get(name) or {}), **(mine.get(name) or {})} for name in names}


def _origin(
    entry: Mapping[str, Any], key: str, source: str, charts_dir: Optional[str], problems: Problems
) -> dict[str, str]:
    sources = entry.get("sources") or {}
    # A chart that SUSE does not build comes from the community in both cases.
    chosen = sources.get(source) or sources.get("community") or {}
    name, version = str(chosen.get("chart") or entry["chart"]), str(entry["version"])
    origin = {"chart": name, "file": f"{name}-{version}.tgz", "kind": ARCHIVE, "reference": "", "repository": ""}
    if charts_dir:
        origin["reference"] = f"{charts_dir.rstrip('/')}/{origin['file']}"
    elif chosen.get("oci"):
        origin.update(kind=OCI, reference=str(chosen["oci"]))
    elif chosen.get("repository"):
        origin.update(kind=REPOSITORY, reference=name, repository=str(chosen["repository"]))
    elif charts_dir is not None:
        problems.add(
            f"platform_release_versions_override.{key}.sources.{source}",
            chosen,
            "with repository or oci, the address of the chart; or set platform_release_charts_dir",
        )
    return origin


def _check_version(place: str, entry: Mapping[str, Any], problems: Problems) -> None:
    for name, check in (("version", semver.parse), ("kubernetes", lambda text: semver.is_within("0.0.0", text))):
        try:
            check(entry.get(name) or "")
        except ValueError as error:
            problems.add(f"{place}.{name}", entry.get(name), str(error).partition(" is not ")[2])


def releases(catalogue: Mapping[str, Any]) -> list[dict[str, str]]:
    """Name and namespace of every release that a chart of the file can become, and of those that RKE2 brings itself.

    As helm_release_info takes them. Those that each tenant has in a cluster of its own are left out.
    """
    entries = [*catalogue["charts"].values(), *(catalogue.get("bundled") or {}).values()]
    places = {(entry["namespace"], entry["release"]) for entry in entries if not entry.get("per_tenant")}
    return [{"name": name, "namespace": namespace} for namespace, name in sorted(places)]


def check_pairs(catalogue: Mapping[str, Any], chosen: Mapping[str, Mapping[str, Any]], kubernetes: str) -> list[str]:
    """What does not go together, a sentence each.

    chosen: the charts that are to be installed, by key, as L(chart) gives them. kubernetes: version of the API server or
    of the RKE2 that is to be installed; empty when not known.
    """
    found = []
    plain = kubernetes.partition("+")[0]
    for key, entry in sorted(chosen.items()):
        wanted = str(entry.get("kubernetes") or "")
        if plain and not semver.is_within(plain, wanted):
            found.append(f"{key} {entry['version']} does not support Kubernetes {plain}; allowed: {wanted}")
    for pair in catalogue.get("pairs") or []:
        one, other = chosen.get(pair["when"]), chosen.get(pair["then"])
        if not (one and other and semver.is_within(str(one["version"]), pair["version"])):
            continue
        if not semver.is_within(str(other["version"]), pair["needs"]):
            found.append(
                f"{pair['when']} {one['version']} with {pair['then']} {other['version']}: "
                f"{pair['why']}; allowed: {pair['needs']}"
            )
    return found


def installed(catalogue: Mapping[str, Any], observed: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The charts that are installed, by key, as far as L(check_pairs) looks at them.

    observed: results of helm_release_info, by C(namespace/name).
    """
    found = {}
    for key, entry in catalogue["charts"].items():
        release = observed.get(f"{entry['namespace']}/{entry['release']}") or {}
        if release.get("version"):
            found[key] = {"version": release["version"]}
    return found


def status_charts(
    catalogue: Mapping[str, Any],
    declared: Mapping[str, Sequence[str]],
    train: str,
    source: str,
    overrides: Mapping[str, Any],
) -> list[Chart]:
    """The charts of all layers, with C(layer), C(declared), C(wanted) and C(reference), name and namespace of the release.

    declared: layer -> the charts that its role wants, by key; layers that are not wanted are not in it.
    """
    result = []
    for layer, entry in catalogue["layers"].items():
        for key in entry.get("charts") or []:
            found = chart(catalogue, key, train, source, overrides, charts_dir=None)
            reference = {"name": found["release"], "namespace": found["namespace"]}
            place = {"layer": layer, "declared": layer in declared, "wanted": key in declared.get(layer, ())}
            result.append({**found, **place, "reference": reference})
    return result


def registry_values(
    entry: Mapping[str, Any], registry: Mapping[str, Any], pull_secrets: Sequence[str]
) -> dict[str, Any]:
    """The values that make a chart take its images from another registry, and the names of pull secrets in its shape.

    registry: C(host), C(mode) (C(mirror): the nodes redirect, the chart keeps its names; C(values): the chart gets other
    names) and C(project_map), from the registry in an image's name to the path under the host.
    """
    result: dict[str, Any] = {}
    host = str(registry.get("host") or "")
    if host and registry.get("mode", "mirror") == "values":
        for setting in entry.get("registry_values") or []:
            put(result, setting["path"], _filled(str(setting["value"]), host, registry.get("project_map") or {}))
    keys = entry.get("pull_secret_values")
    if pull_secrets and keys:
        for path in keys["paths"]:
            put(result, path, _shaped(keys["shape"], pull_secrets))
    return result


def _shaped(shape: str, names: Sequence[str]) -> Any:
    if shape == "name":
        return names[0]
    return list(names) if shape == "names" else [{"name": name} for name in names]


def _filled(template: str, host: str, project_map: Mapping[str, str]) -> str:
    """Fill C({host}) and C({docker.io}), the path for images of that registry, into a template."""
    text = re.sub(
        r"\{([^{}]+)\}", lambda match: str(project_map.get(match[1], match[1])), template.replace("{host}", host)
    )
    return "/".join(part for part in text.split("/") if part)


def fetch_trouble(reference: str, said: str) -> str:
    """What it means that a chart cannot be had. said: the words of Helm."""
    meaning = next((text for pattern, text in _FETCH_TROUBLES if re.search(pattern, said, re.IGNORECASE)), "")
    last = said.strip().splitlines()[-1] if said.strip() else "no message"
    return f"Chart {reference} cannot be had: {meaning or 'see what Helm says'}. Helm: {last}"
