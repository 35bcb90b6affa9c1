#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The weak-memory gate: gate.py [--long] [--only PAIR,...] MODEL...

Each model of proof/relacy is run as it is: the code must be clean, a negative control must not be. Then each ordered access
that stands in the sources is weakened, alone, in the models that run it, until one of them finds it. An access that no model
runs, and a weakening that no model finds, is a failure: test it, or weaken the code."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from shared import sources, told  # noqa: E402

ACCESS = re.compile(r"\bcroom_(get_acquire|set_release|get_seq|set_seq|trade_acquire|trade_release)\(([a-z_]+(?:\.[a-z_]+)+)")
COMMENT = re.compile(r"\s*(/\*|\*([ /]|$))")   # and not *first = ...
# What each macro's order can be weakened to.
WEAKER = {
    "get_acquire": ("acquire", ["relaxed"]), "set_release": ("release", ["relaxed"]),
    "get_seq": ("seq_cst", ["acquire", "relaxed"]), "set_seq": ("seq_cst", ["release", "relaxed"]),
    "trade_acquire": ("acquire", ["relaxed"]), "trade_release": ("release", ["relaxed"]),
}


def all_names():
    """{name: macro} of every ordered access in the sources."""
    names = {}
    for path in sources():
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(r"#define croom_(get|set|trade)", line) or COMMENT.match(line):
                continue
            names.update({name: macro for macro, name in ACCESS.findall(line)})
    return names


class Model:
    def __init__(self, path, long):
        self.path, self.name = path, pathlib.PurePath(path).name.removeprefix("proof-")
        self.options = ["--long"] if long else []

    def run(self, *options):
        """(what it printed as {word: rest}, {name: order} it ran, seconds)"""
        begin = time.monotonic()
        done = subprocess.run([self.path, *self.options, *options], capture_output=True, text=True, timeout=3000)
        said, orders = {}, {}
        for line in done.stdout.splitlines():
            word, _, rest = line.partition(" ")
            if word == "order":
                name, order, _ = rest.split()
                orders[name] = order
            else:
                said[word] = rest
        if done.returncode not in (0, 3) or ("clean" in said) == ("found" in said):
            raise RuntimeError(f"{self.name} {' '.join(options)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return said, orders, time.monotonic() - begin

    def look(self):
        self.said, self.orders, self.seconds = self.run()
        self.made_for = tuple(self.said.get("orders", "none").split(","))

    def where(self, text):
        """Code addresses become functions, files and lines."""
        def place(match):
            out = subprocess.run(["addr2line", "-f", "-s", "-e", self.path, "0x" + match.group(1)], capture_output=True,
                                 text=True, check=True).stdout.split("\n")
            return f"in {out[0]} ({out[1].split(' ')[0]})"
        return re.sub(r"@([0-9a-f]+)", place, text)

    def found(self, said):
        execution, what = said["found"].split(" ", 1)
        return int(execution), self.where(what)


def weaken(models, name, order):
    """(model, execution, what), or None and what was tried."""
    tried = []
    for model in models:
        said, _, _ = model.run("--weaken", name, order)
        if "found" in said:
            return (model.name, *model.found(said)), tried
        tried.append(f"{model.name} ({said['clean']} executions)")
    return None, tried


def judge_models(models):
    """Prints a line for each; returns how many are wrong."""
    bad = 0
    for model in models:
        broken = model.said.get("broken")
        if "found" in model.said:
            execution, what = model.found(model.said)
            result = f"after {execution}: {what}"
        else:
            result = f"clean in {model.said['clean']} executions"
        good = ("found" in model.said) == bool(broken)
        bad += not good
        about = f"broken: {broken}" if broken else model.said["what"]
        print(f"{'ok' if good else 'not ok'} {model.name}{'' if good else ':'} {about}; {result}, {model.seconds:.1f} s")
    return bad


def judge_orders(models, names, pool):
    """Prints the table; returns how many rows are wrong."""
    bad = 0
    rows = [(name, WEAKER[macro][0], to) for name, macro in sorted(names.items()) for to in WEAKER[macro][1]]
    real = [m for m in models if "broken" not in m.said]

    def able(name):
        """The models that run it, first those that are made for it."""
        return sorted((m for m in real if name in m.orders), key=lambda m: not name.startswith(m.made_for))

    results = [pool.submit(weaken, able(name), name, to) for name, _, to in rows]
    print(f"# {'access':24} {'from':8}    {'to':8} {'model':10} {'executions':>10}  what was seen")
    for (name, was, to), result in zip(rows, results):
        found, tried = result.result()
        if found:
            print(f"ok {name:24} {was:8} -> {to:8} {found[0]:10} {found[1]:>10}  {found[2]}")
        else:
            bad += 1
            print(f"not ok {name} {was} -> {to}: " + (f"not found by {', '.join(tried)}" if tried else "no model runs it"))
    return bad


def judge_documents(models, names):
    """The figures that they tell; returns how many are wrong."""
    weakenings = sum(len(WEAKER[macro][1]) for macro in names.values())
    broken = sum("broken" in m.said for m in models)
    lines = [told("doc/VALIDATION.md", r"(\d+) weakenings of (\d+) named accesses", weakenings, len(names)),
             told("proof/relacy/README.md", r"(\d+) models and (\d+) negative controls", len(models) - broken, broken),
             told("proof/relacy/README.md", r"(\d+) weakenings of (\d+) named accesses", weakenings, len(names))]
    print("\n".join(lines))
    return sum(not line.startswith("ok") for line in lines)


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--long", action="store_true", help="search deeper")
    parser.add_argument("--only", type=lambda text: tuple(text.split(",")), help="names that begin so")
    options = parser.parse_args(arguments)
    names = {name: macro for name, macro in all_names().items() if not options.only or name.startswith(options.only)}
    models = [Model(path, options.long) for path in options.models]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(Model.look, models))
        bad = judge_models(models)
        bad += judge_orders(models, names, pool)
    if not options.only:
        bad += judge_documents(models, names)
    return 1 if bad or not names else 0


sys.exit(main(sys.argv[1:]))
