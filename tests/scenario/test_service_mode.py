"""The gateway on kernel sockets (attachment=service), as behind a load balancer; and on raw packets without the right to them."""

import contextlib
import ctypes
import re
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from conftest import BINARIES, ROOT, wait_for
from decoy_wire import NOBODY
from test_attack import arrived, for_swaks, message

BALANCER = "203.0.113.9"  # the only address of the gateway's kernel on the wire
OFFSET = 10000
OPTIONS = ("fingerprintd.attachment=service", f"fingerprintd.listen.port-offset={OFFSET}")
CLIENT = "198.51.100.77"
CLONE_NEWNET = 0x40000000  # sched.h
LIBC = ctypes.CDLL(None, use_errno=True)


def behind(lab):
    """Puts the balancer's address on the gateway's side of the wire."""
    words = ["ip", "-n", f"{lab.name}-gateway", "addr", "add", f"{BALANCER}/24", "dev", "wire0"]
    subprocess.run(words, check=True)
    return lab


@pytest.fixture(scope="module")
def lab(make_lab):
    return behind(make_lab(options=OPTIONS))


@pytest.fixture(scope="module")
def proxied(make_lab):
    return behind(make_lab(options=(*OPTIONS, "fingerprintd.listen.proxy=required")))


@contextlib.contextmanager
def attacker(lab):
    """Sockets that this thread makes are the attacker's."""
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{lab.d['attacker']['netns']}") as other:
        assert LIBC.setns(other.fileno(), CLONE_NEWNET) == 0
        try:
            yield
        finally:
            assert LIBC.setns(own.fileno(), CLONE_NEWNET) == 0


def connect(lab, port):
    with attacker(lab):
        return socket.create_connection((BALANCER, port + OFFSET), 10)


def flow_events(lab, action, **fields):
    def find():
        return [
            e for e in lab.events()
            if e["event"]["action"] == action and all(e["source"].get(k) == v for k, v in fields.items())
        ]  # fmt: skip

    return wait_for(find, 20)


def capabilities(pid):
    text = open(f"/proc/{pid}/status").read()
    return {name: int(value, 16) for name, value in re.findall(r"^Cap(\w+):\s*(\w+)$", text, re.M)}


def test_a_mail_through_a_kernel_socket_is_like_any_other(lab, tmp_path):
    path = message(tmp_path, "by a balancer")
    done = lab.attack(
        "swaks", "--server", f"{BALANCER}:{25 + OFFSET}", "--from", "a@spam.example", "--to", "b@victim.example",
        "--data", for_swaks(path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    item = arrived(lab, path)
    assert item["source"]["ip"] == lab.d["attacker"]["ip"]
    assert item["destination"] == {"ip": BALANCER, "port": 25}
    opened = flow_events(lab, "flow-open", ip=lab.d["attacker"]["ip"])
    closed = flow_events(lab, "flow-close", ip=lab.d["attacker"]["ip"])
    assert opened[0]["honeyspam"]["flow"]["id"] == closed[0]["honeyspam"]["flow"]["id"]
    assert closed[0]["honeyspam"]["flow"]["reason"] == "fin"
    assert not [e for e in lab.events() if e["event"]["action"] == "os-guess"]  # no fingerprints


def test_it_needs_no_capability(lab):
    assert set(capabilities(lab.process("fingerprintd")["pid"]).values()) == {0}


def test_half_close_is_passed_on(lab):
    with connect(lab, 25) as s:
        assert s.recv(4096).startswith(b"220 ")
        s.sendall(b"EHLO x\r\nQUIT\r\n")
        s.shutdown(socket.SHUT_WR)
        said = b""
        while data := s.recv(4096):
            said += data
    assert b"\r\n221 " in said


def test_reset_is_passed_on(lab):
    with connect(lab, 25) as s:
        port = s.getsockname()[1]
        s.recv(4096)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert flow_events(lab, "flow-close", port=port)[0]["honeyspam"]["flow"]["reason"] == "reset"


def test_a_killed_trap_is_replaced_before_it_has_spoken(lab):
    """There is one replica: the flow waits for its next life, as on raw packets."""
    lab.kill("relaytrap")
    with connect(lab, 25) as s:
        s.settimeout(30)
        assert s.recv(4096).startswith(b"220 ")


def test_a_port_that_no_decoy_has_is_closed(lab):
    with attacker(lab), pytest.raises(ConnectionRefusedError):
        socket.create_connection((BALANCER, 26 + OFFSET), 10)


def header_v1(port):
    return f"PROXY TCP4 {CLIENT} {BALANCER} 4711 {port}\r\n".encode()


def header_v2(port):
    addresses = socket.inet_aton(CLIENT) + socket.inet_aton(BALANCER) + struct.pack("!HH", 4712, port)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(addresses)) + addresses


@pytest.mark.parametrize("header,client_port", [(header_v1, 4711), (header_v2, 4712)])
def test_the_balancers_header_says_who_comes(proxied, header, client_port):
    with connect(proxied, 25) as s:
        s.sendall(header(25))
        assert s.recv(4096).startswith(b"220 ")
    assert flow_events(proxied, "flow-open", ip=CLIENT, port=client_port)


def test_without_the_balancers_header_nobody_is_heard(proxied):
    with connect(proxied, 25) as s:
        s.sendall(b"EHLO x\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(4096) == b""
    assert not [e for e in proxied.events() if e["source"].get("ip") == proxied.d["attacker"]["ip"]]


def ready(port):
    words = ["curl", "-s", "-m", "5", "-w", "%{http_code}", f"http://127.0.0.1:{port}/readyz"]
    return subprocess.run(words, capture_output=True, text=True, timeout=10).stdout


@pytest.fixture
def public():
    """A directory that an ordinary user reaches."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o777)
        yield Path(path)


def test_without_net_raw_it_says_what_is_missing_and_waits(public):
    """A container that may not have the capability: no crash loop, one line in the log, live and not ready."""
    decoys = ROOT / "services" / "lab" / "decoys.json"
    for source in (decoys, BINARIES / "fingerprintd"):
        target = public / source.name
        target.write_bytes(source.read_bytes())
        target.chmod(0o755)
    (public / "key").write_text("ab" * 32)
    words = [
        "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--bounding-set", "-all",
        "--inh-caps", "-all", "--no-new-privs", "--pdeathsig", "KILL", public / "fingerprintd", "--interface=lo",
        f"--decoys.file={public / 'decoys.json'}", f"--personalities.dir={public / 'personalities'}",
        f"--site-key.file={public / 'key'}", f"--data.dir={public / 'data'}", "--admin.listen=127.0.0.1:9199",
        "--nats.url=nats://127.0.0.1:9", "--drain.seconds=0",
    ]  # fmt: skip
    (public / "personalities").mkdir()
    for path in (ROOT / "fingerprintd" / "personalities").glob("*.json"):
        (public / "personalities" / path.name).write_bytes(path.read_bytes())
    log = public / "log"
    with open(log, "wb") as out, subprocess.Popen(words, stdout=out, stderr=out) as gateway:
        assert wait_for(lambda: 'msg="started"' in log.read_text(), 20), log.read_text()
        time.sleep(1)
        assert gateway.poll() is None
        assert ready(9199).endswith("503") and "[-]decoys" in ready(9199)
        gateway.terminate()
        assert gateway.wait(20) == 0
    errors = [line for line in log.read_text().splitlines() if "level=error" in line]
    assert len(errors) == 1, log.read_text()
    for word in ("CAP_NET_RAW is missing", "capabilities.add [NET_RAW]", "--cap-add NET_RAW", "attachment=service"):
        assert word in errors[0]
