#!/usr/bin/python3
"""seven_probes - the kinds of probe that xprobe2 sends, one after the other, as raw packets.

    seven_probes.py OWN_IP OPEN_PORT CLOSED_PORT CLOSED_UDP IP...

Prints {ip: {probe: answer}} as JSON; an answer is {ttl, id, df, tos, ...} or null.
"""

import json
import socket
import struct
import sys
import time

WAIT_S = 1.0
ROUNDS = 3  # a machine under load loses packets; who is silent is so each time
IDENT = 0x5851


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(own, ip, protocol, payload, tos=0, df=False):
    """The kernel fills in the header's checksum and length."""
    addresses = socket.inet_aton(own) + socket.inet_aton(ip)
    head = struct.pack("!BBHHHBBH", 0x45, tos, 0, 0x1234, 0x4000 if df else 0, 64, protocol, 0)
    return head + addresses + payload


def icmp(kind, code, rest, data=b""):
    message = struct.pack("!BBHI", kind, code, 0, rest) + data
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def transport(own, ip, protocol, segment, at):
    pseudo = socket.inet_aton(own) + socket.inet_aton(ip) + struct.pack("!BBH", 0, protocol, len(segment))
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


def syn(own, ip, source, port):
    options = bytes.fromhex("020405b40402080a0000000100000000") + bytes.fromhex("01030307")
    head = struct.pack("!HHIIBBHHH", source, port, 0x11223344, 0, (5 + len(options) // 4) << 4, 2, 5840, 0, 0)
    return transport(own, ip, 6, head + options, 16)


def udp(own, ip, source, port):
    data = b"x" * 70
    return transport(own, ip, 17, struct.pack("!HHHH", source, port, 8 + len(data), 0) + data, 6)


def probes(own, ip, open_port, closed_port, closed_udp):
    ident = IDENT << 16
    return {
        "echo": ip_packet(own, ip, 1, icmp(8, 123, ident | 1, b"p" * 64), tos=6, df=True),
        "timestamp": ip_packet(own, ip, 1, icmp(13, 0, ident | 2, struct.pack("!III", 7, 0, 0))),
        "information": ip_packet(own, ip, 1, icmp(15, 0, ident | 3)),
        "mask": ip_packet(own, ip, 1, icmp(17, 0, ident | 4, bytes(4))),
        "unreachable": ip_packet(own, ip, 17, udp(own, ip, 40001, closed_udp), df=True),
        "syn_ack": ip_packet(own, ip, 6, syn(own, ip, 40002, open_port), df=True),
        "reset": ip_packet(own, ip, 6, syn(own, ip, 40003, closed_port), df=True),
    }


def describe(packet):
    head = (packet[0] & 15) * 4
    ident, flags, ttl, protocol = struct.unpack("!HHBB", packet[4:10])
    answer = {"tos": packet[1], "id": ident, "df": bool(flags & 0x4000), "ttl": ttl, "length": len(packet)}
    body = packet[head:]
    if protocol == 6:
        seq, ack, offset, bits, window = struct.unpack("!IIBBH", body[4:16])
        answer |= {"port": struct.unpack("!H", body[2:4])[0], "seq": seq, "ack": ack, "flags": bits, "window": window}
        answer |= {"options": body[20 : offset >> 4 << 2].hex()}
    else:
        answer |= {"type": body[0], "code": body[1], "body": body[4:].hex()}
    return answer


def kind_of(answer):
    if "flags" in answer:
        return {40002: "syn_ack", 40003: "reset"}.get(answer["port"])
    return {0: "echo", 14: "timestamp", 16: "information", 18: "mask", 3: "unreachable"}.get(answer["type"])


def listen(wire, found):
    end = time.monotonic() + WAIT_S
    while (left := end - time.monotonic()) > 0:
        wire.settimeout(left)
        try:
            packet = wire.recv(4096)
        except TimeoutError:
            break
        ip = socket.inet_ntoa(packet[12:16])
        if ip in found and (kind := kind_of(answer := describe(packet))) and found[ip][kind] is None:
            found[ip][kind] = answer


def main():
    own, *ports = sys.argv[1:5]
    ips = sys.argv[5:]
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    found = {ip: dict.fromkeys(probes(own, ip, 1, 1, 1)) for ip in ips}
    for _ in range(ROUNDS):
        for ip in ips:
            for kind, packet in probes(own, ip, *map(int, ports)).items():
                if found[ip][kind] is None:
                    out.sendto(packet, (ip, 0))
        listen(wire, found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
