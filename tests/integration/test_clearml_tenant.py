# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""clearml_tenant and clearml_queue as Ansible runs them, with real Secrets (CML-3, X-4, X-5, X-7, TEN-8)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConflictError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.secrets import Secrets
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.session import Session
from tests.integration.helpers import ROOT, ModuleRun, finish_module, start_module
from tests.lab import Lab
from tests.lab.clearml.client import Client

pytestmark = pytest.mark.lab


@dataclass
class Site:
    """A laboratory, and tenants of our own in it."""

    lab: Lab
    client: Client
    ids: list[str] = field(default_factory=list)

    def tenant(self, **changes: Any) -> dict[str, Any]:
        """Declare a new tenant and make its namespace."""
        identity = f"ct-{uuid.uuid4().hex[:8]}"
        self.ids.append(identity)
        self.kubectl("create", "namespace", f"t-{identity}")
        return {
            "id": identity,
            "company": identity.upper(),
            "admin": {"email": f"admin@{identity}.example"},
            "credentials": [{"purpose": "agent"}],
            **changes,
        }

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        command = [str(self.lab.kube), "kubectl", "--kubeconfig", str(self.lab.kubeconfig), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout

    def options(self) -> dict[str, Any]:
        return {
            "api_url": self.client.url,
            "ca_path": str(self.client.ca_file),
            "access_key": self.client.access_key,
            "secret_key": self.client.secret_key,
            "kubeconfig": str(self.lab.kubeconfig),
        }

    def start(self, *tenants: dict[str, Any], check: bool = False) -> subprocess.Popen[str]:
        return start_module("clearml_tenant", {**self.options(), "tenants": list(tenants)}, check=check, diff=True)

    def run(self, *tenants: dict[str, Any], check: bool = False) -> ModuleRun:
        return finish_module(self.start(*tenants, check=check))

    def calls(self) -> list[dict[str, Any]]:
        return list(self.client.control("GET", "requests"))

    def writes(self, before: int) -> list[str]:
        return [entry["call"] for entry in self.calls()[before:] if entry["wrote"]]

    def companies(self, tenant: dict[str, Any]) -> list[dict[str, Any]]:
        found = self.client.control("GET", "state")["companies"]
        return [company for company in found if company["name"] == tenant["company"]]

    def keys(self, tenant: dict[str, Any]) -> list[str]:
        """Access keys of the tenant's administrator."""
        users = self.client.control("GET", "state")["users"]
        return [
            pair["access_key"]
            for user in users
            if user["email"] == tenant["admin"]["email"]
            for pair in user["credentials"]
        ]

    def secret(self, tenant: dict[str, Any]) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", "secret", "clearml-agent", "-n", f"t-{tenant['id']}", "-o", "json")))

    def pair(self, tenant: dict[str, Any]) -> tuple[str, str]:
        data = self.secret(tenant)["data"]
        access_key, secret_key = (base64.b64decode(data[f"agentk8sglue_{name}"]).decode() for name in ("key", "secret"))
        return access_key, secret_key

    def works(self, tenant: dict[str, Any]) -> bool:
        user = self.client.call("users.get_current_user", {}, self.client.basic(*self.pair(tenant))).data["user"]
        return bool(user["company"]["name"] == tenant["company"])


@pytest.fixture
def site(lab: Lab) -> Iterator[Site]:
    assert lab.clearml is not None
    site = Site(lab, Client.of(lab.clearml))
    yield site
    site.client.control("DELETE", "faults")
    for identity in site.ids:
        site.kubectl("delete", "namespace", f"t-{identity}", "--ignore-not-found", "--wait=false")


def test_plan_create_nothing_to_do_remove(site: Site) -> None:
    tenants = [site.tenant(allowed_users=5, domains=[f"{number}.example"]) for number in ("one", "two", "three")]
    before = len(site.calls())
    plan = site.run(*tenants, check=True)
    assert plan.result["changed"]
    assert site.writes(before) == []
    made = site.run(*tenants)
    assert [each["item"] for each in made.result["results"]] == [tenant["id"] for tenant in tenants]
    assert [each["actions"] for each in made.result["results"]] == [each["actions"] for each in plan.result["results"]]
    assert all(site.works(tenant) for tenant in tenants)
    labels = site.secret(tenants[0])["metadata"]["labels"]
    assert labels["ai-tenancy.platform/tenant"] == tenants[0]["id"]
    assert labels["app.kubernetes.io/managed-by"] == "ai-tenancy"
    before = len(site.calls())
    again = site.run(*tenants)
    assert (again.result["changed"], again.result["diff"]) == (False, [])
    assert site.writes(before) == []
    gone = site.run(*[{**tenant, "state": "absent", "confirm_name": tenant["company"]} for tenant in tenants])
    assert not gone.result.get("failed")
    assert [site.companies(tenant)[0]["active"] for tenant in tenants] == [False] * 3
    assert all(site.kubectl("get", "secret", "-n", f"t-{tenant['id']}", "-o", "name") == "" for tenant in tenants)


def test_bad_input_changes_nothing(site: Site) -> None:
    before = len(site.calls())
    run = site.run({**site.tenant(), "company": "X"}, {"id": "System", "company": "ACME", "admin": {"email": "x"}})
    assert run.result["failed"]
    assert {problem["field"].split("].")[-1] for problem in run.result["error"]["problems"]} == {
        "company", "id", "admin.email",
    }  # fmt: skip
    assert len(site.calls()) == before


def test_no_secret_is_ever_told(site: Site) -> None:
    tenant = site.tenant()
    rotated = {**tenant, "credentials": [{"purpose": "agent", "rotation_id": "2", "revoke_old": "immediately"}]}
    told = [site.run(tenant).output]
    first = site.pair(tenant)
    told += [site.run(rotated, check=True).output, site.run(rotated).output]
    second = site.pair(tenant)
    # A server that repeats keys in its messages.
    site.client.call("auth.revoke_credentials", {"access_key": second[0]}, site.client.basic(*second))
    told.append(site.run(rotated).output)
    site.client.control("POST", "faults", [{"kind": "html", "status": 503, "call": "users.*", "count": 0}])
    told.append(site.run(rotated).output)
    third = site.pair(tenant)
    log = "".join(json.dumps(entry) for entry in site.calls())
    for secret in (first[1], second[1], third[1], site.client.secret_key):
        assert all(secret not in text for text in told)
        assert secret not in log
    for access_key in (first[0], second[0], third[0]):
        assert all(access_key not in text for text in told)


def test_a_missing_namespace_stops_before_a_pair_is_made(site: Site) -> None:
    tenant = site.tenant()
    tenant["credentials"] = [{"purpose": "agent", "store": {"namespace": "t-ct-missing"}}]
    assert not site.run(tenant, check=True).result.get("failed")  # an earlier task would make it
    run = site.run(tenant)
    assert 'namespaces "t-ct-missing" not found' in run.result["msg"]
    assert site.keys(tenant) == []


def test_a_secret_that_the_api_server_refuses_costs_no_pair(site: Site) -> None:
    tenant = site.tenant()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/secrets": "0"}},
    }
    site.kubectl("apply", "-n", f"t-{tenant['id']}", "-f", "-", text=json.dumps(quota))
    deadline = time.monotonic() + 20
    while True:  # until the quota is in force
        run = site.run(tenant, check=True)
        if run.result.get("failed") or time.monotonic() > deadline:
            break
    assert "exceeded quota" in run.result["msg"]
    assert site.run(tenant).result["failed"]
    assert site.keys(tenant) == []
    site.kubectl("delete", "resourcequota", "none", "-n", f"t-{tenant['id']}")
    assert not site.run(tenant).result.get("failed")
    assert site.works(tenant)


