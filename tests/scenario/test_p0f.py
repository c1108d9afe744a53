"""Real p0f watches clients connect to every personality of ours: it sees what the file says, and names it right.

The clients are Linux with and without each of its options, and what p0f's own tool p0f-sendsyn sends.
"""

import itertools
import json
import os
import pathlib
import re

import conftest
import decoy_wire
import pytest
import syn

OWN = conftest.ROOT / "fingerprintd" / "personalities"
PERSONALITIES = {path.stem: json.loads(path.read_text()) for path in sorted(OWN.glob("*.json"))}
SIGNATURES = pathlib.Path("/etc/p0f/p0f.fp")
PORT = 25
# What p0f.fp (of 2016) calls those whose SYN+ACK it has, by its nearest release; it has none of the others.
NAMES = {
    "freebsd-7": "FreeBSD 8.x",
    "freebsd-9": "FreeBSD 9.x",
    "freebsd-11": "FreeBSD 9.x",
    "freebsd-13": "FreeBSD 9.x",
    "freebsd-14": "FreeBSD 9.x",
    "hp-ux-11": "HP-UX 11.x",
    "linux-2.4": "Linux 2.4.x",
    "linux-2.4-firewall": "Linux 2.4.x",
    "linux-2.6": "Linux 2.6.x",
    "linux-2.6.8": "Linux 2.6.x",
    "linux-2.6.32": "Linux 3.x",
    "linux-3": "Linux 3.x",
    "macos-10.4": "Mac OS X 10.x",
    "mikrotik-routeros-6": "Linux 3.x",
    "openbsd-5": "OpenBSD 5.x",
    "windows-7": "Windows 7 or 8",
    "windows-server-2008": "Windows 7 or 8",
    "windows-server-2012": "Windows 7 or 8",
    "windows-server-2016": "Windows 7 or 8",
    "windows-xp": "Windows XP",
}
# What p0f says where a client offers less: it doesn't tell these apart.
LESS = {
    "FreeBSD 8.x": {"FreeBSD 8.x-9.x"},
    "FreeBSD 9.x": {"FreeBSD 8.x-9.x"},
    "Linux 2.4.x": {"Linux 2.4-2.6"},
    "Linux 2.6.x": {"Linux 2.4-2.6"},
    "Mac OS X 10.x": {"FreeBSD 8.x-9.x"},  # the same signatures stand under both
}
# Solaris' window is so many of the peer's segments, and p0f.fp has what p0f-sendsyn got.
SOLARIS = {"solaris-8": "Solaris 8", "solaris-10": "Solaris 10"}
# A client may lack any of the three; a peer then leaves them out too.
CLIENTS = [dict(zip(("sack", "timestamps", "window_scaling"), on)) for on in itertools.product((1, 0), repeat=3)]
EVERYTHING = CLIENTS[0]
# As p0f-sendsyn, but for the window (1337): p0f knows its own tool, and names nothing that answers it.
SENDSYN_MSS, SENDSYN_WINDOW, SENDSYN_SCALE = 1331, 1338, 5
RAW_PORTS = 30000
CLOCK_S = 0.2  # for p0f to measure one
HZ_LEAST, HZ_MOST = 100, 1500  # that it measures in that time, and at all
WORDS = {"mss": "mss", "sok": "sack", "ts": "ts", "ws": "wscale", "nop": "nop", "eol": "eol"}  # p0f's, ours
BYTES = {"mss": 4, "sok": 2, "ts": 10, "ws": 3, "nop": 1, "eol": 1}
SIGNATURE = re.compile(
    r"4:(?P<ttl>\d+)\+\d+:0:(?P<mss>\*|\d+):(?:(?P<unit>mss|mtu)\*)?(?P<window>\d+),(?P<scale>\d+):(?P<layout>[^:]*)"
    r":(?P<quirks>[^:]*):0"
)
CONNECT = """
import socket, sys
for ip in sys.argv[2:]:
    with socket.create_connection((ip, int(sys.argv[1])), 5):
        pass
"""
# Sends packets that are made already.
SEND = """
import socket, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for packet in map(bytes.fromhex, sys.stdin.read().split()):
    raw.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
"""
# Something from the decoy some time after the handshake.
TALK = """
import socket, sys, time
peers = [socket.create_connection((ip, int(sys.argv[1])), 5) for ip in sys.argv[3:]]
time.sleep(float(sys.argv[2]))
for peer in peers:
    peer.sendall(b"x")
time.sleep(float(sys.argv[2]))
"""


# ---- what the files say ----


