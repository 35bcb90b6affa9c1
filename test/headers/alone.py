#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every public header compiles by itself as C11 and as C++17, 20 and 23, without a warning: alone.py INCLUDE"""
import pathlib
import shutil
import subprocess
import sys

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only"]
COMPILERS = [("gcc", "c", "c11"), ("clang", "c", "c11")] + \
    [(c, "c++", s) for c in ("g++", "clang++") for s in ("c++17", "c++20", "c++2b")]
failed = 0
for compiler, language, standard in COMPILERS:
    if not shutil.which(compiler):
        print(f"skip {compiler} -std={standard}: it is not installed")
        continue
    for header in sorted(header for folder in ("croom", "croomtap") for header in pathlib.Path(sys.argv[1], folder).glob("*.h")):
        name = f"{header.parent.name}/{header.name}"
        # Included twice, and with something behind it, so that guards and stray semicolons show.
        source = f"#include <{name}>\n#include <{name}>\nextern int something;\n"
        result = subprocess.run([compiler, "-x", language, f"-std={standard}", f"-I{sys.argv[1]}", *FLAGS, "-"],
                                input=source, capture_output=True, text=True)
        good = result.returncode == 0
        failed += not good
        print(f"{'ok' if good else 'not ok'} {compiler} -std={standard} {name}")
        if not good:
            print("\n".join("# " + line for line in result.stderr.splitlines()[:8]))
    text = [h for h in pathlib.Path(sys.argv[1], "croom").glob("*.h") if "_Atomic" in h.read_text()]
    if text:
        print(f"not ok _Atomic in {text}: g++ cannot read it")
        failed += 1
sys.exit(1 if failed else 0)
