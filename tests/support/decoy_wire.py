"""decoy_wire - a gateway alone on a wire: an attacker's namespace, decoys, and neither traps nor NATS.

The gateway answers for its decoys by itself; what nobody hears waits in its spool and goes with the directory.
"""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "services" / "lab"))

import net  # noqa: E402
import parts  # noqa: E402

NETWORK = "198.18.0.0/15"
ATTACKER = "198.18.0.1"
FIRST_DECOY = "198.18.1.1"
ADMIN = "127.0.0.1:9101"
NOWHERE = "nats://127.0.0.1:9"
NOBODY = 65534
START_S = 30
END_S = 10


class WireError(Exception):
    """One sentence for people."""


class Wire(net.Net):
    """A lab's wire, with nothing behind the gateway."""

    def __init__(self, name):
        super().__init__(name, 0)

    def _core_up(self):
        """No trap is there to be reached."""

    def up(self, bad_link=False):
        super().up(bad_link)
        net.run("ip", "-n", self.attacker, "addr", "add", f"{ATTACKER}/{NETWORK.rpartition('/')[2]}", "dev", "eth0")


def decoys_json(groups):
    """decoys.json of (address, personality, open TCP ports, what closed ports do[, routers before it])."""
    decoys = [
        {
            "addresses": [ip],
            "personality": personality,
            "closed": closed,
            "ports": [{"port": port, "proto": "tcp", "service": "relaytrap"} for port in ports],
            **({"behind": behind[0]} if behind else {}),
        }
        for ip, personality, ports, closed, *behind in groups
    ]
    return json.dumps({"version": 1, "decoys": decoys}, indent="\t")


def confined(*words):
    """As the lab runs it: no root, NET_RAW alone, and no longer than we."""
    return parts.privileges(NOBODY, gateway=True) + list(map(str, words))


class Running:
    """The wire and the gateway on it, while they are there."""

    def __init__(self, wire, directory):
        self.wire, self.directory = wire, directory
        self.gateway = self.link = None

    def attack(self, *words, **more):
        """A command in the attacker's namespace, to its end."""
        return subprocess.run(self.attackers(*words), **({"capture_output": True, "timeout": 60} | more))

    def start_attack(self, *words, **more):
        return subprocess.Popen(self.attackers(*words), **more)

    def attackers(self, *words):
        enter = ["nsenter", f"--net=/run/netns/{self.wire.attacker}"]
        return [*enter, "setpriv", "--pdeathsig", "KILL", "--", *map(str, words)]

    def said(self):
        return (self.directory / "fingerprintd.log").read_text(errors="replace")

    def alive(self):
        return self.gateway.poll() is None

    def metrics(self):
        """{"name{labels}": value} of the gateway."""
        words = ("nsenter", f"--net=/run/netns/{self.wire.gateway}", "curl", "-sS", f"http://{ADMIN}/metrics")
        lines = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def start_in(netns, path, words, log):
    """A program in a namespace, unprivileged; it comes as an open file, for the build tree may be closed to it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        argv = ["nsenter", f"--net=/run/netns/{netns}", *confined(f"/proc/self/fd/{fd}", *words)]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(fd,), cwd="/")
    finally:
        os.close(fd)


def stage(directory, groups, personalities):
    """The gateway's files, where it may read them; of the personalities only those that are asked for."""
    directory.chmod(0o755)
    (directory / "decoys.json").write_text(decoys_json(groups))
    (directory / "personalities").mkdir()
    for name in {group[1] for group in groups}:
        shutil.copy(personalities / f"{name}.json", directory / "personalities")


def start_gateway(running, binaries, key, settings):
    directory = running.directory
    (directory / "site-key").write_text(key + "\n")
    (directory / "data").mkdir()
    for name in ("data", "site-key"):
        os.chown(directory / name, NOBODY, -1)
    table = {
        "interface": "wire0",
        "decoys.file": directory / "decoys.json",
        "personalities.dir": directory / "personalities",
        "site-key.file": directory / "site-key",
        "data.dir": directory / "data",
        "admin.listen": ADMIN,
        "nats.url": NOWHERE,
        "drain.seconds": 0,
        **(settings or {}),
    }
    with open(directory / "fingerprintd.log", "wb") as log:
        path = binaries / "fingerprintd"
        running.gateway = start_in(running.wire.gateway, path, parts.flags(table), log)
    end = time.monotonic() + START_S
    while 'msg="started"' not in running.said():
        if not running.alive() or time.monotonic() > end:
            raise WireError(f"fingerprintd does not start:\n{running.said()}")
        time.sleep(0.02)


def start_badlink(running, binaries, words):
    with open(running.directory / "badlink.log", "wb") as log:
        running.link = start_in(running.wire.link, binaries / "badlink", [*shlex.split(words), "a0", "b0"], log)
    time.sleep(0.3)
    if running.link.poll() is not None:
        raise WireError(f"badlink does not start: {(running.directory / 'badlink.log').read_text().strip()}")


def end(process):
    if process is None:
        return
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def missing(binaries, badlink):
    paths = [binaries / "fingerprintd"] + [binaries / "badlink"] * bool(badlink)
    return [str(path) for path in paths if not path.exists()]


@contextlib.contextmanager
def running(name, groups, personalities, binaries, key, badlink=None, keep=False, settings=None):
    """A gateway with these decoys on a wire of its own; nothing of it is left after."""
    if missing(binaries, badlink):
        raise WireError(f"missing: {', '.join(missing(binaries, badlink))}")
    wire = Wire(name)
    with contextlib.ExitStack() as stack:
        if keep:
            directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-"))
        else:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{name}-")))
        stage(directory, groups, personalities)
        found = Running(wire, directory)
        stack.callback(wire.down)
        stack.callback(lambda: (end(found.gateway), end(found.link)))
        wire.up(bad_link=bool(badlink))
        if badlink:
            start_badlink(found, binaries, badlink)
        start_gateway(found, binaries, key, settings)
        yield found
