#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What croomtap says to what is typed, to broken files and to outputs that fail: command-line.py CROOMTAP [PART...]"""
import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from rig import PATIENCE, Tap, check, finish, frame, numbers, write_capture

PROGRAM = os.path.abspath(sys.argv[1])


def run(*args, **more):
    """(exit code, stdout, stderr); without a control socket."""
    more = {"stdin": subprocess.DEVNULL, "timeout": 5 * PATIENCE, **more}
    one = subprocess.run([PROGRAM, *([] if "--room" in args else ["--no-control"]), *args], capture_output=True, check=False,
                         **more)
    return one.returncode, one.stdout, one.stderr.decode(errors="replace")


def says(name, args, code, *words, **more):
    got, _, err = run(*args, **more)
    clean = "Sanitizer" not in err and "runtime error" not in err
    return check(name, got == code and clean and all(word in err for word in words), f"exit code {got}: {err[-600:]}")


def wrong_values(capture):
    table = [
        ("-c", "0"), ("-c", "-1"), ("-c", "1e3"), ("-c", " 5"), ("-c", "18446744073709551616"), ("-c", ""),
        ("-s", "-1"), ("-s", "262145"), ("-s", "x"), ("-B", "0"), ("-B", "2097152"), ("-B", "4M"), ("--ring", "0"),
        ("--ring", "4097"), ("--ring", "0x10"), ("--pace", "0"), ("--pace", "fast"), ("--pace", "-5"), ("--pace", ""),
        ("--printer", "xml"), ("--printer", "json:x"), ("--printer", ""), ("--strategy", "sample"),
        ("--strategy", "sample:0"), ("--strategy", "sample:-3"), ("--strategy", "flows:0s"), ("--strategy", "flows:9d"),
        ("--strategy", "flows:25h"), ("--strategy", "flows:5124096h"), ("--diag", "latency:86401"), ("--diag", "latency:5124096h"),
        ("--strategy", "top:0"), ("--strategy", "top:1001"), ("--filter", "bpf:"), ("--filter", "bpf:tcp prot 80"),
        ("--filter", "tcp"), ("--audit", "file"), ("--audit", "on"), ("--metrics", "statsd:here"),
        ("--metrics", "statsd::1"), ("--metrics", "statsd:127.0.0.1:99999x"), ("--metrics", "file"), ("--diag", "latency:x"),
        ("--diag", "drops:1"), ("--room", ""), ("--room", "a b"), ("--room", "x" * 32), ("--room", "../x"),
    ]
    for option, value in table:
        says(f"{option} {value[:33]!r}: exit code 2 and a message that names the option", ["-r", capture, option, value], 2,
             f"croomtap: {option}")
    for option, typed, near in (("--printer", "jsn", "json"), ("--strategy", "flow", "flows"), ("--metrics", "statd:a:1", "statsd"),
                                ("--diag", "latncy", "latency")):
        says(f"{option} {typed}: shows the nearest name", ["-r", capture, option, typed], 2, option, f"did you mean {near}?")
    for args in (["-c"], ["-i"], ["--printer"]):
        says(f"{args[0]} without a value", args, 2, f"{args[0]} needs a value")
    for option, instead in (("-e", "--printer json"), ("-tttt", "--nano"), ("-x", "tshark"), ("-A", "tshark"), ("-G", "croomctl swap"),
                            ("-Z", "-i -r -w -s -c -B -p"), ("--unbuffered", "croomtap --help")):
        says(f"{option}, of tcpdump's or nobody's: exit code 2, and what there is", ["-r", capture, option], 2,
             f"no option {option if option[1] == '-' else option[:2]}", instead)
    says("neither -i nor -r", [], 2, "-i INTERFACE", "-D lists")
    says("-i and -r", ["-i", "lo", "-r", capture], 2, "-i and -r together")
    says("--pace with -i", ["-i", "lo", "--pace", "5"], 2, "--pace is for -r")
    says("--lane-seccomp without --spin", ["-r", capture, "--lane-seccomp"], 2, "needs --spin")
    says("--filter and an expression", ["-r", capture, "--filter", "all", "tcp"], 2, "--filter and a filter expression")
    says("a wrong expression", ["-r", capture, "tcp", "prot", "80"], 2, "filter expression", "tcp prot 80")
    says("a wrong expression that is long: the reason is there", ["-r", capture, "tcp or " * 300 + "udp prot 80"], 2, "tcp or tcp",
         "syntax error")
    says("an expression that takes minutes to compile", ["-r", capture, " or ".join(f"port {n}" for n in range(1, 1500))], 2,
         "longer than 4096 bytes")
    says("a filter that some packet would never come out of", ["-r", capture, "ip6 protochain 6"], 2, "protochain", "never ends")


