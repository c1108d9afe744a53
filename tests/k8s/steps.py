"""steps - what tests/k8s/run does with the cluster, one function a step; each raises when something is not true."""

import collections
import concurrent.futures
import contextlib
import random
import re
import statistics
import subprocess
import sys
import threading
import time

import curve
import load
from gateway import answers
from kube import GATEWAY, PROJECT, ROOT, STATE, WORK, KubeError, is_ready, run, sets, until
from load import figure
from reach import inside_pod, namespace

sys.path.insert(0, str(ROOT / "tests" / "chart"))
import programs  # noqa: E402
import schemas  # noqa: E402

RELAY, WEB, PROXY = "203.0.113.16", "203.0.113.17", "203.0.113.18"
PARTS = ["nats", "webtrap", "proxytrap", "relaytrap", "courier", "logship", "api", "fingerprintd"]


def together(what, things):
    """what(thing) of all at once; raises when one raises."""
    with concurrent.futures.ThreadPoolExecutor(len(things)) as threads:
        return list(threads.map(what, things))


# ---- 1: install ----


def volumes(world):
    """Static local volumes on node 0, as there is no StorageClass."""
    for name in ("nats", "logship"):
        path = STATE / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        world.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"hs-{name}", "labels": {"hs-test": name}},
                "spec": {
                    "capacity": {"storage": "20Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "local": {"path": str(path)},
                    "nodeAffinity": {
                        "required": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["hsk-n0"]}]}
                            ]
                        }
                    },
                },
            }
        )


def install(world):
    c = world.cluster
    if c.own:
        volumes(world)
    c.apply(namespace(PROJECT, "restricted"), namespace(GATEWAY, "privileged"))
    secrets = run(world.charts / "make-secrets", PROJECT, GATEWAY)
    c.kubectl("apply", "-f", "-", input=secrets)
    start = time.monotonic()
    try:
        c.helm("install", PROJECT, world.chart, "-n", PROJECT, *sets(world.values), "--wait", "--timeout", "150s")
        c.helm(
            "install", GATEWAY, world.chart, "-n", GATEWAY, "-f", world.chart / "examples" / "gateway-values.yaml",
            *sets(world.gateway_values), "--wait", "--timeout", "90s",
        )  # fmt: skip
    except KubeError as e:
        raise KubeError(f"{e}\n{c.unready(PROJECT, GATEWAY)}") from None
    figure("ready_s", time.monotonic() - start, "s")
    together(lambda name: c.helm("test", name, "-n", name, "--timeout", "120s"), (PROJECT, GATEWAY))


# ---- 2: attacks from outside ----


def attacks(world):
    c = world.cluster
    until(lambda: answers(world), 30, "no decoy answers a ping")
    before = world.api.get("/v1/stats")
    scan = c.outside("nmap", "-sS", "-n", "-p", "25,80,81,3128", RELAY)
    if not all(re.search(rf"^{p}/tcp\s+open", scan, re.M) for p in (25, 80, 3128)) or not re.search(r"^81/tcp\s+closed", scan, re.M):
        raise KubeError(scan)
    c.outside("swaks", "--server", RELAY, "--from", "a@spam.example", "--to", "b@victim.example", "--body", "straight")
    page = c.outside("curl", "-sS", "-f", "-m", "15", f"http://{WEB}/")
    if "<a " not in page.lower() and "href" not in page.lower():
        raise KubeError(f"no maze: {page[:200]}")
    mail = WORK / "mail.eml"
    mail.write_bytes(b"Subject: by proxy\r\n\r\nhello\r\n")
    proxied(world, mail, "socks5h", 1080)
    proxied(world, mail, "http", 3128)
    until(lambda: counted(world, before), 45, lambda: f"not all was counted: {world.api.get('/v1/stats')}")


def proxied(world, mail, scheme, port):
    words = ["-p"] if scheme == "http" else []
    world.cluster.outside(
        "curl", "-sS", "-m", "30", *words, "-x", f"{scheme}://{PROXY}:{port}", "-T", mail, "smtp://mx.victim.example/x",
        "--mail-from", "a@spam.example", "--mail-rcpt", "b@victim.example",
    )  # fmt: skip


def counted(world, before):
    """Ping and scan as probes, three mails, a page, two proxy requests, and a flow for each."""
    actions = {}
    for e in world.api.pages("/v1/events"):
        actions[e["event"]["action"]] = actions.get(e["event"]["action"], 0) + 1
    least = {"probe": 1, "flow-open": 4, "flow-close": 4, "relay-mail": 3, "web-request": 1, "proxy-request": 2}
    return all(actions.get(name, 0) >= n for name, n in least.items())


# ---- 3: scale by hand ----


