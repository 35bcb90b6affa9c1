# SPDX-License-Identifier: BSD-2-Clause
"""doc/PERFORMANCE.md and the table in README, made from a run. The prose is here and holds no figure; every figure comes
from the JSON. The same run gives the same bytes."""
import re

import figures
import machine
import plots
import results
import targets

# Why a peer is ahead, as far as it was found by measurement. The first line whose patterns (suite, case, subject of
# ours, peer) all match from the beginning gives the reason. Words only: a figure here would be one typed by hand.
REASONS = (
    ("call", r"cold", r"slot", r"", "cold means a batch of one record, and a batch begins with an observe: lane, room, panel and context "
     "are four lines to fetch where a plain pointer and its context are two"),
    ("call", r"throughput, 1 M", r"", r"", "the reader fetches each new panel and its context; who never frees what was replaced, and swaps "
     "between two contexts, fetches less"),
    ("call", r"", r"slot under", r"", "a guard or a profile is one more call, counts and now and then a clock, on purpose and only while "
     "it is swapped in"),
    ("call", r"", r"slot and observe", r"", "an observe looks at the room's pointer, which is what lets the old handler be closed; what is ahead "
     "cannot tell when it may free what was replaced"),
    ("call", r"", r"slot|wire", r"", "the same instructions; what is left is where code and data happen to lie"),
    ("swap", r"unused", r"croom$", r"liburcu", "a swap by name finds slot and class, opens the handler, and makes panel and history before it "
     "publishes, which weighs the more the closer the two cores are; prepared beforehand it does not (see croom, prepared)"),
    ("swap", r"", r"croom$", r"", "a swap by name finds slot and class, opens the handler, and makes panel and history before it publishes; "
     "prepared beforehand it does not (see croom, prepared)"),
    ("swap", r"unused", r"croom, prepared", r"table, CAS loop|atomic|mutex|rwlock", "their readers write to a shared line with every call, "
     "which is why the writer has so little to wait for; the suite call shows what that costs"),
    ("swap", r"unused", r"croom", r"cache-line round trip", "the pointer, the panel and its context cross one after the other, since each "
     "is found through the one before, and then the echo comes back: four crossings where a round trip is two; and where the "
     "cores are close the commit's own work (mutex, clock, history) takes as long as the crossings"),
    ("swap", r"", r"croom, prepared", r"", "a commit takes a mutex, reads the clock, stores with a full barrier for the sake of lanes that "
     "wake up, and keeps the history; the peers store a pointer"),
    ("tails", r"", r"slot and observe", r"", "the call that finds a new panel fetches it"),
    ("ring", r"throughput, 8 B, capacity \d+, burst (16|64)", r"croom items", r"", "one word in eight is the cell's, and a burst that does "
     "not fill whole cells publishes more than once; peers copy the burst as one piece and publish it once"),
    ("ring", r"throughput, \d+ B, capacity \d+, burst 1$", r"croom items", r"", "an item of more than 56 bytes put by itself takes a line more "
     "than its size, for the word that says it is there; an index shared by all coalesces"),
    ("ring", r"throughput, 1500 B", r"croom items", r"", "large items are copied in and out; the byte ring builds them in place"),
    ("ring", r"round trip, 8 B", r"croom items", r"", "one line crosses each way, as in the bare round trip above; what is left is filling, "
     "comparing and the looks in between, which all queues pay alike"),
    ("ring", r"round trip", r"", r"", "the record and what says that it is there lie on two lines or more; both cross"),
    ("ring", r"", r"croom items", r"", "an item is copied in and out, and goes with a word of its own"),
    ("ring", r"", r"croom ring", r"", "each record has a header of eight bytes and is of any size; that costs stores, and while a producer "
     "waits for lines its stores wait in the store buffer. For small records of one size there are items"),
    ("tap", r"(packets/s, )?read to pcap|(packets/s, )?read to text, bulk", r"", r"tcpdump", "every packet is copied from the source to the ring and "
     "from there to the output, so that its handlers can be swapped between two threads; tcpdump copies once"),
    ("tap", r"full restart", r"croomtap, exec", r"", "two threads, a ring, a registry and a control socket are set up before the first packet"),
    ("tap", r"peak memory", r"", r"", "the ring and the registry of strings"),
    ("tap", r"packets/s", r"", r"", "it ends later: threads are joined and outputs synced"),
)

READING = """\
Subjects of one case take turns: in each round every subject is measured once, one right after the other, so that what
disturbs the machine disturbs all of them. A ratio is formed round by round, and the table has the median of those ratios,
not the ratio of the medians; in parentheses are the quartiles, between which half of the rounds lie. Where lower is
better a ratio below 1 is ahead of the reference, where higher is better a ratio above 1. Bold is ours.

Where both threads shared a core, a process was interrupted or the control loop did not take its known time, the
measurement is done again, and dropped and counted after the third time. Percentiles of a distribution are upper edges of its buckets. Slow calls happen on any
machine without isolated cores: what a direct call shows in the same table is the machine's own part.

The best peer is the one with the best median in that case. A target that holds for several cases is judged by the worst.
"""

