"""The courier and an outside of its own: which mails get there, how often, and which never."""

import collections
import json
import os
import random
import re
import time

import jsonschema
import pytest
from conftest import BINARIES, ROOT, wait_for
from courier_rig import DECOY, CourierRig
from outside import Outside

HEX = "CB007110"  # DECOY
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "api" / "events.schema.json").read_text()))


@pytest.fixture(scope="module")
def world(nothing_left):
    with Outside() as outside:
        yield outside


@pytest.fixture
def rig(nothing_left):
    with CourierRig(BINARIES) as rig:
        yield rig
        for event in rig.events():
            SCHEMA.validate(event)


def probe(subject="test", body="hello"):
    return f"From: a@sender.example\nSubject: {subject}\n\n{body}\n"


def reasons(events):
    return sorted(e["event"].get("reason", "") for e in events)


def wait_delivered(world, recipient, count, timeout_s=10):
    wait_for(lambda: world.delivered(recipient) >= count, timeout_s)
    assert world.delivered(recipient) == count


def test_first_mail_arrives_whole_and_later_ones_only_to_the_drop_box(world, rig):
    rig.start_courier(salted_size__max=1048576)
    text = b".dot first\r\n..two\r\nSubject: not one\r\n\r\n8-bit \xe4\xf6\r\n.\x01\r\n" + b"x" * 900 + b"\r\n\r\n"
    body = b"Subject: 1D" + HEX.encode() + b":25:6 o'clock\r\n\r\n" + text
    sent = rig.send("198.18.1.7", "box1@dropbox.example", body)
    (event,) = rig.wait_events("courier-sent")
    wait_delivered(world, "box1@dropbox.example", 1)
    (mail,) = [m for m in world.inbox() if b"box1@dropbox.example" in m]
    trace, _, rest = mail.partition(b"Received: from probe.example (unknown [198.18.1.7])\n")
    host = event["honeyspam"]["courier"]["host"]
    assert host == "mx.tls.example" and event["honeyspam"]["courier"]["tls"]
    assert event["honeyspam"]["courier"]["kind"] == "first" and event["honeyspam"]["courier"]["mark"] == "address"
    # One trace field of ours between what the outside put before it and what was sent.
    added, _, kept = rest.partition(b"(UTC)\n")
    assert re.fullmatch(rb"\tby [a-z0-9.-]+ \(Postfix\) with ESMTP id \w+\n\tfor <box1@dropbox.example>; .*", added)
    assert kept == sent.replace(b"\r\n", b"\n")
    assert b"TLSv1" in trace

    # The second of its network, to another; the first mail of a run to many; the run itself.
    rig.send("198.18.1.9", "box2@dropbox.example", probe(body=f"again {HEX}"))
    rig.send("198.18.1.9", "box3@dropbox.example", probe())
    rig.send("198.18.2.9", [f"v{i}@dropbox.example" for i in range(5)], probe())
    for i in range(20):
        rig.send("198.18.2.9", f"victim{i}@dropbox.example", probe(body="buy"))
    # A copy for the drop-box among the run's recipients, from another network.
    # It is the run's own mail, and large: the stream holds it in parts.
    salt = probe(body="salt " + ("x" * 70 + "\n") * 9000)
    rig.send("198.18.3.9", ["victim@dropbox.example", "box1@dropbox.example"], salt)
    events = rig.wait_events("courier-sent", "courier-refused", "courier-sent")
    assert reasons(events) == ["", "", "quota-network"]
    rig.wait_verdicts(first=1, marked=1, salted=1, plain=21, recipients=1)
    wait_delivered(world, "box1@dropbox.example", 2)
    assert any(mail.endswith(b"(UTC)\n" + salt.encode()) for mail in world.inbox())
    log = world.log.read_text()
    assert "box2@" not in log and "box3@" not in log and "victim" not in log and "<v1@" not in log


def test_off_sends_nothing_and_says_so(world, rig):
    before = world.connections()
    rig.start_courier(enabled="false")
    rig.wait_courier()
    rig.send("198.18.1.7", "off@plain.example", probe())
    assert reasons(rig.wait_events("courier-refused")) == ["disabled"]
    assert world.connections() == before
    assert rig.stop_courier() == 0


