#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where pointers have 32 bits, the headers are refused with one sentence and nothing else: wide.py INCLUDE"""
import shutil
import subprocess
import sys

# Freestanding: the C library's headers for these are not needed, and are hardly ever there.
COMPILERS = [["gcc", "-m32"], ["gcc", "-mx32"], ["clang", "--target=i686-linux-gnu"], ["clang", "--target=arm-linux-gnueabihf"],
             ["clang", "--target=riscv32-linux-gnu"], ["clang", "--target=mips-linux-gnu"]]
SENTENCE = "libcroom needs a CPU and an ABI with pointers of 64 bits"
failed = 0
for command in COMPILERS:
    if not shutil.which(command[0]):
        print(f"skip {' '.join(command)}: {command[0]} is not installed")
        continue
    for header in "wire.h", "lane.h":
        result = subprocess.run([*command, "-std=c11", "-ffreestanding", "-fsyntax-only", f"-I{sys.argv[1]}", "-x", "c", "-"],
                                input=f"#include <croom/{header}>\n", capture_output=True, text=True)
        errors = [line for line in result.stderr.splitlines() if "error:" in line]
        good = result.returncode and len(errors) == 1 and SENTENCE in errors[0]
        failed += not good
        print(f"{'ok' if good else 'not ok'} {' '.join(command)} refuses croom/{header}")
        if not good:
            print("\n".join("# " + line for line in result.stderr.splitlines()[:12]))
sys.exit(1 if failed else 0)
