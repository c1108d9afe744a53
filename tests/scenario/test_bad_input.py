"""Bad configuration, malformed PROXY headers, garbage, floods: a clear error or an answer in character, and nothing lost."""

import contextlib
import json
import os
import pathlib
import random
import re
import socket
import subprocess

import pytest
from conftest import BINARIES, ROOT, wait_for

ASAN = ROOT / "build" / "asan" / "bin"
TRAPS = {"relaytrap": 2525, "proxytrap": 3128, "webtrap": 8080}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


# ---- configuration ----


GOOD = {
    "version": 1,
    "decoys": [
        {
            "addresses": ["203.0.113.10"],
            "personality": "linux-6",
            "ports": [{"port": 25, "proto": "tcp", "service": "relaytrap", "look": "postfix"}],
        }
    ],
}


def changed(**how):
    text = json.loads(json.dumps(GOOD))
    for key, value in how.items():
        target = text["decoys"][0]["ports"][0] if key in ("port", "proto", "service", "look") else text["decoys"][0]
        target[key] = value
    return json.dumps(text, indent=1)


def check_decoys(tmp_path, text):
    path = tmp_path / "decoys.json"
    path.write_text(text)
    words = [BINARIES / "fingerprintd", "--check", f"--decoys.file={path}"]
    words += [f"--personalities.dir={ROOT / 'fingerprintd' / 'personalities'}"]
    return subprocess.run(words, capture_output=True, text=True, timeout=30)


def test_a_good_decoys_file_is_good(tmp_path):
    assert check_decoys(tmp_path, json.dumps(GOOD)).returncode == 0


@pytest.mark.parametrize(
    "text,words",
    [
        ("", "line 1"),
        ("{\n  'version': 1\n}", "line 2"),
        (json.dumps(GOOD, indent=1).replace('"ports"', 'ports', 1), "line 9"),
        (changed(personality="linux-66"), "linux-66"),
        (changed(addresses=["203.0.113.300"]), "203.0.113.300"),
        (changed(addresses=[]), "addresses"),
        (changed(port=0), "port"),
        (changed(port=65536), "port"),
        (changed(port="25"), "port"),
        (changed(proto="sctp"), "proto"),
        (changed(service="mailtrap"), "mailtrap"),
        (changed(colour="red"), "colour"),
        (json.dumps({"version": 99, "decoys": []}), "version"),
        (json.dumps(GOOD["decoys"]), "object"),
    ],
)  # fmt: skip
def test_a_bad_decoys_file_is_refused_with_its_place(tmp_path, text, words):
    done = check_decoys(tmp_path, text)
    assert done.returncode == 1
    assert "decoys.json" in done.stderr and words in done.stderr, done.stderr


