"""spam TARGET:PORT[,...] --clients N --seconds S [--size BYTES] [--name TEXT] - mails, one a connection, each of them unique.

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

PATIENCE_S = 30


def mail(name, number, size):
    head = f"Subject: {name} {number}\r\nFrom: seller@spam.example\r\nMessage-ID: <{name}.{number}@spam.example>\r\n\r\n"
    lines = "Buy now, it is cheap and nobody knows.\r\n" * (max(0, size - len(head)) // 40 + 1)
    return (head + lines).encode()


class Refused(Exception):
    pass


async def reply(reader, good):
    while True:
        line = await asyncio.wait_for(reader.readline(), PATIENCE_S)
        if not line:
            raise EOFError
        if not re.match(rb"\d{3}[ -]", line):
            raise Refused(f"garbage {line[:40]!r}")
        if line[3:4] == b" ":
            break
    if line[:1] != good:
        raise Refused(line[:3].decode())


async def say(writer, reader, text, good=b"2"):
    writer.write(text)
    await asyncio.wait_for(writer.drain(), PATIENCE_S)
    await reply(reader, good)


async def deliver(host, port, message):
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), PATIENCE_S)
    try:
        await reply(reader, b"2")
        await say(writer, reader, b"EHLO spam.example\r\n")
        await say(writer, reader, b"MAIL FROM:<seller@spam.example>\r\n")
        await say(writer, reader, b"RCPT TO:<victim@mail.example>\r\n")
        await say(writer, reader, b"DATA\r\n", b"3")
        await say(writer, reader, message + b".\r\n")
        writer.write(b"QUIT\r\n")
    finally:
        writer.close()


async def one(host, port, message):
    start = time.monotonic()
    try:
        await deliver(host, port, message)
        how = "250"
    except Refused as e:
        how = str(e)
    except EOFError:
        how = "eof"
    except ConnectionResetError:
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
        result = await one(host, int(port), mail(args.name, next(numbers), args.size))
        print(json.dumps(result), flush=True)
        if result[2] != "250":
            await asyncio.sleep(0.2)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("targets")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--name", default=f"mail{time.time_ns()}")
    args = parser.parse_args()
    numbers = iter(range(10**9))
    end = time.monotonic() + args.seconds
    await asyncio.gather(*(client(args, args.targets.split(","), numbers, end) for _ in range(args.clients)))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
