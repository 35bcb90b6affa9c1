#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages and --help name the same options, and the same slots and classes: manual.py SOURCE PROGRAM..."""
import os
import re
import shutil
import subprocess
import sys

source, programs = sys.argv[1], sys.argv[2:]
failed = 0


def check(name, good, detail=""):
    global failed
    failed += not good
    print(f"ok {name}" if good else f"not ok {name}: {detail}")


def in_page(text):
    """Options of its .It and .Op lines: `Fl -name` is --name, `Fl n` is -n."""
    lines = "\n".join(line for line in text.splitlines() if line.startswith((".It", ".Op")))
    return {"-" + word for word in re.findall(r"Fl (-?[A-Za-z][\w-]*)", lines)} | \
        {"-" + word for rest in re.findall(r"^\.It Fl (\w(?: , \w(?!\w))+)", lines, re.M) for word in rest.split(" , ")}


def clean(page):
    if shutil.which("groff"):
        run = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", f"{source}/doc/{page}"], capture_output=True, text=True,
                             check=False)
        check(f"{page} is clean mdoc", run.returncode == 0 and not run.stderr, run.stderr[:500])
    else:
        print(f"skip {page} through groff: groff is not installed")


for program in programs:
    name = os.path.basename(program)
    with open(f"{source}/doc/{name}.1", encoding="utf-8") as file:
        page = file.read()
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    if name == "croomtap":
        said += subprocess.run([program, "demo", "--help"], capture_output=True, text=True, check=True).stdout
    options = {word for word in re.findall(r"(?<![\w'/])(--?[A-Za-z][\w-]*)", said)} - {"-nq"}
    check(f"{name}.1 has every option of --help", options <= in_page(page), sorted(options - in_page(page)))
    check(f"{name} --help has every option of its page", in_page(page) <= options, sorted(in_page(page) - options))
    clean(f"{name}.1")
clean("croom-policy.5")
sys.exit(1 if failed else 0)
