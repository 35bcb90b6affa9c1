#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lane makes no system call and no allocation while records flow, whatever sits in its slots:
silent.py CROOMTAP TRAP_LIBRARY

System calls: a seccomp filter on the lane thread that ends the process (test/tap/sigsys.c shows that it does).
Allocations: a malloc() that ends it when the lane calls it, and which is shown to do so for another thread."""
import itertools
import os
import sys
import tempfile

from rig import Refused, Tap, check, finish, write_capture

PACKETS = 100_000


def swaps(folder):
    """For ever: every class of every slot comes round."""
    rounds = [itertools.cycle(handlers) for handlers in (
        [f"printer={p}" for p in ("json", "pcap", "csv", "pcapng", "none", "text")],
        ["strategy=sample:3", "strategy=flows:1", "strategy=each", "strategy=top:5", "strategy=flows", "strategy=top"],
        ["filter=bpf:udp", "filter=none", "filter=all", "filter=bpf:ip src net 10.0.0.0/24"],
        [f"audit=file:{folder}/audit", "audit=off"],
        [f"metrics=file:{folder}/metrics", "metrics=statsd:127.0.0.1:9", "metrics=off"],
        ["diag=latency:1s", "diag=drops", "diag=malformed", "diag=off"])]
    while True:
        for one in rounds:
            yield dict([next(one).split("=", 1)])


def run(program, folder, name, *args):
    done, classes = 0, set()
    with Tap(program, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--pace", "40000", *args, folder=folder) as tap:
        room = tap.room()
        try:
            for change in swaps(folder):
                room.swap(**change)
                done += 1
                classes.add(tuple(change.items()))
        except (EOFError, OSError, Refused) as error:
            last = f"{type(error).__name__}: {error}"
        code = tap.end()
        said = tap.err.decode(errors="replace")
        account = tap.account()
    print(f"{name}: {done} swaps, {len(classes)} handlers, then {last}")
    check(f"{name}: lives to its end", code == 0, f"exit code {code}: {said[-1000:]}")
    check(f"{name}: the account adds up", account.get("adds up") and account["received"] == PACKETS, said[-1000:])
    check(f"{name}: every class of every slot had its turn", len(classes) == 25, f"{len(classes)} of 25")
    for file in os.listdir(folder):
        if file.startswith(("out", "audit", "metrics")):
            os.unlink(f"{folder}/{file}")


def main():
    program, trap = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", PACKETS)
        run(program, folder, "no system call", "--spin", "--lane-seccomp")
        os.environ["LD_PRELOAD"] = trap
        run(program, folder, "no allocation")
        os.environ["TRAP_THREAD"] = "croomtap"
        with Tap(program, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", folder=folder) as tap:
            code = tap.end()
        check("the trap traps: an allocation by another thread that it is set for", code == -6 and b"TRAP: " in tap.err,
              f"{code}: {tap.err[-300:]}")
    finish()


main()
