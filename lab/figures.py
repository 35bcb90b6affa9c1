# SPDX-License-Identifier: BSD-2-Clause
"""The lab's arithmetic. Pure functions; where a figure cannot be had (a peer that is missing, no round that counts, a
zero to divide by) they give None, never an exception. A sample that is None belongs to a round that was dropped."""
import functools
import math
import random


def placements(trips, factor=1.3):
    """Groups of rounds between whose threads a cache line took about as long: [(median ns, [whether a round is in it])], the
    largest first. A new group begins where the next longer round trip is more than `factor` times as long."""
    known = sorted(one for one in trips if one is not None)
    if not known:
        return []
    edges = [known[0], *(b for a, b in zip(known, known[1:]) if b > factor * a), math.inf]
    groups = [(median([one for one in known if low <= one < high]), [one is not None and low <= one < high for one in trips])
              for low, high in zip(edges, edges[1:])]
    return sorted(groups, key=lambda group: -sum(group[1]))


def present(values):
    """The samples that count."""
    return [value for value in values or () if value is not None]


def percentile(values, percent):
    """The value below which `percent` of the values lie: linear between the two closest ranks, where the smallest has
    rank 0 and the largest rank n - 1 (definition 7 of Hyndman and Fan). None for no values."""
    values = sorted(present(values))
    if not values:
        return None
    rank = (len(values) - 1) * percent / 100
    below = min(int(rank), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    if values[below] == values[above]:
        return values[below]
    return values[below] + (values[above] - values[below]) * (rank - below)


def median(values):
    return percentile(values, 50)


def quartiles(values):
    """(first, median, third), or None for no values."""
    values = present(values)
    return (percentile(values, 25), percentile(values, 50), percentile(values, 75)) if values else None


def ratios(samples, reference):
    """Round by round, samples[i] / reference[i], and how many rounds were skipped because the reference's sample is 0.
    Rounds that one of them lacks give None. (None, 0) when one of the two is missing altogether."""
    if samples is None or reference is None:
        return None, 0
    result, zeros = [], 0
    for value, base in zip(samples, reference):
        if value is None or base is None:
            result.append(None)
        elif base == 0:
            zeros += 1
            result.append(None)
        else:
            result.append(value / base)
    return result, zeros


def ratio(samples, reference):
    """Quartiles of the ratios round by round: (first, median, third), or None."""
    return quartiles(ratios(samples, reference)[0])


def best(subjects, names, better):
    """Which of the named subjects has the best median; None when none has one. subjects: name -> samples."""
    found = [(median(subjects[name]), name) for name in names if median(subjects.get(name)) is not None]
    if not found:
        return None
    return max(found, key=lambda one: one[0])[1] if better == "higher" else min(found, key=lambda one: one[0])[1]


# Distributions: [[upper edge, count], ...], the edges ascending.

def total(counts):
    return sum(count for _, count in counts or ())


def counted_percentile(counts, percent):
    """The smallest upper edge at or below which at least `percent` of what was counted lies: an upper bound, as exact as
    the buckets are narrow. None when nothing was counted."""
    everything, seen = total(counts), 0
    if everything <= 0:
        return None
    # 99.9 * 1000 / 100 is a little more than 999 in binary.
    wanted = max(everything * percent / 100 - 1e-9 * everything, 0)
    for edge, count in counts:
        seen += count
        if count and seen >= wanted:
            return edge
    return counts[-1][0]


def counted_curve(counts, largest=None):
    """Points for a plot on an axis of nines: (part of all that lies at or below, value), one per bucket that has any."""
    everything, seen, points = total(counts), 0, []
    for edge, count in counts or ():
        seen += count
        if count:
            points.append((seen / everything, min(edge, largest) if largest else edge))
    return points


def nines(part):
    """Where a part of all (0.99) stands on an axis of nines: 0 at 0, 1 at 90 %, 2 at 99 %, 3 at 99.9 %."""
    return -math.log10(1 - part) if part < 1 else math.inf


# Units.

def ticks_to_ns(ticks, hertz):
    """None when the rate of the counter is not known. Ticks are not cycles: the core's clock is another."""
    return ticks * 1e9 / hertz if hertz else None


def cycles_to_ns(cycles, core_hertz):
    return cycles * 1e9 / core_hertz if core_hertz else None


def rate_to_ns(per_second):
    """Operations a second to nanoseconds an operation; None for a rate of nothing."""
    return 1e9 / per_second if per_second else None


def ns_to_rate(ns):
    return 1e9 / ns if ns else None


def rounded(value, digits=5):
    """To so many significant digits; None, and what is not finite, is None."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}") if value else 0.0


def text(value, digits=3):
    """So many significant digits, no exponent: 0.0123, 1.23, 12.3, 123, 12,300. Whole digits are never cut."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    value = float(f"{value:.{digits}g}")
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, min(places, 9))}f}"


