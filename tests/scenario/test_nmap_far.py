# SPDX-License-Identifier: GPL-2.0-or-later
"""Real nmap before decoys behind routers that aren't there: it names them all the same, and counts the routers."""

import json
import os
import subprocess
import xml.etree.ElementTree

import conftest
import decoy_wire
import nmap_db
import pytest
import sweep

NAMES = ("linux-5", "windows-10", "freebsd-11", "openbsd-7", "solaris-10", "hp-jetdirect", "mikrotik-routeros-6")
ROUTERS = [{"address": "198.51.100.1", "ms": 1}, {"address": "198.51.100.9", "ms": 12}]
NEXT_HOP = "198.18.0.2"  # a real router's place: what comes to it is the gateway's
SCANS = 3


def route_through_the_gateway(wire):
    """The decoys' network isn't the attacker's, as it is where a prefix is routed to the gateway."""
    words = ["ip", "-n", wire.wire.gateway, "-j", "link", "show", "wire0"]
    mac = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)[0]["address"]
    for words in (
        ("addr", "flush", "dev", "eth0"),
        ("addr", "add", f"{decoy_wire.ATTACKER}/24", "dev", "eth0"),
        ("route", "add", decoy_wire.NETWORK, "via", NEXT_HOP, "dev", "eth0"),
        ("neigh", "add", NEXT_HOP, "lladdr", mac, "dev", "eth0", "nud", "permanent"),
    ):
        wire.attack("ip", *words, check=True)


@pytest.fixture(scope="module", params=["on-link", "routed"])
def wire(request, nothing_left):
    """(Running, {address: Target})"""
    db, routed = nmap_db.load(), request.param == "routed"
    places = sweep.addressed([sweep.own_target(db, sweep.OWN / f"{name}.json") for name in NAMES])
    groups = [(*group, ROUTERS) for group in sweep.groups_of(places)]
    with decoy_wire.running(
        f"hsf{os.getpid()}", groups, sweep.OWN, conftest.BINARIES, "5c" * 32,
        settings={"mac.shared": "true"} if routed else None,
    ) as running:  # fmt: skip
        if routed:
            route_through_the_gateway(running)
        yield running, places, routed


def test_nmap_names_who_is_behind_routers(wire):
    """A few times where it doesn't, for chance has its say in sequence numbers."""
    running, left, _ = wire
    for _ in range(SCANS):
        missed = [v for v in sweep.scan(running, left) if v.kind not in ("first", "listed")]
        left = {v.address: v.target for v in missed}
        if not left:
            return
    assert not missed, sweep.report(missed)


def test_nmap_counts_the_routers(wire, tmp_path):
    """Who is on its own link is one hop away for nmap, whatever it sees."""
    running, places, routed = wire
    routers, output, ip = ROUTERS if routed else [], tmp_path / "o.xml", list(places)[0]
    assert running.attack(*sweep.nmap_words(output, [ip]), "--traceroute", timeout=120).returncode == 0
    host = xml.etree.ElementTree.parse(output).getroot().find("host")
    assert host.find("distance").get("value") == str(len(routers) + 1)
    assert [hop.get("ipaddr") for hop in host.iter("hop")] == [router["address"] for router in routers] + [ip]
