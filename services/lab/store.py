"""store - a lab's directory below build/lab/ and its running state below /run.

The directory (data, secrets, logs, staged programs) stays when a lab goes down; the state goes with it.
"""

import fcntl
import json
import os
import pathlib
import secrets
import shutil
import string

import parts

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = pathlib.Path("/run/honeyspam")
LOG_KEEP_BYTES = 8 << 20
NATS_STORE_BYTES = 4 << 30


def write_private(path, text, uid, mode=0o400, gid=parts.GROUP):
    """A file that only its reader reads; made whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "w") as f:
        f.write(text)
    os.chown(draft, uid, gid)
    draft.chmod(mode)
    draft.replace(path)


class Directory:
    """build/lab/NAME: root's, and entered by the parts' group alone; each part owns one directory in it."""

    def __init__(self, name):
        self.path = ROOT / "build" / "lab" / name
        self.secrets, self.etc, self.bin, self.logs = (self.path / d for d in ("secrets", "etc", "bin", "logs"))

    def make(self):
        for d in (self.path, self.secrets, self.etc, self.bin, self.logs):
            d.mkdir(parents=True, exist_ok=True)
            os.chown(d, 0, parts.GROUP)
            d.chmod(0o750)
        for part in parts.PARTS:
            d = self.path / part.name
            d.mkdir(exist_ok=True)
            os.chown(d, part.uid, parts.GROUP)
            d.chmod(0o700)

    def make_secrets(self):
        """Made once: a site key that changes would make other machines of all decoys."""
        self._once("site-key", secrets.token_hex(32) + "\n", 0, 0o440)
        for name in ("api-token", "operator-token"):
            self._once(name, secrets.token_urlsafe(24) + "\n", parts.named("api").uid)
        for user in parts.USERS:
            owner = {"setup": "api"}.get(user, user)
            uid = 0 if user == "operator" else parts.named(owner).uid
            # Starts with a letter: nats-server would read digits as a number.
            self._once(f"nats-{user}", "p" + secrets.token_urlsafe(24) + "\n", uid)

    def _once(self, name, text, uid, mode=0o400):
        if not (self.secrets / name).exists():
            write_private(self.secrets / name, text, uid, mode)

    def secret(self, name):
        return (self.secrets / name).read_text().strip()

    def stage(self, binaries, nats_server, decoys):
        """Copies what the parts run and read: the clone may be closed to them, and may be rebuilt meanwhile."""
        for source in [binaries / p.name for p in parts.PARTS if p is not parts.NATS] + [nats_server]:
            self._copy(source, self.bin / source.name, 0o755)
        if (binaries / "badlink").exists():
            self._copy(binaries / "badlink", self.bin / "badlink", 0o755)
        shutil.rmtree(self.etc / "personalities", ignore_errors=True)
        (self.etc / "personalities").mkdir(mode=0o755)
        for source in sorted((ROOT / "fingerprintd" / "personalities").glob("*.json")):
            self._copy(source, self.etc / "personalities" / source.name, 0o644)
        self._copy(ROOT / "fingerprintd" / "os-signatures.fp", self.etc / "os-signatures.fp", 0o644)
        self._copy(decoys, self.etc / "decoys.json", 0o644)

    def _copy(self, source, target, mode):
        draft = target.with_name(target.name + ".new")
        shutil.copyfile(source, draft)
        draft.chmod(mode)
        draft.replace(target)

    def write_nats_conf(self, name, address):
        here = pathlib.Path(__file__).parent
        values = {
            "name": name,
            "address": address,
            "store": f"{parts.MNT}/nats-server",
            "store_bytes": NATS_STORE_BYTES,
        }
        text = string.Template((here / "nats.conf").read_text()).substitute(values)
        write_private(self.etc / "nats.conf", text, parts.NATS.uid)
        self._copy(here / "accounts.conf", self.etc / "accounts.conf", 0o644)

    def log(self, name):
        """An open log file; the one before is kept when it has grown."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_KEEP_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return open(path, "ab")

    def log_tail(self, name, lines=5):
        path = self.logs / f"{name}.log"
        return path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []

    def purge(self):
        shutil.rmtree(self.path, ignore_errors=True)


class State:
    """What is known of a running lab: /run/honeyspam/NAME.json, and a lock that its supervisor holds."""

    def __init__(self, name):
        self.path, self.lock_path = RUN / f"{name}.json", RUN / f"{name}.lock"
        self.lock_fd = -1

    def lock(self):
        """False: another supervisor runs."""
        RUN.mkdir(mode=0o755, exist_ok=True)
        while True:
            fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            if self.lock_path.exists() and os.fstat(fd).st_ino == self.lock_path.stat().st_ino:
                self.lock_fd = fd
                return True
            os.close(fd)  # it was unlinked by the one before us while we opened it

    def locked(self):
        """Does a supervisor run?"""
        if not self.lock_path.exists():
            return False
        with open(self.lock_path, "rb") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def read(self):
        try:
            return json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def write(self, value):
        write_private(self.path, json.dumps(value), 0, 0o600, 0)

    def clear(self):
        """Only by the holder of the lock."""
        self.path.unlink(missing_ok=True)
        self.lock_path.unlink(missing_ok=True)
        os.close(self.lock_fd)
        self.lock_fd = -1
        try:
            RUN.rmdir()
        except OSError:
            pass  # other labs run
