#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An output that nobody reads holds up no other: unread.py CROOMTAP

The main output is a pipe of 4 KiB that nobody reads. Other outputs are closed and opened meanwhile and are whole when the
swap is answered; the end comes with the second Ctrl-C, and its account is true."""
import fcntl
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import clean, received, told, wait_for  # noqa: E402
from rig import PATIENCE, Tap, check, finish, numbers, write_capture  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
FEW, MANY = 3000, 60_000             # lines that the main sink takes; more than that


class Unread(Tap):
    """A tap whose main output is a pipe that only we hold; pipe: our end of it."""

    def __init__(self, folder, how, *args):
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        if how == "a FIFO":
            os.mkfifo(f"{folder}/fifo")
            self.pipe = os.open(f"{folder}/fifo", os.O_RDONLY | os.O_NONBLOCK)
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 4096)
            os.set_blocking(self.pipe, True)
            os.close(read)
            args = ("-w", f"{folder}/fifo", *args)
        else:
            self.pipe = read
        super().__init__(PROGRAM, "-r", "-", "--printer", "text", *args, folder=folder, stdin=subprocess.PIPE, stdout=write)
        os.close(write)

    def feed(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def finish(self, end=os.close):
        """Two Ctrl-C, as somebody types them. What it says, and all that is in the pipe."""
        self.interrupt()
        said = told(self, b"press Ctrl-C again")
        self.interrupt()
        self.process.wait(PATIENCE)
        self.process.stdin.close()
        self.process.stdin = None
        code = self.end()
        self.err = said + self.err
        out = b""
        while more := os.read(self.pipe, 65536):
            out += more
        end(self.pipe)
        return code, out


def lines(path):
    return pathlib.Path(path).read_text(encoding="ascii").splitlines()


def timed(room, worst, **change):
    begun = time.monotonic()
    room.swap(**change)
    worst.append(time.monotonic() - begun)


def ended(name, tap, code, out, count):
    account = tap.account()
    got = numbers(out)
    check(f"{name}: the second Ctrl-C ends it with 130, and the account adds up", code == 130 and clean(tap.err.decode()) and
          account.get("adds up") and account["received"] >= count and account["LOST"] >= account["not written"] > 0,
          f"{code} {account} {tap.err[-600:]}")
    # A line that was written in part is in no count of lines that are there; nor is its chunk.
    check(f"{name}: what is printed is in the pipe, in order", got == list(range(len(got))) and
          0 <= len(got) - account["printed"] < 2000, f"{len(got)} {account} {tap.err[-300:]}")


def beside(data):
    """The lane sleeps, the main output waits for its reader: swaps of all other outputs."""
    for how in ("standard output", "a FIFO"):
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, \
                Unread(folder, how, "--audit", f"file:{folder}/a", "--metrics", f"file:{folder}/m", "--diag", "latency:1h") as tap:
            tap.feed(data[FEW])
            room, worst = tap.room(), []
            wait_for(lambda: received(room) == FEW)
            timed(room, worst, audit=f"file:{folder}/b")
            check(f"{how}: the audit is whole when another takes its place", len(lines(f"{folder}/a")) == FEW, len(lines(f"{folder}/a")))
            tap.feed(data[FEW][24:])
            wait_for(lambda: received(room) == 2 * FEW)
            timed(room, worst, audit="off")
            check(f"{how}: so is that one when it ends", len(lines(f"{folder}/b")) == FEW, len(lines(f"{folder}/b")))
            timed(room, worst, metrics="off")
            text = pathlib.Path(f"{folder}/m").read_text(encoding="ascii")
            check(f"{how}: the metrics have every packet", f"croomtap_received_packets_total {2 * FEW}\n" in text, text[:300])
            timed(room, worst, diag="off")
            said = told(tap)
            check(f"{how}: the diagnosis that is swapped out while the lane sleeps says its last line",
                  f"of {2 * FEW} packets\n".encode() in said, said)
            check(f"{how}: each swap is answered, in {max(worst) * 1000:.0f} ms at worst", max(worst) < PATIENCE / 2, worst)
            code, out = tap.finish()
            ended(f"{how} that nobody reads", tap, code, out, 2 * FEW)


def lane_waits(data):
    """More than the main sink takes: the lane waits, a swap is in force as soon as it goes on, and the end comes."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, Unread(folder, "standard output") as tap:
        tap.feed(data[MANY][:24])
        os.set_blocking(tap.process.stdin.fileno(), False)
        room, sent = tap.room(), 24

        def full():
            nonlocal sent
            try:
                sent += os.write(tap.process.stdin.fileno(), data[MANY][sent:sent + 65536])
                return False
            except BlockingIOError:
                return True
        wait_for(lambda: sent < len(data[MANY]) and full() and gone_quiet(room))
        begun = time.monotonic()
        room.swap(wait_ms=0, filter="bpf:tcp")
        check("the lane waits for its reader: a swap is answered all the same", time.monotonic() - begun < PATIENCE / 2)
        code, out = tap.finish()
        ended("the lane waits for its reader", tap, code, out, 1000)


