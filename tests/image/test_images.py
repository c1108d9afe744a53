"""Each image alone: what is in it, how large it is, as whom and with what rights it runs, how soon it is ready. Root.

`figure image.NAME_mb V MB` says how large each is unpacked (MB of 10^6 bytes), `figure image.NAME_ready_s V s` how soon it answers /readyz,
counted from the call that starts the container, and `figure image.NAME_start_s V s` how much of that is over when its process begins.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import struct
import tarfile
import time

import engine
import pytest

ADMIN = {"fingerprintd": 9101, "webtrap": 9102, "proxytrap": 9103, "relaytrap": 9104, "courier": 9105, "logship": 9106, "api": 9107}
LIMITS_MB = {name: 20 for name in ADMIN} | {"courier": 30, "logship": 30, "api": 30}
PORTS = {"webtrap": 8080, "proxytrap": 3128, "relaytrap": 2525}
NET_RAW = 13
LABELS = ("title", "description", "licenses", "version", "vendor")
OF_THE_ENGINE = {"dev", "proc", "sys", "etc", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
READY_S = 10


@pytest.fixture(scope="module", params=list(ADMIN))
def image(docker, request):
    name = request.param
    docker.build(name, f"honeyspam/{name}")
    return name


@pytest.fixture
def files(docker, image, tmp_path):
    """What is in the image, as a running container would see it: {path: member}, and the tar."""
    container = docker.docker("create", f"honeyspam/{image}").strip()
    path = tmp_path / "root.tar"
    docker.docker("export", "-o", str(path), container)
    docker.docker("rm", container)
    with tarfile.open(path) as tar:
        yield {m.name.rstrip("/"): m for m in tar.getmembers()}, tar


def test_it_is_small(docker, image):
    size = docker.inspect(f"honeyspam/{image}")["Size"] / 1e6
    print(f"figure image.{image}_mb {size:.1f} MB")
    assert size <= LIMITS_MB[image]


def test_it_says_what_it_is_and_runs_as_an_ordinary_user(docker, image):
    config = docker.inspect(f"honeyspam/{image}")["Config"]
    assert config["User"] == "64113:64113"
    assert config["Entrypoint"] == [f"/usr/local/bin/{image}"]
    for label in LABELS:
        assert config["Labels"].get(f"org.opencontainers.image.{label}"), label
    assert config["Labels"]["org.opencontainers.image.title"] == f"honeyspam/{image}"


def expected(name, image):
    """The program, libraries and the loader, and what the program reads."""
    data = ("usr/share/honeyspam/personalities/", "usr/share/honeyspam/os-signatures.fp") if image == "fingerprintd" else ()
    return (
        name in (f"usr/local/bin/{image}", "etc/nsswitch.conf", "usr/share/honeyspam/sbom.spdx.json")
        or (image == "courier" and name == "etc/ssl/certs/ca-certificates.crt")
        or re.fullmatch(r"(usr/)?lib(64)?/.*\.so[.\d]*", name) is not None
        or name.startswith(data)
    )


def test_it_holds_the_program_and_its_libraries_and_nothing_else(image, files):
    members, _ = files
    others = [
        name for name, m in members.items()
        if not m.isdir() and name not in OF_THE_ENGINE and not name.startswith(("dev/", "proc/")) and not expected(name, image)
    ]  # fmt: skip
    assert others == []
    assert f"usr/local/bin/{image}" in members


def test_nothing_in_it_can_be_written_by_its_user_but_its_data(image, files):
    members, _ = files
    assert members["var/lib/honeyspam"].uid == 64113
    mine = [name for name, m in members.items() if m.uid == 64113 or m.mode & 0o002 and not m.issym()]
    assert [name for name in mine if not name.startswith("dev/")] == ["var/lib/honeyspam"]
    assert [name for name, m in members.items() if m.mode & 0o6000] == []


def test_its_packages_are_listed(image, files):
    members, tar = files
    sbom = json.load(tar.extractfile(members["usr/share/honeyspam/sbom.spdx.json"]))
    assert (sbom["spdxVersion"], sbom["dataLicense"], sbom["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    packages = {p["name"]: p for p in sbom["packages"]}
    assert packages[f"honeyspam-{image}"]["licenseDeclared"] == "Apache-2.0"
    assert {"libc6", "libnats3.10", "libssl3t64"} <= set(packages)
    ids = [p["SPDXID"] for p in sbom["packages"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids)
    related = {r["relatedSpdxElement"] for r in sbom["relationships"]}
    assert related == set(ids)
    for p in sbom["packages"]:
        assert p["versionInfo"] and p["externalRefs"][0]["referenceLocator"].startswith("pkg:")


def capability(path):
    """(permitted, effective) of a file's capabilities, or None: linux/capability.h, struct vfs_cap_data."""
    buffer = ctypes.create_string_buffer(64)
    n = ctypes.CDLL(None).getxattr(str(path).encode(), b"security.capability", buffer, 64)
    if n < 0:
        return None
    magic, permitted = struct.unpack("<II", buffer.raw[:8])
    return permitted, magic & 1


def test_only_the_gateways_binary_has_a_capability(docker, image):
    """As it lies in the image: COPY drops extended attributes, and a gateway without it can hold nothing."""
    container = docker.docker("create", f"honeyspam/{image}").strip()
    try:
        docker.docker("start", container)
        merged = docker.inspect(container)["GraphDriver"]["Data"]["UpperDir"]
        layers = docker.inspect(container)["GraphDriver"]["Data"]["LowerDir"].split(":")
        found = [pathlib.Path(layer) / "usr/local/bin" / image for layer in (merged, *layers)]
        held = next(capability(path) for path in found if path.exists())
    finally:
        docker.docker("rm", "-f", container)
    assert held == ((1 << NET_RAW, 0) if image == "fingerprintd" else None)


