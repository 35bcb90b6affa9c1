#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The models of proof/spin: spin.py FOLDER [long]

Each model holds with the bounds in it, in as many states as its head says, and each of the variants (-DBROKEN_...) that
its head names is refuted. With `long` the models are searched with larger bounds, without the variants."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from shared import told

LARGER = {"transaction": ["-DOPS=4"], "confirm": ["-DOPS=4"], "guard": ["-DCALLS=5"], "lanes": ["-DOPS=4"]}
MEMORY_MB = 6000


def search(model, defines):
    """What the search found, None for nothing, and the number of states."""
    with tempfile.TemporaryDirectory(prefix="croom-spin-") as folder:
        def run(*command):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
            return done.stdout

        for file in model.parent.glob("*.pml"):
            shutil.copy(file, folder)
        said = run("spin", *defines, "-a", model.name)
        if "Error" in said:
            raise RuntimeError(said)
        # Half of the time is the compiler's: no optimising, and clang is twice as fast at that.
        run("clang" if shutil.which("clang") else "gcc", "-w", f"-O{1 if defines in LARGER.values() else 0}",
            f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c")
        out = run("./pan", "-a", "-w20", "-m100000")
    # Without fairness: no run of these models goes on for ever, so all that is claimed comes in the end of each.
    errors, states = re.search(r"errors: (\d+)", out), re.search(r"(\d+) states, stored", out)
    if not errors or not states or "max search depth" in out or (errors.group(1) == "0" and "not completed" in out):
        raise RuntimeError(out)
    found = re.search(r"^pan:\d+: (.*?) \(at depth", out, re.M)
    if (errors.group(1) != "0") != bool(found):
        raise RuntimeError(out)
    return found.group(1) if found else None, int(states.group(1))


def holds(model, head, defines):
    found, states = search(model, defines)
    if found:
        return f"not ok {model.stem}: {found}"
    said = re.search(r"([\d,]+) states", head)
    if not defines and (not said or int(said.group(1).replace(",", "")) != states):
        return f"not ok {model.stem}: {states:,} states, and its head says {said.group(1) if said else 'nothing'}"
    return f"ok {model.stem}{''.join(' ' + d[2:] for d in defines)} ({states} states)"


def refutes(model, variant):
    found, states = search(model, ["-D" + variant])
    if not found:
        return f"not ok {model.stem} {variant}: not refuted, in {states} states"
    return f"ok {model.stem} without: {variant} ({found})"


def jobs(folder, long):
    shared = (folder / "room.pml").read_text()
    for model in sorted(folder.glob("*.pml")):
        if model.name == "room.pml":
            continue
        text = model.read_text()
        head, body = text.split("*/\n", 2)[1], text + shared
        if long:
            if model.stem in LARGER:
                yield f"{model.stem} larger", holds, (model, head, LARGER[model.stem])
            continue
        yield model.stem, holds, (model, head, [])
        variants = variants_of(head)
        if len(variants) < 2:
            yield model.stem, lambda name, n: f"not ok {name}: {n} variants", (model.stem, len(variants))
        for variant in variants:
            if not re.search(rf"^#\s*(if|elif).*\b{variant}\b", body, re.M):
                yield variant, lambda name, v: f"not ok {name}: no {v} in it", (model.stem, variant)
            yield f"{model.stem} {variant}", refutes, (model, variant)


def variants_of(head):
    return sorted(set(re.findall(r"\bBROKEN_[A-Z_]*[A-Z]\b", head)))


def documents(folder):
    """The figures that they tell. The states of each model are checked against its head by the search."""
    heads = {model.stem: model.read_text().split("*/\n", 2)[1] for model in sorted(folder.glob("*.pml")) if model.name != "room.pml"}
    states = sorted(int(re.search(r"([\d,]+) states", head).group(1).replace(",", "")) for head in heads.values())
    yield told("doc/VALIDATION.md", r"searched completely: ([\d,]+) to ([\d,]+) states", f"{states[0]:,}", f"{states[-1]:,}")
    yield told("doc/VALIDATION.md", r"states each, and (\d+) variants", sum(len(variants_of(head)) for head in heads.values()))
    for name, head in heads.items():
        yield told("proof/README.md", rf"\| `{name}` \| [^|]* \| (\d+) \|", len(variants_of(head)))


def main():
    if not shutil.which("spin"):
        print("skip the models: spin is not installed")
        sys.exit(77)
    good = True
    with concurrent.futures.ThreadPoolExecutor(1 if sys.argv[2:] else os.cpu_count()) as pool:
        began = [(name, pool.submit(what, *args))
                 for name, what, args in jobs(pathlib.Path(sys.argv[1]), "long" in sys.argv[2:])]
        for name, job in began:
            try:
                line = job.result()
            except RuntimeError as error:
                why = "\n".join("# " + s for s in str(error).splitlines())
                line = f"not ok {name}: it did not come to an end\n{why}"
            good &= line.startswith("ok ")
            print(line, flush=True)
    if not sys.argv[2:]:
        for line in documents(pathlib.Path(sys.argv[1])):
            good &= line.startswith("ok ")
            print(line)
    sys.exit(0 if good and began else 1)


main()
