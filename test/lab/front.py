#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomlab with an engine that is made up: what it says, writes and survives: front.py"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from made import TOP, check, finish, skip
import made
import results

CROOMLAB = f"{TOP}/lab/croomlab"
ENGINE = '''#!/usr/bin/env python3
import json, os, sys, time, signal
suite, args = sys.argv[1], sys.argv[2:]
mode = os.environ.get("ENGINE_" + suite.upper(), "good")
def say(**line): print(json.dumps(line), flush=True)
if mode == "dead": sys.exit("cannot pin to processor 7")
say(kind="machine", tsc_hz=2.5e9, core_hz=3e9, counters={"available": False, "why": "no such device", "there": []}, round_trip_ns=[200, 210, 220], cpus=[0, 1])
say(kind="progress", suite=suite, done=1, of=3, what="warming up")
def case(name="throughput"):
    say(kind="case", suite=suite, case=name, unit="ns", better="lower", reference="plain pointer", dropped={"both threads on one core": 1},
        subjects={"plain pointer": {"ours": False, "samples": [1.23456789, None, 1.1, 1.2]}, "wire": {"ours": True, "samples": [1.2, None, 1.1, 1.3]}},
        params={}, round_trip_ns=[], counters={"wire": {"cycles": 4.25}})
if mode == "args": say(kind="skip", suite=suite, what="arguments", why=" ".join(args))
case()
if mode == "odd":
    print("this is not JSON"); print("{\\"kind\\": \\"case\\"}"); print("[1]"); print("{\\"kind\\":\\"nonsense\\"}"); print("null")
    print("{\\"kind\\":\\"progress\\",\\"suite\\":\\"x\\",\\"done\\":NaN,\\"of\\":1}"); sys.stdout.flush()
    os.write(1, b"\\xff\\xfe\\n"); os.write(1, b"[" * 100000 + b"\\n"); case("after")
if mode == "crash": os.kill(os.getpid(), signal.SIGSEGV)
if mode == "seven": print("no memory", file=sys.stderr); sys.exit(7)
if mode == "failed": say(kind="failed", suite=suite, what="croom items", why="record 7 came twice"); sys.exit(1)
if mode == "cut": sys.stdout.write("{\\"kind\\": \\"ca"); sys.stdout.flush()
if mode in ("hang", "deaf"):
    if mode == "deaf": signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0: time.sleep(600)
    open(os.environ["HANGS"], "w").write(str(os.getpid())); time.sleep(600)
if mode == "skip": say(kind="skip", suite=suite, what="ck_ring", why="not installed")
'''


