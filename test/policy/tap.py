#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap --policy on live traffic in a network namespace of its own: tap.py CROOMTAP CROOMCTL SENDER SOURCE

While numbered packets come, users of every role and of none ask for everything; the journal has what was refused, and no packet
is lost. And with a policy that is wrong it does not begin."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path[:0] = [f"{os.path.abspath(sys.argv[4])}/test/tap", os.path.dirname(os.path.abspath(__file__))]
import place  # noqa: E402
from rig import PATIENCE, UNSHARE, Tap, check, finish, no_namespace, skip, veth, write_capture  # noqa: E402

PROGRAM, CROOMCTL, SENDER = (os.path.abspath(path) for path in sys.argv[1:4])
VIEWER, OPERATOR, ADMIN, STRANGER = 64001, 64002, 64003, 64004
RATE = 5000


def put(folder, text):
    path = pathlib.Path(folder, "policy")
    path.write_text(text)
    os.chmod(path, 0o644)
    return str(path)


def ctl(tap, *args, uid=None):
    who = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    environment = dict(os.environ, CROOM_RUNTIME_DIR=f"{tap.folder}/croom", TZ="UTC")
    run = subprocess.run([f"{tap.folder}/croomctl", *args], env=environment, capture_output=True, text=True, timeout=PATIENCE,
                         check=False, **who)
    return run.returncode, run.stdout + run.stderr


def does_not_begin(folder):
    capture = f"{folder}/in.pcap"
    write_capture(capture, 10)

    def begins(text, mode=0o644, policy=None):
        path = policy or put(folder, text)
        if text is not None:
            os.chmod(path, mode)
        run = subprocess.run([PROGRAM, "-r", capture, "-w", f"{folder}/out", "--no-control", "--policy", path], capture_output=True,
                             timeout=PATIENCE, check=False)
        return run.returncode, run.stderr.decode()

    pathlib.Path(folder, "out").write_text("what was here before")
    for name, came, words in (
            ("a line that is none", begins("operater uid 7\n"), "policy:1: no line begins with 'operater'"),
            ("the same user twice", begins("viewer uid 7\nadmin uid 7\n"), "policy:2: uid 7 has another role already"),
            ("a user that there is not", begins("viewer user no-such-user-here\n"), "policy:1: there is no user"),
            ("a file that others can write", begins("viewer uid 7\n", 0o666), "chmod go-w"),
            ("a plugin directory that others can write", begins("plugin directory /tmp\n"), "/tmp can be written by others"),
            ("no file", begins(None, policy=f"{folder}/none"), "No such file"),
            ("a pipe", begins(None, policy="/dev/stdin"), "/dev")):
        check(f"{name}: it does not begin", came[0] == 1 and "does not begin with this policy: " in came[1] and words in came[1], came)
    check("and nothing was touched", pathlib.Path(folder, "out").read_text() == "what was here before")
    check("a good one: it does", begins("viewer uid 7\n")[0] == 0)


def loads(tap, folder):
    """Whether the policy lets a file be looked at; what is in it, and whether that can be a plugin, is the loader's to say."""
    inside, outside = pathlib.Path(folder, "plugins/x.so"), pathlib.Path(folder, "x.so")
    for path in (inside, outside):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no plugin")
        os.chmod(path, 0o644)
    said = ctl(tap, "load", str(inside), uid=OPERATOR)
    check("an operator does not load", said[0] == 5 and "Load is for admins" in said[1], said)
    said = ctl(tap, "load", str(outside), uid=ADMIN)
    check("an admin does not load from elsewhere", said[0] == 3 and "x.so may not be loaded: by the directory rule of" in said[1] and
          f"it is not in {folder}/plugins" in said[1], said)
    os.chmod(inside, 0o666)
    said = ctl(tap, "load", str(inside), uid=ADMIN)
    check("nor what others can write", said[0] == 3 and "by the directory rule of" in said[1] and "chmod go-w" in said[1], said)
    os.chmod(inside, 0o644)
    said = ctl(tap, "load", str(inside), uid=ADMIN)
    check("a file in the directory is looked at, and is no plugin", said[0] == 3 and "rule" not in said[1], said)


