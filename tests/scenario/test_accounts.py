"""Each service may do on the bus what it needs, and nothing else; and each answers there."""

import json
import socket

import pytest


class Nats:
    """As much of the NATS protocol as it takes to be refused."""

    def __init__(self, lab, user):
        password = (lab.directory / "secrets" / f"nats-{user}").read_text().strip()
        host = lab.d["nats"]["url"].rpartition("@")[2].removeprefix("nats://")
        ip, _, port = host.partition(":")
        self.socket = socket.create_connection((ip, int(port)), 10)
        self.file = self.socket.makefile("rb")
        assert self.file.readline().startswith(b"INFO")
        self.say(f'CONNECT {{"verbose":false,"user":"{user}","pass":"{password}"}}')
        assert self.answer() == b"PONG"

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def answer(self):
        """PONG when nothing was wrong before."""
        self.say("PING")
        line = self.file.readline().strip()
        return line if line == b"PONG" or line.startswith(b"-ERR") else self.answer()

    def publish(self, subject):
        self.say(f"PUB {subject} 2\r\n{{}}")
        return self.answer()

    def subscribe(self, subject):
        self.say(f"SUB {subject} 1")
        return self.answer()


MAY = {
    "relaytrap": ["hs.lab.presence.relaytrap.x", "hs.lab.event.relaytrap.relay-mail", "hs.lab.mail.commit"],
    "webtrap": ["hs.lab.presence.webtrap.x", "hs.lab.event.webtrap.web-request"],
    "proxytrap": ["hs.lab.presence.proxytrap.x", "hs.lab.event.proxytrap.proxy-request"],
    "fingerprintd": ["hs.lab.presence.fingerprintd.x", "hs.lab.event.fingerprintd.probe"],
}
FOREIGN = [
    "hs.lab.presence.{other}.x", "hs.lab.event.{other}.x", "hs.lab.control.{other}.all.drain",
    "$JS.API.STREAM.DELETE.MAIL", "$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.MSG.GET.MAIL",
]  # fmt: skip


@pytest.mark.parametrize("user", MAY)
def test_a_service_announces_and_publishes_itself_only(lab, user):
    nats = Nats(lab, user)
    for subject in MAY[user]:
        assert nats.publish(subject) == b"PONG", subject
    other = next(name for name in MAY if name != user)
    for subject in FOREIGN:
        assert b"Permissions Violation" in Nats(lab, user).publish(subject.format(other=other)), subject
    if user != "relaytrap":
        assert b"Permissions Violation" in Nats(lab, user).publish("hs.lab.mail.commit")


@pytest.mark.parametrize("user", MAY)
def test_a_service_hears_no_answers_meant_for_others(lab, user):
    other = next(name for name in MAY if name != user)
    assert b"Permissions Violation" in Nats(lab, user).subscribe(f"_INBOX_{other}.>")
    assert b"Permissions Violation" in Nats(lab, user).subscribe("hs.*.mail.>")
    assert b"Permissions Violation" in Nats(lab, user).subscribe(">")


def test_the_courier_writes_its_own_buckets_and_no_mail(lab):
    nats = Nats(lab, "courier")
    for subject in ("hs.lab.event.courier.courier-sent", "$KV.COURIER_JOBS.x", "$JS.API.STREAM.MSG.GET.MAIL"):
        assert nats.publish(subject) == b"PONG", subject
    for subject in ("hs.lab.mail.commit", "$KV.LEASES.x", "$JS.API.STREAM.PURGE.KV_COURIER_QUOTAS",
                    "$JS.API.CONSUMER.DELETE.EVENTS.courier", "$JS.API.CONSUMER.CREATE.EVENTS.courier",
                    "$JS.API.STREAM.MSG.GET.EVENTS", "hs.lab.event.relaytrap.relay-mail"):  # fmt: skip
        assert b"Permissions Violation" in Nats(lab, "courier").publish(subject), subject


def test_without_a_password_there_is_no_bus(lab):
    nats = Nats.__new__(Nats)
    ip, _, port = lab.d["nats"]["url"].rpartition("@")[2].partition(":")
    nats.socket = socket.create_connection((ip, int(port)), 10)
    nats.file = nats.socket.makefile("rb")
    nats.file.readline()
    nats.say('CONNECT {"verbose":false}')
    assert b"Authorization" in nats.answer()


@pytest.mark.parametrize("verb", ["PING", "INFO", "STATS"])
def test_every_part_answers_the_service_verbs(lab, verb):
    """As "nats micro ls" asks (ADR-32)."""
    nats = Nats(lab, "operator")
    nats.subscribe("_INBOX.test")
    nats.say(f"PUB $SRV.{verb} _INBOX.test 0\r\n")
    parts = {p["name"] for p in lab.d["processes"]} - {"nats-server"}
    answers = {}
    nats.socket.settimeout(10)
    while parts - set(answers):
        assert (head := nats.file.readline()).startswith(b"MSG "), head
        answer = json.loads(nats.file.read(int(head.split()[-1]) + 2))
        answers[answer["name"]] = answer
    for name, answer in answers.items():
        assert answer["type"] == f"io.nats.micro.v1.{verb.lower()}_response", name
        assert answer["id"] and answer["version"].count(".") == 2, name
