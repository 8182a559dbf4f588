# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's k3k CRDs say the same as the ones of the k3k chart 1.2.0-rc4 (TEN-4: what is admitted is real)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CRDS = ROOT / "tests" / "lab" / "k3k" / "crds"
UPSTREAM = ROOT.parent / "shared" / "reference" / "k3k"
PLURALS = ("clusters", "virtualclusterpolicies")


def load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as stream:
        document: dict[str, Any] = yaml.safe_load(stream)
    return document


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield one line per difference of two CRDs; order inside ``required`` and ``enum`` means nothing."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(set(ours) | set(theirs)):
            where = f"{path}.{key}"
            if key not in ours:
                yield f"{where} is missing"
            elif key not in theirs:
                yield f"{where} is not in the real CRD"
            else:
                yield from differences(ours[key], theirs[key], where)
    elif path.endswith((".required", ".enum")):
        if sorted(ours) != sorted(theirs):
            yield f"{path}: {ours!r}, real {theirs!r}"
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{path}: {ours!r}, real {theirs!r}"


def without_prose(node: Any, under_properties: bool = False) -> Any:
    """Return a schema without its descriptions; a *property* named ``description`` stays."""
    if isinstance(node, dict):
        return {
            key: without_prose(value, key == "properties" and not under_properties)
            for key, value in node.items()
            if under_properties or key != "description"
        }
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    return node


def schema(crd: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return result


def walk(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema node with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from walk(node[key], f"{path}[{key}]")


@pytest.mark.parametrize("plural", PLURALS)
def test_same_as_the_real_crd(plural: str) -> None:
    """Fields, types, enums, defaults, patterns, list kinds, CEL rules with their messages, printer columns, names."""
    real_file = UPSTREAM / f"k3k.io_{plural}.v1.2.0-rc4.yaml"
    if not real_file.exists():
        pytest.skip(f"the real CRD is not at hand ({real_file.name}); the self-checks below still run")
    ours, real = load(CRDS / f"{plural}.yaml"), load(real_file)
    # which code generator wrote the real file is no behaviour
    real["metadata"]["annotations"].pop("controller-gen.kubebuilder.io/version")
    assert list(differences(without_prose(ours), without_prose(real))) == []


def test_the_comparison_sees_differences() -> None:
    """The comparison above can fail: each kind of difference is reported."""
    real = {"properties": {"a": {"type": "string", "enum": ["x", "y"]}, "b": {"default": 1}, "description": {}}}
    same = {"properties": {"a": {"type": "string", "enum": ["y", "x"]}, "b": {"default": 1}, "description": {}}}
    assert list(differences(without_prose(same), without_prose(real))) == []
    wrong = {"properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"default": True}, "c": {}}}
    assert list(differences(without_prose(wrong), without_prose(real))) == [
        ".properties.a.enum: ['x'], real ['x', 'y']",
        ".properties.b.default: True, real 1",
        ".properties.c is not in the real CRD",
        ".properties.description is missing",
    ]


@pytest.mark.parametrize("plural", PLURALS)
def test_is_structural(plural: str) -> None:
    """Every node has a type (or is int-or-string), every pattern compiles, every default is of its own type."""
    types = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
    for path, node in walk(schema(load(CRDS / f"{plural}.yaml"))):
        assert node.get("type") in types or node.get("x-kubernetes-int-or-string"), path
        if "pattern" in node:
            re.compile(node["pattern"])
        if "default" in node and "type" in node:
            assert isinstance(node["default"], types[node["type"]]), path
        assert set(node.get("required", ())) <= set(node.get("properties", ())), path


def test_admission_rules_that_the_modules_rely_on() -> None:
    """Defaults and messages of a Cluster that users see, as the API server gives them (k3k v1.2.0-rc4, observed)."""
    spec = schema(load(CRDS / "clusters.yaml"))["properties"]["spec"]["properties"]
    assert {name: spec[name]["default"] for name in ("mode", "servers", "agents", "sync")} == {
        "mode": "shared",
        "servers": 1,
        "agents": 0,
        "sync": {},
    }
    messages = {
        rule["message"]
        for _path, node in walk({"properties": spec})
        for rule in node.get("x-kubernetes-validations", ())
    }
    assert messages == {
        "mode is immutable",
        "cluster must have at least one server",
        "invalid value for agents",
        "clusterCIDR is immutable",
        "serviceCIDR is immutable",
        "clusterDNS is immutable",
        "storageRequestSize is immutable",
        "ingress, loadbalancer and nodePort are mutually exclusive; only one can be set",
    }
    assert "default" not in spec["persistence"], "persistence is defaulted only when the object is given"
    assert not {"tolerations", "image", "volumes"} & set(spec), "no such fields exist in any version up to rc4"
