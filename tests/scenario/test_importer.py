# SPDX-License-Identifier: GPL-2.0-or-later
"""fingerprintd-import as a user runs it, over invented databases."""

import json
import subprocess

from conftest import BINARIES

DATABASE = b"""# invented
Fingerprint Examplix 1.0
Class Examplix | ExOS | 1.X | general purpose
SEQ(SP=FC-106%GCD=1-6%ISR=108-112%TI=Z%II=I%TS=U)
OPS(O1=M5B4NNS%O2=M578NNS%O3=M280%O4=M218NNS%O5=M218NNS%O6=M109NNS)
WIN(W1=2000%W2=2000%W3=2000%W4=2000%W5=2000%W6=2000)
T1(R=Y%DF=Y%T=3B-45%TG=40%S=O%A=S+%F=AS%RD=0%Q=)
T5(R=Y%DF=Y%T=3B-45%TG=40%W=0%S=Z%A=S+%F=AR%O=%RD=0%Q=)

Fingerprint Examplix 1.0
T1(R=Y%T=250)
T5(R=Y%W=NONSENSE)
T6(R=\x00)
what is this
U1(R=N)
"""


def run(*words, cwd):
    return subprocess.run([BINARIES / "fingerprintd-import", *words], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_a_database_becomes_personalities(tmp_path):
    (tmp_path / "db").write_bytes(DATABASE)
    done = run("--report", "report", "db", "out", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "examplix-1.0-2.json",
        "examplix-1.0.json",
        "index.json",
    ]
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index[0] == {
        "name": "examplix-1.0",
        "expect": "Examplix 1.0",
        "line": 2,
        "class": ["Examplix | ExOS | 1.X | general purpose"],
        "ports": {"open": True, "closed": True, "closed_udp": False},
        "cannot": [],
    }
    assert index[1]["cannot"] == ['T1.T: is "FF", not "250"']
    assert (tmp_path / "report").read_text().splitlines() == [
        'line 12: an attribute\'s expression is bad or out of range: "W=NONSENSE"',
        'line 13: the line has a NUL octet: "T6(R=\\x00)"',
        'line 14: this is no line of a database: "what is this"',
        "examplix-1.0-2 (line 10) can't be expressed in full",
        '\tT1.T: is "FF", not "250"',
        "2 fingerprints written, 1 of them can't be expressed in full, 3 complaints",
    ]


def test_the_gateway_reads_what_is_written(tmp_path):
    (tmp_path / "db").write_bytes(DATABASE)
    assert run("db", "out", cwd=tmp_path).returncode == 0
    for path in (tmp_path / "out").glob("examplix*.json"):
        words = [BINARIES / "fingerprintd", "--check-personality", path.stem, f"--personalities.dir={tmp_path / 'out'}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_an_empty_database_gives_an_empty_index(tmp_path):
    (tmp_path / "db").write_bytes(b"")
    assert run("db", "out", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "out" / "index.json").read_text()) == []


def test_only_files_that_cannot_be_used_are_fatal(tmp_path):
    (tmp_path / "db").write_bytes(DATABASE)
    for words, status, said in [
        ((), 2, "usage:"),
        (("db",), 2, "usage:"),
        (("--wrong", "db", "out"), 2, "usage:"),
        (("nothing", "out"), 1, "nothing: can't be opened: No such file"),
        (("out", "out"), 1, "out: can't be read: Is a directory"),
        (("db", "db"), 1, "db/index.json: can't be opened: Not a directory"),
        (("db", "not/there"), 1, "not/there: can't be made: No such file"),
        (("--report", "not/there", "db", "out"), 1, "not/there: can't be opened: No such file"),
        (("--report", "/dev/full", "db", "out"), 1, "/dev/full: can't be written: No space left"),
    ]:
        done = run(*words, cwd=tmp_path)
        assert done.returncode == status, (words, done.stderr)
        assert said in done.stderr, words
