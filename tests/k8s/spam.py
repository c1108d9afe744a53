"""spam TARGET:PORT[,...] --clients N --seconds S [--size BYTES] [--pause S] [--patience S] - mails, one a connection, each of them unique.

Prints one JSON line a mail: [seconds since the epoch when it ended, milliseconds that it took, how it ended, SHA-256].
How: "250" when it was taken, else the reply that refused it ("421"), or eof, reset, refused, timeout, unreachable.
"""

import argparse
import asyncio
import errno
import hashlib
import json
import random
import re
import sys
import time


def mail(name, number, size):
    head = f"Subject: {name} {number}\r\nFrom: seller@spam.example\r\nMessage-ID: <{name}.{number}@spam.example>\r\n\r\n"
    lines = "Buy now, it is cheap and nobody knows.\r\n" * (max(0, size - len(head)) // 40 + 1)
    return (head + lines).encode()


class Refused(Exception):
    pass


class Session:
    def __init__(self, patience):
        self.patience = patience

    async def wait(self, what):
        return await asyncio.wait_for(what, self.patience)

    async def reply(self, good):
        while True:
            line = await self.wait(self.reader.readline())
            if not line:
                raise EOFError
            if not re.match(rb"\d{3}[ -]", line):
                raise Refused(f"garbage {line[:40]!r}")
            if line[3:4] == b" ":
                break
        if line[:1] != good:
            raise Refused(line[:3].decode())

    async def say(self, text, good=b"2"):
        self.writer.write(text)
        await self.wait(self.writer.drain())
        await self.reply(good)

    async def deliver(self, host, port, message):
        self.reader, self.writer = await self.wait(asyncio.open_connection(host, port))
        try:
            await self.reply(b"2")
            await self.say(b"EHLO spam.example\r\n")
            await self.say(b"MAIL FROM:<seller@spam.example>\r\n")
            await self.say(b"RCPT TO:<victim@mail.example>\r\n")
            await self.say(b"DATA\r\n", b"3")
            await self.say(message + b".\r\n")
            self.writer.write(b"QUIT\r\n")
        finally:
            self.writer.close()


async def one(host, port, message, patience):
    start = time.monotonic()
    try:
        await Session(patience).deliver(host, port, message)
        how = "250"
    except Refused as e:
        how = str(e)
    except EOFError:
        how = "eof"
    except (ConnectionResetError, BrokenPipeError):
        how = "reset"
    except ConnectionRefusedError:
        how = "refused"
    except (TimeoutError, asyncio.TimeoutError):
        how = "timeout"
    except OSError as e:
        how = "unreachable" if e.errno == errno.EHOSTUNREACH else f"error {e.errno}"
    return [round(time.time(), 3), round(1000 * (time.monotonic() - start), 1), how, hashlib.sha256(message).hexdigest()]


async def client(args, targets, numbers, end):
    while time.monotonic() < end:
        host, _, port = random.choice(targets).partition(":")
        result = await one(host, int(port), mail(args.name, next(numbers), args.size), args.patience)
        print(json.dumps(result), flush=True)
        await asyncio.sleep(args.pause if result[2] == "250" else max(args.pause, 0.2))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("targets")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--name", default=f"mail{time.time_ns()}")
    parser.add_argument("--pause", type=float, default=0, help="seconds between a client's mails")
    parser.add_argument("--patience", type=float, default=30, help="seconds that a client waits for anything")
    args = parser.parse_args()
    numbers = iter(range(10**9))
    end = time.monotonic() + args.seconds
    await asyncio.gather(*(client(args, args.targets.split(","), numbers, end) for _ in range(args.clients)))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
