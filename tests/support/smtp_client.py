#!/usr/bin/python3
"""smtp_client - Exim or Sendmail of Debian 12 as a client: takes a message from stdin and delivers it at once.

    smtp_client.py exim --to 203.0.113.10 a@spam.example b@victim.example <message

The same roots as smtp_oracle's servers, in namespaces of their own. Ends with status 0 when the peer took the mail.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import smtp_oracle

NOWHERE = "127.0.0.2"  # no daemon is started: nothing listens there


def prepare_exim(root, args):
    smtp_oracle.prepare_exim(root, args)
    path = root / "etc/exim4/exim4.conf"
    text = path.read_text().replace("queue_only\n", "").replace("* 203.0.113.99", f"* {args.to}")
    path.write_text(text.replace("host_lookup = *\n", "untrusted_set_sender = *\nlocal_from_check = false\n"))
    return ["/usr/sbin/exim4", "-C", "/etc/exim4/exim4.conf", "-odf", "-oi", "-f", args.sender, args.recipient]


def prepare_sendmail(root, args):
    args.option = [
        "define(`confDELIVERY_MODE', `i')dnl", f"define(`SMART_HOST', `esmtp:[{args.to}]')dnl",
        "define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl", "FEATURE(`nocanonify')dnl",
        "FEATURE(`accept_unresolvable_domains')dnl",
    ]  # fmt: skip
    smtp_oracle.prepare_sendmail(root, args)
    smtp_oracle.write(root / "etc/mail/service.switch", "hosts\tfiles\n")  # there is no name server
    cf = "-C/etc/mail/sendmail.cf"
    return ["/usr/libexec/sendmail/sendmail", cf, "-v", "-odi", "-i", "-f", args.sender, args.recipient]


PREPARE = {"exim": prepare_exim, "sendmail": prepare_sendmail}
# Where each keeps what it could not deliver.
QUEUES = {"exim": "var/spool/exim4/input", "sendmail": "var/spool/mqueue"}


def deliver(args):
    """Inside the namespaces."""
    root = smtp_oracle.fetch(args.client)
    for folder in ("etc", "var", "run", "tmp"):
        smtp_oracle.into_memory(root / folder)
    smtp_oracle.mount("--rbind", "/dev", root / "dev")
    smtp_oracle.mount("-t", "proc", "proc", root / "proc")
    os.umask(0o022)
    smtp_oracle.common_etc(root, args.address)
    argv = PREPARE[args.client](root, args)
    subprocess.run(["hostname", smtp_oracle.HOST], check=True)
    env = {"PATH": "/usr/sbin:/usr/bin"}
    done = subprocess.run(["chroot", root, *argv], stdin=sys.stdin.buffer, env=env)
    left = [p for p in (root / QUEUES[args.client]).rglob("*") if p.is_file()]
    if left:
        print("left in the queue:", *left, file=sys.stderr)
        for log in (root / "var/log").rglob("*log"):
            print(log.read_text(errors="replace"), file=sys.stderr)
    return 1 if done.returncode or left else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", choices=PREPARE)
    parser.add_argument("--to", required=True, help="address of the server; the port is 25")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("sender")
    parser.add_argument("recipient")
    args = parser.parse_args()
    args.address, args.auth, args.tls, args.option = NOWHERE, False, False, []
    if args.inside:
        sys.exit(deliver(args))
    smtp_oracle.fetch(args.client)
    words = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private",
             sys.executable, pathlib.Path(__file__), "--inside", *sys.argv[1:]]  # fmt: skip
    os.execvp(words[0], [str(w) for w in words])


main()
