# SPDX-License-Identifier: BSD-2-Clause
"""What got better or worse from run A to run B, beyond the noise.

Two kinds of noise count. Within a run: how far the median of one run is known, from the medians of ten blocks of
consecutive rounds, drawn again and again (fixed seed). Between runs: how far the peers moved. Their code is the same in
both runs, so what they moved by is the machine's doing; the 90th percentile of their changes says how much of that to
expect. A change counts when it is larger than both together can explain, at a level at which all that is looked at
together gives a false alarm in 1 of 100 comparisons; that is ALARM.

Judged is the ratio to the case's reference, since most of what disturbs disturbs both. Where a case has no reference, and
only on the same machine, the figure itself is judged."""
import functools
import math
from dataclasses import dataclass

import figures
import machine
import results
from table import wrapped

ALARM = 0.01
LEAST_ROUNDS = 5
LEAST = 0.01          # two runs are never alike to better than 1 %
ASSUMED = 0.05        # the standard deviation between runs, where there are too few peers to learn it from
POINTS = (50, 99, 99.9)
NEEDED = {50: 100, 99: 2000, 99.9: 20000}   # counts below which a percentile is a matter of luck
UNSAID_SHOWN = 10
PLACED_ALIKE = 1.3    # how much longer a line may take between the threads in rounds that are compared
BUCKET = 0.016        # how far a percentile may be off because of the buckets' width


@dataclass
class Change:
    suite: str
    case: str
    subject: str
    what: str                    # "to plain pointer", "ns", "99.9 % to direct call"
    ours: bool
    kind: str                    # ratio, absolute, spread
    better: str                  # lower, higher
    before: float | None = None
    after: float | None = None
    log: float | None = None     # log(after / before)
    error: float | None = None   # standard error of it, within the runs
    freedom: int = 18
    note: str = ""               # why it cannot be said
    limit: float | None = None   # how large |log| must be
    judged: bool = False         # whether it decides the exit code
    shift: float = 0.0           # how far all ratios of the case moved because the reference did
    apart: bool = True           # whether neither median lies within the middle 80 % of the other run's rounds: some figures
                                 # have two levels, and which of them a run is on for longer is chance

    @property
    def beyond(self):
        return self.log is not None and self.limit is not None and self.apart and abs(self.log - self.shift) > self.limit

    @property
    def worse(self):
        return self.beyond and (self.log - self.shift > 0) == (self.better == "lower")


def common_reference(a, b):
    """The subject that both runs can be held against: (name, why there is none)."""
    name = results.named_reference(a)
    if name:
        base = [figures.present(results.samples(one, name)) for one in (a, b)]
        if all(base) and min(map(min, base)) <= 0:
            return None, f"its reference, {name}, has figures of 0"
        if all(base):
            return name, ""
        return None, f"its reference, {name}, is not in both"
    both = set(results.peers(a)) & set(results.peers(b))
    name = results.best_peer(a, both)
    return name, "" if name else "no peer is in both"


def change(one, before, after):
    """Fill in medians, their change and its error from two lists of samples."""
    counts = [len(figures.present(values)) for values in (before, after)]
    one.before, one.after = figures.median(before), figures.median(after)
    if not all(counts):
        one.note = "no round counts"
    elif min(counts) < LEAST_ROUNDS:
        one.note = f"too few rounds to say ({counts[0]} and {counts[1]})"
    else:
        one.log = figures.log_change(one.before, one.after)
        # Where a sample is a whole number of some clock's ticks, medians jump from tick to tick.
        errors = [figures.spread_of_median(values) for values in (before, after)]
        if None not in errors:
            errors += [figures.step(values) / figures.median(values) / math.sqrt(12) for values in (before, after)]
        if one.log is None or None in errors:
            one.log, one.note = None, "a figure of 0 has no ratio"
        else:
            one.error = math.hypot(*errors)
            low, high = ([figures.percentile(values, percent) for values in (before, after)] for percent in (10, 90))
            one.apart = not (low[0] <= one.after <= high[0] or low[1] <= one.before <= high[1])
            one.freedom = sum(min(10, count) for count in counts) - 2
    return one


def alike(a, b):
    """The two cases with only those rounds in which a cache line took about as long between the threads: a hypervisor moves
    processors about, and what lies closer is faster. None when there are no such rounds."""
    trips = [one.get("round_trip_ns") or [] for one in (a, b)]
    if not all(figures.present(trip) for trip in trips):
        return a, b

    def near(trip, centre):
        return [value is not None and centre / PLACED_ALIKE < value < centre * PLACED_ALIKE for value in trip]
    centres = sorted(set(figures.present(trips[0])))
    best = max(centres, key=lambda centre: min(sum(near(trip, centre)) for trip in trips))
    kept = [near(trip, best) for trip in trips]
    if min(map(sum, kept)) < LEAST_ROUNDS <= min(len(figures.present(trip)) for trip in trips):
        return None

    def only(one, keep):
        subjects = {name: dict(value, samples=[sample if good else None for sample, good in zip(value["samples"], keep)])
                    for name, value in one["subjects"].items()}
        return dict(one, subjects=subjects)
    return only(a, kept[0]), only(b, kept[1])


