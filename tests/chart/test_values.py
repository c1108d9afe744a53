"""Values: every switch works both ways, wrong ones are named, and what is made of values.yaml is up to date."""

import json
import re
import shlex

import conftest
import pytest
import programs
import test_scenarios
import yaml

# What a switch needs beside it, in the state that is not the default.
WITH = {(chart, "pdb.enabled"): ["replicaCount=2"] for chart in ("webtrap", "proxytrap", "relaytrap", "courier", "api")} | {
    ("api", "ingress.enabled"): ["ingress.host=api.example.net"],
    ("honeyspam", "fingerprintd.enabled"): ["global.gateway.namespace="],
    ("honeyspam", "global.nats.tls.enabled"): ["global.nats.tls.existingSecret=ca"],
    ("nats", "tls.enabled"): ["tls.existingSecret=server"],
    ("nats", "tls.verify"): ["tls.enabled=true", "tls.existingSecret=server"],
    ("fingerprintd", "attachment.sharedMac"): ["attachment.mode=multus", "attachment.multus.master=eth1"],
    ("fingerprintd", "attachment.multus.tuning"): ["attachment.mode=multus", "attachment.multus.master=eth1"],
}


def switches(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, bool):
            yield prefix + key
        elif isinstance(value, dict):
            yield from switches(value, f"{prefix}{key}.")


def flags(words):
    return [word for pair in words for word in ("--set", pair)]


@pytest.mark.parametrize("chart", conftest.INSTALLABLE)
def test_every_switch_renders_in_both_states(render, chart):
    values = yaml.safe_load((conftest.CHARTS / chart / "values.yaml").read_text())
    texts = []
    for path in switches(values):
        # Alerts are switches within the rule, which must be there to show them.
        more = ["metrics.prometheusRule.enabled=true"] if ".alerts." in path else WITH.get((chart, path), [])
        outcomes = []
        for state in (True, False):
            good, text = render(chart, *flags([*more, f"{path}={str(state).lower()}"]))
            assert good, f"{path}={state}: {text}"
            outcomes.append(text)
            texts.append(text)
        if path.rpartition(".")[0] not in ("podSecurityContext", "containerSecurityContext"):
            assert outcomes[0] != outcomes[1] or path in UNSEEN, f"{chart}: {path} changes nothing"
    good, said = test_scenarios.conform("\n---\n".join(texts))
    assert good, said


# Switches of what isn't rendered by default; the scenarios have them.
UNSEEN = {"attachment.service.proxyProtocol", "autoscaling.keda.restoreReplicas", "global.nats.tls.clientCertificate"}


@pytest.mark.parametrize(
    ("chart", "value", "words"),
    [
        ("relaytrap", "replicas=3", "replicas"),
        ("relaytrap", "replicaCount=many", "replicaCount"),
        ("relaytrap", "autoscaling.kind=hpa", "autoscaling/kind"),
        ("relaytrap", "settings.messageMax=5", "settings/messageMax"),
        ("relaytrap", "settings.mesageMax=5", "mesageMax"),
        ("relaytrap", "nats.url=ftp://x", "nats/url"),
        ("relaytrap", "image.pullPolicy=Sometimes", "image/pullPolicy"),
        ("fingerprintd", "attachment.mode=bridge", "attachment/mode"),
        ("fingerprintd", "decoys[0].adresses={203.0.113.1}", "adresses"),
        ("logship", "replicaCount=2", "replicaCount"),
        ("api", "setup.streamReplicas=7", "setup/streamReplicas"),
        ("nats", "jetstream.maxFile=4", "jetstream/maxFile"),
        ("honeyspam", "global.sitte=x", "sitte"),
        ("honeyspam", "global.gateway.mode=bgp", "gateway/mode"),
        ("honeyspam", "relaytrap.replicas=3", "replicas"),
        ("honeyspam", "webtrap.enabled=maybe", "webtrap/enabled"),
    ],
)
def test_a_wrong_value_is_named(render, chart, value, words):
    good, said = render(chart, "--set", value)
    assert not good and words in said.replace("'", "").replace('"', ""), said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--kube-version", "1.29.0"], "set preStopSeconds=0"),
        (["--set", "nats.url=nats://nats.example.net:4222"], "give its networks in global.nats.peers"),
        (["--set", "nats.existingSecret=,global.nats.existingSecret="], "nats.existingSecret must name the Secret"),
        (["--set", "global.siteKey.existingSecret="], "openssl rand -hex 32"),
    ],
)
def test_what_cannot_work_says_what_to_do(render, words, sentence):
    good, said = render("relaytrap", *words)
    assert not good and sentence in said, said


def test_what_is_made_of_values_is_up_to_date():
    good, said = conftest.run(conftest.CHARTS / "tools" / "refresh", "--check")
    assert good, f"{said}\nrun charts/tools/refresh"


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("chart", conftest.INSTALLABLE)
def test_a_chart_renders_without_any_value(charts, render, chart, version):
    good, said = conftest.helm(version, "lint", "--strict", charts / chart)
    assert good, said
    good, said = render(chart, version=version)
    assert good and conftest.objects(said), said


