#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each output format is what its readers expect: formats.py CROOMTAP

json as jq reads it, csv as Python's module does, pcap byte for byte as tcpdump -w writes it, pcapng as capinfos and
tshark open it; also when the printer is swapped in the middle, with and without --split."""
import concurrent.futures
import csv
import glob
import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from rig import PATIENCE, Refused, Tap, check, finish, frame, numbers, numbers_in, skip, write_capture

PACKETS = 20_000
CAPTURES = os.path.join(os.path.dirname(__file__), "../../build/captures")
MACS = b"\x02\0\0\0\0\2\x02\0\0\0\0\1"
V4 = bytes((10, 0, 0, 1)) + bytes((10, 0, 0, 2))
V6 = bytes.fromhex("fd00" + "00" * 13 + "01" + "fd00" + "00" * 13 + "02")


def ip4(protocol, data, fragment=0, ttl=63):
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 7, fragment, ttl, protocol, 0) + V4 + data


def ip6(protocol, data, hops=62):
    return struct.pack("!IHBB", 6 << 28, len(data), protocol, hops) + V6 + data


TCP = struct.pack("!HHIIBBHHH", 40000, 443, 1, 2, 0x50, 0x12, 100, 0, 0)
UDP = struct.pack("!HHHH", 5353, 53, 8, 0)
ETHERNET = {"src_mac": "02:00:00:00:00:01", "dst_mac": "02:00:00:00:00:02"}
IP4 = {**ETHERNET, "src": "10.0.0.1", "dst": "10.0.0.2", "ip": 4, "ttl": 63}
IP6 = {**ETHERNET, "src": "fd00::1", "dst": "fd00::2", "ip": 6, "ttl": 62}
# Frame, what json says of it besides time, number and lengths.
KNOWN = [
    (MACS + b"\x08\0" + ip4(6, TCP), {"protocol": "tcp", **IP4, "src_port": 40000, "dst_port": 443, "tcp_flags": "SA"}),
    (MACS + b"\x08\0" + ip4(17, UDP), {"protocol": "udp", **IP4, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x08\0" + ip4(1, b"\x08\0\0\0\0\1\0\2"), {"protocol": "icmp", **IP4, "icmp_type": 8, "icmp_code": 0}),
    (MACS + b"\x08\0" + ip4(17, UDP, 0x2000), {"protocol": "udp", **IP4, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x08\0" + ip4(17, b"rest of it", 3), {"protocol": "udp", **IP4, "fragment": True}),
    (MACS + b"\x08\0" + ip4(99, b"?"), {"protocol": "ip99", **IP4}),
    (MACS + b"\x86\xdd" + ip6(6, TCP), {"protocol": "tcp", **IP6, "src_port": 40000, "dst_port": 443, "tcp_flags": "SA"}),
    (MACS + b"\x86\xdd" + ip6(0, b"\x11\0\1\4\0\0\0\0" + UDP), {"protocol": "udp", **IP6, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x86\xdd" + ip6(58, b"\x80\0\0\0\0\1\0\2"), {"protocol": "icmp6", **IP6, "icmp_type": 128, "icmp_code": 0}),
    (MACS + b"\x86\xdd" + ip6(44, b"\x11\0\0\x20\0\0\0\1rest"), {"protocol": "udp", **IP6, "fragment": True}),
    (MACS + b"\x81\0\0\x07\x08\0" + ip4(17, UDP), {"protocol": "udp", **IP4, "vlan": 7, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x88\xa8\0\x05\x81\0\0\x09\x08\0" + ip4(17, UDP), {"protocol": "udp", **IP4, "vlan": 9, "src_port": 5353,
                                                                "dst_port": 53}),
    (MACS + b"\x08\x06\0\1\x08\0\6\4\0\1" + MACS[6:] + V4[:4] + MACS[:6] + V4[4:],
     {"protocol": "arp", **ETHERNET, "src": "10.0.0.1", "dst": "10.0.0.2"}),
    (MACS + b"\x88\xcc\x02\x07", {"protocol": "0x88cc", **ETHERNET}),
    (MACS + b"\x08\0" + ip4(6, TCP)[:24], {"protocol": "tcp", **IP4, "truncated": True}),
    (MACS + b"\x08\0", {"protocol": "0x0800", **ETHERNET, "truncated": True}),
    (MACS[:9], {"protocol": "0x0000", "truncated": True}),
    # Padding behind a short packet is no port; lengths that cannot be; 0, which is a packet before TSO cut it.
    (MACS + b"\x08\0" + ip4(6, b"") + bytes(26), {"protocol": "tcp", **IP4, "truncated": True}),
    (MACS + b"\x08\0" + ip4(17, UDP) + b"padding", {"protocol": "udp", **IP4, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x08\0" + ip4(17, UDP).replace(b"\x45\0\0\x1c", b"\x45\0\0\x13"), {"protocol": "udp", **IP4, "truncated": True}),
    (MACS + b"\x08\0" + ip4(17, UDP).replace(b"\x45\0\0\x1c", b"\x45\0\0\0"), {"protocol": "udp", **IP4, "src_port": 5353,
                                                                                 "dst_port": 53}),
    (MACS + b"\x08\0" + ip4(6, TCP.replace(b"\x50\x12", b"\x40\x12")),
     {"protocol": "tcp", **IP4, "src_port": 40000, "dst_port": 443, "tcp_flags": "SA", "truncated": True}),
    (MACS + b"\x08\0" + ip4(6, TCP.replace(b"\x50\x12", b"\x60\x12")),
     {"protocol": "tcp", **IP4, "src_port": 40000, "dst_port": 443, "tcp_flags": "SA", "truncated": True}),
    (MACS + b"\x08\0" + ip4(17, UDP[:4] + b"\0\x09\0\0"), {"protocol": "udp", **IP4, "src_port": 5353, "dst_port": 53,
                                                           "truncated": True}),
    (MACS + b"\x08\0" + ip4(17, UDP[:4] + b"\x05\0\0\0", 0x2000), {"protocol": "udp", **IP4, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x86\xdd" + ip6(17, b"") + UDP, {"protocol": "udp", **IP6, "src_port": 5353, "dst_port": 53}),
    (MACS + b"\x86\xdd" + ip6(17, UDP[:3]) + UDP, {"protocol": "udp", **IP6, "truncated": True}),
]


def tap(program, *args, stdin=None):
    """Run to the end; what came out."""
    with Tap(program, "--no-control", *args, stdin=stdin) as one:
        code = one.end()
        if code:
            print(f"# {args}: exit code {code}: {one.err.decode(errors='replace')}")
        return one.out


def fields(program, folder):
    write_capture(f"{folder}/known.pcap", len(KNOWN), when=lambda n: n * 1_000_000_001, make=lambda n: KNOWN[n][0])
    out = tap(program, "-r", f"{folder}/known.pcap", "--printer", "json")
    read = subprocess.run(["jq", "-c", "-e", "objects"], input=out, capture_output=True, check=False)
    check("json: jq reads an object in every line", read.returncode == 0 and len(read.stdout.splitlines()) == len(KNOWN),
          read.stderr.decode() or f"{len(read.stdout.splitlines())} of {len(KNOWN)}")
    for number, (line, (frame, want)) in enumerate(zip(out.splitlines(), KNOWN), 1):
        want = {"type": "packet", "time": f"2023-11-14T22:13:{19 + number}.{number - 1:09}Z", "number": number,
                "length": len(frame), "captured": len(frame), **want}
        got = json.loads(line)
        check(f"json: all fields of packet {number}, {want['protocol']}", got == want, f"{got} instead of {want}")
    rows = list(csv.reader(tap(program, "-r", f"{folder}/known.pcap", "--printer", "csv").decode().splitlines()))
    check("csv: one header, and as many columns everywhere",
          len(rows) == len(KNOWN) + 1 and rows[0][:3] == ["type", "time", "number"] and
          {len(row) for row in rows} == {len(rows[0])}, rows)
    good = True
    for row, (_, want) in zip(rows[1:], KNOWN):
        row = dict(zip(rows[0], row))
        good &= row["protocol"] == want["protocol"] and row["src"] == want.get("src", want.get("src_mac", "")) and \
            row["dst_port"] == str(want.get("dst_port", "")) and row["tcp_flags"] == want.get("tcp_flags", "")
    check("csv: the same in columns", good, rows)
    out = tap(program, "-r", f"{folder}/known.pcap", "--strategy", "flows", "--printer", "csv").decode().splitlines()
    check("csv: rows of flows have the same columns", len(out) > 5 and {len(row) for row in csv.reader(out)} ==
          {len(rows[0])}, out)


def cut(link):
    """How this link type carries frame n: IP with what is before it."""
    heads = {1: b"", 113: b"\0\0\0\1\0\6" + MACS[6:] + b"\0\0\x08\0", 276: b"\x08\0\0\0\0\0\0\2\0\1\0\6" + MACS[6:] + b"\0\0",
             101: b"", 228: b"", 0: b"\2\0\0\0", 108: b"\0\0\0\2"}
    return lambda n: heads[link] + (MACS + b"\x08\0" if link == 1 else b"") + ip4(17, UDP + b"x" * (n * 7 % 1400))


def copies(program, folder):
    """pcap against tcpdump -w."""
    for link in (1, 113, 276, 101, 228, 0, 108):
        source = f"{folder}/link.pcap"
        write_capture(source, 300, when=lambda n: n * 1_000_007, linktype=link, make=cut(link))
        subprocess.run(["tcpdump", "-r", source, "-w", f"{folder}/micro.pcap"], capture_output=True, check=True)
        for name, path, more in (("nanoseconds", source, ["--nano"]), ("microseconds", f"{folder}/micro.pcap", [])):
            for expression in ([], ["len", ">", "700"], ["port", "1"]):
                subprocess.run(["tcpdump", *(["--time-stamp-precision=nano"] if more else []), "-r", path, "-w",
                                f"{folder}/theirs", *expression], capture_output=True, check=True)
                tap(program, "-r", path, "-w", f"{folder}/ours", *expression)
                with open(f"{folder}/theirs", "rb") as theirs, open(f"{folder}/ours", "rb") as ours:
                    a, b = theirs.read(), ours.read()
                check(f"pcap: as tcpdump -w, link type {link}, {name}, {' '.join(expression) or 'all'}",
                      a == b and len(a) > (1000 if expression != ["port", "1"] else 23), f"{len(a)} and {len(b)} bytes")
    # A file with a snaplen of 100, so with packets that were cut, and -s on a file, which changes nothing in either.
    with open(f"{folder}/cut.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 100, 1))
        for n in range(200):
            data = cut(1)(n)
            file.write(struct.pack("<IIII", 1_700_000_000 + n, n, min(len(data), 100), len(data)) + data[:100])
    subprocess.run(["tcpdump", "-r", f"{folder}/cut.pcap", "-s", "64", "-w", f"{folder}/theirs"], capture_output=True,
                   check=True)
    tap(program, "-r", f"{folder}/cut.pcap", "-s", "64", "-w", f"{folder}/ours")
    with open(f"{folder}/theirs", "rb") as theirs, open(f"{folder}/ours", "rb") as ours:
        check("pcap: as tcpdump -w, cut packets and -s", theirs.read() == ours.read(), "they differ")
    with open(f"{folder}/link.pcap", "rb") as source, open(f"{folder}/link.pcap", "rb") as again:
        check("-r - -w -: nanoseconds through two pipes", tap(program, "-r", "-", "-w", "-", stdin=source) == again.read(),
              "not the same bytes")


def differs(program, folder, path, number):
    """Does our copy of this capture have other bytes than tcpdump's? None: one of the two does not read it."""
    theirs, ours = f"{folder}/theirs.{number}", f"{folder}/ours.{number}"
    with open(path, "rb") as file:
        # We keep nanoseconds; tcpdump does when it is told to.
        nano = ["--nano"] if file.read(4) in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else []
    one = subprocess.run(["tcpdump", "-Z", "root", *nano, "-r", path, "-w", theirs], capture_output=True, check=False)
    two = subprocess.run([program, "--no-control", "--no-status", "-r", path, "-w", ours], capture_output=True, check=False,
                         stdin=subprocess.DEVNULL)
    if one.returncode or two.returncode:
        return None
    with open(theirs, "rb") as a, open(ours, "rb") as b:
        result = a.read() != b.read()
    os.unlink(theirs)
    os.unlink(ours)
    return result


