#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A croomtap that is allowed little: limits.py CROOMTAP [PART...]

Started with each number of descriptors from none up, and with each size of address space: it says what it lacks, or runs and
its account adds up. And one that runs, and may open no more: swaps are refused, packets go on, and later swaps are not."""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import clean, received, wait_for  # noqa: E402
from rig import PATIENCE, Refused, Room, Tap, check, finish, numbers, numbers_in, skip, write_capture  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
COUNT = 300
LACKS = {"NOFILE": ("open files", "EMFILE", "Error 24"), "AS": ("emory", "thread", "cannot allocate", "cannot map", "failed to map")}


def start(which, limit):
    """What is wrong with a tap that has every handler that opens something, under this limit; and whether it ran."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", COUNT)
        pathlib.Path(f"{folder}/out").write_bytes(b"kept")
        number = getattr(resource, f"RLIMIT_{which}")
        run = subprocess.run([PROGRAM, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--printer", "text", "--audit", f"file:{folder}/audit",
                              "--metrics", f"file:{folder}/metrics", "--diag", "latency:1h", "--state", f"{folder}/state"],
                             env=dict(os.environ, XDG_RUNTIME_DIR=folder, TZ="UTC"), stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=5 * PATIENCE, check=False, preexec_fn=lambda: resource.setrlimit(number, (limit, limit)))
        said = run.stderr.decode(errors="replace")
        out = pathlib.Path(f"{folder}/out").read_bytes()
        ran = " received = " in said
        left = [name for name in ("metrics.part", "croom/croomtap.socket") if os.path.exists(f"{folder}/{name}")]
    good = {
        "the exit code": run.returncode in (0, 1, 127),
        "a sanitizer, or an account that does not add up": clean(said),
        "left behind": not left,
        "the reason": run.returncode == 0 or any(word in said for word in LACKS[which]),
        "not all of the packets": run.returncode or numbers(out) == list(range(COUNT)),
        # The last that can fail are the threads that would write it.
        "the output was emptied for nothing": ran or out == b"kept" or "cannot start its threads" in said,
        "who says it": all(line.startswith("croomtap: ") for line in said.splitlines()) or ran or run.returncode == 127,
    }
    wrong = [why for why, fine in good.items() if not fine]
    return (f"{which} {limit}: {wrong} {run.returncode} {left} {said[-600:]}" if wrong else None), ran


def few_descriptors():
    results = [start("NOFILE", limit) for limit in range(40)]
    bad, ran = [wrong for wrong, _ in results if wrong], [went for _, went in results]
    check("started with 0 to 39 descriptors: each says what it lacks, or all packets come out", not bad and not any(ran[:5]) and
          all(ran[25:]), f"{len(bad)}: {bad[:3]} {ran}")


def little_memory():
    """RLIMIT_AS, from where the program cannot be loaded to where all is well."""
    if subprocess.run([PROGRAM, "--version"], capture_output=True, check=False, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_AS, (1 << 30, 1 << 30))).returncode:
        skip("an address space that is small", "a sanitizer needs all of it")
        return
    results = [start("AS", megabytes << 20) for megabytes in (*range(4, 160, 6), 300, 600)]
    bad, ran = [wrong for wrong, _ in results if wrong], [went for _, went in results]
    check("started with 4 to 600 MB of address space: each says what it lacks, or all packets come out", not bad and not ran[0] and
          ran[-1], f"{len(bad)}: {bad[:3]} {ran}")


