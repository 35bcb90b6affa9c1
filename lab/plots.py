# SPDX-License-Identifier: BSD-2-Clause
"""The report's pictures: gnuplot draws them, here its SVG is made fit to stand in a page: no references out of it, ids
that do not collide, and colours by name, so that the page's style sheet chooses them for light, dark and paper."""
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml

import figures
import results

# Stand-ins that gnuplot draws with -> the style sheet's names.
INK, RULE, BAR, REFERENCE = "#010101", "#020202", "#030303", "#040404"
OURS = ("#050500", "#050501", "#050502", "#050503")
PEERS = ("#060600", "#060601", "#060602", "#060603", "#060604", "#060605", "#060606")
COLOURS = {INK: "ink", RULE: "rule", BAR: "bar", REFERENCE: "reference", **{one: f"ours{i}" for i, one in enumerate(OURS)},
           **{one: f"peer{i}" for i, one in enumerate(PEERS)}}
TAGS = {"svg", "g", "defs", "use", "path", "rect", "circle", "polygon", "polyline", "line", "text", "tspan"}
ATTRIBUTES = {"viewBox", "id", "href", "fill", "stroke", "color", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray",
              "fill-opacity", "stroke-opacity", "transform", "d", "points", "x", "y", "width", "height", "r", "cx", "cy", "text-anchor",
              "font-size", "shape-rendering"}
LOG_FROM = 25     # largest over smallest figure from which a bar could not be seen any more


def missing():
    """Why there are no pictures; "" when there can be."""
    return "" if shutil.which("gnuplot") else "gnuplot is not installed"


def quote(text):
    """A string for gnuplot. Nothing is special between single quotes but they themselves, and they cannot be had there at
    every place: a name's own become typographic ones."""
    return "'" + "".join(one if one.isprintable() else " " for one in str(text)).replace("'", "\u2019") + "'"


def tic(text):
    """The same for a tic's label, in which gnuplot looks for a number's format."""
    return quote(str(text).replace("%", "%%"))


def plain(value):
    """A number on an axis."""
    return f"{value:,.6g}" if 1e-4 <= abs(value) < 1e6 or not value else f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:.1e}"


def colour(value):
    match = re.fullmatch(r"rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)", value.strip())
    if match:
        value = "#" + "".join(f"{int(part):02x}" for part in match.groups())
        return f"var(--{COLOURS[value]})" if value in COLOURS else "currentColor"
    return {"none": "none", "white": "none", "gray": "var(--rule)"}.get(value.strip(), "currentColor")


def clean(node, prefix, bold):
    """Only what we know of SVG is kept."""
    node.tag = node.tag.split("}")[-1]
    kept = {}
    for name, value in node.attrib.items():
        name = name.split("}")[-1]
        if name not in ATTRIBUTES or (name == "href" and not value.startswith("#")):
            continue
        if name == "id":
            value = f"{prefix}-{value}"
        elif name == "href":
            value = f"#{prefix}-{value[1:]}"
        elif name in ("fill", "stroke", "color"):
            value = colour(value)
            if name == "color" and value in ("currentColor", "none"):
                continue
        kept[name] = value
    node.attrib.clear()
    node.attrib.update(kept)
    if node.tag == "text" and (node.text or "").strip() in bold:
        node.set("font-weight", "bold")
    for child in list(node):
        if child.tag.split("}")[-1] in TAGS:
            clean(child, prefix, bold)
        else:
            node.remove(child)
    for child in list(node):
        if child.tag == "g" and not len(child) and not (child.text or "").strip():
            node.remove(child)


def used_marks(root):
    """Drop the definitions that nothing refers to: every picture would carry them all."""
    for _ in range(3):   # a mark may refer to another
        wanted = {node.get("href") for node in root.iter("use")}
        for defs in root.iter("defs"):
            for child in list(defs):
                if f"#{child.get('id')}" not in wanted:
                    defs.remove(child)


def draw(script, width, height, prefix, label, bold=()):
    """Have gnuplot run it; (svg, ""), or (None, why not)."""
    if missing():
        return None, missing()
    head = f"set terminal svg size {width},{height} dynamic noenhanced font 'sans-serif,13'\nset encoding utf8\n" \
           f"set border 3 lc rgb '{RULE}'\nset tics nomirror textcolor rgb '{INK}'\nset grid lc rgb '{RULE}' lw 0.5 dt 3\n" \
           f"set key textcolor rgb '{INK}'\n"
    try:
        said = subprocess.run(["gnuplot", "-d"], input=head + script, capture_output=True, text=True, encoding="utf-8", timeout=30, check=False)
        root = xml.fromstring(said.stdout.replace("]]>", "]]&gt;"))   # which gnuplot leaves as it is
    except (OSError, subprocess.SubprocessError, ValueError, xml.ParseError) as error:
        return None, f"gnuplot could not draw it ({type(error).__name__})"
    if said.returncode:
        return None, f"gnuplot could not draw it: {said.stderr.strip().splitlines()[-1][:200] if said.stderr.strip() else 'it gave no reason'}"
    clean(root, prefix, set(bold))
    used_marks(root)
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("class", "plot")
    for node in root.iter():
        node.tail = None
        if node.tag != "text":
            node.text = None
    return xml.tostring(root, encoding="unicode"), ""


