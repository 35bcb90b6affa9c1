#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Targets and losses: met, missed, or not measured and why; never an exception where something is missing: targets.py"""
import random

from made import check, finish
import made
import results
import table
import targets
from targets import MET, MISSED, UNMEASURED, Target

RATIO = Target("ours beside a peer", "call", "wire", 1.02, case="throughput", reference="plain pointer")
RING = Target("a ring", "ring", "croom items", 1.5, begins="throughput", params={"size": 8}, reference=targets.BEST, above=True)


def one(suite="call", case="throughput", better="lower", reference="plain pointer", params=None, **subjects):
    """A case; a subject's name has _ for a blank, ours begin with wire or croom."""
    return results.case({"suite": suite, "case": case, "unit": "ns", "better": better, "reference": reference, "params": params or {},
                         "subjects": {name.replace("_", " "): {"ours": name.startswith(("wire", "croom")), "samples": values}
                                      for name, values in subjects.items()}})


def run(*cases, skipped=(), failed=()):
    made_up = results.empty()
    made_up["cases"] = list(cases)
    made_up["skipped"] = [dict(zip(("suite", "what", "why"), note)) for note in skipped]
    made_up["failed"] = [dict(zip(("suite", "what", "why"), note)) for note in failed]
    return made_up


def verdicts():
    got = targets.judge(RATIO, run(one(wire=[1.0, 2.04, 3.03], plain_pointer=[1, 2, 3])))
    check("met: the median of the ratios, and its quartiles", got["verdict"] == MET and got["value"] == 1.01 and
          got["quartiles"] == [1.005, 1.01, 1.015], got)
    got = targets.judge(RATIO, run(one(wire=[1.0, 2.06, 3.3], plain_pointer=[1, 2, 3])))
    check("missed", got["verdict"] == MISSED and got["value"] == 1.03, got)
    got = targets.judge(RATIO, run(one(wire=[102.0001] * 3, plain_pointer=[100] * 3)))
    check("judged is not the rounded figure", got["verdict"] == MET, got)   # a sample has five digits, and so has the ratio
    got = targets.judge(RATIO, run(one(wire=[10202] * 3, plain_pointer=[10000] * 3)))
    check("a little above the bound is above it", got["verdict"] == MISSED and got["value"] == 1.0202, got)
    got = targets.judge(RATIO, run(one(wire=[1, None, 1, 1], plain_pointer=[1, None, 1, 1])))
    check("dropped rounds do not count", got["verdict"] == MET and got["value"] == 1, got)
    got = targets.judge(RATIO, run(one(wire=[1, 5, 1, 1], plain_pointer=[1, 0, 1, 1])))
    check("nor do rounds of a peer that took no time", got["verdict"] == MET and got["value"] == 1, got)
    absolute = Target("ns", "call", "wire", 20, case="throughput", unit="ns")
    got = targets.judge(absolute, run(one(wire=[19, 20, 21])))
    check("an absolute figure: at the bound is met", got["verdict"] == MET and got["value"] == 20 and targets.bound_text(got) == "<= 20 ns", got)