def upgrade(world, **values):
    table = {key.replace("__", "."): value for key, value in values.items()}
    world.cluster.helm("upgrade", PROJECT, world.chart, "-n", PROJECT, "--reuse-values", *sets(table))


def relays(world):
    """{instance: (sessions, capacity)} of those that take flows."""
    rows = world.api.pages("/v1/replicas")
    return {r["instance"]: r for r in rows if r["service"] == "relaytrap" and not r["draining"]}


def mails_by_relay(world):
    """{pod: mails that it has stored}, as each says itself."""
    found = {}
    for pod in world.cluster.ready_pods(PROJECT, "relaytrap"):
        name = pod["metadata"]["name"]
        said = inside_pod(world, PROJECT, name, "curl", "-s", "http://127.0.0.1:9104/metrics").stdout
        found[name] = int(re.search(r'^honeyspam_mails_total\{result="stored"\} (\d+)', said, re.M)[1])
    return found


def scale_by_hand(world):
    with load.Spam(world, 600, clients=5) as spam:
        time.sleep(3)
        start = time.monotonic()
        upgrade(world, relaytrap__replicaCount=3)
        until(lambda: len(relays(world)) == 3, 60, lambda: f"three relays are not there: {list(relays(world))}")
        figure("scale_up_s", time.monotonic() - start, "s")
        time.sleep(2)
        before = mails_by_relay(world)
        time.sleep(30)
        by_relay = {name: count - before[name] for name, count in mails_by_relay(world).items()}
        load.check_stored_once(world, spam, spam.stop())
    if len(by_relay) != 3 or min(by_relay.values()) == 0:
        raise KubeError(f"not all relays took mails: {by_relay}")
    figure("spread", max(by_relay.values()) / min(by_relay.values()), "")
    if max(by_relay.values()) > 1.5 * min(by_relay.values()):
        raise KubeError(f"mails are spread unevenly: {by_relay}")


# ---- 4: autoscaling ----


LOAD_S, WINDOW_S = 50, 3


def replica_count(world):
    return len(world.cluster.ready_pods(PROJECT, "relaytrap"))


class Watch:
    """The replicas of the relay, each second, beside a load."""

    def __init__(self, world):
        self.world, self.rows, self.ended = world, [], threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def watch(self):
        while not self.ended.is_set():
            with contextlib.suppress(KubeError, subprocess.TimeoutExpired):
                self.rows.append((time.time(), replica_count(self.world)))
            time.sleep(1)


def curve_rows(watched, mails, probe):
    """(seconds, relays, mails accepted a second, p95 in ms) of the last WINDOW_S before each look."""
    start, rows = watched[0][0], []
    for when, count in watched:
        ms = [r[1] for r in load.accepted(probe) if when - WINDOW_S < r[0] <= when]
        p95 = statistics.quantiles(ms, n=20)[-1] if len(ms) > 1 else (ms or [0])[0]
        rate = sum(when - WINDOW_S < t <= when for t in mails) / WINDOW_S
        rows.append((round(when - start, 1), count, rate, round(p95, 1)))
    return rows


def autoscale(world, kind, **values):
    """From one replica up under load, and back when it has ended; prints and draws the curve."""
    fast = {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 4, "periodSeconds": 5}]},
        "scaleDown": {"stabilizationWindowSeconds": 5, "policies": [{"type": "Pods", "value": 4, "periodSeconds": 5}]},
    }
    upgrade(
        world, relaytrap__autoscaling__kind=kind, relaytrap__autoscaling__minReplicas=1,
        relaytrap__autoscaling__maxReplicas=4, relaytrap__autoscaling__behavior=fast, **values,
    )  # fmt: skip
    until(lambda: replica_count(world) == 1, 90, lambda: f"not down to one relay: {replica_count(world)}")
    with Watch(world) as watch, load.Flood(world, LOAD_S) as flood, load.Spam(world, LOAD_S, clients=3, pause=0.2) as probe:
        start = time.monotonic()
        until(lambda: replica_count(world) >= 2, LOAD_S, "the autoscaler adds no replica")
        figure(f"{kind}_up_s", time.monotonic() - start, "s")
        flood.wait()
        results, most = probe.results(), max(count for _, count in watch.rows)
        start = time.monotonic()
        until(lambda: replica_count(world) == 1, 90, "the autoscaler takes no replica away")
        figure(f"{kind}_down_s", time.monotonic() - start, "s")
    figure(f"{kind}_replicas", most, "")
    load.check_in_character(results)
    load.check_stored_once(world, probe, results)
    mails = load.check_flood(flood)
    figure(f"{kind}_mails", len(mails), "")
    rows = curve_rows(watch.rows, load.received(mails), results)
    (WORK / f"scaling-{kind}.svg").write_text(curve.draw(f"{kind} autoscaler", rows))
    for row in rows[::8]:
        print(f"    {row[0]:6.1f} s  {row[1]} replicas  {row[2]:6.1f} mails/s  p95 {row[3]:.0f} ms")


