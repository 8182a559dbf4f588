# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the settings of a ClearML server are found before anything is asked or changed (CML-1, CML-2)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.filter.platform import FilterModule
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import server

PLAIN = "Plain-Text_With-16"
GIVEN = dict.fromkeys(server.CREDENTIALS, PLAIN)
MANY_FILES = {"replicaCount": 2, "storage": {"data": {"accessMode": "ReadWriteMany"}}}


def mistakes(given: dict[str, Any]) -> str:
    """The one message; empty when there is no mistake."""
    return str(FilterModule().filters()["platform_setting_problems"](given, "clearml_server"))


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "base_domain": "clearml.example.com",
        "cookie_domain": changes.get("base_domain", "clearml.example.com"),
        "hosts": {},
        "secret": "clearml-conf",
        "tls_secret": "clearml-tls",
        "issuer": "platform-ca",
        "credentials": {},
        "supervisor": False,
        "supervisor_email": "",
        "extra_envs": [],
        "own_envs": ["CLEARML__apiserver__company__unique_names"],
        "rwx_class": "longhorn-rwx",
        "mongodb_definitions": "",
        "definitions_there": False,
        "fileserver": {"replicaCount": 1, "storage": {"data": {"accessMode": "ReadWriteOnce"}}},
        "values": {},
        **changes,
    }


def lines(**changes: Any) -> list[str]:
    """The mistakes without the headline."""
    return [line.removeprefix("  - ") for line in mistakes(settings(**changes)).splitlines()[1:]]


def test_right_settings_have_no_mistake() -> None:
    assert mistakes(settings()) == ""
    everything = settings(
        base_domain="ml.example.com",
        cookie_domain="example.com",
        hosts={"app": "app.example.com"},
        credentials={**GIVEN, "supervisor_key": PLAIN, "supervisor_secret": PLAIN},
        supervisor=True,
        supervisor_email="platform@example.com",
        extra_envs=[
            {"name": "CLEARML__services__auth__ui_features_per_role__user__show_datasets", "value": "false"},
            {"name": "CLEARML__secure__credentials__platform_management__user_key", "valueFrom": {"secretKeyRef": {}}},
        ],
        mongodb_definitions="/srv/crds.yaml",
        definitions_there=True,
        fileserver=MANY_FILES,
        values={"clearml": {"existingSecret": "other"}, "apiserver": {"logCalls": True}},
    )
    assert mistakes(everything) == ""


@pytest.mark.parametrize("domain", ["", "clearml", "https://clearml.example.com", "Clearml.example.com", "10.0.0.1"])
def test_a_base_domain_is_a_domain(domain: str) -> None:
    assert lines(base_domain=domain) == [
        f"clearml_server_base_domain: {domain!r} is not allowed; allowed: a domain such as clearml.example.com"
    ]


def test_all_mistakes_come_at_once() -> None:
    text = mistakes(settings(hosts={"api": "api", "web": "x"}, issuer="Platform CA", mongodb_definitions="/none"))
    assert text.startswith("Settings of clearml_server: 4 mistakes, nothing was changed.\n")
    for place in ("hosts.api: 'api'", "hosts.web: 'x'", "issuer: 'Platform CA'", "mongodb_definitions: '/none'"):
        assert f"clearml_server_{place} is not allowed; allowed: " in text


def test_hosts_lie_below_the_domain_of_the_cookie() -> None:
    (text,) = lines(hosts={"files": "files.example.org"})
    assert text == (
        "clearml_server_cookie_domain: 'clearml.example.com' is not allowed; allowed: a domain above files.example.org, "
        "or its browser sends no cookie there"
    )


@pytest.mark.parametrize(
    "value", ["", "short", "1234567890123456789", 'has "quotes" and spaces', "${HOME}-and-more-text"]
)
def test_a_credential_is_a_text_that_the_server_reads_as_it_is_written(value: str) -> None:
    (text,) = lines(credentials={**GIVEN, "apiserver_secret": value})
    assert text.startswith("clearml_server_credentials.apiserver_secret: ")
    assert text.endswith("allowed: at least 16 letters, digits, '-' and '_', among them a letter")
    assert not value or value not in text


