"""What the chart tests share: the charts with their dependencies, Helm, and every scenario rendered once."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHARTS = ROOT / "charts"
sys.path.insert(0, str(HERE))

import programs  # noqa: E402

NAMES = sorted(path.parent.name for path in CHARTS.glob("*/Chart.yaml"))
INSTALLABLE = [name for name in NAMES if name != "common"]


@dataclasses.dataclass(frozen=True)
class Scenario:
    chart: str
    name: str
    values: pathlib.Path

    def __str__(self):
        return f"{self.chart}-{self.name}"


SCENARIOS = [
    Scenario(path.parents[1].name, path.name.removesuffix("-values.yaml"), path)
    for path in sorted(CHARTS.glob("*/ci/*-values.yaml"))
]


def run(*words, **more):
    done = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **more
    )  # fmt: skip
    return done.returncode == 0, done.stdout


def helm(version, *words):
    return run(programs.BIN / f"helm{version}", *words)


@pytest.fixture(scope="session")
def charts():
    """A copy with the dependencies in it, so that the tree stays as it is."""
    copy = programs.BUILD / "charts"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(CHARTS, copy, ignore=shutil.ignore_patterns("*.tgz", "Chart.lock"))
    # The umbrella first: from a clean clone it needs nobody's dependencies but its own.
    for name in sorted(INSTALLABLE, key=lambda name: name != "honeyspam"):
        good, said = helm(3, "dependency", "build", copy / name)
        assert good, said
    return copy


@pytest.fixture(scope="session")
def render(charts):
    """render(CHART, words...) -> (whether it went, text)"""

    def template(chart, *words, version=3):
        return helm(version, "template", "r", charts / chart, "--namespace", "ns", *words)

    return template


@pytest.fixture(scope="session")
def rendered(render):
    """Every scenario that renders, as text."""
    made = {}
    for scenario in SCENARIOS:
        good, text = render(scenario.chart, "--values", scenario.values)
        if good:
            made[scenario] = text
    return made


def objects(text):
    return [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]
