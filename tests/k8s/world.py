"""world - what every step is given: the cluster, the charts, the API, and the values that the tests install with."""

import os

import kube
import load

POD_CIDRS, NODE_CIDRS = ["198.18.0.0/16"], ["198.51.100.0/24"]

# As the gateway's own: a part of one replica is away as long as Kubernetes bears its dead node, five minutes as it comes.
SOON = [
    {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
    for what in ("unreachable", "not-ready")
]


class World:
    """What every step is given."""

    def __init__(self, cluster, charts, chart):
        self.cluster, self.charts, self.chart = cluster, charts, chart
        self.cluster_dir = kube.CLUSTER
        self.keda = None  # the process that installs it
        self.api = kube.Api(cluster, kube.PROJECT)
        self.values, self.gateway_values = values(cluster)

    def close(self):
        self.api.close()
        if self.keda and self.keda.poll() is None:
            self.keda.terminate()
            self.keda.wait()

    def workload(self, namespace, name):
        """(kind, full name) of a part's workload."""
        for kind in ("deployment", "statefulset"):
            found = self.cluster.items(kind, "-n", namespace, "-l", f"app.kubernetes.io/name={name}")
            if found:
                return kind, found[0]["metadata"]["name"]
        raise kube.KubeError(f"there is no workload {name} in {namespace}")

    def wait_ready(self):
        """Every workload has all its replicas, and no pod is on its way out."""
        namespaces = (kube.PROJECT, kube.GATEWAY)

        def whole():
            found = [w for ns in namespaces for w in self.cluster.items("deployments,statefulsets", "-n", ns)]
            return all(w["status"].get("readyReplicas", 0) == w["spec"]["replicas"] for w in found) and not self.cluster.unready(*namespaces)

        kube.until(whole, 180, lambda: f"not all is ready again: {self.cluster.unready(*namespaces)}")


def values(cluster):
    registry = {"global.imageRegistry": cluster.registry} if cluster.registry else {}
    if "HS_POD_CIDRS" in os.environ:  # where pods aren't in private networks
        registry["global.podCIDRs"] = os.environ["HS_POD_CIDRS"].split(",")
    if not cluster.own:
        return registry | {"nats.enabled": True, "nats.persistence.enabled": False, "logship.persistence.enabled": False}, registry
    shared = {"global.podCIDRs": POD_CIDRS, "global.gateway.mode": "hostNetwork", "global.gateway.nodeCIDRs": NODE_CIDRS}
    ours = {
        **{f"{part}.tolerations": SOON for part in ("webtrap", "proxytrap", "relaytrap", "courier", "api")},
        "nats.enabled": True, "nats.persistence.selector": {"matchLabels": {"hs-test": "nats"}},
        "logship.persistence.selector": {"matchLabels": {"hs-test": "logship"}},
        "relaytrap.drainSeconds": 5, "webtrap.drainSeconds": 5, "proxytrap.drainSeconds": 5,
        "relaytrap.preStopSeconds": 1, "webtrap.preStopSeconds": 1, "proxytrap.preStopSeconds": 1,
        "relaytrap.settings": {"tarpitAfter": 0},  # all spammers are one address here
        "courier.enabled": True, "courier.settings": {"enabled": True, "smarthost": f"{load.OUTSIDE}:25", "quotaNetwork": 1000},
    }  # fmt: skip
    ports = [
        {"port": 25, "proto": "tcp", "service": "relaytrap", "look": "postfix"},
        {"port": 80, "proto": "tcp", "service": "webtrap", "look": "nginx"},
        {"port": 3128, "proto": "tcp", "service": "proxytrap", "look": "squid"},
        {"port": 1080, "proto": "tcp", "service": "proxytrap", "look": "dante"},
    ]
    gateway = {
        "fingerprintd.attachment.interface": "lan0", "fingerprintd.drainSeconds": 2, "fingerprintd.preStopSeconds": 1,
        "fingerprintd.decoys": [{"addresses": ["203.0.113.16/28"], "personality": "linux-6", "ports": ports}],
    }  # fmt: skip
    return shared | ours, shared | gateway | {"global.gateway.namespace": ""}
