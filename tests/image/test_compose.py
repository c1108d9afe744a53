"""docker/compose.yaml as people use it: built, started and attacked on an engine of its own. Root; minutes."""

import hashlib
import json
import pathlib
import re
import subprocess

import pytest

import bases
import engine

PARTS = ("webtrap", "proxytrap", "relaytrap", "courier", "logship", "api", "fingerprintd")
READY_S, SEEN_S = 90, 30
WIRE = "hs-wire"
ATTACKER_IP = "203.0.113.9"
OUTSIDE_IP, OUTSIDE_GATEWAY = "198.51.100.2", "198.51.100.1"  # another machine, to which the engine's routes
RELAY, WEB, PROXY, UNUSED = "203.0.113.16", "203.0.113.18", "203.0.113.20", "203.0.113.100"
GATEWAY_CORE = "198.18.240.11"
OFFLOADS = [word for name in ("tx", "tso", "gso") for word in (name, "off")]
NET_RAW = 1 << 13
HERE = pathlib.Path(__file__).parent


class Stack:
    """The running compose project, an attacker on its wire, and the API's view."""

    def __init__(self, docker, env, secrets):
        self.docker, self.env, self.secrets = docker, env, secrets
        self.attacker = f"{docker.name}a"  # engine.sweep() knows it too

    def up(self):
        self.docker.compose("up", "-d", env=self.env)
        self.docker.inside("ethtool", "-K", WIRE, *OFFLOADS)
        self.join_attacker()
        engine.Engine.wait(self.ready, READY_S, self.complaint)

    def join_attacker(self):
        """A machine on the wire, and by a second interface one that the engine's machine has a route to."""
        engine.run("ip", "netns", "add", self.attacker)
        self.join("eth0", ATTACKER_IP, "hs-attack")
        self.join("eth1", OUTSIDE_IP, "hs-outside")
        self.docker.inside("ip", "link", "set", "hs-attack", "master", WIRE)
        self.docker.inside("ip", "addr", "add", f"{OUTSIDE_GATEWAY}/24", "dev", "hs-outside")
        engine.run("ip", "-n", self.attacker, "route", "add", "198.18.240.0/23", "via", OUTSIDE_GATEWAY)

    def join(self, interface, ip, peer):
        ns, host = self.attacker, self.docker.name
        engine.run("ip", "link", "add", interface, "netns", ns, "type", "veth", "peer", "name", peer, "netns", host)
        self.attack("ethtool", "-K", interface, *OFFLOADS)
        engine.run("ip", "-n", ns, "addr", "add", f"{ip}/24", "dev", interface)
        engine.run("ip", "-n", ns, "link", "set", interface, "up")
        engine.run("ip", "-n", host, "link", "set", peer, "up")

    def attack(self, *argv, **kwargs):
        return engine.run("ip", "netns", "exec", self.attacker, *map(str, argv), **kwargs)

    def down(self):
        subprocess.run(["ip", "netns", "del", self.attacker], stderr=subprocess.DEVNULL)
        self.docker.compose("down", "-v", "-t", "20", env=self.env)

    def api(self, path, *options):
        token = (self.secrets / "api-token").read_text().strip()
        words = ["curl", "-sf", "-m", "5", "-H", f"Authorization: Bearer {token}", *options]
        return self.docker.inside(*words, f"http://127.0.0.1:8025{path}")

    def items(self, path):
        return json.loads(self.api(path))["items"]

    def ready(self):
        """Every part is known to the api, and the gateway answers on the wire."""
        try:
            known = {replica["service"] for replica in self.items("/v1/replicas")}
            return known >= set(PARTS) and bool(self.attack("ping", "-c", "1", "-W", "1", RELAY))
        except (engine.EngineError, ValueError):
            return False

    def complaint(self):
        return "the parts are not ready:\n" + self.docker.compose("logs", "--no-color", "--tail", "20", env=self.env)

    def message(self, digest):
        """The stored message with this SHA-256, as soon as the api knows it."""
        found = []
        engine.Engine.wait(
            lambda: found.extend(self.items(f"/v1/messages?sha256={digest}")) or found, SEEN_S,
            lambda: f"no message {digest}; there are {self.api('/v1/messages')}",
        )  # fmt: skip
        return found[0]

    def container(self, service):
        return self.docker.compose("ps", "-q", service, env=self.env).strip()


