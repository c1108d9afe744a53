"""pod_security - which of Pod Security's rules a pod breaks, after the standards' text (policy `restricted`, Linux)."""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def pod_specs(objects):
    """(name, namespace-free spec) of every pod that these objects would make."""
    for item in objects:
        spec = item.get("spec") or {}
        if item["kind"] == "Pod":
            yield f"Pod {item['metadata']['name']}", spec
        elif "template" in spec and "spec" in spec["template"]:
            yield f"{item['kind']} {item['metadata']['name']}", spec["template"]["spec"]


def breaches(spec):
    """What `restricted` refuses, each as a short text; none: the pod may run there."""
    found = [f"{key} is true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += [f"volume {v['name']} is no {', '.join(sorted(VOLUMES))}" for v in spec.get("volumes", []) if not VOLUMES & set(v)]
    pod = spec.get("securityContext", {})
    for container in spec.get("initContainers", []) + spec["containers"]:
        found += [f"{container['name']}: {what}" for what in container_breaches(pod, container.get("securityContext", {}))]
        found += [f"{container['name']}: host port {p['hostPort']}" for p in container.get("ports", []) if p.get("hostPort")]
    return found


def container_breaches(pod, own):
    both = pod | own
    capabilities = own.get("capabilities", {})
    rules = {
        "privileged": not own.get("privileged"),
        "allowPrivilegeEscalation isn't false": own.get("allowPrivilegeEscalation") is False,
        "capabilities don't drop ALL": "ALL" in capabilities.get("drop", []),
        f"capabilities add {capabilities.get('add')}": not set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"},
        "runAsNonRoot isn't true": both.get("runAsNonRoot") is True,
        "runs as root": both.get("runAsUser", 1) != 0,
        "no seccomp profile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
        "procMount": own.get("procMount", "Default") == "Default",
    }
    return [what for what, good in rules.items() if not good]
