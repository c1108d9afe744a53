# SPDX-License-Identifier: GPL-2.0-or-later
"""sweep - decoys of many personalities under real `nmap -O`, and the judgement of what it says of each."""

import collections
import contextlib
import dataclasses
import hashlib
import ipaddress
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree

import decoy_wire
import nmap_db

OWN = decoy_wire.ROOT / "fingerprintd" / "personalities"
OPEN, CLOSED = 22, 1
PROCESSES = 2
AT_ONCE = 64
ALONE = 8  # nmap processes that have one decoy each
DECOYS_MAX = 4000  # of one gateway: each is a group of its own in decoys.json
NMAP_S = 900
VERDICTS = ("first", "listed", "many", "family", "wrong", "none")
TOO_MANY = "Too many fingerprints match this host"


class SweepError(Exception):
    """One sentence for people."""


@dataclasses.dataclass
class Target:
    personality: str
    references: list  # what it is made from; several where only the name is known
    cannot: list = dataclasses.field(default_factory=list)  # what its importer couldn't say
    has_open: bool = True  # the machine that the print was taken of had an open port

    @property
    def expect(self):
        return self.references[0].name


@dataclasses.dataclass
class Sighting:
    """What nmap says of one address."""

    matches: list = dataclasses.field(default_factory=list)  # (name, line, accuracy, {(family, generation)})
    observed: list = dataclasses.field(default_factory=list)  # tests
    too_many: bool = False  # more perfect matches than nmap cares to name

    def perfect(self):
        return [match for match in self.matches if match[2] == 100]


@dataclasses.dataclass
class Verdict:
    target: Target
    address: str
    sighting: Sighting
    kind: str  # of VERDICTS
    strict: bool  # the very print, by its line, is satisfied
    reference: nmap_db.Reference
    differences: list


# ---- what to scan ----


def own_target(db, path):
    """One of our own personalities; `expect` is what nmap's database calls it."""
    expect = json.loads(path.read_text()).get("expect")
    return Target(path.stem, [r for r in db.values() if r.name == expect])


def own_targets(db, directory=OWN):
    """Those that nmap can name, and the names of the others."""
    targets = [own_target(db, path) for path in sorted(directory.glob("*.json"))]
    return [t for t in targets if t.references], [t.personality for t in targets if not t.references]


def imported_targets(db, directory):
    index = json.loads((directory / "index.json").read_text())
    return [Target(e["name"], [db[e["line"]]], e["cannot"], e["ports"]["open"]) for e in index]


def convert(binaries, directory):
    """The user's nmap-os-db as personalities in the directory."""
    program = binaries / "fingerprintd-import"
    if not program.exists():
        raise SweepError(f"missing: {program}")
    done = subprocess.run([program, nmap_db.PATH, directory], capture_output=True, text=True)
    if done.returncode != 0:
        raise SweepError(f"fingerprintd-import: {done.stderr.strip()}")


def chosen(targets, sample, seed):
    return targets if sample is None else random.Random(seed).sample(targets, min(sample, len(targets)))


# ---- nmap ----


def nmap_words(output, addresses):
    """One open and one closed port is what it needs; -d has it print what it observed."""
    return [
        "nmap", "-n", "-Pn", "-sS", "-p", f"{CLOSED},{OPEN}", "-O", "-T4", "-d",
        "--min-hostgroup", str(len(addresses)), "-oX", output, *addresses,
    ]  # fmt: skip


def typed_words(output, addresses):
    """As people type it: a thousand ports, and groups of 64 hosts, as nmap then makes them."""
    return ["nmap", "-n", "-T4", "-O", "-d", "-oX", output, *addresses]


def unfolded(fingerprint):
    """nmap breaks a print anywhere into lines that begin with OS:."""
    return fingerprint.replace("\nOS:", "").removeprefix("OS:")


def sighting_of(host):
    matches = []
    for match in host.iter("osmatch"):
        families = {(c.get("osfamily"), c.get("osgen") or "") for c in match.iter("osclass")}
        matches.append((match.get("name"), int(match.get("line")), int(match.get("accuracy")), families))
    prints = [unfolded(f.get("fingerprint")) for f in host.iter("osfingerprint")]
    return Sighting(matches, [test for text in prints for test in nmap_db.tests_in(text)])


