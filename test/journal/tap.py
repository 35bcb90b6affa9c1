#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap with a journal, on live traffic in network and mount namespaces of its own: tap.py CROOMTAP CROOMCTL SENDER SOURCE

Numbered packets come all the while. Killed, it comes back with what was confirmed; with a full disk it loses rows, not packets."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, f"{os.path.abspath(sys.argv[4])}/test/tap")
from rig import PATIENCE, UNSHARE, Refused, Tap, check, finish, no_namespace, skip, veth, write_capture  # noqa: E402

PROGRAM, CROOMCTL, SENDER = (os.path.abspath(path) for path in sys.argv[1:4])
BUFFERS = ("-B", "65536", "--ring", "128")
RATE = 5000


def wait_for(good):
    until = time.monotonic() + PATIENCE
    while not (result := good()) and time.monotonic() < until:
        time.sleep(0.01)
    return result


def ctl(tap, *args):
    run = subprocess.run([CROOMCTL, *args], env=tap.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return run.returncode, run.stdout + run.stderr


def journal(room):
    return room.call("List")["journal"]


def rows(room):
    return room.call("Journal")["rows"]


def refused(room, method, **parameters):
    try:
        room.call(method, **parameters)
        return None
    except Refused as error:
        return error


def change(room, handler, **more):
    slot, handler = handler.split("=", 1)
    return room.call("Swap", changes=[{"slot": slot, "handler": handler}], wait_ms=60000, **more)


def tapped(room):
    return room.call("List")["lanes"][0]["records"]


def live(folder, *args):
    """A tap on the cable, where it is seen that packets come."""
    tap = Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "/dev/null", *args, folder=folder)
    room = tap.room()
    wait_for(lambda: tapped(room) > 100)
    return tap, room


def end_well(name, tap):
    tap.interrupt()
    code, account = tap.end(), tap.account()
    check(f"{name}: ends with 0 and an account that adds up", code == 0 and account.get("adds up"), tap.err.decode()[-1000:])
    return account


def comes_back(folder, state):
    tap, room = live(folder, "--state", state)
    with tap:
        check("the first run begins with the command line", room.handlers()["printer"] == "pcap" and b"restored" not in tap.err, room.handlers())
        room.swap(filter="bpf:udp", printer="json", strategy="sample:3")
        end_well("the first run", tap)
    tap, room = live(folder, "--state", state)
    with tap:
        check("the next begins with what was in force", room.handlers() == {"filter": "bpf:udp", "strategy": "sample:3", "printer": "json",
              "audit": "off", "metrics": "off", "diag": "off"} and room.call("List")["revision"] == 2, room.handlers())
        entry = room.call("History")["entries"][-1]
        check("and the history says why", "restored: revision 3 of 20" in entry["command"], entry)
        end_well("the next run", tap)
        check("and it says so", re.search(rb"croomtap: restored what was in force as revision 3 since 20.*: filter=bpf:udp strategy=sample:3 printer=json\n",
                                          tap.err), tap.err)
    tap, room = live(folder, "--state", state, "--printer", "csv", "udp or arp")
    with tap:
        check("what the command line asks for wins, slot by slot", room.handlers()["printer"] == "csv" and
              room.handlers()["filter"] == "bpf:udp or arp" and room.handlers()["strategy"] == "sample:3", room.handlers())
        end_well("with a command line", tap)
    tap, room = live(folder, "--state", state, "--no-restore")
    with tap:
        check("--no-restore: only the command line", room.handlers()["printer"] == "pcap" and room.handlers()["strategy"] == "each", room.handlers())
        end_well("--no-restore", tap)
    tap, room = live(folder)
    with tap:
        check("no --state: no journal", journal(room) is None, journal(room))
        end_well("no --state", tap)
    os.environ["STATE_DIRECTORY"] = f"{state}:/nowhere"
    tap, room = live(folder)
    del os.environ["STATE_DIRECTORY"]
    with tap:
        check("$STATE_DIRECTORY is --state", journal(room)["path"] == f"{state}/croomtap.journal", journal(room))
        end_well("$STATE_DIRECTORY", tap)


