#!/usr/bin/python3
"""smtp_talk - holds the conversations of a file with one server and writes what it heard as JSON.

A conversation is held three times: answer by answer, in one piece, and slowly in small pieces. What is compared is
all that the server said and whether it closed by itself, never how TCP cut it.
"""

import argparse
import asyncio
import contextlib
import json
import pathlib
import re
import struct
import socket
import ssl

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "mail.oracle.test"
MODES = ("one", "burst", "slow")
ANSWER_S = 12.0
AT_ONCE = 24
PATIENCE_S = {"idle": ANSWER_S, "tls": 1.0, "authtls": 1.0}
FINAL = re.compile(rb"(?m)^\d{3}(?: [^\n]*)?\n")
ALERT = re.compile(rb"\x15\x03([\x00-\x04])\x00\x02(.)(.)", re.S)  # RFC 8446 5.1, 6
KINDS = ("base", "auth", "idle", "tls", "authtls")
SHAKE, GOODBYE = object(), object()
STEPS = {"{tls}": SHAKE, "{end}": GOODBYE}  # the client begins TLS, and ends it


def octets(line):
    line = re.sub(r"\{(\d+)\}", lambda m: "a" * int(m[1]), line.replace("{host}", HOST))
    cut = line.endswith("\\c")
    text = line[:-2] if cut else line
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1") + (b"" if cut else b"\r\n")


def steps(lines):
    """[(octets or one of STEPS, is an answer awaited)]"""
    found = []
    for line in lines:
        silent = line.startswith("|")
        text = line[1:].removeprefix(" ") if silent else line
        times = re.match(r"\*(\d+) ", text)
        one = STEPS.get(text) or octets(text[times.end() :] if times else text)
        found += [(one, not silent)] * (int(times[1]) if times else 1)
    return found


def conversations(path, server, kind):
    """[(name, modes, steps)]; kind: one of KINDS, what the server is configured for"""
    found, lines = [], None
    for line in pathlib.Path(path).read_text().splitlines():
        head = re.match(r"\[(.*?)\]((?: [a-z]+)*)$", line)
        if head:
            words = head[2].split()
            servers = [w for w in words if w in ("postfix", "sendmail", "exim")]
            lines = []
            wanted = next((k for k in KINDS if k in words), "base")
            if wanted == kind and (not servers or server in servers):
                modes = MODES[:1] if "single" in words or wanted in PATIENCE_S else MODES[:2] if "fast" in words else MODES
                found.append((head[1], modes, lines))
        elif lines is not None and line and not line.startswith("#"):
            lines.append(line)
    return [(name, modes, steps(lines)) for name, modes, lines in found]


def proxy_header(look, source="198.51.100.7", destination="203.0.113.25"):
    """PROXY v2 with the look and the host name that the client asked for."""
    tlvs = b""
    for kind, value in ((0x05, b"01jdiff0000000000000000000"), (0xE1, look.encode()), (0x02, HOST.encode())):
        tlvs += struct.pack("!BH", kind, len(value)) + value
    body = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", 40000, 25) + tlvs
    return b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + struct.pack("!H", len(body)) + body


