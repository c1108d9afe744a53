"""world - what every step is given: the cluster, the charts, the API, and the values that the tests install with."""

import os

import kube

POD_CIDRS, NODE_CIDRS = ["198.18.0.0/16"], ["198.51.100.0/24"]


class World:
    """What every step is given."""

    def __init__(self, cluster, charts, chart):
        self.cluster, self.charts, self.chart = cluster, charts, chart
        self.cluster_dir = kube.CLUSTER
        self.api = kube.Api(cluster, kube.PROJECT)
        self.values, self.gateway_values = values(cluster)

    def workload(self, namespace, name):
        """(kind, full name) of a part's workload."""
        for kind in ("deployment", "statefulset"):
            found = self.cluster.items(kind, "-n", namespace, "-l", f"app.kubernetes.io/name={name}")
            if found:
                return kind, found[0]["metadata"]["name"]
        raise kube.KubeError(f"there is no workload {name} in {namespace}")

    def wait_ready(self):
        kube.until(
            lambda: not self.cluster.unready(kube.PROJECT, kube.GATEWAY), 120,
            lambda: self.cluster.unready(kube.PROJECT, kube.GATEWAY),
        )  # fmt: skip


def values(cluster):
    registry = {"global.imageRegistry": cluster.registry} if cluster.registry else {}
    if "HS_POD_CIDRS" in os.environ:  # where pods aren't in private networks
        registry["global.podCIDRs"] = os.environ["HS_POD_CIDRS"].split(",")
    if not cluster.own:
        return registry | {"nats.enabled": True, "nats.persistence.enabled": False, "logship.persistence.enabled": False}, registry
    shared = {"global.podCIDRs": POD_CIDRS, "global.gateway.mode": "hostNetwork", "global.gateway.nodeCIDRs": NODE_CIDRS}
    ours = {
        "nats.enabled": True, "nats.persistence.selector": {"matchLabels": {"hs-test": "nats"}},
        "logship.persistence.selector": {"matchLabels": {"hs-test": "logship"}},
        "relaytrap.drainSeconds": 5, "webtrap.drainSeconds": 5, "proxytrap.drainSeconds": 5,
        "relaytrap.preStopSeconds": 1, "webtrap.preStopSeconds": 1, "proxytrap.preStopSeconds": 1,
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
