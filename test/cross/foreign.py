#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library and its unit tests on another CPU, emulated: foreign.py CPU SOURCE BUILD

Builds a tree of its own below BUILD with the cross file of that name, without what needs libpcap or jansson, and runs
its unit tests under qemu-user. It shows what depends on byte order, on the sign of char, on the size of a page. It
shows nothing of memory orders: qemu-user runs on the order of the machine that it is on. code.py is for these."""
import configparser
import fcntl
import json
import os
import shutil
import subprocess
import sys

cpu, source, build = sys.argv[1:]
cross_file = os.path.join(source, "test/cross", cpu + ".ini")
tree = os.path.join(build, "cross", cpu)
config = configparser.ConfigParser()
config.read(cross_file, encoding="utf-8")
binaries = {name: value.strip("'") for name, value in config["binaries"].items()}
wrapper = [word.strip(" '") for word in binaries.pop("exe_wrapper").strip("[]").split(",")]
# CC and so on are the other trees' compilers.
environment = {name: value for name, value in os.environ.items()
               if name not in ("CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS")}


def must(command, what):
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        print(f"not ok {cpu}: {what}")
        print("\n".join("# " + line for line in result.stdout.splitlines()[-40:]))
        sys.exit(1)


def report(test):
    """The lines of one test program, with its name and the CPU's before them; returns how many are not ok."""
    lines = (test.get("stdout") or "").splitlines()
    bad = 0
    for line in lines:
        for word in "ok ", "not ok ", "skip ":
            if line.startswith(word):
                print(f"{word}{cpu}: {test['name']}: {line[len(word):]}")
                bad += word == "not ok "
    if test["result"] not in ("OK", "SKIP") and not bad:
        print(f"not ok {cpu}: {test['name']}: {test['result']}")
        print("\n".join("# " + line for line in (lines + (test.get("stderr") or "").splitlines())[-20:]))
        bad += 1
    return bad


for tool in [*binaries.values(), wrapper[0]]:
    if not shutil.which(tool):
        print(f"skip {cpu}: {tool} is not installed")
        sys.exit(77)
os.makedirs(tree, exist_ok=True)
with open(tree + ".lock", "w", encoding="utf-8") as lock:
    # The short and the long run share a tree.
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.path.exists(os.path.join(tree, "build.ninja")):
        options = ["--cross-file", cross_file, "-Dprograms=false", "-Dwerror=true"]
        must(["meson", "setup", tree, source, *options], "is set up")
    must(["ninja", "-C", tree], "is built")
    log = os.path.join(tree, "meson-logs/testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(["meson", "test", "-C", tree, "--no-rebuild", "--suite", "unit", "-t", "5"], env=environment,
                   stdout=subprocess.DEVNULL)
    tests = [json.loads(line) for line in open(log, encoding="utf-8")]
failed = sum(report(test) for test in tests)
page = wrapper[wrapper.index("-p") + 1] if "-p" in wrapper else "4096"
if not any(f"pages of {page} bytes" in (test.get("stdout") or "") for test in tests):
    print(f"not ok {cpu}: its pages are of {page} bytes")
    failed += 1
sys.exit(1 if failed or not tests else 0)
