"""The bad wire itself: what it is set to do happens between two kernels, and TCP survives it."""

import contextlib
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time

import conftest
import pytest

A_IP, B_IP = "198.18.200.1", "198.18.200.2"
PORT = 4000
OFFLOADS = ("tx", "rx", "tso", "gso", "gro")
NOBODY = "65534"
WAYS = ("a-to-b", "b-to-a")
COUNTERS = {
    "forwarded", "lost", "reordered", "duplicated", "corrupted", "dropped_full", "too_long", "unsent", "missed",
}  # fmt: skip

RECEIVER = f"""
import socket, sys
with socket.create_server(("{B_IP}", {PORT})) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as stream:
        data = stream.read()
sys.stdout.buffer.write(data)
"""
SENDER = f"""
import socket, sys
with socket.create_connection(("{B_IP}", {PORT})) as connection:
    connection.sendall(sys.stdin.buffer.read())
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
"""


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout


def inside(ns, *words):
    return ["ip", "netns", "exec", ns, *map(str, words)]


class Wire:
    """a (eth0) ===== link (a0, b0: badlink) ===== b (eth0)"""

    def __init__(self):
        self.a, self.b, self.link = (f"hsbl{os.getpid()}-{end}" for end in ("a", "b", "link"))

    def up(self):
        for ns in (self.a, self.b, self.link):
            run("ip", "netns", "add", ns)
        self.join(self.a, A_IP, "a0")
        self.join(self.b, B_IP, "b0")
        self.settle()

    def join(self, ns, ip, port):
        run("ip", "link", "add", "eth0", "netns", ns, "type", "veth", "peer", "name", port, "netns", self.link)
        for where, dev in ((ns, "eth0"), (self.link, port)):
            offs = [word for name in OFFLOADS for word in (name, "off")]
            run(*inside(where, "sysctl", "-qw", f"net.ipv6.conf.{dev}.disable_ipv6=1"))
            run(*inside(where, "ethtool", "-K", dev, *offs))
            run("ip", "-n", where, "link", "set", dev, "up")
        run("ip", "-n", ns, "addr", "add", f"{ip}/24", "dev", "eth0")

    def settle(self):
        """Lasting neighbours: a test that counts frames must not count ARP."""
        for ns, ip, other in ((self.a, B_IP, self.b), (self.b, A_IP, self.a)):
            mac = json.loads(run("ip", "-j", "-n", other, "link", "show", "eth0"))[0]["address"]
            run("ip", "-n", ns, "neigh", "replace", ip, "lladdr", mac, "dev", "eth0", "nud", "permanent")

    def down(self):
        for ns in (self.a, self.b, self.link):
            subprocess.run(["ip", "netns", "del", ns], capture_output=True, check=False)

    def bound(self):
        """Both raw sockets are on their interfaces."""
        rows = [line.split() for line in run(*inside(self.link, "cat", "/proc/net/packet")).splitlines()[1:]]
        return len([row for row in rows if row[4] != "0"]) == 2

    @contextlib.contextmanager
    def bad(self, *options):
        """Runs badlink; yields a dictionary that holds its counters when it has ended."""
        words = [f"--net=/run/netns/{self.link}", *unprivileged(), *options, "a0", "b0"]
        with program() as (path, fd):
            words.insert(words.index("--") + 1, path)
            process = subprocess.Popen(["nsenter", *words], stdout=subprocess.PIPE, pass_fds=(fd,))
        counters = {}
        try:
            assert conftest.wait_for(lambda: self.bound() or process.poll() is not None, 5)
            yield counters
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=5)
        assert process.returncode == 0
        assert said.endswith(b"}\n") and said.count(b"\n") == 1
        counters |= json.loads(said)

    def ping(self, *options):
        """Everything that `ping` says."""
        argv = inside(self.a, "ping", "-n", *options, B_IP)
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout

    def transfer(self, data):
        """What b gets when a sends data by TCP."""
        receiver = subprocess.Popen(inside(self.b, sys.executable, "-c", RECEIVER), stdout=subprocess.PIPE)
        try:
            assert receiver.stdout.readline() == b"ready\n"
            sender = inside(self.a, sys.executable, "-c", SENDER)
            subprocess.run(sender, input=data, check=True, timeout=60)
            return receiver.communicate(timeout=30)[0]
        finally:
            receiver.kill()
            receiver.wait()
            receiver.stdout.close()


