#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The whole pipeline while every slot is swapped without a pause: no packet twice, none missing, the account adds
up, and in the sanitizers' trees they have nothing to say: pipeline.py CROOMTAP

The packets come in a steady stream and with pauses, so that the lane works, sleeps and wakes."""
import itertools
import os
import sys
import tempfile

from rig import Refused, Tap, check, finish, numbers, write_capture

PACKETS = 60_000


def swaps(folder):
    """For ever: the next change. All keep every packet, in every format."""
    printers = itertools.cycle(["text", "json", "csv"])
    filters = itertools.cycle(["bpf:udp", "all", "bpf:ip src net 10.0.0.0/24 and udp port 9", "bpf:len > 20"])
    strategies = itertools.cycle(["sample:1", "each"])
    audits = itertools.cycle([f"file:{folder}/audit", "off"])
    metrics = itertools.cycle([f"file:{folder}/metrics", "off", "statsd:127.0.0.1:9"])
    diags = itertools.cycle(["latency", "off", "drops", "malformed"])
    while True:
        yield {"printer": next(printers)}
        yield {"filter": next(filters), "strategy": next(strategies)}
        yield {"audit": next(audits), "diag": next(diags)}
        yield {"printer": next(printers), "metrics": next(metrics)}


def run(program, folder, name, *args):
    """One tap over in.pcap, swapped until it ends."""
    done = 0
    with Tap(program, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--printer", "text", "--no-split", *args,
             folder=folder) as tap:
        room = tap.room()
        try:
            for change in swaps(folder):
                room.swap(**change)
                done += 1
        except (EOFError, OSError, Refused) as error:
            # At the end of the file the tap goes, and with it the connection.
            last = f"{type(error).__name__}: {error}"
        code = tap.end()
        said = tap.err.decode(errors="replace")
        account = tap.account()
    with open(f"{folder}/out", "rb") as file:
        got = numbers(file.read())
    print(f"{name}: {done} swaps, then {last}")
    check(f"{name}: ends with 0", code == 0, f"exit code {code}: {said[-3000:]}")
    check(f"{name}: the sanitizers are silent", "Sanitizer" not in said and "runtime error" not in said, said[:3000])
    check(f"{name}: every number once and in order", got == list(range(PACKETS)),
          f"{len(got)} of {PACKETS}, {len(set(got))} different")
    check(f"{name}: the account adds up", account.get("adds up") and account["received"] == PACKETS, said[-1000:])
    check(f"{name}: it was swapped all the time", done >= 50 and account.get("swaps", 0) >= done,
          f"{done} swaps, {account}")


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", PACKETS)
        run(program, folder, "steady", "--pace", "30000")
        # Bursts of 100 every 5 ms: the lane falls asleep between them.
        write_capture(f"{folder}/in.pcap", PACKETS, when=lambda number: number // 100 * 5_000_000)
        run(program, folder, "bursts", "--pace", "recorded")
    finish()

if __name__ == "__main__":
    main()
