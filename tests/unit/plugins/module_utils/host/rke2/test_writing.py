# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing a node's files: whole, private, with a diff that shows no secret, and never against a running cluster (RKE2-7)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.files import Settings
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.writing import Files

from .machines import machine

SECRETS = ("token-geheim-1234", "registry-geheim", "s3-geheim-key", "proxy-geheim")


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "type": "server",
        "config": {"token-file": places.TOKEN, "cni": "canal", "etcd-s3-secret-key": SECRETS[2]},
        "token": SECRETS[0],
        "registries": {"configs": {"r.example.com": {"auth": {"username": "robot", "password": SECRETS[1]}}}},
        "environment": {"HTTPS_PROXY": f"http://user:{SECRETS[3]}@proxy:3128"},
        **changes,
    }
    return Settings(**given)


def converge(root: Path, wanted: Settings, check_mode: bool = False) -> list[Step]:
    return Files(machine(root)[0], check_mode).converge(wanted)


def test_writes_once(tmp_path: Path) -> None:
    names = [step.name for step in converge(tmp_path, settings())]
    assert names == [places.TOKEN, places.REGISTRIES, places.environment_file("server"), places.CONFIG]
    for name in names:
        assert os.stat(tmp_path / name.lstrip("/")).st_mode & 0o777 == 0o600
    assert converge(tmp_path, settings()) == []


def test_a_mode_that_others_can_read_is_put_back(tmp_path: Path) -> None:
    converge(tmp_path, settings())
    (tmp_path / places.CONFIG.lstrip("/")).chmod(0o644)
    assert [step.name for step in converge(tmp_path, settings())] == [places.CONFIG]


def test_check_mode_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    told = converge(tmp_path, settings(), check_mode=True)
    assert not (tmp_path / "etc").exists()
    assert [step.summary() for step in told] == [step.summary() for step in converge(tmp_path, settings())]


def test_no_secret_is_in_any_diff(tmp_path: Path) -> None:
    first = converge(tmp_path, settings())
    other = settings(
        token="other-geheim-token",
        registries={"configs": {"r.example.com": {"auth": {"token": "other-geheim-two"}}}},
        config={"token-file": places.TOKEN, "cni": "canal", "etcd-s3-secret-key": "other-geheim-three"},
        environment={"HTTPS_PROXY": "http://user:other-geheim-four@proxy:3128"},
    )
    second = converge(tmp_path, other)
    gone = converge(tmp_path, settings(registries={}, environment={}))
    assert {step.action for step in gone} == {"change", "remove"}
    shown = json.dumps([step.diff() for step in (*first, *second, *gone)])
    assert "geheim" not in shown
    assert "canal" in shown, "what is no secret is shown"


def test_files_of_others_are_not_removed(tmp_path: Path) -> None:
    host, _played = machine(tmp_path)
    host.write(places.REGISTRIES, "mirrors: {}\n")
    assert [step.name for step in converge(tmp_path, settings(registries={}))] == [
        places.TOKEN,
        places.environment_file("server"),
        places.CONFIG,
    ]
    assert host.read(places.REGISTRIES) == "mirrors: {}\n"


def test_a_running_cluster_keeps_its_network_whoever_wrote_its_configuration(tmp_path: Path) -> None:
    host, _played = machine(tmp_path)
    host.write(places.CONFIG, "cni:\n- cilium\ntoken: theirs-geheim\n")
    (tmp_path / places.DATASTORE.lstrip("/") / "member/wal").mkdir(parents=True)
    with pytest.raises(RefusedError, match="cni is cilium, wanted canal"):
        converge(tmp_path, settings())
    assert host.read(places.TOKEN) is None


def test_profile_cis_prepares_the_host(tmp_path: Path) -> None:
    host, played = machine(tmp_path)
    played.answers.update({"useradd": lambda _argv: (0, "", ""), "sysctl": lambda _argv: (0, "", "")})
    host.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    host.write("/proc/sys/kernel/panic", "10\n")
    wanted = settings(config={"profile": "cis"})
    names = [step.name for step in Files(host, False).converge(wanted)]
    assert "etcd" in names
    assert "vm.overcommit_memory" in names
    assert "kernel.panic" not in names
    assert played.ran("useradd", "--system", "etcd")
    assert played.ran("sysctl", "--write", "vm.panic_on_oom=0")
    assert not any(call[0] == "systemctl" for call in played.calls)


def test_own_ca_is_written_before_the_cluster_begins_only(tmp_path: Path) -> None:
    wanted = settings(custom_ca={"server-ca.key": "ca-geheim-key", "server-ca.crt": "cert"})
    steps = converge(tmp_path, wanted)
    assert [step.name for step in steps][:2] == [f"{places.TLS}/server-ca.key", f"{places.TLS}/server-ca.crt"]
    assert "ca-geheim" not in json.dumps([step.diff() for step in steps])
    (tmp_path / places.DATASTORE.lstrip("/") / "member/wal").mkdir(parents=True)
    (tmp_path / f"{places.TLS}/server-ca.crt".lstrip("/")).write_text("changed by RKE2", encoding="utf-8")
    assert converge(tmp_path, wanted) == []