def test_credentials_are_whole_and_nothing_else() -> None:
    some = {key: PLAIN for key in GIVEN if key != "fileserver_key"}
    assert [line.partition(":")[0] for line in lines(credentials={**some, "password": PLAIN})] == [
        "clearml_server_credentials.password",
        "clearml_server_credentials.fileserver_key",
    ]
    assert [line.partition(":")[0] for line in lines(credentials=GIVEN, supervisor=True)] == [
        "clearml_server_credentials.supervisor_key",
        "clearml_server_credentials.supervisor_secret",
        "clearml_server_supervisor_email",
    ]


@pytest.mark.parametrize("last", ["role", "user_key", "user_secret", "email", "allow_login", "sec_groups"])
def test_a_setting_with_one_underscore_is_refused_with_the_right_name(last: str) -> None:
    """The reference design prints them so, and the server then starts without its users."""
    wrong = {"name": f"CLEARML__secure__credentials__supervisor_{last}", "value": "system"}
    text = lines(extra_envs=[wrong])[0]
    assert f"allowed: CLEARML__secure__credentials__supervisor__{last}, with two underscores" in text
    right = {"name": f"CLEARML__secure__credentials__supervisor__{last}", "valueFrom": {}}
    assert lines(extra_envs=[right]) == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"name": "not a name", "value": "x"}, "[0].name: 'not a name'"),
        ({"name": "clearml__apiserver__company__UNIQUE_names", "value": "false"}, "that neither the role nor another"),
        ({"name": "A"}, "name with either value or valueFrom"),
        ({"name": "A", "value": True}, "[0].value: True is not allowed; allowed: a text, 'true' in quotes"),
        ({"name": "CLEARML__x__user_secret", "value": "hidden-text"}, "valueFrom with a secretKeyRef"),
    ],
)
def test_mistakes_in_environment_variables(env: dict[str, Any], says: str) -> None:
    (text,) = lines(extra_envs=[env])
    assert text.startswith("clearml_server_extra_envs[0]")
    assert says in text
    assert "hidden-text" not in text


def test_files_that_several_pods_share_want_a_class_for_that() -> None:
    assert lines(fileserver=MANY_FILES, rwx_class="") == [
        "clearml_server_rwx_class: '' is not allowed; allowed: a storage class with ReadWriteMany, such as longhorn-rwx"
    ]
    (text,) = lines(fileserver={"replicaCount": 3, "storage": {"data": {"accessMode": "ReadWriteOnce"}}})
    assert text.startswith("clearml_server_values.fileserver.storage.data.accessMode: 'ReadWriteOnce' is not allowed")


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"imageCredentials": {"password": "hidden-text"}}, "imageCredentials.password"),
        ({"clearml": {"apiserverSecret": "hidden-text"}}, "clearml.apiserverSecret"),
        ({"clearml": {"testUserKey": "hidden-text"}}, "clearml.testUserKey"),
        ({"redis": {"auth": {"password": "hidden-text"}}}, "redis.auth.password"),
        ({"externalServices": {"mongodbConnectionStringAuth": "mongodb://u:hidden-text@db/auth"}}, "externalServices"),
    ],
)
def test_a_secret_has_no_place_in_values(values: dict[str, Any], place: str) -> None:
    (text,) = lines(values=values)
    assert text.startswith(f"clearml_server_values.{place}")
    assert "belongs into the Secret clearml_server_secret" in text
    assert "hidden-text" not in text


def test_a_list_in_values_does_not_replace_the_roles_own() -> None:
    (text,) = lines(values={"apiserver": {"extraEnvs": []}})
    assert text.endswith("allowed: not here; use clearml_server_extra_envs")
