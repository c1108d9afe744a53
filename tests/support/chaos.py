"""chaos - random faults in a running lab, and what must be true after them.

A fault is a function of the world that breaks one thing and mends it. `Audit` compares afterwards what the senders
were told with what the sinks hold.
"""

import collections
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from stream_reader import read_stream

HERE = pathlib.Path(__file__).resolve().parent
CALM_S = 60  # until every sink has what the streams have
READY_S = 10  # until every part must be ready after the last fault
PAUSED_S = 90  # until no mail is on its way
PATIENCE_S = 20  # a client of a gateway that was killed hears nothing more
STORE = "nats-server"
SETTLED = [f"honeyspam_events_{how}_total" for how in ("stored", "lost", "refused")]


class ChaosError(Exception):
    """One sentence for people."""


def wait_for(what, timeout_s, every_s=0.1):
    """Calls what() until the result is true; the last result."""
    end = time.monotonic() + timeout_s
    while True:
        result = what()
        if result or time.monotonic() > end:
            return result
        time.sleep(every_s)


def get(url, token=None, timeout_s=10):
    """(status, body); status 0: no answer."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, ValueError):
        return 0, b""


class Senders:
    """smtp_load in the attacker's namespace, and what it was told."""

    def __init__(self, world, servers, clients, seed):
        words = ["ip", "netns", "exec", world.d["attacker"]["netns"], "/usr/bin/python3", str(HERE / "smtp_load.py")]
        words += [word for ip, port in servers for word in ("--server", f"{ip}:{port}")]
        words += ["--clients", str(clients), "--seed", str(seed), "--patience", str(PATIENCE_S)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.accepted = {}  # sender -> digest
        self.answers = {}
        self.said = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            row = json.loads(line)
            if "sha256" in row:
                self.accepted[row["sender"]] = row["sha256"]
            elif "said" in row:
                self.said.set()
            else:
                self.answers = row["answers"]

    def tell(self, word):
        self.said.clear()
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        if not self.said.wait(PAUSED_S):
            raise ChaosError(f"the senders do not carry out '{word}': a client waits for ever")

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(10)


class World:
    """One running lab: d is its description, directory its data."""

    def __init__(self, describe, directory, chance):
        self.describe, self.directory, self.chance = describe, pathlib.Path(directory), chance
        self.d = describe()
        self.senders = None

    def parts(self):
        return self.describe()["processes"]

    def part(self, name):
        return next(p for p in self.parts() if p["name"] == name)

    def nats_address(self):
        url = urllib.parse.urlsplit(self.d["nats"]["url"])
        return url.hostname, url.port, url.username, url.password

    def metrics(self, part):
        status, body = get(part["admin"] + "/metrics")
        lines = body.decode().splitlines() if status == 200 else []
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def is_ready(self, part):
        path = "/healthz" if part["name"] == STORE else "/readyz"
        return get(part["admin"] + path, timeout_s=2)[0] == 200

    def not_ready(self):
        return [p["name"] for p in self.parts() if not p["pid"] or not self.is_ready(p)]

    def behind(self):
        """Sinks and publishers that have something left to do."""
        busy = []
        for part in self.parts():
            values = self.metrics(part) if part["name"] != STORE else {}
            busy += [f"{k} {v:.0f}" for k, v in values.items() if k.startswith("honeyspam_sink_behind") and v > 0]
            handed, told = values.get("honeyspam_events_total", 0), sum(values.get(n, 0) for n in SETTLED)
            busy += [f"{part['name']}: {told:.0f} of {handed:.0f} events"] if handed > told else []
        return busy

    def api(self, path):
        status, body = get(self.d["api"]["url"] + path, self.d["api"]["token"], 30)
        if status != 200:
            raise ChaosError(f"{path}: {status} {body[:200]!r}")
        return json.loads(body)

    def calm(self):
        """Waits until every part is ready and nothing is on its way; what is not, after CALM_S."""

        def busy():
            left = self.not_ready() or self.behind()
            if left:
                return left
            hold = self.held()
            return [] if hold["maildir"] == hold["messages"] else [f"api: {hold}"]

        wait_for(lambda: not busy(), CALM_S, 0.3)
        return busy()

    def held(self):
        count = self.api("/v1/stats")
        return {"maildir": len(os.listdir(self.directory / "logship" / "Maildir" / "new")), "messages": count["messages"]}


# ---- faults ----


def kill(world, part):
    os.kill(part["pid"], signal.SIGKILL)


def fault_kill(world):
    """kill -9 of one part, chosen by chance."""
    part = world.chance.choice(world.parts())
    if part["pid"]:
        with contextlib.suppress(ProcessLookupError):
            kill(world, part)
    return part["name"]


def fault_stop(world):
    """SIGSTOP of one part for some seconds."""
    part = world.chance.choice(world.parts())
    seconds = world.chance.uniform(0.5, 6)
    with contextlib.suppress(ProcessLookupError, TypeError):
        os.kill(part["pid"], signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(part["pid"], signal.SIGCONT)
    return f"{part['name']} for {seconds:.1f} s"


def fault_end(world):
    """SIGTERM of one part, as an eviction does it."""
    part = world.chance.choice(world.parts())
    if part["pid"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(part["pid"], signal.SIGTERM)
    return part["name"]


def fault_disk(world):
    """NATS' disk has no byte left for some seconds."""
    filler = world.directory / STORE / "filler"
    seconds = world.chance.uniform(1, 5)
    try:
        with open(filler, "wb") as f, contextlib.suppress(OSError):
            while True:
                f.write(bytes(1 << 20))
                f.flush()
        time.sleep(seconds)
    finally:
        filler.unlink(missing_ok=True)
    return f"for {seconds:.1f} s"


def fault_empty(world):
    """NATS loses its store, after every sink has caught up."""
    world.senders.tell("pause")
    try:
        left = world.calm()
        if left:
            raise ChaosError(f"not calm before the store is emptied: {left}")
        gone = world.directory / STORE / "gone"
        kill(world, world.part(STORE))
        (world.directory / STORE / "jetstream").rename(gone)
        shutil.rmtree(gone)
    finally:
        world.senders.tell("go")
    return ""


FAULTS = {"kill": (fault_kill, 8), "stop": (fault_stop, 3), "end": (fault_end, 2), "disk": (fault_disk, 1),
          "empty": (fault_empty, 0.5)}  # fmt: skip


def storm(world, seconds, names, say):
    """Faults by chance, one after the other, with pauses between."""
    end = time.monotonic() + seconds
    counts = collections.Counter()
    while time.monotonic() < end:
        time.sleep(world.chance.uniform(0.2, 3))
        name = world.chance.choices(names, [FAULTS[n][1] for n in names])[0]
        what = FAULTS[name][0](world)
        counts[name] += 1
        say(f"{name} {what}")
    return counts


# ---- afterwards ----


def unpacked(path):
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines_of(directory):
    """The events of all files that the JSON lines sink has written."""
    events = []
    for path in sorted((directory / "logship").glob("events*.jsonl*")):
        if "rejected" in path.name or path.name.endswith(".state"):
            continue
        events += [json.loads(line) for line in unpacked(path).splitlines()]
    return events


class Audit:
    """Counts what is lost, doubled and silent."""

    def __init__(self, world, accepted):
        self.lines = lines_of(world.directory)
        self.digests = collections.Counter(
            hashlib.sha256(p.read_bytes()).hexdigest() for p in (world.directory / "logship" / "Maildir" / "new").iterdir()
        )
        self.accepted = accepted
        ip, port, user, password = world.nats_address()
        self.stream = [json.loads(body)["event"]["id"] for _, _, body in read_stream(ip, port, "EVENTS", login=(user, password))]
        self.messages = self.every_message(world)

    @staticmethod
    def every_message(world):
        digests, cursor = collections.Counter(), ""
        while True:
            page = world.api(f"/v1/messages?limit=500{cursor}")
            digests.update(m["sha256"] for m in page["items"])
            if page["next"] is None:
                return digests
            cursor = f"&cursor={page['next']}"

    def lost(self):
        """Acknowledged mails that the Maildir does not hold."""
        return [sender for sender, digest in self.accepted.items() if not self.digests[digest]]

    def doubled(self):
        """Attempts that were stored twice, and events that were written twice."""
        ids = collections.Counter(e["event"]["id"] for e in self.lines)
        return [d for d, n in self.digests.items() if n > 1] + [i for i, n in ids.items() if n > 1]

    def told(self):
        """How many events the product itself says are missing."""
        count = 0
        for e in self.lines:
            own = e.get("honeyspam", {})
            count += own.get("missed", {}).get("count", 0) + own.get("overload", {}).get("lost", 0)
        return count

    def silent(self):
        """What is missing somewhere and nothing tells of."""
        ids = {e["event"]["id"] for e in self.lines}
        mails = {e["honeyspam"]["mail"]["sha256"] for e in self.lines if e["event"]["action"] == "relay-mail"}
        missing = [f"event {i} of the stream is in no file" for i in self.stream if i not in ids]
        missing += [f"mail {d} has no event" for d in self.accepted.values() if d not in mails]
        missing = missing[self.told() :]
        missing += [f"mail {d} is not in the API" for d in (self.digests - self.messages)]
        return missing + [f"mail {d} is in the API alone" for d in (self.messages - self.digests)]
