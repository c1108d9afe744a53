# SPDX-License-Identifier: GPL-2.0-or-later
"""What every personality of ours sends over time, from the wire: SYN+ACKs again, IP ids, clocks, sequence numbers, MACs."""

import itertools
import json
import pathlib

import conftest
import decoy_wire
import pytest

FOLDER = conftest.ROOT / "fingerprintd" / "personalities"
PERSONALITIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PREFIXES = pathlib.Path("/usr/share/nmap/nmap-mac-prefixes")
SECONDS = 22
OPEN, CLOSED = 25, 26
NOBODY = "198.18.0.2"
KEY = "31" * 32
LATE_S = 0.4  # a busy machine
HASH_HZ = 250000  # the clock of 4 us
RANDOM_FROM = 2.5e9  # sequence numbers a second that are as good as random
# Who makes the network card, by the kind.
VENDORS = {
    "3com": "3com", "aix": "IBM", "android": "HTC", "cisco": "Cisco", "freebsd": "Intel QEMU", "hp": "Hewlett",
    "intel": "Intel", "ios": "Apple", "juniper": "Juniper", "linux": "VMware Dell D-Link Linksys Xensource QEMU",
    "macos": "Apple", "mikrotik": "Routerboard", "netbsd": "VMware", "openbsd": "Connect", "openwrt": "Tp-link",
    "solaris": "Oracle", "vmware": "VMware", "vxworks": "Wind", "windows": "Dell Microsoft", "zyxel": "Zyxel",
}  # fmt: skip


def places_of(*names):
    return {f"198.18.3.{i}": name for i, name in enumerate(names, 1)}


def watch(name, places, seconds):
    """{address: what came from it}"""
    groups = [(ip, personality, [OPEN], "reset") for ip, personality in places.items()]
    with decoy_wire.running(name, groups, FOLDER, conftest.BINARIES, KEY) as wire:
        words = ("/usr/bin/python3", conftest.ROOT / "tests" / "support" / "long_watch.py", "eth0", NOBODY)
        done = wire.attack(*words, OPEN, CLOSED, seconds, *places)
        assert done.returncode == 0, done.stderr.decode()
        assert wire.alive(), wire.said()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def seen(nothing_left):
    # One kind twice: no two machines are alike.
    places = places_of(*PERSONALITIES, "linux-6")
    found = watch("tmn", places, SECONDS)
    assert found.keys() == places.keys(), "not all decoys answer ARP"
    return {"places": places, "found": found}


@pytest.fixture
def sent(seen, name):
    ip = next(ip for ip, personality in seen["places"].items() if personality == name)
    return seen["found"][ip]["sent"]


def of_kind(sent, *kinds):
    return [packet for packet in sent if packet["what"] in kinds]


# ---- SYN+ACKs that nobody answers ----


@pytest.mark.parametrize("name", PERSONALITIES)
def test_syn_acks_come_again_as_the_family_s_do(sent, name):
    """RING and Snacktime know systems by this alone."""
    first, *again = [packet["t"] for packet in of_kind(sent, "alone")]
    due = [x / 1000 for x in itertools.accumulate(PERSONALITIES[name]["tcp"]["syn_ack_gaps_ms"])]
    due = [x for x in due if x < SECONDS - first - LATE_S]
    assert len(again) == len(due), again
    assert [t - first for t in again] == pytest.approx(due, abs=LATE_S)


# ---- IP ids ----


def habits_of(personality):
    """{what is sent: (its habit, which counter)}"""
    tcp, icmp = personality["tcp"], personality["icmp"]
    usual = tcp["ip_id"]
    return {
        "alone": (usual, "tcp"),
        "same": (usual, "tcp"),
        "syn_ack": (usual, "tcp"),
        "reset": (tcp.get("reset_ip_id", usual), "tcp"),
        "echo": (icmp["ip_id"], "tcp" if icmp.get("shared_ip_id") else "icmp"),
    }


STEPS = {"increment": (1, 1), "per-flow": (1, 1), "jumps": (1001, 1250)}


