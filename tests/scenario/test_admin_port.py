"""The admin port of a part: what it answers, and that no client can hold it."""

import socket
import urllib.parse

import pytest
from conftest import wait_for


def ask(lab, part, text):
    """The whole answer to raw bytes."""
    at = urllib.parse.urlparse(lab.process(part)["admin"])
    with socket.create_connection((at.hostname, at.port), 10) as s:
        s.sendall(text)
        said = b""
        while data := s.recv(65536):
            said += data
    return said


def status(said):
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "request_line,code,words",
    [
        (b"GET /livez HTTP/1.1", 200, b"ok\n"),
        (b"GET /readyz?verbose HTTP/1.1", 200, b"[+]nats ok\n"),
        (b"GET /metrics HTTP/1.0", 200, b"honeyspam_build_info"),
        (b"GET /v1/stats HTTP/1.1", 200, b'"service":"relaytrap"'),
        (b"GET / HTTP/1.1", 404, b"/livez"),
        (b"POST /livez HTTP/1.1", 405, b"GET and HEAD"),
        (b"nonsense", 400, b""),
        (b"GET /" + b"x" * 600 + b" HTTP/1.1", 431, b""),
    ],
)
def test_it_answers(lab, request_line, code, words):
    said = ask(lab, "relaytrap", request_line + b"\r\nHost: x\r\n\r\n")
    head, _, body = said.partition(b"\r\n\r\n")
    assert status(said) == code and words in body
    assert f"Content-Length: {len(body)}".encode() in head and b"Connection: close" in head


def test_head_has_no_body(lab):
    head, _, body = ask(lab, "relaytrap", b"HEAD /livez HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Content-Length: 3" in head and body == b""


def test_headers_without_end_are_refused(lab):
    assert status(ask(lab, "relaytrap", b"GET /livez HTTP/1.1\r\nX: " + b"y" * 9000)) == 431


def test_who_asks_nothing_holds_nothing(lab):
    """More silent clients than there is room for: they are let go, and the port answers again."""
    at = urllib.parse.urlparse(lab.process("relaytrap")["admin"])
    silent = [socket.create_connection((at.hostname, at.port), 10) for _ in range(100)]
    try:
        assert wait_for(lambda: answers(lab), 30)
        assert lab.metrics("relaytrap").get("honeyspam_sessions") == 0  # they are no flows
    finally:
        for s in silent:
            s.close()


def answers(lab):
    try:
        return status(ask(lab, "relaytrap", b"GET /livez HTTP/1.1\r\n\r\n")) == 200
    except (OSError, IndexError, ValueError):
        return False
