"""lab - a whole HoneySpam on this machine: parts, NATS, a wire with decoys, and an attacker's place on it.

`services/up` and the scenario tests use it alike. The supervisor is one process that starts every part
and starts it again when it dies, as Kubernetes would; `describe` and `down` work from any other.
"""

import argparse
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import net
import parts
import store

FIRST_BACKOFF_S = 0.2
BACKOFF_MAX_S = 5.0
STEADY_S = 10.0  # a part that lived so long starts with the first backoff again
READY_S = 60.0
SETUP_S = 30.0
SETUP_TRIES = 5
GRACE_S = parts.DRAIN_SECONDS + 5.0
DESCRIBE_WAIT_S = 5.0
DEATHS_BEFORE_READY = 4
DESCRIPTORS = 262144
SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
NEEDED_CAPS = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_ADMIN": 12, "NET_RAW": 13, "SYS_ADMIN": 21,
}  # fmt: skip


class LabError(Exception):
    """One sentence for people."""


class Stopped(Exception):
    """Somebody asked the supervisor to end."""


def say(text):
    print(text, flush=True)


# ---- processes ----


def start_time(pid):
    """With the pid this names a process for ever; None: there is none, or it waits to be reaped."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def same_process(child):
    return child["pid"] is not None and start_time(child["pid"]) == child["start"]


def in_child():
    """Between fork and exec: no signal stays blocked, and thousands of flows may be held."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


class Child:
    """One supervised process: its command line, its present life and when the next one begins."""

    def __init__(self, name, argv, env, ready_url):
        self.name, self.argv, self.env, self.ready_url = name, argv, env, ready_url
        self.process = None
        self.started_at = self.due_at = 0.0
        self.backoff = FIRST_BACKOFF_S
        self.deaths = 0

    def start(self, log):
        with log:
            self.process = subprocess.Popen(
                self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=in_child, cwd="/",
            )  # fmt: skip
        self.started_at = time.monotonic()

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def died(self):
        """Says how, and when to start again; None while it lives."""
        if self.process is None or self.process.poll() is None:
            return None
        code, pid, now = self.process.returncode, self.process.pid, time.monotonic()
        self.process = None
        self.deaths += 1
        if now - self.started_at >= STEADY_S:
            self.backoff = FIRST_BACKOFF_S
        self.due_at = now + self.backoff
        self.backoff = min(2 * self.backoff, BACKOFF_MAX_S)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{self.name} (pid {pid}) {how}"


# ---- one lab ----


class Lab:
    def __init__(self, name=net.MAIN, binaries=None, nats_server=None, decoys=None, badlink=None, options=None):
        if not re.fullmatch("[a-z][a-z0-9]{0,10}", name):
            raise LabError("a lab's name is 1 to 11 small letters and digits, a letter first: it names its interfaces")
        build = store.ROOT / "build"
        self.name = name
        self.binaries = pathlib.Path(binaries or build / "release" / "bin")
        self.nats_server = pathlib.Path(nats_server or build / "venv" / "bin" / "nats-server")
        self.decoys = pathlib.Path(decoys or store.ROOT / "services" / "lab" / "decoys.json")
        self.badlink = badlink  # the words of the `badlink` program, or None for a good wire
        self.options = options or {}  # {part: {setting: value}}
        self.directory = store.Directory(name)
        self.state = store.State(name)
        self.net = net.Net(name, self.state.read().get("number") or net.free_number(name))

    def decoy_list(self):
        """Every decoy address with its ports, as the gateway reads the same file."""
        groups = json.loads(self.decoys.read_text())["decoys"]
        return [
            {
                "ip": str(ip),
                "personality": group["personality"],
                "ports": [{"look": ""} | port for port in group["ports"]],
            }
            for group in groups
            for block in group["addresses"]
            for ip in ipaddress.ip_network(block)
        ]

    def api_url(self):
        return f"http://{self.net.api_ip}:{parts.API_PORT}"

    def nats_url(self):
        user = f"operator:{self.directory.secret('nats-operator')}"
        return f"nats://{user}@{self.net.host_ip}:{parts.NATS_PORT}"

    def description(self, pids):
        return {
            "attacker": {"netns": self.net.attacker, "ip": net.ATTACKER_IP},
            "api": {"url": self.api_url(), "token": self.directory.secret("api-token")},
            "nats": {"url": self.nats_url()},
            "decoys": self.decoy_list(),
            "processes": [
                {"name": p.name, "pid": pids.get(p.name), "admin": parts.admin(p, self)} for p in parts.PARTS
            ],
        }

    def running(self):
        return self.state.locked()

    def describe(self):
        """The running lab; waits a little for a part that is between two lives."""
        end = time.monotonic() + DESCRIBE_WAIT_S
        while True:
            state = self.state.read()
            if not self.running() or not state.get("describe"):
                what = "is still starting" if self.running() else "does not run: start it with services/up"
                raise LabError(f"the lab {self.name} {what}")
            if all(map(same_process, state["children"])) or time.monotonic() > end:
                return state["describe"]
            time.sleep(0.05)

    def stop(self):
        """Takes a running lab down, or what a killed supervisor left. False: there was nothing."""
        supervisor = self.state.read().get("supervisor")
        end = time.monotonic() + 2 * GRACE_S + 10
        if self.running() and supervisor:
            os.kill(supervisor, signal.SIGTERM)
            while self.running():
                if time.monotonic() > end:
                    raise LabError(f"the supervisor (pid {supervisor}) does not end")
                time.sleep(0.05)
            return True
        return self.clean_leftovers()

    def clean_leftovers(self):
        """After a supervisor that was killed: its parts are dying (parent death signal); see to it."""
        if not self.state.lock():
            raise LabError(f"the lab {self.name} is starting or ending just now: try again")
        children = self.state.read().get("children", [])
        found = bool(children) or self.net.exists()
        kill_all([c["pid"] for c in children if same_process(c)])
        kill_all(self.net.pids())
        self.net.down()
        self.state.clear()
        return found


