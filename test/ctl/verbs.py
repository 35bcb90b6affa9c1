#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every verb, option and exit code of croomctl, at a real room: verbs.py CROOMCTL HOST SOURCE"""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, f"{sys.argv[3]}/test")
from varlink import PATIENCE, Host, check, finish, folder, skip, until  # noqa: E402

croomctl, program = (os.path.abspath(path) for path in sys.argv[1:3])


class Ctl:
    """croomctl, where rooms are in one folder."""

    def __init__(self, directory):
        self.environment = dict(os.environ, CROOM_RUNTIME_DIR=directory, TZ="UTC")

    def begin(self, *args, **more):
        return subprocess.Popen([croomctl, *args], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **more)

    def __call__(self, *args, **more):
        """Exit code, output, errors."""
        run = self.begin(*args, **more)
        out, err = run.communicate(timeout=PATIENCE)
        return run.returncode, out, err

    def json(self, *args):
        code, out, err = self(*args, "--json")
        return code, json.loads(out) if not err else err


def said(result, code, *words):
    return result[0] == code and all(word in result[1] + result[2] for word in words)


def without_a_room(ctl):
    result = ctl("list")
    check("no room: 6, and where it looked", said(result, 6, "no room is running (looked in " + ctl.environment["CROOM_RUNTIME_DIR"]),
          result)
    code, value = ctl.json("list")
    check("no room: as JSON", code == 6 and value["error"] == "org.croom.ctl.NoRoom" and value["parameters"]["message"], value)
    result = ctl("ls")
    check("ls without a room", said(result, 0, "no room is running"), result)
    check("ls without a room: as JSON", ctl.json("ls") == (0, []))
    for args in (("swap", "printer=plain"), ("watch",), ("history",), ("rollback",)):
        check(f"no room: {args[0]}", ctl(*args)[0] == 6)
    for args in (("-r", "none"), ("--socket", "/no/such.socket"), ("-r", "x" * 40), ("--socket", "y" * 300)):
        result = ctl("list", *args)
        check(f"no such room: {args[0]} {args[1][:10]}", said(result, 6, "no room"), result)


def usage(ctl):
    result = ctl("--help")
    check("--help names all verbs, options and exit codes", said(result, 0, *(
        "ls list swap watch history rollback --room --socket --json --expect --timeout --no-wait --to --count --interval "
        "--version").split(), "exit codes: 0 ", "1 no answer", "2 wrong", "3 refused", "4 in force", "5 not", "6 no such", "croomctl swap printer=json") and
        result[2] == "" and result[1].startswith("usage: croomctl"), result)
    check("-h is the same", ctl("-h") == result)
    result = ctl("--version")
    check("--version", result[0] == 0 and re.fullmatch(r"croomctl \d+\.\d+\.\d+\n", result[1]), result)
    wrong = {
        (): "say what to do", ("lst",): "did you mean list?", ("wacth",): "did you mean watch?", ("hist",): "did you mean history?",
        ("rolback",): "did you mean rollback?", ("sawp", "a=b"): "did you mean swap?", ("dance",): "no verb 'dance'; see",
        ("list", "--jsno"): "did you mean --json?", ("list", "--zzzzzz"): "no option '--zzzzzz'; see", ("-x", "list"): "no option '-x'",
        ("list", "extra"): "list takes no argument 'extra'", ("ls", "a"): "takes no argument",
        ("ls", "-r", "x"): "ls shows all rooms and takes no --room", ("ls", "--socket", "/x"): "takes no --socket", ("list", "--room"): "--room needs a value",
        ("swap",): "swap what?", ("swap", "printer"): "'printer' is not SLOT=CLASS", ("swap", "=plain"): "is not SLOT=CLASS",
        ("swap", "printer="): "is not SLOT=CLASS", ("swap", "a=b", "c"): "'c' is not", ("swap", "a=\udcff"): "not UTF-8",
        ("swap", "a=b", "--expect", "x"): "--expect takes a revision", ("swap", "a=b", "--expect", "0"): "--expect takes",
        ("swap", "a=b", "--expect", "9" * 30): "--expect takes", ("swap", "a=b", "--timeout", "0"): "--timeout takes a time",
        ("swap", "a=b", "--timeout", "61s"): "--timeout takes", ("swap", "a=b", "--timeout", "5 s"): "--timeout takes",
        ("swap", "a=b", "--timeout", "5m"): "--timeout takes", ("rollback", "--to", "-1"): "--to takes a revision",
        ("history", "--count", "1001"): "--count takes 1 to 1000", ("history", "--count", "1x"): "--count takes",
        ("watch", "--interval", "49ms"): "--interval takes a time from 50ms", ("list", "--expect", "3"): "list takes no --expect",
        ("swap", "a=b", "--to", "3"): "swap takes no --to", ("history", "--no-wait"): "history takes no --no-wait",
    }
    bad = [(args, result) for args, words in wrong.items() if not said(result := ctl(*args), 2, "croomctl: ", words) or result[1]]
    check(f"{len(wrong)} kinds of wrong usage: 2, and a sentence", not bad, bad)
    bad = []
    for args in wrong:
        code, out, err = ctl("--json", *args)
        if code != 2 or err or json.loads(out)["error"] != "org.croom.ctl.Usage":
            bad.append((args, code, out, err))
    check("and each of them as JSON", not bad, bad)


