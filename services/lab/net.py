"""net - the namespaces and links of one lab.

    NAME-attacker                       NAME-gateway                 the host
    eth0 203.0.113.1/24 ===== wire ===== wire0 (no address)
                                         core0 198.18.N.2/30 ------- NAMEcore 198.18.N.1/30

With a bad link a third namespace, NAME-link, lies in the wire and `badlink` bridges its two ends (a0, b0).
Nothing leads out: no default route anywhere, and forwarding is off on both sides of the wire.
"""

import json
import subprocess

ATTACKER_IP = "203.0.113.1"
MAIN = "hs"
NUMBER_MAX = 239  # 198.18.240.0/24 belongs to docker/compose.yaml

# The gateway's kernel must stay silent: it has no address on the wire, answers no ARP there and forwards nothing.
GATEWAY_SYSCTL = (
    "net.ipv4.ip_forward=0", "net.ipv4.conf.wire0.forwarding=0", "net.ipv4.conf.wire0.arp_ignore=1",
    "net.ipv4.conf.wire0.rp_filter=1", "net.ipv4.conf.all.rp_filter=1", "net.ipv6.conf.all.disable_ipv6=1",
)  # fmt: skip
PEER_SYSCTL = ("net.ipv4.ip_forward=0", "net.ipv6.conf.all.disable_ipv6=1")
# Raw readers must see finished checksums and packets no longer than the wire's.
OFFLOADS = ("tx", "rx", "tso", "gso", "gro", "lro")


class NetError(Exception):
    pass


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        raise NetError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def quietly(*argv):
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def namespaces():
    return {row["name"] for row in json.loads(run("ip", "-j", "netns", "list") or "[]")}


def numbers_in_use():
    """The N of every 198.18.N.x that the host already has."""
    rows = json.loads(run("ip", "-j", "-4", "addr", "show") or "[]")
    locals_ = [a.get("local", "") for row in rows for a in row.get("addr_info", ())]
    return {int(a.split(".")[2]) for a in locals_ if a.startswith("198.18.")}


def free_number(name):
    """The main lab's is always 1, so that its addresses can be written down."""
    if name == MAIN:
        return 1
    taken = numbers_in_use()
    return next(n for n in range(2, NUMBER_MAX + 1) if n not in taken)


class Net:
    def __init__(self, name, number):
        self.name, self.number = name, number
        self.attacker, self.gateway, self.link = f"{name}-attacker", f"{name}-gateway", f"{name}-link"
        self.core = f"{name}core"
        self.host_ip, self.gateway_ip = f"198.18.{number}.1", f"198.18.{number}.2"
        self.core_network = f"198.18.{number}.0/30"
        self.api_ip = f"127.0.0.{number}"

    def up(self, bad_link=False):
        for ns in [self.attacker, self.gateway] + [self.link] * bad_link:
            run("ip", "netns", "add", ns)
            run("ip", "-n", ns, "link", "set", "lo", "up")
        if bad_link:
            self._join("eth0", self.attacker, "a0", self.link)
            self._join("b0", self.link, "wire0", self.gateway)
            self._sysctl(self.link, PEER_SYSCTL)
        else:
            self._join("eth0", self.attacker, "wire0", self.gateway)
        self._core_up()
        self._sysctl(self.attacker, PEER_SYSCTL)
        self._sysctl(self.gateway, GATEWAY_SYSCTL)
        run("ip", "-n", self.attacker, "addr", "add", f"{ATTACKER_IP}/24", "dev", "eth0")

    def _join(self, a, a_ns, b, b_ns):
        run("ip", "link", "add", a, "netns", a_ns, "type", "veth", "peer", "name", b, "netns", b_ns)
        for ns, dev in ((a_ns, a), (b_ns, b)):
            offs = [word for name in OFFLOADS for word in (name, "off")]
            run("ip", "netns", "exec", ns, "ethtool", "-K", dev, *offs)
            run("ip", "-n", ns, "link", "set", dev, "up")

    def _core_up(self):
        run("ip", "link", "add", self.core, "type", "veth", "peer", "name", "core0", "netns", self.gateway)
        run("ip", "addr", "add", f"{self.host_ip}/30", "dev", self.core)
        run("ip", "link", "set", self.core, "up")
        run("ip", "-n", self.gateway, "addr", "add", f"{self.gateway_ip}/30", "dev", "core0")
        run("ip", "-n", self.gateway, "link", "set", "core0", "up")

    def _sysctl(self, ns, values):
        run("ip", "netns", "exec", ns, "sysctl", "-qw", *values)

    def pids(self):
        """Everything that runs in the lab's namespaces: its own parts, and attackers that people left."""
        have = namespaces()
        texts = [run("ip", "netns", "pids", ns) for ns in (self.attacker, self.gateway, self.link) if ns in have]
        return [int(pid) for text in texts for pid in text.split()]

    def exists(self):
        return bool(namespaces() & {self.attacker, self.gateway, self.link})

    def down(self):
        quietly("ip", "link", "del", self.core)
        for ns in namespaces() & {self.attacker, self.gateway, self.link}:
            quietly("ip", "netns", "del", ns)
