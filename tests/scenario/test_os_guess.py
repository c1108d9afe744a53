"""The client's OS guessed from its SYN: p0f itself, reading the same packets with the same signatures, must agree."""

import json
import random
import subprocess

import jsonschema
import pytest
import syn
from conftest import BINARIES, ROOT, wait_for

OURS = ROOT / "fingerprintd" / "os-signatures.fp"
P0FS = "/etc/p0f/p0f.fp"
DECOY = "203.0.113.10"
RAW_CLIENT = ROOT / "tests" / "support" / "raw_client.py"
# Signatures with the address that makes such SYNs in the attacker's place.
WINDOWS_10 = "4:128:0:1460:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0", "203.0.113.201"
WINDOWS_7 = "4:121:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0", "203.0.113.202"
IPHONE = "4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0", "203.0.113.203"
UNHEARD = "4:64:0:1000:777,3:ws,nop,mss,?99,nop,nop:df:0", "203.0.113.204"


def signatures(path):
    """The [tcp:request] signatures of a file that can match IPv4."""
    inside = False
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if line.startswith("["):
            inside = line == "[tcp:request]"
        elif inside and line.startswith("sig"):
            text = line.partition("=")[2].strip()
            if not text.startswith("6:"):
                yield text


def source(i):
    return f"198.{18 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def variations(made):
    """What a signature describes, and what differs from it in one thing."""
    yield made
    for less in (1, 11, 35, 36, 50):
        yield made | {"ttl": made["ttl"] - less}
    yield made | {"ttl": 255}
    for quirks in ({"df", "id+"}, {"id+"}):
        yield made | {"quirks": made["quirks"] - quirks}
    yield made | {"quirks": (made["quirks"] - {"df", "id+"}) | {"id-"}}
    for quirk in "ecn 0+ seq- ack+ uptr+ urgf+ pushf+ ts1- ts2+ opt+".split():
        yield made | {"quirks": made["quirks"] ^ {quirk}}
    yield made | {"payload": not made["payload"]}
    yield made | {"window": made["window"] + 1}
    for base in (made["mss"] - 12, 1460, 1448, made["mss"] + 40, 1500):
        yield made | {"window": 3 * max(base, 0)}
    yield made | {"scale": made["scale"] + 1}
    yield made | {"olen": 4}


def damaged(rng, i):
    """A SYN whose options are rubbish, though of kinds that mean something."""
    kinds = (0, 1, 2, 2, 3, 3, 4, 4, 5, 8, 8, 10, 30, 34)
    options = bytes(rng.choice((*kinds, rng.randrange(256))) for _ in range(rng.choice((4, 8, 12, 20, 40))))
    segment = syn.tcp_segment(
        source(i), DECOY, (40000, 80), window=rng.choice((0, 1024, 5840, 65535)), options=options,
        nonce=rng.random() < 0.1,
    )  # fmt: skip
    head = syn.ip_header(
        source(i), DECOY, len(segment), ttl=rng.randrange(1, 256), tos=rng.randrange(5), ident=rng.choice((0, 5)),
        df=rng.random() < 0.5, reserved=rng.random() < 0.1,
    )  # fmt: skip
    return head + segment


def packets(path):
    made = []
    for text in signatures(path):
        for mss in (1460, 1380, 536):
            for one in variations(syn.parse(text, mss)):
                data = syn.packet(one, source(len(made)), DECOY, (40000, 80))
                made += [data] if data else []
    rng = random.Random(3)
    return made + [damaged(rng, i) for i in range(len(made), len(made) + 3000)]


def read_p0f_log(path):
    """{(ip, port): (raw signature, label, generic, fuzzy, distance)} of every SYN in p0f's log."""
    said = {}
    for line in path.read_text().splitlines():
        fields = dict(word.split("=", 1) for word in line.split("] ", 1)[1].split("|"))
        if fields["mod"] != "syn":
            continue
        label = fields.get("os", fields.get("app"))
        params = fields["params"].split()
        ip, port = fields["cli"].split("/")
        said[ip, int(port)] = (
            fields["raw_sig"], "" if label == "???" else label, "generic" in params, "fuzzy" in params, fields["dist"],
        )  # fmt: skip
    return said


