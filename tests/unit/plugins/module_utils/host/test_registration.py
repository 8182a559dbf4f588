# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How SUSEConnect is called: a code is never an argument (HOST-2, X-5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import registration as rules
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.machine import Machine
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.registration import Registration

CODE = "SECRET-CODE-123456"
OS_RELEASE = 'ID="sles"\nVERSION_ID="15.7"\n'
PROBE = "open /nonexistent/ai-tenancy-probe: no such file or directory"


class SUSEConnect:
    """Answers by exit code and text, in turn; keeps arguments, standard input, and the files that were named."""

    def __init__(self, root: Path, *answers: tuple[int, str]) -> None:
        self.root, self.answers = root, list(answers)
        self.calls: list[list[str]] = []
        self.inputs: list[Any] = []
        self.files: list[str] = []

    def __call__(self, argv: Sequence[str], data: Any = None, **_options: Any) -> tuple[int, str, str]:
        arguments = list(argv)[list(argv).index("SUSEConnect") + 1 :]
        self.calls.append(arguments)
        self.inputs.append(data)
        for word in arguments:
            if word.startswith("@/run/"):
                self.files.append((self.root / word[2:]).read_text(encoding="utf-8"))
        code, text = self.answers.pop(0) if self.answers else (0, "")
        return code, text, ""


def make(tmp_path: Path, *answers: tuple[int, str], **params: Any) -> tuple[Registration, SUSEConnect, list[str]]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text(OS_RELEASE, encoding="utf-8")
    program, learned = SUSEConnect(tmp_path, *answers), []
    given = {"state": "present", "method": "scc", "regcode": CODE, "regcode_by": "stdin", **params}
    return Registration(Machine(program, str(tmp_path)), given, learned.append), program, learned


PLAN = rules.Plan(registered=False, base=True, products=("sle-ha/15.7/x86_64",))


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_a_code_is_never_an_argument(tmp_path: Path, way: str) -> None:
    host, program, _learned = make(tmp_path, (1, PROBE), regcode_by=way)
    host.register(rules.Request("scc", codes={"sle-ha/15.7/x86_64": "OTHER-CODE-99"}), PLAN)
    assert CODE not in str(program.calls)
    assert "OTHER-CODE-99" not in str(program.calls)
    given = program.inputs[1:] if way == "stdin" else program.files
    assert given == [f"{CODE}\n", "OTHER-CODE-99\n"]
    assert list((tmp_path / "run").iterdir() if (tmp_path / "run").exists() else []) == []


def test_what_a_killed_run_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    host, _program, _learned = make(tmp_path)
    host.forget()  # there may be no such folder
    (tmp_path / "proc" / "22").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    stays = ["ai-tenancy-regcode-22", "ai-tenancy-bootstrap-22.sh", "ai-tenancy-regcode-x", "other-regcode-21"]
    for name in (*stays, "ai-tenancy-regcode-21", "ai-tenancy-bootstrap-21.sh"):
        (tmp_path / "run" / name).write_text(CODE, encoding="utf-8")
    host.forget()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(stays)


def test_an_old_suseconnect_gets_no_code(tmp_path: Path) -> None:
    host, program, _learned = make(tmp_path, (64, "connection refused"))
    with pytest.raises(PlatformError, match="only on its command line"):
        host.register(rules.Request("scc"), PLAN)
    assert len(program.calls) == 1
    assert "http://127.0.0.1:1" in program.calls[0], "the question goes nowhere"


def test_without_a_code_nobody_is_asked_for_one(tmp_path: Path) -> None:
    host, program, _learned = make(tmp_path, regcode=None, method="rmt")
    host.register(rules.Request("rmt", "https://rmt.example.com"), rules.Plan(False, True, ()))
    assert program.calls == [["--auto-agree-with-licenses", "--url", "https://rmt.example.com"]]


def test_codes_in_the_status_are_masked(tmp_path: Path) -> None:
    host, _program, learned = make(
        tmp_path, (0, '[{"identifier": "SLES", "status": "Registered", "regcode": "ABC-DEF"}]')
    )
    assert "ABC-DEF" not in str(host.status())
    assert learned == ["ABC-DEF"]


def test_a_forgotten_host_is_told(tmp_path: Path) -> None:
    host, _program, _learned = make(tmp_path, (67, "invalid credentials"))
    with pytest.raises(RefusedError, match="no longer knows it"):
        host.status()


@pytest.mark.parametrize("code", [64, 66, 67, 7, 104])
def test_failures_are_explained(tmp_path: Path, code: int) -> None:
    host, _program, _learned = make(tmp_path, (1, PROBE), (code, "its own words"))
    with pytest.raises(PlatformError, match=f"code {code}.*: its own words"):
        host.register(rules.Request("scc"), PLAN)


def test_unregistering_twice_is_no_mistake(tmp_path: Path) -> None:
    host, _program, _learned = make(tmp_path, (69, "not registered"))
    host.unregister()


def test_a_missing_suseconnect_is_told(tmp_path: Path) -> None:
    host, _program, _learned = make(tmp_path, (127, ""))
    with pytest.raises(PlatformError, match="suseconnect-ng"):
        host.status()
