# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of proof/ share: where the product's sources are, and the figures that documents tell and a test knows."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What is not the product: everything else may have an order.
SIDE = ("build", "test", "proof", "lab", "doc", "script")


def sources():
    """Every source and header of the product."""
    for folder in sorted(p for p in ROOT.iterdir() if p.is_dir() and p.name not in SIDE and not p.name.startswith(".")):
        yield from sorted(folder.rglob("*.[ch]"))


def told(document, pattern, *figures):
    """A line, ok or not ok: `pattern` stands in the document, and its groups are these figures."""
    text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
    wanted = tuple(str(figure) for figure in figures)
    said = [one if isinstance(one, tuple) else (one,) for one in re.findall(pattern, text)]
    if said and all(one == wanted for one in said):
        return f"ok {document} tells of {', '.join(wanted)}: {pattern}"
    return f"not ok {document}: {pattern} should tell of {', '.join(wanted)}, and tells of {said or 'nothing'}"
