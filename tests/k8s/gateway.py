"""gateway - its steps: behind a Service, without NET_RAW, and when its node dies."""

import time

import load
from kube import GATEWAY, PROJECT, Forward, KubeError, run, sets, until
from load import figure
from reach import namespace

RELAY = "203.0.113.16"
DOOR = "honeyspam-door"


def answers(world):
    done = world.cluster.outside("ping", "-c", "1", "-W", "1", RELAY, check=False)
    return done.returncode == 0


# ---- without a wire ----


def service_mode(world):
    """A second gateway, behind a NodePort: it lives under Pod Security `restricted` and forwards as the one on the wire."""
    c = world.cluster
    c.apply(namespace(GATEWAY, "restricted"))  # pods that are there already stay
    try:
        install_door(world)
        c.helm("test", DOOR, "-n", GATEWAY, "--timeout", "90s")
        through_door(world)
    finally:
        c.helm("uninstall", DOOR, "-n", GATEWAY, "--wait", "--timeout", "90s", check=False)
        c.apply(namespace(GATEWAY, "privileged"))


def install_door(world):
    values = world.gateway_values | {"global.gateway.mode": "service", "fingerprintd.service.type": "NodePort"}
    try:
        world.cluster.helm(
            "install", DOOR, world.chart, "-n", GATEWAY, "-f", world.chart / "examples" / "gateway-values.yaml",
            *sets(values), "--wait", "--timeout", "90s",
        )  # fmt: skip
    except KubeError as e:
        raise KubeError(f"{e}\n{world.cluster.unready(GATEWAY)}") from None


def through_door(world):
    """From the nodes' network to a node's port: the mail is stored, with the client's own address."""
    c = world.cluster
    (pod,) = c.items("pods", "-n", GATEWAY, "-l", f"app.kubernetes.io/instance={DOOR},app.kubernetes.io/component=fingerprintd")
    service = c.get("service", f"{DOOR}-fingerprintd", "-n", GATEWAY)
    ports = {p["port"]: p["nodePort"] for p in service["spec"]["ports"]}
    host, subject = pod["status"]["hostIP"], f"by the door {time.time_ns()}"
    words = ["--server", host, "--port", ports[25], "--from", "a@spam.example", "--to", "b@victim.example"]
    until(lambda: c.outside("swaks", *words, "--header", f"Subject: {subject}") or True, 30, "no mail passes the door")
    page = c.outside("curl", "-sS", "-f", "-m", "15", f"http://{host}:{ports[80]}/")
    if "href" not in page.lower():
        raise KubeError(f"no maze behind the door: {page[:200]}")
    until(lambda: [m for m in world.api.pages("/v1/messages") if m["subject"] == subject], 45, "the door's mail is not stored")
    (mail,) = (m for m in world.api.pages("/v1/messages") if m["subject"] == subject)
    if mail["source"]["ip"] != load.OUTSIDE or mail["look"] != "postfix":
        raise KubeError(f"the door hides who came, or isn't the decoy's: {mail}")


def by_forward(world):
    """On a foreign cluster: the gateway there is behind a Service too, and a forward reaches it wherever it is."""
    c, subject = world.cluster, f"by forward {time.time_ns()}"
    pod = c.ready_pods(GATEWAY, "fingerprintd")[0]["metadata"]["name"]
    forward = Forward(c, GATEWAY, pod, 10025)
    try:
        words = ["--server", "127.0.0.1", "--port", forward.port, "--from", "a@spam.example", "--to", "b@victim.example"]
        until(lambda: run(*c.enter, "swaks", *words, "--header", f"Subject: {subject}"), 30, "no mail passes")
    finally:
        forward.close()
    until(lambda: [m for m in world.api.pages("/v1/messages") if m["subject"] == subject], 45, "the mail is not stored")


# ---- without the right to the wire ----


def no_net_raw(world):
    """The gateway's own pod less its one capability: it says what is missing and how to grant it, and waits."""
    c = world.cluster
    _, full = world.workload(GATEWAY, "fingerprintd")
    spec = c.get("deployment", full, "-n", GATEWAY)["spec"]["template"]["spec"]
    for container in spec["containers"]:
        del container["securityContext"]["capabilities"]["add"]
    name = "without-net-raw"
    c.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": GATEWAY}, "spec": spec})

    def said():
        return c.kubectl("logs", name, "-n", GATEWAY, check=False).stdout

    try:
        until(lambda: "CAP_NET_RAW is missing" in said(), 60, lambda: f"it doesn't say what is missing: {c.unready(GATEWAY)}")
        time.sleep(8)
        status = c.get("pod", name, "-n", GATEWAY)["status"]
        (container,) = status["containerStatuses"]
        if container["restartCount"] or "running" not in container["state"] or container["ready"]:
            raise KubeError(f"it should run, not ready, and never start again: {container}")
        if "capabilities.add [NET_RAW]" not in said() or "pod-security.kubernetes.io/enforce=privileged" not in said():
            raise KubeError(f"it doesn't say how to grant it: {said()}")
    finally:
        c.kubectl("delete", "pod", name, "-n", GATEWAY, "--ignore-not-found", "--grace-period=1")


# ---- its node dies ----


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


def traps_back(world):
    """On the node that lives; so is the API, which is asked for the mails."""
    pods = [p for part in ("webtrap", "proxytrap", "relaytrap", "api") for p in world.cluster.ready_pods(PROJECT, part)]
    return len({p["metadata"]["labels"]["app.kubernetes.io/name"] for p in pods if p["spec"]["nodeName"] == "hsk-n0"}) == 4


def node_dies(world):
    c = world.cluster
    move_gateway(world, "hsk-n1")
    until(lambda: answers(world), 30, "no decoy answers")
    with load.Spam(world, 600, clients=6, patience=10) as spam:
        until(lambda: len(load.accepted(spam.so_far())) > 20, 30, "no mail passes")
        run(world.cluster_dir / "kill-node", 1)
        start = time.monotonic()
        until(lambda: not answers(world), 15, "the decoys still answer: the gateway was not on the dead node")
        until(lambda: answers(world), 120, lambda: f"the decoys don't come back\n{c.unready(GATEWAY)}")
        figure("node_kill_back_s", time.monotonic() - start, "s")
        until(lambda: mail_passes(world), 120, "no mail passes any more")
        figure("node_kill_mail_s", time.monotonic() - start, "s")
        until(lambda: traps_back(world), 180, lambda: f"the traps don't come back\n{c.unready(PROJECT)}")
        figure("node_kill_traps_s", time.monotonic() - start, "s")
        results = spam.stop()
    load.check_in_character(results)
    figure("node_kill_mails", load.check_stored_once(world, spam, results), "")
    figure("node_kill_lost", 0, "")


def mail_passes(world):
    words = ("swaks", "--server", RELAY, "--from", "a@s.example", "--to", "b@v.example", "--timeout", "5")
    return world.cluster.outside(*words, check=False).returncode == 0
