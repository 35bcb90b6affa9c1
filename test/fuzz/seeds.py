#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Inputs to begin with, made from what the other tests know: seeds.py FUZZER FOLDER. What fuzzing found later is in
corpus/FUZZER."""
import ast
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tap"))


def payloads():
    """The table of test/tap/text-bounds.c: (Ethernet type or length, bytes)."""
    with open(os.path.join(sys.path[0], "text-bounds.c"), encoding="utf-8") as file:
        source = file.read().replace("\\\n", " ")
    pieces = re.compile(r'"([^"]*)"|(\w+)(?:\("(\w+)"\))?')
    macros = {name: (parameter, body) for name, parameter, body in re.findall(r"#define (\w+)(?:\((\w+)\))? (.*)", source)}

    def spell(text, parameter="", value=""):
        digits = ""
        for literal, word, argument in pieces.findall(text):
            if literal or not word:
                digits += literal
            else:
                digits += value if word == parameter else spell(macros[word][1], macros[word][0], argument)
        return digits.replace(" ", "")

    for kind, text in re.findall(r'\t\{ "[^"]+", (0x\w+), (.*?) \},\n', source, re.S):
        yield int(kind, 16), bytes.fromhex(spell(text))


def decode():
    """One packet of each kind that the text tests make, on each link type; some with lengths and times that cannot be."""
    for kind, data in payloads():
        yield b"\0\0" + bytes(12) + struct.pack(">H", kind) + data
        yield b"\2\0" + (struct.pack(">H", kind) if kind > 1500 else b"\0\4") + bytes(18) + data
    import text_compare
    import text_packets
    order = (1, 113, 276, 101, 228, 229, 0, 108)      # bench_links, test/tap/bench.c
    dice = random.Random("decode")
    for link in text_packets.LINK_TYPES:
        names, packets = text_packets.make(link, "seed", 2)
        for _, (_, _, data, _) in zip(names, packets):
            flags = dice.choice([0, 0, 0, 1, 2, 4, 8 + 4, 16 + 4, 32, 64, 128])
            tail = {1: b"\2\0", 2: bytes(4), 4: dice.randbytes(12)}.get(flags & 7, b"")
            yield bytes((order.index(link), flags)) + data[:400] + tail
    text_compare.clean_up()


def pcap(order, magic, link, packets, extra=b""):
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, packet in enumerate(packets):
        data += struct.pack(order + "IIII", 1700000000 + number, 123456 + number, len(packet), len(packet) + number) + extra + packet
    return data


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(order, link, packets, resolution=b"\6", length=-1):
    """One of each block that libpcap knows, and one that it does not."""
    end = option(order, 0, b"")
    data = block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, length) + option(order, 4, b"seed") + end)
    data += block(order, 1, struct.pack(order + "HHI", link, 0, 65535) + option(order, 2, b"eth0") + option(order, 9, resolution) +
                  option(order, 14, struct.pack(order + "q", 3600)) + end)
    for number, packet in enumerate(packets):
        when, sizes = 1700000000000000 + number, (len(packet), len(packet) + number)
        data += block(order, 6, struct.pack(order + "IIIII", 0, when >> 32, when & 0xffffffff, *sizes) + packet)
    data += block(order, 3, struct.pack(order + "I", len(packets[0])) + packets[0])
    data += block(order, 2, struct.pack(order + "HHIIII", 0, 0, 1, 2, len(packets[0]), 1500) + packets[0])
    data += block(order, 4, struct.pack(order + "HHIxxxx", 1, 5, 0x7f000001) + end) + block(order, 5, bytes(12) + end)
    return data + block(order, 0xbad, b"what") + block(order, 6, struct.pack(order + "IIIII", 0, 0, 1, 2, 2) + b"ab")


def capture():
    """Every format, both byte orders, every link type; each in five sizes, since the size chooses the handlers."""
    import text_compare
    import text_packets
    links = text_packets.LINK_TYPES + (228, 229)
    for number in range(60):
        link, order = links[number % len(links)], "<>"[number // 5 % 2]
        like = {228: 101, 229: 101}.get(link, link)
        packets = [data[:200] for _, _, data, _ in text_packets.make(like, f"capture {number}", 1)[1][:8]]
        packets = packets[number % 3:] + [bytes(4 * (number % 5) + 1)]
        kind = number // 5 % 6
        if kind == 0:
            yield pcap(order, 0xa1b2c3d4, link, packets)
        elif kind == 1:
            yield pcap(order, 0xa1b23c4d, link | 0x14000000, packets)
        elif kind == 2:
            yield pcap(order, 0xa1b2cd34, link, packets, bytes(8))
        else:
            yield pcapng(order, link, packets, (b"\6", b"\11", b"\0", b"\x8a", b"\x3f")[number % 5], -1 if kind < 5 else 28)
    text_compare.clean_up()


def varlink():
    """Every method with good and bad parameters, and what clients do between messages: see varlink.c for the bytes below 16."""
    room, service = "org.croom.Room.", "org.varlink.service."

    def call(method, more=False, oneway=False, **parameters):
        message = {"method": method if "." in method else room + method, "parameters": parameters}
        message.update({"more": True} if more else {}, **({"oneway": True} if oneway else {}))
        return json.dumps(message).encode() + b"\0"

    def swap(*handlers, **more):
        return call("Swap", changes=[dict(zip(("slot", "handler"), handler.split("=", 1))) for handler in handlers], **more)

    one = swap("printer=number:5", wait_ms=0)
    yield from (call("List"), call("History"), call("History", after=1, count=2), call("Watch", more=True, interval_ms=50),
                call("Watch"), call("Rollback"), call(service + "GetInfo"), call("List", oneway=True), b"{}\0", b"\0\0", b"[]\0",
                call(service + "GetInterfaceDescription", interface="org.croom.Room"), call("org.x.Y"), call(room + "No"), call("x"),
                call(service + "GetInterfaceDescription", interface=service[:-1]), call("List", x=1), call("Watch", more=True, x=1))
    yield from (one, swap("printer=number:5", "filter=text:x"), swap("printer=number:x"), swap("printr=text"), swap("printer=numbr"),
                swap("printer=text", expect=1, command="c"), swap("printer=text", expect=9), swap(), swap("printer=off", oneway=True),
                swap("printer=text", wait_ms=-1), swap("printer=text", wait_ms=60001), swap("printer=text", expect="1"),
                call("Swap", changes=[1]), call("Swap", changes={}), call("Swap", changes=[{"slot": "a"}]), call("Swap", changes=[]),
                swap("printer=text", command="\u00e4" * 200), swap("filter=all", "filter=text"), swap("printer=text:" + "x" * 3000))
    yield from (one + call("Rollback", wait_ms=0) + call("Rollback", to=1) + b"\4" + call("Rollback", to=7) + call("History") + call("List"),
                call("List") + b"\2" + call("List")[:9] + b"\5\5\x08" + call("History"), call("List") + b"\2" + call("List") + b"\x08\5\5\5\x08",
                one + b"\3" + swap("filter=text") + b"\4\4" + call("List") + b"\3\4\4", b"\3" + swap("filter=text", wait_ms=1) + b"\4\4\4",
                b"\3" + swap("filter=text") * 70 + b"\5\4" + call("List"), call("Watch", more=True, interval_ms=50) + b"\5\2" + one + b"\5\5",
                b"\7" + call("List") * 20 + b"\5\2" + call("List"), call("List")[:20] + b"\1" + call("List")[20:], call("List") + b"\6\1",
                b"\7" + call("Watch", more=True, interval_ms=50) + b"\5\5\5\5\7" + one, b"\x0e\x05" + call("List"), b"\x0e\x09" + one + b"\6",
                b"[" * 50, b'{"a":' * 33, b'{"method":"\xff"}\0', b'{"method":"a\\u0000b"}\0', b'{"a":1,"a":2}\0',
                b'{"method":1e999}\0', b'{"method":99999999999999999999}\0', b'{"method":"\\ud800"}\0', b"x" * 300, b"\x0f\x01\0")
    guard, shadow = {"kind": "guard", "rules": "p99<5us,errors<3,for=10s"}, {"kind": "shadow", "rules": "differences<9,for=1m"}
    fives = [swap("printer=number:5", trial=trial, wait_ms=0) for trial in (guard, shadow, dict(shadow, one_in=2),
             {"kind": "canary", "one_in": 2}, {"kind": "canary"}, {"kind": "guard"}, {"kind": "x"}, dict(guard, rules="p99<"), 7)]
    kept = swap("printer=number:5", "filter=number:1", confirm_ms=9000, wait_ms=0)
    yield from (one + fives[0] + b"\4" + call("Trial", slot="printer") + b"\5" + call("List") + call("Trial", slot="printer"),
                swap("printer=number:1", wait_ms=0) + fives[1] + b"\4" + call("Trial", slot="printer") + call("Promote", slot="printer"),
                swap("printer=number:1", wait_ms=0) + fives[3] + b"\4\4" + call("Promote", slot="printer") + call("Promote", slot="filter"),
                kept + call("Confirm") + call("Confirm", revision=3), kept + call("Swap", changes=[]) + one + b"\5" + call("List"),
                kept + call("Rollback") + call("History"), swap("printer=number:5", observe_ms=5, wait_ms=0) + one + b"\5" + one,
                b"\3" + swap("printer=number:5", observe_ms=5, wait_ms=9) + b"\5" + call("List") + b"\3\4" + call("List"),
                call("Freeze", why="w") + one + call("Freeze", why="") + call("Thaw") + one, call("Thaw") + call("Freeze"),
                call("Plugins") + call("Load", path="/no/such.so") + call("Load", path="x") + call("Load"), call("Unload", name="x", wait_ms=9),
                call("Profile", slot="printer", for_ms=9) + b"\4" + call("Trial", slot="printer") + b"\5" + call("Profile", slot="x"),
                call("Pardon", slot="printer", handler="number:5") + call("Journal") + call("At", time_ns=5) + call("Trial", slot="no"),
                swap("printer=number:5", dry_run=True) + swap("printer=number:x", dry_run=True) + swap("printer=text", dry_run=1),
                *fives)


def config():
    """Every class with good and bad configs; several in one swap; names that are none."""
    handlers = {
        "filter": ("all", "none", "bpf:", "bpf:tcp port 80", "bpf:host localhost and not icmp6", "bpf:ip[0] & 0xf > 5", "bpf:inbound",
                   "bpf:tcp prot 80", "bpf:" + "(" * 50, "bpf:" + "tcp or " * 40 + "udp", "bpf:vlan 5 and mpls and pppoes", "bpf:portrange 1-http",
                   "bpf:ether host 1:2:3:4:5:6 or gateway x", "bpf:net 10.0.0.0/8 and len > 1e9", "bpf:ip proto \\tcp or ip6 protochain 5",
                   "bpf:geneve or wlan type mgt", "bpf:tcp[tcpflags] & (tcp-syn|tcp-ack) != 0", "bpf:ip[0]/0=1", "bpf:ip broadcast"),
        "strategy": ("each", "sample:10", "sample:0", "sample:99999999999999999999", "flows", "flows:500ms", "flows:1h", "flows:5124096h",
                     "flows:-1s", "top", "top:1000", "top:1001", "sample: 1", "flows:1m1"),
        "printer": ("none", "text", "json", "csv", "pcap", "pcapng", "text:x", "jsn", ""),
        "audit": ("off", "file", "file:", "file:/tmp/a", "file:no/a", "file:/", "file:/dev/full", "file:/dev/null", "file:there"),
        "metrics": ("off", "statsd:127.0.0.1:9", "statsd:[::1]:9", "statsd:[]:1", "statsd:a:b:c", "statsd::", "statsd:localhost:domain",
                    "statsd:" + "h" * 300 + ":1", "file:/tmp/m", "file:no/m", "file:/dev/null", "file:there"),
        "diag": ("off", "latency", "latency:1ms", "latency:0", "drops", "drops:x", "malformed", "latency:18446744073709551616s"),
        "filte": ("all",), "": ("x",), "printer\x80": ("text",), "x" * 70: ("y" * 70,),
    }
    for slot, ways in handlers.items():
        for way in ways:
            yield f"{slot}={way}".encode("latin-1")
    yield b"printer=json\nstrategy=top:5\n\n<\n<\n<"
    yield b"printer=json\nprinter=csv\n\nprinter\n\n\nfilter=none\naudit=file:a\nmetrics=file:b\ndiag=malformed"
    yield b"strategy=flows\n\nprinter=pcap\n\nprinter=csv\ndiag=latency"


def ctl():
    """Good replies to each verb, called in each way, then evil, twisted and broken ones: what test/ctl/distrust.py says, too."""
    entry = {"revision": 2, "time_ns": 10**18, "rollback_to": 1, "uid": 0, "pid": 1, "command": "c",
             "changes": [{"slot": "s", "from": "f", "to": "t"}]}
    rate, gauge = {"name": "n", "total": 5, "per_second": 1.5}, {"name": "g", "unit": "u", "value": 1.5}
    listing = {"room": "r", "program": "p", "pid": 1, "revision": 1, "slots": [
        {"name": "s", "help": "h", "handler": "x", "since_revision": 1, "since_ns": 1, "calls": 1,
         "classes": [{"name": "n", "help": "h", "syntax": "[X]"}, {"name": "n", "syntax": "X"}]}],
        "lanes": [{"name": "l", "parked": True, "revision": 1, "records": 1, "late_ms": 5}, {"name": "l", "parked": False}],
        "gauges": [gauge]}
    start = {"lane": "l", "observed": True, "parked": True, "revision": 2, "first_record": 3}
    swapped = {"revision": 2, "lanes": [start, dict(start, observed=False), dict(start, first_record=None)]}
    frame = {"revision": 2, "missed": 1, "changes": [entry], "slots": [rate], "lanes": [rate], "gauges": [gauge]}
    replies = (listing, swapped, {"missed": 3, "entries": [entry]}, swapped, frame, dict(frame, missed=2**63 - 1), listing, listing)

    def pack(value):
        return json.dumps(value).encode() + b"\0"

    for verb, reply in enumerate(replies):
        for how in (0, 8, 16):
            yield bytes([verb | how]) + pack({"parameters": reply}) * (3 if verb in (4, 5) else 1)
    evil = "a\x1b]0;x\x07\x9b31m\u202e\x7f\r\u2066\u00e4\u20ac\U0001f600" * 9
    for name in ("NotObserved", "NotPermitted", "BadConfig", evil):
        for how in (0, 4, 8, 6, 22):
            yield bytes([how]) + pack({"error": f"org.croom.Room.{name}", "parameters": {"message": evil}})
    for verb in (0, 4, 6, 8):
        yield from (bytes([verb]) + answer for answer in (
            b"", b"{}\0", b"[]\0", b"HTTP\0", b"{\0", b"\0", pack({"parameters": evil}), pack({"parameters": [evil]}),
            pack({"parameters": {evil: evil}}), b"[" * 3000 + b"\0", b'{"parameters":{"room":"\xff"}}\0', pack({"error": 5}),
            pack({"parameters": {"room": evil, "slots": [{"help": evil, "name": evil, "classes": [{"name": evil, "syntax": evil}]}]}})))


def policy():
    """Each line that a policy may have, together and alone; keys and signatures; and what test/policy/parse.c refuses."""
    lines = ["# who", "viewer user alice", "operator group editors", "admin uid 64001", "viewer gid 4294967294", "swaps 10 per 1s burst 20",
             "plugin directory /usr/lib/croom", 'plugin directory "/with blank"', "plugin signed-by /etc/croom/release.pub",
             "plugin require either", "plugin signed-by /etc/none", "plugin signed-by /other", "plugin signed-by /self"]
    yield ("\0" + "\n".join(lines[:10]) + "\n").encode()
    yield from (f"\0{line}\n".encode() for line in lines)
    with open(os.path.join(sys.path[0], "../policy/parse.c"), encoding="utf-8") as file:
        bad = re.findall(r'^\t\t\{ ("(?:[^"\\]|\\.)*"), "', file.read(), re.M)
    yield from (b"\0" + ast.literal_eval("b" + text) for text in bad)
    key, seed, signature = "cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw=", "A" * 43 + "=", "A" * 86 + "=="
    yield f"\0plugin signed-by ed25519:{key}\nplugin directory /a\nplugin require both".encode()
    # The ids of this public key, and of the one that belongs to 32 zeros.
    for kind, text in ((1, f"croom public key 1\nid 4b9e5d1f29e80116\ned25519 {key}\n"),
                       (2, f"croom secret key 1\nid 139e3940e64b5491\ned25519-seed {seed}\n"),
                       (3, f"croom signature 1\nid 4b9e5d1f29e80116\ned25519ph {signature}\n")):
        for cut in (0, 1, 5, 30, 60):
            yield bytes([kind]) + text[:len(text) - cut].encode()
        yield bytes([kind]) + text.encode() + b"x"
        yield bytes([kind]) + text.encode().replace(b"\n", b"\r\n")
        yield bytes([kind]) + text.encode().replace(b"id ", b"id g")
        yield bytes([kind % 3 + 1]) + text.encode()


def journal():
    """Rows of every kind, good and bad lists; then whole files, good, empty, cut off, and of other tables: see journal.c."""
    import hashlib
    import sqlite3
    kinds = ("start", "end", "intent", "changed", "refused", "confirmed", "frozen", "thawed", "quarantined", "pardoned", "note", "observed",
             "lost", "cut", "kept")

    def row(kind, revision=1, trusted=1, second=0, pid=7, command="c", text="", changes="", handlers=""):
        lists = [part.replace("\t", "\1").replace("\n", "\2") for part in (command, text, changes, handlers)]
        # 60 is the first kind, 63 the first cause: none of them ends the line.
        return bytes((60 + kinds.index(kind), 63, 64 + revision, 64 + trusted, 32 + second, 64 + pid)) + "\t".join(lists).encode()

    sits, waits = "printer\tnumber:1\nfilter\tnumber:2\n", "printer\tnumber:5\twaits\nfilter\tnumber:2\n"
    change, since = "printer\toff\tnumber:1\n", "since\t1700000000000000000\npid\t7\n"
    begin = [row("start", handlers=sits), row("intent", 11, handlers=sits, changes=change), row("changed", 11, changes=change)]
    runs = [begin, begin + [row("end", second=2)],
            begin + [row("intent", 12, 0, 1, handlers=waits, changes=change), row("changed", 12, 0, 1, changes=change)],
            begin + [row("intent", 12, 0, 1, handlers=waits)],
            begin + [row("intent", 12, 0, 1, handlers=waits), row("changed", 12, 0), row("confirmed", 12, handlers=sits), row("end")],
            begin + [row("quarantined", 11, text="why", changes="printer\t\tnumber:3\n"), row("pardoned", 11, changes="printer\t\tnumber:3\n")],
            begin + [row("quarantined", 11, text="why", changes="filter\t\tnumber:4\n"), row("end", second=3)] + begin,
            begin + [row("lost", 11, text="3 rows", changes="lost\t1700000000000000000\n" + since, handlers=sits)],
            [row("cut", 11, text="cut", changes="before\t5\t" + "0" * 64 + "\n" + since, handlers=sits), row("kept", 11, changes=since, handlers=sits)],
            begin + [row("frozen", 11, text="why"), row("thawed", 11, second=90), row("refused", 11, text="no", changes="x\t\ty\n"),
                     row("observed", 11, changes="feed\t5\t\n"), row("note", 11, text="a note", second=50)],
            [begin[0], b"", begin[2]], [row("start", handlers="a\\x\n")], [row("start", handlers="a\tb\tc\td\n")], [row("kept", changes="pid\t1\n")],
            begin * 40, [row("start", handlers="s\th\n" * 300)]]
    yield from (b"\n".join(rows) for rows in runs)
    with open(os.path.join(sys.path[0], "../../journal/file.c"), encoding="utf-8") as file:
        pieces = re.search(r"schema\[\] = (.*?);", file.read(), re.S).group(1)
    schema = "".join(re.findall(r'"([^"]*)"', pieces))

    def whole(rows, statements, good=True):
        with tempfile.TemporaryDirectory() as folder:
            db = sqlite3.connect(folder + "/x")
            db.executescript(f"PRAGMA page_size=1024; PRAGMA application_id={0x63726a31}; PRAGMA user_version=1;" + (schema if good else ""))
            before = bytes(32)
            for number, (kind, revision, trusted, changes, handlers) in enumerate(rows, 1):
                numbers = (number, 1700000000000000000 + number, kind, "swap", revision, trusted, 0, 7, "c", "", changes, handlers)
                data = before + b"croom journal row 1"
                for value in numbers:
                    data += struct.pack(">Q", value if isinstance(value, int) else len(value)) + (b"" if isinstance(value, int) else value.encode())
                before = hashlib.sha256(data).digest()
                db.execute("INSERT INTO journal VALUES(" + ",".join("?" * 13) + ")", (*numbers, before))
            db.commit()
            db.executescript(statements)
            db.close()
            with open(folder + "/x", "rb") as file:
                return file.read()

    few = [("start", 1, 1, "", sits), ("intent", 2, 1, change, sits), ("changed", 2, 1, change, ""), ("note", 2, 1, "", "")]
    good = whole(few, "")
    yield from (good, good[:1024], good[:1500], whole([], ""), whole(few * 10, ""), whole([few[0], (*few[1][:4], sits + "x" * 1500 + "\n")], ""),
                whole(few, "DELETE FROM journal WHERE row=2"), whole(few, "UPDATE journal SET handlers='x' WHERE row=2"),
                whole(few, "CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM journal; END"), whole(few, "PRAGMA user_version=2"),
                whole(few, "CREATE INDEX i ON journal(time_ns)"), whole([], "CREATE VIEW journal AS SELECT 1", False), whole(few, "PRAGMA application_id=1"),
                whole(few, "UPDATE journal SET row=9223372036854775807 WHERE row=4"), whole(few, "UPDATE journal SET row=-1 WHERE row=1"))


def plugin():
    """Small plugins, good and bad, and each cut off, or with a byte of its headers changed."""
    code, include = os.path.join(sys.path[0], "../plugin/code"), os.path.join(sys.path[0], "../../include")
    line = ["gcc", "-shared", "-fPIC", "-Os", "-s", f"-I{include}", "-nostdlib", "-Wl,-z,norelro,-z,noseparate-code,--build-id=none"]
    made = []
    for name, *options in (["twice.c"], ["old.c"], ["other.c"], ["hidden.c"], ["major.c"], ["undefined.c", "-lc"], ["twice.c", "-Wl,-rpath,x"],
                           ["twice.c", "-Wl,-z,nodelete"], ["twice.c", "-Wl,-z,execstack"], ["twice.c", "-Wl,--hash-style=sysv"],
                           ["unique.cpp", "-lc"], ["twice.c", "-c"], ["twice.c", "-fvisibility=hidden", "-Wl,-N"]):
        with tempfile.NamedTemporaryFile(suffix=".so") as out:
            subprocess.run([*line, f"{code}/{name}", *options, "-o", out.name], check=True, capture_output=True)
            made.append(out.read())
    yield from made
    dice = random.Random("plugin")
    for data in made:
        for _ in range(12):
            changed = bytearray(data)
            at = dice.choice([dice.randrange(64), dice.randrange(64, 64 + 56 * 8), dice.randrange(len(data))])
            changed[at] = dice.choice([0, 1, 0x7f, 0xff, changed[at] ^ 1 << dice.randrange(8)])
            yield bytes(changed)
        yield data[:dice.randrange(len(data))]
    yield from (b"", b"\x7fELF", b"\x7fELF" + bytes(60), b"#!/bin/sh\n")


def main():
    folder = sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    for number, data in enumerate(globals()[sys.argv[1]]()):
        with open(f"{folder}/seed-{number}", "wb") as file:
            file.write(data)


main()
