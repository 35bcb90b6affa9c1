#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each ordered access becomes on each CPU, instruction by instruction: code.py SOURCE

Compiles the library for five CPUs, finds every atomic load and store by its place in the source, and compares with the
tables in doc/ORDERING.md ("What it costs on each CPU") and in code.table: no access may be stronger or weaker than
there, and none may be missing. The same for whole fast paths, without marks in them. Then each order is exchanged for
another, and the gate itself has to refuse what comes out. Nothing is run: that is what foreign.py does."""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

from cpus import CPUS, functions

HERE = os.path.relpath(os.path.dirname(os.path.abspath(__file__)), sys.argv[1])
C, CPLUSPLUS = ["-std=c11"], ["-x", "c++", "-std=c++17"]
FLAGS = ["-O2", "-D_GNU_SOURCE", "-fvisibility=hidden", "-fcf-protection=none", "-Iinclude",
         "-fno-asynchronous-unwind-tables", "-S", "-o", "-"]
# What is exchanged: (order, the other one: for loads, for stores, the macro of marks.h).
EXCHANGES = [("acquire", "relaxed", "load", "ACQUIRE=__ATOMIC_RELAXED"),
             ("acquire", "seq_cst", "load", "ACQUIRE=__ATOMIC_SEQ_CST"),
             ("release", "relaxed", "store", "RELEASE=__ATOMIC_RELAXED"),
             ("release", "seq_cst", "store", "RELEASE=__ATOMIC_SEQ_CST"),
             ("seq_cst", "acquire", "load", "SEQ_LOAD=__ATOMIC_ACQUIRE"),
             ("seq_cst", "release", "store", "SEQ_STORE=__ATOMIC_RELEASE"),
             ("relaxed", "acquire", "load", "RELAXED_LOAD=__ATOMIC_ACQUIRE"),
             ("relaxed", "release", "store", "RELAXED_STORE=__ATOMIC_RELEASE")]
# Columns of the table in doc/ORDERING.md that are a whole function of fast.c.
PATHS = {"observe nothing changed": "observe", "slot call": "slot_call", "wire get": "wire_get", "wire set": "wire_set"}
NAMED = re.compile(r"\bcroom_(?:\w+\(([a-z_]+(?:\.[a-z_]+)+),|wire_(get|set)\()")
failed = 0


def say(good, text, notes=()):
    global failed
    failed += not good
    print(("ok " if good else "not ok ") + text)
    for note in notes if not good else ():
        print("# " + note)


def read_code_table():
    """Targets (name, row, command); {access: (load or store, order)}; {function: accesses}; {function: callees}."""
    targets, accesses, inside, calls = [], {}, {}, {}
    for line in open(os.path.join(HERE, "code.table"), encoding="utf-8"):
        kind, *rest = line.split(None, 1) if line.strip() else ("#",)
        cells = [c.strip() for c in rest[0].split("|")] if rest else []
        if kind == "target":
            targets.append((cells[0], cells[1], cells[2].split()))
        elif kind == "access":
            accesses[cells[0]] = tuple(cells[1].split())
        elif kind == "inside":
            inside[cells[0]] = cells[1].split()
        elif kind == "calls":
            calls[cells[0]] = cells[1].split()
    return targets, accesses, inside, calls


def read_doc():
    """{row: {column: [what it may be]}}, of both tables of the section."""
    text = open("doc/ORDERING.md", encoding="utf-8").read()
    text = text.split("\n## What it costs on each CPU\n")[1].split("\n## ")[0]
    rows, head = {}, None
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")] if line.startswith("|") else None
        if not cells or set("".join(cells)) <= set("-:"):
            head = head if cells else None
        elif head is None:
            head = cells
        else:
            spans = [[re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", cell)] for cell in cells]
            rows.setdefault(cells[0], {}).update({h.replace(",", ""): s for h, s in zip(head[1:], spans[1:])})
    return rows


def compile_one(command, source, more):
    result = subprocess.run([*command, *FLAGS, *more, source], capture_output=True, text=True)
    if result.returncode:
        return source, None, result.stderr
    return source, functions(result.stdout), ""


def compile_all(pool, command, sources, more=C):
    """{source: {symbol: lines}}; what does not compile ends the gate."""
    jobs = [pool.submit(compile_one, command, source, more) for source in sources]
    found = {}
    for job in jobs:
        source, symbols, error = job.result()
        if symbols is None:
            say(False, f"{' '.join(command)} compiles {source}", error.splitlines()[:12])
            sys.exit(1)
        found[source] = symbols
    return found


SOURCES = {}


def access_at(what, path, number):
    """The name that an ordered access has in this line; the place of a relaxed one."""
    if path not in SOURCES:
        SOURCES[path] = open(path, encoding="utf-8").read().splitlines()
    match = NAMED.search(SOURCES[path][number - 1])
    # The marks of a macro are where it is used, and fast.c uses these two under their own names.
    return match.group(1) or f"wire.{match.group(2)}" if match else f"{what} in {path}:{number}"


def accesses_of(cpu, compiled):
    """{name or place: (load, store or add; {what it became, wherever it was inlined}; the source)}"""
    found = {}
    for source, symbols in compiled.items():
        for lines in symbols.values():
            begun, words = None, []
            for code in lines:
                mark = re.match(r"cross (\w+) (\S+):(\d+)$", code)
                if not mark:
                    if begun and cpu.touches(code):
                        words.append(cpu.name(code))
                elif mark.group(1) == "end":
                    if not begun or begun[1:] != mark.group(2, 3):
                        sys.exit(f"not ok the marks of {mark.group(2)}:{mark.group(3)} do not enclose it: mend marks.h")
                    name = access_at(begun[0], begun[1], int(begun[2]))
                    found.setdefault(name, (begun[0], set(), source))[1].add("; ".join(words))
                    begun = None
                else:
                    begun, words = mark.group(1, 2, 3), []
    return found


def cell(doc_row, what, order):
    return doc_row.get(f"{what} {order}", [f"a column '{what}, {order}' in doc/ORDERING.md"])


def judge_accesses(cpu, table, doc_row, found):
    """{name: (what was found, why that is wrong or None)}; all but those of the table are relaxed."""
    verdicts = {}
    for name, (what, became, _) in sorted(found.items()):
        want_what, order = table.get(name, (what, "relaxed"))
        may = cell(doc_row, want_what, order)
        why = None
        if "." in name and "/" not in name and name not in table:
            why = "code.table has no row for it"
        elif order == "relaxed" and not words_of(cpu, became):
            # Whatever orders nothing: a sum or a comparison may take it from memory, after a pointer to it.
            pass
        elif what != want_what or not became <= set(may):
            why = f"expected: {want_what} {order}, {' or '.join(may)}"
        verdicts[name] = (" or ".join(sorted(became)), why)
    return verdicts


def words_of(cpu, spans):
    return {word for span in spans for word in span.split("; ") if cpu.orders(word)}


def judge_orders(who, cpu, lines, must, may):
    found = {cpu.name(code) for code in lines if cpu.orders(code)}
    say(must <= found <= must | may, f"{who}: {', '.join(sorted(found)) or 'nothing that orders'}",
        [f"expected: {', '.join(sorted(must)) or 'nothing that orders'}"])


def judge_whole(target, cpu, doc_row, table, symbols):
    """As users get it, no mark in it: the functions of fast.c or of the library, and the fast paths word by word."""
    _, accesses, inside, calls = table
    relaxed = words_of(cpu, doc_row["load relaxed"] + doc_row["store relaxed"])
    for name in (name for name in inside if name in symbols):
        parts = [name, *calls.get(name, [])]
        # A compiler may have split parts off: NAME.part.0, NAME.cold.
        lines = [code for symbol, lines in symbols.items() if symbol.split(".")[0] in parts for code in lines]
        judge_orders(f"{target}: in all of {name}", cpu, lines,
                     words_of(cpu, [cell(doc_row, *accesses[access])[0] for access in inside[name]]), relaxed)
    for column, name in PATHS.items():
        if name in symbols:
            got = "; ".join(cpu.whole(symbols[name]))
            say(got in doc_row[column], f"{target}: {column} is {got}",
                [f"doc/ORDERING.md: {' or '.join(doc_row[column])}", *symbols[name]])


def judge_marked(target, cpu, found, accesses, doc_row):
    """One line for each ordered access, one for all relaxed ones of a kind."""
    relaxed = {}
    for name, (became, why) in judge_accesses(cpu, accesses, doc_row, found).items():
        if "/" in name and not why:
            relaxed.setdefault(found[name][0], []).append(found[name][1])
        else:
            say(not why, f"{target}: {name} is {became}", [why])
    for what, became in sorted(relaxed.items()):
        say(True, f"{target}: {len(became)} x {what}, relaxed, is {' or '.join(sorted(set().union(*became)))}")
    missing = set(accesses) - set(found)
    say(not missing, f"{target}: every access of code.table is there", sorted(missing))


def judge_target(pool, target, sources, doc_row, table):
    """Returns what was found, with marks."""
    name, row, command = target
    cpu = CPUS[row.split(",")[0]]
    found = accesses_of(cpu, compile_all(pool, command, sources, [*C, "-include", f"{HERE}/marks.h"]))
    judge_marked(name, cpu, found, table[1], doc_row)
    plain = compile_all(pool, command, sources)
    for source, symbols in plain.items():
        judge_whole(name, cpu, doc_row, table, symbols)
        if source.startswith("lib/"):
            there = [(what, access) for access, (what, _, where) in found.items() if where == source]
            must = words_of(cpu, [cell(doc_row, *table[1][a])[0] for _, a in there if a in table[1]])
            relaxed = {what for what, access in there if access not in table[1]}
            may = words_of(cpu, [span for what in relaxed for span in cell(doc_row, what, "relaxed")])
            lines = [code for lines in symbols.values() for code in lines]
            judge_orders(f"{name}: in all of {source}", cpu, lines, must, may)
    missing = set(table[2]) - {symbol for symbols in plain.values() for symbol in symbols}
    say(not missing, f"{name}: every function of code.table is there", sorted(missing))
    cplusplus = [re.sub("^clang", "clang++", re.sub("gcc$", "g++", command[0])), *command[1:]]
    if not shutil.which(cplusplus[0]):
        print(f"skip {name}, C++: {cplusplus[0]} is not installed")
    else:
        fast = compile_all(pool, cplusplus, [f"{HERE}/fast.c"], CPLUSPLUS)
        judge_whole(f"{name}, C++", cpu, doc_row, table, fast[f"{HERE}/fast.c"])
    return found


def judge_pairs(accesses):
    """The pairs of the library in doc/ORDERING.md and those of code.table are the same."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|(.*)$", open("doc/ORDERING.md", encoding="utf-8").read(), re.M)
    documented = {pair for pair, text in rows if re.search(r", (lib|croom)/", text)}
    listed = {access.rsplit(".", 1)[0] for access in accesses}
    say(documented == listed, f"code.table and doc/ORDERING.md have the same {len(listed)} pairs of the library",
        [f"only in one: {', '.join(sorted(documented ^ listed))}"])


