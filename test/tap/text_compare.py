# SPDX-License-Identifier: BSD-2-Clause
"""What the text tests share: pcap files, the lines of tcpdump and croomtap for them, and a table by protocol."""
import collections
import os
import re
import shutil
import struct
import subprocess
import tempfile

ETHERNET, SLL, SLL2, RAW, NULL, LOOP = 1, 113, 276, 101, 0, 108
LINKS = {ETHERNET: "Ethernet", SLL: "Linux cooked v1", SLL2: "Linux cooked v2", RAW: "raw IP", NULL: "BSD loopback",
         LOOP: "OpenBSD loopback", 12: "raw IP", 14: "raw IP", 228: "raw IPv4", 229: "raw IPv6"}
HEADER = {ETHERNET: 14, SLL: 16, SLL2: 20, NULL: 4, LOOP: 4}
PROTOCOLS = {1: "icmp", 2: "igmp", 4: "ip in ip", 6: "tcp", 9: "igrp", 17: "udp", 33: "dccp", 41: "ip6 in ip", 46: "rsvp",
             47: "gre", 50: "esp", 51: "ah", 58: "icmp6", 59: "no next header", 88: "eigrp", 89: "ospf", 103: "pim",
             112: "vrrp", 113: "pgm", 132: "sctp", 135: "mobility"}
TYPES = {0x0806: "arp", 0x8035: "arp", 0x8847: "mpls", 0x8848: "mpls", 0x8863: "pppoe", 0x8864: "pppoe", 0x88cc: "lldp",
         0x8809: "slow", 0x888e: "eapol", 0x88f7: "ptp", 0x9000: "loopback", 0x6003: "decnet", 0x0707: "geonet",
         0x8947: "geonet", 0x1111: "calm fast", 0x8137: "ipx", 0x88a2: "aoe", 0x8899: "realtek", 0x88ca: "tipc",
         0x886f: "nlb heartbeat", 0x8902: "cfm", 0xabcd: "cfm", 0xfefe: "osi", 0x894f: "nsh", 0x80f3: "aarp",
         0x880b: "ppp"}
# What 802.2 carries, by its first bytes.
ACCESS = {b"\x42\x42\x03": "stp", b"\xfe\xfe\x03": "osi", b"\xe0\xe0\x03": "ipx", b"\xff\xff": "ipx",
          b"\xaa\xaa\x03\0\0\x0c\x20\0": "cdp", b"\xaa\xaa\x03\0\0\x0c\x01\x11": "udld",
          b"\xaa\xaa\x03\0\0\x0c\x20\3": "vtp", b"\xaa\xaa\x03\0\0\x0c\x20\4": "dtp",
          b"\xaa\xaa\x03\0\0\x0c\x01\x0b": "stp"}
EXTENSIONS = (0, 43, 60, 44, 51)
# What the text printer promises, by the names that kind() gives.
PROMISED = ("arp", "ip4 tcp", "ip4 udp", "ip4 icmp", "ip4 fragment", "ip6 tcp", "ip6 udp", "ip6 icmp6", "ip6 fragment",
            "ip4 broken", "ip6 broken", "ip6 no next header")
WANTED = 0.995
PRIVATE = tempfile.mkdtemp(prefix="croom-text-")


def clean_up():
    shutil.rmtree(PRIVATE, ignore_errors=True)


def write_pcap(path, link, packets, snaplen=262144, nano=False):
    """packets: (seconds, fraction, bytes, length on the wire)"""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snaplen, link))
        for second, fraction, data, length in packets:
            out.write(struct.pack("<IIII", second, fraction, len(data), length) + data)


def read_pcap(data):
    """The link type, and each packet as (captured bytes, length); stops where the file is broken."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xffff if len(data) >= 24 else None
    packets, at = [], 24
    while at + 16 <= len(data):
        captured, length = struct.unpack_from(order + "II", data, at + 8)
        packets.append((data[at + 16:at + 16 + captured], length))
        at += 16 + captured
    return link, packets


def kind_of_ip(data):
    """What an IP packet carries, as far as a test needs to know it."""
    version = data[0] >> 4 if data else 0
    if version not in (4, 6) or len(data) < (20 if version == 4 else 40):
        return {4: "ip4 broken", 6: "ip6 broken"}.get(version, "ip")
    if data[0] >> 4 == 4:
        if struct.unpack_from(">H", data, 6)[0] & 0x1fff:
            return "ip4 fragment"
        return "ip4 " + PROTOCOLS.get(data[9], f"protocol {data[9]}")
    protocol, at, fragment = data[6], 40, False
    while protocol in EXTENSIONS and len(data) >= at + 8:
        if protocol == 44 and struct.unpack_from(">H", data, at + 2)[0] & 0xfff8:
            fragment = True
        skip = 8 if protocol == 44 else (data[at + 1] + 2) * 4 if protocol == 51 else (data[at + 1] + 1) * 8
        protocol, at = data[at], at + skip
        if fragment:
            return "ip6 fragment"
    if protocol in EXTENSIONS:
        return "ip6 broken"
    return "ip6 " + PROTOCOLS.get(protocol, f"protocol {protocol}")


def kind(link, data):
    if link not in HEADER:
        return kind_of_ip(data)
    at = HEADER[link]
    if len(data) < at + 1:
        return "link header cut off"
    if link in (NULL, LOOP):
        return kind_of_ip(data[at:])
    place = {ETHERNET: 12, SLL: 14, SLL2: 0}[link]
    value = struct.unpack_from(">H", data, place)[0]
    while value in (0x8100, 0x88a8, 0x9100, 0x9200) and len(data) >= at + 4:
        value = struct.unpack_from(">H", data, at + 2)[0]
        at += 4
    if value <= 1500:
        if data[at:at + 6] == b"\xaa\xaa\x03\0\0\0" and len(data) >= at + 8:
            value = struct.unpack_from(">H", data, at + 6)[0]
            at += 8
        else:
            return next((name for start, name in ACCESS.items() if data[at:].startswith(start)), "other 802.2")
    if value in (0x0800, 0x86dd):
        return kind_of_ip(data[at:]) if len(data) > at else "ip4 broken" if value == 0x0800 else "ip6 broken"
    return TYPES.get(value, "other type")


def records(text):
    """Each packet's lines: the first begins with the time, the others do not."""
    found = []
    for line in text.decode("latin-1").splitlines(keepends=True):
        if re.match(r"\d\d:\d\d:\d\d\.\d|\[Invalid header|\[Error converting time", line) or not found:
            found.append(line)
        else:
            found[-1] += line
    return found