def locked_memory():
    """Nothing of it is locked, so none need be allowed."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", COUNT)
        run = subprocess.run([PROGRAM, "--no-control", "-r", f"{folder}/in.pcap"], capture_output=True, check=False, timeout=5 * PATIENCE,
                             env=dict(os.environ, TZ="UTC"),
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)))
    check("no memory may be locked: all packets come out", run.returncode == 0 and numbers(run.stdout) == list(range(COUNT)), run.stderr)


class Running:
    """Packets, as many as we like, and swaps meanwhile."""

    def __init__(self, folder, tap):
        self.folder, self.tap, self.sent = folder, tap, 0
        data = pathlib.Path(f"{folder}/in.pcap").read_bytes()
        self.head, self.packets = data[:24], data[24:]
        self.size = len(self.packets) // COUNT
        tap.process.stdin.write(self.head)
        tap.process.stdin.flush()
        self.room = tap.room()
        self.feed(10)

    def feed(self, count):
        for _ in range(count):
            self.tap.process.stdin.write(self.packets[self.sent % COUNT * self.size:][:self.size])
            self.sent += 1
        self.tap.process.stdin.flush()
        sent = self.sent
        return wait_for(lambda: received(self.room) == sent)

    def allow(self, more):
        """So many descriptors more than it has, counted from the lowest that is free."""
        pid = self.tap.process.pid
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        free = next(number for number in range(1 << 20) if number not in used)
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(free + more, hard), hard))


def out_of_descriptors():
    """Each swap that opens something, with none to be had, and with each number of them until it succeeds."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", COUNT)
        with Tap(PROGRAM, "-r", "-", "-w", f"{folder}/out", "--printer", "csv", "--no-split", "--state", f"{folder}/state", folder=folder,
                 stdin=subprocess.PIPE) as tap:
            one = Running(folder, tap)
            bad, refused = [], 0
            for turn, change in enumerate((
                    {"audit": f"file:{folder}/audit"}, {"metrics": f"file:{folder}/metrics"}, {"metrics": "statsd:127.0.0.1:9"},
                    {"metrics": "statsd:localhost:9"}, {"printer": "text"}, {"diag": "latency:1h"},
                    {"audit": f"file:{folder}/audit-2", "metrics": f"file:{folder}/metrics-2", "printer": "text", "diag": "drops"})):
                for more in range(20):
                    before = one.room.handlers()
                    one.allow(more)
                    try:
                        one.room.swap(**change)
                        said = None
                    except Refused as error:
                        said = str(error)
                    one.allow(1000)
                    now = one.room.handlers()
                    refused += said is not None
                    if now != (before if said else dict(before, **change)):
                        bad.append(f"{change}, {more}: {said}: {now}")
                    if said and not re.search("open files|System error|Name or service|resolution|thread", said):
                        bad.append(f"{change}, {more}: {said}")
                    if not one.feed(5):
                        bad.append(f"{change}, {more}: packets do not go on")
                    if not said:
                        break
                else:
                    bad.append(f"{change} is never in force")
                one.room.swap(audit="off", metrics="off", printer=("csv", "json")[turn % 2], diag="off")
            check("swaps while no more may be opened: refused with that reason and nothing changed, or in force", not bad and refused >= 4,
                  f"{refused} refused, {len(bad)}: {bad[:4]}")
            # Nobody new can be heard then, and is turned away; who is there already can, and later everybody.
            one.allow(0)
            try:
                told = f"answered: {Room(f'{folder}/croom/croomtap.socket').handlers()}"
            except Refused as error:
                told = str(error)
            except (OSError, EOFError):
                told = "closed"   # before we could ask
            check("no descriptor for another client: it is told so", told == "closed" or "no file descriptor left" in told, told)
            check("no descriptor for another client: packets and the clients there are go on", one.feed(20) and one.room.handlers())
            one.allow(1000)
            check("and when there are some again, so do the others", Room(f"{folder}/croom/croomtap.socket").handlers())
            tap.process.stdin.close()
            tap.process.stdin = None
            code, account = tap.end(), tap.account()
        got = numbers_in(f"{folder}/out")
        check("every packet is printed once and in order, the account adds up", code == 0 and clean(tap.err.decode()) and
              account.get("adds up") and account["printed"] == one.sent and got == [n % COUNT for n in range(one.sent)],
              f"{code} {len(got)} of {one.sent} {tap.err[-600:]}")


def main():
    parts = {"few": few_descriptors, "memory": little_memory, "locked": locked_memory, "running": out_of_descriptors}
    for part in sys.argv[2:] or parts:
        parts[part]()
    finish()


main()
