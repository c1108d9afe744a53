"""images - this tree's images as one archive, built by an engine of the tests' own; or put into a registry that was named."""

import hashlib
import sys

from kube import ROOT, WORK, run

sys.path.insert(0, str(ROOT / "tests" / "image"))
import engine  # noqa: E402

SOURCES = ("CMakeLists.txt", "services", "fingerprintd", "api", "docker")


def names():
    text = (ROOT / "docker" / "Dockerfile").read_text()
    targets = [line.split()[-1] for line in text.splitlines() if line.startswith("FROM runtime AS ")]
    return [name for name in targets if name != "runtime"]


def digest():
    """Of what goes into them, as it lies in the tree."""
    listed = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", *SOURCES).split("\n")
    h = hashlib.sha256()
    for name in sorted(filter(None, listed)):
        path = ROOT / name
        h.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return h.hexdigest()[:16]


def archive(tag):
    """The path of a docker archive with all of them; made when the sources have changed since."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"images-{digest()}.tar"
    if path.exists():
        return path
    with engine.Engine() as docker:
        docker.import_base()
        tags = [f"honeyspam/{name}:{tag}" for name in names()]
        for name, full in zip(names(), tags, strict=True):
            docker.build(name, full)
        draft = path.with_suffix(".new")
        docker.docker("save", "-o", str(draft), *tags)
    for old in WORK.glob("images-*.tar"):
        old.unlink()
    draft.rename(path)
    return path


def push(registry, tag):
    """To a registry that a foreign cluster can pull from, with this machine's own docker."""
    for name in names():
        full = f"{registry}/honeyspam/{name}:{tag}"
        run("docker", "build", "-q", "-f", ROOT / "docker" / "Dockerfile", "--target", name, "-t", full, ROOT, timeout=3600)
        run("docker", "push", "-q", full, timeout=600)
