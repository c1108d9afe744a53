"""kube - the cluster that the tests run on: their own (tests/k8s/cluster), or one that KUBECONFIG names."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests" / "k8s" / "cluster"
WORK = ROOT / "build" / "k8s"
STATE = pathlib.Path(os.environ.get("HS_K8S_RUN", "/var/lib/hs-k8s"))
PROJECT = "honeyspam"
GATEWAY = "honeyspam-gateway"
POLL_S = 0.3


class KubeError(Exception):
    pass


def run(*argv, timeout=300, check=True, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace", timeout=timeout, **more)
    if check and done.returncode != 0:
        raise KubeError(f"{' '.join(map(str, argv[:12]))}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout if check else done


def until(what, seconds, complaint):
    """Calls what() until it gives something true, and returns that; an error on the way counts as not yet."""
    end, error = time.monotonic() + seconds, None
    while True:
        try:
            if result := what():
                return result
        except (KubeError, OSError, ValueError, LookupError, subprocess.TimeoutExpired) as e:
            error = e
        if time.monotonic() > end:
            raise KubeError(f"{complaint() if callable(complaint) else complaint} ({error})")
        time.sleep(POLL_S)


class Cluster:
    """`own` is False on somebody else's cluster: then there is no decoys' wire, no node to kill, no enforced policy to rely on."""

    def __init__(self):
        self.own = "KUBECONFIG" not in os.environ
        self.registry = os.environ.get("HS_IMAGE_REGISTRY", "")
        self.enter = [CLUSTER / "run"] if self.own else []

    def up(self, nodes):
        if self.own:
            run(CLUSTER / "down", check=False)
            run(CLUSTER / "up", nodes, timeout=3600)

    def down(self):
        if self.own:
            run(CLUSTER / "down", check=False)

    def load(self, *tars):
        run(CLUSTER / "load", *tars)

    def kubectl(self, *words, **more):
        return run(*self.enter, "kubectl", *words, **more)

    def helm(self, *words, **more):
        return run(*self.enter, "helm", *words, **more)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def items(self, *words):
        return self.get(*words)["items"]

    def outside(self, *words, **more):
        """A command of the host on the decoys' wire."""
        return run(CLUSTER / "run", "--outside", *words, **more)

    def start_outside(self, *words, **more):
        return subprocess.Popen([str(w) for w in (CLUSTER / "run", "--outside", *words)], **more)

    def apply(self, *objects):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.kubectl("apply", "-f", "-", input=text)

    def ready_pods(self, namespace, component=None):
        words = ["pods", "-n", namespace] + (["-l", f"app.kubernetes.io/name={component}"] if component else [])
        return [p for p in self.items(*words) if is_ready(p)]

    def unready(self, *namespaces):
        """What isn't ready, in words: for complaints."""
        said = []
        for namespace in namespaces:
            for pod in self.items("pods", "-n", namespace):
                if not is_ready(pod) and pod["status"]["phase"] != "Succeeded":
                    name = pod["metadata"]["name"]
                    log = self.kubectl("logs", "-n", namespace, name, "--tail=4", check=False)
                    states = [c["state"] for c in pod["status"].get("containerStatuses", [])]
                    said.append(f"{namespace}/{name}: {states or pod['status'].get('conditions')}\n{log.stdout}")
        return "\n".join(said)


def sets(table):
    return [word for key, value in table.items() for word in ("--set-json", f"{key}={json.dumps(value)}")]


def is_ready(pod):
    if pod["metadata"].get("deletionTimestamp"):
        return False
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


class Forward:
    """`kubectl port-forward` to a pod's port, which works on any cluster; its near end is in the cluster's network, as we must be."""

    def __init__(self, cluster, namespace, pod, port):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        words = ["kubectl", "port-forward", "-n", namespace, f"pod/{pod}", f"{self.port}:{port}"]
        self.process = subprocess.Popen(
            [str(w) for w in (*cluster.enter, *words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if b"Forwarding" not in self.process.stdout.readline():
            self.close()
            raise KubeError(f"{pod} can't be reached")

    def alive(self):
        return self.process.poll() is None

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Api:
    """The admin API by a forward, set up again when its pod has gone."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace = cluster, namespace
        self.token, self.forward = None, None

    def read_token(self):
        secret = self.cluster.get("secret", "honeyspam-api", "-n", self.namespace)
        return base64.b64decode(secret["data"]["token"]).decode().strip()

    def connect(self):
        self.close()
        pods = self.cluster.ready_pods(self.namespace, "api")
        if not pods:
            raise KubeError("no pod of the API is ready")
        self.forward = Forward(self.cluster, self.namespace, pods[0]["metadata"]["name"], 8025)
        self.token = self.token or self.read_token()

    def close(self):
        if self.forward:
            self.forward.close()
        self.forward = None

    def ask(self, path):
        """(status, JSON)"""
        if self.forward is None or not self.forward.alive():
            self.connect()
        words = ["curl", "-s", "-m", "10", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {self.token}"]
        body, _, status = run(*self.cluster.enter, *words, f"http://127.0.0.1:{self.forward.port}{path}", check=False).stdout.rpartition("\n")
        if status == "000":
            self.close()
            raise KubeError("the API doesn't answer")
        return int(status), json.loads(body)

    def get(self, path):
        status, body = self.ask(path)
        if status != 200:
            raise KubeError(f"{path}: {status} {body}")
        return body

    def pages(self, path):
        items, cursor = [], None
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items


def stage_charts():
    """A copy of charts/ whose dependencies are there: the tree itself stays as it is."""
    target = WORK / "charts"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "charts", target, ignore=shutil.ignore_patterns("*.tgz"))
    return target


def build_dependencies(cluster, charts):
    names = [p.parent.name for p in charts.glob("*/Chart.yaml")]
    for name in sorted(names, key=lambda n: n == PROJECT):  # the umbrella is made of the others
        if (charts / name / "Chart.lock").exists() or "dependencies:" in (charts / name / "Chart.yaml").read_text():
            cluster.helm("dependency", "update", "--skip-refresh", charts / name)
    return charts / PROJECT
