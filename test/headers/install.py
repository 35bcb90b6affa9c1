#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts down is enough for somebody else's build: install.py SOURCE BUILD

Installs into a fresh prefix, builds the README's example there with pkg-config alone, against the shared and the
static library, runs it, and looks at what the shared libraries export."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

source, build = sys.argv[1:3]
failed = 0


def check(name, good, detail=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good and detail:
        print("\n".join("# " + line for line in detail.splitlines()[:20]))


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def example(readme):
    """The README's embedding example: the first C block."""
    return re.search(r"```c\n(.*?)```", readme, re.S).group(1)


with tempfile.TemporaryDirectory() as folder:
    # DESTDIR, so that the tree's own prefix stays as it is; pkg-config is told by its sysroot.
    result = run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", folder])
    check("installs", result.returncode == 0, result.stdout + result.stderr)
    found = list(pathlib.Path(folder).rglob("croom.pc"))
    check("installs a pkg-config file", len(found) == 1, str(found))
    env = dict(os.environ, PKG_CONFIG_PATH=str(found[0].parent), PKG_CONFIG_SYSROOT_DIR=folder)
    readme = pathlib.Path(source, "README.md").read_text()
    code = example(readme)
    lines = [line for line in code.splitlines() if line.strip()]
    check(f"the README's example has about 30 lines (it has {len(lines)})", len(lines) <= 40)
    pathlib.Path(folder, "example.c").write_text(code)
    for kind, flags in ("shared", []), ("static", ["--static"]):
        link = run(["pkg-config", "--cflags", "--libs", *flags, "croom"], env=env).stdout.split()
        if kind == "static":
            link = [f for f in link if f != "-lcroom"] + ["-l:libcroom.a", "-lpthread"]
        program = os.path.join(folder, kind)
        result = run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
                      os.path.join(folder, "example.c"), "-o", program, *link])
        check(f"the README's example builds against the {kind} library", result.returncode == 0, result.stderr)
        libs = [f[2:] for f in link if f.startswith("-L")]
        result = run([program], env=dict(os.environ, LD_LIBRARY_PATH=":".join(libs)), timeout=60)
        shown = re.search(r"```text\n(.*?)```", readme, re.S).group(1)
        check(f"and prints what the README says ({kind})", result.returncode == 0 and result.stdout == shown,
              f"it printed:\n{result.stdout}{result.stderr}")
    link = run(["pkg-config", "--cflags", "--libs", "croom-control"], env=env).stdout.split()
    for name in "lines", "controlroom":
        result = run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
                      f"{source}/example/{name}.c", "-o", os.path.join(folder, name), *link, "-pthread"])
        check(f"example/{name}.c compiles by what is installed, and nothing that only this tree defines", result.returncode == 0,
              result.stderr)
    link = run(["pkg-config", "--cflags", "croom"], env=env).stdout.split()
    for compiler, example_of in (["gcc", "-std=c11"], "mine.c"), (["g++", "-std=c++17"], "longer.cpp"):
        result = run([*compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", *link,
                      f"{source}/example/plugin/{example_of}", "-o", os.path.join(folder, "plugin.so")])
        check(f"the plugin {example_of} compiles by what is installed", result.returncode == 0, result.stderr)
    pathlib.Path(folder, "control.c").write_text("#include <croom/control.h>\nint main(void) { croom_control_close(0); return 0; }\n")
    link = run(["pkg-config", "--cflags", "--libs", "--static", "croom-control"], env=env).stdout.split()
    # The sysroot is put before every path, also before those of jansson, which is this machine's.
    result = run(["gcc", "-static", os.path.join(folder, "control.c"), "-o", os.path.join(folder, "control"), *link])
    check("croom-control links statically by its pkg-config file alone", result.returncode == 0, result.stderr)
    for library in pathlib.Path(folder).rglob("*.so"):
        names = [line.split()[-1] for line in run(["nm", "-D", "--defined-only", str(library)]).stdout.splitlines()]
        check(f"{library.name} exports croom_* and nothing else", names and all(n.startswith("croom_") for n in names),
              " ".join(n for n in names if not n.startswith("croom_")))
sys.exit(1 if failed else 0)