def header_bits(program, folder):
    """The bits above the link type, here an FCS of four bytes, in both byte orders, from a file and from a pipe."""
    for order, magic in itertools.product("<>", (0xa1b2c3d4, 0xa1b23c4d)):
        with open(f"{folder}/fcs.pcap", "wb") as file:
            data = cut(1)(7)
            file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 0x44000001))
            file.write(struct.pack(order + "IIII", 1_700_000_000, 5, len(data), len(data)) + data)
        with open(f"{folder}/fcs.pcap", "rb") as source, open(f"{folder}/fcs.pcap", "rb") as pipe:
            whole = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 65535, 0x44000001)
            head = tap(program, "-r", f"{folder}/fcs.pcap", "-w", "-")[:24]
            check(f"pcap: the bits above the link type, order {order}, magic {magic:x}", head == whole, head)
            cat = subprocess.Popen(["cat"], stdin=pipe, stdout=subprocess.PIPE)
            piped = tap(program, "-r", "-", "-w", "-", stdin=cat.stdout)
            cat.stdout.close()
            cat.wait()
            check(f"pcap: the same from a pipe, order {order}, magic {magic:x}", piped[:24] == whole and len(piped) ==
                  len(source.read()), piped[:24])


def real(program, folder):
    """pcap against tcpdump -w, on the captures that text-captures.py has fetched."""
    found = sorted(path for path in glob.glob(f"{CAPTURES}/**", recursive=True)
                   if os.path.isfile(path) and os.path.getsize(path) < 16 * 1024 * 1024)
    if not found:
        skip("pcap copies of real captures", "there are none in build/captures")
        return
    until = time.monotonic() + 60
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda job: differs(program, folder, job[1], job[0]) if time.monotonic() < until else None,
                             enumerate(found)))
    other = [path for path, one in zip(found, said) if one]
    print(f"# {len(found)} captures, {said.count(False)} equal, {said.count(None)} not compared")
    check("pcap: as tcpdump -w, real captures", not other and said.count(False) > 0, f"{len(other)}: {other[:20]}")


