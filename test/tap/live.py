#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap on interfaces, in a network namespace of its own: live.py CROOMTAP SENDER MISCOUNT [RATE SECONDS SWAPS]

With RATE: only the numbered frames at that rate while all slots are swapped, and at least so many swaps (the long
suite). A packet may be lost where the machine is too busy; then it has to be counted: missing is what LOST says."""
import glob
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

from rig import PATIENCE, UNSHARE, Tap, check, finish, ip, no_namespace, numbers, received_by, skip, swaps, tally, veth

PROGRAM, SENDER, MISCOUNT = (os.path.abspath(path) for path in sys.argv[1:4])
BUFFERS = ("-B", "65536", "--ring", "128")


def send(rate, count):
    return subprocess.Popen([SENDER, "far", str(rate), str(count)], stdout=subprocess.DEVNULL)


def wait_for(good):
    until = time.monotonic() + PATIENCE
    while not good() and time.monotonic() < until:
        time.sleep(0.01)
    return good()


def received(room):
    return room.call("List")["lanes"][0]["records"]


def under_swaps(rate, seconds, wanted):
    """The promise of it all."""
    name, count = f"{rate}/s for {seconds} s under swaps", rate * seconds
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder, \
            Tap(PROGRAM, "-i", "near", *BUFFERS, "--split", "--printer", "text", "-w", f"{folder}/out", folder=folder) as tap:
        room, done, before = tap.room(), 0, received_by("near")
        sender = send(rate, count)
        for change in swaps(folder):
            if sender.poll() is not None:
                break
            room.swap(**change)
            done += 1
            time.sleep(0.0002)
        kernel = received_by("near") - before
        tap.interrupt()
        code, account = tap.end(), tap.account()
        missing, doubled = tally(glob.glob(f"{folder}/out*"), count)
        print(f"# {name}: {done} swaps, {account}, {missing} missing")
        check(f"{name}: exit code 0 and an account that adds up", code == 0 and account.get("adds up"), tap.err.decode()[-1000:])
        check(f"{name}: received what the kernel's own counter says", kernel == account.get("received") == count,
              f"{kernel}, {account}")
        check(f"{name}: {'none' if not missing else 'only what LOST says'} is missing, none is doubled",
              missing == account.get("LOST") and doubled == 0, f"{missing} missing, {doubled} doubled, {account}")
        check(f"{name}: at least {wanted} swaps, all counted", done >= wanted and account.get("swaps") == done,
              f"{done}, {account}")


def interrupted():
    """SIGINT in the middle: what the kernel has counted comes out."""
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "-", "--printer", "text", "--no-status") as tap:
        room = tap.room()
        sender = send(20000, 10_000_000)
        outs = []
        reader = threading.Thread(target=lambda: outs.append(tap.process.stdout.read()))
        reader.start()
        wait_for(lambda: received(room) > 5000)
        tap.interrupt()
        code = tap.process.wait(PATIENCE)
        reader.join()
        sender.kill()
        sender.wait()
        tap.process.stdout = None
        tap.end()
        account, got = tap.account(), numbers(outs[0])
        check("SIGINT in the middle: adds up and ends with 0", code == 0 and account.get("adds up"), tap.err)
        check("SIGINT in the middle: everything counted before is in the output", len(got) == account.get("printed") and
              account["received"] == len(got) + account["LOST"] and (account["LOST"] or got == list(range(got[0], got[-1] + 1))),
              f"{len(got)}, {account}")


def drained():
    """SIGINT while many come: what the kernel has counted by then and not yet handed over is taken, too."""
    sender = send(100_000, 10_000_000)
    try:
        for _ in range(5):
            with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "/dev/null", "--printer", "text", "--no-status") as tap:
                room = tap.room()
                wait_for(lambda: received(room) > 5000)
                tap.interrupt()
                code, account = tap.end(), tap.account()
                if not check("SIGINT while many come: received is the kernel's own count, exit code 0", code == 0 and
                             account.get("adds up") and b"received by the kernel" in tap.err, tap.err):
                    break
    finally:
        sender.kill()
        sender.wait()


def miscounted():
    """A kernel that counts one more than it hands over."""
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "/dev/null", "--printer", "text",
             prefix=("env", f"LD_PRELOAD={MISCOUNT}")) as tap:
        room = tap.room()
        send(20_000, 2000).wait(PATIENCE)
        wait_for(lambda: received(room) >= 2000)
        tap.interrupt()
        code, account = tap.end(), tap.account()
        check("a packet that nobody has: it says that it does not add up, exit code 1", code == 1 and not account["adds up"] and
              b"this does not add up: 2001 received, 2000 accounted for" in tap.err, tap.err)


def slow_reader():
    with Tap(PROGRAM, "-i", "near", "-B", "64", "--ring", "1", "-w", "-", "--printer", "text") as tap:
        room = tap.room()
        send(200_000, 200_000).wait(PATIENCE)
        lost = wait_for(lambda: any(g["value"] > 0 for g in room.call("List")["gauges"] if g["name"] == "lost"))
        tap.interrupt()
        code = tap.end()
        account = tap.account()
        check("a reader that does not read: packets are lost, and counted", lost and account.get("LOST", 0) > 0 and
              account.get("adds up") and account["received"] == account["LOST"] + len(numbers(tap.out)), f"{account} {tap.err}")
        check("a reader that does not read: exit code 0, for nothing is unknown", code == 0, tap.err)


def failing_output():
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "/dev/full", "--printer", "text") as tap:
        tap.room()
        sender = send(5000, 10_000_000)
        code = tap.end()
        sender.kill()
        sender.wait()
        check("a full disk while live: ends by itself with 1 and an account that adds up", code == 1 and
              tap.account().get("adds up") and tap.account()["printed"] == 0 and
              b"cannot write to /dev/full: No space left on device" in tap.err, tap.err)


def names(folder):
    """Who has the name croomtap in this runtime directory."""
    with Tap(PROGRAM, "-i", "near", "-w", "/dev/null", folder=folder) as first:
        first.room()
        with Tap(PROGRAM, "-i", "near", "-w", "/dev/null", folder=folder) as second:
            room = second.room(f"croomtap-{second.process.pid}")
            check("two taps of one name: the second is NAME-PID", room.call("List")["pid"] == second.process.pid, "another one")
            second.interrupt()
            check("two taps of one name: it says so, and ends with 0", second.end() == 0 and b"already" in second.err, second.err)
        check("two taps of one name: the first keeps its own", first.room().call("List")["pid"] == first.process.pid, "lost")
        first.interrupt(signal.SIGKILL)
        first.end()
    with Tap(PROGRAM, "-i", "near", "-w", "/dev/null", folder=folder) as again:
        check("kill -9, and the next one takes the name", again.room().call("List")["pid"] == again.process.pid, "it did not")
        again.interrupt()
        check("and ends with 0", again.end() == 0 and b"already" not in again.err, again.err)


def adds_up(interface, pings):
    """While traffic flows from before the start until after the end."""
    flood = [subprocess.Popen(["ping", "-q", "-n", "-i", "0.002", "-c", "1000000", *ping], stdout=subprocess.DEVNULL)
             for ping in pings]
    sender = send(20000, 10_000_000) if interface != "lo" else None
    try:
        for more in ([], ["--immediate-mode"], ["-c", "2000"]):
            with Tap(PROGRAM, "-i", interface, *BUFFERS, "-w", "/dev/null", *more) as tap:
                room = tap.room()
                wait_for(lambda: tap.process.poll() is not None or received(room) > 300) if not more[1:] else None
                if not more[1:]:
                    tap.interrupt()
                code, account = tap.end(), tap.account()
                check(f"{interface} {' '.join(more)}: adds up between traffic before and after", code == 0 and
                      account.get("adds up") and account["received"] > 300, tap.err)
                by_kernel = b"received by the kernel" in tap.err
                check(f"{interface} {' '.join(more)}: by {'the kernel' if interface != 'any' else 'our own'} count",
                      by_kernel == (interface != "any"), tap.err)
    finally:
        for process in flood + ([sender] if sender else []):
            process.kill()
            process.wait()


def like_tcpdump(folder):
    """On `any`, where each packet says its interface: lines and copies of both, taken at the same time."""
    if not shutil.which("tcpdump"):
        skip("any as tcpdump has it", "tcpdump is not installed")
        return
    def has():
        """How many of theirs are in the file by now."""
        if not os.path.exists(f"{folder}/theirs"):
            return 0
        if more:
            return len(packets(f"{folder}/theirs"))
        with open(f"{folder}/theirs", "rb") as file:
            return file.read().count(b"\n")

    for name, more in {"lines": [], "copy": ["-U", "-w", f"{folder}/theirs"]}.items():
        # As root tcpdump would become another user, who may not write there.
        with open(f"{folder}/theirs", "wb") as file, \
                Tap(PROGRAM, "-i", "any", "icmp", *(["-w", f"{folder}/ours"] if more else [])) as tap, \
                subprocess.Popen(["tcpdump", "-Z", "root", "-i", "any", "-nql", "-B", "16384", "--immediate-mode", *more, "icmp"],
                                 env=dict(os.environ, TZ="UTC"), stdout=file, stderr=subprocess.PIPE) as other:
            room = tap.room()
            said = b""
            while b"listening on" not in said and (line := other.stderr.readline()):
                said += line
            subprocess.run(["ping", "-q", "-n", "-i", "0.002", "-c", "100", "127.0.0.1"], stdout=subprocess.DEVNULL, check=True)
            wait_for(lambda: received(room) >= 200 and has() >= 200)
            other.send_signal(signal.SIGINT)
            other.communicate(timeout=PATIENCE)
            tap.interrupt()
            code, account = tap.end(), tap.account()
            ours = tap.out
        check(f"any, {name}: adds up by our own count", code == 0 and account.get("adds up") and
              account["received"] == account["printed"] + account["filtered"] >= 200, tap.err)
        if more:
            theirs, ours = ([data for _, data in packets(path)] for path in (f"{folder}/theirs", f"{folder}/ours"))
            links = [open(f"{folder}/{which}", "rb").read(24)[20:] for which in ("theirs", "ours")]
            check("any, copy: the link type of tcpdump", links[0] == links[1], links)
        else:
            with open(f"{folder}/theirs", "rb") as file:
                theirs = file.read()
            theirs, ours = ([line[16:] for line in text.splitlines() if line] for text in (theirs, ours))   # SIGINT: an empty one
        check(f"any, {name}: as tcpdump has it", theirs == ours and len(ours) >= 200,
              f"{len(theirs)} and {len(ours)}: {theirs[:1]} {ours[:1]}")


def packets(path):
    """(seconds, bytes) of a pcap file."""
    with open(path, "rb") as file:
        data, at, found = file.read(), 24, []
    while at + 16 <= len(data):
        second, _, length, _ = struct.unpack_from("<IIII", data, at)
        found.append((second, data[at + 16:at + 16 + length]))
        at += 16 + length
    return found


def gone():
    """The interface goes away under the capture."""
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "-", "--printer", "text") as tap:
        room = tap.room()
        send(20000, 3000).wait(PATIENCE)
        wait_for(lambda: received(room) >= 3000)
        ip("link", "del", "near")
        code, account = tap.end(), tap.account()
        check("the interface is deleted: ends with 1 and says why", code == 1 and b"croomtap: near: " in tap.err, f"{code} {tap.err}")
        check("the interface is deleted: adds up, and what came is written", account.get("adds up") and
              len(numbers(tap.out)) + account["LOST"] == account["received"] == 3000, f"{account} {tap.err}")
    veth()
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "-", "--printer", "text") as tap:
        room = tap.room()
        send(20000, 3000).wait(PATIENCE)
        wait_for(lambda: received(room) >= 3000)
        ip("link", "set", "near", "down")
        said, until = b"", time.monotonic() + PATIENCE
        while b"\n" not in said and time.monotonic() < until:
            said += os.read(tap.process.stderr.fileno(), 1)
        check("the interface goes down: says so and goes on", said.startswith(b"croomtap: near went down; going on"), said)
        ip("link", "set", "near", "up")
        send(20000, 3000).wait(PATIENCE)
        wait_for(lambda: received(room) >= 6000)
        tap.interrupt()
        code, account = tap.end(), tap.account()
        check("the interface comes up again: all before and after is there, adds up", code == 0 and account.get("adds up") and
              len(numbers(tap.out)) + account["LOST"] == account["received"] == 6000, f"{account} {tap.err}")
    ip("link", "set", "near", "down")
    with Tap(PROGRAM, "-i", "near", "-w", "/dev/null") as tap:
        check("an interface that is down: exit code 1, and how to bring it up", tap.end() == 1 and b"near is down" in tap.err,
              tap.err)
    with Tap(PROGRAM, "-i", "nowhere0") as tap:
        check("no such interface: exit code 1, and where to look", tap.end() == 1 and
              b"there is no interface nowhere0" in tap.err and b"croomtap -D" in tap.err, tap.err)


def not_permitted():
    if not shutil.which("setpriv"):
        skip("no permission", "setpriv is not installed")
        return
    with Tap(PROGRAM, "-i", "lo", prefix=["setpriv", "--inh-caps=-all", "--bounding-set=-all"]) as tap:
        check("no permission: exit code 1, and what would give it", tap.end() == 1 and b"no permission to capture on lo" in tap.err
              and b"setcap" in tap.err, tap.err)


def inside():
    ip("link", "set", "lo", "up")
    veth()
    if len(sys.argv) > 5:
        under_swaps(*map(int, sys.argv[5:8]))
        return
    under_swaps(20_000, 3, 10)
    interrupted()
    drained()
    miscounted()
    slow_reader()
    failing_output()
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        names(folder)
        like_tcpdump(folder)
    adds_up("lo", [["127.0.0.1"], ["::1"]])
    adds_up("near", [])
    adds_up("any", [["127.0.0.1"]])
    gone()
    not_permitted()


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "--inside" in sys.argv:
        inside()
        finish()
    reason = no_namespace("ping")
    if reason:
        skip("live", reason)
        finish()
    sys.exit(subprocess.run([*UNSHARE, sys.executable, __file__, *sys.argv[1:4], "--inside", *sys.argv[4:]],
                            check=False).returncode)


main()
