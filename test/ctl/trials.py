#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomctl's verbs for changes with a way back, at a real room: trials.py CROOMCTL HOST SOURCE"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, f"{sys.argv[3]}/test")
from varlink import PATIENCE, Host, check, finish, skip, until  # noqa: E402

croomctl, program = (os.path.abspath(path) for path in sys.argv[1:3])


class Ctl:
    def __init__(self, directory):
        self.environment = dict(os.environ, CROOM_RUNTIME_DIR=directory, TZ="UTC")

    def __call__(self, *args):
        run = subprocess.run([croomctl, *args], env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return run.returncode, run.stdout, run.stderr


def said(result, code, *words):
    return result[0] == code and all(word in result[1] + result[2] for word in words)


def expect(name, result, code, *words):
    check(name, said(result, code, *words), result)


def guard(ctl):
    ctl("swap", "printer=number:1")
    expect("swap --guard", ctl("swap", "printer=number:2", "--guard", "errors<5,for=1h"), 0, "is in force")
    expect("list shows it", ctl("list"), 0, "number:2", "on trial (guard)")
    expect("trial", ctl("trial", "printer"), 0, "printer: guard of number:2, before it number:1", "s left", "0 errors")
    expect("promote", ctl("promote", "printer"), 0, "is in force")
    expect("trial afterwards", ctl("trial", "printer"), 0, ", over")
    expect("history shows how", ctl("history"), 0, "swap: guard errors<5,for=3600s", "end_of_trial: promoted")
    ctl("swap", "printer=number:-1000000", "--guard", "errors<5")
    check("a breach shows in history", until(lambda: "breach: errors<5 is broken" in ctl("history")[1]), ctl("history"))
    expect("and in trial", ctl("trial", "printer"), 0, "BROKEN, and back to number:2", "errors<5 is broken")
    expect("rules that are none", ctl("swap", "printer=plain", "--guard", "p99"), 3, "'p99' is none of p99<5us")
    expect("trial without a slot", ctl("trial"), 2, "takes one SLOT")
    expect("promote without a trial", ctl("promote", "printer"), 3, "no trial to end")


def canary_and_shadow(ctl):
    ctl("swap", "printer=plain")
    expect("swap --canary", ctl("swap", "printer=plain", "--canary", "1/10", "--guard", "errors<5"), 0)
    expect("history says so", ctl("history"), 0, "swap: canary 1/10 errors<5")
    ctl("rollback")
    expect("swap --shadow", ctl("swap", "printer=plain", "--shadow"), 0)
    expect("trial of a shadow", ctl("trial", "printer"), 0, "shadow of plain", " differ, ")
    ctl("rollback")
    expect("a canary that cannot be", ctl("swap", "printer=text:x", "--canary", "1/10"), 3, "printer=text cannot be in a canary")
    for bad in ("10", "1/1", "1/x", "2/10", ""):
        expect(f"--canary '{bad}'", ctl("swap", "printer=plain", "--canary", bad), 2, "--canary takes 1/N" if bad else "--canary needs a value")
    expect("both", ctl("swap", "printer=plain", "--canary", "1/10", "--shadow"), 2, "exclude each other")
    expect("two changes", ctl("swap", "printer=plain", "filter=number:1", "--shadow"), 2, "takes one SLOT=CLASS")


def confirm(ctl):
    ctl("swap", "printer=number:1")
    done = ctl("swap", "printer=number:2", "--confirm-within", "1m")
    revision = re.search(r"revision (\d+)", done[1]).group(1)
    expect("swap --confirm-within", done, 0, f"goes back in 60 s unless `croomctl confirm --expect {revision}` comes")
    expect("list shows what waits", ctl("list"), 0, f"UNCONFIRMED: revision {revision} goes back in ", f"`croomctl confirm --expect {revision}`")
    expect("nothing else", ctl("swap", "printer=number:3"), 3, "waits to be confirmed: confirm it or roll back")
    expect("confirm with another revision", ctl("confirm", "--expect", "1"), 3, "waits to be confirmed, not 1")
    expect("confirm, of what waits", ctl("confirm"), 0, f"revision {revision} is confirmed")
    expect("confirm again", ctl("confirm"), 3, "nothing waits to be confirmed")
    ctl("swap", "printer=number:9", "--confirm-within", "50ms")
    check("unconfirmed it goes back", until(lambda: "was not confirmed in time" in ctl("history")[1]), ctl("history"))
    for bad in ("0", "x", "2d", "25h", "-1s"):
        expect(f"--confirm-within {bad}", ctl("swap", "printer=plain", "--confirm-within", bad), 2, "--confirm-within takes a time")
    expect("--undo-late --no-wait", ctl("swap", "printer=plain", "--undo-late", "--no-wait"), 2, "--undo-late waits")


def late(ctl, host):
    ctl("swap", "printer=number:1")
    host.tell("stall", "feed")
    expect("--undo-late", ctl("swap", "printer=number:2", "--undo-late", "--timeout", "100ms"), 4, "it was undone as revision")
    host.tell("go", "feed")
    expect("and it was", ctl("list"), 0, "number:1")


def holds(ctl, host):
    expect("freeze without a reason", ctl("freeze"), 2, "needs --why")
    expect("freeze", ctl("freeze", "--why", "audit\x1b[2J until noon"), 0, "frozen")
    expect("list shows it, and nothing moves the cursor", ctl("list"), 0, "FROZEN: audit?[2J until noon")
    expect("swap is refused", ctl("swap", "printer=plain"), 3, "the room is frozen")
    expect("thaw", ctl("thaw"), 0, "allowed again")
    expect("thaw again", ctl("thaw"), 3, "not frozen")
    host.tell("quarantine", "number:13")
    expect("list shows quarantine", ctl("list"), 0, "QUARANTINED: printer=number:13: because")
    expect("swap to it", ctl("swap", "printer=number:13"), 3, "is quarantined: because; pardon it first")
    expect("pardon", ctl("pardon", "printer=number:13"), 0, "pardoned")
    expect("pardon what is none", ctl("pardon", "printer"), 2, "is not SLOT=CLASS")
    revision = re.search(r"revision (\d+)", ctl("list")[1])[1]
    expect("--dry-run", ctl("swap", "printer=number:13", "--dry-run"), 0, f"would be revision {int(revision) + 1}; nothing was changed")
    expect("and nothing was", ctl("list"), 0, f"revision {revision}")
    expect("an option of another verb", ctl("list", "--guard", "x"), 2, "list takes no --guard")


def profile(ctl):
    ctl("swap", "printer=number:1")
    expect("profile", ctl("profile", "printer", "--for", "100ms"), 0, "printer: profile of number:1", "over", "p50", "p99.99", "max", "|#")
    code, out, err = ctl("profile", "printer", "--for", "50ms", "--sample", "4", "--json")
    value = json.loads(out)
    check("profile --json", code == 0 and value["timed"] > 0 and value["histogram"], (out, err))
    expect("profile of nothing", ctl("profile", "none"), 3, "no slot 'none'")
    expect("--sample 0", ctl("profile", "printer", "--sample", "0"), 2, "--sample takes 1 to 1000000")


def doctor(ctl, host):
    ctl("swap", "printer=number:1")
    expect("doctor: nothing hangs", ctl("doctor"), 0, "lane feed: busy", "lane asleep: asleep", "nothing hangs")
    host.tell("hang", "1")
    ctl("swap", "printer=hang", "--no-wait")
    result = until(lambda: (lambda seen: seen if "STUCK" in seen[1] else None)(ctl("doctor")))
    found = re.search(r"lane (feed|spare): STUCK in slot printer \(hang\)", result[1])
    check("doctor: which lane, slot and handler", result[0] == 0 and found, result)
    if "its stack: " in result[1]:
        skip("doctor: where exactly", re.search("its stack: (.*)", result[1])[1])
    else:
        expect("doctor: where exactly", result, 0, "hang_here")
    code, out, err = ctl("doctor", "--json")
    stuck = [one for one in json.loads(out)["lanes"] if one["state"] == "stuck"]
    check("doctor --json", code == 0 and stuck and all(one["slot"] == "printer" and one["stack"] for one in stuck), (out, err))
    result = ctl("swap", "printer=number:2", "--timeout", "100ms")
    expect("a swap that is late says in which handler", result, 4, " still runs", "in slot printer (hang)")
    expect("and list, since when", ctl("list"), 0, "LATE: still runs revision")
    host.tell("hang", "0")
    check("when it comes back, nothing hangs", until(lambda: "nothing hangs" in ctl("doctor")[1]))


with Host(program) as at:
    runs = Ctl(at.folder)
    guard(runs)
    canary_and_shadow(runs)
    confirm(runs)
    late(runs, at)
    holds(runs, at)
    profile(runs)
    doctor(runs, at)
    check("the host ends well", at.end() == 0)
finish()
