# SPDX-License-Identifier: BSD-2-Clause
"""The report: one HTML file that needs nothing else. What the machine is and does to the figures comes first, then the
targets, then where we lose, then a picture per case, and at the end every figure in tables."""
from html import escape

import figures
import machine
import performance
import plots
import results
import table
import targets

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2126; --soft: #5b6670; --rule: #c9d0d6; --wash: #f3f5f7; --bar: #aeb6be;
 --reference: #6b757f; --ours0: #005f9e; --ours1: #2b93d6; --ours2: #4b3fa0; --ours3: #0a7f86; --good: #00664f; --bad: #a63a00;
 --peer0: #c44e00; --peer1: #8a6d00; --peer2: #9c4f7c; --peer3: #3d7a3a; --peer4: #6b757f; --peer5: #7a4a2b; --peer6: #a0522d }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #e4e8eb; --soft: #9ba6af; --rule: #3b444c; --wash: #1d2329;
 --bar: #5c6670; --reference: #98a3ad; --ours0: #5ab4f2; --ours1: #a3d5fa; --ours2: #b3a8ff; --ours3: #5fd0d6; --good: #5cc9a7; --bad: #ff9d62;
 --peer0: #ff9d62; --peer1: #dfbf4a; --peer2: #e39ac4; --peer3: #8ccf87; --peer4: #a9b3bc; --peer5: #d1a07e; --peer6: #e0b08a } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
 font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif }
h1 { font-size: 1.9rem; margin: 0 0 .2rem; line-height: 1.2 }
h2 { font-size: 1.35rem; margin: 2.8rem 0 .6rem; padding-top: .6rem; border-top: 2px solid var(--ink) }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem }
p, ul { max-width: 46rem } ul { padding-left: 1.2rem } p { margin: .5rem 0 } a { color: var(--ours0) }
.soft { color: var(--soft) } .sub { color: var(--soft); margin: 0 0 1rem }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem }
.note { border-left: 4px solid var(--bad); background: var(--wash); padding: .5rem .9rem; margin: .7rem 0; max-width: none }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.35; margin: .4rem 0 1rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .22rem .8rem .22rem 0; border-bottom: 1px solid var(--rule) }
th { font-weight: 600; color: var(--soft) } td.n, th.n { text-align: right; white-space: nowrap } tr.ours td:first-child { font-weight: 650; color: var(--ours0) }
td.met { color: var(--good); font-weight: 600 } td.missed { color: var(--bad); font-weight: 700; white-space: nowrap }
table.machine td:first-child { white-space: nowrap; color: var(--soft) }
figure { margin: .8rem 0 1.4rem; break-inside: avoid } figcaption { font-weight: 600; margin-bottom: .2rem }
figcaption span { font-weight: 400; color: var(--soft) }
.plot { display: block; width: 100%; height: auto; color: var(--ink); font-family: inherit }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 0 1.5rem }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .35em } .key span { margin-right: 1.2em; white-space: nowrap }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --wash: #f3f5f7 } body { max-width: none; padding: 0; font-size: 10pt }
 nav { display: none } h2 { break-after: avoid } h3 { break-after: avoid } tr { break-inside: avoid } .scroll { overflow: visible } }
