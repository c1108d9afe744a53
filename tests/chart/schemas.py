"""schemas - what kubeconform holds rendered objects against: JSON schemas, made strict, of Kubernetes' own OpenAPI
description, of the CRDs of Prometheus' operator and KEDA, and of the one file here for Multus, whose module is not served.

Only the kinds that our charts render: another one then fails for want of a schema, and has to be meant.
"""

import json
import pathlib
import shutil

import programs
import yaml

HERE = pathlib.Path(__file__).resolve().parent
OUT = programs.BUILD / "schemas"
KINDS = {
    "io.k8s.api.apps.v1": ("Deployment", "StatefulSet"),
    "io.k8s.api.autoscaling.v2": ("HorizontalPodAutoscaler",),
    "io.k8s.api.batch.v1": ("Job",),
    "io.k8s.api.core.v1": ("ConfigMap", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"),
    "io.k8s.api.networking.v1": ("Ingress", "NetworkPolicy"),
    "io.k8s.api.policy.v1": ("PodDisruptionBudget",),
}
MONITORING = "github.com/prometheus-operator/prometheus-operator"
KEDA = "github.com/kedacore/keda/v2"
CRDS = {
    MONITORING: ("example/prometheus-operator-crd", ("servicemonitors", "podmonitors", "prometheusrules")),
    KEDA: ("config/crd/bases", ("scaledobjects", "triggerauthentications")),
}


def strict(node):
    """A schema that knows its properties takes no others; what may be a number or a text says so."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value) for key, value in node.items()}
    if made.get("format") == "int-or-string" or made.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in made and isinstance(made["properties"], dict) and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def inline(node, definitions):
    if isinstance(node, list):
        return [inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return inline(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: inline(value, definitions) for key, value in node.items()}


def of_kubernetes():
    definitions = json.loads((programs.module("k8s.io/kubernetes") / "api" / "openapi-spec" / "swagger.json").read_text())
    definitions = {name: strict(definition) for name, definition in definitions["definitions"].items()}
    for package, kinds in KINDS.items():
        *_, group, version = package.split(".")
        for kind in kinds:
            name = f"{kind}-{version}" if group == "core" else f"{kind}-{group}-{version}"
            yield name, inline(definitions[f"{package}.{kind}"], definitions)


def of_crds():
    for module, (folder, plurals) in CRDS.items():
        for plural in plurals:
            path = next((programs.module(module) / folder).glob(f"*_{plural}.yaml"))
            crd = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]
            for version in crd["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                yield f"{crd['names']['kind']}-{crd['group'].split('.')[0]}-{version['name']}", schema


def build():
    """Makes the folder of schemas unless it is there for these pins; returns it."""
    stamp, want = OUT / "pins", programs.pins("manifests") + pathlib.Path(__file__).read_text()
    if programs.stamped(stamp, want):
        return OUT
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for name, schema in (*of_kubernetes(), *of_crds()):
        (OUT / f"{name.lower()}.json").write_text(json.dumps(schema))
    shutil.copy(HERE / "networkattachmentdefinition-k8s-v1.json", OUT)
    stamp.write_text(want)
    return OUT