def read_xml(path):
    """{address: Sighting}"""
    root = xml.etree.ElementTree.parse(path).getroot()
    return {host.find("address").get("addr"): sighting_of(host) for host in root.iter("host")}


def read_output(path):
    """The same, with what nmap says to people alone."""
    found = read_xml(path)
    for host in path.with_suffix(".out").read_text(errors="replace").split("Nmap scan report for ")[1:]:
        found[host.split()[0]].too_many = TOO_MANY in host
    return found


class Scans:
    """nmap processes, a few at a time."""

    def __init__(self, running, per_process, count, words):
        self.running, self.per_process, self.count, self.words = running, per_process, count, words
        self.processes = {}  # process -> (file, when it must be done)
        self.found = {}

    def start(self, number, addresses):
        output = self.running.directory / f"nmap-{number}.xml"
        with open(output.with_suffix(".out"), "wb") as said:
            process = self.running.start_attack(*self.words(output, addresses), stdout=said, stderr=said)
        self.processes[process] = (output, time.monotonic() + NMAP_S)

    def reap(self):
        for process in [p for p in self.processes if p.poll() is not None]:
            output, _ = self.processes.pop(process)
            if process.returncode != 0:
                raise SweepError(f"nmap ended with {process.returncode}:\n{output.with_suffix('.out').read_text()}")
            self.found |= read_output(output)
        if any(time.monotonic() > end for _, end in self.processes.values()):
            raise SweepError(f"nmap takes more than {NMAP_S} s")
        if not self.running.alive():
            raise SweepError(f"fingerprintd died:\n{self.running.said()[-2000:]}")

    def run(self, addresses):
        chunks = [addresses[i : i + self.per_process] for i in range(0, len(addresses), self.per_process)]
        try:
            for number, chunk in enumerate(chunks):
                self.wait_below(self.count)
                self.start(number, chunk)
            self.wait_below(1)
        finally:
            for process in self.processes:
                process.kill()
                process.wait()
        return self.found

    def wait_below(self, count):
        while len(self.processes) >= count:
            time.sleep(0.05)
            self.reap()


# ---- judgement ----


def kind_of(target, sighting):
    names = [name for name, _, _, _ in sighting.perfect()]
    if target.expect in names:
        return "first" if names[0] == target.expect else "listed"
    if not sighting.matches:
        return "many" if sighting.too_many else "none"
    wanted = set().union(*(r.families() for r in target.references))
    return "family" if sighting.matches[0][3] & wanted else "wrong"


def judge(target, address, sighting):
    reference, found = nmap_db.nearest(sighting.observed, target.references)
    kind = kind_of(target, sighting)
    lines = {line for _, line, _, _ in sighting.perfect()}
    strict = reference.line in lines or (kind in ("first", "listed", "many") and not found)
    return Verdict(target, address, sighting, kind, strict, reference, found)


def addressed(targets):
    first = int(ipaddress.ip_address(decoy_wire.FIRST_DECOY))
    return {str(ipaddress.ip_address(first + i)): target for i, target in enumerate(targets)}


def groups_of(places, closed="reset"):
    """What decoy_wire wants, of {address: Target}."""
    return [(ip, target.personality, [OPEN] * target.has_open, closed) for ip, target in places.items()]


