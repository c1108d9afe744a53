"""steps - what tests/k8s/run does with the cluster, one function a step; each raises when something is not true."""

import concurrent.futures
import contextlib
import json
import pathlib
import random
import re
import statistics
import subprocess
import sys
import threading
import time

import curve
from kube import GATEWAY, PROJECT, STATE, WORK, KubeError, is_ready, run, until

HERE = pathlib.Path(__file__).parent
RELAYS = ",".join(f"203.0.113.{n}:25" for n in range(16, 32))
RELAY, WEB, PROXY = "203.0.113.16", "203.0.113.17", "203.0.113.18"
IN_CHARACTER = {"250", "421", "450", "451", "452", "eof", "reset", "timeout", "refused", "unreachable"}
WORKLOADS = {
    PROJECT: ("webtrap", "proxytrap", "relaytrap", "logship", "api"),
    GATEWAY: ("fingerprintd",),
}


def figure(name, value, unit):
    print(f"figure k8s.{name} {value:.4g} {unit}", flush=True)


# ---- a load, and what became of it ----


class Spam:
    """Mails from the host outside, in the background; results() waits for its end."""

    def __init__(self, world, seconds, clients=8, size=2000, targets=RELAYS):
        self.path = WORK / "spam.jsonl"
        world.since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        words = [sys.executable, HERE / "spam.py", targets, "--clients", clients, "--seconds", seconds, "--size", size]
        with open(self.path, "wb") as out:
            self.process = world.cluster.start_outside(*words, stdout=out, stderr=subprocess.DEVNULL)

    def so_far(self):
        """[(when, ms, how, sha256)]; the last line may be half written."""
        lines = self.path.read_text().split("\n")[:-1]
        return [tuple(json.loads(line)) for line in lines]

    def results(self):
        self.process.wait(300)
        return self.so_far()


def accepted(results):
    return [r for r in results if r[2] == "250"]


def check_stored_once(world, results):
    """Every mail of the last load that got 250 is in the API once, and in logship's Maildir once."""
    wanted = {r[3] for r in accepted(results)}
    if not wanted:
        raise KubeError(f"no mail was accepted: {results[:3]}")

    def counts():
        found = {}
        for m in world.api.pages(f"/v1/messages?since={world.since}"):
            found[m["sha256"]] = found.get(m["sha256"], 0) + 1
        return found

    def complete():
        found = counts()
        return found if wanted <= set(found) else None

    try:
        found = until(complete, 90, "mails are missing")
    except KubeError:
        missing = wanted - set(counts())
        raise KubeError(f"{len(missing)} of {len(wanted)} accepted mails are lost") from None
    doubles = [sha for sha in wanted if found[sha] > 1]
    if doubles:
        raise KubeError(f"{len(doubles)} mails are stored twice")
    return len(wanted)


def check_in_character(results):
    strange = {r[2] for r in results} - IN_CHARACTER
    if strange:
        raise KubeError(f"sessions ended out of character: {strange}")


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


def namespace(name, level):
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def sets(table):
    return [word for key, value in table.items() for word in ("--set-json", f"{key}={json.dumps(value)}")]


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
    for name, ns in ((PROJECT, PROJECT), (GATEWAY, GATEWAY)):
        c.helm("test", name, "-n", ns, "--timeout", "90s")


# ---- 2: attacks from outside ----


def answers(world):
    done = world.cluster.outside("ping", "-c", "1", "-W", "1", RELAY, check=False)
    return done.returncode == 0


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
    spam = Spam(world, 50, clients=5)
    time.sleep(3)
    start = time.monotonic()
    upgrade(world, relaytrap__replicaCount=3)
    until(lambda: len(relays(world)) == 3, 60, lambda: f"three relays are not there: {list(relays(world))}")
    figure("scale_up_s", time.monotonic() - start, "s")
    time.sleep(2)
    before = mails_by_relay(world)
    results = spam.results()
    by_relay = {name: count - before[name] for name, count in mails_by_relay(world).items()}
    check_stored_once(world, results)
    if len(by_relay) != 3 or min(by_relay.values()) == 0:
        raise KubeError(f"not all relays took mails: {by_relay}")
    figure("spread", max(by_relay.values()) / min(by_relay.values()), "")
    if max(by_relay.values()) > 1.5 * min(by_relay.values()):
        raise KubeError(f"mails are spread unevenly: {by_relay}")


