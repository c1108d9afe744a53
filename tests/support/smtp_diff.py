#!/usr/bin/python3
"""smtp_diff - a real mail server and relaytrap's look of it hold the same conversations; prints where they differ.

Runs in a network namespace of its own (`unshare --net`, or `iso`): it gives addresses to the loopback there. What
differs between any two machines is made equal: queue ids, dates, versions and challenges.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import relay_rig
import smtp_oracle

HERE = pathlib.Path(__file__).parent
NAMES, REAL, PEER = "203.0.113.53", "203.0.113.25", "198.51.100.7"
START_S, TALK_S = 30, 240
AUTH, TLS = ("auth", "authtls"), ("tls", "authtls")  # the kinds of conversation for which a server offers it
TRIES, EARLY_S = 3, 0.1  # an answer's lateness: measurements of it, and how much less than a second is one
OPTIONS = {
    "postfix": ["--message.max=10240000"],
    "sendmail": [],
    "exim": ["--message.max=52428800"],
}
# Nobody waits an hour for Sendmail: for these conversations the real one and ours are given the same few seconds.
SHORT_OF_PATIENCE = {
    "postfix": "smtpd_timeout = 4s",
    "sendmail": "define(`confTO_COMMAND', `4s')define(`confTO_DATABLOCK', `4s')dnl",
    "exim": "smtp_receive_timeout = 4s",
}
SAME = [
    (r"queued as [0-9A-F]{6,}", "queued as ID"),
    (r"\b\d\w{13} Message accepted", "ID Message accepted"),
    (r"\b[0-9A-Za-z]{14} Message accepted", "ID Message accepted"),
    (r"id=\w{6}-\w{6}-\w{2}", "id=ID"),
    (r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d (GMT|\+0000)", "DATE"),
    (r"334 PD\S+", "334 CHALLENGE"),
    (r"Sendmail [\d./]+;", "Sendmail V;"),
    (r"sendmail version [\d.]+", "sendmail version V"),
    (r"Exim [\d.]+ ", "Exim V "),
]


def python(name, *words, **more):
    return subprocess.Popen([sys.executable, str(HERE / name), *map(str, words)], **more)


def wait_for_port(address, port):
    end = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((address, port), 2).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def children(pid):
    return [int(n) for n in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def end(process):
    """It and what it started: the first process of a namespace takes the rest along."""
    pids = [process.pid]
    for pid in pids:
        with contextlib.suppress(OSError):
            pids += children(pid)
    for pid in reversed(pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def real_server(args):
    words = ["--serve", args.server, "--address", REAL] + ["--auth"] * (args.kind in AUTH) + ["--tls"] * (args.kind in TLS)
    words += ["--option", SHORT_OF_PATIENCE[args.server]] if args.kind == "idle" else []
    started = [python("smtp_dns.py", NAMES), python("smtp_oracle.py", *words)]
    try:
        wait_for_port(REAL, 25)
        yield
    finally:
        for process in started:
            end(process)


def rig(args):
    user, password = smtp_oracle.SECRET
    auth = ["--auth.offer=on", f"--auth.weak={user}:{password}"] if args.kind in AUTH else []
    options = ["--listen.proxy=required", *OPTIONS[args.server], *auth]
    options += ["--tls.sessions=0"] * (args.kind not in TLS)
    options += ["--idle.max=4"] * (args.kind == "idle")
    return relay_rig.Rig(args.binaries, options=options)


def talk(args, output, *words):
    more = [f"--only={args.only}"] if args.only else []
    more += [f"--mode={args.mode}"] if args.mode else []
    return python("smtp_talk.py", "--server", args.server, "--kind", args.kind, *words, *more, stdout=output)


def make_certificate(args, ours):
    """A decoy's first client waits for it; the real servers have theirs."""
    first = argparse.Namespace(**{**vars(args), "only": "^(ehlo before and after tls|auth inside tls)$"})
    talk(first, subprocess.DEVNULL, *ours).wait(TALK_S)


def talk_to_both(args, ours):
    with tempfile.TemporaryFile() as a, tempfile.TemporaryFile() as b:
        talks = [talk(args, a, "--address", REAL), talk(args, b, *ours)]
        for process in talks:
            if process.wait(TALK_S) != 0:
                raise relay_rig.RigError("a conversation broke off")
        a.seek(0), b.seek(0)
        return json.load(a), json.load(b)


def late(result):
    """How late each answer was, in whole seconds: a loaded machine adds to what a server waits, never takes away."""
    return [int(seconds + EARLY_S) for seconds in result["waited"]]


def keep_shorter(found, again):
    for old, new in zip(found, again):
        for name in new:
            old[name]["waited"] = [min(pair) for pair in zip(old[name]["waited"], new[name]["waited"])]


def both(args):
    """What the real one and the look said: {name: {"heard": ..., "closed": ...}} of each."""
    for address in (NAMES, REAL, PEER):
        subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with real_server(args), rig(args) as relay:
        ours = ["--address", relay_rig.IP, "--port", relay.port, "--look", args.look, "--source", "127.0.0.1"]
        if args.kind in TLS:
            make_certificate(args, ours)
        found = talk_to_both(args, ours)
        for _ in range(TRIES - 1):
            again = [name for name in found[0] if late(found[0][name]) != late(found[1][name])]
            if again:
                only = "^(" + "|".join(re.escape(name.rpartition(" (")[0]) for name in again) + ")$"
                keep_shorter(found, talk_to_both(argparse.Namespace(**{**vars(args), "only": only}), ours))
        return found


def normal(result):
    text = result["heard"]
    for pattern, same in SAME:
        text = re.sub(pattern, same, text)
    return text, result["closed"], late(result)


def differences(real, ours):
    """[(name, real, ours)], normalised"""
    return [(name, normal(real[name]), normal(ours[name])) for name in real if normal(real[name]) != normal(ours[name])]


def show(name, real, ours):
    print(f"---- {name}")
    a, b = real[0].splitlines(), ours[0].splitlines()
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    for mark, lines, result in (("real", a, real), ("ours", b, ours)):
        end = ("" if result[1] else " (left open)") + (f" seconds: {result[2]}" if result[2] else "")
        print(f"  {mark}: line {at}: {lines[at : at + 3]}{end}"[:700])
    if at > 0:
        print(f"  behind: {a[at - 1]}"[:300])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, choices=smtp_oracle.PACKAGES)
    parser.add_argument("--look", help="default: the server's name")
    parser.add_argument("--kind", default="base")
    parser.add_argument("--binaries", default=relay_rig.ROOT / "build" / "gcc" / "bin")
    parser.add_argument("--only")
    parser.add_argument("--mode")
    args = parser.parse_args()
    args.look = args.look or args.server
    real, ours = both(args)
    found = differences(real, ours)
    for name, *pair in found:
        show(name, *pair)
    slowest = max(real, key=lambda name: real[name]["took"])
    print(f"{len(real)} conversations, {len(found)} differ; slowest: {slowest}, {real[slowest]['took']} s")
    return 1 if found or not real else 0


if __name__ == "__main__":
    sys.exit(main())
