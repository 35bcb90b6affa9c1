#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each handler in each slot does, at the start and swapped in and out in the middle: slots.py CROOMTAP [PART...]"""
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from rig import PATIENCE, Refused, Tap, check, finish, frame, numbers, skip, write_capture

PROGRAM = os.path.abspath(sys.argv[1])
COUNT = 20_000
SIZE = len(frame(0))


def tap(*args):
    """Run to the end: (stdout, stderr, account)."""
    with Tap(PROGRAM, "--no-control", *args) as one:
        code = one.end()
        check(f"{' '.join(args[2:])[:60]}: ends with 0 and adds up", code == 0 and one.account().get("adds up"), one.err[-600:])
        return one.out, one.err.decode(), one.account()


def rows(out):
    return [json.loads(line) for line in out.splitlines()]


def total(found, field):
    return sum(row[field] for row in found)


def filters(capture):
    out, _, account = tap("-r", capture, "--filter", "none")
    check("filter none: nothing is left", out == b"" and account["filtered"] == COUNT, account)
    check("filter all: everything is", numbers(tap("-r", capture, "--filter", "all")[0]) == list(range(COUNT)), "not all")
    if not shutil.which("tcpdump", path=os.environ["PATH"] + ":/usr/sbin"):
        skip("filters as tcpdump has them", "tcpdump is not installed")
        return
    for expression in ("udp port 4100", "src host 10.0.0.0 and (src port 4099 or dst net 10.1.0.64/29)", "not udp", "ip broadcast",
                       "ether[0] & 1 = 0 and len >= 48", "ip[4:2] - 5 = 300", "vlan or arp or ip6"):
        theirs = subprocess.run(["tcpdump", "-nq", "-r", capture, expression], capture_output=True, check=False,
                                env=dict(os.environ, TZ="UTC", PATH=os.environ["PATH"] + ":/usr/sbin"))
        ours, _, account = tap("-r", capture, expression)
        check(f"filter '{expression}': the packets that tcpdump keeps", theirs.returncode == 0 and ours == theirs.stdout and
              account["printed"] + account["filtered"] == COUNT, f"{len(ours)} and {len(theirs.stdout)} bytes")


