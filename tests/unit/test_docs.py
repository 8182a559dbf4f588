# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The pages say what is: tables follow the code, links lead somewhere, names exist, examples are accepted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import later, probes, requests, tenant

from .plugins.module_utils.core.tenant import files

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "roles").glob("*/README.md"))]
TENANTS_PAGE = (ROOT / "docs" / "tenants-file.md").read_text(encoding="utf-8")

#: Mode hcp came with k3k 1.2.
HCP_FLEET = {"minimum_versions": {"k3k": "1.2.0"}}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_table_of_fields_is_the_generated_one() -> None:
    table = TENANTS_PAGE.partition("<!-- fields: begin -->\n")[2].partition("<!-- fields: end -->\n")[0]
    assert table == tenant.markdown_table(), "run scripts/generate"


def section(title: str) -> str:
    found = TENANTS_PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, title
    return found


def first_cells(text: str) -> list[str]:
    """Return every name in code style that stands in the first column of a table."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_what_is_not_acted_on_is_told_and_nothing_else() -> None:
    text = section("What this version acts on")
    told = [*later.POSSIBLE, *later.CHECKED_ONLY, *(f"fleet.{name}" for name in later.FLEET_CHECKED_ONLY)]
    assert sorted(first_cells(text)) == sorted(told)
    for name in (*later.INFORMATION, *probes.PROBES):
        assert f"`{name}`" in text, name


def yaml_blocks(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_of_whole_files_are_accepted() -> None:
    whole = [block for block in yaml_blocks(TENANTS_PAGE) if re.search(r"^tenants:", block, re.MULTILINE)]
    assert len(whole) == 2
    for block in whole:
        tenant.parse_tenants_file({"apiVersion": tenant.API_VERSION, **yaml.safe_load(block)})


def test_the_examples_of_isolation_are_accepted() -> None:
    """Each line that begins with isolation begins an example, up to the next one."""
    text = "\n".join(yaml_blocks(section("Levels of isolation")))
    examples = [yaml.safe_load(part) for part in re.split(r"^(?=isolation:)", text, flags=re.MULTILINE) if part.strip()]
    assert {example["isolation"]["level"] for example in examples} == {"dedicated", "shared", "sandboxed", "private"}
    for example in examples:
        base: dict[str, Any] = files.minimal()
        if example.get("cluster", {}).get("mode") == "hcp":
            base = {**files.minimal(cluster={"expose": {"type": "loadBalancer"}}), "fleet": HCP_FLEET}
        base["tenants"][0] = files.merged(base["tenants"][0], example)
        base["tenants"][0]["isolation"] = example["isolation"]
        tenant.parse_tenants_file(base)


TENANTS_FILES = sorted(ROOT.glob("inventories/**/tenants*.yml"))


@pytest.mark.parametrize("path", TENANTS_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_tenants_of_every_inventory_are_accepted_without_a_warning(path: Path) -> None:
    parsed = tenant.parse_tenants_file(yaml.safe_load(path.read_text(encoding="utf-8")))
    declared = parsed.to_dict()["tenants"]
    assert requests.chosen(declared) == declared
    assert tenant.warnings_of(parsed) + later.warnings(declared) == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """To files of the repository, and to headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _mark, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target


def content_names() -> set[str]:
    """Return the names of everything in the collection that has a full name."""
    parts = ("playbooks/*.yml", "plugins/modules/*.py", "plugins/filter/*.yml", "roles/*")
    return {path.stem for part in parts for path in ROOT.glob(part)}


@each_page
def test_names_exist(page: Path) -> None:
    """Full names are of playbooks, modules, filters and roles; words with the role's prefixes are its variables too."""
    text = page.read_text(encoding="utf-8")
    variables = set(yaml.safe_load((ROOT / "roles" / "tenants" / "defaults" / "main.yml").read_text(encoding="utf-8")))
    offboard = (ROOT / "playbooks" / "tenant_offboard.yml").read_text(encoding="utf-8")
    variables |= {*re.findall(r"tenant_offboard_\w+", offboard), "tenant_offboard_"}
    assert set(re.findall(r"(?<!group/)ai_tenancy\.platform\.(\w+)", text)) <= content_names()
    words = set(re.findall(r"(?<![\w.-])(tenants?_(?!kubernetes_)\w+)", text))
    assert words - variables - content_names() - {"tenants_controller"} == set()


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    """Paths in code style that begin with a folder of this repository."""
    folders = "|".join(
        ["scripts", "inventories/quickstart", "inventories/example_ha", "plugins", "tests", "docs", "core", "kube"]
    )
    for name in re.findall(rf"`((?:{folders})/[\w./-]+)", page.read_text(encoding="utf-8")):
        places = [ROOT / name, ROOT / "plugins" / "module_utils" / name]
        assert any(place.exists() for place in places), name
