#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap's printer and decoder say the same of a packet on a big-endian CPU with unsigned char:
lines.py SOURCE [SEED]

lines.c is built for this machine and for s390x, and reads the packets that text-like-tcpdump makes up, and the
captures that text-captures has fetched, if it has. Of libpcap only <pcap/dlt.h> is used, which is a list of numbers."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

source = sys.argv[1]
sys.path.insert(0, os.path.join(source, "test/tap"))
import text_compare as compare  # noqa: E402
import text_packets  # noqa: E402

SEED = sys.argv[2] if len(sys.argv) > 2 else "1"
ROUNDS = 40
BUILDS = {"here": (["gcc"], []), "s390x": (["s390x-linux-gnu-gcc"], ["qemu-s390x", "-L", "/usr/s390x-linux-gnu"])}


def build(folder):
    """{machine: the command that runs it}"""
    os.makedirs(f"{folder}/include/pcap")
    asked = subprocess.run(["pkg-config", "--variable=includedir", "libpcap"], capture_output=True, text=True)
    shutil.copy(os.path.join(asked.stdout.strip() or "/usr/include", "pcap/dlt.h"), f"{folder}/include/pcap")
    sources = [os.path.join(source, "test/cross/lines.c"), os.path.join(source, "tap/handlers/decode.c"),
               *glob.glob(os.path.join(source, "tap/text/*.c"))]
    flags = ["-std=c11", "-O1", "-D_GNU_SOURCE", f"-I{source}/include", f"-isystem{folder}/include"]
    running = {machine: subprocess.Popen([*compiler, *flags, *sources, "-o", f"{folder}/{machine}"])
               for machine, (compiler, _) in BUILDS.items()}
    for machine, process in running.items():
        if process.wait():
            sys.exit(f"not ok lines.c is built for {machine}")
    return {machine: [*runner, f"{folder}/{machine}"] for machine, (_, runner) in BUILDS.items()}


def lines_of(output):
    """A family of DLT_NULL is in the order of the machine that captured. What is a small number in neither order is
    shown as the machine has it that reads, as tcpdump does."""
    return re.sub(rb"Unknown AF \d{6,}", b"Unknown AF of no order", output.stdout).splitlines()


def same(commands, name, files, least):
    outputs = {machine: subprocess.run([*command, *files], capture_output=True, env=dict(os.environ, TZ="UTC"))
               for machine, command in commands.items()}
    here, there = (lines_of(outputs[machine]) for machine in BUILDS)
    packets = sum(int(count) for count in re.findall(rb"(?m)^# (\d+) packets$", outputs["here"].stdout))
    good = all(o.returncode == 0 for o in outputs.values()) and here == there and packets >= least
    print(f"{'ok' if good else 'not ok'} {name}: {packets} packets in {len(files)} files read the same on s390x")
    if not good:
        print("\n".join(f"# here:  {a.decode('latin-1')}\n# s390x: {b.decode('latin-1')}"
                        for a, b in [(a, b) for a, b in zip(here, there) if a != b][:5]))
        print("\n".join("# " + o.stderr.decode("latin-1")[-300:] for o in outputs.values() if o.returncode))
    return good


def main():
    for tool in [tool for compiler, runner in BUILDS.values() for tool in compiler + runner[:1]]:
        if not shutil.which(tool):
            print(f"skip lines on s390x: {tool} is not installed")
            return 77
    with tempfile.TemporaryDirectory(prefix="croom-cross-") as folder:
        commands = build(folder)
        files = []
        for link in text_packets.LINK_TYPES:
            files.append(f"{folder}/{link}.pcap")
            compare.write_pcap(files[-1], link, text_packets.make(link, SEED, ROUNDS)[1])
        good = same(commands, f"made-up packets, seed {SEED}", files, 100 * ROUNDS)
        captures = glob.glob(os.path.join(source, "build/captures/**/*"), recursive=True)
        captures = sorted(path for path in captures if os.path.isfile(path))
        if captures:
            good &= same(commands, "captures of Debian packages", captures, 1000)
        else:
            print("# no captures were fetched yet; the test text-captures does that")
    return 0 if good else 1


try:
    sys.exit(main())
finally:
    compare.clean_up()
