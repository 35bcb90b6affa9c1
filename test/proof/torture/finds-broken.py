#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtorture finds what is broken: finds-broken.py CHECKED-PROGRAM SANITIZER. Each variant that --list shows, also one
that is new, has to be found, with a finding of a kind that fits; a lane that uses what is freed may show in many ways."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from rig import Run, check, promises  # noqa: E402
from shared import told  # noqa: E402

program, sanitizer = sys.argv[1], sys.argv[2]
LANES = "swap,transact,prepare,rollback,park,exit,look,stall,delay"
FREED = {"dead", "stamp", "function", "empty", "panel", "back", "age", "first", "unseen", "crash"}
# Variant: the actors that it takes, the kinds of findings that fit. Not all that fit come each time; one has to.
FITS = {
    "echo-dropped": (LANES, {"unseen"}),
    "park-dropped": (LANES, {"unseen", "count", "crash"}),
    "first-wrong": (LANES, {"first"}),
    "torn-pair": (LANES, {"function"}),
    "torn-swap": (LANES, {"stamp", "dead", "panel"}),
    "wrong-slot": (LANES, {"slot"}),
    "never-closed": (LANES, {"open"}),
    "closed-twice": (LANES, {"open"}),
    "trial-loose": (LANES + ",trial", FREED | {"open"}),
    "breach-dropped": ("swap,trial,delay", {"shown"}),
    "history-lost": (LANES, {"shown"}),
    "class-guessed": ("swap,refuse,delay", {"answer"}),
    "calls-wrong": (LANES, {"count"}),
    "decided-ahead": ("swap,blackbox,delay", {"box"}),
    "box-unlocked": ("swap,transact,blackbox,delay", {"box"}),
    "ring-publish": ("swap,ring,delay", {"ring"}),
    "ring-release": ("swap,ring,delay", {"ring"}),
    "items-fill": ("swap,items,delay", {"items"}),
    "items-fill-many": ("swap,items,delay", {"items"}),
    "items-release": ("swap,items,delay", {"items"}),
    "strings-count": ("swap,strings,delay", {"strings"}),
    "strings-place": ("swap,strings,delay", {"strings"}),
    "wire-ahead": ("swap,wire,delay", {"wire"}),
}
RUNS = 10
# Found at the end only, so the end has to come.
AT_THE_END = {"never-closed": "2000", "calls-wrong": "2000"}
# Accesses that no run here finds without their order, and what does: doc/ORDERING.md.
NOT_BY_TSAN = {"lane.unpark.announce", "lane.mark.first", "lane.mark.revision", "lane.mark.look", "lane.mark.look_first",
               "trial.breach.lane", "trial.breach.control", "box.words.update", "box.words.read",
               "box.sequence.update", "box.sequence.read", "box.decision.decide", "box.decision.read",
               "box.decided.decide", "box.decided.read"}
ACTORS = {"ring": "swap,ring,delay", "items": "swap,items,delay", "strings": "swap,strings,delay", "wire": "swap,wire,delay"}

listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
listed = listed.split("Broken variants", 1)[1]
variants = re.findall(r"^  ([a-z-]+) ", listed, re.M)
names = re.findall(r"^    ([a-z_.]+)$", listed, re.M)


def finds(name):
    actors, kinds = FITS.get(name, (LANES, FREED))

    def test():
        # Whether two threads meet is the machine's affair: a run that ends without is followed by another.
        for _ in range(RUNS):
            run = Run(program, "--broken", name, "--actors", actors, "--swaps", AT_THE_END.get(name, "1e6"), expected=True)
            fits = run.rc and (kinds & set(run.found) or run.sanitizer)
            if fits:
                break
        check(fits, f"found {run.found or 'nothing'} in {RUNS} runs\n" + run.told())

    test.__name__ = "finds_" + name.replace("-", "_")
    return test


def finds_relaxed(name):
    def test():
        actors = ACTORS.get(name.split(".")[0], LANES)
        for _ in range(RUNS):
            run = Run(program, "--broken", "relaxed:" + name, "--actors", actors, "--swaps", "1e6", expected=True)
            if run.rc == 66 and run.sanitizer:
                break
        check(run.rc == 66 and run.sanitizer, f"ThreadSanitizer said nothing in {RUNS} runs\n" + run.told())

    test.__name__ = "finds_relaxed_" + name.replace(".", "_")
    return test


def knows_every_exception():
    check(len(variants) > 20 and len(names) > 20, f"{len(variants)} variants and {len(names)} names are listed")
    gone = (set(FITS) | set(AT_THE_END)) - set(variants) | NOT_BY_TSAN - set(names)
    check(not gone, f"no longer there: {sorted(gone)}")


def documents_tell_the_same():
    by_tsan = len(names) - len(NOT_BY_TSAN)
    lines = [told("doc/VALIDATION.md", r"each of (\d+) broken variants", len(variants)),
             told("doc/VALIDATION.md", r"Of the library's (\d+) accesses, (\d+) are found weak by no run of torture", len(names), len(NOT_BY_TSAN)),
             told("doc/ORDERING.md", r"in a TSan build (\d+) of the library's (\d+) are then found", by_tsan, len(names)),
             told("proof/torture/README.md", r"under TSan for (\d+) of (\d+) names", by_tsan, len(names))]
    check(all(line.startswith("ok") for line in lines), "; ".join(lines))


tests = [knows_every_exception, documents_tell_the_same] + [finds(name) for name in variants]
if sanitizer == "thread":
    tests += [finds_relaxed(name) for name in names if name not in NOT_BY_TSAN]
promises(*tests)
