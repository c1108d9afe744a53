"""What Kubernetes needs of the parts: a self-test (`helm test`), TLS with NATS, files that change, a lag to scale by."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request

import conftest
import pytest

PASSWORD = "p0123456789"
SITE_KEY = "00" * 32


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificate(directory, name, issuer, alternative):
    key, request, out = (directory / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
    extension = directory / f"{name}.ext"
    extension.write_text(f"subjectAltName={alternative}\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", request, "-CA", directory / f"{issuer}.crt", "-CAkey", directory / f"{issuer}.key",
            "-CAcreateserial", "-days", 30, "-extfile", extension, "-out", out)  # fmt: skip


def authority(directory, name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", f"/CN={name}",
            "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt")  # fmt: skip


def wait_for_port(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, f"nobody listens on {port}"
            time.sleep(0.1)


@contextlib.contextmanager
def running(*argv, **more):
    process = subprocess.Popen([str(word) for word in argv], **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("secrets")
    for name in ("ours", "theirs"):
        authority(directory, name)
    certificate(directory, "server", "ours", "IP:127.0.0.1")
    certificate(directory, "elsewhere", "ours", "DNS:elsewhere.example")
    certificate(directory, "client", "ours", "DNS:client.example")
    (directory / "password").write_text(PASSWORD)
    (directory / "wrong").write_text("p-another")
    (directory / "site-key").write_text(SITE_KEY)
    return directory


@contextlib.contextmanager
def nats(secrets, port, name, verify=False):
    config = secrets / f"{name}-{port}.conf"
    ca = f'ca_file: "{secrets}/ours.crt", verify: true' if verify else ""
    config.write_text(f"""
        listen: "127.0.0.1:{port}"
        authorization {{ user: relaytrap, password: {PASSWORD} }}
        tls {{ cert_file: "{secrets}/{name}.crt", key_file: "{secrets}/{name}.key", {ca} }}
    """)
    with running(conftest.NATS_SERVER, "-c", config, stderr=subprocess.DEVNULL):
        wait_for_port(port)
        yield


def relaytrap(secrets, tmp_path, port, ca="ours", password="password", extra=()):
    return [
        conftest.BINARIES / "relaytrap", f"--nats.url=tls://127.0.0.1:{port}", "--nats.user=relaytrap",
        f"--nats.password-file={secrets}/{password}", f"--nats.ca-file={secrets}/{ca}.crt", "--instance=test",
        f"--data.dir={tmp_path}/data", f"--site-key.file={secrets}/site-key", *extra,
    ]  # fmt: skip


def self_test(*arguments, **more):
    words = [*relaytrap(*arguments, **more), "--self-test", "--self-test.seconds=1", "--admin.listen=127.0.0.1:9999"]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60, env=os.environ)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.usefixtures("nothing_left")
def test_a_running_part_passes(secrets, tmp_path):
    part = ["--admin.listen=127.0.0.1:9104", "--listen.address=127.0.0.1:2525"]
    with nats(secrets, 4322, "server"), running(*relaytrap(secrets, tmp_path, 4322, extra=part)):
        wait_for_port(2525)
        code, said = self_test(
            secrets, tmp_path, 4322,
            extra=["--self-test.http=http://127.0.0.1:9104/readyz", "--self-test.flow=127.0.0.1:2525"],
        )  # fmt: skip
    assert code == 0 and said.count("ok ") == 3, said


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("server", "arguments", "word"),
    [
        ("server", {"ca": "theirs"}, "FAILED  NATS"),
        ("elsewhere", {}, "FAILED  NATS"),
        ("server", {"password": "wrong"}, "FAILED  NATS"),
        ("server", {"ca": "nothing"}, "nats.ca-file can't be read"),
        ("server", {"extra": ["--nats.cert-file=x"]}, "nats.cert-file and nats.key-file go together"),
        ("server", {"extra": ["--self-test.http=http://127.0.0.1:1/readyz"]}, "FAILED  readiness"),
        ("server", {"extra": ["--self-test.flow=127.0.0.1:1"]}, "no connection to 127.0.0.1 port 1"),
        ("server", {"extra": ["--self-test.flow=nothing"]}, "must look like host:port"),
    ],
)
def test_what_is_wrong_is_said(secrets, tmp_path, server, arguments, word):
    with nats(secrets, 4323, server):
        code, said = self_test(secrets, tmp_path, 4323, **arguments)
    assert code != 0 and word in said, said


@pytest.mark.usefixtures("nothing_left")
def test_a_server_that_asks_for_certificates_gets_one(secrets, tmp_path):
    mine = [f"--nats.cert-file={secrets}/client.crt", f"--nats.key-file={secrets}/client.key"]
    with nats(secrets, 4324, "server", verify=True):
        without, said = self_test(secrets, tmp_path, 4324)
        assert without != 0, said
        code, said = self_test(secrets, tmp_path, 4324, extra=mine)
    assert code == 0, said


def test_the_gateway_sees_that_its_decoys_changed(lab):
    """As Kubernetes changes a ConfigMap: another file takes the name, and nobody sends a signal."""
    path = lab.directory / "etc" / "decoys.json"
    decoys = json.loads(path.read_text())
    address = "203.0.113.99"
    assert lab.attack("ping", "-c1", "-W1", address).returncode != 0
    decoys["decoys"].append({"addresses": [address], "personality": "linux-6", "ports": []})
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(decoys))
    fresh.chmod(0o644)
    fresh.rename(path)
    conftest.wait_for(lambda: lab.attack("ping", "-c1", "-W1", address).returncode == 0, 60)
    assert lab.attack("ping", "-c1", "-W1", address).returncode == 0
    path.write_text("{")  # a bad one changes nothing
    time.sleep(5)
    assert lab.attack("ping", "-c1", "-W1", address).returncode == 0


def test_what_waits_for_logship_is_counted_without_it(lab):
    """As KEDA asks before it scales logship to zero, and from zero: a consumer that is gone would leave it there for good."""

    monitor = "http://" + lab.d["nats"]["url"].rpartition("@")[2].removeprefix("nats://").replace(":4222", ":8222")

    def consumer():
        with urllib.request.urlopen(f"{monitor}/jsz?acc=HS&consumers=true&config=true", timeout=10) as answer:
            streams = json.load(answer)["account_details"][0]["stream_detail"]
        events = next(stream for stream in streams if stream["name"] == "EVENTS")
        return next(c for c in events["consumer_detail"] if c["name"] == "logship-jsonl")

    def nothing_waits():
        now = consumer()
        return now["num_pending"] + now["num_ack_pending"] == 0

    assert conftest.wait_for(nothing_waits, 60)
    assert consumer()["config"]["inactive_threshold"] >= 30 * 24 * 3600 * 10**9
