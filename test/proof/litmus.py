#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The litmus tests of proof/litmus: litmus.py SOURCE_ROOT

They are what generate.py makes, one for each pair of doc/ORDERING.md and with every named access of the code in it;
their C compiles and their instructions assemble; they are what gcc and clang emit; and herd7, where it is installed,
finds the outcomes that they expect."""
import collections
import itertools
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1])
litmus = root / "proof/litmus"
sys.dont_write_bytecode = True
sys.path.insert(0, str(litmus))
from generate import code_of, files, never  # noqa: E402
from instructions import CODE  # noqa: E402
from pairs import PAIRS  # noqa: E402
from shared import sources  # noqa: E402

GCC = {"AArch64": ["aarch64-linux-gnu-gcc", "-march=armv8.3-a"], "RISCV": ["riscv64-linux-gnu-gcc"],
       "PPC": ["powerpc64le-linux-gnu-gcc", "-Wa,-mregnames"]}
CLANG = {"AArch64": ["clang", "--target=aarch64-linux-gnu", "-march=armv8.1-a"],
         "RISCV": ["clang", "--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d"],
         "PPC": ["clang", "--target=powerpc64le-linux-gnu"], "X86_64": ["clang", "--target=x86_64-linux-gnu"]}
CLANG_16 = {"AArch64": ["clang-16", "--target=aarch64-linux-gnu", "-march=armv8.3-a"]}
if platform.machine() == "x86_64":
    GCC["X86_64"] = ["gcc", "-fcf-protection=none"]
NAMED = re.compile(r"\bcroom_(?:get_acquire|set_release|get_seq|set_seq|trade_acquire|trade_release)\(([a-z_]+(?:\.[a-z_]+)+)")
BUILTIN = {"load": "{t} f({t} *p) {{ return __atomic_load_n(p, __ATOMIC_{o}); }}",
           "store": "void f({t} *p, {t} v) {{ __atomic_store_n(p, v, __ATOMIC_{o}); }}",
           "trade": "{t} f({t} *p, {t} v) {{ return __atomic_exchange_n(p, v, __ATOMIC_{o}); }}"}
# What is written otherwise and means the same here: wide accesses, sign extension, the compiler's names of branches.
SAME = {"lwa": "lwz", "ld": "lwz", "std": "stw", "ldarx": "lwarx", "stdcx.": "stwcx.", "bne-": "bne", "cmpd": "cmpw",
        "movq": "movl", "xchgq": "xchgl"}
SAME_RISCV = {"ld": "lw", "sd": "sw"}
ELSE = {"ret", "retq", "blr", "mov", "mv", "mr", "extsw", "sext.w", "nop"}
failed = False


def check(name, bad):
    global failed
    failed |= bool(bad)
    print(f"not ok {name}: {bad if isinstance(bad, str) else '; '.join(map(str, bad))[:3000]}" if bad else f"ok {name}")


def named_in_code():
    names = set()
    for path in sources():
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.lstrip().startswith(("* ", "/*")):
                names.update(NAMED.findall(line))
    return names


def covers_the_pairs():
    rows = set(re.findall(r"^\| `([a-z_.]+)` \|", (root / "doc/ORDERING.md").read_text(encoding="utf-8"), re.M))
    here = {name for pair in PAIRS for name in (pair.name, *pair.same)}
    check("each pair of doc/ORDERING.md has its tests", sorted(rows ^ here))
    same = {name for pair in PAIRS for name in pair.same}
    ends = {name for pair in PAIRS for _, names in pair.ends.values() for name in names}
    code = {name for name in named_in_code() if name.rsplit(".", 1)[0] not in same}
    check("each named access is in a test", sorted(code ^ {e for e in ends if e.rsplit(".", 1)[0] not in same}))


def is_generated():
    made = dict(files())
    there = {str(p.relative_to(litmus)): p.read_text(encoding="utf-8") for p in litmus.rglob("*.litmus")}
    check("the files are what generate.py makes", sorted(name for name in made.keys() | there.keys()
                                                         if made.get(name) != there.get(name)))
    bad = [name for name, text in made.items() if "+" not in name and "Expected=Never" not in text]
    bad += [name for name, text in made.items()
            if name.startswith("c/") and "+" in name and "Expected=Sometimes" not in text]
    check("what must not happen never does, and each weaker twin lets it happen", bad)
    every = list(itertools.product(("", "gcc", "clang"), repeat=2))
    check("nor with two compilers mixed", [f"{pair.name} {form} {mix}" for mix in every for pair in PAIRS
                                           for form in CODE if not never(pair, form, None, mix)])
    return made


def compile_(command, source, suffix, *options):
    with tempfile.TemporaryDirectory(prefix="croom-litmus-") as folder:
        path = pathlib.Path(folder) / f"a.{suffix}"
        path.write_text(source, encoding="utf-8")
        done = subprocess.run([*command, *options, "-o", f"{folder}/out", str(path)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            return None, done.stderr
        return pathlib.Path(f"{folder}/out").read_bytes().decode(errors="replace"), ""


def c_compiles(made):
    source = ["#include <stdatomic.h>"]
    for number, (name, text) in enumerate(m for m in made.items() if m[0].startswith("c/")):
        program = text.split("{}\n", 1)[1].split("exists", 1)[0]
        source += [f'#line 1 "{name}"', re.sub(r"^P(\d)", rf"static void p{number}_\1", program, flags=re.M)]
    _, wrong = compile_(["gcc"], "\n".join(source), "c", "-std=c11", "-Wall", "-Wextra", "-Werror",
                        "-Wno-unused-variable", "-Wno-unused-function", "-c")
    check("the C compiles", wrong)


def threads(text):
    rows = [row.rstrip(" ;").split("|") for row in re.findall(r"^ .*;$", text, re.M)][1:]
    return [[row[t].strip() for row in rows if len(row) > t and row[t].strip()] for t in range(2)]


def assembles(form, made):
    source = [".text"]
    for number, (name, text) in enumerate(m for m in made.items() if m[0].startswith(form.lower() + "/")):
        for t, lines in enumerate(threads(text)):
            source += [f"# {name}" if form != "AArch64" else f"// {name}", f"p{number}_{t}:"]
            source += [re.sub(r"\b(LC\d+|Fail\d)\b", rf"{'.'}\1_{number}_{t}", line) for line in lines]
    _, wrong = compile_(GCC[form], "\n".join(source) + "\n", "s", "-c")
    check(f"{form}: the instructions assemble", wrong)


def essence(form, line):
    """An instruction without its registers."""
    line = line.split(": ")[-1].strip().lower().replace("\t", " ")
    name, _, rest = line.partition(" ")
    if name == "fence":
        sets = [re.sub("[io]", "", part) for part in rest.replace(" ", "").split(",")]
        return f"fence {','.join(sets)}"
    if form == "RISCV":
        name = SAME_RISCV.get(name, name).replace("amoswap.d", "amoswap.w")
    return SAME.get(name, name) if form != "RISCV" else name


def emitted(command, form, kind, order, wide):
    source = BUILTIN[kind].format(t=wide, o=order.upper())
    text, wrong = compile_(command, source, "c", "-O2", "-S", "-ffreestanding", "-fno-asynchronous-unwind-tables")
    if text is None:
        raise RuntimeError(wrong)
    body = re.split(r"^f:", text, maxsplit=1, flags=re.M)[1]
    lines = [part for line in body.split("\n") for part in re.split(r"[;#]|//", line)[:2 if "fence" in line else 1]]
    lines = [line.strip() for line in lines if re.match(r"\s*[a-z]", line) and ":" not in line]
    if form == "X86_64":
        lines = [line for line in lines if "(" in line or line.startswith("xchg") or "fence" in line]
    found = [e for e in (essence(form, line) for line in lines) if e not in ELSE]
    # Return when it went well, else once more: the same loop.
    return found[:-2] + ["bne"] if found[-2:] == ["beqlr", "b"] else found


def is_emitted(form, compiler, command):
    if not shutil.which(command[0]):
        print(f"skip {form}: what {compiler} emits: {command[0]} is not installed")
        return
    wrong = []
    for (kind, order), wide in itertools.product(CODE[form], ("int", "unsigned long long")):
        want = [essence(form, line) for line in code_of(form, compiler, kind, order)]
        got = emitted(command, form, kind, order, wide)
        if want != got:
            wrong.append(f"{kind} {order} of {wide}: {got}, not {want}")
    check(f"{form}: {compiler} emits this", wrong)


def herd(made):
    if not shutil.which("herd7"):
        print(f"skip the verdicts of {len(made)} litmus tests: herd7 is not installed")
        return
    for form in ["C", *CODE]:
        names = sorted(name for name in made if name.startswith(form.lower() + "/"))
        done = subprocess.run(["herd7", *(str(litmus / name) for name in names)], capture_output=True, text=True,
                              check=False)
        found = dict(re.findall(r"^Observation (\S+) (\w+)", done.stdout, re.M))
        wrong = [f"{name}: {found.get(pathlib.Path(name).stem)}" for name in names
                 if found.get(pathlib.Path(name).stem) != re.search(r"Expected=(\w+)", made[name]).group(1)]
        check(f"{form}: herd7 finds what is expected of {len(names)}", wrong)


def main():
    covers_the_pairs()
    made = is_generated()
    c_compiles(made)
    print(f"# {dict(collections.Counter(name.split('/')[0] for name in made))}")
    for form in CODE:
        if form in GCC and shutil.which(GCC[form][0]):
            assembles(form, made)
        else:
            print(f"skip {form}: the instructions assemble: {GCC.get(form, ['gcc for x86'])[0]} is not installed")
        is_emitted(form, "gcc", GCC.get(form, ["gcc for x86"]))
        is_emitted(form, "clang", CLANG[form])
        if form in CLANG_16:
            is_emitted(form, "clang-16", CLANG_16[form])
    herd(made)
    sys.exit(1 if failed else 0)


main()
