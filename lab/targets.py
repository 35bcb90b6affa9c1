# SPDX-License-Identifier: BSD-2-Clause
"""What Control Room is to reach, and whether a run shows it. A target that holds for several cases is judged by the
worst of them. A target whose subject, peer or case is missing is "not measured", with the reason."""
from dataclasses import dataclass, field

import figures
import results

MET, MISSED, UNMEASURED = "met", "missed", "not measured"
BEST = "the best peer"        # of those measured in the same case
PACKAGED = ("boost::lockfree::spsc_queue", "ck_ring", "DPDK rte_ring")   # the best of these is what a ring is held against
PLACED = 10                   # rounds in one placement from which on it counts by itself
FEWEST = 3                    # rounds below which a median says nothing


@dataclass(frozen=True)
class Target:
    text: str
    suite: str
    subject: str
    bound: float
    case: str = ""                              # the whole name; or by params:
    params: dict = field(default_factory=dict)
    begins: str = ""                            # what the names of the cases begin with
    reference: str = ""                         # a subject, BEST, or "" for an absolute figure
    above: bool = False                         # whether the figure is to be at least the bound
    unit: str = ""                              # of an absolute figure
    packaged: tuple = ()                        # the peers among whom the best is sought: without one of them nothing is met

    def takes(self, one):
        return one["suite"] == self.suite and (not self.case or one["case"] == self.case) and \
            one["case"].startswith(self.begins) and \
            all(one["params"].get(name) == value for name, value in self.params.items())


TARGETS = (
    Target("a wire call beside a plain pointer", "call", "wire", 1.02, case="throughput", reference="plain pointer"),
    Target("a slot call beside a plain pointer", "call", "slot", 1.02, case="throughput", reference="plain pointer"),
    Target("a wire that is off beside an empty loop", "call", "wire, off", 1.02, case="throughput", reference="empty loop"),
    Target("swap until the old one is unused, beside liburcu-qsbr", "swap", "croom", 0.5, case="unused", reference="liburcu-qsbr"),
    Target("the same, prepared before", "swap", "croom, prepared", 0.5, case="unused", reference="liburcu-qsbr"),
    Target("a prepared one beside a cache line's round trip", "swap", "croom, prepared", 1.5, case="unused", reference="cache-line round trip"),
    Target("slow calls per swap", "tails", "slot and observe", 1.5, case="slow calls per swap, 100 k swaps/s", unit="calls"),
    Target("ring, 8 B items, every burst and capacity", "ring", "croom items", 1.5, begins="throughput", params={"size": 8},
           reference=BEST, above=True, packaged=PACKAGED),
    Target("ring, 8 B items, round trip", "ring", "croom items", 0.6, begins="round trip", params={"size": 8}, reference=BEST, packaged=PACKAGED),
    Target("ring, 64 B records, capacity 1024, every burst", "ring", "croom items", 1.4, begins="throughput",
           params={"size": 64, "capacity": 1024}, reference=BEST, above=True, packaged=PACKAGED),
    Target("ring, 64 B records, capacity 8192, every burst", "ring", "croom items", 1.1, begins="throughput",
           params={"size": 64, "capacity": 8192}, reference=BEST, above=True, packaged=PACKAGED),
    Target("ring of bytes, 64 B, every burst and capacity", "ring", "croom ring", 1.0, begins="throughput", params={"size": 64},
           reference=BEST, above=True, packaged=PACKAGED),
    Target("strings, look-up by id, warm", "strings", "croom strings", 20, case="get, warm", unit="ns"),
    Target("strings, look-up by bytes, warm", "strings", "croom strings", 20, case="find, warm", unit="ns"),
)


def measure(target, one):
    """The quartiles of one case's figure and the reference that was used: (quartiles, reference, why not)."""
    own = results.samples(one, target.subject)
    if not figures.present(own):
        return None, "", f"no figure of {target.subject} in {one['case']}"
    if not target.reference:
        spread, name, count = figures.quartiles(own), "", len(figures.present(own))
    else:
        name = results.best_peer(one) if target.reference == BEST else target.reference
        base = results.samples(one, name) if name else None
        if not figures.present(base):
            return None, "", f"{target.reference} was not measured in {one['case']}"
        parts, zeros = figures.ratios(own, base)
        spread, count = figures.quartiles(parts), len(figures.present(parts))
        if not spread and zeros:
            return None, "", f"{name} was 0 in every round of {one['case']}"
    if count < FEWEST:
        return None, "", f"only {count} rounds count in {one['case']}"
    return spread, name, ""