def test_quotas_and_deny_lists(world, rig):
    rig.start_courier(
        quota_recipient=1, quota_domain=3, quota_total=5, deny_recipients="enemy@", deny_sources="198.18.66.0/24"
    )
    refused = {
        "abuse@plain.example": "role-address",
        "postmaster@plain.example": "role-address",
        "my.spamtrap.7@plain.example": "trap-address",
        "enemy@plain.example": "denied-recipient",
        "someone@navy.mil": "denied-domain",
        "a%b@plain.example": "bad-address",
        "q0@inside.example": "denied-network",
        "ours@ours.example": "denied-network",
    }
    for number, to in enumerate(refused):
        rig.send(f"198.18.{10 + number}.1", to, probe())
    rig.send("198.18.66.1", "q0@plain.example", probe())
    events = rig.wait_events(*["courier-refused"] * 7, *["courier-failed"] * 2)
    assert reasons(events) == sorted([*refused.values(), "denied-source"])
    # The last two were counted: no more than three others in all, three to a domain, one to a recipient.
    for number, to in enumerate(["q1@plain.example", "q1@plain.example", "q2@plain.example", "q3@plain.example",
                                 "q4@plain.example", "q5@dropbox.example"]):  # fmt: skip
        rig.send(f"198.18.{40 + number}.1", to, probe())
    wait_for(lambda: len(rig.events()) == 15, 20)
    new = [e for e in rig.events() if e["honeyspam"]["courier"]["recipient"][0] == "q" and "inside" not in str(e)]
    assert reasons(new) == ["", "", "", "denied-source", "quota-domain", "quota-recipient", "quota-total"]
    wait_delivered(world, "q1@plain.example", 1)
    for to in ("q2@plain.example", "q3@plain.example"):
        wait_delivered(world, to, 1)
    assert "q4@" not in world.log.read_text() and "q5@" not in world.log.read_text()


def test_retries_after_certain_failures_only(world, rig):
    rig.start_courier(retry_attempts=3, quota_network=9)
    rig.send("198.18.1.1", "late@grey.example", probe())
    rig.send("198.18.2.1", "second@second.example", probe())
    rig.send("198.18.3.1", "never@refusing.example", probe())
    rig.send("198.18.4.1", "no-one@closed.example", probe())
    rig.send("198.18.5.1", "x@no-such-domain.example", probe())
    rig.send("198.18.6.1", "plainly@oldtls.example", probe())
    rig.send("198.18.7.1", "x@null.example", probe())
    wait_for(lambda: "to=<late@grey.example>" in world.log.read_text(), 10)
    world.set_grey("OK")
    events = rig.wait_events(*["courier-sent"] * 3, *["courier-failed"] * 4)
    by = {e["honeyspam"]["courier"]["recipient"]: e for e in events}
    assert by["late@grey.example"]["honeyspam"]["courier"]["attempts"] > 1
    assert by["second@second.example"]["honeyspam"]["courier"]["host"] == "mx.plain.example"
    assert not by["second@second.example"]["honeyspam"]["courier"]["tls"]
    assert by["never@refusing.example"]["honeyspam"]["courier"]["attempts"] == 1
    assert by["no-one@closed.example"]["honeyspam"]["courier"]["attempts"] == 3
    # STARTTLS was offered and the handshake failed: without it, as mail servers do
    assert by["plainly@oldtls.example"]["honeyspam"]["courier"]["attempts"] == 1
    assert not by["plainly@oldtls.example"]["honeyspam"]["courier"]["tls"]
    failed = [e for e in events if e["event"]["action"] == "courier-failed"]
    assert reasons(failed) == ["no-connection", "no-domain", "null-mx", "refused-by-server"]
    wait_delivered(world, "late@grey.example", 1)