def right_values(capture):
    code, out, _ = run("--help")
    check("--help: exit code 0 and every option", code == 0 and all(word in out.decode() for word in (
        "-i INTERFACE", "--strategy", "--metrics", "--split", "croomctl swap")), out[:300])
    check("-h is --help", run("-h")[:2] == (0, out), "other text")
    code, out, _ = run("--version")
    check("--version: ours and libpcap's", code == 0 and re.match(rb"croomtap \d+\.\d+\.\d+, libpcap", out), out)
    for words in (["--help"], ["--version"], ["-D"]):
        with open("/dev/full", "wb") as full:
            one = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, check=False)
        check(f"{words[0]} to a full disk: exit code 1 and a word", one.returncode == 1 and b"cannot write: " in one.stderr, one)
    code, out, err = run("-D")
    check("-D: exit code 0 and a numbered list", code == 0 and re.match(rb"1\.\S+", out), f"{out} {err}")
    code, plain, _ = run("-r", capture)
    check("text is the default on standard output", code == 0 and numbers(plain) == list(range(500)), plain[:200])
    check("-n -nn -q -l -U change nothing", run("-n", "-nn", "-qlU", "-r", capture)[:2] == (0, plain), "other output")
    code, some, err = run("-r", capture, "udp", "and", "src", "port", "4100")
    check("an expression in several words", code == 0 and numbers(some) == [4, 260], f"{code} {numbers(some)[:9]} {err}")
    check("options behind it, as tcpdump takes them", run("-r", capture, "udp", "and src port", "4100", "-c", "1", "-n")[1] ==
          some.splitlines(keepends=True)[0], "other output")
    code, out, err = run("-r", capture, "-c", "7")
    check("-c ends after as many", code == 0 and out == b"".join(plain.splitlines(keepends=True)[:7]) and
          re.search(r"= 7 printed .* 493 left at -c", err), err)
    check("-c counts what the filter kept", run("-r", capture, "-c", "1", "src port 4100")[1] ==
          some.splitlines(keepends=True)[0], "other output")
    says("-c 2^64-2, -B 1, -p and --ring 4096 are taken", ["-r", capture, "-c", "18446744073709551614", "-B", "1", "-p",
                                                           "--ring", "64", "-w", "/dev/null"], 0, "LOST 0")
    says("-s on a file says that it does nothing", ["-r", capture, "-s", "40", "-w", "/dev/null"], 0, "-s is for -i")
    with Tap(PROGRAM, "-r", "-", *["udp and port 9 or " * 30 + "tcp"], stdin=subprocess.PIPE) as tap:
        with open(capture, "rb") as file:
            tap.process.stdin.write(file.read())
        tap.process.stdin.flush()
        shown = tap.room().call("List")["program"]
        check("a long command line is shown cut", 200 < len(shown) < 256 and shown.startswith("croomtap -r - udp and port 9"),
              shown)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(*blocks):
    return block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + b"".join(blocks)


def interface(link, seconds=False):
    option = struct.pack("<HHB3xHH", 9, 1, 0, 0, 0) if seconds else b""
    return block(1, struct.pack("<HHI", link, 0, 0) + option)


def packet(at, when, data):
    return block(6, struct.pack("<IIIII", at, when >> 32, when & 0xffffffff, len(data), len(data)) + data)