def offer_of(raw_sig):
    """A client's options in our vocabulary, with its values, as p0f saw them."""
    seen = SIGNATURE.fullmatch(raw_sig)
    values = {"mss": f":{seen['mss']}", "ws": f":{seen['scale']}"}
    words = [word.partition("+")[0] for word in seen["layout"].split(",")]
    return [WORDS[word] + values.get(word, "") for word in words]


def kinds(options):
    return {option.partition(":")[0] for option in options}


def fits(case, offered):
    kinds_match = kinds(offered).issuperset(case.get("has", ())) and kinds(offered).isdisjoint(case.get("lacks", ()))
    return case.get("offered", offered) == offered and kinds_match and not case.get("ecn", False)


def case_for(tcp, offered):
    return next((case for case in tcp.get("cases", ()) if fits(case, offered)), {})


def agreed(options, offered):
    """The peer gets what it offered, and the MSS."""
    known, out, nops = kinds(offered) | {"mss", "eol"}, [], []
    for option in options:
        kind = option.partition(":")[0].partition("-")[0]
        if kind == "nop":
            nops.append(option)
        elif kind in known:
            out += [*nops, option]
            nops = []
        else:
            nops = []
    return out + nops


def layout_of(options):
    """As p0f writes it; zeros fill the last word."""
    ours = {ours: p0fs for p0fs, ours in WORDS.items()}
    words = [ours[option.partition(":")[0].partition("-")[0]] for option in options]
    end = words.index("eol") if "eol" in words else len(words)
    size = sum(BYTES[word] for word in words)
    fill = size + -size % 4 - sum(BYTES[word] for word in words[:end])
    return ",".join(words[:end] + [f"eol+{fill - 1}"] * bool(fill))


def value_of(options, kind, default):
    for option in options:
        word, _, value = option.partition(":")
        if word.partition("-")[0] == kind:
            return int(value) if value else default
    return 0


def quirks_of(tcp, case, options):
    df, nonzero = case.get("df", tcp["df"]), tcp["ip_id"] not in ("zero", 0)
    quirks = ["df"] * df + ["id+"] * (df and nonzero) + ["id-"] * (not df and not nonzero)
    no_clock = tcp.get("ts_start") == "zero" or {"ts-no-clock", "ts-empty"} & set(options)
    return ",".join(quirks + ["ts1-"] * bool(no_clock and value_of(options, "ts", 1)))