def changes_of_case(a, b):
    """Ratio and absolute changes of every subject that both have."""
    found = []
    both = alike(a, b)
    if not both:
        trips = [figures.median(one["round_trip_ns"]) for one in (a, b)]
        note = f"its threads lay {figures.text(trips[0])} and {figures.text(trips[1])} ns apart, there and back"
        return [Change(a["suite"], a["case"], subject, a["unit"], b["subjects"][subject]["ours"], "absolute", a["better"], note=note)
                for subject in a["subjects"] if subject in b["subjects"]]
    a, b = both
    name, why = common_reference(a, b)
    for subject in (subject for subject in a["subjects"] if subject in b["subjects"]):
        ours = b["subjects"][subject]["ours"]
        first, second = results.samples(a, subject), results.samples(b, subject)
        base = Change(a["suite"], a["case"], subject, f"to {name}", ours, "ratio", a["better"])
        if name and subject != name:
            twin = f"{name} ({results.variant(subject)})"
            to = twin if results.variant(subject) and twin in a["subjects"] and twin in b["subjects"] and subject != twin else name
            base.what = f"to {to}"
            found.append(change(base, figures.ratios(first, results.samples(a, to))[0], figures.ratios(second, results.samples(b, to))[0]))
        elif ours and not name and results.named_reference(a):
            base.what, base.note = f"to {a['reference']}", why
            found.append(base)
        found.append(change(Change(a["suite"], a["case"], subject, a["unit"], ours, "absolute", a["better"]), first, second))
    return found


def changes_of_distribution(a, b):
    """Percentiles of every subject, as ratios to the reference's where both runs have one."""
    found = []
    name = a["reference"] if a["reference"] in a["subjects"] and a["reference"] in b["subjects"] else None
    for subject in (subject for subject in a["subjects"] if subject in b["subjects"]):
        for point in POINTS:
            one = Change(a["suite"], a["case"], subject, f"{point:g} %" + (f" to {name}" if name and subject != name else ""),
                         b["subjects"][subject]["ours"], "spread", "lower")
            values = []
            for side in (a, b):
                value = figures.counted_percentile(side["subjects"][subject]["counts"], point)
                if name and subject != name and value is not None:
                    base = figures.counted_percentile(side["subjects"][name]["counts"], point)
                    value = value / base if base else None
                values.append(value)
            one.before, one.after = values
            if min(figures.total(side["subjects"][subject]["counts"]) for side in (a, b)) < NEEDED[point]:
                one.note = "too few calls were counted to say"
            else:
                one.log = figures.log_change(one.before, one.after)
                one.error, one.freedom = 2 * BUCKET, 1000
                one.note = "" if one.log is not None else "a figure of 0 has no ratio"
            found.append(one)
    return found


def group_of(one):
    """Whose peers tell how much noise to expect: those of the case; of a distribution, those of the percentile."""
    return (one.suite, one.kind, one.what.split(" %")[0]) if one.kind == "spread" else (one.suite, one.kind, one.case)


def shifts(changes, quantile):
    """(suite, case) -> how far the middle one of the peers' ratios moved, where it moved so far and they so much alike that
    it is the reference which moved. The reference's own ratio is 1 in both runs and counts, too; three peers are needed."""
    groups = {}
    for one in changes:
        if one.kind == "ratio" and not one.ours and one.log is not None:
            groups.setdefault((one.suite, one.case), [0.0]).append(one.log)
    middle = {key: figures.median(logs) for key, logs in groups.items() if len(logs) >= 4}
    apart = [log - middle[key] for key in middle for log in groups[key]]
    floor, freedom = figures.floor_of(apart, ASSUMED, LEAST)
    return {key: shift for key, shift in middle.items() if abs(shift) > math.sqrt(2) * quantile(freedom) * floor}


