# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The real ClearML SDK against the stand-in: a tenant's credentials log in, a task is created, queued and read back (CML-6, TEN-8)."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.lab.clearml.client import Client

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("clearml") is None, reason="the ClearML SDK (test requirement clearml) is not installed"
)

#: What a user of the tenant does, in a process of its own: the SDK keeps its session in the process and writes to HOME.
#: Connections to any other place than the server are refused and reported.
SCRIPT = """
import json, os, socket, sys
from urllib.parse import urlsplit

server = urlsplit(os.environ["CLEARML_API_HOST"]).hostname
strangers = []
connect = socket.socket.connect

def guarded(self, address):
    if isinstance(address, tuple) and address[0] != server:
        strangers.append(str(address))
        raise ConnectionRefusedError(f"not the server: {address}")
    return connect(self, address)

socket.socket.connect = guarded

from clearml import Task
from clearml.backend_api.session.client import APIClient

task = Task.create(project_name="probe", task_name="end to end", task_type="testing")
Task.enqueue(task, queue_name=sys.argv[1])
read_back = Task.get_task(task_id=task.id)
client = APIClient()
queue = client.queues.get_all(name="^" + sys.argv[1] + "$")[0]
user = client.session.send_request("users", "get_current_user").json()["data"]["user"]
print("RESULT " + json.dumps({
    "task": read_back.id,
    "name": read_back.name,
    "status": read_back.get_status(),
    "queued": [entry.task for entry in queue.entries],
    "company": user["company"]["id"],
    "feature_set": client.session.feature_set,
    "strangers": strangers,
}))
"""


@pytest.fixture
def tenant(lab: Any) -> dict[str, str]:
    """A company of its own with an administrator, its credentials and a queue."""
    platform = Client.of(lab.clearml)
    name = f"sdk-{uuid.uuid4().hex[:8]}"
    company = platform.call("system.create_company", {"name": name}).data["id"]
    user = platform.call(
        "auth.create_user",
        {"name": "admin", "company": company, "email": f"admin@{name}.example", "role": "admin", "internal": True},
    ).data["id"]
    as_user = {"X-Clearml-Impersonate-As": user}
    pair = platform.call("auth.create_credentials", {"label": "sdk"}, **as_user).data["credentials"]
    assert platform.call("queues.create", {"name": f"{name}-gpu"}, **as_user).data["id"]
    return {"company": company, "queue": f"{name}-gpu", **pair}


def run_as_tenant(lab: Any, tenant: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run the script with an own HOME and nothing of the caller's environment; secrets go by environment only."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLEARML_API_HOST": lab.clearml["url"],
        "CLEARML_WEB_HOST": lab.clearml["url"],
        "CLEARML_FILES_HOST": lab.clearml["url"],
        "CLEARML_API_ACCESS_KEY": tenant["access_key"],
        "CLEARML_API_SECRET_KEY": tenant["secret_key"],
        "CLEARML_SUPPRESS_UPDATE_MESSAGE": "1",
        "CLEARML_VCS_REPO_TYPE": "none",
        "CLEARML_OFFLINE_MODE": "0",
        "CI": "1",  # no check for updates
        "REQUESTS_CA_BUNDLE": lab.clearml["ca_file"],
        "NO_PROXY": "*",
    }
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, tenant["queue"]],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_sdk_creates_enqueues_and_reads_a_task(lab: Any, tenant: dict[str, str], tmp_path: Path) -> None:
    """CML-6: a tenant's credentials work with the SDK, in the tenant's company, and the task arrives in its queue."""
    done = run_as_tenant(lab, tenant, tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])
    assert result["company"] == tenant["company"]
    assert (result["name"], result["status"]) == ("end to end", "queued")
    assert result["queued"] == [result["task"]]
    assert result["feature_set"] == "advanced"
    assert result["strangers"] == []
    assert tenant["secret_key"] not in done.stdout + done.stderr
