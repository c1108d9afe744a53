"""bases - the image to build on, made from this machine's Debian archive: nothing is pulled from a registry.

It is a tar of a minimal trixie that already holds what docker/packages-build.txt asks for; it is made once
and kept in build/cache under a name that changes with the list.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "cache"
SUITE = "trixie"
LIST = ROOT / "docker" / "packages-build.txt"


def codename():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r"^VERSION_CODENAME=(\w+)$", text, re.M).group(1)


def mirror(etc=pathlib.Path("/etc/apt"), release=None):
    """The archive that this machine's apt takes its own release from; None: not found, debootstrap knows one."""
    release = release or codename()
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        text = re.sub(r"^#.*\n?", "", path.read_text(), flags=re.M) if path.is_file() else ""
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^([\w-]+):\s*(.*)$", stanza, re.M))
                if release in fields.get("Suites", "").split():
                    return fields["URIs"].split()[0]
        elif found := re.search(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{release}\s", text, re.M):
            return found.group(1)
    return None


def proxies():
    """apt's own proxy settings as command line words, so that none is written into a base."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    return [f"-o={key}={value}" for key, value in re.findall(r'^(Acquire::https?::Proxy\S*) "([^"]+)";$', dump, re.M)]


def packages():
    return [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]


def tar_path():
    digest = hashlib.sha256(" ".join(packages()).encode()).hexdigest()[:12]
    return CACHE / f"{SUITE}-build-{digest}.tar"


def run(*argv, log):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv[:4])} ... ended with status {done.returncode}; see {log.name}")


def install(tree, names, log):
    env = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
    apt = ["chroot", str(tree), *env, "apt-get", "-q", "-o=Acquire::Retries=3", *proxies()]
    shutil.copyfile("/etc/resolv.conf", tree / "etc" / "resolv.conf")
    run(*apt, "update", log=log)
    run(*apt, "install", "-y", "--no-install-recommends", *names, log=log)
    run(*apt, "clean", log=log)
    (tree / "etc" / "resolv.conf").write_text("")


def slim(tree):
    """Leaves out what debian:13-slim leaves out, so that sizes can be compared."""
    for name in ("man", "info", "locale", "lintian"):
        shutil.rmtree(tree / "usr" / "share" / name, ignore_errors=True)
    for path in (tree / "usr" / "share" / "doc").rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "copyright":
            path.unlink()
    for path in (tree / "var" / "lib" / "apt" / "lists").glob("*"):
        if path.is_file():
            path.unlink()


def pack(tree, log):
    slim(tree)
    draft = tar_path().with_suffix(f".{os.getpid()}")
    run("tar", "--one-file-system", "-C", str(tree), "-cf", str(draft), ".", log=log)
    draft.replace(tar_path())


def make():
    """The tar; made when it is not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if tar_path().exists():
        return tar_path()
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="base-") as temp, open(CACHE / "bases.log", "w") as log:
        tree = pathlib.Path(temp) / "tree"
        run("debootstrap", "--variant=minbase", SUITE, str(tree), *filter(None, [mirror()]), log=log)
        install(tree, packages(), log)
        pack(tree, log)
    return tar_path()