def reading(ctl, host):
    pid = host.process.pid
    result = ctl("ls")
    check("ls", re.fullmatch(rf"host +pid {pid} +revision 1 +host ä\n", result[1]), result)
    check("ls --json", ctl.json("ls") == (0, [{"name": "host", "socket": host.paths[0], "pid": pid, "revision": 1,
                                              "program": "host ä"}]))
    result = ctl("list")
    check("list: one room needs no name", said(result, 0, f"room host, revision 1, pid {pid}: host ä\n", "lane feed: ",
          "lane asleep: 0 records, runs revision 1, asleep", "fill 0.5 %", "number:N  ", "text[:TEXT]  ", "adds N", ": what is kept") and
          re.search(r"^printer +off +since revision 1 at \d\d:\d\d:\d\d, \d+ calls$", result[1], re.M), result)
    with host.client() as client:
        code, value = ctl.json("list")
        wanted = client.call("List")
        check("list --json is the reply", code == 0 and [list(value), value["slots"][0]["classes"]] ==
              [list(wanted), wanted["slots"][0]["classes"]], value)
    for args in (("-r", "host"), ("--room", "host"), ("--room=host",), ("--socket", host.paths[0])):
        check(f"list {args[0]}", ctl("list", *args)[0] == 0 and ctl(*args, "list")[0] == 0)
    check("history: none yet", ctl("history") == (0, "no change yet\n", ""))


def swapping(ctl, host):
    result = ctl("swap", "printer=number:7")
    check("swap: from which record on which lane", said(result, 0) and re.fullmatch(
        r"revision 2 is in force: lane feed from record \d+ on; lane spare from record \d+ on; "
        r"lane asleep sleeps and will run it from record 1 on\n", result[1]), result)
    code, value = ctl.json("swap", "printer=text:a=b:c", "filter=number:1", "--expect", "2", "--timeout", "60s")
    check("swap: two slots, --expect, --timeout, --json", code == 0 and value["revision"] == 3 and len(value["lanes"]) == 3, value)
    result = ctl("swap", "s2=plain", "--no-wait")
    check("swap --no-wait", said(result, 0, "revision 4 is in force"), result)
    for args, words in (
            (("swap", "prnter=plain"), "no slot 'prnter'; did you mean printer?"),
            (("swap", "printer=plian"), "no class 'plian' for slot printer; did you mean plain?"),
            (("swap", "printer=number:1x"), "printer=number: takes a number, not '1x'"),
            (("swap", "filter=plain", "printer=number:x"), "takes a number"),
            (("swap", "printer=plain", "--expect", "2"), "revision 2 was expected, but 4 is current"),
            (("rollback", "--to", "99"), "revision 99 is not in the history"),
            (("rollback", "--expect", "1"), "4 is current")):
        result, value = ctl(*args), ctl.json(*args)
        check(f"{' '.join(args)}: 3, and why", said(result, 3, "croomctl: ", words) and result[1] == "" and value[0] == 3 and
              words in value[1]["parameters"]["message"] and value[1]["error"].startswith("org.croom.Room."), (result, value))
    check("what was refused has changed nothing", ctl.json("list")[1]["revision"] == 4)
    host.tell("stall", "feed")
    result = ctl("swap", "s2=off", "--timeout", "50ms")
    check("swap: 4 and the lane that has not moved", said(result, 4, "revision 5 is published, but lane feed still runs 4"), result)
    code, value = ctl.json("rollback", "--timeout", "50ms")
    check("rollback: the same as JSON", code == 4 and value["error"] == "org.croom.Room.NotObserved" and
          value["parameters"]["lane"] == "feed" and value["parameters"]["revision"] == 6, value)
    result = ctl("swap", "s2=off", "--no-wait")
    check("swap --no-wait: a lane that has not moved yet", said(result, 0, "lane feed has not moved yet"), result)
    check("list: who is late", until(lambda: "lane feed: " in ctl("list")[1] and "LATE: still runs revision 4 after" in ctl("list")[1]))
    host.tell("go", "feed")
    result = ctl("rollback", "--to", "2")
    check("rollback --to", said(result, 0, "revision 8 is in force"), result)