def broken_files(folder, capture):
    head = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 0xffffffff, 1)
    one = struct.pack("<IIII", 1, 2, len(frame(0)), len(frame(0))) + frame(0)
    with open(capture, "rb") as file:
        whole = file.read()
    times = (0, 1, 1 << 31, 1 << 33, 1 << 62, 1 << 63, (1 << 64) - 1, 1_700_000_000, 3)
    files = {
        "empty": (b"", 1, ["cannot read", "truncated"]),
        "zeros": (bytes(100), 1, ["cannot read", "unknown file format"]),
        "text": (b"#!/bin/sh\nexit 1\n", 1, ["cannot read", "unknown file format"]),
        "cut off in its header": (head[:10], 1, ["cannot read", "truncated"]),
        "cut off in a packet": (whole[:-20], 1, ["499 received", "truncated dump file", "LOST 0"]),
        "a snaplen of 2^32-1": (head + one, 0, ["1 received", "LOST 0"]),
        "a packet of 2 GB": (head + struct.pack("<IIII", 1, 2, 0x7fffffff, 0x7fffffff), 1, ["0 received", "capture length"]),
        "microseconds of 2^32-1": (head + struct.pack("<IIII", 0xffffffff, 0xffffffff, 3, 3) + b"abc", 0, ["1 received"]),
        "link type 147": (head[:-4] + struct.pack("<I", 147), 1, ["link type", "147", "it reads Ethernet"]),
        "pcapng with two link types": (pcapng(interface(1), interface(101), packet(0, 1, frame(0)), packet(1, 2, b"E")), 1,
                                       ["different from the type of the first interface"]),
        "pcapng with seconds from all ages": (pcapng(interface(1, True), *(packet(0, t, frame(0)) for t in times)), 0,
                                              [f"{len(times)} received"]),
    }
    path = f"{folder}/broken"
    for name, (data, code, words) in files.items():
        with open(path, "wb") as file:
            file.write(data)
        good = True
        for more in (["--printer", "text", "--audit", f"file:{folder}/audit", "--diag", "latency"], ["--printer", "json"],
                     ["--strategy", "flows", "--printer", "csv"], ["-w", f"{folder}/copy"]):
            got, _, err = run("-r", path, *more)
            if got != code or "Sanitizer" in err or "runtime error" in err or not all(word in err for word in words):
                good = f"{more}: exit code {got}: {err[-500:]}"
        check(f"-r {name}: exit code {code}, {words[-1]}", good is True, good)
    # Before the first, and due in three hundred years: it waits, and can be asked to end.
    with open(path, "wb") as file:
        file.write(pcapng(interface(1, True), *(packet(0, t, frame(0)) for t in (5, 1 << 63, 9_223_372_036))))
    with Tap(PROGRAM, "-r", path, "--pace", "recorded", "-w", "/dev/null") as tap:
        tap.room()
        tap.interrupt()
        code, err = tap.end(), tap.err.decode()
        check("--pace recorded of times that cannot be: waits, and ends when asked to", code == 0 and "runtime error" not in err and
              tap.account().get("adds up"), f"{code}: {err}")
    says("-r a folder", ["-r", folder], 1, "Is a directory")
    says("-r what is not there", ["-r", f"{folder}/not there"], 1, "No such file")
    says("-r - where nothing comes", ["-r", "-"], 1, "cannot read standard input")


