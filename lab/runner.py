# SPDX-License-Identifier: BSD-2-Clause
"""Run the suites, one program each, and collect what they say line by line. A suite that crashes, hangs or says something
odd is named; the others still run. Whatever ends the run, no program of ours outlives it."""
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time

import results

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PATIENCE = 300.0       # seconds that a suite may say nothing for
LINE_MAX = 64 << 20    # a case of a million samples is still shorter


class Interrupted(Exception):
    """Ctrl-C, or somebody's SIGTERM: what was measured so far is kept."""


def engine():
    """The engine's path; Bad when it is not built."""
    named = os.environ.get("CROOM_LAB_ENGINE")
    for path in [named] if named else [f"{TOP}/build/lab/engine", f"{TOP}/build/gcc/lab/engine"]:
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise results.Bad(f"cannot run {named}, which CROOM_LAB_ENGINE names" if named else
                      "the lab's engine is not built: make lab builds it (or name one in CROOM_LAB_ENGINE)")


def command(suite, quick, cpus):
    more = ["--quick"] if quick else []
    if suite == "tap":
        if not os.path.exists(f"{TOP}/lab/tap.py"):
            raise FileNotFoundError(2, "there is no lab/tap.py")
        return [sys.executable, f"{TOP}/lab/tap.py", *more]
    return [engine(), suite, *more, *(["--cpus", cpus] if cpus else [])]


class Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self, stream, pause=15.0):
        self.stream, self.pause, self.tty = stream, pause, stream.isatty()
        self.began, self.said, self.width = time.monotonic(), -1e9, 0

    def show(self, suite, index, of, done=0, parts=0, what="", force=False):
        elapsed = time.monotonic() - self.began
        if not force and elapsed - self.said < (0.1 if self.tty else self.pause):
            return
        self.said = elapsed
        step = f" {done} of {parts}" if parts else ""
        line = f"[{elapsed / 60:.0f}:{elapsed % 60:02.0f}] suite {index} of {of}: {suite}{step}{': ' + what if what else ''}"
        if not self.tty:
            self.write(line + "\n")
            return
        try:
            columns = os.get_terminal_size(self.stream.fileno()).columns or 80
        except (OSError, ValueError):
            columns = 80
        line = line[:columns - 1]
        self.write("\r" + line + " " * max(0, self.width - len(line)))
        self.width = len(line)

    def clear(self):
        if self.tty and self.width:
            self.write("\r" + " " * self.width + "\r")
            self.width = 0

    def write(self, text):
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            pass   # nobody watches: the run goes on


def over(child, patience):
    """Whether it ends in so many seconds. It stays a zombie, so that its number, and its group's, is nobody else's."""
    until = time.monotonic() + patience
    while not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)
    return True


def end(child):
    """Ask, then insist; with it goes what it started, which is in its process group. Nobody has waited for it before."""
    for number, patience in ((signal.SIGINT, 3), (signal.SIGTERM, 1)):
        if not over(child, 0):
            os.kill(child.pid, number)
            over(child, patience)
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    child.wait()


def lines_of(child):
    """The lines that it prints, as bytes; TimeoutError when it says nothing for PATIENCE seconds."""
    rest, fd = bytearray(), child.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if not selector.select(PATIENCE):
                raise TimeoutError(f"it said nothing for {PATIENCE:.0f} s")
            data = os.read(fd, 1 << 16)
            if not data:
                break
            rest += data
            if len(rest) > LINE_MAX:
                raise TimeoutError("it printed a line without an end")
            if b"\n" in data:
                *whole, last = rest.split(b"\n")
                rest = bytearray(last)
                yield from (bytes(line) for line in whole if line.strip())
    if rest.strip():
        yield bytes(rest)


def last_words(file):
    """What it said on the standard error, at most its last two lines."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 2000))
    text = file.read().decode("utf-8", "replace").replace(f"{TOP}/", "").strip().splitlines()[-2:]   # a run names no paths
    return results.word(" / ".join(text)[-250:], "", empty=True)


def how_it_ended(code):
    if code >= 0:
        return f"it ended with {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


def run_suite(run, suite, quick, cpus, report):
    """One suite. Its failures go into run["failed"]."""
    def failed(what, why):
        run["failed"].append({"suite": suite, "what": what, "why": why})

    before, said_failed, odd = len(run["cases"]) + len(run["distributions"]), len(run["failed"]), []
    skipped = len(run["skipped"])
    with tempfile.TemporaryFile() as errors:
        try:
            child = start(command(suite, quick, cpus), errors)
        except OSError as error:
            failed("the whole suite", f"it cannot be started: {error.strerror}")
            return
        why = ""
        try:
            for line in lines_of(child):
                try:
                    one = results.parse(line.decode("utf-8"))
                    progress = results.take(run, one)
                    if progress:
                        report(suite, progress)
                    elif one["kind"] == "machine":
                        run["machine"].setdefault("measured", {})[suite] = results.plain(
                            {key: value for key, value in one.items() if key != "kind"}, 6)
                except (results.Odd, UnicodeDecodeError) as error:
                    odd.append(str(error)[:150])
            # Its end was read; what comes after that is for end().
            over(child, PATIENCE)
        except TimeoutError as error:
            why = str(error)
        finally:
            quiet = hush()
            end(child)
            child.stdout.close()
            quiet()
        code = child.returncode
        if not why and code:
            why = how_it_ended(code)
        told = last_words(errors) if why else ""
        if odd:
            failed("the engine's lines", f"{len(odd)} of them cannot be understood; the first: {odd[0]}")
        # A suite that says what failed and then ends with 1 has said it already.
        if why and (len(run["failed"]) == said_failed or code != 1):
            failed("the whole suite", why + (f": {told}" if told else ""))
        elif not why and len(run["cases"]) + len(run["distributions"]) == before and len(run["failed"]) == said_failed and \
                len(run["skipped"]) == skipped:
            failed("the whole suite", "it ended without a single figure")


def hush():
    """While programs are being ended and files written, a second Ctrl-C must not stop just that. Returns how to undo it."""
    old = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def undo():
        for number, handler in old.items():
            signal.signal(number, handler)
    return undo


class Pending:
    """A signal that came while a program was being started: to raise then would leave it running, without a parent."""
    hold, came = False, 0


def start(words, errors):
    """In a process group of its own: a terminal's Ctrl-C reaches us, and we end it."""
    Pending.hold = True
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, process_group=0)
    finally:
        Pending.hold = False
    if Pending.came:
        end(child)
        child.stdout.close()
        raise Interrupted(signal.Signals(Pending.came).name)
    return child


def on_signal(number, _frame):
    if Pending.hold:
        Pending.came = number
    else:
        raise Interrupted(signal.Signals(number).name)


def listen():
    """Have signals end the run in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, on_signal)
