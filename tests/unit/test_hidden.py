# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What Helm says reaches the log without secrets: by real Ansible on this machine, with a Helm that repeats a value (X-5).

Ansible shows the message of a task that fails under C(no_log) all the same (ansible-core 2.19 and 2.21).
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "roles" / "platform_release" / "tasks"
SECRET = "k3y-of-a-tenant"
HELM = f"""#!/bin/sh
case "$*" in
  *version*) echo 'version.BuildInfo{{Version:"v3.18.4", GitCommit:"x"}}' ;;
  *list*) echo '- {{name: rel, namespace: ns, revision: "1", status: deployed, chart: x-1.0.0, app_version: "1", updated: now}}' ;;
  *"get values"*) echo 'key: {SECRET}' ;;
  *) echo 'Error: spec.key: Invalid value: "{SECRET}"' >&2; exit 1 ;;
esac
"""


def collections() -> str:
    """Return where the collections are, as Ansible wants it; skips where kubernetes.core is not at hand."""
    if importlib.util.find_spec("ansible_collections.kubernetes") is None:
        pytest.skip("the collection kubernetes.core is not at hand; scripts/setup brings it")
    import ansible_collections

    return os.pathsep.join(str(Path(path).parent) for path in ansible_collections.__path__)


def said(folder: Path, name: str, hidden: bool) -> str:
    """Run a file of tasks of the role and return all that Ansible says, also what a later task is given of it."""
    found = collections()
    helm = folder / "helm"
    helm.write_text(HELM, encoding="utf-8")
    helm.chmod(0o700)
    values = folder / "values.json"
    values.write_text(json.dumps({"clearml": {"apiKey": SECRET}}), encoding="utf-8")
    variables = {
        "ansible_python_interpreter": sys.executable,
        "platform_release_before_remove": [],
        "platform_release_helm": str(helm),
        "platform_release_values_files": [str(values)],
        "__platform_release_all_values": {},
        "__platform_release_decision": {"steps": []},
        "__platform_release_entry": {"release": "rel", "namespace": "ns"},
        "__platform_release_file": "chart.tgz",
        "__platform_release_hidden": hidden,
    }
    tell = {"ansible.builtin.debug": {"msg": "handed on: {{ ansible_failed_result.msg }}"}}
    block = {"block": [{"ansible.builtin.include_tasks": str(TASKS / f"{name}.yml")}], "rescue": [tell]}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [block]}
    (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    (folder / "ansible.cfg").touch()
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": found,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(folder / "play.yml")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.mark.parametrize("name", ["take_out", "diff"])
def test_what_helm_repeats_of_a_secret_is_shown_nowhere(tmp_path: Path, name: str) -> None:
    text = said(tmp_path, name, hidden=True)
    assert SECRET not in text
    handed_on = text[text.index("handed on: ") :]
    assert "Failure when executing Helm command" in handed_on
    assert "Invalid value" in handed_on
    assert "********" in handed_on


def test_where_nothing_is_secret_helm_is_heard(tmp_path: Path) -> None:
    text = said(tmp_path, "take_out", hidden=False)
    assert f'Invalid value: \\"{SECRET}\\"' in text[text.index("handed on: ") :]
