"""Real mail servers and our looks of them hold the same conversations; after names, ids and dates nothing may differ."""

import re
import subprocess
import sys

import conftest
import pytest
import smtp_oracle

DIFF = conftest.ROOT / "tests" / "support" / "smtp_diff.py"
DIFF_S = 300


@pytest.fixture(scope="module", autouse=True)
def unpacked():
    for server in smtp_oracle.PACKAGES:
        smtp_oracle.fetch(server)


@pytest.mark.parametrize("kind", ["base", "auth", "idle", "tls", "authtls"])
@pytest.mark.parametrize("server", ["postfix", "sendmail", "exim"])
def test_a_look_answers_as_the_real_server(server, kind):
    words = ["unshare", "--net", sys.executable, DIFF, "--server", server, "--kind", kind]
    done = subprocess.run([*map(str, words), "--binaries", str(conftest.BINARIES)], capture_output=True, text=True,
                          timeout=DIFF_S)  # fmt: skip
    held = re.search(r"(\d+) conversations, (\d+) differ", done.stdout)
    assert held, done.stdout + done.stderr
    print(f"figure smtp_diff.{server}.{kind}.conversations {held[1]} conversations")
    assert done.returncode == 0, done.stdout
