# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of croomtap share: captures with a number in each packet, a tap that runs, its control socket, a network
namespace of our own; the lab's tap suite, too."""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

failures = 0
PATIENCE = 60.0   # seconds for anything that a busy machine may delay
UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]


def check(name, good, reason=""):
    """One line per check, as script/count.py reads them."""
    global failures
    if good:
        print(f"ok - {name}", flush=True)
    else:
        failures += 1
        print(f"not ok - {name}: {reason}", flush=True)
    return good


def skip(name, reason):
    print(f"skip - {name}: {reason}", flush=True)


def finish():
    sys.exit(1 if failures else 0)


def frame(number, payload=b"number"):
    """An Ethernet frame with a UDP datagram whose addresses and source port say its number, since every text format
    shows them: number x << 16 | y << 8 | z goes from 10.0.0.x port 4096 + z to 10.1.0.y."""
    udp = struct.pack("!HHHH", 4096 + (number & 255), 9, 8 + len(payload), 0) + payload
    ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0,
                               bytes((10, 0, 0, number >> 16 & 255)), bytes((10, 1, 0, number >> 8 & 255))))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip[10:12] = struct.pack("!H", ~(total + (total >> 16)) & 0xffff)
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + bytes(ip) + udp


def write_capture(path, count, when=lambda number: number * 10_000, linktype=1, make=frame):
    """A nanosecond pcap file of numbered packets; when: the nanosecond of each."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, linktype))
        for number in range(count):
            at, data = 1_700_000_000_000_000_000 + when(number), make(number)
            file.write(struct.pack("<IIII", at // 10**9, at % 10**9, len(data), len(data)) + data)


# In a line of text, of csv, of json.
NUMBER = re.compile(rb'10\.0\.0\.(\d+)(?:\.(\d+) > 10\.1\.0\.(\d+)\.|,(\d+),10\.1\.0\.(\d+),'
                    rb'|","dst":"10\.1\.0\.(\d+)".*?"src_port":(\d+))')


def numbers(data):
    """The numbers that lines of text, json or csv show, in order."""
    return [int(x) << 16 | int(y1 or y2 or y3) << 8 | int(z1 or z2 or z3) - 4096
            for x, z1, y1, z2, y2, y3, z3 in NUMBER.findall(data)]


def number_at(data, at):
    """Of the frame that begins there: see rig.frame()."""
    return data[at + 29] << 16 | data[at + 33] << 8 | int.from_bytes(data[at + 34:at + 36], "big") - 4096


def numbers_in_capture(data):
    """The numbers in a pcap file."""
    at, found = 24, []
    while at + 16 <= len(data):
        found.append(number_at(data, at + 16))
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    return found


def numbers_in_blocks(data):
    """The same for pcapng: enhanced packet blocks."""
    at, found = 0, []
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            found.append(number_at(data, at + 28))
        at += length
    return found


def numbers_in(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return numbers_in_capture(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return numbers_in_blocks(data)
    return numbers(data)


def tally(paths, count):
    """Numbers that are missing and that came twice."""
    seen = bytearray(count)
    doubled = 0
    for path in paths:
        for number in numbers_in(path):
            if number < count:
                doubled += seen[number]
                seen[number] = 1
    return count - sum(seen), doubled


class Refused(Exception):
    def __init__(self, error, parameters):
        super().__init__(f"{error} {parameters}")
        self.error, self.parameters = error.rsplit(".", 1)[1], parameters


class Room:
    """A client of the control socket: Varlink is JSON objects with a NUL behind each."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.rest = b""

    def call(self, method, **parameters):
        self.socket.sendall(json.dumps({"method": "org.croom.Room." + method, "parameters": parameters}).encode() + b"\0")
        while b"\0" not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the tap has closed the connection")
            self.rest += more
        reply, self.rest = self.rest.split(b"\0", 1)
        reply = json.loads(reply)
        if "error" in reply:
            raise Refused(reply["error"], reply.get("parameters", {}))
        return reply["parameters"]

    def swap(self, wait_ms=None, **slots):
        changes = [{"slot": slot, "handler": handler} for slot, handler in slots.items()]
        more = {} if wait_ms is None else {"wait_ms": wait_ms}
        return self.call("Swap", changes=changes, **more)

    def handlers(self):
        return {slot["name"]: slot["handler"] for slot in self.call("List")["slots"]}


