# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Our YAML is YAML: what we write, PyYAML reads back the same, and what RKE2's files hold, we read as PyYAML does."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import yamltext

printable = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=20)
words = st.sampled_from(
    ["true", "no", "1.5", "0x1f", "~", "- a", "a: b", "#x", "v1.35.7+rke2r1", "10", "a\nb\n", " a", "é"]
)
scalars = st.none() | st.booleans() | st.integers() | printable | words
keys = st.text("abcdefghijklmnopqrstuvwxyz-.*/", min_size=1, max_size=12) | st.sampled_from(["n", "on", "*", "10"])
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)
flat = st.dictionaries(
    st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True),
    st.booleans() | st.integers(0, 10**6) | printable | st.lists(printable | st.booleans(), max_size=4),
    max_size=6,
)


@given(documents)
def test_what_is_written_reads_back(data: dict[str, Any]) -> None:
    text = yamltext.dump(data, "a comment\nof two lines")
    assert text.startswith("# a comment\n# of two lines\n")
    assert (yaml.safe_load(text) or {}) == data


@given(flat)
def test_our_files_are_read_back_without_a_library(data: dict[str, Any]) -> None:
    assert yamltext.scan(yamltext.dump(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "cni: canal\ncluster-cidr: 10.42.0.0/16\n",
        "---\n# comment\ncni:\n- multus\n- canal\nselinux: true # why\n",
        "tls-san: [a.example.com, 'b']\nserver: 'https://10.0.0.1:9345'\n",
        'node-name: "n1"\n"write-kubeconfig-mode": "0644"\netcd-snapshot-retention: 5\n',
        "a: it's\nb: 'it''s'\nc: []\n",
    ],
)
def test_files_of_others_are_read(text: str) -> None:
    assert yamltext.scan(text) == yaml.safe_load(text)


def test_what_is_deeper_reads_as_unknown() -> None:
    assert yamltext.scan("mirrors:\n  docker.io:\n    endpoint: [x]\ncni: canal\n") == {"mirrors": None, "cni": "canal"}


def test_blocks_are_left_out_whole() -> None:
    text = "# comment\nserver: x\nnode-taint:\n  - a=b:NoSchedule\n  - c=d:NoExecute\ntls-san:\n  - e\n"
    assert yamltext.without_keys(text, ("node-taint",)) == "server: x\ntls-san:\n  - e\n"
