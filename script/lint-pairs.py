#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every ordered atomic says which pair it belongs to, every pair has two ends, and doc/ORDERING.md has a row for it
that names a test which exists. Relaxed accesses give their reason. Prints what is wrong; exits 1 then."""
import pathlib
import re
import subprocess
import sys

ORDERED = re.compile(r"\bcroom_(get_acquire|set_release|get_seq|set_seq)\(|__ATOMIC_(ACQUIRE|RELEASE|SEQ_CST|ACQ_REL)\b")
RELAXED = re.compile(r"\bcroom_(get|set)_relaxed\(|__ATOMIC_RELAXED\b")
TAG = re.compile(r"pair: ([a-z_]+(?:\.[a-z_]+)?)")
REACH = 12  # lines above an access in which its comment may begin

wrong = []
ends = {}
files = subprocess.run(["git", "ls-files", "--", "*.h", "*.c"], capture_output=True, text=True, check=True).stdout.split()
for name in files:
    if not name.startswith(("include/", "lib/", "control/", "tap/", "ctl/")):
        continue
    lines = pathlib.Path(name).read_text().splitlines()
    for number, line in enumerate(lines, 1):
        for tag in TAG.findall(line):
            side = " ".join(lines[number - 1:number + 2])
            ends.setdefault(tag, []).append((name, number, side))
        if line.startswith("#define") or line.lstrip().startswith(("*", "/*")):
            continue
        near = "\n".join(lines[max(0, number - REACH):number])
        if ORDERED.search(line) and not TAG.search(near):
            wrong.append(f"{name}:{number}: an ordered access without a 'pair:' comment: {line.strip()}")
        if RELAXED.search(line) and "relaxed" not in near.replace("_relaxed", "").replace("RELAXED", "").lower():
            wrong.append(f"{name}:{number}: a relaxed access without its reason: {line.strip()}")
ordering = pathlib.Path("doc/ORDERING.md").read_text()
rows = {m.group(1): m.group(0) for m in re.finditer(r"^\| `([a-z_.]+)` \|.*$", ordering, re.M)}
for tag, places in sorted(ends.items()):
    if len(places) < 2:
        wrong.append(f"{places[0][0]}:{places[0][1]}: pair {tag} has one end")
    if tag not in rows:
        wrong.append(f"{places[0][0]}:{places[0][1]}: pair {tag} has no row in doc/ORDERING.md")
for tag, row in rows.items():
    if tag not in ends:
        wrong.append(f"doc/ORDERING.md: pair {tag} is not in the code")
    tests = re.findall(r"`(test/[\w./-]+)`", row)
    if not tests:
        wrong.append(f"doc/ORDERING.md: pair {tag} names no test")
    wrong += [f"doc/ORDERING.md: pair {tag}: there is no {t}" for t in tests if not pathlib.Path(t).exists()]
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
