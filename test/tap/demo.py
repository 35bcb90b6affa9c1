#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap demo as a user runs it, whole and interrupted: demo.py CROOMTAP CROOMCTL"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from rig import PATIENCE, check, finish, skip

ACCOUNT = re.compile(r"^  (\S.*?) +(\d+)$", re.M)


def unshare_works():
    return os.geteuid() == 0 or subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0


def descendants(folder):
    """Processes that work in the demo's folder or that it started: their environment names our runtime directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if f"CROOM_RUNTIME_DIR={folder}".encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def gone(folder):
    until = time.monotonic() + PATIENCE
    while descendants(folder) and time.monotonic() < until:
        time.sleep(0.05)
    return not descendants(folder)


def start(program, folder, *args):
    return subprocess.Popen([program, "demo", *args], env=dict(os.environ, CROOM_RUNTIME_DIR=folder), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def whole(program, folder):
    process = start(program, folder, "--seconds", "2")
    said = process.communicate(timeout=5 * PATIENCE)[0]
    account = {name.strip(): int(figure) for name, figure in ACCOUNT.findall(said.partition("The account")[2])}
    print(said)
    check("demo: ends with 0", process.returncode == 0, said[-2000:])
    check("demo: the kernel's counter and ours agree",
          account.get("packets over the interface, by the kernel's own counter") ==
          account.get("packets that croomtap received", -1), account)
    check("demo: traffic, swaps and no loss", account.get("LOST") == 0 and account.get("swaps while it ran", 0) > 20 and
          account.get("packets that croomtap received", 0) > 500, account)
    check("demo: a bad filter is refused", "refused: filter=bpf:" in said, said)
    check("demo: shows each format", re.search(r"IP 10\.99", said) and '{"type":"packet"' in said and "packet,2" in said and
          "top 1:" in said, said)
    check("demo: nobody is left", gone(folder), descendants(folder))


def keep(program, croomctl, folder):
    """A user's own swap from a second terminal, then Ctrl-C."""
    process = start(program, folder, "--seconds", "1", "--keep")
    for line in process.stdout:
        if line.startswith("Your turn"):
            break
    swap = subprocess.run([croomctl, "swap", "printer=json", "strategy=each"], capture_output=True, text=True, check=False,
                          env=dict(os.environ, CROOM_RUNTIME_DIR=folder), timeout=PATIENCE)
    check("keep: croomctl swaps from outside", swap.returncode == 0, swap.stdout + swap.stderr)
    seen = any('{"type":"packet"' in line for line in process.stdout)
    check("keep: and the change shows", seen, "no json line")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=5 * PATIENCE)[0]
    check("keep: Ctrl-C ends it with its account", process.returncode == 0 and re.search(r"LOST +0$", said, re.M), said)
    check("keep: nobody is left", gone(folder), descendants(folder))


def killed(program, folder):
    process = start(program, folder)
    for line in process.stdout:
        if "in force from packet" in line:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    check("kill -9: nobody is left", gone(folder), descendants(folder))


def main():
    program, croomctl = (os.path.abspath(path) for path in sys.argv[1:3])
    for args, code in ((["--help"], 0), (["--seconds", "x"], 2), (["now"], 2)):
        run = subprocess.run([program, "demo", *args], capture_output=True, text=True, check=False)
        check(f"demo {' '.join(args)}: exit code {code} and a word on it", run.returncode == code and run.stdout + run.stderr,
              f"{run.returncode}: {run.stdout}{run.stderr}")
    if not unshare_works():
        skip("demo", "this system lets nobody but root make network namespaces")
        finish()
    for part in (whole, lambda p, f: keep(p, croomctl, f), killed):
        with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
            part(program, folder)
    finish()


main()
