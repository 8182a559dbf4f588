# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which resources are accelerators, and how they may be spelt (TEN-4)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import accelerators


@pytest.mark.parametrize(
    "name",
    [
        "nvidia.com/gpu",
        "nvidia.com/gpu-0",
        "nvidia.com/gpu.shared",
        "nvidia.com/pgpu",
        "nvidia.com/mig-1g.10gb",
        "amd.com/gpu",
        "gpu.intel.com/xe",
        "habana.ai/gaudi",
        "huawei.com/npu",
        "example.com/vgpu-a",
    ],
)
def test_default_patterns(name: str) -> None:
    assert accelerators.AcceleratorNames().matches(name)


@pytest.mark.parametrize("name", ["cpu", "nvidia.com/gpus", "xnvidia.com/gpu", "example.com/fpga", "rdma/hca"])
def test_no_accelerators(name: str) -> None:
    assert not accelerators.AcceleratorNames().matches(name)


def test_own_patterns() -> None:
    assert accelerators.AcceleratorNames([r"^example\.com/fpga$"]).matches("example.com/fpga")
    with pytest.raises(ValueError, match="regular expression"):
        accelerators.AcceleratorNames(["("])


def test_unlisted_are_those_on_nodes_that_are_not_granted() -> None:
    nodes = [{"cpu": 8, "nvidia.com/gpu": 8}, {"amd.com/gpu": 4, "nvidia.com/gpu.shared": 0}]
    found = accelerators.AcceleratorNames().unlisted(nodes, ["nvidia.com/gpu"])
    assert found == ["amd.com/gpu", "nvidia.com/gpu.shared"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("requests.nvidia.com/gpu", "here nvidia.com/gpu"),
        ("limits.nvidia.com/gpu", "here nvidia.com/gpu"),
        ("gpu", "with its vendor"),
        ("nvidia.com/", "with its vendor"),
        (5, "resource name"),
    ],
)
def test_spelling(name: object, hint: str) -> None:
    assert hint in (accelerators.spelling_problem(name) or "")
    assert accelerators.spelling_problem("nvidia.com/gpu") is None


def test_equivalents_are_for_reports() -> None:
    amounts = {
        "nvidia.com/gpu": 2,
        "nvidia.com/mig-1g.10gb": 7,
        "nvidia.com/mig-2g.12gb": 1,
        "nvidia.com/gpu.shared": 9,
    }
    assert accelerators.gpu_equivalents(amounts) == Fraction(7, 2)
    assert accelerators.gpu_equivalent("nvidia.com/mig-1g.10gb.me") == Fraction(1, 7)
    assert accelerators.gpu_equivalent("nvidia.com/gpu.shared") is None