def reason(target, run):
    """Why there is no case for it."""
    said = [f"{note['what']}: {note['why']}" for note in run["skipped"] + run["failed"] if note["suite"] == target.suite]
    if not any(one["suite"] == target.suite for one in run["cases"]):
        return f"the suite {target.suite} was not run" if not said else f"the suite {target.suite} gave no figures ({said[0]})"
    wanted = target.case or " ".join([target.begins, *(f"{name} {value}" for name, value in target.params.items())])
    return f"the run has no case \"{wanted}\""


def skipped_peer(target, run):
    """What the run said of the reference, if it skipped it."""
    for note in run["skipped"]:
        if note["suite"] == target.suite and target.reference and target.reference in note["what"]:
            return f"{note['what']}: {note['why']}"
    return ""


def by_placement(one):
    """The case once per placement of its threads that has rounds enough: [(what to call it, the case with only these rounds)].
    A hypervisor moves processors about; a target that holds in one place only is not met."""
    groups = [group for group in figures.placements(one.get("round_trip_ns") or []) if sum(group[1]) >= PLACED]
    if len(groups) < 2:
        return [("", one)]

    def only(keep):
        return dict(one, subjects={name: dict(value, samples=[sample if good else None for sample, good in zip(value["samples"], keep)])
                                   for name, value in one["subjects"].items()})
    return [(f", a line {figures.text(trip)} ns there and back", only(keep)) for trip, keep in groups]


def judge(target, run):
    """One target: a dict that JSON can hold."""
    found, why = [], ""
    cases = [part for one in results.by_name(run).values() if target.takes(one) for part in by_placement(one)]
    absent = [name for name in target.packaged if not any(name in one["subjects"] for _, one in cases)]
    for place, one in cases:
        spread, name, missing = measure(target, one)
        if spread:
            found.append((spread, one["case"], name, place))
        else:
            why = why or missing
    verdict = {"text": target.text, "suite": target.suite, "subject": target.subject, "reference": target.reference,
               "bound": target.bound, "at": "least" if target.above else "most", "unit": target.unit, "cases": len(cases),
               "measured": len(found), "case": "", "place": "", "against": "", "quartiles": None, "value": None, "verdict": UNMEASURED, "why": ""}
    if found:
        worst = (min if target.above else max)(found, key=lambda each: each[0][1])
        verdict["quartiles"] = [figures.rounded(part) for part in worst[0]]
        # Judged before it is rounded for showing: 1.0204 is not 1.02.
        good = worst[0][1] >= target.bound if target.above else worst[0][1] <= target.bound
        verdict.update(value=figures.rounded(worst[0][1]), case=worst[1], against=worst[2], place=worst[3], verdict=MET if good else MISSED)
        if len(found) < len(cases):
            verdict["why"] = f"{len(cases) - len(found)} of {len(cases)} cases have no figure: {why}"
            # A part of the cases can show that it is missed, not that it is met.
            if good:
                verdict["verdict"] = UNMEASURED
        if absent:
            # Beating those that are there is not what was asked.
            verdict["why"] = f"without {', '.join(absent)}, which {'was' if len(absent) == 1 else 'were'} not there"
            verdict["verdict"] = UNMEASURED if good else verdict["verdict"]
    else:
        verdict["why"] = skipped_peer(target, run) or why or reason(target, run)
    return verdict


def evaluate(run, targets=TARGETS):
    return [judge(target, run) for target in targets]


def bound_text(verdict):
    sign = ">=" if verdict["at"] == "least" else "<="
    return f"{sign} {verdict['bound']:g}{'x' if verdict['reference'] else ' ' + verdict['unit']}"


def value_text(verdict):
    if verdict["value"] is None:
        return "-"
    low, _, high = verdict["quartiles"]
    show = figures.ratio_text if verdict["reference"] else figures.text
    return f"{show(verdict['value'])} ({show(low)}-{show(high)})"


def where_text(verdict):
    """Which case it is the figure of, and against whom."""
    parts = []
    if verdict["case"]:
        parts.append(("the worst of %d: " % verdict["measured"] if verdict["measured"] > 1 else "") + verdict["case"] + verdict["place"])
    if verdict["against"] and verdict["reference"] == BEST:
        parts.append(f"beside {verdict['against']}")
    if verdict["why"]:
        parts.append(verdict["why"])
    return "; ".join(parts)


def summary(verdicts):
    counts = {name: sum(one["verdict"] == name for one in verdicts) for name in (MET, MISSED, UNMEASURED)}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == MET)
