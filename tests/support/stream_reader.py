"""Reads a whole JetStream stream with as much of the NATS protocol as that takes."""

import json
import secrets
import socket

TIMEOUT_S = 30


class Nats:
    def __init__(self, ip, port, login=None):
        options = {"verbose": False, "headers": True}
        if login:
            options |= {"user": login[0], "pass": login[1]}
        self.socket = socket.create_connection((ip, port), TIMEOUT_S)
        self.file = self.socket.makefile("rb")
        self.waiting = []
        self.file.readline()
        self.say(f"CONNECT {json.dumps(options)}")

    def close(self):
        self.file.close()
        self.socket.close()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def publish(self, subject, reply, body):
        self.say(f"PUB {subject} {reply} {len(body.encode())}\r\n{body}")

    def message(self):
        """(subject, {header: value}, body) of the next message; PINGs are answered on the way."""
        while True:
            words = self.file.readline().decode().split()
            if words[:1] == ["PING"]:
                self.say("PONG")
            elif words[:1] == ["MSG"]:
                body = self.file.read(int(words[-1]) + 2)[:-2]
                return words[1], {}, body
            elif words[:1] == ["HMSG"]:
                head, total = int(words[-2]), int(words[-1])
                data = self.file.read(total + 2)[:-2]
                lines = data[:head].decode(errors="replace").split("\r\n")[1:]
                headers = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines if line)
                return words[1], headers, data[head:]
            elif not words:
                raise ConnectionError("nats-server has closed the connection")

    def request(self, subject, body):
        self.say("SUB answer.> 1")
        self.publish(subject, "answer.one", body)
        early = [self.message()]
        while not early[-1][0].startswith("answer."):
            early.append(self.message())  # a consumer may begin before its making is answered
        answer = json.loads(early.pop()[2])
        self.waiting += early
        if "error" in answer:
            raise ConnectionError(f"{subject}: {answer['error']}")
        return answer


def read_stream(ip, port, stream, headers_only=False, login=None):
    """Yields (subject, headers, body) of every message that the stream holds now, oldest first.

    login is (user, password), where the server asks for one.
    """
    nats = Nats(ip, port, login)
    try:
        count = nats.request(f"$JS.API.STREAM.INFO.{stream}", "")["state"]["messages"]
        inbox = f"all.{secrets.token_hex(8)}"  # a consumer outlives its reader by seconds: none hears another's
        config = {"deliver_subject": inbox, "ack_policy": "none", "headers_only": headers_only}
        nats.say(f"SUB {inbox} 2")
        nats.request(f"$JS.API.CONSUMER.CREATE.{stream}", json.dumps({"stream_name": stream, "config": config}))
        for _ in range(count):
            yield nats.waiting.pop(0) if nats.waiting else nats.message()
    finally:
        nats.close()