def missing():
    cases = {
        "no run of the suite": (run(), "the suite call was not run"),
        "the suite was skipped": (run(skipped=[("call", "the whole suite", "one processor only")]), "one processor only"),
        "the suite failed": (run(failed=[("call", "the whole suite", "it ended with 7")]), "ended with 7"),
        "no such case": (run(one(case="chain", wire=[1] * 3, plain_pointer=[1] * 3)), 'no case "throughput"'),
        "no such subject": (run(one(plain_pointer=[1] * 3)), "no figure of wire"),
        "no such peer": (run(one(wire=[1] * 3)), "plain pointer was not measured"),
        "the peer was skipped": (run(one(wire=[1] * 3), skipped=[("call", "plain pointer", "not installed")]), "not installed"),
        "every round dropped": (run(one(wire=[None] * 3, plain_pointer=[None] * 3)), "no figure of wire"),
        "the peer has no round": (run(one(wire=[1] * 3, plain_pointer=[None] * 3)), "plain pointer was not measured"),
        "the peer took no time": (run(one(wire=[1] * 3, plain_pointer=[0] * 3)), "was 0 in every round"),
        "no round in common": (run(one(wire=[1, 1, 1, None], plain_pointer=[None, None, None, 1])), "only 0 rounds"),
        "two rounds": (run(one(wire=[1, 1], plain_pointer=[1, 1])), "only 2 rounds"),
        "no subject at all": (run(one()), "no figure of wire"),
    }
    for name, (made_up, why) in cases.items():
        got = targets.judge(RATIO, made_up)
        check(f"not measured: {name}", got["verdict"] == UNMEASURED and why in got["why"] and got["value"] is None, got)
    all_of_them = targets.evaluate(run())
    check("an empty run: none of the targets is measured, none raises", len(all_of_them) == len(targets.TARGETS) and
          all(got["verdict"] == UNMEASURED and got["why"] for got in all_of_them))
    rng, plain = random.Random(5), table.Paint(open("/dev/null", "w", encoding="utf-8"))
    for seed in range(40):
        made_up = made.run(seed, rounds=rng.choice((1, 2, 5)), large=False)
        for case in made_up["cases"]:
            for name in list(case["subjects"]):
                if rng.random() < 0.3:
                    del case["subjects"][name]
                elif rng.random() < 0.3:
                    case["subjects"][name]["samples"] = [rng.choice((None, 0, 1.0)) for _ in range(rng.randrange(4))]
        made_up["cases"] = [case for case in made_up["cases"] if rng.random() < 0.8]
        made_up["distributions"] = [case for case in made_up["distributions"] if case["subjects"].pop("direct call", 1) and rng.random() < 0.8]
        table.target_lines(targets.evaluate(made_up), plain)
        table.losing_lines(made_up, plain)
        for suite in results.SUITES:
            table.suite_lines(made_up, suite, plain)
    check("40 runs with peers, rounds and cases missing at random: no exception", True)


def several():
    def ring(burst, ours, **peers):
        return one("ring", f"throughput, 8 B, capacity 1024, burst {burst}", "higher", "", {"size": 8, "capacity": 1024, "burst": burst},
                   croom_items=[ours] * 5, **{name: [value] * 5 for name, value in peers.items()})
    got = targets.judge(RING, run(ring(1, 300, ck=100, dpdk=150), ring(4, 200, ck=125, dpdk=100), one("ring", "throughput, 64 B", "higher", "",
                                  {"size": 64}, croom_items=[1] * 3, ck=[9] * 3)))
    check("the worst of several cases, beside the best peer of it", got["verdict"] == MET and got["value"] == 1.6 and got["against"] == "ck" and
          got["cases"] == 2 and "burst 4" in got["case"], got)
    got = targets.judge(RING, run(ring(1, 300, ck=100, dpdk=150), ring(4, 140, ck=125, dpdk=100)))
    check("one case below the bound is a miss", got["verdict"] == MISSED and got["value"] == 1.12, got)
    got = targets.judge(RING, run(ring(1, 300, ck=100), ring(4, 200)))
    check("met where it was measured, but a case has no peer: not measured", got["verdict"] == UNMEASURED and "1 of 2 cases" in got["why"], got)
    got = targets.judge(RING, run(ring(1, 100, ck=100), ring(4, 200)))
    check("missed where it was measured is missed", got["verdict"] == MISSED, got)
    twice = run(one(wire=[9] * 3, plain_pointer=[1] * 3), one(wire=[1] * 3, plain_pointer=[1] * 3))
    check("a case that was measured twice counts as it was measured last", targets.judge(RATIO, twice)["value"] == 1)
    trip = one("swap", "unused", "lower", "liburcu-qsbr", None, croom=[1] * 3, **{"liburcu-qsbr": [3] * 3, "cache-line round trip": [1] * 3})
    check("a control is no peer", results.peers(trip) == ["liburcu-qsbr"])


