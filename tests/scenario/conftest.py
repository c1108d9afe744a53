"""Labs for the scenario tests: each module gets what it asks for, and must leave nothing behind.

Orphans of a test become children of pytest itself (it is their subreaper), so that whatever still runs after
a module is found, whoever started it.
"""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "services" / "lab" / "lab.py"
BINARIES = ROOT / "build" / "gcc" / "bin"
NATS_SERVER = ROOT / "build" / "venv" / "bin" / "nats-server"
PR_SET_CHILD_SUBREAPER = 36
START_S = 90
DOWN_S = 60

sys.path.insert(0, str(ROOT / "tests" / "support"))


def pytest_configure():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# ---- nothing is left ----


def processes():
    """pid -> (parent, state, command) of everything that runs."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text().rpartition(")")
            state, parent = rest.split()[:2]
            found[int(path.name)] = (int(parent), state, name.partition("(")[2])
        except OSError:
            pass
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants():
    every = processes()
    mine, grown = {os.getpid()}, True
    while grown:
        grown = {pid for pid, (parent, _, _) in every.items() if parent in mine} - mine
        mine |= grown
    return {pid: every[pid][2] for pid in mine - {os.getpid()} if every[pid][1] not in "ZX"}


def namespaces():
    text = subprocess.run(["ip", "-j", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {row["name"] for row in json.loads(text or "[]")}


def links():
    text = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True).stdout
    return {row["ifname"] for row in json.loads(text)}


@pytest.fixture(scope="module", autouse=True)
def nothing_left():
    """Comes first, so it looks last."""
    before = descendants(), namespaces(), links()
    yield
    end = time.monotonic() + 5
    left = None
    while left is None or (any(left) and time.monotonic() < end):
        time.sleep(0.05)
        left = [
            {p: n for p, n in descendants().items() if p not in before[0]},
            namespaces() - before[1],
            links() - before[2],
        ]
    for pid in left[0]:
        os.kill(pid, signal.SIGKILL)
    reap()
    assert not any(left), f"left behind: processes {left[0]}, namespaces {left[1]}, links {left[2]}"


# ---- a running lab ----


def wait_for(what, timeout_s, every_s=0.1):
    """Calls what() until it gives something true, and returns that."""
    end = time.monotonic() + timeout_s
    while True:
        result = what()
        if result or time.monotonic() > end:
            return result
        time.sleep(every_s)


class RunningLab:
    def __init__(self, name, binaries=BINARIES, decoys=None, badlink=None, options=()):
        words = [sys.executable, str(LAB), "--name", name, "up", "--binaries", str(binaries)]
        words += ["--nats-server", str(NATS_SERVER)]
        words += ["--decoys", str(decoys)] if decoys else []
        words += ["--badlink", badlink] if badlink else []
        words += [word for option in options for word in ("--set", option)]
        self.name = name
        self.directory = ROOT / "build" / "lab" / name
        env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        self.output = open(ROOT / "build" / f"lab-{name}.out", "w+b")
        self.supervisor = subprocess.Popen(words, stdout=self.output, stderr=self.output, env=env)
        ready = wait_for(lambda: self.supervisor.poll() is not None or b"Ctrl-C" in self.said(), START_S)
        if not ready or self.supervisor.poll() is not None:
            self.stop()
            pytest.fail(f"the lab does not start:\n{self.said().decode()}")
        self.d = self.describe()

    def said(self):
        return pathlib.Path(self.output.name).read_bytes()

    def describe(self):
        words = [sys.executable, str(LAB), "--name", self.name, "describe"]
        return json.loads(subprocess.run(words, capture_output=True, check=True, timeout=30).stdout)

    def stop(self):
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGINT)
        self.supervisor.wait(DOWN_S)
        self.output.close()
        words = [sys.executable, str(LAB), "--name", self.name, "down", "--purge"]
        subprocess.run(words, capture_output=True, check=False, timeout=DOWN_S)

    # -- the attacker --

    def attack(self, *words, timeout=60, check=False, **more):
        """Runs a command in the attacker's namespace."""
        argv = ["ip", "netns", "exec", self.d["attacker"]["netns"], *map(str, words)]
        return subprocess.run(argv, capture_output=True, timeout=timeout, check=check, **more)

    def start_attack(self, *words, **more):
        argv = ["ip", "netns", "exec", self.d["attacker"]["netns"], *map(str, words)]
        return subprocess.Popen(argv, **({"stdout": subprocess.PIPE} | more))

    def decoy(self, service, look=None):
        """(ip, port) of the first decoy that offers the service with that look."""
        for decoy in self.d["decoys"]:
            for port in decoy["ports"]:
                if port["service"] == service and look in (None, port["look"]):
                    return decoy["ip"], port["port"]
        raise LookupError(f"no decoy offers {service} {look}")

    # -- what the lab knows --

    def get(self, path, **headers):
        """(status, bytes) of a GET to the admin API."""
        headers = {"Authorization": f"Bearer {self.d['api']['token']}"} | headers
        request = urllib.request.Request(self.d["api"]["url"] + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def api(self, path):
        status, body = self.get(path)
        assert status == 200, f"{path}: {status} {body!r}"
        return json.loads(body)

    def pages(self, path):
        """Every item of a list."""
        items, cursor = [], None
        while True:
            page = self.api(f"{path}{'&' if '?' in path else '?'}limit=500" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def message(self, sha256, timeout_s=30):
        """The API's entry of the message with that digest; fails when it does not come."""
        found = wait_for(lambda: [m for m in self.pages("/v1/messages") if m["sha256"] == sha256], timeout_s)
        assert found, f"no message with digest {sha256}: {self.api('/v1/messages?limit=5')}"
        return found[0]

    def process(self, name):
        return next(p for p in self.describe()["processes"] if p["name"] == name)

    def metrics(self, name):
        """{"name{labels}": value} of a part."""
        with urllib.request.urlopen(self.process(name)["admin"] + "/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def kill(self, name):
        """kill -9, and wait for its next life."""
        old = self.process(name)["pid"]
        os.kill(old, signal.SIGKILL)
        return old

    @property
    def maildir(self):
        return self.directory / "logship" / "Maildir" / "new"

    @property
    def jsonl(self):
        return self.directory / "logship" / "events.jsonl"

    def events(self):
        return [json.loads(line) for line in self.jsonl.read_text().splitlines()] if self.jsonl.exists() else []


@pytest.fixture(scope="module")
def make_lab(nothing_left, request):
    """make_lab(...) starts a lab that ends with the module."""
    labs = []

    def make(**arguments):
        labs.append(RunningLab(f"t{len(labs)}", **arguments))
        return labs[-1]

    yield make
    for lab in labs:
        lab.stop()


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab()