def describe(name):
    words = [BINARIES / "fingerprintd", "--check-personality", name]
    words += [f"--personalities.dir={ROOT / 'fingerprintd' / 'personalities'}"]
    return subprocess.run(words, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("name", [p.stem for p in sorted((ROOT / "fingerprintd" / "personalities").glob("*.json"))])
def test_every_personality_is_told_in_words(name):
    done = describe(name)
    assert done.returncode == 0, done.stderr
    tcp = json.loads((ROOT / "fingerprintd" / "personalities" / f"{name}.json").read_text())["tcp"]
    assert f"SYN to an open port: SYN+ACK, TTL {tcp['ttl']}, {'DF' if tcp['df'] else 'no DF'}" in done.stdout
    assert "(null)" not in done.stdout


def test_mistakes_of_unreachables_are_told():
    said = describe("hp-jetdirect").stdout
    assert "quotes 8 octets, IP id with its octets swapped, IP checksum zero, UDP checksum always 0; TTL 64" in said


def test_a_wrong_name_gets_the_nearest():
    done = describe("linux-66")
    assert done.returncode == 1 and done.stdout == ""
    nearest = done.stderr.partition("the nearest names are ")[2].split(", ")
    assert nearest[0] == "linux-6" and len(nearest) == 5


@pytest.mark.parametrize("service", ["relaytrap", "proxytrap", "webtrap", "courier", "logship", "api", "fingerprintd"])
@pytest.mark.parametrize(
    "flag,words",
    [
        ("--no.such=1", "no.such"),
        ("--drain.seconds=soon", "drain.seconds"),
        ("--log.level=loud", "log.level"),
        ("--admin.listen=nowhere", "admin.listen"),
        ("--site-key.file=/no/such/file", "/no/such/file"),
    ],
)
def test_a_bad_setting_is_refused_with_a_sentence(tmp_path, service, flag, words):
    if service in ("logship", "courier") and "site-key" in flag:
        flag, words = "--nats.password-file=/no/such/file", "/no/such/file"
    (tmp_path / "key").write_text("0" * 64)
    (tmp_path / "decoys.json").write_text(json.dumps(GOOD))
    given = {
        "data.dir": tmp_path,
        "admin.listen": "127.0.0.1:0",
        "site-key.file": tmp_path / "key",
        "decoys.file": tmp_path / "decoys.json",
        "wire.interface": "lo",
    }
    known = subprocess.run([BINARIES / service, "--settings"], capture_output=True, text=True, timeout=30).stdout
    words_ = [f"--{name}={value}" for name, value in given.items() if re.search(rf"\b{re.escape(name)}\b", known)]
    done = subprocess.run([BINARIES / service, *words_, flag], capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, -6, -11), done.stderr
    assert words in done.stderr, done.stderr


# ---- a lab built with sanitizers ----


@pytest.fixture(scope="module")
def strict_lab(make_lab):
    """Any bad access ends a part; the test sees that in its pid."""
    return make_lab(binaries=ASAN)


@contextlib.contextmanager
def nothing_dies(lab):
    before = {p["name"]: p["pid"] for p in lab.describe()["processes"]}
    yield
    assert {p["name"]: p["pid"] for p in lab.describe()["processes"]} == before
    logs = "".join(p.read_text(errors="replace") for p in (lab.directory / "logs").glob("*.log"))
    # What a peer sends is data: never an error of ours.
    assert not re.search(r"level=(error|fatal)|AddressSanitizer|runtime error|Assertion", logs), logs[-3000:]


def converse(address, data, timeout_s=10):
    """Sends data, finishes, and returns what came until the other side finished; None: refused or reset."""
    try:
        with socket.create_connection(address, timeout_s) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while chunk := s.recv(65536):
                got += chunk
            return got
    except (ConnectionError, TimeoutError, OSError):
        return None


@pytest.mark.parametrize("service,port", TRAPS.items())
def test_a_malformed_proxy_header_is_hung_up_on(strict_lab, service, port):
    v2 = SIGNATURE + b"\x21\x11\x00\x0c" + bytes([198, 51, 100, 1, 203, 0, 113, 10, 1, 0, 0, 25])
    headers = [
        b"GET / HTTP/1.0\r\n\r\n",
        b"EHLO x\r\n",
        b"PROXY TCP4 1.2.3.4\r\n",
        b"PROXY TCP4 198.51.100.1 203.0.113.10 99999 25\r\n",
        b"PROXY " + b"A" * 200,
        SIGNATURE,
        v2[:20],
        v2[:12] + b"\x31" + v2[13:],
        v2[:13] + b"\x21" + v2[14:],
        v2[:14] + b"\x00\x04" + v2[16:],
        v2[:14] + b"\xff\xff" + v2[16:] + b"x" * 3000,
        v2[:14] + b"\x00\x10" + v2[16:] + b"\x05\x00\xff\x00",
        SIGNATURE + b"\x20\x00\x00\x00",
    ]
    with nothing_dies(strict_lab):
        for header in headers:
            assert not converse((strict_lab.process(service)["admin"][7:].partition(":")[0], port), header), header


def test_a_trap_talks_to_its_networks_only(strict_lab):
    host = strict_lab.process("relaytrap")["admin"][7:].partition(":")[0]
    v1 = b"PROXY TCP4 198.51.100.1 203.0.113.10 1000 25\r\nQUIT\r\n"
    assert converse((host, TRAPS["relaytrap"]), v1).startswith(b"220 ")


def garbage(rng):
    kinds = [
        lambda: rng.randbytes(rng.randrange(1, 4000)),
        lambda: b"\0" * 2000,
        lambda: b"A" * 100000,
        lambda: b"\r\n" * 3000,
        lambda: bytes([rng.choice([4, 5])]) + rng.randbytes(40),
        lambda: b"GET /" + rng.randbytes(50) + b" HTTP/1.1\r\n" + rng.randbytes(300) + b"\r\n\r\n",
        lambda: b"CONNECT " + rng.randbytes(30) + b":25 HTTP/1.1\r\n\r\n",
        lambda: b"EHLO " + rng.randbytes(600) + b"\r\nMAIL FROM:" + rng.randbytes(100) + b"\r\nDATA\r\n",
        lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(300),
    ]
    return rng.choice(kinds)()


GARBAGE = """
import random, socket, sys
sys.path.insert(0, sys.argv[1])
from test_bad_input import converse, garbage
rng = random.Random(int(sys.argv[2]))
for target in sys.argv[3:]:
    ip, _, port = target.partition(":")
    for _ in range(10):
        converse((ip, int(port)), garbage(rng), 20)
"""


def test_garbage_at_every_port(strict_lab, tmp_path):
    lab = strict_lab
    targets = [f"{d['ip']}:{p['port']}" for d in lab.d["decoys"] for p in d["ports"]]
    here = pathlib.Path(__file__).parent
    with nothing_dies(lab):
        senders = [
            lab.start_attack("/usr/bin/python3", "-c", GARBAGE, here, seed, *targets, cwd=tmp_path) for seed in range(12)
        ]
        for sender in senders:
            _, err = sender.communicate(timeout=600)
            assert sender.returncode == 0, err.decode()
        # And every trap still does what it is for.
        ip, port = lab.decoy("relaytrap")
        assert lab.attack("swaks", "--server", f"{ip}:{port}", "--to", "a@b.example").returncode == 0
        ip, port = lab.decoy("webtrap")
        assert lab.attack("curl", "-fsS", f"http://{ip}:{port}/").returncode == 0
        ip, port = lab.decoy("proxytrap", "dante")
        socks = lab.attack("curl", "-sS", "--socks5-hostname", f"{ip}:{port}", "smtp://mx.victim.example", "-X", "NOOP")
        assert socks.returncode == 0, socks.stderr.decode()


# ---- a flood ----


def resident_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1])


