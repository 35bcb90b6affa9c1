#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A wrong type does not compile, in C and in C++, with gcc and clang; the right one does: wire-types.py INCLUDE"""
import shutil
import subprocess
import sys

PREAMBLE = """
#include <croom/room.h>
#include <croom/wire.h>
#include <stddef.h>
typedef int handler_fn(int);
typedef struct tick { int price; } tick;
typedef struct trade { int price; } trade;
struct ctx { int n; };
CROOM_RECORD(tick, 1);
CROOM_RECORD(trade, 1);
CROOM_SLOT(printer, 0, tick);
int on_tick(struct ctx *, tick *);
int on_trade(struct ctx *, trade *);
int right(int);
int wrong(const char *);
"""
# name: (code, does it compile)
CASES = {
    "a handler of the wire's type": ("void f(handler_fn **w) { croom_wire_set(w, right); (void)croom_wire_get(w)(1); }", True),
    "NULL": ("void f(handler_fn **w) { croom_wire_set(w, NULL); }", True),
    "a data pointer": ("void f(tick **w, tick *t) { croom_wire_set(w, t); croom_wire_get(w)->price = 1; }", True),
    "a handler of another type": ("void f(handler_fn **w) { croom_wire_set(w, wrong); }", False),
    "a data pointer of another type": ("void f(tick **w, trade *t) { croom_wire_set(w, t); }", False),
    "a number": ("void f(tick **w) { croom_wire_set(w, 7); }", False),
    "a function got as another type":
        ("int f(handler_fn **w) { int (*h)(const char *) = croom_wire_get(w); return h(\"\"); }", False),
    "a handler for its slot's record": ("CROOM_RUN(tick_handler, on_tick, struct ctx, tick);\n"
                                        "croom_run_fn *f(void) { return tick_handler_run; }", True),
    "a handler for another record": ("CROOM_RUN(tick_handler, on_trade, struct ctx, tick);\n"
                                     "croom_run_fn *f(void) { return tick_handler_run; }", False),
    "a slot called with its record":
        ("int f(const struct croom_panel *p, tick *t) { return croom_slot_call(printer, p, t); }", True),
    "a slot called with another record":
        ("int f(const struct croom_panel *p, trade *t) { return croom_slot_call(printer, p, t); }", False),
    "a slot called with a void pointer":
        ("int f(const struct croom_panel *p, void *t) { return croom_slot_call(printer, p, t); }", False),
}
COMPILERS = [("gcc", "c", "c11"), ("clang", "c", "c11"), ("g++", "c++", "c++17"), ("clang++", "c++", "c++17"),
             ("g++", "c++", "c++20"), ("clang++", "c++", "c++2b"), ("g++", "c++", "c++2b")]
# As a user's build has it: a wrong pointer type is only a warning in C there, and so must not be what saves us,
# except for an assignment of what was got, which is the compiler's own business.
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-fsyntax-only"]
failed = 0
for compiler, language, standard in COMPILERS:
    if not shutil.which(compiler):
        print(f"skip {compiler} -std={standard}: it is not installed")
        continue
    for name, (code, good) in CASES.items():
        source = PREAMBLE + code + "\n"
        strict = ["-Werror"] if good else []
        if name == "a function got as another type":
            strict = ["-Werror=incompatible-pointer-types"] if language == "c" else []
            if compiler == "clang":
                strict = ["-Werror=incompatible-function-pointer-types"]
        result = subprocess.run([compiler, "-x", language, f"-std={standard}", f"-I{sys.argv[1]}", *FLAGS, *strict, "-"],
                                input=source, capture_output=True, text=True)
        compiled = result.returncode == 0
        # The preamble has to be sound, or "does not compile" would say nothing.
        verdict = "ok" if compiled == good else "not ok"
        failed += verdict != "ok"
        print(f"{verdict} {compiler} -std={standard} {'takes' if good else 'refuses'} {name}")
        if verdict != "ok":
            print("\n".join("# " + line for line in result.stderr.splitlines()[:12]))
sys.exit(1 if failed else 0)
