#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The report and the document: whole, alone, the same every time, and no name gets out of its place: report.py"""
import copy
import json
import os
import re
import shutil
import tempfile
from html.parser import HTMLParser

from made import check, finish, skip
import made
import performance
import plots
import report
import results
import targets

VOID = {"meta", "br", "hr", "img", "link", "input"}
ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "nav", "a", "div", "table", "thead", "tbody", "tr",
           "th", "td", "span", "i", "figure", "figcaption"} | plots.TAGS


class Page(HTMLParser):
    """Balance of tags, ids, and what is referred to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.ids, self.links, self.tags, self.text = [], [], [], [], {}, []
        self.feed(text)
        self.close()
        self.wrong += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if tag not in {name.lower() for name in ALLOWED}:
            self.wrong.append(f"a tag {tag}")
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "xlink:href", "srcset", "data", "action", "poster", "background"):
                self.links.append(value)
            elif name.startswith("on"):
                self.wrong.append(f"{tag} {name}")
        if len({name for name, _ in attrs}) != len(attrs):
            self.wrong.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        self.text.append(data)


def outside(text):
    """What would load something from elsewhere."""
    return re.findall(r"https?://[^\s\"'<]*|//[a-z]+\.|url\(|@import|<script|<link|<iframe|<img|javascript:", text, re.I)


def whole():
    run = made.run(1)
    text = report.page(run)
    page = Page(text)
    check("the report is well-formed", not page.wrong, page.wrong[:5])
    check("no id twice, and every link has its end in the page", len(page.ids) == len(set(page.ids)) and
          all(link.startswith("#") and link[1:] in page.ids for link in page.links), [link for link in page.links if link[1:] not in page.ids][:5])
    check("nothing is loaded from elsewhere", not outside(text), outside(text)[:5])
    if plots.missing():
        skip("pictures", plots.missing())
    else:
        # Bars for the cases of call, swap and strings, tails' and tap's one; 8 rings; trips; 2 scales; 3 distributions.
        check("a picture for every case or group of cases", page.tags["svg"] == 4 + 4 + 5 + 1 + 1 + 8 + 1 + 2 + 3 and "Without pictures" not in text,
              (page.tags["svg"], re.findall("Without pictures.*", text)))
        check("ours stand out: a colour of their own, and bold", 'fill="var(--ours0)"' in text and 'font-weight="bold">slot and observe' in text)
        colours = set(re.findall(r'(?:fill|stroke|color)="([^"]*)"', text))
        check("every colour is the style sheet's", all(one in ("none", "currentColor") or re.fullmatch(r"var\(--(ink|rule|bar|reference|ours\d|peer\d)\)", one)
                                                     for one in colours), colours)
        check("every colour has a value", all(f"--{name}:" in report.STYLE for name in plots.COLOURS.values()))
    shown = "".join(page.text)
    cases = [one["case"] for one in run["cases"] + run["distributions"]]
    check("every case is in the tables", all(f"{one['suite']}: {one['case']}" in shown for one in run["cases"] + run["distributions"]), cases)
    # Without pictures a suite has no section of its own.
    after = text.index('id="figures"' if plots.missing() else 'id="call"')
    check("machine, targets and losses come before the suites", 0 < text.index('id="machine"') < text.index('id="targets"') < text.index('id="losing"') <
          after <= text.index('id="figures"'))
    check("it says where we lose", "croom ring" in text[text.index('id="losing"'):after])
    check("the same run, the same bytes", report.page(copy.deepcopy(run)) == text)


def hostile():
    folder = tempfile.mkdtemp(prefix="croomlab-test-")
    names = ['<script>alert(1)</script>', '"><img src=http://example.invalid/x onerror=alert(1)>', "'; system('touch owned'); '", "`touch owned`",
             "$(touch owned)", "a\\", "b\n!touch owned\n", "%s%d%n 100 %", "@x", "{/Bold x_y^z}", "&amp;&lt;", "]]>", "<!-- figures -->", "| x | [a](b)",
             "\u202eright to left", "\x1b[31mred", "x" * 250, "${jndi}", "EOD", "\ud800"]
    run = results.empty()
    for index, name in enumerate(names):
        run["cases"].append(results.case({
            "suite": "call" if index % 2 else "ring", "case": name, "unit": name, "better": "lower", "reference": name, "dropped": {name: 1},
            "params": {"burst": 1, "size": 8, "capacity": 9} if index % 3 == 0 else {"n": index + 1} if index % 3 == 1 else {},
            "subjects": {name: {"ours": True, "samples": [1.0, 2.0]}, "peer" + name: {"ours": False, "samples": [1, 1.5]}},
            "counters": {name: {name: 1}}}))
        run["distributions"].append(results.distribution({
            "suite": "tails", "case": name, "unit": name, "reference": name, "subjects": {name: {"ours": True, "counts": [[1, 100], [2, 5]], "max": 2}}}))
        run["skipped"].append(results.note({"suite": "call", "what": name, "why": name}))
        run["failed"].append(results.note({"suite": "call", "what": name, "why": name}))
    run["machine"] = results.plain({"cpu": names[0], "kernel": names[1], "vulnerabilities": {names[1]: names[2]}, "hypervisor": names[3],
                                    "measured": {"call": {"counters": {"available": False, "why": names[0]}}}}, 4)
    run["when"], run["version"] = names[0], names[1]
    before = os.getcwd()
    os.chdir(folder)
    try:
        text = report.page(run)
        page = Page(text)
        loaded = [one for one in outside(text) if "example.invalid" not in one]
        check("hostile names: well-formed, no tag and no attribute of theirs", not page.wrong and "img" not in page.tags and "script" not in page.tags and
              not loaded, (page.wrong[:5], loaded))
        check("hostile names: shown as they are", "<script>alert(1)</script>" in "".join(page.text))
        check("hostile names: no reference leaves the page", all(link.startswith("#") for link in page.links), page.links[:5])
        check("hostile names: no command was run", os.listdir(folder) == [], os.listdir(folder))
        plots_wrong = re.findall(r"gnuplot could not draw it[^.]*", text)
        check("hostile names: every picture was drawn", not plots_wrong, plots_wrong)
        document = performance.page(run)
        check("hostile names: the document has no markup of theirs", not re.search(r"(?<!\\)<(script|img|!--)", document), document[:2000])
        check("hostile names: a table keeps its columns", all(len(re.findall(r"(?<!\\)\|", line)) == 4 for line in document.splitlines()
                                                            if line.startswith("| **peer") or line.startswith("| peer")))
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def without_gnuplot():
    path = os.environ["PATH"]
    os.environ["PATH"] = "/nowhere"
    try:
        text = report.page(made.run(1, rounds=5, large=False))
    finally:
        os.environ["PATH"] = path
    check("without gnuplot: it says so by name, and has the tables", "gnuplot is not installed" in text and "<svg" not in text and
          "call: throughput" in text and not Page(text).wrong)


def little():
    for name, run in (("nothing", results.empty()), ("one round", made.run(1, rounds=1, large=False))):
        page = Page(report.page(run))
        check(f"a run of {name}: a report and a document", not page.wrong and performance.page(run).startswith("# Performance"), page.wrong)
    run = made.run(1, rounds=5, large=False)
    for index, one in enumerate(run["cases"]):
        for value in one["subjects"].values():
            value["samples"] = ([], [None] * 5, [0] * 5, [1e-9, 1e9], [-1.0, 2.0])[index % 5]
    for one in run["distributions"]:
        one["subjects"]["mutex"]["counts"] = []
        one["subjects"]["seqlock"]["max"] = None
    page = Page(report.page(run))
    check("rounds that are missing, zeros, extremes, empty distributions", not page.wrong and "could not draw" not in "".join(page.text) and
          performance.page(run), (page.wrong, re.findall("could not.*", "".join(page.text))))


def document():
    run = made.run(1)
    text = performance.page(run)
    check("the document: the same bytes every time", performance.page(results.checked(json.loads(results.dump(run)))) == text)
    check("every case is in it", all(one["case"] in text or one["params"] for one in run["cases"]))
    check("targets, losses, how to repeat it", all(word in text for word in ("## Targets", "## Where we lose, and why", "isolcpus=", "nohz_full=", "rcu_nocbs=",
                                                                           "irqaffinity=", "--cpus 2,3", "performance", "smt/control")))
    widths = {}
    for line in text.splitlines():
        if line.startswith("|"):
            widths.setdefault(len(re.findall(r"(?<!\\)\|", line)), []).append(line)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
    check("every table has as many columns in each line", all(len({len(re.findall(r"(?<!\\)\|", line)) for line in one.splitlines()}) == 1 for one in tables),
          widths.keys())
    check("the kernel's series, not somebody's build of it", "| kernel | Linux 6.1 |" in text)
    prose = "".join((performance.READING, *performance.SUITE_TEXT.values(), *(one[4] for one in performance.REASONS)))
    check("the prose has no figure that could be a result", not re.findall(r"\d+(?:\.\d+)? ?(?:ns|us|ms|x|M/s|times)\b|\d+\.\d", prose),
          re.findall(r"\d+(?:\.\d+)? ?(?:ns|us|ms|x|M/s|times)\b|\d+\.\d", prose))
    check("every reason is one that could be given", all(len(one) == 5 and one[0] in results.SUITES and all(re.compile(part) for part in one[:4])
                                                       for one in performance.REASONS))
    check("a reason is found", performance.reason("call", "throughput", "slot and observe", "plain pointer") and
          performance.reason("strings", "get, warm", "croom strings", "x") == "")
    verdicts = targets.evaluate(run)
    check("all that was judged is in the table", all(targets.value_text(one) in text for one in verdicts))


for part in (whole, hostile, without_gnuplot, little, document):
    part()
finish()