def floors(changes, shift):
    """group -> (standard deviation between runs, its degrees of freedom, from how many figures of peers). A case whose peers
    are few leans on its suite, and a suite on the others: cold calls are noisier than warm ones, on every machine."""
    moved, found = {}, {}
    for one in changes:
        group = moved.setdefault(group_of(one), [])
        if not one.ours and one.log is not None:
            group.append(one.log - (shift.get((one.suite, one.case), 0.0) if one.kind == "ratio" else 0.0))
    for group, logs in moved.items():
        suite, kind, _ = group
        if kind == "spread":   # each percentile has a noise of its own
            found[group] = (*figures.floor_of(logs, 3 * ASSUMED, LEAST), len(logs))
            continue
        everything = [log for other, some in moved.items() if other[1] == kind for log in some]
        of_suite = [log for other, some in moved.items() if other[:2] == (suite, kind) for log in some]
        pool = figures.floor_of(of_suite, ASSUMED, LEAST, figures.floor_of(everything, ASSUMED, LEAST))
        found[group] = (*figures.floor_of(logs, ASSUMED, LEAST, pool), len(of_suite))
    return found


def judge(changes, same_machine):
    """Set every change's limit and whether it decides; the floors."""
    by_ratio = {(one.suite, one.case, one.subject) for one in changes if one.kind == "ratio" and one.log is not None}
    for one in changes:
        one.judged = one.ours and one.log is not None and (
            one.kind != "absolute" or (same_machine and (one.suite, one.case, one.subject) not in by_ratio))
    part = 1 - ALARM / max(1, sum(one.judged for one in changes)) / 2
    quantile = functools.cache(lambda freedom: figures.student_quantile(part, freedom))
    shift = shifts(changes, quantile)
    found = floors(changes, shift)
    for one in changes:
        if one.log is not None:
            floor, freedom, _ = found[group_of(one)]
            one.limit = math.hypot(quantile(one.freedom) * one.error, quantile(freedom) * floor)
            one.shift = shift.get((one.suite, one.case), 0.0) if one.kind == "ratio" else 0.0
    return found


def same_machine(a, b):
    """Sentences on what differs; none when the two are comparable."""
    said = []
    for name in ("cpu", "kernel", "cpus", "hypervisor", "compiler"):
        first, second = machine.part(a["machine"], name), machine.part(b["machine"], name)
        if first != second:
            said.append(f"{name}: {first} in A, {second} in B")
    first, second = machine.measured(a["machine"], "core_hz"), machine.measured(b["machine"], "core_hz")
    if isinstance(first, (int, float)) and isinstance(second, (int, float)) and first > 0 and second > 0 and \
            abs(math.log(second / first)) > 0.05:
        said.append(f"core clock: {first / 1e9:.2f} GHz in A, {second / 1e9:.2f} GHz in B")
    return said


def compare(a, b):
    """(changes, floors, what differs between the machines, what is in one run only)."""
    changes, only = [], []
    differs = same_machine(a, b)
    for kind, of in (("cases", changes_of_case), ("distributions", changes_of_distribution)):
        first, second = results.by_name(a, kind), results.by_name(b, kind)
        for key, one in first.items():
            if key in second and one["unit"] == second[key]["unit"]:
                changes += of(one, second[key])
                for label, left, right in (("A", one, second[key]), ("B", second[key], one)):
                    missing = [name for name in left["subjects"] if name not in right["subjects"]]
                    if missing:
                        only.append((label, f"{key[0]}: {key[1]}: {', '.join(missing)}"))
            elif key in second:
                only.append(("A", f"{key[0]}: {key[1]} in {one['unit']} (B has it in {second[key]['unit']})"))
            else:
                only.append(("A", f"{key[0]}: {key[1]}"))
        only += [("B", f"{key[0]}: {key[1]}") for key in second if key not in first]
    # The compiler changes ours and not the peers, so it is a warning, not another machine.
    return changes, judge(changes, not [one for one in differs if not one.startswith("compiler")]), differs, only


def percent(log):
    """"12.3 % more"; whether that is good, the heading says."""
    part = math.exp(log)
    if not 0.5 < part < 2:
        return f"{figures.text(part)} times as much"
    size = abs(part - 1) * 100
    return f"{size:.{0 if size >= 10 else 1}f} % {'more' if log > 0 else 'less'}"


def line_of(one):
    show = figures.text if one.kind == "absolute" else figures.ratio_text
    return f"  {one.suite}: {one.case}: {one.subject}: {show(one.before)} -> {show(one.after)} {one.what}, " \
        f"{percent(one.log)} (noise: {change_text(one.limit)})"


def moved_references(changes):
    """What the reference of a case does to all ratios of it is not our doing: say where that was left out."""
    found = {(one.suite, one.case): one for one in changes if one.shift}
    return [f"  {suite}: {case}: all ratios {one.what} moved by {percent(one.shift)}: the reference itself did. That is left out of the "
            "judgement." for (suite, case), one in found.items()]


def sized(changes):
    return sorted(changes, key=lambda one: (-abs(one.log - one.shift), one.suite, one.case, one.subject, one.what))


