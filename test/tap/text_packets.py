# SPDX-License-Identifier: BSD-2-Clause
"""Packets of every protocol that the text printer promises, well-formed, cut off and broken, from a seed."""
import random
import struct
from text_compare import ETHERNET, LOOP, NULL, RAW, SLL, SLL2
from text_others import Others

ADDRESSES4 = ["0a000001", "0a000002", "c0a80101", "ffffffff", "00000000", "e0000001", "7f000001", "ac10fe0a"]
ADDRESSES6 = ["fe80000000000000020000fffe000001", "20010db8000000000000000000000001",
              "ff0200000000000000000001ff000001", "00000000000000000000000000000000",
              "00000000000000000000000000000001", "00000000000000000000ffff0a000001",
              "20010db800010000000200000000000a", "0000000000000000000000000a000002",
              "00640000000000000000000000000001", "20010db8000000010000000000010000",
              "ffffffffffffffffffffffffffffffff", "00000001000200030004000500060000"]


class Packets(Others):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def number(self, low, high):
        return self.random.randint(low, high)

    def noise(self, most, least=0):
        return self.random.randbytes(self.number(least, most))

    def ip4_address(self):
        return bytes.fromhex(self.pick(ADDRESSES4)) if self.number(0, 3) else self.random.randbytes(4)

    def ip6_address(self):
        return bytes.fromhex(self.pick(ADDRESSES6)) if self.number(0, 3) else self.random.randbytes(16)

    def port(self):
        return self.pick([0, 22, 53, 80, 443, 8080, 65535, self.number(0, 65535)])

    # What an IP packet carries.
    def tcp(self):
        options = b"".join(self.pick([b"\1", b"\2\4\5\xb4", b"\4\2", b"\3\3\7", b"\x08\x0a" + self.random.randbytes(8)])
                           for _ in range(self.number(0, 3)))
        options += b"\1" * (-len(options) % 4)
        header = 5 + len(options) // 4 if self.number(0, 9) else self.number(0, 15)
        return struct.pack(">HHIIBBHHH", self.port(), self.port(), self.number(0, 2**32 - 1), self.number(0, 2**32 - 1),
                           header << 4, self.number(0, 255), self.number(0, 65535), self.number(0, 65535),
                           0) + options + self.noise(self.pick([0, 40]))

    def udp(self):
        data = self.noise(60)
        length = self.pick([len(data) + 8] * 6 + [0, 7, 8, len(data) + 9, 65535])
        return struct.pack(">HHHH", self.port(), self.port(), length, self.number(0, 65535)) + data

    def inner4(self):
        if not self.number(0, 9):
            return self.noise(40)
        return self.ip4(self.pick([self.tcp, self.udp, self.echo4, lambda: self.noise(12)]))

    def inner6(self):
        if not self.number(0, 9):
            return self.noise(60)
        return self.ip6(self.pick([(6, self.tcp), (17, self.udp), (58, self.echo6), (99, lambda: self.noise(12))]))

    def icmp4(self, kind=None, code=None):
        kind = self.pick([0, 3, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 30, 255]) if kind is None else kind
        code = self.pick([0, 1, 2, 3, 4, self.number(0, 17), self.number(0, 255)]) if code is None else code
        head = struct.pack(">BBH", kind, code, self.number(0, 65535))
        if kind in (3, 5, 11, 12, 4):
            return head + self.pick([b"\0\0\0\0", struct.pack(">HH", 0, self.number(0, 9000)), self.ip4_address()]) + \
                self.inner4()
        if kind == 9:
            count = self.number(0, 4)
            lifetime = self.pick([0, 59, 60, 1800, 3600, 65535])
            return head + struct.pack(">BBH", count, self.pick([2, 2, 2, 3]), lifetime) + \
                b"".join(self.ip4_address() + self.random.randbytes(4) for _ in range(count))
        if kind in (13, 14):
            return head + self.random.randbytes(4) + struct.pack(">III", *(self.number(0, 2**self.pick([26, 32]) - 1)
                                                                          for _ in range(3)))
        return head + self.noise(40)

    def echo4(self):
        return self.icmp4(self.pick([0, 8]), 0)

    def mpls_extension(self):
        """An error with what RFC 4884 puts behind the first 128 bytes."""
        inner = self.inner4()[:128].ljust(128, b"\0")
        return struct.pack(">BBHBBH", 11, 0, 0, 0, 32, 0) + inner + b"\x20\0\0\0\0\x08\1\1" + self.random.randbytes(4)

    def renumbering(self):
        code = self.pick([0, 0, 1, 255, 7])
        uses = self.number(0, 2)
        body = struct.pack(">BBHIBBHI", 138, code, 0, self.number(0, 2**32 - 1), 1, self.number(0, 255), 10, 0)
        body += struct.pack(">BBBBBBH", self.pick([1, 2, 3, 9]), self.pick([3 + 4 * uses, 3, 4]), 1, 64, 0, 128, 0)
        return body + self.ip6_address() + b"".join(
            struct.pack(">BBBBIII", 64, 32, self.number(0, 255), self.number(0, 255), 1, 2,
                        self.pick([0, 0x80000000, 0xc0000000])) + self.ip6_address() for _ in range(uses))

    def node_information(self):
        kind, code = self.pick([139, 140]), self.pick([0, 1, 2, 3])
        name = self.pick([b"\4host\7example\0\0", b"\4host\0", b"\x0bhostexample", b"\x3fx", b"", b"\0",
                          b"\4ho\x01t\0"])
        subject = self.pick([self.ip6_address(), self.ip4_address(), name, struct.pack(">I", 64) + name,
                             struct.pack(">I", 9) + self.ip6_address()])
        return struct.pack(">BBHHH", kind, code, 0, self.pick([0, 1, 2, 3, 9]), self.pick([0, 1, 2, 0x3f, 0x41])) + \
            self.random.randbytes(self.pick([8, 8, 8, 0, 4])) + subject

    def icmp6(self, kind=None, code=None):
        kind = self.pick([1, 1, 1, 2, 3, 4, *range(128, 148), 155, 200, 201, 77, 255]) if kind is None else kind
        code = self.pick([0, 0, 1, 2, 3, 4, 5, self.number(0, 255)]) if code is None else code
        if kind == 138:
            return self.renumbering()
        if kind in (139, 140):
            return self.node_information()
        head = struct.pack(">BBH", kind, code, self.number(0, 65535))
        option = self.pick([b"", b"\1\1" + self.random.randbytes(6), b"\5\1\0\0\0\0\5\xdc"])
        if kind in (1, 2, 3, 4):
            return head + struct.pack(">I", self.pick([0, 1280, 6, 40, 2**32 - 1])) + self.inner6()
        if kind in (130, 131, 132):
            sources = self.number(0, 3)
            more = struct.pack(">BBH", 2, 125, self.pick([sources, sources, 9])) + self.random.randbytes(16 * sources)
            return head + struct.pack(">HH", self.pick([0, 1000, 40000]), 0) + self.ip6_address() + \
                self.pick([b"", b"", more, b"\0\0"])
        if kind in (135, 136):
            return head + self.pick([b"\0\0\0\0", b"\xe0\0\0\0"]) + self.ip6_address() + option
        if kind == 137:
            return head + b"\0\0\0\0" + self.ip6_address() + self.ip6_address() + option
        if kind == 143:
            return head + struct.pack(">HH", 0, self.number(0, 3)) + self.noise(60)
        return head + self.random.randbytes(4) + self.noise(40)

    def echo6(self):
        return self.icmp6(self.pick([128, 129]), 0)

    # IP itself.
    def ip4(self, carried, protocol=None, offset=0):
        name = {self.tcp: 6, self.udp: 17}.get(carried, 1)
        data = carried()
        options = self.pick([b"", b"", b"", b"\x94\4\0\0", b"\1\1\1\0", b"\x83\7\4\x0a\0\0\1\0"])
        length = 20 + len(options) + len(data)
        length = length if self.number(0, 15) else self.pick([0, 10, 20, length + 7, length - 1, 65535])
        header = 5 + len(options) // 4 if self.number(0, 31) else self.number(0, 15)
        version = 4 if self.number(0, 63) else self.number(0, 15)
        return struct.pack(">BBHHHBBH", version << 4 | header, self.number(0, 255), length, self.number(0, 65535),
                           offset or self.pick([0, 0, 0x4000, 0x2000]), 64, name if protocol is None else protocol,
                           self.number(0, 65535)) + self.ip4_address() + self.ip4_address() + options + data

    def option6(self):
        """The body of a hop-by-hop or destination options header, without its first two bytes."""
        parts = b"".join(self.pick([b"\0", b"\1\0", b"\1\2\0\0", b"\5\2\0\0", b"\xc9\x10" + self.random.randbytes(16),
                                    b"\x3e\3abc", b"\xc2\4\0\1\0\0", b"\xc2\4\0\0\0\1", b"\5\3\0\0\0", b"\xc2\2\0\0",
                                    b"\xc9\1x", b"\1\x30"] if not self.number(0, 3) else [b"\0", b"\1\0", b"\5\2\0\0"])
                         for _ in range(self.number(0, 3)))
        return parts + {0: b"", 1: b"\0"}.get((-len(parts) - 2) % 8, b"\1" + bytes([max(0, (-len(parts) - 4) % 8)]) +
                                              bytes((-len(parts) - 4) % 8))

    def extension(self, kind, after):
        if kind in (0, 60):
            body = self.option6()
            return bytes([after, (len(body) + 2) // 8 - 1]) + body
        if kind == 43:
            count, sort = self.number(0, 3), self.pick([0, 2, 4, 4, 3])
            words = 2 * count + (0 if self.number(0, 9) else 1)
            fields = self.pick([b"\0\0\0\0", self.random.randbytes(4)])
            return bytes([after, words, sort, self.number(0, 3)]) + fields + \
                b"".join(self.ip6_address() for _ in range(count)) + bytes(8 * (words - 2 * count))
        if kind == 44:
            return struct.pack(">BBHI", after, 0, self.pick([0, 1, 8, 0x05a8, 0x05a9]), self.number(0, 2**32 - 1))
        icv = self.random.randbytes(self.pick([0, 4, 12]))
        return struct.pack(">BBHII", after, 1 + len(icv) // 4, self.pick([0, 0, 5]), self.number(0, 2**32 - 1), 7) + icv

    def ip6(self, carried, kinds=()):
        protocol, build = carried
        data = build()
        for kind in reversed(kinds):
            data = self.extension(kind, protocol) + data
            protocol = kind
        length = len(data) if self.number(0, 15) else self.pick([0, 1, len(data) + 9, max(0, len(data) - 1), 65535])
        version = 6 if self.number(0, 63) else self.number(0, 15)
        return struct.pack(">IHBB", version << 28 | self.number(0, 2**28 - 1), length, protocol, 64) + \
            self.ip6_address() + self.ip6_address() + data

    def arp(self):
        hardware = self.pick([1] * 12 + [6, 15, 24, 99])
        protocol, addresses = self.pick([(0x800, 4)] * 12 + [(0x86dd, 16), (0x800, 6), (0x1000, 4), (0x9999, 4)])
        size = self.pick([6] * 12 + [0, 8, 2])
        target = bytes(size) if self.number(0, 1) else self.random.randbytes(size)
        operation = self.pick([1, 1, 1, 2, 2, 3, 4, 8, 9, 10, 5, 300])
        return struct.pack(">HHBBH", hardware, protocol, size, addresses, operation) + \
            self.random.randbytes(size) + self.random.randbytes(addresses) + target + self.random.randbytes(addresses)

    def routing(self):
        """(protocol, maker): what routers say; DCCP is among them for its ports."""
        kind = self.number(0, 12)
        return self.pick([
            (89, lambda: bytes([self.pick([2, 3]), kind]) + self.noise(60, 30)),
            (103, lambda: bytes([self.pick([0x20, 0x20, 0x10]) | kind]) + self.noise(30)),
            (112, lambda: bytes([self.pick([0x21, 0x31, 0x22, 0x41]), 7, 100, 1, kind & 3, 1]) + self.noise(20)),
            (88, lambda: bytes([self.pick([2, 2, 1]), kind]) + self.noise(40, 16)),
            (33, lambda: self.random.randbytes(4) + bytes([self.number(0, 12)]) + self.noise(40))])

    def gre(self):
        flags = self.pick([0, 0x2000, 0x3000, 0x8000, 0xb000, 0x2001, 0x3001, 0x3081, 0x1001, 0x4000, 7])
        fields = self.random.randbytes(4 * bin(flags & 0xf080).count("1"))
        kind, data = self.pick([(0x800, self.ip4(self.udp)), (0x86dd, self.ip6((6, self.tcp))), (0x880b, self.ppp()),
                                (0x6558, self.random.randbytes(12) + b"\x08\0" + self.ip4(self.tcp)), (0x1234, b""),
                                (0xfe, self.isis())])
        return struct.pack(">HH", flags, kind) + fields + data

    def ppp(self):
        kind, data = self.pick([(0x21, self.ip4(self.tcp)), (0x57, self.ip6((17, self.udp))), (0xc021, self.noise(12)),
                                (0x8021, b"\1\2\0\x0a" + self.noise(6)), (0xfd, b""), (0x9999, self.noise(20))])
        return self.pick([b"", b"\xff\3"]) + (bytes([kind]) if kind < 256 and self.number(0, 1) else
                                              struct.pack(">H", kind)) + data

    def pppoe(self):
        if self.number(0, 1):
            data = self.ppp()
            return struct.pack(">BBHH", self.pick([0x11, 0x11, 0x21]), 0, self.number(0, 99), len(data)) + data
        values = [self.pick([b"", b"name", self.noise(9), b"x" * 90]) for _ in range(self.number(0, 3))]
        tags = b"".join(struct.pack(">HH", self.pick([0x101, 0x102, 0x103, 0x104, 0x999, 0]), len(value)) + value
                        for value in values)
        return struct.pack(">BBHH", 0x11, self.pick([9, 7, 0x19, 0x65, 0xa7, 5]), 0, len(tags)) + tags

    def mpls(self):
        depth = self.number(1, 3)
        labels = [self.pick([0, 1, 2, 3, 16, self.number(0, 0xfffff)]) << 12 | self.number(0, 7) << 9 | 64
                  for _ in range(depth)]
        labels[-1] |= 0x100
        return struct.pack(f">{depth}I", *labels) + self.pick([self.ip4(self.tcp), self.ip6((17, self.udp)),
                                                               self.noise(9)])

    def neighbours(self):
        """(Ethernet type, bytes)"""
        name = b"\x0a" + bytes([5]) + b"a\x01b\xc3c"
        identity = b"\2\7\4" + self.random.randbytes(6) + b"\4\2\7x"
        return self.pick([(0x88cc, identity + self.pick([b"", name]) + b"\0\0"),
                          (0x8809, self.pick([b"\1\1", b"\2\1", b"\3", b"\1\2", b"\7"]) + self.noise(40)),
                          (0x888e, bytes([self.number(1, 3), self.number(0, 6)]) + self.noise(20)),
                          (0x9000, b"\0\0" + self.pick([b"\1\0", b"\2\0", b"\3\0"]) + self.noise(40)),
                          (0x8864, self.pppoe()), (0x8863, self.pppoe()), (0x8847, self.mpls()), (0x8848, self.mpls()),
                          (0x88e5, self.pick([b"\x20", b"\0", b"\x2c", b"\x0c"]) + self.noise(60)),
                          (0xd28b, b"\0\1\0" + self.pick([b"\x10", b"\x21", b"\x30"]) + self.random.randbytes(8) +
                           b"\x08\0" + self.ip4(self.tcp))])

    def every(self):
        """(name, Ethernet type, bytes) of one packet of every sort."""
        ends6 = [(6, self.tcp), (17, self.udp), (58, self.icmp6), (59, bytes)]
        yield "arp", 0x0806, self.arp()
        yield "arp", 0x8035, self.arp()
        yield "ip4 tcp", 0x0800, self.ip4(self.tcp)
        yield "ip4 udp", 0x0800, self.ip4(self.udp)
        yield "ip4 icmp", 0x0800, self.ip4(self.icmp4)
        yield "ip4 icmp", 0x0800, self.ip4(self.mpls_extension, 1)
        yield "ip4 fragment", 0x0800, self.ip4(self.pick([self.tcp, self.udp]), offset=self.pick([1, 0x2001, 0x1fff]))
        other = self.pick([61, 63, 99, 143, 200, 255, 0, 3])
        yield "ip4 other protocol", 0x0800, self.ip4(lambda: self.noise(40), other)
        yield "ip4 icmp6", 0x0800, self.ip4(self.icmp6, 58)
        yield "ip6 tcp", 0x86dd, self.ip6(ends6[0])
        yield "ip6 udp", 0x86dd, self.ip6(ends6[1])
        yield "ip6 icmp6", 0x86dd, self.ip6(ends6[2])
        yield "ip6 icmp6", 0x86dd, self.ip6(ends6[2])
        yield "ip6 no next header", 0x86dd, self.ip6(ends6[3])
        for name, kind in (("hop-by-hop", 0), ("destination options", 60), ("routing", 43), ("fragment", 44),
                           ("ah", 51)):
            yield "ip6 " + name, 0x86dd, self.ip6(self.pick(ends6), (kind,))
        several = tuple(self.pick([0, 60, 43, 44, 51]) for _ in range(self.number(2, 4)))
        yield "ip6 several headers", 0x86dd, self.ip6(self.pick(ends6), several)
        yield "ip6 icmp4", 0x86dd, self.ip6((1, self.icmp4))
        yield "tunnels", 0x0800, self.ip4(lambda: self.ip6(self.pick(ends6)), 41)
        yield "tunnels", 0x86dd, self.ip6((4, lambda: self.ip4(self.tcp)))
        yield "tunnels", 0x0800, self.ip4(lambda: self.ip4(self.pick([self.udp, self.icmp4])), 4)
        protocol, maker = self.routing()
        yield "routing", 0x0800, self.ip4(maker, protocol)
        yield "routing", 0x86dd, self.ip6((protocol, maker))
        yield "gre", 0x0800, self.ip4(self.gre, 47)
        yield "neighbours", *self.neighbours()
        protocol, maker = self.over_ip()
        yield "other over ip", 0x0800, self.ip4(maker, protocol)
        yield "other over ip", 0x86dd, self.ip6((protocol, maker), self.pick([(), (), (60,)]))
        yield "other by type", *self.by_type()
        yield "other in 802.2", 0, self.in_llc()
        yield "unknown type", self.pick([0x0601, 0x1234, 0x6004, 0x893a, 0xffff, 0x05dd]), self.noise(60)
        yield "llc", 0, self.pick([b"\x42\x42\x03", b"\xaa\xaa\x03\0\0\0\x08\0", b"\xf0\xf1\x7f", b"\4\4\xaf\x81",
                                   b"\xaa\xaa\x03\0\0\x0c\x01\x0b", b"\6\6\3", b"\x08\x09\x01\2", b"\x10\x20\x02\3",
                                   b"\0\1\xe3", b"\xe1\xe0\xbf"]) + self.noise(50)

    # The link around it.
    def wrap(self, link, kind, data):
        """None where the link cannot carry it."""
        if link == ETHERNET:
            tags = b"".join(struct.pack(">HH", self.pick([0x8100, 0x88a8, 0x9100]), self.number(0, 65535))
                            for _ in range(self.pick([0, 0, 0, 1, 1, 2])))
            if kind not in (0, 0x0806, 0x8035) and not self.number(0, 19):
                kind, data = 0, b"\xaa\xaa\x03\0\0\0" + struct.pack(">H", kind) + data
            if kind == 0:
                kind = len(data) if self.number(0, 9) else self.number(0, 1500)
            frame = self.random.randbytes(12) + tags + struct.pack(">H", kind) + data
            return frame.ljust(60, b"\0") if self.number(0, 3) == 0 else frame
        if link == SLL:
            return struct.pack(">HHH8sH", self.number(0, 4), 1, 6, self.random.randbytes(8), kind or 4) + data
        if link == SLL2:
            return struct.pack(">HHIHBB8s", kind or 4, 0, self.number(0, 9), 1, self.number(0, 5), 6,
                               self.random.randbytes(8)) + data
        if kind not in (0x0800, 0x86dd):
            return None
        if link == RAW:
            return data
        family = 2 if kind == 0x0800 else self.pick([24, 28, 30])
        family = family if self.number(0, 31) else self.pick([0, 1, 3, 6, 10, 29, 31, 40])
        return struct.pack(">I" if link == LOOP else self.pick(["<I", ">I"]), family) + data

    def cut(self, data):
        """(captured bytes, length on the wire): whole, cut off by a snaplen, or with a byte changed."""
        way = self.number(0, 9)
        if way < 2 and data:
            return data[:self.number(1, len(data))], len(data)
        if way == 2 and data:
            at = self.number(0, len(data) - 1)
            return data[:at] + self.random.randbytes(1) + data[at + 1:], len(data)
        return data, len(data) if self.number(0, 31) else len(data) + self.number(1, 3000)


LINK_TYPES = (ETHERNET, SLL, SLL2, RAW, NULL, LOOP)


def make(link, seed, rounds):
    """Names and packets for one file."""
    packets = Packets(f"{seed} {link}")
    names, made = [], []
    for n in range(rounds):
        for name, kind, data in packets.every():
            frame = packets.wrap(link, kind, data)
            if frame is None:
                continue
            captured, length = packets.cut(frame)
            if captured:
                names.append(name)
                made.append((1700000000 + n, packets.number(0, 999999), captured, length))
    return names, made
