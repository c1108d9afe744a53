"""A wire that loses, reorders, doubles and damages: mail still comes through whole."""

import json
import time

from conftest import ROOT, wait_for

INJECT = ROOT / "tests" / "support" / "inject.py"
WIRE = "--seed=7 --loss=8% --reorder=5% --reorder-delay=15 --duplicate=1% --corrupt=0.5% --delay=5"


def text(size):
    line = b"%07d " + b"x" * 66 + b"\r\n"
    return b"Subject: large\r\n\r\n" + b"".join(line % i for i in range(size // 76))


def deliver(lab, folder, *words, timeout):
    ip, port = lab.decoy("relaytrap", "postfix")
    done = lab.attack(
        "/usr/bin/python3", INJECT, "--server", f"{ip}:{port}", "--sessions", 1, *words, folder, timeout=timeout
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_five_megabytes_over_eight_per_cent_loss(make_lab, tmp_path):
    lab = make_lab(badlink=WIRE)
    (tmp_path / "large").write_bytes(text(5_000_000))
    start = time.monotonic()
    (report,) = deliver(lab, tmp_path, "--patience", 1, timeout=600)
    seconds = time.monotonic() - start
    print(f"figure badlink.five_megabytes_s {seconds:.1f} s")
    assert report["accepted"] and report["tries"] == 1
    item = lab.message(report["sha256"])
    assert lab.get(f"/v1/messages/{item['id']}/raw")[1] == (tmp_path / "large").read_bytes()
    counters = lab.metrics("fingerprintd")
    # The wire was really bad, and both halves of the TCP had work.
    assert counters["honeyspam_tcp_out_of_order"] > 50
    assert counters["honeyspam_tcp_duplicates"] > 10
    assert counters["honeyspam_tcp_bad_checksum"] > 5


def test_the_maze_over_a_bad_wire(make_lab, tmp_path):
    """The other direction: what the gateway sends is lost and comes again."""
    lab = make_lab(badlink=WIRE)
    ip, port = lab.decoy("webtrap", "apache")
    done = lab.attack(
        "wget", "-q", "-r", "-l", "inf", "-e", "robots=off", "-Q", "1m", "--tries=5", "--timeout=60",
        f"http://{ip}:{port}/", cwd=tmp_path, timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 8), done.stderr.decode()
    sent = wait_for(lambda: [e for e in lab.events() if e["event"]["action"] == "flow-close"], 60)
    assert sum(e["honeyspam"]["flow"]["bytes_out"] for e in sent) > 1_000_000
    assert lab.metrics("fingerprintd")["honeyspam_tcp_retransmitted"] > 20