class Lab:
    """A folder with an engine, and croomlab in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="croomlab-test-")
        self.engine = f"{self.folder}/engine"
        with open(self.engine, "w", encoding="utf-8") as file:
            file.write(ENGINE)
        os.chmod(self.engine, 0o755)

    def environment(self, **more):
        return dict(os.environ, CROOM_LAB_ENGINE=self.engine, HANGS=f"{self.folder}/hangs", LC_ALL="C.UTF-8", **more)

    def begin(self, *args, stdout=subprocess.PIPE, **more):
        return subprocess.Popen([CROOMLAB, *args], cwd=self.folder, env=self.environment(**more), stdout=stdout, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True)

    def __call__(self, *args, **more):
        run = self.begin(*args, **more)
        out, err = run.communicate(timeout=120)
        return run.returncode, out or "", err

    def json(self, name="croomlab.json"):
        with open(f"{self.folder}/{name}", encoding="utf-8") as file:
            return json.load(file)

    def files(self):
        return sorted(name for name in os.listdir(self.folder) if name not in ("engine", "hangs"))

    def clear(self):
        for name in self.files():
            os.unlink(f"{self.folder}/{name}")

    def put(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return name


def said(result, code, *words):
    return result[0] == code and all(word in result[1] + result[2] for word in words)


def usage(lab):
    result = lab("--help")
    check("--help: verbs, suites, options, exit codes", said(result, 0, "compare A.json B.json", "suites: call swap tails ring strings scale tap",
                                                           "--quick", "--cpus A,B", "exit codes: 0 ") and not result[2], result)
    check("-h, and after a verb", lab("-h") == result and lab("compare", "--help") == result)
    check("--version", re.fullmatch(r"croomlab \d+\.\d+\.\d+\n", lab("--version")[1]), lab("--version"))
    wrong = {
        ("rnu",): "did you mean run?", ("clal",): "did you mean call?", ("comapre",): "did you mean compare?", ("nonsense",): "see croomlab --help",
        ("call", "srings"): "no suite 'srings'; did you mean strings?", ("--quikc",): "did you mean --quick?", ("-q",): "no option '-q'",
        ("--json",): "--json needs a value", ("--json", "--quick"): "--json needs a value", ("--json=",): "--json needs a value",
        ("--quick=1",): "takes no value", ("--quick", "--quick"): "given twice", ("--cpus", "1"): "--cpus takes two numbers",
        ("--cpus", "a,b"): "--cpus takes two", ("--cpus", "0,0"): "not the same", ("--cpus", "0,99999"): "there is no processor 99999",
        ("--cpus", "0,1,2"): "--cpus takes two", ("--cpus", "-1,0"): "needs a value", ("compare",): "takes two files", ("compare", "a"): "takes two files",
        ("compare", "a", "b", "c"): "compare takes no 'c'", ("report",): "takes a file", ("doc",): "takes a file", ("machine", "x"): "machine takes no 'x'",
        ("compare", "a", "b", "--quick"): "compare takes no --quick", ("doc", "x", "--html", "y"): "doc takes no --html", ("--readme", "x"): "run takes no --readme",
        ("--json", "a.html", "--html", "a.html"): "cannot hold both", ("--json", "/no/such/a.json"): "cannot write /no/such/a.json: No such file",
        ("--json", "/"): "cannot write /: it is a folder", ("--html", "/proc/x.html"): "cannot write /proc/x.html",
        ("compare", "none.json", "none.json"): "cannot read none.json: No such file", ("report", "/"): "cannot read /",
    }
    bad = [(args, result) for args, words in wrong.items() if not said(result := lab(*args), 2, "croomlab: ", words) or result[1] or
           "Traceback" in result[2]]
    check(f"{len(wrong)} kinds of wrong usage: 2, and a sentence", not bad, bad)
    check("nothing was written", lab.files() == [], lab.files())
    run = subprocess.run([CROOMLAB, "call"], cwd=lab.folder, env={**lab.environment(), "CROOM_LAB_ENGINE": "/no/engine"}, capture_output=True,
                         text=True, check=False)
    check("an engine that is not there", run.returncode == 2 and "cannot run /no/engine" in run.stderr, run)


def files_that_are_odd(lab):
    good = results.dump(made.run(1, rounds=5, large=False))
    value = json.loads(good)

    def changed(**more):
        return json.dumps({**value, **more})
    odd = {
        "empty": ("", "is empty"), "text": ("hello", "is not JSON"), "list": ("[]", "not a run of croomlab"), "other": ("{}", "not a run of croomlab"),
        "newer": (changed(croomlab=2), "is of croomlab's format 2"), "odd version": (changed(croomlab="x"), "format x"),
        "cut": (good[:len(good) // 2], "is not JSON"), "no cases": (changed(cases=None), "damaged: cases is not a list"),
        "odd case": (changed(cases=[{"suite": "call"}]), "damaged: cases[0]"), "number": (changed(cases=[7]), "cases[0]: cases is not an object"),
        "nan": (good.replace('"complete": true', '"complete": NaN'), "NaN is no figure"), "machine": (changed(machine=7), "machine is not an object"),
        "huge": (changed(cases=[{**value["cases"][0], "subjects": {"x": {"ours": True, "samples": [0]}}}]).replace("[0]", "[1e999]"), "damaged"),
        "text sample": (changed(cases=[{**value["cases"][0], "subjects": {"x": {"ours": True, "samples": ["1"]}}}]), "a sample of 'x'"),
        "deep": ("[" * 100000, "is not JSON"), "deep machine": (changed(machine={"a": [[[[[[[[[1]]]]]]]]]}), "nested too deeply"),
        "quick": (changed(quick=1), "quick is neither"), "edges": (changed(distributions=[{**value["distributions"][0], "subjects": {
            "x": {"ours": True, "counts": [[2, 1], [1, 1]], "max": 2}}}]), "do not ascend"),
        "large whole": ("{\"croomlab\": " + "9" * 5000 + "}", "not JSON"),
    }
    lab.put("good.json", good)
    bad = []
    for name, (text, why) in odd.items():
        lab.put("odd.json", text)
        for args in (("compare", "good.json", "odd.json"), ("compare", "odd.json", "good.json"), ("report", "odd.json"), ("doc", "odd.json")):
            result = lab(*args)
            if not said(result, 2, "croomlab: odd.json is ", why) or result[2].count("\n") != 1:
                bad.append((name, args, result))
    check(f"{len(odd)} kinds of odd files: 2, and a sentence", not bad, bad[:3])
    with open(f"{lab.folder}/odd.json", "wb") as file:
        file.write(b"\xff\xfe{}")
    check("a file that is not UTF-8", said(lab("doc", "odd.json"), 2, "is not JSON: it is not UTF-8"))
    result = lab("doc", "good.json")
    check("the good one is good", result[0] == 0 and result[1].startswith("# Performance"), result[2])
    lab.clear()


def good(lab):
    result = lab("call", "ring", ENGINE_RING="skip")
    run = lab.json()
    check("a run: 0, a table, two files", said(result, 0, "call: throughput  (ns, lower is better; 3 of 4 rounds, dropped: 1 both threads on one core)",
                                               "* wire", "ring: skipped: ck_ring: not installed", "targets", "written: croomlab.json") and
          lab.files() == ["croomlab.html", "croomlab.json"], (result, lab.files()))
    check("no line is longer than 110 columns", max(map(len, result[1].splitlines())) <= 110, [one for one in result[1].splitlines() if len(one) > 110])
    check("no colours where nobody looks", "\033" not in result[1] + result[2])
    check("progress: plain lines where nobody looks", "suite 1 of 2: call" in result[2] and "\r" not in result[2], result[2])
    check("the JSON: every raw figure, to five digits", run["complete"] is True and run["quick"] is False and run["croomlab"] == 1 and
          run["cases"][0]["subjects"]["plain pointer"]["samples"] == [1.2346, None, 1.1, 1.2] and
          run["cases"][0]["counters"] == {"wire": {"cycles": 4.25}} and len(run["targets"]) > 10 and run["version"] and
          re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run["when"]), run)
    text = json.dumps(run)
    check("the JSON names nobody", not any(word in text for word in (os.uname().nodename, os.path.expanduser("~"), lab.folder, TOP)
                                           if len(word) > 3 and word != "/root"), text[:3000])
    check("what was written can be read", said(lab("report", "croomlab.json"), 0) and said(lab("compare", "croomlab.json", "croomlab.json"), 0) and
          said(lab("doc", "croomlab.json"), 0))
    check("the machine is in it", run["machine"]["measured"]["call"]["tsc_hz"] == 2.5e9 and run["machine"]["kernel"].startswith("Linux") and
          "load_end" in run["machine"])
    result = lab("run", "--quick", "--cpus", "0,1", "--json", "x.json", "call", ENGINE_CALL="args") \
        if os.cpu_count() > 1 else None
    if result:
        check("--quick and --cpus reach the engine; the report lies beside the figures", said(result, 0, "arguments: --quick --cpus 0,1",
              "too rough to quote") and {"x.json", "x.html"} <= set(lab.files()) and lab.json("x.json")["quick"] is True, result)
    else:
        skip("--cpus reaches the engine", "one processor only")
    result = lab("strings", "call", "call", "--html", "r.html", "--json=y.json")
    check("suites: each once, in the lab's order", [one["suite"] for one in lab.json("y.json")["cases"]] == ["call", "strings"] and
          "r.html" in lab.files(), result)
    lab.clear()


def bad_suites(lab):
    result = lab("call", "swap", "ring", "strings", "scale", ENGINE_CALL="dead", ENGINE_SWAP="crash", ENGINE_RING="failed", ENGINE_STRINGS="seven")
    run = lab.json()
    check("suites that fail: 1, each named, the others ran", said(result, 1, "call: FAILED: the whole suite: it ended with 1: cannot pin to processor 7",
          "swap: FAILED: the whole suite: it was ended by SIGSEGV", "ring: FAILED: croom items: record 7 came twice",
          "strings: FAILED: the whole suite: it ended with 7: no memory", "croomlab: failed: call, swap, ring, strings") and
          "scale" in [one["suite"] for one in run["cases"]], result)
    check("what they measured before is kept", [one["suite"] for one in run["cases"]] == ["swap", "ring", "strings", "scale"] and
          len(run["failed"]) == 4 and run["complete"] is True, run["failed"])
    result = lab("call", ENGINE_CALL="odd")
    run = lab.json()
    check("odd lines: counted, the first one named, the others taken", said(result, 1, "8 of them cannot be understood; the first: not JSON") and
          [one["case"] for one in run["cases"]] == ["throughput", "after"], result)
    result = lab("call", ENGINE_CALL="cut")
    check("a last line that was cut off", said(result, 1, "1 of them cannot be understood"), result)
    lab.clear()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def group(pid):
    """Processes that are left of the engine's process group."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            if int(fields[2]) == pid and fields[0] != "Z":
                found.append(int(name))
        except OSError:
            pass
    return found


