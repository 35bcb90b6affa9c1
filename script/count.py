#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Add up Meson's test logs: script/count.py TREES_THAT_DID_NOT_BUILD LOG...

A test program may print lines that begin with "ok ", "not ok " or "skip " for the checks it made, and each
then counts by itself; a program that prints none counts as one. Every failure and every skip is named.
The last line is "N passed, N failed" and ", N skipped" where there are any."""
import json
import sys



def weakenings(out):
    """The table of the weak-memory gate is a result by itself: each order, weakened alone, and what noticed it."""
    print("== each named access with a weaker order, alone (doc/ORDERING.md says what for)")
    for line in out:
        if line.startswith("# access"):
            print(f"          {line[2:]}")
        elif " -> " in line and line.startswith(("ok ", "not ok ")):
            print(f"{'found    ' if line.startswith('ok ') else 'NOT FOUND'} {line.split('ok ', 1)[1]}")


passed, failed, skipped = 0, int(sys.argv[1]), 0
for log in sys.argv[2:]:
    tree = log.split("/")[1]
    try:
        lines = open(log, encoding="utf-8").read().splitlines()
    except OSError:
        print(f"{tree}: no test log: its tests did not run")
        failed += 1
        continue
    for line in lines:
        test = json.loads(line)
        out = (test.get("stdout") or "").splitlines()
        oks = sum(o.startswith("ok ") for o in out)
        bad = [o for o in out if o.startswith("not ok ")]
        skips = [o[5:] for o in out if o.startswith("skip ")]
        result = test["result"]
        name = f"{tree}: {test['name']}"
        if test["name"].endswith("proof-relacy"):
            weakenings(out)
        if result == "SKIP" and not skips:
            skips = ["the whole program, and it gave no reason"]
        if result not in ("OK", "SKIP") and not bad:
            bad = [f"not ok {result.lower()}"]
        if result == "OK" and not oks and not skips and not bad:
            oks = 1
        for b in bad:
            print(f"{name}: {b}")
        for s in skips:
            print(f"{name}: skipped: {s}")
        passed, failed, skipped = passed + oks, failed + len(bad), skipped + len(skips)
if passed == 0:
    print("no test ran")
    failed += 1
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed else 0)
