#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No thread of croomtap waits for the clock where another could wake it: wakes.py CROOMTAP CLOCKLESS_LIBRARY

Under a library that makes such waits endless (test/tap/clockless.c), packets come out of a pipe that stays open, and a tap
ends when its input does."""
import itertools
import os
import select
import subprocess
import sys
import tempfile

from rig import PATIENCE, check, finish, numbers, numbers_in, write_capture

PACKETS = 10
ROUNDS = 5   # which thread comes first is not always the same


def run(name, command, environment, data):
    """Its exit code, its output and what it said; None, when it did not end by itself."""
    try:
        done = subprocess.run(command, env=environment, input=data, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        check(f"{name}: ends", False, f"after {PATIENCE:.0f} s it had said {error.stderr}")
        return None, b"", b""
    return done.returncode, done.stdout, done.stderr


def ends(program, folder, environment):
    cases = {"text": [], "a copy": ["-w", f"{folder}/copy.pcap"], "no control socket": ["--no-control"],
             "other outputs": ["--audit", f"file:{folder}/audit", "--metrics", f"file:{folder}/metrics", "--diag", "latency"],
             "rows": ["--strategy", "flows"], "-c": ["-c", "5"]}
    for (name, args), _ in itertools.product(cases.items(), range(ROUNDS)):
        code, out, said = run(name, [program, "-r", f"{folder}/in.pcap", *args], environment, b"")
        if code is None:
            break
        good = code == 0 and (name != "text" or numbers(out) == list(range(PACKETS)))
        good = good and (name != "a copy" or numbers_in(f"{folder}/copy.pcap") == list(range(PACKETS)))
        if not check(f"{name}: ends with all packets", good, f"{code}: {out[-1000:]} {said[-1000:]}"):
            break


def comes_out(program, folder, environment):
    with open(f"{folder}/in.pcap", "rb") as file:
        data = file.read()
    with subprocess.Popen([program, "-r", "-"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as tap:
        tap.stdin.write(data)
        tap.stdin.flush()
        came = b""
        while (came.count(b"\n") < PACKETS and select.select([tap.stdout], [], [], PATIENCE)[0] and
               (more := os.read(tap.stdout.fileno(), 65536))):
            came += more
        check("an open pipe: every packet comes out", numbers(came) == list(range(PACKETS)), came[-1000:])
        tap.stdin.close()
        try:
            tap.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            tap.kill()
        check("an open pipe: ends with 0 when it is closed", tap.wait() == 0, tap.returncode)


def main():
    program, clockless = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder, LD_PRELOAD=clockless, TZ="UTC")
        write_capture(f"{folder}/in.pcap", PACKETS)
        ends(program, folder, environment)
        comes_out(program, folder, environment)
        code, _, said = run("the trap", [program, "-r", f"{folder}/in.pcap", "--pace", "1000"], environment, b"")
        check("the trap traps: a sleep until the next packet is due", code == -6 and b"TRAP: nanosleep" in said, f"{code}: {said}")
    finish()


main()
