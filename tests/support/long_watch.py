#!/usr/bin/python3
"""long_watch - what decoys send over some time to a peer that never completes a handshake.

    long_watch.py INTERFACE OWN_IP OPEN_PORT CLOSED_PORT SECONDS IP...

OWN_IP is an address that no machine on the wire has, so that no kernel resets what it doesn't know. One SYN to each
decoy is left alone: its SYN+ACKs come again. Each second all get a SYN from another port, one from the same port every
time, an echo request and a SYN to a closed port. Prints {ip: {"mac": text, "sent": [{t, what, id, seq, ts}...]}}.
"""

import json
import socket
import struct
import sys
import time

import syn

ALONE, SAME, OTHER, TO_CLOSED = 41000, 41001, 42000, 50000  # source ports, the last two a range each
ARP_S = 2
RCVBUFFORCE = 33  # of Linux: it has no name here
OPTIONS = bytes.fromhex("020405b40402080a00bc614e0000000001030307")
BROADCAST = b"\xff" * 6


class Wire:
    def __init__(self, interface, own_ip):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 8 << 20)  # all answer at once
        self.socket.bind((interface, 0))
        self.mac, self.own_ip = self.socket.getsockname()[4], own_ip
        self.macs = {}

    def frames(self, end):
        """(when, frame) of what comes until then."""
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, address = self.socket.recvfrom(4096)
            except TimeoutError:
                return
            if address[2] != socket.PACKET_OUTGOING:
                yield time.monotonic(), frame

    def resolve(self, ips):
        own = socket.inet_aton(self.own_ip)
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac + own + bytes(6)
        for ip in ips:
            self.socket.send(BROADCAST + self.mac + b"\x08\x06" + head + socket.inet_aton(ip))
        for _, frame in self.frames(time.monotonic() + ARP_S):
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2":
                self.macs[socket.inet_ntoa(frame[28:32])] = frame[22:28]
            if len(self.macs) == len(ips):
                break

    def send(self, ip, payload, protocol=socket.IPPROTO_TCP):
        head = syn.ip_header(self.own_ip, ip, len(payload), protocol=protocol)
        self.socket.send(self.macs[ip] + self.mac + b"\x08\x00" + head + payload)

    def tcp(self, ip, ports, **fields):
        self.send(ip, syn.tcp_segment(self.own_ip, ip, ports, **fields))

    def echo(self, ip, number):
        message = struct.pack("!BBHHH", 8, 0, 0, 0x4C57, number) + bytes(56)
        message = message[:2] + struct.pack("!H", syn.checksum(message)) + message[4:]
        self.send(ip, message, socket.IPPROTO_ICMP)


def timestamp(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 8:
            return struct.unpack("!I", options[at + 2 : at + 6])[0]
        at += 1 if options[at] == 1 else max(2, options[at + 1])
    return None


def tcp_kind(port, flags):
    if flags & 0x04 or port >= TO_CLOSED:
        return "reset"
    return {ALONE: "alone", SAME: "same"}.get(port, "syn_ack")


def describe(frame):
    packet = frame[14:]
    found, body = {"id": struct.unpack("!H", packet[4:6])[0]}, packet[(packet[0] & 15) * 4 :]
    if packet[9] == socket.IPPROTO_ICMP:
        return found | {"what": "echo"}
    ours, seq, offset, flags = struct.unpack("!2xHI4xBB", body[:14])
    return found | {"what": tcp_kind(ours, flags), "seq": seq, "ts": timestamp(body[20 : offset >> 4 << 2])}


def forget(wire, ip, frame):
    """The half-open connection is of no use any more."""
    body = frame[14 + (frame[14] & 15) * 4 :]
    theirs, ours, ack = struct.unpack("!HH4xI", body[:12])
    if ours != ALONE:
        wire.tcp(ip, (ours, theirs), seq=ack, flags=0x04)


def ask(wire, ips, number, open_port, closed_port):
    for ip in ips:
        wire.tcp(ip, (OTHER + number, open_port), options=OPTIONS, window=64240)
        wire.tcp(ip, (SAME, open_port), options=OPTIONS, window=64240)
        wire.tcp(ip, (TO_CLOSED + number, closed_port), options=OPTIONS, window=64240)
        wire.echo(ip, number)


def main():
    interface, own_ip, open_port, closed_port, seconds, *ips = sys.argv[1:]
    ports, wire = (int(open_port), int(closed_port)), Wire(interface, own_ip)
    wire.resolve(ips)
    found = {ip: {"mac": mac.hex(":"), "sent": []} for ip, mac in wire.macs.items()}
    for ip in found:
        wire.tcp(ip, (ALONE, ports[0]), options=OPTIONS, window=64240)
    start = time.monotonic()
    for number in range(int(seconds)):
        ask(wire, found, number, *ports)
        for when, frame in wire.frames(start + number + 1):
            ip = socket.inet_ntoa(frame[26:30])
            if frame[12:14] != b"\x08\x00" or frame[30:34] != socket.inet_aton(own_ip) or ip not in found:
                continue
            seen = describe(frame)
            found[ip]["sent"].append({"t": when - start} | seen)
            if seen["what"] in ("same", "syn_ack"):
                forget(wire, ip, frame)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