def kill_all(pids, patience_s=GRACE_S):
    """TERM, and KILL for who is left; returns when all are gone."""
    alive = {pid: start_time(pid) for pid in pids}
    for number, patience in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + patience
        while alive and time.monotonic() < end:
            alive = {pid: start for pid, start in alive.items() if start and start_time(pid) == start}
            time.sleep(0.02)
        if not alive:
            return


# ---- before anything starts ----


def check_rights():
    if os.geteuid() != 0:
        raise LabError("needs root: it makes network namespaces and starts each part as a user of its own (try sudo)")
    text = pathlib.Path("/proc/self/status").read_text()
    have = int(re.search(r"^CapEff:\s*(\w+)", text, re.M)[1], 16)
    missing = [name for name, bit in NEEDED_CAPS.items() if not have >> bit & 1]
    if missing:
        names = ", ".join(f"CAP_{name}" for name in missing)
        raise LabError(f"lacks {names}; a container needs them given (docker run --privileged)")


def check_programs(lab):
    wanted = [lab.binaries / p.name for p in parts.PARTS if p is not parts.NATS]
    wanted += [lab.nats_server, lab.decoys] + [lab.binaries / "badlink"] * bool(lab.badlink)
    missing = [str(path) for path in wanted if not path.exists()]
    if missing:
        raise LabError(f"missing: {', '.join(missing)} (services/up builds and installs them)")


def who_listens(port):
    text = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True).stdout
    found = re.search(r'\("([^"]+)",pid=(\d+)', text)
    return f" by {found[1]} (pid {found[2]})" if found else ""


def check_ports(lab):
    for ip, port in parts.listeners(lab):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((ip, port))
            except OSError as error:
                raise LabError(f"port {port} of {ip} is taken{who_listens(port)}: {error.strerror}") from error


# ---- the supervisor ----


