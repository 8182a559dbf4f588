# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Laboratories side by side: each gets an address of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.lab import address
from tests.lab.errors import LabError


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    directory = tmp_path / "claims"
    directory.mkdir()
    return directory


def state(tmp_path: Path, name: str) -> Path:
    directory = tmp_path / name
    directory.mkdir()
    return directory


def anything(number: int) -> bool:
    return True


def test_each_laboratory_gets_the_first_free_number_and_keeps_it(tmp_path: Path, claims: Path) -> None:
    first, second = state(tmp_path, "a"), state(tmp_path, "b")
    assert address.allocate(first, claims, anything) == 1
    assert address.allocate(second, claims, anything) == 2
    assert address.allocate(first, claims, anything) == 1


def test_a_released_number_is_given_again(tmp_path: Path, claims: Path) -> None:
    first, second = state(tmp_path, "a"), state(tmp_path, "b")
    address.allocate(first, claims, anything)
    address.allocate(second, claims, anything)
    address.release(first, claims)
    assert address.allocate(state(tmp_path, "c"), claims, anything) == 1
    assert address.allocate(second, claims, anything) == 2


def test_a_claim_counts_for_nothing_when_its_directory_is_gone(tmp_path: Path, claims: Path) -> None:
    gone = state(tmp_path, "a")
    address.allocate(gone, claims, anything)
    gone.rmdir()
    assert address.allocate(state(tmp_path, "b"), claims, anything) == 1


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"state": 5}', "null"])
def test_a_damaged_claim_counts_for_nothing(tmp_path: Path, claims: Path, junk: str) -> None:
    (claims / "1.json").write_text(junk, encoding="utf-8")
    assert address.allocate(state(tmp_path, "a"), claims, anything) == 1


def test_a_number_whose_ports_somebody_uses_is_passed_over(tmp_path: Path, claims: Path) -> None:
    assert address.allocate(state(tmp_path, "a"), claims, lambda number: number > 3) == 4


def test_a_port_in_use_is_seen() -> None:
    with socket.socket() as busy:
        busy.bind(("127.77.254.1", address.PORTS["kube-apiserver"]))
        busy.listen()
        assert not address.ports_free(254)
    assert address.ports_free(254)


def test_no_free_number_is_an_error_that_says_what_to_do(tmp_path: Path, claims: Path) -> None:
    with pytest.raises(LabError, match="scripts/lab down --all"):
        address.allocate(state(tmp_path, "a"), claims, lambda number: False)