def gone_quiet(room):
    before = received(room)
    time.sleep(0.2)
    return before == received(room)


def read_late(data):
    """A reader that comes after the first Ctrl-C gets everything."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, Unread(folder, "standard output") as tap:
        tap.feed(data[FEW])
        room = tap.room()
        wait_for(lambda: received(room) == FEW)
        tap.interrupt()
        told(tap, b"press Ctrl-C again")
        out = b""
        while more := os.read(tap.pipe, 65536):
            out += more
        os.close(tap.pipe)
        tap.process.stdin.close()
        tap.process.stdin = None
        code, account = tap.end(), tap.account()
        check("a reader that comes after Ctrl-C: gets all, exit code 0", code == 0 and numbers(out) == list(range(FEW)) and
              account.get("printed") == FEW, f"{code} {len(out)} {tap.err}")


def nothing_read(data):
    """Neither output nor standard error: it ends with the second Ctrl-C all the same."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        outs, errs = os.pipe(), os.pipe()
        for _, write in (outs, errs):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        os.write(errs[1], b"." * 4096)
        tap = subprocess.Popen([PROGRAM, "--room", "unread", "-r", "-", "--diag", "latency:1ms"], stdin=subprocess.PIPE, stdout=outs[1],
                               stderr=errs[1], env=dict(os.environ, XDG_RUNTIME_DIR=folder))
        os.close(outs[1])
        os.close(errs[1])
        tap.stdin.write(data[FEW])
        tap.stdin.flush()
        wait_for(lambda: os.path.exists(f"{folder}/croom/unread.socket"))
        # The second is one if it does not come right behind the first.
        tap.send_signal(2)
        time.sleep(1)
        tap.send_signal(2)
        try:
            code = tap.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = "it goes on"
            tap.kill()
            tap.wait()
        tap.stdin.close()
        os.close(outs[0])
        os.close(errs[0])
        check("neither output nor standard error is read: the second Ctrl-C ends it with 130", code == 130, code)


def full(fd):
    return not select.select([], [fd], [], 0)[1]


def terminals(data):
    """A terminal takes a part of a line and waits with the rest: an audit that goes to one, and standard error."""
    for what in ("audit", "diag"):
        ours, theirs = os.openpty()
        name = os.ttyname(theirs)
        own = ("--audit", f"file:{name}") if what == "audit" else ("--diag", "latency:1ms")
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, \
                Tap(PROGRAM, "-r", "-", "-w", f"{folder}/out", "--metrics", f"file:{folder}/m", *own, folder=folder,
                    stdin=subprocess.PIPE, stderr=theirs if what == "diag" else subprocess.PIPE) as tap:
            fed, size = 0, (len(data[FEW]) - 24) // FEW
            tap.process.stdin.write(data[FEW][:24])
            # A packet at a time, for the diagnosis says something once in a millisecond; few enough for the sink.
            while fed < 10 * FEW and not full(theirs):
                at = 24 + fed % FEW * size
                tap.process.stdin.write(data[FEW][at:at + size])
                tap.process.stdin.flush()
                fed += 1
                time.sleep(0.001)
            room = tap.room()
            wait_for(lambda: received(room) == fed)
            check(f"{what} to a terminal that nobody reads: it takes no more", full(theirs), fed)
            room.swap(metrics="off")
            text = pathlib.Path(f"{folder}/m").read_text(encoding="ascii")
            check(f"{what} to a terminal that nobody reads: other outputs are closed whole", f"croomtap_received_packets_total {fed}\n" in text,
                  text[:300])
            room.swap(**{what: "off"})
            check(f"{what} to a terminal that nobody reads: so is that one", room.call("List")["revision"] == 4)
            # What is said at the end goes to the same terminal.
            os.close(ours)
            tap.process.stdin.close()
            tap.process.stdin = None
            tap.process.wait(PATIENCE)
        os.close(theirs)


def main():
    data = {}
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        for count in (FEW, MANY):
            write_capture(f"{folder}/in.pcap", count)
            data[count] = pathlib.Path(f"{folder}/in.pcap").read_bytes()
    for part in (beside, lane_waits, read_late, nothing_read, terminals):
        if not sys.argv[2:] or part.__name__ in sys.argv[2:]:
            part(data)
    finish()


main()