"""

NAMES = {"call": "Calls", "swap": "Swaps", "tails": "Tails", "ring": "Rings", "strings": "Strings", "scale": "Scale", "tap": "Tap"}


def cells(values, tag="td", numbers=0):
    """numbers: from which column on they stand to the right."""
    return "".join((f'<{tag} class="n">' if index >= numbers else f"<{tag}>") + f"{escape(str(value))}</{tag}>"
                   for index, value in enumerate(values))


def html_table(head, body, numbers=1, ours=()):
    """body: lists of texts; ours: which of them are of a subject of ours."""
    lines = "".join(('<tr class="ours">' if index in ours else "<tr>") + f"{cells(row, 'td', numbers)}</tr>\n" for index, row in enumerate(body))
    return f'<div class="scroll"><table><thead><tr>{cells(head, "th", numbers)}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n'


class Pictures:
    """Counts them, so that ids differ, and remembers why one could not be drawn."""

    def __init__(self):
        self.count, self.why = 0, set()

    def __call__(self, draw, title, more, *args, **named):
        self.count += 1
        svg, why = draw(*args, prefix=f"p{self.count}", **named)
        if not svg:
            if why != "no figures":
                self.why.add(why)
            return ""
        return f"<figure><figcaption>{escape(title)} <span>{escape(more)}</span></figcaption>\n{svg}\n</figure>\n"


KEY = '<p class="key soft"><span><i style="background:var(--ours0)"></i>ours</span><span><i style="background:var(--reference)"></i>the reference' \
      '</span><span><i style="background:var(--bar)"></i>others</span> Thin lines: from the first to the third quartile. On a logarithmic axis marks stand in for bars.</p>\n'


def suite_pictures(run, suite, draw):
    cases = [one for one in results.by_name(run).values() if one["suite"] == suite]
    found, done, pairs = "", set(), ""
    groups = {}
    for one in cases:
        if all(isinstance(one["params"].get(key), (int, float)) for key in ("size", "capacity", "burst")):
            groups.setdefault((one["params"]["size"], one["params"]["capacity"]), []).append(one)
    for (size, capacity), some in sorted(groups.items()):
        lines, names = plots.points(some, "burst")
        pairs += draw(plots.curves, f"{size:g}-byte records, capacity {capacity:,g}", f"{some[0]['unit']}, {some[0]['better']} is better",
                      lines, names, label=f"throughput over burst size, {size:g} B, capacity {capacity:g}", across="burst size",
                      up=some[0]["unit"], log_y=False)
        done.update(one["case"] for one in some)
    for title, key, some in plots.scales([one for one in cases if one["case"] not in done]):
        lines, names = plots.points(some, key)
        pairs += draw(plots.curves, title, f"{some[0]['unit']}, {some[0]['better']} is better", lines, names, label=f"{title}: over {key}",
                      across=key, up=some[0]["unit"])
        done.update(one["case"] for one in some)
    if pairs:
        found += f'<div class="pair">\n{pairs}</div>\n'
    bars = ""
    for one in cases:
        if one["case"] not in done:
            reference = results.reference(one)
            bars += draw(plots.bars, one["case"], f"{one['unit']}, {one['better']} is better; reference: {reference or 'none'}; "
                         f"{table.dropped(one)}", one)
    found += (KEY if bars else "") + bars
    for one in results.by_name(run, "distributions").values():
        if one["suite"] == suite:
            found += draw(plots.distribution, one["case"], f"{one['unit']}; every call timed, the slowest at the right", one)
    return found


def case_table(one):
    reference = results.reference(one)
    body = [[name, *table.figures_of(one, name, reference), str(len(figures.present(value["samples"])))] for name, value in one["subjects"].items()]
    ours = {index for index, value in enumerate(one["subjects"].values()) if value["ours"]}
    text = f"<h3>{escape(one['suite'])}: {escape(one['case'])}</h3>\n<p class=\"soft\">{escape(one['unit'])}, {one['better']} is better; " \
           f"ratios {escape('to ' + table.reference_text(one))}; {escape(table.dropped(one))}</p>\n"
    text += html_table(["", f"median, {one['unit']}", "quartiles", "ratio", "its quartiles", "rounds"], body, 1, ours)
    names = list(dict.fromkeys(name for of in one["counters"].values() for name in of))
    if names:
        body = [[subject, *(figures.text(of.get(name)) for name in names)] for subject, of in one["counters"].items()]
        text += html_table(["counted per operation", *names], body)
    return text


def distribution_table(one):
    body = [[name, *(figures.text(figures.counted_percentile(value["counts"], point)) for point in (50, 90, 99, 99.9, 99.99)),
             figures.text(value["max"]), f"{figures.total(value['counts']):,}"] for name, value in one["subjects"].items()]
    ours = {index for index, value in enumerate(one["subjects"].values()) if value["ours"]}
    return f"<h3>{escape(one['suite'])}: {escape(one['case'])}</h3>\n<p class=\"soft\">time of a call, {escape(one['unit'])}</p>\n" + \
        html_table(["", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "largest", "calls"], body, 1, ours)


def target_table(verdicts):
    lines = ""
    for one in verdicts:
        mark = {targets.MET: "met", targets.MISSED: "missed"}.get(one["verdict"], "soft")
        lines += f'<tr>{cells([one["text"], targets.bound_text(one), targets.value_text(one)], "td", 1)}<td class="{mark}">{escape(one["verdict"])}</td>' \
                 f'<td class="soft">{escape(performance.where_and_why(one))}</td></tr>\n'
    return f'<p>{escape(targets.summary(verdicts))}. Medians of the ratios taken round by round, with quartiles; a target that holds for ' \
           f'several cases is judged by the worst.</p>\n<div class="scroll"><table><thead><tr><th></th><th class="n">target</th>' \
           f'<th class="n">measured</th><th></th><th>which case; why</th></tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n'


def losing(run):
    found, near = performance.losing_rows(run)
    text = "" if found or near else f"<p>{performance.NOWHERE}</p>\n"
    if found:
        text += f"<p>{performance.LOSING}</p>\n" + html_table(["ours", "case", "ahead of it", "why"], found, 9, range(len(found)))
    if near:
        text += f"<p>{escape(performance.NEAR)}" + escape("; ".join(f"{case}: {subject} behind {', '.join(names)}" for case, subject, names in near)) + \
            ".</p>\n"
    return text


def opening(run):
    there = run["machine"]
    text = f"<h1>Control Room's lab</h1>\n<p class=\"sub\">{escape(run['when'] or 'at an unknown time')}, version {escape(run['version'])}; " \
           f"{escape(machine.one_line(there))}</p>\n"
    if run["quick"]:
        text += '<p class="note">A quick run: few rounds, and figures too rough to quote.</p>\n'
    if not run["complete"]:
        text += '<p class="note">This run was interrupted. What came later is missing.</p>\n'
    for one in run["failed"]:
        text += f'<p class="note">Failed: {escape(one["suite"])}: {escape(one["what"])}: {escape(one["why"])}</p>\n'
    return text


def page(run):
    """The whole report, as text."""
    draw, there = Pictures(), run["machine"]
    suites = [suite for suite in results.SUITES if any(one["suite"] == suite for one in run["cases"] + run["distributions"])]
    # What is of no suite that we know is shown all the same, in the tables.
    others = sorted({one["suite"] for one in run["cases"] + run["distributions"]} - set(suites))
    parts = {suite: suite_pictures(run, suite, draw) for suite in suites}
    text = opening(run)
    if draw.why or plots.missing():
        text += f'<p class="note">Without pictures: {escape("; ".join(sorted(draw.why)) or plots.missing())}. The tables have every figure.</p>\n'
    text += '<nav><a href="#machine">Machine</a><a href="#targets">Targets</a><a href="#losing">Where we lose</a>' + "".join(
        f'<a href="#{suite}">{NAMES[suite]}</a>' for suite in suites if parts[suite]) + '<a href="#figures">All figures</a></nav>\n'
    text += '<h2 id="machine">The machine</h2>\n'
    said = machine.warnings(there)
    text += ("<ul>" + "".join(f"<li>{escape(one)}</li>\n" for one in said) + "</ul>\n" if said else "")
    text += '<div class="scroll"><table class="machine"><tbody>\n' + "".join(
        f"<tr>{cells(row, 'td', 9)}</tr>\n" for row in machine.rows(there)) + "</tbody></table></div>\n"
    text += '<h2 id="targets">Targets</h2>\n' + target_table(targets.evaluate(run))
    text += '<h2 id="losing">Where we lose</h2>\n' + losing(run)
    for suite in suites:
        if parts[suite]:
            text += f'<h2 id="{suite}">{NAMES[suite]}</h2>\n<p>{escape(performance.SUITE_TEXT[suite])}</p>\n{parts[suite]}'
    if run["skipped"]:
        text += '<h2 id="skipped">Skipped</h2>\n<ul>' + "".join(
            f"<li>{escape(one['suite'])}: {escape(one['what'])}: {escape(one['why'])}</li>\n" for one in run["skipped"]) + "</ul>\n"
    text += '<h2 id="figures">All figures</h2>\n<p>Subjects of one case take turns, round by round; a ratio is formed in each round, and its median ' \
            'is shown. What was disturbed is measured again and dropped after the third time.</p>\n'
    for suite in [*suites, *others]:
        text += "".join(case_table(one) for one in results.by_name(run).values() if one["suite"] == suite)
        text += "".join(distribution_table(one) for one in results.by_name(run, "distributions").values() if one["suite"] == suite)
    return '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n' \
           f"<title>Control Room's lab</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{text}</body>\n</html>\n"
