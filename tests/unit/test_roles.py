# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Each role says the same in its defaults, its argument specs and its README, and reads every variable that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import ahead

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())

VERSIONS = ROOT / "roles" / "platform_release" / "vars" / "versions.yml"

#: Modules that name a path, a variable or a filter when they fail, and nothing of what they work on. What our own filters
#: say is looked at where these are tested.
QUIET = {f"ansible.builtin.{name}" for name in ("copy", "fetch", "file", "set_fact", "slurp")}

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def defaults(role: Path) -> dict[str, Any]:
    return load(role / "defaults" / "main.yml")


def entry_points(role: Path) -> dict[str, Any]:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]


def sources(role: Path) -> str:
    """Return everything in which a variable can be read: tasks, vars, templates, handlers, and other defaults."""
    files = [path for part in ("tasks", "vars", "templates", "handlers") for path in (role / part).rglob("*.*")]
    values = [str(value) for value in defaults(role).values()]
    return "\n".join([path.read_text(encoding="utf-8") for path in files] + values)


def reads(text: str, variable: str) -> bool:
    return re.search(rf"(?<![\w.]){variable}(?!\w)", text) is not None


def readme_rows(role: Path) -> dict[str, list[str]]:
    """Return the rows of the README's table of variables: name -> type, default, description."""
    rows = {}
    section = (role / "README.md").read_text(encoding="utf-8").partition("\n## Variables\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells[1:]
    return rows


@each_role
def test_every_variable_has_a_default_a_type_and_a_line_in_the_readme(role: Path) -> None:
    specified: dict[str, Any] = {}
    for entry in entry_points(role).values():
        specified.update(entry["options"])
    assert specified
    assert set(specified) == set(defaults(role)) == set(readme_rows(role))
    for name, option in specified.items():
        kind, default, description = readme_rows(role)[name]
        value = defaults(role)[name]
        # antsibull-docs takes no expression as the default of these
        left_out = option["type"] in ("bool", "dict") and "{{" in str(value)
        assert (option["type"], option.get("default")) == (kind, None if left_out else value), name
        written = default.strip("`")
        assert (written if "{{" in written else yaml.safe_load(written)) == value, name
        assert description, name
        assert option["description"], name


@each_role
def test_the_readme_says_what_the_choices_are(role: Path) -> None:
    for entry in entry_points(role).values():
        for name, option in entry["options"].items():
            for choice in option.get("choices", ()):
                assert f"`{choice}`" in readme_rows(role)[name][2], f"{name}: {choice}"


@each_role
def test_every_variable_is_read(role: Path) -> None:
    text = sources(role)
    assert [name for name in defaults(role) if not reads(text, name)] == []


@each_role
def test_nothing_is_read_that_nobody_defines(role: Path) -> None:
    """A variable with the role's prefix is a public one, or an internal one that vars, tasks or the caller set."""
    prefixes = {name.split("_")[0] for name in defaults(role)}
    found = set(re.findall(rf"(?<![\w.])((?:{'|'.join(sorted(prefixes))})_\w+)", sources(role)))
    named = {path.stem for path in (ROOT / "plugins").rglob("*.*")} | {path.name for path in ROLES}
    assert found - set(defaults(role)) - named - set(load(VERSIONS)["__platform_release_versions"]["charts"]) == set()


@each_role
def test_each_entry_point_checks_what_it_reads(role: Path) -> None:
    """What the tasks of an entry point read stands in its argument spec."""
    entries = entry_points(role)
    for entry, spec in entries.items():
        text = reachable(role, entry)
        missing = [name for name in defaults(role) if reads(text, name) and name not in spec["options"]]
        assert missing == [], f"{role.name}/{entry}"


def reachable(role: Path, entry: str) -> str:
    """Return an entry point's tasks with those that it imports or includes, and the internal variables that these use."""
    path = role / "tasks" / f"{entry}.yml"
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"(?:import|include)_tasks: (\w+)\.yml", text):
        text += reachable(role, name)
    internal = load(role / "vars" / "main.yml") if (role / "vars" / "main.yml").exists() else {}
    return text + "\n".join(str(value) for name, value in internal.items() if reads(text, name))