@pytest.mark.parametrize("name", PERSONALITIES)
def test_ids_of_tcp_and_icmp_go_on_as_they_should(sent, name):
    habits, last, random = habits_of(PERSONALITIES[name]), {}, []
    for packet in sent:
        kind, counter = habits[packet["what"]]
        if kind == "random":
            random.append(packet["id"])
        elif kind in STEPS:
            if counter in last:
                before, (least, most) = last[counter]
                assert least <= (packet["id"] - before) % 65536 <= most, packet
            last[counter] = packet["id"], STEPS[kind]
        else:
            assert packet["id"] == {"zero": 0}.get(kind, kind), packet
    assert len(set(random)) >= 0.9 * len(random)
    assert len(of_kind(sent, "syn_ack")) >= SECONDS - 1


# ---- clocks ----


@pytest.mark.parametrize("name", PERSONALITIES)
def test_clocks_run_at_their_rate(sent, name):
    tcp, answers = PERSONALITIES[name]["tcp"], of_kind(sent, "syn_ack")
    kinds = {option.partition("-")[0] for option in tcp["options"]}
    if "ts" not in kinds:
        assert {packet["ts"] for packet in answers} == {None}
    elif "ts" not in tcp["options"] or tcp.get("ts_start") == "zero":
        assert {packet["ts"] for packet in answers} == {0}
    elif tcp.get("ts_start") == "random":
        assert len({packet["ts"] for packet in answers}) == len(answers)
    else:
        steps = [(b["ts"] - a["ts"]) % 2**32 for a, b in zip(answers, answers[1:])]
        took = answers[-1]["t"] - answers[0]["t"]
        assert sum(steps) == pytest.approx(took * tcp["ts_hz"], rel=0.02, abs=1)


# ---- sequence numbers ----


def growth(packets):
    return sum((b["seq"] - a["seq"]) % 2**32 for a, b in zip(packets, packets[1:])) / (packets[-1]["t"] - packets[0]["t"])


@pytest.mark.parametrize("name", PERSONALITIES)
def test_sequence_numbers_grow_as_their_generator_does(sent, name):
    isn, answers, same = PERSONALITIES[name]["tcp"].get("isn", {}), of_kind(sent, "syn_ack"), of_kind(sent, "same")
    assert len({packet["seq"] for packet in of_kind(sent, "alone")}) == 1
    if isn.get("kind", "hash") == "hash":
        assert growth(same) == pytest.approx(HASH_HZ, rel=0.02)
    elif isn["kind"] == "increments" and isn["per_second"] < RANDOM_FROM:
        every = of_kind(sent, "syn_ack", "same")
        assert growth(every) == pytest.approx(isn["per_second"], rel=0.25)
        unit = isn.get("multiple_of", 1)
        assert {(b["seq"] - a["seq"]) % 2**32 % unit for a, b in zip(every, every[1:])} == {0}
        return
    # Hashed or random ones lie anywhere.
    assert len({packet["seq"] >> 28 for packet in answers}) > 4


# ---- MAC addresses ----


def vendor_of(mac):
    wanted = mac.replace(":", "")[:6].upper()
    lines = PREFIXES.read_text(errors="replace").splitlines()
    return next(line[7:] for line in lines if line.startswith(f"{wanted} "))


def test_macs_are_of_the_vendor_that_fits_and_of_one_machine_each(seen):
    macs = {ip: found["mac"] for ip, found in seen["found"].items()}
    assert len(set(macs.values())) == len(macs)
    for ip, mac in macs.items():
        kind = seen["places"][ip].partition("-")[0]
        assert mac.startswith(PERSONALITIES[seen["places"][ip]]["mac_prefix"])
        assert any(word in vendor_of(mac) for word in VENDORS[kind].split()), (kind, mac, vendor_of(mac))


def test_machines_are_the_same_after_a_restart(seen):
    some = dict(list(seen["places"].items())[:3])
    again = watch("tmr", some, 1)
    assert {ip: found["mac"] for ip, found in again.items()} == {ip: seen["found"][ip]["mac"] for ip in some}


def test_two_of_one_kind_are_two_machines(seen):
    one, two = [seen["found"][ip]["sent"] for ip, name in seen["places"].items() if name == "linux-6"]
    for what in ("syn_ack", "same"):
        a, b = of_kind(one, what)[0], of_kind(two, what)[0]
        assert a["seq"] != b["seq"] and abs(a["ts"] - b["ts"]) > 60_000  # a minute
    assert of_kind(one, "echo")[0]["id"] != of_kind(two, "echo")[0]["id"]
