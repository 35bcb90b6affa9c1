# SPDX-License-Identifier: BSD-2-Clause
"""Made-up packets of the protocols that the text printer shows beside the promised ones; text_packets.py mixes them in.
Whoever inherits has random, pick(), number() and noise()."""
import struct


class Others:
    # Over IP.
    def sctp_chunk(self):
        kind = self.pick([0, 0, 1, 2, 3, 3, *range(4, 15), 0xc0, 0xc1, 0xc2, 0x80])
        gaps, twice = self.number(0, 3), self.number(0, 2)
        body = {0: struct.pack(">IHHI", self.number(0, 2**32 - 1), 1, self.number(0, 65535),
                               self.number(0, 30)) + b"data!",
                1: self.random.randbytes(16), 2: self.random.randbytes(16),
                3: struct.pack(">IIHH", self.number(0, 2**32 - 1), 65536, gaps, twice) +
                self.random.randbytes(4 * self.pick([gaps + twice] * 5 + [0, 1]))}.get(kind, self.noise(20))
        if not self.number(0, 15):
            body = self.noise(20)
        length = len(body) + 4 if self.number(0, 15) else self.pick([0, 3, 4, 17, len(body) + 9])
        return struct.pack(">BBH", kind, self.number(0, 7), length) + body + bytes(-len(body) % 4)

    def sctp(self):
        head = struct.pack(">HHII", self.pick([2905, 36412, self.number(0, 65535)]), self.number(0, 65535), 7, 8)
        return head + b"".join(self.sctp_chunk() for _ in range(self.number(0, 4))) + self.pick([b"", b"", b"", b"\0"])

    def rsvp(self):
        return bytes([self.pick([0x10] * 5 + [0x20, 0x1f]), self.number(0, 21), 0, 0, 64, 0, 0, 20]) + self.noise(20)

    def pgm(self):
        return struct.pack(">HHBBH6sH", self.number(0, 65535), self.number(0, 65535), self.number(0, 13), 0, 0, b"source",
                           self.number(0, 65535)) + self.noise(30)

    def over_ip(self):
        """(protocol, maker)"""
        return self.pick([(132, self.sctp), (132, self.sctp), (46, self.rsvp), (113, self.pgm)])

    # By Ethernet type.
    def ptp(self):
        return bytes([self.pick([0, 0x10]) | self.number(0, 15), self.pick([2] * 9 + [1, 3])]) + struct.pack(
            ">HBBHQI8sHHBb", self.number(34, 70), 0, 0, self.number(0, 65535),
            self.number(0, 2**self.pick([20, 64]) - 1), 0, self.random.randbytes(8), 1, self.number(0, 65535), self.number(0, 7), self.number(-9, 9)) + self.noise(40, 8)

    def geonet(self):
        return bytes([self.number(0, 3), self.pick([0x10, 0x50, 0x51, 0x41, 0x20, 0x60]), 0, 0]) + struct.pack(
            ">HBB", self.number(0, 99), 0, self.number(0, 9)) + self.random.randbytes(28) + self.noise(60)

    def isis(self):
        lengths = {15: 27, 16: 27, 17: 20, 18: 27, 20: 27, 24: 33, 25: 33, 26: 17, 27: 17, 9: 20}
        kind = self.pick(list(lengths))
        head = bytes([0x83, lengths[kind] if self.number(0, 9) else self.number(0, 40), self.pick([1] * 9 + [2]),
                      self.pick([0, 0, 0, 6, 5]), kind, 1, 0, self.pick([0, 3])])
        return head + self.random.randbytes(30) + self.noise(60) if self.number(0, 15) else bytes([self.pick(
            [0, 1, 0x80, 0x83, 0xff])]) + self.noise(40)

    def ipx(self):
        socket = self.pick([0x451, 0x452, 0x452, 0x453, 0x453, 0x455, 0x456, 0x553, self.number(0, 65535)])
        count = self.number(0, 3)
        data = self.noise(40)
        if socket == 0x452:
            data = struct.pack(">H", self.number(0, 5)) + b"".join(
                b"\x06\x4e" + self.pick([b"SERVER\1\xc3", b"x" * 48]).ljust(48, b"\0") + self.random.randbytes(14)
                for _ in range(count))
        if socket == 0x453:
            data = struct.pack(">H", self.number(0, 3)) + self.random.randbytes(8 * count)
        length = 30 + len(data) if self.number(0, 15) else self.pick([0, 29, 30, 31, 33, 30 + len(data) // 2, 999])
        return b"\xff\xff" + struct.pack(">HBB", length, 0, 4) + self.random.randbytes(10) + struct.pack(">H", socket) + \
            self.random.randbytes(12) + data

    def realtek(self):
        kind = self.pick([1, 1, 1, 2, 3, 4, 0x23, 0x9a, 0xa5, 0x25])
        return bytes([kind, self.pick([0, 1, 2, 3, 0x80, 0x81, 0x82])]) + self.noise(30)

    def by_type(self):
        """(Ethernet type, bytes)"""
        kind, make = self.pick([
            (0x88f7, self.ptp), (0x8947, self.geonet), (0x0707, self.geonet), (0x1111, lambda: self.noise(3)),
            (0x88a2, lambda: bytes([self.pick([0x10] * 5 + [0x20]) | self.number(0, 15)]) + self.noise(30)),
            (0x8899, self.realtek), (0x886f, lambda: self.random.randbytes(30)), (0x8137, self.ipx),
            (0xfefe, lambda: b"\3" + self.isis())])
        return kind, make()

    # In 802.2.
    def cdp(self):
        fields = []
        for _ in range(self.number(0, 4)):
            value = self.pick([b"", b"switch\1\xc3", self.noise(40), self.random.randbytes(self.number(0, 5))])
            length = len(value) + 4 if self.number(0, 15) else self.pick([0, 3, 4, len(value) + 9])
            fields.append(struct.pack(">HH", self.pick([1, 1, self.number(0, 0x20)]), length) + value)
        return bytes([self.pick([1, 2]), 180, 0, 0]) + b"".join(fields) + self.pick([b"", b"", b"", b"\0"])

    def in_llc(self):
        cisco = b"\xaa\xaa\x03\0\0\x0c"
        head, make = self.pick([
            (b"\xfe\xfe\x03", self.isis), (b"\xe0\xe0\x03", self.ipx), (b"", self.ipx), (cisco + b"\x20\0", self.cdp),
            (cisco + b"\1\x11", lambda: bytes([0x20 | self.number(0, 4), self.number(0, 255)]) + self.noise(30)),
            (cisco + b"\x20\3", lambda: bytes([1, self.number(0, 5)]) + self.noise(60)),
            (cisco + b"\x20\4", lambda: b"\1" + self.noise(30))])
        return head + make()