REPEATING = """\
`make lab` builds what is needed, runs all suites and writes `build/lab.json` and `build/lab.html`;
`croomlab compare A.json B.json` says what changed between two such runs beyond the noise. To see the library's own jitter
rather than the machine's, keep two cores free of everything else. For cores 2 and 3, on the kernel's command line:

    isolcpus=domain,managed_irq,2,3 nohz_full=2,3 rcu_nocbs=2,3 irqaffinity=0,1

and after booting, as root:

```sh
echo off > /sys/devices/system/cpu/smt/control          # no sibling that shares a core
cpupower frequency-set -g performance                   # or write it to every scaling_governor
echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo  # Intel; elsewhere: echo 0 > .../cpufreq/boost
echo -1 > /proc/sys/kernel/perf_event_paranoid          # cycles and misses, counted in user space
systemctl stop irqbalance                               # it would move interrupts back
```

Then `croomlab --cpus 2,3`. The two should share the last cache and not be siblings: `lscpu -e` shows that. `croomlab
machine` says what is still in the way. In a virtual machine none of this keeps the host from taking the core away: the
direct call in the tables of the tails shows how often it does.
"""

SUITE_TEXT = {
    "call": "What it costs to call through each of the ways to make a function replaceable.",
    "swap": "What a swap costs the writer, when the other thread runs the new handler, when the old one is provably unused, "
            "and what the reader notices.",
    "tails": "Every single call timed, with and without swaps, beside a direct call as the control.",
    "ring": "Records from one thread to another: how many a second, and how long one takes there and back.",
    "strings": "Look-up and interning of strings.",
    "scale": "How the cost grows with lanes, slots and history.",
    "tap": "croomtap beside tcpdump.",
}


def md(text):
    """A name, so that Markdown shows it as it is."""
    return re.sub(r"([\\`*<>|\[\]])", r"\\\1", str(text))


def rows(head, lines, right=()):
    """A table; right: the columns of numbers."""
    return ["| " + " | ".join(head) + " |", "|" + "|".join("---:" if index in right else "---" for index in range(len(head))) + "|",
            *("| " + " | ".join(line) + " |" for line in lines), ""]


def kernel(text):
    """The series is what matters; the rest names a distributor's build."""
    return re.sub(r"^(Linux \d+\.\d+)\S*", r"\1", str(text))


def reason(suite, case, subject, peer):
    for one in REASONS:
        if all(re.match(pattern, value) for pattern, value in zip(one, (suite, case, subject, peer))):
            return one[4]
    return ""


def bold(name, ours):
    return f"**{md(name)}**" if ours else md(name)


def with_quartiles(spread, show):
    return f"{show(spread[1])} ({show(spread[0])}-{show(spread[2])})" if spread else "-"


def ratio_of(one, name, reference):
    twin = f"{reference} ({results.variant(name)})"
    to = twin if results.variant(name) and twin in one["subjects"] else reference
    return figures.ratio(results.samples(one, name), results.samples(one, to)) if to and name != to else None


def case_table(one):
    reference = results.reference(one)
    count, of = results.rounds(one)
    lost = ", ".join(f"{times:g} {why}" for why, times in sorted(one["dropped"].items()) if times)
    lines = [f"**{md(one['case'])}**: {md(one['unit'])}, {one['better']} is better; {count} rounds" +
             (f" of {of}, dropped: {md(lost)}" if lost else ""), ""]
    body = [[bold(name, value["ours"]), with_quartiles(figures.quartiles(value["samples"]), figures.text),
             "1 (reference)" if name == reference else with_quartiles(ratio_of(one, name, reference), figures.ratio_text)]
            for name, value in one["subjects"].items()]
    return lines + rows(["", md(one["unit"]), f"to {md(reference)}" if reference else "ratio: no reference"], body, (1, 2))


def grid(cases, keys, title):
    """Cases that differ in numbers only: a line for each, a column for each subject, and ours beside the best peer."""
    names = list(dict.fromkeys(name for one in cases for name in one["subjects"]))
    ours = [name for name in names if any(one["subjects"].get(name, {}).get("ours") for one in cases)]
    peers = any(results.peers(one) for one in cases)
    head = [*keys, *(bold(name, name in ours) for name in names), *(f"{md(name)} to the best peer" for name in ours if peers)]
    body = []
    for one in cases:
        line = [f"{one['params'][key]:,g}" for key in keys]
        line += [figures.text(figures.median(results.samples(one, name))) for name in names]
        best = results.best_peer(one)
        line += [with_quartiles(figures.ratio(results.samples(one, name), results.samples(one, best) if best else None), figures.ratio_text)
                 for name in ours if peers]
        body.append(line)
    return [f"**{md(title)}**: {md(cases[0]['unit'])}, {cases[0]['better']} is better", "", *rows(head, body, range(len(head)))]