def outputs(folder, capture):
    before = os.stat(capture)
    with open(capture, "rb") as file:
        data = file.read()
    os.link(capture, f"{folder}/link.pcap")
    os.symlink(capture, f"{folder}/symlink.pcap")
    for name in (capture, f"{folder}/link.pcap", f"{folder}/symlink.pcap"):
        says(f"-w {os.path.basename(name)}, which is the file of -r: refused", ["-r", capture, "-w", name], 1, "-w",
             "it is the file that is read")
    with open(capture, "rb") as stdin:
        says("-w the file of -r -: refused", ["-r", "-", "-w", capture], 1, "it is the file that is read", stdin=stdin)
    with open(capture, "rb") as file:
        check("the file is as it was", file.read() == data and os.stat(capture).st_ino == before.st_ino, "it has changed")
    for slot, name in itertools.product(("audit", "metrics"), (capture, f"{folder}/link.pcap", f"{folder}/symlink.pcap")):
        says(f"--{slot} file:{os.path.basename(name)}, which is the file of -r: refused",
             ["-r", capture, "-w", "/dev/null", f"--{slot}", f"file:{name}"], 2, f"--{slot}", "it is the file that is read")
    with open(f"{folder}/there", "wb") as stdout:
        stdout.write(b"kept")
    for slot, name in itertools.product(("audit", "metrics"), ("there", "new", "./new")):
        says(f"--{slot} file:{name}, which is the file of -w: refused", ["-r", capture, "-w", f"{folder}/{name.strip('./')}",
             f"--{slot}", f"file:{folder}/{name}"], 2, f"--{slot}", "it is the file that the packets are written to")
    with open(f"{folder}/there", "rb") as file:
        check("the file of -w is as it was", file.read() == b"kept", "it has changed")
    says("--metrics where PATH.part is the file of -w: refused", ["-r", capture, "-w", f"{folder}/new.part", "--metrics",
                                                                  f"file:{folder}/new"], 2, "new.part", "packets are written")
    with open(capture, "rb") as file:
        check("the file of -r is as it was", file.read() == data, "it has changed")
    says("-w a folder", ["-r", capture, "-w", folder], 1, "-w", "Is a directory; name a file in it")
    says("-w into no folder", ["-r", capture, "-w", f"{folder}/no/file"], 1, "-w", "No such file")
    with open(f"{folder}/keep", "w", encoding="ascii") as file:
        file.write("kept")
    run("-r", capture, "-w", f"{folder}/keep", "--printer", "xml")
    with open(f"{folder}/keep", encoding="ascii") as file:
        check("a wrong command line does not empty the file of -w", file.read() == "kept", "it is empty")
    os.mkfifo(f"{folder}/fifo")
    for slot in ("audit", "metrics"):
        for path, word in ((f"{folder}/fifo", "cannot write" if slot == "audit" else "a FIFO"), (folder, "irectory"),
                           (f"{folder}/no/file", "No such file")):
            says(f"--{slot} file:{os.path.basename(path)}: refused at once", ["-r", capture, f"--{slot}", f"file:{path}"], 2,
                 f"--{slot}", word)
    for device in ("/dev/null", "/dev/full"):
        number = os.stat(device).st_rdev
        says(f"--metrics file:{device}: refused, the device stays", ["-r", capture, "--metrics", f"file:{device}"], 2, "is a device")
        check(f"{device} is still a device", os.stat(device).st_rdev == number, "it is gone")
    says("--audit file:/dev/null is fine", ["-r", capture, "-w", "/dev/null", "--audit", "file:/dev/null"], 0, "500 printed")
    os.symlink(f"{folder}/not yet", f"{folder}/metrics.part")
    says("--metrics writes through no link at PATH.part", ["-r", capture, "--metrics", f"file:{folder}/metrics"], 2, "metrics.part")
    check("and has made nothing there", not os.path.exists(f"{folder}/not yet"), "it has")
    code, _, err = run("-r", capture, "-w", "/dev/full")
    check("a full disk: exit code 1, said and counted, the account is true", code == 1 and "LOST 500;" in err and
          "500 received = 0 printed + 500 not written + 0 filtered" in err and
          "bytes of output could not be written" in err and "cannot write to /dev/full: No space left" in err, err)
    limited = ("sh", "-c", "trap '' XFSZ; ulimit -f 8192; exec \"$@\"", "sh")   # no file above 4 MiB
    with Tap(PROGRAM, "--no-control", "-r", f"{folder}/big.pcap", "-w", f"{folder}/short", "--printer", "text",
             prefix=limited) as tap:
        code, account = tap.end(), tap.account()
    with open(f"{folder}/short", "rb") as file:
        got = len(numbers(file.read()))
    check("a disk that fills up: what is printed is in the file, but for the chunk that came in part", code == 1 and
          account["adds up"] and account["LOST"] == account["not written"] and
          0 <= got - account["printed"] < 2000 and account["printed"] > 1000, f"{code}, {got} in the file, {account}")
    code, out, err = run("-r", capture, "--audit", "file:/dev/full")
    check("a full disk under an audit: the output goes on, exit code 1", code == 1 and numbers(out) == list(range(500)) and
          "cannot write to /dev/full: No space left on device; going on without it" in err, err)
    code, _, err = run("-r", capture, preexec_fn=lambda: os.close(1))
    check("a closed standard output: an error", code == 1 and "standard output: Bad file descriptor" in err, err)


