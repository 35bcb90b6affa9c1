#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a room says is not trusted: a fake one says all it can to croomctl, and nothing of it may reach the terminal raw,
crash or hang: distrust.py CROOMCTL SOURCE COUNT (of twisted replies; few: the rest is shorter, too)"""
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, f"{sys.argv[2]}/test")
from varlink import PATIENCE, check, finish, folder  # noqa: E402

croomctl, COUNT = os.path.abspath(sys.argv[1]), int(sys.argv[3])
EVIL = "a\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\x7f\r\x08\u2066\x00b".replace("\x00", "")
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
CALLS = (("list",), ("swap", "a=b"), ("history",), ("rollback",), ("watch",), ("history", "--since", "1h"), ("at", "now"), ("ls",))
FEW = CALLS if COUNT >= 40 else (("list",), ("watch",))
CLASS = {"name": "n", "help": "h", "syntax": "[X]"}
ENTRY = {"revision": 2, "time_ns": 10**18, "rollback_to": 1, "uid": 0, "pid": 1, "command": "c",
         "changes": [{"slot": "s", "from": "f", "to": "t"}]}
JOURNAL = {"path": "p", "kept": False, "rows": 1, "lost": 2, "lost_since_ns": 5, "why": "w"}
RATE = {"name": "n", "total": 5, "per_second": 1.5}
REPLIES = {
    "List": {"room": "r", "program": "p", "pid": 1, "revision": 1, "slots": [
        {"name": "s", "help": "h", "handler": "x", "since_revision": 1, "since_ns": 1, "calls": 1, "classes": [CLASS]}],
        "journal": JOURNAL, "lanes": [{"name": "l", "parked": True, "revision": 1, "records": 1, "late_ms": 5}],
        "gauges": [{"name": "g", "unit": "u", "value": 1.5}]},
    "Swap": {"revision": 2, "lanes": [{"lane": "l", "observed": True, "parked": True, "revision": 2, "first_record": 3}]},
    "History": {"missed": 3, "entries": [ENTRY]},
    "Watch": {"revision": 2, "missed": 1, "changes": [ENTRY], "slots": [RATE], "lanes": [RATE],
              "gauges": [{"name": "g", "unit": "u", "value": 1.5}], "journal": JOURNAL},
    "Journal": {"missed": 1, "rows": [{"row": 1, "time_ns": 10**18, "kind": kind, "cause": "swap", "revision": 2, "uid": 0, "pid": 1, "command": "c",
                                       "text": "t", "changes": [{"slot": "s", "from": "f", "to": "t"}]} for kind in ("changed", "observed")]},
    "At": {"time_ns": 10**18, "moments": [{"span": "running", "since_ns": 10**18, "until_ns": 10**18, "revision": 1, "uid": 0, "pid": 1,
                                           "command": "c", "slots": [{"slot": "s", "handler": "h", "waits": True}], "text": "t"}]},
}
REPLIES["Rollback"] = REPLIES["Swap"]


class Fake:
    """A room whose answer to each message is what answer(method) returns: bytes, or None to hang up at once."""

    def __init__(self, path):
        self.answer = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.path = path
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            try:
                with client:
                    self.talk(client)
            except OSError:
                pass

    def talk(self, client):
        data = b""
        while not data.endswith(b"\0"):
            more = client.recv(65536)
            if not more:
                return
            data += more
        answer = self.answer(json.loads(data[:-1])["method"].rpartition(".")[2])
        if answer is not None:
            client.sendall(answer)


def pack(value):
    return json.dumps(value).encode() + b"\0"


def run(directory, *args):
    """Exit code and everything printed; the code is "hung" when it does not end."""
    process = subprocess.Popen([croomctl, *args], env=dict(os.environ, CROOM_RUNTIME_DIR=directory), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
        return "hung", out + err
    return process.returncode, out + err


def tame(result, codes=range(8)):
    """It ended as documented and printed nothing that a terminal obeys. (A sanitizer's report ends with another code.)"""
    code, text = result
    try:
        return code in codes and not RAW.search(text.decode()) and b"Sanitizer" not in text
    except UnicodeDecodeError:
        return False


def evil(value):
    """The same with an evil string for each."""
    if isinstance(value, dict):
        return {key: evil(one) for key, one in value.items()}
    if isinstance(value, list):
        return [evil(one) for one in value]
    return EVIL * 20 if isinstance(value, str) else value


def twist(value, dice):
    """The same with something else here and there."""
    if dice.random() < 0.15:
        return dice.choice([None, [], {}, "", EVIL, -1, 2**63 - 1, -2**63, 1e308, 0.1, True, [None], [[]], {"a": {}}, "x" * 3000, [5] * 9])
    if isinstance(value, dict):
        return {key: twist(one, dice) for key, one in value.items() if dice.random() > 0.1}
    if isinstance(value, list):
        return [twist(one, dice) for one in value] * dice.choice([1, 1, 0, 3])
    return value


def evil_strings(fake, directory):
    fake.answer = lambda method: pack({"parameters": evil(REPLIES[method])})
    for args in CALLS:
        for more in ((), ("--json",)):
            result = run(directory, *args, *more)
            check(f"evil strings: {' '.join(args + more)}", tame(result, (0, 6)), result)
    names = [EVIL, "org.croom.Room.BadConfig", "org.croom.Room.NotPermitted", "org.croom.Room.NotObserved"]
    wrong = []
    for name, code in zip(names, (3, 3, 5, 4)):
        for parameters in ({"message": EVIL * 30}, {}, EVIL, None):
            fake.answer = lambda method, name=name, parameters=parameters: pack({"error": name, "parameters": parameters})
            for args in FEW[:5]:
                for more in ((), ("--json",)):
                    if not tame(result := run(directory, *args, *more), (code,)):
                        wrong.append((name, args, more, result))
    check("evil errors keep their exit codes and show no evil", not wrong, wrong[:3])
    wrong = [result for more in ((), ("--json",)) if not tame(result := run(directory, "-r", EVIL, "list", *more), (2,)) or
             not tame(result := run(directory, EVIL, *more), (2,)) or not tame(result := run(directory, f"--{EVIL}", *more), (2,))]
    check("evil arguments", not wrong, wrong)


def refused_ls(fake, directory):
    fake.answer = lambda method: pack({"error": "org.croom.Room.NotPermitted", "parameters": {"message": "not you"}})
    code, text = run(directory, "ls")
    check("ls shows what a room answered", code == 0 and b"not you" in text and b"pid" not in text, text)
    code, text = run(directory, "ls", "--json")
    check("ls --json does, too", json.loads(text)[0].get("error") == "org.croom.Room.NotPermitted", text)


def evil_names(directory):
    """Names of sockets are somebody's, too; and not all are UTF-8."""
    fakes = [Fake(os.fsencode(f"{directory}/") + name + b".socket") for name in (b"\x1b[2J\x9b", "\u202e\x9b2J".encode())]
    for fake in fakes:
        fake.answer = lambda method: pack({"parameters": evil(REPLIES[method])})
    for args in (("ls",), ("ls", "--json"), ("list",), ("list", "--json")):
        result = run(directory, *args)
        check(f"evil names of rooms: {' '.join(args)}", tame(result, (0, 2)), result)
    check("and they are listed", len(json.loads(run(directory, "ls", "--json")[1])) == 3)
    for fake in fakes:
        os.unlink(fake.path)


def no_varlink(fake, directory):
    whole = pack({"parameters": REPLIES["List"]})
    answers = {"nothing": None, "silence and an end": b"", "half": whole[:50], "no end": whole[:-1], "not JSON": b"HTTP/1.1 200 OK\0",
               "an array": b"[1]\0", "a string": b'"x"\0', "an empty object": b"{}\0", "empty messages": b"\0\0\0", "half, ended": whole[:50] + b"\0",
               "invalid UTF-8": b'{"parameters":{"room":"\xff"}}\0', "deep": b"[" * 100000 + b"\0", "no parameters": b'{"parameters":5}\0',
               "an error of no name": b'{"error":5}\0', "20 MB without an end": b"x" * (20 << 20), "a key twice": b'{"a":1,"a":2}\0'}
    wrong = []
    for name, answer in answers.items():
        fake.answer = lambda method, answer=answer: answer
        for args in FEW:
            for more in ((), ("--json",)):
                code = (0,) if args == ("ls",) else (0, 1, 6) if args == ("watch",) else (1,)
                result = run(directory, *args, *more)
                if not tame(result, code) or (more and args != ("watch",) and not isinstance(json.loads(result[1]), (dict, list))):
                    wrong.append((name, args, more, result))
    check(f"{len(answers)} answers that are none: said so, and no harm", not wrong, wrong[:3])


def twisted(fake, directory):
    wrong, count = [], COUNT
    for seed in range(count):
        dice = random.Random(seed)
        fake.answer = lambda method, dice=dice: pack({"parameters": twist(REPLIES[method], dice)}) * dice.choice([1, 3])
        for args in CALLS:
            result = run(directory, *args, *dice.choice([(), (), ("--json",)]))
            if not tame(result):
                wrong.append((seed, args, result))
    check(f"{count} twisted replies to each verb", not wrong, wrong[:3])


def flood(fake, directory):
    """A terminal is drawn anew for each frame, with the newest changes of all frames."""
    frame = {"parameters": dict(REPLIES["Watch"], missed=2**63 - 1, changes=[5] * 500_000 + [ENTRY])}
    fake.answer = lambda method: pack(frame) * 2
    master, slave = pty.openpty()
    process = subprocess.Popen([croomctl, "watch"], env=dict(os.environ, CROOM_RUNTIME_DIR=directory), stdout=slave,
                               stderr=subprocess.PIPE)
    os.close(slave)
    said, until = b"", time.monotonic() + PATIENCE
    while time.monotonic() < until and select.select([master], [], [], until - time.monotonic())[0]:
        try:
            said += os.read(master, 65536)
        except OSError:    # the other end has closed it
            break
    code = "hung" if time.monotonic() >= until else process.wait(timeout=PATIENCE)
    process.kill()
    err = process.communicate()[1]
    os.close(master)
    check("half a million changes in a frame, twice: the newest are drawn", code == 6 and b"pid 1  c\x1b[K" in said and
          b"runtime error" not in err, (code, said[-300:], err[-300:]))


def main():
    directory = folder()
    fake = Fake(f"{directory}/fake.socket")
    evil_strings(fake, directory)
    refused_ls(fake, directory)
    evil_names(directory)
    no_varlink(fake, directory)
    flood(fake, directory)
    twisted(fake, directory)
    shutil.rmtree(directory)
    finish()


main()
