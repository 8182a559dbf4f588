# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The modules for Harbor as Ansible starts them, and their documentation (PLAT-5, X-4, X-5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.promotion import parse_promotions
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.requests import check_projects, parse
from ansible_collections.ai_tenancy.platform.plugins.modules import harbor_project, harbor_project_info, harbor_promote
from tests.integration.helpers import finish_module, start_module
from tests.lab.harbor.inprocess import PASSWORD, Running, running

MODULES = (harbor_project, harbor_project_info, harbor_promote)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
ROLE = Path(__file__).resolve().parents[4] / "roles" / "suse_registry" / "meta" / "argument_specs.yml"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "harbor") as instance:
        yield instance


def run(server: Running, name: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """A launch in a process of its own; no secret may be in what it says."""
    login = {"api_url": server.url, "api_password": PASSWORD, "ca_path": str(server.ca_file), "retries": 1}
    ended = finish_module(start_module(name, {**login, **options}, check=check, diff=True))
    said = ended.output.replace(json.dumps(PASSWORD), "")
    for secret in (PASSWORD, *(robot.secret for robot in server.store.robots.values())):
        assert secret not in said
    return ended.result


def test_from_nothing_to_production(server: Running, tmp_path: Path) -> None:
    path = tmp_path / "ci.json"
    wanted = {
        "projects": [{"name": "staging"}, {"name": "production"}],
        "robots": [{"name": "ci", "projects": ["staging"], "access": "push", "store": {"path": str(path)}}],
    }
    told = run(server, "harbor_project", check=True, **wanted)
    assert told["changed"]
    assert server.store.robots == {}
    made = run(server, "harbor_project", **wanted)
    assert [entry["actions"] for entry in made["results"]] == [entry["actions"] for entry in told["results"]]
    assert made["diff"] == told["diff"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert not run(server, "harbor_project", **wanted)["changed"]

    digest = server.store.push("staging", "shop", "1.0")
    promotion = {"promotions": [{"repository": "shop", "reference": "1.0", "from": "staging", "to": "production"}]}
    assert run(server, "harbor_promote", check=True, **promotion)["changed"]
    (result,) = run(server, "harbor_promote", wait_sleep=1, **promotion)["results"]
    assert result["digest"] == digest
    assert not run(server, "harbor_promote", **promotion)["changed"]

    server.store.add_robot({"name": "theirs", "duration": -1, "permissions": []})
    seen = run(server, "harbor_project_info", expiring_days=100)
    assert not seen["changed"]
    entries = {entry["item"]: entry for entry in seen["results"]}
    assert entries["project/production"]["repositories"] == 1
    assert entries["robot/robot$ci"]["managed"]
    assert entries["robot/robot$ci"]["rights"] == ["staging: repository pull", "staging: repository push"]
    assert (entries["robot/robot$theirs"]["managed"], entries["robot/robot$theirs"]["days_left"]) == (False, None)
    assert "The robot robot$ci expires in 89 days." in json.dumps(seen["warnings"])


def test_a_failure_has_a_code_and_a_next_step(server: Running) -> None:
    result = run(server, "harbor_project", api_password="Wrong-password-1", projects=[{"name": "staging"}])
    assert (result["failed"], result["error"]["code"]) == (True, "loginrefused")
    result = run(server, "harbor_project", api_url="https://127.0.0.1:1", projects=[{"name": "staging"}])
    assert (result["error"]["code"], result["error"]["retryable"]) == ("notsent", True)
    result = run(server, "harbor_promote", promotions=[{"repository": "a", "reference": "1", "from": "x", "to": "x"}])
    assert {problem["field"] for problem in result["error"]["problems"]} >= {"promotions[0].to", "promotions[0].from"}


# -- documentation -----------------------------------------------------------------------------------------------------


def documented(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: documented(option["suboptions"]) if "suboptions" in option else option.get("default")
        for name, option in options.items()
    }


def specified(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        name: specified(option["options"]) if "options" in option else option.get("default")
        for name, option in spec.items()
    }


@each_module
def test_every_option_is_documented_with_its_default(module: ModuleType) -> None:
    own = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert documented(own) == specified({name: module.ARGUMENT_SPEC[name] for name in own})


@each_module
def test_examples_are_accepted(module: ModuleType) -> None:
    name = module.__name__.rpartition(".")[2]
    for task in yaml.safe_load(module.EXAMPLES):
        result = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(task[f"ai_tenancy.platform.{name}"])
        assert result.error_messages == []
        options = result.validated_parameters
        if module is harbor_project:
            check_projects(parse(options["projects"], options["robots"]), {"staging"})
        if module is harbor_promote:
            assert not parse_promotions(options["promotions"])[1]


def test_the_role_takes_what_the_modules_take() -> None:
    main = yaml.safe_load(ROLE.read_text(encoding="utf-8"))["argument_specs"]
    for module, entry, option in (
        (harbor_project, "main", "projects"), (harbor_project, "main", "robots"), (harbor_promote, "promote", "promotions"),
    ):  # fmt: skip
        theirs = main[entry]["options"][f"suse_registry_{option}"]["options"]
        ours = module.ARGUMENT_SPEC[option]["options"]
        assert set(theirs) == set(ours)
        assert {name: spec.get("choices") for name, spec in theirs.items()} == {
            name: spec.get("choices") for name, spec in ours.items()
        }
