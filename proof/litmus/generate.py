#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the litmus tests for herd7: generate.py [FOLDER], a folder for C11 and one for each processor.

For each pair of pairs.py: PAIR.litmus, whose outcome must never come, and for each end of the pair PAIR+END.litmus,
where that end has a weaker order and the outcome comes. A twin whose code is the same as the pair's (a release store
on x86) has no file."""
import pathlib
import sys

from instructions import CODE, code_of, kept
from pairs import PAIRS, SHAPES, WEAKER

FORMS = ["C", *CODE]


def orders(pair, weak=None):
    """The order of each access, thread by thread; `weak` is the role that has a weaker one."""
    def order(role):
        if role is None:
            return "relaxed"
        usual = pair.ends[role][0]
        return pair.weaker.get(role, WEAKER.get(usual)) if role == weak else usual

    return [[order(access[2]) for access in thread] for thread in SHAPES[pair.shape]["threads"]]


def steps(pair):
    """Of each forbidden outcome, its steps in program order."""
    return SHAPES[pair.shape]["cycles"]


def code(pair, form, weak, compilers=("", "")):
    return [[code_of(form, compilers[t], access[0], order) for access, order in zip(thread, row)]
            for t, (thread, row) in enumerate(zip(SHAPES[pair.shape]["threads"], orders(pair, weak)))]


def never(pair, form, weak=None, compilers=("", "")):
    """Is every outcome forbidden? None: no verdict."""
    row = orders(pair, weak)
    if form != "C":
        rows = code(pair, form, weak, compilers)
        found = [[kept(form, rows[t][i], e, rows[t][k], f) for t, i, e, k, f in cycle] for cycle in steps(pair)]
        if any(False in cycle for cycle in found):
            return False
        return None if any(None in cycle for cycle in found) else True
    if pair.shape == "crossing":
        return all(order == "seq_cst" for thread in row for order in thread)
    # Each outcome breaks when its store is a release and the load that sees it an acquire.
    return all(row[0][cycle[0][3]] in ("release", "seq_cst") and
               row[1][cycle[1][1]] in ("acquire", "seq_cst") for cycle in steps(pair))


def header(pair, form, weak):
    ends = "; ".join(f"{role}: {', '.join(names)} ({order})" for role, (order, names) in pair.ends.items())
    lines = [f"{form} {pair.name}{'+' + weak if weak else ''}", f'"{pair.what}"',
             "(* SPDX-License-Identifier: BSD-2-Clause *)", f"Pairs={' '.join((pair.name, *pair.same))}",
             f"Ends={ends}"]
    if weak:
        thread, at = next((t, i) for t, row in enumerate(SHAPES[pair.shape]["threads"])
                          for i, access in enumerate(row) if access[2] == weak)
        lines.append(f"Weaker={weak} is {orders(pair, weak)[thread][at]}")
    return lines + [f"Expected={'Never' if never(pair, form, weak) else 'Sometimes'}"]


def place(pair, name):
    return pair.places.get(name, name)


def outs(thread):
    """The number of the register that each access sets, or None."""
    number = iter(range(9))
    return [next(number) if access[0] != "store" else None for access in thread]


def condition(pair, register, also=()):
    found = [" /\\ ".join([f"{t}:{register(n)}={value}" for (t, n), value in outcome.items()] + list(also))
             for outcome in SHAPES[pair.shape]["exists"]]
    return f"exists ({found[0]})" if len(found) == 1 else "exists (" + " \\/ ".join(f"({f})" for f in found) + ")"


def in_c(pair, weak):
    lines = header(pair, "C", weak) + ["{}", ""]
    for t, (thread, row) in enumerate(zip(SHAPES[pair.shape]["threads"], orders(pair, weak))):
        names = ", ".join(dict.fromkeys(f"atomic_int* {place(pair, access[1])}" for access in thread))
        lines.append(f"P{t} ({names}) {{")
        for access, order, out in zip(thread, row, outs(thread)):
            at, how = place(pair, access[1]), f"memory_order_{order}"
            lines.append("  " + {
                "store": lambda: f"atomic_store_explicit({at}, {access[3]}, {how});",
                "load": lambda: f"int r{out} = atomic_load_explicit({at}, {how});",
                "trade": lambda: f"int r{out} = atomic_exchange_explicit({at}, {access[3]}, {how});"}[access[0]]())
        lines += ["}", ""]
    return lines + [condition(pair, lambda n: f"r{n}")]


# Registers of a form: what is loaded, addresses, values; and how a loaded one is called in the condition.
REGISTERS = {
    "AArch64": (lambda n: f"W{n}", lambda n: f"X{10 + n}", lambda n: f"W{20 + n}", lambda n: f"X{n}"),
    "RISCV": (lambda n: f"x{5 + n}", lambda n: f"x{10 + n}", lambda n: f"x{20 + n}", lambda n: f"x{5 + n}"),
    "PPC": (lambda n: f"r{3 + n}", lambda n: f"r{10 + n}", lambda n: f"r{20 + n}", lambda n: f"r{3 + n}"),
    "X86_64": (lambda n: "%e" + "abc"[n] + "x", None, lambda n: f"%e{('si', 'di')[n]}", lambda n: "r" + "abc"[n] + "x"),
}


def column(pair, form, weak, t):
    """One thread: what its registers are at first, and its instructions."""
    loaded, address, valued, _ = REGISTERS[form]
    thread, sequences = SHAPES[pair.shape]["threads"][t], code(pair, form, weak)[t]
    places = list(dict.fromkeys(access[1] for access in thread))
    values = list(dict.fromkeys(access[3] for access in thread if access[0] != "load"))
    first, lines = [], []
    if form != "X86_64":
        first = [f"{t}:{address(i)}={place(pair, name)};" for i, name in enumerate(places)]
        first += [f"{t}:{valued(i).replace('W', 'X')}={value};" for i, value in enumerate(values)]
    for number, (access, sequence, out) in enumerate(zip(thread, sequences, outs(thread))):
        fill = {"n": f"C{t}{number}", "thread": t, "out": loaded(out) if out is not None else "",
                "at": place(pair, access[1]) if form == "X86_64" else address(places.index(access[1])), "value": ""}
        if access[0] != "load":
            fill["value"] = valued(values.index(access[3]))
            if form == "X86_64" and "xchgl" in sequence[0]:
                lines.append(f"movl ${access[3]},{fill['out'] or fill['value']}")
            elif form == "X86_64":
                fill["value"] = f"${access[3]}"
        lines += [line.format(**fill) for line in sequence]
    if any("Fail" in line for line in lines):
        lines += ["li r9,1", f"Fail{t}:"]
    return first, lines


def in_assembly(pair, form, weak):
    columns = [column(pair, form, weak, t) for t in range(2)]
    width = [max(len(line) for line in ["P0", *lines]) for _, lines in columns]
    lines = header(pair, form, weak) + ["{"] + [" ".join(first) for first, _ in columns if first] + ["}"]
    rows = [["P0", "P1"]] + [[lines[i] if i < len(lines) else "" for _, lines in columns]
                             for i in range(max(len(lines) for _, lines in columns))]
    lines += [" " + " | ".join(cell.ljust(w) for cell, w in zip(row, width)) + " ;" for row in rows]
    also = [f"{t}:r9=1" for t, (_, c) in enumerate(columns) if c[-1].startswith("Fail")]
    return lines + [condition(pair, REGISTERS[form][3], also)]


def files():
    """Name (folder/file) and text of each."""
    for pair in PAIRS:
        for form in FORMS:
            for weak in (None, *pair.ends):
                same = form != "C" and weak and code(pair, form, weak) == code(pair, form, None)
                if same or never(pair, form, weak) is None:
                    continue
                lines = in_c(pair, weak) if form == "C" else in_assembly(pair, form, weak)
                yield f"{form.lower()}/{pair.name}{'+' + weak if weak else ''}.litmus", "\n".join(lines) + "\n"


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for name, text in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
