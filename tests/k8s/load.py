"""load - what the host on the decoys' wire sends at the cluster, and what became of it."""

import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from kube import ROOT, STATE, WORK, KubeError, until

sys.path.insert(0, str(ROOT / "tests" / "support"))
import unpacked  # noqa: E402

HERE = pathlib.Path(__file__).parent
DECOYS = [f"203.0.113.{n}" for n in range(16, 32)]
RELAYS = ",".join(f"{ip}:25" for ip in DECOYS)
# How a session may end while parts come and go. Other replies than these are no answer of a busy mail server.
IN_CHARACTER = {"250", "421", "450", "451", "452", "eof", "reset", "timeout", "refused", "unreachable"}
SHUTDOWN = "421 4.3.2 Service shutting down"  # Postfix', which these decoys look like
OUTSIDE = "198.51.100.253"  # of the host outside, on the nodes' network


def figure(name, value, unit):
    print(f"figure k8s.{name} {value:.4g} {unit}", flush=True)


def say_now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def postfix(program):
    """(path, environment) of a program of Postfix, from Debian's package unpacked."""
    root = unpacked.unpacked("postfix")
    return root / "usr/sbin" / program, unpacked.library_path(root)


class Lines:
    """A script of this directory on the host outside, in the background: one line of JSON for each thing that it saw."""

    def __init__(self, world, script, *words):
        self.path = WORK / f"{pathlib.Path(script).stem}.jsonl"
        with open(self.path, "wb") as out:
            self.process = world.cluster.start_outside(sys.executable, HERE / script, *words, stdout=out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def so_far(self):
        """The last line may be half written."""
        return [tuple(json.loads(line)) for line in self.path.read_text().split("\n")[:-1]]

    def results(self):
        self.process.wait(300)
        return self.so_far()

    def stop(self):
        self.process.terminate()
        return self.results()


class Spam(Lines):
    """Mails of which each is known: rows (when it ended, ms, how, sha256)."""

    def __init__(self, world, seconds, clients=8, size=2000, pause=0, patience=30):
        self.since, self.patience = say_now(), patience
        words = ["--clients", clients, "--seconds", seconds, "--size", size, "--pause", pause, "--patience", patience]
        super().__init__(world, "spam.py", RELAYS, *words)


class Sitting(Lines):
    """Sessions that say something each second and never end by themselves before the time is over: rows (what they were at, how they ended)."""

    def __init__(self, world, seconds, sessions=8):
        super().__init__(world, "sit.py", RELAYS, "--seconds", seconds, "--sessions", sessions)
        until(lambda: len(self.so_far()) >= sessions, 30, "sessions don't begin")  # each tells when it sits

    def results(self):
        return [row for row in super().results() if row[1] != "sits"]


class Flood:
    """Postfix' smtp-source, one connection a mail, in runs of so many mails: a run that ends well had each of them accepted."""

    RUN = 40

    def __init__(self, world, seconds, processes=3, sessions=4, size=2000):
        self.world, self.since = world, say_now()
        self.name = f"flood{time.time_ns()}.example"
        self.program, self.env = postfix("smtp-source")
        self.words = ["-s", sessions, "-m", self.RUN, "-l", size, "-M", self.name, "-f", "seller@spam.example", "-t", "victim@mail.example"]
        self.accepted, self.broken, self.said = 0, 0, ""
        self.end = time.monotonic() + seconds
        self.threads = [threading.Thread(target=self.run, args=(ip,), daemon=True) for ip in DECOYS[:processes]]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end = 0
        self.wait()

    def run(self, ip):
        while time.monotonic() < self.end:
            process = self.world.cluster.start_outside(
                self.program, *self.words, f"{ip}:25", env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            said = process.communicate()[1]
            if process.returncode == 0:
                self.accepted += self.RUN
            else:
                self.broken, self.said = self.broken + 1, said
                time.sleep(0.5)

    def wait(self):
        for thread in self.threads:
            thread.join(300)

    def stored(self):
        """The mails that the API knows of it."""
        rows = self.world.api.pages(f"/v1/messages?since={self.since}")
        return [m for m in rows if m["envelope"]["helo"] == self.name]


# ---- what became of it ----


def accepted(results):
    return [r for r in results if r[2] == "250"]


def by_sha(messages):
    found = {}
    for m in messages:
        found.setdefault(m["sha256"], []).append(m["id"])
    return found


def check_maildir(ids):
    """Each of them lies in logship's Maildir; a file there is named by its mail's id, so none lies there twice."""

    def missing():
        return ids - {path.name for path in (STATE / "volumes" / "logship").rglob("new/*")}

    until(lambda: not missing(), 90, lambda: f"{len(missing())} of {len(ids)} accepted mails are not in logship's Maildir")


def check_stored_once(world, spam, results):
    """Every mail that got 250 is in the API and in logship's Maildir, and no mail is there twice. How many got 250."""
    wanted = {r[3] for r in accepted(results)}
    if not wanted:
        raise KubeError(f"no mail was accepted: {results[:3]}")

    found = {}

    def complete():
        found.update(by_sha(world.api.pages(f"/v1/messages?since={spam.since}")))
        return wanted <= set(found)

    until(complete, 90, lambda: f"{len(wanted - set(found))} of {len(wanted)} accepted mails are lost")
    doubles = [r for r in results if len(found.get(r[3], [])) > 1]
    if doubles:
        raise KubeError(f"{len(doubles)} mails are stored twice: {doubles[:3]}")
    check_maildir({found[sha][0] for sha in wanted})
    return len(wanted)


def check_flood(flood):
    """The same of smtp-source's mails, whose number is known and whose digests are not; gives them."""
    flood.wait()
    if flood.accepted == 0:
        raise KubeError(f"smtp-source had no run accepted: {flood.said}")
    found = []

    def complete():
        found[:] = flood.stored()
        return len(by_sha(found)) >= flood.accepted

    until(complete, 90, lambda: f"smtp-source had {flood.accepted} mails accepted, and {len(by_sha(found))} are stored")
    if len(by_sha(found)) < len(found):
        raise KubeError(f"{len(found) - len(by_sha(found))} mails are stored twice")
    check_maildir({m["id"] for m in found})
    return found


def check_in_character(results):
    strange = {r[2] for r in results} - IN_CHARACTER
    if strange:
        raise KubeError(f"sessions ended out of character: {strange}")


def check_sitting(rows, at_least):
    """Those whose relay went away heard Postfix' farewell; others sat until their time was over."""
    strange = [row for row in rows if row[1] not in (SHUTDOWN, "over")]
    if strange:
        raise KubeError(f"sessions in progress ended out of character: {strange}")
    said = sum(row[1] == SHUTDOWN for row in rows)
    if said < at_least:
        raise KubeError(f"{said} sessions of {len(rows)} heard that their relay goes, at least {at_least} should have")
    return said


def received(messages):
    """When they were accepted, in seconds since the epoch."""
    return sorted(datetime.datetime.fromisoformat(m["received"].replace("Z", "+00:00")).timestamp() for m in messages)


# ---- what the courier finds outside ----


@contextlib.contextmanager
def sink(world):
    """Postfix' smtp-sink on port 25 of the host outside; gives a function that reads what came, mail by mail."""
    program, env = postfix("smtp-sink")
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o777)
        words = ["setpriv", "--pdeathsig", "KILL", program, "-u", "nobody", "-h", "sink.example", "-d", f"{path}/%M.", f"{OUTSIDE}:25", 100]
        with world.cluster.start_outside(*words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield lambda: [file.read_text(errors="replace") for file in pathlib.Path(path).iterdir()]
            finally:
                process.kill()