def distribution_table(one):
    body = [[bold(name, value["ours"]), *(figures.text(figures.counted_percentile(value["counts"], point)) for point in
                                          (50, 90, 99, 99.9, 99.99)), figures.text(value["max"]), f"{figures.total(value['counts']):,}"]
            for name, value in one["subjects"].items()]
    return [f"**{md(one['case'])}**: time of a call, {md(one['unit'])}", "",
            *rows(["", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "largest", "calls"], body, range(1, 8))]


def suite_tables(run, suite):
    cases = [one for one in results.by_name(run).values() if one["suite"] == suite]
    done, lines = set(), []
    groups = {}
    for one in cases:
        if all(isinstance(one["params"].get(key), (int, float)) for key in ("size", "capacity", "burst")):
            groups.setdefault(one["params"]["size"], []).append(one)
    for size, some in groups.items():
        some.sort(key=lambda one: (one["params"]["capacity"], one["params"]["burst"]))
        lines += grid(some, ["capacity", "burst"], f"throughput, {size:g} B")
        done.update(one["case"] for one in some)
    for title, key, some in plots.scales([one for one in cases if one["case"] not in done]):
        lines += grid(sorted(some, key=lambda one, key=key: one["params"][key]), [key], title)
        done.update(one["case"] for one in some)
    for one in cases:
        if one["case"] not in done:
            lines += case_table(one)
    for one in results.by_name(run, "distributions").values():
        if one["suite"] == suite:
            lines += distribution_table(one)
    return lines


def where_and_why(verdict):
    """Which case decided, and for a target that was missed the reason that was found."""
    parts = [targets.where_text(verdict)]
    if verdict["verdict"] == targets.MISSED:
        parts.append(reason(verdict["suite"], verdict["case"], verdict["subject"], verdict["against"]))
    return ": ".join(part for part in parts if part)


def target_table(verdicts):
    body = [[md(one["text"]), targets.bound_text(one), targets.value_text(one), f"**{one['verdict']}**" if one["verdict"] == targets.MISSED
             else one["verdict"], md(where_and_why(one))] for one in verdicts]
    return [f"{targets.summary(verdicts)}.", "", *rows(["", "target", "measured", "", "which case; why"], body, (1, 2))]


def losing_rows(run):
    """[(ours, cases, who is ahead and by how much, why)] of what is beyond the noise, the largest loss first. And the rest,
    [(case, ours, peers)]."""
    groups, near = results.losses_by_subject(run)
    found = []
    for one in groups:
        ahead, reasons = [], []
        for peer, ratios in one["peers"].items():
            low, high = figures.ratio_text(min(ratios.values())), figures.ratio_text(max(ratios.values()))
            ahead.append(f"{peer} {low}" + (f" to {high}" if high != low else "") + " times" + (f" ({len(ratios)} cases)" if len(ratios) > 1 else ""))
            reasons += [reason(one["suite"], case, one["subject"], peer) for case in ratios]
        why = list(dict.fromkeys(filter(None, reasons)))
        if "" in reasons:
            why.append("in part not yet known" if why else "not yet known")
        found.append((one["subject"], f"{one['suite']}: {results.cases_text(one['cases'], run, one['suite'])}", "; ".join(ahead), "; ".join(why)))
    return found, [(f"{one['suite']}: {one['case']}", one["subject"], [each["peer"] for each in one["faster"]]) for one in near]


LOSING = "Where a peer is ahead of one of ours at the median and by the quartiles of the ratio, too, and how many times it is ahead."
NEAR = "Ahead at the median, but within the noise (the quartiles of the ratio lie on both sides of 1): "
NOWHERE = "In no case of this run is a peer ahead of us at the median."


def losing(run):
    found, near = losing_rows(run)
    lines = [] if found or near else [NOWHERE, ""]
    if found:
        lines += [LOSING, "", *rows(["ours", "case", "ahead of it", "why"], [[bold(one[0], True), *map(md, one[1:])] for one in found])]
    if near:
        lines += [NEAR + "; ".join(f"{md(case)}: {md(subject)} behind {', '.join(map(md, names))}" for case, subject, names in near) + ".", ""]
    return lines