def history(ctl):
    result = ctl("history")
    lines = result[1].splitlines()
    check("history: who, what, when", result[0] == 0 and re.fullmatch(
        r" +2  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S+ pid \d+  croomctl swap printer=number:7", lines[0]) and
        lines[1] == "        printer: off -> number:7" and "        back to revision 2" in lines, result)
    result = ctl("history", "--count", "1")
    check("history --count", said(result, 0, "6 older changes are not shown\n", "     8  ") and "     7  " not in result[1], result)
    code, value = ctl.json("history")
    check("history --json", code == 0 and [entry["revision"] for entry in value["entries"]] == list(range(2, 9)) and
          value["entries"][0]["command"] == "croomctl swap printer=number:7" and value["missed"] == 0, value)
    ctl("swap", "s2=text:" + "ä" * 500)
    command = ctl.json("history", "--count", "1")[1]["entries"][0]["command"]
    check("history: a long command line is cut at a character", re.fullmatch("croomctl swap s2=text:ä{100,}", command), command)
    result = ctl("list")
    check("list: a long config is cut, and it shows", re.search("^s2 +text:ä{50,200}\\.\\.\\.   since", result[1], re.M), result)


def loose_directories(ctl, host):
    """Where somebody else could put a socket, nothing is trusted, not even through a link of our own."""
    top = folder()
    open_to_all = f"{top}/open"
    os.mkdir(open_to_all)
    os.chmod(open_to_all, 0o1777)
    os.symlink(host.paths[0], f"{open_to_all}/host.socket")
    os.symlink(open_to_all, f"{top}/link")
    for path in (open_to_all, f"{top}/link"):
        for verb in ("list", "ls"):
            result = Ctl(path)(verb)
            check(f"{os.path.basename(path)} directory: {verb}", said(result, 5, "what answers there may be anything"), result)
    shutil.rmtree(top)


def two_rooms(ctl, directory):
    with Host(program, "--name", "other", directory=directory):
        result = ctl("list")
        check("two rooms: 2, and which there are", said(result, 2, "2 rooms are running; say which with --room: host, other"), result)
        code, value = ctl.json("list")
        check("two rooms: as JSON", code == 2 and value["error"] == "org.croom.ctl.WhichRoom", value)
        check("two rooms: --room", said(ctl("list", "-r", "other"), 0, "room other") and said(ctl("list", "-r", "host"), 0, "room host"))
        check("two rooms: ls", [room["name"] for room in ctl.json("ls")[1]] == ["host", "other"])
    dead = Host(program, "--name", "dead", directory=directory)
    dead.kill()
    result = ctl("ls")
    check("a killed room is none", "dead" not in result[1] and ctl("list")[0] == 0, result)
    check("not by its name, either", said(ctl("list", "-r", "dead"), 6, "no room dead"))
    os.unlink(dead.paths[0])


def watch_lines(ctl, host):
    run = ctl.begin("watch", "--json", "--interval", "50ms")
    frames = [json.loads(run.stdout.readline()) for _ in range(3)]
    ctl("swap", "s2=number:5")
    while not frames[-1]["changes"]:
        frames.append(json.loads(run.stdout.readline()))
    check("watch --json: a frame per line", frames[-1]["changes"][0]["command"] == "croomctl swap s2=number:5" and
          frames[0]["missed"] == 0, frames[-1])
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=PATIENCE)
    check("watch: Ctrl-C ends it with 0", run.returncode == 0, run.returncode)
    run = ctl.begin("watch", "--interval", "60s")
    lines = [run.stdout.readline() for _ in range(2)]
    check("watch: lines where there is no terminal", lines[0].startswith("room host, revision ") and "records/s" in lines[1] and
          "\033" not in lines[0], lines)
    start = time.monotonic()
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=PATIENCE)
    check("watch: ends at once, not with the next frame", run.returncode == 0 and time.monotonic() - start < 30, run.returncode)
    run = ctl.begin("watch", "--interval", "1s")
    last, lines = int(run.stdout.readline().split()[-1]), []
    for count in (300, 1000, 4000):    # a busy machine may be too slow for it to be too fast
        host.tell("storm", count, 5)
        last += count
        while lines[-1:] != [f"room host, revision {last}\n"]:
            lines.append(run.stdout.readline())
        if any("changes came too fast to show" in line for line in lines):
            break
    else:
        lines = []
    check("watch: says what came too fast to show", lines)
    run.terminate()
    run.communicate(timeout=PATIENCE)


