# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the lab share: check() and finish() of the tap's tests, the lab's modules, and runs that are made up."""
import math
import os
import random
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, f"{TOP}/test/tap")
sys.path.insert(0, f"{TOP}/lab")   # first: a test may have the name of the module that it tests
sys.dont_write_bytecode = True
from rig import check, finish, skip  # noqa: E402,F401  (for those who import this)
import results  # noqa: E402

CALL = (("plain pointer", False, 1.2), ("empty loop", False, 0.3), ("direct call", False, 1.1), ("wire", True, 1.2), ("wire, off", True, 0.3),
        ("slot", True, 1.2), ("slot and observe", True, 1.6), ("seqlock", False, 3.1), ("mutex", False, 14.0), ("liburcu-qsbr", False, 1.9),
        ("liburcu-memb", False, 4.0), ("liburcu-bp", False, 4.4), ("rwlock", False, 33.0))
SWAP = (("croom", True, 300.0), ("croom, prepared", True, 240.0), ("liburcu-qsbr", False, 800.0), ("liburcu-memb", False, 9000.0),
        ("ck_epoch", False, 1500.0), ("cache-line round trip", False, 250.0))
RING = (("croom items", True, 240.0), ("croom ring", True, 80.0), ("boost::lockfree::spsc_queue", False, 90.0), ("ck_ring", False, 60.0),
        ("DPDK rte_ring", False, 140.0))
STRINGS = (("croom strings", True, 12.0), ("hsearch_r", False, 40.0), ("std::unordered_map and rwlock", False, 60.0))


def series(rng, level, rounds, common, sd):
    """Samples of one subject: a walk of its own (the clock, the other tenants), noise, and now and then an outlier."""
    walk, samples = 0.0, []
    for index in range(rounds):
        walk = 0.97 * walk + rng.gauss(0, sd / 3)
        jump = rng.random() < 0.02
        samples.append(level * math.exp(common[index] + walk + rng.gauss(0, sd) + (rng.uniform(0.1, 1) if jump else 0)))
    return samples


def case(rng, suite, name, unit, better, reference, subjects, rounds=60, sd=0.01, between=0.01, slow=None, params=None):
    """between: how far a subject moves from one run to the next although nothing was changed."""
    level, common = rng.gauss(0, 0.05), []
    for _ in range(rounds):
        level = 0.99 * level + rng.gauss(0, 0.01)
        common.append(level)
    lost = {index for index in range(rounds) if rng.random() < 0.03}
    made = {}
    for subject, ours, value in subjects:
        factor = math.exp(rng.gauss(0, between)) * (slow or {}).get(subject, 1.0)
        values = series(rng, value * factor, rounds, common, sd)
        made[subject] = {"ours": ours, "samples": [None if index in lost else one for index, one in enumerate(values)]}
    return results.case({"suite": suite, "case": name, "unit": unit, "better": better, "reference": reference, "subjects": made,
                         "params": params or {}, "dropped": {"both threads on one core": len(lost)} if lost else {}})


def counts(rng, base, calls, tail):
    """A distribution of calls: most near `base` ns, a part `tail` of them slow. Between runs both move a little."""
    found, step = {}, 1.016
    base, tail = base * math.exp(rng.gauss(0, 0.01)), tail * math.exp(rng.gauss(0, 0.1))
    for part in range(600):   # by quantiles, not by luck: a million calls are many
        place = (part + 0.5) / 600
        value = base * (1 + 0.1 * place) if place < 0.98 else base * math.exp(1 + (place - 0.98) * 200)
        for weight, one in ((calls / 600 * (1 - tail), value), (calls / 600 * tail, value * 3)):
            edge = round(step ** math.ceil(math.log(one) / math.log(step)), 3)
            found[edge] = found.get(edge, 0) + weight
    return [[edge, int(count)] for edge, count in sorted(found.items())]


