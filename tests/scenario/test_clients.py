"""Programs that send mail, each through wire, gateway and decoy: what arrives is what was sent, octet by octet."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile

import pytest
import smtp_oracle
import unpacked
from conftest import ROOT, wait_for

NODEMAILER = "nodemailer@6.9.16"
CLIENT = ROOT / "tests" / "support" / "smtp_client.py"
FROM, TO = "a@spam.example", "b@victim.example"
BIG_BYTES = 20 * 1000 * 1000
# Dots that must be stuffed, octets that are no UTF-8, a line as long as lines may be (RFC 5322 2.1.1), and an empty one.
LONG = b"x" * 998
BODY = b".\r\n..\r\n.hidden\r\n8-bit: \xe4\xf6\xfc\xff\r\n" + LONG + b"\r\n\r\n \ttabs and blanks \t\r\nend\r\n"


def message(subject, body=BODY):
    return b"Subject: " + subject.encode() + b"\r\nFrom: <" + FROM.encode() + b">\r\nTo: <" + TO.encode() + b">\r\n\r\n" + body


@pytest.fixture
def file(tmp_path):
    """Writes a message, with the line ends that the client wants."""
    tmp_path.chmod(0o755)

    def write(data, unix=False):
        path = tmp_path / "message"
        path.write_bytes(data.replace(b"\r\n", b"\n") if unix else data)
        return path

    return write


def good(done):
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def arrived(lab, data):
    """The stored message is exactly this; its entry."""
    item = lab.message(hashlib.sha256(data).hexdigest())
    assert lab.get(f"/v1/messages/{item['id']}/raw") == (200, data)
    assert item["envelope"]["mail_from"] == FROM and item["envelope"]["rcpt_to"] == [TO]
    return item


def arrived_with_more_header(lab, subject, body):
    """A mail server as client writes trace lines; the body is the same."""
    found = wait_for(lambda: [m for m in lab.pages("/v1/messages") if m["subject"] == subject], 30)
    assert len(found) == 1, found
    status, raw = lab.get(f"/v1/messages/{found[0]['id']}/raw")
    assert status == 200
    assert raw.partition(b"\r\n\r\n")[2] == body
    return found[0]


def told(lab, item):
    """The relay-mail event of a message."""
    return wait_for(
        lambda: [e for e in lab.events() if e["honeyspam"].get("mail", {}).get("id") == item["id"]], 30
    )[0]


@pytest.fixture(scope="module", params=["postfix", "sendmail"])
def decoy(lab, request):
    """(look, ip, port); the port is 25."""
    ip, port = lab.decoy("relaytrap", request.param)
    return request.param, ip, port


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_swaks(lab, decoy, file, tls):
    look, ip, port = decoy
    data = message(f"swaks {look} {tls}")
    words = ["--server", f"{ip}:{port}", "--from", FROM, "--to", TO, "--data", f"@{file(data, unix=True)}"]
    good(lab.attack("swaks", *words, *(["--tls"] if tls else [])))
    item = arrived(lab, data + b"\r\n")  # swaks ends a file with one more line end
    assert told(lab, item).get("tls", {}).get("established", False) == tls


def test_swaks_that_speaks_tls_from_the_first_byte(lab, file):
    ip, port = lab.decoy("relaytrap", "exim/tls")
    assert port == 465
    data = message("swaks on 465")
    words = ["--server", f"{ip}:{port}", "--from", FROM, "--to", TO, "--data", f"@{file(data, unix=True)}"]
    good(lab.attack("swaks", *words, "--tls-on-connect"))
    tls = told(lab, arrived(lab, data + b"\r\n"))["tls"]
    assert tls["established"] and tls["version"] == "1.3"


def test_a_mail_server_of_the_poisoned_domain_takes_what_its_pages_gave_away(lab, file, tmp_path):
    ip, port = lab.decoy("relaytrap", "postfix/mx")
    web, web_port = lab.decoy("webtrap", "apache")
    folder, words = tmp_path / "pages", ["-q", "-r", "-l", "inf", "-e", "robots=off", "-Q", "300k"]
    lab.attack("wget", *words, f"http://{web}:{web_port}/", "-P", folder)
    text = "".join(p.read_text(errors="replace") for p in sorted(folder.rglob("*")) if p.is_file())
    harvested = re.findall(r"\b[a-z0-9.]{29,}@example\.net", text)
    assert harvested
    taken = harvested[0]
    data = message("swaks to the mx").replace(TO.encode(), taken.encode())
    words = ["--server", f"{ip}:{port}", "--from", FROM, "--data", f"@{file(data, unix=True)}"]
    refused = lab.attack("swaks", *words, "--to", "somebody@example.net")
    assert b"550 5.1.1 <somebody@example.net>" in refused.stdout and refused.returncode != 0
    good(lab.attack("swaks", *words, "--to", taken))
    item = lab.message(hashlib.sha256(data + b"\r\n").hexdigest())
    assert item["envelope"]["rcpt_to"] == [taken]
    traced = told(lab, item)["honeyspam"]["mail"]["traced"]
    assert traced["addresses"] == [taken.partition("@")[0]]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_curl(lab, decoy, file, tls):
    look, ip, port = decoy
    data = message(f"curl {look} {tls}")
    words = ["-sS", f"smtp://{ip}:{port}/spammer.example", "--mail-from", FROM, "--mail-rcpt", TO]
    good(lab.attack("curl", *words, "--upload-file", file(data), *(["--ssl-reqd", "-k"] if tls else [])))
    arrived(lab, data)


SMTPLIB = """
import smtplib, ssl, sys
ip, port, path, tls = sys.argv[1:]
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
with smtplib.SMTP(ip, int(port), "spammer.example", timeout=60) as s:
    if tls == "True":
        s.starttls(context=c)
    s.sendmail("a@spam.example", ["b@victim.example"], open(path, "rb").read(), mail_options=["BODY=8BITMIME"])
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_smtplib(lab, decoy, file, tls):
    look, ip, port = decoy
    data = message(f"smtplib {look} {tls}")
    good(lab.attack(sys.executable, "-c", SMTPLIB, ip, port, file(data), tls))
    arrived(lab, data)


