#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every ordered atomic has a name, PAIR.END, that stands in one place, and a comment `pair: PAIR` that tells of the other
end; a pair has two ends at least, one that stores and one that loads; doc/ORDERING.md has a row for it that names a test
which exists. Relaxed accesses give their reason. Prints what is wrong; exits 1 then."""
import pathlib
import re
import subprocess
import sys

NAMED = re.compile(r"\bcroom_(get_acquire|set_release|get_seq|set_seq|trade_acquire|trade_release)\(([a-z_]+(?:\.[a-z_]+)+)?,?")
BARE = re.compile(r"__ATOMIC_(ACQUIRE|RELEASE|SEQ_CST|ACQ_REL|CONSUME)\b|__sync_|\batomic_[a-z_]+\(|\bmemory_order_")
RELAXED = re.compile(r"\bcroom_(get|set|add)_relaxed\(|__ATOMIC_RELAXED\b")
TAG = re.compile(r"pair: ([a-z_]+(?:\.[a-z_]+)?)")
COMMENT = re.compile(r"\s*(/\*|\*([ /]|$))")   # and not *first = ...
REACH = 12  # lines above an access in which its comment may begin
MACROS = "include/croom/wire.h"  # the one file that may spell an order

wrong, ends, sites = [], {}, {}


def tags_above(near):
    """The tags of the nearest comment that has any."""
    tags = []
    for line in reversed(near):
        found = TAG.findall(line)
        if tags and not (found or COMMENT.match(line)):
            break
        tags += found
    return tags


def look(name, number, line, lines):
    near = "\n".join(lines)
    place = f"{name}:{number}"
    if BARE.search(line) and name != MACROS:
        wrong.append(f"{place}: an order that no checker can weaken; use the macros of {MACROS}: {line.strip()}")
    if RELAXED.search(line) and "relaxed" not in near.replace("_relaxed", "").replace("RELAXED", "").lower():
        wrong.append(f"{place}: a relaxed access without its reason: {line.strip()}")
    for match in NAMED.finditer(line):
        if not match.group(2):
            wrong.append(f"{place}: an ordered access without a name: {line.strip()}")
            continue
        pair, _ = match.group(2).rsplit(".", 1)
        # The C++ twin of a macro is the same place.
        if sites.setdefault(match.group(2), name) != name or (name != MACROS and match.group(2) in look.seen):
            wrong.append(f"{place}: the name {match.group(2)} stands in two places")
        look.seen.add(match.group(2))
        tags = tags_above(lines)
        if pair not in tags:
            wrong.append(f"{place}: no comment 'pair: {pair}' in the {REACH} lines above: {line.strip()}")
        kinds = {"get": {"load"}, "set": {"store"}, "trade": {"load", "store"}}[match.group(1).split("_")[0]]
        for tag in tags:
            ends.setdefault(tag, set()).update(kinds)


look.seen = set()
tagged = {}
for name in subprocess.run(["git", "ls-files", "--", "*.h", "*.c"], capture_output=True, text=True, check=True).stdout.split():
    if name.startswith(("test/", "proof/", "lab/")):
        continue
    lines = pathlib.Path(name).read_text().splitlines()
    for number, line in enumerate(lines, 1):
        for tag in TAG.findall(line):
            tagged.setdefault(tag, f"{name}:{number}")
        if re.match(r"#define croom_(get|set|trade|add)", line) or COMMENT.match(line):
            continue
        look(name, number, line, lines[max(0, number - REACH):number])
ordering = pathlib.Path("doc/ORDERING.md").read_text()
rows = {m.group(1): m.group(0) for m in re.finditer(r"^\| `([a-z_.]+)` \|.*$", ordering, re.M)}
for tag, place in sorted(tagged.items()):
    kinds = ends.get(tag, set())
    if kinds != {"load", "store"}:
        wrong.append(f"{place}: pair {tag} has no end that {'loads' if 'load' not in kinds else 'stores'}")
    if tag not in rows:
        wrong.append(f"{place}: pair {tag} has no row in doc/ORDERING.md")
for tag, row in rows.items():
    if tag not in tagged:
        wrong.append(f"doc/ORDERING.md: pair {tag} is not in the code")
    tests = re.findall(r"`((?:test|proof)/[\w./-]+)`", row)
    if not tests:
        wrong.append(f"doc/ORDERING.md: pair {tag} names no test")
    wrong += [f"doc/ORDERING.md: pair {tag}: there is no {t}" for t in tests if not pathlib.Path(t).exists()]
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
