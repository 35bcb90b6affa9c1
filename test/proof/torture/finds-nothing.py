#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtorture finds nothing in the library: finds-nothing.py PROGRAM [limits]. The run goes on until each limit is
reached, however long that takes; then its own figures have to agree with each other."""
import pathlib
import re
import subprocess
import sys

from rig import Run, check, promises

program, limits = sys.argv[1], sys.argv[2:]
checked = program.endswith("-checked")
run = Run(program, *limits)
SOURCES = pathlib.Path(__file__).resolve().parents[3]


def asked(name):
    return int(float(limits[limits.index(name) + 1])) if name in limits else 0


def finds_nothing():
    check(run.rc == 0 and not run.found and not run.sanitizer and "\n0 findings\n" in run.out, run.told())


def does_all_that_was_asked_for():
    lanes, swaps, actors = run.parts["lanes"], run.parts["swaps"], run.parts["operations of the actors"]
    check(lanes["slot calls"] >= asked("--calls"), f"{lanes['slot calls']} calls\n" + run.told())
    check(swaps["swaps"] >= asked("--swaps"), f"{swaps['swaps']} swaps\n" + run.told())
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  ([a-z]+) ", listed.split("Broken variants")[0], re.M)) - (set() if checked else {"delay"})
    check(set(actors) == listed and len(actors) > 20, f"{sorted(set(actors) ^ listed)} did not take part")
    idle = [name for name, count in actors.items() if count < asked("--each")]
    check(not idle, f"these did too little: {idle}\n" + run.told())


def its_figures_agree():
    lanes, swaps = run.parts["lanes"], run.parts["swaps"]
    check(lanes["slot calls"] == lanes["records"] * 4, "calls are not records times slots")
    check(swaps["contexts opened"] == swaps["contexts closed"] > 0, "contexts opened are not contexts closed")
    check(swaps["first records compared"] > 0, "no first record was compared")
    check(swaps["counts of calls compared"] > 0, "no slot's calls were compared")
    check(swaps["made by the room itself"] > 0, "no trial was broken, no change went back")
    ages = next(part for head, part in run.parts.items() if head.startswith("age of the panel"))
    check(sum(ages.values()) >= lanes["observes"], "not every batch has its panel's age")
    check(lanes["moves"] > 0 and lanes["parks"] > 0, "the lanes did not move, or not park")


def every_ordered_access_of_the_library_is_passed():
    """Also those in headers, and in sources that are new: the names come from the sources."""
    files = subprocess.run(["git", "ls-files", "--", "include/croom/*.h", "lib/*.c", "lib/*.h"], cwd=SOURCES, check=True,
                           capture_output=True, text=True).stdout.split()
    named = re.compile(r"\bcroom_(?:get_acquire|set_release|get_seq|set_seq|trade)\(([a-z_]+(?:\.[a-z_]+)+),")
    names = {name for file in files for name in named.findall((SOURCES / file).read_text())}
    check(len(names) > 20, f"only {len(names)} names in the sources")
    passed = run.parts["ordered accesses"]
    never = sorted(name for name in names if not passed.get(name))
    check(not never, f"never passed: {never}")
    unknown = sorted(name for name in passed if name not in names and not name.startswith("("))
    check(not unknown, f"not in the sources: {unknown}")


tests = [finds_nothing, does_all_that_was_asked_for, its_figures_agree]
if checked:  # the plain build counts none
    tests.append(every_ordered_access_of_the_library_is_passed)
promises(*tests)
