"""engine - a Docker engine of its own for a test, in namespaces of its own.

It has a network namespace (bridges, filters and addresses stay in it), a mount namespace and a process
namespace: when the engine ends, however it ends, its containers and mounts end with it.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import bases

ROOT = bases.ROOT
START_S, STOP_S = 60, 60
BRIDGE = "198.18.250.1/24"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
BASE = "honeyspam-base:build"
PREFIX = "hsimg"  # then the test's process id


class EngineError(Exception):
    pass


def run(*argv, timeout=600, **kwargs):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **kwargs)
    if done.returncode != 0:
        raise EngineError(f"{' '.join(map(str, argv))}: {(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def children(pid):
    with contextlib.suppress(FileNotFoundError):
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def remove_cgroups(name):
    for top in [*CGROUPS.glob(f"*/{name}"), CGROUPS / name]:
        for directory, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def sweep():
    """Files, cgroups and namespaces of tests that were killed; their engines died with them."""
    for place in (pathlib.Path("/run/netns"), pathlib.Path("/run"), ROOT / "build"):
        for path in place.glob(f"{PREFIX}*"):
            pid = path.name.removeprefix(PREFIX).rstrip("a")
            if pathlib.Path(f"/proc/{pid}").exists():
                continue
            if place.name == "netns":
                run("ip", "netns", "del", path.name)
            else:
                remove_cgroups(path.name)
                shutil.rmtree(path, ignore_errors=True)


class Engine:
    def __init__(self):
        self.name = f"{PREFIX}{os.getpid()}"
        self.run_dir = pathlib.Path("/run") / self.name  # short: a socket's path has 108 bytes
        self.data = ROOT / "build" / self.name
        self.socket = f"unix://{self.run_dir}/docker.sock"
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- its life ----

    def start(self):
        sweep()
        self.data.mkdir(parents=True)
        self.run_dir.mkdir()
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        namespaces = ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--pid", "--fork"]
        # `ip netns exec` would hide /sys/fs/cgroup, so nsenter. The engine dies with the test.
        self.process = subprocess.Popen(
            [
                "setpriv", "--pdeathsig", "KILL", *namespaces, "--kill-child", "--mount-proc", "dockerd",
                "--host", self.socket, "--bip", BRIDGE, "--data-root", str(self.data / "docker"),
                "--exec-root", f"{self.run_dir}/exec", "--pidfile", f"{self.run_dir}/pid",
                "--cgroup-parent", f"/{self.name}",
            ],
            stdin=subprocess.DEVNULL, stdout=open(self.data / "log", "wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.wait(self.answers, START_S, "the engine does not answer")

    def answers(self):
        if self.process.poll() is not None:
            raise EngineError(f"dockerd ended:\n{self.log_tail()}")
        with contextlib.suppress(EngineError):
            return bool(self.docker("info", "--format", "{{.ServerVersion}}"))

    def stop(self):
        """TERM to dockerd, the only child of `unshare`; if it doesn't end, its namespaces' end takes it."""
        if self.process:
            for pid in children(self.process.pid):
                os.kill(pid, signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if pathlib.Path(f"/run/netns/{self.name}").exists():
            run("ip", "netns", "del", self.name)
        remove_cgroups(self.name)
        shutil.rmtree(self.run_dir, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def remains(self):
        """What is left of an engine that was stopped; empty when it went away whole."""
        left = [line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if self.name in line]
        left += [str(p) for p in (self.run_dir, self.data, pathlib.Path(f"/run/netns/{self.name}")) if p.exists()]
        left += [str(p) for p in CGROUPS.glob(f"*/{self.name}")]
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                left += [words] if str(self.run_dir) in words else []
        return left

    def log_tail(self, lines=20):
        return "\n".join((self.data / "log").read_text(errors="replace").splitlines()[-lines:])

    @staticmethod
    def wait(condition, seconds, complaint):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise EngineError(complaint() if callable(complaint) else complaint)
            time.sleep(0.2)

    # ---- its use ----

    def docker(self, *words, **kwargs):
        return run("docker", "--host", self.socket, *words, **kwargs)

    def compose(self, *words, env=(), **kwargs):
        settings = os.environ | {
            "DOCKER_HOST": self.socket, "COMPOSE_DOCKER_CLI_BUILD": "0", "DOCKER_BUILDKIT": "0",
        } | dict(env)  # fmt: skip
        compose_file = str(ROOT / "docker" / "compose.yaml")
        return run("docker-compose", "-f", compose_file, "-p", "hs", *words, env=settings, **kwargs)

    def inside(self, *argv, **kwargs):
        """Runs argv where the engine's host interfaces are."""
        return run("nsenter", f"--net=/run/netns/{self.name}", *map(str, argv), **kwargs)

    def kill(self, container):
        """-9 to the container's first process."""
        self.beside("kill", "-9", self.host_pid(container))

    def import_base(self):
        """The image to build on, as environment for compose."""
        self.docker("import", str(bases.make()), BASE)
        return {"BUILD_BASE": BASE}

    def build(self, target, tag, **kwargs):
        """One image of docker/Dockerfile; import_base() comes first."""
        return self.docker(
            "build", "-q", "-f", str(ROOT / "docker" / "Dockerfile"), "--target", target, "-t", tag,
            "--build-arg", f"BUILD_BASE={BASE}", str(ROOT), env=os.environ | {"DOCKER_BUILDKIT": "0"}, **kwargs,
        )  # fmt: skip

    def host_pid(self, container):
        """The pid of a container's first process, as the engine's own process namespace counts."""
        return self.docker("inspect", "-f", "{{.State.Pid}}", container).strip()

    def beside(self, *argv, **kwargs):
        """Runs argv in the engine's process and mount namespaces: there are no programs inside the images."""
        (dockerd,) = children(self.process.pid)
        return run("nsenter", "-t", str(dockerd), "--pid", "--mount", *map(str, argv), **kwargs)

    def inspect(self, what):
        return json.loads(self.docker("inspect", what))[0]