def killed(folder, state, number, word):
    """While traffic flows and a change waits."""
    tap, room = live(folder, "--state", state)
    with tap:
        room.swap(printer="json", filter="bpf:udp")
        change(room, "printer=csv", confirm_ms=3600000)
        before = tapped(room)
        wait_for(lambda: tapped(room) > before + 100)
        tap.interrupt(number)
        tap.end()
        check(f"{word}: it is gone", tap.process.returncode == -number, tap.process.returncode)
    tap, room = live(folder, "--state", state)
    with tap:
        check(f"{word} while a change waited: the last confirmed state runs, on traffic that goes on",
              room.handlers()["printer"] == "json" and room.handlers()["filter"] == "bpf:udp", room.handlers())
        code, text = ctl(tap, "list")
        check(f"{word}: croomctl list says why", code == 0 and re.search(
            r"^QUARANTINED: printer=csv: it was in force unconfirmed \(revision \d+, since 20.*\) when pid \d+ died$", text, re.M), text)
        error = refused(room, "Swap", changes=[{"slot": "printer", "handler": "csv"}])
        check(f"{word}: the handler is refused", error and error.error == "Quarantined", error)
        code, text = ctl(tap, "at", "now")
        check(f"{word}: croomctl at", code == 0 and "is in force, since " in text and re.search(r"printer +json\n", text), text)
        check(f"{word}: croomctl pardon lets it in", ctl(tap, "pardon", "printer=csv")[0] == 0 and change(room, "printer=csv")["revision"], "")
        end_well(word, tap)
        check(f"{word}: and so does the tap itself", b"printer=csv is in quarantine: " in tap.err and b"restored what was in force" in tap.err,
              tap.err)
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as other:
        tap, room = live(other, "--state", state)
        with tap:
            check(f"{word}: pardoned, it comes back with the next run", room.handlers()["printer"] == "csv" and
                  room.call("List")["quarantined"] == [], room.handlers())
            end_well(f"{word}, once more", tap)


def cannot_write(folder, mount):
    """A directory on a file system that is mounted read-only."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", mount], check=True)
    subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
    try:
        tap, room = live(folder, "--state", mount)
        with tap:
            room.swap(printer="json")
            check("a read-only directory: swaps go on", room.handlers()["printer"] == "json", room.handlers())
            check("a read-only directory: it is said", not journal(room)["kept"] and "Read-only file system" in journal(room)["why"], journal(room))
            check("and by croomctl list", "JOURNAL NOT KEPT: " in ctl(tap, "list")[1], ctl(tap, "list"))
            end_well("a read-only directory", tap)
            check("and by the tap", b"goes on WITHOUT a journal" in tap.err, tap.err)
    finally:
        subprocess.run(["umount", mount], check=True)


def fill(path):
    """Take what is left of the disk."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def metric(path, name):
    try:
        with open(path, encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(name + " ")), None)
    except FileNotFoundError:
        return None


def full_disk(folder, mount):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", mount], check=True)
    metrics = f"{folder}/metrics"
    try:
        tap, room = live(folder, "--state", mount, "--metrics", f"file:{metrics}")
        with tap:
            room.swap(printer="json")
            check("a full disk: before", wait_for(lambda: metric(metrics, "croomtap_journal_kept") == 1) and
                  metric(metrics, "croomtap_journal_lost_rows_total") == 0, f"exit code {tap.process.poll()}")
            fill(f"{mount}/fill")
            before = tapped(room)
            # As long as the journal's own pages have room, it is written.
            done = 0
            while journal(room)["kept"] and done < 2000:
                room.swap(printer=("csv", "json")[done % 2])
                done += 1
            state = journal(room)
            check("a full disk: it is said, with a reason and a count", not state["kept"] and "the disk is full" in state["why"] and
                  state["lost"] > 0, state)
            for printer in ("text", "csv", "json"):
                room.swap(printer=printer)
                check(f"a full disk: a swap to {printer} goes on", room.handlers()["printer"] == printer, room.handlers())
            check("a full disk: packets, too", wait_for(lambda: tapped(room) > before + 1000), tapped(room))
            check("a full disk: the metrics say so", wait_for(lambda: metric(metrics, "croomtap_journal_kept") == 0) and
                  wait_for(lambda: (metric(metrics, "croomtap_journal_lost_rows_total") or 0) >= 6), metric(metrics, "croomtap_journal_lost_rows_total"))
            check("a full disk: croomctl list, loudly", "JOURNAL NOT KEPT: " in ctl(tap, "list")[1], ctl(tap, "list"))
            code, text = ctl(tap, "at", "now")
            check("a full disk: at does not say of what the file says last that it is in force", code == 0 and
                  "may have been in force" in text and "the journal is not kept" in text, text)
            os.unlink(f"{mount}/fill")
            check("room again: it is kept again", wait_for(lambda: journal(room)["kept"]), journal(room))
            lost = [row for row in rows(room) if row["kind"] == "lost"]
            check("and a row tells how many were lost, from when to when", len(lost) == 1 and
                  re.match(r"\d+ rows lost from 20\S+ \S+ to 20.*: .*the disk is full$", lost[0]["text"]), lost)
            told = ctl(tap, "history", "--since", "1h")[1]
            check("and croomctl tells that in words", " rows lost from " in told and " -> \n" not in told, told[-2000:])
            check("and what was in force is known again", room.call("At", time_ns=lost[0]["time_ns"])["moments"][0]["revision"] ==
                  room.call("List")["revision"], lost)
            code, text = ctl(tap, "journal", "verify")
            check("and the chain holds", code == 0, text)
            account = end_well("a full disk", tap)
            check("a full disk: no packet is lost", account["LOST"] == 0, account)
    finally:
        subprocess.run(["umount", mount], check=True)


