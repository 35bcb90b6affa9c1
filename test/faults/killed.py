#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 in the middle of swaps, and the same tap again: killed.py CROOMTAP CROOMCTL

Same room, same files. The stale socket and lock are replaced, what is on the disk is readable up to the last whole packet or
line, and the files that are appended to go on with a line of their own."""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import capinfos, clean, received, wait_for, whole_packets  # noqa: E402
from rig import Tap, check, finish, numbers, skip, swaps, write_capture  # noqa: E402

PROGRAM, CROOMCTL = (os.path.abspath(path) for path in sys.argv[1:3])
COUNT, ROUNDS = 200_000, 5
LINE = re.compile(rb"\S+Z record \d+ revision \d+ (printed|filtered) 48/48$")


def kill(folder, after):
    """A tap that is swapped all the time until it is killed. Whether its room was its own."""
    with Tap(PROGRAM, "-r", f"{folder}/in.pcap", "--pace", "100000", "--split", "-w", f"{folder}/out", "--audit",
             f"file:{folder}/audit", "--metrics", f"file:{folder}/metrics", folder=folder) as tap:
        room = tap.room()
        own = room.call("List")["pid"] == tap.process.pid
        changes = swaps(folder)
        while received(room) < after:
            room.swap(wait_ms=0, **next(changes))
        tap.interrupt(signal.SIGKILL)
        tap.end()
    return own, tap.err


def parts(folder):
    return sorted(path for path in pathlib.Path(folder).iterdir() if re.fullmatch(r"out(\.\d+)?", path.name))


def check_capture(path, last):
    """What is wrong with a capture file. Only the last one may be cut off."""
    data = path.read_bytes()
    if not data:
        return None if last else "empty"
    whole, rest = whole_packets(data) if data[:4] != b"\x0a\x0d\x0d\x0a" else (None, 0)
    found, words = capinfos(path)
    if len(data) >= 24 and whole is not None and (found != whole or rest and not last):
        return f"{path.name}: {whole} whole packets and {rest} bytes, capinfos {found}: {words[-300:]}"
    if whole is None and found is None and not last:
        return f"{path.name}: {words[-300:]}"
    if last and shutil.which("tshark"):
        run = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.number"], capture_output=True, check=False)
        if len(run.stdout.split()) != found and found is not None:
            return f"{path.name}: capinfos {found}, tshark {len(run.stdout.split())}"
    return None


def check_part(path, last):
    data = path.read_bytes()
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a"):
        return check_capture(path, last)
    return None if last or data.endswith(b"\n") else f"{path.name}: ends with {data[-50:]}"


def check_round(folder, round_):
    files = parts(folder)
    order = sorted(files, key=lambda path: int(path.suffix[1:] or 0) if path.suffix else 0)
    wrong = [what for path in order if (what := check_part(path, path == order[-1]))]
    check(f"kill {round_}: {len(files)} files, each readable up to its last whole packet or line", not wrong and files, wrong[:3])
    metrics = pathlib.Path(folder, "metrics")
    check(f"kill {round_}: the metrics file is whole", not metrics.exists() or metrics.read_text().endswith("# EOF\n"))
    for path in files:
        path.unlink()


def main():
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        write_capture(f"{folder}/in.pcap", COUNT)
        chance = random.Random(20_260)
        owned = []
        for round_ in range(ROUNDS):
            owned.append(kill(folder, chance.randrange(2_000, 20_000)))
            check_round(folder, round_ + 1)
        check("each of them has the room, whatever the one before left", all(own and b"already" not in err for own, err in owned), owned)
        # What is half a line is so because it was killed; what comes next is not to be joined to it.
        with open(f"{folder}/audit", "ab") as audit:
            audit.write(b"2023-11-14T22:13:20.000000000Z record 7 rev")
        with Tap(PROGRAM, "-r", f"{folder}/in.pcap", "-w", f"{folder}/out", "--pace", "100000", "--printer", "text", "--audit",
                 f"file:{folder}/audit", "--metrics", f"file:{folder}/metrics", folder=folder) as tap:
            room = tap.room()
            wait_for(lambda: received(room) > 1000)
            seen = subprocess.run([CROOMCTL, "list"], env=tap.environment, capture_output=True, text=True, check=False)
            check("croomctl finds the new one", seen.returncode == 0 and f"pid {tap.process.pid}" in seen.stdout, seen)
            for _ in range(20):
                room.swap(audit=f"file:{folder}/audit", printer="text")
            tap.interrupt()
            code, account = tap.end(), tap.account()
        lines = pathlib.Path(folder, "audit").read_bytes().split(b"\n")
        broken = [line for line in lines[:-1] if not LINE.match(line)]
        check("the audit goes on with a line of its own behind each half one", len(broken) <= ROUNDS + 1 and not lines[-1] and
              b"2023-11-14T22:13:20.000000000Z record 7 rev" in broken and not any(line.count(b"record") > 1 for line in broken) and
              b"" not in lines[:-1], broken)
        check("and the new one ends well", code == 0 and clean(tap.err.decode()) and account["adds up"] and
              len(numbers(pathlib.Path(folder, "out").read_bytes())) == account["printed"], f"{code} {tap.err}")
        left = sorted(os.listdir(f"{folder}/croom")) + [name for name in os.listdir(folder) if name.endswith(".part")]
        check("and leaves neither socket nor lock nor part behind", not left, left)
    finish()


if shutil.which("capinfos"):
    main()
else:
    skip("killed", "capinfos is not installed")