def opens(path):
    """What capinfos and tshark have to say against a pcapng file; "" is nothing."""
    told = subprocess.run(["capinfos", path], capture_output=True, text=True, check=False)
    read = subprocess.run(["tshark", "-n", "-r", path], capture_output=True, text=True, check=False)
    said = [line for line in (told.stderr + read.stderr).splitlines() if "Running as user" not in line]
    return "" if told.returncode == read.returncode == 0 and not said else "\n".join(said) or "exit code"


def blocks(program, folder):
    """pcapng as Wireshark's tools see it."""
    if not shutil.which("tshark") or not shutil.which("capinfos"):
        skip("pcapng", "tshark and capinfos are not installed")
        return
    for link in (1, 113, 276, 101, 0):
        source, copy = f"{folder}/link.pcap", f"{folder}/copy.pcapng"
        write_capture(source, 300, when=lambda n: n * 1_000_007, linktype=link, make=cut(link))
        tap(program, "-r", source, "--printer", "pcapng", "-w", copy)
        said = opens(copy)
        check(f"pcapng: capinfos and tshark open it without a word, link type {link}", not said, said)
        seen = [subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e",
                                "frame.cap_len", "-e", "udp.length", "-e", "ip.id"], capture_output=True, check=False).stdout
                for path in (source, copy)]
        check(f"pcapng: the same packets and nanoseconds, link type {link}", seen[0] == seen[1] and
              len(seen[0].splitlines()) == 300 and b".001000007" in seen[0], "tshark shows others")