def interrupted(lab):
    for mode, number in (("hang", signal.SIGINT), ("deaf", signal.SIGINT), ("hang", signal.SIGTERM)):
        lab.clear()
        if os.path.exists(f"{lab.folder}/hangs"):
            os.unlink(f"{lab.folder}/hangs")
        run = lab.begin("call", "swap", "ring", ENGINE_SWAP=mode)
        until = time.monotonic() + 60
        while time.monotonic() < until and not (os.path.exists(f"{lab.folder}/hangs") and open(f"{lab.folder}/hangs", encoding="ascii").read()):
            time.sleep(0.02)
        pid = int(open(f"{lab.folder}/hangs", encoding="ascii").read())
        began = time.monotonic()
        run.send_signal(number)
        time.sleep(0.3)
        run.send_signal(number)   # an impatient second one must not cost the figures
        out, err = run.communicate(timeout=60)
        took = time.monotonic() - began
        what = f"{number.name}, engine {mode}"
        check(f"{what}: 130, in seconds, and says what it did", run.returncode == 130 and took < 20 and "marked incomplete" in err, (run.returncode, took, out, err))
        result = lab.json()
        check(f"{what}: what was measured is written, marked incomplete", result["complete"] is False and
              [one["suite"] for one in result["cases"]] == ["call", "swap"] and "interrupted" in result["failed"][-1]["why"], result["failed"])
        check(f"{what}: no process is left", not alive(pid) and not group(pid), group(pid))
        with open(f"{lab.folder}/croomlab.html", encoding="utf-8") as file:
            check(f"{what}: the report says so, too", "This run was interrupted" in file.read())
    check("no temporary file is left", lab.files() == ["croomlab.html", "croomlab.json"], lab.files())
    lab.clear()


