# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts of Linux and its programs, as they really look."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import parsing

OS_RELEASE = 'NAME="SLES"\nVERSION_ID="15.7"\n# comment\nID="sles"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP7"\n'
MOUNTINFO = """\
22 1 0:20 / / rw,relatime shared:1 - btrfs /dev/sda2 rw,subvol=/@
30 22 0:20 /@/usr/local /usr/local rw,relatime shared:2 - btrfs /dev/sda2 rw
31 22 8:17 / /var/lib/with\\040blank ro,noatime shared:3 - xfs /dev/sdb1 rw
"""
TRACKING = "C0000235,192.0.2.53,3,1763721000.12,0.000021,0.00002,0.0001,-1.2,0.0,0.1,0.01,0.001,64.3,Normal"
PROC_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:9C40 0100007F:18EB 01 00000000:00000000 00:00000000 00000000     0        0 3
"""
PROC_TCP6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:18EB 00000000000000000000000000000000:0000 0A 0 0 0 0 0 1
   1: 00000000000000000000000001000000:2380 00000000000000000000000000000000:0000 0A 0 0 0 0 0 1
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
REPO = "[a]\nname=A\nbaseurl = http://a/x\nenabled=1\n\n[b]\nbaseurl=dir:///b\nenabled=0\n"


def test_os_release() -> None:
    found = parsing.key_values(OS_RELEASE)
    assert (found["ID"], found["VERSION_ID"]) == ("sles", "15.7")


def test_mounts() -> None:
    found = parsing.mounts(MOUNTINFO)
    assert [mount["path"] for mount in found] == ["/", "/usr/local", "/var/lib/with blank"]
    assert parsing.mount_of("/usr/local/bin", found)["path"] == "/usr/local"
    assert parsing.mount_of("/usr/localx", found)["path"] == "/"
    assert found[2]["read_only"]
    assert found[2]["device"] == "8:17"


def test_listening() -> None:
    found = parsing.listening([PROC_TCP, PROC_TCP6], ["", ""])
    assert {(one["port"], one["loopback"]) for one in found} == {(22, False), (6379, False), (9088, True)}


def test_default_routes() -> None:
    assert parsing.default_routes(ROUTE, "") == ["4"]
    assert parsing.default_routes("", "") == []
    six = "0" * 32 + " 00 " + "0" * 32 + " 00 fe80000000000000 00000400 1 0 00000003 eth0"
    assert parsing.default_routes("", six) == ["6"]


def test_chrony() -> None:
    found = parsing.chrony_tracking(TRACKING)
    assert found is not None
    assert found["synchronised"]
    assert found["stratum"] == 3
    alone = parsing.chrony_tracking(TRACKING.replace("C0000235", "00000000").replace("Normal", "Not synchronised"))
    assert alone is not None
    assert not alone["synchronised"]
    assert parsing.chrony_tracking("506 Cannot talk to daemon") is None


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("192.0.2.53", True),
        ("127.0.0.53", False),
        ("169.254.1.1", False),
        ("fe80::1%eth0", False),
        ("2001:db8::1", True),
        ("x", False),
    ],
)
def test_nameservers(address: str, usable: bool) -> None:
    assert parsing.usable_nameserver(address) is usable


def test_fstab() -> None:
    text = (
        "# /dev/old none swap sw 0 0\nUUID=1 / btrfs defaults 0 0\n/dev/sda1 none swap sw 0 0\n"
        "LABEL=s swap swap defaults 0 0\n/swapfile\tnone\tswap\tsw\t0\t0\n"
    )
    assert parsing.fstab_swaps(text) == ["/dev/sda1", "LABEL=s", "/swapfile"]


def test_repositories() -> None:
    assert parsing.repositories(REPO) == [
        {"alias": "a", "url": "http://a/x", "enabled": True},
        {"alias": "b", "url": "dir:///b", "enabled": False},
    ]


def test_small_ones() -> None:
    assert parsing.memory_total("MemTotal:       65860968 kB\nMemFree: 1 kB\n") == 65860968 * 1024
    assert parsing.swaps("Filename\tType\tSize\n/dev/sda1 partition 1 0 -2\n") == ["/dev/sda1"]
    assert parsing.initiator_name("# x\nInitiatorName=iqn.1996-04.de.suse:01:abc\n") == "iqn.1996-04.de.suse:01:abc"
    assert parsing.kernel_version("6.4.0-150700.53-default") == (6, 4)
    assert parsing.rke2_version("rke2 version v1.35.7+rke2r1 (abc)\ngo version go1.25\n") == "v1.35.7+rke2r1"
    assert parsing.nameservers("search x\nnameserver 192.0.2.53\nnameserver\n") == ["192.0.2.53"]