# ---- 4: autoscaling ----


def replica_count(world):
    return len(world.cluster.ready_pods(PROJECT, "relaytrap"))


class Watch:
    """The replicas of the relay, each second, beside a load."""

    def __init__(self, world):
        self.world, self.rows, self.ended = world, [], threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ended.is_set():
            with contextlib.suppress(KubeError, subprocess.TimeoutExpired):
                self.rows.append((time.time(), replica_count(self.world)))
            time.sleep(1)

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.rows


def curve_rows(watched, results):
    start = watched[0][0]
    rows = []
    for when, count in watched:
        ms = [r[1] for r in accepted(results) if when - 3 < r[0] <= when]
        p95 = statistics.quantiles(ms, n=20)[-1] if len(ms) > 20 else (max(ms) if ms else 0)
        rows.append((round(when - start, 1), count, len(ms) / 3, round(p95, 1)))
    return rows


def autoscale(world, kind, clients, **values):
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
    watch, spam = Watch(world), Spam(world, 50, clients=clients)
    start = time.monotonic()
    try:
        until(lambda: replica_count(world) >= 2, 60, "the autoscaler adds no replica")
        figure(f"{kind}_up_s", time.monotonic() - start, "s")
        results = spam.results()
        most = max(count for _, count in watch.rows)
        start = time.monotonic()
        until(lambda: replica_count(world) == 1, 90, "the autoscaler takes no replica away")
        figure(f"{kind}_down_s", time.monotonic() - start, "s")
    finally:
        rows = curve_rows(watch.stop(), spam.results())
        (WORK / f"scaling-{kind}.svg").write_text(curve.draw(f"{kind} autoscaler", rows))
    figure(f"{kind}_replicas", most, "")
    for row in rows[::10]:
        print(f"    {row[0]:6.1f} s  {row[1]} replicas  {row[2]:6.1f} mails/s  p95 {row[3]:.0f} ms")
    check_in_character(results)
    figure(f"{kind}_mails", check_stored_once(world, results), "")


def autoscale_cpu(world):
    autoscale(
        world, "cpu", 12, relaytrap__resources__requests__cpu="20m", relaytrap__resources__limits__cpu="100m",
        relaytrap__autoscaling__cpu__targetPercent=60,
    )  # fmt: skip


def autoscale_keda(world):
    run(world.cluster_dir / "keda", timeout=900)
    autoscale(world, "keda", 12, relaytrap__autoscaling__keda__sessionsPerReplica=4, relaytrap__autoscaling__keda__pollingInterval=2)


def no_autoscaler(world):
    """In two steps: while the autoscaler is still there it would take the second relay away again."""
    upgrade(world, relaytrap__autoscaling__kind="none", relaytrap__replicaCount=1, relaytrap__resources__limits__cpu=None)
    until(lambda: not world.cluster.items("hpa", "-n", PROJECT), 60, "the autoscaler stays")
    upgrade(world, relaytrap__replicaCount=2)
    until(lambda: replica_count(world) == 2, 60, "two relays are not there")


# ---- every scenario, as this API server sees it ----


def documents(text):
    return [d for d in re.split(r"^---\s*$", text, flags=re.M) if re.search(r"^kind:", d, re.M)]


def dry_run(world, values_file, known):
    """How many objects of a ci/ scenario were accepted, and the kinds that this server doesn't have."""
    c, name = world.cluster, f"dry-{values_file.name.removesuffix('-values.yaml')}"[:50]
    rendered = c.helm("template", name, world.chart, "-n", "dry", "-f", values_file)
    wanted, foreign = [], set()
    for d in documents(rendered):
        version = re.search(r"^apiVersion:\s*(\S+)", d, re.M)[1]
        (wanted.append(d) if version in known else foreign.add(version))
    spaces = set(re.findall(r"^  namespace: [\"']?([\w-]+)", rendered, re.M)) | {"dry"}
    c.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": s}} for s in spaces))
    c.kubectl("apply", "--server-side", "--dry-run=server", "-n", "dry", "-f", "-", input="\n---\n".join(wanted))
    return len(wanted), foreign, spaces


