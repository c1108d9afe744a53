# SPDX-License-Identifier: GPL-2.0-or-later
"""Real nmap before decoys of which it sees little: all ports closed, all filtered, or one that is open and no other.

Of such hosts nmap's database knows what of their prints doesn't need a port of that kind; the rest isn't asked for, or
isn't answered. A host that is closed or filtered fits many prints, one with an open port is named.
"""

import itertools
import os

import conftest
import decoy_wire
import nmap_db
import pytest
import sweep

NAMES = ("linux-5", "windows-10", "freebsd-11", "zyxel-zynos-3", "solaris-10", "hp-jetdirect")
# {what: (open ports, what the others do)}
STATES = {"closed": ([], "reset"), "filtered": ([], "drop"), "one-open": ([sweep.OPEN], "drop")}
OF_OPEN = {"OPS", "WIN", "ECN", "T1", "T2", "T3", "T4"}
OF_CLOSED = {"T5", "T6", "T7"}
FITS = ("first", "listed", "many")


@pytest.fixture(scope="module")
def verdicts(nothing_left):
    """{(personality, state): Verdict}; twice where nmap was missed, for chance has its say in sequence numbers."""
    db = nmap_db.load()
    targets = {name: sweep.own_target(db, sweep.OWN / f"{name}.json") for name in NAMES}
    keys = list(itertools.product(NAMES, STATES))
    places = sweep.addressed([targets[name] for name, _ in keys])
    groups = [(ip, name, *STATES[state]) for ip, (name, state) in zip(places, keys, strict=True)]
    with decoy_wire.running(f"hsp{os.getpid()}", groups, sweep.OWN, conftest.BINARIES, "5b" * 32) as running:
        found = {v.address: v for v in sweep.scan(running, places)}
        again = {ip: target for ip, target in places.items() if found[ip].kind not in FITS}
        found |= {v.address: v for v in sweep.scan(running, again)} if again else {}
    return {key: found[ip] for key, ip in zip(keys, places, strict=True)}


def answers(verdict):
    """{test: answered}, of those that nmap made."""
    return {name: seen.get("R") != "N" for name, seen in verdict.sighting.observed}


@pytest.mark.parametrize("name", NAMES)
def test_everything_closed(verdicts, name):
    verdict = verdicts[name, "closed"]
    made = answers(verdict)
    assert OF_CLOSED <= set(made) and not OF_OPEN & set(made)
    assert made["U1"] and made["IE"]
    assert verdict.kind in FITS and not verdict.differences, sweep.describe_miss(verdict)


@pytest.mark.parametrize("name", NAMES)
def test_everything_filtered(verdicts, name):
    verdict = verdicts[name, "filtered"]
    made = answers(verdict)
    assert not (OF_OPEN | OF_CLOSED) & set(made)
    assert not made["U1"] and made["IE"]
    assert verdict.kind == "many" and not verdict.differences, sweep.describe_miss(verdict)


@pytest.mark.parametrize("name", NAMES)
def test_one_open_port_only(verdicts, name):
    verdict = verdicts[name, "one-open"]
    made = answers(verdict)
    assert OF_OPEN <= set(made) and not OF_CLOSED & set(made)
    assert not made["U1"]
    assert verdict.kind in ("first", "listed"), sweep.describe_miss(verdict)
