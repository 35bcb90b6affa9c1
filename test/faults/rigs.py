# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of faults share beside test/tap/rig.py: waiting for a state, namespaces with a mount of their own, what a
capture file holds up to its last whole packet."""
import os
import pathlib
import re
import select
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tap"))
from rig import PATIENCE, UNSHARE, finish, no_namespace, skip  # noqa: E402


def wait_for(good):
    until = time.monotonic() + PATIENCE
    while not (result := good()) and time.monotonic() < until:
        time.sleep(0.01)
    return result


def received(room):
    return room.call("List")["lanes"][0]["records"]


def gauge(room, name):
    return next(one["value"] for one in room.call("List")["gauges"] if one["name"] == name)


def told(tap, what=b"\n"):
    """What it says on stderr until this is in it."""
    said, until = b"", time.monotonic() + PATIENCE
    while what not in said and time.monotonic() < until:
        if select.select([tap.process.stderr], [], [], 0.5)[0]:
            said += (more := os.read(tap.process.stderr.fileno(), 4096))
            if not more:
                break
    return said


def clean(said):
    """What neither a sanitizer nor the account minds."""
    return not any(word in said for word in ("Sanitizer", "runtime error", "does not add up"))


def small_disk(path, *options):
    """A file system of its own there; in a mount namespace."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", path], check=True, capture_output=True)


def whole_packets(data):
    """Of a pcap file that may be cut off: how many packets are whole, and how many bytes follow them."""
    at, count = 24, 0
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + length > len(data):
            break
        at, count = at + 16 + length, count + 1
    return count, len(data) - at


def capinfos(path):
    """How many packets capinfos finds in a file, and what it says of its end."""
    run = subprocess.run(["capinfos", "-c", "-M", path], capture_output=True, text=True, check=False)
    match = re.search(r"^Number of packets[^\d]*(\d+)", run.stdout, re.M)
    return int(match[1]) if match else None, run.stdout + run.stderr


def inside(name, parts, tools=(), mounts=False):
    """Run the parts in namespaces of their own, those that are named on the command line behind --, or all of them."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "--inside" not in sys.argv:
        unshare = [*UNSHARE, "-m"] if mounts else UNSHARE
        reason = no_namespace(*tools, *(["mount"] if mounts else []), unshare=unshare)
        if reason:
            skip(name, reason)
            finish()
        sys.exit(subprocess.run([*unshare, sys.executable, *sys.argv, "--inside"], check=False).returncode)
    wanted = sys.argv[sys.argv.index("--") + 1:-1] if "--" in sys.argv else []
    for part in parts:
        if not wanted or part.__name__ in wanted:
            part()
    finish()
