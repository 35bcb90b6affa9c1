#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The black box of a croomtap: while it runs, while it is stopped, after kill -9, after a restart: blackbox.py CROOMTAP CROOMCTL"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from rig import PATIENCE, Tap, check, finish, skip, write_capture

PROGRAM, CROOMCTL = (os.path.abspath(path) for path in sys.argv[1:3])
COUNT = 200_000


def ctl(*args):
    run = subprocess.run([CROOMCTL, *args], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return run.returncode, run.stdout, run.stderr


def read(path):
    code, out, err = ctl("blackbox", path, "--json")
    return json.loads(out) if code == 0 else {"error": err}


def until(what):
    end = time.monotonic() + PATIENCE
    while not (seen := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return seen


def consecutive(decisions):
    return all(b["record"] == a["record"] + 1 for a, b in zip(decisions, decisions[1:]))


def alive(folder, capture):
    """Read while it works; half of the packets are filtered out, and each decision says so."""
    path = f"{folder}/croom/croomtap.blackbox"
    with Tap(PROGRAM, "-r", capture, "--pace", "50000", "-w", "/dev/null", "--printer", "text", "--no-status", folder=folder) as tap:
        room = tap.room()
        room.swap(filter="bpf:udp[0:2] & 1 = 0")
        seen = until(lambda: (lambda box: box if box.get("lanes") and box["lanes"][0]["decided"] > 5000 and box["lanes"][0]["per_second"] else None)(read(path)))
        lane = seen["lanes"][0]
        check("while it runs: handlers, revision, figures", seen["alive"] and seen["revision"] == room.call("List")["revision"] and
              seen["slots"][0]["handler"] == "bpf:udp[0:2] & 1 = 0" and lane["records"] > 0 and not seen["torn"], seen["slots"])
        check("and how fast it goes", lane["per_second"] and lane["per_second"] > 0, lane["per_second"])
        check("and what the gauges were", {gauge["name"] for gauge in seen["gauges"]} >= {"lost", "ring_fill"}, seen["gauges"])
        last = lane["decisions"]
        # What the lane wrote over while it was being read is left out at the beginning.
        check("the last decisions, in order, none left out", 0 < len(last) <= 4095 and consecutive(last), len(last))
        # Record n is packet n - 1, whose source port is 4096 + (n - 1) & 255.
        wrong = [one for one in last[-1000:] if one["what"] != ("printed" if (one["record"] - 1) % 2 == 0 else "filtered")]
        check("each is what was decided", not wrong, wrong[:3])
        tap.interrupt(signal.SIGSTOP)
        before = read(path)["lanes"][0]["decided"]
        time.sleep(0.1)
        still = read(path)["lanes"][0]
        after = still["decided"]
        check("and then it is the last 4,095", len(still["decisions"]) == 4095 and consecutive(still["decisions"]), len(still["decisions"]))
        check("while it is stopped it can be read as well", after == before > 0, (before, after))
        tap.interrupt(signal.SIGCONT)
        tap.interrupt(signal.SIGKILL)
        tap.end()
        seen = read(path)
        check("after kill -9: it died, and what it did last", not seen["alive"] and seen["ended_ns"] is None and
              seen["lanes"][0]["decided"] >= after and consecutive(seen["lanes"][0]["decisions"]), seen)
        run = subprocess.run([CROOMCTL, "list"], env=dict(os.environ, CROOM_RUNTIME_DIR=f"{folder}/croom"), capture_output=True,
                             text=True, timeout=PATIENCE, check=False)
        check("who looks for it is told where its last moments are", run.returncode == 6 and
              f"one has died: see `croomctl blackbox {path}`" in run.stderr, run)
        code, out, _ = ctl("blackbox", path, "--count", "3")
        check("the same for people", code == 0 and "it DIED without closing the room" in out and out.count(" printed\n") +
              out.count(" filtered\n") == 3, out)
        return seen["pid"]


def again(folder, capture, died):
    path = f"{folder}/croom/croomtap.blackbox"
    with Tap(PROGRAM, "-r", capture, "--pace", "1000", "-w", "/dev/null", "--printer", "text", folder=folder) as tap:
        tap.room()
        check("a restart keeps the old one beside its own", read(path + ".old")["pid"] == died and read(path)["pid"] == tap.process.pid)
        with Tap(PROGRAM, "-r", capture, "--pace", "1000", "-w", "/dev/null", "--printer", "text", folder=folder) as second:
            second.room(f"croomtap-{second.process.pid}")
            own = f"{folder}/croom/croomtap-{second.process.pid}.blackbox"
            check("a second tap of the same name has one of its own", read(own)["pid"] == second.process.pid and
                  read(path)["pid"] == tap.process.pid, read(own))
            second.interrupt()
            check("which goes when it ends", second.end() == 0 and not os.path.exists(own), os.listdir(f"{folder}/croom"))
        tap.interrupt()
        check("a clean end is told", tap.end() == 0 and read(path)["ended_ns"], read(path))


def refused(folder, capture):
    with tempfile.TemporaryDirectory(prefix="croomtap-test-", dir="/var/tmp") as disk:
        if subprocess.run(["stat", "-f", "-c", "%T", disk], capture_output=True, text=True, check=False).stdout.strip() != "tmpfs":
            with Tap(PROGRAM, "-r", capture, "--blackbox", f"{disk}/box", "-w", "/dev/null") as tap:
                check("on a disk: refused, with what to do", tap.end() == 1 and b"on a disk" in tap.err and b"/dev/shm" in tap.err and
                      not os.path.exists(f"{disk}/box"), tap.err)
        else:
            skip("a black box on a disk", f"{disk} is in memory")
    with Tap(PROGRAM, "-r", capture, "--blackbox", "/no/such/box", "-w", "/dev/null") as tap:
        check("where there is no folder", tap.end() == 1 and b"--blackbox: no black box at '/no/such/box': No such file" in tap.err, tap.err)
    with Tap(PROGRAM, "-r", capture, "--blackbox", "none", "--pace", "1000", "-w", "/dev/null", folder=folder) as tap:
        tap.room()
        check("none: none", read(f"{folder}/croom/croomtap.blackbox").get("pid") != tap.process.pid)
    code, _, err = ctl("blackbox", capture)
    check("a file that is none", code == 1 and "is no black box" in err, err)
    code, _, err = ctl("blackbox")
    check("no file", code == 2 and "takes one FILE" in err, err)


def main():
    if not os.access("/dev/shm", os.W_OK):
        skip("black boxes", "/dev/shm is not there to be written to")
        finish()
    folder = tempfile.mkdtemp(prefix="croomtap-test-", dir="/dev/shm")
    try:
        capture = f"{folder}/numbered.pcap"
        write_capture(capture, COUNT)
        died = alive(folder, capture)
        again(folder, capture, died)
        refused(folder, capture)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