def test_killed_between_sending_and_the_answer_it_never_sends_again(world, rig):
    rig.start_courier()
    rig.send("198.18.1.1", "once@slow.example", probe())
    assert wait_for(lambda: [j for j in rig.jobs().values() if j["state"] == "sending"], 20, 0.02)
    rig.kill_courier()
    rig.start_courier()
    (event,) = rig.wait_events("courier-unknown", timeout_s=60)
    assert event["event"]["reason"] == "found-sending"
    wait_delivered(world, "once@slow.example", 1, 15)
    time.sleep(1)
    assert world.delivered("once@slow.example") == 1
    assert [j["state"] for j in rig.jobs().values()] == ["unknown"]


def test_what_cant_be_recorded_is_not_sent(world, rig):
    rig.start_courier()
    rig.fill_up("KV_COURIER_JOBS")
    rig.send("198.18.1.1", "full@plain.example", probe())
    assert reasons(rig.wait_events("courier-refused")) == ["store-full"]
    rig.fill_up("KV_COURIER_QUOTAS")
    rig.send("198.18.2.1", "full@plain.example", probe())
    assert reasons(rig.wait_events("courier-refused", "courier-refused")) == ["quota-network", "store-full"]
    assert "full@" not in world.log.read_text()


def test_a_smarthost_gets_everything(world, rig):
    rig.start_courier(smarthost="198.51.100.26:25", dns_servers="127.0.0.1:9", helo_name="out.relay.example")
    rig.send("198.18.1.1", "smart@dropbox.example", probe())
    (event,) = rig.wait_events("courier-sent")
    assert event["honeyspam"]["courier"]["host"] == "198.51.100.26"
    wait_delivered(world, "smart@dropbox.example", 1)
    (mail,) = [m for m in world.inbox() if b"smart@dropbox" in m]
    assert b"Received: from out.relay.example (unknown [198.51.100.1])" in mail


def test_a_smarthost_that_must_speak_tls_gets_nothing_without(world, rig):
    before = len(world.inbox())
    rig.start_courier(smarthost="198.51.100.25:25", smarthost_tls="true", retry_attempts=1)
    rig.send("198.18.1.1", "strict@dropbox.example", probe())
    (event,) = rig.wait_events("courier-failed")
    assert event["event"]["reason"] == "no-tls"
    assert len(world.inbox()) == before


def test_whatever_is_killed_nothing_is_sent_twice(world, rig):
    """Two couriers, killed at random, and once the bus: every job ends, and none is delivered more than once."""
    rng, jobs = random.Random(6), 60
    for number in (1, 2):
        rig.start_courier(number, quota_domain=1000, workers=2)
    for number in range(jobs):
        rig.send(f"198.18.{number}.1", f"k{number}@plain.example", probe(body="x" * rng.randrange(9000)))
        time.sleep(rng.uniform(0, 0.1))
        if number == jobs // 2:
            rig.kill(rig.nats)
            rig.start_nats()
            wait_for(rig.relay_ready, 20)
        elif rng.random() < 0.4:
            victim = rng.choice([1, 2])
            rig.kill_courier(victim)
            rig.start_courier(victim, quota_domain=1000, workers=2)
    events = wait_for(lambda: len(rig.events()) >= jobs and rig.events(), 60, 0.5)
    ended = collections.Counter(e["event"]["action"] for e in events)
    ids = {e["event"]["id"] for e in events}
    print(f"figure courier.unknown_after_kills {ended['courier-unknown']} of {jobs}")
    assert len(ids) == jobs and set(ended) <= {"courier-sent", "courier-unknown"}
    counts = [world.delivered(f"k{number}@plain.example") for number in range(jobs)]
    assert max(counts) == 1
    sent = {e["honeyspam"]["courier"]["recipient"] for e in events if e["event"]["action"] == "courier-sent"}
    assert all(world.delivered(to) == 1 for to in sent)


def test_only_the_courier_can_connect_out_and_only_when_it_is_on(rig):
    """The filter of its threads, as the kernel shows it."""
    rig.start_courier()
    rig.wait_courier()
    path = f"/proc/{rig.courier.pid}/task"
    modes = [line for t in os.listdir(path) for line in open(f"{path}/{t}/status") if "Seccomp:" in line]
    assert sum(line.split()[1] == "2" for line in modes) >= 2
