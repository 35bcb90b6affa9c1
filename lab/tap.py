#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lab's tap suite: croomtap beside tcpdump on real packets. Prints the lines that lab/README.md describes, and
nothing else, to standard output; the exit code is 1 when one of them is `failed`.

  read     captures of real traffic, to text and to pcap: CPU time, packets a second, peak memory
  live     100,000 numbered packets a second: all slots swapped all the time, beside restarts of tcpdump
  burst    300,000 a second to text in a file
  restart  from exec to the first record, beside a swap

Needs no root: all but restart runs in a network namespace of its own, which goes with the last process in it."""
import argparse
import collections
import contextlib
import filecmp
import glob
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{TOP}/test/tap")
from rig import PATIENCE, Refused, Tap, ip, no_namespace, received_by, swaps, tally, veth, write_capture  # noqa: E402

PARTS = ("read", "live", "burst", "restart")
MODES = ("text", "pcap on disk", "pcap at /dev/null")   # of read
# Who is not root stays who he is in a namespace of his: as its root, tcpdump would want to become another user, and fail.
UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-cn", "--keep-caps"]
# The amounts of a run. reads: rounds of each mode; live: rounds, seconds, restarts; burst: rounds, seconds. In the quick run
# all packets of live and of burst fit into croomtap's buffers: it may lose none, however busy the machine is.
FULL = {"redis": 50_000, "web": 40_000, "bulk": 300_000_000, "reads": (5, 15, 15), "peaks": 3, "live": (5, 4.0, 5),
        "burst": (3, 4.0), "restarts": 41}
QUICK = {"redis": 5_000, "web": 3_000, "bulk": 30_000_000, "reads": (1, 3, 3), "peaks": 1, "live": (1, 0.5, 2),
         "burst": (1, 0.2), "restarts": 7}
LIVE_RATE, BURST_RATE, SWAP_PACE = 100_000, 300_000, 20_000
# tcpdump gets a block of packets from the kernel when the block is full, or after a second. Who stops it before that sees
# packets missing that it would have shown.
SETTLE = 1.2


class Lines:
    """What goes to standard output. Whatever else a program of ours says there goes to standard error."""

    def __init__(self):
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.failed = self.done = self.of = 0

    def line(self, kind, **members):
        print(json.dumps({"kind": kind, "suite": "tap", **members}), file=self.out, flush=True)

    def fail(self, what, why):
        self.failed += 1
        self.line("failed", what=what, why=why[:300])

    def step(self, what):
        self.line("progress", done=self.done, of=self.of, what=what)
        self.done += 1


class Case:
    """Samples by subject, round by round. ours: which subjects are croomtap; reference: which they are held against."""

    def __init__(self, name, unit, better, subjects=("croomtap", "tcpdump"), ours=("croomtap",), reference="tcpdump"):
        self.members = {"case": name, "unit": unit, "better": better, "reference": reference}
        self.samples = {subject: [] for subject in subjects}
        self.ours, self.dropped = ours, {}

    def round(self, *samples, drop=None):
        """One sample of each subject; drop: why this round does not count."""
        for subject, sample in zip(self.samples, samples, strict=True):
            self.samples[subject].append(None if drop else round(sample, 6))
        if drop:
            self.dropped[drop] = self.dropped.get(drop, 0) + 1

    def emit(self, lines, **params):
        subjects = {name: {"ours": name in self.ours, "samples": samples} for name, samples in self.samples.items()}
        lines.line("case", **self.members, subjects=subjects, params=params, dropped=self.dropped, counters={})


Timed = collections.namedtuple("Timed", "wall cpu code")   # seconds, seconds, exit code
# How a kind of capture is made: its name in cases and in files, who serves, who asks and must be there.
Plan = collections.namedtuple("Plan", "name short port serve tools client")


class Lab:
    """What the parts share: the programs, the amounts, a folder that goes in the end."""

    def __init__(self, options, lines, folder):
        self.tap, self.sender, self.captures = options.croomtap, options.sender, options.work
        self.amounts = QUICK if options.quick else FULL
        self.lines, self.folder, self.children = lines, folder, []
        # As root it would become another user, who may not read nor write here.
        self.tcpdump = [shutil.which("tcpdump"), *(["-Z", "root"] if os.geteuid() == 0 else [])]

    def path(self, name):
        return f"{self.folder}/{name}"

    def start(self, *command, stdout=subprocess.DEVNULL, **how):
        """A program that ends with the part at the latest."""
        self.children.append(subprocess.Popen(command, stdout=stdout, **how))
        return self.children[-1]

    def end(self):
        while self.children:
            child = self.children.pop()
            if child.poll() is None:
                child.kill()
            child.communicate()

    def dump(self, *words, stdout=subprocess.DEVNULL):
        """A tcpdump that captures by the time this returns."""
        dump, said = self.start(*self.tcpdump, *words, stdout=stdout, stderr=subprocess.PIPE, text=True), ""
        while "listening on" not in said:
            more = dump.stderr.readline()
            if not more:
                raise OSError(f"tcpdump {' '.join(words)}: {said.strip() or 'it ended'}")
            said += more
        return dump

    # ---- read

    def record(self):
        """The captures: redis-benchmark on redis-server (small packets), ab on nginx (pages), curl fetching one large file
        (frames of up to 64 KiB, which loopback and offloads make). By name: those of an earlier run, else new ones; what a
        missing program cannot make is skipped."""
        plans = (Plan("redis packets", "redis", 7777, self.serve_redis, ("redis-server", "redis-benchmark"),
                      ("redis-benchmark", "-p", "7777", "-q", "-t", "set,get,lpush,incr", "-n", str(self.amounts["redis"]))),
                 Plan("web packets", "web", 80, self.serve_web, ("nginx", "ab"),
                      ("ab", "-q", "-c", "4", "-n", str(self.amounts["web"]), "http://127.0.0.1/index.html")),
                 Plan("bulk frames", "bulk", 81, self.serve_web, ("nginx", "curl"),
                      ("curl", "-s", "-o", "/dev/null", "http://127.0.0.1:81/large")))
        captures, wanted = {}, []
        for plan in plans:
            path = f"{self.captures}/{plan.short}-{self.amounts[plan.short]}.pcap"
            missing = [tool for tool in plan.tools if not shutil.which(tool)]
            if missing and not os.path.exists(path):
                self.lines.line("skip", what=f"read, {plan.name}", why=f"{' and '.join(missing)} not installed")
                continue
            captures[plan.name] = path
            if not os.path.exists(path):
                wanted.append(plan)
        for serve in {plan.serve for plan in wanted}:
            serve()
        dumps = [self.dump("-i", "lo", "-s", "262144", "-B", "131072", "-w", self.path(plan.short), f"tcp port {plan.port}")
                 for plan in wanted]
        for plan in wanted:
            wait_for_port(plan.port)
            subprocess.run(plan.client, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for plan, dump in zip(wanted, dumps):   # the last packets may be missing; that is no matter
            stop(dump)
            os.rename(self.path(plan.short), captures[plan.name])
        self.end()
        return captures

    def serve_redis(self):
        self.start("redis-server", "--port", "7777", "--save", "", "--appendonly", "no", cwd=self.folder)

    def serve_web(self):
        folder = self.path("served")
        os.mkdir(folder)
        temporary = " ".join(f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root root; " if os.geteuid() == 0 else ""   # who is not root may not even say so
        with open(f"{folder}/conf", "w", encoding="ascii") as file:
            file.write(f"{user}daemon off; master_process off; pid {folder}/pid; error_log /dev/null crit; events {{ }}\n"
                       f"http {{ access_log off; {temporary}\n"
                       f"server {{ listen 127.0.0.1:80; listen 127.0.0.1:81; root {folder}; }} }}\n")
        with open(f"{folder}/index.html", "wb") as file:
            file.write(b"x" * 3000)
        with open(f"{folder}/large", "wb") as file:
            file.truncate(self.amounts["bulk"])
        self.start("nginx", "-e", "/dev/null", "-p", folder, "-c", f"{folder}/conf")

    def timed(self, command):
        """Run it; its output goes nowhere."""
        begin = time.perf_counter()
        child = self.start(*command, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return Timed(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, child.returncode)

    def peak(self, command):
        """Its peak resident memory in MiB, as its own page in /proc says until it ends. What wait4() says begins with that
        of the program it was forked from, which is this one and larger."""
        child, peak = self.start(*command, stderr=subprocess.DEVNULL), 0
        while child.poll() is None:
            with open(f"/proc/{child.pid}/status", encoding="utf-8") as file:
                peak = max([peak] + [int(line.split()[1]) for line in file if line.startswith("VmHWM:")])
            time.sleep(0.001)
        return peak / 1024

    def read(self):
        self.lines.step("recording redis, web and bulk traffic")
        captures, peaks = self.record(), Case("peak memory", "MiB", "lower")
        self.lines.of -= (3 - len(captures)) * sum(self.amounts["reads"])
        for name, path in captures.items():
            said = subprocess.run([self.tap, "-r", path, "--printer", "none", "--no-control"], capture_output=True, text=True,
                                  check=True).stderr
            count = int(said.split()[0])
            for mode, rounds in zip(MODES, self.amounts["reads"]):
                self.read_one(name, path, mode, count, rounds)
        for number in range(self.amounts["peaks"]):
            self.lines.step(f"peak memory {number + 1}")
            peaks.round(*(max(self.peak(self.reading(program, path, mode)) for path in captures.values() for mode in MODES[::2])
                          for program in ("croomtap", "tcpdump")))
        if captures:
            peaks.emit(self.lines, captures=len(captures))

    def reading(self, program, path, mode):
        target = dict(zip(MODES, (None, self.path(f"copy.{program}"), "/dev/null")))[mode]
        ours = program == "croomtap"
        command = [self.tap, "--no-control"] if ours else self.tcpdump
        return [*command, "-r", path, *(["-w", target] if target else [] if ours else ["-nq"])]

    def read_one(self, name, path, mode, count, rounds):
        cpu = Case(f"read to {mode}, {name}", "us", "lower")
        speed = Case(f"packets/s, read to {mode}, {name}", "M/s", "higher")
        copies = [self.path(f"copy.{program}") for program in ("croomtap", "tcpdump")]
        for number in range(rounds):
            self.lines.step(f"read to {mode}, {name}, {number + 1}")
            taken = {}
            for program in ("croomtap", "tcpdump")[::-1 if number % 2 else 1]:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path(f"copy.{program}"))   # emptying the last one is not what it is measured for
                taken[program] = self.timed(self.reading(program, path, mode))
            if taken["croomtap"].code:
                self.lines.fail(f"read to {mode}, {name}", f"croomtap ended with {taken['croomtap'].code}")
            drop = "tcpdump failed" if taken["tcpdump"].code else "croomtap failed" if taken["croomtap"].code else None
            both = taken["croomtap"], taken["tcpdump"]
            cpu.round(*(one.cpu * 1e6 / count for one in both), drop=drop)
            speed.round(*(count / one.wall / 1e6 for one in both), drop=drop)
        if mode == "pcap on disk" and not filecmp.cmp(*copies, shallow=False):
            self.lines.fail(f"read to {mode}, {name}", "the copies are not the same bytes")
        for case in (cpu, speed):
            case.emit(self.lines, packets=count, bytes_per_packet=os.path.getsize(path) // count)

    # ---- live and burst

    def send(self, rate, count):
        return self.start(self.sender, "far", str(rate), str(count), stdout=subprocess.PIPE, text=True)

    def judge(self, what, tap, count, kernel, files):
        """What went missing in a run of ours, which has ended; any loss is a failure, and so is what does not add up."""
        account, (missing, doubled) = tap.account(), tally(files, count)
        if tap.process.returncode or not account.get("adds up"):
            self.lines.fail(what, f"croomtap ended with {tap.process.returncode}: {tap.err.decode(errors='replace')[-200:]}")
        if not kernel == account.get("received") == count:
            self.lines.fail(what, f"{count} sent, the kernel counts {kernel}, croomtap {account.get('received')}")
        if missing or doubled:
            self.lines.fail(what, f"{missing} of {count} packets missing, {doubled} doubled; "
                            f"croomtap itself says LOST {account.get('LOST')}")
        for file in files:
            os.unlink(file)
        return missing, doubled

    def live_croomtap(self, count):
        done, refused = 0, None
        with Tap(self.tap, "-i", "near", "-w", self.path("live"), "--printer", "text", "--split") as tap:
            room, before = tap.room(), received_by("near")
            sender = self.send(LIVE_RATE, count)
            for change in swaps(self.folder):
                if sender.poll() is not None:
                    break
                try:
                    room.swap(**change)
                    done += 1
                except Refused as error:
                    refused = refused or f"a swap was refused: {error}"
            reached, kernel = reached_by(sender, count), received_by("near") - before
            tap.interrupt()
            tap.end()
        if refused:
            self.lines.fail("live", refused)
        return (reached, done, *self.judge("live", tap, count, kernel, glob.glob(self.path("live*"))))

    def live_tcpdump(self, count, restarts):
        """What changing the filter costs where it takes a restart: as quickly as a program can do it."""
        def start(i):
            return self.dump("-i", "near", "-B", "16384", "-w", self.path(f"dump.{i}"), ("udp", "ip")[i % 2])

        dump, sender = start(0), self.send(LIVE_RATE, count)
        for i in range(restarts):
            time.sleep(count / LIVE_RATE / (restarts + 1))
            stop(dump)
            dump = start(i + 1)
        reached = reached_by(sender, count)
        time.sleep(SETTLE)
        stop(dump)
        files = glob.glob(self.path("dump.*"))
        missing, doubled = tally(files, count)
        for file in files:
            os.unlink(file)
        return reached, restarts, missing, doubled

    def live(self):
        rounds, seconds, restarts = self.amounts["live"]
        count, reached = int(LIVE_RATE * seconds), []
        per_change = Case("live, missing per change", "packets", "lower")
        changes = Case("live, changes", "changes", "higher")
        missing, doubled = Case("live, missing", "packets", "lower"), Case("live, doubled", "packets", "lower")
        cases = (per_change, changes, missing, doubled)
        for number in range(rounds):
            self.lines.step(f"live, croomtap {number + 1}")
            ours = self.live_croomtap(count)
            self.lines.step(f"live, tcpdump {number + 1}")
            both = ours, self.live_tcpdump(count, restarts)
            reached += [one[0] for one in both]
            drop = too_slow(LIVE_RATE, [one[0] for one in both])
            per_change.round(*(one[2] / max(one[1], 1) for one in both), drop=drop)
            for case, at in zip(cases[1:], (1, 2, 3)):
                case.round(*(one[at] for one in both), drop=drop)
        for case in cases:
            case.emit(self.lines, rate=LIVE_RATE, packets=count, seconds=seconds, reached=round(statistics.median(reached)),
                      reached_least=round(min(reached)))

    def burst_croomtap(self, count):
        with Tap(self.tap, "-i", "near", "-w", self.path("burst"), "--printer", "text") as tap:
            tap.room()
            before = received_by("near")
            reached, kernel = reached_by(self.send(BURST_RATE, count), count), received_by("near") - before
            used = cpu_of_children()
            tap.interrupt()
            tap.end()
        used = cpu_of_children() - used
        missing, _ = self.judge("burst 300 k/s", tap, count, kernel, [self.path("burst")])
        return reached, missing, used * 1e6 / count

    def burst_tcpdump(self, count, *words):
        with open(self.path("burst"), "wb") as out:
            dump = self.dump("-nq", "-i", "near", *words, stdout=out)
            reached = reached_by(self.send(BURST_RATE, count), count)
            time.sleep(SETTLE)
            used = cpu_of_children()
            stop(dump)
        used = cpu_of_children() - used
        missing, _ = tally([self.path("burst")], count)
        return reached, missing, used * 1e6 / max(count - missing, 1)

    def burst(self):
        rounds, seconds = self.amounts["burst"]
        count, reached = int(BURST_RATE * seconds), []
        subjects = ("croomtap", "tcpdump", "tcpdump -B 16384")   # the last one with a buffer as large as ours
        missing = Case("burst 300 k/s, missing", "packets", "lower", subjects)
        cpu = Case("burst 300 k/s, CPU per packet", "us", "lower", subjects)
        for number in range(rounds):
            results = []
            for subject, one in zip(subjects, (self.burst_croomtap, self.burst_tcpdump,
                                               lambda count: self.burst_tcpdump(count, "-B", "16384"))):
                self.lines.step(f"burst, {subject} {number + 1}")
                results.append(one(count))
            reached += [one[0] for one in results]
            drop = too_slow(BURST_RATE, [one[0] for one in results])
            missing.round(*(one[1] for one in results), drop=drop)
            cpu.round(*(one[2] for one in results), drop=drop)
        for case in (missing, cpu):
            case.emit(self.lines, rate=BURST_RATE, packets=count, seconds=seconds, reached=round(statistics.median(reached)),
                      reached_least=round(min(reached)))

    # ---- full restart

    def restart(self):
        """From exec until the first line comes out of a pipe, beside a swap from its call until the first line under the new
        panel does, and until the reply. The tap that is swapped is stopped while the others are measured."""
        subjects = ("croomtap, exec to first record", "tcpdump, exec to first record", "croomtap, swap over the socket",
                    "croomtap, swap to its reply")
        case = Case("full restart", "us", "lower", subjects, subjects[::2] + subjects[3:], subjects[1])
        rounds, small, paced = self.amounts["restarts"], self.path("small.pcap"), self.path("paced.pcap")
        write_capture(small, 100)
        write_capture(paced, SWAP_PACE * (3 + rounds // 8))
        environment = dict(os.environ, XDG_RUNTIME_DIR=self.folder)
        self.lines.step("full restart")
        with Tap(self.tap, "-r", paced, "--pace", str(SWAP_PACE), stdout=subprocess.PIPE) as tap:
            room, output, tap.process.stdout = tap.room(), Output(tap.process.stdout), None
            for number in range(-1, rounds):   # one to warm up
                tap.interrupt(signal.SIGSTOP)
                ours = first_line([self.tap, "-r", small], environment)
                peer = first_line([*self.tcpdump, "-l", "-nq", "-r", small], environment)
                tap.interrupt(signal.SIGCONT)
                time.sleep(0.02)
                printer = ("json", "text")[number % 2]
                output.expect(printer)
                start = time.perf_counter()
                room.swap(printer=printer)
                reply = time.perf_counter() - start
                swap = output.came() - start
                if number >= 0:
                    case.round(ours * 1e6, peer * 1e6, swap * 1e6, reply * 1e6)
        case.emit(self.lines, packets=100, pace=SWAP_PACE, swap_in_process="see suite swap")


class Output(threading.Thread):
    """Reads what a tap prints, and says when the first line of another format came."""
    BEGIN = {"json": b"\n{", "text": b"\n2"}   # the captures of rig.py begin at 22:13:20 UTC

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.wanted, self.when, self.seen = pipe, None, 0.0, threading.Event()
        self.start()

    def expect(self, printer):
        self.seen.clear()
        self.wanted = self.BEGIN[printer]

    def came(self):
        if not self.seen.wait(PATIENCE):
            raise TimeoutError("no line under the new panel")
        return self.when

    def run(self):
        last = b""
        while more := os.read(self.pipe.fileno(), 65536):
            if self.wanted and self.wanted in last + more:
                self.when, self.wanted = time.perf_counter(), None
                self.seen.set()
            last = more[-1:]


def first_line(command, environment):
    """Seconds from just before its exec until its first whole line has come."""
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
    os.close(writer)
    with open(reader, "rb", buffering=0) as pipe:
        said = b""
        while b"\n" not in said and (more := pipe.read(65536)):
            said += more
        took = time.perf_counter() - start
        pipe.readall()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status or b"\n" not in said:
        raise OSError(f"{' '.join(command)} ended with {status} and said {said[:100]}")
    return took


def stop(dump):
    dump.send_signal(signal.SIGINT)
    dump.communicate(timeout=PATIENCE)


def reached_by(sender, count):
    """The packets a second that it came to."""
    seconds = float(sender.communicate(timeout=10 * PATIENCE)[0].split()[0])
    if sender.returncode:
        raise OSError(f"the sender ended with {sender.returncode}")
    return count / seconds


def cpu_of_children():
    """Of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def too_slow(rate, reached):
    return "the sender reached less than 95 % of its rate" if min(reached) < 0.95 * rate else None