@pytest.fixture(scope="module")
def stack(docker, secrets):
    env = {"BUILD_BASE": engine.BASE, "HS_SECRETS": str(secrets)}
    docker.compose("build", env=env)
    it = Stack(docker, env, secrets)
    try:
        it.up()
        yield it
    finally:
        it.down()


def send(stack, message, tmp_path, url, *options):
    """The message's octets go as they are: curl ends no line and adds none."""
    path = tmp_path / "mail.eml"
    path.write_bytes(message)
    stack.attack(
        "curl", "-sS", "-m", "30", *options, "-T", path, url,
        "--mail-from", "seller@example.org", "--mail-rcpt", "victim@example.net",
    )  # fmt: skip
    return hashlib.sha256(message).hexdigest()


def mail(subject):
    lines = [f"Subject: {subject}", "From: seller@example.org", "", "Buy now.", ".hidden dot", "8-bit: caf\u00e9", ""]
    return "\r\n".join(lines).encode("latin-1")


def test_mail_to_a_decoy_is_in_the_api_octet_for_octet(stack, tmp_path):
    message = mail("cheap pills")
    digest = send(stack, message, tmp_path, f"smtp://{RELAY}/mx.example.org")
    item = stack.message(digest)
    raw = tmp_path / "raw"
    stack.api(f"/v1/messages/{item['id']}/raw", "-o", str(raw))
    assert raw.read_bytes() == message
    assert item["subject"] == "cheap pills"
    assert item["source"]["ip"] == ATTACKER_IP
    assert item["destination"]["ip"] == RELAY
    assert item["envelope"]["rcpt_to"] == ["victim@example.net"]


def test_mail_through_the_proxy_decoy_ends_in_our_relay(stack, tmp_path):
    socks = ["--proxy", f"socks5h://{PROXY}:1080"]
    digest = send(stack, mail("by way of SOCKS"), tmp_path, "smtp://mx.example.net", *socks)
    item = stack.message(digest)
    assert item["source"]["ip"] == ATTACKER_IP
    assert item["asked"] == "mx.example.net:25"


def test_harvester_gets_pages_from_the_wire_and_from_the_host(stack):
    for fetch in (stack.attack, stack.docker.inside):
        page = fetch("curl", "-sS", "-f", "-m", "10", f"http://{WEB}/")
        assert "<a " in page.lower() or "href" in page.lower()


def readme_commands():
    """Those of docker/README.md that attack and ask: what it says about starting and stopping is this file's own work."""
    block = re.search(r"^```\n(.*?)^```", (engine.ROOT / "docker" / "README.md").read_text(), re.S | re.M)[1]
    lines = [line.split("  #")[0].rstrip() for line in block.splitlines()]
    return [line for line in lines if line.startswith(("curl", "swaks"))]


def test_the_commands_of_the_readme_do_what_it_says(stack, tmp_path):
    """As they stand, on the machine that runs the engine; only the secrets lie elsewhere here."""
    (tmp_path / "mail.eml").write_bytes(mail("from the README"))
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "secrets").symlink_to(stack.secrets)
    commands = readme_commands()
    assert [command.split()[0] for command in commands] == ["curl", "swaks", "curl", "curl"]
    page, _, _, _ = [stack.docker.inside("sh", "-c", command, cwd=tmp_path) for command in commands]
    assert "href" in page.lower()
    seen = lambda: {m["destination"]["ip"] for m in stack.items("/v1/messages?source=203.0.113.1")}  # noqa: E731
    engine.Engine.wait(lambda: seen() == {RELAY, PROXY}, SEEN_S, lambda: f"mails to {seen()}")
    listed = json.loads(stack.docker.inside("sh", "-c", commands[3], cwd=tmp_path))["items"]
    assert "from the README" in [m["subject"] for m in listed]


def test_the_courier_is_off_and_says_so_of_a_probe(stack, tmp_path):
    config = stack.docker.inspect(stack.container("courier"))["Config"]
    assert "HS_ENABLED=false" in config["Env"]
    digest = send(stack, mail(f"test {RELAY}"), tmp_path, f"smtp://{RELAY}/mx.example.org")
    told = lambda: {e["event"]["action"] for e in stack.items("/v1/events?service=courier")}  # noqa: E731
    engine.Engine.wait(told, SEEN_S, lambda: f"the courier says nothing of {digest}")
    assert told() == {"courier-refused"}
    assert {e["event"]["reason"] for e in stack.items("/v1/events?service=courier")} == {"disabled"}


