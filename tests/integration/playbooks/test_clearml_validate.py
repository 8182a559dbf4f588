# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person would try by hand, as a playbook: CML-6."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.runner import Run

pytestmark = pytest.mark.lab


@pytest.fixture
def validate(three: Begun, tmp_path: Path) -> Any:
    """Run the playbook against the three tenants."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    (tmp_path / "controller").mkdir()
    inventory = tmp_path / "controller" / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"platform_controller": {"hosts": {"localhost": host}}}), encoding="utf-8")
    clearml = three.site.lab.clearml
    assert clearml is not None
    # The stand-in serves the API only, so the web page is a call that answers.
    urls = {"app": f"{clearml['url']}/debug.ping?page=", "api": clearml["url"], "files": clearml["url"]}

    def run(**extra: Any) -> Run:
        addresses = {"clearml_server_urls": urls, "clearml_server_ca_path": clearml["ca_file"]}
        domain = {"clearml_server_base_domain": "clearml.example.com"}
        return three.site.run("clearml_validate", "-i", str(inventory), **{**domain, **addresses, **extra})

    return run


def table(run: Run) -> list[list[str]]:
    (lines,) = (event["result"]["msg"] for event in run.of("result") if event["action"].endswith("debug"))
    return [line.split() for line in lines]


def test_hosts_answer_tenants_log_in_and_find_their_queues(three: Begun, validate: Any) -> None:
    writes = three.clearml.now()
    run = validate()
    assert run.ok, run.failure
    assert run.changed == 0
    assert three.clearml.writes(writes) == []
    assert table(run)[1:] == [
        [name, "yes", "2", "of", "2", "0", "of", "2", "none"] for name in ("pb-gpu", "pb-mig", "pb-amd")
    ]

    task = validate(tenants_clearml_task=True, tenants_only=["pb-mig"])
    assert not task.ok
    assert "pb-mig (task): Tenant pb-mig: no agent listens to the queue one" in task.failure
    assert three.clearml.tasks() == []

    insisting = validate(tenants_clearml_expect=["agents", "gateways"], tenants_only=["pb-mig"])
    assert not insisting.ok
    assert "pb-mig (clearml): no agent listens to: one, all; no application gateway has reported" in insisting.failure


def test_what_does_not_serve_is_told_with_its_tenant(three: Begun, validate: Any) -> None:
    more = [{"name": name, "gpu": 1} for name in ("one", "more")]
    three.site.declare(documents.three(clearml={"queues": more}))
    run = validate()
    assert not run.ok
    assert "1 of 3 tenants failed" in run.failure
    assert "pb-gpu (clearml): these queues are declared and not there: more; run the playbook tenants" in run.failure

    nobody = validate(clearml_server_urls=dict.fromkeys(("app", "api", "files"), "https://127.0.0.1:9"))
    assert not nobody.ok
    for name in ("app", "api", "files"):
        assert f"{name} at https://127.0.0.1:9/" in nobody.failure
