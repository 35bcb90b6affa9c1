#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap itself while memory runs out: scarce.py CROOMTAP-SCARCE [PART...]

CROOMTAP-SCARCE is croomtap with test/faults/scarce.c before malloc() and its like. Each allocation of its start fails once,
and once with all that follow; then each that a swap makes while packets flow, in whichever thread."""
import json
import mmap
import os
import pathlib
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tap"))
from rig import PATIENCE, Refused, Tap, check, finish, numbers, numbers_in, write_capture  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
PACKETS = 300
NOT, ONE, ON = 0, 1, 2


class Orders:
    """struct scarce of scarce.h, in a file."""

    def __init__(self, folder):
        self.path = f"{folder}/orders"
        with open(self.path, "wb") as file:
            file.write(bytes(64))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 64)
        os.environ["SCARCE"] = self.path

    def begin(self, how, at):
        self.map[8:64] = struct.pack("<qqq", at, 0, 0) + bytes(32)
        self.map[0:8] = struct.pack("<q", how)

    def end(self):
        """How many allocations failed."""
        self.map[0:8] = struct.pack("<q", NOT)
        return self.failed()

    def failed(self):
        return struct.unpack("<q", self.map[24:32])[0]

    def last(self):
        return self.map[32:64].split(b"\0")[0].decode()


def clean(said):
    return "Sanitizer" not in said and "runtime error" not in said and "does not add up" not in said


def start_once(folder, orders, how, at):
    """What is wrong with the end of a tap whose `at`th allocation fails; None when nothing is. And whether it ran."""
    for name in ("out", "audit", "metrics", "metrics.part"):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    orders.begin(how, at)
    with Tap(PROGRAM, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--printer", "text", "--audit", f"file:{folder}/audit",
             "--metrics", f"file:{folder}/metrics", "--diag", "latency:1h", "--strategy", "sample:1", folder=folder,
             prefix=("env", "TZ=XYZ-9")) as tap:
        code, account = tap.end(), tap.account()
    said = tap.err.decode(errors="replace")
    data = pathlib.Path(f"{folder}/out").read_bytes() if os.path.exists(f"{folder}/out") else b""
    got = numbers(data)
    if code not in (0, 1) or not clean(said):
        wrong = f"exit code {code}"
    elif data and not data.startswith(b"07:13:20."):
        wrong = f"the time zone is lost: {data[:20]}"
    elif os.path.exists(f"{folder}/metrics.part"):
        wrong = "metrics.part is still there"
    elif account:
        # It ran: all that it says it has printed is there, and without a reason it has printed all.
        whole = got == list(range(PACKETS)) and account["printed"] == PACKETS
        wrong = None if account["adds up"] and account["printed"] == len(got) and (whole if code == 0 else True) else f"{account}"
    else:
        wrong = None if code == 1 and ("emory" in said or "thread" in said) and not got else "no word on what it was"
    if os.path.exists(f"{folder}/croom/croomtap.socket") or os.path.exists(f"{folder}/croom/croomtap.socket.lock"):
        wrong = "its socket is still there"
    return (f"{at}, {orders.last()}: {wrong}: {said[-500:]}" if wrong else None), bool(account), orders.end()


def start(folder, orders):
    for how, name in ((ONE, "one"), (ON, "one and all that follow")):
        bad, ran, at, failed = [], 0, 0, 1
        while failed and at < 2000:
            at += 1
            wrong, went, failed = start_once(folder, orders, how, at)
            bad += [wrong] if wrong else []
            ran += went
        print(f"# start, {name}: {at - 1} allocations, {ran} ran all the same")
        check(f"start, {name} missing: an end with a reason, or all packets come out", not bad and at > 50 and not failed,
              f"{len(bad)}: {bad[:5]}")


def swaps(folder):
    """Each is tried for each of its allocations, and is to be in force afterwards."""
    return ({"printer": "json"}, {"printer": "csv", "strategy": "sample:1"}, {"audit": f"file:{folder}/audit"}, {"audit": "off"},
            {"metrics": f"file:{folder}/metrics"}, {"metrics": "statsd:127.0.0.1:9"}, {"diag": "latency:1h"},
            {"strategy": "each", "diag": "off", "metrics": "off", "printer": "text"})


def try_swap(tap, room, orders, how, at, change):
    """Swap with the `at`th allocation failing. What is wrong; how many failed."""
    before = room.handlers()
    orders.begin(how, at)
    done = None
    try:
        done = room.swap(**change)
    except (Refused, OSError, EOFError, json.JSONDecodeError) as error:
        said = error
    failed = orders.end()
    if done is None:
        if isinstance(said, json.JSONDecodeError) or isinstance(said, Refused) and \
                not any(word in str(said) for word in ("emory", "thread")):
            return f"{at}, {orders.last()}: {said}", failed, room
        if not isinstance(said, Refused):
            room = tap.room()
    now = room.handlers()
    wanted = dict(before, **change)
    # Without an answer both are right, a mixture is not.
    if now != wanted and (done is not None or now != before) or isinstance(done, Refused) and now != before:
        return f"{at}, {orders.last()}: {change} gave {now}, before {before}", failed, room
    return None, failed, room


def running(folder, orders):
    """While packets flow at a steady rate; they end when the swaps have, for standard input does then."""
    with open(f"{folder}/in.pcap", "rb") as file:
        data = file.read()
    header, packets = data[:24], data[24:]
    size, sent, tried, bad = len(packets) // PACKETS, 0, 0, []
    orders.begin(NOT, 0)
    with Tap(PROGRAM, "-r", "-", "-w", f"{folder}/running", "--printer", "text", "--no-split", folder=folder, stdin=-1) as tap:
        def feed(count):
            nonlocal sent
            for _ in range(count):
                tap.process.stdin.write(packets[sent % PACKETS * size:][:size])
                sent += 1
            tap.process.stdin.flush()
        tap.process.stdin.write(header)
        feed(50)
        room = tap.room()
        for change in swaps(folder):
            for how in (ONE, ON):
                at, failed = 0, 1
                while failed and at < 300:
                    at += 1
                    wrong, failed, room = try_swap(tap, room, orders, how, at, change)
                    bad += [wrong] if wrong else []
                    feed(3)
                tried += at
            room.swap(**change)
        until = time.monotonic() + PATIENCE
        tap.process.stdin.close()
        tap.process.stdin = None
        while tap.process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        code, account = tap.end(), tap.account()
    said = tap.err.decode(errors="replace")
    print(f"# running: {tried} swaps without one of their allocations, {account}")
    check("swaps while packets flow: each is refused with a reason, or in force", not bad and tried > 300, f"{len(bad)}: {bad[:5]}")
    got = numbers_in(f"{folder}/running")
    check("and every packet is printed once and in order, the account adds up", code == 0 and clean(said) and
          account["adds up"] and account["printed"] == sent and got == [n % PACKETS for n in range(sent)],
          f"{code}, {len(got)} of {sent}: {said[-1000:]}")


def main():
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        os.environ.update(TZ="UTC", TSAN_OPTIONS=os.environ.get("TSAN_OPTIONS", "") + " atexit_sleep_ms=0")
        write_capture(f"{folder}/in.pcap", PACKETS)
        orders = Orders(folder)
        parts = {"start": start, "running": running}
        for part in sys.argv[2:] or parts:
            parts[part](folder, orders)
    finish()


main()