def test_only_decoys_answer_on_the_wire(stack):
    """One ARP answer each: neither is the gateway's kernel a second voice, nor does it tell its other address."""
    for ip, answers in ((RELAY, 1), ("203.0.113.31", 1), (UNUSED, 0), (GATEWAY_CORE, 0)):
        heard = stack.attack("python3", HERE / "arp_answers.py", "eth0", ip)
        assert int(heard) == answers, ip


def test_gateway_holds_one_capability_and_the_rest_none(stack):
    for service in (*PARTS, "nats"):
        status = stack.docker.beside("cat", f"/proc/{stack.docker.host_pid(stack.container(service))}/status")
        caps = {name: int(value, 16) for name, value in re.findall(r"^Cap(\w+):\s*(\w+)$", status, re.M)}
        allowed = NET_RAW if service == "fingerprintd" else 0
        assert (caps["Eff"], caps["Bnd"] & ~NET_RAW) == (allowed, 0), service
        assert re.search(r"^Uid:\s+64113\s+64113", status, re.M), service


def reaches(stack, service, ip):
    """A closed port that refuses was reached; silence was not."""
    enter = ["nsenter", "-t", stack.docker.host_pid(stack.container(service)), "--net"]
    script = f"timeout 2 bash -c '</dev/tcp/{ip}/9' 2>&1 || true"
    return "refused" in stack.docker.beside(*enter, "sh", "-c", script)


def test_a_stolen_trap_has_no_way_out(stack):
    """The api can be asked from outside, so its network leads there: it shows that the outside can be reached."""
    assert reaches(stack, "api", OUTSIDE_IP)
    for service in ("webtrap", "proxytrap", "relaytrap", "courier", "logship", "nats", "fingerprintd"):
        assert not reaches(stack, service, OUTSIDE_IP), service


def starts(stack, service):
    return stack.docker.inspect(stack.container(service))["RestartCount"]


def test_killed_parts_come_back_and_the_mail_is_still_there(stack, tmp_path):
    """The restart policy starts them again with the same interfaces, and what was stored is in the volumes."""
    before = send(stack, mail("before"), tmp_path, f"smtp://{RELAY}/mx.example.org")
    stack.message(before)
    for service in ("nats", *PARTS):
        stack.docker.kill(stack.container(service))
    for service in ("nats", *PARTS):
        engine.Engine.wait(lambda s=service: starts(stack, s) > 0, READY_S, f"{service} was not started again")
    engine.Engine.wait(stack.ready, READY_S, stack.complaint)
    assert stack.message(before)["subject"] == "before"
    engine.Engine.wait(lambda: delivered(stack, tmp_path), READY_S, stack.complaint)


def delivered(stack, tmp_path):
    """A relay that is just starting refuses in character, and a real sender tries again."""
    try:
        return stack.message(send(stack, mail("after"), tmp_path, f"smtp://{RELAY}/mx.example.org"))
    except engine.EngineError:
        return None


@pytest.mark.parametrize(
    ("story", "files", "expected"),
    [
        ("nothing configured", {}, None),
        ("one line", {"sources.list": "deb http://m.example/debian bookworm main\n"}, "http://m.example/debian"),
        ("options", {"sources.list": "deb [arch=amd64] http://m.example/d bookworm main\n"}, "http://m.example/d"),
        ("a comment", {"sources.list": "#deb http://old.example/d bookworm main\n"}, None),
        ("other packages", {"sources.list.d/x.list": "deb http://x.example x-bookworm main\n"}, None),
        (
            "stanzas",
            {
                "sources.list.d/debian.sources": "Types: deb\n# kept\nURIs: http://s.example/debian\nSuites: bookworm\n"
                "\nTypes: deb\nURIs: http://s.example/security\nSuites: bookworm-security\n"
            },
            "http://s.example/debian",
        ),
    ],
)
def test_bases_come_from_the_machines_own_archive(tmp_path, story, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "sources.list.d").mkdir(exist_ok=True)
    assert bases.mirror(tmp_path, "bookworm") == expected, story