def distribution(rng, name, subjects, calls=1_000_000):
    made = {}
    for subject, ours, base in subjects:
        pairs = counts(rng, base, calls, 0.002)
        made[subject] = {"ours": ours, "counts": pairs, "max": pairs[-1][0]}
    return results.distribution({"suite": "tails", "case": name, "unit": "ns", "reference": "direct call", "subjects": made,
                                 "params": {"swaps": {subject: 1000 for subject, _, _ in subjects}, "calls": calls}})


def run(seed, slow=None, rounds=60, sd=0.01, between=0.01, large=True):
    """A whole run. slow: (suite, subject) -> how many times as slow it is."""
    rng, made = random.Random(seed), results.empty()

    def add(suite, name, unit, better, reference, subjects, **more):
        less = {subject: (1 / factor if better == "higher" else factor) for (where, subject), factor in (slow or {}).items() if where == suite}
        made["cases"].append(case(rng, suite, name, unit, better, reference, subjects, rounds=rounds, sd=sd, between=between, slow=less, **more))

    for name in ("throughput", "chain", "fenced", "cold"):
        add("call", name, "ns", "lower", "plain pointer", CALL)
    for name in ("publish", "first run", "unused", "reader stall"):
        add("swap", name, "ns", "lower", "liburcu-qsbr", SWAP)
    for size in (8, 64, 256, 1500) if large else (8, 64):
        for capacity in (1024, 8192):
            for burst in (1, 4, 16, 64):
                add("ring", f"throughput, {size} B, capacity {capacity}, burst {burst}", "M/s", "higher", "",
                    [(subject, ours, level * (0.4 + 0.1 * burst ** 0.5) / size ** 0.3) for subject, ours, level in RING],
                    params={"size": size, "capacity": capacity, "burst": burst})
        add("ring", f"round trip, {size} B", "ns", "lower", "", [(subject, ours, 60000 / level + size) for subject, ours, level in RING],
            params={"size": size})
    for name in ("get, warm", "get, a million", "find, warm", "find, a million", "intern"):
        add("strings", name, "ns", "lower", "hsearch_r", STRINGS)
    for lanes in (1, 2, 4, 8, 16, 32):
        add("scale", f"swap and observed, {lanes} lanes", "ns", "lower", "", [("croom", True, 200.0 + 60 * lanes), ("liburcu-qsbr", False, 500.0 + 150 * lanes)],
            params={"lanes": lanes})
    for slots in (1, 4, 16, 64, 256):
        add("scale", f"swap, {slots} slots", "ns", "lower", "", [("croom", True, 400.0 + 3 * slots)], params={"slots": slots})
    add("tails", "slow calls per swap, 100 k swaps/s", "calls", "lower", "", [("slot and observe", True, 1.1), ("liburcu-qsbr", False, 1.3)])
    add("tap", "read to text, redis", "us", "lower", "tcpdump", [("croomtap", True, 0.2), ("tcpdump", False, 1.9)])
    for name in ("no swaps", "1 k swaps/s", "100 k swaps/s"):
        made["distributions"].append(distribution(rng, name, [("direct call", False, 20.0), ("slot and observe", True, 21.0),
                                                               ("liburcu-qsbr", False, 22.0), ("mutex", False, 40.0), ("seqlock", False, 24.0)]))
    made.update(when="2026-01-02T03:04:05Z", version="v0-test", complete=True)
    made["machine"] = {"cpu": "Made-up CPU", "cpus": 2, "kernel": "Linux 6.1.0", "hypervisor": "none", "load_start": 0.1, "load_end": 1.0,
                       "smt_siblings": [], "isolated": "", "frequency": {"governor": "performance"}, "compiler": "cc 12",
                       "measured": {"call": {"tsc_hz": 2.5e9, "core_hz": 3e9, "counters": {"available": False, "why": "no such device"},
                                             "round_trip_ns": [240, 250, 260], "cpus": [0, 1]}}}
    return made