def autoscale_cpu(world):
    autoscale(
        world, "cpu", relaytrap__resources__requests__cpu="20m", relaytrap__resources__limits__cpu="100m",
        relaytrap__autoscaling__cpu__targetPercent=60,
    )  # fmt: skip


def begin_keda(world):
    """It takes half a minute to be there, beside the steps that follow; where it has to be compiled, they wait."""
    compiled = run(*world.cluster.enter, "sh", "-c", "command -v keda", check=False).returncode == 0
    with open(WORK / "keda.log", "wb") as log:
        world.keda = subprocess.Popen([str(world.cluster_dir / "keda")], stdout=log, stderr=log)
    if not compiled:
        world.keda.wait(1800)


def autoscale_keda(world):
    if world.keda is None:
        begin_keda(world)
    if world.keda.wait(900) != 0:
        raise KubeError((WORK / "keda.log").read_text()[-2000:])
    autoscale(world, "keda", relaytrap__autoscaling__keda__sessionsPerReplica=4, relaytrap__autoscaling__keda__pollingInterval=2)


def no_autoscaler(world):
    """In two steps: while the autoscaler is still there it would take the second relay away again."""
    upgrade(world, relaytrap__autoscaling__kind="none", relaytrap__replicaCount=1, relaytrap__resources__limits__cpu=None)
    until(lambda: not world.cluster.items("hpa", "-n", PROJECT), 60, "the autoscaler stays")
    upgrade(world, relaytrap__replicaCount=2)
    until(lambda: replica_count(world) == 2, 60, "two relays are not there")


# ---- every scenario, as this API server sees it ----


def documents(text):
    return [d for d in re.split(r"^---\s*$", text, flags=re.M) if re.search(r"^kind:", d, re.M)]


def rendered(world, values_file):
    """The objects of a ci/ scenario; its release, and so each object, is named after it."""
    name = f"dry-{values_file.name.removesuffix('-values.yaml')}"[:50]
    return documents(world.cluster.helm("template", name, world.chart, "-n", "dry", "-f", values_file))


def word_of(document, key):
    found = re.search(rf"^{key}: *[\"']?([\w./-]+)", document, re.M)
    return found[1] if found else None


def dry_run(world, objects):
    """Namespaces and accounts are made for real, as whatever names one that isn't there is refused; they go again."""
    c, joined = world.cluster, "\n---\n".join
    before = {n["metadata"]["name"] for n in c.items("namespaces")}
    spaces = {word_of(d, "  namespace") for d in objects} - {None} - before
    accounts = joined(d for d in objects if word_of(d, "kind") == "ServiceAccount")
    c.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": s}} for s in spaces))
    try:
        c.kubectl("apply", "--server-side", "-f", "-", input=accounts)
        parts = [joined(objects[n::4]) for n in range(4)]
        together(lambda part: c.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", input=part), parts)
    finally:
        c.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", input=accounts)
        if spaces:
            c.kubectl("delete", "namespace", *sorted(spaces), "--wait=false")


def monitoring_crds(world):
    """Of Prometheus' operator, from its Go module; KEDA brought its own."""
    folder, plurals = schemas.CRDS[schemas.MONITORING]
    files = [next((programs.module(schemas.MONITORING) / folder).glob(f"*_{plural}.yaml")) for plural in plurals]
    words = [word for file in files for word in ("-f", file)]
    world.cluster.kubectl("apply", "--server-side", *words)
    world.cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *words)


def scenarios(world):
    if world.cluster.own:
        monitoring_crds(world)
    files = sorted((world.chart / "ci").glob("*-values.yaml"))
    known = world.cluster.kubectl("api-versions").split()
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        objects = [d for found in threads.map(lambda f: rendered(world, f), files) for d in found]
    wanted = [d for d in objects if word_of(d, "apiVersion") in known]
    dry_run(world, wanted)
    figure("scenarios", len(files), "")
    figure("scenario_objects", len(wanted), "")
    if len(wanted) == len(objects):
        return
    foreign = sorted({word_of(d, "kind") for d in objects} - {word_of(d, "kind") for d in wanted})
    print(f"    {len(objects) - len(wanted)} more are of kinds that this server doesn't have: {', '.join(foreign)}")


# ---- 5: changes under load ----


def roll_out(world, ns, name):
    kind, full = world.workload(ns, name)
    world.cluster.kubectl("rollout", "restart", f"{kind}/{full}", "-n", ns)
    world.cluster.kubectl("rollout", "status", f"{kind}/{full}", "-n", ns, "--timeout=120s")


