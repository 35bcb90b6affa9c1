#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clocks that are set back: clock.py CROOMTAP CROOMCTL CLOCK.SO SENDER [-- PART...]

In a capture file the times of the packets go back; in a running tap its own wall clock does, by a clock that CLOCK.SO puts
before libc's. What has an interval goes on from there, every packet is counted once, and the journal tells."""
import mmap
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import clean, inside, received, told, wait_for  # noqa: E402
from rig import PATIENCE, Tap, check, frame, ip, numbers, veth, write_capture  # noqa: E402

PROGRAM, CROOMCTL, CLOCK, SENDER = (os.path.abspath(path) for path in sys.argv[1:5])
SECOND, HOUR = 10**9, 3600 * 10**9
COUNT = 4000


def one_file(folder, when, *args, make=frame):
    """(exit code, account, what it printed, what it said, seconds) of a capture file with these times."""
    write_capture(f"{folder}/in.pcap", COUNT, when=when, make=make)
    begun = time.monotonic()
    with Tap(PROGRAM, "--no-control", "-r", f"{folder}/in.pcap", *args) as tap:
        code, account = tap.end(), tap.account()
    return code, account, tap.out, tap.err.decode(), time.monotonic() - begun


def stepped(number):
    """1 ms apart, and an hour back in the middle."""
    return number * 1_000_000 - (HOUR if number >= COUNT // 2 else 0)


def rows(out):
    """(packets, first, last) of each row of csv: flows or top."""
    lines = out.decode().splitlines()
    head = lines[0].split(",")
    return [dict(zip(head, line.split(","))) for line in lines[1:]]


def file_printers():
    """Each packet comes once and in the order of the file, whatever its time."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        for printer in ("text", "csv", "json"):
            code, account, out, said, _ = one_file(folder, stepped, "--printer", printer, "--audit", f"file:{folder}/audit-{printer}",
                                                   "--diag", "latency:1ms", "--metrics", f"file:{folder}/metrics")
            check(f"an hour back in a file, {printer}: every packet once, in order", code == 0 and clean(said) and
                  account.get("adds up") and numbers(out) == list(range(COUNT)), f"{code} {said[-500:]}")
            audit = pathlib.Path(f"{folder}/audit-{printer}").read_text(encoding="ascii").splitlines()
            stamps = [line.split()[0] for line in audit]
            check(f"an hour back in a file, {printer}: the audit has the times of the packets", len(stamps) == COUNT and
                  stamps[COUNT // 2 - 1].startswith("2023-11-14T22:13:21.999") and
                  stamps[COUNT // 2].startswith("2023-11-14T21:13:22.000"), stamps[COUNT // 2 - 1:COUNT // 2 + 1])


def file_strategies():
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        for strategy in ("flows:1s", "flows:1h", "top:5"):
            code, account, out, said, _ = one_file(folder, stepped, "--strategy", strategy, "--printer", "csv")
            got = rows(out)
            check(f"an hour back in a file, {strategy}: every packet is in one row", code == 0 and clean(said) and
                  account.get("adds up") and sum(int(row["packets"]) for row in got) == COUNT, f"{code} {said[-300:]} {out[:300]}")
            # With an interval as long as the jump both times may be in one.
            check(f"an hour back in a file, {strategy}: no row is about both times", strategy == "flows:1h" or
                  len(got) > 1 and all(float(row["seconds"]) < 3 for row in got), got[:3])

        def shaken(number):
            return number * 1_000_000 - (number % 3) * 5_000_000

        code, account, out, said, _ = one_file(folder, shaken, "--strategy", "flows:1h", "--printer", "csv",
                                               make=lambda number: frame(number % 200))
        flows = {(row["src"], row["src_port"], row["dst"]) for row in rows(out)}
        check("packets a little out of order: a row for each flow, and no more", code == 0 and account.get("adds up") and
              len(rows(out)) == len(flows) == 200 and sum(int(row["packets"]) for row in rows(out)) == COUNT,
              f"{len(rows(out))} rows of {len(flows)} flows: {out[:300]} {said[-300:]}")


def file_pace():
    """The second half keeps its own pace, and comes neither at once nor an hour later."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        def when(number):
            return number * SECOND // COUNT * 2 - (HOUR if number >= COUNT // 2 else 0)
        code, account, out, said, seconds = one_file(folder, when, "--pace", "recorded")
        check("--pace recorded, an hour back in the middle: takes its two seconds", code == 0 and account.get("adds up") and
              numbers(out) == list(range(COUNT)) and seconds >= 1.9, f"{code} {seconds} {said[-300:]}")


class Clock:
    """How far off the wall clock is of those that are started with its environment."""

    def __init__(self, folder):
        self.path = f"{folder}/offset"
        pathlib.Path(self.path).write_bytes(bytes(8))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.prefix = ("env", f"LD_PRELOAD={CLOCK}", f"CLOCK_OFFSET={self.path}")

    def set(self, offset):
        self.map[:] = struct.pack("<q", offset)


def live_latency():
    """diag=latency with a line every 50 ms, before and after its clock goes back by an hour; all packets are in the lines."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        clock = Clock(folder)
        clock.set(HOUR)
        with Tap(PROGRAM, "-i", "near", "-w", f"{folder}/out", "--printer", "text", "--diag", "latency:50ms", "--strategy", "sample:1",
                 prefix=clock.prefix) as tap:
            tap.room()
            sender = subprocess.Popen([SENDER, "far", "2000", "1000000"], stdout=subprocess.DEVNULL)
            before = told(tap, b"latency us")
            clock.set(0)
            after = more = told(tap, b"packets\n")
            while after.count(b"packets\n") < 10 and b"packets\n" in more:
                after += (more := told(tap, b"packets\n"))
            sender.kill()
            sender.wait()
            tap.interrupt()
            code, account = tap.end(), tap.account()
        lines = re.findall(rb"max (\d+)\.\d+ of (\d+) packets", before + after + tap.err)
        check("the clock goes back by an hour: diag=latency goes on, at once", after.count(b"packets\n") >= 10, after)
        check("the clock goes back by an hour: each packet is in one of its lines", code == 0 and account.get("adds up") and
              sum(int(count) for _, count in lines) == account["printed"] > 0, f"{code} {account} {lines[-3:]}")
        check("the clock goes back by an hour: before it they are an hour old, and not after", int(lines[0][0]) >= 3600 * 10**6 and
              int(lines[-2][0]) < 3000 * 10**6, f"{lines[0]} {lines[-2]}")


def live_flows():
    """A live capture without packets has its time from the clock: a step back ends the interval, and it goes on."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        clock = Clock(folder)
        with Tap(PROGRAM, "-i", "near", "-w", f"{folder}/out", "--printer", "csv", "--strategy", "flows:1h", "--metrics",
                 f"file:{folder}/metrics", prefix=clock.prefix) as tap:
            room = tap.room()
            for turn in range(3):
                sender = subprocess.Popen([SENDER, "far", "5000", "500"], stdout=subprocess.DEVNULL)
                sender.wait()
                wait_for(lambda: received(room) >= 500 * (turn + 1))
                clock.set(-2 * HOUR * (turn + 1))
                wait_for(lambda: sum(int(row["packets"]) for row in rows(pathlib.Path(f"{folder}/out").read_bytes() or b"\n")) >=
                         500 * (turn + 1))
            out = pathlib.Path(f"{folder}/out").read_bytes()
            tap.interrupt()
            code, account = tap.end(), tap.account()
        check("the clock goes back by two hours, three times: the rows of an hour are printed each time", code == 0 and
              account.get("adds up") and sum(int(row["packets"]) for row in rows(out)) == 1500 == account["summarised"],
              f"{code} {account} {out[-300:]}")
        text = pathlib.Path(f"{folder}/metrics").read_text(encoding="ascii")
        check("the clock goes back: metrics are counted on", "croomtap_summarised_packets_total 1500\n" in text, text[:500])


def live_journal():
    """What was in force at a time that came twice: both are told. The history stays in the order in which things were done."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        clock = Clock(folder)
        clock.set(HOUR)
        write_capture(f"{folder}/in.pcap", 10)
        with Tap(PROGRAM, "-r", "-", "-w", "/dev/null", "--state", f"{folder}/state", stdin=subprocess.PIPE, folder=folder,
                 prefix=clock.prefix) as tap:
            tap.process.stdin.write(pathlib.Path(f"{folder}/in.pcap").read_bytes())
            tap.process.stdin.flush()
            room = tap.room()
            room.swap(printer="json")
            clock.set(0)
            room.swap(printer="csv", audit=f"file:{folder}/audit")
            back = room.call("Rollback", command="test")
            entries = room.call("History")["entries"]
            check("the clock goes back: the history is in the order of its revisions", [entry["revision"] for entry in entries] ==
                  sorted((entry["revision"] for entry in entries), reverse=entries[0]["revision"] > entries[-1]["revision"]) and
                  back["revision"] == 5 and room.handlers()["printer"] == "json", entries)

            def ctl(*args):
                return subprocess.run([CROOMCTL, *args], env=dict(os.environ, XDG_RUNTIME_DIR=folder, TZ="UTC"), text=True,
                                      capture_output=True, timeout=PATIENCE, check=False)
            told_at = ctl("at", "now")
            check("the clock goes back: `at now` says what is in force", told_at.returncode == 0 and "printer    json" in
                  told_at.stdout, told_at)
            shown = ctl("history", "--since", "1h")
            check("the clock goes back: `history --since` has the changes before and after it", shown.returncode == 0 and
                  shown.stdout.count("changed") >= 3 and "-> csv" in shown.stdout and "-> json" in shown.stdout, shown)
            verdict = ctl("journal", "verify")
            check("the clock goes back: the journal is as it was written, and verify says that it went back once",
                  verdict.returncode == 0 and "the clock was set back 1 time" in verdict.stdout, verdict)
            box = ctl("blackbox", f"{folder}/croom/croomtap.blackbox")
            check("the clock goes back: the black box is whole", box.returncode in (0, 1) and "Sanitizer" not in box.stderr, box)
            tap.process.stdin.close()
            tap.process.stdin = None
            code = tap.end()
            check("the clock goes back: exit code 0", code == 0 and clean(tap.err.decode()), f"{code} {tap.err}")


if "--inside" in sys.argv:
    ip("link", "set", "lo", "up")
    veth()
inside("clock", (file_printers, file_strategies, file_pace, live_latency, live_flows, live_journal))