def silent(lab):
    """A suite that hangs by itself."""
    code = f"import sys; sys.path.insert(0, {TOP + '/lab'!r}); import runner, results; runner.PATIENCE = 1.5; run = results.empty(); " \
        "runner.run_suite(run, 'swap', False, '', lambda *_: None); print(run['failed'], len(run['cases']))"
    done = subprocess.run([sys.executable, "-c", code], env=lab.environment(ENGINE_SWAP="deaf"), capture_output=True, text=True, check=False, timeout=60)
    check("a suite that says nothing any more is ended and named", "it said nothing for" in done.stdout and done.stdout.strip().endswith("1"), done)
    check("and none of it is left", not group(int(open(f"{lab.folder}/hangs", encoding="ascii").read())))


def full(lab):
    result = lab("machine", stdout=open("/dev/full", "w", encoding="utf-8"))
    check("standard output is full: 1, and a sentence", result[0] == 1 and "No space left" in result[2] and "Traceback" not in result[2], result)
    result = lab("--help", stdout=open("/dev/full", "w", encoding="utf-8"))
    check("--help, too", result[0] == 1 and "Traceback" not in result[2], result)
    result = lab("call", "--json", "/dev/full", "--html", "x.html", TMPDIR=lab.folder)
    check("the figures do not fit: 1, and they are kept elsewhere", said(result, 1, "cannot write /dev/full: No space left", "the figures are in"), result)
    kept = re.search(r"the figures are in (\S+) instead", result[2])
    check("there they are", kept and os.path.exists(kept[1]) and json.load(open(kept[1], encoding="utf-8"))["complete"], result)
    if kept:
        shutil.rmtree(os.path.dirname(kept[1]))
    lab.clear()
    result = lab("call", stdout=open("/dev/full", "w", encoding="utf-8"))
    check("nowhere to print to: 1 before anything is measured", said(result, 1, "cannot write the output: No space left") and lab.files() == [], result)
    run = lab.begin("call", "swap")
    run.stdout.readline()
    run.stdout.close()   # as `croomlab | head -n 1` does
    err = run.stderr.read()
    check("a reader who goes away costs no figure", run.wait(60) == 1 and lab.json()["cases"] and "Traceback" not in err, (run.returncode, err))
    run.stderr.close()
    lab.clear()
    lab.put("a.json", results.dump(made.run(1, rounds=5, large=False)))
    folder = f"{lab.folder}/small"
    # A file system of 64 KiB of our own, where the kernel lets us.
    script = f'mkdir -p {folder} && mount -t tmpfs -o size=64k none {folder} && {CROOMLAB} report a.json --html {folder}/r.html; echo "code $?"; ' \
        f'ls -A {folder} | wc -l'
    done = subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "sh", "-c", script], cwd=lab.folder, env=lab.environment(),
                          capture_output=True, text=True, check=False, timeout=60)
    if "code" in done.stdout and "mount" not in done.stderr:
        check("a disk that is full: 1, and no half of a file is left", "code 1\n0\n" in done.stdout and "No space left" in done.stderr, done)
    else:
        skip("a disk that is full", "no file system can be mounted here")
    if os.path.isdir(folder):
        os.rmdir(folder)
    lab.clear()
    if os.geteuid():
        os.chmod(lab.folder, 0o500)
        check("a folder that is not ours", said(lab("call"), 2, "cannot write croomlab.json: Permission denied"))
        os.chmod(lab.folder, 0o700)


