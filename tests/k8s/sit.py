"""sit TARGET:PORT[,...] --sessions N --seconds S - sessions in progress: half of them between mails, half within one.

Each says something every second: NOOP, or a line of its mail. Prints JSON lines [what, "sits"] when one has begun, and
[what, how] when it has ended: the last reply before the server closed, "over" when S was over first, else reset or eof.
"""

import argparse
import asyncio
import json
import sys
import time

OPENING = ["EHLO sitter.example", "MAIL FROM:<a@sitter.example>", "RCPT TO:<b@mail.example>", "DATA"]


async def reply(reader, patience=30):
    while True:
        line = (await asyncio.wait_for(reader.readline(), patience)).decode(errors="replace").strip()
        if not line or line[3:4] != "-":
            return line


async def begin(reader, writer, within):
    last = await reply(reader)
    for words in OPENING if within else OPENING[:1]:
        writer.write(words.encode() + b"\r\n")
        last = await reply(reader)
    if last[:3] != ("354" if within else "250"):
        raise ValueError(last)


async def go_on(reader, writer, within, end):
    """The last reply but those to NOOP, or "" when the server just closed."""
    said = ""
    while time.monotonic() < end:
        writer.write(b"one more line\r\n" if within else b"NOOP\r\n")
        pause = time.monotonic() + 1
        while (left := pause - time.monotonic()) > 0:
            try:
                line = await reply(reader, left)
            except asyncio.TimeoutError:
                break
            except ConnectionError:
                return said or "reset"
            if not line:
                return said or "eof"
            said = "" if line.startswith("250") else line
    return "over"


async def sit(target, within, seconds):
    what = "mail" if within else "noop"
    host, _, port = target.partition(":")
    end = time.monotonic() + seconds
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 30)
        await begin(reader, writer, within)
        print(json.dumps([what, "sits"]), flush=True)
        how = await go_on(reader, writer, within, end)
        writer.close()
    except (OSError, ValueError, asyncio.TimeoutError) as e:
        how = f"did not begin: {e!r}"
    print(json.dumps([what, how]), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("targets")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    targets = args.targets.split(",")
    await asyncio.gather(*(sit(targets[n % len(targets)], n % 2 == 1, args.seconds) for n in range(args.sessions)))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
