#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Command lines that are wrong: told-wrong.py CROOMTAP CROOMCTL [PART...]

Each option of --help, with each kind of value that it cannot have; files that are not what they should be; verbs with too much
and too little. What is asked of every answer: one line on standard error that begins with the program's name and holds nothing a
terminal obeys, the documented exit code, nothing on standard output, and every file as it was."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rigs import clean  # noqa: E402
from rig import PATIENCE, check, finish, write_capture  # noqa: E402

TAP, CTL = (os.path.abspath(path) for path in sys.argv[1:3])
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVIL = "x\x1b]0;evil\x07\n\x1b[2Jcroomtap: all is well\r\x9b\u202e\u00e4"
# What is to be done, or what there is, or what it takes: usage errors say one of them.
HELPS = re.compile(r"; |see |such as|did you mean|there is|takes|needs|a name is")


def files(folder):
    """All that is in it, but for what time it is."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        about = path.lstat()
        found[str(path)] = (about.st_mode, about.st_ino, path.read_bytes() if path.is_file() and not path.is_symlink() else about.st_size)
    return found


class Table:
    """Runs them, and remembers what was wrong with the answers."""

    def __init__(self, program, folder):
        self.program, self.folder, self.count, self.bad = program, folder, 0, []
        self.name = os.path.basename(program)
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=f"{folder}/run", CROOM_RUNTIME_DIR=f"{folder}/run/croom", TZ="UTC",
                                LC_ALL="C.UTF-8")
        self.environment.pop("STATE_DIRECTORY", None)

    def wrong(self, *args, code=2, says=(), as_json=False, before=None):
        before = files(self.folder) if before is None else before
        codes = code if isinstance(code, tuple) else (code,)
        try:
            run = subprocess.run([self.program, *args], env=self.environment, cwd=self.folder, capture_output=True, check=False,
                                 stdin=subprocess.DEVNULL, timeout=PATIENCE)
            got, out, err = run.returncode, run.stdout.decode(), run.stderr.decode()
        except subprocess.TimeoutExpired:
            got, out, err = "it goes on", "", ""
        except UnicodeDecodeError as error:
            got, out, err = str(error), "", ""
        said = json.loads(out)["parameters"]["message"] if as_json and out else err
        reasons = {
            f"exit code {got}": got in codes,
            "it is not one line": as_json or (err.count("\n") == 1 and err.endswith("\n")),
            "it does not begin with its name": as_json or err.startswith(f"{self.name}: "),
            "a terminal would obey": not RAW.search(out.replace("\n", "") if as_json else said.removesuffix("\n")),
            "something on the other output": not err if as_json else not out,
            "it does not say what to do": 2 not in codes or got != 2 or HELPS.search(said),
            "a word is missing": all(word in said for word in says),
            "a sanitizer": clean(err),
            "a file has changed": files(self.folder) == before,
        }
        self.count += 1
        self.bad += [(args, [why for why, good in reasons.items() if not good], out[:200], err[-400:])] if not all(reasons.values()) else []

    def done(self, what):
        check(f"{self.name}, {what}: {self.count} command lines", not self.bad, f"{len(self.bad)}: {self.bad[:40]}")
        self.count, self.bad = 0, []


def options(program):
    """{option: whether it takes a value} of --help: what is written in capitals behind it is one."""
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in said.splitlines():
        if not re.match(r"  +(-\w,? )? *-", line):
            continue
        for option, value in re.findall(r"(?<![\w'/-])(--?[A-Za-z][\w-]*)( [A-Z1][\w/:]*)?", re.split(r"   |: ", line.strip())[0]):
            found[option] = found.get(option, False) or bool(value)
    return {option: value for option, value in found.items() if option not in ("-h", "--help", "--version", "-nq")}


def tap_options(table, capture):
    """-w names a file that must not be touched."""
    base = ("-r", capture, "-w", "keep")
    known = options(TAP)
    check("croomtap --help: each option is found", len(known) >= 25 and known["-w"] and known["--blackbox"] and not known["--spin"],
          known)
    for option, value in known.items():
        others = [arg for at, arg in enumerate(base) if option not in (arg, base[at - 1] if at % 2 else None)]
        if not value:
            if option.startswith("--"):
                table.wrong(*base, f"{option}=x", says=(option, "takes no value"))
            continue
        table.wrong(*others, option, says=(f"{option} needs a value",))
        table.wrong(*others, option, "", says=(f"{option} needs a value",))
        table.wrong(*others, option, "1", option, "1", code=2, says=(option,))
    for option in ("-c", "-s", "-B", "--ring", "--pace"):
        for bad in ("-1", "+1", "1.5", "1x", " 1", "0x10", "9" * 30, "1\n", "\u0661", EVIL):
            table.wrong(*base, option, bad, says=(option,))
    for option in ("-c", "-B", "--ring", "--pace"):
        table.wrong(*base, option, "0", says=(option,))
    for slot in ("filter", "strategy", "printer", "audit", "metrics", "diag"):
        for bad in ("x" * 40, "x:", ":", ":x", " ", "off:x" if slot in ("audit", "metrics", "diag") else "each:x", "ALL", EVIL, "9" * 5000):
            table.wrong(*base, f"--{slot}", bad, says=(f"--{slot}",))
    for bad in ("sample", "sample:", "sample:0", "sample:-1", "sample:x", "flows:0", "flows:-1s", "flows:1d", "flows:1ss", "top:0", "top:-1",
                "top:1001", "top:x", "each:1"):
        table.wrong(*base, "--strategy", bad, says=("--strategy",))
    for bad in ("json:1", "none:1", "pcap:x", "jsn"):
        table.wrong(*base, "--printer", bad, says=("--printer",))
    for bad in ("file", "file:", "file:.", "file:no/file", "file:fifo", f"file:{capture}", "file:keep", "file:./keep", "file:" + "x" * 300):
        table.wrong(*base, "--audit", bad, says=("--audit",))
        table.wrong(*base, "--metrics", bad, says=("--metrics",))
    for bad in ("statsd", "statsd:", "statsd::", "statsd:localhost", "statsd:localhost:", "statsd::8125", "statsd:127.0.0.1:x",
                "statsd:[::1", "statsd:" + "x" * 300 + ":1", "file:/dev/null", "file:/dev/full"):
        table.wrong(*base, "--metrics", bad, says=("--metrics",))
    for bad in ("latency:0", "latency:2d", "latency:x", "drops:1", "malformed:1"):
        table.wrong(*base, "--diag", bad, says=("--diag",))
    for bad in ("a b", "a/b", "../x", ".x", "-x", "x" * 32, "\u00e4", EVIL):
        table.wrong(*base, "--room", bad, says=("--room",))
    for bad in ("no/box", capture, "keep", ".", "box", "fifo", "link", EVIL):
        table.wrong(*base, "--blackbox", bad, code=1, says=("--blackbox",))
    table.done("values")


def tap_together(table, capture):
    base = ("-r", capture, "-w", "keep")
    for args, *says in (
            ((), "-i INTERFACE", "-r FILE"), (("-w", "keep"), "-i INTERFACE"), (("-n",), "-i INTERFACE"), (("tcp",), "-i INTERFACE"),
            (("-",), "-i INTERFACE"), (("",), "-i INTERFACE"), (("--",), "-i INTERFACE"), (("swap", "printer=json"), "-i INTERFACE"),
            ((*base, "-i", "lo"), "-i and -r"), (("-i", "lo", "--pace", "5"), "--pace"), ((*base, "--lane-seccomp"), "--spin"),
            ((*base, "--split", "--no-split"), "--no-split"), ((*base, "--no-split", "--split"), "--no-split"),
            ((*base, "--restore", "--no-restore"), "--no-restore"), ((*base, "--restore"), "--state"),
            ((*base, "--filter", "all", "tcp"), "--filter"), ((*base, "-c", "1", "-nc", "2"), "-c", "twice"),
            ((*base, "--printer", "json", "--print=csv"), "--printer", "twice"), ((*base, "--printr", "json"), "did you mean --printer"),
            ((*base, "--metrcs", "off"), "did you mean --metrics"), ((*base, "--n"), "several"), ((*base, "--zzzzzz"), "--zzzzzz"),
            ((*base, "--" + "x" * 3000), "see croomtap --help"), ((*base, "--" + EVIL), "no option"), ((*base, "-e"), "--printer json"), ((*base, "-tttt"), "--nano"),
            ((*base, "-A"), "tshark"), ((*base, "-G", "5"), "croomctl swap"), ((*base, "-F", "file"), "expression"),
            ((*base, "-Z"), "-i -r -w -s -c -B -p -D"), ((*base, "-n\x1b"), "no option"), ((*base, "-\u00e4"), "no option"),
            # An audit or a black box is not made for a line that is wrong elsewhere.
            ((*base, "--audit", "file:new", "--diag", "xml"), "--diag"), ((*base, "--metrics", "file:new", "--diag", "xml"), "--diag"),
            ((*base, "--state", "new", "--diag", "xml"), "--diag"), ((*base, "--blackbox", "/dev/shm/croom-told-wrong", "--diag", "xml"), "--diag"),
            (("-r", capture, "-w", "new", "--diag", "xml"), "--diag")):
        table.wrong(*args, says=says)
    check("no black box is made for a line that is wrong elsewhere", not os.path.exists("/dev/shm/croom-told-wrong"))
    table.done("what does not go together, and what there is not")


def tap_filters(table, capture):
    base = ("-r", capture, "-w", "keep")
    for expression, *says in (
            ("tcp prot 80", "'tcp prot 80', behind 'tcp'"), ("udp and port 80 and", "behind 'udp and port 80'"), ("tcp port", "behind 'tcp'"),
            ("(tcp", "syntax error"), ("tcp)", "syntax error"), ("port 99999", "99999"), ("host nowhere.invalid", "nowhere.invalid"), ("tcp[0:9] = 1", "size"),
            ("xyz", "xyz"), ("", "missing"), (" ", "missing"), ("protochain 6", "protochain"), ("inbound", "kernel"), (EVIL, "syntax error"),
            ("tcp\nprot", "syntax error"), ("port 1 or " * 500 + "port 2", "longer than 4096"), ("greater x", "x")):
        table.wrong(*base, expression, says=("filter expression", *says))
        table.wrong(*base, "--filter", f"bpf:{expression}", says=("--filter", *says))
    table.done("filters")


def tap_files(table, capture):
    for name, *says in (("no-file", "No such file"), (".", "directory"), ("empty", "truncated"), ("text", "unknown file format"),
                        ("head", "truncated"), ("x" * 300, "too long"), ("x" * 5000, "too long"), ("locked/file", "Not a directory"),
                        ("/dev/null", "truncated"), (EVIL, "No such file")):
        table.wrong("-r", name, "-w", "keep", code=1, says=("cannot read", *says))
    for name, *says in (("no/file", "No such file"), (".", "directory"), (capture, "it is the file that is read"), ("link", "it is the file that is read"),
                        ("hard", "it is the file that is read"), ("text/file", "Not a directory"), ("x" * 300, "too long")):
        table.wrong("-r", capture, "-w", name, code=1, says=("-w", *says))
        # Nothing else is made either.
        table.wrong("-r", capture, "-w", name, "--audit", "file:new", "--metrics", "file:new2", "--state", "new3", code=1, says=("-w", *says))
    for name in ("nowhere9", "x" * 300, "a b", EVIL):
        table.wrong("-i", name, "-w", "keep", code=1, says=("no interface",))
    table.done("files and interfaces")


CTL_VERBS = {   # how many arguments
    "ls": 0, "list": 0, "watch": 0, "history": 0, "rollback": 0, "confirm": 0, "freeze": 0, "thaw": 0, "doctor": 0, "promote": 1, "trial": 1,
    "profile": 1, "pardon": 1, "at": 1, "blackbox": 1, "journal": 1, "swap": 1, "keygen": 0, "sign": 1, "verify": 1, "load": 1, "unload": 1, "plugins": 0}


def ctl_options(table):
    known = options(CTL)
    check("croomctl --help: each option is found", len(known) >= 20 and known["--guard"] and known["--timeout"] and not known["--json"] and
          not known["--shadow"], known)
    some = {"--expect": "swap", "--timeout": "swap", "--guard": "swap", "--canary": "swap", "--confirm-within": "swap", "--why": "freeze", "--for": "profile",
            "--sample": "profile", "--to": "rollback", "--count": "history", "--since": "history", "--journal": "history", "--head": "journal",
            "--interval": "watch", "--room": "list", "-r": "list", "--socket": "list", "--output": "keygen", "-o": "keygen", "--key": "sign", "-k": "sign"}
    for option, value in known.items():
        if not value:
            if option.startswith("--"):
                table.wrong("list", f"{option}=x", says=(option,), code=2)
            continue
        verb = (some[option], *({"swap": ("a=b",), "profile": ("a",), "journal": ("verify",), "sign": ("a",)}.get(some[option], ())))
        table.wrong(*verb, option, says=("needs a value",))
        table.wrong(*verb, option, "", says=("needs a value",))
        table.wrong("--json", *verb, option, "", says=("needs a value",), as_json=True)
        table.wrong(*verb, option, "1", option, "1", says=({"-r": "--room", "-o": "--output", "-k": "--key"}.get(option, option),))
        for other in CTL_VERBS:
            if option in ("--room", "-r", "--socket") and other not in ("ls", "blackbox"):
                continue
            if other in ("blackbox",) and option == "--count":
                continue
            if option not in ("--room", "-r", "--socket") and other not in ("list", "ls", "thaw", "doctor", "trial"):
                continue
            good = {"--journal": "f", "--guard": "max<1s", "--why": "x", "--canary": "1/2"}.get(option, "100")
            table.wrong(other, *("x" * CTL_VERBS[other]), option, good, says=(option.lstrip("-") if option != "-r" else "room",))
    for option, verb in some.items():
        if option in ("--why", "--guard", "--journal", "--socket", "--output", "-o", "--key", "-k"):
            continue   # any text is one; what the rules are only the room knows
        args = {"swap": ("a=b",), "profile": ("a",), "journal": ("verify",)}.get(verb, ())
        for bad in ("-1", "x", " 1", "9" * 30, "1\n", EVIL, "1/0", "0x1"):
            if option in ("--room", "-r") and bad in ("x", "9" * 30, "0x1"):
                continue
            table.wrong(verb, *args, f"{option}={bad}" if option != "-r" else f"-r{bad}", says=(option.lstrip("-") if option != "-r" else "room",))
    table.done("values")


def ctl_verbs(table):
    for verb, count in CTL_VERBS.items():
        table.wrong(verb, *(("a=b", "c", "d") if count and verb != "swap" else ("x",) if verb != "swap" else ("x",)), says=())
        if count:
            table.wrong(verb)
            table.wrong(verb, "")
            table.wrong("--json", verb, as_json=True)
    for args, *says in (
            ((), "say what to do"), (("foo",), "no verb 'foo'"), (("swpa", "a=b"), "did you mean swap"), (("",), "no verb"), ((EVIL,), "no verb"),
            (("help",), "croomctl --help"), (("--foo", "list"), "no option"), (("--jsno", "list"), "did you mean --json"), (("-x", "list"), "no option"),
            (("list", "--room", "a", "--socket", "b"), "--socket"), (("list", "-r", "a", "--room", "b"), "twice"), (("ls", "--room", "a"), "--room"),
            (("list", "--room", "a/b"), "room"), (("list", "--room", "x" * 300), "room"), (("list", "--room", "../x"), "room"),
            (("swap", "a"), "SLOT=CLASS"), (("swap", "=b"), "SLOT=CLASS"), (("swap", "a="), "SLOT=CLASS"), (("swap", "a=b", "a=c"), "twice"),
            (("swap", "a=b", "--no-wait", "--timeout", "5s"), "--no-wait"), (("swap", "a=b", "--undo-late", "--no-wait"), "--undo-late"),
            (("swap", "a=b", "--shadow", "--canary", "1/2"), "--shadow"), (("swap", "a=b", "c=d", "--shadow"), "one SLOT=CLASS"),
            (("swap", "a=b", "--timeout", "61s"), "--timeout"), (("swap", "a=b", "--confirm-within", "25h"), "--confirm-within"),
            (("watch", "--interval", "49ms"), "--interval"), (("history", "--count", "1001"), "--count"), (("history", "--since", "31:00"), "--since"),
            (("at", "yesterday"), "no time"), (("at", "25:00"), "no time"), (("at", "2026-13-01"), "no time"), (("at", "now", "--journal", "f", "--room", "x"), "--room"),
            (("history", "--journal", "f", "--socket", "x"), "--socket"), (("journal", "look"), "verify, show or head"),
            (("journal", "verify", "f", "--room", "x"), "--room"), (("journal", "show", "--head", "1:" + "a" * 64), "--head"),
            (("journal", "verify", "--since", "1h"), "--since"), (("journal", "verify", "--head", "1:" + "a" * 63), "--head"),
            (("blackbox", "f", "--room", "x"), "--room"), (("pardon", "a"), "SLOT=CLASS"), (("freeze",), "--why"), (("thaw", "--why", "x"), "--why")):
        table.wrong(*args, says=says)
    table.done("verbs")


def ctl_files(table):
    for name in ("no-file", ".", "empty", "text", "fifo", "/dev/null", "x" * 300, EVIL):
        table.wrong("blackbox", name, code=1, says=("cannot read",) if name == "no-file" else ())
        for args in (("journal", "verify", name), ("journal", "show", name), ("journal", "head", name), ("history", "--journal", name),
                     ("at", "now", "--journal", name)):
            table.wrong(*args, code=(1, 7))
            table.wrong("--json", *args, code=(1, 7), as_json=True)
    for name in (".", "text", "no-file", "x" * 300, EVIL):
        table.wrong("list", "--socket", name, code=6, says=("no room",))
        table.wrong("watch", "--socket", name, code=6, says=("no room",))
    for name in ("no-file", ".", "empty", "text", "/dev/null", EVIL):
        table.wrong("sign", "-k", name, "keep", code=1, says=("croomctl",))
        table.wrong("verify", "-k", name, "keep", code=1, says=("croomctl",))
    table.wrong("keygen", "-o", "no/key", code=1, says=("no/key",))
    for verb, count in CTL_VERBS.items():
        if verb in ("blackbox", "ls", "keygen", "sign", "verify"):   # these need no room
            continue
        args = {"at": ("now",), "journal": ("verify",), "swap": ("a=b",), "pardon": ("a=b",)}.get(verb, ("a",) * count)
        table.wrong(verb, *args, *(("--why", "x") if verb == "freeze" else ()), code=6, says=("no room is running",))
    table.done("files, and no room")


def main():
    with tempfile.TemporaryDirectory(prefix="croom-test-") as folder:
        os.makedirs(f"{folder}/run/croom", 0o700)
        write_capture(f"{folder}/in.pcap", 10)
        data = pathlib.Path(f"{folder}/in.pcap").read_bytes()
        for name, content in (("keep", b"kept"), ("empty", b""), ("text", b"this is no capture file, but a text\n"), ("head", data[:10]), ("locked", b"")):
            pathlib.Path(f"{folder}/{name}").write_bytes(content)
        # As a crash leaves it: the only thing that knows why.
        pathlib.Path(f"{folder}/run/croom/croomtap.blackbox").write_bytes(b"croombb1" + bytes(5000))
        os.mkdir(f"{folder}/box")
        os.mkfifo(f"{folder}/fifo")
        os.symlink("in.pcap", f"{folder}/link")
        os.link(f"{folder}/in.pcap", f"{folder}/hard")
        tap, ctl = Table(TAP, folder), Table(CTL, folder)
        capture = "in.pcap"
        parts = {"tap-options": lambda: tap_options(tap, capture), "tap-together": lambda: tap_together(tap, capture), "tap-filters": lambda: tap_filters(tap, capture),
                 "tap-files": lambda: tap_files(tap, capture), "ctl-options": lambda: ctl_options(ctl), "ctl-verbs": lambda: ctl_verbs(ctl), "ctl-files": lambda: ctl_files(ctl)}
        for part in sys.argv[3:] or parts:
            parts[part]()
    finish()


main()
