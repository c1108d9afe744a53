# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints of nmap's own database, imported and played: real nmap recognises them, many at once as each alone."""

import json
import os
import subprocess

import conftest
import nmap_db
import pytest
import sweep

SAMPLE = 40
ALL = 4096  # groups of one decoys.json
MEMORY_KB = 100 * 1000


# Runs a command; the last line is how much memory it had at most, which is never less than that of who began it.
MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def db():
    return nmap_db.load()


@pytest.fixture(scope="module")
def imported(db):
    """(directory, [Target]) of the whole database."""
    with sweep.imported(conftest.BINARIES) as directory:
        yield directory, sweep.imported_targets(db, directory)


@pytest.fixture(scope="module")
def scans(nothing_left, imported):
    """The same random decoys twice: all at once under one nmap, and each under one of its own."""
    seed = os.environ.get("HS_SEED") or os.urandom(4).hex()
    directory, targets = imported
    chosen = sweep.chosen(targets, SAMPLE, seed)
    together, alone = sweep.crowd(chosen, sweep.Options(conftest.BINARIES, directory, seed))
    print(f"HS_SEED={seed}\n{sweep.report(together)}\nalone:\n{sweep.report(alone)}")
    return together, alone


def test_every_print_is_imported(db, imported):
    directory, targets = imported
    assert len(targets) == len(db)
    assert len(list(directory.glob("*.json"))) == len(db) + 1


def test_random_prints_are_recognised(scans):
    """Chance has its say in sequence numbers: who is missed by both scans is missed."""
    recognised = [any(v.kind in ("first", "listed") for v in both) for both in zip(*scans, strict=True)]
    print(f"figure nmap.perfect_rate {sweep.perfect_rate(scans[0]):.3f} 1")
    assert len(recognised) == SAMPLE
    assert sum(recognised) / SAMPLE >= 0.95


def test_a_crowd_is_recognised_as_one_alone_is(scans):
    """tests/bench/nmap_sweep --crowd does it with 254; of 40 the rate is known to two decoys."""
    together, alone = (sum(v.kind in ("first", "listed") for v in verdicts) for verdicts in scans)
    print(f"figure nmap.crowd_rate {together / SAMPLE:.3f} 1\nfigure nmap.alone_rate {alone / SAMPLE:.3f} 1")
    assert together >= alone - 2


def test_a_gateway_holds_thousands_of_personalities(imported, tmp_path):
    """In the folder that the importer wrote; files are read when a decoy asks for them."""
    directory, targets = imported
    decoys = [
        {"addresses": [ip], "personality": target.personality, "ports": []}
        for ip, target in sweep.addressed(targets[:ALL]).items()
    ]
    (tmp_path / "decoys.json").write_text(json.dumps({"version": 1, "decoys": decoys}))
    words = [f"--decoys.file={tmp_path / 'decoys.json'}", f"--personalities.dir={directory}"]
    argv = ["/usr/bin/python3", "-c", MEASURE, conftest.BINARIES / "fingerprintd", "--check", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    cpu_s, memory_kb = done.stdout.splitlines()[-1].split()
    print(f"figure fingerprintd.personalities_4096_cpu_s {float(cpu_s):.3g} s")
    print(f"figure fingerprintd.personalities_4096_mb {int(memory_kb) / 1000:.3g} MB")
    assert int(memory_kb) < MEMORY_KB