class Terminal:
    """croomctl watch at a terminal of 14 lines and 60 columns."""

    def __init__(self, ctl):
        self.fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 14, 60, 0, 0))
        self.process = subprocess.Popen([croomctl, "watch", "--interval", "50ms"], env=ctl.environment, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True)
        os.close(slave)
        self.out = ""

    def read(self):
        try:
            more = os.read(self.fd, 65536).decode(errors="replace")
        except OSError:
            more = ""
        self.out += more
        return more

    def wait(self, text):
        while text not in self.out and self.read():
            pass
        return text in self.out

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return self.process.wait(timeout=PATIENCE)


def watch_screen(ctl):
    terminal = Terminal(ctl)
    terminal.wait("changes, newest first")
    ctl("swap", "printer=number:11")
    ctl("swap", "printer=number:12")
    check("screen: changes appear", terminal.wait("number:12"), terminal.out[-500:])
    while terminal.out.count("\033[H") < 5 and terminal.read():
        pass
    terminal.process.send_signal(signal.SIGINT)
    code = terminal.end()
    frames = terminal.out.split("\033[H")[1:]
    check("screen: drawn in place, never cleared as a whole", len(frames) > 4 and "\033[2J" not in terminal.out and
          all("\033[J" in frame for frame in frames), terminal.out[-300:])
    check("screen: no more lines than the terminal has", all(frame.count("\n") < 14 for frame in frames),
          [frame.count("\n") for frame in frames])
    lines = [line for frame in frames for line in re.sub("\033\\[[?0-9]*[a-zA-Z]", "", frame).replace("\r", "").split("\n")]
    check("screen: no longer ones than it is wide", max(map(len, lines)) <= 60, max(lines, key=len))
    check("screen: the cursor comes back at the end", terminal.out.count("\033[?25l") == 1 and
          terminal.out.rstrip("\r\n").endswith("\033[?25h"), terminal.out[-60:])
    check("screen: Ctrl-C is the usual end: 0", code == 0, code)