def scan(running, places, at_once=AT_ONCE, processes=PROCESSES, words=nmap_words):
    """[Verdict] of {address: Target}, all of them decoys of a running gateway."""
    sightings = Scans(running, max(1, at_once // processes), processes, words).run(list(places))
    return [judge(target, ip, sightings.get(ip, Sighting())) for ip, target in places.items()]


@dataclasses.dataclass
class Options:
    binaries: pathlib.Path
    personalities: pathlib.Path
    seed: str = "1"
    at_once: int = AT_ONCE
    closed: str = "reset"
    badlink: str = None
    keep: bool = False


@contextlib.contextmanager
def gateway(targets, options):
    """(Running, {address: Target})"""
    places = addressed(targets)
    key = hashlib.sha256(options.seed.encode()).hexdigest()
    with decoy_wire.running(
        f"swp{os.getpid()}", groups_of(places, options.closed), options.personalities, options.binaries, key,
        options.badlink, options.keep,
    ) as running:  # fmt: skip
        if options.keep:
            print(f"kept: {running.directory}", flush=True)
        yield running, places


def sweep_some(targets, options):
    with gateway(targets, options) as (running, places):
        return scan(running, places, options.at_once)


def need_what_it_takes():
    if os.geteuid() != 0:
        raise SweepError("needs root: it makes network namespaces (try sudo)")
    if shutil.which("nmap") is None:
        raise SweepError("there is no nmap: install the Debian package nmap")


def crowd(targets, options, words=nmap_words):
    """
    [Verdict] of all targets at once under one nmap, and of each under an nmap of its own, of the same gateway.
    With fewer ports nmap takes all hosts as one group and, of 254, asks each one only every 300 to 400 ms: too slowly
    to see the growth of random sequence numbers, whoever has them.
    """
    need_what_it_takes()
    with gateway(targets, options) as (running, places):
        return scan(running, places, len(places), 1, words), scan(running, places, ALONE, ALONE)


def sweep(targets, options):
    """[Verdict] of all targets."""
    need_what_it_takes()
    verdicts = []
    for i in range(0, len(targets), DECOYS_MAX):
        verdicts += sweep_some(targets[i : i + DECOYS_MAX], options)
    return verdicts


@contextlib.contextmanager
def imported(binaries):
    """A directory with the imported database, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="personalities-") as text:
        convert(binaries, text)
        yield pathlib.Path(text)


# ---- words ----


def share(verdicts, *kinds):
    return sum(v.kind in kinds for v in verdicts) / len(verdicts)


def perfect_rate(verdicts):
    return share(verdicts, "first", "listed")


def describe_miss(v):
    seen = v.sighting.matches[0] if v.sighting.matches else None
    said = f"{seen[0]} ({seen[2]} %)" if seen else "nothing"
    where = f"{v.kind} {v.address} {v.target.personality}: line {v.reference.line} {v.target.expect}"
    lines = [f"{where}; nmap says {said}"]
    lines += [f"    {a} observed {shown(o)} wanted {shown(w)}" for a, o, w in v.differences]
    lines += [f"    import: {text}" for text in v.target.cannot]
    if not v.differences:
        lines.append(f"    {why(v)}")
    return "\n".join(lines)


def why(v):
    """Where no attribute differs."""
    if v.kind == "many":
        return "fits too many prints to be named"
    return "every attribute fits" if v.sighting.observed else "no answer"


def shown(text):
    return text or "nothing"


def misses(verdicts):
    return [v for v in verdicts if v.kind not in ("first", "listed")]


def reasons(verdicts):
    """[(attribute, count of misses, count that it alone explains, most frequent examples)], most frequent first."""
    count, alone, examples = collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter)
    for v in misses(verdicts):
        for attribute, observed, wanted in v.differences:
            count[attribute] += 1
            alone[attribute] += len(v.differences) == 1
            examples[attribute][f"{shown(observed)}, wanted {shown(wanted)}"] += 1
        if not v.differences:
            count[why(v)] += 1
    return [(a, n, alone[a], examples[a].most_common(3)) for a, n in count.most_common()]


def report(verdicts):
    """Everything for people, as one text."""
    lines = [describe_miss(v) for v in misses(verdicts)]
    lines += [f"{kind:7}{sum(v.kind == kind for v in verdicts):6}" for kind in VERDICTS]
    lines.append(f"by line{sum(v.strict for v in verdicts):6}")
    for attribute, n, alone, examples in reasons(verdicts):
        lines.append(f"reason {attribute}: {n} misses, {alone} by it alone")
        lines += [f"    {times} x {text}" for text, times in examples]
    return "\n".join(lines)
