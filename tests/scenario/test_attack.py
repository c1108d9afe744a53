"""One attack a trap with the tools that people use, from the attacker's namespace to the admin API."""

import hashlib
import json
import re

import jsonschema
import pytest
from conftest import ROOT, wait_for

BODY = b"Subject: %s\r\nFrom: a@spam.example\r\n\r\n.a line with a dot\r\n8-bit: \xe4\xf6\xfc\r\n"


def message(tmp_path, subject):
    path = tmp_path / "message"
    path.write_bytes(BODY % subject.encode())
    return path


def arrived(lab, path, via=None):
    """The stored message is what was sent, everywhere it is kept."""
    data = path.read_bytes()
    item = lab.message(hashlib.sha256(data).hexdigest())
    status, raw = lab.get(f"/v1/messages/{item['id']}/raw")
    assert (status, raw) == (200, data)
    stored = wait_for(lambda: (lab.maildir / item["id"]).exists() and (lab.maildir / item["id"]).read_bytes(), 30)
    assert stored == data
    assert bool(item["via"]) == bool(via)
    return item


def for_swaks(path):
    """The file as swaks wants it, and in path what it makes of that: CRLF, and one more at the end."""
    file = path.with_name("swaks.txt")
    file.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    path.write_bytes(path.read_bytes() + b"\r\n")
    return f"@{file}"


