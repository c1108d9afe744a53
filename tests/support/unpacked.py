"""Debian packages unpacked below build/, for programs whose packages can't be installed side by side or start servers."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHERE = ROOT / "build" / "unpacked"


class UnpackError(Exception):
    """One sentence for people."""


def unpacked(*packages):
    """The directory that holds the packages' files; asks the archive only the first time."""
    target = WHERE / "-".join(packages)
    if target.is_dir():
        return target
    WHERE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHERE) as draft:
        pathlib.Path(draft).chmod(0o755)
        files = pathlib.Path(draft) / "files"
        words = ["apt-get", "download", "-q", *packages]
        done = subprocess.run(words, cwd=draft, capture_output=True, text=True)
        if done.returncode != 0:
            raise UnpackError(f"apt-get can't download {' '.join(packages)}: {done.stderr.strip()}")
        for archive in pathlib.Path(draft).glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, files], check=True)
        files.chmod(0o755)
        shutil.move(files, target)
    return target


def library_path(root):
    """An environment in which the programs find the libraries that came with them."""
    dirs = sorted({str(p.parent) for p in root.rglob("*.so*") if p.is_file()})
    return os.environ | {"LD_LIBRARY_PATH": ":".join(dirs)} if dirs else dict(os.environ)