def scenarios(world):
    files = sorted((world.chart / "ci").glob("*-values.yaml"))
    before = {n["metadata"]["name"] for n in world.cluster.items("namespaces")}
    known = world.cluster.kubectl("api-versions").split()
    try:
        with concurrent.futures.ThreadPoolExecutor(3) as threads:
            done = list(threads.map(lambda f: dry_run(world, f, known), files))
    finally:
        made = {n["metadata"]["name"] for n in world.cluster.items("namespaces")} - before
        if made:
            world.cluster.kubectl("delete", "namespace", *sorted(made), "--wait=false")
    figure("scenarios", len(files), "")
    figure("scenario_objects", sum(count for count, _, _ in done), "")
    print(f"    not known to this server: {sorted(set().union(*(foreign for _, foreign, _ in done)))}")


# ---- 5: changes under load ----


def rollouts(world):
    for ns, names in WORKLOADS.items():
        for name in names:
            kind, full = world.workload(ns, name)
            world.cluster.kubectl("rollout", "restart", f"{kind}/{full}", "-n", ns)
            world.cluster.kubectl("rollout", "status", f"{kind}/{full}", "-n", ns, "--timeout=90s")


def rolling(world):
    spam = Spam(world, 60, clients=6)
    time.sleep(2)
    rollouts(world)
    upgrade(world, relaytrap__replicaCount=1)
    results = spam.results()
    check_in_character(results)
    world.wait_ready()
    stored = check_stored_once(world, results)
    figure("rolling_mails", stored, "")
    figure("rolling_refused", len(results) - stored, "")
    figure("rolling_lost", 0, "")
    upgrade(world, relaytrap__replicaCount=2)


def random_deaths(world):
    spam = Spam(world, 65, clients=6)
    end, killed = time.monotonic() + 60, 0
    while time.monotonic() < end:
        pods = [(ns, p["metadata"]["name"]) for ns in (PROJECT, GATEWAY) for p in world.cluster.ready_pods(ns)]
        if pods:
            ns, name = random.choice(pods)
            world.cluster.kubectl("delete", "pod", name, "-n", ns, "--wait=false", "--grace-period=1", check=False)
            killed += 1
        time.sleep(3)
    results = spam.results()
    check_in_character(results)
    world.wait_ready()
    figure("deaths", killed, "")
    figure("deaths_mails", check_stored_once(world, results), "")
    figure("deaths_lost", 0, "")


# ---- 6: a node dies ----


def move_gateway(world, node):
    """The gateway onto that node: it is cordoned off the other one for a moment."""
    other = "hsk-n0" if node == "hsk-n1" else "hsk-n1"
    world.cluster.kubectl("cordon", other)
    try:
        _, full = world.workload(GATEWAY, "fingerprintd")
        world.cluster.kubectl("rollout", "restart", f"deployment/{full}", "-n", GATEWAY)
        world.cluster.kubectl("rollout", "status", f"deployment/{full}", "-n", GATEWAY, "--timeout=60s")
    finally:
        world.cluster.kubectl("uncordon", other)


def node_dies(world):
    move_gateway(world, "hsk-n1")
    until(lambda: answers(world), 30, "no decoy answers")
    spam = Spam(world, 40, clients=4)
    until(lambda: len(accepted(spam.so_far())) > 20, 30, "no mail passes")
    run(world.cluster_dir / "kill-node", 1)
    start = time.monotonic()
    until(lambda: not answers(world), 15, "the decoys still answer: the gateway was not on the dead node")
    until(lambda: answers(world), 120, lambda: f"the decoys don't come back\n{world.cluster.unready(GATEWAY)}")
    figure("node_kill_back_s", time.monotonic() - start, "s")
    until(lambda: mail_passes(world), 120, "no mail passes any more")
    figure("node_kill_mail_s", time.monotonic() - start, "s")
    results = spam.results()
    check_in_character(results)
    check_stored_once(world, results)
    figure("node_kill_lost", 0, "")


def mail_passes(world):
    words = ("swaks", "--server", RELAY, "--from", "a@s.example", "--to", "b@v.example", "--timeout", "5")
    return world.cluster.outside(*words, check=False).returncode == 0