def test_the_trials_server_gives_way_to_another(render):
    url = "global.nats.url=nats://nats.messaging:4222"
    good, said = render("honeyspam", "--set", url)
    assert good and "r-nats" not in said, said
    good, said = render("honeyspam", "--set", url, "--set", "nats.enabled=true")
    assert not good and "leave one of them out" in said
    good, said = render("honeyspam")
    assert good and {"kind": "StatefulSet", "name": "r-nats"} in [{"kind": o["kind"], "name": o["metadata"]["name"]} for o in conftest.objects(said)]


def test_shared_values_are_described_alike():
    """A key that several charts have says the same in each, or is meant to differ."""
    said = {}
    for chart in ("webtrap", "proxytrap", "relaytrap"):
        schema = yaml.safe_load((conftest.CHARTS / chart / "values.yaml").read_text())
        said[chart] = set(schema) - {"settings"}
    assert said["webtrap"] == said["proxytrap"] == said["relaytrap"]


def test_make_secrets_knows_every_user(tmp_path):
    good, said = conftest.run(conftest.CHARTS / "make-secrets", "here", "there")
    assert good, said
    secrets = {(s["metadata"]["namespace"], s["metadata"]["name"]): s["stringData"] for s in conftest.objects(said)}
    accounts = (conftest.CHARTS / "nats" / "files" / "accounts.conf").read_text()
    users = {word.removeprefix("$NATS_PASSWORD_").lower() for word in accounts.replace(",", " ").split() if word.startswith("$NATS_PASSWORD_")}
    assert set(secrets["here", "honeyspam-nats"]) == users
    assert set(secrets["there", "honeyspam-nats"]) == {"fingerprintd"}
    assert secrets["here", "honeyspam-site-key"] == secrets["there", "honeyspam-site-key"]
    assert set(secrets["here", "honeyspam-api"]) == {"token", "operator-token"}


@pytest.mark.parametrize("name", ["gateway", "production"])
def test_the_documented_examples_are_scenarios(name):
    ours, theirs = (yaml.safe_load((conftest.CHARTS / "honeyspam" / folder / f"{name}-values.yaml").read_text()) for folder in ("ci", "examples"))
    assert ours == theirs


def documented(path):
    """The `helm install` and `helm upgrade` lines of a page that use our charts: (release, chart, words)."""
    decoys = json.dumps(json.loads((conftest.ROOT / "docker" / "decoys.json").read_text())["decoys"])
    text = path.read_text().replace("\\\n", "").replace(" -f my-gateway.yaml", "").replace("[...]", decoys)
    for line in re.findall(r"^helm (?:install|upgrade) (.*)$", text, re.M):
        release, chart, *words = (word for word in shlex.split(line) if word not in ("--wait", "--reuse-values"))
        if chart.startswith("charts/"):
            yield release, chart, words


@pytest.mark.parametrize("page", ["README.md", "charts/README.md", "charts/PRODUCTION.md"])
@pytest.mark.parametrize("version", [3, 4])
def test_what_the_documentation_types_renders(charts, page, version):
    """An upgrade keeps the values of the installation that the page shows first."""
    installed = {}
    for release, chart, words in documented(conftest.ROOT / page):
        words = [re.sub(r"^charts(?=/)", str(charts), word) for word in words]
        kept = installed.setdefault(release, [])
        good, said = conftest.helm(version, "template", release, charts.parent / chart, *kept, *words)
        assert good, f"{words}\n{said}"
        installed[release] = kept or words
    assert set(installed) == {"honeyspam", "honeyspam-gateway"}


def test_the_example_for_nats_knows_every_user():
    example = yaml.safe_load((conftest.CHARTS / "honeyspam" / "examples" / "nats-values.yaml").read_text())
    accounts = (conftest.CHARTS / "nats" / "files" / "accounts.conf").read_text()
    named = {key for key in example["container"]["env"] if key.startswith("NATS_PASSWORD_")}
    assert named == set(re.findall(r"NATS_PASSWORD_[A-Z_]+", accounts))


def test_users_may_in_a_cluster_what_they_may_in_the_lab():
    lab, chart = conftest.ROOT / "services" / "lab" / "accounts.conf", conftest.CHARTS / "nats" / "files" / "accounts.conf"
    assert lab.read_bytes() == chart.read_bytes()


def test_yaml_is_tidy():
    files = [*conftest.CHARTS.glob("*/*.yaml"), *conftest.CHARTS.glob("*/ci/*.yaml"), *conftest.CHARTS.glob("*/examples/*.yaml"),
             *conftest.CHARTS.glob("*/tests/*.yaml")]  # fmt: skip
    good, said = conftest.run("yamllint", "-s", "-c", conftest.HERE / "yamllint.yaml", *files)
    assert good, said


@pytest.mark.parametrize("chart", conftest.INSTALLABLE)
def test_unit_tests(charts, chart):
    good, said = conftest.run(programs.BIN / "helm-unittest", "--strict", "--with-subchart=false", charts / chart)
    assert good, said
