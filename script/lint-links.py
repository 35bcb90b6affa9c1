#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the documents lead to is there: every relative link of every *.md, its #heading too, and every path in backquotes that begins
with a folder of the repository. Prints what is wrong; exits 1 then."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([\w.-]+/[\w./-]*)`")
FENCE = re.compile(r"^(```.*?^```|    .*?$)", re.M | re.S)

tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
there = {path for name in tracked if name for path in (name, *(str(p) for p in pathlib.PurePath(name).parents))}
folders = {name.split("/")[0] for name in tracked if "/" in name}
wrong = []


def anchors(text):
    """As they are made from headings: small letters, words joined by dashes."""
    heads = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def inside(path):
    """The path as git has it, or None when it leaves the repository."""
    parts = []
    for part in pathlib.PurePath(path).parts:
        if part == ".." and not parts:
            return None
        parts = parts[:-1] if part == ".." else parts + [part]
    return "/".join(parts) or "."


for name in (name for name in tracked if name.endswith(".md")):
    text = FENCE.sub("", pathlib.Path(name).read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = link.partition("#")
        target = inside(pathlib.PurePath(name).parent / path) if path else name
        if target not in there:
            wrong.append(f"{name}: links to {link}, which is not there")
        elif heading and heading not in anchors(pathlib.Path(target).read_text(encoding="utf-8")):
            wrong.append(f"{name}: links to {link}, which has no such heading")
    for path in CODE.findall(text):
        if "NAME" not in path and path.split("/")[0] in folders and inside(path) not in there and not list(pathlib.Path(".").glob(path + "*")):
            wrong.append(f"{name}: names {path}, which is not there")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
