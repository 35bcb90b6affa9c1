#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a comparison finds, and what it does not: compare.py [SEEDS]

Runs are made up with what real ones have: a clock that drifts for all, a walk of each subject's own, outliers, dropped
rounds, and subjects that differ by a few percent from run to run although nothing was changed."""
import copy
import json
import sys

from made import check, finish
import compare
import figures
import made
import results

SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def found(a, b):
    return [one for one in compare.compare(a, b)[0] if one.judged and one.beyond]


def unchanged():
    for between in (0.005, 0.03):
        alarms = []
        for seed in range(SEEDS):
            if seen := found(made.run(2 * seed, between=between, large=False), made.run(2 * seed + 1, between=between, large=False)):
                alarms.append((seed, [(one.case, one.subject, one.what, one.log, one.limit) for one in seen]))
        print(f"     {between:.1%} from run to run: {len(alarms)} false alarms in {SEEDS} comparisons of about 90 figures")
        check(f"an unchanged program, {between:.1%} apart from run to run: under 2 % of comparisons raise an alarm",
              len(alarms) < max(1, 0.02 * SEEDS) or not alarms, alarms)


def slowed():
    for (suite, subject), factor in ((("call", "slot"), 1.3), (("ring", "croom items"), 1.3), (("strings", "croom strings"), 1.3),
                                     (("swap", "croom"), 1.3)):
        missed = []
        for seed in range(10):
            seen = found(made.run(2 * seed), made.run(2 * seed + 1, {(suite, subject): factor}))
            if not any(one.worse and one.subject == subject and one.suite == suite for one in seen) or \
                    any(one.subject != subject or one.suite != suite for one in seen):
                missed.append((seed, [(one.case, one.subject, one.what) for one in seen]))
        check(f"{suite}: {subject} at {factor} times its cost is found, and nothing else", not missed, missed)
    a, b = made.run(1), made.run(2, {("call", "slot"): 1.3})
    lines, worse = compare.report(a, b)
    text = "\n".join(lines)
    check("the report says so", worse and "slot" in text and "worse, beyond the noise: 4 of" in text and "to plain pointer" in text, text)
    lines, worse = compare.report(b, a)
    check("the other way round it is better, and no reason to fail", not worse and "better, beyond the noise: 4 of" in "\n".join(lines), lines)
    sizes = [abs(one.log) for one in compare.sized(found(a, b))]
    check("the largest change comes first", sizes == sorted(sizes, reverse=True), sizes)
    check("the same words every time", compare.report(a, b) == compare.report(copy.deepcopy(a), copy.deepcopy(b)))


def small_and_odd():
    a = made.run(1)
    lines, worse = compare.report(a, copy.deepcopy(a))
    check("a run and itself", not worse and any("nothing of ours changed" in line for line in lines), lines)
    few = made.run(3, rounds=3)
    lines, worse = compare.report(few, made.run(4, {("call", "slot"): 3}, rounds=3))
    text = "\n".join(lines)
    check("three rounds: it says that they are too few", not worse and "too few rounds to say" in text, text[:2000])
    b = made.run(2)
    for case in b["cases"]:
        for value in case["subjects"].values():
            value["samples"] = [None] * len(value["samples"])
    lines, worse = compare.report(a, b)
    check("every round dropped", not worse and "no round counts" in "\n".join(lines), lines[:9])
    b = made.run(2)
    for case in b["cases"]:
        for value in case["subjects"].values():
            value["samples"] = [0 if one is not None else None for one in value["samples"]]
    lines, worse = compare.report(a, b)
    check("all figures 0", not worse, lines[:9])
    empty = results.empty()
    for first, second in ((a, empty), (empty, a), (empty, empty)):
        lines, worse = compare.report(first, second)
        check("an empty run", not worse and any("nothing that both runs measured" in line for line in lines), lines[:9])


def two_levels():
    """Some figures have two levels, and a run may be on one of them for most of its rounds."""
    a, b = made.run(1), made.run(2)
    for run, high in ((a, 45), (b, 0)):
        values = next(one for one in run["cases"] if one["case"] == "get, warm")["subjects"]["croom strings"]["samples"]
        values[:] = [None if one is None else one * (1.3 if index < high else 1) for index, one in enumerate(values)]
    check("a figure that was on this level for a part of the other run, too", not [one for one in found(a, b) if one.case == "get, warm"])
    a, b = made.run(1), made.run(2, {("call", "slot"): 1.3})
    for run, factor in ((a, 1), (b, 2)):
        for name, value in next(one for one in run["cases"] if one["case"] == "cold")["subjects"].items():
            if name != "plain pointer":
                value["samples"] = [None if one is None else one * factor ** (len(name) % 3) for one in value["samples"]]
    check("a case whose peers are noisy does not hide what another shows", {"throughput", "chain", "fenced"} <= {
        one.case for one in found(a, b) if one.subject == "slot"})
    ticks = [10.0 * (1 + (index % 9 == 0)) for index in range(60)]
    a, b = made.run(1), made.run(2)
    for run, tick in ((a, 0), (b, 10)):
        for name, value in next(one for one in run["cases"] if one["case"] == "publish")["subjects"].items():
            value["samples"] = [60 + one + (tick if name == "croom" else 0) for one in ticks]
    one = next(one for one in compare.compare(a, b)[0] if one.case == "publish" and one.subject == "croom" and one.kind == "absolute")
    check("a clock's step is part of the error", one.error > 10 / 80 / 4, one)


def only_in_one():
    a, b = made.run(1), made.run(2)
    a["cases"] = [one for one in a["cases"] if one["case"] != "chain"]
    b["cases"] = [one for one in b["cases"] if one["suite"] != "strings"]
    del next(one for one in b["cases"] if one["case"] == "cold")["subjects"]["plain pointer"]
    next(one for one in b["cases"] if one["case"] == "publish")["unit"] = "us"
    text = "\n".join(compare.report(a, b)[0])
    check("what was only in A", "A: strings: get, warm" in text and "A: call: cold: plain pointer" in text, text)
    check("what was only in B", "B: call: chain" in text, text)
    check("another unit is not compared", "A: swap: publish in ns (B has it in us)" in text, text)
    check("a case that lost its reference is judged by its figure", any(
        one.case == "cold" and one.subject == "wire" and one.kind == "absolute" and one.judged for one in compare.compare(a, b)[0]))
    check("and the report says that the ratio cannot be", "its reference, plain pointer, is not in both" in " ".join(text.split()), text)
    a, b = made.run(1), made.run(2)
    for case in b["cases"]:
        if case["suite"] == "ring":
            del case["subjects"]["DPDK rte_ring"]
    changes = compare.compare(a, b)[0]
    check("the best peer is one that both have", not any("DPDK" in one.what for one in changes) and
          any(one.what == "to boost::lockfree::spsc_queue" for one in changes))


def machines():
    a, b = made.run(1), made.run(2)
    for case in b["cases"]:   # everything takes twice as long there
        for value in case["subjects"].values():
            factor = 0.5 if case["better"] == "higher" else 2
            value["samples"] = [None if one is None else one * factor for one in value["samples"]]
    b["machine"]["cpu"], b["machine"]["kernel"] = "Another CPU", "Linux 6.9.9"
    b["machine"]["measured"]["call"]["core_hz"] = 1.5e9
    lines, worse = compare.report(a, b)
    text = "\n".join(lines)
    check("another machine: loud", all(word in text for word in ("WARNING: not the same machine", "cpu: Made-up CPU in A, Another CPU in B",
                                                                 "kernel: Linux 6.1.0 in A", "core clock: 3.00 GHz in A, 1.50 GHz in B")), text)
    check("another machine: absolute figures are not judged, ratios did not change", not worse, text)
    b["machine"] = {}
    check("a machine without a description", "cpu: Made-up CPU in A, unknown in B" in "\n".join(compare.report(a, b)[0]))


def distributions():
    a, b = made.run(1), made.run(2)
    for case in b["distributions"]:
        one = case["subjects"]["slot and observe"]
        one["counts"] = [[edge if index < len(one["counts"]) // 2 else edge * 6, count] for index, (edge, count) in enumerate(one["counts"])]
    seen = found(a, b)
    check("a tail that is six times as long is found", any(one.kind == "spread" and one.worse and one.what.startswith("99") for one in seen), seen)
    for case in b["distributions"]:
        for value in case["subjects"].values():
            value["counts"] = value["counts"][:1] and [[10, 50]]
    check("50 calls are too few", "too few calls were counted to say" in "\n".join(compare.report(a, b)[0]))
    for case in b["distributions"]:
        for value in case["subjects"].values():
            value["counts"] = []
    check("nothing counted", not compare.report(a, b)[1])


def moved():
    a, b = made.run(1), made.run(2, {("call", "plain pointer"): 0.5})
    text = "\n".join(compare.report(a, b)[0])
    check("a reference that moved is named", "all ratios to plain pointer moved" in text and "0 worse" in text or
          "nothing of ours changed" in text, text)
    again = results.checked(json.loads(results.dump(a)))
    check("a run is the same after it was written and read", again == {**a, "targets": []})


def placed():
    """Rounds in which the threads lay apart differently are not held against each other."""
    def case(trips, near, far):
        samples = [near if trip == 90 else far for trip in trips]
        return results.case({"suite": "ring", "case": "throughput", "unit": "M/s", "better": "higher", "reference": "ck_ring", "dropped": {},
                             "params": {}, "round_trip_ns": trips, "subjects": {
                                 "ck_ring": {"ours": False, "samples": [value / 2 for value in samples]},
                                 "croom items": {"ours": True, "samples": samples}}})
    mostly_near, mostly_far = [90] * 30 + [340] * 20, [90] * 12 + [340] * 38
    a, b = compare.alike(case(mostly_near, 100.0, 30.0), case(mostly_far, 100.0, 30.0))
    kept = [set(figures.present(results.samples(one, "croom items"))) for one in (a, b)]
    check("only rounds of one placement are compared", kept[0] == kept[1] and len(kept[0]) == 1, kept)
    check("that of which both runs have most", kept[0] == {30.0}, kept)
    check("no round of the same placement: nothing is said", compare.alike(case([90] * 30, 1.0, 2.0), case([340] * 30, 1.0, 2.0)) is None, "")
    changes = compare.changes_of_case(case([90] * 30, 100.0, 30.0), case([340] * 30, 100.0, 30.0))
    check("and why", all(one.log is None and "90" in one.note and "340" in one.note for one in changes), [one.note for one in changes])
    one_thread = case([], 1.0, 2.0)
    check("a case of one thread has no placement", compare.alike(one_thread, one_thread) == (one_thread, one_thread), "")


for part in (placed, unchanged, slowed, small_and_odd, two_levels, only_in_one, machines, distributions, moved):
    part()
finish()
