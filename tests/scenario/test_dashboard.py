"""The dashboard in a real Chromium: live numbers, last events, last mails, and nothing that a spammer wrote runs."""

import re
import subprocess

from conftest import wait_for

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def rendered(lab, tmp_path, token=None):
    url = f"{lab.d['api']['url']}/#token={token or lab.d['api']['token']}"
    words = [*CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=6000", "--dump-dom", url]
    return subprocess.run(words, capture_output=True, text=True, timeout=120).stdout


def test_chromium_shows_what_came_in(lab, tmp_path):
    ip, port = lab.decoy("relaytrap", "postfix")
    evil = '<img src=x onerror="document.title=1">Cheap pills'
    for _ in range(3):
        done = lab.attack("swaks", "--server", f"{ip}:{port}", "--to", "victim@b.example", "--header", f"Subject: {evil}")
        assert done.returncode == 0
    assert wait_for(lambda: lab.api("/v1/stats")["messages"] == 3, 20)
    assert wait_for(lambda: [e for e in lab.events() if e["event"]["action"] == "relay-mail"], 20)
    page = rendered(lab, tmp_path)
    assert "Cheap pills" in page
    assert "&lt;img src=x" in page and "<img src=x" not in page
    assert "relay-mail" in page and lab.d["attacker"]["ip"] in page
    assert re.search(r">\s*3\s*<", page), "the count of messages is not shown"
    subprocess.run(
        [*CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=6000", "--window-size=1280,900",
         f"--screenshot={lab.directory.parent.parent / 'dashboard.png'}",
         f"{lab.d['api']['url']}/#token={lab.d['api']['token']}"],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip


def test_a_wrong_token_sees_nothing(lab, tmp_path):
    page = rendered(lab, tmp_path, token="wrong")
    assert "Cheap pills" not in page and "relay-mail" not in page
    assert lab.get("/v1/stats", Authorization="Bearer wrong")[0] == 401
    status, body = lab.get("/v1/stats", Authorization="")
    assert status == 401 and b"application" not in body[:1]