def samples(capture):
    for of in (1, 3, 10, 4_294_967_295):
        out, _, account = tap("-r", capture, "--strategy", f"sample:{of}")
        check(f"sample:{of}: one in {of}, the last of each", numbers(out) == list(range(of - 1, COUNT, of)) and
              account["printed"] == COUNT // of and account["sampled out"] == COUNT - COUNT // of, account)


def flows(folder):
    """Rows hold every packet once, whatever the size of the table."""
    many = f"{folder}/many.pcap"
    write_capture(many, 50_000, when=lambda n: n * 1000)                    # each its own flow
    write_capture(f"{folder}/few.pcap", COUNT, when=lambda n: n * 500_000,  # 10 s, 7 flows, not as many packets each
                  make=lambda n: frame(min(n % 28, 6)))
    for strategy in ("flows", "flows:2500ms", "flows:1h", "top", "top:3", "top:1000"):
        found = rows(tap("-r", f"{folder}/few.pcap", "--strategy", strategy, "--printer", "json")[0])
        check(f"{strategy}: every packet and byte is in a row", total(found, "packets") == COUNT and
              total(found, "bytes") == COUNT * SIZE, f"{total(found, 'packets')} packets in {len(found)} rows")
        intervals = {"flows": 10, "flows:2500ms": 4, "flows:1h": 1}.get(strategy, 10)
        count = 4 if strategy == "top:3" else 7
        check(f"{strategy}: {count} rows for each of {intervals} intervals", len(found) == count * intervals, len(found))
    check("top:3: the largest first, the rest as 'other'", [row["src"] for row in found[:1]] == ["10.0.0.0:4102"], found[:4])
    found = rows(tap("-r", f"{folder}/few.pcap", "--strategy", "top:3", "--printer", "json")[0])[:4]
    check("top:3: ranks 1 to 4, by bytes, and the sum of the others last", [row["rank"] for row in found] == [1, 2, 3, 4] and
          found[0]["src"] == "10.0.0.0:4102" and found[0]["bytes"] >= found[1]["bytes"] >= found[2]["bytes"] and
          found[3]["src"] == found[3]["dst"] == "other", found)
    write_capture(f"{folder}/rest.pcap", 10, when=lambda n: n * 1000, make=lambda n: frame(n // 4))
    found = rows(tap("-r", f"{folder}/rest.pcap", "--strategy", "top:1", "--printer", "json")[0])
    check("top:1: a rest of six packets is a row", [row["packets"] for row in found] == [4, 6], found)
    found = rows(tap("-r", f"{folder}/rest.pcap", "--strategy", "top:2", "--printer", "json")[0])
    check("top:2: a rest of two packets is a row", [(row["src"], row["packets"]) for row in found][2:] == [("other", 2)], found)
    for strategy in ("flows:1h", "top:5"):
        found = rows(tap("-r", many, "--strategy", strategy, "--printer", "json")[0])
        check(f"{strategy}: 50,000 flows do not fit, and yet each packet is in one row", total(found, "packets") == 50_000 and
              total(found, "bytes") == 50_000 * SIZE and (strategy != "flows:1h" or len(found) == 50_000),
              f"{total(found, 'packets')} in {len(found)} rows")
    # Packets out of order within an interval, and a jump back.
    write_capture(f"{folder}/mixed.pcap", 1000, when=lambda n: (n ^ 1) * 100_000 + (0 if n < 500 else -3_600_000_000_000),
                  make=lambda n: frame(0))
    found = rows(tap("-r", f"{folder}/mixed.pcap", "--strategy", "flows", "--printer", "json")[0])
    check("flows of packets out of order: sums and lengths of time are right", total(found, "packets") == 1000 and
          all(0 <= float(row["seconds"]) < 1 for row in found), found)
    for strategy, printer in (("flows", "pcap"), ("top:3", "pcapng"), ("top", "none")):
        said = tap("-r", f"{folder}/few.pcap", "--strategy", strategy, "--printer", printer)[1]
        check(f"{strategy} with {printer}: the account says that the rows went nowhere", "in rows that no printer took" in said and
              "summarised" not in said, said)
    text = tap("-r", f"{folder}/few.pcap", "--strategy", "flows:1h")[0].decode()
    check("flows as text", re.search(r"^\d\d:\d\d:\d\d\.\d{6} flow 10\.0\.0\.0:4096 > 10\.1\.0\.0:9 udp, \d+ packets, \d+ bytes "
                                     r"in 9\.\d{6} s$", text, re.M), text[:300])


def endpoints(folder):
    """The names that the StringRegistry keeps."""
    macs = b"\x02\0\0\0\0\2\x02\0\0\0\0\1"
    six = macs + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, 8, 17, 64) + bytes.fromhex("fd00" + "00" * 13 + "01" + "00" * 15 + "01")
    ports = struct.pack("!HHHH", 546, 53, 8, 0)
    four = macs + b"\x08\0" + struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 1, 0) + bytes((10, 9, 8, 7, 255, 255, 255, 255))
    arp = macs + b"\x08\x06\0\1\x08\0\6\4\0\1" + macs[6:] + bytes((1, 2, 3, 4)) + bytes(6) + bytes((1, 2, 3, 5))
    frames = [frame(0x010203), six + ports, four + b"\x08\0\0\0\0\0\0\0", arp, macs + b"\x88\xcc" + bytes(9)]
    write_capture(f"{folder}/names.pcap", len(frames), make=lambda n: frames[n])
    found = rows(tap("-r", f"{folder}/names.pcap", "--strategy", "flows", "--printer", "json")[0])
    got = [(row["src"], row["dst"], row["protocol"]) for row in found]
    want = [("10.0.0.1:4099", "10.1.0.2:9", "udp"), ("[fd00::1]:546", "[::1]:53", "udp"), ("10.9.8.7", "255.255.255.255", "icmp"),
            ("1.2.3.4", "1.2.3.5", "arp"), ("02:00:00:00:00:01", "02:00:00:00:00:02", "0x88cc")]
    check("names of IPv4, IPv6, ports, ARP and bare links", got == want, got)


def many_names(folder):
    """The registry is bounded: the gauge shows it fill up."""
    flows = 196 * 256
    # The first 8,000 once more: libpcap keeps the last few back until the pipe ends, and every name is to be in before.
    write_capture(f"{folder}/names-many.pcap", flows + 8_000, when=lambda n: n * 1000, make=lambda n: frame(n % flows))
    with open(f"{folder}/names-many.pcap", "rb") as file:
        header, packets = file.read(24), file.read()
    with Tap(PROGRAM, "-r", "-", "-w", "/dev/null", "--printer", "json", "--strategy", "flows:1h", stdin=subprocess.PIPE) as one:
        one.process.stdin.write(header)
        one.process.stdin.flush()
        room = one.room()

        def names():
            return [gauge["value"] for gauge in room.call("List")["gauges"] if gauge["name"] == "names"]
        before = names()
        one.process.stdin.write(packets)
        one.process.stdin.flush()
        until = time.monotonic() + PATIENCE
        while room.call("List")["lanes"][0]["records"] < flows and time.monotonic() < until:
            time.sleep(0.01)
        room.swap(strategy="each")   # flows prints what it has
        check("gauge names: 50,176 flows are 256 sources at each of 196 targets", before and before[0] < 20 and
              names()[0] >= before[0] + 256 + 196, f"{before}, {names()}")


def refused(capture):
    """What is refused while it runs has changed nothing."""
    with Tap(PROGRAM, "-r", capture, "--pace", "20000", "-w", "/dev/null", "--printer", "text") as one:
        room = one.room()
        before = room.handlers()
        for slot, handler, word in (("filter", "bpf:tcp prot 80", "tcp prot 80"), ("filter", "bpfx:udp", "did you mean bpf"),
                                    ("strategy", "sample:0", "sample:10"), ("printer", "jsn", "did you mean json"),
                                    ("audit", "file:/no/folder/x", "No such file"), ("metrics", "file:/dev/null", "is a device"),
                                    ("diag", "latency:0", "500ms")):
            try:
                said = str(room.swap(**{slot: handler, "printer": "csv"} if slot != "printer" else {slot: handler}))
            except Refused as error:
                said = f"{error}"
            check(f"{slot}={handler}: refused, with a word on it", word in said and "revision" not in said[:12], said)
        check("nothing of that is in force", room.handlers() == before, room.handlers())


def refused_parts(folder, capture):
    """A split output's files are as good as the first: no handler may append to them, or be renamed over them."""
    out = f"{folder}/split"
    with Tap(PROGRAM, "-r", capture, "--pace", "20000", "-w", out) as one:
        room, until = one.room(), time.monotonic() + PATIENCE
        room.swap(printer="json")
        while not os.path.exists(f"{out}.1") and time.monotonic() < until:
            time.sleep(0.01)
        os.symlink(f"{out}.1", f"{folder}/other-name")
        for handler in (f"{slot}=file:{path}" for slot in ("audit", "metrics") for path in (f"{out}.1", f"{out}.2",
                                                                                            f"{folder}/other-name")):
            try:
                said = str(room.swap(**dict([handler.split("=", 1)])))
            except Refused as error:
                said = str(error)
            check(f"{handler.replace(folder, '')}: refused, because packets are or will be in it",
                  "when the output is split" in said, said)
        room.swap(audit=f"file:{out}.1x", metrics=f"file:{out}.metrics")
        check("names that are like it, but none of its: taken", os.path.exists(f"{out}.1x"), os.listdir(folder))
        check("and it ends with 0", one.end() == 0, one.err[-300:])
    with open(f"{out}.1", encoding="ascii") as file:
        check("what is in the second file are the packets", all(line.startswith('{"type":"packet"') for line in file), "other things")


def audit(folder, capture):
    """A line per decision; swapped off and on in the middle."""
    line = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z record (\d+) revision (\d+) (\w+) (\d+)/(\d+)$")
    path = f"{folder}/audit"
    _, _, account = tap("-r", capture, "-w", "/dev/null", "--printer", "text", "--strategy", "sample:4", "--audit", f"file:{path}",
                        "udp and src portrange 4096-4195")
    with open(path, encoding="ascii") as file:
        found = [line.match(text) for text in file]
    check("audit: a line for every record, in order", all(found) and [int(m[1]) for m in found] == list(range(1, COUNT + 1)),
          len(found))
    verdicts = {word: sum(m[3] == word for m in found) for word in ("printed", "filtered", "sampled_out")}
    check("audit: the verdicts add up to the account", verdicts == {"printed": account["printed"], "filtered": account["filtered"],
          "sampled_out": account["sampled out"]}, f"{verdicts} {account}")
    check("audit: mode 0600 and the lengths", os.stat(path).st_mode & 0o777 == 0o600 and
          {(m[4], m[5]) for m in found} == {(str(SIZE), str(SIZE))}, found[0][0])
    os.unlink(path)
    started = {}
    with Tap(PROGRAM, "-r", capture, "--pace", "20000", "-w", "/dev/null", "--printer", "text") as one:
        room, on = one.room(), False
        try:
            while True:
                on = not on
                reply = room.swap(audit=f"file:{path}" if on else "off", filter="bpf:udp" if on else "all")
                started[reply["revision"]] = (on, reply["lanes"][0]["first_record"])
                time.sleep(0.02)
        except (EOFError, OSError, Refused):
            pass
        one.end()
    with open(path, encoding="ascii") as file:
        found = [line.match(text) for text in file]
    records = [int(m[1]) for m in found]
    check("audit swapped on and off: whole lines, each record at most once, in order", all(found) and
          records == sorted(set(records)) and len(started) > 4, f"{len(found)} lines, {len(started)} swaps")
    check("audit swapped on and off: a revision's first line is the record that its swap named",
          all(min(int(m[1]) for m in found if int(m[2]) == revision) == first for revision, (on, first) in started.items()
              if on and first and any(int(m[2]) == revision for m in found)), started)


class Statsd:
    """A UDP socket that sums up what is pushed to it."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.where = f"statsd:127.0.0.1:{self.socket.getsockname()[1]}"
        self.sums, self.bad, self.stop = {}, [], False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while True:
            try:
                data = self.socket.recv(65536).decode()
            except socket.timeout:
                if self.stop:
                    return
                continue
            for text in data.splitlines():
                match = re.fullmatch(r"croomtap\.([a-z_]+):(\d+)\|([cg])", text)
                if not match:
                    self.bad.append(text)
                elif match[3] == "c":
                    self.sums[match[1]] = self.sums.get(match[1], 0) + int(match[2])

    def end(self):
        self.stop = True
        self.thread.join()
        self.socket.close()


def statsd(capture):
    for name, swapping in (("to the end", False), ("swapped all the time", True)):
        listener = Statsd()
        with Tap(PROGRAM, "-r", capture, "--pace", "15000", "-w", "/dev/null", "--printer", "text", "--metrics", listener.where,
                 "--strategy", "sample:3") as one:
            room, done = one.room(), 0
            try:
                while swapping:
                    room.swap(metrics=listener.where, filter=["all", "bpf:src port 4100"][done % 2])
                    done += 1
                    time.sleep(0.02)
            except (EOFError, OSError, Refused):
                pass
            one.end()
            account = one.account()
        listener.end()
        want = {"received": account["received"], "printed": account["printed"], "filtered": account["filtered"],
                "sampled_out": account["sampled out"], "lost_ring": 0, "lost_kernel": 0}
        got = {key: listener.sums.get(key + "_packets") for key in want}
        check(f"statsd {name}: the sums of all pushes are the account", got == want and not listener.bad,
              f"{got} instead of {want}, {done} swaps, {listener.bad[:3]}")
        check(f"statsd {name}: bytes, too", listener.sums.get("received_bytes") == COUNT * SIZE, listener.sums)


def openmetrics(folder, capture):
    path = f"{folder}/metrics.prom"
    seen, bad, stop = set(), [], threading.Event()

    def look():
        while not stop.wait(0.01):
            try:
                with open(path, encoding="ascii") as file:
                    text, inode = file.read(), os.fstat(file.fileno()).st_ino
            except FileNotFoundError:
                continue
            seen.add(inode)
            if not text.endswith("\n# EOF\n"):
                bad.append(text[-100:])
    thread = threading.Thread(target=look)
    thread.start()
    _, _, account = tap("-r", capture, "-w", "/dev/null", "--printer", "text", "--pace", "15000", "--metrics", f"file:{path}")
    stop.set()
    thread.join()
    check("metrics file: whole whenever one looks", not bad, bad[:1])
    with open(path, encoding="ascii") as file:
        text = file.read()
    families = re.findall(r"^# TYPE (\S+) (?:counter|gauge)$", text, re.M)
    samples = dict(re.findall(r"^(croomtap_\w+) (\d+)$", text, re.M))
    check("metrics file: OpenMetrics, each family with its type, help and sample, # EOF last",
          len(families) == len(set(families)) == 12 and text.endswith("\n# EOF\n") and text.count("# EOF") == 1 and
          all(f"# HELP {family} " in text and (family in samples or family + "_total" in samples) for family in families) and
          all(re.match(r"# (TYPE|UNIT|HELP|EOF)|croomtap_", line) for line in text.splitlines()), text)
    check("metrics file: at the end it has the last figures", samples.get("croomtap_received_packets_total") == str(COUNT) and
          samples.get("croomtap_printed_packets_total") == str(account["printed"]), samples)
    check("metrics file: nothing else is left", not os.path.exists(path + ".part"), "PATH.part is")
    os.symlink("metrics.prom", f"{folder}/link")
    tap("-r", capture, "-w", "/dev/null", "--metrics", f"file:{folder}/link")
    check("metrics file: a link stays one", os.path.islink(f"{folder}/link") and not os.path.islink(path), "it is replaced")


def diags(folder, capture):
    _, said, _ = tap("-r", capture, "-w", "/dev/null", "--printer", "text", "--diag", "latency:1h")
    match = re.search(r"^age us: p50 (\S+) p99 (\S+) p99\.9 (\S+) max (\S+) of (\d+) packets$", said, re.M)
    check("diag latency: p50 <= p99 <= p99.9 <= max, of all packets", match and int(match[5]) == COUNT and
          float(match[1]) <= float(match[2]) <= float(match[3]) <= float(match[4]), said)
    _, said, _ = tap("-r", capture, "-w", "/dev/null", "--diag", "drops")
    check("diag drops: silent when nothing is lost", "drops" not in said, said)
    write_capture(f"{folder}/cut.pcap", 100, make=lambda n: frame(n)[:30] if n % 2 else frame(n))
    _, said, _ = tap("-r", f"{folder}/cut.pcap", "-w", "/dev/null", "--diag", "malformed")
    check("diag malformed: a dump of each, the rest counted", said.count("malformed: record ") == 20 and
          "malformed: record 2, 30 of 30 bytes captured\n  0000  02 00 00 00 00 02 02 00 00 00 00 01 08 00 45 00\n  0010  " in
          said and "malformed: 30 more were not shown" in said, said[:1500])


def main():
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        capture = f"{folder}/in.pcap"
        write_capture(capture, COUNT)
        parts = {"filters": lambda: filters(capture), "samples": lambda: samples(capture), "flows": lambda: flows(folder),
                 "names": lambda: many_names(folder),
                 "endpoints": lambda: endpoints(folder), "refused": lambda: refused(capture),
                 "parts": lambda: refused_parts(folder, capture),
                 "audit": lambda: audit(folder, capture), "statsd": lambda: statsd(capture),
                 "openmetrics": lambda: openmetrics(folder, capture), "diags": lambda: diags(folder, capture)}
        for part in sys.argv[2:] or parts:
            parts[part]()
    finish()


main()
