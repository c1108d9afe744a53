"""syn - SYN packets made to order: from a signature in p0f's syntax, or field by field; as bytes and as a pcap file."""

import socket
import struct

KINDS = {"nop": 1, "mss": 2, "ws": 3, "sok": 4, "sack": 5, "ts": 8}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_header(source, destination, payload_len, *, ttl=64, ident=0x4711, df=True, reserved=False, tos=0, options=b"",
              protocol=socket.IPPROTO_TCP):  # fmt: skip
    words = 5 + len(options) // 4
    flags = 0x8000 * reserved | 0x4000 * df
    head = struct.pack("!BBHHHBBH", 0x40 | words, tos, words * 4 + payload_len, ident, flags, ttl, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def tcp_segment(source, destination, ports, *, seq=1000, ack=0, flags=2, window=0, urgent=0, options=b"", data=b"",
                nonce=False):  # fmt: skip
    offset = (5 + len(options) // 4) << 4 | nonce
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, offset, flags, window, 0, urgent) + options
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination)
    pseudo += struct.pack("!HH", socket.IPPROTO_TCP, len(head) + len(data))
    return head[:16] + struct.pack("!H", checksum(pseudo + head + data)) + head[18:] + data


def option(name, signature):
    """The bytes of one option of a layout."""
    quirks = signature["quirks"]
    if name == "mss":
        return struct.pack("!BBH", 2, 4, signature["mss"])
    if name == "ws":
        return struct.pack("!BBB", 3, 3, signature["scale"])
    if name == "ts":
        return struct.pack("!BBII", 8, 10, "ts1-" not in quirks and 12345, 7 if "ts2+" in quirks else 0)
    if name == "sack":
        return struct.pack("!BBII", 5, 10, 1, 2)
    if name.startswith("eol+"):
        return bytes(1) + (b"\1" if "opt+" in quirks else b"\0") * int(name[4:])  # p0f leaves out the last
    if name.startswith("?"):
        return bytes([int(name[1:]), 2])
    return {"nop": b"\1", "sok": b"\4\2"}[name]


def parse(text, mss=1460, scale=7):
    """A signature's fields, with something definite where it leaves a choice."""
    _, ttl, olen, size, window, layout, quirks, payload = text.split(":")
    window, shift = window.split(",")
    size = mss if size == "*" else int(size)
    bases = {"mss": size, "mtu": size + 40}
    if window == "*":
        window = 12345
    elif "*" in window:
        base, times = window.split("*")
        window = bases[base] * int(times)
    elif window.startswith("%"):
        window = int(window[1:]) * 2
    ttl, _, distance = ttl.rstrip("-").partition("+")
    return {
        "ttl": int(ttl) + (int(distance) if distance.isdigit() else 0),
        "olen": int(olen),
        "mss": size,
        "window": int(window),
        "scale": scale if shift == "*" else int(shift),
        "layout": [name for name in layout.split(",") if name],
        "quirks": {name for name in quirks.split(",") if name},
        "payload": payload == "+",
    }


def packet(signature, source, destination, ports, seq=1000):
    """The SYN, or None when no packet can look so."""
    quirks = signature["quirks"]
    options = b"".join(option(name, signature) for name in signature["layout"])
    if len(options) % 4 or len(options) > 40 or signature["window"] > 65535 or not 0 < signature["ttl"] < 256:
        return None
    segment = tcp_segment(
        source, destination, ports,
        seq=0 if "seq-" in quirks else seq,
        ack=0x01000000 if "ack+" in quirks else 0,  # p0f 3.09b sees only numbers with this bit
        flags=0x02 | ("ecn" in quirks) * 0xC0 | ("urgf+" in quirks) * 0x20 | ("pushf+" in quirks) * 0x08,
        window=signature["window"],
        urgent=5 if "uptr+" in quirks else 0,
        options=options,
        data=b"x" * signature["payload"],
    )  # fmt: skip
    df = "df" in quirks
    ident = 0x4711 if ("id+" in quirks if df else "id-" not in quirks) else 0
    head = ip_header(
        source, destination, len(segment), ttl=signature["ttl"], ident=ident, df=df, reserved="0+" in quirks,
        options=b"\1" * signature["olen"],
    )  # fmt: skip
    return head + segment


def write_pcap(path, packets):
    """Raw IP packets, a second apart."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for i, data in enumerate(packets):
            f.write(struct.pack("<IIII", 1700000000 + i, 0, len(data), len(data)) + data)
