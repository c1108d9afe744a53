"""What the benchmarks share: a lab to measure, and the way in which figures are said."""

import contextlib
import json
import os
import pathlib
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "services" / "lab" / "lab.py"
NATS = "nats-server"
RELEASE = ROOT / "build" / "release"


class BenchError(Exception):
    """One sentence for people."""


def figure(name, value, unit):
    print(f"figure {name} {value:.4g} {unit}", flush=True)


def raise_descriptor_limit(count):
    """For this process and what it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    elif soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def build(binaries, *targets):
    """Makes what is missing of the programs, where it is our own build's."""
    if binaries != RELEASE / "bin" or all((binaries / target).exists() for target in targets):
        return
    print(f"building {', '.join(targets)} (build/release)", file=sys.stderr, flush=True)
    for words in (["-S", ROOT, "-B", RELEASE, "-G", "Ninja", "-DTESTS=OFF", "-DTOOLS=ON"],
                  ["--build", RELEASE, "--target", *targets]):  # fmt: skip
        try:
            done = subprocess.run(["cmake", *words], capture_output=True, text=True)
        except FileNotFoundError:
            raise BenchError("there is no cmake: services/up and tests/run install what a build needs") from None
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
            raise BenchError(f"{tail}\nthe build failed: services/up and tests/run install what it needs")


def add_arguments(parser):
    own = RELEASE / "bin"
    parser.add_argument("--describe", metavar="FILE", help="a lab's description, as services/up --describe prints it")
    parser.add_argument("--lab", metavar="NAME", default="hs", help="a running lab (default hs, that of services/up)")
    parser.add_argument("--binaries", metavar="DIR", default=own, help="where none runs: the programs of one to start")


def lab_command(name, *words):
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(["/usr/bin/python3", LAB, "--name", name, *words], capture_output=True, text=True, env=env)


def described(name):
    """The description of a running lab, or None."""
    done = lab_command(name, "describe")
    return json.loads(done.stdout) if done.returncode == 0 else None


@contextlib.contextmanager
def own_lab(binaries):
    """A lab that starts here and leaves nothing."""
    name = f"b{os.getpid()}"
    print(f"no lab runs: starting one ({name})", file=sys.stderr, flush=True)
    try:
        done = lab_command(name, "up", "--detach", "--binaries", str(binaries))
        if done.returncode != 0:
            raise BenchError(f"the lab does not start: {done.stdout}{done.stderr}")
        yield described(name)
    finally:
        lab_command(name, "down", "--purge")


@contextlib.contextmanager
def measured_lab(args):
    """The description of the file's lab, the running one or a new one; and whether it is new."""
    running = json.loads(pathlib.Path(args.describe).read_text()) if args.describe else described(args.lab)
    if running is not None:
        yield running, False
        return
    with own_lab(args.binaries) as d:
        yield d, True


def end_with(main):
    """Runs main(); what people can mend becomes a sentence and status 1."""
    try:
        main()
    except (BenchError, OSError) as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(1)
