#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The harnesses of proof/genmc: genmc.py SOURCE_ROOT

Each runs clean under TSan, and TSan finds each access that its head says, made relaxed by its name. Every named access
of the library but the black box's is in one. What GenMC is given calls nothing that GenMC does not know; where it is
installed, it explores every execution, and finds each weak access."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from shared import told

root = pathlib.Path(sys.argv[1]).resolve()
folder = root / "proof/genmc"
OPTIONS = ["-std=c11", "-D_GNU_SOURCE", '-DCROOM_CHECKED="checked.h"', f"-I{folder}", f"-I{root}/include"]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
# GenMC's own, and what it makes stores of.
KNOWN = """#include <stddef.h>
int pthread_create(void) { return 0; } int pthread_join(void) { return 0; }
void __VERIFIER_assume(int c) { (void)c; } void __assert_fail(void) { for (;;); }
void *memset(void *to, int c, size_t n) { return c || n ? to : NULL; }
void *memcpy(void *to, const void *from, size_t n) { return from && n ? to : NULL; }"""
# The black box is read by another process, thousands of words at a time: too much to execute in every way.
NOT_HERE = ("box.",)
NAMED = re.compile(r"\bcroom_(?:get_acquire|set_release|get_seq|set_seq|trade_acquire|trade_release)\(([a-z_]+(?:\.[a-z_]+)+)")


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def weak(source, how):
    return [name for names in re.findall(rf"Weak, found by {how}: ([a-z_. ]+)", source.read_text(encoding="utf-8"))
            for name in names.split()]


def verdict(name, good, why):
    return f"ok {name}" if good else f"not ok {name}: {' '.join(str(why).split())[:1500]}"


def under_tsan(source, out):
    name = source.stem
    program = f"{out}/{name}"
    # TSan does not look into a memcpy that gcc has turned into moves.
    built = run("gcc", *OPTIONS, *WARNINGS, "-O1", "-g", "-fsanitize=thread", "-fno-builtin-memcpy", "-o", program,
                str(source))
    if built.returncode:
        return [verdict(f"{name} builds", False, built.stderr)]
    stop = {"TSAN_OPTIONS": "halt_on_error=1:exitcode=66"}
    clean = run(program, **stop)
    lines = [verdict(f"{name} under TSan", clean.returncode == 0 and not clean.stderr, clean.stderr)]
    for access in weak(source, "TSan"):
        found = run(program, access, **stop)
        good = found.returncode == 66 and "data race" in found.stderr
        lines.append(verdict(f"{name}: TSan finds a relaxed {access}", good,
                             f"exit code {found.returncode} {found.stderr}"))
    return lines


def for_genmc(source, out):
    name = source.stem
    known = pathlib.Path(f"{out}/{name}-known.c")
    known.write_text(KNOWN, encoding="utf-8")
    # Sections that nothing reaches are dropped, so what is left without a definition is called.
    linked = run("clang", *OPTIONS, *WARNINGS, "-Wno-incompatible-library-redeclaration", "-DGENMC", "-O0",
                 "-ffunction-sections", "-fno-stack-protector", "-nostdlib", "-static", "-Wl,--gc-sections,-e,main",
                 "-o", f"{out}/{name}-genmc", str(source), str(known))
    code = run("clang", *OPTIONS, "-DGENMC", "-S", "-emit-llvm", "-o", "-", str(source))
    good = linked.returncode == 0 and code.returncode == 0 and " asm " not in code.stdout
    return [verdict(f"{name}: GenMC knows what it calls", good, linked.stderr + code.stderr)]


def with_genmc(source):
    lines = []
    for access in [""] + weak(source, "TSan") + weak(source, "GenMC only"):
        done = run("genmc", "--", *OPTIONS, "-DGENMC", f'-DWEAK="{access}"', str(source))
        name = f"{source.stem}: GenMC {'finds a relaxed ' + access if access else 'finds nothing'}"
        lines.append(verdict(name, (done.returncode != 0) == bool(access),
                             f"exit code {done.returncode} {done.stdout[-600:]} {done.stderr[-600:]}"))
    return lines


def covers_the_library(sources):
    names = set()
    for path in [*root.glob("include/croom/*.h"), *root.glob("lib/*.[ch]"), root / "tap/door.h"]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.lstrip().startswith(("* ", "/*")):
                names.update(name for name in NAMED.findall(line) if not name.startswith(NOT_HERE))
    told = {name for source in sources for how in ("TSan", "GenMC only") for name in weak(source, how)}
    return [verdict("every named access of the library is in a harness", names == told, sorted(names ^ told))]


def main():
    sources = sorted(folder.glob("*.c"))
    lines = covers_the_library(sources)
    by_tsan = len({name for source in sources for name in weak(source, "TSan")})
    every = len({name for source in sources for how in ("TSan", "GenMC only") for name in weak(source, how)})
    lines += [told("doc/VALIDATION.md", r"TSan finds (\d+) of (\d+) weakened accesses", by_tsan, every),
              told("proof/README.md", r"can \((\d+) of (\d+), in the head of each file\)", by_tsan, every)]
    with tempfile.TemporaryDirectory(prefix="croom-genmc-") as out, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(what, source, out) for source in sources for what in (under_tsan, for_genmc)]
        if shutil.which("genmc"):
            jobs += [pool.submit(with_genmc, source) for source in sources]
        for job in jobs:
            lines += job.result()
    print("\n".join(lines))
    if not shutil.which("genmc"):
        print(f"skip the {len(sources)} harnesses with GenMC: it is not installed")
    sys.exit(1 if not sources or any(line.startswith("not ok") for line in lines) else 0)


main()
