#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom: doc/ARCHITECTURE.md's floors, checked. A file includes files of its own module and of lower
floors; the modules of floor 1 do not know each other; what is above the libraries includes public headers only, and
nobody's private ones but his own. Prints what is wrong; exits 1 then."""
import pathlib
import re
import subprocess
import sys

# Module, by the beginning of the path: its floor. The longest beginning counts.
FLOORS = {
    "include/croom/wire.h": 0, "include/croom/panel.h": 0, "include/croom/error.h": 0, "lib/error.c": 0,
    "lib/panel-impl.h": 0,
    "include/croom/ring.h": 1, "lib/ring.c": 1, "include/croom/items.h": 1, "lib/items.c": 1,
    "include/croom/strings.h": 1, "lib/strings.c": 1, "include/croom/lane.h": 1, "lib/lane": 1,
    "include/croom/room.h": 2, "include/croom/inspect.h": 2, "include/croom/trial.h": 2, "include/croom/blackbox.h": 2, "lib/": 2,
    "include/croom/journal.h": 2, "include/croom/journal-file.h": 2, "journal/": 2,
    "include/croom/policy.h": 2, "include/croom/sign.h": 2, "policy/": 2,
    "include/croom/plugin.h": 2, "plugin/": 2,
    "include/croom/control.h": 3, "control/": 3,
    "include/croomtap/": 4, "tap/": 4, "ctl/": 4, "example/": 4,
}
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.M)


def floor(path):
    best = max((start for start in FLOORS if path.startswith(start)), key=len, default=None)
    return None if best is None else FLOORS[best]


def noun(path):
    """The module a file of floor 1 belongs to: ring, items, strings or lane."""
    return re.split(r"[-.]", pathlib.PurePath(path).name)[0]


def top(path):
    return "include" if path.startswith("include/") else path.split("/")[0]


def judge(path, bracket, included):
    if bracket == "<":
        if not included.startswith(("croom/", "croomtap/")):
            return None
        target = "include/" + included
    else:
        target = str((pathlib.Path(path).parent / included).resolve().relative_to(pathlib.Path.cwd()))
        if top(target) != top(path):
            return f"includes {included}, a private header of {top(target)}/"
    mine, other = floor(path), floor(target)
    if other is None:
        return f"includes {target}, which has no floor; name it in script/lint-floors.py"
    if other > mine:
        return f"is of floor {mine} and includes {target} of floor {other}"
    if other == mine == 1 and noun(path) != noun(target):
        return f"includes {target}: {noun(path)} and {noun(target)} are both of floor 1"
    if mine == 3 and top(target) == "include" and other == 1:
        return f"includes {target}: control sees the room and floor 0"
    return None


wrong = []
files = subprocess.run(["git", "ls-files", "--", "*.h", "*.c"], capture_output=True, text=True, check=True).stdout.split()
for name in files:
    if floor(name) is None:
        continue
    for kind, what in INCLUDE.findall(pathlib.Path(name).read_text(encoding="utf-8")):
        said = judge(name, kind, what)
        if said:
            wrong.append(f"{name} {said}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
