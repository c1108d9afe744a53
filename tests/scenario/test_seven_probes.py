"""xprobe2's seven kinds of probe, sent to every personality of ours, are answered as its file says."""

import json

import decoy_wire
import pytest
from conftest import BINARIES, ROOT

FOLDER = ROOT / "fingerprintd" / "personalities"
PERSONALITIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
OPEN, CLOSED, UDP = 25, 26, 33000
TOS, CODE = 6, 123


@pytest.fixture(scope="module")
def answers():
    ips = {name: f"198.18.2.{i}" for i, name in enumerate(PERSONALITIES, 1)}
    groups = [(ip, name, [OPEN], "reset") for name, ip in ips.items()]
    with decoy_wire.running("t7p", groups, FOLDER, BINARIES, "07" * 32) as wire:
        words = ("/usr/bin/python3", ROOT / "tests" / "support" / "seven_probes.py", decoy_wire.ATTACKER)
        done = wire.attack(*words, OPEN, CLOSED, UDP, *ips.values())
        assert done.returncode == 0, done.stderr.decode()
        assert wire.alive()
        found = json.loads(done.stdout)
    return {name: found[ip] for name, ip in ips.items()}


def field(habit, asked):
    return {"same": asked, "zero": 0}.get(habit, habit)


@pytest.mark.parametrize("name", PERSONALITIES)
def test_echo(answers, name):
    icmp, answer = PERSONALITIES[name]["icmp"], answers[name]["echo"]
    if not icmp.get("echo", True):
        assert answer is None
        return
    df = {"no": False, "same": True, "yes": True, "other": False}[icmp["echo_df"]]
    assert (answer["ttl"], answer["df"]) == (icmp["ttl"], df)
    assert (answer["code"], answer["tos"]) == (field(icmp["echo_code"], CODE), field(icmp["echo_tos"], TOS))


@pytest.mark.parametrize("name", PERSONALITIES)
@pytest.mark.parametrize("kind", ["timestamp", "information", "mask"])
def test_other_requests(answers, name, kind):
    icmp, answer = PERSONALITIES[name]["icmp"], answers[name][kind]
    assert bool(answer) == icmp.get(kind, False)
    if not answer:
        return
    assert answer["ttl"] == icmp["ttl"]
    body = bytes.fromhex(answer["body"])
    if kind == "timestamp":
        # The peer's own clock comes back, and two readings of the decoy's, within a day.
        clocks = [int.from_bytes(body[i : i + 4], "big") for i in (4, 8, 12)]
        assert clocks[0] == 7 and clocks[1] == clocks[2] < 86_400_000
    if kind == "mask":
        assert body[4:8] == bytes([255, 255, 255, 0])


@pytest.mark.parametrize("name", PERSONALITIES)
def test_unreachable(answers, name):
    udp, icmp, answer = PERSONALITIES[name]["udp"], PERSONALITIES[name]["icmp"], answers[name]["unreachable"]
    if udp["closed"] == "silent":
        assert answer is None
        return
    quoted = 20 + min(udp.get("quote", 8), 78)
    assert answer["length"] == 20 + 8 + quoted
    assert (answer["ttl"], answer["df"]) == (udp.get("ttl", icmp["ttl"]), udp.get("df", False))
    assert answer["tos"] == udp.get("tos", 0)
    assert int(answer["body"][:8], 16) == udp.get("unused", 0)


@pytest.mark.parametrize("name", PERSONALITIES)
def test_syn_ack(answers, name):
    tcp, answer = PERSONALITIES[name]["tcp"], answers[name]["syn_ack"]
    assert answer["flags"] == 0x12 and answer["ack"] == 0x11223345
    assert (answer["ttl"], answer["df"]) == (tcp["ttl"], tcp["df"])
    if not tcp.get("window_mss"):
        assert answer["window"] == tcp["window"]
    assert answer["options"].startswith(f"0204{tcp['mss']:04x}") or tcp["options"][:1] != ["mss"]


@pytest.mark.parametrize("name", PERSONALITIES)
def test_reset(answers, name):
    tcp, answer = PERSONALITIES[name]["tcp"], answers[name]["reset"]
    given = tcp.get("answers", {}).get("closed_syn", {})
    if given == "silent":
        assert answer is None
        return
    assert answer["flags"] & 0x04
    assert answer["ttl"] == given.get("ttl", tcp["ttl"])
    assert answer["df"] == given.get("df", tcp["df"])
    assert answer["window"] == given.get("window", 0)


def test_no_two_decoys_are_one_machine(answers):
    """Sequence numbers differ, though all were asked the same in one second."""
    numbers = [answer["syn_ack"]["seq"] for answer in answers.values()]
    assert len(set(numbers)) == len(numbers)