def test_smtp_source(lab, decoy, file):
    look, ip, port = decoy
    root = unpacked.unpacked("postfix")
    data = message(f"smtp-source {look}")
    words = ["-F", file(data, unix=True), "-f", FROM, "-t", TO, "-s", 1, "-m", 1, f"{ip}:{port}"]
    good(lab.attack(root / "usr/sbin/smtp-source", *words, env=unpacked.library_path(root)))
    arrived(lab, data + b"\r\n")  # it ends a file with one more line end


@pytest.mark.parametrize("client", ["exim", "sendmail"])
def test_a_mail_server_as_client(lab, decoy, file, client):
    look, ip, _ = decoy
    smtp_oracle.fetch(client)
    subject = f"{client} {look}"
    body = BODY.replace(LONG, LONG[:900])  # Sendmail as client cuts lines at 990 octets
    with file(message(subject, body), unix=True).open("rb") as f:
        good(lab.attack(sys.executable, CLIENT, client, "--to", ip, FROM, TO, stdin=f))
    item = arrived_with_more_header(lab, subject, body)
    assert item["envelope"]["mail_from"] == FROM and item["envelope"]["rcpt_to"] == [TO]


NODE = """
const nodemailer = require(process.argv[2]), fs = require("fs");
const [ip, port, path, tls] = process.argv.slice(3);
const how = { host: ip, port: +port, name: "spammer.example", tls: { rejectUnauthorized: false } };
const transport = nodemailer.createTransport({ ...how, requireTLS: tls === "true", ignoreTLS: tls !== "true" });
transport.sendMail({ envelope: { from: "a@spam.example", to: ["b@victim.example"] }, raw: fs.readFileSync(path) })
    .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def nodemailer(tmp_path_factory):
    """Where Node finds it."""
    cache = ROOT / "build" / "cache" / "nodemailer"
    cache.mkdir(parents=True, exist_ok=True)
    if not list(cache.glob("*.tgz")):
        subprocess.run(["npm", "pack", "--silent", NODEMAILER], cwd=cache, check=True, capture_output=True, timeout=300)
    folder = tmp_path_factory.mktemp("nodemailer")
    with tarfile.open(next(cache.glob("*.tgz"))) as tar:
        tar.extractall(folder)
    return folder / "package"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_nodemailer(lab, decoy, file, nodemailer, tmp_path, tls):
    look, ip, port = decoy
    data = message(f"nodemailer {look} {tls}")
    script = tmp_path / "send.js"
    script.write_text(NODE)
    good(lab.attack("node", script, nodemailer, ip, port, file(data), str(tls).lower()))
    arrived(lab, data)


def test_twenty_megabytes(lab, decoy, file):
    look, ip, port = decoy
    line = hashlib.sha512(look.encode()).hexdigest().encode() + b"\r\n"
    data = message(f"big {look}", line * (BIG_BYTES // len(line)))
    words = ["-sS", f"smtp://{ip}:{port}/spammer.example", "--mail-from", FROM, "--mail-rcpt", TO]
    good(lab.attack("curl", *words, "--upload-file", file(data), timeout=180))
    item = arrived(lab, data)
    stored = wait_for(lambda: (lab.maildir / item["id"]).exists() and (lab.maildir / item["id"]).read_bytes(), 60)
    assert stored == data


def test_every_event_says_who_came_and_as_whom(lab):
    mails = [e for e in lab.events() if e["event"]["action"] == "relay-mail"]
    assert mails
    for event in mails:
        assert event["source"]["ip"] == lab.d["attacker"]["ip"]
        assert event["honeyspam"]["mail"]["envelope"]["helo"]
        assert event["honeyspam"]["mail"]["host"]
    secured = [e for e in mails if e.get("tls", {}).get("established")]
    assert secured, json.dumps(mails[-1])
    assert len({e["honeyspam"]["tls"]["ja4"] for e in secured}) >= 3  # Perl, Python, Node, curl: not all are alike
