#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run one fuzzer over what is kept of it, and then on:
    run.py PROGRAM NAME runs N         so many inputs more, the same each time; nothing is kept
    run.py PROGRAM NAME seconds N      so long (FUZZ_SECONDS goes before N), each time others; what is new is kept in the build
                                       tree, and the next time begins with it
    run.py PROGRAM NAME keep BYTES     put into corpus/NAME.base64 what the seeds do not reach, smallest first, at most so much
Exit code 0, or 1 when an input was found that does harm: it is saved, and how to run it again is said."""
import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Longest input, and whether it talks on stderr. -timeout is long: an input must not fail because the machine is busy.
OPTIONS = {
    "decode": (700, False),
    "capture": (4096, True),
    "varlink": (8000, False),
    "config": (4096, True),
    "ctl": (6000, False),
    "policy": (2000, False),
    "journal": (12000, False),
    "plugin": (20000, False),
}
PATIENCE = 300
NO_LEAKS = "LeakSanitizer has encountered a fatal error"


def fill(name, folder):
    """The seeds and what is kept in the repository; how many."""
    subprocess.run([sys.executable, HERE / "seeds.py", name, folder], check=True)
    kept = HERE / "corpus" / f"{name}.base64"
    for number, line in enumerate(kept.read_text("ascii").split() if kept.exists() else []):
        (folder / f"kept-{number}").write_bytes(base64.b64decode(line, validate=True))
    for path in (HERE / "corpus" / name).glob("*"):
        shutil.copy(path, folder / path.name)
    return len(list(folder.iterdir()))


def command(program, name, *options):
    longest, talks = OPTIONS[name]
    words = HERE / f"{name}.dict"
    return [program, f"-max_len={longest}", f"-timeout={PATIENCE}", "-rss_limit_mb=4096", "-print_final_stats=1",
            *(["-close_fd_mask=2"] if talks else []), *([f"-dict={words}"] if words.exists() else []), *options]


def run(*args):
    """Exit code and what it said."""
    got = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return got.returncode, got.stderr.decode(errors="replace")


def fuzz(program, name, folders, *options):
    """The same, and whether leaks could be looked for: not where the kernel lets no process look into another."""
    words = command(program, name, *options) + folders
    code, said = run(*words)
    if code and NO_LEAKS in said:
        return *run(*words, "-detect_leaks=0"), False
    return code, said, True


def report(name, program, code, said, leaks):
    edges, last = re.findall(r"cov: (\d+)", said), re.search(r"number_of_executed_units: (\d+)", said)
    if not leaks:
        print(f"skip fuzz {name}: memory that is never freed: the kernel lets no process look into another")
    if code == 0 and edges and last:
        print(f"ok fuzz {name}: {last[1]} inputs, {edges[-1]} edges, {re.search('Seed: [0-9]+', said)[0].lower()}")
        return 0
    saved = re.search(r"Test unit written to (\S+)", said)
    print("\n".join(f"# {line}" for line in said.splitlines()[-60:] if not line.startswith("#")))
    print(f"not ok fuzz {name}: exit code {code}" + (f"; run it again with: {program} {saved[1]}" if saved else ""))
    return 1


def kept_between(program, name):
    """Beside the program, so that each tree has its own."""
    folders = [pathlib.Path(program).resolve().parent / kind for kind in (f"corpus-{name}", f"found-{name}")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    return folders


def keep(program, name, most):
    work, _ = kept_between(program, name)
    with tempfile.TemporaryDirectory() as top:
        begin, out = pathlib.Path(top, "begin"), pathlib.Path(top, "out")
        subprocess.run([sys.executable, HERE / "seeds.py", name, begin], check=True)
        out.mkdir()
        for path in begin.iterdir():
            shutil.copy(path, out)
        fill(name, begin)
        code, said = run(*command(program, name, "-merge=1", str(out), str(begin), str(work)))
        if code:
            print(said[-3000:])
            return 1
        new = sorted((path.read_bytes() for path in out.iterdir() if not path.name.startswith("seed-")), key=lambda d: (len(d), d))
    lines, used = [], 0
    for data in new:
        used += len(data)
        if used > most:
            break
        lines.append(base64.b64encode(data).decode())
    (HERE / "corpus" / f"{name}.base64").write_text("".join(line + "\n" for line in lines), "ascii")
    print(f"{name}: {len(lines)} of {len(new)} inputs kept")
    return 0


def main():
    program, name, mode, number = sys.argv[1:5]
    if mode == "keep":
        return keep(program, name, int(number))
    work, found = kept_between(program, name)
    with tempfile.TemporaryDirectory() as top:
        begin = pathlib.Path(top)
        count = fill(name, begin)
        options = [f"-artifact_prefix={found}/"]
        if mode == "seconds":
            options += [f"-max_total_time={os.environ.get('FUZZ_SECONDS', number)}"]
            return report(name, program, *fuzz(program, name, [str(work), top], *options))
        return report(name, program, *fuzz(program, name, [top], *options, f"-runs={count + int(number)}", "-seed=1"))


sys.exit(main())
