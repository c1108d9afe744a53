"""One engine for all tests of images: building is what takes the time."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import engine  # noqa: E402


@pytest.fixture(scope="session")
def docker():
    with engine.Engine() as running:
        running.import_base()
        yield running
    assert running.remains() == []


@pytest.fixture(scope="session")
def secrets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("compose") / "secrets"
    subprocess.run([engine.ROOT / "docker" / "make-secrets", directory], check=True)
    return directory
