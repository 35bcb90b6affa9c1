#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Disks that fill up and readers that are slow: outputs.py CROOMTAP SENDER [-- PART...]

Each disk is a tmpfs of a few pages in a mount namespace of our own. What was printed is on it, what could not be written is
counted, and an output that is not the main one holds up nothing."""
import fcntl
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import capinfos, clean, gauge, inside, received, small_disk, told, wait_for, whole_packets  # noqa: E402
from rig import PATIENCE, Refused, Tap, check, ip, numbers, numbers_in, veth, write_capture  # noqa: E402

PROGRAM, SENDER = (os.path.abspath(path) for path in sys.argv[1:3])
COUNT = 40_000                      # packets of 64 bytes in a pcap file, of which each disk takes a part
SIZE = "1m"


def send(rate, count):
    return subprocess.Popen([SENDER, "far", str(rate), str(count)], stdout=subprocess.DEVNULL)


def disk(*options):
    """A small file system of its own. It goes with the mount namespace."""
    folder = tempfile.mkdtemp(prefix="croomtap-test-", dir=disks)
    small_disk(folder, *(options or (f"size={SIZE}",)))
    return folder


def full_file():
    """-w on a disk that fills up, from a file and live."""
    for how in ("file", "live"):
        full = disk()
        args = ["-r", capture] if how == "file" else ["-i", "near", "--ring", "8"]
        with Tap(PROGRAM, *args, "-w", f"{full}/out.pcap") as tap:
            if how == "live":
                tap.room()
                sender = send(50_000, 10_000_000)
            code, account = tap.end(), tap.account()
            if how == "live":
                sender.kill()
                sender.wait()
        said = tap.err.decode()
        whole, rest = whole_packets(pathlib.Path(f"{full}/out.pcap").read_bytes())
        check(f"-w, {how}: ends by itself with 1 and says why", code == 1 and clean(said) and
              f"cannot write to {full}/out.pcap: No space left on device" in said, f"{code} {said}")
        check(f"-w, {how}: the account adds up, what is not written is lost", account.get("adds up") and
              account["LOST"] == account["not written"] + account["lost in ring"] + account.get("lost in kernel", 0) and
              account["not written"] > 0, f"{account}")
        # The chunk that came in part is in no count of packets that are there.
        check(f"-w, {how}: what is printed is there, whole", account["printed"] > 1000 and
              0 <= whole - account["printed"] < 3000, f"{account}, {whole} there and {rest} bytes")
        found, words = capinfos(f"{full}/out.pcap")
        check(f"-w, {how}: capinfos reads the file up to its last whole packet", found == whole, f"{found}, {whole}: {words}")


def full_stdout():
    full = disk()
    with open(f"{full}/out", "wb") as out:
        with Tap(PROGRAM, "-r", capture, "--printer", "csv", stdout=out) as tap:
            code, account = tap.end(), tap.account()
    got = len(numbers_in(f"{full}/out"))
    check("standard output on a full disk: ends with 1, says why, adds up", code == 1 and account["adds up"] and
          b"cannot write to standard output: No space left" in tap.err and 0 <= got - account["printed"] < 2000 and
          account["LOST"] == account["not written"] > 0, f"{code} {account} {got} {tap.err}")


def full_limit():
    """ulimit -f, without anybody having told the shell to ignore its signal."""
    with tempfile.TemporaryDirectory(dir=top) as folder, \
            Tap(PROGRAM, "-r", capture, "-w", f"{folder}/out.pcap", prefix=("sh", "-c", "ulimit -f 512; exec \"$@\"", "sh")) as tap:
        code, account = tap.end(), tap.account()
        whole, _ = whole_packets(pathlib.Path(f"{folder}/out.pcap").read_bytes())
    check("ulimit -f: no signal, but an error and an account that adds up", code == 1 and account.get("adds up") and
          b"File too large" in tap.err and 0 <= whole - account["printed"] < 3000 and account["printed"] > 1000,
          f"{code} {account} {whole} {tap.err}")
    with tempfile.TemporaryDirectory(dir=top) as folder:
        run = subprocess.run(["sh", "-c", 'ulimit -f 0; exec "$@" 2>"$0"', f"{folder}/err", PROGRAM, "--no-control", "-r", capture,
                              "-w", "/dev/null"], check=False, timeout=5 * PATIENCE)
        check("ulimit -f 0 for the standard error: no signal either", run.returncode == 0, run)


def full_split():
    """There is no inode for the next file of --split."""
    full = disk("size=16m", "nr_inodes=2")
    with Tap(PROGRAM, "-r", capture, "--pace", "20000", "-w", f"{full}/out.pcap") as tap:
        room = tap.room()
        room.swap(printer="json")
        code, account = tap.end(), tap.account()
    whole, rest = whole_packets(pathlib.Path(f"{full}/out.pcap").read_bytes())
    check("no file for the next part: ends with 1, says why, adds up, the part before is whole", code == 1 and
          account.get("adds up") and b"No space left" in tap.err and whole == account["printed"] and rest == 0 and
          account["LOST"] == account["not written"] > 0, f"{code} {account} {whole} {rest} {tap.err}")


def full_audit():
    """The audit is left out from there, packets are not; on another disk it can be had again."""
    full, other = disk(), disk("size=64m")
    with Tap(PROGRAM, "-r", "-", "-w", "/dev/null", "--printer", "text", "--audit", f"file:{full}/audit",
             stdin=subprocess.PIPE) as tap:
        data = pathlib.Path(capture).read_bytes()
        tap.process.stdin.write(data)
        tap.process.stdin.flush()
        room = tap.room()
        wait_for(lambda: received(room) > COUNT * 9 // 10)
        try:
            room.swap(audit=f"file:{full}/another")
            refused = None
        except Refused as error:
            refused = str(error)
        room.swap(audit=f"file:{other}/audit")
        tap.process.stdin.write(data[24:])
        tap.process.stdin.close()
        tap.process.stdin = None
        code, account = tap.end(), tap.account()
    lines = pathlib.Path(f"{full}/audit").read_bytes().split(b"\n")
    check("a full disk under the audit: every packet is printed, exit code 1 and why", code == 1 and account["adds up"] and
          account["printed"] == 2 * COUNT and account["LOST"] == 0 and
          f"cannot write to {full}/audit: No space left on device; going on without it".encode() in tap.err, f"{code} {tap.err}")
    check("a full disk under the audit: its lines are whole up to the end", 1000 < len(lines) < COUNT and all(
        re.match(rb"\S+Z record \d+ revision 2 printed 48/48$", line) for line in lines[:-1]), lines[:2])
    lines = pathlib.Path(f"{other}/audit").read_text(encoding="ascii").splitlines()
    check("and elsewhere it goes on", refused is None and lines and lines[-1].split()[2] == str(2 * COUNT), lines[-1:])


def full_metrics():
    """The file keeps what it had, and is right again when there is room again."""
    full = disk("size=16k")
    path = pathlib.Path(f"{full}/metrics")
    with Tap(PROGRAM, "-r", "-", "-w", "/dev/null", "--printer", "text", "--metrics", f"file:{path}", stdin=subprocess.PIPE) as tap:
        data = pathlib.Path(capture).read_bytes()
        tap.process.stdin.write(data)
        tap.process.stdin.flush()
        room = tap.room()
        wait_for(lambda: path.exists() and path.stat().st_size)
        with open(f"{full}/filler", "wb") as filler:
            try:
                filler.write(bytes(65536))
                filler.flush()
            except OSError:
                pass
        before, said = path.read_text(), told(tap)
        tap.process.stdin.write(data[24:])
        tap.process.stdin.flush()
        wait_for(lambda: received(room) > COUNT)
        check("a full disk under metrics: says so once, and the file stays as it was, whole", path.read_text() == before and
              said.count(b"\n") == 1 and before.endswith("# EOF\n") and
              f"cannot write to {path}: No space left on device; it keeps the figures".encode() in said, f"{said} {before}")
        os.truncate(f"{full}/filler", 0)
        good = wait_for(lambda: path.read_text() != before and path.read_text().endswith("# EOF\n"))
        check("and when there is room again, it is up to date", good, path.read_text())
        tap.process.stdin.close()
        tap.process.stdin = None
        code, account = tap.end(), tap.account()
        check("a full disk under metrics: every packet is printed, exit code 0", code == 0 and account["adds up"] and
              account["printed"] == 2 * COUNT, f"{code} {tap.err}")


def nothing_left():
    """What is refused at the start leaves no file of those that were opened before it."""
    with tempfile.TemporaryDirectory(dir=top) as folder:
        with Tap(PROGRAM, "-r", capture, "-w", f"{folder}/no/file", "--metrics", f"file:{folder}/metrics") as tap:
            code = tap.end()
        check("-w that cannot be: exit code 1, and no file of --metrics is left", code == 1 and b"-w" in tap.err and
              not os.listdir(folder), f"{code} {os.listdir(folder)} {tap.err}")


class SlowReader:
    """Of a pipe: 1 KiB a second, until told to hurry."""

    def __init__(self, pipe):
        self.data, self.pipe, self.hurry = [], pipe, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while more := os.read(self.pipe, 65536 if self.hurry.is_set() else 102):
            self.data.append(more)
            self.hurry.wait(0.1)

    def all(self):
        self.hurry.set()
        self.thread.join()
        return b"".join(self.data)


def slow_pipe():
    """A ring that is full all the time. What is lost is the same in every place that counts it, and control does not wait."""
    with tempfile.TemporaryDirectory(dir=top) as folder:
        with Tap(PROGRAM, "-i", "near", "-B", "256", "--ring", "1", "-w", "-", "--printer", "text", "--diag", "drops",
                 "--metrics", f"file:{folder}/metrics", "--audit", f"file:{folder}/audit") as tap:
            fcntl.fcntl(tap.process.stdout.fileno(), fcntl.F_SETPIPE_SZ, 4096)
            room, pipe = tap.room(), os.dup(tap.process.stdout.fileno())
            tap.process.stdout.close()
            tap.process.stdout = None
            reader = SlowReader(pipe)
            sender = send(30_000, 90_000)
            lost = wait_for(lambda: gauge(room, "lost") > 1000)
            slowest = 0.0
            for filter_ in ("bpf:udp", "all") * 5:
                start = time.monotonic()
                room.swap(wait_ms=0, filter=filter_)
                slowest = max(slowest, time.monotonic() - start)
            sender.wait()
            tap.interrupt()
            out = reader.all()
            os.close(pipe)
            code, account = tap.end(), tap.account()
        said = tap.err.decode()
        check("1 KiB a second: packets are lost, and the account adds up", lost and code == 0 and account.get("adds up") and
              account["lost in ring"] > 1000 and account["LOST"] == account["lost in ring"] + account["lost in kernel"], said)
        check("1 KiB a second: all that is printed comes out", len(numbers(out)) == account["printed"] and out.endswith(b"\n"),
              f"{len(numbers(out))} {account}")
        check(f"1 KiB a second: swaps are answered, in {slowest * 1000:.0f} ms at worst", slowest < PATIENCE / 2)
        told = [(int(ring), int(kernel)) for ring, kernel in re.findall(r"drops: (\d+) in ring, (\d+) in kernel", said)]
        check("1 KiB a second: diag=drops adds up to the account", (sum(r for r, _ in told), sum(k for _, k in told)) ==
              (account["lost in ring"], account["lost in kernel"]), f"{told[-3:]} {account}")
        text = pathlib.Path(f"{folder}/metrics").read_text(encoding="ascii")
        figures = {name: int(figure) for name, figure in re.findall(r"^croomtap_(\w+)_packets_total (\d+)$", text, re.M)}
        check("1 KiB a second: so do the metrics", (figures.get("lost_ring"), figures.get("printed")) ==
              (account["lost in ring"], account["printed"]), f"{figures} {account}")
        lines = pathlib.Path(f"{folder}/audit").read_text(encoding="ascii").splitlines()
        missing = sum(int(line.split()[1]) for line in lines if line.startswith("#"))
        check("1 KiB a second: the audit has a line for each that the lane took, or says how many are missing",
              len([line for line in lines if not line.startswith("#")]) + missing == account["printed"] + account["filtered"],
              f"{len(lines)} {missing} {account}")


with tempfile.TemporaryDirectory(prefix="croomtap-test-") as top:
    # What is mounted below cannot be removed before the namespace has gone; the folder on which it all lies can.
    capture, disks = f"{top}/in.pcap", f"{top}/disks"
    if "--inside" in sys.argv:
        small_disk(disks, "size=64k")
        write_capture(capture, COUNT)
        ip("link", "set", "lo", "up")
        veth()
    try:
        inside("outputs", (full_file, full_stdout, full_limit, full_split, full_audit, full_metrics, nothing_left, slow_pipe),
               ("mount", "capinfos"), mounts=True)
    finally:
        if "--inside" in sys.argv:
            subprocess.run(["umount", "-R", disks], check=True)
