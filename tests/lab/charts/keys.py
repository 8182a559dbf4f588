# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The value keys of the real charts: which there are, so that a role sets none that its chart would pass over in silence.

C(keys/<chart>-<version>.json) holds the names and types of the keys, nothing else of a chart.
C(python -m tests.lab.charts.keys) makes these files anew where the facts of the charts are at hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
RECORDED = HERE / "keys"
REFERENCE = HERE.parents[3] / "shared" / "reference" / "charts"
#: Charts that are not public: their keys are those that the vendor's documentation shows, and those of the open chart to
#: which they go back, where there is one.
DOCUMENTATION = REFERENCE.parent / "clearml" / "enterprise-values.yaml"
DOCUMENTED = {
    "clearml-enterprise": ("clearml", "7.14.4"),
    "clearml-enterprise-agent": ("clearml-agent", "5.3.2"),
    "clearml-enterprise-app-gateway": None,
}
#: Charts that nobody has rendered: of them only the defaults were read, so nothing is known of their objects.
NOT_RENDERED = ("suse-observability", "suse-observability-agent")
#: Subcharts whose values stand below another name than their own (conditions and templates of suse-ai-deployer 1.2.1).
ALIASES = {
    "milvus/apache-kafka": "milvus.kafka",
    "open-webui/apache-tika": "open-webui.tika",
    "open-webui/open-webui-pipelines": "open-webui.pipelines",
}
#: Below these types of a default the user may put what he wants.
OPEN = ("map", "null")
#: How a file of facts begins; the folders are named in more than one way.
_HEAD = re.compile(r"chart:\n  name: (?P<name>\S+)\n  version: (?P<version>\S+)\n")
_TYPES = {bool: "bool", int: "int", list: "list", type(None): "null"}


def facts(chart: str, version: str) -> dict[str, Any]:
    """Everything that was read out of a real chart. Raises FileNotFoundError where the facts are not at hand."""
    if chart in DOCUMENTED:
        return documented(chart, version)
    if chart in NOT_RENDERED:
        return read(REFERENCE / chart / version)
    path = _places().get((chart, version.removeprefix("v")))
    if path is None:
        raise FileNotFoundError(f"{REFERENCE}: {chart} {version}")
    return dict(_loaded(path))


@cache
def _loaded(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def _places() -> dict[tuple[str, str], Path]:
    """Name and version of each chart, and the file with its facts."""
    heads = {path: _HEAD.match(path.read_text(encoding="utf-8")) for path in REFERENCE.rglob("rendered.yaml")}
    return {(head["name"], head["version"].removeprefix("v")): path for path, head in sorted(heads.items()) if head}


def read(folder: Path) -> dict[str, Any]:
    """What the defaults of a chart tell: its versions and its keys."""
    chart, values = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in ("Chart.yaml", "values.yaml")
    )
    own = [{"key": key, "type": kind} for key, kind in _documented(values)]
    head = {"name": chart["name"], "version": chart["version"], "kubeVersion": chart.get("kubeVersion")}
    return {"chart": head, "value_keys": own}


def documented(chart: str, version: str) -> dict[str, Any]:
    """What is known of a chart that nobody has seen: its name, the version that was documented, its keys."""
    text = DOCUMENTATION.read_text(encoding="utf-8")
    newest = re.search(rf"^{chart}:.*newest noted ([\w.]+)", text, re.MULTILINE)
    if not newest or newest[1] != version:
        raise FileNotFoundError(f"{DOCUMENTATION}: {chart} {version}")
    own = [{"key": key, "type": kind} for key, kind in _documented(yaml.safe_load(text)[chart])]
    open_chart = DOCUMENTED[chart]
    older = facts(*open_chart) if open_chart else {"value_keys": []}
    return {
        "chart": {"name": chart, "version": version},
        "value_keys": [*older["value_keys"], *own],
        "subchart_value_keys": older.get("subchart_value_keys"),
    }


def _documented(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Key and type of each value in a document. Below a name in capitals stands what the user names himself."""
    for key, value in values.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping) and value and not any(str(name).isupper() for name in value):
            yield from _documented(value, path)
        else:
            yield path, "map" if isinstance(value, Mapping) else _TYPES.get(type(value), "string")


def keys_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Key -> type of its default, with those of subcharts, and of theirs, below the subchart's name."""
    result = {}
    parts = {"": found["value_keys"], **(found.get("subchart_value_keys") or {})}
    for subchart, entries in parts.items():
        above = ALIASES.get(subchart, subchart.replace("/", "."))
        for entry in entries:
            key = entry["key"].removesuffix("[]")
            if "{{" in key:  # a name that the chart itself works out: nobody sets it
                continue
            result[f"{above}.{key}" if above else key] = entry["type"]
    for key in found.get("value_keys_used_by_templates_but_absent_from_values") or []:
        result.setdefault(key["key"] if isinstance(key, dict) else str(key), "null")
    # Helm itself reads these, whether or not the defaults name them.
    for part in found.get("subcharts") or []:
        for condition in filter(None, str(part.get("condition") or "").split(",")):
            result.setdefault(condition.strip(), "bool")
    return dict(sorted(result.items()))


def recorded(chart: str, version: str) -> dict[str, str]:
    """The recorded keys of a chart."""
    return dict(json.loads((RECORDED / f"{chart}-{version}.json").read_text(encoding="utf-8")))


def paths(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted path of each value that is no map, or an empty one."""
    for key, value in values.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping) and value:
            yield from paths(value, path)
        else:
            yield path


def unknown(values: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """The paths in values that a chart does not know. What is global reaches each subchart (Helm 3)."""
    shared = {f"global.{key.partition('.global.')[2]}": kind for key, kind in known.items() if ".global." in key}
    known = {**shared, **known}
    above = {".".join(parts[:end]) for parts in (key.split(".") for key in known) for end in range(1, len(parts))}
    return [path for path in paths(values) if path not in {*known, *above} and not _is_open(path, known)]


def _is_open(path: str, known: Mapping[str, str]) -> bool:
    parts = path.split(".")
    return any(known.get(".".join(parts[:end])) in OPEN for end in range(1, len(parts)))


def main() -> None:
    """Write the files of all stand-in charts."""
    RECORDED.mkdir(exist_ok=True)
    for path in sorted(HERE.glob("*/Chart.yaml")):
        chart = yaml.safe_load(path.read_text(encoding="utf-8"))
        text = json.dumps(keys_of(facts(chart["name"], chart["version"])), indent=1)
        (RECORDED / f"{chart['name']}-{chart['version']}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
