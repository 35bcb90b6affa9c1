#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Interfaces that go down, come up, go away or get another name while packets come and slots are swapped, and a tap that is
stopped: interfaces.py CROOMTAP SENDER [-- PART...]

In a network namespace of its own. test/tap/live.py has the quiet cases: gone or down while nothing comes."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import clean, gauge, inside, received, wait_for  # noqa: E402
from rig import PATIENCE, Refused, Tap, check, ip, numbers, received_by, swaps, tally, veth  # noqa: E402

PROGRAM, SENDER = (os.path.abspath(path) for path in sys.argv[1:3])


class Traffic:
    """Numbered packets over far, at a steady rate; `far` may go away under it."""

    def __init__(self, rate=20_000, count=10_000_000):
        self.sender = subprocess.Popen([SENDER, "far", str(rate), str(count)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sender.kill()
        self.sender.wait()


class Swapper:
    """Swaps until the tap has gone or it is told to end."""

    def __init__(self, room, folder):
        self.done, self.over, self.failed = 0, threading.Event(), None
        self.thread = threading.Thread(target=self.run, args=(room, swaps(folder)))
        self.thread.start()

    def run(self, room, changes):
        try:
            while not self.over.wait(0.002):
                room.swap(**next(changes))
                self.done += 1
        except (EOFError, OSError) as error:
            self.failed = error
        except Refused as error:
            self.failed = error

    def end(self):
        self.over.set()
        self.thread.join()
        return self.done


def outputs(folder):
    return sorted(str(path) for path in pathlib.Path(folder).glob("out*"))


def whole(name, folder, tap, code, wanted_code):
    """What holds however it ended: the account adds up, and what is printed is in the files, once each."""
    account, said = tap.account(), tap.err.decode()
    missing, doubled = tally(outputs(folder), 2_000_000)
    there = 2_000_000 - missing
    check(f"{name}: exit code {wanted_code}, the account adds up", code == wanted_code and clean(said) and account.get("adds up"),
          f"{code} {said[-800:]}")
    check(f"{name}: what is printed is in the files, each packet once", there == account.get("printed") and doubled == 0,
          f"{there} {doubled} {account}")
    return account, said


def goes_away():
    """Deleted, and moved to another network namespace, which is the same to those who listen."""
    for how in ("deleted", "moved"):
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, Traffic(), \
                subprocess.Popen(["unshare", "-n", "sleep", "1000"]) as other, \
                Tap(PROGRAM, "-i", "near", "--split", "--printer", "text", "-w", f"{folder}/out", folder=folder) as tap:
            room = tap.room()
            swapper = Swapper(tap.room(), folder)
            wait_for(lambda: received(room) > 5000 and swapper.done > 20)
            if how == "deleted":
                ip("link", "del", "near")
            else:
                wait_for(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
                ip("link", "set", "near", "netns", str(other.pid))
            code, done = tap.end(), swapper.end()
            account, said = whole(f"{how} under packets and swaps", folder, tap, code, 1)
            check(f"{how} under packets and swaps: says what happened, and all swaps count", re.search(
                r"^croomtap: near: .*(disappeared|down|No such)", said, re.M) and done <= account.get("swaps", 0) <= done + 1 and
                account["received"] > 5000, f"{said} {done}")
            other.kill()
        subprocess.run(["ip", "link", "del", "far"], check=False, capture_output=True)
        veth()


def flaps():
    """Down and up again, ten times, while packets come. Those that come while it is down are nobody's."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, \
            Tap(PROGRAM, "-i", "near", "--split", "--printer", "text", "-w", f"{folder}/out", folder=folder) as tap:
        room, before = tap.room(), received_by("near")
        swapper = Swapper(tap.room(), folder)
        for _ in range(10):
            with Traffic():
                seen = received(room)
                wait_for(lambda: received(room) > seen + 500)
                ip("link", "set", "near", "down")
            ip("link", "set", "near", "up")
        with Traffic(count=1000) as traffic:
            traffic.sender.wait()
        kernel = received_by("near") - before
        wait_for(lambda: received(room) + gauge(room, "lost") >= kernel)
        done = swapper.end()
        tap.interrupt()
        code, account = tap.end(), tap.account()
    said = tap.err.decode()
    check("down and up ten times: exit code 0, the account adds up, by the interface's own counter", code == 0 and clean(said) and
          account.get("adds up") and kernel == account["received"] > 5000, f"{code} {kernel} {said[-1000:]}")
    check("down and up ten times: all swaps count, and it says each time that it went down", done == account["swaps"] > 20 and
          1 <= said.count("near went down; going on") <= 10, f"{done} {said}")


def interrupted_while_down():
    with Tap(PROGRAM, "-i", "near", "-w", "-", "--printer", "text") as tap:
        room = tap.room()
        with Traffic(count=2000) as traffic:
            traffic.sender.wait()
        wait_for(lambda: received(room) >= 2000)
        ip("link", "set", "near", "down")
        tap.interrupt()
        code, account = tap.end(), tap.account()
        ip("link", "set", "near", "up")
    check("SIGINT while it is down: exit code 0, all that came before is there", code == 0 and account.get("adds up") and
          numbers(tap.out) == list(range(2000)), f"{code} {tap.err}")


def renamed():
    """It has to go down for that. If libpcap looks for it by its old name meanwhile, it is as if it were deleted."""
    with Tap(PROGRAM, "-i", "near", "-w", "-", "--printer", "text") as tap:
        room = tap.room()
        with Traffic(rate=5000):
            wait_for(lambda: received(room) > 1000)
            before = received_by("near")
            ip("link", "set", "near", "down")
            ip("link", "set", "near", "name", "another")
            ip("link", "set", "another", "up")
            wait_for(lambda: tap.process.poll() is not None or received_by("another") > before + 2000)
            if tap.process.poll() is None:
                tap.interrupt()
            code, account = tap.end(), tap.account()
        ip("link", "set", "another", "down")
        ip("link", "set", "another", "name", "near")
        ip("link", "set", "near", "up")
    check("another name: it goes on, or ends with 1 and says why; the account adds up", account.get("adds up") and
          len(numbers(tap.out)) == account["printed"] > 1000 and (code == 0 or code == 1 and b"croomtap: near: " in tap.err),
          f"{code} {tap.err}")


def one_of_any():
    """Captured on `any`, one of the interfaces goes: the others go on."""
    with Tap(PROGRAM, "-i", "any", "-w", "-", "--printer", "text", "udp", "dst", "port", "9") as tap:
        room = tap.room()
        with Traffic(rate=5000):
            wait_for(lambda: received(room) > 2000)
            ip("link", "del", "near")
        veth()
        seen = received(room)
        with Traffic(rate=5000):
            on = wait_for(lambda: received(room) > seen + 2000)
        tap.interrupt()
        code, account = tap.end(), tap.account()
    check("one interface of any goes: the others go on, exit code 0, the account adds up", on and code == 0 and
          account.get("adds up") and len(numbers(tap.out)) == account["printed"] > 2000, f"{code} {tap.err[-500:]}")


def stopped():
    """SIGSTOP and SIGCONT of the whole tap: the kernel drops meanwhile, and says how many."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, \
            Tap(PROGRAM, "-i", "near", "-B", "256", "-w", "-", "--printer", "text", "--metrics", f"file:{folder}/metrics") as tap:
        room = tap.room()
        outs = []
        reader = threading.Thread(target=lambda: outs.append(tap.process.stdout.read()))
        reader.start()
        before, count = received_by("near"), 0
        for _ in range(3):
            seen = received(room)
            with Traffic(rate=50_000):
                wait_for(lambda: received(room) > seen + 1000)
                tap.interrupt(signal.SIGSTOP)
                stop = received_by("near")
                wait_for(lambda: received_by("near") > stop + 20_000)
                tap.interrupt(signal.SIGCONT)
                count += 1
            kernel = received_by("near") - before
            wait_for(lambda: room.call("List")["lanes"][0]["records"] > seen + 1000)
        time.sleep(0.1)   # a block of the kernel's ring that is not full shows when its time is over
        tap.interrupt()
        code = tap.process.wait(PATIENCE)
        reader.join()
        tap.process.stdout = None
        tap.end()
        account, got = tap.account(), numbers(outs[0])
        check(f"stopped {count} times under 50,000/s: exit code 0, the account adds up, by the interface's own counter", code == 0 and
              account.get("adds up") and account["received"] == kernel, f"{code} {kernel} {tap.err}")
        check("stopped: what the kernel dropped is counted, the rest is there", account["lost in kernel"] > 1000 and
              len(got) == account["printed"] and account["received"] == account["printed"] + account["LOST"], f"{account} {len(got)}")


def main():
    ip("link", "set", "lo", "up")
    veth()


if "--inside" in sys.argv:
    main()
inside("interfaces", (goes_away, flaps, interrupted_while_down, renamed, one_of_any, stopped))