def test_a_foreign_secret_is_not_touched(site: Site) -> None:
    tenant = site.tenant()
    site.kubectl("create", "secret", "generic", "clearml-agent", "-n", f"t-{tenant['id']}", "--from-literal=x=y")
    run = site.run(tenant)
    assert "belongs to something else" in run.result["msg"]
    assert site.secret(tenant)["data"] == {"x": "eQ=="}
    assert site.keys(tenant) == []


@pytest.mark.parametrize("call", ["system.create_company", "auth.create_user", "auth.create_credentials"])
@pytest.mark.parametrize("kind", ["reset_after_commit", "truncated", "html"])
def test_a_lost_answer(site: Site, call: str, kind: str) -> None:
    tenant = site.tenant()
    site.client.control("POST", "faults", [{"kind": kind, "call": call}])
    assert not site.run(tenant).result.get("failed")
    assert len(site.companies(tenant)) == 1
    assert site.keys(tenant) == [site.pair(tenant)[0]]
    assert not site.run(tenant).result["changed"]


@pytest.mark.parametrize("call", ["system.create_company", "auth.create_user", "auth.create_credentials"])
def test_a_run_that_is_killed_while_the_server_creates(site: Site, call: str) -> None:
    tenant = site.tenant()
    site.client.control("POST", "faults", [{"kind": "slow", "call": call, "delay": 1.5}])
    process = site.start(tenant)
    deadline = time.monotonic() + 30
    while site.client.control("GET", "faults") and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = len(site.calls())
    while not any(entry["call"] == call for entry in site.calls()[before - 1 :]) and time.monotonic() < deadline:
        time.sleep(0.05)  # the server carries it out all the same
    run = site.run(tenant)
    assert not run.result.get("failed"), run.result["msg"]
    assert len(site.companies(tenant)) == 1
    assert site.keys(tenant) == [site.pair(tenant)[0]]
    assert site.works(tenant)
    assert not site.run(tenant).result["changed"]