def rolling(world):
    """Relays anew, then one less, with sessions in progress; then NATS, all behind it, and the gateway."""
    with load.Spam(world, 600, clients=6, patience=10) as spam:
        with load.Sitting(world, 60) as sitting:
            roll_out(world, PROJECT, "relaytrap")
            heard = load.check_sitting(sitting.results(), 8)
        with load.Sitting(world, 25) as sitting:
            upgrade(world, relaytrap__replicaCount=1)
            heard += load.check_sitting(sitting.results(), 1)
        roll_out(world, PROJECT, "nats")
        together(lambda name: roll_out(world, PROJECT, name), ("webtrap", "proxytrap", "courier", "logship", "api"))
        roll_out(world, GATEWAY, "fingerprintd")
        world.wait_ready()
        time.sleep(spam.patience)  # who waits for an answer that never comes is heard too
        results = spam.stop()
    load.check_in_character(results)
    stored = load.check_stored_once(world, spam, results)
    figure("rolling_sessions_told", heard, "")
    figure("rolling_mails", stored, "")
    figure("rolling_refused", len(results) - stored, "")
    figure("rolling_lost", 0, "")
    upgrade(world, relaytrap__replicaCount=2)
    until(lambda: replica_count(world) == 2, 60, "two relays are not there")


def kill_one(world, deck):
    """A random pod of the next part of the deck, which holds every part once, shuffled, and then again."""
    pods = {}
    for p in world.cluster.items("pods", "-A", "-l", "app.kubernetes.io/part-of=honeyspam"):
        if is_ready(p):
            pods.setdefault(p["metadata"]["labels"]["app.kubernetes.io/name"], []).append(p["metadata"])
    if not deck:
        deck += random.sample(PARTS, len(PARTS))
    part = deck.pop()
    if part not in pods:
        return None  # it is on its way back from its last death
    pod = random.choice(pods[part])
    world.cluster.kubectl("delete", "pod", pod["name"], "-n", pod["namespace"], "--wait=false", "--grace-period=1")
    return part


def random_deaths(world):
    """Many clients, soon out of patience, so that mails pass in whatever gap there is."""
    deck, killed = [], collections.Counter()
    with load.Spam(world, 600, clients=40, patience=8) as spam:
        start = time.monotonic()
        for number in range(20):
            time.sleep(max(0, start + 3 * number - time.monotonic()))
            killed[kill_one(world, deck)] += 1
        world.wait_ready()
        time.sleep(spam.patience)
        results = spam.stop()
    load.check_in_character(results)
    del killed[None]
    if never := set(PARTS) - set(killed):
        raise KubeError(f"none of {never} died")
    stored = load.check_stored_once(world, spam, results)
    figure("deaths", killed.total(), "")
    print(f"    {dict(killed)}; how mails ended: {dict(collections.Counter(r[2] for r in results))}")
    figure("deaths_mails", stored, "")
    figure("deaths_refused", len(results) - stored, "")
    figure("deaths_lost", 0, "")


# ---- 8: gone ----


def bury_dead_nodes(world):
    """A dead node confirms nothing: its pods are taken off the list by hand, as its operator would."""
    for node in world.cluster.items("nodes"):
        if not is_ready(node):
            name = node["metadata"]["name"]
            for ns in (PROJECT, GATEWAY):
                words = ("delete", "pods", "-n", ns, f"--field-selector=spec.nodeName={name}", "--force", "--grace-period=0")
                world.cluster.kubectl(*words, check=False)


def uninstall(world):
    c = world.cluster
    if c.own:
        bury_dead_nodes(world)
    c.helm("uninstall", GATEWAY, "-n", GATEWAY, "--wait", "--timeout", "90s")
    c.helm("uninstall", PROJECT, "-n", PROJECT, "--wait", "--timeout", "120s")
    kinds = "all,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,persistentvolumeclaims,jobs,roles,rolebindings"

    def left():
        found = []
        for ns in (PROJECT, GATEWAY):
            for o in c.items(kinds, "-n", ns):
                found.append(f"{ns}/{o['kind']}/{o['metadata']['name']}")
        return [name for name in found if not expected_to_stay(name)]

    until(lambda: not left(), 60, lambda: f"left behind: {left()}")


def expected_to_stay(name):
    """What we made ourselves, what Kubernetes makes, and logship's claim, which is kept on purpose."""
    kind, _, rest = name.partition("/")[2].partition("/")
    return (
        (kind == "Secret" and rest in ("honeyspam-nats", "honeyspam-site-key", "honeyspam-api"))
        or (kind == "ConfigMap" and rest == "kube-root-ca.crt")
        or (kind == "ServiceAccount" and rest == "default")
        or (kind == "PersistentVolumeClaim" and "logship" in rest)
    )
