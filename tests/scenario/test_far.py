"""A decoy that seems to be behind routers."""

import hashlib
import json
import re

ROUTERS = [("198.51.100.1", 1), ("198.51.100.9", 12), ("198.51.100.17", 7)]
DECOYS = {
    "version": 1,
    "decoys": [
        {
            "addresses": ["203.0.113.10"],
            "personality": "linux-2.6",
            "behind": [{"address": address, "ms": ms} for address, ms in ROUTERS],
            "ports": [{"port": 25, "proto": "tcp", "service": "relaytrap", "look": "postfix"}],
        }
    ],
}


def test_traceroute_ping_and_mail(make_lab, tmp_path):
    decoys = tmp_path / "decoys.json"
    decoys.write_text(json.dumps(DECOYS))
    lab = make_lab(decoys=decoys)
    ip = "203.0.113.10"
    for how in (["-I"], ["-T", "-p", "25"], ["-U"]):
        out = lab.attack("traceroute", "-n", "-q", 1, "-w", 3, *how, ip, check=True).stdout.decode()
        assert re.findall(r"^ *\d+  (\S+)  ", out, re.M) == [address for address, _ in ROUTERS] + [ip], out
    out = lab.attack("ping", "-n", "-c", 3, "-i", 0.2, ip, check=True).stdout.decode()
    there_and_back = 2 * sum(ms for _, ms in ROUTERS)
    # The decoy sends 64; each router takes one. A machine under load is late, and early only by a turn of its loop.
    assert set(re.findall(r"ttl=(\d+)", out)) == {str(64 - len(ROUTERS))}
    assert all(float(ms) > there_and_back - 1 for ms in re.findall(r"time=([\d.]+)", out)), out
    body = b"Subject: far\r\n\r\n" + b"x" * 70 + b"\r\n" * 2
    (tmp_path / "mail").write_bytes(body.replace(b"\r\n", b"\n"))
    done = lab.attack("swaks", "--server", ip, "--to", "b@victim.example", "--data", f"@{tmp_path / 'mail'}")
    assert done.returncode == 0, done.stdout.decode()
    assert lab.message(hashlib.sha256(body + b"\r\n").hexdigest())