def references():
    check("the named reference", results.reference(one(wire=[1], plain_pointer=[1])) == "plain pointer")
    check("a named reference that is missing is not replaced", results.reference(one(wire=[1], other=[1])) is None)
    check("without a name it is the best peer", results.reference(one(reference="", wire=[1], other=[3], more=[2])) == "more" and
          results.reference(one(reference=None, better="higher", wire=[1], other=[3], more=[2])) == "other" and
          results.reference(one(reference="", wire=[1])) is None)
    check("of a ring it is the best peer, whichever the engine named", results.reference(one("ring", better="higher", reference="a", wire=[9], a=[1],
                                                                                          b=[2])) == "b")


def losing():
    found = results.losses(run(one(wire=[10, 10, 10], plain_pointer=[10, 11, 12], mutex=[5, 5, 4], direct_call=[1] * 3)))
    check("a loss: the peer, by how much, and no control", len(found) == 1 and found[0]["subject"] == "wire" and found[0]["ratio"] == 2 and
          [each["peer"] for each in found[0]["faster"]] == ["mutex"] and found[0]["beyond"], found)
    found = results.losses(run(one(better="higher", wire=[10] * 3, other=[30] * 3)))
    check("where higher is better", found[0]["ratio"] == 3, found)
    found = results.losses(run(one(wire=[10] * 5, other=[9, 9, 9.9, 11, 11])))
    check("within the noise is said to be so", len(found) == 1 and not found[0]["beyond"], found)
    check("none", results.losses(run(one(wire=[1] * 3, other=[2] * 3))) == [] and results.losses(run()) == [])
    check("a difference from the control, 0 or below, has no ratio", results.losses(run(one(wire=[3] * 3, other=[0, -1, 1]))) == [])
    cases = [one(case=f"burst {burst}, warm", wire=[10 * burst] * 3, other=[5] * 3, more=[9] * 3) for burst in (1, 4, 1_000)]
    groups, near = results.losses_by_subject(run(*cases))
    check("losses by subject: each peer with its cases, the largest loss first", len(groups) == 1 and not near and
          list(groups[0]["peers"]) == ["other", "more"] and groups[0]["peers"]["other"] == {"burst 1000, warm": 2000, "burst 4, warm": 8, "burst 1, warm": 2},
          groups)
    check("cases that differ in a number are one line", results.cases_text(groups[0]["cases"], run(*cases), "call") == "burst N, warm (3 of 3 cases)",
          results.cases_text(groups[0]["cases"], run(*cases), "call"))
    twins = one(wire=[10] * 3, plain_pointer=[10] * 3)
    twins["subjects"]["plain pointer (CET)"] = {"ours": False, "samples": [5] * 3}
    check("what was built otherwise is not compared", results.losses(run(twins)) == [])


def placed():
    """A target that holds where the two threads lie close together, and not where they lie apart, is not met."""
    case = one("ring", "throughput, 8 B, capacity 1024, burst 1", "higher", "", {"size": 8, "capacity": 1024, "burst": 1},
               croom_items=[300] * 30 + [100] * 20, ck=[100] * 50)
    case["round_trip_ns"] = [90.0] * 30 + [340.0] * 20
    got = targets.judge(RING, run(case))
    check("judged by the worse placement", got["verdict"] == MISSED and got["value"] == 1.0 and "340" in got["place"], got)
    case["round_trip_ns"] = [90.0] * 45 + [340.0] * 5
    check("a placement of a few rounds does not count by itself", targets.judge(RING, run(case))["place"] == "", "")


def packaged():
    """The best of those that happen to be there is not the best."""
    import dataclasses
    target = dataclasses.replace(RING, packaged=("ck", "dpdk"))
    case = one("ring", "throughput, 8 B, capacity 1024, burst 1", "higher", "", {"size": 8, "capacity": 1024, "burst": 1},
               croom_items=[300] * 5, ck=[100] * 5)
    got = targets.judge(target, run(case))
    check("met beside those that are there: not measured", got["verdict"] == UNMEASURED and "dpdk" in got["why"], got)
    case["subjects"]["croom items"]["samples"] = [90.0] * 5
    check("missed beside those that are there: missed", targets.judge(target, run(case))["verdict"] == MISSED, "")


for part in (placed, packaged, verdicts, missing, several, references, losing):
    part()
finish()