def p0f_says(path, made, directory):
    """What p0f makes of each packet."""
    syn.write_pcap(directory / "made.pcap", made)
    words = ["p0f", "-f", path, "-r", directory / "made.pcap", "-o", directory / "log"]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    said = read_p0f_log(directory / "log")
    return [said.get((source(i), 40000)) for i in range(len(made))]


def we_say(path, made):
    text = "".join(data.hex() + "\n" for data in made)
    done = subprocess.run(
        [BINARIES / "os_guess", path], input=text, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr == "", "a line of the file is passed over"
    for line in done.stdout.splitlines():
        raw, label, generic, fuzzy, distance = line.split("\t")
        yield raw, label, generic == "1", fuzzy == "1", distance


def comparable(ours, theirs):
    """A distance counts when both can tell it."""
    return (ours[:4], theirs[:4]) if not ours[1] or ours[4] == "-1" or theirs[4].startswith("<") else (ours, theirs)


@pytest.mark.parametrize("path", [OURS, P0FS], ids=["ours", "p0fs"])
def test_p0f_agrees_packet_by_packet(path, tmp_path):
    made = packets(path)
    compared, named = 0, set()
    for data, ours, theirs in zip(made, we_say(path, made), p0f_says(path, made, tmp_path), strict=True):
        if theirs is None:
            assert ":1331:1337," in ours[0]  # p0f keeps silent about its own tool
            continue
        mine, its = comparable(ours, theirs)
        assert mine == its, data.hex()
        compared += 1
        named.add((bool(ours[1]), ours[2], ours[3]))
    print(f"figure os_guess.agreed {compared} packets")
    assert compared > 8000
    # Every kind of answer was among them: none, exact, generic, fuzzy.
    assert {(False, False, False), (True, False, False), (True, True, False), (True, False, True)} <= named


# ---- on the wire ----


@pytest.fixture(scope="module", params=["ours", "p0fs"])
def watched(request, make_lab, tmp_path_factory):
    """A lab that guesses with one of the files, and p0f's log of the attacker's place, which p0f watches with it."""
    path = {"ours": OURS, "p0fs": P0FS}[request.param]
    log = tmp_path_factory.mktemp("p0f") / "log"
    lab = make_lab(options=[f"fingerprintd.os-signatures.files={path}"] if path == P0FS else [])
    p0f = lab.start_attack("p0f", "-i", "eth0", "-f", path, "-o", log, stderr=subprocess.STDOUT)
    assert wait_for(lambda: log.exists() or p0f.poll() is not None, 20) and p0f.poll() is None
    yield lab, log, request.param
    p0f.terminate()
    p0f.communicate(timeout=10)


def guesses(lab):
    return [e for e in lab.events() if e["event"]["action"] == "os-guess"]


def guess_of(lab, ip):
    """The one guess about that source."""
    found = wait_for(lambda: [e for e in guesses(lab) if e["source"]["ip"] == ip], 30)
    assert len(found) == 1, found
    return found[0]["honeyspam"]["os"]


def mac_of(lab, ip):
    rows = json.loads(lab.attack("ip", "-j", "neigh", "show", ip, check=True).stdout)
    return rows[0]["lladdr"]


def came_as(lab, signature, address):
    """Fetches a page with a SYN of that shape."""
    ip, port = lab.decoy("webtrap", "apache")
    lab.attack("ping", "-c", "1", ip, check=True)
    done = lab.attack("/usr/bin/python3", RAW_CLIENT, "eth0", mac_of(lab, ip), address, ip, port, signature)
    assert done.stdout.startswith(b"HTTP/1."), done
    return guess_of(lab, address)


def test_a_kernels_connections_are_linux(watched):
    """curl and nmap's connect scan: whatever kernel this is, it is no other system."""
    lab, _, _ = watched
    web, mail = lab.decoy("webtrap", "apache"), lab.decoy("relaytrap", "postfix")
    lab.attack("curl", "-sS", "-o", "/dev/null", "http://{}:{}/".format(*web), check=True)
    lab.attack("nmap", "-n", "-Pn", "-sT", "-p", mail[1], mail[0], check=True)

    def both():
        found = [e for e in guesses(lab) if e["source"]["ip"] == lab.d["attacker"]["ip"]]
        return found if {web[1], mail[1]} <= {e["destination"]["port"] for e in found} else None

    for event in wait_for(both, 30):
        guess = event["honeyspam"]["os"]
        assert guess["label"].startswith("Linux "), guess
        assert (guess["tool"], guess["fuzzy"], guess["distance"]) == (False, False, 0)


def test_other_systems_are_told_apart(watched):
    lab, _, which = watched
    names = {
        "ours": ["Windows 10 or 11", "Windows Vista to 8.1", "macOS 10.11 or newer, or iOS 9 or newer"],
        "p0fs": ["Windows NT kernel", "Windows 7 or 8", "Mac OS X"],
    }[which]
    for (signature, address), name in zip((WINDOWS_10, WINDOWS_7, IPHONE), names, strict=True):
        guess = came_as(lab, signature, address)
        assert (guess["label"], guess["distance"]) == (name, 7 if signature == WINDOWS_7[0] else 0)


def test_what_nobody_knows_keeps_its_signature(watched):
    lab, _, _ = watched
    guess = came_as(lab, *UNHEARD)
    assert guess == {"signature": "4:64+0:0:1000:777,3:ws,nop,mss,?99,nop,nop:df:0"}


def test_the_trap_knows_whom_it_serves(watched):
    lab, _, _ = watched
    label = came_as(lab, WINDOWS_10[0], "203.0.113.205")["label"]
    seen = wait_for(lambda: [e for e in lab.events() if e["source"]["ip"] == "203.0.113.205"], 30)
    asked = wait_for(
        lambda: [e for e in lab.events() if e["event"]["action"] == "web-request"
                 and e["source"]["ip"] == "203.0.113.205"], 30,
    )  # fmt: skip
    assert asked and all(e["honeyspam"]["flow"]["os_guess"] == label for e in asked + seen)


def test_scans_are_no_flows_and_get_no_guess(watched):
    lab, log, _ = watched
    ip, port = lab.decoy("relaytrap", "sendmail")
    done = lab.attack("nmap", "-n", "-Pn", "-sS", "-p", port, ip, check=True)
    assert b"open" in done.stdout
    came_as(lab, WINDOWS_10[0], "203.0.113.206")  # its guess comes after whatever the scan gave rise to
    assert not [e for e in guesses(lab) if e["destination"]["ip"] == ip]
    assert any(raw.endswith(":1460:1024,0:mss::0") for raw, *_ in read_p0f_log(log).values())


def test_p0f_on_the_wire_agrees(watched):
    """Comes last: every guess that the tests above gave rise to."""
    lab, log, _ = watched
    found = guesses(lab)
    assert len(found) >= 7
    assert sorted(e["honeyspam"]["flow"]["id"] for e in found) == sorted(
        e["honeyspam"]["flow"]["id"] for e in lab.events() if e["event"]["action"] == "flow-open"
    )
    schema = json.loads((ROOT / "api" / "events.schema.json").read_text())
    peers = {(e["source"]["ip"], e["source"]["port"]) for e in found}
    assert wait_for(lambda: peers <= set(read_p0f_log(log)), 30), "p0f missed a SYN"  # it may lag behind the gateway
    said = read_p0f_log(log)
    for event in found:
        jsonschema.validate(event, schema, jsonschema.Draft202012Validator)
        guess, theirs = event["honeyspam"]["os"], said[event["source"]["ip"], event["source"]["port"]]
        ours = guess["signature"], guess.get("label", ""), guess.get("generic", False), guess.get("fuzzy", False)
        assert ours == theirs[:4]
