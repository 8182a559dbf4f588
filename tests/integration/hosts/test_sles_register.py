# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The role sles_register against the stand-ins of SCC, RMT and Multi-Linux Manager (HOST-2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host.registration import certificate_fingerprint
from tests.integration.hosts.site import HostSite, changes, failures
from tests.integration.playbooks.runner import Run
from tests.lab.hosts import HostLab

PLAYBOOK = Path(__file__).parent / "playbooks" / "register.yml"
OLD, NEW = "server-1", "server-2"  # SLES 15.7 and 16.0
LOG = "/var/log/lab-suseconnect.jsonl"
#: Takes a host back to where it was before any registration.
CLEAN = f"""
SUSEConnect --cleanup; rpm -e $(rpm -qa 'sle-module-*-release')
rm -rf /etc/SUSEConnect {LOG} /etc/lab-suseconnect.old /etc/venv-salt-minion /etc/salt /etc/zypp/services.d/* /etc/zypp/repos.d/*
rm -f /etc/pki/trust/anchors/rmt-server.pem && update-ca-certificates
"""


@pytest.fixture(scope="module")
def site(fresh_hosts: HostLab, tmp_path_factory: pytest.TempPathFactory) -> HostSite:
    return HostSite(
        fresh_hosts,
        tmp_path_factory.mktemp("register"),
        secrets=[fresh_hosts.scc.regcode, fresh_hosts.mlm.regcode],
    )


@pytest.fixture(autouse=True)
def fresh(site: HostSite) -> Iterator[None]:
    """Each test begins with hosts that are not registered, and with servers that know nobody and have no fault."""
    site.lab.change_registrations(forget=True, fault="")
    for host in (OLD, NEW):
        site.lab.exec(host, "sh", "-c", CLEAN)
    yield
    site.lab.change_registrations(fault="")


def scc(site: HostSite, **more: Any) -> dict[str, Any]:
    return {"sles_register_method": "scc", "sles_register_regcode": site.lab.scc.regcode, **more}


def rmt(site: HostSite, **more: Any) -> dict[str, Any]:
    fingerprint = certificate_fingerprint(site.lab.rmt.ca_file.read_text(encoding="utf-8"))
    return {
        "sles_register_method": "rmt",
        "sles_register_url": site.lab.rmt.url,
        "sles_register_ca_fingerprint": fingerprint,
        **more,
    }


def register(site: HostSite, host: str, *arguments: str, **extra: Any) -> Run:
    return site.run(str(PLAYBOOK), "--limit", host, *arguments, **extra)


def well(run: Run, changed: int) -> None:
    """The run ended well, with this number of changes."""
    assert run.ok, run.failure
    assert run.changed == changed, changes(run)


def calls(site: HostSite, host: str) -> list[list[str]]:
    """The arguments of every call of SUSEConnect on the host."""
    return [json.loads(line)["argv"] for line in site.lab.read(host, LOG).splitlines()]


def products(site: HostSite, host: str) -> set[str]:
    """Registered products, as SUSEConnect itself says."""
    answer = site.lab.exec(host, "SUSEConnect", "-s")
    assert answer.returncode == 0, answer.stderr
    return {one["identifier"] for one in json.loads(answer.stdout) if one["status"] == "Registered"}


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_scc_registers_once_and_shows_no_code(site: HostSite, way: str) -> None:
    extra = scc(
        site, sles_register_products=["sle-module-containers", "sle-module-python3"], sles_register_regcode_by=way
    )
    plan = register(site, OLD, "--check", "--diff", **extra)
    well(plan, 1)
    assert products(site, OLD) == set()
    first = register(site, OLD, "--diff", **extra)
    assert first.ok, first.failure
    assert {"SLES", "sle-module-containers", "sle-module-python3"} <= products(site, OLD)
    for again in (register(site, OLD, **extra), register(site, OLD, "--check", **extra)):
        well(again, 0)
    assert site.lab.scc.regcode not in json.dumps(calls(site, OLD))


def test_one_more_product_is_added_alone(site: HostSite) -> None:
    assert register(site, OLD, **scc(site)).ok
    before = len(calls(site, OLD))
    run = register(site, OLD, **scc(site, sles_register_products=["sle-module-containers"]))
    well(run, 1)
    added = [call for call in calls(site, OLD)[before:] if "-p" in call]
    assert [call[call.index("-p") + 1] for call in added] == ["sle-module-containers/15.7/x86_64"]