def report(a, b, name_a="A", name_b="B"):
    """Lines to print, and whether anything of ours is worse."""
    changes, found, differs, only = compare(a, b)
    lines = [f"A: {name_a}, {a['when']}, {a['version']}", f"B: {name_b}, {b['when']}, {b['version']}", ""]
    for one in differs:
        lines += wrapped(f"WARNING: not the same machine or compiler: {one}")
    if [one for one in differs if not one.startswith("compiler")]:
        lines += wrapped("WARNING: only ratios are judged; even they depend on the machine. Nothing here says that the code changed.")
    for label, run in (("A", a), ("B", b)):
        if run["quick"]:
            lines += wrapped(f"WARNING: {label} is a quick run: few rounds, so only large changes can be told from noise.")
        if not run["complete"]:
            lines += wrapped(f"WARNING: {label} was interrupted.")
        for one in run["failed"]:
            lines += wrapped(f"WARNING: {label}: {one['suite']} failed: {one['what']}: {one['why']}")
    judged = [one for one in changes if one.judged]
    worse = sized(one for one in judged if one.worse)
    better = sized(one for one in judged if one.beyond and not one.worse)
    for title, some in (("worse, beyond the noise", worse), ("better, beyond the noise", better)):
        lines.append(f"{title}: {len(some)} of {len(judged)} figures of ours")
        for one in some:
            lines += wrapped(line_of(one))
    for one in moved_references(changes):
        lines += wrapped(one)
    absolute = sized(one for one in changes if one.kind == "absolute" and one.ours and one.beyond and not one.judged)
    if absolute:
        lines += ["", f"absolute figures of ours that moved beyond the noise: {len(absolute)} (not judged; the machine may have moved them)"]
        for one in absolute:
            lines += wrapped(line_of(one) + (" worse" if one.worse else " better"))
    peers = sized(one for one in changes if not one.ours and one.kind == "ratio" and one.beyond)
    if peers:
        lines += ["", "peers that moved beyond the noise (another version of them, or this comparison is not to be trusted):"]
        for one in peers:
            lines += wrapped(line_of(one))
    unsaid = [one for one in changes if one.ours and one.log is None and one.kind != "absolute"]
    unsaid += [one for one in changes if one.ours and one.log is None and one.kind == "absolute" and
               not any(each.case == one.case and each.subject == one.subject for each in unsaid)]
    if unsaid:
        lines += ["", "nothing can be said of:"]
        by_case = {}
        for one in unsaid:
            by_case.setdefault((one.suite, one.case, one.what, one.note), []).append(one.subject)
        for (suite, case, what, note), subjects in list(by_case.items())[:UNSAID_SHOWN]:
            lines += wrapped(f"  {suite}: {case}: {', '.join(subjects)} {what}: {note}")
        if len(by_case) > UNSAID_SHOWN:
            lines.append(f"  and {len(by_case) - UNSAID_SHOWN} more cases")
    if only:
        lines += ["", "in one run only:"]
        for label, what in only:
            lines += wrapped(f"  {label}: {what}")
    lines += ["", *noise_lines(judged, found), ""]
    if not judged:
        lines.append("there is nothing that both runs measured and that could be judged")
    else:
        lines.append(f"{len(worse)} worse, {len(better)} better, {len(judged) - len(worse) - len(better)} unchanged within the noise"
                     if worse or better else f"nothing of ours changed beyond the noise ({len(judged)} figures)")
    return lines, bool(worse)


def change_text(log):
    return f"{(math.exp(log) - 1) * 100:.{1 if log < 0.1 else 0}f} %" if log < 0.7 else f"a factor of {figures.text(math.exp(log), 2)}"


def noise_lines(judged, found):
    """How small a change this comparison could have seen, by suite: what it cannot say is as good to know."""
    lines = ["the noise: how far the same code moved from run A to run B, and the change that would have been seen"]
    groups = {}
    for one in judged:
        key = one.suite, {"ratio": "ratios", "absolute": "absolute figures"}.get(one.kind, one.what.split(" %")[0] + " % of calls")
        groups.setdefault(key, []).append(one)
    for (suite, what), some in sorted(groups.items()):
        noise = figures.median([found[group_of(one)][0] for one in some])
        count = found[group_of(some[0])][2]
        limits = [one.limit for one in some]
        lines += wrapped(f"  {suite}, {what}: {change_text(noise)} ({count} figures of peers"
                         f"{'' if count > 3 else ', too few: assumed, or as in the other suites'}); seen from {change_text(min(limits))} on, mostly "
                         f"from {change_text(figures.median(limits))}, at the worst from {change_text(max(limits))}")
    return lines if len(lines) > 1 else []