def test_two_runs_at_once(site: Site) -> None:
    tenants = [site.tenant() for _number in range(3)]
    processes = [site.start(*tenants) for _number in range(2)]
    runs = [finish_module(process) for process in processes]
    assert [run.result.get("msg") for run in runs if run.result.get("failed")] == []
    for tenant in tenants:
        assert len(site.companies(tenant)) == 1
        assert site.works(tenant)
    assert not site.run(*tenants).result["changed"]


def test_secrets_are_written_only_when_nobody_else_did(site: Site) -> None:
    tenant = site.tenant()
    secrets = Secrets(Session.from_options({"kubeconfig": str(site.lab.kubeconfig)}))
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"namespace": f"t-{tenant['id']}", "name": "x", "labels": {"a": "b"}, "annotations": {}},
        "data": {"one": "MQ=="},
    }
    first = secrets.write(body, None)
    with pytest.raises(ConflictError, match="exists already"):
        secrets.rehearse(body, None, False)
    with pytest.raises(ConflictError, match="exists already"):
        secrets.write({**body, "data": {"one": "Mg=="}}, None)
    site.kubectl("annotate", "secret", "x", "-n", f"t-{tenant['id']}", "theirs=stays")
    with pytest.raises(ConflictError):
        secrets.write({**body, "data": {"one": "Mg=="}}, first)
    live = secrets.get(f"t-{tenant['id']}", "x")
    assert live is not None
    secrets.rehearse({**body, "data": {"two": "Mg=="}}, live, False)
    second = secrets.write({**body, "data": {"two": "Mg=="}}, live)
    assert second["data"] == {"one": "MQ==", "two": "Mg=="}
    assert second["metadata"]["annotations"] == {"theirs": "stays"}
    # A create whose answer was lost: the Secret holds what we wanted, so it is done.
    assert secrets.write({**body, "data": second["data"]}, None)["metadata"]["uid"] == first["metadata"]["uid"]


def test_queues_and_info_as_modules(site: Site) -> None:
    tenants = [site.tenant(), site.tenant()]
    site.run(*tenants)
    queues = [
        {"tenant": tenant["id"], "company": tenant["company"], "admin_email": tenant["admin"]["email"], "name": name}
        for tenant in tenants
        for name in ("1xgpu", "8xgpu")
    ]
    options = {**site.options(), "queues": queues}
    plan = finish_module(start_module("clearml_queue", options, check=True)).result
    made = finish_module(start_module("clearml_queue", options)).result
    again = finish_module(start_module("clearml_queue", options)).result
    assert (plan["changed"], made["changed"], again["changed"]) == (True, True, False)
    inside = [
        {"tenant": tenants[0]["id"], "admin_email": tenants[0]["admin"]["email"]},
        {"tenant": tenants[1]["id"], "store": {"name": "clearml-agent"}},
    ]
    info = finish_module(start_module("clearml_info", {**site.options(), "tenants": inside})).result
    assert [[queue["name"] for queue in each["queues"]] for each in info["results"]] == [["1xgpu", "8xgpu"]] * 2
    asked = [{"id": tenants[0]["id"], "company": tenants[0]["company"], "admin_email": tenants[0]["admin"]["email"]}]
    facts = {**site.options(), "tenants": asked, "gather": ["settings", "credentials"], "verify_credentials": True}
    run = finish_module(start_module("clearml_tenant_info", facts))
    assert run.result["results"][0]["credentials"][0]["valid"] is True
    assert site.pair(tenants[0])[1] not in run.output


def test_a_playbook_at_the_highest_verbosity_tells_no_secret(site: Site, tmp_path: Path) -> None:
    tenant = site.tenant()
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "module_defaults": {
                "ai_tenancy.platform.clearml_tenant": {
                    "api_url": site.client.url,
                    "ca_path": str(site.client.ca_file),
                    "kubeconfig": str(site.lab.kubeconfig),
                }
            },
            "tasks": [
                {"ai_tenancy.platform.clearml_tenant": {"tenants": [tenant]}, "register": "made"},
                {"debug": {"var": "made"}},
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "CLEARML_API_ACCESS_KEY": site.client.access_key,
        "CLEARML_API_SECRET_KEY": site.client.secret_key,
    }
    run = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "-vvvvv", "--diff", str(tmp_path / "play.yml")],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    access_key, secret_key = site.pair(tenant)
    for secret in (access_key, secret_key, site.client.secret_key, site.client.access_key):
        assert secret not in run.stdout + run.stderr