def data(name, rows):
    return f"${name} << EOD\n" + "".join(" ".join(f"{value:.8g}" for value in row) + "\n" for row in rows) + "EOD\n"


def log_tics(low, high):
    """1, 10, 100 ...; for fewer than two decades 1, 2, 5, 10, too."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1,) if last - first > 3 else (1, 2, 5)
    at = [step * 10.0 ** power for power in range(first, last + 1) for step in steps]
    return "(" + ",".join(f"{tic(plain(one))} {one:.8g}" for one in at) + ")"


def bars(one, prefix):
    """A bar per subject with the range of its quartiles; on a logarithmic axis, where a length says nothing, a mark."""
    rows, reference = [], results.reference(one)
    for name, value in one["subjects"].items():
        spread = figures.quartiles(value["samples"])
        if spread:
            rows.append((name, spread, OURS[0] if value["ours"] else REFERENCE if name == reference else BAR))
    rows.sort(key=lambda row: row[1][1], reverse=one["better"] == "higher")
    if not rows:
        return None, "no figures"
    low, high = min(row[1][0] for row in rows), max(row[1][2] for row in rows)
    log = low > 0 and high / low > LOG_FROM
    widest = max(len(row[0]) for row in rows)
    right = high * (high / low) ** 0.15 if log else (high or 1) * 1.12
    script = data("d", [(index, *row[1], int(row[2][1:], 16)) for index, row in enumerate(rows)])
    script += f"set lmargin at screen {min(0.45, (24 + widest * 7.2) / 900):.3f}\nset yrange [{len(rows) - 0.4}:-0.6]\nset grid noytics\n"
    script += "set ytics (" + ",".join(f"{tic(row[0])} {index}" for index, row in enumerate(rows)) + ") scale 0\n"
    script += f"set xlabel {quote(one['unit'] + ' (' + one['better'] + ' is better)')} textcolor rgb '{INK}'\n"
    for index, row in enumerate(rows):
        script += f"set label {quote(figures.text(row[1][1]))} at {row[1][2]:.8g},{index} left offset 0.8,0 textcolor rgb '{INK}'\n"
    if log:
        left = low / (high / low) ** 0.03
        script += f"set logscale x\nset xrange [{left:.8g}:{right:.8g}]\nset xtics {log_tics(left, right)}\n" \
                  "plot $d using 3:1:2:4:5 with xerrorbars pt 7 ps 1.1 lw 2 lc rgb variable notitle\n"
    else:
        script += f"set xrange [{min(0, low * 1.05):.8g}:{max(right, 0) or 1:.8g}]\nset style fill solid 0.85 noborder\n" \
                  "plot $d using (0):1:(0):3:($1-0.36):($1+0.36):5 with boxxyerror lc rgb variable notitle, " \
                  f"$d using 3:1:2:4 with xerrorbars pt 0 lw 1.6 lc rgb '{INK}' notitle\n"
    ours = {name for name, value in one["subjects"].items() if value["ours"]}
    return draw(script, 900, 80 + 23 * len(rows), prefix, f"{one['suite']}: {one['case']}: medians and quartiles", ours)


def looks(names):
    """name -> (colour, dash, mark, width): ours solid and broad, every peer a colour, a dash and a mark of its own."""
    found, ours, peers = {}, 0, 0
    for name, own in names.items():
        if own:
            found[name] = OURS[ours % len(OURS)], "1" if ours == 0 else "(18,4)", (7, 5, 9, 13)[ours % 4], 2.6
            ours += 1
        else:
            found[name] = PEERS[peers % len(PEERS)], ("(8,4)", "(2,3)", "(10,3,2,3)", "(5,2)", "(1,2)", "(14,4)", "(4,6)")[peers % 7], \
                (6, 4, 8, 12, 10, 2, 1)[peers % 7], 1.5
            peers += 1
    return found


def curves(lines, names, prefix, label, across, up, log_y=None, width=540, height=300):
    """Lines over a logarithmic axis; with a 0 among its values they stand side by side. lines: name -> [(x, first quartile, median, third quartile)]; names: name -> ours."""
    lines = {name: sorted(points) for name, points in lines.items() if points}
    points = [point for some in lines.values() for point in some]
    if not points:
        return None, "no figures"
    xs = sorted({point[0] for point in points})
    labels = {x: plain(x) for x in xs}
    if xs[0] <= 0:   # the axis is logarithmic all the same: 1, 2, 4 are equally far apart
        places = {x: 2.0 ** index for index, x in enumerate(xs)}
        lines = {name: [(places[point[0]], *point[1:]) for point in some] for name, some in lines.items()}
        labels = {places[x]: plain(x) for x in xs}
        xs = list(labels)
    low, high = min(point[1] for point in points), max(point[3] for point in points)
    if log_y is None:
        log_y = low > 0 and high / low > LOG_FROM
    script, plots, look = "", [], looks(names)
    for index, (name, some) in enumerate(lines.items()):
        hue, dash, mark, broad = look[name]
        script += data(f"d{index}", some)
        style = f"lc rgb '{hue}' lw {broad} dt {dash}"
        plots += [f"$d{index} using 1:2:(0):($4-$2) with vectors nohead lc rgb '{hue}' lw 1.2 notitle",
                  f"$d{index} using 1:3 with linespoints {style} pt {mark} ps 0.9 title {quote(name)}"]
    rows = len(lines)
    script += "set logscale x\nset xtics (" + ",".join(f"{tic(labels[x])} {x:.8g}" for x in xs) + ")\n"
    script += f"set xrange [{xs[0] / 1.15:.8g}:{xs[-1] * 1.15:.8g}]\nset xlabel {quote(across)} textcolor rgb '{INK}'\n"
    script += f"set ylabel {quote(up)} textcolor rgb '{INK}'\n"
    script += f"set logscale y\nset ytics {log_tics(low, high)}\nset yrange [{low / 1.2:.8g}:{high * 1.2:.8g}]\n" if log_y else \
        f"set yrange [0:{(high or 1) * 1.08:.8g}]\n"
    script += f"set key below vertical maxcols 1 Left reverse samplen 5 title ' '\n"
    return draw(script + "plot " + ", ".join(plots) + "\n", width, height + 18 * (rows + 1), prefix, label,
                {name for name, ours in names.items() if ours})


def distribution(one, prefix):
    """Each subject's calls, the slow ones spread out: an axis on which 90 %, 99 %, 99.9 % are equally far apart."""
    script, plots, names = "", [], {name: value["ours"] for name, value in one["subjects"].items()}
    look, low, high, right = looks(names), math.inf, 0.0, 1.0
    for index, (name, value) in enumerate(one["subjects"].items()):
        everything = figures.total(value["counts"])
        curve = [(figures.nines(part) if part < 1 else math.log10(max(everything, 2)), edge)
                 for part, edge in figures.counted_curve(value["counts"], value["max"]) if edge > 0]
        if not curve:
            continue
        low, high, right = min(low, curve[0][1]), max(high, curve[-1][1]), max(right, curve[-1][0])
        hue, dash, _, broad = look[name]
        script += data(f"d{index}", [(0, curve[0][1]), *curve])
        # A value holds for all up to its place: the step is before the point.
        plots.append(f"$d{index} using 1:2 with fsteps lc rgb '{hue}' lw {broad} dt {dash} title {quote(name)}")
    if not plots:
        return None, "no figures"
    tics = [("0", 0), ("50 %", figures.nines(0.5)), *((f"{100 - 10.0 ** (2 - n):.10g} %", n) for n in range(1, math.ceil(right) + 1))]
    rows = (len(plots) + 2) // 3
    script += f"set xrange [0:{right * 1.02:.8g}]\nset xtics (" + ",".join(f"{tic(text)} {at:.8g}" for text, at in tics if at <= right) + ")\n"
    script += f"set logscale y\nset yrange [{low / 1.2:.8g}:{high * 1.3:.8g}]\nset ytics {log_tics(low, high)}\n"
    script += f"set xlabel 'part of all calls that were as quick, or quicker' textcolor rgb '{INK}'\n"
    script += f"set ylabel {quote(one['unit'])} textcolor rgb '{INK}'\nset key below horizontal Left reverse samplen 5 title ' '\n"
    return draw(script + "plot " + ", ".join(plots) + "\n", 900, 400 + 18 * rows, prefix,
                f"{one['suite']}: {one['case']}: time of a call over the part of all calls", {name for name, ours in names.items() if ours})


def points(cases, x):
    """name -> [(x, quartiles ...)] for curves(), and name -> ours."""
    lines, names = {}, {}
    for one in cases:
        for name, value in one["subjects"].items():
            spread = figures.quartiles(value["samples"])
            if spread:
                lines.setdefault(name, []).append((one["params"][x], *spread))
                names[name] = value["ours"]
    # Ours last: drawn on top.
    order = sorted(names, key=lambda name: names[name])
    return {name: lines[name] for name in order}, {name: names[name] for name in order}


def scales(cases):
    """Cases that differ in one number only, at least three of them and of no more subjects than a picture can hold:
    [(name with N, param, [cases])]."""
    groups = {}
    for one in cases:
        numbers = [name for name, value in one["params"].items() if isinstance(value, (int, float)) and value >= 0]
        if len(numbers) == 1 and len(one["subjects"]) <= 8:
            stem = re.sub(r"\d+(?:[.,]\d+)*( ?[kM]\b)?", "N", one["case"])
            groups.setdefault((stem, numbers[0], one["unit"], one["better"]), []).append(one)
    return [(key[0], key[1], some) for key, some in groups.items() if len({one["params"][key[1]] for one in some}) > 2]
