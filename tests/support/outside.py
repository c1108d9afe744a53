"""outside - what the courier finds when it goes out: a namespace with a name server and a real Postfix.

    the caller's namespace                NAME
    NAME0 198.51.100.1/24 ========= eth0 198.51.100.25 ..., .53

Postfix comes from Debian's package, unpacked and not installed (its package would start a server on this machine), and
keeps all mail in one Maildir. Each address is a server of another kind: see SERVERS.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from unpacked import unpacked

HERE_IP, DNS_IP = "198.51.100.1", "198.51.100.53"
NOBODY = 65534
SERVERS = {  # host: (address, what its smtpd does differently)
    "mx.tls": ("198.51.100.25", "-o smtpd_tls_security_level=may"),
    "mx.plain": ("198.51.100.26", ""),
    "mx.grey": ("198.51.100.27", "-o smtpd_recipient_restrictions=check_recipient_access,texthash:{dir}/grey,permit"),
    "mx.slow": ("198.51.100.28", "-o smtpd_end_of_data_restrictions=sleep,8,permit"),
    "mx.oldtls": ("198.51.100.31", "-o smtpd_tls_security_level=may -o smtpd_tls_protocols=TLSv1"),
    "mx.refusing": ("198.51.100.30", "-o smtpd_recipient_restrictions=reject"),
}
CLOSED_IP = "198.51.100.29"  # a machine without a server
DOMAINS = {  # domain: (preference, host) ...
    "dropbox.example": [(10, "mx.tls")],
    "plain.example": [(10, "mx.plain")],
    "grey.example": [(10, "mx.grey")],
    "slow.example": [(10, "mx.slow")],
    "oldtls.example": [(10, "mx.oldtls")],
    "refusing.example": [(10, "mx.refusing")],
    "second.example": [(20, "mx.plain"), (10, "mx.closed")],
    "closed.example": [(10, "mx.closed")],
    "inside.example": [(10, "mx.inside")],
    "null.example": [(0, ".")],
    "ours.example": [(10, "mx.ours")],
}
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = {dir}/etc
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.outside.example
mydestination =
mynetworks =
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 100
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_received_header = yes
smtpd_client_restrictions =
maillog_file = /dev/stdout
"""
MASTER_CF = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostfix:x:64201:64201::/:/bin/false\n"
GROUP = "root:x:0:\nnogroup:x:65534:\npostfix:x:64201:\npostdrop:x:64202:\n"
QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace"


def run(*words):
    subprocess.run([str(w) for w in words], check=True, capture_output=True)


class Outside:
    """Use as a context."""

    def __init__(self, name="outside"):
        self.name, self.children = name, []

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="outside-"))
        self.dir.chmod(0o755)
        try:
            self.make_net()
            self.start_dns()
            self.start_postfix()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True)
        for pid in done.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for child in self.children:
            child.wait(20)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", f"{self.name}0"], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def make_net(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", f"{self.name}0", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{HERE_IP}/24", "dev", f"{self.name}0")
        run("ip", "link", "set", f"{self.name}0", "up")
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        for ip in [DNS_IP, CLOSED_IP] + [ip for ip, _ in SERVERS.values()]:
            run("ip", "-n", self.name, "addr", "add", f"{ip}/24", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")

    def start(self, *words, out):
        words = ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.name, *words]
        with open(out, "ab") as log:
            self.children.append(
                subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    def start_dns(self):
        hosts = {name: ip for name, (ip, _) in SERVERS.items()} | {"mx.closed": CLOSED_IP, "mx.inside": "10.1.2.3", "mx.ours": "203.0.113.40"}
        records = [f"--host-record={name}.example,{ip}" for name, ip in hosts.items()]
        records += [
            f"--mx-host={domain},{host if host == '.' else host + '.example'},{preference}"
            for domain, servers in DOMAINS.items()
            for preference, host in servers
        ]
        self.start(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
            f"--listen-address={DNS_IP}", "--bind-interfaces", "--pid-file", "--local=/example/", *records,
            out=self.dir / "dns.log",
        )  # fmt: skip

    # -- Postfix --

    def start_postfix(self):
        self.write_config()
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.outside.example",
            "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem")  # fmt: skip
        usr = unpacked("postfix") / "usr"
        # Its own /usr lies over this machine's, and its users are known, in its mount namespace only.
        script = f"""
            mount -t overlay overlay -o lowerdir={usr}:/usr /usr
            mount --bind {self.dir}/passwd /etc/passwd
            mount --bind {self.dir}/group /etc/group
            export MAIL_CONFIG={self.dir}/etc
            exec /usr/lib/postfix/sbin/master -c {self.dir}/etc -i
        """
        self.start(
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", script,
            out=self.log,
        )  # fmt: skip
        end = time.monotonic() + 20
        while "daemon started" not in self.log.read_text():
            if time.monotonic() > end or self.children[-1].poll() is not None:
                raise RuntimeError(f"Postfix does not start: {self.log.read_text()}")
            time.sleep(0.05)

    def write_config(self):
        for name in ["etc", "data", "mail", "queue", "queue/pid", "queue/public", "queue/maildrop"]:
            (self.dir / name).mkdir()
        for name in QUEUES.split():
            (self.dir / "queue" / name).mkdir()
        for name in ["data", *(f"queue/{n}" for n in [*QUEUES.split(), "public", "maildrop"])]:
            os.chown(self.dir / name, 64201, 64202 if name.endswith(("public", "maildrop")) else 64201)
        os.chown(self.dir / "mail", NOBODY, NOBODY)
        (self.dir / "passwd").write_text(PASSWD)
        (self.dir / "group").write_text(GROUP)
        self.set_grey("DEFER not yet")
        text = MAIN_CF.format(dir=self.dir, domains=", ".join(DOMAINS), uid=NOBODY)
        (self.dir / "etc" / "main.cf").write_text(text)
        lines = [
            f"{ip}:smtp inet n - n - - smtpd\n  -o max_use=1\n" + f"  {words.format(dir=self.dir)}\n" * bool(words)
            for ip, words in SERVERS.values()
        ]
        (self.dir / "etc" / "master.cf").write_text("".join(lines) + MASTER_CF)

    def set_grey(self, action):
        """What mx.grey answers to mail for grey.example."""
        (self.dir / "grey").write_text(f"grey.example {action}\n")

    # -- what came --

    @property
    def log(self):
        return self.dir / "mail.log"

    def inbox(self):
        """The mails that were delivered, each as Postfix keeps it."""
        return [path.read_bytes() for path in sorted((self.dir / "mail" / "inbox" / "new").glob("*"))]

    def delivered(self, recipient):
        """How often Postfix delivered to that recipient, as its log counts."""
        return sum(f"to=<{recipient}>" in line and "status=sent" in line for line in self.log.read_text().splitlines())

    def connections(self):
        """SMTP sessions that anybody opened."""
        return sum(" connect from " in line for line in self.log.read_text().splitlines())
