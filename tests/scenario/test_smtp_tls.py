# SPDX-License-Identifier: GPL-2.0-or-later
"""nmap and openssl's client find the same TLS at our looks as at the real servers of Debian; at the others the TLS of
their time."""

import subprocess
import sys

import conftest
import pytest
import smtp_oracle

TLS = conftest.ROOT / "tests" / "support" / "smtp_tls.py"
TLS_S = 300
# What must be there, and what must not.
OTHERS = {
    "postfix-2": (["TLSv1.0", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "certificate asked for: False"],
                  ["TLSv1.3", "CHACHA20", "X25519, "]),
    "sendmail-8.12": (["TLSv1.0", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "certificate asked for: True"],
                      ["TLSv1.1", "ECDHE"]),
    "exchange": (["TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "cipher preference: server"],
                 ["TLSv1.1", "TLSv1.3", "_DHE_", "TLS_RSA_"]),
    "exchange-5.0": (["TLSv1.0", "TLS_RSA_WITH_AES_128_CBC_SHA"], ["TLSv1.1", "DHE"]),
}  # fmt: skip


def look_at(*words):
    words = ["unshare", "--net", sys.executable, TLS, "--binaries", conftest.BINARIES, *words]
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=TLS_S)


@pytest.mark.parametrize("server", smtp_oracle.PACKAGES)
def test_a_look_speaks_the_tls_of_the_real_server(server):
    smtp_oracle.fetch(server)
    done = look_at("--look", server, "--server", server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TLSv1.2: " in done.stdout and "X25519: " in done.stdout


@pytest.mark.parametrize("look", OTHERS)
def test_a_look_speaks_the_tls_of_its_time(look):
    done = look_at("--look", look)
    assert done.returncode == 0, done.stdout + done.stderr
    there, not_there = OTHERS[look]
    assert [word for word in there if word not in done.stdout] == [], done.stdout
    assert [word for word in not_there if word in done.stdout] == [], done.stdout
