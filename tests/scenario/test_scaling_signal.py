"""GET /v1/scaling/{service}: sums while they are known, 503 while they are not, never 0 by ignorance."""

import json
import os
import signal
import socket
import time

from conftest import wait_for
from test_service_mode import attacker

SESSIONS = 7


def scaling(lab, service="relaytrap"):
    status, body = lab.get(f"/v1/scaling/{service}")
    return status, json.loads(body)


def sessions(lab):
    status, body = scaling(lab)
    return body["sessions"] if status == 200 else None


def test_sessions_are_counted_while_they_last(lab):
    assert wait_for(lambda: sessions(lab) == 0, 15)
    ip, port = lab.decoy("relaytrap")
    with attacker(lab):
        open_now = [socket.create_connection((ip, port), 10) for _ in range(SESSIONS)]
    assert wait_for(lambda: sessions(lab) == SESSIONS, 15), scaling(lab)
    status, body = scaling(lab)
    assert (status, body["replicas"]) == (200, 1) and body["capacity"] >= 1000
    for s in open_now:
        s.close()
    assert wait_for(lambda: sessions(lab) == 0, 15), scaling(lab)


def test_every_part_has_its_signal_and_nobody_else(lab):
    for service in ("fingerprintd", "webtrap", "proxytrap", "relaytrap", "courier", "logship", "api"):
        assert wait_for(lambda: scaling(lab, service)[0] == 200, 15), service
    assert scaling(lab, "postfix")[0] == 404
    assert lab.get("/v1/scaling/relaytrap", Authorization="")[0] == 401


def test_a_frozen_replica_is_not_known_to_be_idle(lab):
    pid = lab.process("relaytrap")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert wait_for(lambda: scaling(lab)[0] == 503, 15)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: scaling(lab)[0] == 200, 15)


def test_while_nats_is_away_nothing_is_known(lab):
    assert wait_for(lambda: scaling(lab)[0] == 200, 15)
    before, pid = scaling(lab), lab.process("nats-server")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert wait_for(lambda: scaling(lab)[0] == 503, 15)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: scaling(lab) == before, 15)


def test_a_new_life_of_nats_makes_no_sum_wrong(lab):
    """Seen each 50 ms from its death until its next life is heard: a sum as it was, or a 503."""
    assert wait_for(lambda: scaling(lab)[0] == 200, 15)
    before = scaling(lab)
    lab.kill("nats-server")
    seen, end = [], time.monotonic() + 12
    while time.monotonic() < end:
        seen.append(scaling(lab))
        time.sleep(0.05)
    assert all(answer == before for answer in seen if answer[0] == 200)
    assert wait_for(lambda: scaling(lab) == before, 15)
