#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The examples do what their first comment says: examples.py CONTROLROOM LINES CROOMCTL SOURCE

A unit test, so that the sanitizers watch them too."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

controlroom, lines, croomctl = (os.path.abspath(path) for path in sys.argv[1:4])
source = sys.argv[4]
failures = 0
PATIENCE = 60


def check(name, good, reason=""):
    global failures
    failures += not good
    print(f"ok - {name}" if good else f"not ok - {name}: {reason}", flush=True)


def until(what):
    """Wait for it, and say whether it came."""
    end = time.monotonic() + PATIENCE
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def kinds(out):
    return {"text": bool(re.search(r"^\d+ [A-Z]{6} \d+$", out, re.M)), "json": '"symbol":"' in out,
            "total": bool(re.search(r"^total -?\d+ at message", out, re.M))}


def by_itself():
    run = subprocess.run([controlroom], capture_output=True, text=True, timeout=PATIENCE, check=False)
    check("controlroom: plays by itself and nothing is lost",
          run.returncode == 0 and "400 produced, 400 handled" in run.stderr, run.stderr[-500:])
    check("controlroom: each handler had its turn", all(kinds(run.stdout).values()), kinds(run.stdout))
    check("controlroom: audit and metrics had theirs", "audit: message" in run.stderr and "metrics: " in run.stderr,
          run.stderr[-500:])
    shown = [int(n) for n in re.findall(r'^(?:{"number":)?(\d+)[ ,]', run.stdout, re.M)]
    check("controlroom: no message twice, and in order", shown == sorted(set(shown)), "out of order")


def by_signals(folder):
    """Many swaps, quickly, and then Ctrl-C."""
    with open(f"{folder}/out", "w+b") as out, open(f"{folder}/err", "w+b") as err:
        run = subprocess.Popen([controlroom, "--signals", "--rate", "10000"], stdout=out, stderr=err)
        name = f"{folder}/out"
        check("controlroom --signals: begins", until(lambda: os.path.getsize(name)), "nothing was printed")
        for i in range(300):
            run.send_signal((signal.SIGUSR1, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)[i % 4])
            time.sleep(0.001)
        run.send_signal(signal.SIGINT)
        code = run.wait(timeout=PATIENCE)
        err.seek(0)
        said = err.read().decode()
    account = re.search(r"(\d+) produced, (\d+) handled", said)
    check("controlroom --signals: Ctrl-C ends it with its account", code == 0 and account and account[1] == account[2],
          said[-300:])
    check("controlroom --signals: the signals were heard", said.count("control: handler") > 20, said[-300:])


class Lines:
    def __init__(self, folder, *args):
        self.environment = dict(os.environ, CROOM_RUNTIME_DIR=folder)
        self.name = f"{folder}/lines.out"
        self.out = open(self.name, "wb")
        self.process = subprocess.Popen([lines, *args], stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.PIPE,
                                        env=self.environment)
        until(lambda: os.path.exists(f"{folder}/lines.socket"))

    def ctl(self, *args):
        run = subprocess.run([croomctl, *args], capture_output=True, text=True, env=self.environment, timeout=PATIENCE,
                             check=False)
        return run.returncode, run.stdout + run.stderr

    def read(self):
        with open(self.name, encoding="utf-8") as file:
            return file.read()

    def has(self, text):
        return until(lambda: text in self.read())


def by_pipe(folder):
    run = Lines(folder)

    def say(text):
        run.process.stdin.write(text.encode())
        run.process.stdin.flush()

    say("first\nsecond\n")
    check("lines: plain at the start", run.has("first\nsecond\n"), run.read())
    code, said = run.ctl("swap", "format=json", "filter=match:error")
    check("lines: croomctl swaps two slots", code == 0, said)
    say('no\nan "error" \\ \t\nno\n')
    check("lines: the filter keeps, the format escapes", run.has("{"), run.read())
    check("lines: and it is JSON", json.loads(run.read().splitlines()[-1]) ==
          {"number": 4, "line": 'an "error" \\ \t'}, run.read())
    before = run.ctl("list")[1]
    code, said = run.ctl("swap", "filter=match")
    check("lines: a bad config is refused", code == 3 and "match:error" in said, said)
    check("lines: and changes nothing", re.sub(r"since.*|\d+", "", run.ctl("list")[1]) == re.sub(r"since.*|\d+", "", before))
    code, said = run.ctl("rollback")
    check("lines: rollback", code == 0, said)
    say("third\nlast without an end")
    run.process.stdin.close()
    said = run.process.stderr.read().decode()
    check("lines: the end of input ends it with a count", run.process.wait(timeout=PATIENCE) == 0 and "7 lines" in said, said)
    check("lines: the last line is there", run.read().endswith("third\nlast without an end\n"), run.read())


def by_udp(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = Lines(folder, "--udp", str(port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"one\ntwo", ("127.0.0.1", port))
        check("lines --udp: a datagram's lines", run.has("one\ntwo\n"), run.read())
        code, said = run.ctl("swap", "format=json")
        out.sendto(b"three", ("127.0.0.1", port))
        check("lines --udp: swapped", code == 0 and run.has('"line":"three"'), said + run.read())
    run.process.send_signal(signal.SIGINT)
    said = run.process.stderr.read().decode()
    check("lines --udp: Ctrl-C ends it", run.process.wait(timeout=PATIENCE) == 0 and "3 lines" in said, said)


def main():
    by_itself()
    for part in (by_signals, by_pipe, by_udp):
        with tempfile.TemporaryDirectory(prefix="croom-test-") as folder:
            part(folder)
    for program in (controlroom, lines):
        run = subprocess.run([program, "--nonsense"], capture_output=True, text=True, check=False)
        check(f"{os.path.basename(program)}: a wrong word gets the usage", run.returncode == 2 and "usage" in run.stderr)
    with open(f"{source}/example/lines.c", encoding="utf-8") as file:
        count = len(file.readlines())
    check(f"lines.c is under 150 lines ({count})", count < 150)
    sys.exit(1 if failures else 0)


main()