@contextlib.contextmanager
def program():
    """badlink as an open file: the build tree may be closed to the user that runs it."""
    path = conftest.BINARIES / "badlink"
    assert path.exists(), f"{path} is not built"
    fd = os.open(path, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{fd}", fd
    finally:
        os.close(fd)


def unprivileged():
    """As the lab runs it: nobody, with CAP_NET_RAW alone."""
    caps = "-all,+net_raw"
    sets = [word for name in ("inh-caps", "ambient-caps", "bounding-set") for word in (f"--{name}", caps)]
    return ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", *sets, "--no-new-privs", "--"]


@pytest.fixture(scope="module")
def wire(nothing_left):
    made = Wire()
    try:
        made.up()
        yield made
    finally:
        made.down()


def sequence(said):
    """The numbers of ping's answers, in the order of their arrival."""
    return [int(n) for n in re.findall(r"icmp_seq=(\d+)", said)]


def test_a_perfect_wire_carries_everything(wire):
    with wire.bad() as counters:
        said = wire.ping("-c", "100", "-i", "0.005", "-s", "1472")
    assert sequence(said) == list(range(1, 101))
    for way in WAYS:
        assert counters[way] == dict.fromkeys(COUNTERS, 0) | {"forwarded": 100}


def test_ping_loses_about_as_much_as_is_set(wire):
    with wire.bad("--seed=1", "--loss=20%", "--only=a-to-b") as counters:
        answers = sequence(wire.ping("-c", "500", "-i", "0.003", "-W", "1"))
    assert 350 < len(answers) < 450
    assert counters["a-to-b"]["lost"] == 500 - len(answers)
    assert counters["b-to-a"] == dict.fromkeys(COUNTERS, 0) | {"forwarded": len(answers)}


def test_the_same_seed_loses_the_same_frames(wire):
    answers = []
    for _ in range(2):
        with wire.bad("--seed=7", "--loss=0.3", "--only=a-to-b"):
            answers.append(sequence(wire.ping("-c", "100", "-i", "0.003", "-W", "1")))
    assert answers[0] == answers[1]
    assert 50 < len(answers[0]) < 90


def test_reordered_frames_arrive_later_than_their_followers(wire):
    with wire.bad("--seed=1", "--reorder=10%", "--reorder-delay=30", "--only=b-to-a") as counters:
        answers = sequence(wire.ping("-c", "300", "-i", "0.005", "-W", "1"))
    assert sorted(answers) == list(range(1, 301))
    assert answers != sorted(answers)
    assert 10 < counters["b-to-a"]["reordered"] < 60
    assert counters["a-to-b"]["reordered"] == 0


def test_duplicates_and_corruption_are_seen_by_kernels(wire):
    with wire.bad("--seed=1", "--duplicate=1", "--only=b-to-a"):
        said = wire.ping("-c", "20", "-i", "0.005")
    assert said.count("DUP!") == 19  # ping ends at its last answer
    with wire.bad("--seed=1", "--corrupt=1", "--only=a-to-b") as counters:
        # One bit is always found by a checksum; a flip of a source address or protocol has no answer either.
        assert sequence(wire.ping("-c", "50", "-i", "0.003", "-W", "1")) == []
    assert counters["a-to-b"]["corrupted"] == 50


def test_delay_is_as_set(wire):
    with wire.bad("--delay=20", "--jitter=5"):
        said = wire.ping("-c", "50", "-i", "0.005")
    times = [float(t) for t in re.findall(r"time=([\d.]+)", said)]
    assert len(times) == 50
    assert min(times) >= 30
    assert 38 < sum(times) / len(times) < 50


EVERYTHING = ("--loss=3%", "--reorder=5%", "--duplicate=2%", "--corrupt=1%", "--delay=2", "--jitter=1", "--rate=50M")


@pytest.mark.parametrize("options", [(), ("--loss=5%",), EVERYTHING], ids=["perfect", "loss", "everything"])
def test_tcp_carries_a_megabyte_unharmed(wire, options):
    data = random.Random(1).randbytes(1 << 20)
    with wire.bad("--seed=3", *options) as counters:
        got = wire.transfer(data)
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()
    for way in WAYS:
        assert set(counters[way]) == COUNTERS
        assert counters[way]["too_long"] == counters[way]["unsent"] == counters[way]["missed"] == 0
    assert counters["a-to-b"]["forwarded"] >= (1 << 20) // 1460
    assert (counters["a-to-b"]["lost"] > 0) == bool(options)


def test_the_rate_is_as_set(wire):
    data = random.Random(1).randbytes(1 << 20)
    with wire.bad("--rate=8M"):
        start = time.monotonic()
        assert wire.transfer(data) == data
        took = time.monotonic() - start
    assert 1.0 < took < 4


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("--loss=2", "a0", "b0"), 2, "--loss=2 is not a share: 0 to 1, or per cent such as 8%"),
        (("a0",), 2, "two interfaces are needed, 1 given; see --help"),
        (("a0", "nothere"), 1, "there is no interface nothere"),
    ],
)
def test_mistakes_get_a_sentence(wire, words, status, sentence):
    argv = inside(wire.link, conftest.BINARIES / "badlink", *words)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (status, f"badlink: {sentence}\n", "")