def test_sles_16_has_no_modules(site: HostSite) -> None:
    run = register(site, NEW, **scc(site, sles_register_products=["sle-module-containers"]))
    assert "SLES 16.0 has no modules" in failures(run)[NEW]
    assert site.lab.exec(NEW, "test", "-s", LOG).returncode != 0, "SUSEConnect was not asked"
    well(register(site, NEW, **scc(site)), 1)
    assert products(site, NEW) == {"SLES"}


def test_a_wrong_code_is_explained_and_not_shown(site: HostSite) -> None:
    site.secrets.values.append("WRONG-CODE-99887766")
    run = register(site, OLD, **scc(site, sles_register_regcode="WRONG-CODE-99887766"))
    assert "code 67" in failures(run)[OLD]
    assert (
        "check code, product names and subscription" in failures(run)[OLD].lower() or "check code" in failures(run)[OLD]
    )
    assert products(site, OLD) == set()


def test_rmt_needs_its_ca_by_fingerprint(site: HostSite) -> None:
    wrong = register(site, OLD, **rmt(site, sles_register_ca_fingerprint="AB" * 32))
    assert "somebody may stand in between" in failures(wrong)[OLD]
    assert site.lab.exec(OLD, "test", "-e", "/etc/pki/trust/anchors/rmt-server.pem").returncode != 0
    first = register(site, OLD, **rmt(site))
    assert first.ok, first.failure
    assert "SLES" in products(site, OLD)
    again = register(site, OLD, **rmt(site))
    assert again.changed == 0, changes(again)


def test_a_registered_host_is_not_moved(site: HostSite) -> None:
    assert register(site, OLD, **scc(site)).ok
    run = register(site, OLD, **rmt(site))
    assert "is registered at https://scc.suse.com, not at https://rmt.lab.test" in failures(run)[OLD]


def test_a_host_that_the_server_forgot_comes_back_only_when_allowed(site: HostSite) -> None:
    assert register(site, OLD, **scc(site)).ok
    site.lab.change_registrations(forget=True)
    run = register(site, OLD, **scc(site))
    assert "no longer knows it" in failures(run)[OLD]
    run = register(site, OLD, **scc(site, sles_register_cleanup=True))
    well(run, 1)
    assert "SLES" in products(site, OLD)


def test_unregistering_happens_once(site: HostSite) -> None:
    assert register(site, OLD, **scc(site)).ok
    gone = register(site, OLD, **scc(site, sles_register_state="absent"))
    well(gone, 1)
    assert products(site, OLD) == set()
    again = register(site, OLD, **scc(site, sles_register_state="absent"))
    well(again, 0)


def test_an_old_suseconnect_gets_no_code(site: HostSite) -> None:
    site.lab.exec(OLD, "touch", "/etc/lab-suseconnect.old")
    run = register(site, OLD, **scc(site))
    assert "only on its command line" in failures(run)[OLD]
    assert site.lab.scc.regcode not in json.dumps(calls(site, OLD))


@pytest.mark.parametrize(("fault", "said"), [("garbage", "cannot be read"), ("unavailable", "code 6")])
def test_a_server_with_a_fault_is_explained(site: HostSite, fault: str, said: str) -> None:
    site.lab.change_registrations(fault=fault)
    run = register(site, OLD, **scc(site))
    assert said in failures(run)[OLD]
    site.lab.change_registrations(fault="")
    assert register(site, OLD, **scc(site)).ok


def test_multi_linux_manager_is_bootstrapped_once(site: HostSite) -> None:
    extra = {
        "sles_register_method": "mlm",
        "sles_register_bootstrap_url": site.lab.mlm.url,
        "sles_register_ca_certificate": site.lab.mlm.ca_file.read_text(encoding="utf-8"),
    }
    plan = register(site, OLD, "--check", **extra)
    well(plan, 1)
    first = register(site, OLD, **extra)
    assert first.ok, first.failure
    again = register(site, OLD, **extra)
    well(again, 0)
    digest = register(site, NEW, **{**extra, "sles_register_bootstrap_sha256": "0" * 64})
    assert "Nothing was run" in failures(digest)[NEW]


def test_mistakes_are_told_all_at_once(site: HostSite) -> None:
    extra = {"sles_register_method": "rmt", "sles_register_url": "rmt", "sles_register_products": ["a b"]}
    run = register(site, OLD, **extra, sles_register_ca_fingerprint="12:34")
    for part in ("url: 'rmt'", "products: 'a b'", "ca_fingerprint: '12:34'", "3 mistakes"):
        assert part in failures(run)[OLD]
