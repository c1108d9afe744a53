"""relaytrap alone: TLS, its certificates, the sandbox, what a source may have, and how it ends."""

import contextlib
import hmac
import itertools
import json
import pathlib
import re
import resource
import signal
import smtplib
import socket
import ssl
import struct
import time
import urllib.error
import urllib.request

import pytest
from conftest import BINARIES, NATS_SERVER, wait_for
from relay_rig import IP, Rig, answers, free_ports
from stream_reader import Nats, read_stream

DECOY, OTHER_DECOY = "203.0.113.10", "203.0.113.11"
SOURCE_SESSIONS, CAPACITY = 40, 3000
TARPIT_AFTER, MAILS_A_CLIENT = 20, 6
SLOW_S = 0.25  # after 39 * 6 mails replies come 2 ms late for each beyond the first 20, less a quarter
SITE_KEY = bytes.fromhex("11" * 32)  # the rig's
PP2_LOOK, PP2_ASKED, PP2_AUTHORITY = 0xE1, 0xE5, 0x02
flow_numbers = itertools.count()


def tlv(kind, text):
    return struct.pack(">BH", kind, len(text)) + text.encode()


def proxy_header(source, decoy, look="postfix", **more):
    body = socket.inet_aton(source) + socket.inet_aton(decoy) + struct.pack(">HH", 40000, 25)
    body += tlv(0x05, f"01flow{next(flow_numbers):020}") + tlv(PP2_LOOK, look)
    body += b"".join(tlv(kind, text) for kind, text in more.get("tlvs", ()))
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", 0x21, 0x11, len(body)) + body