def page(run):
    """The whole document."""
    there = run["machine"]
    lines = ["# Performance", "", f"Made by `croomlab doc` from the run of {md(run['when'][:10]) or 'an unknown day'}, version {md(run['version'])}; "
             "no figure is typed by hand.", ""]
    if run["quick"]:
        lines += ["**This was a quick run: its figures are too rough to quote.**", ""]
    if not run["complete"]:
        lines += ["**This run was interrupted: what came later is missing.**", ""]
    shown = [(name, kernel(value) if name == "kernel" else value) for name, value in machine.rows(there)]
    lines += ["## The machine", "", *rows(["", ""], [[name, md(value)] for name, value in shown])]
    lines += [*(f"- {md(one)}" for one in machine.warnings(there)), ""] if machine.warnings(there) else []
    lines += ["## How to read it", "", READING, "## Targets", "", *target_table(targets.evaluate(run))]
    lines += ["## Where we lose, and why", "", *losing(run)]
    for suite in results.SUITES:
        tables = suite_tables(run, suite)
        if tables:
            lines += [f"## {suite}", "", SUITE_TEXT[suite], "", *tables]
    for kind, title in (("skipped", "What was skipped"), ("failed", "What failed")):
        if run[kind]:
            lines += [f"## {title}", "", *(f"- {one['suite']}: {md(one['what'])}: {md(one['why'])}" for one in run[kind]), ""]
    lines += ["## How to repeat it on isolated cores", "", REPEATING]
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")).rstrip("\n") + "\n"


BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


# What README shows before the targets: (words, suite, case, ours, beside).
HIGHLIGHTS = (
    ("packets lost per change of filter, at 100,000 a second", "tap", "live, missing per change", "croomtap", "tcpdump"),
    ("changes in that time", "tap", "live, changes", "croomtap", "tcpdump"),
    ("CPU per packet, captured redis traffic to text", "tap", "read to text, redis packets", "croomtap", "tcpdump"),
    ("CPU per packet, captured web traffic to text", "tap", "read to text, web packets", "croomtap", "tcpdump"),
    ("CPU per packet, web traffic copied to disk", "tap", "read to pcap on disk, web packets", "croomtap", "tcpdump"),
    ("a swap by name, until the old handler is provably unused", "swap", "unused", "croom", "liburcu-qsbr"),
    ("the same, prepared beforehand", "swap", "unused", "croom, prepared", "liburcu-qsbr"),
    ("what one swap takes from the thread that calls", "tails", "reader stall per swap, 100 k swaps/s", "slot and observe", "liburcu-qsbr"),
    ("8-byte items through a ring, one at a time", "ring", "throughput, 8 B, capacity 1024, burst 1", "croom items", "ck_ring"),
    ("64-byte items, 16 at a time", "ring", "throughput, 64 B, capacity 1024, burst 16", "croom items", "DPDK rte_ring"),
)


def highlights(run):
    lines, cases = [], results.by_name(run)
    for words, suite, name, ours, peer in HIGHLIGHTS:
        one = cases.get((suite, name))
        values = [figures.median(results.samples(one, subject)) for subject in (ours, peer)] if one else [None]
        if None not in values:
            lines.append([words, *(f"{figures.text(value)} {one['unit']}" for value in values), md(peer)])
    return rows(["", "ours", "theirs", "they are"], lines, (1, 2)) if lines else []


def readme_table(run):
    verdicts = [one for one in targets.evaluate(run) if one["value"] is not None]
    body = [[md(one["text"]), targets.value_text(one) + ("" if one["reference"] else f" {one['unit']}"), targets.bound_text(one), one["verdict"]]
            for one in verdicts]
    there = run["machine"]
    lines = [f"`make lab` on {machine.part(there, 'cpus')} processors ({md(machine.part(there, 'cpu'))}, {kernel(machine.part(there, 'kernel'))}), "
             f"{md(run['when'][:10])}, all in one run; medians.", "", *highlights(run),
             "Targets, as medians of ratios taken round by round, with quartiles; one for several cases shows the worst:", ""]
    lines += rows(["", "measured", "target", ""], body, (1, 2)) if body else ["This run measured none of the targets.", ""]
    behind = sum(one["beyond"] for one in results.losses(run))
    lines.append(f"All figures, and the {behind} cases in which a peer is ahead: [PERFORMANCE](doc/PERFORMANCE.md)." if behind else
                 "All figures: [PERFORMANCE](doc/PERFORMANCE.md).")
    return "\n".join(lines)


def in_readme(text, run, name="README.md"):
    """README with the table between its markers made anew; Bad when they are not there, once each and in order."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise results.Bad(f"{name} needs the lines {BEGIN} and {END}, once each and in this order; nothing was written")
    if run["quick"] or not run["complete"]:
        raise results.Bad(f"a run that was {'quick' if run['quick'] else 'interrupted'} has no figures for {name}; nothing was written")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{readme_table(run)}\n{END}{rest.split(END)[1]}"