def told(tap, what):
    """What it says on stderr until this is in it."""
    said, until = b"", time.monotonic() + PATIENCE
    while what not in said and time.monotonic() < until:
        if select.select([tap.process.stderr], [], [], 0.5)[0]:
            said += os.read(tap.process.stderr.fileno(), 4096)
    return said


def signals(folder):
    with Tap(PROGRAM, "--no-control", "-r", f"{folder}/big.pcap") as tap:
        pipe = tap.process.stdout
        head = os.read(pipe.fileno(), 100)
        check("| head -1: a line comes", head.startswith(b"22:13:20."), head)
        pipe.close()
        tap.process.stdout = None
        code = tap.process.wait(5 * PATIENCE)
        err = tap.process.stderr.read().decode()
        check("| head -1: ends quietly with 0", code == 0 and "cannot" not in err and "does not" not in err, err)
    for name, capture in (("the lane waits", "big.pcap"), ("all is handled but not written", "some.pcap")):
        with Tap(PROGRAM, "--no-control", "-r", f"{folder}/{capture}") as tap:
            os.read(tap.process.stdout.fileno(), 1)
            tap.interrupt()
            said = told(tap, b"press Ctrl-C again")
            check(f"an output that nobody reads, {name}: says how to end it", b"press Ctrl-C again" in said, said)
            tap.interrupt()
            check(f"an output that nobody reads, {name}: a second Ctrl-C ends it", tap.process.wait(PATIENCE) == 130,
                  tap.process.returncode)
    with open(f"{folder}/in.pcap", "rb") as file:
        data = file.read()
    for number in (signal.SIGINT, signal.SIGTERM):
        with Tap(PROGRAM, "-r", "-", stdin=subprocess.PIPE) as tap:
            tap.process.stdin.write(data)
            tap.process.stdin.flush()
            room = tap.room()
            until = time.monotonic() + PATIENCE
            while room.call("List")["lanes"][0]["records"] < 500 and time.monotonic() < until:
                time.sleep(0.01)
            tap.interrupt(number)
            code = tap.process.wait(PATIENCE)
            tap.process.stdin.close()
            tap.process.stdin = None
            tap.end()
            check(f"{number.name} ends -r - where nothing comes, and what came is written", code == 0 and
                  numbers(tap.out) == list(range(500)), f"{code} {tap.err}")


def unread_stderr(folder):
    """A standard error that is full holds up nothing but what goes there."""
    def start(*more):
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        os.write(write, b"." * 4096)
        tap = subprocess.Popen([PROGRAM, "--no-control", "-r", f"{folder}/big.pcap", "--diag", "latency:1ms", *more],
                               stdout=subprocess.PIPE, stderr=write)
        os.close(write)
        return tap, read

    tap, read = start()
    try:
        out = tap.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        tap.kill()
        out = tap.communicate()[0]
    check("a standard error that nobody reads: all packets come out, it ends by itself, with 1",
          tap.returncode == 1 and numbers(out) == list(range(200_000)), f"{tap.returncode}, {len(out)} bytes")
    os.close(read)
    tap, read = start("-w", "/dev/null", "--pace", "200000")
    time.sleep(0.5)
    said = b""
    while True:
        more = os.read(read, 1000)
        if not more:
            break
        said += more
    os.close(read)
    lines = said[4096:].decode().splitlines()
    ages = [line for line in lines if re.fullmatch(r"age us: p50 \S+ p99 \S+ p99\.9 \S+ max \S+ of \d+ packets", line)]
    check("a standard error that is read late: each line comes whole and once, exit code 0", tap.wait(PATIENCE) == 0 and
          len(ages) > 100 and len(ages) == len(lines) - 2 and lines[-2].startswith("200000 received = 200000 printed") and
          sum(int(line.split()[-2]) for line in ages) == 200_000, f"{tap.returncode}: {len(ages)} of {len(lines)} {lines[-4:]}")