def terminal(lab):
    """On a terminal: colours, one line that is written over."""
    import pty
    leader, follower = pty.openpty()
    run = subprocess.Popen([CROOMLAB, "call"], cwd=lab.folder, env={key: value for key, value in lab.environment(TERM="xterm").items() if key != "NO_COLOR"},
                           stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    text = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    os.close(leader)
    check("a terminal: colours, and a status line that is written over", run.wait() == 0 and b"\033[1m" in text and b"\r[0:00] suite 1 of 1" in text, text[:400])
    lab.clear()


def comparing(lab):
    a, b = made.run(1, rounds=30, large=False), made.run(2, {("call", "slot"): 2}, rounds=30, large=False)
    lab.put("a.json", results.dump(a))
    lab.put("b.json", results.dump(b))
    check("compare: 1 when something is worse", said(lab("compare", "a.json", "b.json"), 1, "slot", "worse, beyond the noise"))
    check("compare: 0 when nothing is", said(lab("compare", "a.json", "a.json"), 0, "nothing of ours changed"))
    check("compare: 0 when something is better", said(lab("compare", "b.json", "a.json"), 0, "better, beyond the noise"))
    check("report: into a file beside it", said(lab("report", "a.json"), 0, "written: a.html") and "a.html" in lab.files())
    check("machine", said(lab("machine"), 0, "kernel", "processor", "load average"))
    lab.clear()


def readme(lab):
    lab.put("a.json", results.dump(made.run(1, rounds=30, large=False)))
    lab.put("README.md", "# A\n\n<!-- figures -->\nold\n<!-- /figures -->\n\nmore\n")
    result = lab("doc", "--readme", "README.md", "a.json")
    with open(f"{lab.folder}/README.md", encoding="utf-8") as file:
        text = file.read()
    check("README: the block is made anew, the rest stays", said(result, 0, "rewritten") and "\nold\n" not in text and text.startswith("# A\n\n<!-- figures -->\n") and
          text.endswith("<!-- /figures -->\n\nmore\n") and "| a wire call" in text, (result, text))
    check("README: once more changes nothing", said(lab("doc", "a.json", "--readme", "README.md"), 0, "already so"))
    for name, text in (("none", "# A\n"), ("one", "<!-- figures -->\n"), ("turned", "<!-- /figures -->\n<!-- figures -->\n"),
                       ("twice", "<!-- figures --><!-- /figures --><!-- figures --><!-- /figures -->")):
        lab.put("README.md", text)
        result = lab("doc", "--readme", "README.md", "a.json")
        with open(f"{lab.folder}/README.md", encoding="utf-8") as file:
            check(f"README: markers {name}: refused, and nothing was written", said(result, 2, "needs the lines <!-- figures -->") and file.read() == text, result)
    check("README: missing", said(lab("doc", "--readme", "none.md", "a.json"), 2, "cannot read none.md"))
    lab.put("q.json", results.dump({**made.run(1, rounds=5, large=False), "quick": True}))
    lab.put("README.md", "<!-- figures --><!-- /figures -->")
    check("README: not from a quick run", said(lab("doc", "--readme", "README.md", "q.json"), 2, "quick"))
    lab.clear()


room = Lab()
try:
    for part in (usage, files_that_are_odd, good, bad_suites, interrupted, silent, full, terminal, comparing, readme):
        part(room)
finally:
    shutil.rmtree(room.folder, ignore_errors=True)
finish()
