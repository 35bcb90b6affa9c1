# SPDX-License-Identifier: BSD-2-Clause
"""What a run leaves behind: one JSON file with every raw figure. Here it is put together line by line as the engine says
it, written so that no half of it is ever seen under its name, and read with every part of it checked."""
import json
import math
import os
import re
import stat
import tempfile

import figures

FORMAT = 1
SUITES = ("call", "swap", "tails", "ring", "strings", "scale", "tap")
# What does not do the job but bounds what it can cost: never something to lose against.
CONTROLS = ("empty loop", "direct call", "plain pointer", "cache-line round trip")


class Bad(Exception):
    """What a person gave us cannot be used; the text says why, in a sentence. Ends the program with 2."""


class Odd(Exception):
    """A line or a part of a file that is not what lab/README.md describes."""


def parse(text):
    """JSON that has only finite numbers; Odd for anything else."""
    def refuse(word):
        raise Odd(f"{word} is no figure")
    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Odd(f"not JSON ({str(error)[:80]})") from error


def number(value, what, least=-math.inf):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e300 < value < 1e300 or value < least:
        raise Odd(f"{what} is not a number that can be")
    return value


def word(value, what, empty=False):
    if not isinstance(value, str) or len(value) > 300 or not (value or empty):
        raise Odd(f"{what} is not a text")
    # A lone surrogate cannot be written to a file, and a control character would move the terminal's cursor.
    return "".join(one if one.isprintable() else "?" for one in value.encode("utf-8", "replace").decode())


def table(value, what):
    if not isinstance(value, dict):
        raise Odd(f"{what} is not an object")
    return value


def series(value, what):
    if not isinstance(value, list):
        raise Odd(f"{what} is not a list")
    return value


def params(value):
    """Numbers and strings by name; also, for each subject of a distribution, a number."""
    def one(inner, name):
        if isinstance(inner, str):
            return word(inner, name, empty=True)
        if isinstance(inner, dict):
            return {word(key, name): one(more, name) for key, more in inner.items() if not isinstance(more, dict)}
        return None if inner is None else number(inner, name)
    return {word(key, "a param"): one(inner, f"param {key!r}") for key, inner in table(value or {}, "params").items()}


def subject(value, name):
    table(value, f"subject {name!r}")
    if not isinstance(value.get("ours"), bool):
        raise Odd(f"subject {name!r} does not say whether it is ours")
    return value["ours"]


def head(line):
    reference = line.get("reference")
    return {"suite": word(line.get("suite"), "suite"), "case": word(line.get("case"), "case"),
            "unit": word(line.get("unit"), "unit"), "reference": word(reference, "reference") if reference else None}


def case(line):
    """A case, checked, its samples to five digits; Odd."""
    result = head(line)
    result["better"] = line.get("better", "lower")
    if result["better"] not in ("lower", "higher"):
        raise Odd("better is neither lower nor higher")
    result["subjects"] = {}
    for name, value in table(line.get("subjects"), "subjects").items():
        ours = subject(value, name)
        samples = [None if one is None else figures.rounded(number(one, f"a sample of {name!r}"))
                   for one in series(value.get("samples"), f"samples of {name!r}")]
        result["subjects"][word(name, "a subject's name")] = {"ours": ours, "samples": samples}
    result["params"] = params(line.get("params"))
    result["dropped"] = {word(why, "dropped"): number(count, "dropped", 0) for why, count in
                         table(line.get("dropped") or {}, "dropped").items()}
    result["round_trip_ns"] = [None if one is None else figures.rounded(number(one, "round_trip_ns"))
                               for one in series(line.get("round_trip_ns") or [], "round_trip_ns")]
    result["counters"] = {
        word(name, "counters"): {word(key, "a counter"): None if one is None else figures.rounded(number(one, "a counter"))
                                 for key, one in table(of, "counters").items()}
        for name, of in table(line.get("counters") or {}, "counters").items()}
    return result


def distribution(line):
    """A distribution, checked; Odd."""
    result = head(line)
    result["subjects"] = {}
    for name, value in table(line.get("subjects"), "subjects").items():
        ours, counts, last = subject(value, name), [], -math.inf
        for pair in series(value.get("counts"), f"counts of {name!r}"):
            if not isinstance(pair, list) or len(pair) != 2:
                raise Odd(f"counts of {name!r} are not pairs")
            edge = figures.rounded(number(pair[0], f"an edge of {name!r}"))
            if edge < last:
                raise Odd(f"edges of {name!r} do not ascend")
            last = edge
            counts.append([edge, number(pair[1], f"a count of {name!r}", 0)])
        largest = value.get("max")
        result["subjects"][word(name, "a subject's name")] = {
            "ours": ours, "counts": counts, "max": None if largest is None else figures.rounded(number(largest, "max"))}
    result["params"] = params(line.get("params"))
    return result