class Tap:
    """A croomtap with a room directory of its own. Ends with the `with` block, whatever happens."""

    def __init__(self, program, *args, prefix=(), folder=None, stdin=None, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE):
        self.folder = folder or tempfile.mkdtemp(prefix="croomtap-test-")
        self.own_folder = folder is None
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=self.folder, TZ="UTC")
        self.process = subprocess.Popen([*prefix, program, *args], env=self.environment, stdin=stdin, stdout=stdout,
                                        stderr=stderr)
        self.out = self.err = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def room(self, name="croomtap"):
        """Wait for its control socket."""
        path, until = f"{self.folder}/croom/{name}.socket", time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                return Room(path)
            except OSError:
                time.sleep(0.01)
        raise TimeoutError(f"no control socket at {path}; the tap said {self.end()}")

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def end(self):
        """Wait until it has ended; its exit code. Its output is in out and err."""
        if self.process.stderr and not self.process.stderr.closed:
            try:
                self.out, self.err = self.process.communicate(timeout=10 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.out, self.err = self.process.communicate()
        return self.process.returncode

    def account(self):
        """The sum that it printed at its end, as a dict; 'LOST' and 'swaps' are in it too."""
        text = self.err.decode(errors="replace")
        match = re.search(r"^(\d+) received(?: by the kernel)? = (.*)$", text, re.M)
        if not match:
            return {}
        account = {"received": int(match[1])}
        account.update({name: int(figure) for figure, name in re.findall(r"(\d+) ([a-z -]+?)(?: \+|$)", match[2])})
        lost = re.search(r"^LOST (\d+); (\d+) swaps?", text, re.M)
        account["LOST"], account["swaps"] = int(lost[1]), int(lost[2])
        account["adds up"] = account["received"] == sum(v for k, v in account.items()
                                                        if k not in ("received", "LOST", "swaps"))
        return account


def no_namespace(*tools, unshare=UNSHARE):
    """Why no network namespace of our own can be had, with these tools in it; None when it can."""
    missing = [tool for tool in ("unshare", "ip", *tools) if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not installed"
    refused = subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode
    return "this system lets us make no network namespace" if refused else None


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def veth():
    """A pair, far and near, that nothing but our frames goes over."""
    ip("link", "add", "far", "type", "veth", "peer", "name", "near")
    for name in ("near", "far"):
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        ip("link", "set", name, "up")


def received_by(interface):
    """The kernel's own counter."""
    with open("/proc/net/dev", encoding="ascii") as file:
        return int(re.search(rf"^ *{interface}: *\d+ +(\d+)", file.read(), re.M)[1])


def swaps(folder):
    """For ever: the next change, of one slot or of two. Every packet is kept and shows its number."""
    turns = [itertools.cycle(changes) for changes in (
        [{"printer": p} for p in ("text", "pcap", "json", "pcapng", "csv")],
        [{"filter": "bpf:udp", "strategy": "sample:1"}, {"filter": "all", "strategy": "each"}],
        [{"audit": f"file:{folder}/audit"}, {"audit": "off"}],
        [{"diag": d} for d in ("latency", "drops", "malformed", "off")],
        [{"filter": "bpf:len > 20"}, {"filter": "bpf:ip src net 10.0.0.0/24 and udp port 9"}],
        [{"metrics": f"file:{folder}/metrics"}, {"metrics": "off"}, {"metrics": "statsd:127.0.0.1:9"}])]
    while True:
        for turn in turns:
            yield next(turn)
