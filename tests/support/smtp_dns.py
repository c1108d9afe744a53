#!/usr/bin/python3
"""smtp_dns - a name server in which every name has an address and no address has a name, so that a real mail server
that asks meets a world in which all domains exist."""

import socket
import struct
import sys

ANSWER = bytes([203, 0, 113, 99])
TYPE_A, TYPE_PTR, NXDOMAIN = 1, 12, 3


def question_end(query):
    at = 12
    while query[at]:
        at += query[at] + 1
    return at + 5


def reply(query):
    end = question_end(query)
    kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
    code = NXDOMAIN if kind == TYPE_PTR else 0
    answers = b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, 1, 3600, 4) + ANSWER if kind == TYPE_A else b""
    header = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, 1 if answers else 0, 0, 0)
    return header + query[12:end] + answers


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], 53))
        while True:
            query, client = server.recvfrom(4096)
            try:
                server.sendto(reply(query), client)
            except (IndexError, struct.error):
                pass


if __name__ == "__main__":
    main()
