#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smtp_tls - what TLS relaytrap's look and the real server beside it speak, as nmap's ssl-enum-ciphers and openssl's
client find it: versions, ciphers, order, key sizes, groups, a wish for the client's certificate.

Prints ours, then "same" or what the real one has.
"""

import concurrent.futures
import contextlib
import re
import subprocess
import sys

import relay_rig
import smtp_diff
import smtp_nmap

GROUPS = ("X25519", "X448", "P-256", "P-384", "P-521", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")
VERSIONS = ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3")
CLIENT_S = 30


def ciphers(address):
    """nmap's block, without grades."""
    text = smtp_nmap.nmap(address, "--script", "ssl-enum-ciphers")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [re.sub(r" - \w$", "", line) for line in lines]


def client(address, *words):
    done = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"{address}:25", "-cipher",
                           "ALL:@SECLEVEL=0", *words], input="QUIT\r\n", capture_output=True, text=True,
                          errors="replace", timeout=CLIENT_S)  # fmt: skip
    return done.stdout


def agreed(address, *words):
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", client(address, *words), re.M)
    return "nothing" if not found or found[2] == "(NONE)" else found[2]


def key(address, *words):
    found = re.search(r"^Server Temp Key: (.*)$", client(address, *words), re.M)
    return found[1] if found else "none"


def habits(address):
    """What openssl's client is offered when it has everything, and when it has one group only."""
    asked = "Acceptable client certificate CA names" in client(address)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        versions = pool.map(lambda version: f"{version}: {agreed(address, version)}, {key(address, version)}", VERSIONS)
        groups = pool.map(lambda name: f"{name}: {key(address, '-groups', name)}", GROUPS)
        return [f"certificate asked for: {asked}", *versions, *groups]


def found(address):
    return ciphers(address) + habits(address)


def main():
    args = smtp_nmap.arguments(__doc__)
    args.kind = "tls"
    smtp_nmap.addresses()
    with contextlib.ExitStack() as stack:
        if args.server:
            stack.enter_context(smtp_diff.real_server(args))
        options = ["--listen.proxy=required", "--source.sessions=1000"]
        relay = stack.enter_context(relay_rig.Rig(args.binaries, options=options))
        stack.enter_context(smtp_nmap.front(args.look, relay.port))
        client(smtp_nmap.OURS)  # a decoy's certificate is made for the first who wants it
        with concurrent.futures.ThreadPoolExecutor() as pool:
            ours, *real = pool.map(found, [smtp_nmap.OURS] + [smtp_diff.REAL] * bool(args.server))
    print("\n".join(ours))
    same = not real or ours == real[0]
    print("same" if same else "\n".join(["real:", *real[0]]))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
