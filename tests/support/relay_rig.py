"""relaytrap and nats-server on loopback, without gateway and lab: for the relay's benchmark and for killing them."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
NATS_SERVER = ROOT / "build" / "venv" / "bin" / "nats-server"
IP = "127.0.0.1"
START_S = 20
NATS_CONF = """
listen: "{ip}:{port}"
http: "{ip}:{monitor}"
max_payload: 1MB
jetstream {{
	store_dir: "{store}"
	max_memory_store: 64MB
	max_file_store: 4GB
	{sync}
}}
"""


class RigError(Exception):
    """One sentence for people."""


def free_ports(count):
    """Ports that nobody has now."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind((IP, 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


class Rig:
    """Use as a context: all processes end with it and the directory goes."""

    def __init__(self, binaries, nats_server=NATS_SERVER, sync=None, mail_bytes=None, options=(), proxy="off"):
        self.binaries, self.nats_server = pathlib.Path(binaries), pathlib.Path(nats_server)
        self.port, self.admin, self.nats_port, self.monitor = free_ports(4)
        self.sync, self.mail_bytes, self.options = sync, mail_bytes, list(options)
        self.proxy = proxy
        self.nats = self.relay = None

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="relay-rig-"))
        self.log = open(self.directory / "log", "ab")
        sync = f"sync_interval: {self.sync}" if self.sync else ""
        (self.directory / "nats.conf").write_text(
            NATS_CONF.format(ip=IP, port=self.nats_port, monitor=self.monitor, store=self.directory / "js", sync=sync)
        )
        (self.directory / "site-key").write_text("11" * 32 + "\n")
        try:
            self.start_nats()
            self.wait("nats-server", f"http://{IP}:{self.monitor}/healthz")
            self.setup()
            self.start_relay()
            self.wait_relay()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in (self.relay, self.nats):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- processes --

    def start(self, *words):
        return subprocess.Popen([str(w) for w in words], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def common(self, name):
        return [
            f"--nats.url=nats://{IP}:{self.nats_port}", f"--data.dir={self.directory / name}",
            f"--site-key.file={self.directory / 'site-key'}", "--site=lab", f"--instance={name}",
        ]  # fmt: skip

    def setup(self):
        words = [self.binaries / "api", "--setup", *self.common("setup"), f"--admin.listen={IP}:{self.admin}"]
        words += [f"--mail.bytes={self.mail_bytes}"] if self.mail_bytes else []
        done = subprocess.run(words, stdout=self.log, stderr=self.log, timeout=START_S)
        if done.returncode != 0:
            raise RigError(f"api --setup fails: {self.log_tail()}")

    def start_nats(self):
        self.nats = self.start(self.nats_server, "-c", self.directory / "nats.conf")

    def start_relay(self):
        self.relay = self.start_replica("relaytrap", self.port, self.admin)

    def start_replica(self, name, port, admin):
        """One more relaytrap; the caller ends it."""
        return self.start(
            self.binaries / "relaytrap", *self.common(name), f"--admin.listen={IP}:{admin}",
            f"--listen.address={IP}:{port}", f"--listen.proxy={self.proxy}", *self.options,
        )  # fmt: skip

    def wait_relay(self):
        self.wait("relaytrap", f"http://{IP}:{self.admin}/readyz")

    def wait(self, name, url):
        end = time.monotonic() + START_S
        while not answers(url):
            if time.monotonic() > end:
                raise RigError(f"{name} does not get ready: {self.log_tail()}")
            time.sleep(0.05)

    def kill(self, process):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def log_tail(self):
        self.log.flush()
        return "\n".join((self.directory / "log").read_text(errors="replace").splitlines()[-8:])

    # -- what is there --

    def stream(self, name):
        """The stream's state, as the server's monitor says."""
        url = f"http://{IP}:{self.monitor}/jsz?accounts=true&streams=true"
        with urllib.request.urlopen(url, timeout=10) as answer:
            accounts = json.load(answer).get("account_details", ())
        for account in accounts:
            for stream in account.get("stream_detail", ()):
                if stream["name"] == name:
                    return stream["state"]
        raise RigError(f"nats-server knows no stream {name}")

    def metrics(self):
        """{"name{labels}": value} of relaytrap."""
        with urllib.request.urlopen(f"http://{IP}:{self.admin}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if not line.startswith("#"))}