def swapped(program, folder, *args, printers=("pcapng", "pcap")):
    """Swap the printer all the time; (files, swaps)."""
    for old in glob.glob(f"{folder}/out*"):
        os.unlink(old)
    done = 0
    with Tap(program, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--pace", "20000", *args, folder=folder) as one:
        room = one.room()
        try:
            while True:
                room.swap(printer=printers[done % len(printers)])
                done += 1
                time.sleep(0.005)   # thousands of files or sections take tshark minutes
        except (EOFError, OSError, Refused):
            pass
        check(f"{' '.join(args)}: ends with 0", one.end() == 0, one.err.decode())
    return glob.glob(f"{folder}/out*"), done


def in_the_middle(program, folder):
    write_capture(f"{folder}/in.pcap", PACKETS)
    files, done = swapped(program, folder, "--printer", "pcap")
    got = [numbers_in(path) for path in files]
    together = sorted(n for part in got for n in part)
    check("--split: every packet once in all files together", together == list(range(PACKETS)), f"{len(together)} of {PACKETS}")
    check("--split: a file holds what is between two swaps", len(files) > 10 and done > 10 and
          all(part == list(range(part[0], part[0] + len(part))) for part in got if part), f"{len(files)} files, {done} swaps")
    bad = [path for path in files[:100] if subprocess.run(["tcpdump", "-r", path, "-w", "/dev/null"], capture_output=True,
                                                          check=False).returncode]
    check("--split: tcpdump reads each file", not bad, bad)
    if shutil.which("tshark"):
        head = [path for path in files if open(path, "rb").read(4) == b"\x0a\x0d\x0d\x0a"][:3]
        said = "".join(opens(path) for path in head)
        check("--split: tshark opens the pcapng ones without a word", head and not said, said or "there are none")
    files, done = swapped(program, folder, "--no-split", "--printer", "json", printers=("text", "csv", "json"))
    with open(f"{folder}/out", "rb") as file:
        data = file.read()
    check("--no-split: one file with every packet once and in order", len(files) == 1 and
          numbers(data) == list(range(PACKETS)), f"{files}, {len(numbers(data))}")
    lines = [line.split(b",", 1)[0] for line in data.split(b"\n")]
    heads = [at for at, word in enumerate(lines) if word == b"type"]
    orphans = [at for at, word in enumerate(lines) if word == b"packet" and lines[at - 1] not in (b"packet", b"type")]
    check("--no-split: csv begins with its header each time", done > 10 and heads and not orphans, f"{done} swaps, {len(heads)} "
          f"headers, rows without at {orphans[:5]}")
    files, done = swapped(program, folder, "--no-split", "--printer", "pcapng", printers=("pcapng",))
    check("--no-split: pcapng has a section for each swap, and every packet", len(files) == 1 and done > 10 and
          numbers_in(f"{folder}/out") == list(range(PACKETS)), f"{files}, {done} swaps")
    if shutil.which("tshark"):
        said = opens(f"{folder}/out")
        check("--no-split: tshark opens these sections without a word", not said, said)


def empty_part(program, folder):
    """A swap behind which nothing comes."""
    with open(f"{folder}/in.pcap", "rb") as file:
        data = file.read(24 + 5 * (16 + len(frame(0))))
    for printer, magic in (("pcap", b"\xd4\xc3\xb2\xa1"), ("pcapng", b"\x0a\x0d\x0d\x0a")):
        with Tap(program, "-r", "-", "-w", f"{folder}/part", stdin=-1) as one:
            one.process.stdin.write(data)
            one.process.stdin.flush()
            room, until = one.room(), time.monotonic() + PATIENCE
            while room.call("List")["lanes"][0]["records"] < 5 and time.monotonic() < until:
                time.sleep(0.01)
            room.swap(printer="text")
            room.swap(printer=printer)
            one.process.stdin.close()
            one.process.stdin = None
            code = one.end()
        parts = sorted(glob.glob(f"{folder}/part*"))
        with open(parts[-1], "rb") as file:
            head = file.read()
        check(f"a part of {printer} in which nothing came is a file of it all the same", code == 0 and head[:4] in (magic, b"\x4d\x3c\xb2\xa1") and
              len(head) >= 24, f"{code} {parts} {head[:30]}")
        for path in parts:
            os.unlink(path)


def one_header(program, folder):
    """pcap comes back where the output cannot split: a second header in the middle would end any reader."""
    for args, printers in ((["--no-split"], ("pcap",)), (["--no-split"], ("none", "pcap")), (["-w", "-"], ("pcap",)),
                           (["-w", "-"], ("none", "pcap"))):
        name = f"pcap, {' '.join(args)}, swaps to {' and '.join(printers)}"
        with open(f"{folder}/stdout", "wb") as stdout, \
                Tap(program, "-r", f"{folder}/in.pcap", *(args if "-w" in args else [*args, "-w", f"{folder}/out"]), "--pace", "20000",
                    "--printer", "pcap", stdout=stdout) as one:
            room, done = one.room(), 0
            try:
                while True:
                    room.swap(printer=printers[done % len(printers)])
                    done += 1
                    time.sleep(0.005)
            except (EOFError, OSError, Refused):
                pass
            one.end()
            account = one.account()
        path = f"{folder}/out" if args == ["--no-split"] else f"{folder}/stdout"
        with open(path, "rb") as file:
            heads = file.read().count(b"\x4d\x3c\xb2\xa1\2\0\4\0")
        read = subprocess.run(["tcpdump", "-r", path, "-w", f"{folder}/copy.pcap"], capture_output=True, check=False)
        good = check(f"{name}: one header, and tcpdump reads it to the end", read.returncode == 0 and heads == 1 and
                     done > 10, f"{heads} headers, {done} swaps, {read.stderr[-300:]}")
        got = numbers_in(path) if good else []
        check(f"{name}: every packet that the account says", len(got) == account.get("printed") > 0 and
              got == sorted(set(got)) and (len(printers) > 1 or got == list(range(PACKETS))), f"{len(got)}, {account}")


def by_kind(program, folder):
    """Unless told, only a swap from or to a capture file starts a new file: none holds two kinds."""
    files, done = swapped(program, folder, "--printer", "text", printers=("json", "csv", "pcap", "text", "pcapng", "csv"))
    together = sorted(n for path in files for n in numbers_in(path))
    check("by default: every packet once in all files together", together == list(range(PACKETS)),
          f"{len(together)} of {PACKETS}")
    heads = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a")
    content = [open(path, "rb").read() for path in files]
    mixed = [len(data) for data in content if sum(data.count(head) for head in heads) > (data[:4] in heads)]
    check("by default: no file holds two kinds", not mixed, mixed)
    check("by default: text, json and csv share one", 10 < len(files) <= done * 4 // 6 + 2 and
          any(b'{"type"' in data and b"\npacket," in data for data in content), f"{len(files)} files, {done} swaps")


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        fields(program, folder)
        if shutil.which("tcpdump", path=os.environ["PATH"] + ":/usr/sbin"):
            os.environ["PATH"] += ":/usr/sbin"
            copies(program, folder)
            header_bits(program, folder)
            real(program, folder)
            in_the_middle(program, folder)
            one_header(program, folder)
            empty_part(program, folder)
            by_kind(program, folder)
        else:
            skip("pcap as tcpdump writes it", "tcpdump is not installed")
        blocks(program, folder)
    finish()


main()