def judge_exchanges(pool, targets, doc, accesses, base):
    """What marks.h exchanges must be refused, each access of that order and no other, wherever the instructions differ
    at all; for one compiler per row of the table."""
    once = list({row: (name, row, command) for name, row, command in reversed(targets)}.values())[::-1]
    for order, other, what, macro in EXCHANGES:
        want = {access for access, (is_what, *_) in base.items()
                if accesses.get(access, (is_what, "relaxed")) == (what, order)}
        sources = {base[access][2] for access in want}
        if order == "relaxed":
            # Those of the public headers: they are on data paths.
            want, sources = {access for access in want if "include/" in access}, {f"{HERE}/fast.c"}
        seen, bad = [], []
        for name, row, command in once:
            if doc[row][f"{what} {order}"] == doc[row][f"{what} {other}"]:
                continue
            compiled = compile_all(pool, command, sources, [*C, "-include", f"{HERE}/marks.h", f"-DCROSS_{macro}"])
            found = accesses_of(CPUS[row.split(",")[0]], compiled)
            verdicts = judge_accesses(CPUS[row.split(",")[0]], accesses, doc[row], found)
            refused = {access for access, (_, why) in verdicts.items() if why}
            seen.append(f"{name} ({len(refused)})")
            if refused != want:
                bad.append(f"{name}: not as expected: {', '.join(sorted(refused ^ want))}")
        say(seen and not bad, f"a {what} made {other} that should be {order} is refused on: {', '.join(seen)}", bad)


def main():
    os.chdir(sys.argv[1])
    table = targets, accesses, *_ = read_code_table()
    doc = read_doc()
    atomic = re.compile(r"\bcroom_([gs]et|wire|trade|add)_\w+\(|\b__atomic|\b__sync|asm\b|#include <stdatomic")
    sources = [s for s in sorted(glob.glob("lib/*.c")) if atomic.search(open(s, encoding="utf-8").read())]
    sources.append(f"{HERE}/fast.c")
    there = [t for t in targets if shutil.which(t[2][0])]
    for name, _, command in targets:
        if not shutil.which(command[0]):
            print(f"skip {name}: {command[0]} is not installed")
    judge_pairs(accesses)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for target in there:
            found = judge_target(pool, target, sources, doc[target[1]], table)
        if there:
            judge_exchanges(pool, there, doc, accesses, found)
    sys.exit(1 if failed else 0 if there else 77)


main()
