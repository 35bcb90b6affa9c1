#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Changes with a way back, on a live capture in a network namespace of its own: trials.py CROOMTAP SENDER

Numbered packets come all the while; whatever is tried, broken, promoted or timed, each of them is in the output."""
import glob
import os
import subprocess
import sys
import tempfile
import time

from rig import PATIENCE, UNSHARE, Refused, Tap, check, finish, no_namespace, skip, tally, veth

PROGRAM, SENDER = (os.path.abspath(path) for path in sys.argv[1:3])
RATE = 20_000
BUFFERS = ("-B", "65536", "--ring", "128")
ALL = "bpf:udp"      # keeps every packet, and takes more than a nanosecond for that


def wait_for(good):
    until = time.monotonic() + PATIENCE
    while not good() and time.monotonic() < until:
        time.sleep(0.01)
    return good()


def slot(room, name):
    return next(one for one in room.call("List")["slots"] if one["name"] == name)


def newest(room):
    return room.call("History", after=room.call("List")["revision"] - 1)["entries"][0]


def swap(room, change, **more):
    name, handler = change.split("=", 1)
    return room.call("Swap", changes=[{"slot": name, "handler": handler}], wait_ms=60000, **more)


def refused(name, room, change, words, **more):
    try:
        swap(room, change, **more)
        check(name, False, "it was not refused")
    except Refused as error:
        check(name, words in str(error), error)


def ends(room, name):
    return wait_for(lambda: slot(room, name)["trial"] is None)


def ripe(room, name, begin):
    """A trial that ends by itself, begun for ever longer until more than a hundred calls fell into its time; what it found."""
    for ms in (100, 1000, 10_000, 100_000):
        begin(ms)
        check(f"{name}: the trial ends by itself", ends(room, name))
        found = room.call("Trial", slot=name)
        if found["calls"] > 100:
            break
    return found


def guards(room):
    swap(room, "filter=all")
    swap(room, f"filter={ALL}", trial={"kind": "guard", "rules": "max<1ns,sample=1"})
    check("a guard that is broken: back to the handler before", ends(room, "filter") and slot(room, "filter")["handler"] == "all",
          slot(room, "filter"))
    check("and the history has the figures", newest(room)["cause"] == "breach" and "max<1ns is broken: 1 of 1 timed calls" in
          newest(room)["note"], newest(room))
    found = ripe(room, "filter", lambda ms: swap(room, f"filter={ALL}", trial={"kind": "guard",
                                                                             "rules": f"p99<60s,errors<0.1%,for={ms}ms"}))
    check("a guard that holds: the new handler stays", slot(room, "filter")["handler"] == ALL and
          newest(room)["cause"] == "end_of_trial", newest(room))
    check("and it has timed one call in 16", found["calls"] > 100 and found["calls"] // 16 <= found["timed"] <= found["calls"] // 16 + 1,
          (found["calls"], found["timed"]))
    swap(room, "printer=json", trial={"kind": "guard", "rules": "max<1ns,sample=1"})
    check("a printer whose guard is broken", ends(room, "printer") and slot(room, "printer")["handler"] == "text")


def canaries(room, folder):
    swap(room, f"filter={ALL}", trial={"kind": "canary", "one_in": 10})
    check("a canary takes its share", wait_for(lambda: room.call("Trial", slot="filter")["calls"] > 100))
    calls = slot(room, "filter")["calls"]
    share = room.call("Trial", slot="filter")["calls"] / max(1, calls)
    check("which is one in ten", 0.05 < share < 0.2, share)
    room.call("Promote", slot="filter", wait_ms=60000)
    check("a canary is promoted", slot(room, "filter")["trial"] is None)
    swap(room, f"audit=file:{folder}/one")
    swap(room, f"audit=file:{folder}/other", trial={"kind": "canary", "one_in": 4})
    check("handlers with outputs of their own can be a canary", wait_for(lambda: room.call("Trial", slot="audit")["calls"] > 300))
    swap(room, "audit=off")
    check("and both wrote", wait_for(lambda: os.path.getsize(f"{folder}/one") > 2 * os.path.getsize(f"{folder}/other") > 0))
    refused("a printer on the common output cannot", room, "printer=json", "printer=json cannot be in a canary",
            trial={"kind": "canary", "one_in": 4})
    refused("nor can a copy of packets be on trial beside text", room, "printer=pcap", "cannot be on trial",
            trial={"kind": "guard", "rules": "max<1s"})


def shadows(room):
    swap(room, "filter=all")
    swap(room, f"filter={ALL}", trial={"kind": "shadow"})
    check("a shadow that agrees", wait_for(lambda: room.call("Trial", slot="filter")["calls"] > 500) and
          room.call("Trial", slot="filter")["differences"] == 0, room.call("Trial", slot="filter")["differences"])
    room.call("Rollback", wait_ms=60000)
    swap(room, "filter=none", trial={"kind": "shadow", "rules": "differ<100"})
    check("a shadow that would drop everything drops nothing, and goes", ends(room, "filter") and
          newest(room)["cause"] == "breach" and "differ<100 is broken: 100 of" in newest(room)["note"], newest(room))


def profiles(room):
    for name in ("filter", "strategy", "printer", "audit", "diag"):
        found = ripe(room, name, lambda ms, name=name: room.call("Profile", slot=name, for_ms=ms, wait_ms=60000))
        check(f"profile {name}: times every call", found["timed"] == found["calls"] > 100, (found["timed"], found["calls"]))


def confirming(room, folder):
    swap(room, f"audit=file:{folder}/kept", confirm_ms=60000)
    room.call("Confirm")
    check("confirmed: it stays", slot(room, "audit")["handler"] == f"file:{folder}/kept")
    swap(room, "audit=off")
    swap(room, f"audit=file:{folder}/gone", confirm_ms=100)
    check("unconfirmed: it goes back", wait_for(lambda: slot(room, "audit")["handler"] == "off") and
          newest(room)["cause"] == "unconfirmed", newest(room))
    swap(room, f"audit=file:{folder}/never", dry_run=True)
    swap(room, f"metrics=file:{folder}/never", dry_run=True)
    check("a dry run makes no file", not glob.glob(f"{folder}/never*"), glob.glob(f"{folder}/*"))
    refused("a dry run finds what would fail", room, f"audit=file:{folder}/no/such", "No such file", dry_run=True)
    room.call("Freeze", why="while we look")
    refused("frozen", room, "audit=off", "while we look")
    room.call("Thaw")


def whole(folder):
    """Every packet is in the output, in one file: no trial has split it."""
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", f"{folder}/out", "--printer", "text", folder=folder) as tap:
        room = tap.room()
        sender = subprocess.Popen([SENDER, "far", str(RATE), "10000000"], stdout=subprocess.DEVNULL)
        guards(room)
        canaries(room, folder)
        shadows(room)
        profiles(room)
        confirming(room, folder)
        sender.kill()
        sender.wait()
        tap.interrupt()
        code, account = tap.end(), tap.account()
        check("ends with 0 and adds up", code == 0 and account.get("adds up"), tap.err[-600:])
        count = account["received"] - account["LOST"]
        missing, doubled = tally(glob.glob(f"{folder}/out*"), account["received"])
        check("every packet is in the output, or counted as lost", missing == account["LOST"] and not doubled and count > 0,
              f"{missing} missing, {doubled} doubled, {account}")
        check("in one file", glob.glob(f"{folder}/out*") == [f"{folder}/out"], glob.glob(f"{folder}/out*"))


def copies(folder):
    """A profile of the printer that copies packets: the capture file stays one, and whole."""
    with Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", f"{folder}/copy.pcap", folder=folder) as tap:
        room = tap.room()
        sender = subprocess.Popen([SENDER, "far", str(RATE), "10000000"], stdout=subprocess.DEVNULL)
        found = ripe(room, "printer", lambda ms: room.call("Profile", slot="printer", for_ms=ms, wait_ms=60000))
        check("profile of a copy: times every call", found["timed"] == found["calls"] > 100, (found["timed"], found["calls"]))
        sender.kill()
        sender.wait()
        tap.interrupt()
        code, account = tap.end(), tap.account()
        missing, doubled = tally([f"{folder}/copy.pcap"], account["received"])
        check("profile of a copy: one whole file", code == 0 and account.get("adds up") and missing == account["LOST"] and
              not doubled and glob.glob(f"{folder}/copy*") == [f"{folder}/copy.pcap"], (missing, doubled, account))


def inside():
    veth()
    for part in (whole, copies):
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
            part(folder)


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "--inside" in sys.argv:
        inside()
        finish()
    reason = no_namespace()
    if reason:
        skip("trials on a live capture", reason)
        finish()
    sys.exit(subprocess.run([*UNSHARE, sys.executable, __file__, *sys.argv[1:3], "--inside"], check=False).returncode)


main()
