# SPDX-License-Identifier: GPL-2.0-or-later
"""Real nmap names our own personalities, after some rough handling."""

import json
import os
import re
import xml.etree.ElementTree

import conftest
import decoy_wire
import nmap_db
import pytest
import sweep

PERSONALITIES = {path.stem: json.loads(path.read_text()) for path in sorted(sweep.OWN.glob("*.json"))}
ICMP_REQUESTS = {"timestamp": 13, "information": 15, "mask": 17}
# Sends ICMP requests of the types to each address; prints which types come back within a second of the last.
ASK = """
import json, socket, struct, sys, time
types, addresses, found = json.loads(sys.argv[1]), sys.argv[2:], {}
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for ip in addresses:
    for kind in types:
        message = struct.pack("!BBHHH", kind, 0, 0, 77, kind) + bytes(12)
        total = sum(struct.unpack("!10H", message))
        total = (total & 0xffff) + (total >> 16)
        s.sendto(message[:2] + struct.pack("!H", ~total & 0xffff) + message[4:], (ip, 0))
end = time.monotonic() + 1
while (left := end - time.monotonic()) > 0:
    s.settimeout(left)
    try:
        packet, (ip, _) = s.recvfrom(2048)
    except TimeoutError:
        break
    found.setdefault(ip, []).append(packet[(packet[0] & 15) * 4])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def db():
    return nmap_db.load()


# ---- the judge himself ----


@pytest.mark.parametrize(
    ("value", "expression", "good"),
    [
        ("16A0", "16A0", True),
        ("16A0", "16A1|16A0", True),
        ("FB", "FA-104", True),
        ("105", "FA-104", False),
        ("8", ">7|0", True),
        ("7", ">7|0", False),
        ("5", "<6", True),
        ("6", "<6", False),
        ("RI", "RD|RI", True),
        ("R", "RD|RI", False),
        ("M5B4NW8", "M5B4NW8ST11|", False),
        ("", "M5B4|", True),
        ("", "M5B4", False),
    ],
)
def test_expressions(value, expression, good):
    assert nmap_db.matches(value, expression) == good


def test_differences_are_those_of_the_best_try():
    reference = nmap_db.Reference("x", 1, [], nmap_db.tests_in("T1(R=Y%W=10|20%S=O)U1(R=N)"))
    seen = nmap_db.tests_in("T1(R=Y%W=1%S=A)T1(R=Y%W=20%S=A)U1(R=Y%TG=40)IE(R=N)")
    assert nmap_db.differences(seen, reference) == [("T1.S", "A", "O"), ("U1.R", "Y", "N")]


# ---- our own ----


@pytest.fixture(scope="module")
def places(db):
    targets, _ = sweep.own_targets(db)
    return sweep.addressed(targets)


@pytest.fixture(scope="module")
def wire(nothing_left, places):
    name, key = f"hsn{os.getpid()}", "5a" * 32
    with decoy_wire.running(name, sweep.groups_of(places), sweep.OWN, conftest.BINARIES, key) as running:
        yield running


def states(said):
    """[{port: state}] of each host that nmap has scanned."""
    hosts = said.split("Nmap scan report")[1:]
    return [dict(re.findall(r"^(\d+)/tcp +(\w+)", host, re.M)) for host in hosts]


def syn_scan(wire, places, *words):
    ports = f"{sweep.OPEN},{sweep.CLOSED}"
    done = wire.attack("nmap", "-n", "-Pn", "-sS", "-p", ports, *words, *places, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert wire.alive(), wire.said()
    return states(done.stdout)


BOTH = {str(sweep.OPEN): "open", str(sweep.CLOSED): "closed"}


ODD = (
    ("-f",),
    ("-ff",),
    ("--mtu", "16"),
    ("--ip-options", "R"),
    ("--ip-options", r"\x01*7\x00"),
    ("--data-length", "40"),
)


@pytest.mark.parametrize("words", ODD, ids=" ".join)
def test_odd_packets_are_answered_as_any(wire, places, words):
    assert syn_scan(wire, places, *words) == [BOTH] * len(places)


def test_wrong_checksums_are_not_answered(wire, places):
    silence = dict.fromkeys(BOTH, "filtered")
    assert syn_scan(wire, places, "--badsum", "--max-retries", "1") == [silence] * len(places)


def test_icmp_requests_are_answered_in_character(wire, places):
    """An address mask request ended honeyd; most systems don't answer it."""
    types = json.dumps([*ICMP_REQUESTS.values(), 8])
    done = wire.attack("/usr/bin/python3", "-c", ASK, types, *places, check=True)
    found = {ip: sorted(kinds) for ip, kinds in json.loads(done.stdout).items()}
    for ip, target in places.items():
        icmp = PERSONALITIES[target.personality]["icmp"]
        answers = [kind + 1 for name, kind in ICMP_REQUESTS.items() if icmp.get(name)]
        assert found.get(ip, []) == [0] * icmp.get("echo", True) + answers, target.personality
    assert wire.alive(), wire.said()


def test_record_route_is_answered(wire, places):
    for ip, target in places.items():
        echo = PERSONALITIES[target.personality]["icmp"].get("echo", True)
        done = wire.attack("ping", "-n", "-R", "-c", 1, "-W", 5 if echo else 1, ip)
        assert (done.returncode == 0) == echo, target.personality


# Hashed sequence numbers and random clocks scatter: those of real machines leave their print's ranges now and then too.
CHANCE = {"SEQ.SP", "SEQ.ISR", "SEQ.TS"}
SCANS = 10


