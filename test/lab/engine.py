#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The engine, every suite in its quick form: what it prints is what lab/README.md says, and nothing failed: engine.py ENGINE"""
import json
import subprocess
import sys

from made import check, finish, skip
import results

ENGINE = sys.argv[1]
# What each suite must have measured, whatever peers are there.
CASES = {
    "call": ["throughput", "chain", "fenced", "cold", "throughput, 1 k swaps/s", "throughput, 1 M swaps/s"],
    "swap": ["publish", "first run", "unused"],
    "tails": ["reader stall per swap, 100 k swaps/s", "slow calls per swap, 100 k swaps/s"],
    "ring": ["bare cache lines"] + [f"throughput, {size} B, capacity {capacity}, burst {burst}" for size in (8, 64, 256, 1500) for capacity in (1024, 8192)
             for burst in (1, 4, 16, 64)] + [f"round trip, {size} B" for size in (8, 64, 256, 1500)],
    "strings": ["get, warm", "get, a million", "find, warm", "find, a million", "intern"],
    "scale": ["swap and observed, 64 lanes", "swap, 256 slots", "swap, 16 panels waiting", "swap after 1000000 swaps"],
}
TWO = {"swap", "tails", "ring"}   # nothing is left of these on one processor


def engine(*args):
    return subprocess.run([ENGINE, *args], capture_output=True, text=True, timeout=280, check=False)


def suite(name):
    done = engine(name, "--quick")
    check(f"{name}: ends with 0 and says nothing else", done.returncode == 0 and not done.stderr, f"{done.returncode} {done.stderr}")
    run, odd = results.empty(), []
    for text in done.stdout.splitlines():
        try:
            results.take(run, results.parse(text))
        except (results.Odd, ValueError) as error:
            odd.append(f"{error}: {text[:200]}")
    check(f"{name}: every line is what the front takes", not odd, odd)
    lines = [json.loads(text) for text in done.stdout.splitlines()]
    failed = [line for line in lines if line["kind"] == "failed"]
    check(f"{name}: no record was lost, doubled, torn or out of order, and no look-up wrong", not failed, failed)
    machine = next(line for line in lines if line["kind"] == "machine")
    check(f"{name}: names its clock and its processors", machine["tsc_hz"] > 1e6 and 1e8 < machine["core_hz"] < 1e11 and
          len(machine["cpus"]) == 2, machine)
    cases = {line["case"]: line for line in lines if line["kind"] == "case"}
    if len(set(machine["cpus"])) == 1 and name in TWO:
        skip(f"{name}: its cases", "one processor")
        return
    missing = [case for case in CASES[name] if case not in cases and len(set(machine["cpus"])) > 1]
    check(f"{name}: every case is there", not missing, missing)
    ours = [case for case, line in cases.items() if case != "bare cache lines" and not any(subject["ours"] for subject in line["subjects"].values())]
    check(f"{name}: something of ours is in each", not ours, ours)
    lengths = [case for case, line in cases.items() if len({len(subject["samples"]) for subject in line["subjects"].values()}) != 1]
    check(f"{name}: a sample or null of every subject in every round", not lengths, lengths)
    counted = [case for case, line in cases.items()
               if not all(sample is None or sample == sample for subject in line["subjects"].values() for sample in subject["samples"]) or
               not all(isinstance(count, int) and count > 0 for count in line["dropped"].values())]
    check(f"{name}: dropped rounds are counted by reason", not counted, counted)
    for line in (line for line in lines if line["kind"] == "distribution"):
        for subject, value in line["subjects"].items():
            edges, total = [edge for edge, _ in value["counts"]], sum(count for _, count in value["counts"])
            if edges != sorted(set(edges)) or value["max"] > edges[-1] or total > line["params"]["calls"][subject]:
                check(f"{name}: {line['case']}: {subject}: buckets in order, none beyond the last", False, value)


def usage():
    for args, word in (([], "which suite"), (["cal"], "there is no suite 'cal'"), (["call", "--quik"], "--quik"),
                       (["call", "--cpus", "1"], "--cpus"), (["ring", "--cpus", "0,9999"], "processor")):
        done = engine(*args)
        check(f"engine {' '.join(args)}: refused, with a word on it", done.returncode == 1 and word in done.stderr, done.stderr)


usage()
for each in CASES:
    suite(each)
sys.exit(finish())
