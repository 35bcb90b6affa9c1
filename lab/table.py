# SPDX-License-Identifier: BSD-2-Clause
"""The terminal's table: per case what each subject took and how it stands to its reference, at the end the targets.
Made for 110 columns; longer names make longer lines rather than being cut."""
import os
import textwrap

import figures
import results
import targets

WIDTH = 110


class Paint:
    """Colours, or none: only where a person looks and has not said NO_COLOR."""

    def __init__(self, stream):
        on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.bold, self.good, self.bad, self.dim, self.end = ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if on else [""] * 5

    def __call__(self, colour, text):
        return f"{colour}{text}{self.end}" if colour else text


def dropped(one):
    """"57 of 60 rounds, dropped: 2 both threads on one core, 1 interrupted". Some engines measure a dropped round again."""
    count, of = results.rounds(one)
    lost = ", ".join(f"{times:g} {why}" for why, times in one["dropped"].items() if times)
    return (f"{count} rounds" if count == of else f"{count} of {of} rounds") + (f", dropped: {lost}" if lost else "")


def figures_of(one, name, reference):
    """(median, quartiles, ratio, its quartiles) of a subject, as texts."""
    own = figures.quartiles(results.samples(one, name))
    if not own:
        return "-", "", "-", ""
    part = None
    if reference and results.variant(reference) == results.variant(name):
        part = figures.ratio(results.samples(one, name), results.samples(one, reference))
    elif reference:
        # What was built with retpolines is held against the reference that was, too.
        twin = f"{reference} ({results.variant(name)})"
        part = figures.ratio(results.samples(one, name), results.samples(one, twin if twin in one["subjects"] else reference))
    return (figures.text(own[1]), figures.range_text(own[0], own[2]), figures.ratio_text(part[1] if part else None),
            f"{figures.ratio_text(part[0])}-{figures.ratio_text(part[2])}" if part else "")


def reference_text(one):
    name = results.reference(one)
    if name:
        return name
    return f"none: {results.named_reference(one)} is missing" if results.named_reference(one) else "none: no peer"


def case_lines(one, paint):
    reference = results.reference(one)
    title, more = f"{one['suite']}: {one['case']}", f"({one['unit']}, {one['better']} is better; {dropped(one)})"
    fits = len(title) + 2 + len(more) <= WIDTH
    lines = [paint(paint.bold, title) + (f"  {more}" if fits else "")] + ([] if fits else wrapped(f"  {more}"))
    name_width = max([30, *(len(name) for name in one["subjects"])])
    to = f"to {reference_text(one)}"
    lines.append(paint(paint.dim, f"  {'':<{name_width + 2}} {'median':>9}  {'quartiles':<17} {'ratio':>9}  {to}"))
    for name, value in one["subjects"].items():
        middle, spread, ratio, ratio_spread = figures_of(one, name, reference)
        mark = "*" if value["ours"] else "=" if name == reference else " "
        line = f"  {mark} {name:<{name_width}} {middle:>9}  {spread:<17} {ratio:>9}  {ratio_spread}".rstrip()
        lines.append(paint(paint.bold if value["ours"] else "", line))
    return lines


def distribution_lines(one, paint):
    lines = [paint(paint.bold, f"{one['suite']}: {one['case']}") + f"  (distribution, {one['unit']})"]
    name_width = max([30, *(len(name) for name in one["subjects"])])
    lines.append(paint(paint.dim, f"  {'':<{name_width + 2}}" + "".join(f"{text:>9}" for text in ("50 %", "90 %", "99 %", "99.9 %", "99.99 %",
                                                                                            "max"))))
    for name, value in one["subjects"].items():
        shown = [figures.counted_percentile(value["counts"], percent) for percent in (50, 90, 99, 99.9, 99.99)] + [value["max"]]
        lines.append(f"  {'*' if value['ours'] else '=' if name == one['reference'] else ' '} {name:<{name_width}}" +
                     "".join(f"{figures.text(figure):>9}" for figure in shown))
    return lines


def suite_lines(run, suite, paint):
    lines = []
    for one in results.by_name(run).values():
        if one["suite"] == suite:
            lines += [*case_lines(one, paint), ""]
    for one in results.by_name(run, "distributions").values():
        if one["suite"] == suite:
            lines += [*distribution_lines(one, paint), ""]
    for kind, what in (("skipped", "skipped"), ("failed", "FAILED")):
        for one in run[kind]:
            if one["suite"] == suite:
                lines += wrapped(f"{suite}: {what}: {one['what']}: {one['why']}")
    return lines


def wrapped(text, indent="    "):
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


def target_lines(verdicts, paint):
    lines = [paint(paint.bold, "targets") + "  (medians of ratios, round by round; quartiles)"]
    for one in verdicts:
        colour = {targets.MET: paint.good, targets.MISSED: paint.bad}.get(one["verdict"], paint.dim)
        shown = one["verdict"].upper() if one["verdict"] == targets.MISSED else one["verdict"]
        lines.append(f"  {one['text']:<58} {targets.bound_text(one):<10} {targets.value_text(one):<22} {paint(colour, shown)}")
        where = targets.where_text(one)
        if where and (one["verdict"] != targets.MET or one["measured"] > 1):
            lines += [paint(paint.dim, line) for line in wrapped("      " + where, "      ")]
    return [*lines, f"  {targets.summary(verdicts)}"]


def losing_lines(run, paint):
    groups, near = results.losses_by_subject(run)
    if not groups and not near:
        return []
    lines = [paint(paint.bold, "where we lose") + "  (a peer is ahead at the median, and by the quartiles; at the worst by so many times)"]
    for one in groups:
        ahead = [f"{peer} {figures.ratio_text(max(ratios.values()))}" for peer, ratios in one["peers"].items()]
        more = f" and {len(ahead) - 4} more" if len(ahead) > 4 else ""
        lines += wrapped(f"  {one['suite']}: {one['subject']}: {', '.join(ahead[:4])}{more}: {results.cases_text(one['cases'], run, one['suite'])}")
    if near:
        lines.append(f"  and {len(near)} cases in which a peer is ahead within the noise")
    return lines
