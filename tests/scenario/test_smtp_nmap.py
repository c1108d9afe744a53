# SPDX-License-Identifier: GPL-2.0-or-later
"""Real nmap calls our looks what they play, and its SMTP scripts see no difference to the real servers."""

import re
import subprocess
import sys

import conftest
import pytest
import smtp_oracle

NMAP = conftest.ROOT / "tests" / "support" / "smtp_nmap.py"
NMAP_S = 200
NAMES = {
    "postfix": "Postfix smtpd",
    "postfix-2": "Postfix smtpd",
    "sendmail": "Sendmail 8.17",
    "sendmail-8.12": "Sendmail 8.12",
    "exim": "Exim smtpd 4.9",
    "exchange": "Microsoft Exchange smtpd",
    "exchange-5.0": "Microsoft ESMTP 5.0.2",
}
RELAYED = {"postfix": 16, "postfix-2": 16, "sendmail": 14, "sendmail-8.12": 14}


@pytest.mark.parametrize("look", NAMES)
def test_nmap_names_the_look(look):
    words = ["unshare", "--net", sys.executable, NMAP, "--look", look, "--binaries", conftest.BINARIES]
    if look in smtp_oracle.PACKAGES:
        smtp_oracle.fetch(look)
        words += ["--server", look]
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=NMAP_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"version {NAMES[look]}" in done.stdout
    if look in RELAYED:
        found = re.search(r"open relay \((\d+)/16 tests\)", done.stdout)
        assert found and int(found[1]) == RELAYED[look], done.stdout
