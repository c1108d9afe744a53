"""arp_answers IF IP - asks who has IP, and prints how many answers come within a second."""

import ipaddress
import socket
import sys
import time

interface, ip = sys.argv[1], ipaddress.ip_address(sys.argv[2]).packed
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
s.bind((interface, 0x0806))
mac = s.getsockname()[4]
sender = ipaddress.ip_address("203.0.113.9").packed
request = b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01" + mac + sender + b"\x00" * 6 + ip
s.send(request.ljust(60, b"\x00"))
answers, end = 0, time.monotonic() + 1
while (left := end - time.monotonic()) > 0:
    s.settimeout(left)
    try:
        frame = s.recv(2048)
    except TimeoutError:
        break
    answers += frame[20:22] == b"\x00\x02" and frame[28:32] == ip
print(answers)