def note(line):
    """A skip or a failure."""
    return {name: word(line.get(name, ""), name, empty=name != "suite") for name in ("suite", "what", "why")}


def empty():
    return {"croomlab": FORMAT, "when": "", "quick": False, "complete": False, "version": "unknown", "machine": {}, "cases": [],
            "distributions": [], "skipped": [], "failed": [], "targets": []}


def take(run, line):
    """Put one line of the engine, parsed, where it belongs. Returns a progress line as it is, else None; Odd."""
    table(line, "the line")
    kind = line.get("kind")
    if kind == "progress":
        number(line.get("done"), "done", 0)
        number(line.get("of"), "of", 0)
        return {"suite": word(line.get("suite"), "suite"), "done": line["done"], "of": line["of"],
                "what": word(line.get("what") or "", "what", empty=True)}
    if kind == "case":
        run["cases"].append(case(line))
    elif kind == "distribution":
        run["distributions"].append(distribution(line))
    elif kind in ("skip", "failed"):
        run["skipped" if kind == "skip" else "failed"].append(note(line))
    elif kind != "machine":
        raise Odd(f"there is no kind {str(kind)[:40]!r}")
    return None


def load(path):
    """A run that was written; Bad, in one sentence, for everything that is not one."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Bad(f"cannot read {path}: {error.strerror}") from error
    try:
        run = parse(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Bad(f"{path} is not JSON: it is not UTF-8") from error
    except Odd as error:
        raise Bad(f"{path} is {'empty' if not data.strip() else error}") from error
    if not isinstance(run, dict) or "croomlab" not in run:
        raise Bad(f"{path} is JSON, but not a run of croomlab")
    if run["croomlab"] != FORMAT or isinstance(run["croomlab"], bool):
        raise Bad(f"{path} is of croomlab's format {str(run['croomlab'])[:20]}; this croomlab reads {FORMAT}")
    try:
        return checked(run)
    except Odd as error:
        raise Bad(f"{path} is damaged: {error}") from error


def checked(run):
    result = empty()
    for name in ("when", "version"):
        result[name] = word(run.get(name, "unknown"), name, empty=True)
    for name in ("quick", "complete"):
        if not isinstance(run.get(name), bool):
            raise Odd(f"{name} is neither true nor false")
        result[name] = run[name]
    result["machine"] = plain(table(run.get("machine"), "machine"), 8)
    for name, check in (("cases", case), ("distributions", distribution), ("skipped", note), ("failed", note)):
        for index, one in enumerate(series(run.get(name), name)):
            try:
                result[name].append(check(table(one, name)))
            except Odd as error:
                raise Odd(f"{name}[{index}]: {error}") from error
    return result


def plain(value, depth):
    """Machine descriptions come in any shape: texts that can be shown, numbers, and no deep nesting."""
    if isinstance(value, dict):
        if not depth:
            raise Odd("machine is nested too deeply")
        return {word(key, "machine", empty=True): plain(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        if not depth:
            raise Odd("machine is nested too deeply")
        return [plain(one, depth - 1) for one in value]
    if value is None or isinstance(value, bool):
        return value
    return word(value[:300], "machine", empty=True) if isinstance(value, str) else number(value, "machine")


def dump(run):
    """A line per case, so that a file can be read and compared by eye."""
    parts = []
    for key, value in run.items():
        if isinstance(value, list) and value:
            rows = ",\n  ".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in value)
            parts.append(f'"{key}": [\n  {rows}\n ]')
        else:
            parts.append(f'"{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{" + ",\n ".join(parts) + "}\n"


def regular(path):
    """Whether it is, or will be, an ordinary file: a pipe or a device is written to as it is."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def can_write(path):
    """Find out before a run of many minutes, not after; Bad."""
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a folder")
        if not regular(path):
            with open(path, "wb"):
                return
        handle, name = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".croomlab-")
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise Bad(f"cannot write {path}: {error.strerror}") from error


def write(path, text):
    """All of it under a name of its own, then renamed: under `path` is the old file or the new one. OSError."""
    data = text.encode("utf-8", "replace")
    if not regular(path):
        with open(path, "wb") as file:
            file.write(data)
        return
    path = os.path.realpath(path)
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".croomlab-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        try:
            os.unlink(name)
        except OSError:
            pass
        raise


