"""The client's OS guessed from its SYN: p0f itself, reading the same packets with the same signatures, must agree."""

import random
import subprocess

import pytest
import syn
from conftest import BINARIES, ROOT

OURS = ROOT / "fingerprintd" / "os-signatures.fp"
P0FS = "/etc/p0f/p0f.fp"
DECOY = "203.0.113.10"


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


def p0f_says(path, made, directory):
    """Per packet (raw signature, label, generic, fuzzy, distance) of p0f."""
    syn.write_pcap(directory / "made.pcap", made)
    words = ["p0f", "-f", path, "-r", directory / "made.pcap", "-o", directory / "log"]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    said = {}
    for line in open(directory / "log", encoding="utf-8"):
        fields = dict(word.split("=", 1) for word in line.rstrip("\n").split("] ", 1)[1].split("|"))
        if fields["mod"] != "syn":
            continue
        label = fields.get("os", fields.get("app"))
        params = fields["params"].split()
        said[fields["cli"].split("/")[0]] = (
            fields["raw_sig"], "" if label == "???" else label, "generic" in params, "fuzzy" in params, fields["dist"],
        )  # fmt: skip
    return [said.get(source(i)) for i in range(len(made))]


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
