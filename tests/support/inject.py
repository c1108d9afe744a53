#!/usr/bin/python3
"""inject - gives files as mails to an SMTP server, byte for byte, straight or through a SOCKS5 proxy.

    inject.py --server IP:PORT [--socks IP:PORT] [--sessions N] [--patience S] [--pause S] [--timeout S] FOLDER

Each file goes as it is (smtplib would mend line ends), dots stuffed. A mail that gets no 250 is tried again
until its patience is over; before each, its session pauses. One JSON line a mail on stdout: name, sha256 of
what was accepted, tries, seconds.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import socket
import struct
import sys
import time

RETRY_S = 0.1


class Refused(Exception):
    pass


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def receive(s, count):
    """Exactly so many bytes: what follows them may be the server's greeting."""
    got = b""
    while len(got) < count:
        chunk = s.recv(count - len(got))
        if not chunk:
            raise Refused("the proxy hung up")
        got += chunk
    return got


def through_socks(proxy, server, timeout_s):
    """RFC 1928, without authentication."""
    s = socket.create_connection(proxy, timeout_s)
    host, port = server
    s.sendall(b"\x05\x01\x00\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + struct.pack("!H", port))
    if receive(s, 2) != b"\x05\x00" or receive(s, 10)[:4] != b"\x05\x00\x00\x01":
        raise Refused("the proxy refuses")
    return s


class Session:
    """One connection; mails go through it one after the other."""

    def __init__(self, args):
        if args.socks:
            self.socket = through_socks(args.socks, args.server, args.timeout)
        else:
            self.socket = socket.create_connection(args.server, args.timeout)
        self.file = self.socket.makefile("rb")
        self.expect("220")
        self.say("EHLO spammer.example", "250")

    def expect(self, code):
        while True:
            line = self.file.readline()
            if not line:
                raise Refused("the connection ended")
            if line[3:4] != b"-":
                break
        if line[:3] != code.encode():
            raise Refused(line.decode(errors="replace").strip())

    def say(self, line, code):
        self.socket.sendall(line.encode() + b"\r\n")
        self.expect(code)

    def send(self, name, data):
        self.say("MAIL FROM:<spammer@spam.example>", "250")
        self.say(f"RCPT TO:<{name}@victim.example>", "250")
        self.say("DATA", "354")
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        self.socket.sendall((b"." if data[:1] == b"." else b"") + stuffed + b".\r\n")
        self.expect("250")

    def close(self):
        try:
            self.say("QUIT", "221")
        except (OSError, Refused):
            pass
        self.socket.close()


def deliver(work, args):
    """One sender: takes mails from the list until it is empty."""
    session = None
    while True:
        try:
            name, data = work.pop()
        except IndexError:
            break
        time.sleep(args.pause)
        start, tries, why = time.monotonic(), 0, ""
        accepted = False
        while not accepted and time.monotonic() - start < args.patience:
            tries += 1
            try:
                session = session or Session(args)
                session.send(name, data)
                accepted = True
            except (OSError, Refused) as error:
                why = str(error)
                session = session and session.socket.close()
                time.sleep(RETRY_S)
        report = {"name": name, "accepted": accepted, "tries": tries, "seconds": round(time.monotonic() - start, 3)}
        report |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "why": why}
        sys.stdout.write(json.dumps(report) + "\n")  # one write: other threads report too
    if session:
        session.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=address, required=True)
    parser.add_argument("--socks", type=address)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--timeout", type=float, default=60.0, help="of one read or write")
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    work = [(path.name, path.read_bytes()) for path in sorted(args.folder.iterdir(), reverse=True)]
    with concurrent.futures.ThreadPoolExecutor(args.sessions) as pool:
        for done in [pool.submit(deliver, work, args) for _ in range(args.sessions)]:
            done.result()
    return 0


if __name__ == "__main__":
    sys.exit(main())