def window_of(tcp, case, options, peer_mss):
    unscaled = tcp.get("window_unscaled", 0) if "wscale" not in kinds(options) else 0
    segment = max(min(tcp["mss"], peer_mss), unscaled)
    if value_of(options, "ts", 1) and tcp.get("window_segment") != "mss":
        segment -= 12
    scale = value_of(options, "wscale", tcp.get("wscale", 0))
    whole = -(-tcp.get("window_buffer", 0) // segment) * segment >> scale
    window = case.get("window") or whole or tcp.get("window_mss", 0) * segment or tcp["window"]
    if unscaled or window > 65535:
        return min(window, 65535) // segment * segment
    return window


def wanted(personality, offered):
    """What p0f should see of a personality's SYN+ACK, and the window."""
    tcp = personality["tcp"]
    case = case_for(tcp, offered)
    options = case.get("options") or agreed(case.get("order", tcp["options"]), offered)
    peer_mss = value_of(offered, "mss", 0)
    mss = min(tcp["mss"], peer_mss) if tcp.get("mss_of") == "least" else tcp["mss"]
    return {
        "ttl": case.get("ttl", tcp["ttl"]),
        "mss": value_of(options, "mss", mss),
        "window": window_of(tcp, case, options, peer_mss),
        "scale": value_of(options, "wscale", tcp.get("wscale", 0)),
        "layout": layout_of(options),
        "quirks": quirks_of(tcp, case, options),
    }


def mss_of(seen, peer_mss):
    """p0f hides an MSS that is its own tool's."""
    return peer_mss if seen["mss"] == "*" else int(seen["mss"])


def windows_meant(seen, peer_mss):
    """p0f writes a window as a multiple where it finds one, and says not of which of several sizes."""
    mss, times = mss_of(seen, peer_mss), int(seen["window"])
    sizes = {"mss": (mss, mss - 12, 1460, 1448, peer_mss, peer_mss - 12), "mtu": (mss + 40, 1500), None: (1,)}[seen["unit"]]
    return {times * size for size in sizes}


def as_seen(raw_sig, expected, peer_mss):
    """The signature in the terms of wanted(), with the expected window where it may be meant."""
    seen = SIGNATURE.fullmatch(raw_sig)
    assert seen, raw_sig
    window = expected["window"] if expected["window"] in windows_meant(seen, peer_mss) else seen.group("window", "unit")
    numbers = {"ttl": int(seen["ttl"]), "scale": int(seen["scale"]), "mss": mss_of(seen, peer_mss)}
    return numbers | {"window": window, "layout": seen["layout"], "quirks": seen["quirks"]}


# ---- what p0f says ----


def log_lines(path):
    """p0f's whole lines as dictionaries."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [dict(field.partition("=")[::2] for field in line.partition("] ")[2].split("|")) for line in lines]


def listens(running):
    """p0f's own packet socket is there."""
    return len(running.attack("cat", "/proc/net/packet", text=True).stdout.splitlines()) > 1


def watch_clients(running, addresses, log):
    """Lets a client of each kind connect to all addresses; gives p0f's lines of each kind's connections."""
    found = []
    for client in CLIENTS:
        values = [f"net.ipv4.tcp_{name}={value}" for name, value in client.items()]
        running.attack("sysctl", "-qw", *values, check=True)
        before = len(log_lines(log))
        running.attack("/usr/bin/python3", "-c", CONNECT, PORT, *addresses, check=True)
        answers = conftest.wait_for(lambda: enough(log_lines(log)[before:], addresses), 10)
        assert answers, f"p0f did not see {client}: {log_lines(log)[before:]}"
        found.append(answers)
    return found


def sendsyn(on, ip, port):
    """p0f-sendsyn's packet with those options of CLIENTS that are on."""
    layout = ["mss"] + ["ws"] * on["window_scaling"] + ["sok"] * on["sack"] + ["ts"] * on["timestamps"]
    fill = -sum(BYTES[word] for word in layout) % 4
    layout += [f"eol+{fill - 1}"] * bool(fill)
    text = f"4:64:0:{SENDSYN_MSS}:{SENDSYN_WINDOW},{SENDSYN_SCALE}:{','.join(layout)}::0"
    return syn.packet(syn.parse(text), decoy_wire.ATTACKER, ip, (port, PORT))


def watch_sendsyn(running, addresses, log):
    """The same of p0f-sendsyn's packets."""
    found = []
    for i, on in enumerate(CLIENTS):
        packets = "\n".join(sendsyn(on, ip, RAW_PORTS + i).hex() for ip in addresses)
        before = len(log_lines(log))
        running.attack("/usr/bin/python3", "-c", SEND, input=packets, text=True, check=True)
        answers = conftest.wait_for(lambda: enough(log_lines(log)[before:], addresses), 10)
        assert answers, f"p0f did not see {on}: {log_lines(log)[before:]}"
        found.append(answers)
    return found


def syn_of(answer, lines):
    ends = answer["cli"], answer["srv"]
    return next(line for line in lines if line["mod"] == "syn" and (line["cli"], line["srv"]) == ends)


def enough(lines, addresses):
    seen = {line["srv"].partition("/")[0] for line in lines if line["mod"] == "syn+ack"}
    return lines if seen == set(addresses) else None


@pytest.fixture(scope="module")
def watched(nothing_left, tmp_path_factory):
    """({address: personality}, p0f's lines on each kind of client, on p0f-sendsyn's, and on those that talk)"""
    assert SIGNATURES.exists(), "install the Debian package p0f"
    places = {f"198.18.1.{i}": name for i, name in enumerate(PERSONALITIES, 1)}  # 254 at most
    groups = [(ip, name, [PORT], "reset") for ip, name in places.items()]
    log = tmp_path_factory.mktemp("p0f") / "log"
    with decoy_wire.running(f"hsp{os.getpid()}", groups, OWN, conftest.BINARIES, "0f" * 32) as running:
        with open(log.with_name("out"), "wb") as out:
            p0f = running.start_attack("p0f", "-i", "eth0", "-f", SIGNATURES, "-o", log, stdout=out, stderr=out)
        try:
            assert conftest.wait_for(lambda: listens(running), 10), log.with_name("out").read_text()
            clients = watch_clients(running, list(places), log)
            raw = watch_sendsyn(running, list(places), log)
            values = [f"net.ipv4.tcp_{name}={value}" for name, value in EVERYTHING.items()]
            running.attack("sysctl", "-qw", *values, check=True)
            before = len(log_lines(log))
            running.attack("/usr/bin/python3", "-c", TALK, PORT, CLOCK_S, *places, check=True)
            conftest.wait_for(lambda: running_clocks(places) <= seen_clocks(log_lines(log)[before:], places), 3)
            return places, clients, raw, log_lines(log)[before:]
        finally:
            p0f.terminate()
            p0f.wait(10)


def by_personality(places, kinds_of_client):
    """{personality: [(what the client offered, p0f's line on the answer) of each kind of client]}"""
    found = {name: [] for name in places.values()}
    for lines in kinds_of_client:
        for answer in (line for line in lines if line["mod"] == "syn+ack"):
            ip = answer["srv"].partition("/")[0]
            found[places[ip]].append((offer_of(syn_of(answer, lines)["raw_sig"]), answer))
    return found


@pytest.fixture(scope="module")
def sightings(watched):
    places, clients, _, _ = watched
    return by_personality(places, clients)


@pytest.fixture(scope="module")
def sendsyn_sightings(watched):
    places, _, raw, _ = watched
    return by_personality(places, raw)


@pytest.mark.parametrize("name", PERSONALITIES)
def test_p0f_sees_what_the_personality_says(sightings, sendsyn_sightings, name):
    assert len(sightings[name]) == len(sendsyn_sightings[name]) == len(CLIENTS)
    for offered, answer in sightings[name] + sendsyn_sightings[name]:
        expected = wanted(PERSONALITIES[name], offered)
        seen = as_seen(answer["raw_sig"], expected, value_of(offered, "mss", 0))
        assert seen == expected, f"offered {offered}, p0f: {answer['raw_sig']}"


def bare(answer):
    return SIGNATURE.fullmatch(answer["raw_sig"])["layout"] == "mss"


def named(answer):
    """p0f's name; from nothing but an MSS it guesses, where it has no signature."""
    return "???" if bare(answer) and answer["params"] == "fuzzy" else answer["os"]


@pytest.mark.parametrize("name", PERSONALITIES)
def test_p0f_names_those_it_knows(sightings, name):
    _, answer = sightings[name][CLIENTS.index(EVERYTHING)]
    assert named(answer) == NAMES.get(name, "???"), answer["raw_sig"]


@pytest.mark.parametrize("name", NAMES)
def test_p0f_names_them_whatever_is_offered(sightings, sendsyn_sightings, name):
    right = {NAMES[name]} | LESS.get(NAMES[name], set())
    for _, answer in sightings[name] + sendsyn_sightings[name]:
        assert named(answer) in right or (bare(answer) and named(answer) == "???"), answer


@pytest.mark.parametrize("name", SOLARIS)
def test_p0f_names_solaris_as_its_own_tool_sees_it(sendsyn_sightings, name):
    """p0f.fp's Solaris 10 counts timestamps as part of a segment; others, and ours, don't."""
    for offered, answer in sendsyn_sightings[name]:
        if name == "solaris-8" or "ts" not in offered:
            assert answer["os"] == SOLARIS[name], answer["raw_sig"]


# ---- what p0f measures ----


def running_clocks(places):
    """Of whose timestamps p0f can measure the rate."""
    tcp = {ip: PERSONALITIES[name]["tcp"] for ip, name in places.items()}
    return {
        ip for ip, x in tcp.items()
        if "ts" in x["options"] and HZ_LEAST <= x["ts_hz"] <= HZ_MOST and x.get("ts_start") != "zero"
    }  # fmt: skip


def servers(lines, mod):
    return {line["srv"].partition("/")[0]: line for line in lines if line["mod"] == mod and line["subj"] == "srv"}


def seen_clocks(lines, places):
    return servers(lines, "uptime").keys() & places.keys()


def random_clock(name):
    return PERSONALITIES[name]["tcp"].get("ts_start") == "random"


def test_p0f_measures_clocks_and_uptimes(watched):
    """Machines of one network were not booted all at once, and run for months at most."""
    places, _, _, lines = watched
    clocks, uptimes = servers(lines, "uptime"), set()
    assert clocks.keys() == running_clocks(places)
    for ip, line in clocks.items():
        hz, days = float(line["raw_freq"].split()[0]), int(line["uptime"].split()[0])
        assert hz == pytest.approx(PERSONALITIES[places[ip]]["tcp"]["ts_hz"], rel=0.1), places[ip]
        if not random_clock(places[ip]):
            assert days < 150, line["uptime"]
            uptimes.add(line["uptime"])
    assert len(uptimes) > len(clocks) / 3


def test_p0f_measures_the_link(watched):
    places, clients, _, _ = watched
    links = servers(clients[0], "mtu")
    for ip, name in places.items():
        tcp = PERSONALITIES[name]["tcp"]
        assert int(links[ip]["raw_mtu"]) == min(tcp["mss"], 1460) + 40, name


def test_p0f_takes_each_decoy_for_one_machine(watched):
    """It looks for several behind one address: by TTL, MTU and clocks that don't fit each other."""
    places, clients, _, _ = watched
    for line in itertools.chain(*clients):
        if line["mod"] == "host change" and line["subj"] == "srv":
            name = places[line["srv"].partition("/")[0]]
            odd = {"ttl", "mtu", "port"} | set(["tstamp"] * (not random_clock(name)))
            assert not odd.intersection(line["reason"].split()), f"{name}: {line}"