def settings(image, secrets):
    """Environment and mounts with which it gets ready on its own."""
    env = {
        "HS_NATS_URL": "nats://127.0.0.1:4222", "HS_SITE": "alone", "HS_NATS_USER": image, "HS_INSTANCE": "one",
        "HS_NATS_PASSWORD_FILE": f"/run/s/nats-{image}", "HS_SITE_KEY_FILE": "/run/s/site-key",
    }  # fmt: skip
    if image in PORTS:
        env |= {"HS_LISTEN_ADDRESS": f"127.0.0.1:{PORTS[image]}", "HS_LISTEN_NETWORKS": "127.0.0.0/8"}
    if image == "logship":
        env |= {"HS_JSONL_PATH": "/var/lib/honeyspam/e.jsonl", "HS_MAILDIR_PATH": "/var/lib/honeyspam/Maildir"}
    if image == "api":
        env |= {
            "HS_LISTEN_ADDRESS": "127.0.0.1:8025", "HS_TOKEN_FILE": "/run/s/api-token",
            "HS_OPERATOR_TOKEN_FILE": "/run/s/operator-token", "HS_DB_PATH": "/var/lib/honeyspam/a.sqlite",
        }  # fmt: skip
    if image == "fingerprintd":
        env |= {"HS_ATTACHMENT": "service", "HS_LISTEN_PORT_OFFSET": "10000", "HS_DECOYS_FILE": "/run/d/decoys.json"}
    words = [word for key, value in env.items() for word in ("-e", f"{key}={value}")]
    return [*words, "-v", f"{secrets}:/run/s:ro", "-v", f"{engine.ROOT / 'docker'}:/run/d:ro"]


@pytest.fixture(scope="module")
def nats(docker, secrets):
    """NATS with the streams, on the engine's own network; what sets them up."""
    docker.build("nats", "honeyspam/nats")
    docker.build("api", "honeyspam/api")
    lab = engine.ROOT / "services" / "lab" / "accounts.conf"
    secrets.chmod(0o755)
    docker.docker(
        "run", "-d", "--name", "nats", "--network", "host", "--read-only", "--tmpfs", "/var/lib/honeyspam:uid=64113",
        "--env-file", secrets / "nats-passwords", "-v", f"{engine.ROOT / 'docker' / 'nats.conf'}:/etc/honeyspam/nats.conf:ro",
        "-v", f"{lab}:/etc/honeyspam/accounts.conf:ro", "honeyspam/nats", "-c", "/etc/honeyspam/nats.conf",
    )  # fmt: skip
    words = settings("api", secrets) + ["-e", "HS_NATS_USER=setup", "-e", "HS_NATS_PASSWORD_FILE=/run/s/nats-setup"]
    words += ["-e", "HS_ADMIN_LISTEN=127.0.0.1:0"]  # an api's own may be taken
    set_up = ("run", "--rm", "--network", "host", *words, "honeyspam/api", "--setup")
    docker.docker(*set_up)
    yield set_up
    docker.docker("rm", "-f", "-v", "nats")


def ready(docker, image):
    try:
        return docker.inside("curl", "-sf", "-m", "1", f"http://127.0.0.1:{ADMIN[image]}/readyz")
    except engine.EngineError:
        return ""


def began(docker, container):
    """When its process was made, by the monotonic clock (proc(5), stat: the 22nd field, in ticks since boot)."""
    stat = docker.beside("cat", f"/proc/{docker.host_pid(container)}/stat")
    ticks = int(stat.rpartition(")")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK") - time.clock_gettime(time.CLOCK_BOOTTIME) + time.monotonic()


@contextlib.contextmanager
def serving(docker, image, secrets):
    """A container that nats is there for, with no more rights than it needs."""
    container = docker.docker(
        "create", "--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--tmpfs", "/var/lib/honeyspam:uid=64113", *settings(image, secrets), f"honeyspam/{image}",
    ).strip()  # fmt: skip
    try:
        docker.docker("start", container)
        yield container
    finally:
        docker.docker("rm", "-f", "-v", container)


def await_ready(docker, image, container):
    start = time.monotonic()
    while not ready(docker, image):
        assert time.monotonic() - start < READY_S, docker.docker("logs", container)
        time.sleep(0.01)


def test_it_gets_ready_on_a_read_only_root_without_any_right(docker, image, nats, secrets):
    start = time.monotonic()
    with serving(docker, image, secrets) as container:
        await_ready(docker, image, container)
        print(f"figure image.{image}_ready_s {time.monotonic() - start:.2f} s")
        print(f"figure image.{image}_start_s {began(docker, container) - start:.2f} s")
        status = docker.beside("cat", f"/proc/{docker.host_pid(container)}/status")
        assert re.search(r"^Uid:\s+64113\s+64113", status, re.M)
        assert re.search(r"^CapEff:\s+0+$", status, re.M)


def connects(docker, image):
    page = docker.inside("curl", "-sf", "-m", "1", f"http://127.0.0.1:{ADMIN[image]}/metrics")
    return float(re.search(r"^honeyspam_nats_connects_total (\S+)", page, re.M)[1])


def sockets(docker, container):
    return docker.beside("ls", "-l", f"/proc/{docker.host_pid(container)}/fd").count("socket:")


def test_a_nats_that_comes_back_leaves_no_socket_behind(docker, image, nats, secrets):
    with serving(docker, image, secrets) as container:
        await_ready(docker, image, container)
        before = sockets(docker, container)
        for times in range(2, 5):
            docker.docker("restart", "-t", "1", "nats")
            docker.docker(*nats)
            docker.wait(lambda: connects(docker, image) == times, 5 * READY_S, "no connection")
        await_ready(docker, image, container)
        assert sockets(docker, container) <= before