def two_taps(folder, state):
    first, one = live(folder, "--state", state)
    with first, Tap(PROGRAM, "-i", "near", *BUFFERS, "-w", "/dev/null", "--state", state, folder=folder) as second:
        two = second.room(f"croomtap-{second.process.pid}")
        check("one state, two taps: the second runs without, and says so", not journal(two)["kept"] and
              f"is kept by another process, pid {first.process.pid}" in journal(two)["why"] and journal(one)["kept"], journal(two))
        two.swap(printer="json")
        check("and is not in the first one's journal", not any("json" in json.dumps(row) for row in rows(one) if row["kind"] == "changed" and
                                                               row["pid"] == os.getpid()), rows(one))
        end_well("the first of two", first)
        check("when the first has gone, the second keeps it", wait_for(lambda: journal(two)["kept"]), journal(two))
        end_well("the second of two", second)


def small_ends(folder, state):
    write_capture(f"{folder}/in.pcap", 10)

    def run(*args, output="/dev/null"):
        return subprocess.run([PROGRAM, "-r", f"{folder}/in.pcap", "-w", output, "--state", state, *args], capture_output=True,
                              timeout=PATIENCE, check=False, env=dict(os.environ, XDG_RUNTIME_DIR=folder, CROOM_RUNTIME_DIR=folder))

    def show():
        out = subprocess.run([CROOMCTL, "journal", "show", f"{state}/croomtap.journal", "--json"], capture_output=True, check=True)
        return [row["kind"] for row in json.loads(out.stdout)["rows"] if row["kind"] != "observed"]
    done = run("--no-control")
    check("--no-control: it is kept, too", done.returncode == 0 and show() == ["start", "changed", "end"], show())
    before = show()
    done = run("--printer", "nothing")
    check("a wrong command line leaves it as it was", done.returncode == 2 and show() == before, show())
    done = run(output="/nowhere/at/all")
    check("so does an output that cannot be opened", done.returncode == 1 and show() == before, show())


def main():
    missing = no_namespace("mount", "umount")
    if missing:
        skip("the journal of a live tap", missing)
        finish()
    if os.environ.get("CROOM_JOURNAL_INSIDE") != "1":
        os.environ["CROOM_JOURNAL_INSIDE"] = "1"
        os.execvp(UNSHARE[0], [*UNSHARE, "-m", sys.executable, os.path.abspath(__file__), *map(os.path.abspath, sys.argv[1:])])
    veth()
    sender = subprocess.Popen([SENDER, "far", str(RATE), "16000000"], stdout=subprocess.DEVNULL)
    try:
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
            os.mkdir(f"{folder}/mount")
            comes_back(folder, f"{folder}/one")
            killed(folder, f"{folder}/two", signal.SIGKILL, "kill -9")
            killed(folder, f"{folder}/three", signal.SIGSEGV, "a crash")
            cannot_write(folder, f"{folder}/mount")
            full_disk(folder, f"{folder}/mount")
            two_taps(folder, f"{folder}/four")
            small_ends(folder, f"{folder}/five")
    finally:
        sender.kill()
        sender.wait()
    finish()


main()