def releases_of(text: str) -> list[dict[str, Any]]:
    """Return the releases that a layer's vars declare, in a list or one by one."""
    named = {name: value for name, value in (yaml.safe_load(text) or {}).items() if re.search(r"_releases?$", name)}
    found = [entry for value in named.values() for entry in (value if isinstance(value, list) else [value])]
    return [entry for entry in found if isinstance(entry, dict) and ("chart" in entry or "subject" in entry)]


@pytest.mark.parametrize("layer", load(VERSIONS)["__platform_release_versions"]["layers"])
def test_a_layer_declares_releases_as_the_mechanism_knows_them(layer: str) -> None:
    found = releases_of((ROOT / "roles" / layer / "vars" / "main.yml").read_text(encoding="utf-8"))
    entry = load(VERSIONS)["__platform_release_versions"]["layers"][layer]
    assert sorted(release["chart"] for release in found if "chart" in release) == sorted(entry.get("charts", []))
    specified = entry_points(ROOT / "roles" / "platform_release")["main"]["options"]["platform_release_wanted"][
        "options"
    ]
    assert set(specified) == set(ahead.KEYS)
    assert [key for release in found for key in release if key not in specified] == []


@each_role
def test_every_entry_point_is_told_in_the_readme(role: Path) -> None:
    text = (role / "README.md").read_text(encoding="utf-8")
    for entry in entry_points(role):
        assert (role / "tasks" / f"{entry}.yml").exists()
        assert f"| `{entry}` |" in text


def hidden(tasks: Sequence[Any], above: Any = False) -> Iterator[tuple[Mapping[str, Any], Any, Mapping[str, Any]]]:
    """Return each task whose result is hidden, when it is, and the task after it."""
    for position, task in enumerate(tasks):
        condition = task.get("no_log", above)
        for part in ("block", "rescue", "always"):
            yield from hidden(task.get(part, ()), condition)
        if condition and "block" not in task:
            yield task, condition, tasks[position + 1] if position + 1 < len(tasks) else {}


def tells(task: Mapping[str, Any], condition: Any, after: Mapping[str, Any]) -> list[str]:
    """Return what lets a hidden task tell a secret: ansible-core shows the message of one that fails all the same."""
    if QUIET.intersection(task):
        return []
    answer, when = task.get("register"), str(condition).strip("{} ")
    found = []
    if task.get("failed_when") != f"{answer} is failed and not {when}":
        found.append("it fails by itself where its result is hidden")
    given = after.get("vars", {}).get("__platform_release_answer", "{{ __platform_release_answer }}")
    if (after.get("ansible.builtin.include_tasks"), given) != ("said.yml", f"{{{{ {answer} }}}}"):
        found.append("nobody says after it what it said")
    elif after.get("when") != f"{answer}.msg is defined and {when}":
        found.append("what it said is not told whenever it failed")
    return found


@each_role
def test_a_hidden_task_does_not_tell_by_failing(role: Path) -> None:
    for path in (role / "tasks").glob("*.yml"):
        for task, condition, after in hidden(load(path) or []):
            assert tells(task, condition, after) == [], f"{path.name}: {task['name']}"


def test_a_hidden_task_that_tells_is_seen() -> None:
    tasks = load(ROOT / "roles" / "platform_release" / "tasks" / "take_out.yml")
    ((task, condition, after),) = hidden(tasks)
    assert tells(task, condition, after) == []
    bare = {key: value for key, value in task.items() if key not in ("register", "failed_when")}
    assert len(tells(bare, condition, {})) == 2
    assert tells(task, condition, {**after, "when": "true"}) == ["what it said is not told whenever it failed"]
    assert tells({**task, "failed_when": False}, condition, after) == ["it fails by itself where its result is hidden"]
    # As deep as it may stand, and by the block that it stands in.
    ((found, _condition, _after),) = hidden([{"no_log": True, "block": [{"block": [{"ansible.builtin.uri": {}}]}]}])
    assert len(tells(found, True, {})) == 2
