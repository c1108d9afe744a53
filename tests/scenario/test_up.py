"""services/up as people use it: up, look, a part dies, down, up again, and clear words when it can't."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest
from conftest import ROOT, descendants, namespaces, wait_for

UP = ROOT / "services" / "up"
NAMES = {"nats-server", "api", "logship", "webtrap", "proxytrap", "relaytrap", "courier", "fingerprintd"}


def up(*words, timeout=900):
    return subprocess.run([UP, *words], capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def down(nothing_left):
    yield
    up("--down", "--purge")


def describe():
    return json.loads(up("--describe").stdout)


def uid(pid):
    return int(re.search(r"^Uid:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def effective(pid):
    return int(re.search(r"^CapEff:\s+(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1], 16)


def test_up_describe_down_and_up_again(down):
    first = up("--detach")
    assert first.returncode == 0, first.stdout + first.stderr
    for word in ("127.0.0.1:8025", "203.0.113.10", "curl", "swaks", "nmap -O", "socks5", "/v1/messages"):
        assert word in first.stdout, word
    d = describe()
    assert d["attacker"]["ip"].startswith("203.0.113.") and d["attacker"]["netns"] in namespaces()
    assert d["nats"]["url"].startswith("nats://")
    assert {p["name"] for p in d["processes"]} == NAMES
    for p in d["processes"]:
        assert uid(p["pid"]) != 0, p
        # Only the gateway keeps a capability, and only NET_RAW.
        assert effective(p["pid"]) == (1 << 13 if p["name"] == "fingerprintd" else 0), p
    for decoy in d["decoys"]:
        assert set(decoy) >= {"ip", "personality", "ports"}
        assert all(set(port) >= {"port", "proto", "service", "look"} for port in decoy["ports"])
    relays = {(p["port"], p["look"]) for decoy in d["decoys"] for p in decoy["ports"] if p["service"] == "relaytrap"}
    assert relays >= {(25, "postfix"), (25, "sendmail"), (25, "exim"), (465, "exim/tls"), (25, "postfix/mx")}
    assert all(f"{port} relaytrap ({look})" in first.stdout for port, look in relays)
    # A second start says that it runs already.
    second = up("--detach")
    assert second.returncode != 0 and "runs already" in second.stderr
    ends = up("--down")
    assert ends.returncode == 0, ends.stderr
    assert not {n for n in namespaces() if n.startswith("hs-")}
    assert not descendants()
    assert up("--describe").returncode != 0
    # What was stored stays; it starts again on it.
    again = up("--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {p["name"] for p in describe()["processes"]} == NAMES


def test_a_part_that_dies_is_started_again(down):
    assert up("--detach").returncode == 0
    for name in sorted(NAMES):
        old = next(p for p in describe()["processes"] if p["name"] == name)
        os.kill(old["pid"], signal.SIGKILL)
        new = wait_for(
            lambda: next(p for p in describe()["processes"] if p["name"] == name)["pid"] not in (None, old["pid"]), 30
        )
        assert new, name


def test_ctrl_c_takes_everything_away(down):
    process = subprocess.Popen([UP], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    for line in process.stdout:
        if b"Ctrl-C" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert not {n for n in namespaces() if n.startswith("hs-")}
    assert wait_for(lambda: not descendants(), 5)


def test_a_port_that_is_taken_is_named(down):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 8025))
        s.listen()
        done = up("--detach")
    assert done.returncode != 0
    assert "8025" in done.stderr and "taken" in done.stderr
    assert not {n for n in namespaces() if n.startswith("hs-")}


def test_without_root_it_says_so():
    # The clone may lie where nobody else may look: the script comes by stdin.
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--clear-groups", "sh", "-s", "--", "--detach"],
        input=UP.read_text(), capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    assert done.returncode == 1 and "needs root" in done.stderr


def test_without_a_capability_it_says_which(down):
    words = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", UP, "--detach"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    assert done.returncode != 0 and "CAP_NET_ADMIN" in done.stderr, done.stdout + done.stderr