# Words of tcpdump's lines for protocols that the text printer does not promise: a changed byte can make one of any.
OTHERS = re.compile(r"\b(ForCES|EGPv\d+|igrp|mobile|AT|CLNP|Q\.933|ES-IS|CFM\S*|MPCP|TIPC|NSH|aarp)\b|"
                    r"\[\|(egp|igrp|mobile|ddp|forces|q\.933|decnet|aarp|tipc|nsh|cfm)\]")


class Failed(Exception):
    pass


def run(command, path):
    environment = dict(os.environ, TZ="UTC", XDG_RUNTIME_DIR=PRIVATE)
    result = subprocess.run([*command, "-r", path], capture_output=True, env=environment, timeout=300)
    return result.returncode, result.stdout, result.stderr.decode("latin-1")


def tcpdump(path):
    """As root tcpdump would become another user, who may not read the file."""
    command = ["tcpdump", "-nq"] + (["-Z", "root"] if os.geteuid() == 0 else [])
    code, out, err = run(command, path)
    if code < 0 or (code and not out):
        raise Failed(err.strip().splitlines()[-1] if err.strip() else f"tcpdump exits {code}")
    return records(out)


def croomtap(program, path):
    code, out, err = run([program, "--no-control", "--no-status"], path)
    if code < 0 or "AddressSanitizer" in err or "runtime error" in err:
        raise Failed(f"croomtap exits {code}: {err[-2000:]}")
    return records(out)


class Table:
    """Identical lines by protocol, with the first few that differ of each."""

    def __init__(self):
        self.same = collections.Counter()
        self.all = collections.Counter()
        self.differ = collections.defaultdict(list)
        self.uneven = False

    def merge(self, other):
        self.same.update(other.same)
        self.all.update(other.all)
        for name, examples in other.differ.items():
            self.differ[name] += examples

    def add(self, name, theirs, ours, where):
        self.all[name] += 1
        if theirs == ours:
            self.same[name] += 1
        elif len(self.differ[name]) < 1000:
            self.differ[name].append((where, theirs, ours))

    def add_file(self, program, path, link, packets, where=None, names=None):
        """Compare both on one file; False when they do not even agree on how many packets there are."""
        theirs, ours = tcpdump(path), croomtap(program, path)
        where = where or os.path.basename(path)
        for i, (one, other) in enumerate(zip(theirs, ours)):
            name = names[i] if names else kind(link, packets[i][0]) if i < len(packets) else "?"
            self.add(name, one, other, f"{where} packet {i + 1}")
        return len(theirs) == len(ours) and len(theirs) >= len(packets)

    def share(self, names=None):
        names = self.all if names is None else [n for n in names if n in self.all]
        total = sum(self.all[n] for n in names)
        return sum(self.same[n] for n in names) / total if total else 0.0

    def show(self, limit=200):
        print(f"# {'protocol':32} {'packets':>9} {'identical':>9}")
        for name, count in sorted(self.all.items(), key=lambda item: (item[0] not in PROMISED, -item[1])):
            print(f"# {name:32} {count:9} {100 * self.same[name] / count:8.3f}%")
        for name, examples in self.differ.items():
            for where, theirs, ours in examples[:2]:
                print(f"# {name} differs: {where}\n#   tcpdump  {theirs[:limit]!r}\n#   croomtap {ours[:limit]!r}")
        total = sum(self.all.values())
        print(f"# {sum(self.same.values())} of {total} packets identical: {100 * self.share():.3f} %")


def verdict(name, good, reason=""):
    print(f"ok {name}" if good else f"not ok {name}: {reason}", flush=True)
    return bool(good)