class Supervisor:
    def __init__(self, lab):
        self.lab = lab
        self.children = []
        self.ready = False

    def run(self, on_ready):
        """From nothing to a running lab and, when somebody asks, back to nothing."""
        if not self.lab.state.lock():
            raise LabError(
                f"the lab {self.lab.name} runs already: services/up --describe shows it, services/up --down ends it"
            )
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.prepare()
            self.start()
            self.ready = True
            self.save()
            on_ready(self.lab.description(self.pids()))
            while True:
                self.turn(None)
        except Stopped:
            say("taking the lab down")
        except net.NetError as error:
            raise LabError(f"the network can't be made: {error}") from error
        finally:
            self.take_down()

    def prepare(self):
        lab = self.lab
        left = lab.state.read().get("children", [])
        if left or lab.net.exists():
            say("cleaning up after a lab that did not end well")
            kill_all([c["pid"] for c in left if same_process(c)])
            kill_all(lab.net.pids())
            lab.net.down()
        self.save()
        lab.directory.make()
        lab.directory.make_secrets()
        lab.directory.stage(lab.binaries, lab.nats_server, lab.decoys)
        lab.directory.write_nats_conf(lab.name, lab.net.host_ip)
        lab.net.up(bad_link=bool(lab.badlink))
        check_ports(lab)

    def start(self):
        if self.lab.badlink:
            self.launch(self.badlink_child())
        self.launch(self.part_child(parts.NATS))
        self.wait_ready()
        self.setup()
        for part in parts.PARTS:
            if part is not parts.NATS:
                self.launch(self.part_child(part))
        self.wait_ready()

    # -- children --

    def environment(self, part):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        env |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        if part is parts.NATS:
            env |= {f"NATS_PASSWORD_{u.upper()}": self.lab.directory.secret(f"nats-{u}") for u in parts.USERS}
        return env

    def part_child(self, part):
        lab = self.lab
        argv = parts.confined(
            parts.command(part, lab), lab.directory.path, part.uid,
            netns=lab.net.gateway if part.gateway else None, gateway=parts.on_raw_packets(part, lab),
        )  # fmt: skip
        path = "/healthz" if part is parts.NATS else "/readyz"
        return Child(part.name, argv, self.environment(part), parts.admin(part, lab) + path)

    def badlink_child(self):
        words = [f"{parts.MNT}/bin/badlink", *shlex.split(self.lab.badlink), "a0", "b0"]
        uid = parts.named("fingerprintd").uid
        argv = parts.confined(words, self.lab.directory.path, uid, netns=self.lab.net.link, gateway=True)
        return Child("badlink", argv, self.environment(None), None)

    def launch(self, child):
        if child not in self.children:
            self.children.append(child)
        child.start(self.lab.directory.log(child.name))
        self.save()

    def pids(self):
        return {c.name: c.pid for c in self.children}

    def save(self):
        children = [{"name": c.name, "pid": c.pid, "start": start_time(c.pid)} for c in self.children]
        state = {"supervisor": os.getpid(), "number": self.lab.net.number, "children": children}
        if self.ready:
            state["describe"] = self.lab.description(self.pids())
        self.lab.state.write(state)

    # -- time passes --

    def turn(self, wait_s):
        """Waits for a signal or for the next start, whichever is first, and does what is due."""
        dues = [c.due_at for c in self.children if c.process is None]
        now = time.monotonic()
        waits = [max(due - now, 0) for due in dues] + ([wait_s] if wait_s is not None else [])
        got = signal.sigtimedwait(SIGNALS, min(waits)) if waits else signal.sigwaitinfo(SIGNALS)
        if got is not None and got.si_signo in (signal.SIGTERM, signal.SIGINT):
            raise Stopped
        for child in self.children:
            self.look_at(child)

    def look_at(self, child):
        death = child.died()
        if death:
            say(f"{death}; starting it again" if self.ready else f"{death}; trying again")
            self.save()
        if child.process is None and time.monotonic() >= child.due_at:
            self.launch(child)

    def wait_ready(self):
        end = time.monotonic() + READY_S
        waiting = [c for c in self.children if c.ready_url]
        while waiting:
            self.turn(0.05)
            waiting = [c for c in waiting if not answers(c.ready_url)]
            for child in waiting:
                if child.deaths >= DEATHS_BEFORE_READY or time.monotonic() > end:
                    self.give_up(child.name, "keeps ending" if child.deaths else "does not get ready")

    def give_up(self, name, why):
        tail = "\n  ".join(self.lab.directory.log_tail(name))
        raise LabError(f"{name} {why}; the end of {self.lab.directory.logs / name}.log:\n  {tail}")

    def setup(self):
        """Makes the streams; NATS may need a moment for its JetStream."""
        api = parts.named("api")
        argv = parts.confined(parts.setup_command(self.lab), self.lab.directory.path, api.uid)
        for _ in range(SETUP_TRIES):
            once = Child("setup", argv, self.environment(api), None)
            once.start(self.lab.directory.log("setup"))
            if self.wait_end(once) == 0:
                return
        self.give_up("setup", "could not make the streams")

    def wait_end(self, once):
        end = time.monotonic() + SETUP_S
        try:
            while once.process.poll() is None and time.monotonic() < end:
                self.turn(0.1)
            return once.process.poll()
        finally:
            kill_all([once.pid], 1.0)
            once.process.wait()

    # -- the end --

    def take_down(self):
        """Who produces ends first and NATS last, so that nothing is left unsaid."""
        nats = [c for c in self.children if c.name == parts.NATS.name]
        others = [c for c in self.children if c not in nats]
        for group in (others, nats):
            self.end(group)
        kill_all(self.lab.net.pids(), 1.0)  # attackers that people left running
        self.lab.net.down()
        self.lab.state.clear()

    def end(self, children):
        running = [c for c in children if c.process]
        for c in running:
            c.process.terminate()
        end = time.monotonic() + GRACE_S
        for c in running:
            try:
                c.process.wait(max(end - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                say(f"{c.name} did not end in time; killing it")
                c.process.kill()
                c.process.wait()


# ---- for people ----


def port_of(description, service, look=None):
    """The first decoy address and port with that service."""
    for decoy in description["decoys"]:
        for port in decoy["ports"]:
            if port["service"] == service and look in (None, port["look"]):
                return decoy["ip"], port["port"]
    return None, None


def things_to_try(d):
    """Five commands; those for which these decoys have nothing are left out."""
    attack = f"ip netns exec {d['attacker']['netns']}"
    mx, mx_port = port_of(d, "relaytrap")
    web, web_port = port_of(d, "webtrap")
    socks, socks_port = port_of(d, "proxytrap", "dante")
    api, token = d["api"]["url"], d["api"]["token"]
    things = [
        (web, f"{attack} curl -si http://{web}:{web_port}/"),
        (mx, f"{attack} swaks --server {mx}:{mx_port} --from spammer@spam.example --to victim@mail.example"),
        (d["decoys"], f"{attack} nmap -O {d['decoys'][0]['ip'] if d['decoys'] else ''}"),
        (
            socks,
            f"printf 'Subject: hello\\r\\n\\r\\nthrough a proxy\\r\\n' | {attack} curl -v --socks5-hostname "
            f"{socks}:{socks_port} smtp://mx.mail.example/me --mail-from spammer@spam.example "
            "--mail-rcpt victim@mail.example -T -",
        ),
        (api, f"curl -sH 'Authorization: Bearer {token}' '{api}/v1/messages?limit=5'"),
    ]
    return [command for there, command in things if there]


def report(d):
    lines = ["", f"Dashboard and API:  {d['api']['url']}/#token={d['api']['token']}", "", "Decoys:"]
    for decoy in d["decoys"]:
        ports = ", ".join(f"{p['port']} {p['service']} ({p['look']})" for p in decoy["ports"])
        lines.append(f"  {decoy['ip']:<15} {decoy['personality']:<20} {ports}")
    lines += ["", "Try (as root):"] + [f"  {line}" for line in things_to_try(d)]
    return "\n".join(lines)


# ---- command line ----


def become_daemon():
    """The parent prints what the child says until the lab is ready, and ends with its status."""
    say_read, say_write = os.pipe()
    done_read, done_write = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        os.setsid()
        os.close(say_read)
        os.close(done_read)
        os.dup2(say_write, 1)  # errors go where they always go
        os.close(say_write)
        return done_write
    os.close(say_write)
    os.close(done_write)
    while text := os.read(say_read, 65536):
        os.write(1, text)
    sys.stdout.flush()
    os._exit(0 if os.read(done_read, 1) else 1)


def detach_output(lab, done):
    """The lab is ready: from here on its supervisor speaks into its own log."""
    os.write(done, b"1")
    os.close(done)
    with lab.directory.log("supervisor") as log, open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
        for fd in (1, 2):
            os.dup2(log.fileno(), fd)


def command_up(lab, args):
    check_rights()
    check_programs(lab)
    done = become_daemon() if args.detach else None

    def on_ready(description):
        say(report(description))
        if done is None:
            say("\nCtrl-C takes everything away.")
        else:
            say("\nservices/up --down takes everything away.")
            detach_output(lab, done)

    Supervisor(lab).run(on_ready)


def command_describe(lab, _args):
    say(json.dumps(lab.describe(), indent=2))


def command_down(lab, args):
    check_rights()
    stopped = lab.stop()
    if args.purge:
        lab.directory.purge()
    say(f"the lab {lab.name} is down" if stopped else f"the lab {lab.name} was not running")


def parse_options(words):
    """PART.SETTING=VALUE, with the dots that settings have of their own."""
    options = {}
    for word in words:
        name, _, value = word.partition("=")
        part, _, setting = name.partition(".")
        options.setdefault(part, {})[setting] = value
    return options


def parse_arguments(argv):
    parser = argparse.ArgumentParser(prog="lab.py", description="The lab behind services/up.")
    parser.add_argument("--name", default=net.MAIN)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up")
    up.add_argument("--detach", action="store_true")
    up.add_argument("--binaries")
    up.add_argument("--nats-server")
    up.add_argument("--decoys")
    up.add_argument("--badlink", metavar="WORDS", help="put badlink with these words into the wire")
    up.add_argument("--set", action="append", default=[], metavar="PART.SETTING=VALUE")
    commands.add_parser("describe")
    down = commands.add_parser("down")
    down.add_argument("--purge", action="store_true")
    return parser.parse_args(argv)


def main(argv):
    args = parse_arguments(argv)
    try:
        if args.command == "up":
            lab = Lab(args.name, args.binaries, args.nats_server, args.decoys, args.badlink, parse_options(args.set))
        else:
            lab = Lab(args.name)
        {"up": command_up, "describe": command_describe, "down": command_down}[args.command](lab, args)
    except (LabError, net.NetError, PermissionError) as error:
        print(f"services/up: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
