"""reach - who reaches whom, as NetworkPolicies have it, and the courier, which alone gets out."""

import concurrent.futures
import time

import load
from kube import PROJECT, KubeError, is_ready, run, until


def namespace(name, level):
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


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


def identity(pod):
    """The labels that policies and Services select by."""
    return {k: v for k, v in pod["metadata"]["labels"].items() if k.startswith("app.kubernetes.io/")}


def policies(world):
    c = world.cluster
    parts = ("relaytrap", "proxytrap", "webtrap", "courier", "logship")
    c.apply(namespace("stranger", "restricted"))
    likes = [prober(f"like-{part}", PROJECT, identity(c.ready_pods(PROJECT, part)[0])) for part in parts]
    c.apply(*likes, prober("stranger", PROJECT, {"who": "knows"}), prober("stranger", "stranger", {"who": "knows"}))

    def started():
        return {p["metadata"]["name"] for p in c.items("pods", "-n", PROJECT) if is_ready(p)} >= {f"like-{part}" for part in parts} | {"stranger"}

    try:
        until(started, 60, "probes don't start")
        until(lambda: c.ready_pods("stranger"), 30, "probes don't start")
        time.sleep(3)  # the enforcer looks each second
        with load.sink(world) as inbox:
            check_policies(world, parts)
            courier_delivers(world, inbox)
    finally:
        c.kubectl("delete", "pod", "stranger", *(f"like-{part}" for part in parts), "-n", PROJECT, "--ignore-not-found")
        c.kubectl("delete", "namespace", "stranger", "--wait=false", "--ignore-not-found")


def targets(world):
    """{name: (address, port)} of the real pods, which a workload owns: probes listen on nothing."""

    def real(part):
        pods = [p for p in world.cluster.ready_pods(PROJECT, part) if p["metadata"].get("ownerReferences")]
        return pods[0]["status"]["podIP"]

    ports = {"nats": 4222, "relaytrap": 2525, "webtrap": 8080, "proxytrap": 3128, "api": 8025}
    return {part: (real(part), port) for part, port in ports.items()} | {"the outside": (load.OUTSIDE, 25)}


def check_policies(world, parts):
    """Every probe against every target: what is not allowed here must not be reached. A stranger is under no policy of ours."""
    allowed = {("stranger", "the outside")}
    allowed |= {(f"like-{part}", "nats") for part in parts}
    allowed |= {("like-proxytrap", "relaytrap"), ("like-courier", "the outside")}
    probes = [(PROJECT, f"like-{part}") for part in parts] + [(PROJECT, "stranger"), ("stranger", "stranger")]
    places = targets(world)
    table = [(ns, who, where) for ns, who in probes for where in places]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda row: reaches(world, row[0], row[1], *places[row[2]]), table))
    wrong = [
        f"{who} in {ns} {'reaches' if got else 'does not reach'} {where}"
        for (ns, who, where), got in zip(table, found, strict=True)
        if got != ((who, where) in allowed)
    ]
    if wrong:
        raise KubeError("\n".join(wrong))


def courier_delivers(world, inbox):
    """A spammer's test mail comes out, once, and no other mail does."""
    mark = f"203.0.113.16 works {time.time_ns()}"
    words = ["--server", "203.0.113.16", "--from", "seller@bulk.example", "--to", "box@dropbox.example"]
    world.cluster.outside("swaks", *words, "--header", f"Subject: {mark}", "--body", "hello")
    until(lambda: any(mark in mail for mail in inbox()), 60, lambda: f"the courier doesn't deliver: {couriers_words(world)}")
    until(lambda: [e for e in world.api.pages("/v1/events?action=courier-sent") if "dropbox" in str(e)], 45, "no courier-sent")
    mails = inbox()
    if len([m for m in mails if mark in m]) != 1 or any("box@dropbox.example" not in m for m in mails):
        raise KubeError(f"the outside got what it should not have: {mails}")


def couriers_words(world):
    name = world.cluster.ready_pods(PROJECT, "courier")[0]["metadata"]["name"]
    return world.cluster.kubectl("logs", "-n", PROJECT, name, "--tail=10", check=False).stdout
