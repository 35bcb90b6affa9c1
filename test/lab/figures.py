#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lab's arithmetic, by hand and against Python's own statistics: figures.py"""
import math
import random
import statistics

from made import check, finish
import figures


def near(a, b, part=1e-9):
    return a is not None and b is not None and abs(a - b) <= part * max(1, abs(a), abs(b))


def percentiles():
    ten = [15, 20, 35, 40, 50]
    by_hand = {0: 15, 25: 20, 50: 35, 75: 40, 100: 50, 40: 29, 90: 46, 99: 49.6}
    got = {percent: figures.percentile(ten, percent) for percent in by_hand}
    check("percentile: by hand", all(near(got[key], by_hand[key]) for key in by_hand), got)
    check("percentile: order does not matter", figures.percentile([50, 15, 40, 20, 35], 40) == 29)
    check("percentile: of one value it is that value", all(figures.percentile([7.5], p) == 7.5 for p in (0, 1, 50, 99.9, 100)))
    check("percentile: of none it is None", figures.percentile([], 50) is None and figures.percentile([None, None], 50) is None and
          figures.median(None) is None and figures.quartiles([]) is None and figures.quartiles([None]) is None)
    check("percentile: dropped rounds do not count", figures.percentile([None, 1, None, 3], 50) == 2)
    check("median: even and odd", figures.median([1, 2, 3, 10]) == 2.5 and figures.median([3, 1, 2]) == 2)
    check("quartiles: by hand", figures.quartiles([1, 2, 3, 4, 5]) == (2, 3, 4) and figures.quartiles([1, 2]) == (1.25, 1.5, 1.75))
    rng = random.Random(1)
    bad = []
    for _ in range(500):
        values = [rng.lognormvariate(0, 3) * rng.choice((1, 1, -1)) for _ in range(rng.randrange(2, 60))]
        if rng.random() < 0.3:
            values += values[:len(values) // 2]
        wanted = statistics.quantiles(values, n=100, method="inclusive")
        if not all(near(figures.percentile(values, index + 1), value) for index, value in enumerate(wanted)) or \
                not near(figures.median(values), statistics.median(values)):
            bad.append(values)
    check("percentile and median: as Python's inclusive quantiles, 500 random lists", not bad, bad[:1])


def ratios():
    check("ratios: round by round", figures.ratios([2, 6, 9], [1, 2, 3]) == ([2, 3, 3], 0))
    check("ratios: the median of ratios is not the ratio of medians", figures.ratio([1, 100, 3], [1, 50, 30])[1] == 1)
    check("ratios: a dropped round gives none", figures.ratios([1, None, 3], [2, 2, None]) == ([0.5, None, None], 0))
    check("ratios: a zero below the line is skipped and counted", figures.ratios([1, 2, 0], [0, 4, 0]) == ([None, 0.5, None], 2))
    check("ratios: a zero above it is a ratio", figures.ratios([0], [2]) == ([0], 0))
    check("ratios: a peer that is missing", figures.ratios([1], None) == (None, 0) and figures.ratios(None, [1]) == (None, 0) and
          figures.ratio([1, 2], None) is None and figures.ratio(None, None) is None)
    check("ratios: a peer without a figure", figures.ratio([1, 2], []) is None and figures.ratio([1, 2], [None, None]) is None and
          figures.ratio([1, 2], [0, 0]) is None and figures.ratio([], []) is None)
    check("ratios: of unequal length, what both have", figures.ratios([1, 2, 3], [2]) == ([0.5], 0))
    rng, bad = random.Random(2), []
    for _ in range(300):
        own = [rng.choice((None, 0, rng.random())) for _ in range(rng.randrange(0, 20))]
        base = [rng.choice((None, 0, rng.random())) for _ in range(len(own))]
        wanted = [a / b for a, b in zip(own, base) if a is not None and b]
        got = figures.ratio(own, base)
        if (got is None) != (not wanted) or (got and not near(got[1], statistics.median(wanted))):
            bad.append((own, base))
    check("ratios: 300 random lists with gaps and zeros", not bad, bad[:1])
    subjects = {"a": [3, 3], "b": [1, None], "c": [None], "d": []}
    check("best: the lowest or the highest median", figures.best(subjects, ["a", "b"], "lower") == "b" and
          figures.best(subjects, ["a", "b"], "higher") == "a")
    check("best: peers without figures are passed over", figures.best(subjects, ["c", "d", "gone", "a"], "lower") == "a" and
          figures.best(subjects, ["c", "d", "gone"], "lower") is None and figures.best({}, [], "higher") is None)


def distributions():
    counts = [[10, 50], [20, 40], [30, 0], [40, 9], [1000, 1]]
    got = [figures.counted_percentile(counts, percent) for percent in (0, 1, 50, 50.1, 90, 90.1, 99, 99.1, 100)]
    check("distribution: percentiles by hand", got == [10, 10, 10, 20, 20, 40, 40, 1000, 1000], got)
    check("distribution: nothing counted", figures.counted_percentile([], 50) is None and figures.counted_percentile([[1, 0]], 50) is None and
          figures.counted_percentile(None, 50) is None and figures.counted_curve([]) == [] and figures.counted_curve(None) == [])
    check("distribution: 99.9 % of 1000 is the 999th", figures.counted_percentile([[1, 999], [2, 1]], 99.9) == 1 and
          figures.counted_percentile([[1, 998], [2, 2]], 99.9) == 2)
    check("distribution: its curve", figures.counted_curve(counts, 900) == [(0.5, 10), (0.9, 20), (0.99, 40), (1.0, 900)])
    rng, bad = random.Random(3), []
    for _ in range(200):
        values = sorted(rng.randrange(1, 40) for _ in range(rng.randrange(1, 300)))
        pairs = [[edge, values.count(edge)] for edge in range(1, 41)]
        for percent in (1, 25, 50, 90, 99, 99.9):
            rank = max(1, math.ceil(round(len(values) * percent / 100, 6)))
            if figures.counted_percentile(pairs, percent) != values[rank - 1]:
                bad.append((len(values), percent))
    check("distribution: as counting the values themselves, 200 random ones", not bad, bad[:3])
    check("nines", near(figures.nines(0.9), 1) and near(figures.nines(0.999), 3) and figures.nines(0) == 0 and figures.nines(1) == math.inf)


def units():
    check("ticks to ns", figures.ticks_to_ns(250, 2.5e9) == 100 and figures.ticks_to_ns(1, 0) is None and figures.ticks_to_ns(1, None) is None)
    check("cycles to ns are of the core's clock", figures.cycles_to_ns(9, 3e9) == 3 and figures.cycles_to_ns(9, None) is None)
    check("a rate to ns and back", figures.rate_to_ns(250e6) == 4 and figures.ns_to_rate(4) == 250e6 and figures.rate_to_ns(0) is None and
          figures.ns_to_rate(0) is None and figures.rate_to_ns(None) is None)
    check("five digits", [figures.rounded(value) for value in (1234567, 0.000123456, 0, -9.99999, None, math.inf, math.nan)] ==
          [1234600.0, 0.00012346, 0, -10.0, None, None, None])
    shown = {0.0123456: "0.0123", 1.2345: "1.23", 9.999: "10.0", 12.345: "12.3", 123.45: "123", 12345: "12,300", 0: "0", -1.5: "-1.50",
             0.99951: "1.00", 1e9: "1,000,000,000"}
    got = {value: figures.text(value) for value in shown}
    check("three digits as text", got == shown, got)
    check("no figure as text", figures.text(None) == "-" and figures.text(math.nan) == "-" and figures.ratio_text(None) == "-" and
          figures.range_text(None, 1) == "-")
    check("a ratio shows what a bound of 1.02 takes", figures.ratio_text(1.0204) == "1.020" and figures.ratio_text(0.5) == "0.500" and
          figures.ratio_text(12.34) == "12.3")


def noise():
    check("blocks: consecutive, all of them, medians", figures.blocks(list(range(20)), 10) == [0.5 + 2 * index for index in range(10)])
    check("blocks: of few values, and of none", figures.blocks([1, None, 2], 10) == [1, 2] and figures.blocks([]) == [])
    check("normal quantiles", near(figures.normal_quantile(0.975), 1.959964, 1e-6) and near(figures.normal_quantile(0.5), 0, 1e-9) and
          all(near(figures.normal_quantile(part), statistics.NormalDist().inv_cdf(part), 1e-7) for part in (0.01, 0.3, 0.99, 0.99999)))
    table = {(0.975, 8): 2.3060, (0.975, 18): 2.1009, (0.995, 18): 2.8784, (0.9995, 18): 3.9216, (0.975, 30): 2.0423}
    bad = {key: figures.student_quantile(*key) for key in table if not near(figures.student_quantile(*key), table[key], 0.01)}
    check("student quantiles: as printed in tables", not bad, bad)
    rng = random.Random(4)
    errors, medians = [], []
    for _ in range(200):
        values = [math.exp(rng.gauss(0, 0.05)) for _ in range(60)]
        errors.append(figures.spread_of_median(values))
        medians.append(math.log(figures.median(values)))
    real = statistics.stdev(medians)
    check("the error of a median: about what 200 samples of it show", 0.75 * real < statistics.mean(errors) < 1.35 * real,
          (real, statistics.mean(errors)))
    check("the error of a median: the same every time", figures.spread_of_median([1, 2, 3, 4, 5, 9]) == figures.spread_of_median([1, 2, 3, 4, 5, 9]) > 0)
    check("the error of a median: none of two values, of none, of zeros", figures.spread_of_median([1, 2]) is None and
          figures.spread_of_median([]) is None and figures.spread_of_median([0] * 20) is None)
    check("a change", near(figures.log_change(1, math.e), 1) and figures.log_change(0, 1) is None and figures.log_change(None, 1) is None and
          figures.log_change(1, 0) is None)
    changes = [rng.gauss(0, 0.03) for _ in range(400)]
    floor, freedom = figures.floor_of(changes, 0.05, 0.01)
    check("the floor: learned from the peers", 0.025 < floor < 0.036 and freedom == 400, floor)
    check("the floor: of peers that did not move it is the least", figures.floor_of([0.0] * 10, 0.05, 0.01) == (0.01, 10))
    check("the floor: of too few peers it is assumed, and no less than they moved", figures.floor_of([0.01], 0.05, 0.01) == (0.05, 8) and
          figures.floor_of([-0.2], 0.05, 0.01) == (0.2, 8) and figures.floor_of([], 0.05, 0.01) == (0.05, 8))
    check("the floor: few peers lean on the pool, many do not", figures.floor_of([], 0.05, 0.01, (0.03, 50)) == (0.03, 50) and
          near(figures.floor_of([0.0] * 4, 0.05, 0.01, (0.04, 8))[0], 0.04 / math.sqrt(2)) and
          figures.floor_of([0.0] * 2, 0.05, 0.01, (0.04, 72))[1] == 56 and figures.floor_of(changes, 0.05, 0.01, (0.2, 9)) == (floor, 400))
    check("steps of a clock", figures.step([10, 20, 10, 10, 20, 20, 10]) == 10 and figures.step([1.0, 1.1, 1.2, 1.3]) == 0 and figures.step([]) == 0 and
          figures.step([5, 5, 5, None]) == 0)


for part in (percentiles, ratios, distributions, units, noise):
    part()
finish()
