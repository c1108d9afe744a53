"""Every scenario of every chart: both Helms take it, Kubernetes would, and it is as safe as it says."""

import json
import re

import conftest
import pod_security
import programs
import pytest
import schemas

# What kube-score holds critical and we mean; each with why.
MEANT = {
    "container-image-pull-policy": "images have versions; Always would keep a node from starting pods while the registry is away",
    "container-resources": "no CPU limit: it would slow a relay down in the very spam run that it is there for",
    "pod-networkpolicy": "rendered for every pod but where hostNetwork or the user's own policies make it useless",
    "deployment-has-poddisruptionbudget": "not where one replica may be all there is: it would hold up every node's drain",
    "statefulset-has-poddisruptionbudget": "the same",
}
GATEWAY_ON_A_WIRE = {"fingerprintd-hostnetwork", "fingerprintd-multus", "fingerprintd-multus-existing"}


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("scenario", conftest.SCENARIOS, ids=str)
def test_helm_takes_it(charts, render, scenario, version):
    good, said = conftest.helm(version, "lint", "--strict", charts / scenario.chart, "--values", scenario.values)
    assert good, said
    good, said = render(scenario.chart, "--values", scenario.values, version=version)
    assert good, said
    assert not [line for line in said.splitlines() if line != line.rstrip()], "spaces at the end of lines"


def test_there_are_enough_of_them(rendered):
    assert len(rendered) == len(conftest.SCENARIOS) >= 20
    assert {scenario.chart for scenario in rendered} == set(conftest.INSTALLABLE)


def conform(text):
    template = f"{schemas.build()}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    return conftest.run(programs.BIN / "kubeconform", "-strict", "-summary", "-schema-location", template, "-", input=text)


def test_kubernetes_would_take_it(rendered):
    good, said = conform("\n---\n".join(rendered.values()))
    print(re.sub(r"^.*?Summary: (\d+) .*$", r"\nfigure chart.objects \1 objects", said.strip(), flags=re.S))
    assert good, said


def test_a_wrong_object_would_be_seen():
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1, targetport: 2}]}\n"
    good, said = conform(text)
    assert not good and "targetport" in said


def test_kube_score_finds_nothing_critical_that_is_not_meant(rendered):
    words = [word for check in MEANT for word in ("--ignore-test", check)]
    bad = []
    for scenario, text in rendered.items():
        _, said = conftest.run(programs.BIN / "kube-score", "score", *words, "--output-format", "json", "-", input=text)
        for item in json.loads(said):
            for check in item["checks"]:
                if check["grade"] <= 1 and not check["skipped"]:
                    comments = "; ".join(c["summary"] for c in check["comments"] or [])
                    bad.append(f"{scenario} {item['object_name']} {check['check']['id']}: {comments}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("scenario", conftest.SCENARIOS, ids=str)
def test_pods_fit_a_restricted_namespace(rendered, scenario):
    found = {name: pod_security.breaches(spec) for name, spec in pod_security.pod_specs(conftest.objects(rendered[scenario]))}
    found = {name: what for name, what in found.items() if what}
    if str(scenario) not in GATEWAY_ON_A_WIRE:
        assert not found
        return
    allowed = {"hostNetwork is true", "fingerprintd: capabilities add ['NET_RAW']", "fingerprintd: host port 9101"}
    assert set(found) == {"Deployment r-fingerprintd"}
    assert "fingerprintd: capabilities add ['NET_RAW']" in found["Deployment r-fingerprintd"]
    assert set(found["Deployment r-fingerprintd"]) <= allowed


@pytest.mark.parametrize("scenario", conftest.SCENARIOS, ids=str)
def test_every_pod_has_what_every_pod_must_have(rendered, scenario):
    for name, spec in pod_security.pod_specs(conftest.objects(rendered[scenario])):
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False, name
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["requests"]["memory"] and container["resources"]["limits"]["memory"], name


@pytest.mark.parametrize("scenario", conftest.SCENARIOS, ids=str)
def test_names_and_selectors_hold_together(rendered, scenario):
    made = conftest.objects(rendered[scenario])
    seen = [(item["kind"], item["metadata"]["name"]) for item in made]
    assert len(seen) == len(set(seen))
    assert all(len(name) <= 63 for _, name in seen)
    for item in made:
        if item["kind"] in ("Deployment", "StatefulSet"):
            labels = item["spec"]["template"]["metadata"]["labels"]
            selector = item["spec"]["selector"]["matchLabels"]
            assert set(selector) == {f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")}
            assert selector.items() <= labels.items()