def outputs(ctl):
    for verb in ("list", "ls", "history", "--help", "--version", "watch"):
        with open("/dev/full", "w", encoding="ascii") as full:
            run = subprocess.run([croomctl, verb], env=ctl.environment, stdout=full, stderr=subprocess.PIPE, text=True,
                                 timeout=PATIENCE, check=False)
        check(f"{verb} >/dev/full: 1, and it says so", run.returncode == 1 and "cannot write" in run.stderr, run)
    for verb in ("list", "watch"):
        run = subprocess.run(["sh", "-c", f'"{croomctl}" {verb} | head -n 1'], env=ctl.environment, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        check(f"{verb} | head -1: quietly", run.stdout.startswith("room host") and run.stderr == "", run)


def other_users(ctl, host):
    names = ("5: not permitted", "5: somebody else's directory", "the hint at root's rooms")
    if os.getuid() != 0:
        for name in names:
            skip(name, "only root can become another user")
        return
    top = folder()
    os.chmod(top, 0o755)
    copy = shutil.copy(croomctl, top)

    def as_nobody(environment, *args, prefix=()):
        run = subprocess.run([*prefix, copy, *args], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
                             **({} if prefix else {"user": 65534, "group": 65534, "extra_groups": []}))
        return run.returncode, run.stdout, run.stderr

    os.chmod(host.folder, 0o755)
    result = as_nobody(ctl.environment, "list", "--socket", host.paths[0])
    check(names[0], said(result, 5, "no permission for"), result)
    result = as_nobody(ctl.environment, "list", "--socket", host.paths[0], "--json")
    check(names[0] + ", as JSON", result[0] == 5 and json.loads(result[1])["error"] == "org.croom.Room.NotPermitted", result)
    os.chmod(host.folder, 0o700)
    os.mkdir(f"{top}/foreign")
    os.chown(f"{top}/foreign", 1, 1)
    result = as_nobody(dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/foreign"), "list")
    check(names[1], said(result, 5, "belongs to another user"), result)
    result = as_nobody(dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/foreign"), "ls")
    check(names[1] + ": ls", said(result, 5, "belongs to another user"), result)
    os.chown(f"{top}/foreign", 0, 0)
    os.chmod(f"{top}/foreign", 0o700)
    result = as_nobody(dict(os.environ, CROOM_RUNTIME_DIR=f"{top}/foreign"), "ls")
    check("ls: a directory that cannot be read", said(result, 5, "no permission to look into"), result)
    bare = {"PATH": os.environ["PATH"]}
    become = ("unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && mkdir -m 700 /run/croom && "
              'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"', "sh")
    result = as_nobody(bare, "list", prefix=become)
    if result[0] == 6 or result[0] < 0:
        check(names[2], said(result, 6, "root's rooms, in /run/croom, need sudo"), result)
        opened = [word.replace("-m 700 /run/croom", "-m 755 /run/croom && install -m 600 /dev/null /run/croom/tap.socket")
                  for word in become]
        result = as_nobody(bare, "list", prefix=opened)
        check(names[2] + " that one may see, and not ask", said(result, 6, "root's rooms, in /run/croom, need sudo"), result)
        bare["CROOM_RUNTIME_DIR"] = top
        result = as_nobody(bare, "list", "-r", "none", prefix=become)
        check("and it does not change why there is none", said(result, 6, "No such file", "need sudo"), result)
    else:
        skip(names[2], f"no mount namespace here: {result[2][:100]}")
    result = ctl("list", "-r", "none")
    check("and root is told of --socket", said(result, 6, "a user's room needs --socket PATH"), result)
    shutil.rmtree(top)


def rooms_that_die(ctl, host):
    lines, terminal = ctl.begin("watch", "--interval", "50ms"), Terminal(ctl)
    lines.stdout.readline()
    terminal.wait("changes, newest first")
    check("the host ends well", host.end() == 0)
    _, err = lines.communicate(timeout=PATIENCE)
    check("watch: 6 when the room ends", lines.returncode == 6 and "room host has ended" in err, err)
    code = terminal.end()
    check("screen: the same, with its cursor back", code == 6 and "\033[?25h" in terminal.out and "has ended" in terminal.out,
          terminal.out[-200:])


def stopped(directory):
    """A room that does not answer: begun first, because it takes its time."""
    host, ctl = Host(program, directory=directory), Ctl(directory)
    host.process.send_signal(signal.SIGSTOP)
    runs = {args: ctl.begin(*args) for args in (("list",), ("list", "--json"), ("ls",), ("ls", "--json"),
                                                ("swap", "printer=plain", "--no-wait"))}

    def result():
        for args, run in runs.items():
            out, err = run.communicate(timeout=PATIENCE)
            if args[0] == "ls":
                good = run.returncode == 0 and ('"pid": null' in out or "does not answer" in out)
            else:
                good = run.returncode == 1 and "does not answer; is its program stopped?" in out + err and \
                    ("what was asked is done all the same" in out + err) == (args[0] == "swap")
            check(f"a stopped room: {' '.join(args)}", good, (run.returncode, out, err))
        host.process.send_signal(signal.SIGCONT)
        check("a stopped room: it goes on, and does what it was asked", "printer     plain" in ctl("list")[1] and host.end() == 0,
              ctl("list"))

    return result


def main():
    top = folder()
    stopped_result = stopped(f"{top}/stopped")
    ctl = Ctl(f"{top}/rooms")
    without_a_room(ctl)
    usage(ctl)
    with Host(program, directory=f"{top}/rooms") as host:
        reading(ctl, host)
        swapping(ctl, host)
        history(ctl)
        two_rooms(ctl, f"{top}/rooms")
        loose_directories(ctl, host)
        watch_lines(ctl, host)
        watch_screen(ctl)
        outputs(ctl)
        os.chmod(top, 0o755)
        other_users(ctl, host)
        rooms_that_die(ctl, host)
    stopped_result()
    shutil.rmtree(top)
    finish()


main()
