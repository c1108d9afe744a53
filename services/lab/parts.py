"""parts - the processes of a lab: in which order, as whom, where and with which settings each runs.

A table and the command lines made from it; nothing here starts anything.
"""

import dataclasses

GROUP = 64113  # reads the site key; no such group has to exist
MNT = "/mnt"  # where a part sees its lab's directory, whatever the clone's path and modes are


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    uid: int  # one a part: none reads another's password or files
    admin_port: int
    listens: tuple = ()  # setting and port
    gateway: bool = False  # runs on the wire, with CAP_NET_RAW at most


NATS = Part("nats-server", 64113, 8222)
PARTS = (
    NATS,
    Part("api", 64114, 9107),
    Part("logship", 64115, 9106),
    Part("webtrap", 64116, 9102, ("listen.address", 8080)),
    Part("proxytrap", 64117, 9103, ("listen.address", 3128)),
    Part("relaytrap", 64118, 9104, ("listen.address", 2525)),
    Part("courier", 64120, 9105),
    Part("fingerprintd", 64119, 9101, gateway=True),
)
USERS = ("fingerprintd", "webtrap", "proxytrap", "relaytrap", "courier", "logship", "api", "setup", "operator")
NATS_PORT = 4222
API_PORT = 8025
DRAIN_SECONDS = 5


def named(name):
    return next(p for p in PARTS if p.name == name)


def address(part, lab):
    return lab.net.gateway_ip if part.gateway else lab.net.host_ip


def admin(part, lab):
    return f"http://{address(part, lab)}:{part.admin_port}"


def listeners(lab):
    """Every (address, port) of the host's namespace that the lab takes."""
    ports = [NATS_PORT] + [p.admin_port for p in PARTS if not p.gateway] + [p.listens[1] for p in PARTS if p.listens]
    return [(lab.net.host_ip, port) for port in ports] + [(lab.net.api_ip, API_PORT)]


def settings(part, lab):
    """A part's settings as a dictionary; the lab's own `options` win."""
    traps = lab.net.core_network
    own = {
        "api": {
            "listen.address": f"{lab.net.api_ip}:{API_PORT}",
            "db.path": f"{MNT}/api/api.sqlite",
            "token.file": f"{MNT}/secrets/api-token",
            "operator-token.file": f"{MNT}/secrets/operator-token",
        },
        "logship": {"jsonl.path": f"{MNT}/logship/events.jsonl", "maildir.path": f"{MNT}/logship/Maildir"},
        "webtrap": {},
        "proxytrap": {"traps.networks": traps},
        "relaytrap": {},
        "courier": {},  # delivery is off
        "fingerprintd": {
            "interface": "wire0",
            "decoys.file": f"{MNT}/etc/decoys.json",
            "personalities.dir": f"{MNT}/etc/personalities",
            "os-signatures.files": f"{MNT}/etc/os-signatures.fp",
            "traps.networks": traps,
        },
    }[part.name]
    common = {
        "site": "lab",
        "instance": f"{part.name}-1",
        "nats.url": f"nats://{lab.net.host_ip}:{NATS_PORT}",
        "nats.user": part.name,
        "nats.password-file": f"{MNT}/secrets/nats-{part.name}",
        "admin.listen": f"{address(part, lab)}:{part.admin_port}",
        "data.dir": f"{MNT}/{part.name}",
        "drain.seconds": DRAIN_SECONDS,
        "site-key.file": f"{MNT}/secrets/site-key",
    }
    if part.listens:
        own |= {part.listens[0]: f"{lab.net.host_ip}:{part.listens[1]}", "listen.networks": traps}
    return common | own | lab.options.get(part.name, {})


def on_raw_packets(part, lab):
    """In service mode the gateway has kernel sockets and needs no capability."""
    return part.gateway and settings(part, lab).get("attachment") != "service"


def flags(table):
    return [f"--{name}={value}" for name, value in table.items()]


def command(part, lab):
    if part is NATS:
        return [f"{MNT}/bin/nats-server", "-c", f"{MNT}/etc/nats.conf"]
    return [f"{MNT}/bin/{part.name}", *flags(settings(part, lab))]


def setup_command(lab):
    """`api --setup` as the one user that may make streams; as it ends by itself, it takes the api's own place."""
    api = named("api")
    table = settings(api, lab) | {
        "nats.user": "setup",
        "nats.password-file": f"{MNT}/secrets/nats-setup",
        "instance": "setup",
    }
    return [f"{MNT}/bin/api", "--setup", *flags(table)]


def privileges(uid, gateway=False):
    """setpriv's words for an ordinary user that dies with its supervisor and keeps NET_RAW at most."""
    caps = "-all,+net_raw" if gateway else "-all"
    return [
        "setpriv", "--reuid", str(uid), "--regid", str(GROUP), "--clear-groups", "--inh-caps", caps,
        "--ambient-caps", caps, "--bounding-set", caps, "--no-new-privs", "--pdeathsig", "TERM",
    ]  # fmt: skip


def confined(argv, directory, uid, netns=None, gateway=False):
    """The command line that runs argv in a mount namespace of its own, with the lab's directory on MNT."""
    enter = ["nsenter", f"--net=/run/netns/{netns}"] if netns else []
    mount = f'mount --rbind "$0" {MNT} && cd / && exec "$@"'
    return [
        "unshare", "--mount", "--propagation", "private", "sh", "-c", mount, str(directory),
        *enter, *privileges(uid, gateway), *argv,
    ]  # fmt: skip
