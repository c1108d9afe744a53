"""relaytrap and nats-server are killed a hundred times under load: what got 250 is stored, once.

A client that heard no answer sends again, as clients do. Each attempt has a sender of its own, so that the streams
tell attempts apart: one that got 250 must be there once, none may be there twice.
"""

import collections
import json
import random
import time

import pytest
from conftest import BINARIES, NATS_SERVER
from relay_rig import IP, Rig
from smtp_load import Load
from stream_reader import read_stream

KILLS = 100
CLIENTS = 12
PAUSE_S = (0.05, 0.7)  # between two kills: from "it has hardly started" to "it works"


def kill_at_random(rig, chance):
    """Both processes in turn, by chance, at moments of chance; each comes back at once."""
    for _ in range(KILLS):
        time.sleep(chance.uniform(*PAUSE_S))
        if chance.random() < 0.5:
            rig.kill(rig.relay)
            rig.start_relay()
        else:
            rig.kill(rig.nats)
            rig.start_nats()


def stored_mails(rig):
    """[(sender, digest, id)] of the stream's commits; their parts must be there."""
    mails, parts = [], set()
    for sequence, (subject, headers, _) in enumerate(read_stream(IP, rig.nats_port, "MAIL", headers_only=True), 1):
        if subject.endswith(".part"):
            parts.add(sequence)
            continue
        assert {int(p) for p in headers.get("Hs-Parts", "").split(",") if p} <= parts
        mails.append((json.loads(headers["Hs-Envelope"])["mail_from"], headers["Hs-Sha256"], headers["Hs-Mail-Id"]))
    return mails


def told_mails(rig):
    """The mail ids that relay-mail events name."""
    bodies = (body for subject, _, body in read_stream(IP, rig.nats_port, "EVENTS") if subject.endswith("relay-mail"))
    return {json.loads(body)["honeyspam"]["mail"]["id"] for body in bodies}


@pytest.fixture(scope="module")
def rig():
    with Rig(BINARIES, NATS_SERVER, options=["--tarpit.after=0"]) as running:
        yield running


def test_no_mail_is_lost_or_doubled_by_a_hundred_kills(rig):
    seed = random.randrange(1 << 32)
    print(f"\nseed {seed}")
    clients = [Load([(IP, rig.port)], number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    start = time.monotonic()
    try:
        kill_at_random(rig, random.Random(seed))
    finally:
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
    took = time.monotonic() - start
    rig.wait_relay()
    acked = {sender: digest for client in clients for sender, digest in client.sent.items()}
    mails = stored_mails(rig)
    count = collections.Counter(sender for sender, _, _ in mails)
    lost = [sender for sender in acked if count[sender] == 0]
    doubled = [sender for sender, n in count.items() if n > 1]
    print(f"figure relay.kills.acknowledged {len(acked)} 1")
    print(f"figure relay.kills.lost {len(lost)} 1")
    print(f"figure relay.kills.doubled {len(doubled)} 1")
    print(f"figure relay.kills.seconds {took:.0f} s")
    answers = sum((client.answers for client in clients), collections.Counter())
    print(f"answers {answers}")
    assert answers["TimeoutError"] == 0, "a client waited for ever"
    assert (lost, doubled) == ([], []), f"seed {seed}"
    assert len(acked) > KILLS, "the load was none"
    assert all(acked[sender] == digest for sender, digest, _ in mails if sender in acked)
    missing = {mail_id for sender, _, mail_id in mails if sender in acked}
    end = time.monotonic() + 20
    while missing and time.monotonic() < end:
        missing -= told_mails(rig)
        time.sleep(0.2)
    assert not missing, "mails that no event tells of"