def live(folder):
    os.mkdir(f"{folder}/plugins", 0o755)
    os.chmod(f"{folder}/plugins", 0o755)
    policy = put(folder, f"viewer uid {VIEWER}\noperator uid {OPERATOR}\nadmin uid {ADMIN}\nswaps 1 per 1h burst 7\n"
                 f"plugin directory {folder}/plugins\n")
    with Tap(PROGRAM, "-i", "near", "-B", "65536", "--ring", "128", "-w", "/dev/null", "--policy", policy, "--state", f"{folder}/state",
             folder=folder) as tap:
        room = tap.room()
        until = time.monotonic() + PATIENCE
        while room.call("List")["lanes"][0]["records"] < 100 and time.monotonic() < until:
            time.sleep(0.01)
        said = ctl(tap, "list", uid=VIEWER)
        check("a viewer lists", said[0] == 0 and f"policy {policy}; to it you are: viewer" in said[1], said)
        said = ctl(tap, "swap", "printer=json", uid=VIEWER)
        check("a viewer does not swap", said[0] == 5 and "Swap is for operators" in said[1], said)
        said = ctl(tap, "swap", "printer=json", uid=OPERATOR)
        check("an operator swaps", said[0] == 0 and "in force: lane" in said[1], said)
        victim = pathlib.Path(folder, "victim")
        victim.write_text("root's")
        for change, *more in ((f"metrics=file:{victim}",), (f"audit=file:{victim}", "printer=csv", "--dry-run")):
            said = ctl(tap, "swap", change, *more, uid=OPERATOR)
            check(f"an operator has no file written, nor looks for one: {change}", said[0] == 5 and "which is for admins" in said[1], said)
        check("and nothing of it is done", room.handlers()["metrics"] == room.handlers()["audit"] == "off" and
              room.handlers()["printer"] == "json" and victim.read_text() == "root's", room.handlers())
        said = ctl(tap, "swap", f"audit=file:{victim}", "--dry-run", uid=ADMIN)
        check("an admin may", said[0] == 0, said)
        said = ctl(tap, "freeze", "--why", "x", uid=OPERATOR)
        check("an operator does not freeze", said[0] == 5 and "Freeze is for admins" in said[1], said)
        said = ctl(tap, "freeze", "--why", "noon", uid=ADMIN), ctl(tap, "thaw", uid=ADMIN)
        check("an admin does", said[0][0] == said[1][0] == 0, said)
        said = ctl(tap, "list", "-r", "croomtap", uid=STRANGER)
        check("a stranger is turned away", said[0] == 5 and f"viewer uid {STRANGER}" in said[1], said)
        loads(tap, folder)
        for printer in ("csv", "text"):
            ctl(tap, "swap", f"printer={printer}", uid=OPERATOR)
        said = ctl(tap, "swap", "printer=json", uid=OPERATOR)
        check("too many swaps (loads count, too): when to come again", said[0] == 3 and "try again in 3" in said[1], said)
        said = ctl(tap, "rollback", uid=OPERATOR)
        check("a rollback is never too many", said[0] == 0 and room.handlers()["printer"] == "csv", (said, room.handlers()))
        said = ctl(tap, "history", "--since", "1h", uid=VIEWER)
        refused = [(row["uid"], row["command"], row["text"]) for row in room.call("Journal")["rows"] if row["kind"] == "refused"]
        check("the journal has each refusal: who, which command, and why", [(uid, command) for uid, command, _ in refused] == [
            (VIEWER, "croomctl swap printer=json"), (OPERATOR, f"croomctl swap metrics=file:{victim}"),
            (OPERATOR, f"croomctl swap audit=file:{victim} printer=csv --dry-run"),
            (OPERATOR, "croomctl freeze --why x"), (STRANGER, "croomctl"),
            (OPERATOR, f"croomctl load {folder}/plugins/x.so"), (OPERATOR, "croomctl swap printer=json")], refused)
        check("and a viewer can read them", said[0] == 0 and all(text[:40] in said[1] for _, _, text in refused), said)
        tap.interrupt(signal.SIGINT)
        code, account = tap.end(), tap.account()
        check("no packet was lost, and the account adds up", code == 0 and account.get("adds up") and account["LOST"] == 0 and
              account["swaps"] == 4, tap.err.decode()[-500:])


def main():
    folder = place.make()
    if not folder:
        skip("a tap with a policy", "no directory here that only root and we can write to, all the way from /")
        finish()
    missing = "only root can become another user" if os.geteuid() else no_namespace()
    try:
        os.chmod(folder, 0o755)
        shutil.copy(CROOMCTL, folder)
        does_not_begin(folder)
        if missing:
            skip("a live tap with a policy, and its users", missing)
            finish()
        veth()
        with subprocess.Popen([SENDER, "far", str(RATE), "16000000"], stdout=subprocess.DEVNULL) as sender:
            live(folder)
            sender.kill()
    finally:
        shutil.rmtree(folder)
    finish()


if os.geteuid() == 0 and not no_namespace() and os.environ.get("CROOM_POLICY_INSIDE") != "1":
    os.environ["CROOM_POLICY_INSIDE"] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, os.path.abspath(__file__), *map(os.path.abspath, sys.argv[1:])])
main()
