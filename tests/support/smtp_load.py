#!/usr/bin/python3
"""smtp_load - clients that send mail after mail, and remember each mail that was answered with 250.

    smtp_load.py --server IP:PORT [--server ...] [--clients N] [--seed S] [--patience S]

A client that hears no answer goes on with another mail. Each attempt has a sender and a body of its own, so that an
attempt is told from all others: one that got 250 must be stored once, no attempt may be stored twice.

As a program it takes one word a line on stdin: `pause` (answered when no mail is on its way), `go`, `stop`. It writes
one JSON line for each acknowledged mail (`sender`, `sha256`), and `{"said": WORD}` when a word is carried out.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import random
import smtplib
import sys
import threading
import time

BIG_BYTES = 700 * 1024  # more than one part
PATIENCE_S = 60
AGAIN_S = 0.02
ABORTED = 0.01  # the share of mails that are broken off inside DATA


class Load(threading.Thread):
    """One client: a mail after the other, until it is told to stop."""

    def __init__(self, servers, number, seed=0, accepted=None, aborted=0.0, patience=PATIENCE_S):
        super().__init__(daemon=True)
        self.servers, self.number = servers, number
        self.random = random.Random(seed * 1000 + number)
        self.accepted = accepted or (lambda sender, digest: None)
        self.aborted, self.patience = aborted, patience
        self.stopping = threading.Event()
        self.going = threading.Event()
        self.going.set()
        self.idle = threading.Event()
        self.attempts = 0
        self.answers = collections.Counter()
        self.sent = {}  # attempt's sender -> digest, of those that got 250

    def body(self):
        size = BIG_BYTES if self.random.random() < 0.02 else self.random.randint(10, 6000)
        text = f"Subject: load {self.number}\r\n\r\n" + self.random.randbytes(size // 2 + 8).hex()
        return "\r\n".join(text[i : i + 900] for i in range(0, len(text), 900)).encode() + b"\r\n"

    def send(self, smtp):
        self.attempts += 1
        sender, body = f"c{self.number}-{self.attempts}@load.example", self.body()
        smtp.mail(sender)
        smtp.rcpt("victim@mail.example")
        if self.random.random() < self.aborted:
            smtp.docmd("DATA")
            smtp.send(body)
            smtp.close()
            raise smtplib.SMTPServerDisconnected("broken off on purpose")
        code, _ = smtp.data(body)
        self.answers[code] += 1
        if code == 250:
            self.sent[sender] = hashlib.sha256(body).hexdigest()
            self.accepted(sender, self.sent[sender])

    def session(self):
        with contextlib.closing(smtplib.SMTP(local_hostname="load.example", timeout=self.patience)) as smtp:
            smtp.connect(*self.random.choice(self.servers))
            smtp.ehlo()
            for _ in range(self.random.randint(1, 20)):
                if self.stopping.is_set() or not self.going.is_set():
                    break
                self.send(smtp)

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except (OSError, smtplib.SMTPException) as error:
                self.answers[type(error).__name__] += 1
                time.sleep(AGAIN_S)
            if not self.going.is_set():
                self.idle.set()
                self.going.wait()

    def pause(self):
        self.idle.clear()
        self.going.clear()

    def go(self):
        self.going.set()

    def stop(self):
        self.stopping.set()
        self.going.set()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")  # one write: the other threads speak too
    sys.stdout.flush()


def obey(word, clients):
    for client in clients:
        {"pause": client.pause, "go": client.go, "stop": client.stop}[word]()
    for client in clients:
        if word == "pause":
            client.idle.wait()
        if word == "stop":
            client.join()
    say({"said": word})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=address, action="append", required=True)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds for one answer")
    args = parser.parse_args()

    def accepted(sender, digest):
        say({"sender": sender, "sha256": digest})

    clients = [Load(args.server, n, args.seed, accepted, ABORTED, args.patience) for n in range(args.clients)]
    for client in clients:
        client.start()
    for line in sys.stdin:
        obey(line.strip(), clients)
    say({"answers": {str(k): v for k, v in sum((c.answers for c in clients), collections.Counter()).items()}})


if __name__ == "__main__":
    main()