# Questions that tables, reports and comparisons all ask.

def by_name(run, kind="cases"):
    """(suite, case) -> it, in the order of the run. A case that was measured twice counts as it was measured last."""
    return {(one["suite"], one["case"]): one for one in run[kind]}


def samples(one, name):
    """The samples of a subject; None when the case has no such subject."""
    return one["subjects"][name]["samples"] if name in one["subjects"] else None


def variant(name):
    """The compiler's way that a subject was built in: "retpoline", "CET" or ""."""
    match = re.search(r" \((retpoline|CET)\)$", name)
    return match[1] if match else ""


def peers(one):
    """The subjects that are not ours and do the job."""
    return [name for name, value in one["subjects"].items() if not value["ours"] and name.split(" (")[0] not in CONTROLS]


def best_peer(one, among=None):
    """By its median; among: only of these. None when no peer was measured."""
    names = [name for name in peers(one) if among is None or name in among]
    return figures.best({name: samples(one, name) for name in names}, names, one["better"])


def named_reference(one):
    """What the engine named, or "" where the best peer of each case is asked for: of rings, none is the natural one."""
    return "" if one["suite"] == "ring" else one["reference"] or ""


def reference(one):
    """What the case's subjects are held against; None when it is missing: another one would be another question."""
    named = named_reference(one)
    if named:
        return named if figures.present(samples(one, named)) else None
    return best_peer(one)


def rounds(one):
    """How many rounds count, and how many there were."""
    lists = [value["samples"] for value in one["subjects"].values()]
    return (max((len(figures.present(values)) for values in lists), default=0), max(map(len, lists), default=0))


def losses(run):
    """Every subject of ours, case by case, that a peer beats at the median: dicts, the largest loss first. "beyond" says
    whether even the quartiles of the ratio agree."""
    found = []
    for one in by_name(run).values():
        for name, value in one["subjects"].items():
            if not value["ours"]:
                continue
            faster = []
            for peer in peers(one):
                own, base = value["samples"], samples(one, peer)
                # What is 0 or below is a difference from the control, and has no ratio.
                if variant(peer) != variant(name) or min(figures.present(own) + figures.present(base), default=0) <= 0:
                    continue
                spread = figures.ratio(own, base)
                if not spread:
                    continue
                low, middle, high = spread if one["better"] == "lower" else [1 / part for part in reversed(spread)]
                if middle > 1:
                    faster.append({"peer": peer, "ratio": middle, "low": low, "high": high, "beyond": low > 1})
            if faster:
                faster.sort(key=lambda each: -each["ratio"])
                found.append({"suite": one["suite"], "case": one["case"], "subject": name, "unit": one["unit"],
                              "median": figures.median(value["samples"]), "faster": faster, "ratio": faster[0]["ratio"],
                              "beyond": faster[0]["beyond"]})
    return sorted(found, key=lambda each: (-each["ratio"], each["suite"], each["case"], each["subject"]))


def losses_by_subject(run):
    """What is beyond the noise in losses(), one dict for each subject of ours in a suite, the largest loss first: "cases", and
    "peers": name -> {case: ratio}, again the largest loss first. And the rest, as losses() has it."""
    groups, near = {}, []
    for one in losses(run):
        if not one["beyond"]:
            near.append(one)
            continue
        group = groups.setdefault((one["suite"], one["subject"]), {"suite": one["suite"], "subject": one["subject"], "cases": [], "peers": {}})
        group["cases"].append(one["case"])
        for each in one["faster"]:
            if each["beyond"]:
                group["peers"].setdefault(each["peer"], {})[one["case"]] = each["ratio"]
    for group in groups.values():
        group["peers"] = dict(sorted(group["peers"].items(), key=lambda item: -max(item[1].values())))
    return list(groups.values()), near


def cases_text(cases, run, suite):
    """Cases by name; three and more that differ in numbers only as one, with how many they are."""
    def stem(name):
        return re.sub(r"\d+(?:[.,]\d+)*", "N", name)
    groups = {}
    for name in cases:
        groups.setdefault(stem(name), []).append(name)
    every = [stem(one["case"]) for one in by_name(run).values() if one["suite"] == suite]
    return "; ".join("; ".join(some) if len(some) < 3 else f"{name} ({len(some)} of {every.count(name)} cases)" for name, some in groups.items())
