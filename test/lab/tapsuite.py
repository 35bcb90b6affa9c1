#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lines of lab/tap.py --quick: well-formed, every case there, none failed: tapsuite.py CROOMTAP SENDER

What they measure is not looked at, so a busy machine fails nothing."""
import json
import math
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/test/tap")
from rig import PATIENCE, check, finish, skip  # noqa: E402

PROGRAM, SENDER = (os.path.abspath(path) for path in sys.argv[1:3])
KINDS = {"progress": {"done", "of", "what"}, "skip": {"what", "why"}, "failed": {"what", "why"},
         "case": {"case", "unit", "better", "reference", "subjects", "params", "dropped", "counters"}}
BOTH, BURST = {"croomtap", "tcpdump"}, {"croomtap", "tcpdump", "tcpdump -B 16384"}
RESTART = {"croomtap, exec to first record", "tcpdump, exec to first record", "croomtap, swap over the socket",
           "croomtap, swap to its reply"}
# Case: the part it belongs to, as a skip names it; its unit, which way is better, its subjects.
CASES = {"peak memory": ("read", "MiB", "lower", BOTH),
         "live, missing per change": ("live", "packets", "lower", BOTH), "live, changes": ("live", "changes", "higher", BOTH),
         "live, missing": ("live", "packets", "lower", BOTH), "live, doubled": ("live", "packets", "lower", BOTH),
         "burst 300 k/s, missing": ("burst", "packets", "lower", BURST),
         "burst 300 k/s, CPU per packet": ("burst", "us", "lower", BURST),
         "full restart": ("restart", "us", "lower", RESTART)}
for capture in ("redis packets", "web packets", "bulk frames"):
    for mode in ("text", "pcap on disk", "pcap at /dev/null"):
        CASES[f"read to {mode}, {capture}"] = (f"read, {capture}", "us", "lower", BOTH)
        CASES[f"packets/s, read to {mode}, {capture}"] = (f"read, {capture}", "M/s", "higher", BOTH)


def run(*args, program=PROGRAM, **environment):
    """Its exit code, its lines, and what it said that is no line of its suite."""
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        done = subprocess.run([sys.executable, f"{TOP}/lab/tap.py", "--quick", "--croomtap", program, "--sender", SENDER,
                               "--work", folder, *args], capture_output=True, text=True, check=False, timeout=10 * PATIENCE,
                              env=dict(os.environ, **environment))
        left = os.listdir(folder)
    lines, odd = [], []
    for text in done.stdout.splitlines():
        try:
            line = json.loads(text)
            good = line["suite"] == "tap" and set(line) == KINDS[line["kind"]] | {"kind", "suite"}
        except (ValueError, TypeError, KeyError):
            good = False
        if good:
            lines.append(line)
        else:
            odd.append(text)
    check(f"{' '.join(args) or 'all parts'}: standard output has lines of the suite and nothing else", lines and not odd,
          f"{odd[:3]} {done.stderr}")
    check(f"{' '.join(args) or 'all parts'}: only whole captures are left", all(name.endswith(".pcap") for name in left), left)
    return done.returncode, lines, done.stderr


def of_kind(kind, lines):
    return [line for line in lines if line["kind"] == kind]


def misfit(case):
    """What is wrong with a case; None when nothing is."""
    samples = [subject["samples"] for subject in case["subjects"].values()]
    wanted = CASES.get(case["case"])
    if not wanted or (case["unit"], case["better"], set(case["subjects"])) != wanted[1:]:
        return "unknown, or of another unit or other subjects"
    if case["reference"] not in case["subjects"] or case["subjects"][case["reference"]]["ours"]:
        return f"its reference is {case['reference']}"
    if any(subject["ours"] != name.startswith("croomtap") for name, subject in case["subjects"].items()):
        return "who is ours?"
    if not samples[0] or any(len(one) != len(samples[0]) for one in samples):
        return "its subjects have no samples, or not the same number"
    if any(sum(one[i] is None for one in samples) not in (0, len(samples)) for i in range(len(samples[0]))):
        return "a round was dropped for one subject only"
    if samples[0].count(None) != sum(case["dropped"].values()):
        return f"{samples[0].count(None)} rounds without samples, dropped says {case['dropped']}"
    if not all(math.isfinite(value) and value >= 0 for one in samples for value in one if value is not None):
        return "a sample is no number from 0"
    if not case["params"] or not all(isinstance(value, (int, float, str)) for value in case["params"].values()):
        return f"params {case['params']}"
    return None


def whole():
    code, lines, said = run()
    failed, skips = of_kind("failed", lines), {line["what"]: line["why"] for line in of_kind("skip", lines)}
    for what, why in skips.items():
        skip(f"tap suite, {what}", why)
    check("exit code 0, no failed line", code == 0 and not failed, f"{code} {failed} {said}")
    cases = of_kind("case", lines)
    for case in cases:
        wrong = misfit(case)
        check(f"case {case['case']}", not wrong, f"{wrong}: {case}")
    names = [case["case"] for case in cases]
    wanted = [name for name, (part, *_) in CASES.items() if part not in skips and part.split(",")[0] not in skips]
    if all(f"read, {capture}" in skips for capture in ("redis packets", "web packets", "bulk frames")):
        wanted.remove("peak memory")
    check("every case is there, once", sorted(names) == sorted(wanted), set(names) ^ set(wanted))
    progress = [(line["done"], line["of"]) for line in of_kind("progress", lines)]
    check("progress goes from 0 to its end", progress[0][0] == 0 and progress[-1][0] == progress[-1][1] and
          progress == sorted(progress) and all(done <= of for done, of in progress), progress)


def without():
    """A croomtap that does not work is a failure, a tool that is not there is a skip."""
    code, lines, said = run("restart", program="/bin/false")
    if not of_kind("skip", lines):
        check("a croomtap that fails: a failed line, exit code 1", code == 1 and of_kind("failed", lines), f"{code} {said}")
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as empty:
        code, lines, said = run("read", "live", "burst", PATH=empty)
    skips = {line["what"]: line["why"] for line in of_kind("skip", lines)}
    check("no tool on PATH: each part is skipped by name, exit code 0", code == 0 and set(skips) == {"read", "live", "burst"} and
          all("not installed" in why for why in skips.values()), f"{code} {lines} {said}")


whole()
without()
finish()
