#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine code of the fast path on x86-64, instruction by instruction: wire-code.py INCLUDE

An observe with no change is two loads and a compare, a slot call one indirect
call through memory, a wire one plain load or store; no fence and no locked instruction in any of them."""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = """
#include <croom/lane.h>
#include <croom/wire.h>
typedef struct tick { int price; } tick;
CROOM_RECORD(tick, 1);
CROOM_SLOT(first, 0, tick);
CROOM_SLOT(printer, 2, tick);
const struct croom_panel *observe(struct croom_lane *lane, const struct croom_panel *panel);
const struct croom_panel *observe(struct croom_lane *lane, const struct croom_panel *panel)
{
	return croom_lane_observe(lane, panel);
}
int call(const struct croom_panel *panel, tick *t);
int call(const struct croom_panel *panel, tick *t)
{
	return croom_slot_call(printer, panel, t) + 1;
}
void *get(void **wire);
void *get(void **wire)
{
	return croom_wire_get(wire);
}
void set(void **wire, void *value);
void set(void **wire, void *value)
{
	croom_wire_set(wire, value);
}
"""
# What the fast path must be, up to its ret; registers are the compiler's choice (r), as is which move saves one.
WANT = {
    "observe": [r"mov r,\[r\]", r"mov r,\[r\]", r"cmp r,r", r"jne .*"],
    "call": [r"mov r,\[r\+0x38\]", r"call \[r\+0x30\]"],
    "get": [r"mov r,\[r\]"],
    "set": [r"mov \[r\],r"],
}
FORBIDDEN = re.compile(r"\b([lms]fence|lock|xchg|cmpxchg|xadd|syscall|cpuid|rdtsc)\b")
REGISTER = re.compile(r"\b(r[a-ds][ipx]|r[sd]i|r[0-9]+|e[a-ds][ipx]|e[sd]i)\b")


def functions(objdump):
    found, name = {}, None
    for line in objdump.splitlines():
        head = re.match(r"[0-9a-f]+ <(\w+)>:", line)
        if head:
            name = head.group(1)
            found[name] = []
        elif name and "\t" in line:
            code = line.split("\t")[-1].split("#")[0].strip()
            code = re.sub(r"(QWORD|DWORD) PTR |\s+<.*>", "", code)
            if not re.search(r"\bnop\b|xchg +ax,ax", code):
                found[name].append(re.sub(r"\s+", " ", code))
    return found


def fast_path(code):
    """What runs when nothing changed: no frame bookkeeping, up to the first ret."""
    path = []
    for line in code:
        if line.startswith("ret"):
            break
        if line.startswith(("endbr64", "push", "pop")) or re.match(r"(add|sub) rsp,", line) or \
           re.match(r"mov r\w+,r\w+$", line) or re.match(r"add eax,0x1|inc eax", line):
            continue
        path.append(REGISTER.sub("r", line))
    return path


if platform.machine() != "x86_64":
    print(f"skip the code of the fast path: known for x86-64, this is {platform.machine()}")
    sys.exit(77)
failed = 0
for compiler in "gcc", "clang":
    if not shutil.which(compiler):
        print(f"skip {compiler}: it is not installed")
        continue
    with tempfile.TemporaryDirectory() as folder:
        obj = os.path.join(folder, "fast.o")
        subprocess.run([compiler, "-std=c11", "-O2", "-fcf-protection=none", f"-I{sys.argv[1]}", "-c", "-x", "c", "-", "-o", obj],
                       input=SOURCE, text=True, check=True)
        dump = subprocess.run(["objdump", "-d", "-M", "intel", "--no-show-raw-insn", obj], capture_output=True, text=True,
                              check=True).stdout
    for name, code in functions(dump).items():
        want, got = WANT[name], fast_path(code)
        good = len(want) == len(got) and all(re.fullmatch(w, g) for w, g in zip(want, got)) and \
            not any(FORBIDDEN.search(c) for c in code)
        print(f"{'ok' if good else 'not ok'} {compiler}: {name} is {'; '.join(got)}")
        if not good:
            failed += 1
            print("\n".join("# " + c for c in code))
sys.exit(1 if failed else 0)