class Tls:
    """A client's side of TLS on bytes that somebody else moves."""

    def __init__(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wire_in, self.wire_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.end = context.wrap_bio(self.wire_in, self.wire_out)
        self.over = False

    def shake(self, data):
        """What to send; whether hands are shaken. Raises ssl.SSLError."""
        self.wire_in.write(data)
        try:
            self.end.do_handshake()
            return self.wire_out.read(), True
        except ssl.SSLWantReadError:
            return self.wire_out.read(), False

    def plain(self, data):
        """What was said, and a word when it is over: by the server's goodbye (close_notify), an alert, or plain text."""
        if self.over:
            return readable(data)
        heard = b""
        self.wire_in.write(data)
        try:
            while more := self.end.read():
                heard += more
        except ssl.SSLWantReadError:
            return heard
        except ssl.SSLError as error:
            heard += f"<{error.reason}>\n".encode() + readable(data) * (error.reason == "WRONG_VERSION_NUMBER")
        else:
            heard += b"<end of TLS>\n"
            self.say_goodbye()
        self.over = True
        return heard

    def say_goodbye(self):
        with contextlib.suppress(ssl.SSLError):
            self.end.unwrap()

    def wire(self, data):
        self.end.write(data)
        return self.wire_out.read()


def readable(data):
    """Alerts that no TLS takes."""
    return ALERT.sub(lambda m: b"<alert 3.%d %d %d>\n" % (m[1][0], m[2][0], m[3][0]), data)


class Talk:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.heard, self.eof, self.finished = b"", False, False
        self.tls = None
        self.waited = []  # seconds, for each answer

    async def octets(self, timeout_s):
        """b"": nothing in time, or never again."""
        try:
            data = await asyncio.wait_for(self.reader.read(65536), timeout_s)
        except asyncio.TimeoutError:
            return b""
        except ConnectionError:
            data = b""
        self.eof = self.eof or not data
        return data

    async def read(self, timeout_s):
        data = await self.octets(timeout_s)
        self.heard += self.tls.plain(data) if self.tls else readable(data)
        if self.tls and (goodbye := self.tls.wire_out.read()):
            await self.write(goodbye)
        return bool(data)

    async def shake_hands(self):
        """If the server agreed: a refused ClientHello would be heard as commands, each time others."""
        if not re.search(rb"(?m)^220 [^\n]*\n\Z", self.heard):
            self.heard += b"<no TLS: refused>\n"
            return
        tls, done, data = Tls(), False, b""
        try:
            while not done and not self.eof:
                out, done = tls.shake(data)
                await self.write(out)
                data = b"" if done else await self.octets(ANSWER_S)
            self.heard += b"<TLS>\n" if done else b"<no TLS>\n"
        except ssl.SSLError as error:
            self.heard += f"<no TLS: {error.reason}>\n".encode()
        self.tls = tls if done else None

    async def answer(self, count):
        """Until that many answers in all were heard, or nothing more comes."""
        while not self.eof and len(FINAL.findall(self.heard)) < count and await self.read(ANSWER_S):
            pass
        return len(FINAL.findall(self.heard))

    async def send(self, data):
        await self.write(self.tls.wire(data) if self.tls and not self.tls.over else data)

    async def write(self, data):
        if self.finished:
            return
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    def finish(self):
        self.finished = True
        self.writer.write_eof()

    async def send_slowly(self, data):
        third = max(1, len(data) // 3)
        for at in range(0, len(data), third):
            await self.send(data[at : at + third])
            await asyncio.sleep(0.01)


async def hold(talk, mode, todo, patience_s):
    count = await talk.answer(1)
    if mode == "burst":
        await talk.send(b"".join(data for data, _ in todo))
    else:
        send = talk.send if mode == "one" else talk.send_slowly
        for data, awaited in todo:
            if talk.tls and talk.tls.over:
                break
            if data is SHAKE:
                await talk.shake_hands()
                continue
            if data is GOODBYE:
                talk.tls.say_goodbye()
                await talk.write(talk.tls.wire_out.read())
                talk.finish()
                continue
            start = asyncio.get_running_loop().time()
            await send(data)
            if awaited:
                count = await talk.answer(count + 1)
                talk.waited.append(round(asyncio.get_running_loop().time() - start, 2))
    # A server that says goodbye closes by itself; one that waits for more is told that there is none.
    while not talk.eof and await talk.read(patience_s or (4.0 if mode == "burst" else 0.25)):
        pass
    closed = talk.eof
    if not talk.eof and not talk.finished:
        talk.finish()
        while not talk.eof and await talk.read(5.0):
            pass
    return closed


async def converse(args, name, mode, todo, room):
    async with room:
        for attempt in range(3):
            try:
                reader, writer = await asyncio.open_connection(
                    args.address, args.port, local_addr=(args.source, 0), limit=1 << 20
                )
                break
            except ConnectionError:
                if attempt == 2:
                    raise
                await asyncio.sleep(1)
        talk = Talk(reader, writer)
        if args.look:
            await talk.send(proxy_header(args.look))
        start = asyncio.get_running_loop().time()
        closed = await hold(talk, mode, todo, PATIENCE_S.get(args.kind))
        took = asyncio.get_running_loop().time() - start
        writer.close()
        return f"{name} ({mode})", {"heard": talk.heard.decode("latin-1"), "closed": closed, "took": round(took, 1),
                                    "waited": talk.waited if name.startswith("late: ") else []}  # fmt: skip


async def hold_all(args):
    room = asyncio.Semaphore(AT_ONCE)
    jobs = [
        converse(args, name, mode, todo, room)
        for name, modes, todo in conversations(args.file, args.server, args.kind)
        for mode in modes
        if (not args.only or re.search(args.only, name)) and (not args.mode or mode == args.mode)
    ]
    return dict(await asyncio.gather(*jobs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", default=pathlib.Path(__file__).with_name("smtp_conversations.txt"))
    parser.add_argument("--server", required=True, help="postfix, sendmail or exim: which conversations")
    parser.add_argument("--kind", default="base", choices=KINDS)
    parser.add_argument("--look", help="speak PROXY v2 and ask for this look")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=25)
    parser.add_argument("--source", default="198.51.100.7")
    parser.add_argument("--only", help="names that match")
    parser.add_argument("--mode")
    print(json.dumps(asyncio.run(hold_all(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