def on_a_terminal(folder, columns):
    """The bytes that come to a terminal, until there are some lines of each kind and the tap has been asked to end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    rude = os.fsencode(folder) + b"/\x1b[31m\xc3\xa4\x07\xff"
    tap = subprocess.Popen([PROGRAM, "--no-control", "-r", f"{folder}/big.pcap", "--pace", "500", "-w", "/dev/null", "--audit",
                            b"file:" + rude, "--printer", "text", "--diag", "latency:500ms"], stderr=slave,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.close(slave)
    said, asked, until = b"", False, time.monotonic() + PATIENCE
    while True:
        if not asked and (said.count(b"in ") >= 3 and said.count(b"age us") >= 2 or time.monotonic() > until):
            tap.send_signal(signal.SIGINT)
            asked = True
        try:
            more = os.read(master, 4096)
        except OSError:
            break
        if not more:
            break
        said += more
    tap.wait(PATIENCE)
    os.close(master)
    return said


def status(folder):
    for columns in (80, 40, 200):
        said = on_a_terminal(folder, columns)
        drawn = [line for line in re.findall(rb"\r([^\r\n]*?)\x1b\[K", said) if line]
        shown = [line for line in drawn if line.startswith(b"in ")]
        check(f"status, {columns} columns: rates, LOST and swaps are in every line",
              len(shown) >= 2 and all(re.match(rb"in \S+/s out \S+B/s LOST 0 swaps 0", line) for line in shown), said)
        check(f"status, {columns} columns: fits in one line", all(len(line) < columns for line in shown), shown)
        rest = re.sub(rb"\r\x1b\[K|\x1b\[K|\r\n", b"", said)
        check(f"status, {columns} columns: nothing of a config reaches the terminal raw",
              not re.search(rb"[^\x20-\x7e\r]", rest), rest)
        check(f"status, {columns} columns: other lines are over it", said.count(b"age us") >= 2 and
              said.count(b"age us") == said.count(b"\r\x1b[Kage us"), said)
    check("status: the handlers in force, revision and ring", b"rev 2 ring 0% printer=text audit=file:" in said and
          b"diag=latency:500ms" in said, said)
    check("no status line without a terminal", "in " not in run("-r", f"{folder}/in.pcap", "-w", "/dev/null")[2].split("\n")[0][:3],
          "there is one")


def more_signals(folder):
    with Tap(PROGRAM, "-r", f"{folder}/big.pcap", "--pace", "5000", "-w", f"{folder}/out") as tap:
        tap.room()
        tap.interrupt(signal.SIGUSR1)
        said = told(tap, b"received so far")
        check("SIGUSR1: says the figures so far and goes on", b"received so far, LOST 0, revision 2" in said and
              tap.process.poll() is None, said)
        # As timeout(1) does: to its child, and to the group that the child is in.
        tap.interrupt()
        tap.interrupt()
        code = tap.end()
        check("a signal that comes twice: drains and adds up all the same", code == 0 and tap.account().get("adds up"),
              f"{code}: {tap.err.decode()}")
    for word in ("inbound", "outbound"):
        code, _, err = run("-r", f"{folder}/sll.pcap", "-w", f"{folder}/out", word)
        check(f"a filter on {word} where the packet says it", code == 0, err)
        code, _, err = run("-r", f"{folder}/in.pcap", "-w", f"{folder}/out", word)
        check(f"a filter on {word} where only the kernel knows: refused", code == 2 and "only the kernel knows" in err, err)


def main():
    with tempfile.TemporaryDirectory(prefix="croomtap-test-") as folder:
        os.environ.update(TZ="UTC", XDG_RUNTIME_DIR=folder)
        capture = f"{folder}/in.pcap"
        write_capture(capture, 500)
        write_capture(f"{folder}/some.pcap", 5000)
        write_capture(f"{folder}/sll.pcap", 5, linktype=113, make=lambda n: b"\0\0\0\1\0\6\2\0\0\0\0\2\0\0\x08\0" + frame(n)[14:])
        write_capture(f"{folder}/big.pcap", 200_000)
        parts = {"wrong": lambda: wrong_values(capture), "right": lambda: right_values(capture),
                 "broken": lambda: broken_files(folder, capture), "outputs": lambda: outputs(folder, capture),
                 "signals": lambda: signals(folder), "more": lambda: more_signals(folder),
                 "unread": lambda: unread_stderr(folder), "status": lambda: status(folder)}
        for part in sys.argv[2:] or parts:
            parts[part]()
    finish()


main()