def range_text(low, high, digits=3):
    return "-" if low is None or high is None else f"{text(low, digits)}-{text(high, digits)}"


def ratio_text(value):
    """Two places around 1, three digits elsewhere; three places within 10 % of 1, where targets lie."""
    if value is None:
        return "-"
    return f"{value:.3f}" if 0.9 <= value < 1.1 else text(value, 3)


# Noise, for the comparison of two runs.

def blocks(values, count=10):
    """Medians of about `count` consecutive blocks of the samples that count. Neighbours in time are alike (the clock, the
    temperature, the other tenants), so that single rounds would make a figure look better known than it is."""
    values = present(values)
    count = min(count, len(values))
    edges = [len(values) * i // count for i in range(count + 1)] if count else []
    return [median(values[a:b]) for a, b in zip(edges, edges[1:])]


@functools.cache
def draws(count, times=300):
    """Which of `count` blocks are drawn, so many times: the same in every comparison, and for each of its figures."""
    rng = random.Random(1)
    return [sorted(rng.choices(range(count), k=count)) for _ in range(times)]


def spread_of_median(values, times=300):
    """The standard error of the median of the logarithms: block medians, drawn again with replacement. None for fewer
    than three blocks or values that have no logarithm."""
    middle = sorted(blocks(values))
    if len(middle) < 3 or middle[0] <= 0:
        return None
    middle = [math.log(value) for value in middle]
    low, high = (len(middle) - 1) // 2, len(middle) // 2   # the median's ranks; median() itself is slow for so many
    drawn = []
    for places in draws(len(middle), times):   # both are sorted: the middle place is that of the middle value
        drawn.append((middle[places[low]] + middle[places[high]]) / 2)
    mean = sum(drawn) / times
    return math.sqrt(sum((value - mean) ** 2 for value in drawn) / (times - 1))


def step(values):
    """How far apart neighbouring values are, where they are few: those of a clock that moves in steps. Else 0."""
    values = present(values)
    different = sorted(set(values))
    if len(different) < 2 or len(different) > len(values) / 3:
        return 0.0
    return median([b - a for a, b in zip(different, different[1:])])


def normal_quantile(part):
    """The standard normal's value below which this part lies; bisection on erf is quick enough and exact."""
    low, high = -40.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2)) < part:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_quantile(part, freedom):
    """Of Student's t: Cornish and Fisher's expansion about the normal, good to 1 % from 8 degrees of freedom on."""
    z, v = normal_quantile(part), max(freedom, 1)
    return (z + (z ** 3 + z) / (4 * v) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * v ** 2) +
            (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * v ** 3))


def log_change(before, after):
    """log(after / before); None unless both are above 0."""
    return math.log(after / before) if before and after and before > 0 and after > 0 else None


# How the 90th percentile of |change| of something that has a normal distribution relates to its standard deviation.
NINETY = normal_quantile(0.95)


FEW = 8   # changes below which a standard deviation that is learned from them may be small by luck


def floor_of(changes, assumed, least, pool=None):
    """(standard deviation between two runs, degrees of freedom), learned from the logarithmic changes of subjects whose code
    is the same in both. pool: the same of more of them; it stands in for what is missing of FEW changes. Without a pool
    too few changes tell nothing: then it is assumed, and not less than they moved."""
    changes = [abs(change) for change in present(changes)]
    own, freedom = percentile(changes, 90) / NINETY if changes else 0, max(len(changes), FEW)
    if pool is not None and len(changes) < FEW:
        part = len(changes) / FEW
        own = math.sqrt(part * own ** 2 + (1 - part) * pool[0] ** 2)
        freedom = max(FEW, round(len(changes) + (1 - part) * pool[1]))
    elif pool is None and len(changes) < 4:
        own = max([assumed, *changes])
    return max(own, least), freedom