def seen(counters):
    return counters["honeyspam_tcp_segments_in"] + counters["honeyspam_net_dropped_total"]


def test_fifty_thousand_syns(make_lab):
    lab = make_lab()
    ip, port = lab.decoy("relaytrap", "postfix")
    gateway = lab.process("fingerprintd")["pid"]
    assert lab.attack("ping", "-n", "-c", 1, ip).returncode == 0
    neighbours = lab.attack("ip", "-j", "neigh", "show", ip).stdout
    mac = json.loads(neighbours)[0]["lladdr"]
    before = resident_kb(gateway)
    flood = lab.attack(
        "/usr/bin/python3", ROOT / "tests" / "support" / "flood.py", "eth0", mac, "198.51.100.0/24",
        f"{ip}:{port}", 50000, timeout=120,
    )  # fmt: skip
    assert flood.returncode == 0, flood.stderr.decode()
    # While the table of handshakes is still full, real clients get through.
    done = lab.attack("swaks", "--server", f"{ip}:{port}", "--to", "a@b.example")
    assert done.returncode == 0, done.stdout.decode()
    # The gateway publishes its counters once a second. What a busy machine's kernel threw away before it is counted too.
    counters = wait_for(lambda: seen(c := lab.metrics("fingerprintd")) >= 50000 and c, 30)
    assert counters and counters["honeyspam_tcp_cookies_sent"] > 0
    assert counters["honeyspam_tcp_half_open"] <= 4096
    grown = resident_kb(gateway) - before
    print(f"figure flood.gateway_grown_kb {grown} KB")
    assert grown < 16 * 1024
    # Told of, in a bounded number of events.
    probes = wait_for(lambda: [e for e in lab.events() if e["event"]["action"] == "probe"], 60)
    assert probes and len(probes) < 2000
    assert lab.process("fingerprintd")["pid"] == gateway
    assert os.path.exists(f"/proc/{gateway}")