def unlucky(verdict):
    return verdict.kind not in ("first", "listed") and {a for a, _, _ in verdict.differences} <= CHANCE


@pytest.fixture(scope="module")
def verdicts(wire, places):
    """After all the above: the gateway is the same, and so are the machines that it plays."""
    found, again = {}, places
    for _ in range(SCANS):
        found |= {v.address: v for v in sweep.scan(wire, again)} if again else {}
        again = {ip: target for ip, target in places.items() if unlucky(found[ip])}
    assert wire.alive(), wire.said()
    return {v.target.personality: v for v in found.values()}


@pytest.mark.parametrize("name", PERSONALITIES)
def test_our_own_are_named(verdicts, name):
    assert name in verdicts, f"its expect is no name in nmap's database: {PERSONALITIES[name].get('expect')}"
    verdict = verdicts[name]
    assert verdict.kind in ("first", "listed"), sweep.describe_miss(verdict)


# Of which there must be a personality: those of the paper, and today's.
KINDS = {
    "freebsd-4": "FreeBSD 4", "freebsd-13": "FreeBSD 1", "linux-2.4": "Linux 2.4", "linux-2.6": "Linux 2.6",
    "windows-2000": "Windows 2000", "cisco-ios-12": "Cisco IOS", "zyxel-zynos-3": "ZyXEL", "intel-express-460t": "Intel",
    "intel-express-510t": "Intel", "3com-officeconnect": "3Com", "3com-superstack-3": "3Com", "linux-5": "Linux 4.15 - 5",
    "linux-6": "Linux 4.15 - 5", "windows-server-2019": "Microsoft Windows 10", "openbsd-7": "OpenBSD 6",
    "windows-server-2022": "Microsoft Windows 10", "mikrotik-routeros-6": "MikroTik RouterOS 6",
}  # fmt: skip


def test_the_kinds_are_there():
    assert len(PERSONALITIES) >= 40
    print(f"figure nmap.own {len(PERSONALITIES)} 1")
    assert {name: kind for name, kind in KINDS.items() if kind not in PERSONALITIES[name]["expect"]} == {}


# ---- everything at once, with a trap behind it ----


# What nmap -sV calls a look, and the personalities that such a program runs on: its release is one of today's, or of then.
LOOKS = {
    "postfix": ("Postfix smtpd", "linux-[56]|freebsd-1|openbsd-7"),
    "sendmail": ("Sendmail", "linux-[56]|freebsd-1|openbsd-7"),
    "exim": ("Exim smtpd", "linux-[56]|freebsd-1|openbsd-7"),
    "apache": ("Apache httpd", "linux-[56]"),
    "iis": ("Microsoft IIS httpd", "windows-2000"),
    "nginx": ("nginx", "linux-[56]|freebsd-1|openbsd-7"),
    "dante": (None, "linux-|freebsd-|openbsd-"),
    "microsocks": (None, "linux-|freebsd-|openbsd-"),
    "squid": ("Squid http proxy", "linux-[56]|freebsd-1|openbsd-7"),
    "tinyproxy": ("tinyproxy", "linux-[56]|freebsd-1|openbsd-7"),
}  # fmt: skip


def services_in(path):
    """{(address, port): attributes of the service}"""
    found = {}
    for host in xml.etree.ElementTree.parse(path).getroot().iter("host"):
        for port in host.iter("port"):
            service = port.find("service")
            found[host.find("address").get("addr"), int(port.get("portid"))] = {} if service is None else service.attrib
    return found


def test_services_agree_with_their_machine(lab, tmp_path):
    decoys, output = lab.d["decoys"], tmp_path / "v.xml"
    ports = ",".join(sorted({str(port["port"]) for decoy in decoys for port in decoy["ports"]}))
    ips = [decoy["ip"] for decoy in decoys]
    done = lab.attack("nmap", "-n", "-Pn", "-T4", "-sV", "-p", ports, "-oX", output, *ips, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    services = services_in(output)
    for decoy in decoys:
        for port in decoy["ports"]:
            seen, (product, machines) = services[decoy["ip"], port["port"]], LOOKS[port["look"].partition("/")[0]]
            assert seen.get("product") == product, (port, seen)
            assert re.match(machines, decoy["personality"]), (port, decoy["personality"])
            windows = decoy["personality"].startswith("windows")
            assert (seen.get("ostype", "Windows" if windows else "Unix") == "Windows") == windows, (port, seen)


def test_an_aggressive_scan_of_the_lab(lab, tmp_path):
    ip, port = lab.decoy("relaytrap", "postfix")
    decoy = next(d for d in lab.d["decoys"] if d["ip"] == ip)
    before, output = lab.process("fingerprintd")["pid"], tmp_path / "a.xml"
    words = ("-n", "-Pn", "-A", "-T4", "-d", "-p", f"{port},{sweep.CLOSED}", "-oX", output)
    expect, names = PERSONALITIES[decoy["personality"]]["expect"], []
    for _ in range(3):  # sequence numbers that leave their range by chance
        done = lab.attack("nmap", *words, ip, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert re.search(rf"^{port}/tcp +open +smtp", done.stdout, re.M), done.stdout
        names = [name for name, *_ in sweep.read_xml(output)[ip].perfect()]
        if expect in names:
            break
    assert expect in names, done.stdout
    assert lab.process("fingerprintd")["pid"] == before