# ---- 7: who reaches whom ----


def prober(name, ns, labels):
    """A pod that can only connect: our own image of one static program."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": ns, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 64113, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "probe",
                    "image": "localhost/pause:3.10",
                    "imagePullPolicy": "Never",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
        },
    }


def inside_pod(world, ns, name, *words):
    """Runs this machine's program in a pod's network namespace: there is nothing to run in the images."""
    pod = world.cluster.get("pod", name, "-n", ns)
    node, container = pod["spec"]["nodeName"], pod["status"]["containerStatuses"][0]["containerID"].partition("://")[2]
    rows = run("ctr", "-a", f"/run/{node}/containerd.sock", "-n", "k8s.io", "tasks", "ls").splitlines()
    pid = next(row.split()[1] for row in rows if row.startswith(container))
    return run("nsenter", "-t", pid, "--net", *words, check=False, timeout=20)


def reaches(world, ns, name, address, port):
    said = inside_pod(world, ns, name, "timeout", "2", "bash", "-c", f"</dev/tcp/{address}/{port}")
    return said.returncode == 0 or "refused" in said.stderr


def pod_ip(world, component, ns=PROJECT):
    return world.cluster.ready_pods(ns, component)[0]["status"]["podIP"]


def policies(world):
    c = world.cluster
    relay_labels = c.ready_pods(PROJECT, "relaytrap")[0]["metadata"]["labels"]
    proxy_labels = c.ready_pods(PROJECT, "proxytrap")[0]["metadata"]["labels"]
    keep = lambda labels: {k: v for k, v in labels.items() if k.startswith(("app.kubernetes.io/", "helm.sh/")) or "honeyspam" in k}  # noqa: E731
    c.apply(namespace("stranger", "restricted"))
    probes = [
        prober("like-relay", PROJECT, keep(relay_labels)), prober("like-proxy", PROJECT, keep(proxy_labels)),
        prober("stranger", PROJECT, {"who": "knows"}), prober("stranger", "stranger", {"who": "knows"}),
    ]  # fmt: skip
    c.apply(*probes)
    try:
        until(lambda: len([p for p in c.items("pods", "-n", PROJECT) if "like-" in p["metadata"]["name"] and is_ready(p)]) == 2, 30, "probes don't start")
        until(lambda: c.ready_pods("stranger"), 30, "probes don't start")
        time.sleep(3)  # the enforcer looks each second
        check_policies(world)
    finally:
        c.kubectl("delete", "pod", "like-relay", "like-proxy", "stranger", "-n", PROJECT, "--ignore-not-found")
        c.kubectl("delete", "namespace", "stranger", "--wait=false", "--ignore-not-found")


def check_policies(world):
    nats, relay = pod_ip(world, "nats"), pod_ip(world, "relaytrap")
    web, api = pod_ip(world, "webtrap"), pod_ip(world, "api")
    outside = "198.51.100.253"
    table = [
        (PROJECT, "like-relay", nats, 4222, True), (PROJECT, "like-relay", web, 8080, False),
        (PROJECT, "like-relay", api, 8025, False), (PROJECT, "like-relay", relay, 2525, False),
        (PROJECT, "like-relay", outside, 9, False), (PROJECT, "like-proxy", relay, 2525, True),
        (PROJECT, "like-proxy", web, 8080, False), (PROJECT, "like-proxy", outside, 9, False),
        (PROJECT, "stranger", nats, 4222, False), (PROJECT, "stranger", relay, 2525, False),
        (PROJECT, "stranger", api, 8025, False), ("stranger", "stranger", nats, 4222, False),
        ("stranger", "stranger", relay, 2525, False), ("stranger", "stranger", web, 8080, False),
        ("stranger", "stranger", api, 8025, False),
    ]  # fmt: skip
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda row: reaches(world, *row[:4]), table))
    wrong = [row for row, got in zip(table, found, strict=True) if got != row[4]]
    if wrong:
        raise KubeError("\n".join(f"{who} in {ns} {'does not reach' if good else 'reaches'} {ip}:{port}" for ns, who, ip, port, good in wrong))


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
