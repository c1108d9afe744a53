#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smtp_nmap - what nmap makes of relaytrap's look and of the real server beside it, in one network namespace.

Prints nmap's own lines of both; where there is no real server (--look alone), only ours.
"""

import argparse
import concurrent.futures
import contextlib
import re
import subprocess
import sys

import relay_rig
import smtp_diff
import smtp_oracle

OURS = "203.0.113.26"
SCRIPTS = "smtp-open-relay,smtp-commands,smtp-enum-users"
NMAP_S = 120


def nmap(address, *words):
    done = subprocess.run(["nmap", "-n", "-Pn", "-p", "25", *words, address], capture_output=True, text=True,
                          timeout=NMAP_S, check=True)  # fmt: skip
    return done.stdout.replace(address, "HOST")


def version(address):
    """nmap's word for the service, without its number."""
    found = re.search(r"^25/tcp\s+open\s+\S+\s+(.*)$", nmap(address, "-sV"), re.M)
    return found[1].strip() if found else ""


def scripts(address):
    """The scripts' blocks, each whole, without what two machines of a kind differ in."""
    text = nmap(address, "-d", "--script", SCRIPTS)
    lines = [re.sub(r"[Ss]endmail (version )?[\d./]+", "sendmail V", line) for line in text.splitlines()]
    lines = [re.sub(r"failed to receive data: .*", "failed to receive data", line) for line in lines]  # FIN or RST
    blocks = "\n".join(line for line in lines if line.startswith("|"))
    return sorted(re.split(r"\n(?=\|[_ ]\S)", blocks))


@contextlib.contextmanager
def front(look, port):
    words = ["--address", OURS, "--relay-port", port, "--look", look]
    process = smtp_diff.python("smtp_front.py", *words)
    try:
        smtp_diff.wait_for_port(OURS, 25)
        yield
    finally:
        smtp_diff.end(process)


def addresses():
    """Real server, our look and names on the loopback of this namespace; who looks at them comes from elsewhere."""
    for address in (smtp_diff.NAMES, smtp_diff.REAL, OURS, smtp_diff.PEER):
        subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (smtp_diff.REAL, OURS):
        words = ["local", address, "dev", "lo", "table", "local", "src", smtp_diff.PEER]
        subprocess.run(["ip", "route", "replace", *words], check=True)


def arguments(text):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--look", required=True)
    parser.add_argument("--server", choices=smtp_oracle.PACKAGES, help="the real one to look at too")
    parser.add_argument("--binaries", default=relay_rig.ROOT / "build" / "gcc" / "bin")
    return parser.parse_args()


def main():
    args = arguments(__doc__)
    args.kind = "base"
    addresses()
    with contextlib.ExitStack() as stack:
        if args.server:
            stack.enter_context(smtp_diff.real_server(args))
        options = ["--listen.proxy=required", "--tls.sessions=0", *smtp_diff.OPTIONS.get(args.look, [])]
        relay = stack.enter_context(relay_rig.Rig(args.binaries, options=options))
        stack.enter_context(front(args.look, relay.port))
        looks = [OURS] + [smtp_diff.REAL] * bool(args.server)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            versions, found = pool.map(version, looks), list(pool.map(scripts, looks))
        print("version " + "\nreal version ".join(versions))
        ours, real = found[0], found[-1]
        print("\n".join(ours))
        print("same" if real == ours else "\n".join(["real:", *real]))
        return 0 if real == ours else 1


if __name__ == "__main__":
    sys.exit(main())
