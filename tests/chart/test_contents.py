"""What the charts hand to the programs is what these take: settings, decoys, the server's configuration."""

import re

import conftest
import pod_security
import pytest

BINARIES = conftest.ROOT / "build" / "gcc" / "bin"
NATS_SERVER = conftest.ROOT / "build" / "venv" / "bin" / "nats-server"


def config_maps(rendered, file):
    """Each different content of that file in any ConfigMap, with the whole map."""
    found = {}
    for text in rendered.values():
        for item in conftest.objects(text):
            if item["kind"] == "ConfigMap" and file in item.get("data", {}):
                found[item["data"][file]] = item["data"]
    assert found
    return found.values()


@pytest.fixture(scope="session")
def settings():
    """program -> the environment variables that it knows"""
    known = {}
    for name in conftest.INSTALLABLE:
        if (BINARIES / name).exists():
            good, said = conftest.run(BINARIES / name, "--help")
            assert good, said
            known[name] = set(re.findall(r"^  --\S+ \((HS_\w+)\)$", said, re.M))
    return known


@pytest.mark.parametrize("scenario", conftest.SCENARIOS, ids=str)
def test_programs_know_every_setting_that_they_are_given(rendered, settings, scenario):
    for name, spec in pod_security.pod_specs(conftest.objects(rendered[scenario])):
        for container in spec["containers"]:
            program = re.search(r"honeyspam/([a-z]+)[:@]", container["image"])
            if program is None or program[1] == "nats":
                continue
            variables = [entry["name"] for entry in container.get("env", [])]
            assert len(variables) == len(set(variables)), f"{name}: {variables}"
            ours = {variable for variable in variables if variable.startswith("HS_")}
            assert ours <= settings[program[1]], name
            flags = {"HS_" + re.sub(r"[.-]", "_", a[2:].partition("=")[0]).upper() for a in container.get("args", [])}
            assert flags <= settings[program[1]], name


def test_the_gateway_takes_the_decoys(rendered, tmp_path):
    for number, data in enumerate(config_maps(rendered, "decoys.json")):
        path = tmp_path / f"{number}.json"
        path.write_text(data["decoys.json"])
        personalities = conftest.ROOT / "fingerprintd" / "personalities"
        good, said = conftest.run(BINARIES / "fingerprintd", "--check", f"--decoys.file={path}", f"--personalities.dir={personalities}")
        assert good, said


def test_nats_takes_its_configuration(rendered, tmp_path):
    for number, data in enumerate(config_maps(rendered, "nats.conf")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "accounts.conf").write_text(data["accounts.conf"])
        # Certificates are the cluster's: the block that names them is not tried here.
        (folder / "nats.conf").write_text(re.sub(r"^tls \{.*?^\}$", "", data["nats.conf"], flags=re.M | re.S))
        passwords = {name: "p1" for name in re.findall(r"\$(NATS_PASSWORD_[A-Z_]+)", data["accounts.conf"])}
        good, said = conftest.run(NATS_SERVER, "-t", "-c", folder / "nats.conf", env=passwords)
        assert good, said
