"""relaytrap, nats-server and a courier, with spammers that are anybody: mails come in behind a PROXY header."""

import base64
import json
import os
import signal
import smtplib
import socket
import time
import urllib.request

from outside import DNS_IP
from relay_rig import IP, Rig, answers, free_ports

DECOY = "203.0.113.16"
USER = 64120  # the courier is nobody special


class ProxiedSMTP(smtplib.SMTP):
    """smtplib behind a gateway: a header in front names who it is."""

    def __init__(self, port, source, decoy):
        self.header = f"PROXY TCP4 {source} {decoy} 40000 25\r\n".encode()
        super().__init__(IP, port, "probe.example", timeout=30)

    def _get_socket(self, host, port, timeout):
        connection = socket.create_connection((host, port), timeout)
        connection.sendall(self.header)
        return connection


class CourierRig(Rig):
    """A rig with relaytrap behind a gateway, and a courier that is started with `start_courier`."""

    def __init__(self, binaries):
        super().__init__(binaries, options=["--listen.proxy=required"])
        self.couriers = {}  # number: (process, admin port)

    def __exit__(self, *_):
        for process, _ in self.couriers.values():
            process.kill()
            process.wait()
        super().__exit__()

    def start_relay(self):
        self.directory.chmod(0o755)
        (self.directory / "site-key").chmod(0o644)
        super().start_relay()

    def start_courier(self, number=1, **settings):
        """Settings with underscores for dots, two for a hyphen: quota_network=2, probe_size__max=100."""
        table = {"enabled": "true", "dns.servers": DNS_IP, "retry.seconds": 1, "quota.network": 1}
        table |= {name.replace("__", "-").replace("_", "."): value for name, value in settings.items()}
        name, (port,) = f"courier-{number}", free_ports(1)
        os.makedirs(self.directory / name, exist_ok=True)
        os.chown(self.directory / name, USER, USER)
        process = self.start(
            "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
            self.binaries / "courier", *self.common(name), f"--admin.listen={IP}:{port}",
            *(f"--{name}={value}" for name, value in table.items()),
        )  # fmt: skip
        self.couriers[number] = process, port

    def wait_courier(self, number=1):
        self.wait("courier", f"http://{IP}:{self.couriers[number][1]}/readyz")

    @property
    def courier(self):
        return self.couriers[1][0]

    def stop_courier(self):
        """SIGTERM; its exit status."""
        self.courier.send_signal(signal.SIGTERM)
        return self.courier.wait(30)

    def kill_courier(self, number=1):
        self.kill(self.couriers[number][0])

    def relay_ready(self):
        """It has found NATS again."""
        return answers(f"http://{IP}:{self.admin}/readyz")

    def send(self, source, to, text, sender="tester@sender.example", decoy=DECOY):
        """One mail from that address; to is a recipient or several. Returns the octets that count as the mail."""
        data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        with ProxiedSMTP(self.port, source, decoy) as client:
            client.sendmail(sender, [to] if isinstance(to, str) else to, data)
        return data

    # -- what came of it --

    def courier_metrics(self):
        with urllib.request.urlopen(f"http://{IP}:{self.couriers[1][1]}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def verdicts(self):
        """{"first": 1, ...}: mails by what they were taken for."""
        return {
            name.partition('"')[2].rstrip('"}'): int(value)
            for name, value in self.courier_metrics().items()
            if name.startswith("honeyspam_courier_mails_total") and value
        }

    def wait_verdicts(self, **expected):
        """Until the mails were taken for that, and no more."""
        wanted = {name.replace("_", "-"): value for name, value in expected.items()}
        end = time.monotonic() + 20
        while (seen := self.verdicts()) != wanted:
            assert time.monotonic() < end, f"{seen}, not {wanted}: {self.log_tail()}"
            time.sleep(0.05)

    def messages(self, stream):
        """Every message of a stream that JetStream's file holds, by the server's own request."""
        with Nats(self.nats_port) as nats:
            return nats.messages(stream)

    def fill_up(self, stream):
        """From now on the stream takes nothing more."""
        with Nats(self.nats_port) as nats:
            config = nats.request(f"$JS.API.STREAM.INFO.{stream}")["config"] | {"max_bytes": 1}
            answer = nats.request(f"$JS.API.STREAM.UPDATE.{stream}", json.dumps(config))
            assert "error" not in answer, answer

    def events(self):
        """The courier's events: each an action, a reason and the courier's fields."""
        found = []
        for subject, data in self.messages("EVENTS"):
            if ".event.courier." in subject:
                found.append(json.loads(data))
        return found

    def wait_events(self, *actions, timeout_s=30):
        """Until there are as many as actions; they must be these, in any order."""
        end = time.monotonic() + timeout_s
        while len(events := self.events()) < len(actions) and time.monotonic() < end:
            time.sleep(0.1)
        assert sorted(e["event"]["action"] for e in events) == sorted(actions), (events, self.log_tail())
        return events

    def jobs(self):
        """The jobs on record, by mail id."""
        return {subject.rpartition(".")[2]: json.loads(data) for subject, data in self.messages("KV_COURIER_JOBS")}


class Nats:
    """As much of the NATS protocol as it takes to read a stream."""

    def __init__(self, port):
        self.socket = socket.create_connection((IP, port), 10)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.say('CONNECT {"verbose":false,"headers":true}\r\nSUB _INBOX.t 1')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def request(self, subject, body=""):
        self.say(f"PUB {subject} _INBOX.t {len(body)}\r\n{body}")
        while True:
            line = self.file.readline().split()
            if line[:1] == [b"PING"]:
                self.say("PONG")
            elif line[:1] == [b"MSG"]:
                return json.loads(self.file.read(int(line[-1]) + 2))
            elif not line:
                raise OSError("NATS is gone")

    def messages(self, stream):
        state = self.request(f"$JS.API.STREAM.INFO.{stream}")["state"]
        found = []
        for sequence in range(max(state["first_seq"], 1), state["last_seq"] + 1):
            answer = self.request(f"$JS.API.STREAM.MSG.GET.{stream}", json.dumps({"seq": sequence}))
            if "message" in answer:
                message = answer["message"]
                found.append((message["subject"], base64.b64decode(message.get("data", ""))))
        return found