def test_swaks_delivers_straight(lab, tmp_path):
    ip, port = lab.decoy("relaytrap", "postfix")
    path = message(tmp_path, "straight")
    done = lab.attack(
        "swaks", "--server", f"{ip}:{port}", "--from", "a@spam.example", "--to", "b@victim.example",
        "--data", for_swaks(path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    item = arrived(lab, path)
    assert item["source"]["ip"] == lab.d["attacker"]["ip"]
    assert item["envelope"]["mail_from"] == "a@spam.example"
    assert item["envelope"]["rcpt_to"] == ["b@victim.example"]
    assert item["subject"] == "straight"


def test_swaks_delivers_through_socks5_by_proxychains(lab, tmp_path):
    ip, port = lab.decoy("proxytrap", "dante")
    (tmp_path / "proxychains.conf").write_text(f"strict_chain\nquiet_mode\n[ProxyList]\nsocks5 {ip} {port}\n")
    path = message(tmp_path, "through SOCKS5")
    done = lab.attack(
        "proxychains4", "-f", tmp_path / "proxychains.conf", "swaks", "--server", "198.51.100.25:25",
        "--from", "a@spam.example", "--to", "b@victim.example", "--data", for_swaks(path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    item = arrived(lab, path, via=True)
    assert item["asked"] == "198.51.100.25:25"


@pytest.mark.parametrize(
    "look,words",
    [
        ("squid", ["--proxytunnel", "--proxy", "http://{}"]),
        ("tinyproxy", ["--proxytunnel", "--proxy", "http://{}"]),
        ("dante", ["--proxy", "socks4a://{}"]),
        ("dante", ["--proxy", "socks5h://{}"]),
    ],
)
def test_curl_delivers_through_a_proxy(lab, tmp_path, look, words):
    ip, port = lab.decoy("proxytrap", look)
    path = message(tmp_path, f"{look} {words[-1][:7]}")
    done = lab.attack(
        "curl", "-sS", *[w.format(f"{ip}:{port}") for w in words], "smtp://mx.victim.example/spammer.example",
        "--mail-from", "a@spam.example", "--mail-rcpt", "b@victim.example", "--upload-file", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    item = arrived(lab, path, via=True)
    assert item["asked"] == "mx.victim.example:25"


def addresses(text):
    return set(re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]+\w", text))


def links(text):
    return re.findall(r'href="(/[^"]*)"', text)


def test_curl_walks_the_maze(lab):
    ip, port = lab.decoy("webtrap", "apache")
    front = lab.attack("curl", "-sS", f"http://{ip}:{port}/").stdout.decode()
    robots = lab.attack("curl", "-sS", f"http://{ip}:{port}/robots.txt").stdout.decode()
    forbidden = re.findall(r"^Disallow: (\S+)", robots, re.M)
    assert forbidden and "User-agent: *" in robots
    into = [link for link in links(front) if any(link.startswith(f) for f in forbidden)]
    assert into, f"no way from the front page into {forbidden}"
    path, seen = into[0], set()
    for _ in range(20):
        page = lab.attack("curl", "-sS", f"http://{ip}:{port}{path}").stdout.decode()
        seen |= addresses(page)
        onward = [link for link in links(page) if any(link.startswith(f) for f in forbidden)]
        assert onward, f"{path} is a dead end"
        path = onward[-1]
    assert len(seen) >= 20


def test_wget_fetches_five_megabytes_of_maze(lab, tmp_path):
    ip, port = lab.decoy("webtrap", "nginx")
    done = lab.attack(
        "wget", "-q", "-r", "-l", "inf", "-e", "robots=off", "-Q", "5m", f"http://{ip}:{port}/", "-P", tmp_path,
        timeout=300,
    )  # fmt: skip
    pages = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in pages) >= 5 * 1024 * 1024, done.stderr.decode()
    # No two pages are alike.
    assert len({p.read_bytes() for p in pages}) > 0.9 * len(pages)
    harvested = set().union(*(addresses(p.read_text(errors="replace")) for p in pages))
    assert len(harvested) > len(pages)


@pytest.mark.parametrize("look", ["apache", "nginx", "iis"])
@pytest.mark.parametrize("way", ["Transfer-Encoding: chunked", "Expect: 100-continue", "X-Announced: length"])
def test_a_long_body_is_counted_and_the_connection_goes_on(lab, tmp_path, look, way):
    ip, port = lab.decoy("webtrap", look)
    url, body, agent = f"http://{ip}:{port}/", tmp_path / "body", f"{look}-{way.split()[-1]}"
    body.write_bytes(b"x=" + b"y" * 300_000)
    post = ("-X", "POST", "-H", way, "-A", agent, "--data-binary", f"@{body}")
    shown = ("-sS", "-o", tmp_path / "page", "-w", "%{http_code} %{num_connects}\n")
    said = lab.attack("curl", *shown, *post, url, "--next", *shown, url).stdout.decode().split()
    assert said[0] in ("200", "405") and said[1:] == ["1", "200", "0"]
    mine = lambda: [e for e in lab.events() if e.get("user_agent", {}).get("original") == agent]  # noqa: E731
    assert wait_for(mine, 30)[0]["http"]["request"]["bytes"] == 300_002


def test_broken_chunks_are_refused_in_character(lab, tmp_path):
    ip, port = lab.decoy("webtrap", "nginx")
    talk = (
        "import socket,sys; s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
        "s.sendall(b'POST / HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n'); s.sendall(b'zz\\r\\n');"
        "d=b''.join(iter(lambda: s.recv(65536), b'')); sys.stdout.buffer.write(d)"
    )
    answer = lab.attack("python3", "-c", talk, ip, port).stdout
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\nServer: nginx") and answer.rstrip().endswith(b"</html>")


SPIDER = """
import re, scrapy
class Harvester(scrapy.Spider):
    name = "harvester"
    start_urls = ["{url}"]
    def parse(self, response):
        yield {{"path": response.url, "mail": len(re.findall(r"[\\w.+-]+@[\\w-]+\\.[\\w.-]+", response.text))}}
        yield from response.follow_all(css='a:not([href^="mailto:"])::attr(href)', callback=self.parse)
"""


def crawl(lab, tmp_path, obey):
    ip, port = lab.decoy("webtrap", "iis")
    spider, out = tmp_path / "spider.py", tmp_path / "out.jsonl"
    spider.write_text(SPIDER.format(url=f"http://{ip}:{port}/"))
    done = lab.attack(
        "scrapy", "runspider", spider, "-o", out, "-s", f"ROBOTSTXT_OBEY={obey}", "-s", "CLOSESPIDER_PAGECOUNT=60",
        "-s", "TELNETCONSOLE_ENABLED=False", "-s", "LOG_LEVEL=ERROR", timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def test_scrapy_that_disregards_robots_harvests(lab, tmp_path):
    pages = crawl(lab, tmp_path, obey=False)
    assert len(pages) >= 60
    assert sum(p["mail"] for p in pages) >= 60
    assert wait_for(lambda: [e for e in lab.events() if e["event"]["action"] == "web-harvester"], 30)


def test_scrapy_that_obeys_robots_sees_none_of_it(lab, tmp_path):
    pages = crawl(lab, tmp_path, obey=True)
    assert 1 <= len(pages) < 60
    assert sum(p["mail"] for p in pages) == 0


def test_nmap_sees_the_configured_ports_and_no_other(lab):
    for decoy in lab.d["decoys"][:3]:
        done = lab.attack("nmap", "-n", "-Pn", "-sS", "-p-", "-oG", "-", decoy["ip"], timeout=300)
        ports = {int(p) for p in re.findall(r"(\d+)/open/tcp", done.stdout.decode())}
        assert ports == {p["port"] for p in decoy["ports"]}, decoy


def test_decoys_and_nothing_else_answer_ping_and_arp(lab):
    decoys = {d["ip"] for d in lab.d["decoys"]}
    others = {"203.0.113.9", "203.0.113.200", "203.0.113.254"}
    for ip in decoys:
        assert lab.attack("ping", "-n", "-c", 1, "-W", 5, ip).returncode == 0, ip
        assert lab.attack("arping", "-c", 1, "-w", 5, "-I", "eth0", ip).returncode == 0, ip
    for ip in others:
        assert lab.attack("ping", "-n", "-c", 1, "-W", 1, ip).returncode != 0, ip
        assert lab.attack("arping", "-c", 1, "-w", 1, "-I", "eth0", ip).returncode != 0, ip
    # The kernel behind the wire has no voice: not the core's address, not a port of its own.
    assert lab.attack("ping", "-n", "-c", 1, "-W", 1, "198.18.1.2").returncode != 0


def test_udp_to_a_decoy_is_port_unreachable(lab):
    done = lab.attack("nmap", "-n", "-Pn", "-sU", "-p", "9,161", "-oG", "-", lab.d["decoys"][0]["ip"])
    assert "Status: Up" in done.stdout.decode()
    found = lab.attack("nmap", "-n", "-Pn", "-sU", "-p", "9", "--reason", lab.d["decoys"][0]["ip"]).stdout.decode()
    assert "port-unreach" in found


def test_the_api_says_who_it_was(lab):
    ip = lab.d["attacker"]["ip"]
    source = wait_for(lambda: [s for s in lab.pages("/v1/sources") if s["ip"] == ip], 20)
    assert source
    stats = lab.api("/v1/stats")
    assert stats["messages"] == len(lab.pages("/v1/messages"))
    names = {r["service"] for r in lab.api("/v1/replicas")["items"]}
    assert {"fingerprintd", "webtrap", "proxytrap", "relaytrap"} <= names


def test_events_can_be_asked_for_by_replica(lab):
    replica = next(r["instance"] for r in lab.api("/v1/replicas")["items"] if r["service"] == "relaytrap")
    mails = lab.pages(f"/v1/events?action=relay-mail&instance={replica}")
    assert mails and all(e["service"] == {"name": "relaytrap", "node": {"name": replica}} for e in mails)
    assert lab.pages("/v1/events?action=relay-mail&instance=another") == []


def test_every_event_fits_the_schema(lab):
    schema = json.loads((ROOT / "api" / "events.schema.json").read_text())
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    events = lab.events()
    for event in events:
        errors = [f"{e.json_path}: {e.message}" for e in check.iter_errors(event)]
        assert not errors, f"{event}\n{errors}"
        assert event["service"]["node"]["name"], event
    actions = {e["event"]["action"] for e in events}
    assert {"probe", "flow-open", "flow-close", "os-guess", "web-request", "web-harvester"} <= actions
    assert {"proxy-request", "relay-session", "relay-mail"} <= actions
    assert len({e["event"]["id"] for e in events}) == len(events)


def test_every_flow_has_one_end(lab):
    def flows(action):
        return [e["honeyspam"]["flow"]["id"] for e in lab.events() if e["event"]["action"] == action]

    assert wait_for(lambda: sorted(flows("flow-open")) == sorted(flows("flow-close")), 90, 1)