def wait_for_port(port):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def steps(amounts, parts):
    return sum({"read": 1 + 3 * sum(amounts["reads"]) + amounts["peaks"], "live": 2 * amounts["live"][0],
                "burst": 3 * amounts["burst"][0], "restart": 1}[part] for part in parts)


def suite(options, lines, parts):
    os.makedirs(options.work, exist_ok=True)
    for program in (options.croomtap, options.sender):
        if not os.access(program, os.X_OK):
            lines.fail("tap", f"{program} is not there; build it first")
            return
    lines.of = steps(QUICK if options.quick else FULL, parts)
    with tempfile.TemporaryDirectory(prefix="tap-", dir=options.work) as folder:
        lab = Lab(options, lines, folder)
        if options.inside:
            ip("link", "set", "lo", "up")
            veth()
        for part in parts:
            try:
                getattr(lab, part)()
            except (OSError, EOFError, ValueError, IndexError, Refused, TimeoutError, subprocess.SubprocessError) as error:
                lines.fail(part, f"it could not run: {error}")
            finally:
                lab.end()
        lines.line("progress", done=lines.of, of=lines.of, what="done")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="some 10 seconds in all, too short to quote")
    parser.add_argument("--croomtap", default=f"{TOP}/build/bin/croomtap", help="which to measure")
    parser.add_argument("--sender", default=f"{TOP}/build/gcc/lab/sender", help="what sends the numbered frames")
    parser.add_argument("--work", default=f"{TOP}/build/tap", help="folder for the captures, which are kept, and for copies")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    odd = [part for part in options.parts if part not in PARTS]
    if odd:
        parser.error(f"no such part: {', '.join(odd)}; there are {', '.join(PARTS)}")
    for name in ("croomtap", "sender", "work"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # so that servers and captures end with us
    parts, lines = options.parts or PARTS, Lines()
    if not options.inside:
        reason = no_namespace(unshare=UNSHARE)
        if not shutil.which("tcpdump"):
            reason, parts, skipped = "tcpdump not installed", (), parts
        elif reason:
            parts, skipped = [part for part in parts if part == "restart"], [part for part in parts if part != "restart"]
        else:
            os.dup2(lines.out.fileno(), 1)
            os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, os.path.abspath(__file__), "--inside", *sys.argv[1:]])
        for part in skipped:
            lines.line("skip", what=part, why=reason)
    if parts:
        suite(options, lines, parts)
    return 1 if lines.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, BrokenPipeError):   # nobody reads the lines any more
        sys.exit(130)