class Client(smtplib.SMTP):
    """A flow as the gateway opens it."""

    def __init__(self, port, source="198.51.100.1", decoy=DECOY, look="postfix", tls=None, **more):
        self.header, self.first_tls = proxy_header(source, decoy, look, **more), tls
        super().__init__(local_hostname="client.example", timeout=60)
        self._host = "decoy.example"
        code, text = self.connect(IP, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def _get_socket(self, host, port, timeout):
        s = socket.create_connection((host, port), timeout)
        s.sendall(self.header)
        return self.first_tls.wrap_socket(s, server_hostname="decoy.example") if self.first_tls else s

    def certificate(self):
        return self.sock.getpeercert(True)

    def deliver(self, text=b"Subject: a\r\n\r\nb\r\n", to="v@mail.example"):
        return self.sendmail("a@spam.example", [to], text)


def context(version=None):
    """Trusts everybody, as spammers do, and old servers too."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.set_ciphers("ALL:@SECLEVEL=0")
    c.minimum_version = version or ssl.TLSVersion.TLSv1
    c.maximum_version = version or ssl.TLSVersion.MAXIMUM_SUPPORTED
    return c


def raise_descriptor_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard if hard == resource.RLIM_INFINITY else max(hard, count)))


@pytest.fixture(scope="module")
def rig():
    raise_descriptor_limit(2 * CAPACITY)
    options = [
        f"--source.sessions={SOURCE_SESSIONS}", f"--listen.capacity={CAPACITY}", f"--tarpit.after={TARPIT_AFTER}",
        "--drain.seconds=2", "--mx.domains=poison.example",
    ]  # fmt: skip
    with Rig(BINARIES, NATS_SERVER, options=options, proxy="required") as running:
        yield running


def events(rig, action):
    found = [json.loads(body) for name, _, body in read_stream(IP, rig.nats_port, "EVENTS") if name.endswith(action)]
    return [e for e in found if e["event"]["action"] == action]


def secured(rig, **more):
    client = Client(rig.port, **more)
    client.ehlo()
    assert client.has_extn("starttls")
    client.starttls(context=context())
    return client


# ---- TLS ----


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_starttls_with_a_client_of_any_age(rig, version):
    client = Client(rig.port)
    client.ehlo()
    client.starttls(context=context(ssl.TLSVersion[version]))
    assert client.ehlo()[0] == 250 and not client.has_extn("starttls")
    client.deliver(b"Subject: secure " + version.encode() + b"\r\n\r\n" + b"0123456789" * 90 + b"\r\n")
    client.quit()
    said = version.removeprefix("TLSv").replace("_", ".")
    said = said if "." in said else said + ".0"

    def told():
        mails = [e for e in events(rig, "relay-mail") if e["honeyspam"]["mail"]["subject"] == f"secure {version}"]
        return [e for e in mails if e["tls"]["version"] == said and e["tls"]["client"]["server_name"] == "decoy.example"]

    (event,) = wait_for(told, 20)
    assert len(event["tls"]["client"]["ja3"]) == 32
    assert event["honeyspam"]["tls"]["ja4"].startswith(f"t{said.replace('.', '')}d")


def test_tls_from_the_first_byte(rig):
    client = Client(rig.port, look="postfix/tls", tls=context())
    assert client.ehlo()[0] == 250 and not client.has_extn("starttls")
    client.deliver()
    client.quit()


def test_a_proxy_that_was_asked_for_465_speaks_tls_as_that_host(rig):
    tlvs = [(PP2_AUTHORITY, "mx.victim.example"), (PP2_ASKED, "mx.victim.example:465")]
    certificates = set()
    for _ in range(2):
        client = Client(rig.port, tls=context(), tlvs=tlvs)
        certificates.add(client.certificate())
        client.quit()
    assert len(certificates) == 1
    assert b"mx.victim.example" in certificates.pop()


def test_what_was_said_before_the_handshake_does_not_count_after_it(rig):
    client = Client(rig.port)
    client.ehlo()
    client.sock.sendall(b"STARTTLS\r\nMAIL FROM:<injected@spam.example>\r\n")
    assert client.getreply()[0] == 220
    client.sock = context().wrap_socket(client.sock, server_hostname="decoy.example")
    client.file = None
    assert client.docmd("RCPT TO:<v@mail.example>")[0] == 503
    client.close()


def test_who_does_not_speak_tls_is_let_go_and_told_of(rig):
    client = Client(rig.port, source="198.51.100.77")
    client.ehlo()
    assert client.docmd("STARTTLS")[0] == 220
    client.sock.sendall(b"MAIL FROM:<a@spam.example>\r\n")
    assert client.sock.recv(100)[:1] in (b"", b"\x15")  # an alert at most
    client.close()
    mine = wait_for(
        lambda: [e for e in events(rig, "relay-session") if e["source"]["ip"] == "198.51.100.77"], 20
    )
    assert mine[0]["tls"] == {"established": False}


def test_a_certificate_is_one_decoys_and_stays(rig):
    """Two replicas are asked at the same time for what neither has; later one of them starts anew."""
    port, admin = free_ports(2)
    second = rig.start_replica("second", port, admin)
    decoys = [f"203.0.113.{n}" for n in range(20, 22)]

    def shown(decoy):
        client = secured(rig, decoy=decoy)
        certificate = client.certificate()
        client.close()
        return certificate

    try:
        rig.wait("the second relaytrap", f"http://{IP}:{admin}/readyz")
        pairs = []
        for decoy in decoys:
            clients = [Client(at, decoy=decoy) for at in (rig.port, port)]
            for client in clients:
                client.ehlo()
                assert client.docmd("STARTTLS")[0] == 220  # both begin to make one now
            pair = [context().wrap_socket(c.sock, server_hostname="x").getpeercert(True) for c in clients]
            pairs.append(pair)
        assert all(a == b for a, b in pairs)
        assert len({a for a, _ in pairs}) == len(decoys)
        rig.relay.terminate()
        assert rig.relay.wait(30) == 0
        rig.start_relay()
        rig.wait_relay()
        assert [shown(decoy) for decoy in decoys] == [a for a, _ in pairs]
    finally:
        second.kill()
        second.wait()


def test_connections_that_only_begin_tls_cost_no_others(rig):
    stuck = []
    for n in range(100):
        client = Client(rig.port, source=f"198.51.100.{100 + n // 20}")
        client.ehlo()
        client.docmd("STARTTLS")
        client.sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a ClientHello that never ends
        stuck.append(client)
    client = secured(rig)
    client.deliver()
    client.quit()
    for client in stuck:
        client.close()


# ---- the sandbox ----


def test_the_thread_that_faces_peers_is_confined(rig):
    tasks = pathlib.Path(f"/proc/{rig.relay.pid}/task")
    status = (tasks / str(rig.relay.pid) / "status").read_text()
    assert "\nSeccomp:\t2\n" in status
    assert "\nNoNewPrivs:\t1\n" in status
    # Who faces peers holds their sockets: the loop's epoll is the main thread's; the others talk to NATS or operators.
    free = [t.name for t in tasks.iterdir() if "\nSeccomp:\t2\n" not in (t / "status").read_text()]
    assert str(rig.relay.pid) not in free


# ---- roles ----


def test_an_mx_takes_the_postmasters_mail_and_nobody_elses(rig):
    client = Client(rig.port, look="postfix/mx")
    client.ehlo()
    client.mail("a@spam.example")
    assert client.rcpt("nobody@poison.example")[0] // 100 == 5
    assert client.rcpt("postmaster@other.example")[0] // 100 == 5
    assert client.rcpt("Postmaster@Poison.Example")[0] == 250
    client.close()


def sealed(harvester, minutes, place):
    """A poisoned address' local part, as services/lib/wire/token.h makes it with the rig's site key."""

    def digest(purpose, data):
        return hmac.new(SITE_KEY, purpose + b"\0" + data, "sha256").digest()

    plain = socket.inet_aton(harvester) + struct.pack(">II", minutes, place)
    tag = digest(b"token tag", plain)[:6]
    stream = digest(b"token stream", tag)
    data = tag + bytes(a ^ b for a, b in zip(plain, stream))
    bits = "".join(f"{byte:08b}" for byte in data) + "0"
    letters = "".join("abcdefghijkmnpqrstuvwxyz23456789"[int(bits[i : i + 5], 2)] for i in range(0, 145, 5))
    return letters[:8] + "." + letters[8:]


def traced(rig, subject):
    found = [e for e in events(rig, "relay-mail") if e["honeyspam"]["mail"]["subject"] == subject]
    return found and found[0]["honeyspam"]["mail"]["traced"]


def test_an_mx_knows_whom_our_pages_named_and_who_took_the_address(rig):
    known = sealed("192.0.2.55", 29000000, 0xDEADBEEF)
    forged = known[:-1] + ("a" if known[-1] != "a" else "b")
    client = Client(rig.port, look="postfix/mx")
    client.ehlo()
    client.mail("a@spam.example")
    assert client.rcpt(f"{forged}@poison.example")[0] // 100 == 5
    assert client.rcpt(f"{known}@other.example")[0] // 100 == 5
    assert client.rcpt(f"{known.upper()}@poison.example")[0] == 250
    assert client.data(b"Subject: to a trap\r\n\r\nb\r\n")[0] == 250
    client.quit()
    told = wait_for(lambda: traced(rig, "to a trap"), 20)
    assert told["harvesters"] == ["192.0.2.55"] and told["places"] == [0xDEADBEEF]
    assert told["times"] == ["2025-02-19T21:20:00.000Z"]


def test_an_address_in_the_text_says_who_took_it_too(rig):
    known = sealed("192.0.2.56", 29000000, 7)
    client = Client(rig.port)
    client.deliver(f"Subject: list\r\n\r\nCc: someone@x.example, {known}@poison.example\r\n".encode())
    client.quit()
    told = wait_for(lambda: traced(rig, "list"), 20)
    assert told["harvesters"] == ["192.0.2.56"] and told["addresses"] == [known]


# ---- what a source may have ----


def test_a_source_that_sends_much_is_served_slowly_and_others_are_not(rig):
    one = b"MAIL FROM:<a@spam.example>\r\nRCPT TO:<v@mail.example>\r\nDATA\r\nSubject: a\r\n\r\nb\r\n.\r\n"
    clients = [Client(rig.port, source="198.51.100.200") for _ in range(SOURCE_SESSIONS - 1)]
    for client in clients:
        client.sock.sendall(b"HELO a\r\n" + one * MAILS_A_CLIENT)
    for client in clients:
        assert [client.getreply()[0] for _ in range(1 + 4 * MAILS_A_CLIENT)].count(250) == 1 + 3 * MAILS_A_CLIENT
    start = time.monotonic()
    clients[0].noop()
    late = time.monotonic() - start
    assert late > SLOW_S
    before = rig.metrics()["honeyspam_tarpitted_total"]
    other = Client(rig.port, source="198.51.100.201")
    other.ehlo()
    other.deliver()
    other.quit()
    assert rig.metrics()["honeyspam_tarpitted_total"] == before
    for client in clients:
        client.close()


# Where a message ends is the look's, what is stored is what came (no octet added, none changed): look, what is said
# behind 354, what is stored.
ODDITIES = {
    "octets": ("postfix", b"a\rb\0c\xff \r\r\n\0\r\n.\r\n", b"a\rb\0c\xff \r\r\n\0\r\n"),
    "octets at exim": ("exim", b"a\rb\0c\xff\r\nd\ne\r\n.\r\n", b"a\rb\0c\xff\r\nd\ne\r\n"),
    "eight bits at sendmail": ("sendmail", b"\x80\xff\r\n.\r\n", b"\x80\xff\r\n"),
    "dots": ("sendmail", b"..\r\n.x\r\n...\r\nx.\r\n.\r\n", b".\r\nx\r\n..\r\nx.\r\n"),
    "a long line": ("exim", b"y" * 70000 + b"\r\n.\r\n", b"y" * 70000 + b"\r\n"),
    "bare LF": ("postfix", b"one\ntwo\r\n.\r\n", b"one\ntwo\r\n"),
    "LF dot CRLF ends at postfix": ("postfix", b"one\r\ntwo\n.\r\n", b"one\r\ntwo\n"),
    "but not at exim": ("exim", b"one\r\ntwo\n.\r\nthree\r\n.\r\n", b"one\r\ntwo\n.\r\nthree\r\n"),
    "CR dot CR ends nowhere": ("postfix", b"one\r\n\r.\rtwo\r\n.\r\n", b"one\r\n\r.\rtwo\r\n"),
    "CRLF dot CR CRLF at exim": ("exim", b"one\r\n.\rtwo\r\n.\r\n", b"one\r\n\rtwo\r\n"),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_odd_octets_are_stored_as_they_came(rig, name):
    look, said, stored = ODDITIES[name]
    before = rig.stream("MAIL")["messages"]
    client = Client(rig.port, source="198.51.100.230", look=look)
    client.ehlo()
    client.mail("a@spam.example")
    client.rcpt("v@mail.example")
    assert client.docmd("DATA")[0] == 354
    client.send(said)
    assert client.getreply()[0] == 250
    client.quit()
    mails = list(read_stream(IP, rig.nats_port, "MAIL"))[before:]
    assert [body for _, _, body in mails] == [stored]


CROWDED = {
    "postfix": rb"4\.7\.0 \S+ Error: too many connections from 198\.51\.100\.210",
    "sendmail": rb"4\.3\.2 Too many open connections\.",
    "exim": rb"Too many concurrent SMTP connections from this IP address; please try again later\.",
    "exchange": rb"4\.3\.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel",
}


def test_a_source_has_its_cap(rig):
    held = [Client(rig.port, source="198.51.100.210") for _ in range(SOURCE_SESSIONS)]
    for look, words in CROWDED.items():
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            Client(rig.port, source="198.51.100.210", look=look)
        assert refused.value.smtp_code == 421
        assert re.fullmatch(words, refused.value.smtp_error), refused.value.smtp_error
    Client(rig.port, source="198.51.100.211").quit()
    held.pop().quit()
    assert wait_for(lambda: quits(rig, "198.51.100.210"), 10)
    for client in held:
        client.close()


def quits(rig, source):
    refusals = smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected, ConnectionResetError
    with contextlib.suppress(*refusals):
        Client(rig.port, source=source).quit()
        return True
    return False


def test_thousands_of_sessions_at_the_cap_and_not_one_more(rig):
    assert wait_for(lambda: rig.metrics()["honeyspam_sessions"] == 0, 20)
    held = [Client(rig.port, source=f"198.18.{n // 2500}.{n // 10 % 250 + 1}") for n in range(CAPACITY)]
    assert rig.metrics()["honeyspam_sessions"] == CAPACITY
    assert not quits(rig, "192.0.2.9")
    for client in held[::100]:
        assert client.noop()[0] == 250
    for client in held:
        client.close()
    assert wait_for(lambda: quits(rig, "192.0.2.9"), 20)


# ---- NATS is away ----


def test_without_nats_mail_is_refused_in_character_and_taken_again_later(rig):
    client = Client(rig.port)
    client.ehlo()
    rig.kill(rig.nats)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.deliver(b"Subject: away\r\n\r\nb\r\n")
    assert refused.value.smtp_code in (451, 452)
    rig.start_nats()
    rig.wait_relay()
    client.deliver(b"Subject: back\r\n\r\nb\r\n")
    client.quit()
    told = wait_for(lambda: [e for e in events(rig, "relay-mail") if e["honeyspam"]["mail"]["subject"] == "back"], 20)
    assert len(told) == 1


def test_a_full_stream_is_in_character_too():
    with Rig(BINARIES, NATS_SERVER, mail_bytes=1 << 20) as small:
        with smtplib.SMTP(IP, small.port, local_hostname="client.example", timeout=60) as client:
            codes = set()
            for _ in range(8):
                try:
                    client.sendmail("a@spam.example", ["v@mail.example"], b"Subject: a\r\n\r\n" + b"x" * 250000 + b"\r\n")
                except smtplib.SMTPDataError as refused:
                    codes.add(refused.smtp_code)
            assert codes and codes <= {451, 452}
            client.sendmail("a@spam.example", ["v@mail.example"], b"Subject: small\r\n\r\nb\r\n")


# ---- the end ----


def presence(rig):
    """The next beat of the rig's relaytrap."""
    nats = Nats(IP, rig.nats_port)
    nats.say("SUB hs.lab.presence.relaytrap.relaytrap 1")
    try:
        return json.loads(nats.message()[2])
    finally:
        nats.close()


def test_sigterm_drains(rig):
    talker, idler = Client(rig.port), Client(rig.port)
    talker.ehlo()
    assert presence(rig)["draining"] is False
    rig.relay.send_signal(signal.SIGTERM)
    assert wait_for(lambda: not answers(f"http://{IP}:{rig.admin}/readyz"), 5)
    assert answers(f"http://{IP}:{rig.admin}/livez")
    assert presence(rig)["draining"] is True
    with pytest.raises(OSError):
        socket.create_connection((IP, rig.port), 5)
    talker.deliver(b"Subject: while draining\r\n\r\nb\r\n")  # sessions go on
    talker.quit()
    code, text = idler.getreply()  # until the drain time
    assert code == 421, text
    assert idler.sock.recv(10) == b""
    assert rig.relay.wait(20) == 0
    told = [e["honeyspam"]["mail"]["subject"] for e in events(rig, "relay-mail")]
    assert told.count("while draining") == 1
    rig.start_relay()
    rig.wait_relay()


def test_sigterm_ends_half_a_command_with_421_and_an_idle_relay_at_once(rig):
    client = Client(rig.port)
    client.sock.sendall(b"EHLO half")
    rig.relay.send_signal(signal.SIGTERM)
    assert client.getreply()[0] == 421
    assert rig.relay.wait(20) == 0
    rig.start_relay()
    rig.wait_relay()
    rig.relay.send_signal(signal.SIGTERM)
    assert rig.relay.wait(20) == 0
    rig.start_relay()
    rig.wait_relay()
