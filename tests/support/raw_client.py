#!/usr/bin/python3
"""A TCP client whose SYN looks as a signature says: raw_client.py INTERFACE DECOY_MAC SOURCE DECOY PORT SIGNATURE

SOURCE is an address that no machine on the wire has, so that no kernel resets what it doesn't know. Asks for a page
and prints the first bytes of the answer.
"""

import socket
import struct
import sys
import time

import syn

SYN, ACK, RST, PUSH, ECE = 0x02, 0x10, 0x04, 0x08, 0x40
SOURCE_PORT = 40001
PATIENCE_S = 10


class Wire:
    def __init__(self, interface, mac):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((interface, 0))
        self.socket.settimeout(PATIENCE_S)
        own = self.socket.getsockname()[4]
        self.head = bytes.fromhex(mac.replace(":", "")) + own + b"\x08\x00"

    def send(self, packet):
        self.socket.send(self.head + packet)

    def receive(self, source, port):
        """(seq, flags, data) of the next segment from the decoy."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            packet = self.socket.recv(65536)[14:]
            words = (packet[0] & 15) * 4
            total = struct.unpack("!H", packet[2:4])[0]
            segment = packet[words:total]
            if packet[9] != 6 or packet[16:20] != socket.inet_aton(source):
                continue
            if struct.unpack("!HH", segment[:4]) != (port, SOURCE_PORT):
                continue
            return struct.unpack("!I", segment[4:8])[0], segment[13], segment[(segment[12] >> 4) * 4 :]
        sys.exit("no answer")


def main():
    interface, mac, source, decoy, port, text = sys.argv[1:]
    port, signature = int(port), syn.parse(text)
    ports, wire = (SOURCE_PORT, port), Wire(interface, mac)

    def send(seq, ack, flags, data=b""):
        segment = syn.tcp_segment(source, decoy, ports, seq=seq, ack=ack, flags=flags, window=64240, data=data)
        wire.send(syn.ip_header(source, decoy, len(segment), ttl=signature["ttl"]) + segment)

    wire.send(syn.packet(signature, source, decoy, ports, seq=1000))
    seq, flags, _ = wire.receive(source, port)
    if flags not in (SYN | ACK, SYN | ACK | ECE):  # RFC 3168 6.1.1: the decoy can do ECN too
        sys.exit(f"no SYN+ACK but flags {flags:#x}")
    request = b"GET / HTTP/1.0\r\n\r\n"
    send(1001, seq + 1, ACK)
    send(1001, seq + 1, ACK | PUSH, request)
    data = b""
    while not data:
        _, _, data = wire.receive(source, port)
    print(data[:200].decode(errors="replace"))
    send(1001 + len(request), seq + 1 + len(data), RST | ACK)


main()
